//! Erasing a user: what tells who they were is gone from every table, and the books stand.
//!
//! It begins with one transaction: the user is renamed and shut out, and the audit log says by whom. Then what may be many
//! rows is emptied a page at a time, so that payments go on: the texts of the transfers that the person asked for, the
//! person's details in the audit log, and what other modules keep (`beside`). The worker `erasures` finishes what a crash has left. It looks again at users who were
//! erased lately: what waited in a queue at that time may have been written after the first look.
//!
//! Invariants: the bank keeps an active admin, since the one who asks is active and does not erase themselves; a user with a
//! wallet that is not closed is not erased; an erased user is changed no more.

mod beside;
mod repo;
mod worker;

pub(crate) use beside::{ErasedRows, ErasureStep};

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::DatabaseTransaction;
use tokio::time::sleep;

use super::detached::detached;
use super::repo::find;
use super::sessions::{self, EndedSelection, SessionEnd};
use super::{Identity, IdentityError, User, api_keys, asker, one_time};
use crate::actor::{Actor, Permission};
use crate::audit::{self, AuditAction, AuditLine, DetailsRange, empty_some_details};
use crate::backoff::Backoff;
use crate::db::Fault;
use crate::values::{SessionId, Timestamp, UserId, UserStatus, WalletId};
use crate::wallets::{TextsRange, Wallets};

/// The pause after each page of rows, in which other writers go on.
const PAGE_PAUSE: Duration = Duration::from_millis(20);
/// How often a page is tried while other writers are in the way, and the longest pause in between.
const TRIES_MAX: u32 = 5;
const TRY_PAUSE_MAX: Duration = Duration::from_millis(500);

/// An erased user, and the sessions that ended with the erasure.
type ErasedUser = (User, Vec<SessionId>);

/// Who is erased, by whom and when.
struct Erasure {
    actor: Actor,
    user: UserId,
    now: Timestamp,
}

impl Identity {
    /// Erases a user, for admins: refused for oneself, and while the user has a wallet that is not closed. Returns when
    /// nothing of the user is left. A caller who goes away does not stop it. For an erased user it looks for what is left.
    pub async fn erase(&self, actor: &Actor, id: UserId) -> Result<User, IdentityError> {
        if !actor.may(Permission::UsersManage) {
            return Err(IdentityError::AdminsOnly);
        }
        if actor.user == id {
            return Err(IdentityError::OwnErasure);
        }
        let (identity, actor) = (self.clone(), actor.clone());
        let task = detached(async move {
            let user = identity.begin_erasure(&actor, id).await?;
            let erased = identity.erase_pages(id).await;
            erased.map_err(IdentityError::ErasureUnfinished)?;
            let concluded = identity.conclude(&[id]).await;
            concluded.map_err(IdentityError::ErasureUnfinished)?;
            Ok::<_, IdentityError>(user)
        });
        task.await
    }

    /// Finishes erasures that are not finished, and looks again at users who were erased in the last ten minutes, as the
    /// worker `erasures` does every minute. Gives how many users it looked at.
    pub async fn finish_erasures(&self) -> Result<usize, Fault> {
        let users = repo::to_finish(&self.db.read, self.clock.now()).await?;
        let (mut finished, mut failed) = (Vec::new(), None);
        for user in &users {
            // A user whose rows cannot be emptied keeps no other one waiting.
            match self.erase_pages(*user).await {
                Ok(()) => finished.push(*user),
                Err(fault) => failed = Some(fault),
            }
        }
        self.conclude(&finished).await?;
        failed.map_or(Ok(users.len()), Err)
    }

    /// Renames the user and shuts them out, in one transaction. From here on the erasure cannot be undone.
    async fn begin_erasure(&self, actor: &Actor, id: UserId) -> Result<User, IdentityError> {
        let (wallets, now) = (self.wallets.clone(), self.clock.now());
        let erasure = Erasure {
            actor: actor.clone(),
            user: id,
            now,
        };
        let beside = self.erased_beside.clone();
        let work = self
            .db
            .transaction(move |tx| Box::pin(async move { erase_rows(tx, (&wallets, &beside), &erasure).await }));
        let erased: Result<ErasedUser, IdentityError> = work.await;
        // Whatever became of the transaction: the user's API keys are read again.
        self.api_keys.forget();
        let (user, ended) = erased?;
        self.sessions.note_ended(&ended, now);
        Ok(user)
    }

