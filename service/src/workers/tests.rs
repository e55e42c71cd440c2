//! Workers that panic, end, fail and are stopped.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

async fn until(workers: &Workers, is_so: impl Fn(WorkerReport) -> bool) -> WorkerReport {
    let looked = async {
        loop {
            match workers.reports().first() {
                Some(report) if is_so(*report) => return *report,
                _ => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(10), looked).await;
    found.expect("it comes to that")
}

#[tokio::test]
async fn a_worker_that_panics_is_started_again() {
    let workers = Workers::new();
    let starts = Arc::new(AtomicU32::new(0));
    let counted = starts.clone();
    workers.start("clumsy", move |worker| {
        let is_first = counted.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            assert!(!is_first, "the first start ends in a panic");
            worker.stopped().await;
        }
    });
    let report = until(&workers, |report| report.restarts == 1).await;
    assert!(report.is_running && !report.is_stalled());
    assert_eq!(starts.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_worker_that_ends_by_itself_is_started_again() {
    let workers = Workers::new();
    workers.start("hasty", |_| async {});
    until(&workers, |report| report.restarts == 2).await;
    workers.stop().await;
}

#[tokio::test]
async fn a_group_is_stopped_alone_and_stays_known() {
    let workers = Workers::new();
    let (one, other) = (workers.group(), workers.group());
    for group in [&one, &other] {
        group.start("patient", |worker| async move { worker.stopped().await });
    }
    one.stop().await;
    let running: Vec<bool> = workers.reports().iter().map(|report| report.is_running).collect();
    assert_eq!(running, [false, true]);
    other.stop().await;
}

#[tokio::test]
async fn failing_steps_are_counted_until_one_succeeds() {
    let workers = Workers::new();
    let steps = Arc::new(AtomicU32::new(0));
    workers.start("unlucky", move |worker| {
        let steps = steps.clone();
        async move {
            let backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(2));
            let step = || {
                let is_early = steps.fetch_add(1, Ordering::SeqCst) < 3;
                async move {
                    if is_early {
                        Err(io::Error::other("not yet"))
                    } else {
                        Ok(Step::Idle)
                    }
                }
            };
            worker.repeat(backoff, step).await;
        }
    });
    let report = until(&workers, |report| report.failures == 3 && report.failing_for.is_none()).await;
    assert!(report.is_running && report.restarts == 0);
    workers.stop().await;
}

#[tokio::test]
async fn workers_end_with_their_last_handle() {
    let all = Workers::new();
    let group = all.group();
    group.start("orphan", |worker| async move { worker.stopped().await });
    drop(group);
    until(&all, |report| !report.is_running).await;
}

#[test]
fn a_worker_is_stalled_when_it_does_not_run_or_has_failed_for_long() {
    let well = WorkerReport {
        name: "any",
        is_running: true,
        restarts: 1,
        failures: 7,
        failing_for: Some(Duration::from_secs(1)),
    };
    assert!(!well.is_stalled());
    assert!(
        WorkerReport {
            failing_for: Some(STALLED_AFTER * 2),
            ..well
        }
        .is_stalled()
    );
    assert!(
        WorkerReport {
            is_running: false,
            ..well
        }
        .is_stalled()
    );
}
