//! An import that is interrupted continues where it stopped; no row is counted twice or left out.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use harness::activities::{Dirt, Feed};
use harness::{TestBank, all_at_once, on_every_backend};
use service::db::{Db, FaultKind};
use service::imports::{ImportError, ImportOutcome, ImportProgress, ImportStage, Rejects, RunOptions};
use service::values::ImportStatus;
use tokio_util::sync::CancellationToken;

use super::small::{Hook, Moment, Small, breaking, broken, quiet};
use super::{count, file, import, stored, totals, try_import};

on_every_backend!(
    a_fault_at_any_block_costs_nothing,
    others_in_the_way_are_waited_for,
    several_processes_share_one_import,
    a_stopped_import_goes_on_at_the_next_block,
    a_stop_is_noticed_before_the_checkpoint,
    a_file_that_changes_while_it_is_read_is_not_finished,
    what_is_appended_is_not_read,
    rejected_lines_are_whole_after_a_resume,
    progress_is_told,
    a_worker_ends_with_its_imports,
);

const BLOCK_ROWS: usize = 9;
const ROWS: u64 = 100;

async fn a_fault_at_any_block_costs_nothing(bank: Arc<TestBank>) {
    let blocks = ROWS.div_ceil(BLOCK_ROWS as u64);
    let mut inserted = 0;
    for moment in [Moment::Before, Moment::After] {
        for block in 0..blocks {
            let seed = block * 2 + u64::from(moment == Moment::After);
            let (text, expected) = Feed::new(seed, ROWS, Dirt::Much).text();
            let path = file(&bank, "feed.csv", text);
            let breaks = Small::<false>::new(&bank.db, BLOCK_ROWS, breaking(block, moment)).imports(&bank, &bank.db);
            let outcome = try_import(&breaks, &path, RunOptions::default()).await;
            assert!(
                matches!(outcome, Err(ImportError::Fault(_))),
                "{block} {moment:?}: {outcome:?}"
            );
            let unfinished = "SELECT count(*) AS n FROM imports WHERE status = 'RUNNING'";
            assert_eq!(bank.number(unfinished).await, 1, "{block} {moment:?}");

            let goes_on = Small::<false>::new(&bank.db, BLOCK_ROWS, quiet());
            let stores = goes_on.stores();
            let import = import(&goes_on.imports(&bank, &bank.db), &path).await;
            assert_eq!(import.counts, totals(&expected), "{block} {moment:?}");
            assert_eq!(
                (import.status, import.blocks_applied),
                (ImportStatus::Completed, blocks)
            );
            // Blocks that were stored before the fault are not stored again.
            let applied = block + u64::from(moment == Moment::After);
            assert_eq!(stores.load(std::sync::atomic::Ordering::Relaxed), blocks - applied);
            inserted += expected.inserted;
            assert_eq!(stored(&bank).await, inserted);
        }
    }
    assert_eq!(count(&bank, "imports").await, 2 * blocks);
}

async fn others_in_the_way_are_waited_for(bank: Arc<TestBank>) {
    let (text, expected) = Feed::new(1, ROWS, Dirt::Much).text();
    let path = file(&bank, "feed.csv", text);
    let left = Mutex::new(3);
    // A fault that passes, like a deadlock or a busy file: it happens three times.
    let in_the_way: Hook = Arc::new(move |number, moment| {
        let mut left = left.lock().expect("nobody panics with it");
        (number == 2 && moment == Moment::Before && *left > 0).then(|| {
            *left -= 1;
            let mut fault = broken();
            fault.kind = FaultKind::Conflict;
            fault
        })
    });
    let imports = Small::<false>::new(&bank.db, BLOCK_ROWS, in_the_way).imports(&bank, &bank.db);
    assert_eq!(import(&imports, &path).await.counts, totals(&expected));
    assert_eq!(stored(&bank).await, expected.inserted);
}

async fn several_processes_share_one_import(bank: Arc<TestBank>) {
    for seed in 0..3 {
        let (text, expected) = Feed::new(seed, 400, Dirt::Much).text();
        let path = file(&bank, "feed.csv", text);
        let mut processes = Vec::new();
        for _ in 0..3 {
            let db = Db::connect(&bank.database.url)
                .await
                .expect("the database can be opened");
            processes.push((Small::<false>::new(&db, BLOCK_ROWS, quiet()).imports(&bank, &db), db));
        }
        let before = stored(&bank).await;
        let records = count(&bank, "imports").await;
        let done = all_at_once(processes.iter().map(|(imports, _)| import(imports, &path))).await;
        // They share one record, which each of them follows to its end. A process that comes late has its own, all
        // duplicates.
        let shared = done.iter().find(|import| import.counts == totals(&expected));
        assert!(shared.is_some(), "{done:#?}");
        let inserted: u64 = {
            let mut distinct: Vec<_> = done
                .iter()
                .map(|import| (import.id, import.counts.rows_inserted))
                .collect();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(count(&bank, "imports").await - records, distinct.len() as u64);
            distinct.into_iter().map(|(_, inserted)| inserted).sum()
        };
        assert_eq!(
            (inserted, stored(&bank).await - before),
            (expected.inserted, expected.inserted)
        );
        for (_, db) in processes {
            db.close().await;
        }
    }
}

