//! Passwords: which are refused, and their hashes by argon2id, which threads of their own make.
//!
//! A password is composed (NFC) before it is counted, hashed or compared: keyboards spell `é` in two ways. Neither a
//! password nor its hash may be logged.

mod pool;
mod strength;

pub use self::strength::{PasswordWeakness, check_password};

pub(super) use self::pool::{PaymentCount, Reservation};

use std::io;
use std::sync::Arc;
use std::thread::available_parallelism;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use self::pool::{HashPool, PoolError};
use crate::clock::random_bytes;
use crate::db::Fault;

/// OWASP's first choice for argon2id: 19 MiB, two passes, one lane. A hash with less is made again at the next sign-in.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// How many passwords may wait for a thread. At 40 hashes a second the last one waits less than a second; beside many
/// payments, when the threads rest, less than five.
const QUEUE_MAX: usize = 32;
/// New passwords have at most a quarter of the queue. A registration needs no account and costs more than a sign-in, so many
/// of them must not keep users from signing in.
const NEW_SHARE: usize = 4;

/// More bytes than the longest password has before it is composed. A longer text matches nothing.
const PASSWORD_BYTES_MAX: usize = 4_096;

/// The hash that the password of an unknown user is compared with, so that the answer takes as long as for a known one.
/// Its parameters must be today's.
const NOBODYS_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$Zmxvcmlubm9ib2R5c2FsdA$l6pXNVGBlVVdbZFdBi8aX6sAoAWVjKvjyGOUnRLIZnA";

/// Hashes and compares passwords.
#[derive(Clone)]
pub(super) struct Passwords {
    pool: HashPool,
    new_places: Arc<Semaphore>,
}

/// What a password is to a stored hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PasswordVerdict {
    /// It does not match, or there is no hash.
    Wrong,
    /// It matches. The hash is outdated when its parameters are below today's: it should be made again.
    Right { is_outdated: bool },
}

