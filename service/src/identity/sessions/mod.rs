//! Sessions: who is signed in. A sign-in begins one; its refresh token is exchanged for the next tokens; it ends when its
//! user signs out, changes the password, is suspended, gets another role, or when a used token comes again.
//!
//! Invariants: of two exchanges of one token only one makes a new token; no token of an ended session is accepted, by this
//! process at once, by every other one after its next look at the database.

mod audit_lines;
mod ended;
mod exchange;
mod refresh_token;
mod repo;
mod session;
mod watch;

pub use session::{KeptSession, LiveSession, SessionTokens};

pub(super) use entity::sessions::SessionEnd;
pub(super) use repo::{EndedSelection, erase_places, is_live};

use std::sync::Arc;

use chrono::TimeDelta;
use parking_lot::Mutex;
use sea_orm::{DatabaseTransaction, DbErr};
use secrecy::{ExposeSecret, SecretString};

use self::ended::EndedSessions;
use self::exchange::{Exchange, is_genuine, judge};
use self::refresh_token::{PURPOSE, RefreshKeys, RefreshToken};
use self::session::{Nonce, StoredSession};
use self::watch::WatchState;
use super::detached::detached;
use super::repo as users;
use super::tokens::{ACCESS_TOKEN_SECONDS, Claimed, KeySet, Tokens};
use super::{IdentityError, TokenError};
use crate::actor::{Actor, ClientInfo};
use crate::audit;
use crate::clock::{Clock, id_at, random_bytes};
use crate::db::{Db, Fault};
use crate::page::{Page, PageRequest};
use crate::values::{Role, SessionId, Timestamp, UserId, UserStatus};
use crate::workers::Workers;

/// How long a session lasts, however often its token is exchanged.
pub const SESSION_LIFE: TimeDelta = TimeDelta::days(30);
/// The most live sessions of a user. A further sign-in ends the oldest one.
pub const LIVE_MAX: u64 = 50;

/// Of how many sessions the verified tokens are forgotten at once: each looks through all that are remembered.
const FORGOTTEN_MAX: usize = 64;

/// The sessions of the bank. Cloning clones a handle.
#[derive(Clone)]
pub(super) struct Sessions {
    db: Db,
    clock: Arc<dyn Clock>,
    tokens: Arc<Tokens>,
    keys: Arc<KeySet>,
    ended: Arc<EndedSessions>,
    watch: Arc<Mutex<WatchState>>,
    workers: Workers,
}

/// A user whose password was right.
pub(super) struct Proven {
    pub user: UserId,
    /// The hash that the password was compared with. A session begins only while the user still has it.
    pub password_hash: String,
}

/// What became of a presented token.
enum Exchanged {
    Done {
        role: Role,
        session: StoredSession,
        token: RefreshToken,
    },
    /// The token was used before, and its session has ended.
    Reused(Vec<SessionId>),
    Refused,
}

impl Sessions {
    pub fn new(db: Db, clock: Arc<dyn Clock>, tokens: Arc<Tokens>, keys: Arc<KeySet>, workers: Workers) -> Self {
        Self {
            db,
            clock,
            tokens,
            keys,
            ended: Arc::new(EndedSessions::new()),
            watch: Arc::default(),
            workers,
        }
    }

    /// Begins a session of a user whose password was right. The user's row is locked and read again: of a sign-in and a
    /// suspension at the same time, either the sign-in is refused, or the suspension ends its session.
    pub async fn begin(&self, proven: Proven, client: &ClientInfo) -> Result<SessionTokens, IdentityError> {
        let now = self.clock.now();
        let (user, nonce) = (proven.user, Nonce(random_bytes()));
        let token = RefreshToken::derive(self.refresh_keys(now).current(), SessionId(id_at(now)), 0, nonce);
        let (sessions, stored, client) = (self.clone(), token.clone(), client.clone());
        let task = detached(async move {
            let work = sessions.db.transaction(move |tx| {
                Box::pin(async move {
                    let account = users::lock(tx, user).await?;
                    let account = account.filter(|account| {
                        account.user.status == UserStatus::Active && account.password_hash == proven.password_hash
                    });
                    let account = account.ok_or(IdentityError::InvalidCredentials)?;
                    let oldest = repo::beyond_newest(tx, user, LIVE_MAX - 1, now).await?;
                    let ended = end(tx, user, EndedSelection::These(oldest), SessionEnd::TooMany, now).await?;
                    let new = repo::NewSession {
                        user,
                        nonce,
                        token: &stored,
                        client: &client,
                        now,
                        expires_at: now + SESSION_LIFE,
                    };
                    repo::insert(tx, new).await?;
                    let by = Actor::new(user, account.user.role).from_client(client);
                    let mut lines = audit_lines::ended(&by, &ended, SessionEnd::TooMany, now);
                    lines.push(audit_lines::began(&by, stored.session, now));
                    audit::record(tx, &lines).await?;
                    Ok::<_, IdentityError>((by.role, ended))
                })
            });
            let (role, ended) = work.await?;
            sessions.note_ended(&ended, now);
            Ok::<_, IdentityError>(role)
        });
        let role = task.await?;
        Ok(self.tokens_of(user, role, &token, now + SESSION_LIFE, now))
    }

