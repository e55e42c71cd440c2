//! Contents that were imported before: rows with ids are read again, and contents that count once are recognized.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use harness::activities::{Dirt, Expected, Feed};
use harness::{TestBank, on_every_backend};
use service::imports::{ImportOutcome, ImportTotals, OnKnownContent, RunOptions};
use service::values::ImportStatus;

use super::small::{Moment, Small, breaking, quiet};
use super::uploads::{finished, upload};
use super::{file, import, stored, totals, try_import};

on_every_backend!(
    imported_twice_inserts_nothing,
    a_known_content_can_be_left,
    a_content_that_failed_is_left_too,
    what_counts_once_is_known,
    what_counts_once_is_joined_while_unfinished,
    an_upload_of_what_counts_once_is_known_too,
);

/// The expected counts of a second import of a feed.
fn again(expected: &Expected) -> ImportTotals {
    ImportTotals {
        rows_inserted: 0,
        rows_duplicate: expected.inserted + expected.duplicate,
        ..totals(expected)
    }
}

async fn imported_twice_inserts_nothing(bank: Arc<TestBank>) {
    let (text, expected) = Feed::new(1, 200, Dirt::Much).text();
    let imports = &bank.services.imports;
    let first = import(imports, &file(&bank, "feed.csv", &text)).await;
    assert_eq!(first.counts, totals(&expected));
    let second = import(imports, &file(&bank, "other name.csv", &text)).await;
    assert_eq!(
        (&second.counts, second.file_name.as_str()),
        (&again(&expected), "other name.csv")
    );
    assert_ne!(first.id, second.id);
    // Half of its rows and as many new ones are a different content.
    let (more, _) = Feed::new(2, 100, Dirt::Clean).text();
    let half: String = text.lines().take(101).map(|line| format!("{line}\n")).collect();
    let (_, more) = more.split_once('\n').expect("a feed has a header");
    let third = import(imports, &file(&bank, "feed.csv", format!("{half}{more}"))).await;
    assert_eq!(third.counts.rows_inserted, 100);
    assert_eq!(stored(&bank).await, expected.inserted + 100);
}

async fn a_known_content_can_be_left(bank: Arc<TestBank>) {
    let (text, _) = Feed::new(1, 50, Dirt::Real).text();
    let path = file(&bank, "feed.csv", &text);
    let skip = RunOptions {
        on_known_content: OnKnownContent::Skip,
        ..RunOptions::default()
    };
    let imports = &bank.services.imports;
    let broken = Small::<false>::new(&bank.db, 5, breaking(3, Moment::Before)).imports(&bank, &bank.db);
    try_import(&broken, &path, skip.clone()).await.expect_err("it breaks");
    // An unfinished import does not make its content known.
    let first = try_import(imports, &path, skip.clone()).await.expect("it is imported");
    assert!(matches!(first, ImportOutcome::Finished(_)), "{first:?}");
    let second = try_import(imports, &path, skip).await.expect("it is known");
    assert!(matches!(second, ImportOutcome::SkippedAsKnown(_)), "{second:?}");
    assert_eq!(super::count(&bank, "imports").await, 1);
}

/// A file that failed because of its content will fail again, so it is skipped; a file that was lost may come again.
async fn a_content_that_failed_is_left_too(bank: Arc<TestBank>) {
    let path = file(&bank, "wrong.csv", "a,b\n1,2\n");
    let skip = RunOptions {
        on_known_content: OnKnownContent::Skip,
        ..RunOptions::default()
    };
    let imports = &bank.services.imports;
    let first = try_import(imports, &path, skip.clone()).await.expect("it is looked at");
    let ImportOutcome::Finished(first) = first else {
        panic!("{first:?}")
    };
    assert_eq!(first.status, ImportStatus::Failed);
    let second = try_import(imports, &path, skip.clone()).await.expect("it is known");
    assert_eq!(second, ImportOutcome::SkippedAsKnown(first));
    assert_eq!(super::count(&bank, "imports").await, 1);
    // Without `Known::Skip` it is read again.
    assert_eq!(import(imports, &path).await.status, ImportStatus::Failed);
    bank.execute("UPDATE imports SET failure = 'the uploaded file is gone'")
        .await;
    let lost = try_import(imports, &path, skip).await.expect("it is looked at");
    assert!(matches!(lost, ImportOutcome::Finished(_)), "{lost:?}");
}

async fn what_counts_once_is_known(bank: Arc<TestBank>) {
    let (text, expected) = Feed::new(1, 100, Dirt::Much).text();
    let rows = Small::<true>::new(&bank.db, 10, quiet());
    let stores = rows.stores();
    let imports = rows.imports(&bank, &bank.db);
    let path = file(&bank, "feed.csv", &text);
    assert_eq!(import(&imports, &path).await.counts, totals(&expected));
    let blocks = stores.load(Ordering::Relaxed);
    let second = import(&imports, &path).await;
    assert_eq!(
        (second.status, &second.counts),
        (ImportStatus::Completed, &again(&expected))
    );
    assert_eq!(stores.load(Ordering::Relaxed), blocks, "no row is looked at again");
    // A file that cannot be read does not count as imported content.
    let wrong = file(&bank, "wrong.csv", "a,b\n1,2\n");
    for _ in 0..2 {
        assert_eq!(import(&imports, &wrong).await.status, ImportStatus::Failed);
    }
}

async fn what_counts_once_is_joined_while_unfinished(bank: Arc<TestBank>) {
    let (text, expected) = Feed::new(1, 100, Dirt::Much).text();
    let path = file(&bank, "feed.csv", &text);
    let broken = Small::<true>::new(&bank.db, 10, breaking(4, Moment::After)).imports(&bank, &bank.db);
    try_import(&broken, &path, RunOptions::default())
        .await
        .expect_err("it breaks");
    let imports = Small::<true>::new(&bank.db, 10, quiet()).imports(&bank, &bank.db);
    assert_eq!(import(&imports, &path).await.counts, totals(&expected));
    assert_eq!(super::count(&bank, "imports").await, 1);
    assert_eq!(stored(&bank).await, expected.inserted);
}

async fn an_upload_of_what_counts_once_is_known_too(bank: Arc<TestBank>) {
    let (text, expected) = Feed::new(1, 100, Dirt::Much).text();
    let path = file(&bank, "feed.csv", &text);
    let broken = Small::<true>::new(&bank.db, 10, breaking(4, Moment::After)).imports(&bank, &bank.db);
    try_import(&broken, &path, RunOptions::default())
        .await
        .expect_err("it breaks");
    let imports = Small::<true>::new(&bank.db, 10, quiet()).imports(&bank, &bank.db);
    imports.serve(Vec::new());
    // The first upload finishes the import that was begun, the second finds it finished; both are completed.
    for _ in 0..2 {
        let id = upload(&imports, "feed.csv", text.as_bytes()).await.id;
        let import = finished(&imports, id).await;
        assert_eq!(
            (import.status, &import.counts),
            (ImportStatus::Completed, &again(&expected))
        );
    }
    let inserted = "SELECT CAST(sum(rows_inserted) AS bigint) AS n FROM imports";
    assert_eq!(bank.number(inserted).await.unsigned_abs(), expected.inserted);
    imports.stop().await;
}
