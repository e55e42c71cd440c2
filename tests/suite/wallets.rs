//! Wallets: who may open, list and see them.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::bank::PASSWORD;
use harness::{Caller, TestBank, all_at_once, in_two_slices, on_every_backend};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use service::actor::ClientInfo;
use service::identity::{Email, FullName};
use service::values::Role;
use uuid::Uuid;

use crate::requests::{items, pages, payment, transfer, wallet_path};

on_every_backend!(
    a_customer_opens_one_wallet_per_currency,
    a_currency_that_nobody_knows_is_refused,
    customers_list_their_own_wallets,
    operators_list_the_wallets_of_anybody,
    pages_of_wallets_stay_whole_while_rows_are_added,
    pages_have_a_limit_and_cursors_a_form,
    a_strangers_wallet_is_not_there,
    a_user_who_is_gone_opens_no_wallet_and_stops_no_transfer,
);

in_two_slices!(
    a_customer_opens_one_wallet_per_currency,
    a_currency_that_nobody_knows_is_refused,
    customers_list_their_own_wallets,
    operators_list_the_wallets_of_anybody,
    pages_of_wallets_stay_whole_while_rows_are_added,
    pages_have_a_limit_and_cursors_a_form,
    a_strangers_wallet_is_not_there,
);

async fn a_customer_opens_one_wallet_per_currency(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let body = json!({ "currency": "EUR" });
    let opened = ana.caller.post("/v1/wallets", body.clone()).await.expect(201);
    let expected = json!({
        "id": opened["id"], "user_id": ana.actor.user, "currency": "EUR", "balance": "0.0000", "held": "0.0000",
        "available": "0.0000", "status": "ACTIVE", "limits": null, "version": 0, "created_at": opened["created_at"],
        "updated_at": opened["created_at"],
    });
    assert_eq!(opened, expected);
    let path = format!("/v1/wallets/{}", opened["id"].as_str().unwrap_or_default());
    assert_eq!(ana.caller.get(&path).await.expect(200), expected);
    ana.caller
        .post("/v1/wallets", body.clone())
        .await
        .expect_problem(409, "wallet_exists");
    ana.caller
        .post("/v1/wallets", json!({ "currency": "USD" }))
        .await
        .expect_problem(409, "wallet_exists");
    let ben = bank.customer("ben").await;
    ben.caller.post("/v1/wallets", body).await.expect(201);
    assert_eq!(items(&ana.caller, "/v1/wallets").await.len(), 2);
}

async fn a_currency_that_nobody_knows_is_refused(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    for code in ["EURO", "eur", "ZZZ", "", "€", "EU R"] {
        ana.caller
            .post("/v1/wallets", json!({ "currency": code }))
            .await
            .expect_problem(422, "unknown_currency");
    }
    for body in [
        json!({}),
        json!({ "currency": null }),
        json!({ "currency": "EUR", "balance": "5" }),
    ] {
        ana.caller
            .post("/v1/wallets", body)
            .await
            .expect_problem(400, "invalid_request");
    }
    assert_eq!(
        items(&ana.caller, "/v1/wallets").await.len(),
        1,
        "only the first wallet is there"
    );
}

async fn customers_list_their_own_wallets(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let ben = bank.customer("ben").await;
    bank.advance(TimeDelta::seconds(1)).await;
    let euro = bank.open_wallet(&ana, "EUR").await;
    let expected = [json!(euro), json!(ana.wallet)];
    for path in [
        "/v1/wallets".to_owned(),
        format!("/v1/wallets?user_id={}", ana.actor.user),
    ] {
        let listed = items(&ana.caller, &path).await;
        assert_eq!(
            listed.iter().map(|wallet| wallet["id"].clone()).collect::<Vec<_>>(),
            expected,
            "newest first"
        );
    }
    for other in [ben.actor.user.0, Uuid::from_u128(1)] {
        ana.caller
            .get(&format!("/v1/wallets?user_id={other}"))
            .await
            .expect_problem(403, "forbidden");
    }
}

async fn operators_list_the_wallets_of_anybody(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "1").await;
    let ben = bank.customer("ben").await;
    let operator = bank.operator().await;
    let of = async |query: String| -> Vec<Value> {
        let listed = items(&operator, &format!("/v1/wallets{query}")).await;
        listed.into_iter().map(|wallet| wallet["user_id"].clone()).collect()
    };
    assert_eq!(
        of(format!("?user_id={}", ana.actor.user)).await,
        [json!(ana.actor.user)]
    );
    assert_eq!(
        of(format!("?user_id={}", Uuid::from_u128(1))).await,
        Vec::<Value>::new()
    );
    let all = of(String::new()).await;
    assert_eq!(all.len(), 3, "two customers' and the one of the method");
    for user in [json!(ana.actor.user), json!(ben.actor.user), Value::Null] {
        assert!(all.contains(&user), "{all:?}");
    }
}

async fn pages_of_wallets_stay_whole_while_rows_are_added(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let operator = bank.operator().await;
    let mut currencies = [
        "EUR", "GBP", "JPY", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "TRY", "AUD",
    ]
    .into_iter();
    let mut open = async || {
        bank.advance(TimeDelta::milliseconds(1)).await;
        bank.open_wallet(&ana, currencies.next().expect("there are currencies enough"))
            .await;
    };
    for _ in 0..4 {
        open().await;
    }
    for caller in [&ana.caller, &operator] {
        let all = items(caller, "/v1/wallets").await;
        let paged = pages(caller, "/v1/wallets", 2, &mut open).await;
        assert_eq!(paged, all);
    }
}

