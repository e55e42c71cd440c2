//! Entries: each wallet's side of a completed transfer. The primary key is the index that lists a wallet's history: ids
//! of transfers grow with time, so a page, a span of time and the balance at a time are ranges of that index.

use sea_orm_migration::prelude::*;

use crate::sql::{Dialects, canonical, run, units};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            Dialects {
                postgres: POSTGRES,
                sqlite: &sqlite(),
            },
        )
        .await
    }
}

const POSTGRES: &str = "
CREATE DOMAIN entry_version AS bigint CHECK (VALUE > 0);
CREATE DOMAIN entry_amount AS numeric(18,4) CHECK (VALUE <> 0 AND VALUE <= 99999999999999.9999);

CREATE TABLE entries (
    version entry_version NOT NULL,
    wallet_id uuid NOT NULL,
    transfer_id uuid NOT NULL,
    amount entry_amount NOT NULL,
    balance_after signed_amount NOT NULL,
    PRIMARY KEY (wallet_id, transfer_id)
);
CREATE TRIGGER entries_are_final BEFORE UPDATE OR DELETE ON entries
    FOR EACH ROW EXECUTE FUNCTION florin_refuse_change();
CREATE TRIGGER entries_are_not_truncated BEFORE TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION florin_refuse_change();
";

// The trigger on insertion refuses REPLACE, as in transfers.
fn sqlite() -> String {
    let (amount, amount_is_canonical) = (units("amount"), canonical("amount"));
    let balance_is_canonical = canonical("balance_after");
    format!(
        "
CREATE TABLE entries (
    wallet_id BLOB NOT NULL REFERENCES wallets (id),
    transfer_id BLOB NOT NULL REFERENCES transfers (id),
    version INTEGER NOT NULL CHECK (version > 0),
    amount TEXT NOT NULL CHECK ({amount_is_canonical} AND {amount} <> 0),
    balance_after TEXT NOT NULL CHECK ({balance_is_canonical}),
    PRIMARY KEY (wallet_id, transfer_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER entries_are_not_replaced BEFORE INSERT ON entries
WHEN EXISTS (SELECT 1 FROM entries WHERE wallet_id = NEW.wallet_id AND transfer_id = NEW.transfer_id)
BEGIN SELECT RAISE(ABORT, 'rows of entries are written once and never changed'); END;
CREATE TRIGGER entries_are_not_changed BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'rows of entries are written once and never changed'); END;
CREATE TRIGGER entries_are_not_deleted BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'rows of entries are written once and never changed'); END;
"
    )
}
