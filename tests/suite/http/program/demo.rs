//! `florin demo`: its history has something for every page, its books are proved, and `--keep-busy` moves the figures.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use chrono::TimeDelta;
use harness::Caller;
use harness::clock::world_time;
use harness::program::{Ended, Serving, command};
use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

use super::{names_in, sign_in};
use crate::raw::PATIENCE;

/// A demo whose temporary folder is below this folder.
async fn demo(folder: &Path, arguments: &[&str]) -> Command {
    let temporary = folder.join("tmp");
    fs::create_dir_all(&temporary).expect("a folder can be made");
    let mut demo = command(folder).await;
    demo.env("TMPDIR", &temporary)
        .env("FLORIN_LISTEN", "127.0.0.1:0")
        .arg("demo")
        .args(arguments);
    demo
}

/// What a demo that ends by itself has printed.
async fn once(folder: &Path, arguments: &[&str]) -> String {
    let arguments = [&["--once", "--log", "warn"], arguments].concat();
    let ended = demo(folder, &arguments).await.output().await;
    let ended = ended.expect("florin can be run");
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(names_in(&folder.join("tmp")), Vec::<String>::new());
    assert_eq!(names_in(folder), ["tmp"]);
    String::from_utf8_lossy(&ended.stdout).into_owned()
}

/// Asks the demo to stop, and fails unless nothing of it is left.
async fn stopped(server: Serving, folder: &Path) -> Ended {
    server.terminate().await;
    let ended = server.ended().await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(names_in(&folder.join("tmp")), Vec::<String>::new());
    ended
}

/// A user of the demo, signed in with the password that it has printed.
async fn signed_in(server: &mut Serving, name: &str) -> Caller {
    let printed = server.stdout_with("Ctrl-C ends the demo").await;
    let line = printed
        .lines()
        .find_map(|line| line.strip_prefix("each with the password "));
    let password = line.unwrap_or_else(|| panic!("no password: {printed}")).to_owned();
    sign_in(server, &format!("{name}@demo.florin"), &password).await
}

async fn items(caller: &Caller, path: &str) -> Vec<Value> {
    let page = caller.get(path).await.expect(200);
    page["items"].as_array().expect("a page has items").clone()
}

/// The different texts of a member in a list.
async fn words(caller: &Caller, path: &str, member: &str) -> BTreeSet<String> {
    let items = items(caller, path).await;
    let words = items.iter().filter_map(|item| item[member].as_str());
    words.map(str::to_owned).collect()
}