async fn pages_have_a_limit_and_cursors_a_form(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    bank.advance(TimeDelta::seconds(1)).await;
    bank.open_wallet(&ana, "EUR").await;
    let entries = wallet_path(ana.wallet, "/entries");
    for path in ["/v1/wallets", "/v1/transfers", &entries] {
        for query in [
            "limit=0",
            "limit=501",
            "limit=-1",
            "limit=x",
            "cursor=",
            "cursor=%00",
            "cursor=x",
            "cursor=v-1",
        ] {
            ana.caller
                .get(&format!("{path}?{query}"))
                .await
                .expect_problem(400, "invalid_request");
        }
        for query in ["limit=1", "limit=500"] {
            ana.caller.get(&format!("{path}?{query}")).await.expect(200);
        }
    }
    let page = ana.caller.get("/v1/wallets?limit=1").await.expect(200);
    let cursor = page["next_cursor"].as_str().expect("there is a second page");
    ana.caller
        .get(&format!("/v1/wallets?cursor={cursor}"))
        .await
        .expect(200);
    ana.caller
        .get(&format!("/v1/transfers?cursor={cursor}"))
        .await
        .expect_problem(400, "invalid_request");
    ana.caller
        .get(&format!("{entries}?cursor={cursor}"))
        .await
        .expect_problem(400, "invalid_request");
    let whole = ana.caller.get("/v1/wallets?limit=2").await.expect(200);
    assert_eq!(
        whole["next_cursor"],
        Value::Null,
        "a full last page has no page after it"
    );
}

async fn a_strangers_wallet_is_not_there(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "1").await;
    let eve = bank.customer("eve").await;
    let operator = bank.operator().await;
    for rest in ["", "/entries"] {
        let hidden = eve.caller.get(&wallet_path(ana.wallet, rest)).await;
        hidden.expect_problem(404, "wallet_not_found");
        let unknown = eve
            .caller
            .get(&format!("/v1/wallets/{}{rest}", Uuid::from_u128(1)))
            .await;
        assert_eq!(hidden.text_without_id(), unknown.text_without_id());
        assert_eq!(hidden.header("etag"), "");
        ana.caller.get(&wallet_path(ana.wallet, rest)).await.expect(200);
        operator.get(&wallet_path(ana.wallet, rest)).await.expect(200);
    }
    let body = payment("1", "wire");
    let hidden = eve
        .caller
        .post(&wallet_path(ana.wallet, "/withdrawals"), body.clone())
        .await;
    let unknown = eve
        .caller
        .post(&format!("/v1/wallets/{}/withdrawals", Uuid::from_u128(1)), body)
        .await;
    hidden.expect_problem(404, "wallet_not_found");
    assert_eq!(hidden.text_without_id(), unknown.text_without_id());
    let pay = async |source: Value| {
        let body = json!({ "source_wallet_id": source, "destination_wallet_id": eve.wallet, "amount": "1" });
        eve.caller.post("/v1/transfers", body).await
    };
    let (hidden, unknown) = (pay(json!(ana.wallet)).await, pay(json!(Uuid::from_u128(1))).await);
    hidden.expect_problem(404, "wallet_not_found");
    assert_eq!(hidden.text_without_id(), unknown.text_without_id());
}

/// A customer who has signed in, and whose row is then deleted.
async fn gone_customer(bank: &TestBank) -> Caller {
    let email = Email::try_new("gone@example.com").expect("this is an address");
    let name = FullName::try_new("Gone").expect("this is a name");
    let identity = &bank.services.identity;
    let password = || SecretString::from(PASSWORD);
    let made = identity.create_user(email, name, password(), Role::Customer).await;
    let user = made.expect("a user can be made");
    let signed_in = identity.sign_in(&user.email, password(), &ClientInfo::default()).await;
    let token = signed_in.expect("signing in works").access_token;
    let row = bank.literal(user.id.0);
    bank.execute(&format!("DELETE FROM sessions WHERE user_id = {row}"))
        .await;
    bank.execute(&format!("DELETE FROM users WHERE id = {row}")).await;
    bank.with_token(token.expose_secret())
}

async fn a_user_who_is_gone_opens_no_wallet_and_stops_no_transfer(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer_with("ana", "100").await, bank.customer("ben").await);
    let gone = gone_customer(&bank).await;
    let opened = async || bank.number("SELECT count(*) AS n FROM changes").await;
    let before = opened().await;
    let euro = json!({ "currency": "EUR" });
    let answer = gone.post("/v1/wallets", euro.clone()).await;
    answer.expect_problem(401, "unauthenticated");
    assert_eq!(opened().await, before, "nothing is written");
    let pay = ("/v1/transfers", transfer(ana.wallet, ben.wallet, "1"));
    let mut requests = vec![(&ana.caller, pay.clone()); 20];
    requests.insert(7, (&gone, ("/v1/wallets", euro.clone())));
    requests.insert(13, (&ben.caller, ("/v1/wallets", euro)));
    let asked = requests
        .into_iter()
        .map(|(caller, (path, body))| async move { caller.post(path, body).await.status });
    let mut statuses = all_at_once(asked).await;
    assert_eq!(statuses.remove(7), 401, "{statuses:?}");
    assert_eq!(statuses, [201; 21]);
    assert_eq!(opened().await, before + 1);
    assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, ["80.0000", "20.0000"]);
}
