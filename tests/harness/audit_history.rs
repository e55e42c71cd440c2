//! A long audit log, written by the database in bulk: for tests and benchmarks of what a long log costs.

use chrono::DateTime;
use sea_orm::prelude::Uuid;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};
use service::audit::AuditAction;
use service::values::{Timestamp, UserId};

/// Lines of many actors, subjects and actions. The oldest tenth is of an actor, a subject and an action of its own; of
/// the others a quarter each is of one busy actor and of no actor, a third each of one busy subject and of none, and
/// half are sign-ins. The person of a line has the id of its subject; without a subject the person is the actor.
#[derive(Clone, Copy, Debug)]
pub struct AuditHistory {
    /// How many lines.
    pub lines: u32,
    /// All of them are later than this time. Whole milliseconds count.
    pub since: Timestamp,
}

/// The actor of a quarter of the newer lines.
pub const BUSY_ACTOR: UserId = UserId(Uuid::from_u128(1));
/// The subject of a third of the newer lines.
pub const BUSY_SUBJECT: Uuid = Uuid::from_u128(2);
/// The action of half of the newer lines.
pub const BUSY_ACTION: AuditAction = AuditAction::UserSignedIn;
/// The actor of the oldest lines, and of no other.
pub const OLD_ACTOR: UserId = UserId(Uuid::from_u128(3));
/// The subject of the oldest lines, and of no other.
pub const OLD_SUBJECT: Uuid = Uuid::from_u128(4);
/// The action of the oldest lines, and of no other.
pub const OLD_ACTION: AuditAction = AuditAction::ImportCreated;

/// The actions of the other lines.
const RARE_ACTIONS: [AuditAction; 4] = [
    AuditAction::SignInFailed,
    AuditAction::UserSuspended,
    AuditAction::RoleChanged,
    AuditAction::SessionEnded,
];
/// The time between two lines.
const STEP_MS: i64 = 10;
/// The lines that one statement writes: more would take PostgreSQL longer than its `statement_timeout`.
const WRITTEN_AT_ONCE: u32 = 50_000;

impl AuditHistory {
    /// The time of a line; the first has number 1. Number 0 stands for the time before the first.
    #[must_use]
    pub fn time(&self, number: u32) -> Timestamp {
        let millis = self.since.timestamp_millis() + i64::from(number) * STEP_MS;
        DateTime::from_timestamp_millis(millis).expect("this is a time")
    }

    /// Writes the lines and their details.
    pub async fn store(&self, db: &DatabaseConnection) {
        let sql = LinesSql::of(self, db.get_database_backend());
        let mut first = 1;
        while first <= self.lines {
            let last = self.lines.min(first + WRITTEN_AT_ONCE - 1);
            for statement in [sql.lines(first, last), sql.details(first, last)] {
                if let Err(error) = db.execute_unprepared(&statement).await {
                    panic!("{statement}\n{error}");
                }
            }
            first = last + 1;
        }
    }
}

/// The statements in one dialect. In all of them `n` is a line's number.
struct LinesSql {
    backend: DbBackend,
    lines: u32,
    /// The id and the time of line `n`.
    id: String,
    time: String,
}

impl LinesSql {
    fn of(history: &AuditHistory, backend: DbBackend) -> Self {
        let start = history.since.timestamp_millis();
        let (id, time) = match backend {
            DbBackend::Postgres => (
                format!(
                    "(lpad(to_hex({start}::bigint + n * {STEP_MS}), 12, '0') || '70008000' \
                     || lpad(to_hex(n), 12, '0'))::uuid"
                ),
                format!("(timestamptz 'epoch' + ({start}::bigint + n * {STEP_MS}) * interval '1 millisecond')"),
            ),
            _ => (
                format!("unhex(printf('%012x', {start} + n * {STEP_MS}) || '70008000' || printf('%012x', n))"),
                format!("strftime('%Y-%m-%dT%H:%M:%f+00:00', ({start} + n * {STEP_MS}) / 1000.0, 'unixepoch')"),
            ),
        };
        Self {
            backend,
            lines: history.lines,
            id,
            time,
        }
    }

    fn lines(&self, first: u32, last: u32) -> String {
        let (id, time, numbers, lines) = (&self.id, &self.time, self.numbers(first, last), self.lines);
        let (busy_actor, old_actor) = (self.literal(BUSY_ACTOR.0), self.literal(OLD_ACTOR.0));
        let (busy_subject, old_subject) = (self.literal(BUSY_SUBJECT), self.literal(OLD_SUBJECT));
        let (rare_actor, rare_subject) = (
            self.counted_id("1000 + n % 5000"),
            self.counted_id("1000000 + n % 20000"),
        );
        let (busy_action, old_action) = (BUSY_ACTION.as_str(), OLD_ACTION.as_str());
        let rare = RARE_ACTIONS.iter().enumerate();
        let rare: String = rare
            .map(|(number, action)| format!("WHEN {number} THEN '{}' ", action.as_str()))
            .collect();
        format!(
            "INSERT INTO audit_lines (id, at, action, actor_id, subject_kind, subject_id, person_id) \
             SELECT id, at, action, actor, CASE WHEN subject IS NULL THEN NULL ELSE 'wallet' END, subject, \
             coalesce(subject, actor) FROM (SELECT \
             {id} AS id, {time} AS at, \
             CASE WHEN n <= {lines} / 10 THEN '{old_action}' WHEN n / 7 % 2 = 0 THEN '{busy_action}' \
             ELSE CASE n / 14 % 4 {rare}END END AS action, \
             CASE WHEN n <= {lines} / 10 THEN {old_actor} WHEN n % 4 = 0 THEN {busy_actor} WHEN n % 4 = 1 THEN NULL \
             ELSE {rare_actor} END AS actor, \
             CASE WHEN n <= {lines} / 10 THEN {old_subject} WHEN n % 3 = 0 THEN {busy_subject} \
             WHEN n % 3 = 1 THEN NULL ELSE {rare_subject} END AS subject \
             FROM ({numbers}) AS numbers) AS line"
        )
    }

    fn details(&self, first: u32, last: u32) -> String {
        let (id, numbers) = (&self.id, self.numbers(first, last));
        format!(
            "INSERT INTO audit_details (id, address, user_agent, request_id, after) \
             SELECT {id}, '192.0.2.' || (n % 250), 'test/1', 'request-' || n, '{{\"number\":' || n || '}}' \
             FROM ({numbers}) AS numbers"
        )
    }

    fn numbers(&self, first: u32, last: u32) -> String {
        match self.backend {
            DbBackend::Postgres => format!("SELECT n FROM generate_series({first}, {last}) AS n"),
            _ => format!(
                "WITH RECURSIVE series(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM series WHERE n < {last}) \
                 SELECT n FROM series"
            ),
        }
    }

    fn literal(&self, id: Uuid) -> String {
        match self.backend {
            DbBackend::Postgres => format!("'{id}'::uuid"),
            _ => format!("x'{}'", id.simple()),
        }
    }

    /// The id that is a number.
    fn counted_id(&self, number: &str) -> String {
        match self.backend {
            DbBackend::Postgres => format!("lpad(to_hex({number}), 32, '0')::uuid"),
            _ => format!("unhex(printf('%032x', {number}))"),
        }
    }
}
