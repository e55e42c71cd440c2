//! Steps of a history with all movements of money. They are drawn before the state is known (such as "one more than is
//! left of this hold"), and are resolved against the plain bank when their turn comes.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use service::values::{TransferKind, WalletStatus};

use crate::life_instructions::{CUSTOMERS, Cash, Instruction, LifePayment, OPERATOR, Operation};
use crate::life_model::{LifeModel, ModelLimits};
use crate::model::Name;

/// The owner and the currency of each wallet of a case. The index after them is of no wallet.
pub const WALLETS: [(usize, u8); 5] = [(0, 0), (0, 1), (1, 0), (2, 0), (1, 1)];
/// The payment methods: the first is open, the second is opened by an operator's first use, the third has filled the
/// fourth wallet.
pub const METHODS: u8 = 3;
/// The longest time of a hold, in seconds.
pub const LONGEST_SECONDS: i64 = 172_800;

/// "All that is available" means no more than this, so that the full wallet's money stays out of the sums of a day.
const SMALL_MAX: i64 = 1_000;

/// One step of a history.
#[derive(Clone, Debug)]
pub enum Step {
    Ask(DrawnInstruction),
    /// An earlier instruction with a key, unchanged; without an index the last one.
    Again(Option<Index>),
    Status(usize, WalletStatus),
    Limits(usize, ModelLimits),
    /// This many seconds pass.
    Pass(i64),
    Sweep,
}

#[derive(Clone, Debug)]
pub struct DrawnInstruction {
    /// `None` for one who may ask.
    pub asker: Option<usize>,
    pub key: Option<u8>,
    pub operation: DrawnOperation,
}

#[derive(Clone, Debug)]
pub enum DrawnOperation {
    Transfer(DrawnPayment),
    Deposit(DrawnCash),
    Withdrawal(DrawnCash),
    Capture(Pick, Amount, bool),
    Void(Pick),
    Reversal(Pick, Amount),
    Batch(bool, Vec<DrawnPayment>),
}

/// Source and destination are indexes of wallets.
#[derive(Clone, Copy, Debug)]
pub struct DrawnPayment {
    pub source: usize,
    pub destination: usize,
    pub amount: Amount,
    pub seconds: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
pub struct DrawnCash {
    pub wallet: usize,
    pub method: u8,
    pub amount: Amount,
    pub seconds: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
pub enum Amount {
    Units(i64),
    /// All that the wallet has available, or that is left of the hold or original.
    Rest,
    /// One more than that.
    More,
}

/// A record that is chosen when the step is resolved.
#[derive(Clone, Copy, Debug)]
pub enum Pick {
    Any(Index),
    Hold(Index),
    /// Of those of a kind that were not refused.
    First(TransferKind),
    Last(TransferKind),
    Unknown,
}

pub fn step() -> impl Strategy<Value = Step> {
    let own_wallet = || 0..WALLETS.len();
    let statuses = prop_oneof![
        4 => Just(WalletStatus::Active),
        1 => Just(WalletStatus::Frozen),
        1 => Just(WalletStatus::Closed),
    ];
    let limit = || option::weighted(0.4, 1..60_i64);
    let limits = (limit(), limit(), option::weighted(0.3, 1..5_i64))
        .prop_map(|(per_transfer, per_day, count)| [per_transfer, per_day, count]);
    let seconds = select(vec![10, 25, 61, 61, 3_601, 86_401]);
    prop_oneof![
        24 => drawn_instruction().prop_map(Step::Ask),
        2 => any::<Index>().prop_map(|index| Step::Again(Some(index))),
        2 => (own_wallet(), statuses).prop_map(|(wallet, status)| Step::Status(wallet, status)),
        2 => (own_wallet(), limits).prop_map(|(wallet, limits)| Step::Limits(wallet, limits)),
        2 => seconds.prop_map(Step::Pass),
        1 => Just(Step::Sweep),
    ]
}

fn drawn_instruction() -> impl Strategy<Value = DrawnInstruction> {
    let asker = prop_oneof![8 => Just(None), 1 => (0..=CUSTOMERS).prop_map(Some)];
    let key = prop_oneof![4 => Just(None), 1 => (0..3_u8).prop_map(Some)];
    (asker, key, drawn_operation()).prop_map(|(asker, key, operation)| DrawnInstruction { asker, key, operation })
}

fn drawn_operation() -> impl Strategy<Value = DrawnOperation> {
    let hold = || prop_oneof![6 => any::<Index>().prop_map(Pick::Hold), 1 => any::<Index>().prop_map(Pick::Any)];
    let capture = (hold(), amount(), any::<bool>());
    let reversal = (any::<Index>(), amount());
    prop_oneof![
        8 => drawn_payment().prop_map(DrawnOperation::Transfer),
        2 => drawn_cash().prop_map(DrawnOperation::Deposit),
        3 => drawn_cash().prop_map(DrawnOperation::Withdrawal),
        5 => capture.prop_map(|(hold, amount, is_final)| DrawnOperation::Capture(hold, amount, is_final)),
        2 => hold().prop_map(DrawnOperation::Void),
        4 => reversal.prop_map(|(index, amount)| DrawnOperation::Reversal(Pick::Any(index), amount)),
        3 => (any::<bool>(), vec(drawn_payment(), 1..4))
            .prop_map(|(is_atomic, payments)| DrawnOperation::Batch(is_atomic, payments)),
    ]
}

fn drawn_payment() -> impl Strategy<Value = DrawnPayment> {
    (wallet(), wallet(), amount(), seconds()).prop_map(|(source, destination, amount, seconds)| DrawnPayment {
        source,
        destination,
        amount,
        seconds,
    })
}

fn drawn_cash() -> impl Strategy<Value = DrawnCash> {
    let method = prop_oneof![5 => Just(0_u8), 1 => Just(1_u8)];
    (wallet(), method, amount(), seconds()).prop_map(|(wallet, method, amount, seconds)| DrawnCash {
        wallet,
        method,
        amount,
        seconds,
    })
}

/// Most payments are between the wallets in one currency.
fn wallet() -> impl Strategy<Value = usize> {
    select(vec![0, 0, 0, 0, 2, 2, 2, 3, 3, 1, 4, WALLETS.len()])
}

/// A wallet has fifty at first, so that some are refused.
fn amount() -> impl Strategy<Value = Amount> {
    prop_oneof![
        12 => (1..40_i64).prop_map(Amount::Units),
        3 => Just(Amount::Rest),
        1 => Just(Amount::More),
        1 => Just(Amount::Units(0)),
    ]
}

fn seconds() -> impl Strategy<Value = Option<i64>> {
    select(vec![None, None, None, Some(60), Some(3_600), Some(LONGEST_SECONDS)])
}

/// The name of a wallet of a case.
pub fn wallet_name(index: usize) -> Name {
    if index < WALLETS.len() {
        Name::Customer(index)
    } else {
        Name::Nobody
    }
}

impl Amount {
    /// The amount of a movement from a wallet, or into it.
    fn of_wallet(self, model: &LifeModel, wallet: Name) -> i64 {
        let available = model.available(wallet).min(SMALL_MAX);
        match self {
            Self::Units(units) => units,
            Self::Rest => available,
            Self::More => available + 1,
        }
    }

