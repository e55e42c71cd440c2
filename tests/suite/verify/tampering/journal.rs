//! Tampering with the proof itself: changes of wallets, and rows of the journal.

use uuid::Uuid;

use super::{Finding, TamperStage, Tampering, tampering};
use crate::verify::journal::not_digested;
use crate::verify::{CHANGE_LINES, CHANGES, JOURNAL, LINES, STATUS};

/// The time of no commit.
const OTHER_TIME: &str = "2026-01-05T03:33:59+00:00";

fn of_row(row: i64, what: &str) -> Finding {
    (JOURNAL, format!("row {row}: {what}"))
}

impl TamperStage {
    pub(super) async fn of_changes(&self) -> Vec<Tampering> {
        let books = &self.books;
        let (frozen, unfrozen, forged) = (self.id(self.frozen), self.id(self.unfrozen), self.id(Uuid::max()));
        let row = self.row(self.unfrozen).await;
        vec![
            tampering(
                "another user is said to have frozen a wallet",
                [format!(
                    "UPDATE changes SET created_by = {} WHERE id = {frozen}",
                    self.id(books.anas.user.0)
                )],
                [
                    (CHANGE_LINES, self.frozen.to_string()),
                    self.other_content(self.frozen).await,
                ],
            ),
            tampering(
                "the last change of a wallet is deleted",
                [format!("DELETE FROM changes WHERE id = {unfrozen}")],
                [
                    (STATUS, books.ben.to_string()),
                    (LINES, self.unfrozen.to_string()),
                    of_row(row, "counts 1 changes, and there are 0"),
                ],
            ),
            tampering(
                "a freeze is inserted that never was",
                [format!(
                    "INSERT INTO changes (id, kind, subject, created_by, before, after, balance, held, version, status, \
                     limits) SELECT {forged}, 2, subject, created_by, 'ACTIVE', 'FROZEN', balance, held, version, \
                     'FROZEN', limits FROM changes WHERE id = {unfrozen}"
                )],
                [
                    (STATUS, books.ben.to_string()),
                    (CHANGE_LINES, Uuid::max().to_string()),
                    (JOURNAL, "1 changes are in no row".to_owned()),
                ],
            ),
            tampering(
                "a freeze and its end change places",
                self.swapped("changes", self.frozen, self.unfrozen),
                [
                    (CHANGES, books.ben.to_string()),
                    self.other_content(self.frozen).await,
                    self.other_content(self.unfrozen).await,
                ],
            ),
        ]
    }

    pub(super) async fn of_journal(&self) -> Vec<Tampering> {
        let row = self.row(self.books.ten.0).await;
        let following = row + 1;
        let last = self.row(self.unfrozen).await;
        let end = self.books.bank.number("SELECT max(number) AS n FROM journal").await + 1;
        vec![
            tampering(
                "the time of a commit is changed",
                [format!("UPDATE journal SET at = '{OTHER_TIME}' WHERE number = {row}")],
                [not_digested(row)],
            ),
            tampering(
                "a commit is said to have one transfer more",
                [format!(
                    "UPDATE journal SET transfers = transfers + 1 WHERE number = {row}"
                )],
                [of_row(row, "counts 2 transfers, and there are 1"), not_digested(row)],
            ),
            tampering(
                "a commit is said to reach as far as the next one",
                [format!(
                    "UPDATE journal SET last_id = (SELECT n.last_id FROM journal n WHERE n.number = {following}) \
                     WHERE number = {row}"
                )],
                [
                    of_row(row, "counts 1 transfers, and there are 2"),
                    of_row(following, "counts 1 transfers, and there are 0"),
                    not_digested(row),
                ],
            ),
            tampering(
                "the end of the journal is deleted",
                [format!("DELETE FROM journal WHERE number >= {last}")],
                [(JOURNAL, "1 changes are in no row".to_owned())],
            ),
            tampering(
                "an empty commit is inserted between two others",
                [
                    format!("UPDATE journal SET number = number + 1000000 WHERE number > {row}"),
                    "UPDATE journal SET number = number - 999999 WHERE number > 1000000".to_owned(),
                    format!(
                        "INSERT INTO journal (number, at, last_id, transfers, changes, root, digest) \
                         SELECT number + 1, at, last_id, 0, 0, (SELECT z.root FROM journal z WHERE z.number = 0), digest \
                         FROM journal WHERE number = {row}"
                    ),
                ],
                [not_digested(following), not_digested(following + 1)],
            ),
            tampering(
                "a commit is put at the end of the journal",
                [format!("UPDATE journal SET number = {end} WHERE number = {row}")],
                [
                    (JOURNAL, format!("rows {row} to {row} are missing")),
                    of_row(end, "its ids or its time are before those of the row before"),
                ],
            ),
        ]
    }
}
