//! What the property of all movements of money asks a bank for, and the decisions in the bank's answers.

use crate::model::Name;

/// The number of customers of a case.
pub const CUSTOMERS: usize = 3;
/// The asker after the customers.
pub const OPERATOR: usize = CUSTOMERS;

/// A request to move, hold or free money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// A customer, or `OPERATOR`.
    pub asker: usize,
    pub key: Option<u8>,
    pub operation: Operation,
}

/// Holds and originals are the indexes of the plain bank's records; `None` is a transfer that does not exist. A part is
/// `None` for all that is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    Transfer(LifePayment),
    Deposit(Cash),
    Withdrawal(Cash),
    Capture {
        hold: Option<usize>,
        part: Option<i64>,
        is_final: bool,
    },
    Void {
        hold: Option<usize>,
    },
    Reversal {
        original: Option<usize>,
        part: Option<i64>,
    },
    Batch {
        is_atomic: bool,
        payments: Vec<LifePayment>,
    },
}

/// A transfer, or a hold of some seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LifePayment {
    pub source: Name,
    pub destination: Name,
    pub units: i64,
    pub seconds: Option<i64>,
}

/// A deposit, a withdrawal, or a withdrawal that is held for some seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cash {
    pub wallet: Name,
    pub method: u8,
    pub units: i64,
    pub seconds: Option<i64>,
}

/// The code of a refusal, and the number that comes with it: what was available, or is left of a limit, a hold or an
/// original.
pub type Reason = (&'static str, Option<i64>);

/// The answer to an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// One for each transfer of a batch; only the one at fault of an atomic batch that was refused; one for all others.
    pub items: Vec<Decided>,
    /// The place of the transfer at fault of an atomic batch that was refused.
    pub at_fault: Option<usize>,
    pub replayed: bool,
}

/// What became of one transfer. A record is the index of the plain bank's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    Made {
        record: usize,
        units: i64,
        released: i64,
    },
    /// Refused, and recorded as FAILED.
    Failed {
        record: usize,
        reason: Reason,
    },
    /// Refused, and not recorded.
    Refused(Reason),
}

impl Operation {
    /// The name of the operation in the names of situations.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Transfer(LifePayment { seconds: None, .. }) => "transfer",
            Self::Transfer(LifePayment { seconds: Some(_), .. }) => "hold",
            Self::Deposit(_) => "deposit",
            Self::Withdrawal(Cash { seconds: None, .. }) => "withdrawal",
            Self::Withdrawal(Cash { seconds: Some(_), .. }) => "held withdrawal",
            Self::Capture { .. } => "capture",
            Self::Void { .. } => "void",
            Self::Reversal { .. } => "reversal",
            Self::Batch { is_atomic: false, .. } => "batch",
            Self::Batch { is_atomic: true, .. } => "atomic batch",
        }
    }
}

impl Decision {
    /// The first answer to an instruction for one transfer.
    pub fn of(item: Decided) -> Self {
        Self {
            items: vec![item],
            at_fault: None,
            replayed: false,
        }
    }

    /// True if something was recorded, which uses the key up.
    pub fn is_recorded(&self) -> bool {
        self.items.iter().any(|item| match item {
            Decided::Made { .. } | Decided::Failed { .. } => true,
            Decided::Refused(_) => false,
        })
    }
}

impl Decided {
    /// The refusal's code, or `done`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Made { .. } => "done",
            Self::Failed { reason, .. } | Self::Refused(reason) => reason.0,
        }
    }
}
