//! Who sees which events, and what of each.

use uuid::Uuid;

use super::super::samples::{asked_by, change, changed, changed_by, failed, transfer, user, wallet, with_end};
use super::*;
use crate::values::{ApiKeyId, RequestId, TransferKind};

const ANA: u128 = 1;
const BEN: u128 = 2;
const DESK: u128 = 3;
const ANAS: u128 = 11;
const BENS: u128 = 12;
const BETWEEN: (u128, u128) = (ANAS, BENS);
const KEY: ApiKeyId = ApiKeyId(Uuid::from_u128(9));

fn sight(scope: &EventScope, filter: &EventFilter) -> Sight {
    let own = match scope.user() {
        Some(found) if found == user(ANA) => vec![wallet(ANAS)],
        Some(found) if found == user(BEN) => vec![wallet(BENS)],
        Some(_) | None => Vec::new(),
    };
    Sight::new(scope, own, filter)
}

fn own(number: u128) -> EventScope {
    EventScope::Own {
        user: user(number),
        only: None,
    }
}

fn only(wallets: &[u128]) -> EventScope {
    EventScope::Only(wallets.iter().map(|number| wallet(*number)).collect())
}

fn of_wallets(wallets: &[u128]) -> EventFilter {
    EventFilter {
        wallets: Some(wallets.iter().map(|number| wallet(*number)).collect()),
        ..EventFilter::default()
    }
}

fn ledger() -> LedgerTag {
    LedgerTag::of(Uuid::from_u128(5))
}

fn sees(scope: &EventScope, record: &Record) -> bool {
    sight(scope, &EventFilter::default()).admits(record)
}

fn shown(scope: &EventScope, record: &Record) -> Event {
    let owners = Owners::from([(wallet(ANAS), user(ANA)), (wallet(BENS), user(BEN))]);
    sight(scope, &EventFilter::default()).event(record, &owners, ledger())
}

#[test]
fn customers_see_what_happens_to_their_own_wallets() {
    let made = transfer(100, TransferKind::Transfer, BETWEEN);
    let frozen = change(101, ChangeKind::Frozen, ANAS, ANA);
    for (scope, sees_made, sees_frozen) in [
        (EventScope::All, true, true),
        (own(ANA), true, true),
        (own(BEN), true, false),
        (own(DESK), false, false),
        (only(&[ANAS]), true, true),
        (only(&[BENS]), true, false),
        (only(&[13]), false, false),
    ] {
        assert_eq!(sees(&scope, &made), sees_made, "{scope:?}");
        assert_eq!(sees(&scope, &frozen), sees_frozen, "{scope:?}");
    }
}

#[test]
fn a_refusal_is_for_its_sources_owner_and_for_who_asked() {
    let refused = failed(100, TransferKind::Transfer, BETWEEN);
    let refused_capture = asked_by(failed(101, TransferKind::Capture, BETWEEN), BEN);
    let refused_payout = asked_by(failed(102, TransferKind::Withdrawal, BETWEEN), DESK);
    for (scope, expected) in [
        (EventScope::All, [true, true, true]),
        (own(ANA), [true, true, true]),
        (own(BEN), [false, true, false]),
        (own(DESK), [false, false, false]),
        (only(&[ANAS]), [true, true, true]),
        (only(&[BENS]), [false, false, false]),
    ] {
        let seen = [&refused, &refused_capture, &refused_payout].map(|record| sees(&scope, record));
        assert_eq!(seen, expected, "{scope:?}");
    }
}

#[test]
fn a_key_that_is_limited_to_no_wallet_of_a_transfer_does_not_see_it() {
    let scope = EventScope::Own {
        user: user(ANA),
        only: Some([wallet(14)].into()),
    };
    assert!(!sees(&scope, &transfer(100, TransferKind::Transfer, BETWEEN)));
    assert!(!sees(
        &scope,
        &asked_by(failed(101, TransferKind::Capture, (BENS, ANAS)), ANA)
    ));
}

#[test]
fn filters_narrow_what_is_seen() {
    let records = [
        transfer(100, TransferKind::Transfer, BETWEEN),
        failed(101, TransferKind::Transfer, BETWEEN),
        changed(transfer(102, TransferKind::Reversal, (BENS, ANAS)), |reversal| {
            reversal.parent = Some(TransferId(Uuid::from_u128(100)));
        }),
        change(103, ChangeKind::Opened, ANAS, ANA),
    ];
    let seen = |scope: &EventScope, filter: &EventFilter| {
        let sight = sight(scope, filter);
        let seen = records.iter().filter(|record| sight.admits(record));
        seen.map(|record| record.id().0.as_u128()).collect::<Vec<u128>>()
    };
    let of_type = EventFilter {
        types: Some(
            [EventType::TransferFailed, EventType::WalletOpened]
                .into_iter()
                .collect(),
        ),
        ..EventFilter::default()
    };
    assert_eq!(seen(&EventScope::All, &of_type), [101, 103]);
    let of_transfer = EventFilter {
        transfer: Some(TransferId(Uuid::from_u128(100))),
        ..EventFilter::default()
    };
    assert_eq!(seen(&EventScope::All, &of_transfer), [100, 102]);
    assert_eq!(seen(&own(BEN), &of_transfer), [100, 102]);
    assert_eq!(seen(&EventScope::All, &of_wallets(&[BENS])), [100, 102]);
    assert_eq!(seen(&EventScope::All, &of_wallets(&[ANAS])), [100, 101, 102, 103]);
    let of_no_type = EventFilter {
        types: Some(EventTypes::default()),
        ..EventFilter::default()
    };
    assert!(seen(&EventScope::All, &of_no_type).is_empty());
}

