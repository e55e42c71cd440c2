//! The SQL of the aggregates: totals in three tables, and the state of the pipeline.

mod sql;
mod state;
mod sums;

pub use state::Recorded;
pub use sums::Table;

pub use self::state::{
    advance_newest, lock_state, note_purged, note_rebuilt, purged_version, record, record_epoch, set_mark, state,
};
pub use self::sums::{
    add, archive, archived, daily, delete_bank_totals, has_cold, has_step, imported_totals, ledger_totals, move_cold,
    payments_after, purge_archived, stored_totals,
};
