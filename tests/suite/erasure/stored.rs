//! What is stored after an erasure: nothing that tells who the person was, in no table and on SQLite in no byte of the file.

use std::fs;
use std::sync::Arc;

use harness::{Backend, TestBank, on_every_backend, run};
use serde_json::Value;
use service::actor::ClientInfo;
use service::page::PageRequest;
use service::receipts::{TrustedKeys, check_receipt};
use service::transfers::TransferFilter;
use service::values::{TransferId, UserStatus};

use super::stage::{ADMINS_ADDRESS, AnasLife, HERS, NAME, OTHERS};
use super::{sorted_rows, stored_rows, tables_with};
use crate::requests::{items, wallet_path};

on_every_backend!(
    nothing_of_an_erased_person_is_stored,
    an_erasure_is_repeated_and_changes_nothing
);

async fn nothing_of_an_erased_person_is_stored(bank: Arc<TestBank>) {
    let life = AnasLife::lived(&bank).await;
    let before = stored_rows(&bank).await;
    for mark in HERS.iter().chain(&OTHERS) {
        assert!(
            !tables_with(&before, mark).is_empty(),
            "{mark} is not found where it must be"
        );
    }
    let proved = Proved::before(&bank).await;
    assert!(own_request_ids(&bank, "transfers").await > 0);
    let erased = life.services.identity.erase(&life.admin, life.ana.actor.user).await;
    let erased = erased.expect("her wallets are closed");
    assert_eq!(
        (erased.status, erased.email, erased.full_name.as_str()),
        (UserStatus::Erased, format!("{}@erased.invalid", erased.id), "erased")
    );
    let after = stored_rows(&bank).await;
    for mark in HERS {
        assert_eq!(tables_with(&after, mark), Vec::<String>::new(), "{mark} is still there");
    }
    for refused in ["hers-refused", "hers-batch-refused", "hers-as-operator-refused"] {
        assert_eq!(tables_with(&after, refused), Vec::<String>::new());
    }
    for mark in OTHERS {
        let found = tables_with(&after, mark);
        assert!(
            found.iter().any(|table| table == "transfers"),
            "{mark} is another's: {found:?}"
        );
    }
    for table in ["transfers", "changes"] {
        assert_eq!(own_request_ids(&bank, table).await, 0, "{table}");
    }
    no_digest_of_a_text_is_left(&bank, &life).await;
    nothing_opens_to_her(&bank, &life).await;
    the_log_tells_of_it(&bank, &life).await;
    the_lists_are_whole(&bank, &life).await;
    proved.holds(&bank).await;
}

/// How many rows have an id of a request that a client has chosen and that is no UUID.
async fn own_request_ids(bank: &TestBank, table: &str) -> i64 {
    let sql = format!("SELECT count(*) AS n FROM {table} WHERE length(request_id) <> 16");
    bank.number(&sql).await
}

/// The digests of requests were computed from the texts, also of requests that were refused.
async fn no_digest_of_a_text_is_left(bank: &TestBank, life: &AnasLife) {
    let [dollars, euros] = life.wallets.map(|wallet| bank.literal(wallet.0));
    let ana = bank.literal(life.ana.actor.user.0);
    let hers = format!("(created_by = {ana} OR (created_by IS NULL AND source_wallet_id IN ({dollars}, {euros})))");
    let left = "coalesce(description, metadata) IS NOT NULL OR texts_salt IS NOT NULL \
                OR request_digest IS NOT NULL";
    let count = async |condition: &str| {
        bank.number(&format!("SELECT count(*) AS n FROM transfers WHERE {condition}"))
            .await
    };
    assert_eq!(count(&format!("{hers} AND ({left})")).await, 0);
    // The keys stay used up, and the digests of the texts stand in the journal.
    assert_eq!(count(&format!("{hers} AND idempotency_key IS NOT NULL")).await, 5);
    assert_eq!(count(&format!("{hers} AND texts_digest IS NOT NULL")).await, 7);
}

