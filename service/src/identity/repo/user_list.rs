//! The SQL of lists of users and of searches.
//!
//! A list by role and status is a range of an index. A search is two ranges, by address and by name, neither of which
//! is in the order of the list: what is in them is sorted. Where that would be many users, the list without the search
//! is looked through instead: many of its users are found by the search.

use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Statement, Value};

use crate::db::{Fault, IndexRange, SqlDialect, after_all_with_prefix};
use crate::identity::{User, UserFilter, UserSearch};
use crate::page::{BoundedLook, Page, PageLooks, PageRequest};
use crate::values::{Role, Timestamp, UserId, UserStatus};

const COLUMNS: &str = "id, email, full_name, name_key, role, status, created_at, updated_at";
/// The most users that are sorted, of those whose address begins as a search says, and of those whose name does.
const SORTED_MAX: u32 = 5_000;

/// Users, newest first.
pub(in crate::identity) async fn list_users(
    db: &impl ConnectionTrait,
    filter: &UserFilter,
    request: &PageRequest<UserId>,
) -> Result<Page<User, UserId>, Fault> {
    if let Some(search) = &filter.search
        && !finds_many(db, search).await?
    {
        return Ok(found(db, search, filter, request).await?.map(User::from));
    }
    Ok(looked_through(db, filter, request).await?.map(User::from))
}

/// True if a search finds more users than are sorted.
async fn finds_many(db: &impl ConnectionTrait, search: &UserSearch) -> Result<bool, Fault> {
    let mut values = Vec::new();
    let ranges = SearchRanges::new(SqlDialect::of(db), search, &mut values);
    let counts = ranges.each(SORTED_MAX + 1);
    let counts = counts.map(|ids| format!("(SELECT count(*) FROM ({ids}) AS found)"));
    let sql = format!("SELECT {} AS by_email, {} AS by_name", counts[0], counts[1]);
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    let row = db.query_one_raw(statement).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("a count of users".to_owned()))?;
    let (by_email, by_name): (i64, i64) = (row.try_get("", "by_email")?, row.try_get("", "by_name")?);
    Ok(by_email.max(by_name) > i64::from(SORTED_MAX))
}

/// A page of what a search finds, sorted as a whole.
async fn found(
    db: &impl ConnectionTrait,
    search: &UserSearch,
    filter: &UserFilter,
    request: &PageRequest<UserId>,
) -> Result<Page<UserListRow, UserId>, Fault> {
    let dialect = SqlDialect::of(db);
    let mut values = Vec::new();
    let ranges = SearchRanges::new(dialect, search, &mut values);
    let mut place = |value: Value| {
        values.push(value);
        format!("${}", values.len())
    };
    let mut ids = ranges
        .each(SORTED_MAX)
        .map(|ids| format!("SELECT id FROM ({ids}) AS found"))
        .join(" UNION ");
    if let Some(id) = search.id() {
        ids = format!("{ids} UNION SELECT {}", place(id.into()));
    }
    // As an array: PostgreSQL may join an `IN` by reading the whole table.
    let is_found = if dialect.is_postgres() {
        format!("id = ANY (ARRAY({ids}))")
    } else {
        format!("id IN ({ids})")
    };
    let role = filter.role.map(|role| format!("role = {}", place(role.into())));
    let status = filter.status.map(|status| format!("status = {}", place(status.into())));
    let below = request.after.map(|after| format!("id < {}", place(after.into())));
    let limit = place(limit_value(request.fetch()));
    let others: Vec<String> = [role, status, below].into_iter().flatten().collect();
    let others = if others.is_empty() {
        "true".to_owned()
    } else {
        others.join(" AND ")
    };
    let none = dialect.null("uuid");
    // The other conditions are outside, so that no index serves them instead.
    let sql = format!(
        "WITH matched AS MATERIALIZED (SELECT {COLUMNS} FROM users WHERE {is_found}) \
         SELECT {COLUMNS}, {none} AS last_looked FROM matched WHERE {others} ORDER BY id DESC LIMIT {limit}"
    );
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    let rows = UserListRow::find_by_statement(statement).all(db).await?;
    Ok(Page::of(rows, request, |row| row.id))
}

