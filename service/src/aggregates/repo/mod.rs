//! The SQL of the aggregates: totals in two tables, the outbox, the bank's numbered batches, and how far the pipeline is.

mod lines;
mod sql;
mod state;

pub use lines::Table;
pub use state::Recorded;

pub use self::lines::{
    add, archive, archived, archived_among, bank_totals, daily, has_cold, ledger_totals, move_cold, purge_archived,
    take_outbox,
};
pub use self::state::{
    advance_newest, batches_after, begin_epoch, confirm, delete_batches, lock_state, next_batch, note_purged,
    outbox_len, purged_version, record, state,
};
