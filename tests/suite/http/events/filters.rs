//! The filters of the feed, alone and together.

use std::sync::Arc;

use harness::events::cursor_of;
use harness::{TestBank, on_every_backend};
use serde_json::{Value, json};

use super::{EVENTS, EventStage, each, path_of, subjects, wallet_path};
use crate::life::act;

on_every_backend!(
    types_are_chosen_alone_and_together,
    a_wallet_is_chosen,
    a_transfer_is_chosen_with_all_that_came_of_it,
    filters_hold_together,
    what_a_filter_leaves_out_is_not_looked_at_again,
);
on_sqlite!(
    a_filter_shows_no_caller_more_than_they_see,
    bad_filters_are_refused_by_name,
);

/// What happens in every scenario here: a payment, a refusal, a hold with a capture and a void, a freeze.
struct Happened {
    stage: EventStage,
    begin: String,
    paid: Value,
    held: Value,
}

impl Happened {
    async fn at(bank: &Arc<TestBank>) -> Self {
        let stage = EventStage::set(bank).await;
        let begin = stage.now().await;
        let paid = stage.paid("10").await;
        stage.refused().await;
        let held = stage.held("10").await;
        let part = json!({ "amount": "4", "final": false });
        let part = stage.ben.caller.post(&path_of(&held, "/capture"), part).await;
        part.expect(201);
        let back = stage
            .operator
            .post(&path_of(&paid, "/reverse"), json!({ "amount": "1" }))
            .await;
        back.expect(201);
        act(&stage.ben.caller, &path_of(&held, "/void")).await.expect(201);
        let freeze = wallet_path(stage.ben.wallet, "/freeze");
        act(&stage.operator, &freeze).await.expect(200);
        Self {
            stage,
            begin,
            paid,
            held,
        }
    }

    /// The types that an operator sees with a filter; they are the same page by page.
    async fn types(&self, query: &str) -> Vec<Value> {
        let mut seen = Vec::new();
        for limit in [500, 1] {
            let query = format!("limit={limit}&{query}");
            let events = self.stage.seen(&self.stage.operator, &query, &self.begin).await;
            let types: Vec<Value> = each(&events, "type").into_iter().cloned().collect();
            assert!(seen.is_empty() || seen == types, "{query}: {seen:?} and {types:?}");
            seen = types;
        }
        seen
    }
}

async fn types_are_chosen_alone_and_together(bank: Arc<TestBank>) {
    let happened = Happened::at(&bank).await;
    let all = [
        "transfer.completed",
        "transfer.failed",
        "hold.created",
        "hold.captured",
        "reversal.completed",
        "hold.released",
        "wallet.frozen",
    ];
    assert_eq!(happened.types("").await, all);
    for kind in all {
        assert_eq!(happened.types(&format!("types={kind}")).await, [kind]);
    }
    assert_eq!(
        happened.types("types=wallet.frozen,transfer.completed").await,
        ["transfer.completed", "wallet.frozen"]
    );
    assert_eq!(
        happened.types("types=hold.expired,wallet.closed").await,
        Vec::<Value>::new()
    );
}

async fn a_wallet_is_chosen(bank: Arc<TestBank>) {
    let happened = Happened::at(&bank).await;
    let stage = &happened.stage;
    // A refusal belongs to its source, a freeze to its wallet.
    assert_eq!(
        happened.types(&format!("wallet_id={}", stage.ana.wallet)).await,
        [
            "transfer.completed",
            "transfer.failed",
            "hold.created",
            "hold.captured",
            "reversal.completed",
            "hold.released",
        ]
    );
    assert_eq!(
        happened.types(&format!("wallet_id={}", stage.ben.wallet)).await,
        [
            "transfer.completed",
            "hold.created",
            "hold.captured",
            "reversal.completed",
            "hold.released",
            "wallet.frozen",
        ]
    );
    // With two wallets, a filter leaves the other one out.
    let euros = bank.open_wallet(&stage.ana, "EUR").await;
    let query = format!("wallet_id={euros}");
    let events = stage.seen(&stage.ana.caller, &query, &happened.begin).await;
    assert_eq!(each(&events, "type"), ["wallet.opened"]);
}

