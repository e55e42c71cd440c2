//! A process is killed between the two halves of a registration: the user is stored, but the ledger has not opened the
//! wallet yet.

use serde_json::json;

use super::Two;
use crate::program::try_post;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wallet_that_a_kill_left_unopened_comes_with_the_next_sign_in() {
    let two = Two::new().await;
    let other = two.serve_other().await;
    let body = json!({ "email": "cara@example.com", "password": "correct horse battery", "full_name": "Cara" });
    // Holds the statement that writes the wallet and its opening change.
    let holding = two.way.hold("new_wallets");
    let asked = tokio::spawn({
        let (caller, body) = (other.caller(), body.clone());
        async move { try_post(&caller, "/v1/auth/register", "registered", &body).await }
    });
    let held = holding.held().await;
    other.kill().await;
    drop(held);
    assert!(
        asked.await.expect("it does not panic").is_none(),
        "a killed process answers nobody"
    );
    let anybody = two.steady.caller();
    anybody
        .post("/v1/auth/register", body)
        .await
        .expect_problem(409, "email_taken");
    for _ in 0..2 {
        let credentials = json!({ "email": "cara@example.com", "password": "correct horse battery" });
        let token = anybody.post("/v1/auth/login", credentials).await.expect(200);
        let cara = two
            .steady
            .caller()
            .with_token(token["access_token"].as_str().unwrap_or_default());
        let wallets = cara.get("/v1/wallets").await.expect(200);
        assert_eq!(wallets["items"].as_array().map(Vec::len), Some(1), "{wallets}");
        assert_eq!(wallets["items"][0]["currency"], "USD");
    }
    two.assert_sound().await;
    two.end().await;
}
