//! The connection to Redis, where one is configured: made when it is first needed, and again after it broke.
//!
//! A call gives up after a time-out and is not repeated here: the caller decides when to try again (`Backoff`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::redis::aio::MultiplexedConnection;
use ::redis::{AsyncConnectionConfig, Client, FromRedisValue, Pipeline, RedisError};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

/// The prefix of every key that Florin writes.
pub const PREFIX: &str = "florin:";

/// How long making a connection may take, from its first byte to the server's greeting.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
/// How long the answer to a command may take.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(500);

/// One Redis server.
pub struct Redis {
    client: Client,
    settings: AsyncConnectionConfig,
    connection: Mutex<RedisConnection>,
}

#[derive(Default)]
struct RedisConnection {
    made: Option<MultiplexedConnection>,
    /// When the last attempt to make one failed, and why.
    failed: Option<(Instant, Arc<RedisError>)>,
}

/// What went wrong with Redis. The messages do not contain the address, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum RedisFault {
    /// The address cannot be parsed.
    #[error("the address of Redis cannot be read")]
    Address(#[source] RedisError),
    /// No connection, or no answer in time. It is unknown whether the commands were executed.
    #[error("Redis is out of reach")]
    Unreachable(#[source] Arc<RedisError>),
    /// Redis answered with an error.
    #[error("Redis refused a command")]
    Refused(#[source] RedisError),
}

impl Redis {
    /// Parses the address. Opens no connection yet.
    pub fn try_new(url: &SecretString) -> Result<Self, RedisFault> {
        let settings = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT));
        Ok(Self {
            client: Client::open(url.expose_secret()).map_err(RedisFault::Address)?,
            settings,
            connection: Mutex::default(),
        })
    }

    /// Sends commands in one round trip and reads their answers.
    ///
    /// Blocking commands (`BLOCK`) delay every other command on the connection: send them through a separate `Redis`.
    pub async fn query<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, RedisFault> {
        let mut connection = self.connection().await?;
        match commands.query_async(&mut connection).await {
            Ok(answers) => Ok(answers),
            // Reconnect: after a time-out the connection may never answer, and its late answer must not be read as the
            // next command's.
            Err(error) if error.is_unrecoverable_error() || error.is_timeout() => {
                self.connection.lock().await.made = None;
                Err(RedisFault::Unreachable(Arc::new(error)))
            }
            Err(error) => Err(RedisFault::Refused(error)),
        }
    }

    /// The connection, or a new one. Callers at the same time share one attempt and its result, so that a server that
    /// comes back gets one connection, and a caller waits for at most one attempt at a server that does not.
    async fn connection(&self) -> Result<MultiplexedConnection, RedisFault> {
        let asked_at = Instant::now();
        let mut connection = self.connection.lock().await;
        if let Some(made) = &connection.made {
            return Ok(made.clone());
        }
        if let Some((at, error)) = &connection.failed
            && *at >= asked_at
        {
            return Err(RedisFault::Unreachable(error.clone()));
        }
        let made = self
            .client
            .get_multiplexed_async_connection_with_config(&self.settings)
            .await;
        match made {
            Ok(made) => Ok(connection.made.insert(made).clone()),
            Err(error) => {
                let error = Arc::new(error);
                connection.failed = Some((Instant::now(), error.clone()));
                Err(RedisFault::Unreachable(error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_none_is_refused_without_repeating_it() {
        for url in ["nonsense", "http://florin:hunter2@127.0.0.1", ""] {
            let fault = Redis::try_new(&SecretString::from(url)).err().expect("is no address");
            assert!(!format!("{fault:?}").contains("hunter2"));
        }
    }
}
