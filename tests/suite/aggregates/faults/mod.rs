//! The program is killed while it imports, relays and archives: at the n-th round trip to its database or its Redis,
//! and at random times, sometimes twice in a row. Afterwards the totals are always the sums of the rows and the
//! deposits.
//!
//! Each run of the tests makes only a sample of the kills. The long tests, which take minutes, make all of them:
//! `scripts/test.sh --nightly`.

mod history;

pub use history::{past, port_of};

use harness::program;
use harness::{Backend, Silence};

use history::{Behind, History, Victim};

/// More round trips than a server needs to relay and archive everything.
const SERVER_TRIPS_MAX: u64 = 200;
/// Kills of servers that had already done everything.
const SERVER_TRIPS_MORE: u32 = 10;
/// More round trips than an import of some blocks needs.
const IMPORT_TRIPS_MAX: u64 = 400;

/// A new seed each time. It is printed, so that a failure can be repeated.
fn seed() -> u64 {
    u64::from_be_bytes(service::clock::random_bytes())
}

/// Kills an import at every round trip from `first` in steps of `step`, before its request and before its answer.
async fn imports_killed_at(history: &mut History, behind: Behind, first: u64, step: u64) {
    for trip in (first..IMPORT_TRIPS_MAX).step_by(usize::try_from(step).expect("a step is small")) {
        let before = history
            .kill_at(behind, Victim::Import, Silence::BeforeRequest(trip))
            .await;
        let within = history
            .kill_at(behind, Victim::Import, Silence::BeforeAnswer(trip))
            .await;
        if !before && !within {
            return;
        }
    }
    panic!("an import makes more than {IMPORT_TRIPS_MAX} round trips");
}

/// Kills a server at every round trip until it has relayed and archived everything, and at some more.
async fn servers_killed_at(history: &mut History, behind: Behind) {
    let mut done = 0;
    for trip in 1..SERVER_TRIPS_MAX {
        let silence = Silence::BeforeAnswer(trip);
        let is_early = history.kill_at(behind, Victim::Server, silence).await;
        done += u32::from(!is_early);
        if done == SERVER_TRIPS_MORE {
            return;
        }
    }
    panic!("a server has not done all after {SERVER_TRIPS_MAX} round trips");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sample_of_kills_changes_no_total() {
    program::binary().await;
    let mut history = History::new(Backend::Postgres, true, seed()).await;
    for trip in [25, 40] {
        history
            .kill_at(Behind::Database, Victim::Import, Silence::BeforeAnswer(trip))
            .await;
        history
            .kill_at(Behind::Database, Victim::Server, Silence::BeforeAnswer(trip))
            .await;
    }
    for trip in [2, 4, 6, 8, 10] {
        history
            .kill_at(Behind::Redis, Victim::Import, Silence::BeforeAnswer(trip))
            .await;
        history
            .kill_at(Behind::Redis, Victim::Server, Silence::BeforeAnswer(trip))
            .await;
    }
    history.end(12).await;
    let mut history = History::new(Backend::Sqlite, false, seed()).await;
    let usual = history.usual_time().await;
    while history.kills < 6 {
        history.kill_import_sometime(usual).await;
        history.kill_server_sometime().await;
    }
    history.end(6).await;
    let mut history = History::new(Backend::Postgres, false, seed()).await;
    for trip in [30, 35, 45, 50] {
        history
            .kill_at(Behind::Database, Victim::Import, Silence::BeforeRequest(trip))
            .await;
    }
    history.end(4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "some minutes: a kill at every round trip to the database"]
async fn a_kill_at_every_round_trip_to_the_database_changes_no_total() {
    program::binary().await;
    for with_redis in [false, true] {
        let mut history = History::new(Backend::Postgres, with_redis, seed()).await;
        imports_killed_at(&mut history, Behind::Database, 1, 1).await;
        servers_killed_at(&mut history, Behind::Database).await;
        history.end(100).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "some minutes: a kill at every round trip to Redis"]
async fn a_kill_at_every_round_trip_to_redis_changes_no_total() {
    program::binary().await;
    for backend in [Backend::Postgres, Backend::Sqlite] {
        let mut history = History::new(backend, true, seed()).await;
        imports_killed_at(&mut history, Behind::Redis, 1, 1).await;
        servers_killed_at(&mut history, Behind::Redis).await;
        history.end(40).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "some minutes: two hundred kills at random times"]
async fn kills_at_random_times_change_no_total() {
    program::binary().await;
    for backend in [Backend::Sqlite, Backend::Postgres] {
        for with_redis in [false, true] {
            let mut history = History::new(backend, with_redis, seed()).await;
            let usual = history.usual_time().await;
            while history.kills < 50 {
                history.kill_import_sometime(usual).await;
                history.kill_server_sometime().await;
            }
            history.end(50).await;
        }
    }
}
