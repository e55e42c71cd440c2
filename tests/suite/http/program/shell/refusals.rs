//! `florin shell` executes no statement that writes.

use harness::Backend;
use sea_orm::{ConnectionTrait, Database, Statement};

use super::{bank, done};
use crate::program::{Place, verifies};

/// Statements whose first word shows that they do not only read.
const NOT_READING: [&str; 16] = [
    "INSERT INTO readiness DEFAULT VALUES",
    "UPDATE wallets SET version = version",
    "delete from users",
    "/* SELECT */ -- SELECT\n DELETE FROM users",
    "DROP VIEW v_daily",
    "CREATE TABLE mine (a integer)",
    "SET TRANSACTION READ WRITE",
    "BEGIN",
    "COMMIT; DELETE FROM users",
    "COPY users TO STDOUT",
    "VACUUM",
    "VACUUM INTO 'copy.db'",
    "PRAGMA query_only = off",
    "ATTACH 'other.db' AS other",
    "REPLACE INTO readiness VALUES (1, 1)",
    "'SELECT'",
];

/// Statements that begin as one that reads; the database refuses them.
fn refused_by_database(backend: Backend) -> Vec<&'static str> {
    match backend {
        Backend::Postgres => vec![
            "WITH gone AS (DELETE FROM entries RETURNING *) SELECT * FROM gone",
            "WITH one AS (SELECT 1) INSERT INTO readiness DEFAULT VALUES",
            "SELECT * INTO mine FROM v_daily",
            "SELECT * INTO TEMP mine FROM v_daily",
            "EXPLAIN ANALYZE DELETE FROM users",
            "SELECT * FROM wallets FOR UPDATE",
            "SELECT nextval('readiness_id_seq')",
            "SELECT setval('readiness_id_seq', 1000)",
            "SELECT set_config('transaction_read_only', 'off', false)",
            "TABLE nowhere",
        ],
        Backend::Sqlite => vec![
            "WITH one AS (SELECT 1) DELETE FROM readiness",
            "WITH one AS (SELECT 7, 7) INSERT INTO readiness SELECT * FROM one",
            "WITH one AS (SELECT 1) UPDATE readiness SET proofs = 100",
            "EXPLAIN ANALYZE DELETE FROM users",
            "SELECT load_extension('mine')",
        ],
    }
}

/// How many relations and rows there are.
async fn contents(place: &Place, backend: Backend) -> Vec<i64> {
    let db = Database::connect(&place.url).await.expect("the database can be opened");
    let relations = match backend {
        Backend::Postgres => "SELECT count(*) AS n FROM pg_class WHERE relnamespace = current_schema()::regnamespace",
        Backend::Sqlite => "SELECT count(*) AS n FROM sqlite_master",
    };
    let proofs = match backend {
        Backend::Postgres => "SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS n FROM readiness_id_seq",
        Backend::Sqlite => "SELECT sum(proofs) AS n FROM readiness",
    };
    let mut found = Vec::new();
    for sql in [
        relations,
        proofs,
        "SELECT count(*) AS n FROM users",
        "SELECT count(*) AS n FROM entries",
        "SELECT count(*) AS n FROM readiness",
    ] {
        let row = db
            .query_one_raw(Statement::from_string(db.get_database_backend(), sql))
            .await;
        let row = row.expect("the query runs").expect("it gives a row");
        found.push(row.try_get("", "n").expect("it is a number"));
    }
    db.close().await.expect("a connection can be closed");
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_can_be_written() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = bank(backend).await;
        let before = contents(&place, backend).await;
        for sql in NOT_READING {
            let ended = place.ask(sql, &[]).await;
            assert_eq!((ended.status, ended.stdout.as_str()), (Some(1), ""), "{sql}: {ended:?}");
            assert!(
                ended.stderr.starts_with("florin shell only reads: "),
                "{sql}: {ended:?}"
            );
        }
        for sql in refused_by_database(backend) {
            let ended = place.ask(sql, &[]).await;
            assert_eq!((ended.status, ended.stdout.as_str()), (Some(1), ""), "{sql}: {ended:?}");
            let is_sentence = ended.stderr.starts_with("florin: ") && ended.stderr.lines().count() == 1;
            assert!(is_sentence && !ended.stderr.contains("only reads"), "{sql}: {ended:?}");
        }
        for (sql, found) in [("/* SELECT */ delete from users", "DELETE"), ("'SELECT'", "no word")] {
            let sentence = format!(
                "florin shell only reads: a statement must begin with SELECT, WITH, VALUES, TABLE or EXPLAIN; \
                 this one begins with {found}\n"
            );
            assert_eq!(place.ask(sql, &["--log", "off"]).await.stderr, sentence);
        }
        // A statement behind a `;` is refused too.
        for sql in [
            "SELECT 1; DELETE FROM users",
            "SELECT ''';'; DELETE FROM users; SELECT '",
        ] {
            let ended = place.ask(sql, &["--csv"]).await;
            assert!(
                ended.status == Some(1) && ended.stderr.contains("only reads"),
                "{sql}: {ended:?}"
            );
        }
        assert_eq!(contents(&place, backend).await, before);
        assert!(!place.folder.path().join("copy.db").exists() && !place.folder.path().join("other.db").exists());
        verifies(&place).await;
        place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_statement_sets_or_locks_is_gone_with_it() {
    let place = bank(Backend::Postgres).await;
    let script = "SELECT pg_advisory_lock(4712); \
                  SELECT count(*) AS locks FROM pg_locks WHERE locktype = 'advisory' AND objid = 4712; \
                  SELECT set_config('TimeZone', 'Asia/Tokyo', false); SELECT current_setting('TimeZone') AS zone;";
    let ended = place.pipe(script, &["--json"]).await;
    let text = done(&ended);
    assert!(
        text.contains("{\"locks\":0}\n") && text.ends_with("{\"zone\":\"UTC\"}\n"),
        "{text}"
    );
    place.remove().await;
}
