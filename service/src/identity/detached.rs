//! Work that is done to its end when the client hangs up.

use std::future::Future;

use crate::db::Fault;

/// Runs work in a task of its own. A client that hangs up drops the future of its request, but not this task: so what is to be
/// done after a commit is done after every commit.
pub(super) async fn detached<T, E>(work: impl Future<Output = Result<T, E>> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Fault> + Send + 'static,
{
    tokio::spawn(work).await.map_err(Fault::broken)?
}
