//! Lists of the audit log. Each is a range of an index that ends in the id. Where no index has the actor that is asked
//! for, a list is a bounded look at the range, in which each line's actor is compared.

use sea_orm::{ConnectionTrait, FromQueryResult, Statement, Value};
use uuid::Uuid;

use crate::audit::person::PersonLine;
use crate::audit::{AuditFilter, StoredAuditLine, StoredAuditSubject};
use crate::clock::id_floor;
use crate::db::{Fault, IndexRange, SqlDialect};
use crate::page::{BoundedLook, Page, PageLooks, PageRequest};
use crate::values::{ApiKeyId, AuditId, Timestamp, UserId};

/// Which lines a list has.
pub(in crate::audit) struct ListedLines {
    /// The columns of an index before the id, each with the value that the lines have.
    pub keys: Vec<(&'static str, Value)>,
    /// Only lines with this id or a later one.
    pub from: Option<Uuid>,
    /// Only lines with an earlier id than this one.
    pub below: Option<Uuid>,
    /// Only lines of these actors. It is compared with each line.
    pub actor: ComparedActor,
}

/// Whose lines a list has, beside what its index says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::audit) enum ComparedActor {
    /// Those of any actor, and of none.
    Any,
    /// What this user did.
    Is(UserId),
    /// What others did, and what was done without an actor.
    IsNot(UserId),
}

/// Lines, newest first. A page costs the same wherever in the list it is.
pub(in crate::audit) async fn list(
    db: &impl ConnectionTrait,
    listed: &ListedLines,
    request: &PageRequest<AuditId>,
) -> Result<Page<PersonLine, AuditId>, Fault> {
    let mut looks = PageLooks::new(request, |found: &PersonLine| found.line.id);
    while let Some(look) = looks.next_look() {
        let rows = AuditLineRow::find_by_statement(statement(db, listed, look))
            .all(db)
            .await?;
        let last = rows.first().and_then(|row| row.last_looked);
        let lines = rows.into_iter().map(PersonLine::from).collect();
        looks.add(lines, last, |found| listed.actor.admits(found.line.actor));
    }
    Ok(looks.into_page())
}

const COLUMNS: &str = "id, at, action, actor_id, api_key_id, subject_kind, subject_id, person_id";

/// One look-up a line. For a plain join PostgreSQL may read all details.
const DETAILS_ON_POSTGRES: &str = "LEFT JOIN LATERAL (SELECT address, user_agent, request_id, before, after \
    FROM audit_details WHERE id = line.id LIMIT 1) AS details ON true";
const DETAILS_ON_SQLITE: &str = "LEFT JOIN audit_details AS details ON details.id = line.id";

/// The lines of a look that the list has, with the last line of the look, whether the list has it or not.
fn statement(db: &impl ConnectionTrait, listed: &ListedLines, look: BoundedLook<AuditId>) -> Statement {
    let mut values = Vec::new();
    let dialect = SqlDialect::of(db);
    let looked = listed
        .range(dialect, look.below)
        .looked(dialect, COLUMNS, look.count, &mut values);
    let is_admitted = listed.actor.condition(&mut values);
    values.push(i64::try_from(look.wanted).unwrap_or(i64::MAX).into());
    let wanted = values.len();
    let details = dialect.choose(DETAILS_ON_POSTGRES, DETAILS_ON_SQLITE);
    let sql = format!(
        "{looked} SELECT line.id, line.at, line.action, line.actor_id, line.api_key_id, line.subject_kind, \
         line.subject_id, line.person_id, details.address, details.user_agent, details.request_id, details.before, \
         details.after, (SELECT id FROM last_looked) AS last_looked FROM (SELECT {COLUMNS} FROM looked \
         WHERE {is_admitted} OR id = (SELECT id FROM last_looked) ORDER BY id DESC LIMIT ${wanted}) AS line \
         {details} ORDER BY line.id DESC"
    );
    Statement::from_sql_and_values(db.get_database_backend(), sql, values)
}

