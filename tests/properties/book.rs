//! The book without a database: it decides as the model does, and its writes add up.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::DateTime;
use harness::ManualClock;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use service::clock::{Sequence, id_at, id_in};
use service::ledger::{Book, Entry, Outcome, Stamps, Transfer, Wallet, Writes};
use service::values::{Bucket, TextsSalt, Timestamp, TransferId, TransferStatus, WalletId, WalletStatus};
use uuid::Uuid;

use crate::book_case::{Ticks, book_case};
use crate::case_rows::wide;
use crate::cases::{UNITS_MAX, hold};
use crate::commands::{command_of, verdict_of};

#[test]
fn a_book_decides_as_the_model_does() {
    hold(file!(), &book_case(), |book_case| {
        let mut book = Book::open(book_case.wallets());
        let mut ticks = Ticks::new();
        let (asks, model) = book_case.played();
        for (ask, expected) in asks {
            let outcome = book.apply(&command_of(&ask, &book_case.ids), &mut ticks);
            prop_assert_eq!(verdict_of(&outcome).0, expected, "{:?}", ask);
        }
        for (name, account) in &model.accounts {
            let wallet = book.wallet(book_case.ids.id(*name)).expect("the book was opened on it");
            prop_assert_eq!(wide(wallet.balance), account.balance);
        }
        Ok(())
    });
}

#[test]
fn what_a_book_writes_adds_up() {
    hold(file!(), &book_case(), |book_case| {
        let read: HashMap<WalletId, Wallet> = book_case
            .wallets()
            .into_iter()
            .map(|wallet| (wallet.id, wallet))
            .collect();
        let mut book = Book::open(read.values().cloned());
        let mut ticks = Ticks::new();
        let outcomes: Vec<Outcome> = book_case
            .commands()
            .iter()
            .map(|command| book.apply(command, &mut ticks))
            .collect();
        let now: Vec<Wallet> = read.keys().filter_map(|id| book.wallet(*id).cloned()).collect();
        let writes = book.close();
        transfers_add_up(&writes, &outcomes)?;
        buckets_are_the_customers(&writes, &read)?;
        entries_chain(&writes, &read, &now)?;
        wallets_are_sorted_and_sound(&writes, &read)
    });
}

/// Every recorded outcome is written once. A completed transfer has two entries that sum to zero, a failed one has
/// none.
fn transfers_add_up(writes: &Writes, outcomes: &[Outcome]) -> TestCaseResult {
    let recorded: Vec<&Transfer> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            Outcome::Recorded {
                transfer,
                replayed: false,
            } => Some(transfer.as_ref()),
            Outcome::Recorded { .. }
            | Outcome::Refused(_)
            | Outcome::KeyReused
            | Outcome::Batch(_)
            | Outcome::Expired
            | Outcome::Wallet(_)
            | Outcome::WalletRefused(_) => None,
        })
        .collect();
    prop_assert_eq!(writes.transfers.iter().map(AsRef::as_ref).collect::<Vec<_>>(), recorded);
    prop_assert!(
        writes
            .transfers
            .is_sorted_by_key(|transfer| (transfer.created_at, transfer.id))
    );
    let mut entries: HashMap<TransferId, Vec<&Entry>> = HashMap::new();
    for entry in &writes.entries {
        entries.entry(entry.transfer).or_default().push(entry);
    }
    for transfer in &writes.transfers {
        let own = entries.remove(&transfer.id).unwrap_or_default();
        prop_assert_eq!(transfer.status == TransferStatus::Failed, transfer.failure.is_some());
        if transfer.status == TransferStatus::Failed {
            prop_assert!(own.is_empty());
            continue;
        }
        prop_assert_eq!(own.len(), 2);
        prop_assert_eq!(own.iter().map(|entry| wide(entry.amount)).sum::<i128>(), 0);
        for entry in own {
            let is_source = entry.wallet == transfer.source;
            prop_assert!(is_source || entry.wallet == transfer.destination);
            prop_assert_eq!(
                entry.amount,
                if is_source {
                    transfer.amount.negated()
                } else {
                    transfer.amount
                }
            );
        }
    }
    prop_assert!(entries.is_empty(), "entries without a transfer: {entries:?}");
    Ok(())
}

