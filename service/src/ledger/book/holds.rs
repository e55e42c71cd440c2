//! Holds: captures, voids, and what happens when their time runs out. Pure.

use super::draft::Draft;
use super::money::recorded;
use super::{Book, OriginalPage, Stamps};
use crate::actor::Actor;
use crate::ledger::types::{CaptureRequest, Command, Hold, Outcome, Refusal, Transfer, VoidRequest, Wallet, day_of};
use crate::values::{HoldEnd, Money, Timestamp, TransferId, TransferKind, WalletId};

/// Why the sums below are in range.
const WITHIN_HOLD: &str = "what is captured and released stays within the hold";
const WITHIN_HELD: &str = "what remains of a hold is part of what is held";

impl Book {
    /// Decides a capture. After the amount come, in this order: a hold that the actor may see and end, that is one, of
    /// which something remains, and enough. Then the rules of a transfer whose answer is recorded, but limits and funds:
    /// the hold counted and took what it holds.
    pub(super) fn capture(&mut self, command: &Command, request: &CaptureRequest, stamps: &mut impl Stamps) -> Outcome {
        self.expire_before(request.hold, stamps);
        match self.capture_draft(command, request, stamps.time()) {
            Ok((draft, hold)) => {
                let transfer = self.decide_draft(draft, stamps);
                if transfer.failure.is_none() {
                    self.note_capture(hold, &transfer);
                }
                recorded(transfer)
            }
            Err(refusal) => Outcome::Refused(refusal),
        }
    }

    /// Decides a void. A frozen or closed wallet does not keep held money from its owner.
    pub(super) fn void(&mut self, command: &Command, request: &VoidRequest, stamps: &mut impl Stamps) -> Outcome {
        self.expire_before(request.hold, stamps);
        let page = match self.open_hold(&command.actor, request.hold, stamps.time()) {
            Ok((page, _)) => page,
            Err(refusal) => return Outcome::Refused(refusal),
        };
        let draft = release_of(page).asked_by(command);
        let transfer = self.record(draft, Ok(()), stamps);
        self.note_release(request.hold, HoldEnd::Voided, transfer.created_at, &transfer);
        recorded(transfer)
    }

    /// Releases the expired holds of these wallets that the book was given.
    pub fn release_expired(&mut self, wallets: impl IntoIterator<Item = WalletId>, stamps: &mut impl Stamps) {
        for wallet in wallets {
            if self.wallet(wallet).is_some() {
                self.expire_due(wallet, stamps);
            }
        }
    }

    /// Releases the holds of a wallet whose time has run out, so that the money is free for what is decided next.
    pub(super) fn expire_due(&mut self, wallet: WalletId, stamps: &mut impl Stamps) {
        while let Some(hold) = self.next_due(wallet, stamps.time()) {
            if let Some(waiting) = self.expiring.get_mut(&wallet) {
                waiting.pop();
            }
            self.note_expired(wallet, hold);
            let page = &self.originals[&hold];
            let Some(open) = page.now.filter(|hold| hold.end.is_none()) else {
                continue;
            };
            let draft = release_of(page);
            let transfer = self.record(draft, Ok(()), stamps);
            self.note_release(hold, HoldEnd::Expired, open.expires_at, &transfer);
        }
    }

    /// What a wallet holds at a time, without the holds that have run out.
    pub(super) fn held_at(&self, wallet: &Wallet, time: Timestamp) -> Money {
        let due = self.expiring.get(&wallet.id).into_iter().flatten();
        let open = due.filter_map(|id| self.originals.get(id)?.now);
        open.filter(|hold| hold.end.is_none() && hold.expires_at <= time)
            .fold(wallet.held, |held, hold| {
                held.checked_sub(hold.remaining).expect(WITHIN_HELD)
            })
    }

    /// Releases the holds that have run out on the wallet of a hold, so that the time of the next stamp is that of what
    /// is decided about it.
    fn expire_before(&mut self, hold: TransferId, stamps: &mut impl Stamps) {
        if let Some(page) = self.originals.get(&hold) {
            let source = page.transfer.source;
            self.expire_due(source, stamps);
        }
    }

    fn next_due(&self, wallet: WalletId, time: Timestamp) -> Option<TransferId> {
        let next = *self.expiring.get(&wallet)?.last()?;
        let hold = self.originals.get(&next)?.now?;
        (hold.expires_at <= time).then_some(next)
    }

