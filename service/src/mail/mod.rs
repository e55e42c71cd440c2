//! Mails to users: one-time tokens, and that an address was changed. They wait in memory, and the worker `mail` sends
//! them.
//!
//! Invariants: a token stands in memory and in its mail, and nowhere else; no log has an address or a token; what is
//! not sent within five minutes, or before the end of the process, is dropped.

mod message;
mod queue;
mod smtp;

pub(crate) use message::Mail;
pub use smtp::{MailSettingError, check_settings};

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use self::queue::{MailQueue, QueuedMail};
use self::smtp::{MailFault, SmtpSender};
use crate::clock::Clock;
use crate::config::MailConfig;
use crate::workers::{Worker, Workers};

/// How long the end of the process waits for the mails that are left.
const STOP_MAX: Duration = Duration::from_secs(10);

/// The mails of a bank. Cloning clones a handle.
#[derive(Clone)]
pub struct Mailer {
    outbox: Arc<Outbox>,
    workers: Workers,
}

/// How many mails became what since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MailCounts {
    /// The mail server has taken them.
    pub sent: u64,
    /// They were given up, or dropped because too many waited.
    pub failed: u64,
}

struct Outbox {
    sender: SmtpSender,
    clock: Arc<dyn Clock>,
    queue: MailQueue,
    sent: AtomicU64,
    failed: AtomicU64,
}

impl Mailer {
    /// Starts the worker that sends mails. Must be called inside a tokio runtime.
    pub(crate) fn start(
        config: &MailConfig,
        clock: Arc<dyn Clock>,
        workers: Workers,
    ) -> Result<Self, MailSettingError> {
        let outbox = Arc::new(Outbox {
            sender: SmtpSender::try_new(config)?,
            clock,
            queue: MailQueue::default(),
            sent: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        });
        let sent_from = outbox.clone();
        workers.start("mail", move |worker| {
            let outbox = sent_from.clone();
            async move { outbox.keep_sending(worker).await }
        });
        Ok(Self { outbox, workers })
    }

    /// Queues a mail, and waits for nothing. One too many is dropped.
    pub(crate) fn send(&self, mail: Mail) {
        if let Err(error) = self.outbox.queue.push(mail, Instant::now()) {
            self.outbox.give_up("a mail was dropped", &error);
        }
    }

    /// What became of the mails.
    #[must_use]
    pub fn counts(&self) -> MailCounts {
        MailCounts {
            sent: self.outbox.sent.load(Ordering::Relaxed),
            failed: self.outbox.failed.load(Ordering::Relaxed),
        }
    }

    /// Tries once more to send what is left, and ends.
    pub(crate) async fn stop(&self) {
        self.workers.stop().await;
    }
}

impl Outbox {
    async fn keep_sending(&self, worker: Worker) {
        while !worker.is_stopping() {
            match self.queue.take_due(Instant::now()) {
                Ok(queued) => worker.note(&self.try_to_send(queued).await),
                Err(pause) => tokio::select! {
                    () = worker.stopped() => {}
                    () = self.queue.has_more() => {}
                    () = sleep(pause) => {}
                },
            }
        }
        self.send_the_rest().await;
    }

    /// Sends a mail, or puts it back for a later attempt. A mail that will never be sent is no failure of the worker.
    async fn try_to_send(&self, queued: QueuedMail) -> Result<(), MailFault> {
        let Err(fault) = self.send(&queued).await else {
            return Ok(());
        };
        if fault.is_final() {
            self.give_up("a mail was given up", &fault);
            return Ok(());
        }
        if !self.queue.put_back(queued, Instant::now()) {
            self.give_up("a mail was given up after five minutes", &fault);
        }
        Err(fault)
    }

    async fn send(&self, queued: &QueuedMail) -> Result<(), MailFault> {
        self.sender.send(&queued.mail, self.clock.now()).await?;
        self.sent.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn send_the_rest(&self) {
        let each_once = async {
            while let Some(queued) = self.queue.take() {
                if let Err(fault) = self.send(&queued).await {
                    self.give_up("a mail was given up at the end of the process", &fault);
                }
            }
        };
        if timeout(STOP_MAX, each_once).await.is_err() {
            // The one that was being sent is not in the queue any more.
            let mails = self.queue.len() + 1;
            self.failed.fetch_add(mails as u64, Ordering::Relaxed);
            tracing::warn!(mails, "mails were given up at the end of the process");
        }
    }

    /// Counts and logs a mail that is not sent, without its address and its token.
    fn give_up(&self, what: &'static str, error: &(dyn Error + 'static)) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(error, "{what}");
    }
}
