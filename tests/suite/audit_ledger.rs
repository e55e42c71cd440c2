//! The lines of the audit log that group commits write: each change of a wallet and each reversal has exactly one, with
//! its id. What is refused, changes nothing or is only tried has none.

mod refused;

use std::sync::Arc;

use chrono::TimeDelta;
use entity::changes;
use harness::audit::RecordedLine;
use harness::{Answer, TestBank, on_every_backend};
use reqwest::Method;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use service::actor::Actor;
use service::ledger::{Action, AskedAmount, Command, LimitsRequest, Outcome, ReversalRequest, StatusRequest, Texts};
use service::values::{AuditId, ChangeKind, Currency, Timestamp, TransferId, UserId, WalletId, WalletStatus};
use service::wallets::{Expected, StatusReason, WalletLimits};
use uuid::Uuid;

use crate::life::LifeStage;
use crate::own_committer::Committer;
use crate::requests::{money, wallet_path, withdraw};

on_every_backend!(
    each_change_of_a_wallet_has_its_line,
    each_reversal_has_its_line,
    a_line_tells_where_the_request_came_from_and_with_which_key,
    one_commit_has_a_line_for_each_of_its_changes_and_reversals,
    an_owner_who_asks_is_named_in_the_line,
);

/// The lines about wallets and transfers, in the order of their ids.
async fn lines(bank: &TestBank) -> Vec<RecordedLine> {
    let mut lines = bank.audit_lines().await;
    lines.retain(|line| {
        let kind = line.subject.as_ref().map(|(kind, _)| kind.as_str());
        matches!(kind, Some("wallet" | "transfer"))
    });
    lines
}

/// The ids of the changes of a wallet after its opening, in their order.
async fn changes_of(bank: &TestBank, wallet: WalletId) -> Vec<Uuid> {
    let found = changes::Entity::find()
        .filter(changes::Column::Subject.eq(wallet))
        .filter(changes::Column::Kind.ne(ChangeKind::Opened))
        .order_by_asc(changes::Column::Id)
        .all(&bank.db.read)
        .await;
    let found = found.expect("changes can be read");
    found.into_iter().map(|change| change.id.0).collect()
}

fn actions(lines: &[RecordedLine]) -> Vec<&str> {
    lines.iter().map(|line| line.action.as_str()).collect()
}

/// A line of an operator who asked without HTTP.
fn line_of(
    (id, at): (Uuid, Timestamp),
    action: &str,
    actor: &Actor,
    (kind, subject, person): (&str, Uuid, UserId),
    [before, after]: [Value; 2],
) -> RecordedLine {
    let told = |value: Value| (!value.is_null()).then_some(value);
    RecordedLine {
        id: AuditId(id),
        at,
        action: action.to_owned(),
        actor: Some(actor.user),
        api_key: None,
        subject: Some((kind.to_owned(), subject)),
        person: Some(person),
        address: None,
        user_agent: None,
        request: None,
        email_digest: None,
        before: told(before),
        after: told(after),
    }
}

async fn each_change_of_a_wallet_has_its_line(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let (wallets, operator) = (&stage.services.wallets, &stage.operator);
    let (ben, wallet) = (stage.ben.0.user, stage.ben.1);
    let some = WalletLimits {
        per_transfer: Some(money("5")),
        per_day_amount: None,
        per_day_count: Some(3),
    };
    let reason = StatusReason::try_new(" \"Lost\" phone. ");
    let any = || Expected::Anything;
    let mut changed = vec![wallets.freeze(operator, wallet, reason, any()).await];
    bank.advance(TimeDelta::milliseconds(1_500)).await;
    changed.push(wallets.unfreeze(operator, wallet, None, any()).await);
    for limits in [some, WalletLimits::default()] {
        changed.push(wallets.set_limits(operator, wallet, limits, any()).await);
    }
    changed.push(wallets.close(operator, wallet, any()).await);
    let status = |status: &str| json!({ "status": status });
    let none = json!({ "per_transfer": null, "per_day_amount": null, "per_day_count": null });
    let some = json!({ "per_transfer": "5.0000", "per_day_amount": null, "per_day_count": 3 });
    let told = [
        (
            "wallet.frozen",
            [
                status("ACTIVE"),
                json!({ "status": "FROZEN", "reason": "\"Lost\" phone." }),
            ],
        ),
        ("wallet.unfrozen", [status("FROZEN"), status("ACTIVE")]),
        ("wallet.limited", [none.clone(), some.clone()]),
        ("wallet.limited", [some, none]),
        ("wallet.closed", [status("ACTIVE"), status("CLOSED")]),
    ];
    let ids = changes_of(&bank, wallet).await;
    assert_eq!(ids.len(), told.len());
    let expected = ids.into_iter().zip(changed).zip(told);
    let expected = expected.map(|((id, changed), (action, values))| {
        let at = changed.expect("it can be changed").updated_at;
        line_of((id, at), action, operator, ("wallet", wallet.0, ben), values)
    });
    assert_eq!(lines(&bank).await, expected.collect::<Vec<_>>());
}