    /// Empties everything of an erased user that may be many rows.
    async fn erase_pages(&self, user: UserId) -> Result<(), Fault> {
        let wallets = self.wallets.currencies_of(user).await?;
        let mut wallets: Vec<WalletId> = wallets.into_keys().collect();
        wallets.sort_unstable();
        for range in TextsRange::all(user, &wallets) {
            page_by_page(|after| self.wallets.erase_some_texts(range, after)).await?;
        }
        for range in DetailsRange::all(user, &wallets) {
            page_by_page(|after| empty_some_details(&self.db, range, after)).await?;
        }
        while retry_on_conflict(|| self.erased_beside.erase_some(user)).await? {
            sleep(PAGE_PAUSE).await;
        }
        Ok(())
    }

    /// Notes that nothing is left of these users. On SQLite that is so once the write-ahead log is empty: while a reader keeps
    /// it, the worker tries again every minute.
    async fn conclude(&self, users: &[UserId]) -> Result<(), Fault> {
        if users.is_empty() {
            return Ok(());
        }
        for _ in 1..TRIES_MAX {
            if self.db.empty_wal().await? {
                let now = self.clock.now();
                for user in users {
                    repo::note_finished(&self.db.write, *user, now).await?;
                }
                return Ok(());
            }
            sleep(TRY_PAUSE_MAX).await;
        }
        tracing::warn!("the write-ahead log is in use, and still has what was erased; it is tried again");
        Ok(())
    }
}

async fn erase_rows(
    tx: &DatabaseTransaction,
    (wallets, beside): (&Wallets, &Arc<dyn ErasedRows>),
    erasure: &Erasure,
) -> Result<ErasedUser, IdentityError> {
    let (actor, id, now) = (&erasure.actor, erasure.user, erasure.now);
    let user = asker::lock_with_any(tx, actor, id, now).await?.user;
    if user.status == UserStatus::Erased {
        return Ok((user, Vec::new()));
    }
    let unclosed = wallets.unclosed(tx, id).await?;
    if !unclosed.is_empty() {
        return Err(IdentityError::WalletsOpen(unclosed));
    }
    one_time::delete_naming(tx, &user.email).await?;
    let ended = sessions::end(tx, id, EndedSelection::All, SessionEnd::Erased, now).await?;
    repo::erase_user(tx, id, now).await?;
    sessions::erase_places(tx, id).await?;
    api_keys::erase_keys(tx, id, now).await?;
    one_time::delete_of(tx, id).await?;
    beside.begin(tx, id, now).await?;
    let line = AuditLine::at(AuditAction::UserErased, now).by(actor).to_user(id);
    audit::record(tx, &[line]).await?;
    let user = find(tx, id).await?.ok_or(IdentityError::UserNotFound)?;
    Ok((user, ended))
}

/// Does a piece of work for each page of a range. It is given the last id of the page before, and gives that of its own;
/// `None` at the end of the range.
async fn page_by_page<K, F>(mut work: impl FnMut(Option<K>) -> F) -> Result<(), Fault>
where
    K: Copy,
    F: Future<Output = Result<Option<K>, Fault>>,
{
    let mut after = None;
    loop {
        let reached = retry_on_conflict(|| work(after)).await?;
        if reached.is_none() {
            return Ok(());
        }
        after = reached;
        sleep(PAGE_PAUSE).await;
    }
}

/// Does a piece of work that may be repeated, some times over while other writers are in the way.
async fn retry_on_conflict<T, F>(mut work: impl FnMut() -> F) -> Result<T, Fault>
where
    F: Future<Output = Result<T, Fault>>,
{
    let mut backoff = Backoff::new(PAGE_PAUSE, TRY_PAUSE_MAX);
    for _ in 1..TRIES_MAX {
        match work().await {
            Err(fault) if fault.is_conflict() => sleep(backoff.next_pause()).await,
            done => return done,
        }
    }
    work().await
}
