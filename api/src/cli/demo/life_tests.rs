//! What the days of the demo's customers are like.

use service::values::{Method, Money};

use super::super::calendar::tests::noon;
use super::*;

const DAYS: u32 = 45;

fn days(seed: u64) -> Vec<Vec<EverydayAct>> {
    let life = EverydayLife::new(seed, Calendar::new(noon(), DAYS));
    let day = |day| (0..MOMENTS.len()).flat_map(|moment| life.acts(day, moment)).collect();
    (0..DAYS).map(day).collect()
}

#[test]
fn a_seed_tells_the_same_story() {
    assert_eq!(days(1), days(1));
    assert_ne!(days(1), days(2));
}

#[test]
fn there_is_enough_and_not_too_much_of_everything() {
    for seed in 1..=20 {
        let all = days(seed).concat();
        let count = |is: fn(&EverydayAct) -> bool| all.iter().filter(|act| is(act)).count();
        let counts = [
            count(|act| matches!(act, EverydayAct::Deposit { .. })),
            count(|act| matches!(act, EverydayAct::Transfer { .. })),
            count(|act| matches!(act, EverydayAct::Withdrawal { .. })),
            count(|act| matches!(act, EverydayAct::Payout { .. })),
            count(|act| matches!(act, EverydayAct::Batch { is_atomic: true, .. })),
            count(|act| matches!(act, EverydayAct::Batch { is_atomic: false, .. })),
        ];
        let [deposits, transfers, withdrawals, payouts, atomic, separate] = counts;
        assert!((1_800..4_500).contains(&transfers), "{counts:?}");
        assert!(deposits > 80 && withdrawals > 20 && payouts > 60, "{counts:?}");
        assert!(atomic > 4 && separate > 2, "{counts:?}");
    }
}

#[test]
fn every_amount_is_above_zero_and_every_wallet_its_customers() {
    let fits = |purse: Purse| PEOPLE[purse.person].currencies.contains(&purse.currency);
    for act in days(3).concat() {
        let (sides, amounts) = match &act {
            EverydayAct::Deposit { to, amount, method, .. } => {
                assert!(Method::try_new(*method).is_some(), "{method}");
                (vec![*to], vec![*amount])
            }
            EverydayAct::Transfer { from, to, amount, .. } => (vec![*from, *to], vec![*amount]),
            EverydayAct::Withdrawal {
                from, amount, method, ..
            } => {
                assert!(Method::try_new(*method).is_some(), "{method}");
                (vec![*from], vec![*amount])
            }
            EverydayAct::Payout { from } => (vec![*from], Vec::new()),
            EverydayAct::Batch { from, items, .. } => {
                assert!(!items.is_empty());
                let (mut sides, amounts): (Vec<Purse>, Vec<Money>) = items.iter().copied().unzip();
                sides.push(*from);
                (sides, amounts)
            }
        };
        assert!(sides.into_iter().all(fits), "{act:?}");
        assert!(amounts.into_iter().all(|amount| amount > Money::ZERO), "{act:?}");
    }
}

#[test]
fn some_ask_for_what_is_refused() {
    let calendar = Calendar::new(noon(), DAYS);
    let huge = DemoCurrency::Usd.worth(1_000_000);
    for seed in 1..=20 {
        let days = days(seed);
        let transfers = days.iter().zip(0..).flat_map(|(acts, day)| {
            acts.iter().filter_map(move |act| match act {
                EverydayAct::Transfer { from, to, amount, .. } => Some((day, *from, *to, *amount)),
                EverydayAct::Deposit { .. }
                | EverydayAct::Withdrawal { .. }
                | EverydayAct::Payout { .. }
                | EverydayAct::Batch { .. } => None,
            })
        });
        let transfers: Vec<_> = transfers.collect();
        let too_dear = transfers.iter().filter(|(_, _, _, amount)| *amount > huge).count();
        let wrong = transfers
            .iter()
            .filter(|(_, from, to, _)| from.currency != to.currency)
            .count();
        let frozen = transfers
            .iter()
            .filter(|(day, from, ..)| calendar.is_frozen(&PEOPLE[from.person], *day))
            .count();
        assert!(too_dear > 5 && wrong > 1 && frozen > 0, "{too_dear}, {wrong}, {frozen}");
    }
}

#[test]
fn only_customers_who_have_joined_and_not_gone_take_part() {
    let calendar = Calendar::new(noon(), DAYS);
    for (acts, day) in days(5).iter().zip(0..) {
        for act in acts {
            let (EverydayAct::Deposit { to: purse, .. }
            | EverydayAct::Transfer { from: purse, .. }
            | EverydayAct::Withdrawal { from: purse, .. }
            | EverydayAct::Payout { from: purse }
            | EverydayAct::Batch { from: purse, .. }) = act;
            assert!(calendar.is_active(&PEOPLE[purse.person], day), "{day}: {act:?}");
        }
    }
}

#[test]
fn a_closed_wallet_pays_nothing_and_gets_no_money_from_outside() {
    let calendar = Calendar::new(noon(), DAYS);
    for (acts, day) in days(6).iter().zip(0..) {
        let is_closed = |purse: Purse| {
            let person = &PEOPLE[purse.person];
            let is_second = person.currencies.get(1) == Some(&purse.currency);
            is_second && person.fate == Fate::ClosesSecond && calendar.is_past(day, CLOSED)
        };
        for act in acts {
            let (EverydayAct::Deposit { to: purse, .. }
            | EverydayAct::Transfer { from: purse, .. }
            | EverydayAct::Withdrawal { from: purse, .. }
            | EverydayAct::Payout { from: purse }
            | EverydayAct::Batch { from: purse, .. }) = act;
            assert!(!is_closed(*purse), "{day}: {act:?}");
        }
    }
}
