//! What callers send to move or hold money.

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::{Deserialize, Serialize};
use service::transfers::{AskedAmount, BATCH_MAX, HoldTerms, NewBatch, NewDestination, NewPayment, NewTransfer};
use service::values::WalletId;
use uuid::Uuid;

use crate::fields::Input;
use crate::problem::Problem;
use crate::samples;
use crate::wire::{AmountInput, EmailInput, HoldSeconds, MetadataValue, MethodInput, Text, only_objects};

/// A transfer to make, or money to hold.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "NewTransfer", example)]
#[serde(deny_unknown_fields)]
pub struct NewTransferInput {
    /// A wallet of the caller's.
    source_wallet_id: Uuid,
    /// The wallet that receives. Either this or `destination_email` is given.
    destination_wallet_id: Option<Uuid>,
    /// The address of the person who receives, in their wallet in the source's currency.
    destination_email: Option<EmailInput>,
    amount: AmountInput,
    description: Option<Text>,
    metadata: Option<MetadataValue>,
    /// True if the money is only to be held, for the destination's owner to capture.
    hold: Option<bool>,
    expires_in_s: Option<HoldSeconds>,
}

/// Money that enters or leaves the bank.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "NewPayment", example)]
#[serde(deny_unknown_fields)]
pub struct NewPaymentInput {
    amount: AmountInput,
    method: MethodInput,
    description: Option<Text>,
    metadata: Option<MetadataValue>,
}

/// Money that leaves the bank, now or once an operator captures it.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "NewWithdrawal", example)]
#[serde(deny_unknown_fields)]
pub struct NewWithdrawalInput {
    amount: AmountInput,
    method: MethodInput,
    description: Option<Text>,
    metadata: Option<MetadataValue>,
    /// True if the money is only to be held, for an operator to capture once it is paid out.
    hold: Option<bool>,
    expires_in_s: Option<HoldSeconds>,
}

/// Transfers to make together.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "NewBatch", example)]
#[serde(deny_unknown_fields)]
pub struct NewBatchInput {
    /// True if all are to be made or none.
    atomic: bool,
    /// From 1 to 1 000, decided in this order.
    #[oai(validator(min_items = 1, max_items = 1000))]
    #[serde(deserialize_with = "only_objects")]
    transfers: Vec<NewTransferInput>,
}

/// How much of a hold to take.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "NewCapture", example)]
#[serde(deny_unknown_fields)]
pub struct NewCaptureInput {
    /// At most what remains; all of it when it is missing.
    amount: Option<AmountInput>,
    /// False if more is to be captured later. The final capture gives the rest back.
    #[serde(rename = "final")]
    #[oai(rename = "final")]
    is_final: Option<bool>,
}

/// How much of a transfer to take back.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "NewReversal", example)]
#[serde(deny_unknown_fields)]
pub struct NewReversalInput {
    /// At most what is left of it; all of it when it is missing.
    amount: Option<AmountInput>,
    description: Option<Text>,
}

impl Input for NewTransferInput {
    fn refusal(&self) -> Option<&'static str> {
        self.amount.refusal()
    }
}

impl Input for NewPaymentInput {
    fn refusal(&self) -> Option<&'static str> {
        self.amount.refusal()
    }
}

impl Input for NewWithdrawalInput {
    fn refusal(&self) -> Option<&'static str> {
        self.amount.refusal()
    }
}

impl Input for NewBatchInput {
    fn refusal(&self) -> Option<&'static str> {
        self.transfers.iter().find_map(Input::refusal)
    }
}

impl Input for NewCaptureInput {
    fn refusal(&self) -> Option<&'static str> {
        self.amount.and_then(AmountInput::refusal)
    }
}

impl Input for NewReversalInput {
    fn refusal(&self) -> Option<&'static str> {
        self.amount.and_then(AmountInput::refusal)
    }
}

impl NewTransferInput {
    /// The service's request. `path` is the place of this input in the body, such as `transfers[3].`.
    pub fn request(self, path: &str) -> Result<NewTransfer, Problem> {
        let destination = match (self.destination_wallet_id, self.destination_email) {
            (Some(id), None) => NewDestination::Wallet(WalletId(id)),
            (None, Some(email)) => NewDestination::Email(email.0),
            _ => {
                let field = format!("{path}destination_wallet_id");
                return Err(Problem::unprocessable_field(
                    field,
                    "must be given, or destination_email instead, and not both",
                ));
            }
        };
        Ok(NewTransfer {
            source: WalletId(self.source_wallet_id),
            destination,
            amount: self.amount.0,
            description: self.description.map(|text| text.0),
            metadata: self.metadata.and_then(MetadataValue::given),
            hold: terms(self.hold, self.expires_in_s, path)?,
        })
    }
}

