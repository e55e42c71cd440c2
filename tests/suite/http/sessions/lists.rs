//! The list of one's own sessions, and ending them.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::bank::PASSWORD;
use harness::{Answer, TestBank, on_every_backend};
use reqwest::Method;
use serde_json::{Value, json};

use super::{delete, is_out, login, refresh, with};

on_every_backend!(sessions_are_listed_and_ended, all_sessions_are_ended_together);
on_sqlite!(another_users_session_is_not_found, a_session_shows_where_it_was_used);

const PATH: &str = "/v1/users/me/sessions";

fn items(list: &Value) -> &Vec<Value> {
    list["items"].as_array().expect("a list has items")
}

async fn sessions_are_listed_and_ended(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    bank.advance(TimeDelta::seconds(1)).await;
    let (first, second) = (login(&bank, &ana.email).await, {
        bank.advance(TimeDelta::seconds(1)).await;
        login(&bank, &ana.email).await
    });
    let caller = with(&bank, &first);
    let list = caller.get(PATH).await.expect(200);
    assert_eq!(list["next_cursor"], Value::Null);
    let current: Vec<_> = items(&list).iter().map(|session| &session["current"]).collect();
    assert_eq!(current, [false, true, false], "newest first: {list}");
    let names: Vec<_> = items(&list)[0].as_object().expect("it is an object").keys().collect();
    let expected = ["id", "created_at", "last_used_at", "address", "user_agent", "current"];
    assert_eq!(names, expected);

    let path = format!("{PATH}/{}", items(&list)[0]["id"].as_str().unwrap_or_default());
    let ended = delete(&caller, &path).await;
    assert_eq!((ended.status, ended.text.as_str()), (204, ""));
    is_out(&with(&bank, &second).get(PATH).await);
    is_out(&refresh(&bank, &second["refresh_token"]).await);
    delete(&caller, &path).await.expect_problem(404, "not_found");
    assert_eq!(items(&caller.get(PATH).await.expect(200)).len(), 2);
}

async fn all_sessions_are_ended_together(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let other = login(&bank, &ana.email).await;
    let ended = delete(&ana.caller, PATH).await;
    assert_eq!((ended.status, ended.text.as_str()), (204, ""));
    is_out(&ana.caller.get(PATH).await);
    is_out(&with(&bank, &other).get(PATH).await);
    is_out(&refresh(&bank, &other["refresh_token"]).await);
    let fresh = login(&bank, &ana.email).await;
    assert_eq!(items(&with(&bank, &fresh).get(PATH).await.expect(200)).len(), 1);
}

async fn another_users_session_is_not_found(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer("ana").await, bank.customer("ben").await);
    let bens = ben.caller.get(PATH).await.expect(200);
    let id = items(&bens)[0]["id"].as_str().unwrap_or_default();
    for caller in [&ana.caller, &bank.operator().await] {
        for id in [id, "01993f2a-7b10-7f60-9e80-bc616daef006"] {
            let refused = delete(caller, &format!("{PATH}/{id}")).await;
            refused.expect_problem(404, "not_found");
        }
    }
    delete(&ana.caller, &format!("{PATH}/x"))
        .await
        .expect_problem(400, "invalid_request");
    ben.caller.get(PATH).await.expect(200);
}

async fn a_session_shows_where_it_was_used(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let sign_in = bank
        .anonymous()
        .request(Method::POST, "/v1/auth/login")
        .header("User-Agent", "Browser/1 (été)".as_bytes())
        .json(&json!({ "email": ana.email, "password": PASSWORD }));
    let tokens = Answer::of(sign_in).await.expect(200);
    let current = async |tokens: &Value| {
        let list = with(&bank, tokens).get(PATH).await.expect(200);
        let session = items(&list).iter().find(|session| session["current"] == true);
        session.expect("one session is the caller's").clone()
    };
    let session = current(&tokens).await;
    assert_eq!(
        (&session["address"], &session["user_agent"]),
        (&json!("127.0.0.1"), &json!("Browser/1 (été)"))
    );
    assert_eq!(session["created_at"], session["last_used_at"]);

    bank.advance(TimeDelta::seconds(5)).await;
    let request = bank
        .anonymous()
        .request(Method::POST, "/v1/auth/refresh")
        .header("User-Agent", "x".repeat(500))
        .json(&json!({ "refresh_token": tokens["refresh_token"] }));
    let tokens = Answer::of(request).await.expect(200);
    let later = current(&tokens).await;
    assert_eq!(
        (&later["id"], &later["created_at"]),
        (&session["id"], &session["created_at"])
    );
    assert_ne!(later["last_used_at"], session["last_used_at"]);
    assert_eq!(later["user_agent"], "x".repeat(200));
}
