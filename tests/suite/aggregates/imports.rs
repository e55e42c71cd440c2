//! Files of transactions: every row counts once, whichever processes import them and however often.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::{TestBank, all_at_once};
use service::imports::{ImportError, ImportOutcome, ImportProgress, Pace, RunOptions};
use service::values::{ImportKind, ImportStatus};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Line, Shown, answer, csv, expected, file, import, lines, on_every_store, settle};

on_every_store!(
    everywhere: [every_row_of_a_file_counts_once,
    a_file_that_was_imported_changes_nothing,
    the_same_file_at_once_counts_once,
    bad_rows_are_left_out_with_their_reasons,
    the_largest_amounts_add_up,
    a_stopped_import_goes_on_where_it_was,
    a_replay_keeps_the_pace,
    a_replay_counts_rows_as_they_come,],
    with_redis: [],
);

async fn every_row_of_a_file_counts_once(bank: Arc<TestBank>) {
    let lines = lines(10_000, 40);
    let imported = import(&bank, &file(&bank, "many.csv", &csv(&lines))).await;
    assert_eq!(imported.status, ImportStatus::Completed);
    assert_eq!(imported.counts.rows_inserted, 10_000);
    assert!(imported.blocks_applied > 1, "one block is no test of many");
    assert_eq!(answer(&bank.services.aggregates).await, expected(&lines));
    settle(&bank.services.aggregates).await;
    assert_eq!(answer(&bank.services.aggregates).await, expected(&lines));
}

async fn a_file_that_was_imported_changes_nothing(bank: Arc<TestBank>) {
    let lines = lines(50, 9);
    import(&bank, &file(&bank, "first.csv", &csv(&lines))).await;
    let again = import(&bank, &file(&bank, "another_name.csv", &csv(&lines))).await;
    assert_eq!((again.counts.rows_inserted, again.counts.rows_duplicate), (0, 50));
    assert_eq!(answer(&bank.services.aggregates).await, expected(&lines));
    // The same rows in another file count as other rows, since they have no id.
    let mut longer = lines.clone();
    longer.extend(self::lines(1, 1));
    import(&bank, &file(&bank, "longer.csv", &csv(&longer))).await;
    let both: Vec<Line> = lines.into_iter().chain(longer).collect();
    assert_eq!(answer(&bank.services.aggregates).await, expected(&both));
}

async fn the_same_file_at_once_counts_once(bank: Arc<TestBank>) {
    let lines = lines(6_000, 12);
    let path = file(&bank, "shared.csv", &csv(&lines));
    let replica = bank.replica().await;
    let importers = [bank.services.clone(), bank.services.clone(), replica];
    let outcomes = all_at_once(importers.map(|services| {
        let path = path.clone();
        async move {
            let options = RunOptions::default();
            services
                .imports
                .import_file(ImportKind::Transactions, &path, options)
                .await
        }
    }))
    .await;
    for outcome in outcomes {
        assert!(matches!(outcome, Ok(ImportOutcome::Finished(_))), "{outcome:?}");
    }
    assert_eq!(answer(&bank.services.aggregates).await, expected(&lines));
}

async fn bad_rows_are_left_out_with_their_reasons(bank: Arc<TestBank>) {
    let text = "\u{feff}amount,TYPE,sleep_ms,payment_method,timestamp,note\r\n\
        1.50,deposit,0,VISA,2026-01-05T03:33:58,ok\r\n\
        1.50,transfer,0,visa,2026-01-05T03:33:58,type\r\n\
        -1,deposit,0,visa,2026-01-05T03:33:58,amount\r\n\
        1.5,deposit,0,visa,2026-01-06T03:33:59,future\r\n\
        1.5,deposit,0,visa,,blank\r\n\
        2,withdrawal,,wire,2026-01-05 23:59:59,ok\r\n";
    let imported = import(&bank, &file(&bank, "bad.csv", text)).await;
    let counts = &imported.counts;
    assert_eq!((counts.rows_read, counts.rows_inserted, counts.rows_skipped), (6, 2, 4));
    let reasons: Vec<_> = counts
        .skip_reasons
        .iter()
        .map(|(reason, count)| (reason.as_str(), *count))
        .collect();
    let expected = [
        "invalid_amount",
        "invalid_timestamp",
        "invalid_type",
        "timestamp_in_future",
    ];
    assert_eq!(reasons, expected.map(|reason| (reason, 1)));
    let answered = answer(&bank.services.aggregates).await;
    assert_eq!(answered["2026-01-05 deposit visa"], "15000/1");
    assert_eq!(answered["2026-01-05 withdrawal wire"], "20000/1");
    assert_eq!(answered.len(), 2);
}

