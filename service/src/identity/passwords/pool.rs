//! The threads that hash passwords, and the bounded queue in front of them. They are apart from the threads that answer
//! requests, have a lower priority where the system allows it, and rest between two hashes while payments are made: a
//! storm of sign-ins must leave payments alone. The priority alone does not do it. Linux shares a core between groups
//! of processes first, and the database is in another group than these threads.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// How much lower the priority is. Beside busy threads, a thread at 10 gets about a tenth of what they get.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Tells how many payments were made so far.
pub(in crate::identity) type PaymentCount = Arc<dyn Fn() -> u64 + Send + Sync>;

/// From this many payments a second on, a thread rests as long as its last hash took; at four times as many, four times
/// as long.
const PAYMENTS_A_SECOND: u32 = 1_000;
/// The longest rest, in times of the last hash.
const REST_MAX: u32 = 4;

/// A handle to the threads, which end when the last handle is dropped.
#[derive(Clone)]
pub(super) struct HashPool {
    threads: Arc<HashThreads>,
}

/// Why the threads did not do the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PoolError {
    /// The queue is full.
    #[error("too many passwords are waiting")]
    Overloaded,
    /// The work panicked.
    #[error("hashing a password panicked")]
    Panicked,
}

struct HashThreads {
    queue: Arc<HashQueue>,
    places: Arc<Semaphore>,
}

/// A caller's place among those who wait or are served. It is taken before anything else is done for the caller, so that one
/// who finds none costs nothing.
pub(in crate::identity) struct Reservation {
    _permit: OwnedSemaphorePermit,
}

struct HashQueue {
    state: Mutex<QueueState>,
    has_work: Condvar,
}

#[derive(Default)]
struct QueueState {
    waiting: VecDeque<HashJob>,
    next_ticket: u64,
    is_closed: bool,
}

struct HashJob {
    ticket: u64,
    work: Box<dyn FnOnce() + Send>,
}

/// Work in the queue, which is taken out when the caller goes away.
struct QueuedWork<'a> {
    queue: &'a HashQueue,
    ticket: u64,
}

impl HashPool {
    /// Starts so many threads. `queue_max` callers may wait besides those who are served.
    pub fn start(threads: usize, queue_max: usize, payments: &PaymentCount) -> io::Result<Self> {
        let queue = Arc::new(HashQueue {
            state: Mutex::default(),
            has_work: Condvar::new(),
        });
        // Made first: if the system refuses a later thread, dropping it ends the earlier ones.
        let pool = Self {
            threads: Arc::new(HashThreads {
                queue: queue.clone(),
                places: Arc::new(Semaphore::new(queue_max + threads)),
            }),
        };
        for _ in 0..threads {
            let (queue, payments) = (queue.clone(), payments.clone());
            let thread = thread::Builder::new().name("florin-password".to_owned());
            thread.spawn(move || serve(&queue, &*payments))?;
        }
        Ok(pool)
    }

    /// A place in the queue.
    pub fn reserve(&self) -> Result<Reservation, PoolError> {
        let place = self.threads.places.clone().try_acquire_owned();
        match place {
            Ok(permit) => Ok(Reservation { _permit: permit }),
            Err(_) => Err(PoolError::Overloaded),
        }
    }

    /// Runs work on one of the threads. Dropping the future before the work has begun takes it out of the queue.
    pub async fn run<T: Send + 'static>(
        &self,
        _place: &Reservation,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        let (done, result) = oneshot::channel();
        let job = move || {
            // The caller may have gone away between the queue and the thread.
            if !done.is_closed() {
                let _ = done.send(work());
            }
        };
        let _queued = self.threads.queue.push(Box::new(job));
        result.await.map_err(|_| PoolError::Panicked)
    }
}

impl HashQueue {
    fn push(&self, work: Box<dyn FnOnce() + Send>) -> QueuedWork<'_> {
        let mut state = self.state.lock();
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        state.waiting.push_back(HashJob { ticket, work });
        self.has_work.notify_one();
        QueuedWork { queue: self, ticket }
    }

    /// The next work; `None` once the queue is closed.
    fn next(&self) -> Option<Box<dyn FnOnce() + Send>> {
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.waiting.pop_front() {
                return Some(job.work);
            }
            if state.is_closed {
                return None;
            }
            self.has_work.wait(&mut state);
        }
    }
}

