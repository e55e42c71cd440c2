//! Makes the requests of a case to a bank's services, as a handler does.

use std::sync::Arc;

use harness::TestBank;
use proptest::prelude::*;
use service::Services;
use service::identity::Actor;
use service::transfers::{
    Asking, Failure, IdempotencyKey, Metadata, NewDestination, NewPayment, NewTransfer, TransferError, TransferOutcome,
};
use service::values::{Method, Money, Role, TransferId, TransferKind, WalletStatus};
use service::wallets::{Expected, WalletError};

use crate::case_rows::{Ids, insert_users, user_row};
use crate::cases::{currency, money};
use crate::drawn::USERS;
use crate::model::{Ask, Asker, Name, Verdict};

/// The code of a change of status after which the wallet has another status than the requested one.
pub const OTHER_STATUS: &str = "another status";

/// A case on one bank.
#[derive(Clone)]
pub struct BankCase {
    pub bank: Arc<TestBank>,
    pub services: Arc<Services>,
    pub ids: Ids,
}

impl BankCase {
    /// A case with customers who have no wallet yet.
    pub async fn new(bank: &Arc<TestBank>, operator: Actor) -> Self {
        use service::clock::Clock;
        let now = bank.clock.now();
        let mut ids = Ids::new(operator.user);
        let rows: Vec<_> = (0..USERS).map(|_| user_row(now)).collect();
        ids.users = rows.iter().map(|row| row.id).collect();
        insert_users(&bank.db, rows).await;
        Self {
            bank: bank.clone(),
            services: bank.services.clone(),
            ids,
        }
    }

    /// Makes a request; returns the verdict, and the transfer that the answer names.
    pub async fn ask(&self, ask: &Ask) -> Result<(Verdict, Option<TransferId>), TestCaseError> {
        verdict_of(self.answer(ask).await)
    }

    /// Makes a request; returns the service's answer.
    pub async fn answer(&self, ask: &Ask) -> Result<TransferOutcome, TransferError> {
        let (role, user) = match ask.asker {
            Asker::Customer(_) => (Role::Customer, self.ids.user(ask.asker)),
            Asker::Operator => (Role::Operator, self.ids.operator),
        };
        let actor = Actor::new(user, role);
        // All cases share the operator, and a used key stays used: the case's number keeps their keys apart.
        let key = ask
            .key
            .and_then(|key| IdempotencyKey::try_new(&format!("{}-{key}", self.ids.case)));
        let amount = ask.units.map(money);
        let transfers = &self.services.transfers;
        match ask.kind {
            TransferKind::Deposit => {
                let (wallet, method) = (self.ids.id(ask.destination), self.method(ask.source));
                transfers
                    .deposit(
                        Asking::by(&actor).with_key(key),
                        NewPayment::new(wallet, amount, method),
                    )
                    .await
            }
            TransferKind::Withdrawal => {
                let (wallet, method) = (self.ids.id(ask.source), self.method(ask.destination));
                transfers
                    .withdraw(
                        Asking::by(&actor).with_key(key),
                        NewPayment::new(wallet, amount, method),
                    )
                    .await
            }
            TransferKind::Transfer
            | TransferKind::Reversal
            | TransferKind::Hold
            | TransferKind::Release
            | TransferKind::Capture => {
                transfers
                    .submit(Asking::by(&actor).with_key(key), self.new_transfer(ask, amount))
                    .await
            }
        }
    }

    fn new_transfer(&self, ask: &Ask, amount: Option<Money>) -> NewTransfer {
        NewTransfer {
            source: self.ids.id(ask.source),
            destination: NewDestination::Wallet(self.ids.id(ask.destination)),
            hold: None,
            amount,
            description: ask.description.clone(),
            metadata: ask.description.as_deref().and_then(metadata_of),
        }
    }

    /// If the caller cannot see the payment's wallet, the method does not matter.
    fn method(&self, system: Name) -> Method {
        match system {
            Name::System { method, .. } => self.ids.method(method),
            Name::Customer(_) | Name::Nobody => self.ids.method(0),
        }
    }

