//! API keys: each scope is enough for what it names, and for no more; a list of wallets keeps the money of all others.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use service::actor::Actor;
use service::identity::api_keys::{ApiKeyError, NewApiKey, NewKeyFault};
use service::page::PageRequest;
use service::transfers::{Asking, NewPayment, TransferError, TransferFilter};
use service::values::{Method, WalletId};
use service::wallets::WalletError;

use super::{key_for, program};
use crate::life::{Answer, LifeStage, code, reverse};
use crate::requests::{money, withdraw};

on_every_backend!(
    a_limited_key_takes_back_only_out_of_its_wallets,
    a_limited_key_settles_only_holds_of_its_wallets,
    transfers_of_others_are_listed_by_the_scope_of_transfers_alone,
    a_key_that_pays_need_not_read_wallets,
    a_limited_key_pays_for_no_other_wallet,
    a_limited_key_opens_no_wallet,
);

/// A program of a person's, with these scopes and for these wallets alone.
async fn limited(stage: &LifeStage, owner: &Actor, scopes: &[&str], wallets: &[WalletId]) -> Actor {
    let new = NewApiKey {
        wallets: Some(wallets.to_vec()),
        ..key_for(scopes)
    };
    program(&stage.services, owner, new).await.0
}

async fn unlimited(stage: &LifeStage, owner: &Actor, scopes: &[&str]) -> Actor {
    program(&stage.services, owner, key_for(scopes)).await.0
}

async fn deposit(stage: &LifeStage, actor: &Actor, amount: &str, method: &str) -> Answer {
    let method = Method::try_new(method).expect("a test's method is one");
    let new = NewPayment::new(stage.ana.1, Some(money(amount)), method);
    stage.services.transfers.deposit(Asking::by(actor), new).await
}

async fn a_limited_key_takes_back_only_out_of_its_wallets(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    bank.open_method("wire", "USD").await;
    let scopes = ["transfers:reverse"];
    let for_ana = limited(&stage, &stage.operator, &scopes, &[stage.ana.1]).await;
    let for_ben = limited(&stage, &stage.operator, &scopes, &[stage.ben.1]).await;
    let paid = stage.pay("40").await.expect("there is enough").transfer.transfer.id;
    let back = async |program: &Actor, original| reverse(&stage.services, program, original, Some("5")).await;
    let rows = bank.row_counts().await;
    assert_eq!(code(&back(&for_ana, paid).await), "transfer_not_found", "ben would pay");
    assert_eq!(bank.row_counts().await, rows, "nothing is recorded");
    back(&for_ben, paid).await.expect("the key is for ben's wallet");
    // Of a deposit and of a withdrawal the customer's wallet counts.
    let deposited = deposit(&stage, &stage.operator, "10", "visa").await;
    let deposited = deposited.expect("an operator may deposit").transfer.transfer.id;
    assert_eq!(code(&back(&for_ben, deposited).await), "transfer_not_found");
    back(&for_ana, deposited).await.expect("the key is for ana's wallet");
    let withdrawn = withdraw(&stage.services, &stage.ana.0, stage.ana.1, "5").await;
    let withdrawn = withdrawn.expect("there is enough").transfer.transfer.id;
    assert_eq!(code(&back(&for_ben, withdrawn).await), "transfer_not_found");
    back(&for_ana, withdrawn).await.expect("the key is for ana's wallet");
    // An open hold that this process remembers.
    let hold = stage.hold("10").await;
    assert_eq!(code(&back(&for_ana, hold).await), "transfer_not_found");
    assert_eq!(code(&back(&for_ben, hold).await), "not_reversible");
    let all = unlimited(&stage, &stage.operator, &scopes).await;
    back(&all, paid).await.expect("it is for every wallet");
    assert_eq!(bank.balances(&[stage.ana.1, stage.ben.1]).await, ["75.0000", "30.0000"]);
}

async fn a_limited_key_settles_only_holds_of_its_wallets(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let hold = stage.hold("30").await;
    let scopes = ["transfers:settle", "transfers:write"];
    let for_ana = limited(&stage, &stage.operator, &scopes, &[stage.ana.1]).await;
    let for_ben = limited(&stage, &stage.operator, &scopes, &[stage.ben.1]).await;
    let captured = stage.capture(&for_ben, hold, Some("10"), false).await;
    assert_eq!(code(&captured), "transfer_not_found", "ana would pay");
    assert_eq!(code(&stage.void(&for_ben, hold).await), "transfer_not_found");
    stage
        .capture(&for_ana, hold, Some("10"), false)
        .await
        .expect("the key is for ana's wallet");
    // As the payee ben captures what ana has held for him.
    let bens = limited(&stage, &stage.ben.0, &["transfers:write"], &[stage.ben.1]).await;
    stage
        .capture(&bens, hold, Some("5"), false)
        .await
        .expect("ben is the payee");
    assert_eq!(stage.amounts(stage.ana.1).await, ["85.0000", "15.0000", "70.0000"]);
    stage.void(&for_ana, hold).await.expect("the key is for ana's wallet");
    assert_eq!(stage.amounts(stage.ana.1).await, ["85.0000", "0.0000", "85.0000"]);
    assert_eq!(stage.amounts(stage.ben.1).await, ["15.0000", "0.0000", "15.0000"]);
}

