//! Many users, written by the database in bulk: for tests of what lists and searches cost in a large bank.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};
use service::values::Timestamp;

/// Users who cannot sign in. The oldest tenth has names and addresses that begin with `old` and is suspended, the
/// others' begin with `new`. One of a hundred is of support, the others are customers.
#[derive(Clone, Copy, Debug)]
pub struct Crowd {
    /// How many users.
    pub users: u32,
    /// All of them are registered later than this time. Whole milliseconds count.
    pub since: Timestamp,
}

/// The time between two registrations.
const STEP_MS: i64 = 10;
/// The users that one statement writes: more would take PostgreSQL longer than its `statement_timeout`.
const WRITTEN_AT_ONCE: u32 = 50_000;

impl Crowd {
    /// Writes the users.
    pub async fn store(&self, db: &DatabaseConnection) {
        let mut first = 1;
        while first <= self.users {
            let last = self.users.min(first + WRITTEN_AT_ONCE - 1);
            let sql = self.sql(db.get_database_backend(), first, last);
            if let Err(error) = db.execute_unprepared(&sql).await {
                panic!("{sql}\n{error}");
            }
            first = last + 1;
        }
    }

    fn sql(&self, backend: DbBackend, first: u32, last: u32) -> String {
        let (start, users) = (self.since.timestamp_millis(), self.users);
        let (id, time, numbers) = match backend {
            DbBackend::Postgres => (
                format!(
                    "(lpad(to_hex({start}::bigint + n * {STEP_MS}), 12, '0') || '70008000' \
                     || lpad(to_hex(n), 12, '0'))::uuid"
                ),
                format!("(timestamptz 'epoch' + ({start}::bigint + n * {STEP_MS}) * interval '1 millisecond')"),
                format!("SELECT n FROM generate_series({first}, {last}) AS n"),
            ),
            _ => (
                format!("unhex(printf('%012x', {start} + n * {STEP_MS}) || '70008000' || printf('%012x', n))"),
                format!("strftime('%Y-%m-%dT%H:%M:%f+00:00', ({start} + n * {STEP_MS}) / 1000.0, 'unixepoch')"),
                format!(
                    "WITH RECURSIVE series(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM series WHERE n < {last}) \
                     SELECT n FROM series"
                ),
            ),
        };
        format!(
            "INSERT INTO users (id, email, full_name, name_key, password_hash, role, status, created_at, updated_at) \
             SELECT id, word || n || '@example.com', upper(word) || ' ' || n, word || ' ' || n, 'none', \
             CASE WHEN n % 100 = 0 THEN 'support' ELSE 'customer' END, \
             CASE word WHEN 'old' THEN 'suspended' ELSE 'active' END, made_at, made_at \
             FROM (SELECT n, {id} AS id, {time} AS made_at, \
             CASE WHEN n <= {users} / 10 THEN 'old' ELSE 'new' END AS word FROM ({numbers}) AS numbers) AS person"
        )
    }
}