    fn customer(&self, user: usize) -> Actor {
        Actor::new(self.ids.users[user], Role::Customer)
    }

    fn operator(&self) -> Actor {
        Actor::new(self.ids.operator, Role::Operator)
    }

    /// Opens a customer's next wallet.
    pub async fn open(&mut self, user: usize, in_currency: u8) -> Result<(), TestCaseError> {
        match self
            .services
            .wallets
            .open(&self.customer(user), currency(in_currency))
            .await
        {
            Ok(wallet) => {
                self.ids.customers.push(wallet.id);
                Ok(())
            }
            Err(error) => Err(TestCaseError::fail(error.to_string())),
        }
    }

    /// True if the bank refuses because the customer already has a wallet in this currency.
    pub async fn open_is_refused(&self, user: usize, in_currency: u8) -> bool {
        let opened = self
            .services
            .wallets
            .open(&self.customer(user), currency(in_currency))
            .await;
        matches!(opened, Err(WalletError::Exists))
    }

    /// Freezes, unfreezes or closes; the error is the refusal's code.
    pub async fn set_status(&self, name: Name, status: WalletStatus) -> Result<(), &'static str> {
        let (wallets, id) = (&self.services.wallets, self.ids.id(name));
        let operator = self.operator();
        let changed = match status {
            WalletStatus::Frozen => wallets.freeze(&operator, id, None, Expected::Anything).await,
            WalletStatus::Active => wallets.unfreeze(&operator, id, None, Expected::Anything).await,
            WalletStatus::Closed => wallets.close(&operator, id, Expected::Anything).await,
        };
        match changed {
            Ok(wallet) if wallet.status == status => Ok(()),
            Ok(_) => Err(OTHER_STATUS),
            Err(WalletError::NotFound) => Err("wallet_not_found"),
            Err(WalletError::NotEmpty) => Err("wallet_not_empty"),
            Err(WalletError::Closed) => Err("wallet_closed"),
            Err(WalletError::Exists) => Err("wallet_exists"),
            Err(WalletError::NoOwner) => Err("unauthenticated"),
            Err(WalletError::System) => Err("system_wallet"),
            Err(WalletError::Unexpected) => Err("precondition_failed"),
            Err(WalletError::Time(_)) => Err("invalid_field"),
            Err(WalletError::Submit(_) | WalletError::Fault(_)) => Err("fault"),
        }
    }
}

/// Metadata made from a description, so that both are stored and compared.
pub fn metadata_of(description: &str) -> Option<Metadata> {
    let note = serde_json::to_string(description).ok()?;
    Metadata::try_new(&format!("{{\"note\":{note}, \"exact\":12345678901234567890.10}}"))
}

/// The verdict in an answer of the transfers service. A fault fails the case.
pub fn verdict_of(
    answer: Result<TransferOutcome, TransferError>,
) -> Result<(Verdict, Option<TransferId>), TestCaseError> {
    let plain = |code| Verdict {
        code,
        available: None,
        replayed: false,
    };
    match answer {
        Ok(receipt) => {
            let verdict = Verdict {
                replayed: receipt.replayed,
                ..plain("completed")
            };
            Ok((verdict, Some(receipt.transfer.transfer.id)))
        }
        Err(TransferError::Refused(refusal)) => Ok((plain(refusal.code()), None)),
        Err(TransferError::Failed {
            failure,
            transfer,
            replayed,
        }) => Ok((
            Verdict {
                replayed,
                ..failed(failure)
            },
            transfer,
        )),
        Err(TransferError::KeyReused) => Ok((plain("idempotency_key_reused"), None)),
        Err(error) => Err(TestCaseError::fail(format!("{error}: {error:?}"))),
    }
}

/// The verdict of a recorded failure.
pub fn failed(failure: Failure) -> Verdict {
    let available = failure.available().map(|available| i128::from(available.units()));
    Verdict {
        code: failure.code(),
        available,
        replayed: false,
    }
}
