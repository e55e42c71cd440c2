//! The refusals of everything that moves, holds or frees money, in their order of precedence: of two that a request
//! deserves, the earlier is the answer.

mod ends;
mod movements;
mod payments;
mod reversals;

use std::fmt::Debug;

use harness::TestBank;
use service::transfers::TransferError;
use service::values::{Currency, WalletId};
use uuid::Uuid;

use crate::life::LifeStage;
use crate::life::acts::{code_of, count_transfers};

const INVALID_AMOUNT: &str = "invalid_amount";
const NO_WALLET: &str = "wallet_not_found";
const NO_PAYEE: &str = "payee_not_found";
const NO_TRANSFER: &str = "transfer_not_found";
const FORBIDDEN: &str = "forbidden";
const NO_METHOD: &str = "unknown_method";
const NOT_A_HOLD: &str = "not_a_hold";
const NOT_REVERSIBLE: &str = "not_reversible";
const HOLD_ENDED: &str = "hold_closed";
const ABOVE_HOLD: &str = "amount_exceeds_hold";
const ABOVE_ORIGINAL: &str = "amount_exceeds_original";
const SAME_WALLET: &str = "same_wallet";
const FROZEN: &str = "wallet_frozen";
const CLOSED: &str = "wallet_closed";
const CURRENCY: &str = "currency_mismatch";
const LIMIT: &str = "limit_exceeded";
const FUNDS: &str = "insufficient_funds";
const RANGE: &str = "balance_out_of_range";
/// Nothing else is to be refused.
const NOTHING: &str = "nothing";

/// The order of the contract.
const ORDER: [&str; 19] = [
    INVALID_AMOUNT,
    NO_WALLET,
    NO_PAYEE,
    NO_TRANSFER,
    FORBIDDEN,
    NO_METHOD,
    NOT_A_HOLD,
    NOT_REVERSIBLE,
    HOLD_ENDED,
    ABOVE_HOLD,
    ABOVE_ORIGINAL,
    SAME_WALLET,
    FROZEN,
    CLOSED,
    CURRENCY,
    LIMIT,
    FUNDS,
    RANGE,
    NOTHING,
];

/// The id of no wallet and no transfer.
const UNKNOWN: Uuid = Uuid::from_u128(1);

fn place_of(code: &str) -> usize {
    let place = ORDER.iter().position(|one| *one == code);
    place.unwrap_or_else(|| panic!("{code} is no refusal of the contract"))
}

/// Fails unless a request that deserves both refusals is answered with the first. It is recorded from `wallet_frozen` on,
/// and never for a dry run.
async fn expect_first<T: Debug>(
    bank: &TestBank,
    [first, second]: [&str; 2],
    is_dry_run: bool,
    asked: impl Future<Output = Result<T, TransferError>>,
) {
    assert!(place_of(first) < place_of(second), "{first} comes after {second}");
    let stored = count_transfers(bank).await;
    let error = match asked.await {
        Err(error) => error,
        Ok(done) => panic!("{first}, {second}: {done:?}"),
    };
    assert_eq!(code_of(&error), first, "and not {second}: {error:?}");
    let is_recorded = place_of(first) >= place_of(FROZEN) && !is_dry_run;
    let record = if let TransferError::Failed { transfer, .. } = error {
        transfer
    } else {
        None
    };
    assert_eq!(record.is_some(), is_recorded, "{first}, {second}");
    assert_eq!(
        count_transfers(bank).await - stored,
        i64::from(is_recorded),
        "{first}, {second}"
    );
}

/// A further wallet of ana's, in another currency.
async fn wallet_in(stage: &LifeStage, currency: &str) -> WalletId {
    let currency = Currency::from_code(currency).expect("a test's currency is one");
    let opened = stage.services.wallets.open(&stage.ana.0, currency).await;
    opened.expect("a wallet can be opened").id
}
