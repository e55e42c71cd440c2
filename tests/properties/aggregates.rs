//! Days, totals, messages and rows of the daily aggregates, for arbitrary values, without a database.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate};
use csv::ByteRecord;
use proptest::prelude::*;
use service::aggregates::{
    Day, Key, Message, PaymentKind, Source, Sum, Totals, TransactionLayout, TransactionRow, parse, totals_of,
};
use service::values::{ImportId, Method, Timestamp};
use uuid::Uuid;

use crate::cases::{Met, currency, hold, money, text_of, units_above_zero};

const DAYS: [&str; 4] = ["0001-01-01", "2024-02-29", "2026-01-05", "9999-12-31"];
const METHODS: [&str; 4] = ["visa", "apple_pay", "_", "abcdefghijklmnopqrstuvwxyz_01234"];

fn day(index: usize) -> Day {
    Day::parse(DAYS[index % DAYS.len()]).expect("these are days")
}

fn method(index: usize) -> Method {
    Method::try_new(METHODS[index % METHODS.len()]).expect("these are methods")
}

fn kind(is_deposit: bool) -> PaymentKind {
    if is_deposit {
        PaymentKind::Deposit
    } else {
        PaymentKind::Withdrawal
    }
}

fn row() -> impl Strategy<Value = TransactionRow> {
    (0_usize..4, any::<bool>(), 0_usize..4, units_above_zero(), any::<u32>()).prop_map(
        |(at, is_deposit, by, units, sleep_ms)| TransactionRow {
            day: day(at),
            kind: kind(is_deposit),
            method: method(by),
            amount: money(units),
            sleep_ms,
        },
    )
}

fn totals() -> impl Strategy<Value = Totals> {
    let sum = (
        0_u8..3,
        0_usize..4,
        any::<bool>(),
        0_usize..4,
        any::<bool>(),
        any::<u64>(),
        units_above_zero(),
    );
    prop::collection::vec(sum, 0..40).prop_map(|sums| {
        let sums = sums
            .into_iter()
            .map(|(code, at, is_deposit, by, is_own, count, units)| {
                let key = Key {
                    currency: currency(code),
                    day: day(at),
                    kind: kind(is_deposit),
                    method: method(by),
                    source: if is_own { Source::Bank } else { Source::Imported },
                };
                let units = i128::from(units) * 1_000_000_000;
                (
                    key,
                    Sum {
                        units,
                        count: count % 10_000_000 + 1,
                    },
                )
            });
        sums.collect()
    })
}

#[test]
fn totals_are_what_adding_up_by_hand_gives_in_any_order_and_any_blocks() {
    let strategy = (
        prop::collection::vec(row(), 0..60),
        1_usize..20,
        any::<prop::sample::Index>(),
    );
    hold(file!(), &strategy, |(rows, block, turn)| {
        let usd = currency(0);
        let mut by_hand: BTreeMap<(Day, PaymentKind, String), (i128, u64)> = BTreeMap::new();
        for row in &rows {
            let key = (row.day, row.kind, row.method.as_str().to_owned());
            let sum = by_hand.entry(key).or_default();
            sum.0 += i128::from(row.amount.units());
            sum.1 += 1;
        }
        let mut turned = rows.clone();
        if !turned.is_empty() {
            turned.rotate_left(turn.index(rows.len()));
        }
        let mut in_blocks = Totals::default();
        for block in turned.chunks(block) {
            in_blocks.add_all(totals_of(block, usd));
        }
        prop_assert_eq!(&in_blocks, &totals_of(&rows, usd));
        let found: BTreeMap<_, _> = in_blocks
            .iter()
            .map(|(key, sum)| {
                let name = (key.day, key.kind, key.method.as_str().to_owned());
                (name, (sum.units, sum.count))
            })
            .collect();
        prop_assert_eq!(found, by_hand);
        prop_assert_eq!(in_blocks.newest_day(), rows.iter().map(|row| row.day).max());
        Ok(())
    });
}