impl NewPaymentInput {
    /// The service's request to deposit into a wallet.
    pub fn request(self, wallet: WalletId) -> NewPayment {
        NewPayment {
            description: self.description.map(|text| text.0),
            metadata: self.metadata.and_then(MetadataValue::given),
            ..NewPayment::new(wallet, self.amount.0, self.method.0)
        }
    }
}

impl NewWithdrawalInput {
    /// The service's request to withdraw from a wallet.
    pub fn request(self, wallet: WalletId) -> Result<NewPayment, Problem> {
        Ok(NewPayment {
            description: self.description.map(|text| text.0),
            metadata: self.metadata.and_then(MetadataValue::given),
            hold: terms(self.hold, self.expires_in_s, "")?,
            ..NewPayment::new(wallet, self.amount.0, self.method.0)
        })
    }
}

impl NewBatchInput {
    /// The service's request.
    pub fn request(self) -> Result<NewBatch, Problem> {
        if self.transfers.is_empty() || self.transfers.len() > BATCH_MAX {
            let message = format!("must have 1 to {BATCH_MAX} items");
            return Err(Problem::unprocessable_field("transfers", message));
        }
        let transfers = self.transfers.into_iter().enumerate();
        let transfers = transfers.map(|(index, transfer)| transfer.request(&format!("transfers[{index}].")));
        Ok(NewBatch {
            is_atomic: self.atomic,
            transfers: transfers.collect::<Result<_, _>>()?,
        })
    }
}

impl NewCaptureInput {
    /// How much is asked for.
    pub fn amount(&self) -> AskedAmount {
        asked(self.amount)
    }

    /// Whether the rest is to be given back.
    pub fn is_final(&self) -> bool {
        self.is_final.unwrap_or(true)
    }
}

impl NewReversalInput {
    /// How much is asked for, and the caller's text.
    pub fn into_parts(self) -> (AskedAmount, Option<String>) {
        (asked(self.amount), self.description.map(|text| text.0))
    }
}

fn asked(amount: Option<AmountInput>) -> AskedAmount {
    amount.map_or(AskedAmount::Rest, |amount| AskedAmount::Exactly(amount.0))
}

fn terms(hold: Option<bool>, seconds: Option<HoldSeconds>, path: &str) -> Result<Option<HoldTerms>, Problem> {
    match (hold, seconds) {
        (Some(true), Some(seconds)) => Ok(Some(seconds.0)),
        (Some(true), None) => Ok(Some(HoldTerms::DEFAULT)),
        (None | Some(false), None) => Ok(None),
        (None | Some(false), Some(_)) => Err(Problem::unprocessable_field(
            format!("{path}expires_in_s"),
            "may only be given with hold",
        )),
    }
}

impl Example for NewTransferInput {
    fn example() -> Self {
        Self {
            source_wallet_id: samples::WALLET_ID,
            destination_wallet_id: Some(samples::OTHER_WALLET_ID),
            destination_email: None,
            amount: AmountInput(Some(samples::amount(125_000).0)),
            description: Some(Text(samples::DESCRIPTION.to_owned())),
            metadata: MetadataValue::stored(r#"{"order":"A-17"}"#),
            hold: None,
            expires_in_s: None,
        }
    }
}

impl Example for NewPaymentInput {
    fn example() -> Self {
        Self {
            amount: AmountInput(Some(samples::amount(1_000_000).0)),
            method: MethodInput::try_new("visa").expect("the sample is a method"),
            description: None,
            metadata: None,
        }
    }
}

impl Example for NewWithdrawalInput {
    fn example() -> Self {
        Self {
            amount: AmountInput(Some(samples::amount(1_000_000).0)),
            method: MethodInput::try_new("visa").expect("the sample is a method"),
            description: None,
            metadata: None,
            hold: None,
            expires_in_s: None,
        }
    }
}

impl Example for NewBatchInput {
    fn example() -> Self {
        Self {
            atomic: true,
            transfers: vec![NewTransferInput::example()],
        }
    }
}

impl Example for NewCaptureInput {
    fn example() -> Self {
        Self {
            amount: Some(AmountInput(Some(samples::amount(100_000).0))),
            is_final: Some(true),
        }
    }
}

impl Example for NewReversalInput {
    fn example() -> Self {
        Self {
            amount: Some(AmountInput(Some(samples::amount(100_000).0))),
            description: Some(Text(samples::DESCRIPTION.to_owned())),
        }
    }
}