impl ListedLines {
    fn range(&self, dialect: SqlDialect, below: Option<AuditId>) -> IndexRange {
        let names: Vec<&str> = self.keys.iter().map(|(name, _)| *name).collect();
        let index = match names[..] {
            ["subject_id"] => Some("audit_lines_by_subject"),
            ["subject_id", "action"] => Some("audit_lines_by_subject_and_action"),
            ["actor_id"] => Some("audit_lines_by_actor"),
            ["actor_id", "action"] => Some("audit_lines_by_actor_and_action"),
            ["action"] => Some("audit_lines_by_action"),
            ["person_id"] => Some("audit_lines_by_person"),
            _ => None,
        };
        let mut keys = self.keys.clone();
        // Its index has a collation of its own, so that it has the order of no other list.
        if names == ["action"] && dialect.is_postgres() {
            keys[0].0 = "action COLLATE \"C\"";
        }
        let bounds = [below.map(|id| id.0), self.below];
        IndexRange {
            table: "audit_lines",
            index,
            keys,
            from: self.from,
            below: bounds.into_iter().flatten().min(),
        }
    }
}

/// Ids carry the time at which the line was made, so a time is a bound on them. There is no index by a subject and an
/// actor together.
impl From<&AuditFilter> for ListedLines {
    fn from(filter: &AuditFilter) -> Self {
        let mut keys: Vec<(&'static str, Value)> = Vec::new();
        let mut compared = ComparedActor::Any;
        match (filter.subject, filter.actor) {
            (Some(subject), actor) => {
                keys.push(("subject_id", subject.into()));
                compared = actor.map_or(compared, ComparedActor::Is);
            }
            (None, Some(actor)) => keys.push(("actor_id", actor.into())),
            (None, None) => {}
        }
        if let Some(action) = filter.action {
            keys.push(("action", action.as_str().into()));
        }
        Self {
            keys,
            from: filter.from.map(id_floor),
            below: filter.to.map(id_floor),
            actor: compared,
        }
    }
}

impl ComparedActor {
    fn admits(self, actor: Option<UserId>) -> bool {
        match self {
            Self::Any => true,
            Self::Is(user) => actor == Some(user),
            Self::IsNot(user) => actor != Some(user),
        }
    }

    /// The same in SQL. Adds its value to those of the statement.
    fn condition(self, values: &mut Vec<Value>) -> String {
        let mut place = |user: UserId| {
            values.push(user.into());
            values.len()
        };
        match self {
            Self::Any => "true".to_owned(),
            Self::Is(user) => format!("actor_id = ${}", place(user)),
            Self::IsNot(user) => format!("actor_id IS NULL OR actor_id <> ${}", place(user)),
        }
    }
}

#[derive(FromQueryResult)]
struct AuditLineRow {
    id: AuditId,
    at: Timestamp,
    action: String,
    actor_id: Option<UserId>,
    api_key_id: Option<ApiKeyId>,
    subject_kind: Option<String>,
    subject_id: Option<Uuid>,
    person_id: Option<UserId>,
    address: Option<String>,
    user_agent: Option<String>,
    request_id: Option<String>,
    before: Option<String>,
    after: Option<String>,
    /// The same in every row: the last line of the look; `None` if there were fewer lines than the look may have.
    last_looked: Option<AuditId>,
}

impl From<AuditLineRow> for PersonLine {
    fn from(row: AuditLineRow) -> Self {
        let subject = row.subject_kind.zip(row.subject_id);
        let line = StoredAuditLine {
            id: row.id,
            at: row.at,
            action: row.action,
            actor: row.actor_id,
            api_key: row.api_key_id,
            subject: subject.map(|(kind, id)| StoredAuditSubject { kind, id }),
            address: row.address,
            user_agent: row.user_agent,
            request: row.request_id,
            before: row.before,
            after: row.after,
        };
        Self {
            line,
            person: row.person_id,
        }
    }
}
