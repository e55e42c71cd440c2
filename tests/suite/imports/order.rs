//! A feed in several files, imported in any order and any number of times, with imports that break off.

use std::path::PathBuf;
use std::sync::Arc;

use harness::activities::{Dirt, Feed};
use harness::{TestBank, on_every_backend};
use service::imports::RunOptions;
use service::merchants::Reports;

use super::small::{Moment, Small, breaking, quiet};
use super::{file, import, stored, try_import};

on_every_backend!(four_files_in_any_order_give_the_same_reports);

const FILES: usize = 4;
const ORDERS: [[usize; FILES]; 3] = [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]];
const BLOCK_ROWS: usize = 60;
/// Rows at the end of a file that are also in the next one.
const SHARED: usize = 25;

async fn four_files_in_any_order_give_the_same_reports(bank: Arc<TestBank>) {
    let feed = Feed {
        merchants: 300,
        ..Feed::new(3, 1_000, Dirt::Real)
    };
    let (text, expected) = feed.text();
    let mut seen: Vec<Reports> = Vec::new();
    for order in ORDERS {
        let bank = TestBank::open(bank.backend).await;
        let files = four_files(&bank, &text);
        for (turn, index) in order.into_iter().enumerate() {
            let moment = [Moment::Before, Moment::After][turn % 2];
            let breaks = Small::<false>::new(&bank.db, BLOCK_ROWS, breaking(turn as u64, moment));
            try_import(&breaks.imports(&bank, &bank.db), &files[index], RunOptions::default())
                .await
                .expect_err("it breaks");
        }
        // First the imports that broke off are finished, then every file is imported again.
        let imports = Small::<false>::new(&bank.db, BLOCK_ROWS, quiet()).imports(&bank, &bank.db);
        for index in order {
            import(&imports, &files[index]).await;
        }
        seen.push(reports(&bank).await);
        for index in order.into_iter().rev() {
            assert_eq!(import(&imports, &files[index]).await.counts.rows_inserted, 0);
        }
        seen.push(reports(&bank).await);
        assert_eq!(stored(&bank).await, expected.inserted);
        bank.close().await;
    }
    assert!(seen[0].top_merchant.is_some() && seen[0].active_merchants.len() > 2);
    for (turn, reports) in seen.iter().enumerate() {
        assert_eq!(reports, &seen[0], "{turn}");
    }
}

fn four_files(bank: &TestBank, text: &str) -> Vec<PathBuf> {
    let (header, rows) = text.split_once('\n').expect("a feed has a header");
    let rows: Vec<&str> = rows.lines().collect();
    let each = rows.len() / FILES;
    let part = |index: usize| {
        let from = (index * each).saturating_sub(SHARED);
        format!("{header}\n{}\n", rows[from..(index + 1) * each].join("\n"))
    };
    let name = |index: usize| format!("activities_2024010{}.csv", index + 1);
    (0..FILES).map(|index| file(bank, &name(index), part(index))).collect()
}

/// The reports without their version, which counts transactions.
async fn reports(bank: &TestBank) -> Reports {
    let merchants = &bank.services.merchants;
    merchants.refresh().await.expect("the reports can be read");
    let reports = merchants.reports().expect("the reports are at hand");
    Reports {
        version: 0,
        ..Reports::clone(&reports)
    }
}