async fn a_stopped_import_goes_on_at_the_next_block(bank: Arc<TestBank>) {
    let (text, expected) = Feed::new(5, ROWS, Dirt::Much).text();
    let path = file(&bank, "feed.csv", text);
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let stops: Hook = Arc::new(move |number, moment| {
        if (number, moment) == (4, Moment::Before) {
            stop.cancel();
        }
        None
    });
    let imports = Small::<false>::new(&bank.db, BLOCK_ROWS, stops).imports(&bank, &bank.db);
    let options = RunOptions {
        stop: stopped,
        ..RunOptions::default()
    };
    let outcome = try_import(&imports, &path, options.clone()).await;
    let Ok(ImportOutcome::Stopped(Some(import))) = outcome else {
        panic!("it is not stopped: {outcome:?}")
    };
    // The current block was finished, and no further one begun.
    assert_eq!(
        (import.blocks_applied, import.counts.rows_read),
        (5, 5 * BLOCK_ROWS as u64)
    );
    assert_eq!(import.status, ImportStatus::Running);
    let again = try_import(&imports, &path, options).await;
    assert!(matches!(again, Ok(ImportOutcome::Stopped(None))), "{again:?}");
    let done = super::import(&imports, &path).await;
    assert_eq!((done.id, &done.counts), (import.id, &totals(&expected)));
    assert_eq!(stored(&bank).await, expected.inserted);
}

/// To write all rejected lines, the importer reads the rows before the checkpoint again, which may take longer than a
/// block.
async fn a_stop_is_noticed_before_the_checkpoint(bank: Arc<TestBank>) {
    const MANY: u64 = 25_000;
    let (text, _) = Feed::new(6, MANY, Dirt::Clean).text();
    let path = file(&bank, "feed.csv", text);
    let breaks = Small::<false>::new(&bank.db, 1_000, breaking(24, Moment::Before)).imports(&bank, &bank.db);
    try_import(&breaks, &path, RunOptions::default())
        .await
        .expect_err("it breaks in its last block");
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let read = Arc::new(AtomicU64::new(0));
    let counted = read.clone();
    let stops = Small::<false>::new(&bank.db, 1_000, quiet()).with_row_hook(Arc::new(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        stop.cancel();
    }));
    let rejected = bank.database.folder.path().join("rejected.csv");
    let options = RunOptions {
        rejects: Some(Rejects::create(&rejected).expect("a file can be made")),
        stop: stopped,
        ..RunOptions::default()
    };
    let outcome = try_import(&stops.imports(&bank, &bank.db), &path, options).await;
    assert!(matches!(outcome, Ok(ImportOutcome::Stopped(Some(_)))), "{outcome:?}");
    // The reading thread sees the stop a moment later than the caller that requests it.
    let read = read.load(Ordering::Relaxed);
    assert!(read < MANY - 1_000, "{read} rows were read after the stop");
}

/// How another program changes a file.
type Change = fn(&std::path::Path);

const CHANGES: [(&str, Change); 3] = [
    ("it shrinks", |path| {
        let file = OpenOptions::new().write(true).open(path).expect("it is there");
        file.set_len(1_000).expect("it can be cut");
    }),
    ("other rows of the same length", |path| {
        let text = fs::read_to_string(path).expect("it can be read");
        let other = text.replace("LAGOS", "lagos").replace("ENUGU", "enugu");
        assert_ne!(text, other);
        fs::write(path, other).expect("it can be written");
    }),
    ("another, longer feed", |path| {
        let (text, _) = Feed::new(77, 2 * LONG, Dirt::Clean).text();
        fs::write(path, text).expect("it can be written");
    }),
];

/// More rows than a reader buffers at once.
const LONG: u64 = 8_000;

async fn a_file_that_changes_while_it_is_read_is_not_finished(bank: Arc<TestBank>) {
    for (seed, (name, change)) in CHANGES.into_iter().enumerate() {
        let (text, expected) = Feed::new(70 + seed as u64, LONG, Dirt::Clean).text();
        let path = file(&bank, "feed.csv", &text);
        let before = stored(&bank).await;
        let changed = path.clone();
        let changes: Hook = Arc::new(move |number, moment| {
            if (number, moment) == (1, Moment::Before) {
                change(&changed);
            }
            None
        });
        let imports = Small::<false>::new(&bank.db, 1_000, changes).imports(&bank, &bank.db);
        let outcome = try_import(&imports, &path, RunOptions::default()).await;
        assert!(matches!(outcome, Err(ImportError::Changed)), "{name}: {outcome:?}");
        // What was read before is stored, and an import of the original file continues from there.
        let so_far = stored(&bank).await - before;
        assert!((1_000..=4_000).contains(&so_far), "{name}: {so_far}");
        fs::write(&path, &text).expect("it can be written");
        let import = import(&bank.services.imports, &path).await;
        assert_eq!(import.counts, totals(&expected), "{name}");
    }
    assert_eq!(count(&bank, "imports").await, CHANGES.len() as u64);
}

