//! `Location` and `ETag`: a created resource has an address, and a wallet has a tag. A caller is not sent what it has
//! already, and cannot change a wallet that has changed since it read it.

use std::sync::Arc;

use harness::bank::PASSWORD;
use harness::{Answer, Caller, TestBank, all_at_once, on_every_backend};
use reqwest::Method;
use serde_json::{Value, json};
use service::values::WalletId;

use crate::imports::upload_to;

on_every_backend!(
    a_wallet_changes_only_when_it_is_what_the_caller_has_seen,
    a_refusal_comes_before_a_failed_precondition,
    of_two_who_saw_the_same_one_changes_the_wallet,
    a_freeze_with_a_tag_meets_no_transfer_unseen,
);
on_sqlite!(
    what_is_made_says_where_it_is,
    a_known_wallet_is_not_sent_again,
    a_malformed_precondition_is_refused,
    every_answer_with_a_wallet_has_its_tag,
    the_document_tells_the_precondition,
);

const VERBS: [&str; 3] = ["freeze", "unfreeze", "close"];

fn path(wallet: WalletId) -> String {
    format!("/v1/wallets/{wallet}")
}

/// The wallet's current tag.
async fn tag(caller: &Caller, wallet: WalletId) -> String {
    let shown = caller.get(&path(wallet)).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    shown.header("etag").to_owned()
}

/// A change of a wallet's status under a precondition.
async fn change(caller: &Caller, wallet: WalletId, verb: &str, tags: &str) -> Answer {
    let request = caller.request(Method::POST, &format!("{}/{verb}", path(wallet)));
    Answer::of(request.header("if-match", tags)).await
}

async fn a_wallet_changes_only_when_it_is_what_the_caller_has_seen(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer_with("ana", "5").await, bank.customer("ben").await);
    let operator = bank.operator().await;
    let seen = tag(&operator, ana.wallet).await;
    let body = json!({ "source_wallet_id": ana.wallet, "destination_wallet_id": ben.wallet, "amount": "1" });
    ana.caller.post("/v1/transfers", body).await.expect(201);
    let now = tag(&operator, ana.wallet).await;
    let before = operator.get(&path(ana.wallet)).await.expect(200);
    // Strong comparison: the weak form of the right tag does not match.
    let weak = format!("W/{now}");
    for tags in [
        seen.as_str(),
        "\"x\"",
        "\"\"",
        weak.as_str(),
        &format!("{seen}, {weak}"),
    ] {
        change(&operator, ana.wallet, "freeze", tags)
            .await
            .expect_problem(412, "precondition_failed");
        // Also if the wallet already has the status.
        change(&operator, ana.wallet, "unfreeze", tags)
            .await
            .expect_problem(412, "precondition_failed");
    }
    assert_eq!(operator.get(&path(ana.wallet)).await.expect(200), before);
    let frozen = change(&operator, ana.wallet, "freeze", &format!("\"x,y\", {seen},, {now}")).await;
    let after = frozen.header("etag").to_owned();
    assert_eq!(frozen.expect(200)["status"], "FROZEN");
    assert_eq!(
        tag(&operator, ana.wallet).await,
        after,
        "the answer has the wallet's new tag"
    );
    change(&operator, ana.wallet, "unfreeze", &now)
        .await
        .expect_problem(412, "precondition_failed");
    assert_eq!(change(&operator, ana.wallet, "unfreeze", "*").await.status, 200);
    let empty = tag(&operator, ben.wallet).await;
    change(&operator, ben.wallet, "close", &empty)
        .await
        .expect_problem(422, "wallet_not_empty");
}

