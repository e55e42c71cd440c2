//! `florin wallet`, `florin transfer`, `florin audit` and `florin user list`: operators look at a running bank and
//! change its wallets from a terminal.

mod audit;
mod refusals;
mod transfers;
mod wallets;

use harness::program::Serving;
use harness::{Answer, Caller};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Place, User, password_in, sign_in};

const EMAIL: &str = "desk@example.com";

/// Makes the operator who asks for changes. Gives their id, and a signed-in caller.
async fn desk(place: &Place, server: &Serving) -> (String, Caller) {
    let arguments = [
        "user",
        "create",
        "--email",
        EMAIL,
        "--full-name",
        "Desk",
        "--role",
        "operator",
    ];
    let made = place.run(&arguments).await;
    assert_eq!(made.status, Some(0), "{made:?}");
    let id = made.stdout.split(' ').next().unwrap_or_default().to_owned();
    (id, sign_in(server, EMAIL, &password_in(&made)).await)
}

/// Runs a command that must be done, and reads the JSON that it prints.
async fn shown(place: &Place, arguments: &[&str]) -> Value {
    let ended = place.run(&[arguments, &["--json", "--log", "warn"]].concat()).await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    serde_json::from_str(&ended.stdout).expect("the result is JSON")
}

/// Runs a command that must end with this status, a sentence with these words, and nothing on standard output.
async fn refused(place: &Place, arguments: &[&str], status: i32, words: &str) {
    let ended = place.run(arguments).await;
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(status), ""), "{ended:?}");
    assert!(ended.stderr.contains(words), "{words}: {ended:?}");
}

/// Fails unless what a command prints has the API's values.
fn same_members(printed: &Value, answered: &Value, names: &[&str]) {
    for name in names {
        let value = answered
            .get(name)
            .unwrap_or_else(|| panic!("{name} is missing: {answered}"));
        assert_eq!(&printed[name], value, "{name}: {printed}");
    }
}

async fn act(caller: &Caller, path: &str) -> Answer {
    Answer::of(caller.request(Method::POST, path)).await
}

fn to(from: &User, to: &User, amount: &str) -> Value {
    json!({ "source_wallet_id": from.wallet(), "destination_wallet_id": to.wallet(), "amount": amount })
}
