//! Who sees which events: staff all, customers those of their own wallets, and a refusal only the source's owner.

use std::sync::Arc;

use harness::events::{record_of, records};
use harness::{EventPoller, EventStream, TestBank, on_every_backend};
use serde_json::{Value, json};
use service::values::Role;

use super::{EVENTS, EventStage, each, path_of, subjects, wallet_path};
use crate::life::act;

on_every_backend!(
    customers_see_the_events_of_their_own_wallets,
    a_refusal_is_seen_by_its_sources_owner_and_who_asked,
    every_role_of_staff_sees_everything,
    a_new_wallet_belongs_to_the_feed_at_once,
    the_banks_own_wallets_are_seen_by_staff_only,
    no_cursor_of_a_customer_names_a_record_of_others,
);
on_sqlite!(the_feed_is_for_those_who_are_signed_in);

async fn customers_see_the_events_of_their_own_wallets(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let eve = bank.customer_with("eve", "50").await;
    let begin = stage.now().await;
    let to_ben = stage.paid("10").await;
    let to_eve = json!({ "source_wallet_id": stage.ben.wallet, "destination_wallet_id": eve.wallet, "amount": "2" });
    let to_eve = stage.ben.caller.post("/v1/transfers", to_eve).await.expect(201);
    let held = stage.held("5").await;
    let captured = stage.ben.caller.post(&path_of(&held, "/capture"), json!({})).await;
    let captured = captured.expect(201);
    let frozen = act(&stage.operator, &wallet_path(eve.wallet, "/freeze"))
        .await
        .expect(200);
    let back = stage
        .operator
        .post(&path_of(&to_ben, "/reverse"), json!({ "amount": "1" }))
        .await;
    let back = back.expect(201);
    let all = [&to_ben, &to_eve, &held, &captured, &frozen, &back];
    for (caller, sees) in [
        (&stage.operator, vec![0, 1, 2, 3, 4, 5]),
        (&stage.ana.caller, vec![0, 2, 3, 5]),
        (&stage.ben.caller, vec![0, 1, 2, 3, 5]),
        (&eve.caller, vec![1, 4]),
    ] {
        let expected: Vec<&Value> = sees.iter().map(|number| &all[*number]["id"]).collect();
        for limit in [1, 2, 500] {
            let events = stage.seen(caller, &format!("limit={limit}"), &begin).await;
            assert_eq!(subjects(&events), expected, "{sees:?}");
        }
    }
    // From the beginning: the opening of the own wallet comes first.
    let mut poller = EventPoller::new(&eve.caller, "");
    let events = poller.rest().await;
    assert_eq!(
        each(events, "type"),
        [
            "wallet.opened",
            "deposit.completed",
            "transfer.completed",
            "wallet.frozen"
        ]
    );
}

async fn a_refusal_is_seen_by_its_sources_owner_and_who_asked(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let held = stage.held("10").await;
    let begin = stage.now().await;
    let refused = stage.refused().await;
    for (caller, sees) in [
        (&stage.ana.caller, vec![&refused]),
        (&stage.ben.caller, vec![]),
        (&stage.operator, vec![&refused]),
    ] {
        let events = stage.seen(caller, "", &begin).await;
        assert_eq!(subjects(&events), sees);
    }
    // Ben asks for Ana's money and is refused: he has asked, and she is the source's owner.
    let begin = stage.now().await;
    act(&stage.operator, &wallet_path(stage.ana.wallet, "/freeze"))
        .await
        .expect(200);
    let capture = stage.ben.caller.post(&path_of(&held, "/capture"), json!({})).await;
    capture.expect_problem(422, "wallet_frozen");
    let failed = &capture.json["transfer_id"];
    for caller in [&stage.ana.caller, &stage.ben.caller, &stage.operator] {
        let events = stage.seen(caller, "types=transfer.failed", &begin).await;
        assert_eq!(subjects(&events), [failed]);
    }
    // What an operator asks for is not shown to the wallet's owner when it is refused: the bank is the source.
    let begin = stage.now().await;
    let deposit = json!({ "amount": "1", "method": "visa" });
    let deposit = stage
        .operator
        .post(&wallet_path(stage.ana.wallet, "/deposits"), deposit)
        .await;
    deposit.expect_problem(422, "wallet_frozen");
    assert_eq!(stage.seen(&stage.ana.caller, "", &begin).await, Vec::<Value>::new());
    assert_eq!(stage.seen(&stage.operator, "", &begin).await.len(), 1);
}

