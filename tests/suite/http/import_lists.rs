//! `GET /v1/imports` and `/v1/imports/{id}/rejects`: what staff see of the files that were imported.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;
use harness::{Caller, TestBank, on_every_backend};
use serde_json::{Value, json};
use service::imports::KEPT_REJECTS_MAX;
use service::values::Role;

use crate::imports::{finished, upload, upload_to};

on_every_backend!(
    imports_are_listed_and_filtered,
    rejected_rows_are_shown_with_their_reasons,
    the_first_rejected_rows_are_kept,
    a_known_content_has_the_rejected_rows_of_before,
);
on_sqlite!(imports_are_for_those_who_may_read_them);

const HEADER: &str =
    "event_id,merchant_id,event_timestamp,product,event_type,amount,status,channel,region,merchant_tier\n";
const TRANSACTIONS: &str = "/v1/imports/transactions";

/// A row whose event has this number.
fn row(number: u32, merchant: &str, product: &str) -> String {
    format!(
        "6f0f7f0a-3f0e-4d0b-9d57-0d1f{number:08x},{merchant},2025-01-05T08:12:00Z,{product},CARD_PAYMENT,1.50,SUCCESS,APP,\
         NORTH,STARTER\n"
    )
}

/// Uploads a file and waits for its end; returns the import. Its id is above those of earlier ones.
async fn import(bank: &TestBank, operator: &Caller, path: &str, file: &str, text: &str) -> Value {
    bank.clock.advance(TimeDelta::milliseconds(1));
    let taken = upload_to(operator, path, file, text.as_bytes()).await.expect(202);
    finished(operator, taken["id"].as_str().expect("an id is text")).await
}

async fn rejects(caller: &Caller, import: &Value) -> Value {
    let id = import["id"].as_str().expect("an import has an id");
    caller
        .get(&format!("/v1/imports/{id}/rejects?limit=500"))
        .await
        .expect(200)
}

async fn imports_are_listed_and_filtered(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    let list = async |query: &str| operator.get(&format!("/v1/imports?{query}")).await.expect(200);
    assert_eq!(list("").await, json!({ "items": [], "next_cursor": null }));
    let good = import(
        &bank,
        &operator,
        "/v1/imports/activities",
        "good.csv",
        &format!("{HEADER}{}", row(1, "MRC-1", "POS")),
    )
    .await;
    let bad = import(&bank, &operator, "/v1/imports/activities", "bad.csv", "a,b\n").await;
    let text = "timestamp,type,payment_method,amount\n2026-01-05T03:33:58,deposit,visa,1.50\n";
    let money = import(&bank, &operator, TRANSACTIONS, "money.csv", text).await;
    for (query, expected) in [
        ("", json!([money, bad, good])),
        ("kind=activities", json!([bad, good])),
        ("kind=transactions", json!([money])),
        ("status=FAILED", json!([bad])),
        ("status=COMPLETED&kind=activities", json!([good])),
        ("status=RUNNING", json!([])),
    ] {
        assert_eq!(
            list(query).await,
            json!({ "items": expected, "next_cursor": null }),
            "{query}"
        );
    }
    let first = list("limit=2").await;
    assert_eq!(first["items"], json!([money, bad]));
    let cursor = first["next_cursor"].as_str().expect("there is another page").to_owned();
    assert_eq!(list(&format!("cursor={cursor}")).await["items"], json!([good]));
    for bad in ["kind=files", "status=running", "cursor=w1", "limit=0", "cursor=i1"] {
        let answer = operator.get(&format!("/v1/imports?{bad}")).await;
        answer.expect_problem(400, "invalid_request");
    }
}