async fn what_is_appended_is_not_read(bank: Arc<TestBank>) {
    let (text, expected) = Feed::new(80, ROWS, Dirt::Much).text();
    let path = file(&bank, "feed.csv", &text);
    let grown = path.clone();
    let grows: Hook = Arc::new(move |number, moment| {
        if (number, moment) == (1, Moment::Before) {
            let mut file = OpenOptions::new().append(true).open(&grown).expect("it is there");
            file.write_all(b"half a li").expect("it can be written");
        }
        None
    });
    let imports = Small::<false>::new(&bank.db, BLOCK_ROWS, grows).imports(&bank, &bank.db);
    assert_eq!(import(&imports, &path).await.counts, totals(&expected));
}

async fn rejected_lines_are_whole_after_a_resume(bank: Arc<TestBank>) {
    let (text, expected) = Feed::new(8, ROWS, Dirt::Much).text();
    let path = file(&bank, "feed.csv", &text);
    let mut written = Vec::new();
    for (name, hook) in [
        ("first.csv", breaking(6, Moment::After)),
        ("second.csv", quiet()),
        ("third.csv", quiet()),
    ] {
        let rejected = bank.database.folder.path().join(name);
        let rejects = Rejects::create(&rejected).expect("a file can be made");
        let options = RunOptions {
            rejects: Some(rejects.clone()),
            ..RunOptions::default()
        };
        let imports = Small::<false>::new(&bank.db, BLOCK_ROWS, hook).imports(&bank, &bank.db);
        let outcome = try_import(&imports, &path, options).await;
        assert_eq!(outcome.is_err(), name == "first.csv", "{outcome:?}");
        rejects.finish().expect("a file can be written");
        written.push(fs::read_to_string(rejected).expect("it is there"));
    }
    let mut lines = csv::Reader::from_reader(written[1].as_bytes());
    assert_eq!(
        lines.headers().expect("a header"),
        vec!["file", "line", "reason", "row"]
    );
    let mut rejected = 0;
    for line in lines.records() {
        let line = line.expect("a line of CSV");
        let number: usize = line[1].parse().expect("a line's number");
        assert_eq!(text.lines().nth(number - 1), Some(&line[3]), "the line itself");
        assert_eq!(&line[0], "feed.csv");
        assert!(expected.skipped.contains_key(&line[2]), "{line:?}");
        rejected += 1;
    }
    assert_eq!(rejected, expected.rows_skipped());
    assert!(rejected > 3, "there is something to reject");
    assert_eq!(written[1], written[2], "a second import rejects the same lines");
}

async fn progress_is_told(bank: Arc<TestBank>) {
    let (text, _) = Feed::new(9, ROWS, Dirt::Much).text();
    let size = text.len() as u64;
    let path = file(&bank, "feed.csv", text);
    let options = RunOptions::default();
    let progress = options.progress.clone();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (seen_by_hook, progress_of_hook) = (seen.clone(), progress.clone());
    let looks: Hook = Arc::new(move |_, moment| {
        if moment == Moment::Before {
            let now = progress_of_hook.borrow().clone();
            seen_by_hook.lock().expect("nobody panics with it").push(now);
        }
        None
    });
    let imports = Small::<false>::new(&bank.db, BLOCK_ROWS, looks).imports(&bank, &bank.db);
    try_import(&imports, &path, options).await.expect("it is imported");
    let seen = seen.lock().expect("nobody panics with it").clone();
    let rows: Vec<u64> = seen.iter().map(|progress: &ImportProgress| progress.rows).collect();
    assert_eq!(rows, (0..12).map(|block| block * BLOCK_ROWS as u64).collect::<Vec<_>>());
    assert!(seen.is_sorted_by(|one, other| one.bytes < other.bytes));
    let last = progress.borrow().clone();
    let end = ImportProgress {
        stage: ImportStage::Applying,
        bytes: size,
        size,
        rows: ROWS,
        rows_before: 0,
    };
    assert_eq!(last, end);
}

/// `Imports` may be dropped without `stop`; its worker must then end by itself.
async fn a_worker_ends_with_its_imports(bank: Arc<TestBank>) {
    let rows = Small::<false>::new(&bank.db, BLOCK_ROWS, quiet());
    let held = rows.stores();
    let imports = rows.imports(&bank, &bank.db);
    imports.serve(Vec::new());
    tokio::task::yield_now().await;
    assert!(Arc::strong_count(&held) > 1, "the worker holds its kinds");
    drop(imports);
    let ended = async {
        while Arc::strong_count(&held) > 1 {
            tokio::task::yield_now().await;
        }
    };
    let patience = std::time::Duration::from_secs(20);
    tokio::time::timeout(patience, ended).await.expect("the worker ends");
}
