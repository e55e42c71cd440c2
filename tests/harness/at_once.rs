//! Runs futures side by side and starts them in one step. When `begin` returns, each future has run up to its first
//! wait. A transfer first waits after it is queued, so each begun transfer is already queued or refused.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// Futures that have been polled once. Dropping it drops them, like a caller that closes its connection.
pub struct StartedCalls<'a, T> {
    slots: Vec<Slot<'a, T>>,
}

enum Slot<'a, T> {
    Running(Pin<Box<dyn Future<Output = T> + Send + 'a>>),
    Done(T),
}

/// Polls every future once.
pub async fn begin<'a, T, F>(futures: impl IntoIterator<Item = F>) -> StartedCalls<'a, T>
where
    F: Future<Output = T> + Send + 'a,
{
    let slots = futures
        .into_iter()
        .map(|future| Slot::Running(Box::pin(future)))
        .collect();
    let mut begun = StartedCalls { slots };
    poll_fn(|context| {
        begun.poll(context);
        Poll::Ready(())
    })
    .await;
    begun
}

/// Runs futures side by side and gives their results in order.
pub async fn all_at_once<'a, T, F>(futures: impl IntoIterator<Item = F>) -> Vec<T>
where
    F: Future<Output = T> + Send + 'a,
{
    begin(futures).await.all().await
}

impl<T> StartedCalls<'_, T> {
    /// How many were still waiting at the last poll.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.slots
            .iter()
            .filter(|slot| matches!(slot, Slot::Running(_)))
            .count()
    }

    /// Polls all of them once more and gives how many are still waiting.
    pub async fn still_waiting(&mut self) -> usize {
        poll_fn(|context| {
            self.poll(context);
            Poll::Ready(())
        })
        .await;
        self.waiting()
    }

    /// Waits for all of them. The results are in the order of the futures.
    pub async fn all(mut self) -> Vec<T> {
        poll_fn(|context| {
            self.poll(context);
            if self.waiting() == 0 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
        let results = self.slots.into_iter().filter_map(|slot| match slot {
            Slot::Done(result) => Some(result),
            Slot::Running(_) => None,
        });
        results.collect()
    }

    fn poll(&mut self, context: &mut std::task::Context<'_>) {
        for slot in &mut self.slots {
            if let Slot::Running(future) = slot
                && let Poll::Ready(result) = future.as_mut().poll(context)
            {
                *slot = Slot::Done(result);
            }
        }
    }
}
