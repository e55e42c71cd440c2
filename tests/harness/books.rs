//! What a test reads from its bank's books: balances, row counts, and whether the books balance.

use service::ledger;
use service::values::WalletId;

use crate::bank::TestBank;
use crate::soundness::journal_is_sound;

impl TestBank {
    /// Balances of wallets as text, in the order asked for.
    pub async fn balances(&self, wallets: &[WalletId]) -> Vec<String> {
        let operator = self.operator_actor().await;
        let mut balances = Vec::new();
        for wallet in wallets {
            let wallet = self
                .services
                .wallets
                .get(&operator, *wallet)
                .await
                .expect("a test's wallet is there");
            balances.push(wallet.balance.to_string());
        }
        balances
    }

    /// How many transfers and entries are stored.
    pub async fn row_counts(&self) -> (u64, u64) {
        let report = ledger::verify(&self.db).await.expect("the books can be read");
        (report.transfers, report.entries)
    }

    /// Fails, and shows the checks, unless the books balance.
    pub async fn assert_books_balance(&self) {
        let report = ledger::verify(&self.db).await.expect("the books can be read");
        assert!(report.is_clean(), "{:#?}", report.checks);
    }

    /// Fails unless the journal is sound and the books balance. No money may move meanwhile.
    pub async fn assert_journal_is_sound(&self) {
        journal_is_sound(&self.db.read).await;
        self.assert_books_balance().await;
    }
}
