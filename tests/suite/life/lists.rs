//! Lists of holds, of what became of them, and of refused captures.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{TestBank, on_every_backend};
use service::identity::Actor;
use service::page::PageRequest;
use service::transfers::{HoldTerms, NewTransfer, TransferFilter};
use service::values::{TransferId, TransferKind, TransferStatus};
use service::wallets::Expected;

use super::{Answer, LifeStage, code};
use crate::requests::{new_transfer, quiet_customer, submit};

on_every_backend!(
    a_hold_is_listed_by_the_status_that_it_is_shown_with,
    what_became_of_a_transfer_is_listed_by_its_parent,
    a_refused_capture_is_listed_for_who_asked_and_for_the_source,
);

async fn a_hold_is_listed_by_the_status_that_it_is_shown_with(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let (ana, ben) = (&stage.ana.0, &stage.ben.0);
    let (taken, voided) = (stage.hold("10").await, stage.hold("10").await);
    let short = NewTransfer {
        hold: HoldTerms::try_new(60),
        ..new_transfer(stage.ana.1, stage.ben.1, "10")
    };
    let expired = submit(&bank.services, ana, short).await.expect("there is enough");
    let expired = expired.transfer.transfer.id;
    let (open, partly) = (stage.hold("10").await, stage.hold("10").await);
    let refused = submit(&bank.services, ana, stage.new_hold("1000")).await;
    assert_eq!(code(&refused), "insufficient_funds");
    stage.capture(ben, taken, Some("1"), true).await.expect("it is open");
    stage.capture(ben, partly, Some("1"), false).await.expect("it is open");
    stage.void(ben, voided).await.expect("it is open");
    bank.advance(TimeDelta::seconds(61)).await;
    let holds = |status| TransferFilter {
        status: Some(status),
        kind: Some(TransferKind::Hold),
        ..TransferFilter::default()
    };
    for (actor, wallet) in [
        (ana.clone(), None),
        (ben.clone(), None),
        (ben.clone(), Some(stage.ben.1)),
        (stage.operator.clone(), None),
        (stage.operator.clone(), Some(stage.ana.1)),
    ] {
        let of = async |status| {
            let filter = TransferFilter {
                wallet,
                ..holds(status)
            };
            listed(&bank, &actor, filter).await
        };
        assert_eq!(of(TransferStatus::Pending).await, [partly, open]);
        assert_eq!(of(TransferStatus::Completed).await, [taken]);
        let failed = of(TransferStatus::Failed).await;
        if actor == ben.clone() {
            assert_eq!(failed, [expired, voided], "the refused one is ana's own business");
        } else {
            assert_eq!(failed.len(), 3, "{failed:?}");
            assert_eq!(failed[1..], [expired, voided]);
        }
    }
    bank.advance(TimeDelta::hours(1)).await;
    let pending = listed(&bank, &stage.operator, holds(TransferStatus::Pending)).await;
    assert_eq!(
        pending,
        Vec::<TransferId>::new(),
        "all have run out, and none is released yet"
    );
    assert_eq!(
        listed(&bank, ana, holds(TransferStatus::Completed)).await,
        [partly, taken],
        "something was captured of these"
    );
}

async fn what_became_of_a_transfer_is_listed_by_its_parent(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let (eve, _) = quiet_customer(&bank, "eve").await;
    let hold = stage.hold("30").await;
    let id = |answer: Answer| answer.expect("it is made").transfer.transfer.id;
    let capture = id(stage.capture(&stage.ben.0, hold, Some("10"), false).await);
    let release = id(stage.void(&stage.ben.0, hold).await);
    let reversal = id(stage.reverse(capture, Some("4")).await);
    for (actor, is_theirs) in [
        (&stage.ana.0, true),
        (&stage.ben.0, true),
        (&stage.operator, true),
        (&eve, false),
    ] {
        let of = async |parent| {
            let filter = TransferFilter {
                parent: Some(parent),
                ..TransferFilter::default()
            };
            listed(&bank, actor, filter).await
        };
        let if_theirs = |ids: &[TransferId]| if is_theirs { ids.to_vec() } else { Vec::new() };
        assert_eq!(of(hold).await, if_theirs(&[release, capture]));
        assert_eq!(of(capture).await, if_theirs(&[reversal]));
        assert_eq!(of(reversal).await, Vec::<TransferId>::new());
    }
    assert_eq!(stage.get(capture).await.reversed.to_string(), "4.0000");
}

async fn a_refused_capture_is_listed_for_who_asked_and_for_the_source(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let (eve, _) = quiet_customer(&bank, "eve").await;
    let hold = stage.hold("30").await;
    let frozen = bank
        .services
        .wallets
        .freeze(&stage.operator, stage.ana.1, None, Expected::Anything);
    frozen.await.expect("an operator can");
    let refused = stage.capture(&stage.ben.0, hold, None, true).await;
    assert_eq!(code(&refused), "wallet_frozen");
    let failed = TransferFilter {
        status: Some(TransferStatus::Failed),
        ..TransferFilter::default()
    };
    let all = listed(&bank, &stage.operator, failed).await;
    assert_eq!(all.len(), 1);
    for (actor, wallet, is_shown) in [
        (&stage.ana.0, None, true),
        (&stage.ana.0, Some(stage.ana.1), true),
        (&stage.ben.0, None, true),
        (&stage.ben.0, Some(stage.ben.1), true),
        (&stage.operator, Some(stage.ana.1), true),
        // An operator's list of a wallet has the refusals of its own payments only.
        (&stage.operator, Some(stage.ben.1), false),
        (&eve, None, false),
    ] {
        let found = listed(&bank, actor, TransferFilter { wallet, ..failed }).await;
        assert_eq!(found == all, is_shown, "{actor:?} {wallet:?}: {found:?}");
    }
    for (actor, is_shown) in [(&stage.ana.0, true), (&stage.ben.0, true), (&eve, false)] {
        assert_eq!(bank.services.transfers.get(actor, all[0]).await.is_ok(), is_shown);
    }
}

/// The ids of a list's only page.
async fn listed(bank: &TestBank, actor: &Actor, filter: TransferFilter) -> Vec<TransferId> {
    let request = PageRequest { limit: 50, after: None };
    let page = bank.services.transfers.list(actor, filter, request).await;
    let page = page.expect("transfers can be listed");
    assert_eq!(page.next, None);
    page.items.iter().map(|shown| shown.transfer.id).collect()
}
