//! The mails that wait, in memory: a bounded queue from which those come first whose next attempt is due.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::Mail;
use crate::backoff::Backoff;

/// The most mails that wait.
pub(super) const WAITING_MAX: usize = 256;
/// For how long a mail is tried.
pub(super) const TRIED_FOR: Duration = Duration::from_secs(300);
/// The first and the longest pause between two attempts of a mail.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// How long an empty queue waits at most.
const IDLE: Duration = Duration::from_secs(60);

/// A mail and when it is tried next.
pub(super) struct QueuedMail {
    pub mail: Mail,
    queued_at: Instant,
    due_at: Instant,
    backoff: Backoff,
}

/// Answered when as many mails wait as may.
#[derive(Debug, thiserror::Error)]
#[error("too many mails are waiting")]
pub(super) struct MailQueueFull;

/// The mails that wait.
#[derive(Default)]
pub(super) struct MailQueue {
    waiting: Mutex<VecDeque<QueuedMail>>,
    has_more: Notify,
}

impl MailQueue {
    /// Adds a mail, which is due at once.
    pub fn push(&self, mail: Mail, now: Instant) -> Result<(), MailQueueFull> {
        let mut waiting = self.waiting.lock();
        if waiting.len() >= WAITING_MAX {
            return Err(MailQueueFull);
        }
        waiting.push_back(QueuedMail {
            mail,
            queued_at: now,
            due_at: now,
            backoff: Backoff::new(PAUSE, PAUSE_MAX),
        });
        self.has_more.notify_one();
        Ok(())
    }

    /// Puts a mail back that could not be sent. False when it was tried for as long as a mail is: it is gone.
    pub fn put_back(&self, mut queued: QueuedMail, now: Instant) -> bool {
        queued.due_at = now + queued.backoff.next_pause();
        let is_in_time = queued.due_at < queued.queued_at + TRIED_FOR;
        if is_in_time {
            self.waiting.lock().push_back(queued);
        }
        is_in_time
    }

    /// Takes the first mail that is due; otherwise gives how long until one is.
    pub fn take_due(&self, now: Instant) -> Result<QueuedMail, Duration> {
        let mut waiting = self.waiting.lock();
        let due = waiting.iter().position(|queued| queued.due_at <= now);
        if let Some(queued) = due.and_then(|place| waiting.remove(place)) {
            return Ok(queued);
        }
        let next = waiting.iter().map(|queued| queued.due_at).min();
        Err(next.map_or(IDLE, |next| next.saturating_duration_since(now)))
    }

    /// Takes the first mail, due or not.
    pub fn take(&self) -> Option<QueuedMail> {
        self.waiting.lock().pop_front()
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.lock().len()
    }

    /// Returns once a mail was added, also when that was before the call.
    pub async fn has_more(&self) {
        self.has_more.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn mail(to: &str) -> Mail {
        Mail::email_changed(to, DateTime::UNIX_EPOCH)
    }

    #[test]
    fn a_queue_has_a_bound() {
        let (queue, now) = (MailQueue::default(), Instant::now());
        for _ in 0..WAITING_MAX {
            assert!(queue.push(mail("ana@example.com"), now).is_ok());
        }
        assert!(queue.push(mail("ana@example.com"), now).is_err());
        assert_eq!(queue.len(), WAITING_MAX);
    }

    #[test]
    fn a_mail_that_fails_lets_others_pass_and_is_given_up_after_five_minutes() {
        let (queue, began) = (MailQueue::default(), Instant::now());
        assert_eq!(queue.take_due(began).err(), Some(IDLE));
        for to in ["ana@example.com", "ben@example.com"] {
            assert!(queue.push(mail(to), began).is_ok());
        }
        let mut failing = queue.take_due(began).expect("the first is due");
        assert_eq!(failing.mail.to, "ana@example.com");
        assert!(queue.put_back(failing, began));
        let other = queue.take_due(began).expect("the second is due");
        assert_eq!(other.mail.to, "ben@example.com");
        let (mut now, mut attempts) = (began, 1);
        loop {
            now += queue.take_due(now).err().expect("the first waits");
            failing = queue.take_due(now).expect("its time has come");
            attempts += 1;
            if !queue.put_back(failing, now) {
                break;
            }
        }
        assert!(
            attempts > 10 && now - began < TRIED_FOR,
            "{attempts} in {:?}",
            now - began
        );
        assert!(TRIED_FOR - (now - began) <= PAUSE_MAX && queue.len() == 0);
    }
}
