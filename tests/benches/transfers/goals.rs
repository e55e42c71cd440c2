//! The ratios that have a goal: what is compared with what, the least that is good enough, and what we aim at.

use std::fmt;

use crate::audit::{AuditLook, audit_name};
use crate::feed::{self, drain};
use crate::lists::{Look, Size, list_name};
use crate::report::{Milli, decimal};
use crate::statements::STATEMENTS;
use crate::storm;
use crate::verify::{self, RECEIPT_CONNECTIONS, ReceiptLook, receipt_look_name};

/// A comparison of two measurements, or one figure of one measurement.
#[derive(Clone, Debug)]
pub struct Ratio {
    /// What is printed before it.
    pub title: String,
    pub figure: Figure,
    /// The names of the measurements.
    pub over: String,
    /// `None` for a figure that is compared with nothing.
    pub under: Option<String>,
    pub goal: Goal,
}

/// Which figure of a measurement.
#[derive(Clone, Copy, Debug)]
pub enum Figure {
    /// Thousands a second, where it is compared with nothing.
    Speed,
    /// Milliseconds, where it is compared with nothing.
    P50,
    /// The same.
    P99,
    /// MiB of the server's resident memory above what it takes when idle; of the proof's, above what few transfers take.
    MemoryAboveIdle,
}

/// What a ratio should be, in thousandths.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    AtLeast { floor: Milli, aim: Milli },
    AtMost { ceiling: Milli, aim: Milli },
}

const BATCHES: Goal = Goal::AtLeast {
    floor: 1_300,
    aim: 1_800,
};
const HOLDS: Goal = Goal::AtLeast { floor: 400, aim: 500 };
const PAGES: Goal = Goal::AtMost {
    ceiling: 2_000,
    aim: 1_200,
};
const FOREIGN: Goal = Goal::AtMost {
    ceiling: 1_500,
    aim: 1_100,
};
const AUDIT_PAGES: Goal = Goal::AtMost {
    ceiling: 1_500,
    aim: 1_100,
};
/// How much later transfers may be answered beside a storm of sign-ins.
const STORM: Goal = Goal::AtMost {
    ceiling: 2_000,
    aim: 1_500,
};
const STATEMENT_MIB: Goal = Goal::AtMost {
    ceiling: 32_000,
    aim: 8_000,
};

const WITH_READERS: Goal = Goal::AtLeast { floor: 800, aim: 900 };
/// In microseconds.
const EVENT_DELAY: Goal = Goal::AtMost {
    ceiling: 250_000,
    aim: 60_000,
};
/// Events a second.
const DRAIN: Goal = Goal::AtLeast {
    floor: 1_000,
    aim: 1_000,
};
const DRAIN_MIB: Goal = Goal::AtMost {
    ceiling: 32_000,
    aim: 8_000,
};

/// The proof of the books over reading its rows.
const PROOF: Goal = Goal::AtMost {
    ceiling: 4_000,
    aim: 2_000,
};
const PROOF_MIB: Goal = Goal::AtMost {
    ceiling: 32_000,
    aim: 8_000,
};
const RECEIPT: Goal = Goal::AtMost {
    ceiling: 4_000,
    aim: 2_000,
};

/// The databases that lists are measured on.
const DATABASES: [&str; 2] = ["postgres", "sqlite"];

/// All ratios with a goal, in the order in which they are printed.
pub fn ratios() -> Vec<Ratio> {
    let mut ratios = Vec::new();
    for (database, singles) in [
        ("http", "http uniform, 1000 connections"),
        ("sqlite", "sqlite http, 256 connections"),
    ] {
        ratios.extend(ratios_of_batches(database, singles));
    }
    for (database, singles) in [
        ("http", "http uniform, 256 connections"),
        ("sqlite", "sqlite http, 256 connections"),
    ] {
        ratios.push(Ratio {
            title: format!("{database}, pairs of hold and capture / singles, 256 connections"),
            figure: Figure::Speed,
            over: format!("{database} hold + capture, 256 connections"),
            under: Some(singles.to_owned()),
            goal: HOLDS,
        });
    }
    ratios.push(Ratio {
        title: "half the peak beside 200 sign-ins / alone: p99".to_owned(),
        figure: Figure::P99,
        over: storm::BESIDE.to_owned(),
        under: Some(storm::ALONE.to_owned()),
        goal: STORM,
    });
    ratios.extend(ratios_of_feed());
    for database in DATABASES {
        ratios.extend(Look::ALL.map(|look| ratio_of_look(database, look)));
    }
    for database in DATABASES {
        ratios.extend(AuditLook::ALL.map(|look| ratio_of_audit_look(database, look)));
    }
    ratios.extend(STATEMENTS.map(|statement| Ratio {
        title: format!("{}, MiB resident above idle", statement.name),
        figure: Figure::MemoryAboveIdle,
        over: statement.name.to_owned(),
        under: None,
        goal: STATEMENT_MIB,
    }));
    ratios.extend(ratios_of_proofs());
    ratios
}

