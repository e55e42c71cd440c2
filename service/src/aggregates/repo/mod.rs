//! The SQL of the aggregates: totals in three tables, and how far the pipeline is.

mod lines;
mod sql;
mod state;

pub use lines::Table;
pub use state::Recorded;

pub use self::lines::{
    add, archive, archived, daily, forget_own, has_cold, imported_totals, is_archived, ledger_totals, move_cold,
    payments_beyond, purge_archived, stored_totals,
};
pub use self::state::{
    advance_newest, begin_epoch, lock_state, note_purged, note_rebuilt, purged_version, record, set_mark, state,
};
