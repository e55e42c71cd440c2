//! What is secret of a webhook never reaches the log, whatever its level: the signing secrets, and the paths of URLs, which
//! often hold a token of the receiver.

use harness::program::Serving;
use harness::{Backend, HookReply, TestWebhook};
use serde_json::json;

use super::SendingBank;

const TOKEN: &str = "a-token-of-the-receiver-4711";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_secret_of_a_webhook_is_logged() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let bank = SendingBank::new(backend).await;
        let arguments = ["--log", "trace", "--webhooks-private", "allow"];
        bank.first.kill().await;
        let server = Serving::start(bank.place.folder.path(), &bank.place.arguments(&arguments)).await;
        let token = bank.ana.caller.token.as_deref().expect("a customer has a token");
        let caller = server.caller().with_token(token);
        let path = format!("/hook/{TOKEN}");
        let hook = TestWebhook::make(&caller, &bank.receiver.url(&path), json!({})).await;
        let new = hook.rotate(60).await;
        let edwards = TestWebhook::make(&caller, &bank.receiver.url("/ed"), json!({ "signing": "ed25519" })).await;
        for reply in [
            HookReply::Status(200),
            HookReply::HangsUp,
            HookReply::Babbles,
            HookReply::Status(500),
        ] {
            bank.receiver.set(reply);
            hook.test().await;
        }
        bank.receiver.set(HookReply::Status(200));
        caller
            .post("/v1/transfers", bank.ana.one_to(&bank.ben))
            .await
            .expect(201);
        bank.receiver.until_delivered(&path, 2).await;
        bank.receiver.until_delivered("/ed", 1).await;
        // A URL that cannot be taken is not repeated in the log either.
        let wrong = format!("https://user:{TOKEN}@example.com/");
        let refused = TestWebhook::try_make(&caller, &wrong, json!({})).await;
        assert!(!refused.text.contains(TOKEN), "{}", refused.text);
        server.terminate().await;
        let ended = server.ended().await;
        assert_eq!(ended.status, Some(0), "{ended:?}");
        assert!(ended.stderr.contains("/v1/webhooks"), "it logs its requests");
        for secret in [&hook.secret, &new.secret] {
            let secret = secret.strip_prefix("whsec_").expect("it is a secret");
            assert!(!ended.stderr.contains(secret), "a secret is logged on {backend:?}");
        }
        for words in [TOKEN, "whsec_", "whsk_"] {
            let found = ended.stderr.find(words);
            let near = found.map(|at| &ended.stderr[ended.stderr.floor_char_boundary(at.saturating_sub(200))..at]);
            assert_eq!(near, None, "{words} is logged on {backend:?}");
        }
        assert!(edwards.secret.starts_with("whpk_"), "the bank keeps the secret half");
        bank.place.remove().await;
    }
}