async fn the_largest_amounts_add_up(bank: Arc<TestBank>) {
    let mut text = String::from("timestamp,type,payment_method,amount\n");
    for _ in 0..30 {
        text.push_str("2026-01-05T00:00:00,deposit,visa,99999999999999.9999\n");
    }
    import(&bank, &file(&bank, "large.csv", &text)).await;
    let sum = 30 * 999_999_999_999_999_999_i128;
    assert_eq!(
        answer(&bank.services.aggregates).await["2026-01-05 deposit visa"],
        format!("{sum}/30")
    );
    // The sums of cold days are exact, too.
    let later = "timestamp,type,payment_method,amount\n2026-01-05T12:00:00,deposit,wire,1\n";
    bank.advance(chrono::TimeDelta::days(30)).await;
    let later = later.replace("2026-01-05", "2026-02-03");
    import(&bank, &file(&bank, "later.csv", &later)).await;
    settle(&bank.services.aggregates).await;
    assert_eq!(
        answer(&bank.services.aggregates).await["2026-01-05 deposit visa"],
        format!("{sum}/30")
    );
}

type Task = JoinHandle<Result<ImportOutcome, ImportError>>;

/// Starts an import; returns its progress, the token that stops it, and its outcome.
fn start(
    bank: &TestBank,
    path: &Path,
    pace: Option<Pace>,
) -> (watch::Receiver<ImportProgress>, CancellationToken, Task) {
    let stop = CancellationToken::new();
    let progress = Arc::new(watch::Sender::default());
    let steps = progress.subscribe();
    let options = RunOptions {
        progress,
        stop: stop.clone(),
        pace,
        ..RunOptions::default()
    };
    let (services, path) = (bank.services.clone(), path.to_owned());
    let import = async move {
        services
            .imports
            .import_file(ImportKind::Transactions, &path, options)
            .await
    };
    (steps, stop, tokio::spawn(import))
}

async fn a_stopped_import_goes_on_where_it_was(bank: Arc<TestBank>) {
    let lines = lines(9_000, 20);
    let path = file(&bank, "stopped.csv", &csv(&lines));
    let (mut steps, stop, import_task) = start(&bank, &path, None);
    // `rows` counts applied rows, so the stop comes after the first block.
    steps.wait_for(|step| step.rows > 0).await.expect("the import goes on");
    stop.cancel();
    let outcome = import_task.await.expect("the import ends").expect("without a fault");
    let applied = match outcome {
        ImportOutcome::Stopped(Some(import)) => import.counts.rows_inserted,
        ImportOutcome::Finished(import) => import.counts.rows_inserted,
        other => panic!("{other:?}"),
    };
    assert!(applied > 0);
    assert_eq!(import(&bank, &path).await.counts.rows_read, 9_000);
    assert_eq!(answer(&bank.services.aggregates).await, expected(&lines));
}

/// A replay that is stopped has counted its rows so far, and an import without a pace counts the others.
async fn a_replay_counts_rows_as_they_come(bank: Arc<TestBank>) {
    let mut text = String::from("timestamp,type,payment_method,amount,sleep_ms\n");
    for _ in 0..200 {
        text.push_str("2026-01-05T00:00:00,deposit,visa,1,20\n");
    }
    let path = file(&bank, "slow.csv", &text);
    let (mut steps, stop, import_task) = start(&bank, &path, Pace::parse("2"));
    // The replay lasts two seconds, and its rows come a few at a time.
    for _ in 0..3 {
        let before = steps.borrow_and_update().rows;
        let step = steps.wait_for(|step| step.rows > before).await;
        let rows = step.expect("the import goes on").rows - before;
        assert!(rows < 50, "{rows} rows at once");
    }
    stop.cancel();
    let outcome = import_task.await.expect("the import ends").expect("without a fault");
    let ImportOutcome::Stopped(Some(stopped)) = outcome else {
        panic!("{outcome:?}")
    };
    let (day, counted) = ("2026-01-05 deposit visa".to_owned(), stopped.counts.rows_inserted);
    let sum = |rows: u64| Shown::from([(day.clone(), format!("{}/{rows}", rows * 10_000))]);
    assert_eq!(answer(&bank.services.aggregates).await, sum(counted));
    assert_eq!(import(&bank, &path).await.counts.rows_inserted, 200);
    assert_eq!(answer(&bank.services.aggregates).await, sum(200));
}

async fn a_replay_keeps_the_pace(bank: Arc<TestBank>) {
    let mut text = String::from("timestamp,type,payment_method,amount,sleep_ms\n");
    for wait in [100, 400, 0] {
        text.push_str(&format!("2026-01-05T00:00:00,deposit,visa,1,{wait}\n"));
    }
    let path = file(&bank, "paced.csv", &text);
    let options = RunOptions {
        pace: Pace::parse("2"),
        ..RunOptions::default()
    };
    let began = Instant::now();
    let imports = &bank.services.imports;
    imports
        .import_file(ImportKind::Transactions, &path, options)
        .await
        .expect("the file can be imported");
    assert!(began.elapsed() >= Duration::from_millis(250), "{:?}", began.elapsed());
    assert_eq!(
        answer(&bank.services.aggregates).await["2026-01-05 deposit visa"],
        "30000/3"
    );
}
