//! What group commits tell the audit log: changes of wallets, and reversals.

use service::transfers::{AskedAmount, Asking, NewReversal};
use service::values::{TransferId, WalletId};
use service::wallets::{Expected, StatusReason, WalletLimits};

use crate::audit::mutations::Act;
use crate::audit::mutations::scene::Scene;
use crate::requests::{money, new_transfer, submit};

fn freeze(scene: &Scene, wallet: WalletId) -> Act {
    let by = scene.operator.clone();
    scene.act(|services| async move {
        let reason = StatusReason::try_new("A stolen phone.");
        services.wallets.freeze(&by, wallet, reason, Expected::Anything).await
    })
}

pub async fn frozen(scene: &Scene) -> Act {
    freeze(scene, scene.customer().await.wallet)
}

pub async fn a_closed_one_frozen(scene: &Scene) -> Act {
    freeze(scene, scene.closed_wallet().await)
}

fn unfreeze(scene: &Scene, wallet: WalletId) -> Act {
    let by = scene.operator.clone();
    scene.act(|services| async move { services.wallets.unfreeze(&by, wallet, None, Expected::Anything).await })
}

pub async fn unfrozen(scene: &Scene) -> Act {
    let wallet = scene.customer().await.wallet;
    let wallets = &scene.bank.services.wallets;
    let frozen = wallets.freeze(&scene.operator, wallet, None, Expected::Anything).await;
    frozen.expect("a wallet can be frozen");
    unfreeze(scene, wallet)
}

pub async fn a_closed_one_unfrozen(scene: &Scene) -> Act {
    unfreeze(scene, scene.closed_wallet().await)
}

fn close(scene: &Scene, wallet: WalletId) -> Act {
    let by = scene.operator.clone();
    scene.act(|services| async move { services.wallets.close(&by, wallet, Expected::Anything).await })
}

pub async fn closed(scene: &Scene) -> Act {
    close(scene, scene.customer().await.wallet)
}

pub async fn closed_with_a_balance(scene: &Scene) -> Act {
    let wallet = scene.customer().await.wallet;
    scene.bank.fund(wallet, "5", "visa").await;
    close(scene, wallet)
}

fn limit(scene: &Scene, wallet: WalletId) -> Act {
    let by = scene.operator.clone();
    let limits = WalletLimits {
        per_day_count: Some(3),
        ..WalletLimits::default()
    };
    scene.act(|services| async move {
        services
            .wallets
            .set_limits(&by, wallet, limits, Expected::Anything)
            .await
    })
}

pub async fn limited(scene: &Scene) -> Act {
    limit(scene, scene.customer().await.wallet)
}

pub async fn a_closed_one_limited(scene: &Scene) -> Act {
    limit(scene, scene.closed_wallet().await)
}

/// A transfer of 30 between two new customers.
async fn paid(scene: &Scene) -> TransferId {
    let (from, to) = (scene.customer().await, scene.customer().await);
    scene.bank.fund(from.wallet, "30", "visa").await;
    let new = new_transfer(from.wallet, to.wallet, "30");
    let paid = submit(&scene.bank.services, &from.actor, new).await;
    paid.expect("there is enough").transfer.transfer.id
}

fn reverse(scene: &Scene, original: TransferId, amount: &str) -> Act {
    let asking = Asking::by(&scene.operator);
    let new = NewReversal {
        original,
        amount: AskedAmount::Exactly(Some(money(amount))),
        description: None,
    };
    scene.act(|services| async move { services.transfers.reverse(asking, new).await })
}

pub async fn reversed(scene: &Scene) -> Act {
    reverse(scene, paid(scene).await, "10")
}

pub async fn reversed_beyond_the_original(scene: &Scene) -> Act {
    reverse(scene, paid(scene).await, "31")
}