async fn a_transfer_is_chosen_with_all_that_came_of_it(bank: Arc<TestBank>) {
    let happened = Happened::at(&bank).await;
    let query = |transfer: &Value| format!("transfer_id={}", transfer["id"].as_str().unwrap_or_default());
    let of_paid = query(&happened.paid);
    assert_eq!(
        happened.types(&of_paid).await,
        ["transfer.completed", "reversal.completed"]
    );
    assert_eq!(
        happened.types(&query(&happened.held)).await,
        ["hold.created", "hold.captured", "hold.released"]
    );
    let stage = &happened.stage;
    for customer in [&stage.ana, &stage.ben] {
        let events = stage.seen(&customer.caller, &of_paid, &happened.begin).await;
        assert_eq!(each(&events, "type"), ["transfer.completed", "reversal.completed"]);
        assert_eq!(subjects(&events)[0], &happened.paid["id"]);
    }
}

async fn filters_hold_together(bank: Arc<TestBank>) {
    let happened = Happened::at(&bank).await;
    let (ana, ben) = (happened.stage.ana.wallet, happened.stage.ben.wallet);
    let held = happened.held["id"].as_str().expect("a hold has an id");
    for (query, types) in [
        (format!("wallet_id={ben}&types=transfer.failed"), vec![]),
        (
            format!("wallet_id={ana}&types=transfer.failed,wallet.frozen"),
            vec!["transfer.failed"],
        ),
        (format!("transfer_id={held}&types=hold.captured"), vec!["hold.captured"]),
        (
            format!("transfer_id={held}&wallet_id={ana}&types=hold.released"),
            vec!["hold.released"],
        ),
        (format!("transfer_id={held}&types=wallet.frozen"), vec![]),
    ] {
        assert_eq!(happened.types(&query).await, types, "{query}");
    }
}

/// A reader with a filter that matches nothing ends at the journal's head, and goes on from there.
async fn what_a_filter_leaves_out_is_not_looked_at_again(bank: Arc<TestBank>) {
    let happened = Happened::at(&bank).await;
    let stage = &happened.stage;
    let mut poller = harness::EventPoller::new(&stage.operator, "types=wallet.closed").after(&happened.begin);
    assert_eq!(poller.rest().await.len(), 0);
    assert_eq!(poller.after.as_deref(), Some(stage.now().await.as_str()));
    let euros = bank.open_wallet(&stage.ana, "EUR").await;
    act(&stage.operator, &wallet_path(euros, "/close")).await.expect(200);
    assert_eq!(each(poller.rest().await, "type"), ["wallet.closed"]);
}

async fn a_filter_shows_no_caller_more_than_they_see(bank: Arc<TestBank>) {
    let happened = Happened::at(&bank).await;
    let stage = &happened.stage;
    let eve = bank.customer("eve").await;
    // Another customer's wallet, one of the bank's and one that does not exist are the same for her.
    let system = bank.system_wallet("visa").await;
    let unknown = service::values::WalletId(uuid::Uuid::from_u128(7));
    for caller in [&eve.caller, &stage.ben.caller] {
        for wallet in [stage.ana.wallet, system, unknown] {
            for path in [EVENTS, "/v1/events/stream"] {
                let answer = caller.get(&format!("{path}?wallet_id={wallet}")).await;
                answer.expect_problem(404, "wallet_not_found");
            }
        }
    }
    let of_held = format!("transfer_id={}", happened.held["id"].as_str().unwrap_or_default());
    let query = format!("limit=1&{of_held}");
    assert_eq!(
        stage.seen(&eve.caller, &query, &happened.begin).await,
        Vec::<Value>::new()
    );
    let query = format!("wallet_id={system}");
    assert_eq!(stage.seen(&stage.operator, &query, &happened.begin).await.len(), 0);
    let start = cursor_of(&bank.db.read, uuid::Uuid::nil()).await;
    assert!(!stage.seen(&stage.operator, &query, &start).await.is_empty());
}

async fn bad_filters_are_refused_by_name(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let unknown = ana.caller.get(&format!("{EVENTS}?types=wallet.opened,nope")).await;
    let message = unknown.json["errors"][0]["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("`nope`") && message.contains("transfer.completed"),
        "{}",
        unknown.text
    );
    for (query, field) in [
        ("types=transfer.stolen", "types"),
        ("types=transfer.completed,", "types"),
        ("types=", "types"),
        ("types=webhook.test", "types"),
        ("wallet_id=x", "wallet_id"),
        ("transfer_id=x", "transfer_id"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("after=", "after"),
        ("after=a%20b", "after"),
        ("after=x", "after"),
    ] {
        for path in [EVENTS, "/v1/events/stream"] {
            // A stream has a limit of another size.
            if path != EVENTS && query == "limit=501" {
                continue;
            }
            let answer = ana.caller.get(&format!("{path}?{query}")).await;
            answer.expect_problem(400, "invalid_request");
            assert_eq!(
                answer.json["errors"][0]["field"], field,
                "{path}?{query}: {}",
                answer.text
            );
        }
    }
}
