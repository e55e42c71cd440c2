//! Uploads without HTTP: what waits, what continues at the next start, and what is removed.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use harness::activities::{Dirt, Feed};
use harness::{TestBank, all_at_once, on_every_backend};
use service::actor::Actor;
use service::imports::{Import, ImportError, Imports, UPLOADS_MAX};
use service::values::{ImportId, ImportKind, ImportStatus, Role, UserId};
use tokio::time::timeout;
use uuid::Uuid;

use super::small::{Small, quiet};
use super::{count, stored, totals};

on_every_backend!(
    an_upload_is_imported_in_the_background,
    uploads_go_on_at_the_next_start_and_left_overs_are_removed,
    too_many_uploads_are_refused,
    uploads_are_kept_beside_servers_that_start,
    an_upload_is_work_of_its_kind_only,
    a_file_that_is_too_large_leaves_nothing,
);

const PATIENCE: Duration = Duration::from_secs(60);

pub async fn upload(imports: &Imports, name: &str, bytes: &[u8]) -> Import {
    try_upload(imports, ImportKind::Activities, name, bytes)
        .await
        .expect("it is taken in")
}

async fn try_upload(imports: &Imports, kind: ImportKind, name: &str, bytes: &[u8]) -> Result<Import, ImportError> {
    let place = imports.admit(kind, Some(bytes.len() as u64)).await?;
    imports.receive_upload(&operator(), place, name, bytes).await
}

/// An operator who is in no row: who uploads a file makes no difference to its import.
fn operator() -> Actor {
    Actor::new(UserId(Uuid::from_u128(7)), Role::Operator)
}

fn transactions(rows: usize) -> String {
    let line = "2026-01-05T12:00:00,deposit,wire,1\n";
    format!("timestamp,type,payment_method,amount\n{}", line.repeat(rows))
}

/// Waits until the import has ended, and returns it.
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
    let names = names.map(|name| name.to_string_lossy().into_owned());
    // The file with the folder's own name stays.
    names.filter(|name| name != ".id").collect()
}

/// Waits, since a file is removed only after its import is finished.
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
        (taken.status, taken.file_name.as_str(), taken.size),
        (ImportStatus::Running, "ab.csv", text.len() as u64)
    );
    let import = finished(imports, taken.id).await;
    assert_eq!(
        (import.status, &import.counts),
        (ImportStatus::Completed, &totals(&expected))
    );
    let wrong = upload(imports, "", b"a,b\n").await;
    assert_eq!(wrong.file_name, "unnamed");
    let wrong = finished(imports, wrong.id).await;
    assert_eq!(wrong.status, ImportStatus::Failed);
    let empty = upload(imports, "empty", b"").await;
    assert_eq!(finished(imports, empty.id).await.status, ImportStatus::Completed);
    // The same file again gets its own record.
    let again = finished(imports, upload(imports, "again", text.as_bytes()).await.id).await;
    assert_eq!(
        (again.counts.rows_inserted, again.counts.rows_duplicate),
        (0, expected.inserted + expected.duplicate)
    );
    assert_eq!(stored(&bank).await, expected.inserted);
    until_nothing_waits(&bank).await;
}

async fn uploads_go_on_at_the_next_start_and_left_overs_are_removed(bank: Arc<TestBank>) {
    // A process that accepts uploads and ends before it imports them.
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
    // The lock shows that another process is receiving this file, so it must stay.
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
    let refused = try_upload(&imports, ImportKind::Activities, "feed.csv", text.as_bytes()).await;
    assert!(matches!(refused, Err(ImportError::Overloaded)), "{refused:?}");
    assert_eq!(count(&bank, "imports").await, UPLOADS_MAX as u64);
    assert!(imports.is_importing(ImportKind::Activities));
    // Once there is room, the next upload is accepted.
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
    let refused = try_upload(imports, ImportKind::Activities, "large.csv", &vec![b'x'; largest + 1]).await;
    assert!(matches!(refused, Err(ImportError::TooLarge { .. })), "{refused:?}");
    assert_eq!((count(&bank, "imports").await, waiting(&bank)), (0, Vec::new()));
    let fits = upload(imports, "large.csv", &vec![b'x'; largest]).await;
    assert_eq!(finished(imports, fits.id).await.status, ImportStatus::Failed);
}

/// Every server that starts removes left-overs, but not an upload that is being recorded at that moment.
async fn uploads_are_kept_beside_servers_that_start(bank: Arc<TestBank>) {
    const PROCESSES: u64 = 8;
    let is_done = AtomicBool::new(false);
    let uploads = async {
        let taken = all_at_once((0..PROCESSES).map(|process| taken_by(&bank, process))).await;
        is_done.store(true, Ordering::Relaxed);
        taken
    };
    let starts = async {
        let mut number = 0;
        while !is_done.load(Ordering::Relaxed) {
            number += 1;
            start_beside(&bank, number).await;
        }
    };
    let (taken, ()) = tokio::join!(uploads, starts);
    let last = Small::<false>::new(&bank.db, 10, quiet()).imports(&bank, &bank.db);
    last.serve(Vec::new());
    for id in taken.into_iter().flatten() {
        let import = finished(&last, id).await;
        assert_eq!((import.status, import.failure), (ImportStatus::Completed, None));
    }
    last.stop().await;
}

/// As many uploads as a process accepts when it imports none of them.
async fn taken_by(bank: &TestBank, process: u64) -> Vec<ImportId> {
    let taking = Small::<false>::new(&bank.db, 10, quiet()).imports(bank, &bank.db);
    let mut taken = Vec::new();
    for seed in 0..UPLOADS_MAX as u64 {
        let (text, _) = Feed::new(process * 100 + seed, 3, Dirt::Clean).text();
        taken.push(upload(&taking, "feed.csv", text.as_bytes()).await.id);
    }
    taken
}

/// Starts a server's worker, and stops it once it has searched the folder.
async fn start_beside(bank: &TestBank, number: u128) {
    let left = format!("{}.part", Uuid::from_u128(number));
    let left = bank.config.data_dir.join("uploads").join(left);
    // The first upload makes the folder; before that there is nothing to search.
    if fs::write(&left, "left over").is_err() {
        return tokio::task::yield_now().await;
    }
    let starting = Small::<false>::new(&bank.db, 10, quiet()).imports(bank, &bank.db);
    starting.serve(Vec::new());
    while left.exists() {
        tokio::task::yield_now().await;
    }
    starting.stop().await;
}

async fn an_upload_is_work_of_its_kind_only(bank: Arc<TestBank>) {
    let imports = Small::<false>::new(&bank.db, 10, quiet()).imports(&bank, &bank.db);
    let work = || {
        let of = |kind| imports.is_importing(kind);
        (of(ImportKind::Activities), of(ImportKind::Transactions))
    };
    assert_eq!(work(), (false, false));
    let taken = try_upload(
        &imports,
        ImportKind::Transactions,
        "month.csv",
        transactions(3).as_bytes(),
    )
    .await
    .expect("it is taken in");
    assert_eq!(work(), (false, true));
    imports.serve(Vec::new());
    finished(&imports, taken.id).await;
    let until_idle = async {
        while work() != (false, false) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, until_idle).await.expect("the worker comes to an end");
    // A refused upload does not count as work.
    let largest = usize::try_from(imports.upload_max_bytes()).expect("a test's limit is small");
    let refused = try_upload(&imports, ImportKind::Activities, "large.csv", &vec![b'x'; largest + 1]).await;
    assert!(matches!(refused, Err(ImportError::TooLarge { .. })), "{refused:?}");
    assert_eq!(work(), (false, false));
    imports.stop().await;
}
