//! What the demo's files are like.

use std::collections::HashSet;

use super::*;

fn week(number: u32) -> FeedDays {
    let first = NaiveDate::from_ymd_opt(2026, 1, 5).expect("this is a date");
    FeedDays {
        first: first + Days::new(u64::from(number) * 7),
        count: 7,
    }
}

#[test]
fn a_seed_writes_the_same_files() {
    let files = |seed| {
        let mut writer = FeedWriter::new(seed);
        [
            writer.activities(week(0)),
            writer.transactions(week(0)),
            writer.activities(week(1)),
        ]
    };
    assert_eq!(files(1), files(1));
    assert!(files(1).into_iter().zip(files(2)).all(|(one, other)| one != other));
}

#[test]
fn activities_have_the_columns_of_the_sample_and_ids_of_their_own() {
    let sample = include_str!("../../../../samples/activities.csv");
    let mut writer = FeedWriter::new(1);
    let (first, second) = (writer.activities(week(0)), writer.activities(week(1)));
    assert_eq!(first.lines().next(), sample.lines().next());
    let rows: Vec<&str> = first.lines().skip(1).chain(second.lines().skip(1)).collect();
    assert!((1_100..1_400).contains(&rows.len()), "{}", rows.len());
    assert!(rows.iter().all(|row| row.split(',').count() == 10));
    let ids: HashSet<&str> = rows.iter().filter_map(|row| row.split(',').next()).collect();
    // One row comes again, and two have the same bad id.
    assert_eq!(ids.len(), rows.len() - 2);
    for product in PRODUCTS.iter().map(|used| used.product).chain(["KYC"]) {
        assert!(first.contains(&format!(",{product},")), "{product}");
    }
    for event in ["DOCUMENT_SUBMITTED", "VERIFICATION_COMPLETED", "TIER_UPGRADE"] {
        assert!(first.contains(event), "{event}");
    }
}

#[test]
fn transactions_have_the_columns_of_the_sample_on_each_of_their_days() {
    let sample = include_str!("../../../../samples/transactions.csv");
    let file = FeedWriter::new(1).transactions(week(0));
    assert_eq!(file.lines().next(), sample.lines().next());
    for date in week(0).dates() {
        let rows = file.lines().filter(|row| row.starts_with(&format!("{date}T")));
        assert!(rows.count() >= TRANSACTIONS_A_DAY as usize, "{date}");
    }
    assert_eq!(week(0).last().to_string(), "2026-01-11");
}

#[test]
fn merchants_go_on_from_file_to_file_until_all_have_begun() {
    let mut writer = FeedWriter::new(1);
    let files: Vec<String> = (0..10).map(|number| writer.activities(week(number))).collect();
    assert!(!files[0].contains("MRC-000120,"));
    let all = files.concat();
    assert!(all.contains("MRC-000120,") && !all.contains("MRC-000121,"));
}

#[test]
fn a_field_is_replaced() {
    assert_eq!(with_field("a,b,c", 1, ""), "a,,c");
    assert_eq!((amount(5), amount(123_456)), ("0.05".to_owned(), "1234.56".to_owned()));
}
