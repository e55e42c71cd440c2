//! A deposit or withdrawal on its way to the ledger, before the wallet on the bank's side of it is known.

use super::digest;
use crate::ledger::{Authority, Command, Idempotency};
use crate::values::{Digest, Method, Money, TransferKind, WalletId};

/// Money that comes into the bank or leaves it.
pub(super) struct Payment {
    /// DEPOSIT or WITHDRAWAL.
    pub kind: TransferKind,
    /// The customer's wallet.
    pub wallet: WalletId,
    pub amount: Option<Money>,
    pub method: Method,
    pub authority: Authority,
    pub key: Option<Digest>,
}

impl Payment {
    /// What the ledger is asked, with this wallet on the bank's side.
    pub fn command(&self, side: WalletId) -> Command {
        let (source, destination) = match self.kind {
            TransferKind::Deposit => (side, self.wallet),
            TransferKind::Withdrawal | TransferKind::Transfer | TransferKind::Reversal => (self.wallet, side),
        };
        let request = digest::of_payment(self.kind, self.wallet, self.amount, &self.method);
        Command {
            kind: self.kind,
            source,
            destination,
            amount: self.amount,
            authority: self.authority,
            method: Some(self.method.clone()),
            description: None,
            metadata: None,
            idempotency: self.key.map(|key| Idempotency { key, request }),
        }
    }
}