fn ratios_of_batches(database: &str, singles: &str) -> impl Iterator<Item = Ratio> {
    let kinds = [("batches", ""), ("atomic batches", ", one hot wallet")];
    let pairs = kinds.into_iter().flat_map(|kind| [100, 1_000].map(|size| (kind, size)));
    pairs.map(move |((kind, suffix), size)| Ratio {
        title: format!("{database}, transfers in {kind} of {size}{suffix} / {singles}"),
        figure: Figure::Speed,
        over: format!("{database} {kind} of {size}, 16 connections"),
        under: Some(singles.to_owned()),
        goal: BATCHES,
    })
}

fn ratios_of_feed() -> impl Iterator<Item = Ratio> {
    let beside = Ratio {
        title: "feed: transfers/s with one webhook endpoint for everything and one SSE reader / without".to_owned(),
        figure: Figure::Speed,
        over: feed::BESIDE.to_owned(),
        under: Some(feed::ALONE.to_owned()),
        goal: WITH_READERS,
    };
    let alone = |title: &str, figure, name: &str, goal| Ratio {
        title: title.to_owned(),
        figure,
        over: name.to_owned(),
        under: None,
        goal,
    };
    let others = [
        (
            "feed: commit to SSE event on another replica, p99 in ms",
            Figure::P99,
            feed::DELAY,
            EVENT_DELAY,
        ),
        (
            "webhooks: drain of 10000 events, ordered, thousands a second",
            Figure::Speed,
            drain::ORDERED,
            DRAIN,
        ),
        (
            "webhooks: drain of 10000 events, not ordered, thousands a second",
            Figure::Speed,
            drain::UNORDERED,
            DRAIN,
        ),
        (
            "webhooks: drain of many events, most MiB resident above the beginning",
            Figure::MemoryAboveIdle,
            drain::MANY,
            DRAIN_MIB,
        ),
    ];
    let others = others.map(|(title, figure, name, goal)| alone(title, figure, name, goal));
    std::iter::once(beside).chain(others)
}

fn ratios_of_proofs() -> Vec<Ratio> {
    let over_reading = |what: &str, under: &str| Ratio {
        title: format!("verify, many transfers / COPY of {what} to /dev/null: p50"),
        figure: Figure::P50,
        over: verify::VERIFY.to_owned(),
        under: Some(under.to_owned()),
        goal: PROOF,
    };
    let mut ratios = vec![
        over_reading("transfers, entries and journal", verify::COPY_ALL),
        over_reading("transfers alone", verify::COPY_TRANSFERS),
        Ratio {
            title: "verify, most MiB resident with many transfers above few".to_owned(),
            figure: Figure::MemoryAboveIdle,
            over: verify::MEMORY.to_owned(),
            under: None,
            goal: PROOF_MIB,
        },
    ];
    ratios.extend(RECEIPT_CONNECTIONS.map(|connections| Ratio {
        title: format!("receipt / transfer by id, {connections} connections: p50"),
        figure: Figure::P50,
        over: receipt_look_name(ReceiptLook::Receipt, connections),
        under: Some(receipt_look_name(ReceiptLook::Transfer, connections)),
        goal: RECEIPT,
    }));
    ratios
}

/// What a look at the many costs over the first page of the few; the list of two transfers is compared with itself.
fn ratio_of_look(database: &str, look: Look) -> Ratio {
    let base = match look {
        Look::FirstEntries | Look::LastEntries | Look::BalanceAt => Look::FirstEntries,
        Look::FirstTransfers | Look::LastTransfers => Look::FirstTransfers,
        Look::TwoTransfers => Look::TwoTransfers,
    };
    let (over, under) = (
        list_name(database, look, Size::Many),
        list_name(database, base, Size::Few),
    );
    Ratio {
        title: format!("{over} / {}, few: p50", base.name()),
        figure: Figure::P50,
        over,
        under: Some(under),
        goal: match look {
            Look::TwoTransfers => FOREIGN,
            Look::FirstEntries | Look::LastEntries | Look::BalanceAt | Look::FirstTransfers | Look::LastTransfers => {
                PAGES
            }
        },
    }
}

/// What a page of the long audit log costs over the same page of the short one.
fn ratio_of_audit_look(database: &str, look: AuditLook) -> Ratio {
    let (over, under) = (
        audit_name(database, look, Size::Many),
        audit_name(database, look, Size::Few),
    );
    Ratio {
        title: format!("{over} / few: p50"),
        figure: Figure::P50,
        over,
        under: Some(under),
        goal: AUDIT_PAGES,
    }
}

impl Goal {
    /// Whether a ratio is good enough.
    pub fn is_met(self, ratio: Milli) -> bool {
        match self {
            Self::AtLeast { floor, .. } => ratio >= floor,
            Self::AtMost { ceiling, .. } => ratio <= ceiling,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast { floor, aim } => write!(f, "at least {}, aim {}", decimal(*floor), decimal(*aim)),
            Self::AtMost { ceiling, aim } => write!(f, "at most {}, aim {}", decimal(*ceiling), decimal(*aim)),
        }
    }
}