    /// Exchanges a refresh token for the next tokens.
    pub async fn refresh(&self, text: &SecretString, client: &ClientInfo) -> Result<SessionTokens, IdentityError> {
        let refused = IdentityError::InvalidRefreshToken;
        let Some(presented) = RefreshToken::parse(text.expose_secret()) else {
            return Err(refused);
        };
        let now = self.clock.now();
        let keys = self.refresh_keys(now);
        // Before anything is locked, so that a caller without a token of ours cannot hold up others.
        if !self.is_genuine(&presented, &keys).await? {
            return Err(refused);
        }
        let (sessions, client) = (self.clone(), client.clone());
        let task = detached(async move {
            let work = sessions
                .db
                .transaction(move |tx| Box::pin(async move { exchange(tx, &presented, &keys, &client, now).await }));
            match work.await? {
                Exchanged::Done { role, session, token } => {
                    Ok(sessions.tokens_of(session.user, role, &token, session.expires_at, now))
                }
                Exchanged::Reused(ended) => {
                    tracing::warn!(sessions = ?ended, "a used refresh token came again; its session has ended");
                    sessions.note_ended(&ended, now);
                    Err(IdentityError::InvalidRefreshToken)
                }
                Exchanged::Refused => Err(IdentityError::InvalidRefreshToken),
            }
        });
        task.await
    }

    /// The session and the user of a genuine refresh token, whether it may still be exchanged or not.
    pub async fn owner_of(&self, text: &SecretString) -> Result<Option<(SessionId, UserId)>, Fault> {
        let Some(presented) = RefreshToken::parse(text.expose_secret()) else {
            return Ok(None);
        };
        let keys = self.refresh_keys(self.clock.now());
        let session = repo::find(&self.db.read, presented.session).await?;
        let session = session.filter(|session| is_genuine(session, &presented, &keys));
        Ok(session.map(|session| (session.id, session.user)))
    }

    /// The live sessions of a user, newest first.
    pub async fn live(&self, user: UserId) -> Result<Vec<LiveSession>, Fault> {
        repo::live(&self.db.read, user, self.clock.now()).await
    }

    /// The stored sessions of a user, newest first: those that have been ended, or the others.
    pub async fn kept(
        &self,
        user: UserId,
        is_ended: bool,
        request: PageRequest<SessionId>,
    ) -> Result<Page<KeptSession, SessionId>, Fault> {
        let found = repo::kept(&self.db.read, user, is_ended, &request).await?;
        Ok(Page::of(found, &request, |kept| kept.session.id))
    }

    /// Ends sessions of the actor's own, and gives how many were live.
    pub async fn end(&self, actor: &Actor, which: EndedSelection, reason: SessionEnd) -> Result<usize, IdentityError> {
        let (sessions, actor, now) = (self.clone(), actor.clone(), self.clock.now());
        let task = detached(async move {
            let work = sessions.db.transaction(move |tx| {
                Box::pin(async move {
                    // The user is locked first, so that two transactions that end several of the sessions cannot deadlock.
                    users::lock(tx, actor.user).await?;
                    let ended = end(tx, actor.user, which, reason, now).await?;
                    audit::record(tx, &audit_lines::ended(&actor, &ended, reason, now)).await?;
                    Ok::<_, IdentityError>(ended)
                })
            });
            let ended = work.await?;
            sessions.note_ended(&ended, now);
            Ok::<_, IdentityError>(ended.len())
        });
        task.await
    }

    /// From here on no token of these sessions is accepted by this process.
    pub fn note_ended(&self, ended: &[SessionId], now: Timestamp) {
        if !ended.is_empty() {
            self.forget(ended.iter().map(|id| (*id, now)));
        }
    }