    fn capture_draft(
        &self,
        command: &Command,
        request: &CaptureRequest,
        at: Timestamp,
    ) -> Result<(Draft<'static>, TransferId), Refusal> {
        let asked = request.amount.read()?;
        let (page, hold) = self.open_hold(&command.actor, request.hold, at)?;
        let amount = asked.unwrap_or(hold.remaining);
        let rest = hold.remaining.checked_sub(amount).filter(|rest| *rest >= Money::ZERO);
        let Some(rest) = rest else {
            return Err(Refusal::AmountExceedsHold {
                remaining: hold.remaining,
            });
        };
        let transfer = &page.transfer;
        let sides = (transfer.source, transfer.destination);
        let mut draft = Draft::new(TransferKind::Capture, sides, amount).asked_by(command);
        draft.method = transfer.method.clone();
        draft.parent = Some(transfer.id);
        draft.released = (request.is_final && rest > Money::ZERO).then_some(rest);
        Ok((draft, transfer.id))
    }

    /// A hold that the actor may end, and of which something remains.
    fn open_hold(&self, actor: &Actor, id: TransferId, at: Timestamp) -> Result<(&OriginalPage, Hold), Refusal> {
        let page = self.originals.get(&id).ok_or(Refusal::TransferNotFound)?;
        let (sees, ends) = self.rights(actor, &page.transfer);
        if !sees {
            return Err(Refusal::TransferNotFound);
        }
        if !ends {
            return Err(Refusal::Forbidden);
        }
        let hold = page.now.ok_or(Refusal::NotAHold)?.at(at);
        match hold.end {
            None => Ok((page, hold)),
            Some((end, _)) => Err(Refusal::HoldClosed {
                has_expired: end == HoldEnd::Expired,
            }),
        }
    }

    /// Whether an actor may see a transfer, and whether they may end the hold that it is. A recorded refusal is for its
    /// source's owner and the user who asked for it.
    fn rights(&self, actor: &Actor, transfer: &Transfer) -> (bool, bool) {
        let owns = |id| self.wallet(id).is_some_and(|wallet| actor.owns(id, wallet.owner));
        let may_use = actor.may_use(transfer.source) || actor.may_use(transfer.destination);
        let (settles, is_destinations) = (transfer.is_settled_by(actor), owns(transfer.destination));
        let is_askers = owns(transfer.source) || transfer.created_by == Some(actor.user);
        let sees = settles || is_askers || (is_destinations && transfer.failure.is_none());
        (sees && may_use, settles || is_destinations)
    }

    fn note_capture(&mut self, id: TransferId, capture: &Transfer) {
        let released = capture.released.unwrap_or_default();
        let page = self.original_mut(id);
        let held_on = day_of(page.transfer.created_at);
        let hold = page.now.as_mut().expect("it was found to be open");
        hold.captured = hold.captured.checked_add(capture.amount).expect(WITHIN_HOLD);
        let rest = hold.remaining.checked_sub(capture.amount);
        hold.remaining = rest.and_then(|rest| rest.checked_sub(released)).expect(WITHIN_HOLD);
        if hold.remaining == Money::ZERO {
            hold.end = Some((HoldEnd::Captured, capture.created_at));
        }
        if released > Money::ZERO {
            self.give_back(capture, held_on, false);
        }
    }

    fn note_release(&mut self, id: TransferId, end: HoldEnd, ended_at: Timestamp, release: &Transfer) {
        let page = self.original_mut(id);
        let held_on = day_of(page.transfer.created_at);
        let hold = page.now.as_mut().expect("it was found to be open");
        let is_whole = hold.captured == Money::ZERO;
        hold.remaining = Money::ZERO;
        hold.end = Some((end, ended_at));
        self.give_back(release, held_on, is_whole);
    }

    /// What a hold gives back on the day on which it was made counts no more against the limits of its wallet.
    fn give_back(&mut self, by: &Transfer, held_on: i32, is_whole: bool) {
        let amount = by.released.unwrap_or_default();
        let is_limited = self.wallet(by.source).is_some_and(|wallet| wallet.limits.is_some());
        if is_limited && day_of(by.created_at) == held_on {
            let state = self.page_mut(by.source).now.limits.as_mut();
            state.expect("it was looked at").give_back(amount, is_whole, held_on);
        }
    }
}

/// The release of what remains of a hold.
fn release_of(page: &OriginalPage) -> Draft<'static> {
    let (transfer, hold) = (&page.transfer, page.now.expect("it was found to be open"));
    let sides = (transfer.source, transfer.destination);
    let mut draft = Draft::new(TransferKind::Release, sides, hold.remaining);
    draft.method = transfer.method.clone();
    draft.parent = Some(transfer.id);
    draft.released = Some(hold.remaining);
    draft
}
