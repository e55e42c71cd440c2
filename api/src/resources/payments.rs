//! The deposits and withdrawals of a wallet.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use service::Services;
use service::values::WalletId;
use uuid::Uuid;

use super::Tag;
use super::transfer_inputs::{NewPaymentInput, NewWithdrawalInput};
use super::transfers::{TransferAnswer, answer, asking};
use crate::auth::{DepositsWrite, TransfersWrite};
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
        DepositsWrite(actor): DepositsWrite,
        wallet_id: Path<Uuid>,
        /// True: answer what would happen, and write nothing.
        dry_run: Query<Option<bool>>,
        /// Makes a repeated request move money once.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyHeader,
        body: Json<NewPaymentInput>,
    ) -> ApiResult<TransferAnswer> {
        let new = body.0.request(WalletId(wallet_id.0));
        let transfers = &self.services.transfers;
        answer(asking(actor, key, &dry_run), |asking| transfers.deposit(asking, new)).await
    }

    /// Withdraw
    ///
    /// Pays money out of the bank, to the system wallet of its payment method, or, with `hold`, holds it until an operator
    /// captures it. A customer may only name a method that an operator has used in this currency before: else
    /// `unknown_method`, which comes after `wallet_not_found`.
    #[oai(path = "/:wallet_id/withdrawals", method = "post", operation_id = "wallets_withdraw")]
    async fn withdraw(
        &self,
        TransfersWrite(actor): TransfersWrite,
        wallet_id: Path<Uuid>,
        /// True: answer what would happen, and write nothing.
        dry_run: Query<Option<bool>>,
        /// Makes a repeated request move money once.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyHeader,
        body: Json<NewWithdrawalInput>,
    ) -> ApiResult<TransferAnswer> {
        let new = body.0.request(WalletId(wallet_id.0))?;
        let transfers = &self.services.transfers;
        answer(asking(actor, key, &dry_run), |asking| transfers.withdraw(asking, new)).await
    }
}
