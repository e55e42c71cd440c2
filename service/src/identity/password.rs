//! Argon2id on the blocking pool, never on the threads that answer requests.

use std::sync::Arc;
use std::thread::available_parallelism;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::db::Fault;

/// The hash that the password of an unknown user is compared with, so that the answer takes as long as for a known one.
const NOBODYS_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$Zmxvcmlubm9ib2R5c2FsdA$l6pXNVGBlVVdbZFdBi8aX6sAoAWVjKvjyGOUnRLIZnA";

/// Hashes and checks passwords, as many at a time as there are cores.
#[derive(Clone)]
pub(super) struct Passwords {
    permits: Arc<Semaphore>,
}

impl Passwords {
    pub fn new() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self {
            permits: Arc::new(Semaphore::new(cores)),
        }
    }

    /// Argon2id with 19 MiB, two passes and one lane, in PHC form.
    pub async fn hash(&self, password: SecretString) -> Result<String, Fault> {
        self.run(move || {
            let hash = Argon2::default().hash_password(password.expose_secret().as_bytes());
            hash.map(|hash| hash.to_string())
                .map_err(|error| Fault::broken(HashError(error.to_string())))
        })
        .await?
    }

    /// True when the password matches the hash. False without a hash, after the same work.
    pub async fn verify(&self, password: SecretString, hash: Option<String>) -> Result<bool, Fault> {
        self.run(move || {
            let known = hash.is_some();
            let text = hash.unwrap_or_else(|| NOBODYS_HASH.to_owned());
            let hash = PasswordHash::new(&text).map_err(|error| Fault::broken(HashError(error.to_string())))?;
            let matches = Argon2::default()
                .verify_password(password.expose_secret().as_bytes(), &hash)
                .is_ok();
            Ok(known && matches)
        })
        .await?
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
        let permit = self.permits.clone().acquire_owned().await.map_err(Fault::broken)?;
        let task = tokio::task::spawn_blocking(move || {
            // Held until the work is done, even if the caller stops waiting.
            let _permit = permit;
            work()
        });
        task.await.map_err(Fault::broken)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("argon2: {0}")]
struct HashError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let passwords = Passwords::new();
        let hash = passwords
            .hash("correct horse battery".into())
            .await
            .expect("hashing works");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let verify = |password: &str, hash: Option<String>| passwords.verify(password.to_owned().into(), hash);
        assert!(
            verify("correct horse battery", Some(hash.clone()))
                .await
                .expect("verifying works")
        );
        assert!(
            !verify("correct horse batterz", Some(hash))
                .await
                .expect("verifying works")
        );
        assert!(
            !verify("correct horse battery", None)
                .await
                .expect("the hash of nobody parses")
        );
    }
}
