//! The journal: one row for every group commit, and row 0 for the ledger's birth. Row 0 is also the lock: it is locked by who
//! commits and never updated. The ledger's identity and its salt are made here, once.

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
                postgres: POSTGRES,
                sqlite: SQLITE,
            },
        )
        .await
    }
}

// Two random UUIDs are 244 bits of chance: more than a guess can find. Row 0 has no ids and tells no time: its last id and its
// time are the least of all, so that every later row is above them. No ledger is older than its journal: none is released.
const POSTGRES: &str = "
CREATE TABLE ledger (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    id uuid NOT NULL,
    salt bytea NOT NULL CHECK (length(salt) = 32)
);
INSERT INTO ledger (id, salt)
VALUES (gen_random_uuid(), uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

CREATE TABLE journal (
    number bigint PRIMARY KEY CHECK (number >= 0),
    at timestamptz NOT NULL,
    last_id uuid NOT NULL,
    transfers integer NOT NULL CHECK (transfers >= 0),
    changes integer NOT NULL CHECK (changes >= 0),
    root bytea NOT NULL CHECK (length(root) = 32),
    digest bytea NOT NULL CHECK (length(digest) = 32)
);
INSERT INTO journal (number, at, last_id, transfers, changes, root, digest)
VALUES (0, '1970-01-01T00:00:00+00:00', '00000000-0000-0000-0000-000000000000', 0, 0, sha256(''),
    uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

CREATE TRIGGER ledger_is_final BEFORE UPDATE OR DELETE ON ledger
    FOR EACH ROW EXECUTE FUNCTION florin_refuse_change();
CREATE TRIGGER ledger_is_not_truncated BEFORE TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION florin_refuse_change();
CREATE TRIGGER journal_is_final BEFORE UPDATE OR DELETE ON journal
    FOR EACH ROW EXECUTE FUNCTION florin_refuse_change();
CREATE TRIGGER journal_is_not_truncated BEFORE TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION florin_refuse_change();

CREATE FUNCTION florin_stale(what text) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% moved on since the commit was decided', what USING ERRCODE = 'FL001';
END
$$;
";

const SQLITE: &str = "
CREATE TABLE ledger (
    singleton INTEGER NOT NULL PRIMARY KEY DEFAULT 1 CHECK (singleton = 1),
    id BLOB NOT NULL CHECK (length(id) = 16),
    salt BLOB NOT NULL CHECK (length(salt) = 32)
) STRICT;
INSERT INTO ledger (id, salt) VALUES (randomblob(16), randomblob(32));

CREATE TABLE journal (
    number INTEGER NOT NULL PRIMARY KEY CHECK (number >= 0),
    at TEXT NOT NULL,
    last_id BLOB NOT NULL CHECK (length(last_id) = 16),
    transfers INTEGER NOT NULL CHECK (transfers >= 0),
    changes INTEGER NOT NULL CHECK (changes >= 0),
    root BLOB NOT NULL CHECK (length(root) = 32),
    digest BLOB NOT NULL CHECK (length(digest) = 32)
) STRICT;
INSERT INTO journal (number, at, last_id, transfers, changes, root, digest)
VALUES (0, '1970-01-01T00:00:00+00:00', zeroblob(16), 0, 0,
    unhex('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'), randomblob(32));

CREATE TRIGGER ledger_is_not_replaced BEFORE INSERT ON ledger
WHEN EXISTS (SELECT 1 FROM ledger)
BEGIN SELECT RAISE(ABORT, 'rows of ledger are written once and never changed'); END;
CREATE TRIGGER ledger_is_not_changed BEFORE UPDATE ON ledger
BEGIN SELECT RAISE(ABORT, 'rows of ledger are written once and never changed'); END;
CREATE TRIGGER ledger_is_not_deleted BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'rows of ledger are written once and never changed'); END;
CREATE TRIGGER journal_is_not_replaced BEFORE INSERT ON journal
WHEN EXISTS (SELECT 1 FROM journal WHERE number = NEW.number)
BEGIN SELECT RAISE(ABORT, 'rows of journal are written once and never changed'); END;
CREATE TRIGGER journal_is_not_changed BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'rows of journal are written once and never changed'); END;
CREATE TRIGGER journal_is_not_deleted BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'rows of journal are written once and never changed'); END;
";
