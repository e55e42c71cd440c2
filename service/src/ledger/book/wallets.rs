//! Opens wallets and changes their status. Pure.

use super::{Book, Stamps, WalletPage};
use crate::journal::opening_text;
use crate::ledger::types::{Command, Opening, Outcome, Owner, StatusRequest, Wallet, WalletChange, WalletRefusal};
use crate::values::{ChangeId, ChangeKind, Money, Version, WalletId, WalletStatus};

impl Book {
    /// Opens a wallet. A customer has one in each currency. If a method's wallet is open already, that wallet is the
    /// answer.
    ///
    /// The wallet's id is that of the change which opened it.
    pub(super) fn open_wallet(&mut self, command: &Command, opening: &Opening, stamps: &mut impl Stamps) -> Outcome {
        let whose = (opening.owner.clone(), opening.currency);
        if let Some(page) = self.by_owner.get(&whose).and_then(|id| self.pages.get(id)) {
            return match &opening.owner {
                Owner::Customer(_) => Outcome::WalletRefused(WalletRefusal::Exists),
                Owner::Method(_) => Outcome::Wallet(Box::new(page.now.clone())),
            };
        }
        let (user, method) = match &opening.owner {
            Owner::Customer(user) => (Some(*user), None),
            Owner::Method(method) => (None, Some(method.clone())),
        };
        let (now, id) = stamps.next(user.map(|user| user.bucket()));
        let wallet = Wallet {
            id: WalletId(id),
            owner: user,
            method,
            currency: opening.currency,
            balance: Money::ZERO,
            held: Money::ZERO,
            status: WalletStatus::Active,
            version: Version::default(),
            created_at: now,
            updated_at: now,
        };
        self.changes.push(WalletChange {
            id: ChangeId(id),
            kind: ChangeKind::Opened,
            subject: wallet.id,
            created_by: command.actor.unless_owner(user),
            before: None,
            after: opening_text(opening.currency, user, wallet.method.as_ref()),
        });
        self.by_owner.insert(whose, wallet.id);
        self.pages.insert(wallet.id, WalletPage::new(wallet.clone()));
        Outcome::Wallet(Box::new(wallet))
    }

    /// Changes a wallet's status. A request for the status that the wallet already has changes nothing; it
    /// is refused only for a system wallet, or one that is not as the caller expects.
    pub(super) fn set_status(
        &mut self,
        command: &Command,
        request: &StatusRequest,
        stamps: &mut impl Stamps,
    ) -> Outcome {
        let Some(page) = self.pages.get_mut(&request.wallet) else {
            return Outcome::WalletRefused(WalletRefusal::NotFound);
        };
        let kind = match status_rule(&page.now, request) {
            Ok(kind) => kind,
            Err(refusal) => return Outcome::WalletRefused(refusal),
        };
        if let Some(kind) = kind {
            let (now, id) = stamps.next(Some(page.now.id.bucket()));
            self.changes.push(WalletChange {
                id: ChangeId(id),
                kind,
                subject: page.now.id,
                created_by: command.actor.unless_owner(page.now.owner),
                before: Some(page.now.status.as_str().to_owned()),
                after: request.status.as_str().to_owned(),
            });
            page.now.status = request.status;
            page.now.updated_at = now;
        }
        Outcome::Wallet(Box::new(page.now.clone()))
    }
}

/// What changes, if anything does. Refuses in this order: a system wallet; a closed wallet; closing a wallet that is
/// not empty; a wallet that is not as the caller expects. That one comes last by RFC 9110, 13.2.1: a
/// precondition counts only where the change would otherwise be made.
fn status_rule(wallet: &Wallet, request: &StatusRequest) -> Result<Option<ChangeKind>, WalletRefusal> {
    let changes = wallet.status != request.status;
    if wallet.is_system() {
        return Err(WalletRefusal::System);
    }
    if changes && wallet.status == WalletStatus::Closed {
        return Err(WalletRefusal::Closed);
    }
    let is_empty = wallet.balance == Money::ZERO && wallet.held == Money::ZERO;
    if changes && request.status == WalletStatus::Closed && !is_empty {
        return Err(WalletRefusal::NotEmpty);
    }
    if !request.expected.admits(&wallet.tag()) {
        return Err(WalletRefusal::Unexpected);
    }
    let kind = match request.status {
        WalletStatus::Active => ChangeKind::Unfrozen,
        WalletStatus::Frozen => ChangeKind::Frozen,
        WalletStatus::Closed => ChangeKind::Closed,
    };
    Ok(changes.then_some(kind))
}
