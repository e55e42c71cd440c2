//! The progress bar of a proof: on standard error, and only on a terminal.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use service::ledger::VerifyProgress;
use tokio::time::interval;
use tokio_util::task::AbortOnDropHandle;

const REFRESH: Duration = Duration::from_millis(200);
const TEMPLATE: &str = "{msg} {wide_bar} {percent}%  {human_pos} of {human_len}, {rate} a second{left}";

/// A bar in steps: records of the journal, and entries. Not counted: the queries over single tables, and those that name
/// wrong entries.
pub struct VerifyBar {
    bar: ProgressBar,
    /// Moves the bar until it is dropped.
    _watcher: AbortOnDropHandle<()>,
}

impl VerifyBar {
    pub fn watching(progress: &Arc<VerifyProgress>, words: &'static str) -> anyhow::Result<Self> {
        let style = ProgressStyle::with_template(TEMPLATE)?
            .with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                let millis = state.elapsed().as_millis().max(1);
                // A drawing error must not end the proof.
                let _ = write!(out, "{}", u128::from(state.pos()) * 1_000 / millis);
            })
            .with_key("left", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                if state.pos() > 0 {
                    let _ = write!(out, ", {:#} left", HumanDuration(state.eta()));
                }
            });
        let bar = ProgressBar::new(0).with_style(style).with_message(words);
        let (shown, progress) = (bar.clone(), progress.clone());
        let watcher = tokio::spawn(async move {
            let mut ticks = interval(REFRESH);
            loop {
                ticks.tick().await;
                let (done, total) = progress.steps();
                shown.set_length(total.max(done));
                shown.set_position(done);
            }
        });
        Ok(Self {
            bar,
            _watcher: AbortOnDropHandle::new(watcher),
        })
    }

    /// Clears the line, for the report.
    pub fn end(self) {
        self.bar.finish_and_clear();
    }
}