impl Drop for QueuedWork<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.state.lock();
        state.waiting.retain(|job| job.ticket != self.ticket);
    }
}

impl Drop for HashThreads {
    fn drop(&mut self) {
        self.queue.state.lock().is_closed = true;
        self.queue.has_work.notify_all();
    }
}

fn serve(queue: &HashQueue, payments: &dyn Fn() -> u64) {
    lower_priority();
    while let Some(work) = queue.next() {
        let (began, before) = (Instant::now(), payments());
        // A panic costs one caller, not the thread. The panic hook has logged it.
        let _ = catch_unwind(AssertUnwindSafe(work));
        thread::sleep(rest_after(began.elapsed(), payments().saturating_sub(before)));
    }
}

/// How long a thread rests after a hash that took a time in which so many payments were made.
fn rest_after(took: Duration, payments: u64) -> Duration {
    let a_second = u128::from(payments) * 1_000_000 / took.as_micros().max(1);
    let a_second = u32::try_from(a_second).unwrap_or(u32::MAX);
    if a_second < PAYMENTS_A_SECOND {
        return Duration::ZERO;
    }
    took * a_second.min(REST_MAX * PAYMENTS_A_SECOND) / PAYMENTS_A_SECOND
}

/// On Linux a priority is a thread's own. Elsewhere it would be the whole process', so there it stays.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::debug!(%error, "the threads that hash passwords keep their priority");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_thread_rests_as_long_as_payments_are_many() {
        let hash = Duration::from_millis(20);
        for (payments, times) in [(0, 0), (19, 0), (20, 1), (40, 2), (80, 4), (1_000, 4)] {
            assert_eq!(rest_after(hash, payments), hash * times, "{payments}");
        }
        assert_eq!(rest_after(Duration::ZERO, 0), Duration::ZERO);
    }

    fn no_payments() -> PaymentCount {
        Arc::new(|| 0)
    }

    /// A pool whose only thread waits until the sender is used or dropped.
    async fn busy(queue_max: usize) -> (HashPool, mpsc::Sender<()>) {
        let pool = HashPool::start(1, queue_max, &no_payments()).expect("a thread can be started");
        let (go, gate) = mpsc::channel();
        let (begun, has_begun) = oneshot::channel();
        let holder = pool.clone();
        tokio::spawn(async move {
            let work = move || {
                let _ = begun.send(());
                let _ = gate.recv();
            };
            let place = holder.reserve()?;
            holder.run(&place, work).await
        });
        has_begun.await.expect("the work begins");
        (pool, go)
    }

    async fn run<T: Send + 'static>(
        pool: &HashPool,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        let place = pool.reserve()?;
        pool.run(&place, work).await
    }

    fn waiting(pool: &HashPool) -> usize {
        pool.threads.queue.state.lock().waiting.len()
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_a_caller_that_leaves_frees_its_place() {
        let (pool, go) = busy(2).await;
        let mut waits = Vec::new();
        for number in 0..2 {
            let pool = pool.clone();
            waits.push(tokio::spawn(async move { run(&pool, move || number).await }));
        }
        while waiting(&pool) < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(run(&pool, || 7).await, Err(PoolError::Overloaded));
        waits.remove(0).abort();
        while waiting(&pool) == 2 {
            tokio::task::yield_now().await;
        }
        let late = pool.clone();
        let late = tokio::spawn(async move { run(&late, || 7).await });
        drop(go);
        assert_eq!(late.await.expect("it ends"), Ok(7));
        assert_eq!(waits.remove(0).await.expect("it ends"), Ok(1));
    }

    #[tokio::test]
    async fn a_panic_costs_one_caller() {
        let pool = HashPool::start(1, 2, &no_payments()).expect("a thread can be started");
        let panics: Result<(), _> = run(&pool, || panic!("of a test")).await;
        assert_eq!(panics, Err(PoolError::Panicked));
        assert_eq!(run(&pool, || 7).await, Ok(7));
    }

    #[tokio::test]
    async fn the_threads_end_with_the_last_handle() {
        let pool = HashPool::start(2, 2, &no_payments()).expect("threads can be started");
        let queue = Arc::downgrade(&pool.threads.queue);
        drop(pool);
        let mut polls = 0;
        while queue.strong_count() > 0 {
            polls += 1;
            assert!(polls < 1_000, "the threads go on");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
