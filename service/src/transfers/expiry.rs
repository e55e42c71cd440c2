//! Releases holds whose time has run out. A batch that decides on a wallet does so too, so what is left for this worker
//! are wallets that are not used.

use std::time::Duration;

use super::{TransferError, Transfers, repo};
use crate::actor::Actor;
use crate::backoff::Backoff;
use crate::clock::id_at;
use crate::ledger::{Action, Command};
use crate::values::{Role, UserId};
use crate::workers::{Step, Worker};

/// How often the holds are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// The longest pause between attempts while nothing can be read or written.
const EVERY_MAX: Duration = Duration::from_secs(15);
/// The most wallets whose holds one command releases.
const WALLETS_MAX: u64 = 200;

impl Transfers {
    /// Starts the worker that releases expired holds. Must be called inside a tokio runtime.
    pub(crate) fn serve(&self) {
        let transfers = self.clone();
        self.workers.start("expiry", move |worker| {
            let transfers = transfers.clone();
            async move { transfers.keep_expiring(worker).await }
        });
    }

    pub(crate) async fn stop(&self) {
        self.workers.stop().await;
    }

    /// Releases expired holds of some wallets, in one commit and so not always all, and gives how many wallets it asked
    /// for: 0 if nothing is left. Two servers that ask for the same wallet release each hold once: the ledger decides.
    pub async fn expire_holds(&self) -> Result<usize, TransferError> {
        let wallets = repo::wallets_with_expired_holds(&self.db.read, self.clock.now(), WALLETS_MAX).await?;
        let count = wallets.len();
        if count > 0 {
            self.queue
                .submit(Command::new(self.no_one(), Action::Expire(wallets)))
                .await?;
        }
        Ok(count)
    }

    /// No user has this id: the release of an expired hold has no asker.
    fn no_one(&self) -> Actor {
        Actor::new(UserId(id_at(self.clock.now())), Role::Customer)
    }

    async fn keep_expiring(&self, worker: Worker) {
        let step = || async {
            let asked = self.expire_holds().await?;
            Ok::<_, TransferError>(if asked == 0 { Step::Idle } else { Step::More })
        };
        worker.repeat(Backoff::new(EVERY, EVERY_MAX), step).await;
    }
}
