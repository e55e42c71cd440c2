//! Every record of the journal, whether it was handed over in memory or read from the database.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{TestBank, on_every_backend};
use service::feed::Reader;
use service::identity::Actor;
use service::ledger::{
    Action, AllRecords, AskedAmount, CaptureRequest, Command, Destination, Expected, Handovers, HoldTerms, Ledger,
    LimitsRequest, Movement, Outcome, Record, ReversalRequest, StatusRequest, Texts, VoidRequest, WalletLimits,
};
use service::values::{ChangeKind, HoldEnd, RequestId, TransferId, TransferKind, WalletId, WalletStatus};

use super::{birth, head};
use crate::life::LifeStage;
use crate::requests::money;

on_every_backend!(records_that_are_handed_over_are_those_that_are_read);

/// A committer of the test's own.
struct Desk {
    ledger: Ledger,
    handovers: Handovers,
}

impl Desk {
    async fn ask(&self, actor: &Actor, action: Action) -> Outcome {
        let actor = actor.clone().asking_in(RequestId::parse("order-17"));
        let outcome = self.ledger.queue().submit(Command::new(actor, action)).await;
        outcome.expect("the committer answers")
    }

    async fn hold(&self, (actor, source): &(Actor, WalletId), destination: WalletId) -> TransferId {
        let outcome = self.ask(actor, held(*source, destination)).await;
        let Outcome::Recorded { transfer, .. } = outcome else {
            panic!("{outcome:?}");
        };
        transfer.id
    }
}

fn movement(source: WalletId, destination: WalletId, amount: &str) -> Movement {
    Movement {
        source,
        destination: Destination::Wallet(destination),
        amount: Some(money(amount)),
        texts: Texts {
            description: Some("rent".to_owned()),
            metadata: None,
        },
        hold: None,
    }
}

fn held(source: WalletId, destination: WalletId) -> Action {
    Action::Move(Movement {
        hold: HoldTerms::try_new(3_600),
        ..movement(source, destination, "5")
    })
}

fn status(wallet: WalletId, status: WalletStatus) -> Action {
    Action::SetStatus(StatusRequest {
        wallet,
        status,
        reason: None,
        expected: Expected::Anything,
    })
}

async fn all(reader: &mut Reader<AllRecords>) -> Vec<Record> {
    let mut records = Vec::new();
    reader.poll_now();
    while let Some(piece) = reader.next().await.expect("the journal can be read") {
        records.extend(piece.items);
    }
    records
}

async fn records_that_are_handed_over_are_those_that_are_read(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let handovers = Handovers::default();
    let ledger = Ledger::start(&bank.db, bank.clock.clone(), 64, handovers.clone());
    let desk = Desk {
        ledger: ledger.expect("a thread can be started"),
        handovers,
    };
    let begin = head(&bank).await;
    let mut handed = Reader::new(bank.db.clone(), AllRecords, begin, Some(&desk.handovers.records));
    let (ana, ben) = (stage.ana.1, stage.ben.1);
    let paid = desk.ask(&stage.ana.0, Action::Move(movement(ana, ben, "1"))).await;
    let Outcome::Recorded { transfer: paid, .. } = paid else {
        panic!("{paid:?}")
    };
    desk.ask(&stage.ana.0, Action::Move(movement(ana, ben, "1000"))).await;
    let [captured, voided] = [desk.hold(&stage.ana, ben).await, desk.hold(&stage.ana, ben).await];
    let limits = Action::SetLimits(LimitsRequest {
        wallet: ana,
        limits: WalletLimits {
            per_transfer: Some(money("50")),
            ..WalletLimits::default()
        },
        expected: Expected::Anything,
    });
    desk.ask(&stage.operator, limits).await;
    let capture = Action::Capture(CaptureRequest {
        hold: captured,
        amount: AskedAmount::Exactly(Some(money("2"))),
        is_final: true,
    });
    desk.ask(&stage.ben.0, capture).await;
    desk.ask(&stage.ben.0, Action::Void(VoidRequest { hold: voided })).await;
    let reversal = Action::Reverse(ReversalRequest {
        original: paid.id,
        amount: AskedAmount::Rest,
        texts: Texts::default(),
    });
    desk.ask(&stage.operator, reversal).await;
    desk.hold(&stage.ana, ben).await;
    bank.advance(TimeDelta::seconds(3_601)).await;
    desk.ask(&stage.operator, Action::Expire(vec![ana])).await;
    desk.ask(&stage.operator, status(ana, WalletStatus::Frozen)).await;
    desk.ask(&stage.operator, status(ana, WalletStatus::Active)).await;
    // Without a look at the database.
    let mut records = Vec::new();
    while let Some(piece) = handed.next().await.expect("the journal can be read") {
        records.extend(piece.items);
    }
    assert_eq!(handed.mark(), head(&bank).await);
    let read = all(&mut Reader::new(bank.db.clone(), AllRecords, begin, None)).await;
    assert_eq!(records, read);
    assert!(read.is_sorted_by_key(Record::id));
    let ends: Vec<_> = read.iter().filter_map(end_of).collect();
    assert_eq!(ends, [HoldEnd::Voided, HoldEnd::Expired]);
    let kinds: Vec<_> = read.iter().filter_map(kind_of_change).collect();
    assert_eq!(kinds, [ChangeKind::Limited, ChangeKind::Frozen, ChangeKind::Unfrozen]);
    assert!(read.iter().all(asked_in_order_17_unless_expired));
    // From the beginning on the openings are there too.
    let whole = all(&mut Reader::new(bank.db.clone(), AllRecords, birth(&bank).await, None)).await;
    assert_eq!(
        whole
            .iter()
            .filter_map(kind_of_change)
            .filter(|kind| *kind == ChangeKind::Opened)
            .count(),
        3
    );
    desk.ledger.stop().await;
}

fn end_of(record: &Record) -> Option<HoldEnd> {
    match record {
        Record::Transfer(recorded) => recorded.hold_end,
        Record::Change(_) => None,
    }
}

fn kind_of_change(record: &Record) -> Option<ChangeKind> {
    match record {
        Record::Transfer(_) => None,
        Record::Change(recorded) => Some(recorded.change.kind),
    }
}

fn asked_in_order_17_unless_expired(record: &Record) -> bool {
    let order_17 = RequestId::parse("order-17");
    match record {
        Record::Transfer(recorded) if recorded.hold_end == Some(HoldEnd::Expired) => {
            recorded.transfer.kind == TransferKind::Release && recorded.transfer.request_id.is_none()
        }
        Record::Transfer(recorded) => recorded.transfer.request_id == order_17,
        Record::Change(recorded) => recorded.change.request_id == order_17,
    }
}