#[test]
fn two_halves_added_apart_are_the_sum() {
    let strategy = prop::collection::vec((units_above_zero(), 0_u32..1_000), 1..50);
    hold(file!(), &strategy, |sums| {
        let (mut high, mut low, mut count, mut units) = (0_i64, 0_i64, 0_u64, 0_i128);
        for (amount, times) in sums {
            let sum = Sum {
                units: i128::from(amount) * i128::from(times),
                count: times.into(),
            };
            let (more_high, more_low) = sum.parts().expect("a thousand of the largest amounts fit");
            high += more_high;
            low += more_low;
            count += sum.count;
            units += sum.units;
        }
        prop_assert_eq!(Sum::of_parts(high, low, count), Sum { units, count });
        Ok(())
    });
}

#[test]
fn a_message_is_read_as_it_was_written_and_nothing_else_is_one() {
    let met = Met::default();
    let strategy = (
        totals(),
        any::<u128>(),
        any::<u64>(),
        any::<prop::sample::Index>(),
        any::<u8>(),
    );
    hold(file!(), &strategy, |(totals, import, block, at, byte)| {
        let message = Message {
            import: ImportId(Uuid::from_u128(import)),
            block,
            totals,
        };
        let text = message.encode();
        prop_assert_eq!(Message::decode(text.as_bytes()), Some(message.clone()));
        // A text with one byte changed is either a valid text of some message or no message.
        let mut bytes = text.into_bytes();
        let place = at.index(bytes.len());
        bytes[place] = byte;
        match Message::decode(&bytes) {
            Some(other) => {
                met.count("read");
                prop_assert_eq!(Message::decode(other.encode().as_bytes()), Some(other));
            }
            None => met.count("refused"),
        }
        Ok(())
    });
    met.expect_all(&["read", "refused"]);
}

#[test]
fn differences_are_what_must_be_added() {
    hold(file!(), &(totals(), totals()), |(one, other)| {
        prop_assert!(one.clone().differences(&one).is_empty());
        let mut both = one.clone();
        both.add_all(other.clone());
        prop_assert_eq!(both.clone().without(&one), other.clone().without(&Totals::default()));
        let swapped: Vec<_> = other
            .clone()
            .differences(&one)
            .into_iter()
            .map(|(key, units, count)| (key, -units, -count))
            .collect();
        prop_assert_eq!(one.differences(&other), swapped);
        Ok(())
    });
}

#[test]
fn the_boundary_only_moves_forward_and_leaves_a_week_hot() {
    let first = NaiveDate::from_ymd_opt(1, 1, 1).expect("this is a day");
    hold(file!(), &(0_u64..3_652_000, 0_u64..1_000), |(day, later)| {
        let at = |days: u64| Day::from(first.checked_add_days(Days::new(days)).expect("this is a day"));
        let newest = at(day);
        prop_assert!(newest.first_hot() <= newest);
        prop_assert!(at(day + later).first_hot() >= newest.first_hot());
        if day >= 7 {
            prop_assert_eq!(newest.first_hot(), at(day - 7));
        }
        prop_assert_eq!(Day::parse(&newest.to_string()), Some(newest));
        Ok(())
    });
}

const NOW: i64 = 1_767_584_038;

fn now() -> Timestamp {
    DateTime::from_timestamp(NOW, 0).expect("this is a time")
}

fn layout() -> TransactionLayout {
    let header = ByteRecord::from(vec!["timestamp", "type", "payment_method", "amount", "sleep_ms"]);
    TransactionLayout::of(&header).expect("this is the header")
}

