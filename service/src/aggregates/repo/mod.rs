//! The SQL of the aggregates: totals in three tables, and how far the pipeline is.

mod sql;
mod state;
mod totals;

pub use state::Recorded;
pub use totals::Table;

pub use self::state::{
    advance_newest, begin_epoch, lock_state, note_purged, note_rebuilt, purged_version, record, set_mark, state,
};
pub use self::totals::{
    add, archive, archived, daily, forget_own, has_cold, imported_totals, is_archived, ledger_totals, move_cold,
    payments_beyond, purge_archived, stored_totals,
};
