//! Opens wallets, changes their status and sets their limits. Pure.

use serde_json::Value;

use super::audit::{action_of, limits_value, status_value};
use super::{Book, Stamps, WalletPage};
use crate::audit::{AuditLine, AuditSubject};
use crate::journal::opening_text;
use crate::ledger::types::{
    ChangedState, Command, Expected, LimitState, LimitsRequest, Opening, Outcome, Outflow, Owner, StatusRequest,
    Wallet, WalletChange, WalletRefusal, WalletTag,
};
use crate::values::{AuditId, ChangeId, ChangeKind, Currency, Money, Timestamp, Version, WalletId, WalletStatus};

/// A change of a wallet that is allowed.
struct DecidedChange {
    kind: ChangeKind,
    subject: WalletId,
    /// What it was before and what it is now, as texts of the journal.
    texts: [String; 2],
    /// The same as JSON values of the audit log.
    values: [Value; 2],
}

impl Wallet {
    /// A new wallet, which is empty.
    pub(super) fn opened(id: WalletId, owner: &Owner, currency: Currency, at: Timestamp) -> Self {
        let (user, method) = match owner {
            Owner::Customer(user) => (Some(*user), None),
            Owner::Method(method) => (None, Some(method.clone())),
        };
        Self {
            id,
            owner: user,
            method,
            currency,
            balance: Money::ZERO,
            held: Money::ZERO,
            status: WalletStatus::Active,
            version: Version::default(),
            created_at: at,
            updated_at: at,
            limits: None,
        }
    }
}

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
        let bucket = match &opening.owner {
            Owner::Customer(user) => Some(user.bucket()),
            Owner::Method(_) => None,
        };
        let (now, id) = self.stamp(bucket, stamps);
        let wallet = Wallet::opened(WalletId(id), &opening.owner, opening.currency, now);
        self.changes.push(WalletChange {
            id: ChangeId(id),
            kind: ChangeKind::Opened,
            subject: wallet.id,
            created_by: command.actor.unless_owner(wallet.owner),
            request_id: command.actor.request.clone(),
            before: None,
            after: opening_text(opening.currency, wallet.owner, wallet.method.as_ref()),
            state: ChangedState::of(&wallet),
        });
        self.by_owner.insert(whose, wallet.id);
        self.pages.insert(wallet.id, WalletPage::new(wallet.clone()));
        Outcome::Wallet(Box::new(wallet))
    }

    /// Changes a wallet's status. A request for the status that the wallet already has changes nothing; it
    /// is refused only for a system wallet, or one that is not as the caller expects. Holds that have run out are
    /// released first: a wallet can be closed although their releases were not written yet.
    pub(super) fn set_status(
        &mut self,
        command: &Command,
        request: &StatusRequest,
        stamps: &mut impl Stamps,
    ) -> Outcome {
        let Some(tag) = self.tag_at(request.wallet, stamps) else {
            return Outcome::WalletRefused(WalletRefusal::NotFound);
        };
        self.expire_due(request.wallet, stamps);
        let wallet = &self.pages[&request.wallet].now;
        let kind = match status_rule(wallet, request, &tag) {
            Ok(kind) => kind,
            Err(refusal) => return Outcome::WalletRefused(refusal),
        };
        if let Some(kind) = kind {
            let (before, after) = (wallet.status, request.status);
            let change = DecidedChange {
                kind,
                subject: request.wallet,
                texts: [before, after].map(|status| status.as_str().to_owned()),
                values: [
                    status_value(before, None),
                    status_value(after, request.reason.as_deref()),
                ],
            };
            self.change(command, change, stamps, |wallet| wallet.status = request.status);
        }
        self.wallet_outcome(request.wallet)
    }

    /// Sets a wallet's limits. What goes out today counts against them from the day's beginning on. The same limits
    /// again change nothing. Refused in the order of a change of status.
    pub(super) fn set_limits(
        &mut self,
        command: &Command,
        request: &LimitsRequest,
        stamps: &mut impl Stamps,
    ) -> Outcome {
        let Some(tag) = self.tag_at(request.wallet, stamps) else {
            return Outcome::WalletRefused(WalletRefusal::NotFound);
        };
        self.expire_due(request.wallet, stamps);
        let wallet = &self.pages[&request.wallet].now;
        let state = wallet.limits.as_deref().copied();
        let before = state.map(|state| state.limits).unwrap_or_default();
        let changes = before != request.limits;
        if let Err(refusal) = limits_rule(wallet, changes, &request.expected, &tag) {
            return Outcome::WalletRefused(refusal);
        }
        if changes {
            let change = DecidedChange {
                kind: ChangeKind::Limited,
                subject: request.wallet,
                texts: [before, request.limits].map(|limits| limits.as_text()),
                values: [before, request.limits].map(limits_value),
            };
            self.change(command, change, stamps, |wallet| {
                wallet.limits = Some(Box::new(LimitState {
                    limits: request.limits,
                    outflow: state.map_or_else(Outflow::default, |state| state.outflow),
                }));
            });
        }
        self.wallet_outcome(request.wallet)
    }

    /// Changes a wallet, and records the change, with its line of the audit log.
    fn change(
        &mut self,
        command: &Command,
        change: DecidedChange,
        stamps: &mut impl Stamps,
        apply: impl FnOnce(&mut Wallet),
    ) {
        let subject = change.subject;
        let (now, id) = self.stamp(Some(subject.bucket()), stamps);
        let owner = self.pages[&subject].now.owner;
        let [before, after] = change.values;
        let line = action_of(change.kind).map(|action| {
            AuditLine::new(action, AuditId(id), now)
                .by(&command.actor)
                .to(AuditSubject::Wallet(subject), owner)
                .before(&before)
                .after(&after)
        });
        self.audit.extend(line);
        let wallet = &mut self.page_mut(subject).now;
        wallet.updated_at = now;
        apply(wallet);
        let state = ChangedState::of(wallet);
        let [before, after] = change.texts;
        self.changes.push(WalletChange {
            id: ChangeId(id),
            kind: change.kind,
            subject,
            created_by: command.actor.unless_owner(owner),
            request_id: command.actor.request.clone(),
            before: Some(before),
            after,
            state,
        });
    }

    /// The tag of the state in which callers see a wallet: without the holds that have run out. `None` if the book does
    /// not have it.
    fn tag_at(&self, wallet: WalletId, stamps: &mut impl Stamps) -> Option<WalletTag> {
        let wallet = self.wallet(wallet)?;
        let shown = Wallet {
            held: self.held_at(wallet, stamps.time()),
            ..wallet.clone()
        };
        Some(shown.tag())
    }

    fn wallet_outcome(&self, wallet: WalletId) -> Outcome {
        let mut wallet = self.pages[&wallet].now.clone();
        wallet.limits = wallet.limits.filter(|state| !state.limits.is_empty());
        Outcome::Wallet(Box::new(wallet))
    }
}

fn limits_rule(wallet: &Wallet, changes: bool, expected: &Expected, tag: &WalletTag) -> Result<(), WalletRefusal> {
    if wallet.is_system() {
        return Err(WalletRefusal::System);
    }
    if changes && wallet.status == WalletStatus::Closed {
        return Err(WalletRefusal::Closed);
    }
    if !expected.admits(tag) {
        return Err(WalletRefusal::Unexpected);
    }
    Ok(())
}

/// What changes, if anything does. Refuses in this order: a system wallet; a closed wallet; closing a wallet that is
/// not empty; a wallet that is not as the caller expects. That one comes last by RFC 9110, 13.2.1: a
/// precondition counts only where the change would otherwise be made.
fn status_rule(wallet: &Wallet, request: &StatusRequest, tag: &WalletTag) -> Result<Option<ChangeKind>, WalletRefusal> {
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
    if !request.expected.admits(tag) {
        return Err(WalletRefusal::Unexpected);
    }
    let kind = match request.status {
        WalletStatus::Active => ChangeKind::Unfrozen,
        WalletStatus::Frozen => ChangeKind::Frozen,
        WalletStatus::Closed => ChangeKind::Closed,
    };
    Ok(changes.then_some(kind))
}
