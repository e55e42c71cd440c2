//! What leaves no line in the audit log: what is refused, what changes nothing, a dry run.

use std::sync::Arc;

use harness::{Answer, TestBank, on_every_backend};
use reqwest::Method;
use service::ledger::{Action, AskedAmount, Command, ReversalRequest, Texts};
use service::transfers::{Asking, NewReversal};
use service::values::{AuditId, TransferId, WalletId};
use service::wallets::{Expected, WalletLimits};
use uuid::Uuid;

use super::{actions, lines, transfer_of};
use crate::life::{LifeStage, code, reverse};
use crate::own_committer::Committer;
use crate::requests::{key, money, new_transfer, submit, wallet_path};

on_every_backend!(
    a_refused_change_has_no_line,
    a_reversal_that_is_not_made_has_no_line,
    a_dry_run_has_no_line,
);

async fn a_refused_change_has_no_line(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let (wallets, operator) = (&stage.services.wallets, &stage.operator);
    let (ana, ben, system) = (stage.ana.1, stage.ben.1, bank.system_wallet("visa").await);
    let limits = WalletLimits {
        per_day_count: Some(3),
        ..WalletLimits::default()
    };
    let any = || Expected::Anything;
    let mut before = Vec::new();
    // The second time nothing changes.
    for _ in 0..2 {
        let frozen = wallets.freeze(operator, ana, None, any()).await;
        frozen.expect("it is active, or frozen");
        let closed = wallets.close(operator, ben, any()).await;
        closed.expect("it is empty, or closed");
        let limited = wallets.set_limits(operator, ana, limits, any()).await;
        limited.expect("it is not closed");
        let now = lines(&bank).await;
        assert!(before.is_empty() || now == before, "{now:?}");
        before = now;
    }
    assert_eq!(actions(&before), ["wallet.frozen", "wallet.closed", "wallet.limited"]);
    let unknown = WalletId(Uuid::from_u128(1));
    let refused = [
        wallets.close(operator, ana, any()).await,
        wallets.unfreeze(operator, ben, None, any()).await,
        wallets.set_limits(operator, ben, limits, any()).await,
        wallets.freeze(operator, system, None, any()).await,
        wallets.set_limits(operator, system, limits, any()).await,
        wallets.freeze(operator, unknown, None, any()).await,
    ];
    for (number, answer) in refused.iter().enumerate() {
        assert!(answer.is_err(), "number {number}: {answer:?}");
    }
    // Not as the caller expects.
    let desk = bank.operator().await;
    let request = desk.request(Method::POST, &wallet_path(ana, "/unfreeze"));
    let answer = Answer::of(request.header("if-match", "\"x\"")).await;
    answer.expect_problem(412, "precondition_failed");
    assert_eq!(lines(&bank).await, before);
}

async fn a_reversal_that_is_not_made_has_no_line(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let paid = stage.pay("40").await.expect("there is enough").transfer.transfer.id;
    let again = || Asking::by(&stage.operator).with_key(key("once"));
    let asked = || NewReversal {
        original: paid,
        amount: AskedAmount::Exactly(Some(money("10"))),
        description: Some("a mistake".to_owned()),
    };
    let made = stage.services.transfers.reverse(again(), asked()).await;
    made.expect("ben has it");
    let before = lines(&bank).await;
    assert_eq!(actions(&before), ["transfer.reversed"]);
    let told = format!("{:?}", before[0].after);
    assert!(!told.contains("mistake"), "a customer's text is told: {told}");
    // The stored outcome of the key.
    let replayed = stage.services.transfers.reverse(again(), asked()).await;
    assert!(replayed.expect("it was made").replayed);
    let above = stage.reverse(paid, Some("31")).await;
    assert_eq!(code(&above), "amount_exceeds_original");
    let by_a_customer = reverse(&stage.services, &stage.ana.0, paid, None).await;
    assert_eq!(code(&by_a_customer), "transfer_not_found");
    // A FAILED reversal is recorded, but nothing was taken back.
    let back = new_transfer(stage.ben.1, stage.ana.1, "30");
    submit(&stage.services, &stage.ben.0, back).await.expect("ben has it");
    let rows = bank.row_counts().await;
    assert_eq!(code(&stage.reverse(paid, None).await), "insufficient_funds");
    assert_eq!(bank.row_counts().await, (rows.0 + 1, rows.1));
    assert_eq!(lines(&bank).await, before);
}

async fn a_dry_run_has_no_line(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let paid = stage.pay("40").await.expect("there is enough").transfer.transfer.id;
    let committer = Committer::of(&bank).await;
    let reversal = |amount| {
        let action = Action::Reverse(ReversalRequest {
            original: paid,
            amount: AskedAmount::Exactly(Some(money(amount))),
            texts: Texts::default(),
        });
        Command::new(stage.operator.clone(), action)
    };
    // Before and after one that is made, in one batch.
    let commands = vec![reversal("1").dry(true), reversal("2"), reversal("3").dry(true)];
    let outcomes = committer.commit(&bank, commands).await;
    let made: Vec<TransferId> = outcomes.iter().map(transfer_of).collect();
    let lines = lines(&bank).await;
    assert_eq!(actions(&lines), ["transfer.reversed"]);
    assert_eq!(lines[0].id, AuditId(made[1].0));
}
