//! `GET /v1/wallets` for staff: by person, by id, by currency, page by page.

use std::sync::Arc;

use harness::{Caller, TestBank, on_every_backend};
use serde_json::{Value, json};
use service::values::Role;

on_every_backend!(wallets_are_searched_and_filtered, pages_lead_to_every_wallet);
on_sqlite!(a_search_is_for_staff, a_search_that_finds_too_many_says_so);

const PATH: &str = "/v1/wallets";

async fn support(bank: &TestBank) -> Caller {
    bank.user("sue", Role::Support).await;
    bank.sign_in("sue@example.com").await
}

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("a list has items").iter();
    items
        .map(|wallet| wallet["id"].as_str().unwrap_or_default().to_owned())
        .collect()
}

async fn found(caller: &Caller, query: &str) -> Vec<String> {
    let mut ids = ids(&caller.get(&format!("{PATH}?{query}")).await.expect(200));
    ids.sort();
    ids
}

fn sorted<const N: usize>(ids: [String; N]) -> Vec<String> {
    let mut ids = ids.to_vec();
    ids.sort();
    ids
}

async fn wallets_are_searched_and_filtered(bank: Arc<TestBank>) {
    let sue = support(&bank).await;
    let (ana, anabel) = (bank.customer_with("ana", "5").await, bank.customer("anabel").await);
    let ben = bank.customer("ben").await;
    let euros = bank.open_wallet(&ana, "EUR").await.to_string();
    let [anas, anabels, bens] = [&ana, &anabel, &ben].map(|one| one.wallet.to_string());
    let user = format!("user_id={}", ana.actor.user);
    for (query, expected) in [
        (
            "q=ana".to_owned(),
            sorted([anas.clone(), euros.clone(), anabels.clone()]),
        ),
        ("q=ANABEL%40".to_owned(), sorted([anabels.clone()])),
        (format!("q={}", ana.actor.user), sorted([anas.clone(), euros.clone()])),
        (format!("q={bens}"), sorted([bens.clone()])),
        ("q=nobody".to_owned(), Vec::new()),
        ("q=%25".to_owned(), Vec::new()),
        ("currency=EUR".to_owned(), sorted([euros.clone()])),
        ("currency=ISK".to_owned(), Vec::new()),
        ("q=ana&currency=USD".to_owned(), sorted([anas.clone(), anabels.clone()])),
        (format!("{user}&currency=EUR"), sorted([euros.clone()])),
        (format!("{user}&q=ana"), sorted([anas.clone(), euros.clone()])),
        (format!("{user}&q=ben"), Vec::new()),
    ] {
        assert_eq!(found(&sue, &query).await, expected, "{query}");
    }
    // The wallets of the bank itself have a currency too.
    let dollars = found(&sue, "currency=USD").await;
    assert_eq!(dollars.len(), 4, "three customers and visa: {dollars:?}");
    assert_eq!(found(&ana.caller, "currency=EUR").await, [euros.as_str()]);
    // A key sees its own wallets, whatever it searches for.
    let operator = bank.operator().await;
    let key =
        json!({ "name": "one", "scopes": ["wallets:read", "wallets:read_all", "users:read"], "wallet_ids": [bens] });
    let key = bank.key(&operator, key).await;
    assert_eq!(found(&key, "q=ana").await, [""; 0]);
    assert_eq!(found(&key, "q=ben").await, [bens.as_str()]);
    assert_eq!(found(&key, "currency=USD").await, [bens.as_str()]);
}

async fn pages_lead_to_every_wallet(bank: Arc<TestBank>) {
    let sue = support(&bank).await;
    for number in 0..4 {
        let customer = bank.customer(&format!("ben{number}")).await;
        bank.open_wallet(&customer, "EUR").await;
    }
    for query in ["", "q=ben&", "currency=EUR&", "q=ben&currency=EUR&"] {
        let whole = sue.get(&format!("{PATH}?{query}limit=500")).await.expect(200);
        assert_eq!(whole["next_cursor"], Value::Null);
        let whole = ids(&whole);
        assert!(
            whole.len() >= 4 && whole.is_sorted_by(|newer, older| newer > older),
            "{query}"
        );
        let (mut paged, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = sue.get(&format!("{PATH}?{query}limit=3{cursor}")).await.expect(200);
            paged.extend(ids(&page));
            let Some(next) = page["next_cursor"].as_str() else {
                break;
            };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(paged, whole, "{query}");
    }
}

async fn a_search_is_for_staff(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let own = ana.caller.get(&format!("{PATH}?q=ana")).await;
    own.expect_problem(403, "forbidden");
    // Whose wallet it is tells who is a customer, so a key needs to be let read users too.
    let key = json!({ "name": "wallets", "scopes": ["wallets:read", "wallets:read_all"] });
    let key = bank.key(&bank.operator().await, key).await;
    key.get(&format!("{PATH}?currency=USD")).await.expect(200);
    key.get(&format!("{PATH}?q=ana")).await.expect_problem(403, "forbidden");
}

async fn a_search_that_finds_too_many_says_so(bank: Arc<TestBank>) {
    let sue = support(&bank).await;
    let made = (0..201).map(|number| {
        let id = bank.literal(uuid::Uuid::from_u128(
            0x0199_3f2a_5c00_7000_8000_0000_0000_0000 + number,
        ));
        format!("({id}, 'zoe{number}@example.com', 'Zoe', 'zoe', 'x', 'customer', 'active', {NOW}, {NOW})")
    });
    let made: Vec<String> = made.collect();
    let columns = "id, email, full_name, name_key, password_hash, role, status, created_at, updated_at";
    bank.execute(&format!("INSERT INTO users ({columns}) VALUES {}", made.join(", ")))
        .await;
    let many = sue.get(&format!("{PATH}?q=zoe")).await;
    many.expect_problem(422, "invalid_field");
    assert_eq!(many.json["errors"][0]["field"], "q");
    assert_eq!(found(&sue, "q=zoe200%40").await, [""; 0]);
}

const NOW: &str = "'2026-01-05T03:33:58.000+00:00'";
