//! Several processes send webhooks: no two send one delivery at a time, and another takes over what one leaves.

use std::sync::Arc;
use std::time::Duration;

use harness::{HookReply, TestBank, on_every_backend, tells_events};
use serde_json::json;
use service::Services;
use service::transfers::Asking;

use super::{HookStage, ids, subjects};
use crate::requests::new_transfer;

on_every_backend!(
    two_replicas_never_have_one_delivery_in_hand_at_once,
    a_replica_that_stops_leaves_its_endpoints_to_the_others,
    what_one_replica_changes_counts_for_the_one_that_sends,
);

impl HookStage {
    /// Ana pays Ben so many times through two replicas by turns.
    async fn pays_through(&self, replicas: [&Arc<Services>; 2], times: usize) -> Vec<serde_json::Value> {
        let mut paid = Vec::new();
        for number in 0..times {
            let new = new_transfer(self.ana.wallet, self.ben.wallet, "0.01");
            let made = replicas[number % 2]
                .transfers
                .submit(Asking::by(&self.ana.actor), new)
                .await;
            paid.push(json!(made.expect("there is enough").transfer.transfer.id));
        }
        paid
    }
}

async fn two_replicas_never_have_one_delivery_in_hand_at_once(bank: Arc<TestBank>) {
    const PAID: usize = 60;
    let stage = HookStage::set(&bank).await;
    let other = bank.replica().await;
    tells_events(&other);
    stage.receiver.set(HookReply::Later(Duration::from_millis(2), 200));
    let ordered = ["/ana", "/ben", "/all"];
    let unordered = ["/ana-2", "/ben-2", "/all-2"];
    let callers = [&stage.ana.caller, &stage.ben.caller, &stage.operator];
    for (number, caller) in callers.into_iter().enumerate() {
        stage.hook(caller, ordered[number]).await;
        stage
            .hook_with(caller, unordered[number], json!({ "ordered": false }))
            .await;
    }
    let paid = stage.pays_through([&bank.services, &other], PAID).await;
    for path in ordered.into_iter().chain(unordered) {
        let hooks = stage.receiver.until_delivered(path, PAID).await;
        let mut shown = subjects(&hooks);
        if unordered.contains(&path) {
            shown.sort_by_key(ToString::to_string);
        } else {
            assert_eq!(stage.receiver.most_at_once(path), 1, "{path}");
        }
        assert_eq!(shown, paid, "{path}");
        assert_eq!(stage.receiver.hooks(path).len(), PAID, "{path}");
    }
    assert_eq!(stage.receiver.most_of_one_id(), 1);
    other.stop().await;
}

async fn a_replica_that_stops_leaves_its_endpoints_to_the_others(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let hooks = [
        ("/ana", &stage.ana.caller),
        ("/ben", &stage.ben.caller),
        ("/all", &stage.operator),
    ];
    for (path, caller) in hooks {
        stage.hook(caller, path).await;
    }
    let mut paid = stage.pays(3).await;
    for (path, _) in hooks {
        stage.receiver.until_delivered(path, 3).await;
    }
    // Replicas come and go; one of them is always there.
    let mut last: Option<Arc<Services>> = None;
    for round in 1..=3 {
        let next = bank.replica().await;
        tells_events(&next);
        if let Some(before) = last.replace(next.clone()) {
            before.stop().await;
        }
        paid.extend(stage.pays_through([&next, &bank.services], 10).await);
        for (path, _) in hooks {
            stage.receiver.until_delivered(path, 3 + round * 10).await;
        }
    }
    if let Some(last) = last {
        last.stop().await;
    }
    paid.extend(stage.pays(3).await);
    for (path, _) in hooks {
        let delivered = stage.receiver.until_delivered(path, 36).await;
        assert_eq!(subjects(&delivered), paid, "{path}");
        let mut once = ids(&delivered);
        once.dedup();
        assert_eq!(once.len(), 36, "{path}");
        assert_eq!(stage.receiver.most_at_once(path), 1, "{path}");
    }
}

async fn what_one_replica_changes_counts_for_the_one_that_sends(bank: Arc<TestBank>) {
    let sender = bank.replica().await;
    let stage = HookStage {
        ana: bank.customer_with("ana", "100").await,
        ben: bank.customer("ben").await,
        operator: bank.operator().await,
        receiver: harness::HookReceiver::start().await,
        bank: bank.clone(),
    };
    // Only the other one sends; the bank's own answers requests.
    tells_events(&sender);
    let hook = stage.hook(&stage.ana.caller, "/old").await;
    stage.hook(&stage.ben.caller, "/ben").await;
    let mut paid = stage.pays(2).await;
    stage.receiver.until_delivered("/old", 2).await;
    let new = hook.rotate(0).await;
    hook.change(json!({ "url": stage.receiver.url("/new") })).await;
    paid.extend(stage.pays(2).await);
    let hooks = stage.receiver.until_delivered("/new", 2).await;
    assert_eq!(subjects(&hooks), paid[2..]);
    assert!(
        hooks.iter().all(|one| new.has_signed(one) && !hook.has_signed(one)),
        "{hooks:?}"
    );
    hook.change(json!({ "status": "paused" })).await;
    stage.pays(2).await;
    stage.receiver.until_delivered("/ben", 6).await;
    assert_eq!(stage.receiver.hooks("/new").len(), 2);
    sender.stop().await;
}