/// A transfer's id has the bucket of its source, or of its destination if the source is a system wallet.
fn buckets_are_the_customers(writes: &Writes, read: &HashMap<WalletId, Wallet>) -> TestCaseResult {
    for transfer in &writes.transfers {
        let customer = if read[&transfer.source].is_system() {
            transfer.destination
        } else {
            transfer.source
        };
        prop_assert_eq!(transfer.id.bucket(), customer.bucket(), "{:?}", transfer);
    }
    Ok(())
}

/// Versions continue without a gap from the one that was read, and each balance is the previous one plus the amount.
fn entries_chain(writes: &Writes, read: &HashMap<WalletId, Wallet>, now: &[Wallet]) -> TestCaseResult {
    prop_assert!(writes.entries.is_sorted_by_key(|entry| (entry.wallet, entry.transfer)));
    for wallet in now {
        let mut at = read[&wallet.id].clone();
        for entry in writes.entries.iter().filter(|entry| entry.wallet == wallet.id) {
            prop_assert_eq!(entry.version, at.version.next());
            prop_assert_eq!(wide(entry.balance_after), wide(at.balance) + wide(entry.amount));
            let made = writes.transfers.iter().find(|transfer| transfer.id == entry.transfer);
            let time = made.map(|transfer| transfer.created_at);
            prop_assert!(time > Some(at.updated_at));
            (at.version, at.balance) = (entry.version, entry.balance_after);
            at.updated_at = time.unwrap_or_default();
        }
        prop_assert_eq!(&at, wallet);
    }
    Ok(())
}

/// Wallets are sorted by id and unique; changed ones have their new values, the others those that were read.
fn wallets_are_sorted_and_sound(writes: &Writes, read: &HashMap<WalletId, Wallet>) -> TestCaseResult {
    prop_assert!(writes.updated.is_sorted_by(|one, other| one.read.id < other.read.id));
    prop_assert!(writes.confirmed.is_sorted_by(|one, other| one.id < other.id));
    let changed: HashSet<WalletId> = writes.updated.iter().map(|change| change.read.id).collect();
    let with_entries: HashSet<WalletId> = writes.entries.iter().map(|entry| entry.wallet).collect();
    prop_assert_eq!(&changed, &with_entries);
    let sides = writes
        .transfers
        .iter()
        .flat_map(|transfer| [transfer.source, transfer.destination]);
    let decided_on: HashSet<WalletId> = sides.filter(|id| !changed.contains(id)).collect();
    prop_assert_eq!(
        writes.confirmed.iter().map(|wallet| wallet.id).collect::<HashSet<_>>(),
        decided_on
    );
    prop_assert!(
        writes
            .confirmed
            .iter()
            .all(|wallet| read.get(&wallet.id) == Some(wallet))
    );
    let mut moved: BTreeMap<&str, i128> = BTreeMap::new();
    for change in &writes.updated {
        prop_assert_eq!(Some(&change.read), read.get(&change.read.id));
        prop_assert!(wide(change.now.balance).unsigned_abs() <= UNITS_MAX.unsigned_abs().into());
        prop_assert!(
            change.now.is_system() || change.now.balance >= change.now.held,
            "{:?}",
            change.now
        );
        prop_assert_eq!(
            (change.now.held, change.now.status),
            (change.read.held, WalletStatus::Active)
        );
        *moved.entry(change.now.currency.code()).or_default() += wide(change.now.balance) - wide(change.read.balance);
    }
    prop_assert!(moved.values().all(|sum| *sum == 0), "money was made: {moved:?}");
    Ok(())
}

struct Shipped<'a>(Sequence<'a>);

impl Stamps for Shipped<'_> {
    fn time(&mut self) -> Timestamp {
        self.0.peek()
    }

    fn next(&mut self, bucket: Option<Bucket>) -> (Timestamp, Uuid) {
        let time = self.0.next_time();
        (time, bucket.map_or_else(|| id_at(time), |bucket| id_in(bucket, time)))
    }

    fn salt(&mut self) -> TextsSalt {
        TextsSalt([0; 16])
    }
}

