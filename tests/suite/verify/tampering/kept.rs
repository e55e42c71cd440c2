//! Tampering with what is kept beside the transfers: the state of holds, outcomes of batches, limits and their counters.

use super::{TamperStage, Tampering, next, tampering};
use crate::verify::holds::KEPT;
use crate::verify::limits::{CHANGED, COUNTED, LIMITS};
use crate::verify::reversals::OUTCOMES;
use crate::verify::{CHAIN, HELD, TWO, entry};

impl TamperStage {
    pub(super) async fn of_holds(&self) -> Vec<Tampering> {
        let (open, capture) = (self.id(self.open.0), next(self.open));
        vec![
            tampering(
                "the amount of a hold is changed",
                [format!("UPDATE transfers SET amount = '8.0000' WHERE id = {open}")],
                [(KEPT, self.open.to_string()), self.other_content(self.open.0).await],
            ),
            tampering(
                "a hold is prolonged, in both of its tables",
                ["transfers", "holds"].map(|table| {
                    format!("UPDATE {table} SET expires_at = '2030-01-05T03:33:59+00:00' WHERE id = {open}")
                }),
                [self.other_content(self.open.0).await],
            ),
            tampering(
                "a hold is deleted from both of its tables",
                ["holds", "transfers"].map(|table| format!("DELETE FROM {table} WHERE id = {open}")),
                [
                    (HELD, self.books.ana.to_string()),
                    self.fewer_transfers(self.open.0, 1).await,
                ],
            ),
            tampering(
                "a capture of a hold is inserted",
                [format!(
                    "INSERT INTO transfers (id, kind, status, source_wallet_id, destination_wallet_id, amount, currency, \
                     parent_id, created_at) SELECT {}, 7, 2, source_wallet_id, destination_wallet_id, '1.0000', currency, \
                     id, created_at FROM transfers WHERE id = {open}",
                    self.id(capture)
                )],
                [(KEPT, self.open.to_string()), (TWO, capture.to_string())],
            ),
            tampering(
                "the states of two holds change places",
                self.swapped("holds", self.open.0, self.voided.0),
                [(KEPT, self.open.to_string()), (KEPT, self.voided.to_string())],
            ),
        ]
    }

    pub(super) async fn of_batches(&self) -> Vec<Tampering> {
        let books = &self.books;
        let [(first, [one, two, refused]), (second, _)] = self.batches;
        let batch = self.id(first.0);
        vec![
            tampering(
                "an outcome of a batch says that nothing is recorded",
                [format!(
                    "UPDATE batches SET results = '{{\"items\":[\"{one}\",\"{two}\",\"same_wallet\"]}}' WHERE id = {batch}"
                )],
                [(OUTCOMES, first.to_string())],
            ),
            tampering(
                "a batch is deleted with its transfers and their entries",
                [
                    format!(
                        "DELETE FROM entries WHERE transfer_id IN (SELECT id FROM transfers WHERE batch_id = {batch})"
                    ),
                    format!("DELETE FROM transfers WHERE batch_id = {batch}"),
                    format!("DELETE FROM batches WHERE id = {batch}"),
                ],
                [
                    (CHAIN, entry(books.ana, 6)),
                    (CHAIN, entry(books.ben, 5)),
                    self.fewer_transfers(refused.0, 3).await,
                ],
            ),
            tampering(
                "a transfer is inserted into a batch",
                [format!(
                    "UPDATE transfers SET batch_id = {batch} WHERE id = {}",
                    books.transfer(books.ten)
                )],
                [(OUTCOMES, first.to_string()), self.other_content(books.ten.0).await],
            ),
            tampering(
                "the outcomes of two batches change places",
                self.swapped("batches", first.0, second.0),
                [(OUTCOMES, first.to_string()), (OUTCOMES, second.to_string())],
            ),
        ]
    }

    pub(super) async fn of_limits(&self) -> Vec<Tampering> {
        let books = &self.books;
        let (ana, ben) = (books.id(books.ana), books.id(books.ben));
        let [first, second] = self.limited;
        let raised = r#"'"per_transfer":"60.0000"', '"per_transfer":"61.0000"'"#;
        vec![
            tampering(
                "a limit is raised in the wallet and in the change that set it",
                [
                    format!("UPDATE wallets SET limit_per_transfer = '61.0000' WHERE id = {ana}"),
                    format!(
                        "UPDATE changes SET after = replace(after, {raised}), limits = replace(limits, {raised}) \
                         WHERE id = {}",
                        self.id(second)
                    ),
                ],
                [self.other_content(second).await],
            ),
            tampering(
                "the limits of a wallet are deleted with their counters",
                [format!(
                    "UPDATE wallets SET limit_per_transfer = NULL, limit_per_day_amount = NULL, limit_per_day_count = NULL, \
                     counted_day = NULL, counted_amount = NULL, counted_transfers = NULL WHERE id = {ana}"
                )],
                [(LIMITS, books.ana.to_string())],
            ),
            tampering(
                "a wallet is given a limit that was never set",
                [format!(
                    "UPDATE wallets SET limit_per_transfer = '1.0000', counted_amount = '0.0000', counted_transfers = 0, \
                     counted_day = (SELECT w.counted_day FROM wallets w WHERE w.id = {ana}) WHERE id = {ben}"
                )],
                [(LIMITS, books.ben.to_string())],
            ),
            tampering(
                "two changes of limits change places",
                self.swapped("changes", first, second),
                [(CHANGED, books.ana.to_string()), self.other_content(first).await],
            ),
        ]
    }

    pub(super) fn of_counters(&self) -> Vec<Tampering> {
        let books = &self.books;
        let (ana, ben) = (books.id(books.ana), books.id(books.ben));
        vec![
            tampering(
                "the counters of a day begin anew",
                [format!(
                    "UPDATE wallets SET counted_amount = '0.0000', counted_transfers = 0 WHERE id = {ana}"
                )],
                [(COUNTED, books.ana.to_string())],
            ),
            tampering(
                "the counter of transfers is deleted",
                [format!("UPDATE wallets SET counted_transfers = NULL WHERE id = {ana}")],
                [(LIMITS, books.ana.to_string())],
            ),
            tampering(
                "a wallet without limits is given counters",
                [format!(
                    "UPDATE wallets SET counted_amount = '0.0000', counted_transfers = 0, \
                     counted_day = (SELECT w.counted_day FROM wallets w WHERE w.id = {ana}) WHERE id = {ben}"
                )],
                [(LIMITS, books.ben.to_string())],
            ),
        ]
    }
}
