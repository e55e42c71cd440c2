//! One-time tokens at the terminal, and that neither a token nor an address reaches the log of a server that mails
//! them.

use harness::program::{Ended, Serving};
use harness::smtp::MAIL_FROM;
use harness::{Answer, Backend, Caller, SmtpMood, SmtpServer};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Place, customer, names_in, sign_in};

const NEW_PASSWORD: &str = "violet tractor under glass";
const SUPPORT: &str = "sue@example.com";

/// Makes a user of staff.
async fn staff(place: &Place, email: &str, role: &str) {
    let create = [
        "user",
        "create",
        "--email",
        email,
        "--full-name",
        "Staff",
        "--role",
        role,
    ];
    let made = place.run(&create).await;
    assert_eq!(made.status, Some(0), "{made:?}");
}

/// The token that a command printed once, and nowhere else.
fn token_in(made: &Ended) -> String {
    assert_eq!(made.status, Some(0), "{made:?}");
    let lines: Vec<&str> = made.stdout.lines().collect();
    let [token, until] = lines[..] else {
        panic!("{made:?}");
    };
    let token = token.strip_prefix("token ").unwrap_or_else(|| panic!("{made:?}"));
    assert!(
        token.starts_with("florin_ot_") && !made.stderr.contains(token),
        "{made:?}"
    );
    assert!(until.starts_with("until 20") && until.ends_with('Z'), "{made:?}");
    token.to_owned()
}

async fn reset(server: &Serving, token: &str) -> Answer {
    let body = json!({ "token": token, "new_password": NEW_PASSWORD });
    server.caller().post("/v1/auth/reset", body).await
}

async fn confirm(server: &Serving, token: &str) -> Answer {
    let body = json!({ "token": token });
    server.caller().post("/v1/auth/confirm-email", body).await
}

async fn patch(caller: &Caller, body: Value) -> Answer {
    Answer::of(caller.request(Method::PATCH, "/v1/users/me").json(&body)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_made_beside_a_running_bank() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let server = place.serve().await;
        customer(&server, "ana").await;
        staff(&place, SUPPORT, "support").await;
        staff(&place, "dora@example.com", "admin").await;
        let made = place.run(&["user", "reset", "ana@example.com", "--as", SUPPORT]).await;
        assert_eq!(reset(&server, &token_in(&made)).await.status, 204);
        sign_in(&server, "ana@example.com", NEW_PASSWORD).await;

        let email = ["user", "email", "ana@example.com"];
        let made = place
            .run(&[&email[..], &["ana.silva@example.com", "--as", SUPPORT]].concat())
            .await;
        assert_eq!(confirm(&server, &token_in(&made)).await.status, 204);
        let ana = sign_in(&server, "ana.silva@example.com", NEW_PASSWORD).await;
        assert_eq!(
            ana.get("/v1/users/me").await.expect(200)["email"],
            "ana.silva@example.com"
        );

        let refused: [(&[&str], i32, &str); 7] = [
            (&["reset", SUPPORT, "--as", SUPPORT], 1, "another member of staff"),
            (&["reset", "dora@example.com", "--as", SUPPORT], 1, "only an admin"),
            (&["reset", SUPPORT, "--as", "ana.silva@example.com"], 2, "users:reset"),
            (&["reset", "eve@example.com", "--as", SUPPORT], 2, "is not a user"),
            (&["reset", "ana.silva@example.com"], 2, "--as <EMAIL>"),
            (
                &["email", "ana.silva@example.com", SUPPORT, "--as", SUPPORT],
                2,
                "the e-mail address is taken",
            ),
            (
                &["email", "ana.silva@example.com", "ana", "--as", SUPPORT],
                2,
                "not an e-mail address",
            ),
        ];
        for (arguments, status, words) in refused {
            let refused = place.run(&[&["user"][..], arguments].concat()).await;
            assert_eq!(
                (refused.status, refused.stdout.as_str()),
                (Some(status), ""),
                "{refused:?}"
            );
            assert!(refused.stderr.contains(words), "{words}: {refused:?}");
        }
        server.kill().await;
        place.remove().await;
    }
}

