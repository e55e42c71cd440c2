//! The audit log. Lines are appended and never changed. What tells who a person is stands beside them, in a table of which
//! a trigger allows that it is erased, and nothing else.

use sea_orm_migration::prelude::*;

use crate::sql::{Dialects, run};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            Dialects {
                postgres: &POSTGRES.replace(
                    "{INDEXES}",
                    &INDEXES.replace("(action, id)", "(action COLLATE \"C\", id)"),
                ),
                sqlite: &SQLITE.replace("{INDEXES}", INDEXES),
            },
        )
        .await
    }
}

/// The same on both databases, but that PostgreSQL compares the actions of the first index by a collation of its own: else it
/// could take that index for the lines of an actor or subject with an action, since it too has them in this order. Each filter of the list has an index that ends in the id, so that a page is a range of it.
const INDEXES: &str = "
CREATE INDEX audit_lines_by_action ON audit_lines (action, id);
CREATE INDEX audit_lines_by_actor ON audit_lines (actor_id, id) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_lines_by_actor_and_action ON audit_lines (actor_id, action, id) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_lines_by_subject ON audit_lines (subject_id, id) WHERE subject_id IS NOT NULL;
CREATE INDEX audit_lines_by_subject_and_action ON audit_lines (subject_id, action, id) WHERE subject_id IS NOT NULL;
CREATE INDEX audit_lines_by_person ON audit_lines (person_id, id) WHERE person_id IS NOT NULL;
";

const POSTGRES: &str = r#"
CREATE TABLE audit_lines (
    at timestamptz NOT NULL,
    id uuid PRIMARY KEY,
    actor_id uuid,
    api_key_id uuid,
    subject_id uuid,
    person_id uuid,
    action text NOT NULL CHECK (action ~ '^[a-z_]+\.[a-z_]+$'),
    subject_kind text,
    CONSTRAINT audit_lines_subject_has_kind CHECK ((subject_kind IS NULL) = (subject_id IS NULL))
);
CREATE TABLE audit_details (
    id uuid PRIMARY KEY,
    address text,
    user_agent text CHECK (length(user_agent) BETWEEN 1 AND 200),
    request_id text CHECK (length(request_id) BETWEEN 1 AND 64),
    email_digest sha256_digest,
    before text,
    after text
);
{INDEXES}

CREATE FUNCTION florin_refuse_all_but_emptying() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id IS DISTINCT FROM OLD.id
        OR (NEW.address IS NOT NULL AND NEW.address IS DISTINCT FROM OLD.address)
        OR (NEW.user_agent IS NOT NULL AND NEW.user_agent IS DISTINCT FROM OLD.user_agent)
        OR (NEW.request_id IS NOT NULL AND NEW.request_id IS DISTINCT FROM OLD.request_id)
        OR (NEW.email_digest IS NOT NULL AND NEW.email_digest IS DISTINCT FROM OLD.email_digest)
        OR (NEW.before IS NOT NULL AND NEW.before IS DISTINCT FROM OLD.before)
        OR (NEW.after IS NOT NULL AND NEW.after IS DISTINCT FROM OLD.after)
    THEN
        RAISE EXCEPTION 'rows of % are written once; what they hold can only be erased', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER audit_lines_are_final BEFORE UPDATE OR DELETE ON audit_lines
    FOR EACH ROW EXECUTE FUNCTION florin_refuse_change();
CREATE TRIGGER audit_lines_are_not_truncated BEFORE TRUNCATE ON audit_lines
    FOR EACH STATEMENT EXECUTE FUNCTION florin_refuse_change();
CREATE TRIGGER audit_details_are_only_erased BEFORE UPDATE ON audit_details
    FOR EACH ROW EXECUTE FUNCTION florin_refuse_all_but_emptying();
CREATE TRIGGER audit_details_are_not_deleted BEFORE DELETE ON audit_details
    FOR EACH ROW EXECUTE FUNCTION florin_refuse_change();
CREATE TRIGGER audit_details_are_not_truncated BEFORE TRUNCATE ON audit_details
    FOR EACH STATEMENT EXECUTE FUNCTION florin_refuse_change();
"#;

// REPLACE removes a conflicting row without running the triggers on deletion, so a trigger on insertion looks for such a row
// first.
const SQLITE: &str = r#"
CREATE TABLE audit_lines (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    at TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action GLOB '[a-z]*.[a-z]*'),
    actor_id BLOB,
    api_key_id BLOB,
    subject_kind TEXT,
    subject_id BLOB,
    person_id BLOB,
    CONSTRAINT audit_lines_subject_has_kind CHECK ((subject_kind IS NULL) = (subject_id IS NULL))
) STRICT, WITHOUT ROWID;
CREATE TABLE audit_details (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    address TEXT,
    user_agent TEXT CHECK (length(user_agent) BETWEEN 1 AND 200),
    request_id TEXT CHECK (length(request_id) BETWEEN 1 AND 64),
    email_digest BLOB CHECK (length(email_digest) = 32),
    "before" TEXT,
    "after" TEXT
) STRICT, WITHOUT ROWID;
{INDEXES}

CREATE TRIGGER audit_lines_are_not_replaced BEFORE INSERT ON audit_lines
WHEN EXISTS (SELECT 1 FROM audit_lines WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'rows of audit_lines are written once and never changed'); END;
CREATE TRIGGER audit_lines_are_not_changed BEFORE UPDATE ON audit_lines
BEGIN SELECT RAISE(ABORT, 'rows of audit_lines are written once and never changed'); END;
CREATE TRIGGER audit_lines_are_not_deleted BEFORE DELETE ON audit_lines
BEGIN SELECT RAISE(ABORT, 'rows of audit_lines are written once and never changed'); END;
CREATE TRIGGER audit_details_are_not_replaced BEFORE INSERT ON audit_details
WHEN EXISTS (SELECT 1 FROM audit_details WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'rows of audit_details are written once; what they hold can only be erased'); END;
CREATE TRIGGER audit_details_are_only_erased BEFORE UPDATE ON audit_details
WHEN NEW.id IS NOT OLD.id
    OR (NEW.address IS NOT NULL AND NEW.address IS NOT OLD.address)
    OR (NEW.user_agent IS NOT NULL AND NEW.user_agent IS NOT OLD.user_agent)
    OR (NEW.request_id IS NOT NULL AND NEW.request_id IS NOT OLD.request_id)
    OR (NEW.email_digest IS NOT NULL AND NEW.email_digest IS NOT OLD.email_digest)
    OR (NEW."before" IS NOT NULL AND NEW."before" IS NOT OLD."before")
    OR (NEW."after" IS NOT NULL AND NEW."after" IS NOT OLD."after")
BEGIN SELECT RAISE(ABORT, 'rows of audit_details are written once; what they hold can only be erased'); END;
CREATE TRIGGER audit_details_are_not_deleted BEFORE DELETE ON audit_details
BEGIN SELECT RAISE(ABORT, 'rows of audit_details are written once and never changed'); END;
"#;