async fn every_role_of_staff_sees_everything(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let begin = stage.now().await;
    stage.paid("1").await;
    stage.refused().await;
    let all = stage.seen(&stage.operator, "", &begin).await;
    assert_eq!(each(&all, "type"), ["transfer.completed", "transfer.failed"]);
    for (name, role) in [("sue", Role::Support), ("aud", Role::Auditor), ("dora", Role::Admin)] {
        bank.user(name, role).await;
        let caller = bank.sign_in(&format!("{name}@example.com")).await;
        assert_eq!(stage.seen(&caller, "", &begin).await, all, "{name}");
    }
}

async fn a_new_wallet_belongs_to_the_feed_at_once(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let begin = stage.now().await;
    assert_eq!(stage.seen(&stage.ana.caller, "", &begin).await, Vec::<Value>::new());
    let euros = bank.open_wallet(&stage.ana, "EUR").await;
    bank.fund(euros, "5", "visa").await;
    let events = stage.seen(&stage.ana.caller, "", &begin).await;
    // The method's own wallet in this currency is opened in between, for the bank.
    assert_eq!(each(&events, "type"), ["wallet.opened", "deposit.completed"]);
    assert_eq!(events[0]["data"]["id"], json!(euros));
    assert_eq!(events[1]["data"]["destination_wallet_id"], json!(euros));
}

async fn the_banks_own_wallets_are_seen_by_staff_only(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let begin = stage.now().await;
    let wire = bank.open_method("wire", "USD").await;
    let events = stage.seen(&stage.operator, "", &begin).await;
    assert_eq!(each(&events, "type"), ["wallet.opened"]);
    assert_eq!(events[0]["data"]["id"], json!(wire));
    assert_eq!(events[0]["data"]["user_id"], Value::Null);
    for customer in [&stage.ana, &stage.ben] {
        assert_eq!(stage.seen(&customer.caller, "", &begin).await, Vec::<Value>::new());
    }
}

async fn the_feed_is_for_those_who_are_signed_in(bank: Arc<TestBank>) {
    for path in [EVENTS, "/v1/events/stream"] {
        let answer = bank.anonymous().get(path).await;
        answer.expect_problem(401, "unauthenticated");
        let answer = bank.with_token("nonsense").get(path).await;
        answer.expect_problem(401, "unauthenticated");
    }
}

async fn no_cursor_of_a_customer_names_a_record_of_others(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let eve = bank.customer_with("eve", "5").await;
    let mut pages = EventPoller::new(&eve.caller, "");
    let mut rare = EventPoller::new(&eve.caller, "types=wallet.frozen");
    let mut cursors = Vec::new();
    for _ in 0..3 {
        stage.paid("1").await;
        for reader in [&mut pages, &mut rare] {
            reader.rest().await;
            cursors.extend(reader.after.clone());
        }
        let mut stream = EventStream::open(&eve.caller, "", None).await;
        stream.beats().await;
        cursors.extend(stream.last_id.clone());
    }
    let own: Vec<_> = each(&pages.events, "id")
        .into_iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(own.len(), 2, "the opening of her wallet, and the deposit");
    let all = records(&bank.db.read).await;
    for cursor in &cursors {
        let is_own = own.contains(&cursor.as_str());
        assert!(is_own || !all.contains(&record_of(cursor)), "{cursor}");
    }
    // What comes is neither lost nor given twice.
    let to_eve = json!({ "source_wallet_id": stage.ana.wallet, "destination_wallet_id": eve.wallet, "amount": "2" });
    let to_eve = stage.ana.caller.post("/v1/transfers", to_eve).await.expect(201);
    for cursor in &cursors {
        let events = stage.seen(&eve.caller, "types=transfer.completed", cursor).await;
        assert_eq!(subjects(&events), [&to_eve["id"]]);
    }
}