/// Everything that makes, mails and uses a token, while the mail server is away, refuses, and takes. Gives what no log
/// may have. Not as ana, whose address stands in the welcome.
async fn use_tokens(server: &Serving, mails: &SmtpServer) -> Vec<String> {
    let zoe = customer(server, "zoe").await.caller;
    let forgotten = json!({ "email": "zoe@example.com" });
    mails.set(SmtpMood::HangsUp);
    let asked = server.caller().post("/v1/auth/forgotten", forgotten).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    mails.called(2).await;
    mails.set(SmtpMood::Takes);
    let first = mails.next_to("zoe@example.com").await.token();
    mails.set(SmtpMood::Refuses);
    let refused = json!({ "email": "refused@example.org" });
    patch(&zoe, refused).await.expect(200);
    mails.called(5).await;
    mails.set(SmtpMood::Takes);
    patch(&zoe, json!({ "email": "zoe@example.org" })).await.expect(200);
    let second = mails.next_to("zoe@example.org").await.token();
    for malformed in [
        format!("{{\"token\":\"{second}\""),
        format!("{{\"token\":[\"{second}\"]}}"),
    ] {
        let request = server.caller().request(Method::POST, "/v1/auth/confirm-email");
        let request = request.header("content-type", "application/json").body(malformed);
        let answer = Answer::of(request).await;
        assert!(
            answer.status == 400 && !answer.text.contains(&second),
            "{}",
            answer.text
        );
    }
    assert_eq!(confirm(server, &second).await.status, 204);
    assert_eq!(confirm(server, &second).await.status, 401);
    mails.next_to("zoe@example.com").await;
    assert_eq!(reset(server, &first).await.status, 401, "a new address has ended it");
    let asked = server
        .caller()
        .post("/v1/auth/forgotten", json!({ "email": "zoe@example.org" }))
        .await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    let third = mails.next_to("zoe@example.org").await.token();
    assert_eq!(reset(server, &third).await.status, 204);
    let addresses = ["zoe@example.com", "zoe@example.org", "refused@example.org"].map(str::to_owned);
    [first, second, third].into_iter().chain(addresses).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_and_no_address_is_logged() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let mails = SmtpServer::start().await;
        // Without a password no name is sent, and it is as secret.
        let url = mails.url().replace("smtp://", "smtp://hidden-user@");
        let place = Place::new(backend).await;
        let arguments = ["--log", "trace", "--smtp-url", &url, "--mail-from", MAIL_FROM];
        let server = Serving::start(place.folder.path(), &place.arguments(&arguments)).await;
        let secrets = use_tokens(&server, &mails).await;
        server.terminate().await;
        let ended = server.ended().await;
        assert_eq!(ended.status, Some(0), "{ended:?}");
        assert!(ended.stderr.contains("/v1/auth/reset"), "it logs its requests");
        assert!(
            ended.stderr.contains("a mail was given up"),
            "it tells of a mail that is lost"
        );
        for secret in secrets.into_iter().chain(["hidden-user".to_owned()]) {
            for output in [&ended.stderr, &ended.stdout] {
                let at = output.find(&secret);
                let near = at.map(|at| &output[output.floor_char_boundary(at.saturating_sub(200))..at]);
                assert_eq!(near, None, "{secret} is told");
            }
        }
        place.remove().await;
    }
}

#[tokio::test]
async fn wrong_settings_of_mails_stop_the_start_without_their_password() {
    let place = Place::new(Backend::Sqlite).await;
    let server = "smtps://florin:hunter2@mail.example";
    let wrong: [(&[&str], &str); 4] = [
        (&["--smtp-url", server], "needs --mail-from"),
        (&["--smtp-url", server, "--mail-from", "florin"], "not an address"),
        (
            &[
                "--smtp-url",
                "http://florin:hunter2@mail.example",
                "--mail-from",
                MAIL_FROM,
            ],
            "the mail server is not named",
        ),
        (
            &["--smtp-url", "hunter2", "--mail-from", MAIL_FROM],
            "the mail server is not named",
        ),
    ];
    for (arguments, words) in wrong {
        let refused = place
            .run(&[&["migrate", "up", "--log", "trace"][..], arguments].concat())
            .await;
        assert_eq!((refused.status, refused.stdout.as_str()), (Some(2), ""), "{refused:?}");
        assert!(refused.stderr.contains(words), "{words}: {refused:?}");
        assert!(!refused.stderr.contains("hunter2"), "{refused:?}");
    }
    assert_eq!(names_in(place.folder.path()), Vec::<String>::new(), "it makes no files");
    place.remove().await;
}