    fn forget(&self, ended: impl IntoIterator<Item = (SessionId, Timestamp)>) {
        // The tokens are refused in any case; without these they only take up the places of good ones.
        for id in self.ended.add(ended).into_iter().take(FORGOTTEN_MAX) {
            self.tokens.forget(id);
        }
    }

    /// Checks an access token without the database.
    pub fn authenticate(&self, token: &str) -> Result<Actor, TokenError> {
        let claimed = self.claimed(token, self.clock.now())?;
        Ok(Actor::signed_in(claimed.user, claimed.role, claimed.session))
    }

    /// The same where money moves: while the database does not say which sessions have ended, only young tokens are
    /// accepted.
    pub fn authenticate_for_money(&self, token: &str) -> Result<Actor, TokenError> {
        let now = self.clock.now();
        let claimed = self.claimed(token, now)?;
        if self.ended.is_unsure_of(claimed.issued_at, now) {
            return Err(TokenError::Unchecked);
        }
        Ok(Actor::signed_in(claimed.user, claimed.role, claimed.session))
    }

    /// What a valid token says, unless its session has ended.
    fn claimed(&self, token: &str, now: Timestamp) -> Result<Claimed, TokenError> {
        let claimed = self.tokens.read(token, now)?;
        if self.ended.refuses(claimed.session, claimed.issued_at) {
            return Err(TokenError::Ended);
        }
        Ok(claimed)
    }

    async fn is_genuine(&self, presented: &RefreshToken, keys: &RefreshKeys) -> Result<bool, Fault> {
        let session = repo::find(&self.db.read, presented.session).await?;
        Ok(session.is_some_and(|session| is_genuine(&session, presented, keys)))
    }

    fn refresh_keys(&self, now: Timestamp) -> RefreshKeys {
        RefreshKeys(self.keys.derive(PURPOSE, now))
    }

    fn tokens_of(
        &self,
        user: UserId,
        role: Role,
        token: &RefreshToken,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> SessionTokens {
        SessionTokens {
            access_token: self.tokens.sign(user, role, token.session, now),
            expires_in_s: ACCESS_TOKEN_SECONDS,
            refresh_token: token.text(),
            refresh_expires_in_s: (expires_at - now).num_seconds(),
        }
    }
}

/// Ends sessions of a user as a part of another change, and gives those that were live. The caller has locked the user,
/// writes the line of the audit log, and calls `note_ended` after the commit.
pub(super) async fn end(
    tx: &DatabaseTransaction,
    user: UserId,
    which: EndedSelection,
    reason: SessionEnd,
    now: Timestamp,
) -> Result<Vec<SessionId>, Fault> {
    if matches!(&which, EndedSelection::These(ids) if ids.is_empty()) {
        return Ok(Vec::new());
    }
    repo::end(tx, user, which, reason, now).await
}

/// Exchanges a genuine token under a lock of its session, so that of two exchanges the second one sees what the first has
/// done. It locks no user: a change of the user ends the session, and waits for this lock.
async fn exchange(
    tx: &DatabaseTransaction,
    presented: &RefreshToken,
    keys: &RefreshKeys,
    client: &ClientInfo,
    now: Timestamp,
) -> Result<Exchanged, IdentityError> {
    let Some(session) = repo::lock(tx, presented.session).await? else {
        return Ok(Exchanged::Refused);
    };
    let (token, is_new) = match judge(&session, presented, keys, now) {
        Exchange::Next(token) => (token, true),
        Exchange::Again(token) => (token, false),
        Exchange::Reused => {
            let which = EndedSelection::These(vec![session.id]);
            let ended = end(tx, session.user, which, SessionEnd::TokenReused, now).await?;
            audit::record(tx, &audit_lines::token_reused(session.user, &ended, client, now)).await?;
            return Ok(Exchanged::Reused(ended));
        }
        Exchange::Refused => return Ok(Exchanged::Refused),
        // This process reads the key file every second.
        Exchange::KeysBehind => return Err(Fault::conflict(DbErr::RecordNotUpdated).into()),
    };
    let user = users::find(tx, session.user).await?;
    let Some(user) = user.filter(|user| user.status == UserStatus::Active) else {
        return Ok(Exchanged::Refused);
    };
    if is_new {
        match repo::rotate(tx, &session, &token, client, now).await? {
            repo::SessionUpdate::Changed => {}
            repo::SessionUpdate::Stale => return Err(Fault::conflict(DbErr::RecordNotUpdated).into()),
        }
    }
    Ok(Exchanged::Done {
        role: user.role,
        session,
        token,
    })
}
