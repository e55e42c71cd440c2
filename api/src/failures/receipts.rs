//! Every error of receipts as a problem document.

use service::receipts::ReceiptError;
use service::transfers::TransferError;

use crate::problem::Problem;

impl From<ReceiptError> for Problem {
    fn from(error: ReceiptError) -> Self {
        match error {
            ReceiptError::NotFound => TransferError::NotFound.into(),
            // A person has changed what is written once. Only the log says which rows do not fit.
            ReceiptError::NotProved(_) => Self::internal(error),
            ReceiptError::Fault(fault) => fault.into(),
        }
    }
}