/// A page of all users with a role and a status, of which the search is compared with each.
async fn looked_through(
    db: &impl ConnectionTrait,
    filter: &UserFilter,
    request: &PageRequest<UserId>,
) -> Result<Page<UserListRow, UserId>, Fault> {
    let mut looks = PageLooks::new(request, |row: &UserListRow| row.id);
    while let Some(look) = looks.next_look() {
        let rows = UserListRow::find_by_statement(look_statement(db, filter, look))
            .all(db)
            .await?;
        let last = rows.first().and_then(|row| row.last_looked);
        looks.add(rows, last, |row| row.is_found_by(filter.search.as_ref()));
    }
    Ok(looks.into_page())
}

fn look_statement(db: &impl ConnectionTrait, filter: &UserFilter, look: BoundedLook<UserId>) -> Statement {
    let role = filter.role.map(|role| ("role", role.into()));
    let status = filter.status.map(|status| ("status", status.into()));
    let index = match (filter.role, filter.status) {
        (Some(_), Some(_)) => Some("users_by_role_and_status"),
        (Some(_), None) => Some("users_by_role"),
        (None, Some(_)) => Some("users_by_status"),
        (None, None) => None,
    };
    let range = IndexRange {
        table: "users",
        index,
        keys: role.into_iter().chain(status).collect(),
        from: None,
        below: look.below.map(|id| id.0),
    };
    let mut values = Vec::new();
    let looked = range.looked(SqlDialect::of(db), COLUMNS, look.count, &mut values);
    let is_found = match &filter.search {
        Some(search) => {
            let ranges = SearchRanges::new(SqlDialect::of(db), search, &mut values);
            let mut is_found = ranges.conditions().join(" OR ");
            if let Some(id) = search.id() {
                values.push(id.into());
                is_found = format!("{is_found} OR id = ${}", values.len());
            }
            is_found
        }
        None => "true".to_owned(),
    };
    values.push(limit_value(look.wanted));
    let wanted = values.len();
    let sql = format!(
        "{looked} SELECT {COLUMNS}, (SELECT id FROM last_looked) AS last_looked FROM looked \
         WHERE {is_found} OR id = (SELECT id FROM last_looked) ORDER BY id DESC LIMIT ${wanted}"
    );
    Statement::from_sql_and_values(db.get_database_backend(), sql, values)
}

fn limit_value(limit: u64) -> Value {
    i64::try_from(limit).unwrap_or(i64::MAX).into()
}

/// The ranges of a search by address and by name.
struct SearchRanges {
    columns: [&'static str; 2],
    from: usize,
    end: Option<usize>,
}

impl SearchRanges {
    /// Adds its values to those of the statement.
    fn new(dialect: SqlDialect, search: &UserSearch, values: &mut Vec<Value>) -> Self {
        values.push(search.prefix().into());
        let from = values.len();
        let end = after_all_with_prefix(search.prefix()).map(|end| {
            values.push(end.into());
            values.len()
        });
        // The addresses of PostgreSQL have the database's collation, whose order may be another one.
        let email = dialect.choose("email COLLATE \"C\"", "email");
        Self {
            columns: [email, "name_key"],
            from,
            end,
        }
    }

    fn conditions(&self) -> [String; 2] {
        let from = self.from;
        self.columns.map(|column| match self.end {
            Some(end) => format!("({column} >= ${from} AND {column} < ${end})"),
            None => format!("({column} >= ${from})"),
        })
    }

    /// The first ids of each range. It is read in the order of the index, so that no planner reads the table instead.
    fn each(&self, count: u32) -> [String; 2] {
        let [by_email, by_name] = self.conditions();
        let [email, name] = self.columns;
        [(by_email, email), (by_name, name)]
            .map(|(is_found, column)| format!("SELECT id FROM users WHERE {is_found} ORDER BY {column} LIMIT {count}"))
    }
}

/// A user, without what a list does not show.
#[derive(FromQueryResult)]
struct UserListRow {
    id: UserId,
    email: String,
    full_name: String,
    name_key: String,
    role: Role,
    status: UserStatus,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// The same in every row: the last user of a look; `None` if there were fewer users than the look may have.
    last_looked: Option<UserId>,
}

impl UserListRow {
    fn is_found_by(&self, search: Option<&UserSearch>) -> bool {
        search.is_none_or(|search| search.admits(self.id, &self.email, &self.name_key))
    }
}

impl From<UserListRow> for User {
    fn from(row: UserListRow) -> Self {
        Self {
            id: row.id,
            email: row.email,
            full_name: row.full_name,
            role: row.role,
            status: row.status,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
