//! The stream of events: what it sends, and when it ends.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, Stream};
use service::actor::Actor;
use service::events::{Event, EventsError, Subscription};
use service::identity::ACCESS_TOKEN_SECONDS;
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};

use super::event_view::event_text;
use crate::auth::StreamCaller;
use crate::wire::{write_event, write_heartbeat};

/// The time between two heartbeats.
const HEARTBEAT_PAUSE: Duration = Duration::from_secs(15);
/// After this time a stream ends, as an access token does. Clients connect again by themselves.
const STREAM_LIFE: Duration = Duration::from_secs(ACCESS_TOKEN_SECONDS.unsigned_abs());

/// What a stream is made of.
pub struct StreamParts {
    /// Gives the events.
    pub subscription: Subscription,
    /// Whose token must stay good.
    pub caller: StreamCaller,
    /// What the token allowed when the stream began.
    pub actor: Actor,
    /// How many events are still to be sent; `None` for all that come.
    pub left: Option<usize>,
}

/// A stream under way.
struct EventFlow {
    parts: StreamParts,
    heartbeat: Interval,
    ends_at: Instant,
    has_begun: bool,
}

/// The stream as bytes: a heartbeat at once, then events as they come, and a heartbeat every 15 s. It ends after 15 minutes,
/// when the token is not good any more, when the server stops, and when events cannot be read: the client goes on behind the
/// last id that it has. A task makes it, so that a client who takes its bytes slowly does not keep its place for longer.
/// Must be called inside a tokio runtime.
pub fn sent(parts: StreamParts) -> impl Stream<Item = Vec<u8>> + Send + 'static {
    let now = Instant::now();
    let mut heartbeat = interval_at(now + HEARTBEAT_PAUSE, HEARTBEAT_PAUSE);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let flow = EventFlow {
        parts,
        heartbeat,
        ends_at: now + STREAM_LIFE,
        has_begun: false,
    };
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(flow.run(sender));
    stream::unfold(receiver, |mut receiver| async move {
        let part = receiver.recv().await?;
        Some((part, receiver))
    })
}

impl EventFlow {
    /// Sends the parts until the stream ends, its time is over, or the client has hung up.
    async fn run(mut self, parts: mpsc::Sender<Vec<u8>>) {
        let ends_at = self.ends_at;
        let sending = async {
            while let Some(part) = self.next_part().await
                && parts.send(part).await.is_ok()
            {}
        };
        tokio::select! {
            () = sending => {}
            () = sleep_until(ends_at) => {}
            () = parts.closed() => {}
        }
    }

    async fn next_part(&mut self) -> Option<Vec<u8>> {
        if !self.has_begun {
            self.has_begun = true;
            return Some(self.parts.beat());
        }
        if self.parts.left == Some(0) {
            return None;
        }
        tokio::select! {
            _ = self.heartbeat.tick() => {
                let StreamParts { caller, actor, .. } = &self.parts;
                caller.is_still(actor).await.then(|| self.parts.beat())
            }
            events = self.parts.subscription.next() => self.parts.written(events),
        }
    }
}

impl StreamParts {
    /// A heartbeat with the place up to which the stream has come: a client that wants few events, and is cut off, then does not
    /// make the bank look through all the others again.
    fn beat(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write_heartbeat(&mut out, &self.subscription.position().to_string());
        out
    }

    fn written(&mut self, events: Result<Vec<Arc<Event>>, EventsError>) -> Option<Vec<u8>> {
        let mut events = match events {
            Ok(events) => events,
            Err(EventsError::Stopping) => return None,
            Err(error) => {
                let cause = format!("{:#}", anyhow::Error::from(error));
                tracing::warn!(cause, "a stream of events was ended");
                return None;
            }
        };
        if let Some(left) = &mut self.left {
            events.truncate(*left);
            *left -= events.len();
        }
        let mut out = Vec::new();
        for event in &events {
            write_event(&mut out, &event.id.to_string(), event.kind.as_str(), &event_text(event));
        }
        Some(out)
    }
}
