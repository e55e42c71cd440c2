//! Imports and a server: its uploads and its folder survive its end, and its transfers go on during an import.

use std::fs;
use std::time::Duration;

use harness::activities::{Dirt, Feed};
use harness::program::Serving;
use harness::{Backend, Delays};
use serde_json::json;
use tokio::time::timeout;

use super::{MANY, STORED, UNFINISHED, counted, counts, number, summary, write};
use crate::imports::{finished, upload};
use crate::program::{Place, names_in, operator, payments_are_not_held_up, timed, two_customers, verifies};

/// Transfers before the import begins.
const ALONE: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_goes_on_with_its_uploads() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let mut feed = Vec::new();
        let expected = Feed::new(1, MANY, Dirt::Much)
            .write_to(&mut feed)
            .expect("memory can be written");
        let server = place.serve().await;
        let token = operator(&place, &server).await.token.expect("an operator has a token");
        let taken = upload(&server.caller().with_token(&token), "feed.csv", &feed)
            .await
            .expect(202);
        let id = taken["id"].as_str().expect("an id is text");
        server.kill().await;
        let uploads = place.folder.path().join("data/uploads");
        assert_eq!(names_in(&uploads), [".id".to_owned(), format!("{id}.csv")]);
        // The server is killed once more in the middle, then stopped in the middle, then left running.
        let server = place.serve().await;
        server.kill().await;
        let server = place.serve().await;
        server.terminate().await;
        assert_eq!(server.ended().await.status, Some(0));
        let server = place.serve().await;
        let import = finished(&server.caller().with_token(&token), id).await;
        assert_eq!(
            (&import["status"], counted(&import)),
            (&json!("COMPLETED"), counts(&expected))
        );
        server.terminate().await;
        assert_eq!(server.ended().await.status, Some(0));
        assert_eq!(names_in(&uploads), [".id"]);
        assert_eq!(number(&place, STORED).await, expected.inserted);
        place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_imported_once_while_the_server_answers() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let feeds = place.folder.path().join("feeds");
        fs::create_dir(&feeds).expect("a folder can be made");
        let many = write(&feeds, "a.csv", Feed::new(1, MANY, Dirt::Much));
        let few = write(&feeds, "b.csv", Feed::new(2, 100, Dirt::Real));
        fs::write(feeds.join("c.csv"), "no feed\n").expect("a file can be written");
        let serve = ["--activities-dir", "feeds", "--log", "warn"];
        let server = Serving::start(place.folder.path(), &place.arguments(&serve)).await;
        let first = server.caller().get("/readyz").await.expect(200);
        assert_eq!(first["importing"]["kind"], "activities", "{first}");
        assert_eq!(first["importing"]["waiting"], 2, "{first}");
        // Meanwhile the server serves customers.
        two_customers(&place, &server, "10").await;
        // Between two files no import is running, so the test counts finished imports.
        let ended = "SELECT count(*) AS n FROM imports WHERE status <> 'RUNNING'";
        let all = async { while number(&place, ended).await < 3 {} };
        timeout(Duration::from_secs(60), all)
            .await
            .expect("the folder is imported");
        until_idle(&server).await;
        assert_eq!(number(&place, STORED).await, many.inserted + few.inserted);
        assert_eq!(number(&place, "SELECT count(*) AS n FROM imports").await, 3);
        server.terminate().await;
        assert_eq!(server.ended().await.status, Some(0));
        // Known files are not read again, not even one that failed.
        let server = Serving::start(place.folder.path(), &place.arguments(&serve)).await;
        until_idle(&server).await;
        let completed = "SELECT count(*) AS n FROM imports WHERE status = 'COMPLETED'";
        assert_eq!(number(&place, completed).await, 2);
        assert_eq!(number(&place, "SELECT count(*) AS n FROM imports").await, 3);
        server.kill().await;
        place.remove().await;
    }
}

async fn until_idle(server: &Serving) {
    let look = async { while !server.caller().get("/readyz").await.expect(200)["importing"].is_null() {} };
    timeout(Duration::from_secs(60), look)
        .await
        .expect("the folder is imported");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transfers_go_on_beside_an_import_on_sqlite() {
    let place = Place::new(Backend::Sqlite).await;
    let expected = write(place.folder.path(), "feed.csv", Feed::new(1, MANY, Dirt::Much));
    let server = place.serve().await;
    let (ana, ben) = two_customers(&place, &server, "100000").await;
    let import = ["import", "activities", "feed.csv", "--json", "--log", "warn"];
    let importing = place.run(&import);
    let pay = async || {
        let (paid, delay) = timed(ana.caller.post("/v1/transfers", ana.one_to(&ben))).await;
        paid.expect(201);
        delay
    };
    let (mut alone, mut beside) = (Delays::default(), Delays::default());
    for _ in 0..ALONE {
        alone.push(pay().await);
    }
    let paying = async {
        loop {
            beside.push(pay().await);
            if number(&place, UNFINISHED).await == 0 && number(&place, STORED).await > 0 {
                return;
            }
        }
    };
    let (imported, ()) = tokio::join!(importing, paying);
    assert_eq!(counted(&summary(&imported, 0)["total"]), counts(&expected));
    payments_are_not_held_up(&alone, &beside);
    server.kill().await;
    verifies(&place).await;
    place.remove().await;
}
