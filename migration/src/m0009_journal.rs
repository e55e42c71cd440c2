//! The journal: one row for every group commit, and row 0 for the ledger's creation. Row 0 is also the lock: the
//! process that commits locks it, and it is never updated. This step makes the ledger's id and salt, once. `changes`
//! has what a commit does besides moving money. `bank_clock` defines the time that a commit's time is compared with.

use sea_orm_migration::prelude::*;

use crate::sql::{Dialects, canonical, run};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            Dialects {
                postgres: POSTGRES,
                sqlite: &SQLITE
                    .replace("{BALANCE_IS_CANONICAL}", &canonical("balance"))
                    .replace("{HELD_IS_CANONICAL}", &canonical("held")),
            },
        )
        .await
    }
}

// kind of a change: 1 a wallet was opened, 2 frozen, 3 unfrozen, 4 closed, 5 limits set; created_by: null when the wallet's owner
// asked. request_id: of the request that asked; one that a client has chosen can be erased. balance, held, version, status and limits are the wallet's just after the change.
//
// Bank time is the database's clock, or `stands_at` where it is set, plus the offset. Only tests set either.
//
// florin_take_turn waits for the turn, and then returns what was committed after the id `since`: first the head, the
// digest of the row `last_row` (null when it is gone) and the bank's time; then the wallets that those commits name, as
// they are now, and whether each has limits. In a volatile function under READ COMMITTED each statement sees what was committed before that
// statement began, so all of them see the state that stays while the turn is held. Ids grow along the journal, so what
// was committed since is a range of the primary keys. While the bank's clock stands still, the wait counts as no time.
//
// Two random UUIDs have 244 random bits, too many to guess. Row 0 has no ids and no time of its own: its last id and
// its time are the smallest values, so that every later row is above them.
const POSTGRES: &str = "
CREATE TABLE ledger (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    id uuid NOT NULL,
    salt bytea NOT NULL CHECK (length(salt) = 32)
);
INSERT INTO ledger (id, salt)
VALUES (gen_random_uuid(), uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

CREATE DOMAIN record_count AS integer CHECK (VALUE >= 0);

CREATE TABLE journal (
    number natural_bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    last_id uuid NOT NULL,
    transfers record_count NOT NULL,
    changes record_count NOT NULL,
    root sha256_digest NOT NULL,
    digest sha256_digest NOT NULL
);
INSERT INTO journal (number, at, last_id, transfers, changes, root, digest)
VALUES (0, '1970-01-01T00:00:00+00:00', '00000000-0000-0000-0000-000000000000', 0, 0, sha256(''),
    uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

CREATE TABLE changes (
    kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 5),
    id uuid PRIMARY KEY,
    subject uuid NOT NULL,
    created_by uuid,
    request_id bytea,
    before text,
    after text NOT NULL,
    balance signed_amount NOT NULL,
    held held_amount NOT NULL,
    version natural_bigint NOT NULL,
    status wallet_status NOT NULL,
    limits text NOT NULL,
    CONSTRAINT changes_only_an_opening_has_no_before CHECK ((before IS NULL) = (kind = 1))
);
CREATE INDEX changes_by_subject ON changes (subject, id);
CREATE INDEX changes_by_asker ON changes (created_by, id) WHERE created_by IS NOT NULL;

CREATE TABLE bank_clock (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    offset_us bigint NOT NULL DEFAULT 0,
    stands_at timestamptz
);
INSERT INTO bank_clock DEFAULT VALUES;

CREATE FUNCTION florin_refuse_all_but_the_request() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    erased record;
BEGIN
    erased := OLD;
    erased.request_id := NULL;
    IF NEW IS DISTINCT FROM erased THEN
        RAISE EXCEPTION 'rows of % are written once; only the id of the request can be erased', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER changes_are_final BEFORE DELETE ON changes
    FOR EACH ROW EXECUTE FUNCTION florin_refuse_change();
CREATE TRIGGER changes_are_only_erased BEFORE UPDATE ON changes
    FOR EACH ROW EXECUTE FUNCTION florin_refuse_all_but_the_request();
CREATE TRIGGER changes_are_not_truncated BEFORE TRUNCATE ON changes
    FOR EACH STATEMENT EXECUTE FUNCTION florin_refuse_change();
CREATE TRIGGER ledger_is_final BEFORE UPDATE OR DELETE ON ledger
    FOR EACH ROW EXECUTE FUNCTION florin_refuse_change();
CREATE TRIGGER ledger_is_not_truncated BEFORE TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION florin_refuse_change();
CREATE TRIGGER journal_is_final BEFORE UPDATE OR DELETE ON journal
    FOR EACH ROW EXECUTE FUNCTION florin_refuse_change();
CREATE TRIGGER journal_is_not_truncated BEFORE TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION florin_refuse_change();

CREATE FUNCTION florin_take_turn(
    last_row bigint, since uuid, catch_up_max bigint,
    OUT head_number bigint, OUT head_digest bytea, OUT head_last_id uuid, OUT head_at timestamptz,
    OUT last_row_digest bytea, OUT bank_time timestamptz, OUT waited_us bigint, OUT are_too_many boolean,
    OUT ids uuid[], OUT balances numeric[], OUT helds numeric[], OUT statuses text[], OUT versions bigint[],
    OUT times timestamptz[], OUT are_limited boolean[]
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    began timestamptz := clock_timestamp();
    records bigint;
    named uuid[];
BEGIN
    PERFORM FROM journal WHERE number = 0 FOR UPDATE;
    PERFORM set_config('lock_timeout', '200ms', true);
    SELECT number, digest, last_id, at INTO head_number, head_digest, head_last_id, head_at
    FROM journal ORDER BY number DESC LIMIT 1;
    last_row_digest := (SELECT digest FROM journal WHERE number = last_row);
    SELECT coalesce(stands_at, clock_timestamp()) + offset_us * interval '1 microsecond',
        CASE WHEN stands_at IS NULL THEN extract(epoch FROM clock_timestamp() - began) * 1000000 ELSE 0 END
    INTO bank_time, waited_us FROM bank_clock WHERE singleton;
    are_too_many := false;
    IF head_last_id > since THEN
        SELECT count(*), array_agg(source) || array_agg(destination) INTO records, named FROM (
            (SELECT source_wallet_id AS source, destination_wallet_id AS destination FROM transfers
            WHERE id > since ORDER BY id LIMIT catch_up_max + 1)
            UNION ALL
            (SELECT subject, subject FROM changes WHERE id > since ORDER BY id LIMIT catch_up_max + 1)
        ) AS committed;
        are_too_many := records > catch_up_max;
        IF NOT are_too_many THEN
            SELECT array_agg(id), array_agg(balance), array_agg(held), array_agg(status), array_agg(version),
                array_agg(updated_at), array_agg(counted_day IS NOT NULL)
            INTO ids, balances, helds, statuses, versions, times, are_limited
            FROM wallets WHERE id = ANY (named);
        END IF;
    END IF;
END
$$;

CREATE FUNCTION florin_stale(what text, code text) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% moved on since the commit was decided', what USING ERRCODE = code;
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

CREATE TABLE changes (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 5),
    subject BLOB NOT NULL CHECK (length(subject) = 16),
    created_by BLOB CHECK (length(created_by) = 16),
    request_id BLOB,
    before TEXT,
    after TEXT NOT NULL,
    balance TEXT NOT NULL CHECK ({BALANCE_IS_CANONICAL}),
    held TEXT NOT NULL CHECK ({HELD_IS_CANONICAL}),
    version INTEGER NOT NULL CHECK (version >= 0),
    status TEXT NOT NULL CHECK (status IN ('ACTIVE', 'FROZEN', 'CLOSED')),
    limits TEXT NOT NULL,
    CONSTRAINT changes_only_an_opening_has_no_before CHECK ((before IS NULL) = (kind = 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX changes_by_subject ON changes (subject, id);
CREATE INDEX changes_by_asker ON changes (created_by, id) WHERE created_by IS NOT NULL;

CREATE TABLE bank_clock (
    singleton INTEGER NOT NULL PRIMARY KEY DEFAULT 1 CHECK (singleton = 1),
    offset_us INTEGER NOT NULL DEFAULT 0,
    stands_at TEXT
) STRICT;
INSERT INTO bank_clock DEFAULT VALUES;

CREATE TRIGGER changes_are_not_replaced BEFORE INSERT ON changes
WHEN EXISTS (SELECT 1 FROM changes WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'rows of changes are written once and never changed'); END;
CREATE TRIGGER changes_are_not_changed BEFORE UPDATE ON changes
WHEN NEW.request_id IS NOT NULL OR NEW.id IS NOT OLD.id OR NEW.kind IS NOT OLD.kind OR NEW.subject IS NOT OLD.subject
    OR NEW.created_by IS NOT OLD.created_by OR NEW.before IS NOT OLD.before OR NEW.after IS NOT OLD.after
    OR NEW.balance IS NOT OLD.balance OR NEW.held IS NOT OLD.held OR NEW.version IS NOT OLD.version
    OR NEW.status IS NOT OLD.status OR NEW.limits IS NOT OLD.limits
BEGIN SELECT RAISE(ABORT, 'rows of changes are written once and never changed'); END;
CREATE TRIGGER changes_are_not_deleted BEFORE DELETE ON changes
BEGIN SELECT RAISE(ABORT, 'rows of changes are written once and never changed'); END;
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
