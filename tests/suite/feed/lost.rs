//! A journal that has lost what a consumer counted, or holds less than its rows say: the consumer gets an error, and
//! skips nothing.

use super::{Beside, Pair, birth, head, move_money, rest};
use crate::requests::{new_transfer, submit};
use harness::{TestBank, on_every_backend};
use service::feed::{FeedFilter, Handover, Mark, ReadError, Reader};
use service::values::Sha256Digest;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

on_every_backend!(
    a_mark_that_the_journal_does_not_have_is_told,
    rows_that_count_what_is_not_there_are_not_passed_over,
    a_missing_row_is_not_passed_over,
    what_was_handed_over_of_a_lost_history_is_not_looked_for,
);

async fn a_mark_that_the_journal_does_not_have_is_told(bank: Arc<TestBank>) {
    let pair = Pair::of(&bank).await;
    let head = head(&bank).await;
    let another = Sha256Digest([7; 32]);
    for mark in [
        Mark {
            digest: another,
            ..head
        },
        Mark {
            number: head.number + 1,
            ..head
        },
        Mark {
            number: 0,
            digest: another,
        },
    ] {
        let mut reader = Reader::new(bank.db.clone(), FeedFilter::All, mark, None);
        for _ in 0..2 {
            let next = reader.next().await;
            assert!(matches!(next, Err(ReadError::Lost(lost)) if lost == mark), "{next:?}");
        }
    }
    // Beside a committer, whose next commit follows the row that is stored.
    let Beside { ledger, .. } = Beside::of(&bank, FeedFilter::All).await;
    let handover = Handover::new();
    let mark = Mark {
        digest: another,
        ..head
    };
    let mut reader = Reader::new(bank.db.clone(), FeedFilter::All, mark, Some(&handover));
    let paid = ledger.queue().submit(move_money(&pair.ana, pair.ben.wallet, "1")).await;
    paid.expect("ana has enough");
    assert!(matches!(reader.next().await, Err(ReadError::Lost(_))));
    ledger.stop().await;
}

async fn rows_that_count_what_is_not_there_are_not_passed_over(bank: Arc<TestBank>) {
    let pair = Pair::of(&bank).await;
    let mut readers = Vec::new();
    for what in [FeedFilter::All, FeedFilter::Payments] {
        let mut reader = Reader::new(bank.db.clone(), what, birth(&bank).await, None);
        rest(&mut reader).await;
        readers.push(reader);
    }
    let transfer = new_transfer(pair.ana.wallet, pair.ben.wallet, "1");
    submit(&bank.services, &pair.ana.actor, transfer)
        .await
        .expect("ana has enough");
    bank.unlock_history().await;
    let newest = head(&bank).await.number;
    let count = async |change: &str| {
        let sql = format!("UPDATE journal SET transfers = transfers {change} WHERE number = {newest}");
        bank.execute(&sql).await;
    };
    count("+ 1").await;
    for reader in &mut readers {
        let before = reader.mark();
        for _ in 0..2 {
            reader.poll_now();
            let next = reader.next().await;
            assert!(
                matches!(
                    next,
                    Err(ReadError::Incomplete {
                        counted: 2,
                        found: 1,
                        ..
                    })
                ),
                "{next:?}"
            );
            assert_eq!(reader.mark(), before);
        }
    }
    count("- 1").await;
    for reader in &mut readers {
        rest(reader).await;
        assert_eq!(reader.mark().number, newest);
    }
}

async fn a_missing_row_is_not_passed_over(bank: Arc<TestBank>) {
    Pair::of(&bank).await;
    let birth = birth(&bank).await;
    bank.unlock_history().await;
    bank.execute("UPDATE journal SET number = 1000 WHERE number = 2").await;
    let mut reader = Reader::new(bank.db.clone(), FeedFilter::All, birth, None);
    assert!(matches!(reader.next().await, Err(ReadError::Gap(2))));
    bank.execute("UPDATE journal SET number = 2 WHERE number = 1000").await;
    rest(&mut reader).await;
    assert_eq!(reader.mark(), head(&bank).await);
}

/// Commits that a failover has lost, and their predecessors: the journal will never have them, however often it is
/// read.
async fn what_was_handed_over_of_a_lost_history_is_not_looked_for(bank: Arc<TestBank>) {
    let (handover, mark) = (Handover::new(), head(&bank).await);
    let mut reader = Reader::new(bank.db.clone(), FeedFilter::All, mark, Some(&handover));
    let digest = Sha256Digest([7; 32]);
    for number in [mark.number + 1, mark.number] {
        let (before, after) = [number, number + 1].map(|number| Mark { number, digest }).into();
        handover.publish(before, after, Vec::new);
        // As a caller of a flush does.
        reader.poll_now();
        let mut looks = 0;
        let looking = async {
            loop {
                reader.woken().await;
                assert_eq!(reader.next().await.expect("the journal can be read"), None);
                looks += 1;
            }
        };
        assert!(timeout(Duration::from_secs(1), looking).await.is_err());
        // Each look is one read, and a reader that waits for other processes reads ten times a second.
        assert!(looks <= 15, "{looks} looks in a second");
    }
    bank.customer_with("ana", "10").await;
    assert_eq!(rest(&mut reader).await.len(), 1);
}
