//! The counts that all replicas share through Redis: one script decides and counts in one step, by Redis' clock.
//!
//! | key | holds | expires |
//! |---|---|---|
//! | `florin:throttle:NAME:DIGEST` | when each quota of a caller is whole again | then |

use std::time::{Duration, Instant};

use ::redis::pipe;
use parking_lot::Mutex;

use super::ThrottleKey;
use super::quota::{Counted, ThrottleQuota, ThrottleStep};
use crate::db::hex;
use crate::redis::{PREFIX, Redis, RedisFault};

const SCRIPT: &str = include_str!("gcra.lua");

/// How long the processes count alone after Redis has failed. Then one call asks it again, while the others go on
/// without it: a slow Redis must not slow every sign-in.
const PAUSE: Duration = Duration::from_secs(1);

/// The counts of all throttles in Redis.
pub(super) struct SharedCounts {
    redis: Redis,
    /// When Redis may be asked again; `None` while it answers.
    apart_until: Mutex<Option<Instant>>,
}

/// The answer of the script: whether the step took a try, microseconds to wait, and until the first quota is whole.
type Answered = (i64, i64, i64);

impl SharedCounts {
    pub fn new(redis: Redis) -> Self {
        Self {
            redis,
            apart_until: Mutex::new(None),
        }
    }

    /// One step in Redis; `None` when the caller must count alone.
    pub async fn step(
        &self,
        throttle: &str,
        key: ThrottleKey,
        step: ThrottleStep,
        quotas: &[ThrottleQuota],
    ) -> Option<Counted> {
        if !self.may_ask() {
            return None;
        }
        let answered = self.ask(throttle, key, step, quotas).await;
        self.note(answered.as_ref().err());
        let (is_taken, wait, whole_in) = answered.ok()?;
        let first = quotas.first()?;
        let (left, more_in) = first.left(micros(whole_in));
        Some(Counted {
            wait: micros(wait),
            is_taken: is_taken == 1,
            left,
            more_in,
        })
    }

    async fn ask(
        &self,
        throttle: &str,
        key: ThrottleKey,
        step: ThrottleStep,
        quotas: &[ThrottleQuota],
    ) -> Result<Answered, RedisFault> {
        let mut commands = pipe();
        let command = commands.cmd("EVAL").arg(SCRIPT).arg(1);
        command.arg(format!("{PREFIX}throttle:{throttle}:{}", hex(&key.0)));
        command.arg(step.as_str());
        for quota in quotas {
            let period_us = u64::try_from(quota.period.as_micros()).unwrap_or(u64::MAX).max(1);
            command.arg(period_us).arg(quota.at_once.get());
        }
        let (answered,): (Answered,) = self.redis.query(&commands).await?;
        Ok(answered)
    }

    fn may_ask(&self) -> bool {
        let mut apart_until = self.apart_until.lock();
        let now = Instant::now();
        match *apart_until {
            None => true,
            Some(until) if until > now => false,
            Some(_) => {
                // The others wait for the outcome of this call.
                *apart_until = Some(now + PAUSE);
                true
            }
        }
    }

    fn note(&self, fault: Option<&RedisFault>) {
        let mut apart_until = self.apart_until.lock();
        match (fault, apart_until.is_some()) {
            (None, false) => {}
            (None, true) => {
                tracing::info!("the throttles of all replicas count together again");
                *apart_until = None;
            }
            (Some(fault), was_apart) => {
                if !was_apart {
                    let error = fault as &dyn std::error::Error;
                    tracing::warn!(
                        error,
                        "Redis does not answer: the throttles of this process count alone"
                    );
                }
                *apart_until = Some(Instant::now() + PAUSE);
            }
        }
    }
}

impl ThrottleStep {
    /// The name of the step in the script.
    fn as_str(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Take => "take",
            Self::TakeIfUsed => "take_if_used",
            Self::CountFailure => "count_failure",
            Self::GiveBack => "give_back",
        }
    }
}

fn micros(count: i64) -> Duration {
    Duration::from_micros(count.max(0).unsigned_abs())
}
