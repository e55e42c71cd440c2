//! Path and query parameters: malformed ones, and valid ones.

use std::sync::Arc;

use api::app::document;
use harness::{Answer, Customer, TestBank};
use serde_json::Value;
use service::values::Role;

use crate::paths::{method, real_paths};
use crate::rows;

on_sqlite!(
    ids_that_are_no_uuids,
    unknown_query_parameters,
    bad_query_parameters,
    good_query_parameters,
    a_range_that_ends_before_it_begins_is_refused,
    times_that_no_id_can_carry_are_bounds_all_the_same,
);

async fn ids_that_are_no_uuids(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    bank.user("dora", Role::Admin).await;
    let admin = bank.sign_in("dora@example.com").await;
    let before = rows::count(&bank).await;
    let document = document(&bank.services).expect("the document can be made");
    let bad = [
        "abc",
        "1",
        "01993f2a-5c00-7a10-8f3b-6d1c0e5a9b0g",
        "01993f2a-5c00-7a10-8f3b-6d1c0e5a9b011",
        "%00",
        "%F0%9F%98%80",
        "..%2fusers",
        "*",
        "01993f2a5c007a108f3b6d1c0e5a9b",
    ];
    let mut tried = 0;
    for (path, item) in document["paths"].as_object().expect("paths are an object") {
        let Some((before_id, rest)) = path.split_once('{') else {
            continue;
        };
        let (name, after_id) = rest.split_once('}').expect("a parameter ends");
        // Any text is a valid merchant id.
        if name == "merchant_id" {
            continue;
        }
        for (verb, operation) in item.as_object().expect("a path is an object") {
            for id in bad {
                let path = format!("{before_id}{id}{after_id}");
                let caller = if operation["summary"]
                    .as_str()
                    .is_some_and(|words| words.contains("transfer") && !words.starts_with("Take"))
                {
                    &ana.caller
                } else {
                    &admin
                };
                let request = caller.request(method(&verb.to_uppercase()), &path);
                let answer = Answer::of(request.header("content-type", "application/json").body("{}")).await;
                answer.expect_problem(400, "invalid_request");
                assert_eq!(
                    answer.json["errors"][0]["field"], name,
                    "{verb} {path}: {}",
                    answer.text
                );
                tried += 1;
            }
        }
    }
    assert!(tried >= 7 * bad.len());
    assert_eq!(rows::count(&bank).await, before);
}

async fn unknown_query_parameters(bank: Arc<TestBank>) {
    let (ana, operator) = (bank.customer_with("ana", "5").await, bank.operator().await);
    let before = rows::count(&bank).await;
    for (path, methods) in real_paths(&bank, &ana)
        .await
        .iter()
        .filter(|(path, _)| path.starts_with("/v1/"))
    {
        for name in methods {
            for caller in [&ana.caller, &operator] {
                for (query, field) in [
                    ("nope=1", "nope"),
                    ("Limit=1", "Limit"),
                    ("access_token=x", "access_token"),
                    ("%00=1", "\0"),
                ] {
                    let answer = Answer::of(caller.request(method(name), &format!("{path}?{query}"))).await;
                    answer.expect_problem(400, "invalid_request");
                    assert_eq!(answer.json["errors"][0]["field"], field, "{name} {path}?{query}");
                }
            }
        }
    }
    assert_eq!(rows::count(&bank).await, before);
}

/// Wrong values for the parameters of the bank's lists.
const BAD_QUERIES: &[(&str, &[&str])] = &[
    (
        "limit",
        &[
            "0",
            "501",
            "-1",
            "1.5",
            "ten",
            "",
            "1e2",
            "99999999999999999999",
            "+1%201",
            "NaN",
            "0x10",
        ],
    ),
    (
        "cursor",
        &[
            "",
            "abc",
            "%00",
            "w",
            "t",
            "v",
            "v-1",
            "vx",
            "v1.5",
            "x0123456789abcdef0123456789abcdef",
            "v99999999999999999999",
            "%27%20OR%201%3D1",
        ],
    ),
    ("user_id", &["", "abc", "01993f2a", "null"]),
    ("q", &["", "%20", "%00", "a%E2%80%AE"]),
    ("currency", &["", "usd", "US", "XXQ", "USD,EUR", "840"]),
    ("wallet_id", &["", "abc", "01993f2a", "null"]),
    ("status", &["", "completed", "DONE", "COMPLETED,FAILED", "2"]),
    ("kind", &["", "transfer", "TRANSFERS", "1"]),
    (
        "from",
        &[
            "",
            "yesterday",
            "2026-01-05",
            "1767584038",
            "2026-13-01T00:00:00Z",
            "2026-01-05T03:33:58",
            "25:00",
        ],
    ),
    ("batch_id", &["", "mine", "7", "01993f2a-5c00"]),
    ("parent_id", &["", "mine", "7", "01993f2a-5c00"]),
    (
        "to",
        &["", "tomorrow", "2026-02-30T00:00:00Z", "T", "2026-01-05T24:00:01Z"],
    ),
];

