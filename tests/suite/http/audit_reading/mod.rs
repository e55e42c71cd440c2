//! `GET /v1/audit`: pages, what is refused, and that reading leaves no line.

mod tables;

use std::sync::Arc;

use chrono::{SecondsFormat, TimeDelta};
use harness::audit_history::{BUSY_ACTION, BUSY_ACTOR, BUSY_SUBJECT};
use harness::{Answer, AuditHistory, Caller, TestBank, on_every_backend};
use reqwest::Method;
use serde_json::{Value, json};
use service::audit::{AuditFilter, StoredAuditLine};
use service::clock::Clock;
use service::page::PageRequest;
use service::values::{Role, Timestamp};

use crate::document::current;

on_every_backend!(pages_have_what_is_stored);
on_sqlite!(
    what_cannot_be_read_is_refused_in_both_forms,
    only_auditors_and_admins_read_it
);

const PATH: &str = "/v1/audit";

async fn auditor(bank: &TestBank) -> Caller {
    bank.user("arthur", Role::Auditor).await;
    bank.sign_in("arthur@example.com").await
}

/// A history, and a query for its lines alone: others of this bank are later.
async fn store(bank: &TestBank, lines: u32) -> String {
    let history = AuditHistory {
        lines,
        since: bank.clock.now() - TimeDelta::days(1),
    };
    history.store(&bank.db.write).await;
    format!("to={}", text(history.time(lines) + TimeDelta::milliseconds(1)))
}

fn text(time: Timestamp) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

async fn pages(caller: &Caller, query: &str, limit: u32) -> Vec<Value> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = caller
            .get(&format!("{PATH}?{query}&limit={limit}{cursor}"))
            .await
            .expect(200);
        found.extend(page["items"].as_array().expect("a list has items").iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else {
            return found;
        };
        cursor = format!("&cursor={next}");
    }
}

async fn table(caller: &Caller, query: &str) -> Answer {
    let request = caller.request(Method::GET, &format!("{PATH}?{query}"));
    Answer::of(request.header("accept", "text/csv")).await
}

/// A stored line as the API shows it.
fn shown(line: &StoredAuditLine) -> Value {
    let json = |text: &Option<String>| -> Value {
        let text = text.as_deref().unwrap_or("null");
        serde_json::from_str(text).expect("details are JSON")
    };
    json!({
        "id": line.id,
        "at": text(line.at),
        "action": line.action,
        "actor_id": line.actor,
        "api_key_id": line.api_key,
        "subject": line.subject.as_ref().map(|subject| json!({ "kind": subject.kind, "id": subject.id })),
        "address": line.address,
        "user_agent": line.user_agent,
        "request_id": line.request,
        "before": json(&line.before),
        "after": json(&line.after),
    })
}

async fn pages_have_what_is_stored(bank: Arc<TestBank>) {
    let all = store(&bank, 300).await;
    let auditor = auditor(&bank).await;
    let before = bank.number("SELECT count(*) AS n FROM audit_lines").await;
    for (query, filter) in [
        (String::new(), AuditFilter::default()),
        (
            format!("&actor_id={BUSY_ACTOR}&action={}", BUSY_ACTION.as_str()),
            AuditFilter {
                actor: Some(BUSY_ACTOR),
                action: Some(BUSY_ACTION),
                ..AuditFilter::default()
            },
        ),
        (
            format!("&subject_id={BUSY_SUBJECT}&actor_id={BUSY_ACTOR}"),
            AuditFilter {
                actor: Some(BUSY_ACTOR),
                subject: Some(BUSY_SUBJECT),
                ..AuditFilter::default()
            },
        ),
    ] {
        let to = all.trim_start_matches("to=").parse().expect("it is a time");
        let filter = AuditFilter { to: Some(to), ..filter };
        let request = PageRequest {
            limit: 500,
            after: None,
        };
        let stored = bank.services.audit.list(filter, request).await;
        let stored = stored.expect("the audit log can be read").items;
        let expected: Vec<Value> = stored.iter().map(shown).collect();
        assert!(expected.len() > 10, "{query}");
        assert_eq!(pages(&auditor, &format!("{all}{query}"), 7).await, expected, "{query}");
    }
    let names: Vec<String> = pages(&auditor, &all, 300).await[0]
        .as_object()
        .expect("a line is an object")
        .keys()
        .cloned()
        .collect();
    let expected = [
        "id",
        "at",
        "action",
        "actor_id",
        "api_key_id",
        "subject",
        "address",
        "user_agent",
        "request_id",
        "before",
        "after",
    ];
    assert_eq!(names, expected);
    let document = current(&bank);
    let documented = &document["components"]["schemas"]["AuditLine"]["properties"];
    let documented: Vec<&String> = documented.as_object().expect("it is documented").keys().collect();
    assert_eq!(documented, expected);
    let after = bank.number("SELECT count(*) AS n FROM audit_lines").await;
    assert_eq!(after, before, "reading leaves no line");
}

async fn what_cannot_be_read_is_refused_in_both_forms(bank: Arc<TestBank>) {
    let auditor = auditor(&bank).await;
    let of_other_list = format!("t{}", "0".repeat(32));
    let cases: &[(&str, &[&str])] = &[
        ("actor_id", &["", "abc", "01993f2a", "null"]),
        ("subject_id", &["", "abc", "7", "null"]),
        (
            "action",
            &[
                "",
                "user",
                "user.sang",
                "USER.SUSPENDED",
                "user.suspended,user.activated",
            ],
        ),
        ("from", &["", "yesterday", "2026-01-05"]),
        ("to", &["", "tomorrow", "2026-02-30T00:00:00Z"]),
        ("limit", &["", "0", "501", "ten"]),
        ("cursor", &["", "abc", "a", "a1", &of_other_list, "%00"]),
    ];
    for (name, values) in cases {
        for value in *values {
            let query = format!("{name}={value}");
            let page = auditor.get(&format!("{PATH}?{query}")).await;
            for answer in [page, table(&auditor, &query).await] {
                answer.expect_problem(400, "invalid_request");
                assert_eq!(answer.json["errors"][0]["field"], *name, "{query}: {}", answer.text);
            }
        }
    }
    let reversed = "from=2026-01-05T00:00:00.000001Z&to=2026-01-05T00:00:00Z";
    let page = auditor.get(&format!("{PATH}?{reversed}")).await;
    for answer in [page, table(&auditor, reversed).await] {
        answer.expect_problem(422, "invalid_field");
        assert_eq!(answer.json["errors"][0]["field"], "from");
    }
    let empty = "from=2026-01-05T00:00:00Z&to=2026-01-05T00:00:00Z";
    let page = auditor.get(&format!("{PATH}?{empty}")).await.expect(200);
    assert_eq!(page, json!({ "items": [], "next_cursor": null }));
}

async fn only_auditors_and_admins_read_it(bank: Arc<TestBank>) {
    bank.customer("ana").await;
    bank.anonymous().get(PATH).await.expect_problem(401, "unauthenticated");
    for (name, role) in [
        ("cara", Role::Customer),
        ("sue", Role::Support),
        ("oscar", Role::Operator),
    ] {
        bank.user(name, role).await;
        let caller = bank.sign_in(&format!("{name}@example.com")).await;
        caller.get(PATH).await.expect_problem(403, "forbidden");
        table(&caller, "").await.expect_problem(403, "forbidden");
    }
    bank.user("dora", Role::Admin).await;
    let dora = bank.sign_in("dora@example.com").await;
    for caller in [&dora, &auditor(&bank).await] {
        caller.get(PATH).await.expect(200);
    }
}