/// RFC 9110, 13.2.1: a precondition is evaluated only if the answer would otherwise be a success.
async fn a_refusal_comes_before_a_failed_precondition(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer_with("ana", "5").await, bank.customer("ben").await);
    let operator = bank.operator().await;
    let unknown = WalletId(uuid::Uuid::from_u128(1));
    let system = bank.system_wallet("visa").await;
    for verb in VERBS {
        for tags in ["*", "\"x\""] {
            change(&bank.anonymous(), ana.wallet, verb, tags)
                .await
                .expect_problem(401, "unauthenticated");
            change(&ana.caller, ana.wallet, verb, tags)
                .await
                .expect_problem(403, "forbidden");
            change(&ben.caller, ana.wallet, verb, tags)
                .await
                .expect_problem(403, "forbidden");
            change(&operator, unknown, verb, tags)
                .await
                .expect_problem(404, "wallet_not_found");
            change(&operator, system, verb, tags)
                .await
                .expect_problem(403, "system_wallet");
        }
    }
    change(&operator, ana.wallet, "close", "\"x\"")
        .await
        .expect_problem(422, "wallet_not_empty");
    change(&operator, ben.wallet, "close", "\"x\"")
        .await
        .expect_problem(412, "precondition_failed");
    change(&operator, ben.wallet, "close", &tag(&operator, ben.wallet).await)
        .await
        .expect(200);
    change(&operator, ben.wallet, "freeze", "\"x\"")
        .await
        .expect_problem(422, "wallet_closed");
}

async fn of_two_who_saw_the_same_one_changes_the_wallet(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    for (round, verbs) in [["freeze", "freeze"], ["freeze", "close"], ["close", "close"]]
        .iter()
        .cycle()
        .take(12)
        .enumerate()
    {
        let ana = bank.customer(&format!("ana{round}")).await;
        let seen = tag(&operator, ana.wallet).await;
        let changes = verbs.map(|verb| change(&operator, ana.wallet, verb, &seen));
        let answers = all_at_once(changes).await;
        let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
        assert_eq!((done.len(), refused.len()), (1, 1), "{verbs:?}: {done:?} {refused:?}");
        // A closed wallet accepts no other status, whatever its tag.
        match (verbs, done[0].text_of("status")) {
            (["freeze", "close"], "CLOSED") => refused[0].expect_problem(422, "wallet_closed"),
            _ => refused[0].expect_problem(412, "precondition_failed"),
        }
        assert_eq!(operator.get(&path(ana.wallet)).await.expect(200), done[0].json);
    }
}

async fn a_freeze_with_a_tag_meets_no_transfer_unseen(bank: Arc<TestBank>) {
    let ben = bank.customer("ben").await;
    let operator = bank.operator().await;
    for round in 0..10 {
        let ana = bank.customer_with(&format!("ana{round}"), "5").await;
        let seen = operator.get(&path(ana.wallet)).await;
        let tags = seen.header("etag").to_owned();
        let body = json!({ "source_wallet_id": ana.wallet, "destination_wallet_id": ben.wallet, "amount": "1" });
        let (paid, frozen) = tokio::join!(
            ana.caller.post("/v1/transfers", body),
            change(&operator, ana.wallet, "freeze", &tags)
        );
        let now = operator.get(&path(ana.wallet)).await.expect(200);
        let held = match (paid.status, frozen.status) {
            (201, 412) => ("ACTIVE", "4.0000"),
            (422, 200) => ("FROZEN", "5.0000"),
            other => panic!("{other:?}: {} {}", paid.text, frozen.text),
        };
        assert_eq!(
            (now["status"].as_str(), now["balance"].as_str()),
            (Some(held.0), Some(held.1))
        );
    }
}

async fn a_malformed_precondition_is_refused(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let operator = bank.operator().await;
    let seen = tag(&operator, ana.wallet).await;
    let bare = seen.trim_matches('"').to_owned();
    for tags in [
        "",
        ",",
        &bare,
        &format!("{seen} {seen}"),
        &format!("*, {seen}"),
        &seen[1..],
    ] {
        let answer = change(&operator, ana.wallet, "freeze", tags).await;
        answer.expect_problem(400, "invalid_request");
        assert_eq!(answer.json["errors"][0]["field"], "If-Match", "{}", answer.text);
    }
    assert_eq!(tag(&operator, ana.wallet).await, seen);
}

async fn every_answer_with_a_wallet_has_its_tag(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let operator = bank.operator().await;
    let opened = ana.caller.post("/v1/wallets", json!({ "currency": "EUR" })).await;
    let shown = ana.caller.get(opened.header("location")).await;
    assert_ne!(shown.header("etag"), "");
    assert_eq!(opened.header("etag"), shown.header("etag"));
    for verb in VERBS {
        let answer = Answer::of(operator.request(Method::POST, &format!("{}/{verb}", path(ana.wallet)))).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("etag"), tag(&operator, ana.wallet).await, "{verb}");
    }
}