#[test]
fn good_rows_are_read_exactly() {
    let strategy = (row(), -62_135_596_800_i64..NOW + 86_400, 0_u8..4, 0_u32..60_000);
    hold(file!(), &strategy, |(drawn, seconds, shape, sleep_ms)| {
        let time = DateTime::from_timestamp(seconds, 0).expect("this is a time");
        let format = [
            "%Y-%m-%dT%H:%M:%S",
            "%Y-%m-%dT%H:%M:%SZ",
            "%Y-%m-%dT%H:%M:%S.250",
            "%Y-%m-%d %H:%M:%S",
        ];
        let amount = text_of(drawn.amount.units().into());
        let shortened = amount.trim_end_matches('0').trim_end_matches('.').to_owned();
        let record = ByteRecord::from(vec![
            time.format(format[usize::from(shape)]).to_string(),
            drawn.kind.word().to_owned(),
            drawn.method.as_str().to_uppercase(),
            if shape % 2 == 0 { amount } else { shortened },
            sleep_ms.to_string(),
        ]);
        let expected = TransactionRow {
            day: Day::of(time),
            sleep_ms,
            ..drawn
        };
        prop_assert_eq!(parse(&layout(), &record, now()), Ok(expected));
        Ok(())
    });
}

#[test]
fn any_bytes_are_a_row_or_have_a_reason() {
    let field = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..12),
        "[0-9T:.+ -]{0,26}".prop_map(String::into_bytes),
        prop::sample::select(vec![
            "deposit",
            "visa",
            "1.5",
            "2026-01-05T03:33:58",
            "2026-01-05T03:33:58+23:59"
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    hold(file!(), &prop::collection::vec(field, 0..7), |fields| {
        let record = ByteRecord::from(fields);
        match parse(&layout(), &record, now()) {
            Ok(row) => {
                prop_assert!(row.amount.units() > 0 && row.sleep_ms <= 60_000);
                prop_assert!(row.day <= Day::of(now() + chrono::TimeDelta::days(1)));
                prop_assert_eq!(Day::parse(&row.day.to_string()), Some(row.day));
            }
            Err(reason) => prop_assert!(!reason.is_empty()),
        }
        Ok(())
    });
}

#[test]
fn each_wrong_column_has_its_reason() {
    let good = ["2026-01-05T03:33:58", "deposit", "visa", "1.5", "0"];
    let with = |column: usize, text: &str| {
        let mut fields = good.map(str::to_owned);
        text.clone_into(&mut fields[column]);
        parse(&layout(), &ByteRecord::from(fields.to_vec()), now()).err()
    };
    for (column, text, reason) in [
        (0, "", Some("invalid_timestamp")),
        (0, "yesterday", Some("invalid_timestamp")),
        (0, "2026-02-30T00:00:00", Some("invalid_timestamp")),
        (0, "0000-12-31T00:00:00", Some("invalid_timestamp")),
        (0, "+12026-01-05T03:33:58", Some("invalid_timestamp")),
        (0, "0001-01-01T00:00:00+00:01", Some("invalid_timestamp")),
        (0, "2026-01-06T03:33:58", None),
        (0, "2026-01-06T03:33:58.000001", Some("timestamp_in_future")),
        (0, "9999-12-31T23:59:59", Some("timestamp_in_future")),
        (1, "transfer", Some("invalid_type")),
        (1, "", Some("invalid_type")),
        (2, "VISA", None),
        (2, "apple pay", Some("invalid_payment_method")),
        (2, "", Some("invalid_payment_method")),
        (2, "abcdefghijklmnopqrstuvwxyz_012345", Some("invalid_payment_method")),
        (3, "0", Some("invalid_amount")),
        (3, "-1", Some("invalid_amount")),
        (3, "1.00001", Some("invalid_amount")),
        (3, "1e3", Some("invalid_amount")),
        (3, "NaN", Some("invalid_amount")),
        (3, "100000000000000", Some("invalid_amount")),
        (3, "99999999999999.9999", None),
        (4, "soon", None),
    ] {
        assert_eq!(with(column, text), reason, "{column} {text:?}");
    }
}