#[test]
fn a_wallet_that_the_caller_may_not_see_has_no_events() {
    for (scope, asked, has_events, hides_one) in [
        (own(ANA), &[ANAS][..], true, false),
        (own(ANA), &[BENS][..], false, true),
        (own(ANA), &[ANAS, BENS][..], true, true),
        (only(&[ANAS, BENS]), &[BENS][..], true, false),
        (only(&[ANAS]), &[BENS][..], false, true),
        (EventScope::All, &[BENS][..], true, false),
    ] {
        let filter = of_wallets(asked);
        let sight = sight(&scope, &filter);
        let made = transfer(100, TransferKind::Transfer, BETWEEN);
        assert_eq!(sight.admits(&made), has_events, "{scope:?}, {asked:?}");
        let wallets = filter.wallets.unwrap_or_default();
        assert_eq!(sight.hides_one_of(&wallets), hides_one, "{scope:?}, {asked:?}");
    }
}

#[test]
fn customers_learn_who_asked_where_it_is_told_or_themselves() {
    let desk = |kind| asked_by(transfer(100, kind, BETWEEN), DESK);
    let expired = with_end(transfer(100, TransferKind::Release, BETWEEN), HoldEnd::Expired);
    let voided = with_end(
        asked_by(transfer(100, TransferKind::Release, BETWEEN), BEN),
        HoldEnd::Voided,
    );
    let [ana, ben, by_desk] = [ANA, BEN, DESK].map(|number| Some(user(number)));
    for (record, of_staff, of_ana, of_ben) in [
        (transfer(100, TransferKind::Transfer, BETWEEN), ana, ana, None),
        (desk(TransferKind::Deposit), by_desk, by_desk, by_desk),
        (desk(TransferKind::Reversal), by_desk, by_desk, by_desk),
        (voided, ben, ben, ben),
        (expired, None, None, None),
    ] {
        let actors = [EventScope::All, own(ANA), own(BEN)].map(|scope| shown(&scope, &record).actor);
        assert_eq!(actors, [of_staff, of_ana, of_ben], "{record:?}");
    }
    let opened = change(100, ChangeKind::Opened, ANAS, ANA);
    let frozen = changed_by(&opened, DESK);
    let actors = |scope: &EventScope| [&opened, &frozen].map(|record| shown(scope, record).actor);
    assert_eq!(actors(&EventScope::All), [ana, by_desk]);
    assert_eq!(actors(&own(ANA)), [ana, None]);
}

#[test]
fn the_id_of_a_request_is_for_staff_and_for_who_sent_it() {
    let request = RequestId::parse("request");
    let opened = change(100, ChangeKind::Opened, ANAS, ANA);
    for (record, ana_knows, ben_knows) in [
        (transfer(100, TransferKind::Transfer, BETWEEN), true, false),
        (
            asked_by(transfer(100, TransferKind::Capture, BETWEEN), BEN),
            false,
            true,
        ),
        (
            asked_by(transfer(100, TransferKind::Deposit, BETWEEN), DESK),
            false,
            false,
        ),
        (
            asked_by(transfer(100, TransferKind::Reversal, BETWEEN), DESK),
            false,
            false,
        ),
        (changed_by(&opened, DESK), false, false),
        (opened, true, false),
    ] {
        assert_eq!(shown(&EventScope::All, &record).request_id, request, "{record:?}");
        assert_eq!(shown(&only(&[ANAS]), &record).request_id, request, "{record:?}");
        let knows = [ANA, BEN].map(|number| shown(&own(number), &record).request_id.is_some());
        assert_eq!(knows, [ana_knows, ben_knows], "{record:?}");
    }
}

#[test]
fn a_transfer_is_shown_as_it_was_decided() {
    let with_key = changed(transfer(100, TransferKind::Hold, BETWEEN), |hold| {
        hold.api_key = Some(KEY.0)
    });
    let of = |scope: &EventScope| match shown(scope, &with_key).subject {
        EventSubject::Transfer(shown) => shown,
        EventSubject::Wallet(_) => panic!("a hold is a transfer"),
    };
    let [ana, ben] = [ANA, BEN].map(|number| of(&own(number)));
    assert_eq!((ana.status(), ana.api_key), (TransferStatus::Pending, Some(KEY)));
    assert_eq!((ben.status(), ben.api_key), (TransferStatus::Pending, None));
    assert_eq!(of(&EventScope::All).api_key, Some(KEY));
    let refused = shown(&own(ANA), &failed(100, TransferKind::Hold, BETWEEN));
    let EventSubject::Transfer(refused) = refused.subject else {
        panic!("a refused hold is a transfer");
    };
    assert_eq!((refused.status(), refused.hold), (TransferStatus::Failed, None));
}
