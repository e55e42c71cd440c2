//! How long something took, many times over; and what a shared machine added to it.

use std::fmt;
use std::fs;
use std::time::{Duration, Instant};

/// Delays of one kind.
#[derive(Default)]
pub struct Delays(Vec<Duration>);

impl Delays {
    pub fn push(&mut self, delay: Duration) {
        self.0.push(delay);
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The delay that so many percent of all do not exceed; zero when there is none.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100);
        sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }
}

impl fmt::Display for Delays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [half, most, all] = [50, 95, 100].map(|percent| self.percentile(percent));
        write!(f, "{} times: p50 {half:?}, p95 {most:?}, max {all:?}", self.len())
    }
}

/// A stopwatch whose owner looks at it again and again. Of the time between two looks it counts `ROUND_MAX` at most: where the
/// machine kept its owner away for longer, that is no delay of what the owner watches.
pub struct Stopwatch {
    last: Instant,
    counted: Duration,
    longest: Duration,
}

/// Several times what a round of a watcher takes that is not kept away.
const ROUND_MAX: Duration = Duration::from_millis(5);

impl Default for Stopwatch {
    fn default() -> Self {
        Self {
            last: Instant::now(),
            counted: Duration::ZERO,
            longest: Duration::ZERO,
        }
    }
}

impl Stopwatch {
    /// Looks, and gives what has been counted so far.
    pub fn look(&mut self) -> Duration {
        let round = self.last.elapsed();
        self.last += round;
        self.counted += round.min(ROUND_MAX);
        self.longest = self.longest.max(round);
        self.counted
    }

    /// True when no round was longer than what is counted of it.
    #[must_use]
    pub fn saw_all(&self) -> bool {
        self.longest <= ROUND_MAX
    }
}

/// How long a process' threads whose name begins like this have been ready to run without getting a core. Zero where the
/// system does not tell.
#[must_use]
pub fn waited_for_core(pid: u32, name: &str) -> Duration {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Duration::ZERO;
    };
    let waited = threads.filter_map(Result::ok).filter_map(|thread| {
        let read = |file| fs::read_to_string(thread.path().join(file)).ok();
        let stat = read("comm")?.starts_with(name).then(|| read("schedstat"))??;
        stat.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    Duration::from_nanos(waited.sum())
}
