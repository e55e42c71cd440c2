//! A bank whose time differs from the real time: the database stores the offset, and every process uses it.

use chrono::{DateTime, TimeDelta, Utc};
use harness::Backend;
use sea_orm::{ConnectionTrait, Database};

use super::{Place, two_customers, verifies};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_goes_by_the_offset_that_the_database_keeps() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        // This start makes the database.
        place.serve().await.kill().await;
        let db = Database::connect(&place.url).await.expect("it can be opened");
        let days = TimeDelta::days(400);
        let sql = format!("UPDATE bank_clock SET offset_us = {}", days.num_seconds() * 1_000_000);
        db.execute_unprepared(&sql).await.expect("a test may set the clock");
        db.close().await.expect("a connection can be closed");
        let server = place.serve().await;
        let (ana, ben) = two_customers(&place, &server, "10").await;
        let paid = ana.caller.post("/v1/transfers", ana.one_to(&ben)).await.expect(201);
        let created_at = paid["created_at"].as_str().expect("it has a time");
        let created_at: DateTime<Utc> = created_at.parse().expect("it is a time");
        let apart = created_at - days - harness::clock::world_time();
        assert!(apart.abs() < TimeDelta::minutes(1), "{apart}");
        server.caller().get("/readyz").await.expect(200);
        server.kill().await;
        verifies(&place).await;
        place.remove().await;
    }
}
