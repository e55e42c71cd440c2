//! Uploads that fail, for a while or for good: their records are kept, and other uploads go on.

use super::small::{Hook, Moment, Small, broken, quiet};
use super::totals;
use super::uploads::{finished, upload};
use harness::activities::{Dirt, Feed};
use harness::{TestBank, on_every_backend};
use service::imports::Imports;
use service::values::{ImportId, ImportKind, ImportStatus};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

on_every_backend!(
    an_upload_that_always_fails_holds_nobody_up,
    an_upload_that_makes_the_worker_panic_holds_no_other_up,
    what_fails_for_a_while_is_done_without_a_restart,
    a_file_that_cannot_be_read_is_read_later,
    an_upload_whose_file_is_gone_fails_where_it_was,
    a_file_that_was_cut_fails,
);

async fn an_upload_that_always_fails_holds_nobody_up(bank: Arc<TestBank>) {
    let poisoned: Hook = Arc::new(|number, moment| (number == 2 && moment == Moment::Before).then(broken));
    let imports = Small::<false>::new(&bank.db, 10, poisoned).imports(&bank, &bank.db);
    imports.serve(Vec::new());
    let (long, expected) = Feed::new(1, 50, Dirt::Much).text();
    let (short, _) = Feed::new(2, 5, Dirt::Clean).text();
    let long = upload(&imports, "long.csv", long.as_bytes()).await.id;
    let short = upload(&imports, "short.csv", short.as_bytes()).await.id;
    assert_eq!(finished(&imports, short).await.status, ImportStatus::Completed);
    let left = imports.get(long).await.expect("it is recorded");
    assert_eq!((left.status, left.blocks_applied), (ImportStatus::Running, 2));
    // The next process that starts continues it.
    let next = Small::<false>::new(&bank.db, 10, quiet()).imports(&bank, &bank.db);
    next.serve(Vec::new());
    assert_eq!(finished(&next, long).await.counts, totals(&expected));
    imports.stop().await;
    next.stop().await;
}

/// The worker is started again after each panic, and takes the other uploads first.
async fn an_upload_that_makes_the_worker_panic_holds_no_other_up(bank: Arc<TestBank>) {
    let is_mended = Arc::new(AtomicBool::new(false));
    let mended = is_mended.clone();
    let panicking: Hook = Arc::new(move |number, moment| {
        let panics = number == 2 && moment == Moment::Before && !mended.load(Ordering::Relaxed);
        assert!(!panics, "the test lets the worker panic");
        None
    });
    let imports = Small::<false>::new(&bank.db, 10, panicking).imports(&bank, &bank.db);
    imports.serve(Vec::new());
    let (long, expected) = Feed::new(1, 50, Dirt::Much).text();
    let (short, _) = Feed::new(2, 5, Dirt::Clean).text();
    let long = upload(&imports, "long.csv", long.as_bytes()).await.id;
    for name in ["one.csv", "two.csv", "three.csv"] {
        let short = upload(&imports, name, short.as_bytes()).await.id;
        assert_eq!(finished(&imports, short).await.status, ImportStatus::Completed);
    }
    assert!(
        imports.is_importing(ImportKind::Activities),
        "the first one is not forgotten"
    );
    is_mended.store(true, Ordering::Relaxed);
    assert_eq!(finished(&imports, long).await.counts, totals(&expected));
    imports.stop().await;
}

/// The failure passes, like a disk that is full for a while.
async fn what_fails_for_a_while_is_done_without_a_restart(bank: Arc<TestBank>) {
    let left = Mutex::new(5);
    let failing: Hook = Arc::new(move |_, moment| {
        let mut left = left.lock().expect("nobody panics with it");
        let fails = moment == Moment::Before && *left > 0;
        *left -= i32::from(fails);
        fails.then(broken)
    });
    let imports = Small::<false>::new(&bank.db, 10, failing).imports(&bank, &bank.db);
    imports.serve(Vec::new());
    let (text, expected) = Feed::new(1, 50, Dirt::Much).text();
    let id = upload(&imports, "feed.csv", text.as_bytes()).await.id;
    assert_eq!(finished(&imports, id).await.counts, totals(&expected));
    imports.stop().await;
}

