//! Thousands of holds that end together. They stop commands on their own wallet for some commits, and nothing else.

use std::sync::Arc;

use entity::{journal, transfers};
use harness::{TestBank, all_at_once, on_every_backend};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use service::identity::Actor;
use service::transfers::{Asking, NewBatch};
use service::values::{RecordId, TransferId, TransferKind, WalletId};

use super::acts::{LATER, advance_to, journal_of};
use super::waiting::Asked;
use super::{LifeStage, code};
use crate::requests::{new_transfer, quiet_customer, submit};

on_every_backend!(
    a_flooded_wallet_waits_and_no_other_does,
    the_sweeper_releases_a_thousand_holds_at_a_time,
    two_sweepers_release_each_hold_of_a_flood_once,
    holds_that_end_while_a_batch_is_decided_are_released_first,
);

/// The most releases of one commit.
const RELEASES_MAX: usize = 1_000;
const FLOOD: usize = 3_000;

impl LifeStage {
    /// Holds one cent of ana's so many times, and gives the holds in the order of their ends. All of them end within a
    /// second.
    async fn flood(&self, holds: usize) -> Vec<TransferId> {
        let mut made = Vec::new();
        while made.len() < holds {
            let batch = NewBatch {
                is_atomic: false,
                transfers: vec![self.new_hold("0.01"); RELEASES_MAX.min(holds - made.len())],
            };
            let answer = self.services.transfers.batch(Asking::by(&self.ana.0), batch).await;
            let items = answer.expect("the batch is small enough").items;
            made.extend(items.into_iter().map(|item| item.expect("there is enough").transfer.id));
        }
        made
    }
}

async fn releases(bank: &TestBank) -> Vec<transfers::Model> {
    let releases = transfers::Entity::find()
        .filter(transfers::Column::Kind.eq(TransferKind::Release))
        .order_by_asc(transfers::Column::Id);
    releases.all(&bank.db.read).await.expect("transfers can be read")
}

/// The number of the commit that a transfer belongs to.
fn commit_of(journal: &[journal::Model], id: TransferId) -> i64 {
    let row = journal.iter().find(|row| row.last_id >= RecordId::from(id));
    row.expect("it is in the journal").number
}

/// Fails unless these holds have one release each, and no commit has more than a thousand.
async fn assert_released_once(bank: &TestBank, holds: &[TransferId]) -> Vec<transfers::Model> {
    let releases = releases(bank).await;
    let mut released: Vec<TransferId> = releases.iter().filter_map(|release| release.parent_id).collect();
    released.sort_unstable();
    let mut expected = holds.to_vec();
    expected.sort_unstable();
    assert!(released == expected, "{} releases", released.len());
    let journal = journal_of(bank).await;
    let mut commits: Vec<i64> = releases.iter().map(|one| commit_of(&journal, one.id)).collect();
    commits.dedup();
    for commit in commits {
        let count = releases
            .iter()
            .filter(|one| commit_of(&journal, one.id) == commit)
            .count();
        assert!(count <= RELEASES_MAX, "{count} releases in the commit {commit}");
    }
    releases
}

fn paying<'a>(stage: &'a LifeStage, from: (Actor, WalletId), to: WalletId) -> Asked<'a> {
    Box::pin(async move { code(&submit(&stage.services, &from.0, new_transfer(from.1, to, "1")).await) })
}

/// The only transfer that went from a wallet to another one and was made.
async fn paid(bank: &TestBank, from: WalletId, to: WalletId) -> TransferId {
    let found = transfers::Entity::find()
        .filter(transfers::Column::SourceWalletId.eq(from))
        .filter(transfers::Column::DestinationWalletId.eq(to))
        .filter(transfers::Column::Kind.eq(TransferKind::Transfer))
        .one(&bank.db.read)
        .await;
    found.expect("transfers can be read").expect("it was made").id
}

async fn a_flooded_wallet_waits_and_no_other_does(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let (cleo, dan) = (quiet_customer(&bank, "cleo").await, quiet_customer(&bank, "dan").await);
    bank.fund(cleo.1, "10", "visa").await;
    let holds = stage.flood(FLOOD).await;
    assert_eq!(stage.amounts(stage.ana.1).await, ["100.0000", "30.0000", "70.0000"]);
    bank.advance(LATER).await;
    let before = journal_of(&bank).await.last().expect("it has a row").number;
    let asked = vec![
        stage.paying("100"),
        paying(&stage, cleo.clone(), dan.1),
        // Ana's wallet gets money, and need not pay.
        paying(&stage, cleo.clone(), stage.ana.1),
    ];
    assert_eq!(stage.in_the_queue(&bank, asked).await, ["done", "done", "done"]);
    assert_eq!(stage.amounts(stage.ana.1).await, ["1.0000", "0.0000", "1.0000"]);
    let releases = assert_released_once(&bank, &holds).await;
    let journal = journal_of(&bank).await;
    // One commit was under way when they asked.
    for destination in [dan.1, stage.ana.1] {
        let commit = commit_of(&journal, paid(&bank, cleo.1, destination).await);
        assert!(commit - before <= 2, "{} commits", commit - before);
    }
    let last_release = releases.last().expect("there are some").id;
    assert!(
        paid(&bank, stage.ana.1, stage.ben.1).await > last_release,
        "decided before the last release"
    );
    bank.assert_journal_is_sound().await;
}

async fn the_sweeper_releases_a_thousand_holds_at_a_time(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let holds = stage.flood(FLOOD).await;
    bank.advance(LATER).await;
    let sweep = async || stage.services.transfers.expire_holds().await.expect("it can sweep");
    for released in [1_000, 2_000, 3_000] {
        assert_eq!(sweep().await, 1, "there is one wallet");
        assert_eq!(releases(&bank).await.len(), released);
    }
    assert_eq!(sweep().await, 0);
    assert_released_once(&bank, &holds).await;
    assert_eq!(stage.amounts(stage.ana.1).await, ["100.0000", "0.0000", "100.0000"]);
    bank.assert_journal_is_sound().await;
}

async fn two_sweepers_release_each_hold_of_a_flood_once(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let replica = bank.replica().await;
    let holds = stage.flood(FLOOD).await;
    bank.advance(LATER).await;
    let sweepers = [&stage.services, &replica].map(|services| async move {
        while services.transfers.expire_holds().await.expect("it can sweep") > 0 {}
        "swept"
    });
    let (swept, paid) = tokio::join!(all_at_once(sweepers), stage.pay("100"));
    assert_eq!(swept.len(), 2);
    assert_eq!(code(&paid), "done", "all that was held is free");
    assert_released_once(&bank, &holds).await;
    assert_eq!(stage.amounts(stage.ana.1).await, ["0.0000", "0.0000", "0.0000"]);
    bank.assert_journal_is_sound().await;
}

/// Each release takes a microsecond of the bank's time, and in these microseconds the other half ends.
async fn holds_that_end_while_a_batch_is_decided_are_released_first(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let holds = stage.flood(2 * RELEASES_MAX).await;
    advance_to(&bank, stage.expiry(holds[RELEASES_MAX - 1]).await).await;
    assert_eq!(code(&stage.pay("100").await), "done");
    assert_released_once(&bank, &holds).await;
    bank.assert_journal_is_sound().await;
}
