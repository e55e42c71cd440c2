//! The SQL of the aggregates: totals in three tables, the outbox, the bank's numbered batches, and how far the pipeline is.

mod lines;
mod sql;
mod state;

pub use lines::Table;
pub use state::Recorded;

pub use self::lines::{
    add, archive, archived, daily, has_cold, imported_totals, ledger_totals, move_cold, purge_archived, stored_totals,
    take_outbox,
};
pub use self::state::{
    advance_newest, batches_after, begin_epoch, confirm, delete_batches, has_outbox, lock_state, next_batch,
    note_purged, outbox_len, purged_version, record, state,
};