#[test]
fn ids_grow_and_entries_are_in_order_whatever_the_buckets() {
    hold(file!(), &book_case(), |book_case| {
        let mut book = Book::open(book_case.wallets());
        // The production sequence, with a clock that stands still.
        let clock = ManualClock::new();
        let mut stamps = Shipped(Sequence::above(&clock, DateTime::UNIX_EPOCH));
        for command in book_case.commands() {
            book.apply(&command, &mut stamps);
        }
        let writes = book.close();
        prop_assert!(writes.transfers.is_sorted_by(|earlier, later| earlier.id < later.id));
        let in_order = |one: &Entry, next: &Entry| {
            one.wallet < next.wallet
                || (one.wallet == next.wallet && one.version < next.version && one.transfer < next.transfer)
        };
        prop_assert!(writes.entries.is_sorted_by(in_order));
        Ok(())
    });
}

#[test]
fn a_refused_command_leaves_the_book_as_it_was() {
    hold(file!(), &book_case(), |book_case| {
        let wallets = book_case.wallets();
        let [mut book, mut without] = [Book::open(wallets.clone()), Book::open(wallets.clone())];
        let (mut ticks, mut fewer_ticks) = (Ticks::new(), Ticks::new());
        for command in book_case.commands() {
            let before: Vec<Option<Wallet>> = wallets.iter().map(|wallet| book.wallet(wallet.id).cloned()).collect();
            let outcome = book.apply(&command, &mut ticks);
            let (verdict, _) = verdict_of(&outcome);
            if verdict.code == "completed" && !verdict.replayed {
                without.apply(&command, &mut fewer_ticks);
                continue;
            }
            let after: Vec<Option<Wallet>> = wallets.iter().map(|wallet| book.wallet(wallet.id).cloned()).collect();
            prop_assert_eq!(after, before, "{:?} changed a wallet", verdict);
        }
        let [writes, without] = [book.close(), without.close()];
        let rows = |writes: &Writes| -> Vec<_> {
            let entries = writes.entries.iter();
            entries
                .map(|entry| (entry.wallet, entry.version, entry.amount, entry.balance_after))
                .collect()
        };
        prop_assert_eq!(rows(&writes), rows(&without));
        Ok(())
    });
}

#[test]
fn one_batch_gives_what_a_book_for_each_command_gives() {
    hold(file!(), &book_case(), |book_case| {
        let commands = book_case.commands();
        let mut book = Book::open(book_case.wallets());
        let mut ticks = Ticks::new();
        let in_batch: Vec<Outcome> = commands.iter().map(|command| book.apply(command, &mut ticks)).collect();
        let written = book.close();

        let mut stored: HashMap<WalletId, Wallet> = book_case
            .wallets()
            .into_iter()
            .map(|wallet| (wallet.id, wallet))
            .collect();
        let (mut transfers, mut entries): (Vec<Transfer>, Vec<Entry>) = Default::default();
        let mut ticks = Ticks::new();
        for (command, in_batch) in commands.iter().zip(&in_batch) {
            let read = command.action.wallets().filter_map(|id| stored.get(&id).cloned());
            let mut book = Book::open(read);
            book.add_used_keys(transfers.iter().cloned());
            prop_assert_eq!(&book.apply(command, &mut ticks), in_batch);
            let writes = book.close();
            stored.extend(writes.updated.into_iter().map(|change| (change.now.id, change.now)));
            transfers.extend(writes.transfers.iter().map(|transfer| transfer.as_ref().clone()));
            entries.extend(writes.entries);
        }
        entries.sort_by_key(|entry| (entry.wallet, entry.version));
        prop_assert_eq!(&written.entries, &entries);
        prop_assert_eq!(
            written.transfers.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
            transfers.iter().collect::<Vec<_>>()
        );
        for change in &written.updated {
            prop_assert_eq!(stored.get(&change.now.id), Some(&change.now));
        }
        Ok(())
    });
}
