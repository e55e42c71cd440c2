//! A request for another customer's object must cost the bank as much as one for an object that does not exist.
//! Otherwise the time of the answer would show which of them exist.
//!
//! The test reads PostgreSQL's own counters: statements by text, and the pages that each of them read.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::app::document;
use harness::database::TestDatabase;
use harness::servers::{Durability, PostgresServer};
use harness::{Answer, Backend, Caller, Customer, ManualClock, TestBank};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use crate::access::Operation;
use crate::strangers::face;

/// The bank has background work and its caches fill up, so only what occurs in every try belongs to the request.
const TRIES: usize = 4;
const NOTHING: &str = "01993f2a-5c00-7a10-8f3b-6d1c0e5a9b01";

/// The cost of each statement: how often it ran, and how many pages it read.
type Costs = BTreeMap<String, (i64, i64)>;

/// A request that names one object by its id.
struct Guess {
    path: String,
    body: Option<Value>,
}

/// Objects that Eve cannot see.
struct Others {
    wallets: [String; 2],
    transfer: String,
    user: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_customer_has_costs_the_same_as_what_is_not_there() {
    let settings = [("shared_preload_libraries", "pg_stat_statements")];
    let server = PostgresServer::start(Durability::Fast, &settings)
        .await
        .expect("a server starts");
    let database = TestDatabase::on(&server, "counted").await;
    let bank = TestBank::open_on(Backend::Postgres, database, Arc::new(ManualClock::new()), 8192).await;
    bank.execute("CREATE EXTENSION pg_stat_statements").await;
    let (ana, eve) = (bank.customer_with("ana", "10").await, bank.customer("eve").await);
    // After this the committer remembers both wallets and the system wallet.
    let body = json!({ "source_wallet_id": ana.wallet, "destination_wallet_id": eve.wallet, "amount": "1" });
    ana.caller.post("/v1/transfers", body).await.expect(201);
    let deposits = ana.caller.get("/v1/transfers?kind=DEPOSIT").await.expect(200);
    let others = Others {
        wallets: [ana.wallet.0, bank.system_wallet("visa").await.0].map(|id| id.to_string()),
        transfer: deposits["items"][0]["id"]
            .as_str()
            .expect("a deposit has an id")
            .to_owned(),
        user: ana.actor.user.0.to_string(),
    };
    let document = document(&bank.services).expect("the document can be made");
    let mut compared = 0;
    for operation in Operation::all(&document) {
        for (theirs, unknown) in others.guesses(&document, &operation, &eve) {
            cost_the_same(&bank, &eve.caller, &operation, &theirs, &unknown).await;
            compared += 1;
        }
    }
    assert!(compared >= 12, "only {compared} ways to guess");
    bank.close().await;
}

impl Others {
    /// For every place of an id in an operation: a request with another customer's id, and one with an id of nothing.
    fn guesses(&self, document: &Value, operation: &Operation, eve: &Customer) -> Vec<(Guess, Guess)> {
        let method = operation.method.as_str().to_lowercase();
        let parameters = document["paths"][&operation.path][method]["parameters"].as_array();
        let mut guesses = Vec::new();
        for parameter in parameters.into_iter().flatten() {
            let (name, place) = (&parameter["name"], &parameter["in"]);
            let name = name.as_str().expect("a parameter has a name");
            // A filter of a list is answered with an empty list for any id of others.
            let is_filter = matches!(name, "batch_id" | "parent_id") || (name == "transfer_id" && place == "query");
            if !name.ends_with("_id") || is_filter {
                continue;
            }
            let path = |id: &str| match place.as_str() {
                Some("query") => format!("{}?{name}={id}", operation.path),
                _ if operation.id == "wallets_balance" => {
                    format!(
                        "{}?at=2026-01-05T03:33:58Z",
                        operation.path.replace(&format!("{{{name}}}"), id)
                    )
                }
                _ => operation.path.replace(&format!("{{{name}}}"), id),
            };
            // What else the path names is nothing.
            let path = |id: &str| {
                path(id)
                    .replace("{webhook_id}", NOTHING)
                    .replace("{delivery_id}", NOTHING)
            };
            let guess = |id: &str| Guess {
                path: path(id),
                body: operation.body.clone(),
            };
            guesses.extend(self.named(name).iter().map(|id| (guess(id), guess(NOTHING))));
        }
        for name in ["source_wallet_id", "destination_wallet_id"] {
            let Some(mut body) = operation.body.clone().filter(|body| body.get(name).is_some()) else {
                continue;
            };
            body["source_wallet_id"] = json!(eve.wallet);
            body["destination_wallet_id"] = json!(eve.wallet);
            let guess = |id: &str| {
                let mut body = body.clone();
                body[name] = json!(id);
                Guess {
                    path: operation.path.clone(),
                    body: Some(body),
                }
            };
            // Any customer's wallet may be paid, so as a destination it is not hidden.
            let hidden = &self.wallets[usize::from(name == "destination_wallet_id")..];
            guesses.extend(hidden.iter().map(|id| (guess(id), guess(NOTHING))));
        }
        guesses
    }