async fn lists_of(ana: &Customer, document: &Value) -> Vec<(String, Vec<String>)> {
    let lists = ["/v1/wallets", "/v1/wallets/{wallet_id}/entries", "/v1/transfers"];
    let of = |path: &&str| {
        let parameters = document["paths"][*path]["get"]["parameters"]
            .as_array()
            .expect("a list has parameters");
        let queries = parameters.iter().filter(|parameter| parameter["in"] == "query");
        let names = queries
            .filter_map(|parameter| parameter["name"].as_str())
            .map(str::to_owned)
            .collect();
        (path.replace("{wallet_id}", &ana.wallet.0.to_string()), names)
    };
    lists.iter().map(of).collect()
}

async fn bad_query_parameters(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "5").await;
    let document = document(&bank.services).expect("the document can be made");
    for (path, names) in lists_of(&ana, &document).await {
        for name in &names {
            let bad = BAD_QUERIES.iter().find(|(known, _)| known == name);
            let (_, values) = bad.unwrap_or_else(|| panic!("BAD_QUERIES knows no {name} of {path}"));
            for value in *values {
                let answer = ana.caller.get(&format!("{path}?{name}={value}")).await;
                assert_eq!(answer.status, 400, "{path}?{name}={value}: {}", answer.text);
                answer.expect_problem(400, "invalid_request");
                assert_eq!(
                    answer.json["errors"][0]["field"],
                    name.as_str(),
                    "{path}?{name}={value}: {}",
                    answer.text
                );
            }
            let twice = ana.caller.get(&format!("{path}?{name}=1&{name}=1")).await;
            twice.expect_problem(400, "invalid_request");
            assert_eq!(twice.json["errors"][0]["field"], name.as_str());
        }
    }
    // A cursor is valid only for the list that returned it.
    let transfers = ana
        .caller
        .get("/v1/transfers?limit=1&cursor=w0123456789abcdef0123456789abcdef")
        .await;
    transfers.expect_problem(400, "invalid_request");
}

async fn good_query_parameters(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "5").await;
    let of = |query: &str| {
        let (caller, path) = (ana.caller.clone(), format!("/v1/transfers?{query}"));
        async move {
            caller.get(&path).await.expect(200)["items"]
                .as_array()
                .map_or(0, Vec::len)
        }
    };
    for everything in [
        "",
        "limit=1",
        "limit=500",
        "status=COMPLETED",
        "kind=DEPOSIT",
        "from=2026-01-01T00:00:00Z",
        "from=2026-01-05T04:33:58%2B01:00",
        "to=2100-01-01T00:00:00Z",
    ] {
        assert_eq!(of(everything).await, 1, "{everything}");
    }
    for nothing in [
        "status=FAILED",
        "kind=TRANSFER",
        "from=2026-01-05T03:33:58.001Z",
        "to=2026-01-05T03:33:58Z",
    ] {
        assert_eq!(of(nothing).await, 0, "{nothing}");
    }
}

async fn a_range_that_ends_before_it_begins_is_refused(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "5").await;
    let own = format!("&wallet_id={}", ana.wallet);
    let (early, late) = ("2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z");
    for rest in ["", own.as_str(), "&status=FAILED", "&kind=DEPOSIT"] {
        let path = |from: &str, to: &str| format!("/v1/transfers?from={from}&to={to}{rest}");
        for (from, to) in [(late, early), ("2026-01-05T00:00:00.000001Z", "2026-01-05T00:00:00Z")] {
            let answer = ana.caller.get(&path(from, to)).await;
            answer.expect_problem(422, "invalid_field");
            assert_eq!(answer.json["errors"][0]["field"], "from", "{from} {to}{rest}");
        }
        // An empty range is an empty list, as of statements.
        let empty = ana.caller.get(&path(late, late)).await.expect(200);
        assert_eq!(
            (&empty["items"], &empty["next_cursor"]),
            (&Value::Array(Vec::new()), &Value::Null)
        );
        ana.caller.get(&path(early, late)).await.expect(200);
    }
}

/// Ids contain a time, but only from 1970 on and for some thousands of years.
async fn times_that_no_id_can_carry_are_bounds_all_the_same(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "5").await;
    let early = ["1969-12-31T23:59:59Z", "1900-01-01T00:00:00Z", "0001-01-01T00:00:00Z"];
    let late = [
        "2500-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "%2B12000-01-01T00:00:00Z",
    ];
    for (times, since, until) in [(early, 1, 0), (late, 0, 1)] {
        for time in times {
            for (name, expected) in [("from", since), ("to", until)] {
                let answer = ana.caller.get(&format!("/v1/transfers?{name}={time}")).await;
                // A year of five digits may be refused; if it is accepted, it must count exactly.
                if answer.status != 400 || !time.starts_with('%') {
                    let items = answer.expect(200)["items"].as_array().map(Vec::len);
                    assert_eq!(items, Some(expected), "{name}={time}");
                }
            }
        }
    }
}
