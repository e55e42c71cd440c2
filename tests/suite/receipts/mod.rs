//! Receipts and heads, without HTTP: what they prove, who gets one, and what they show of a transfer.

mod commits;
mod forgeries;
mod kinds;
mod secrets;
mod signers;
mod tampering;
mod viewers;

use service::Services;
use service::actor::Actor;
use service::receipts::{Receipt, TrustedKeys, check_receipt};
use service::values::TransferId;

/// The keys that a process publishes.
fn keys_of(services: &Services) -> TrustedKeys {
    TrustedKeys::of(services.receipts.public_keys())
}

/// The receipt of a transfer. Fails unless its document is proved by the keys that the process publishes, and says what the
/// receipt says.
async fn proved(services: &Services, actor: &Actor, id: TransferId) -> Receipt {
    let receipt = services.receipts.receipt(actor, id).await;
    let receipt = receipt.expect("the journal proves it");
    let document = receipt.to_json().to_string();
    let checked = check_receipt(&document, &keys_of(services)).expect("the keys prove it");
    assert_eq!(checked, receipt);
    assert_eq!(receipt.transfer.id, id);
    receipt
}