/// The imports of two processes: one accepts an upload, the other finds it at its start.
async fn taken_and_found(bank: &TestBank, text: &str) -> (ImportId, PathBuf, Imports) {
    let taking = Small::<false>::new(&bank.db, 10, quiet()).imports(bank, &bank.db);
    let id = upload(&taking, "feed.csv", text.as_bytes()).await.id;
    let path = bank.config.data_dir.join("uploads").join(format!("{id}.csv"));
    let finding = Small::<false>::new(&bank.db, 10, quiet()).imports(bank, &bank.db);
    (id, path, finding)
}

async fn a_file_that_cannot_be_read_is_read_later(bank: Arc<TestBank>) {
    let (text, expected) = Feed::new(1, 50, Dirt::Much).text();
    let (id, path, imports) = taken_and_found(&bank, &text).await;
    // A link to itself exists but cannot be read.
    let aside = path.with_extension("aside");
    fs::rename(&path, &aside).expect("a file can be moved");
    symlink(&path, &path).expect("a link can be made");
    imports.serve(Vec::new());
    let (short, _) = Feed::new(2, 5, Dirt::Clean).text();
    let other = upload(&imports, "short.csv", short.as_bytes()).await.id;
    assert_eq!(finished(&imports, other).await.status, ImportStatus::Completed);
    assert_eq!(
        imports.get(id).await.expect("it is recorded").status,
        ImportStatus::Running
    );
    fs::remove_file(&path).expect("a link can be removed");
    fs::rename(&aside, &path).expect("a file can be moved");
    let import = finished(&imports, id).await;
    assert_eq!(
        (import.status, &import.counts),
        (ImportStatus::Completed, &totals(&expected))
    );
    imports.stop().await;
}

async fn an_upload_whose_file_is_gone_fails_where_it_was(bank: Arc<TestBank>) {
    let (text, _) = Feed::new(1, 50, Dirt::Much).text();
    let (id, path, imports) = taken_and_found(&bank, &text).await;
    // An upload of another host, and one of a version that did not record the host.
    let (elsewhere, elsewhere_path, _) = taken_and_found(&bank, &text).await;
    let (unknown, unknown_path, _) = taken_and_found(&bank, &text).await;
    for (id, folder) in [
        (elsewhere, "a6b1f3d4-0c62-4f0e-9a55-3d1a0d2f7c11"),
        (unknown, "uploads"),
    ] {
        let record = bank.literal(id.0);
        bank.execute(&format!(
            "UPDATE imports SET path = '{folder}/{id}.csv' WHERE id = {record}"
        ))
        .await;
    }
    for path in [path, elsewhere_path, unknown_path] {
        fs::remove_file(path).expect("a file can be removed");
    }
    imports.serve(Vec::new());
    let import = finished(&imports, id).await;
    assert_eq!(
        (import.status, import.failure.as_deref()),
        (ImportStatus::Failed, Some("the uploaded file is gone"))
    );
    for id in [elsewhere, unknown] {
        let left = imports.get(id).await.expect("it is recorded");
        assert_eq!(left.status, ImportStatus::Running);
    }
    imports.stop().await;
}

async fn a_file_that_was_cut_fails(bank: Arc<TestBank>) {
    let (text, _) = Feed::new(1, 50, Dirt::Much).text();
    let (id, path, imports) = taken_and_found(&bank, &text).await;
    fs::write(path, &text[..text.len() / 2]).expect("a file can be written");
    imports.serve(Vec::new());
    let import = finished(&imports, id).await;
    assert_eq!(
        (import.status, import.failure.as_deref()),
        (
            ImportStatus::Failed,
            Some("the uploaded file changed while it was read")
        )
    );
    imports.stop().await;
}
