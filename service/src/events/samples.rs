//! Records for the unit tests. Users, wallets and records are named by small numbers.

use std::sync::Arc;

use uuid::Uuid;

use crate::ledger::{ChangedState, Failure, Record, RecordedChange, RecordedTransfer, Transfer, Wallet, WalletChange};
use crate::values::{
    ChangeId, ChangeKind, Currency, HoldEnd, Money, RequestId, Timestamp, TransferId, TransferKind, TransferStatus,
    UserId, Version, WalletId, WalletStatus,
};

pub fn user(number: u128) -> UserId {
    UserId(Uuid::from_u128(number))
}

pub fn wallet(number: u128) -> WalletId {
    WalletId(Uuid::from_u128(number))
}

/// A transfer of ten thousand from one wallet to another, which the source's owner asked for in the request `request`.
pub fn transfer(id: u128, kind: TransferKind, (source, destination): (u128, u128)) -> Record {
    let is_hold = kind == TransferKind::Hold;
    let transfer = Transfer {
        id: TransferId(Uuid::from_u128(id)),
        kind,
        status: if is_hold {
            TransferStatus::Pending
        } else {
            TransferStatus::Completed
        },
        source: wallet(source),
        destination: wallet(destination),
        amount: Money::MAX,
        currency: Currency::from_code("USD").expect("USD is a currency"),
        method: None,
        description: None,
        metadata: None,
        failure: None,
        parent: None,
        batch: None,
        created_by: None,
        api_key: None,
        request_id: RequestId::parse("request"),
        released: None,
        key: None,
        request: None,
        texts: None,
        created_at: Timestamp::default(),
        expires_at: is_hold.then(Timestamp::default),
    };
    recorded(transfer, None)
}

/// The same, but refused.
pub fn failed(id: u128, kind: TransferKind, sides: (u128, u128)) -> Record {
    changed(transfer(id, kind, sides), |transfer| {
        transfer.status = TransferStatus::Failed;
        transfer.failure = Some(Failure::WalletFrozen);
    })
}

/// The same record, asked for by another user than the source's owner.
pub fn asked_by(record: Record, asker: u128) -> Record {
    changed(record, |transfer| transfer.created_by = Some(user(asker)))
}

/// The same record of a release, with how its hold ended.
pub fn with_end(record: Record, end: HoldEnd) -> Record {
    match record {
        Record::Transfer(found) => Record::Transfer(RecordedTransfer {
            hold_end: Some(end),
            ..found
        }),
        Record::Change(_) => panic!("a change ends no hold"),
    }
}

/// The same record of a transfer, with something else in it.
pub fn changed(record: Record, change: impl FnOnce(&mut Transfer)) -> Record {
    match record {
        Record::Transfer(found) => {
            let mut transfer = Transfer::clone(&found.transfer);
            change(&mut transfer);
            recorded(transfer, found.hold_end)
        }
        Record::Change(_) => panic!("a change is no transfer"),
    }
}

fn recorded(transfer: Transfer, hold_end: Option<HoldEnd>) -> Record {
    Record::Transfer(RecordedTransfer {
        transfer: Arc::new(transfer),
        hold_end,
    })
}

/// A change of a wallet that its owner asked for in the request `request`.
pub fn change(id: u128, kind: ChangeKind, subject: u128, owner: u128) -> Record {
    let wallet = Wallet {
        id: wallet(subject),
        owner: Some(user(owner)),
        method: None,
        currency: Currency::from_code("USD").expect("USD is a currency"),
        balance: Money::ZERO,
        held: Money::ZERO,
        status: WalletStatus::Active,
        version: Version::default(),
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
        limits: None,
    };
    Record::Change(Arc::new(RecordedChange {
        change: WalletChange {
            id: ChangeId(Uuid::from_u128(id)),
            kind,
            subject: wallet.id,
            created_by: None,
            request_id: RequestId::parse("request"),
            before: None,
            after: String::new(),
            state: ChangedState::of(&wallet),
        },
        wallet,
    }))
}

/// The same record of a change, asked for by another user than the wallet's owner.
pub fn changed_by(record: &Record, asker: u128) -> Record {
    match record {
        Record::Change(found) => {
            let mut found = RecordedChange::clone(found);
            found.change.created_by = Some(user(asker));
            Record::Change(Arc::new(found))
        }
        Record::Transfer(_) => panic!("a transfer is no change"),
    }
}
