//! An event as a line for people: columns of one width each, so that lines that come one by one stand below each other.

use service::events::{Event, EventSubject, EventType};
use service::transfers::ShownTransfer;
use service::values::{Method, TransferKind, WalletId};
use service::wallets::{Wallet, WalletLimits};

use crate::cli::table::visible;
use crate::wire::time_text;

/// As wide as the longest word of a type.
const TYPE_WIDTH: usize = 21;
/// As wide as amounts up to a hundred million.
const AMOUNT_WIDTH: usize = 14;
/// As wide as the end of a wallet's id.
const SIDE_WIDTH: usize = 8;
const RESET: &str = "\x1b[0m";

/// The line, without its end: when, what, how much, the id of the transfer or the wallet, and what else there is to say.
pub fn of(event: &Event, has_colours: bool) -> String {
    let kind = format!("{:TYPE_WIDTH$}", event.kind.as_str());
    let kind = if has_colours {
        format!("{}{kind}{RESET}", colour(event.kind))
    } else {
        kind
    };
    let rest = match &event.subject {
        EventSubject::Transfer(transfer) => of_transfer(transfer),
        EventSubject::Wallet(wallet) => of_wallet(event.kind, wallet),
    };
    format!("{}  {kind}  {rest}", time_text(event.at)).trim_end().to_owned()
}

fn of_transfer(shown: &ShownTransfer) -> String {
    let transfer = &*shown.transfer;
    let (amount, currency) = (transfer.amount.to_string(), transfer.currency.code());
    let (from, to) = sides_of(transfer.kind, transfer.method.as_ref());
    let (from, to) = (
        from.map_or_else(|| end_of(transfer.source), ToString::to_string),
        to.map_or_else(|| end_of(transfer.destination), ToString::to_string),
    );
    let note = match transfer.failure {
        Some(failure) => failure.code().to_owned(),
        None => transfer.description.as_deref().map(visible).unwrap_or_default(),
    };
    format!(
        "{amount:>AMOUNT_WIDTH$} {currency}  {}  {from:>SIDE_WIDTH$} > {to:SIDE_WIDTH$}  {note}",
        transfer.id
    )
}

/// The payment method in the place of the side that is its system wallet. A reversal's is either side, so both are wallets
/// there.
const fn sides_of(kind: TransferKind, method: Option<&Method>) -> (Option<&Method>, Option<&Method>) {
    match kind {
        TransferKind::Deposit => (method, None),
        TransferKind::Withdrawal | TransferKind::Hold | TransferKind::Capture | TransferKind::Release => (None, method),
        TransferKind::Transfer | TransferKind::Reversal => (None, None),
    }
}

/// Shows the balance of a wallet that keeps money while it is frozen, and the limits after they were set.
fn of_wallet(kind: EventType, wallet: &Wallet) -> String {
    let (mut balance, mut note) = (String::new(), String::new());
    if matches!(kind, EventType::WalletFrozen | EventType::WalletUnfrozen) {
        balance = wallet.balance.to_string();
    }
    if kind == EventType::WalletLimitsChanged {
        note = limits_of(wallet.limits.as_ref().map(|state| state.limits).unwrap_or_default());
    }
    let currency = wallet.currency.code();
    format!("{balance:>AMOUNT_WIDTH$} {currency}  {}  {note}", wallet.id)
}

/// The limits in words.
fn limits_of(limits: WalletLimits) -> String {
    let each = limits.per_transfer.map(|amount| format!("{amount} a transfer"));
    let day = limits.per_day_amount.map(|amount| format!("{amount} a day"));
    let count = limits.per_day_count.map(|count| format!("{count} transfers a day"));
    let words: Vec<String> = [each, day, count].into_iter().flatten().collect();
    if words.is_empty() {
        return "no limits".to_owned();
    }
    words.join(", ")
}

/// The end of a wallet's id, which tells wallets apart: the beginnings are times.
fn end_of(wallet: WalletId) -> String {
    let digits = wallet.0.simple().to_string();
    format!("..{}", &digits[digits.len() - 6..])
}

/// Green for money that moved, yellow for what is held, red for what was refused, blue for wallets.
const fn colour(kind: EventType) -> &'static str {
    match kind {
        EventType::TransferCompleted
        | EventType::DepositCompleted
        | EventType::WithdrawalCompleted
        | EventType::ReversalCompleted
        | EventType::HoldCaptured => "\x1b[32m",
        EventType::HoldCreated | EventType::HoldReleased | EventType::HoldExpired => "\x1b[33m",
        EventType::TransferFailed => "\x1b[31m",
        EventType::WalletOpened
        | EventType::WalletFrozen
        | EventType::WalletUnfrozen
        | EventType::WalletClosed
        | EventType::WalletLimitsChanged => "\x1b[34m",
    }
}

#[cfg(test)]
mod tests {
    use service::values::Money;

    use super::*;

    #[test]
    fn every_type_fits_into_its_column() {
        let longest = EventType::ALL.iter().map(|kind| kind.as_str().len()).max();
        assert_eq!(longest, Some(TYPE_WIDTH));
    }

    #[test]
    fn limits_are_shown_in_words() {
        let amount = |text| Money::parse_unsigned(text).ok();
        assert_eq!(limits_of(WalletLimits::default()), "no limits");
        let limits = WalletLimits {
            per_transfer: amount("100"),
            per_day_amount: amount("500"),
            per_day_count: Some(20),
        };
        assert_eq!(
            limits_of(limits),
            "100.0000 a transfer, 500.0000 a day, 20 transfers a day"
        );
    }

    #[test]
    fn a_method_stands_in_the_place_of_its_system_wallet() {
        let visa = Method::try_new("visa").expect("it is a method");
        let sides = |kind| sides_of(kind, Some(&visa));
        assert_eq!(sides(TransferKind::Deposit), (Some(&visa), None));
        assert_eq!(sides(TransferKind::Withdrawal), (None, Some(&visa)));
        assert_eq!(sides(TransferKind::Reversal), (None, None));
        assert_eq!(sides_of(TransferKind::Transfer, None), (None, None));
    }

    #[test]
    fn wallets_are_told_apart_by_the_ends_of_their_ids() {
        let end = end_of(WalletId(uuid::uuid!("01993f2a-5c01-7b20-9a4c-7e2d1f6bac02")));
        assert_eq!((end.as_str(), end.len()), ("..6bac02", SIDE_WIDTH));
    }
}