fn has_all(found: &BTreeSet<String>, expected: &[&str]) {
    for word in expected {
        assert!(found.contains(*word), "no {word} in {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_shows_that_the_books_balance_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let stdout = once(folder.path(), &["--transfers", "500"]).await;
    for words in [
        "8 customers, each with a first wallet and a deposit of 1000 USD",
        "45 days of history, by the seed 1:",
        "42 customers, 47 wallets, 4 of the staff",
        "14 files imported, ",
        "500 transfers in ",
        "in 3 currencies, ",
        "the books balance",
    ] {
        assert!(stdout.contains(words), "{words} is missing: {stdout}");
    }
    let (_, history) = stdout.split_once(" days of history").expect("it is told");
    let (history, _) = history
        .split_once(
            "

",
        )
        .expect("an empty line follows");
    assert!(!history.contains(" 0 "), "nothing of a kind: {history}");
    assert!(!stdout.contains("BROKEN"), "{stdout}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seed_tells_the_same_story() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut before = String::new();
    // Between two runs an hour of the present day may end. Between three it ends once at most.
    for _ in 0..3 {
        let stdout = once(folder.path(), &["--days", "3", "--seed", "7", "--transfers", "1"]).await;
        let told = stdout.lines().skip_while(|line| !line.contains("days of history"));
        let told: String = told.take(4).map(|line| format!("{line}\n")).collect();
        assert!(told.contains("movements made"), "{stdout}");
        if told == before {
            return;
        }
        before = told;
    }
    panic!("each run tells another story, the last: {before}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_history_has_transfers_of_every_kind_and_wallets_of_every_status() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let options = ["--days", "20", "--transfers", "5", "--log", "warn"];
    let mut server = Serving::spawn(demo(folder.path(), &options).await).await;
    let auditor = signed_in(&mut server, "auditor").await;
    for status in ["PENDING", "COMPLETED", "FAILED"] {
        let path = format!("/v1/transfers?kind=HOLD&status={status}&limit=5");
        assert!(!items(&auditor, &path).await.is_empty(), "no hold is {status}");
    }
    let holds = words(&auditor, "/v1/transfers?kind=HOLD&limit=500", "failure_reason").await;
    has_all(&holds, &["expired", "voided"]);
    for kind in ["DEPOSIT", "WITHDRAWAL", "CAPTURE", "RELEASE", "REVERSAL"] {
        let path = format!("/v1/transfers?kind={kind}&limit=5");
        assert!(!items(&auditor, &path).await.is_empty(), "no {kind}");
    }
    let reasons = words(&auditor, "/v1/transfers?status=FAILED&limit=500", "failure_reason").await;
    has_all(&reasons, &["insufficient_funds", "wallet_frozen", "limit_exceeded"]);
    let wallets = items(&auditor, "/v1/wallets?limit=500").await;
    let of = |member: &'static str| {
        wallets
            .iter()
            .filter_map(move |wallet| wallet[member].as_str().map(str::to_owned))
    };
    has_all(&of("status").collect(), &["ACTIVE", "FROZEN", "CLOSED"]);
    has_all(&of("currency").collect(), &["USD", "EUR", "JPY"]);
    assert!(
        wallets.iter().any(|wallet| wallet["limits"].is_object()),
        "no wallet has limits"
    );

    let days: BTreeSet<String> = items(&auditor, "/v1/transfers?limit=500&kind=DEPOSIT")
        .await
        .iter()
        .filter_map(|item| item["created_at"].as_str()?.get(..10).map(str::to_owned))
        .collect();
    assert!(days.len() > 10, "deposits on {days:?}");
    let uptime = server.caller().get("/health").await.expect(200);
    assert!(
        uptime["uptime_s"].as_u64() < Some(600),
        "the served bank is young: {uptime}"
    );
    stopped(server, folder.path()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_history_has_people_reports_and_an_audit_trail() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let options = ["--days", "20", "--transfers", "5", "--log", "warn"];
    let mut server = Serving::spawn(demo(folder.path(), &options).await).await;
    let admin = signed_in(&mut server, "admin").await;
    has_all(
        &words(&admin, "/v1/users?limit=500", "role").await,
        &["customer", "support", "operator", "auditor", "admin"],
    );
    let statuses = words(&admin, "/v1/users?limit=500", "status").await;
    has_all(&statuses, &["active", "suspended", "erased"]);
    has_all(&words(&admin, "/v1/webhooks", "status").await, &["active", "paused"]);
    assert_eq!(items(&admin, "/v1/api-keys").await.len(), 2, "a third one is revoked");
    let actions = words(&admin, "/v1/audit?limit=500", "action").await;
    has_all(
        &actions,
        &[
            "user.registered",
            "user.created",
            "user.signed_in",
            "user.sign_in_failed",
            "user.suspended",
            "user.erased",
            "user.reset_requested",
            "api_key.created",
            "api_key.revoked",
            "wallet.frozen",
            "wallet.unfrozen",
            "wallet.closed",
            "wallet.limited",
            "transfer.reversed",
            "import.created",
            "webhook.created",
            "webhook.changed",
        ],
    );
    for report in [
        "top-merchant",
        "monthly-active-merchants",
        "product-adoption",
        "kyc-funnel",
        "failure-rates",
    ] {
        admin.get(&format!("/analytics/{report}")).await.expect(200);
    }
    let funnel = admin.get("/analytics/kyc-funnel").await.expect(200);
    let steps = ["documents_submitted", "verifications_completed", "tier_upgrades"];
    let steps = steps.map(|step| funnel[step].as_u64().unwrap_or_default());
    assert!(steps[0] > steps[1] && steps[1] > steps[2] && steps[2] > 0, "{funnel}");
    every_day_has_totals(&admin, 20).await;
    stopped(server, folder.path()).await;
}

/// Fails unless each whole day has imported totals, and some day the bank's own wages, which a worker adds.
async fn every_day_has_totals(caller: &Caller, days: i64) {
    // A day less at both ends: midnight may have passed since the demo began.
    let today = world_time().date_naive();
    let (from, to) = (today - TimeDelta::days(days - 1), today - TimeDelta::days(2));
    let path = format!("/stats?from_date={from}&to_date={to}&currency=USD");
    let has_wages = |stats: &Value| {
        let days = stats["data"].as_object().expect("there are days");
        days.values().any(|day| day["deposits"]["payroll"].is_number())
    };
    let counted = async {
        loop {
            let stats = caller.get(&path).await.expect(200);
            if has_wages(&stats) {
                return stats;
            }
        }
    };
    let stats = timeout(PATIENCE, counted)
        .await
        .expect("the bank's own money is counted");
    let mut date = from;
    while date <= to {
        let day = &stats["data"][date.to_string()];
        for side in ["deposits", "withdrawals"] {
            let methods = day[side].as_object();
            assert!(
                methods.is_some_and(|methods| !methods.is_empty()),
                "no {side} on {date}: {day}"
            );
        }
        date += TimeDelta::days(1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keep_busy_moves_the_figures_until_the_demo_stops() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let options = [
        "--days",
        "0",
        "--transfers",
        "1",
        "--keep-busy",
        "--reports",
        "public",
        "--log",
        "info,florin::access=off",
    ];
    let mut server = Serving::spawn(demo(folder.path(), &options).await).await;
    server.stdout_with("keep the bank busy").await;
    let caller = server.caller();
    let count = async || {
        let statistics = caller.get("/statistics").await.expect(200);
        statistics["count"].as_u64().expect("a count is a number")
    };
    let before = count().await;
    let moved = async { while count().await < before + 10 {} };
    timeout(PATIENCE, moved)
        .await
        .expect("the stream of transfers is counted");
    let ended = stopped(server, folder.path()).await;
    assert!(!ended.stderr.contains("trouble"), "{}", ended.stderr);
    assert!(
        ended.stderr.lines().count() < 10,
        "one line a transfer: {}",
        ended.stderr
    );
}