async fn the_document_tells_the_precondition(bank: Arc<TestBank>) {
    let document = crate::document::current(&bank);
    for verb in VERBS {
        let operation = &document["paths"][format!("/v1/wallets/{{wallet_id}}/{verb}")]["post"];
        let parameters = operation["parameters"].as_array().expect("there are parameters");
        let header = parameters.iter().find(|parameter| parameter["name"] == "If-Match");
        let header = header.expect("If-Match is told");
        assert_eq!(
            (&header["in"], &header["required"]),
            (&Value::from("header"), &Value::from(false))
        );
        assert!(operation["responses"]["412"].is_object(), "{verb}");
        assert!(operation["responses"]["200"]["headers"]["ETag"].is_object(), "{verb}");
    }
    let opened = &document["paths"]["/v1/wallets"]["post"]["responses"]["201"]["headers"];
    assert!(opened["ETag"].is_object() && opened["Location"].is_object());
}

async fn what_is_made_says_where_it_is(bank: Arc<TestBank>) {
    let (ana, operator) = (bank.customer("ana").await, bank.operator().await);
    let wallet = ana.caller.post("/v1/wallets", json!({ "currency": "EUR" })).await;
    let deposits = format!("/v1/wallets/{}/deposits", ana.wallet);
    let deposit = operator
        .post(&deposits, json!({ "amount": "1", "method": "visa" }))
        .await;
    for answer in [wallet, deposit] {
        let (location, id) = (answer.header("location").to_owned(), answer.text_of("id").to_owned());
        assert_eq!(answer.status, 201);
        assert_eq!(
            ana.caller.get(&location).await.expect(200)["id"],
            id.as_str(),
            "{location}"
        );
    }
    let body = json!({ "email": "ben@example.com", "password": PASSWORD, "full_name": "Ben" });
    let registered = bank.anonymous().post("/v1/auth/register", body.clone()).await;
    let location = registered.header("location").to_owned();
    let user = registered.expect(201)["user"].clone();
    let signed_in = bank
        .anonymous()
        .post("/v1/auth/login", body_of_login(&body))
        .await
        .expect(200);
    let ben = bank.with_token(signed_in["access_token"].as_str().unwrap_or_default());
    let mut own = ben.get(&location).await.expect(200);
    let told = own.as_object_mut().and_then(|own| own.remove("permissions"));
    assert!(told.is_some(), "only the user is told what they may do");
    assert_eq!(own, user);
    for (kind, row) in [
        (
            "activities",
            "event_id,merchant_id,event_timestamp,product,event_type,amount,status,channel,region,merchant_tier\n",
        ),
        ("transactions", "timestamp,type,payment_method,amount,sleep_ms\n"),
    ] {
        let started = upload_to(&operator, &format!("/v1/imports/{kind}"), "rows.csv", row.as_bytes()).await;
        let (location, id) = (started.header("location").to_owned(), started.text_of("id").to_owned());
        assert_eq!(started.status, 202, "{}", started.text);
        assert_eq!(operator.get(&location).await.expect(200)["id"], id.as_str());
    }
}

fn body_of_login(registration: &Value) -> Value {
    json!({ "email": registration["email"], "password": registration["password"] })
}

async fn a_known_wallet_is_not_sent_again(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "5").await;
    let path = format!("/v1/wallets/{}", ana.wallet);
    let ask = |tags: &str| Answer::of(ana.caller.request(Method::GET, &path).header("if-none-match", tags));
    let tag = ana.caller.get(&path).await.header("etag").to_owned();
    for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
        let answer = ask(&known).await;
        assert_eq!(
            (answer.status, answer.text.as_str(), answer.header("etag")),
            (304, "", tag.as_str()),
            "{known}"
        );
    }
    // Half a tag inside another one, and values that are not a list of tags.
    for other in [
        "\"x\"".to_owned(),
        format!("\"x,{}", &tag[1..]),
        tag.trim_matches('"').to_owned(),
    ] {
        assert_eq!(ask(&other).await.status, 200, "{other}");
    }
    bank.fund(ana.wallet, "1", "visa").await;
    let changed = ask(&tag).await;
    assert_ne!((changed.status, changed.header("etag")), (304, tag.as_str()));
    assert_eq!(changed.status, 200);
}
