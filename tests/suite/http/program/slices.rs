//! A bank is in the schema that its database's URL names.

use harness::Backend;
use harness::program::{Serving, run};
use harness::slices::url_in;
use sea_orm::{ConnectionTrait, Database};

use super::{Place, two_customers};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bank_lives_in_the_schema_that_its_url_names() {
    let place = Place::new(Backend::Postgres).await;
    let db = Database::connect(&place.url).await.expect("the database can be opened");
    let made = db.execute_unprepared("CREATE SCHEMA slice_a").await;
    made.expect("a schema can be made");
    db.close().await.expect("a connection can be closed");
    let whole = place.url.clone();
    let mut slice = place;
    slice.url = url_in(&whole, "slice_a");
    let folder = slice.folder.path();
    let arguments = slice.arguments(&["--log", "warn", "--generic-plans", "off"]);
    let server = Serving::start(folder, &arguments).await;
    let (ana, ben) = two_customers(&slice, &server, "10").await;
    ana.caller.post("/v1/transfers", ana.one_to(&ben)).await.expect(201);
    server.kill().await;
    let verified = slice.run(&["verify"]).await;
    assert_eq!(verified.status, Some(0), "{verified:?}");
    assert!(
        verified
            .stdout
            .contains("looked at 3 wallets in 1 currency, 2 transfers, 4 entries, 3 changes\n"),
        "{verified:?}"
    );
    // The bank in the default schema is another one, and is only made now.
    let other = run(folder, &["verify", "--log", "warn", "--database-url", &whole]).await;
    assert_eq!(other.status, Some(0), "{other:?}");
    assert!(other.stdout.contains("looked at 0 wallets"), "{other:?}");
    slice.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_that_is_not_there_is_told() {
    let mut place = Place::new(Backend::Postgres).await;
    place.url = url_in(&place.url, "nowhere");
    let ended = place.run(&["migrate", "up", "--log", "off"]).await;
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(3), ""), "{ended:?}");
    assert!(
        ended.stderr.contains("there is no schema to work in") && ended.stderr.contains("to do: make the schema"),
        "{ended:?}"
    );
    place.remove().await;
}