async fn nothing_opens_to_her(bank: &TestBank, life: &AnasLife) {
    let ana = bank.literal(life.ana.actor.user.0);
    let live = format!("SELECT count(*) AS n FROM sessions WHERE user_id = {ana} AND ended_at IS NULL");
    assert_eq!(bank.number(&live).await, 0);
    let ended = format!("SELECT count(*) AS n FROM sessions WHERE user_id = {ana} AND end_reason = 'erased'");
    assert!(bank.number(&ended).await >= 1);
    let keys = format!("SELECT count(*) AS n FROM api_keys WHERE user_id = {ana} AND revoked_at IS NULL");
    assert_eq!(bank.number(&keys).await, 0);
    assert!(
        life.try_sign_in(harness::bank::PASSWORD, ClientInfo::default())
            .await
            .is_none()
    );
    life.ana
        .caller
        .get("/v1/users/me")
        .await
        .expect_problem(401, "unauthenticated");
    let finished = format!("SELECT count(*) AS n FROM users WHERE id = {ana} AND erased_at IS NOT NULL");
    assert_eq!(bank.number(&finished).await, 1);
}

/// One line, whose details stay; and no detail of hers.
async fn the_log_tells_of_it(bank: &TestBank, life: &AnasLife) {
    let (ana, admin) = (bank.literal(life.ana.actor.user.0), bank.literal(life.admin.user.0));
    let line = format!(
        "SELECT count(*) AS n FROM audit_lines AS l JOIN audit_details AS d ON d.id = l.id \
         WHERE l.action = 'user.erased' AND l.subject_id = {ana} AND l.person_id = {ana} AND l.actor_id = {admin} \
         AND d.address = '{ADMINS_ADDRESS}'"
    );
    assert_eq!(bank.number(&line).await, 1);
    let details = format!(
        "SELECT count(*) AS n FROM audit_lines AS l JOIN audit_details AS d ON d.id = l.id \
         WHERE (l.actor_id = {ana} AND coalesce(d.address, d.user_agent, d.request_id) IS NOT NULL) \
         OR (l.person_id = {ana} AND l.action <> 'user.erased' \
             AND (coalesce(d.before, d.after) IS NOT NULL OR d.email_digest IS NOT NULL)) \
         OR (l.person_id = {ana} AND l.actor_id IS NULL AND coalesce(d.address, d.user_agent) IS NOT NULL)"
    );
    assert_eq!(bank.number(&details).await, 0);
}

/// Lists, entries and statements have the same transfers as before, without her texts.
async fn the_lists_are_whole(bank: &TestBank, life: &AnasLife) {
    let operator = bank.operator().await;
    let descriptions = |items: &[Value]| -> Vec<String> {
        let texts = items.iter().filter_map(|item| item["description"].as_str());
        texts.map(str::to_owned).collect()
    };
    for path in [
        "/v1/transfers".to_owned(),
        format!("/v1/transfers?wallet_id={}", life.ana.wallet),
        wallet_path(life.ana.wallet, "/entries"),
    ] {
        let listed = items(&operator, &path).await;
        assert!(listed.len() > 8, "{path}: {listed:?}");
        let mut texts = descriptions(&listed);
        texts.sort();
        let mut theirs = OTHERS.to_vec();
        theirs.sort_unstable();
        assert_eq!(texts, theirs, "{path}");
    }
    let page = life.services.transfers.list(
        &life.operator,
        TransferFilter::default(),
        PageRequest {
            limit: 500,
            after: None,
        },
    );
    let page = page.await.expect("transfers can be listed");
    assert!(page.items.iter().all(|one| one.transfer.metadata.is_none()));
    let statement = operator
        .get(&wallet_path(life.ana.wallet, "/statement"))
        .await
        .expect(200);
    assert_eq!(statement["closing_balance"], "0.0000");
    let user = life.services.identity.user(life.ana.actor.user).await;
    assert_eq!(user.expect("her row stays").full_name, "erased");
}

