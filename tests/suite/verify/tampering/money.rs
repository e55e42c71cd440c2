//! Tampering with what moved money: transfers, entries, and the balances that they make.

use uuid::Uuid;

use super::{TamperStage, Tampering, next, tampering};
use crate::verify::reversals::OUTCOMES;
use crate::verify::{CHAIN, CHANGES, JOURNAL, LAST, OPENED, TWO, WALLETS, ZERO, entry};

impl TamperStage {
    pub(super) async fn of_transfers(&self) -> Vec<Tampering> {
        let books = &self.books;
        let (batch, [one, two, refused]) = self.batches[0];
        let (deposit, between) = (self.id(self.deposit.0), self.id(next(books.ten)));
        let (row, third) = (books.row_of(books.five).await, self.id(refused.0));
        vec![
            tampering(
                "the payment method of a deposit is changed",
                [format!("UPDATE transfers SET method = 'wire' WHERE id = {deposit}")],
                [self.other_content(self.deposit.0).await],
            ),
            tampering(
                "a refused transfer is said to be completed",
                [format!(
                    "UPDATE transfers SET status = 2, failure_reason = NULL, available = NULL WHERE id = {third}"
                )],
                [(TWO, refused.to_string()), self.other_content(refused.0).await],
            ),
            tampering(
                "a refused transfer is deleted",
                [format!("DELETE FROM transfers WHERE id = {third}")],
                [(OUTCOMES, batch.to_string()), self.fewer_transfers(refused.0, 1).await],
            ),
            tampering(
                "a refused transfer is inserted between two others",
                [format!(
                    "INSERT INTO transfers (id, kind, status, source_wallet_id, destination_wallet_id, amount, currency, \
                     created_at, failure_reason) SELECT {between}, kind, 3, source_wallet_id, destination_wallet_id, \
                     amount, currency, created_at, 'wallet_frozen' FROM transfers WHERE id = {}",
                    books.transfer(books.ten)
                )],
                [(JOURNAL, format!("row {row}: counts 1 transfers, and there are 2"))],
            ),
            tampering(
                "two transfers of one commit change places",
                self.swapped("transfers", one.0, two.0),
                [
                    (TWO, one.to_string()),
                    (TWO, two.to_string()),
                    self.other_content(one.0).await,
                ],
            ),
        ]
    }

    pub(super) fn of_entries(&self) -> Vec<Tampering> {
        let books = &self.books;
        let (ana, visa) = (books.id(books.ana), books.id(self.visa));
        let (_, [_, _, refused]) = self.batches[0];
        let version = |from: u8, to: u8| {
            format!("UPDATE entries SET version = {to} WHERE wallet_id = {ana} AND version = {from}")
        };
        vec![
            tampering(
                "the balance after an entry is changed",
                [format!(
                    "UPDATE entries SET balance_after = '91.0000' WHERE wallet_id = {ana} AND version = 2"
                )],
                [(CHAIN, entry(books.ana, 2)), (CHAIN, entry(books.ana, 3))],
            ),
            tampering(
                "an entry is said to be another transfer's",
                [format!(
                    "UPDATE entries SET transfer_id = {} WHERE wallet_id = {ana} AND version = 3",
                    books.transfer(refused)
                )],
                [(TWO, books.five.to_string()), (TWO, refused.to_string())],
            ),
            tampering(
                "both entries of a transfer are deleted",
                [format!(
                    "DELETE FROM entries WHERE transfer_id = {}",
                    books.transfer(books.ten)
                )],
                [
                    (TWO, books.ten.to_string()),
                    (CHAIN, entry(books.ana, 3)),
                    (CHAIN, entry(books.ben, 2)),
                ],
            ),
            tampering(
                "the bank's own entry of a deposit is deleted",
                [format!("DELETE FROM entries WHERE wallet_id = {visa}")],
                [(TWO, self.deposit.to_string()), (LAST, self.visa.to_string())],
            ),
            tampering(
                "an entry of a hold is inserted",
                [format!(
                    "INSERT INTO entries (wallet_id, version, transfer_id, amount, balance_after) \
                     VALUES ({ana}, 100, {}, '-7.0000', '1.0000')",
                    books.transfer(self.open)
                )],
                [(TWO, self.open.to_string())],
            ),
            tampering(
                "two entries of a wallet change places",
                [version(2, 100), version(3, 2), version(100, 3)],
                [(CHAIN, entry(books.ana, 2)), (CHAIN, entry(books.ana, 3))],
            ),
        ]
    }

    pub(super) fn of_balances(&self) -> Vec<Tampering> {
        let books = &self.books;
        let forged = Uuid::from_u128(books.ben.0.as_u128() ^ 1);
        let set = |wallet, balance: &str| {
            let wallet = books.id(wallet);
            format!("UPDATE wallets SET balance = '{balance}' WHERE id = {wallet}")
        };
        vec![
            tampering(
                "the balance of the bank's own wallet is changed",
                [set(self.visa, "-99.0000")],
                [
                    (LAST, self.visa.to_string()),
                    (ZERO, "USD is off by 10000 ten-thousandths".to_owned()),
                ],
            ),
            tampering(
                "the balances of two wallets change places",
                [set(books.ana, "20.0000"), set(books.ben, "80.0000")],
                [(LAST, books.ana.to_string()), (LAST, books.ben.to_string())],
            ),
            tampering(
                "the bank's own wallet is deleted",
                [format!("DELETE FROM wallets WHERE id = {}", books.id(self.visa))],
                [
                    (WALLETS, self.deposit.to_string()),
                    (CHANGES, self.visa.to_string()),
                    (ZERO, "USD is off by 1000000 ten-thousandths".to_owned()),
                ],
            ),
            tampering(
                "an empty wallet is inserted that was never opened",
                [format!(
                    "INSERT INTO wallets (id, user_id, currency, balance, held, status, version, created_at, updated_at) \
                     SELECT {}, user_id, 'EUR', '0.0000', '0.0000', status, 0, created_at, created_at FROM wallets \
                     WHERE id = {}",
                    self.id(forged),
                    books.id(books.ben)
                )],
                [(OPENED, forged.to_string())],
            ),
        ]
    }
}