    /// The part of a hold or an original; `None` for the rest.
    fn part(self, left: i64) -> Option<i64> {
        match self {
            Self::Units(units) => Some(units),
            Self::Rest => None,
            Self::More => Some(left + 1),
        }
    }
}

impl Pick {
    fn record(self, model: &LifeModel) -> Option<usize> {
        let records = &model.records;
        match self {
            Self::Any(index) => (!records.is_empty()).then(|| index.index(records.len())),
            Self::Hold(index) => {
                let holds = records.iter().enumerate().filter(|(_, record)| record.hold.is_some());
                let holds: Vec<usize> = holds.map(|(place, _)| place).collect();
                (!holds.is_empty()).then(|| *index.get(&holds))
            }
            Self::First(kind) => records.iter().position(|record| record.is_made(kind)),
            Self::Last(kind) => records.iter().rposition(|record| record.is_made(kind)),
            Self::Unknown => None,
        }
    }
}

impl DrawnInstruction {
    pub fn resolve(&self, model: &LifeModel) -> Instruction {
        let operation = self.operation.resolve(model);
        let asker = match (&operation, self.asker) {
            // Only operators can ask for one.
            (Operation::Deposit(_), _) => OPERATOR,
            (_, Some(asker)) => asker,
            (_, None) => fit_asker(&operation, model),
        };
        Instruction {
            asker,
            key: self.key,
            operation,
        }
    }
}

impl DrawnOperation {
    fn resolve(&self, model: &LifeModel) -> Operation {
        match self {
            Self::Transfer(payment) => Operation::Transfer(payment.resolve(model)),
            Self::Deposit(cash) => Operation::Deposit(Cash {
                seconds: None,
                ..cash.resolve(model)
            }),
            Self::Withdrawal(cash) => Operation::Withdrawal(cash.resolve(model)),
            Self::Capture(pick, amount, is_final) => {
                let hold = pick.record(model);
                let state = hold.and_then(|hold| model.records[hold].hold);
                Operation::Capture {
                    hold,
                    part: amount.part(state.map_or(0, |state| state.remaining)),
                    is_final: *is_final,
                }
            }
            Self::Void(pick) => Operation::Void {
                hold: pick.record(model),
            },
            Self::Reversal(pick, amount) => {
                let original = pick.record(model);
                let left = original.map_or(0, |original| model.records[original].units - model.reversed(original));
                Operation::Reversal {
                    original,
                    part: amount.part(left),
                }
            }
            Self::Batch(is_atomic, payments) => Operation::Batch {
                is_atomic: *is_atomic,
                payments: payments.iter().map(|payment| payment.resolve(model)).collect(),
            },
        }
    }
}

impl DrawnPayment {
    fn resolve(&self, model: &LifeModel) -> LifePayment {
        let source = wallet_name(self.source);
        LifePayment {
            source,
            destination: wallet_name(self.destination),
            units: self.amount.of_wallet(model, source),
            seconds: self.seconds,
        }
    }
}

impl DrawnCash {
    fn resolve(&self, model: &LifeModel) -> Cash {
        let wallet = wallet_name(self.wallet);
        Cash {
            wallet,
            method: self.method,
            units: self.amount.of_wallet(model, wallet),
            seconds: self.seconds,
        }
    }
}

/// Who may ask for an operation: the owner of the source, or of a hold's destination. An operator where there is none.
fn fit_asker(operation: &Operation, model: &LifeModel) -> usize {
    let owner = |name: &Name| model.wallets.get(name).and_then(|wallet| wallet.owner);
    let payee = |hold: &usize| owner(&model.records[*hold].sides.1);
    let fit = match operation {
        Operation::Transfer(payment) => owner(&payment.source),
        Operation::Withdrawal(cash) => owner(&cash.wallet),
        Operation::Capture { hold, .. } | Operation::Void { hold } => hold.as_ref().and_then(payee),
        Operation::Batch { payments, .. } => payments.first().and_then(|payment| owner(&payment.source)),
        Operation::Deposit(_) | Operation::Reversal { .. } => None,
    };
    fit.unwrap_or(OPERATOR)
}