/// Why a password is neither hashed nor compared.
#[derive(Debug, thiserror::Error)]
pub(super) enum PasswordError {
    /// Answered when a new password is refused.
    #[error(transparent)]
    Weak(#[from] PasswordWeakness),
    /// Answered when too many passwords wait already.
    #[error("too many passwords are waiting")]
    Overloaded,
    /// Answered when hashing fails.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Passwords {
    /// Starts the threads that hash.
    pub fn try_new(threads: usize, queue_max: usize, payments: &PaymentCount) -> io::Result<Self> {
        Ok(Self {
            pool: HashPool::start(threads, queue_max, payments)?,
            new_places: Arc::new(Semaphore::new((queue_max / NEW_SHARE).max(1))),
        })
    }

    /// Starts one thread less than there are cores, at least one: payments keep a core.
    pub fn for_this_machine(payments: &PaymentCount) -> io::Result<Self> {
        let cores = available_parallelism().map_or(1, usize::from);
        Self::try_new(cores.saturating_sub(1).max(1), QUEUE_MAX, payments)
    }

    /// A place among those whose passwords are hashed or compared; refused when too many wait already. Taken before anything
    /// is read for the caller: in a storm of sign-ins most are refused, and payments must not pay for them.
    pub fn reserve(&self) -> Result<Reservation, PasswordError> {
        Ok(self.pool.reserve()?)
    }

    /// Hashes a password that was accepted before. The hash is in PHC form, with a new salt.
    pub async fn hash(&self, password: SecretString) -> Result<String, PasswordError> {
        let place = self.reserve()?;
        Ok(self.pool.run(&place, move || hash(&composed(password))).await??)
    }

    /// Hashes a new password, or refuses it. `about` is what an attacker knows of the user: e-mail address and name.
    pub async fn hash_new(&self, password: SecretString, about: Vec<String>) -> Result<String, PasswordError> {
        check_password(&password)?;
        let _share = self.new_places.try_acquire().map_err(|_| PasswordError::Overloaded)?;
        let place = self.reserve()?;
        let work = move || -> Result<String, PasswordError> {
            let password = composed(password);
            strength::check_guessable(password.expose_secret(), &about)?;
            Ok(hash(&password)?)
        };
        self.pool.run(&place, work).await?
    }

    /// Compares a password with a stored hash. Without a hash the answer is `Wrong`, after the same work.
    pub async fn verify(
        &self,
        place: &Reservation,
        password: SecretString,
        hash: Option<String>,
    ) -> Result<PasswordVerdict, PasswordError> {
        Ok(self.pool.run(place, move || compare(password, hash)).await??)
    }
}

/// A hash that no known password has: its output is random. It takes as long to compare as any other.
pub(super) fn unmatchable_hash() -> String {
    let (salt, output) = (random_bytes::<16>(), random_bytes::<32>());
    let [salt, output] = [&salt[..], &output[..]].map(|bytes| STANDARD_NO_PAD.encode(bytes));
    format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${output}")
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("these parameters are within argon2's limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash(password: &SecretString) -> Result<String, Fault> {
    let hash: Result<PasswordHash, _> = argon2().hash_password(password.expose_secret().as_bytes());
    hash.map(|hash| hash.to_string()).map_err(broken)
}

fn compare(password: SecretString, hash: Option<String>) -> Result<PasswordVerdict, Fault> {
    let fits = password.expose_secret().len() <= PASSWORD_BYTES_MAX;
    let (hash, password) = if fits {
        (hash, composed(password))
    } else {
        (None, SecretString::from(""))
    };
    let text = hash.as_deref().unwrap_or(NOBODYS_HASH);
    let parsed = PasswordHash::new(text).map_err(broken)?;
    // With the parameters of the hash, whatever ours are.
    let matches = argon2()
        .verify_password(password.expose_secret().as_bytes(), &parsed)
        .is_ok();
    if hash.is_some() && matches {
        Ok(PasswordVerdict::Right {
            is_outdated: is_outdated(&parsed),
        })
    } else {
        Ok(PasswordVerdict::Wrong)
    }
}

fn is_outdated(hash: &PasswordHash) -> bool {
    let is_enough = |stored: Params| stored.m_cost() >= MEMORY_KIB && stored.t_cost() >= PASSES;
    let is_current = hash.algorithm == ARGON2ID_IDENT && hash.version == Some(Version::V0x13.into());
    !is_current || !Params::try_from(hash).is_ok_and(is_enough)
}

/// A password in the form NFC.
fn composed(password: SecretString) -> SecretString {
    match strength::composed(password.expose_secret()) {
        Some(composed) => SecretString::from(composed),
        None => password,
    }
}

fn broken(error: impl std::fmt::Display) -> Fault {
    Fault::broken(HashError(error.to_string()))
}

#[derive(Debug, thiserror::Error)]
#[error("argon2: {0}")]
struct HashError(String);

impl From<PoolError> for PasswordError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Overloaded => Self::Overloaded,
            PoolError::Panicked => Self::Fault(Fault::broken(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    const PASSWORD: &str = "correct horse battery";

    fn no_payments() -> PaymentCount {
        Arc::new(|| 0)
    }

    fn passwords() -> Passwords {
        Passwords::try_new(1, 4, &no_payments()).expect("a thread can be started")
    }

    async fn verdict(passwords: &Passwords, password: &str, hash: Option<String>) -> PasswordVerdict {
        let place = passwords.reserve().expect("there is room");
        let verdict = passwords.verify(&place, password.into(), hash).await;
        verdict.expect("verifying works")
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let passwords = passwords();
        let hash = passwords.hash(PASSWORD.into()).await.expect("hashing works");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let right = PasswordVerdict::Right { is_outdated: false };
        assert_eq!(verdict(&passwords, PASSWORD, Some(hash.clone())).await, right);
        for other in ["correct horse batterz", "", &"x".repeat(PASSWORD_BYTES_MAX + 1)] {
            assert_eq!(
                verdict(&passwords, other, Some(hash.clone())).await,
                PasswordVerdict::Wrong
            );
        }
        for unknown in [PASSWORD, ""] {
            assert_eq!(verdict(&passwords, unknown, None).await, PasswordVerdict::Wrong);
        }
    }

    #[tokio::test]
    async fn both_spellings_of_an_accent_are_one_password() {
        let passwords = passwords();
        let hash = passwords
            .hash("caf\u{e9} horse battery".into())
            .await
            .expect("hashing works");
        let right = PasswordVerdict::Right { is_outdated: false };
        assert_eq!(
            verdict(&passwords, "cafe\u{301} horse battery", Some(hash)).await,
            right
        );
    }

    #[tokio::test]
    async fn a_hash_with_less_work_is_outdated() {
        let passwords = passwords();
        for (memory, passes, is_outdated) in [
            (MEMORY_KIB - 1, PASSES, true),
            (MEMORY_KIB, 1, true),
            (MEMORY_KIB, 3, false),
        ] {
            let params = Params::new(memory, passes, LANES, None).expect("these are parameters");
            let weaker = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let hash: PasswordHash = weaker.hash_password(PASSWORD.as_bytes()).expect("hashing works");
            let right = PasswordVerdict::Right { is_outdated };
            assert_eq!(verdict(&passwords, PASSWORD, Some(hash.to_string())).await, right);
        }
    }

    #[test]
    fn the_hash_of_nobody_costs_what_a_new_one_costs() {
        let hash = PasswordHash::new(NOBODYS_HASH).expect("it is a hash");
        let params = Params::try_from(&hash).expect("it has parameters");
        assert_eq!(
            (params.m_cost(), params.t_cost(), params.p_cost()),
            (MEMORY_KIB, PASSES, LANES)
        );
        assert!(!is_outdated(&hash));
    }

    #[tokio::test]
    async fn no_password_matches_an_erased_users_hash() {
        let (passwords, erased) = (passwords(), unmatchable_hash());
        assert_ne!(erased, unmatchable_hash());
        let parsed = PasswordHash::new(&erased).expect("it is a hash");
        assert!(!is_outdated(&parsed));
        for password in [PASSWORD, "", &erased] {
            let verdict = verdict(&passwords, password, Some(erased.clone())).await;
            assert_eq!(verdict, PasswordVerdict::Wrong);
        }
    }

    #[tokio::test]
    async fn a_weak_password_is_refused_before_it_is_hashed() {
        let passwords = passwords();
        let about = || vec!["ana.lima@example.com".to_owned(), "Ana Lima".to_owned()];
        for weak in ["short", "password1234", "ana.lima@example.com"] {
            let refused = passwords.hash_new(weak.into(), about()).await;
            assert!(matches!(refused, Err(PasswordError::Weak(_))), "{weak}");
        }
        passwords
            .hash_new(PASSWORD.into(), about())
            .await
            .expect("this is a good one");
    }

    #[tokio::test]
    async fn new_passwords_leave_most_of_the_queue_to_sign_ins() {
        let passwords = Passwords::try_new(1, 8, &no_payments()).expect("a thread can be started");
        let new = || passwords.hash_new(PASSWORD.into(), Vec::new());
        let place = passwords.reserve().expect("there is room");
        let sign_in = passwords.verify(&place, PASSWORD.into(), None);
        let (first, second, third, sign_in) = tokio::join!(new(), new(), new(), sign_in);
        assert!(first.is_ok() && second.is_ok());
        assert!(matches!(third, Err(PasswordError::Overloaded)), "{third:?}");
        assert!(matches!(sign_in, Ok(PasswordVerdict::Wrong)), "{sign_in:?}");
        new().await.expect("their places are free again");
    }

    /// The least time of three runs.
    fn time_of(work: impl Fn()) -> Duration {
        let timed = |_| {
            let began = Instant::now();
            work();
            began.elapsed()
        };
        (0..3).map(timed).min().unwrap_or_default()
    }

    #[test]
    fn the_costliest_estimate_takes_less_than_ten_hashes() {
        // Every sign stands for a letter, some for two: 576 ways to read each part.
        let password = SecretString::from("4@8({[<369!1|0$5+7%2".repeat(6));
        assert_eq!(check_password(&password), Ok(()), "its length is allowed");
        let estimate = time_of(|| {
            let _ = strength::check_guessable(password.expose_secret(), &[]);
        });
        let one_hash = time_of(|| drop(hash(&password).expect("hashing works")));
        assert!(estimate < one_hash * 10, "{estimate:?}, and {one_hash:?} for a hash");
    }
}
