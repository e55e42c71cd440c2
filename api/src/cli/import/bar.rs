//! The progress bar: on standard error, and only on a terminal.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use service::imports::{ImportProgress, ImportStage};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const REFRESH: Duration = Duration::from_millis(200);
const TEMPLATE: &str = "{msg} {wide_bar} {percent}%  {rows} rows, {rate} rows/s{left}";

/// One bar over all files, in bytes.
pub struct Bar {
    bar: ProgressBar,
    /// Rows applied in this run.
    rows: Arc<AtomicU64>,
    bytes_before: u64,
    watcher: Option<JoinHandle<()>>,
}

impl Bar {
    pub fn new(files: &[PathBuf]) -> anyhow::Result<Self> {
        let rows = Arc::new(AtomicU64::new(0));
        let (shown, timed) = (rows.clone(), rows.clone());
        let style = ProgressStyle::with_template(TEMPLATE)?
            .with_key("rows", move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
                // A drawing error must not end the import.
                let _ = write!(out, "{}", shown.load(Ordering::Relaxed));
            })
            .with_key("rate", move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                let _ = write!(out, "{}", a_second(timed.load(Ordering::Relaxed), state.elapsed()));
            })
            .with_key("left", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                // Before the first block the time left is unknown.
                if state.pos() > 0 {
                    let _ = write!(out, ", {:#} left", HumanDuration(state.eta()));
                }
            });
        let bar = ProgressBar::new(files.iter().map(|file| bytes_of(file)).sum()).with_style(style);
        bar.enable_steady_tick(REFRESH);
        Ok(Self {
            bar,
            rows,
            bytes_before: 0,
            watcher: None,
        })
    }

    /// Shows the next file. The progress that the caller sends moves the bar.
    pub fn begin(&mut self, path: &Path) -> Arc<watch::Sender<ImportProgress>> {
        let name = short(&path.file_name().unwrap_or(path.as_os_str()).to_string_lossy());
        let progress = Arc::new(watch::Sender::new(ImportProgress::default()));
        let mut steps = progress.subscribe();
        let (bar, rows, before) = (self.bar.clone(), self.rows.clone(), self.bytes_before);
        self.watcher = Some(tokio::spawn(async move {
            let rows_before = rows.load(Ordering::Relaxed);
            let mut is_applying = false;
            while steps.changed().await.is_ok() {
                let step = steps.borrow_and_update().clone();
                if step.stage == ImportStage::Hashing {
                    bar.set_message(format!("looking at {name}"));
                    continue;
                }
                if !is_applying {
                    bar.set_message(name.clone());
                    // Bytes that an earlier run applied would make this run look faster than it is.
                    bar.reset_eta();
                    is_applying = true;
                }
                bar.set_position(before + step.bytes);
                let rows_applied = step.rows.saturating_sub(step.rows_before);
                rows.store(rows_before + rows_applied, Ordering::Relaxed);
            }
        }));
        progress
    }

    /// Waits until the last step is shown. Call it once the file is done and every sender of its channel is dropped:
    /// before that it does not return.
    pub async fn end(&mut self, path: &Path) {
        if let Some(watcher) = self.watcher.take() {
            // The watcher only draws: its failure does not affect the import.
            let _ = watcher.await;
        }
        self.bytes_before += bytes_of(path);
        self.bar.set_position(self.bytes_before);
    }

    /// Removes the bar from the terminal.
    pub fn clear(self) {
        self.bar.finish_and_clear();
    }
}

/// The beginning of a name: short enough that a bar still fits beside it.
fn short(name: &str) -> String {
    if name.chars().count() <= NAME_MAX {
        return name.to_owned();
    }
    let beginning: String = name.chars().take(NAME_MAX - 1).collect();
    format!("{beginning}…")
}

/// With "looking at", rows, rate and time a line then fits 80 columns.
const NAME_MAX: usize = 18;

fn bytes_of(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |metadata| metadata.len())
}

fn a_second(rows: u64, elapsed: Duration) -> u128 {
    u128::from(rows) * 1_000 / elapsed.as_millis().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(rows: u64, rows_before: u64) -> ImportProgress {
        ImportProgress {
            stage: ImportStage::Applying,
            rows,
            rows_before,
            ..ImportProgress::default()
        }
    }

    /// A watcher may receive only the last step, and rows that an earlier run applied do not count.
    #[tokio::test]
    async fn every_row_of_this_run_is_shown() {
        let (small, resumed) = (Path::new("small.csv"), Path::new("resumed.csv"));
        let mut bar = Bar::new(&[]).expect("a bar can be made");
        let steps = bar.begin(small);
        steps.send_replace(ImportProgress::default());
        steps.send_replace(step(0, 0));
        steps.send_replace(step(7, 0));
        drop(steps);
        bar.end(small).await;
        assert_eq!(bar.rows.load(Ordering::Relaxed), 7);
        let steps = bar.begin(resumed);
        steps.send_replace(step(100, 100));
        tokio::task::yield_now().await;
        steps.send_replace(step(130, 100));
        drop(steps);
        bar.end(resumed).await;
        assert_eq!(bar.rows.load(Ordering::Relaxed), 37);
    }
}