async fn rejected_rows_are_shown_with_their_reasons(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    let broken = ["not-a-uuid,MRC-1,2025-01-05T08:12:00Z,POS,,1,SUCCESS,,,", "x\0y"];
    let text = [
        HEADER,
        &row(1, "MRC-1", "POS"),
        &row(2, "", "POS"),
        &row(3, "MRC-1", "POS"),
        &row(4, "MRC-1", "SHOES"),
        &format!("{}\n{}\n", broken[0], broken[1]),
    ];
    let done = import(&bank, &operator, "/v1/imports/activities", "feed.csv", &text.concat()).await;
    assert_eq!((&done["rows_inserted"], &done["rows_skipped"]), (&json!(2), &json!(4)));
    let rejected = rejects(&operator, &done).await;
    let expected = json!([
        { "line": 3, "reason": "blank_merchant", "row": row(2, "", "POS").trim_end() },
        { "line": 5, "reason": "unknown_product", "row": row(4, "MRC-1", "SHOES").trim_end() },
        { "line": 6, "reason": "bad_event_id", "row": broken[0] },
        { "line": 7, "reason": "bad_event_id", "row": "x\u{fffd}y" },
    ]);
    assert_eq!(rejected, json!({ "items": expected, "next_cursor": null }));
    // Page by page, in the order of the file.
    let id = done["id"].as_str().expect("an import has an id");
    let path = format!("/v1/imports/{id}/rejects?limit=3");
    let first = operator.get(&path).await.expect(200);
    let cursor = first["next_cursor"].as_str().expect("there is another page");
    let last = operator.get(&format!("{path}&cursor={cursor}")).await.expect(200);
    assert_eq!(
        (&last["items"], &last["next_cursor"]),
        (&json!([expected[3]]), &Value::Null)
    );
    for bad in ["cursor=l", "cursor=lx", "cursor=i1", "cursor=l-1", "limit=501"] {
        let answer = operator.get(&format!("/v1/imports/{id}/rejects?{bad}")).await;
        answer.expect_problem(400, "invalid_request");
    }
    let unknown = "/v1/imports/01993f2a-5c00-7a10-8f3b-6d1c0e5a9b01/rejects";
    operator.get(unknown).await.expect_problem(404, "not_found");
}

async fn the_first_rejected_rows_are_kept(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    let most = u32::try_from(KEPT_REJECTS_MAX).expect("it is a small number");
    let rows: String = (0..2 * most).map(|number| row(number, "", "POS")).collect();
    let done = import(
        &bank,
        &operator,
        "/v1/imports/activities",
        "feed.csv",
        &format!("{HEADER}{rows}"),
    )
    .await;
    assert_eq!(done["rows_skipped"], 2 * most);
    let id = done["id"].as_str().expect("an import has an id");
    let (mut lines, mut cursor) = (BTreeSet::new(), String::new());
    loop {
        let path = format!("/v1/imports/{id}/rejects?limit=400{cursor}");
        let page = operator.get(&path).await.expect(200);
        let items = page["items"].as_array().expect("a list has items").iter();
        lines.extend(items.filter_map(|item| item["line"].as_u64()));
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(lines, (2..KEPT_REJECTS_MAX + 2).collect());
}

async fn a_known_content_has_the_rejected_rows_of_before(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    let text =
        "timestamp,type,payment_method,amount\n2026-01-05T03:33:58,deposit,visa,1.50\nyesterday,deposit,visa,2\n";
    let first = import(&bank, &operator, TRANSACTIONS, "money.csv", text).await;
    let again = import(&bank, &operator, TRANSACTIONS, "again.csv", text).await;
    assert_eq!(
        (&first["rows_inserted"], &again["rows_duplicate"]),
        (&json!(1), &json!(1))
    );
    let expected = json!([{ "line": 3, "reason": "invalid_timestamp", "row": "yesterday,deposit,visa,2" }]);
    for import in [&first, &again] {
        assert_eq!(rejects(&operator, import).await["items"], expected);
    }
}

async fn imports_are_for_those_who_may_read_them(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    let taken = upload(&operator, "feed.csv", HEADER.as_bytes()).await.expect(202);
    let done = finished(&operator, taken["id"].as_str().expect("an id is text")).await;
    let id = done["id"].as_str().expect("an import has an id");
    let paths = ["/v1/imports".to_owned(), format!("/v1/imports/{id}/rejects")];
    for (role, is_let_in) in [
        (Role::Customer, false),
        (Role::Support, false),
        (Role::Auditor, true),
        (Role::Admin, true),
    ] {
        bank.user(role.as_str(), role).await;
        let caller = bank.sign_in(&format!("{}@example.com", role.as_str())).await;
        for path in &paths {
            let answer = caller.get(path).await;
            if is_let_in {
                answer.expect(200);
            } else {
                answer.expect_problem(403, "forbidden");
            }
        }
    }
    for path in &paths {
        bank.anonymous().get(path).await.expect_problem(401, "unauthenticated");
    }
}
