//! The progress bar: on standard error, and only where somebody sees it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use service::imports::{Progress, Stage};
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
                // A line that cannot be drawn is not worth ending for.
                let _ = write!(out, "{}", shown.load(Ordering::Relaxed));
            })
            .with_key("rate", move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                let _ = write!(out, "{}", a_second(timed.load(Ordering::Relaxed), state.elapsed()));
            })
            .with_key("left", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                // Before the first block nobody knows.
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

    /// Shows the next file; what is sent on the channel moves the bar.
    pub fn begin(&mut self, path: &Path) -> Arc<watch::Sender<Progress>> {
        let name = path
            .file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy()
            .into_owned();
        let progress = Arc::new(watch::Sender::new(Progress::default()));
        let mut steps = progress.subscribe();
        let (bar, rows, before) = (self.bar.clone(), self.rows.clone(), self.bytes_before);
        self.watcher = Some(tokio::spawn(async move {
            let mut seen: Option<Progress> = None;
            while steps.changed().await.is_ok() {
                let step = steps.borrow_and_update().clone();
                if step.stage == Stage::Looking {
                    bar.set_message(format!("looking at {name}"));
                    continue;
                }
                bar.set_position(before + step.bytes);
                match &seen {
                    Some(last) => {
                        rows.fetch_add(step.rows.saturating_sub(last.rows), Ordering::Relaxed);
                    }
                    // What an earlier run did says nothing about this one's speed.
                    None => {
                        bar.set_message(name.clone());
                        bar.reset_eta();
                    }
                }
                seen = Some(step);
            }
        }));
        progress
    }

    /// The file is done.
    pub fn end(&mut self, path: &Path) {
        if let Some(watcher) = self.watcher.take() {
            watcher.abort();
        }
        self.bytes_before += bytes_of(path);
        self.bar.set_position(self.bytes_before);
    }

    /// Takes the bar away.
    pub fn clear(self) {
        self.bar.finish_and_clear();
    }
}

fn bytes_of(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |metadata| metadata.len())
}

fn a_second(rows: u64, elapsed: Duration) -> u128 {
    u128::from(rows) * 1_000 / elapsed.as_millis().max(1)
}
