//! A wallet's balance at a moment, and statements: the movements of a range of time between two balances.
//!
//! A statement is final: it ends with the journal's head, before which nothing changes any more. Its movements are read a
//! page at a time, each when it is asked for, and it proves itself while it is read: every balance follows from the one
//! before.

use chrono::TimeDelta;
use uuid::Uuid;

use super::times::{KnownTimes, TimeRange, check_moment, settle};
use super::{WalletError, Wallets};
use crate::actor::Actor;
use crate::clock::id_at;
use crate::db::{Db, Fault};
use crate::ledger::{BalanceAt, EntryRange, WalletEntry, balance_before, entries_in, head_time};
use crate::values::{Currency, Timestamp, WalletId};

/// What a statement says besides its movements.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Names this statement; another one of the same range has another id.
    pub id: Uuid,
    /// Bank time at which it was asked for.
    pub made_at: Timestamp,
    /// Whose movements.
    pub wallet: WalletId,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// The movements have this time or a later one.
    pub from: Timestamp,
    /// The movements are before this time. The next statement begins here.
    pub to: Timestamp,
    /// The balance just before `from`.
    pub opening: BalanceAt,
    /// The balance just before `to`.
    pub closing: BalanceAt,
}

/// The movements of a statement, oldest first. Nothing is read before it is asked for, and no connection is kept between
/// two pages.
pub struct Movements {
    db: Db,
    rest: EntryRange,
    reached: BalanceAt,
    closing: BalanceAt,
}

impl Movements {
    /// The next movements; `None` after the last one. Fails where they do not lead from one balance to the next.
    pub async fn next_page(&mut self) -> Result<Option<Vec<WalletEntry>>, Fault> {
        if self.reached == self.closing {
            return Ok(None);
        }
        let page = entries_in(&self.db, self.rest).await?;
        let last = page.last().ok_or_else(gap)?;
        self.rest.after = last.transfer;
        for entry in &page {
            self.reached = self.reached.after(entry).ok_or_else(gap)?;
        }
        Ok(Some(page))
    }
}

impl Wallets {
    /// The balance at a moment of a wallet that the actor may see, after everything that has that time. From the
    /// journal's head until now it may still change.
    pub async fn balance_at(&self, actor: &Actor, id: WalletId, at: Timestamp) -> Result<BalanceAt, WalletError> {
        let wallet = self.find(actor, id).await?;
        let mut now = self.clock.now();
        if at > now {
            now = now.max(head_time(&self.db).await?);
        }
        check_moment(at, wallet.created_at, now)?;
        Ok(balance_before(&self.db, id, at + TimeDelta::microseconds(1)).await?)
    }

    /// A statement of a wallet that the actor may see. Times are cut to what is known: see `to` of the answer.
    pub async fn statement(
        &self,
        actor: &Actor,
        id: WalletId,
        range: TimeRange,
    ) -> Result<(Statement, Movements), WalletError> {
        let wallet = self.find(actor, id).await?;
        // Read after the wallet, so that it is not before the wallet's opening.
        let head = head_time(&self.db).await?;
        let known = KnownTimes {
            opened: wallet.created_at,
            head,
            now: self.clock.now().max(head),
        };
        let (from, to) = settle(range, known)?;
        let opening = balance_before(&self.db, id, from).await?;
        let closing = balance_before(&self.db, id, to).await?;
        let statement = Statement {
            id: id_at(known.now),
            made_at: known.now,
            wallet: id,
            currency: wallet.currency,
            from,
            to,
            opening,
            closing,
        };
        let movements = Movements {
            db: self.db.clone(),
            rest: EntryRange::of(id, from, to),
            reached: opening,
            closing,
        };
        Ok((statement, movements))
    }
}

fn gap() -> Fault {
    Fault::damaged("a wallet's history with a gap")
}
