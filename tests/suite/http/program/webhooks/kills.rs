//! A server is killed while it sends: another one goes on where it was, with the same ids.

use harness::{Backend, HookReply, ReceivedHook, TestWebhook};
use serde_json::{Value, json};

use super::{SendingBank, serve};
use crate::program::verifies;

const PATHS: [&str; 4] = ["/ana", "/ana-unordered", "/ben", "/all"];

/// The first request of each event, in the order in which they came.
fn first_of_each(hooks: &[ReceivedHook]) -> Vec<&ReceivedHook> {
    hooks.iter().filter(|hook| hook.attempt == 1).collect()
}

/// What was in hand when its sender was killed came again, with the same id and body.
fn came_again_as_it_was(came: &[ReceivedHook], was_in_hand: &Value, path: &str) {
    let again: Vec<_> = came
        .iter()
        .filter(|one| one.event()["data"]["id"] == *was_in_hand)
        .collect();
    assert!(again.len() >= 2, "{path}: {again:?}");
    let is_same = |one: &&ReceivedHook| (one.id(), &one.body) == (again[0].id(), &again[0].body);
    assert!(again.iter().all(is_same), "{path}");
}

async fn another_server_goes_on(backend: Backend) {
    let bank = SendingBank::new(backend).await;
    let callers = [&bank.ana.caller, &bank.ana.caller, &bank.ben.caller, &bank.operator];
    let mut hooks = Vec::new();
    for (path, caller) in PATHS.into_iter().zip(callers) {
        let fields = json!({ "ordered": !path.ends_with("unordered") });
        hooks.push(TestWebhook::make(caller, &bank.receiver.url(path), fields).await);
    }
    let mut paid = bank.pays(&bank.first, 3).await;
    for path in PATHS {
        bank.receiver.until_delivered(path, 3).await;
    }
    // The first server has every endpoint. Now a request to each is under way, and it is killed.
    let second = serve(&bank.place).await;
    bank.receiver.set(HookReply::Held);
    paid.extend(bank.pays(&bank.first, 2).await);
    for path in PATHS {
        bank.receiver.until(path, 4).await;
    }
    let caller = bank.ana_at(&second);
    let SendingBank {
        place,
        first,
        ana,
        ben,
        receiver,
        ..
    } = bank;
    first.kill().await;
    receiver.set(HookReply::Status(200));
    receiver.let_go();
    for _ in 0..2 {
        let made = caller.post("/v1/transfers", ana.one_to(&ben)).await.expect(201);
        paid.push(made["id"].clone());
    }
    let was_in_hand = paid[3].clone();
    for (path, hook) in PATHS.into_iter().zip(&hooks) {
        let are_all_there = |hooks: &[ReceivedHook]| {
            let is_taken = |id: &Value| {
                hooks
                    .iter()
                    .any(|hook| hook.is_taken() && hook.event()["data"]["id"] == *id)
            };
            paid.iter().all(is_taken)
        };
        let came = receiver.until_that(path, "all events", are_all_there).await;
        let firsts = first_of_each(&came);
        let mut subjects: Vec<Value> = firsts.iter().map(|hook| hook.event()["data"]["id"].clone()).collect();
        subjects.sort_by_key(Value::to_string);
        assert_eq!(subjects, paid, "{path}");
        assert!(came.iter().all(|one| hook.has_signed(one)), "{path}");
        came_again_as_it_was(&came, &was_in_hand, path);
        if !path.ends_with("unordered") {
            assert_eq!(receiver.most_at_once(path), 1, "{path}");
            let order: Vec<Value> = firsts.iter().map(|hook| hook.event()["data"]["id"].clone()).collect();
            assert_eq!(order, paid, "{path}");
        }
    }
    assert_eq!(receiver.most_of_one_id(), 1);
    second.terminate().await;
    let ended = second.ended().await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    verifies(&place).await;
    place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_server_goes_on_after_a_kill_on_sqlite() {
    another_server_goes_on(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_server_goes_on_after_a_kill_on_postgres() {
    another_server_goes_on(Backend::Postgres).await;
}

/// A server that is stopped by SIGSTOP loses its endpoints. When it goes on, it must not send what another one has sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_wakes_up_late_sends_nothing_that_is_no_longer_its() {
    let bank = SendingBank::new(Backend::Postgres).await;
    let hook = TestWebhook::make(&bank.ana.caller, &bank.receiver.url("/ana"), json!({})).await;
    let mut paid = bank.pays(&bank.first, 2).await;
    bank.receiver.until_delivered("/ana", 2).await;
    // Once they are noted, no other server sends them again.
    hook.until_deliveries("delivered", 2).await;
    let second = serve(&bank.place).await;
    bank.first.suspend().await;
    paid.extend(bank.pays(&second, 10).await);
    bank.receiver.until_delivered("/ana", 12).await;
    bank.first.resume().await;
    paid.extend(bank.pays(&second, 10).await);
    paid.extend(bank.pays(&bank.first, 10).await);
    let hooks = bank.receiver.until_delivered("/ana", 32).await;
    let subjects: Vec<Value> = hooks.iter().map(|hook| hook.event()["data"]["id"].clone()).collect();
    assert_eq!(subjects, paid);
    assert_eq!(
        (bank.receiver.most_at_once("/ana"), bank.receiver.most_of_one_id()),
        (1, 1)
    );
    assert_eq!(bank.receiver.hooks("/ana").len(), 32);
    second.kill().await;
    bank.first.kill().await;
    bank.place.remove().await;
}
