//! Uploads past HTTP: what waits, what goes on at the next start, what is swept away.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use harness::activities::{Dirt, Feed};
use harness::{TestBank, on_every_backend};
use service::imports::{Import, ImportError, Imports, UPLOADS_MAX};
use service::values::{ImportId, ImportKind, ImportStatus};
use tokio::time::timeout;

use super::small::{Hook, Moment, Small, broken, quiet};
use super::{count, stored, totals};

on_every_backend!(
    an_upload_is_imported_in_the_background,
    uploads_go_on_at_the_next_start_and_left_overs_are_removed,
    too_many_uploads_are_refused,
    an_upload_that_always_fails_holds_nobody_up,
    a_file_that_is_too_large_leaves_nothing,
);

const PATIENCE: Duration = Duration::from_secs(60);

pub async fn upload(imports: &Imports, name: &str, bytes: &[u8]) -> Import {
    imports
        .upload(ImportKind::Activities, name, bytes)
        .await
        .expect("it is taken in")
}

/// The import once it is at its end.
pub async fn finished(imports: &Imports, id: ImportId) -> Import {
    let look = async {
        loop {
            let import = imports.get(id).await.expect("it is recorded");
            if import.status != ImportStatus::Running {
                return import;
            }
        }
    };
    timeout(PATIENCE, look).await.expect("it comes to its end")
}

fn waiting(bank: &TestBank) -> Vec<String> {
    let Ok(entries) = fs::read_dir(bank.config.data_dir.join("uploads")) else {
        return Vec::new();
    };
    let names = entries.map(|entry| entry.expect("a folder can be listed").file_name());
    names.map(|name| name.to_string_lossy().into_owned()).collect()
}

/// A file is removed after its import is finished.
async fn until_nothing_waits(bank: &TestBank) {
    let look = async {
        while !waiting(bank).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, look)
        .await
        .expect("the file of a finished upload is removed");
}

async fn an_upload_is_imported_in_the_background(bank: Arc<TestBank>) {
    let imports = &bank.services.imports;
    let (text, expected) = Feed::new(1, 300, Dirt::Much).text();
    let taken = upload(imports, "a\0b\r\n.csv", text.as_bytes()).await;
    assert_eq!(
        (taken.status, taken.file.as_str(), taken.size),
        (ImportStatus::Running, "ab.csv", text.len() as u64)
    );
    let import = finished(imports, taken.id).await;
    assert_eq!(
        (import.status, &import.counts),
        (ImportStatus::Completed, &totals(&expected))
    );
    let wrong = upload(imports, "", b"a,b\n").await;
    assert_eq!(wrong.file, "unnamed");
    let wrong = finished(imports, wrong.id).await;
    assert_eq!(wrong.status, ImportStatus::Failed);
    let empty = upload(imports, "empty", b"").await;
    assert_eq!(finished(imports, empty.id).await.status, ImportStatus::Completed);
    // The same file again has a record of its own.
    let again = finished(imports, upload(imports, "again", text.as_bytes()).await.id).await;
    assert_eq!(
        (again.counts.rows_inserted, again.counts.rows_duplicate),
        (0, expected.inserted + expected.duplicate)
    );
    assert_eq!(stored(&bank).await, expected.inserted);
    until_nothing_waits(&bank).await;
}

async fn uploads_go_on_at_the_next_start_and_left_overs_are_removed(bank: Arc<TestBank>) {
    // A process that takes uploads and ends before it imports them.
    let first = Small::<false>::new(&bank.db, 10, quiet()).imports(&bank, &bank.db);
    let mut taken = Vec::new();
    for seed in 0..3 {
        let (text, expected) = Feed::new(seed, 100, Dirt::Much).text();
        taken.push((upload(&first, "feed.csv", text.as_bytes()).await.id, expected));
    }
    drop(first);
    let folder = bank.config.data_dir.join("uploads");
    let stranger = "01993f2a-5c00-7a10-8f3b-6d1c0e5a9b01";
    for name in [
        format!("{stranger}.csv"),
        format!("{stranger}.part"),
        "notes.txt".to_owned(),
    ] {
        fs::write(folder.join(name), "left over").expect("a file can be written");
    }
    // Somebody who is receiving a file at the moment keeps it.
    let arriving = folder.join(format!("{}.part", taken[0].0));
    let locked = fs::File::create(&arriving).expect("a file can be made");
    locked.lock().expect("it can be locked");

    let second = Small::<false>::new(&bank.db, 10, quiet()).imports(&bank, &bank.db);
    second.serve(Vec::new());
    for (id, expected) in &taken {
        let import = finished(&second, *id).await;
        assert_eq!(
            (import.status, &import.counts),
            (ImportStatus::Completed, &totals(expected))
        );
    }
    let mut left = waiting(&bank);
    left.retain(|name| !name.ends_with(".csv"));
    left.sort();
    assert_eq!(left, [format!("{}.part", taken[0].0), "notes.txt".to_owned()]);
    assert!(!folder.join(format!("{stranger}.csv")).exists());
    second.stop().await;
}

async fn too_many_uploads_are_refused(bank: Arc<TestBank>) {
    let imports = Small::<false>::new(&bank.db, 10, quiet()).imports(&bank, &bank.db);
    let (text, _) = Feed::new(1, 10, Dirt::Clean).text();
    let mut last = None;
    for _ in 0..UPLOADS_MAX {
        last = Some(upload(&imports, "feed.csv", text.as_bytes()).await.id);
    }
    let refused = imports
        .upload(ImportKind::Activities, "feed.csv", text.as_bytes())
        .await;
    assert!(matches!(refused, Err(ImportError::Overloaded)), "{refused:?}");
    assert_eq!(count(&bank, "imports").await, UPLOADS_MAX as u64);
    assert!(imports.is_importing(ImportKind::Activities));
    // Once there is room, the next is taken.
    imports.serve(Vec::new());
    finished(&imports, last.expect("there is one")).await;
    let until_idle = async {
        while imports.is_importing(ImportKind::Activities) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, until_idle).await.expect("the worker comes to an end");
    let next = upload(&imports, "feed.csv", text.as_bytes()).await;
    finished(&imports, next.id).await;
    assert_eq!(stored(&bank).await, 10);
    imports.stop().await;
}

async fn a_file_that_is_too_large_leaves_nothing(bank: Arc<TestBank>) {
    let imports = &bank.services.imports;
    let largest = usize::try_from(imports.upload_max_bytes()).expect("a test's limit is small");
    let refused = imports
        .upload(ImportKind::Activities, "large.csv", &*vec![b'x'; largest + 1])
        .await;
    assert!(matches!(refused, Err(ImportError::TooLarge { .. })), "{refused:?}");
    assert_eq!((count(&bank, "imports").await, waiting(&bank)), (0, Vec::new()));
    let fits = upload(imports, "large.csv", &vec![b'x'; largest]).await;
    assert_eq!(finished(imports, fits.id).await.status, ImportStatus::Failed);
}

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
    assert_eq!((left.status, left.block), (ImportStatus::Running, 2));
    // The next start goes on with it.
    let next = Small::<false>::new(&bank.db, 10, quiet()).imports(&bank, &bank.db);
    next.serve(Vec::new());
    assert_eq!(finished(&next, long).await.counts, totals(&expected));
    imports.stop().await;
    next.stop().await;
}