async fn transfers_of_others_are_listed_by_the_scope_of_transfers_alone(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    stage.pay("40").await.expect("there is enough");
    let count = async |actor: &Actor, wallet| {
        let filter = TransferFilter {
            wallet: Some(wallet),
            ..TransferFilter::default()
        };
        let request = PageRequest { limit: 10, after: None };
        match stage.services.transfers.list(actor, filter, request).await {
            Ok(page) => Some(page.items.len()),
            Err(TransferError::Wallet(WalletError::NotFound)) => None,
            Err(error) => panic!("{error}"),
        }
    };
    let (operator, ana) = (&stage.operator, &stage.ana.0);
    let reads_wallets = unlimited(&stage, operator, &["transfers:read", "wallets:read_all"]).await;
    assert_eq!(count(&reads_wallets, stage.ana.1).await, None);
    let reads_all = ["transfers:read", "transfers:read_all"];
    let reads_transfers = unlimited(&stage, operator, &reads_all).await;
    assert_eq!(count(&reads_transfers, stage.ana.1).await, Some(2));
    let for_ben = limited(&stage, operator, &reads_all, &[stage.ben.1]).await;
    assert_eq!(count(&for_ben, stage.ana.1).await, None);
    assert_eq!(count(&for_ben, stage.ben.1).await, Some(1));
    let anas = unlimited(&stage, ana, &["transfers:read"]).await;
    assert_eq!(count(&anas, stage.ana.1).await, Some(2));
    assert_eq!(count(&anas, stage.ben.1).await, None);
}

async fn a_key_that_pays_need_not_read_wallets(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let deposits = unlimited(&stage, &stage.operator, &["deposits:write"]).await;
    for method in ["visa", "wire"] {
        // `visa` is open, and the first deposit by `wire` opens it.
        deposit(&stage, &deposits, "1", method).await.expect(method);
    }
    let settles = unlimited(&stage, &stage.operator, &["transfers:write", "transfers:settle"]).await;
    let paid = withdraw(&stage.services, &settles, stage.ana.1, "2").await;
    paid.expect("the method is open");
    let anas = unlimited(&stage, &stage.ana.0, &["transfers:write"]).await;
    let paid = withdraw(&stage.services, &anas, stage.ana.1, "3").await;
    paid.expect("it is ana's own wallet");
    // To read every wallet is not enough to pay out of them.
    let reads = unlimited(&stage, &stage.operator, &["transfers:write", "wallets:read_all"]).await;
    let refused = withdraw(&stage.services, &reads, stage.ana.1, "4").await;
    assert_eq!(code(&refused), "wallet_not_found");
    assert_eq!(bank.balances(&[stage.ana.1]).await, ["97.0000"]);
}

async fn a_limited_key_pays_for_no_other_wallet(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    bank.open_method("wire", "USD").await;
    let scopes = ["deposits:write", "transfers:write", "transfers:settle"];
    let for_ana = limited(&stage, &stage.operator, &scopes, &[stage.ana.1]).await;
    let for_ben = limited(&stage, &stage.operator, &scopes, &[stage.ben.1]).await;
    let rows = bank.row_counts().await;
    assert_eq!(code(&deposit(&stage, &for_ben, "1", "visa").await), "wallet_not_found");
    // Nor does it open a method in the currency of a wallet that does not exist for it.
    assert_eq!(code(&deposit(&stage, &for_ben, "1", "sepa").await), "wallet_not_found");
    let refused = withdraw(&stage.services, &for_ben, stage.ana.1, "1").await;
    assert_eq!(code(&refused), "wallet_not_found");
    assert_eq!(bank.row_counts().await, rows);
    deposit(&stage, &for_ana, "1", "visa").await.expect("the key is for it");
    let paid = withdraw(&stage.services, &for_ana, stage.ana.1, "2").await;
    paid.expect("the key is for it");
    assert_eq!(bank.balances(&[stage.ana.1]).await, ["99.0000"]);
}

async fn a_limited_key_opens_no_wallet(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let keys = &stage.services.identity.api_keys;
    let opens = || key_for(&["wallets:read", "wallets:open"]);
    let new = NewApiKey {
        wallets: Some(vec![stage.ana.1]),
        ..opens()
    };
    let refused = keys.create(&stage.ana.0, new).await;
    assert!(
        matches!(&refused, Err(ApiKeyError::Refused(faults)) if *faults == [NewKeyFault::OpensWallets { index: 1 }]),
        "{refused:?}"
    );
    assert_eq!(bank.number("SELECT count(*) AS n FROM api_keys").await, 0);
    keys.create(&stage.ana.0, opens()).await.expect("without a list it may");
}
