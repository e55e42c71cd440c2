//! The deposits and withdrawals of a wallet.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use service::Services;
use service::values::WalletId;
use uuid::Uuid;

use super::Tag;
use super::transfer_inputs::{NewPaymentInput, NewWithdrawalInput};
use super::transfers::{Moved, asking};
use crate::auth::{Operator, SignedIn};
use crate::problem::ApiResult;
use crate::wire::{IdempotencyHeader, Json};

/// The handlers of deposits and withdrawals.
pub struct PaymentsApi {
    /// The services that the handlers call.
    pub services: Arc<Services>,
}

#[OpenApi(prefix_path = "/v1/wallets", tag = "Tag::Transfers")]
impl PaymentsApi {
    /// Deposit
    ///
    /// Brings money into the bank, from the system wallet of its payment method, which opens in the wallet's currency
    /// when an operator first uses it.
    #[oai(path = "/:wallet_id/deposits", method = "post", operation_id = "wallets_deposit")]
    async fn deposit(
        &self,
        Operator(actor): Operator,
        wallet_id: Path<Uuid>,
        /// True to be told what would happen, and nothing else.
        dry_run: Query<Option<bool>>,
        /// Makes a repeated request move money once.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyHeader,
        body: Json<NewPaymentInput>,
    ) -> ApiResult<Moved> {
        let asking = asking(actor, key, &dry_run);
        let is_dry_run = asking.is_dry_run;
        let new = body.0.request(WalletId(wallet_id.0));
        let outcome = self.services.transfers.deposit(asking, new).await?;
        Ok(Moved::of(outcome, is_dry_run))
    }

    /// Withdraw
    ///
    /// Pays money out of the bank, to the system wallet of its payment method, or, with `hold`, holds it until an operator
    /// captures it. A customer may only name a method that an operator has used in this currency before: else
    /// `unknown_method`, which comes after `wallet_not_found`.
    #[oai(path = "/:wallet_id/withdrawals", method = "post", operation_id = "wallets_withdraw")]
    async fn withdraw(
        &self,
        SignedIn(actor): SignedIn,
        wallet_id: Path<Uuid>,
        /// True to be told what would happen, and nothing else.
        dry_run: Query<Option<bool>>,
        /// Makes a repeated request move money once.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyHeader,
        body: Json<NewWithdrawalInput>,
    ) -> ApiResult<Moved> {
        let asking = asking(actor, key, &dry_run);
        let is_dry_run = asking.is_dry_run;
        let new = body.0.request(WalletId(wallet_id.0))?;
        let outcome = self.services.transfers.withdraw(asking, new).await?;
        Ok(Moved::of(outcome, is_dry_run))
    }
}