    fn named(&self, name: &str) -> &[String] {
        match name {
            "wallet_id" => &self.wallets,
            "user_id" => std::slice::from_ref(&self.user),
            // For a customer the bank does not look up what only operators may see, so any id serves.
            // Sessions, API keys and webhooks of others have tests of their own.
            "transfer_id" | "import_id" | "merchant_id" | "session_id" | "api_key_id" | "actor_id" | "subject_id"
            | "webhook_id" | "delivery_id" => std::slice::from_ref(&self.transfer),
            _ => panic!("a new kind of id: {name}"),
        }
    }
}

async fn cost_the_same(bank: &TestBank, caller: &Caller, operation: &Operation, theirs: &Guess, unknown: &Guess) {
    let (answer, costs) = cost(bank, caller, operation, theirs).await;
    let (expected, least) = cost(bank, caller, operation, unknown).await;
    let shown = format!("{} {} {:?}", operation.id, theirs.path, theirs.body);
    assert!(matches!(answer.status, 403 | 404), "{shown}: {}", answer.text);
    assert_eq!(face(&answer), face(&expected), "{shown}");
    let calls = |costs: &Costs| -> Vec<(String, i64)> {
        costs
            .iter()
            .map(|(query, (calls, _))| (query.clone(), *calls))
            .collect()
    };
    assert_eq!(calls(&costs), calls(&least), "{shown}");
    for (query, (calls, pages)) in &costs {
        // A row that exists may cost one page more per call, and nothing else.
        let more = pages - least[query].1;
        assert!((0..=*calls).contains(&more), "{shown}: {more} pages more in {query}");
    }
}

/// Tries until every connection has met the statements of a request.
const PARSING_TRIES: usize = 3;

/// The cost of a request: the minimum over some tries, of the statements that occur in all of them.
async fn cost(bank: &TestBank, caller: &Caller, operation: &Operation, guess: &Guess) -> (Answer, Costs) {
    // A connection parses a statement when it first meets it, which is counted under another text.
    for _ in 0..PARSING_TRIES {
        one_try(bank, caller, operation, guess).await;
    }
    let (answer, mut least) = one_try(bank, caller, operation, guess).await;
    for _ in 1..TRIES {
        let (_, costs) = one_try(bank, caller, operation, guess).await;
        least = least
            .into_iter()
            .filter_map(|(query, (calls, pages))| {
                let other = costs.get(&query)?;
                Some((query, (calls.min(other.0), pages.min(other.1))))
            })
            .collect();
    }
    (answer, least)
}

async fn one_try(bank: &TestBank, caller: &Caller, operation: &Operation, guess: &Guess) -> (Answer, Costs) {
    bank.number("SELECT count(*) AS n FROM pg_stat_statements_reset()")
        .await;
    let request = caller.request(operation.method.clone(), &guess.path);
    let answer = match &guess.body {
        Some(body) => Answer::of(request.json(body)).await,
        None => Answer::of(request).await,
    };
    // The pool cleans a returned connection at any time, so its statements are left out.
    let sql = "SELECT query, sum(calls)::bigint AS calls, sum(shared_blks_hit + shared_blks_read)::bigint AS pages \
               FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_statements%' \
               AND query NOT LIKE 'BEGIN%' AND query NOT LIKE 'ROLLBACK%' GROUP BY query";
    let query = Statement::from_string(bank.db.backend(), sql);
    let rows = bank
        .db
        .read
        .query_all_raw(query)
        .await
        .expect("the counters can be read");
    let cell = |row: &sea_orm::QueryResult, name: &str| row.try_get("", name).expect("it is a whole number");
    let costs = rows
        .iter()
        .map(|row| {
            let query: String = row.try_get("", "query").expect("it is text");
            (query, (cell(row, "calls"), cell(row, "pages")))
        })
        .collect();
    (answer, costs)
}
