//! Redis, when there is one: a connection that is made when it is first needed, and anew after it broke.
//!
//! No call waits for a server that is away longer than its time-out, and none tries twice: whoever asks decides when to
//! ask again (`Backoff`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::redis::aio::MultiplexedConnection;
use ::redis::{AsyncConnectionConfig, Client, FromRedisValue, Pipeline, RedisError};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

/// What every key of ours begins with.
pub const PREFIX: &str = "florin:";

/// From the first byte of a connection to its greeting.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
/// From a command to its answer.
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
    /// When making one failed last, and why.
    failed: Option<(Instant, Arc<RedisError>)>,
}

/// What went wrong with Redis. The messages name no address: it may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum RedisFault {
    /// The address is none.
    #[error("the address of Redis cannot be read")]
    Address(#[source] RedisError),
    /// No connection, or no answer in time. Whether the commands were done is unknown.
    #[error("Redis is out of reach")]
    Unreachable(#[source] Arc<RedisError>),
    /// Redis answered, and it was no.
    #[error("Redis refused a command")]
    Refused(#[source] RedisError),
}

impl Redis {
    /// Reads the address. Connects to nobody yet.
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
    /// Commands that wait for something (`BLOCK`) hold up everything else on the connection: they want a `Redis` of their own.
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

    /// The connection, or a new one. Callers wait for each other's try and share what comes of it: a server that comes back
    /// is not stormed, and nobody waits for more than one try at one that does not.
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