async fn each_reversal_has_its_line(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    bank.open_method("wire", "USD").await;
    let (ana, ben) = (stage.ana.0.user, stage.ben.0.user);
    let paid = stage.pay("40").await.expect("there is enough").transfer.transfer.id;
    let withdrawal = withdraw(&stage.services, &stage.ana.0, stage.ana.1, "5").await;
    let withdrawal = withdrawal.expect("there is enough").transfer.transfer.id;
    let mut expected = Vec::new();
    // Ben pays back, and then the bank does.
    for (original, amount, person) in [(paid, "15", ben), (paid, "25", ben), (withdrawal, "5", ana)] {
        let reversal = stage.reverse(original, Some(amount)).await;
        let reversal = reversal.expect("it can be taken back").transfer.transfer;
        let after = json!({
            "reversal": reversal.id,
            "amount": format!("{amount}.0000"),
            "currency": "USD",
        });
        expected.push(line_of(
            (reversal.id.0, reversal.created_at),
            "transfer.reversed",
            &stage.operator,
            ("transfer", original.0, person),
            [Value::Null, after],
        ));
    }
    assert_eq!(lines(&bank).await, expected);
}

async fn a_line_tells_where_the_request_came_from_and_with_which_key(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "10").await;
    let operator = bank.operator().await;
    let desk = bank.operator_actor().await.user;
    let body = json!({ "name": "desk", "scopes": ["wallets:freeze", "limits:write"] });
    let made = operator.post("/v1/api-keys", body).await.expect(201);
    let program = bank.with_token(made["secret"].as_str().expect("a new key has a secret"));
    let mut requests = Vec::new();
    for (caller, method, rest, body) in [
        (&operator, Method::POST, "/freeze", json!({ "reason": "Lost phone." })),
        (&program, Method::POST, "/unfreeze", json!({ "reason": null })),
        (&program, Method::PUT, "/limits", json!({ "per_day_count": 3 })),
    ] {
        let request = caller
            .request(method, &wallet_path(ana.wallet, rest))
            .header("user-agent", "desk/1.0")
            .header("x-request-id", format!("number-{}", requests.len()));
        let answer = Answer::of(request.json(&body)).await;
        requests.push(answer.header("x-request-id").to_owned());
        answer.expect(200);
    }
    let lines = lines(&bank).await;
    assert_eq!(actions(&lines), ["wallet.frozen", "wallet.unfrozen", "wallet.limited"]);
    for (number, line) in lines.iter().enumerate() {
        assert_eq!((line.actor, line.person), (Some(desk), Some(ana.actor.user)));
        let key = line.api_key.map_or(Value::Null, |key| json!(key));
        assert_eq!(key, if number == 0 { Value::Null } else { made["id"].clone() });
        line.expect_client(Some("127.0.0.1"), Some("desk/1.0"), Some(requests[number].as_str()));
    }
    let after = json!({ "status": "FROZEN", "reason": "Lost phone." });
    assert_eq!(lines[0].after.as_ref(), Some(&after));
    // The reason stands in the audit log and nowhere else.
    let kept = "SELECT count(*) AS n FROM changes WHERE after LIKE '%phone%'";
    assert_eq!(bank.number(kept).await, 0);
}

fn transfer_of<E: std::fmt::Debug>(outcome: &Result<Outcome, E>) -> TransferId {
    match outcome {
        Ok(Outcome::Recorded { transfer, .. }) if transfer.failure.is_none() => transfer.id,
        other => panic!("{other:?}"),
    }
}

async fn one_commit_has_a_line_for_each_of_its_changes_and_reversals(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let paid = stage.pay("40").await.expect("there is enough").transfer.transfer.id;
    let committer = Committer::of(&bank).await;
    let by_operator = |action| Command::new(stage.operator.clone(), action);
    let commands = vec![
        by_operator(Action::Reverse(ReversalRequest {
            original: paid,
            amount: AskedAmount::Rest,
            texts: Texts::default(),
        })),
        by_operator(Action::SetLimits(LimitsRequest {
            wallet: stage.ben.1,
            limits: WalletLimits {
                per_day_count: Some(1),
                ..WalletLimits::default()
            },
            expected: Expected::Anything,
        })),
        by_operator(Action::SetStatus(StatusRequest {
            wallet: stage.ana.1,
            status: WalletStatus::Frozen,
            reason: None,
            expected: Expected::Anything,
        })),
    ];
    let both = "SELECT count(*) AS n FROM journal WHERE changes = 2";
    let before = bank.number(both).await;
    let outcomes = committer.commit(&bank, commands).await;
    let after = bank.number(both).await;
    assert_eq!(after, before + 1, "they are in one commit: {outcomes:?}");
    let lines = lines(&bank).await;
    assert_eq!(
        actions(&lines),
        ["transfer.reversed", "wallet.limited", "wallet.frozen"]
    );
    let limited = changes_of(&bank, stage.ben.1).await;
    let frozen = changes_of(&bank, stage.ana.1).await;
    let ids: Vec<Uuid> = lines.iter().map(|line| line.id.0).collect();
    assert_eq!(ids, [vec![transfer_of(&outcomes[0]).0], limited, frozen].concat());
}

/// Who asked stands in the line also where the change says `None`, which stands for the owner.
async fn an_owner_who_asks_is_named_in_the_line(bank: Arc<TestBank>) {
    let operator = bank.operator_actor().await;
    let wallets = &bank.services.wallets;
    let usd = Currency::from_code("USD").expect("USD is a currency");
    let own = wallets.open(&operator, usd).await.expect("it is the first").id;
    let frozen = wallets.freeze(&operator, own, None, Expected::Anything).await;
    frozen.expect("it is active");
    let noted = "SELECT count(*) AS n FROM changes WHERE created_by IS NOT NULL";
    assert_eq!(bank.number(noted).await, 0);
    let lines = lines(&bank).await;
    assert_eq!(lines.len(), 1);
    let asker = Some(operator.user);
    assert_eq!((lines[0].actor, lines[0].person), (asker, asker));
}
