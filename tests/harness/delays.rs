//! Measures how long an operation takes over many runs, and how much of that time a busy machine added.

use std::fmt;
use std::fs;
use std::time::{Duration, Instant};

/// Delays of one kind of operation.
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

    /// The shortest delay that at least this percentage of all delays do not exceed; zero without delays.
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

/// A stopwatch that a watcher reads in a loop. Between two reads it counts at most `ROUND_MAX`: during a longer gap the
/// machine did not run the watcher, and that time is no delay of what the watcher measures.
pub struct Stopwatch {
    last: Instant,
    counted: Duration,
    longest: Duration,
}

/// Several times a watcher's usual round while the machine lets it run.
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
    /// Adds the time since the last read, and gives the time counted so far.
    pub fn look(&mut self) -> Duration {
        let round = self.last.elapsed();
        self.last += round;
        self.counted += round.min(ROUND_MAX);
        self.longest = self.longest.max(round);
        self.counted
    }

    /// True if every round was counted in full.
    #[must_use]
    pub fn saw_all(&self) -> bool {
        self.longest <= ROUND_MAX
    }
}

/// How long the threads of a process whose name begins with `name` were ready to run but had no core. Zero where the
/// system does not report it.
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