/// What was proved before an erasure: the journal, and each transfer, Ana's and those of others, by its receipt.
struct Proved {
    journal: String,
    receipts: Vec<(TransferId, String)>,
}

impl Proved {
    async fn before(bank: &TestBank) -> Self {
        bank.assert_journal_is_sound().await;
        let proved = Self {
            journal: Self::journal(bank).await,
            receipts: Self::receipts(bank).await,
        };
        assert!(proved.receipts.len() > 15, "{} receipts", proved.receipts.len());
        proved
    }

    async fn holds(&self, bank: &TestBank) {
        bank.assert_journal_is_sound().await;
        assert_eq!(Self::journal(bank).await, self.journal, "an erasure is no commit");
        let report = bank.services.ops.verify().await.expect("the books can be read");
        assert!(report.is_clean(), "{:#?}", report.books.checks);
        let keys = TrustedKeys::of(bank.services.receipts.public_keys());
        for (transfer, text) in &self.receipts {
            let checked = check_receipt(text, &keys).unwrap_or_else(|fault| panic!("{transfer}: {fault}"));
            assert_eq!(checked.transfer.id, *transfer);
        }
        assert_eq!(Self::receipts(bank).await, self.receipts, "a new receipt says the same");
    }

    async fn journal(bank: &TestBank) -> String {
        let head = harness::journal::head(&bank.db.write).await;
        format!("{} {}", head.number, head.digest)
    }

    /// The receipts of all transfers.
    async fn receipts(bank: &TestBank) -> Vec<(TransferId, String)> {
        let operator = bank.operator_actor().await;
        let request = PageRequest {
            limit: 500,
            after: None,
        };
        let all = bank
            .services
            .transfers
            .list(&operator, TransferFilter::default(), request);
        let mut receipts = Vec::new();
        for shown in all.await.expect("transfers can be listed").items {
            let id = shown.transfer.id;
            let receipt = bank.services.receipts.receipt(&operator, id).await;
            receipts.push((id, receipt.expect("the journal proves it").to_json().to_string()));
        }
        receipts
    }
}

async fn an_erasure_is_repeated_and_changes_nothing(bank: Arc<TestBank>) {
    let life = AnasLife::begun(&bank).await;
    life.wallets_are_closed(&bank).await;
    let erase = async || life.services.identity.erase(&life.admin, life.ana.actor.user).await;
    let first = erase().await.expect("her wallets are closed");
    let rows = sorted_rows(&bank).await;
    assert_eq!(erase().await.expect("it is done"), first);
    let looked_at = life.services.identity.finish_erasures().await;
    assert_eq!(looked_at.expect("it can be looked at"), 1, "she was erased lately");
    assert_eq!(sorted_rows(&bank).await, rows);
    bank.advance(chrono::TimeDelta::minutes(11)).await;
    let looked_at = life.services.identity.finish_erasures().await;
    assert_eq!(looked_at.expect("it can be looked at"), 0);
}

/// The file, and its write-ahead log, which a checkpoint has emptied.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_of_an_erased_person_is_in_the_file() {
    run(Backend::Sqlite, |bank: Arc<TestBank>| async move {
        let life = AnasLife::lived(&bank).await;
        let bytes = || {
            let files = ["florin.db", "florin.db-wal"].map(|name| bank.database.folder.path().join(name));
            let read = files.map(|file| fs::read(file).unwrap_or_default());
            String::from_utf8_lossy(&read.concat()).to_lowercase()
        };
        let before = bytes();
        for mark in HERS.iter().chain(&OTHERS) {
            assert!(
                before.contains(&mark.to_lowercase()),
                "{mark} is not found where it must be"
            );
        }
        let erased = life.services.identity.erase(&life.admin, life.ana.actor.user).await;
        erased.expect("her wallets are closed");
        let after = bytes();
        for mark in HERS {
            assert!(!after.contains(&mark.to_lowercase()), "{mark} is still in the file");
        }
        for mark in OTHERS {
            assert!(after.contains(mark), "{mark} is another's");
        }
        assert!(!after.contains(NAME));
    })
    .await;
}
