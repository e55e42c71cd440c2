//! The code blocks of the README and of its further pages can be pasted in order, and all of them a second time.

use std::fs;
use std::os::unix::fs::symlink;

use harness::Backend;
use harness::program::{Serving, binary};
use tokio::process::Command;

use super::Place;
use crate::layering::root;

/// Blocks that are not run, by their first words, each with the reason.
const NOT_RUN: [(&str, &str); 3] = [
    ("cargo run --release", "the bank that it starts is the test's own"),
    ("scripts/test.sh", "this test is a part of it"),
    (
        "FLORIN_DATABASE_URL=",
        "it names a server that only the reader has; the other tests run on PostgreSQL",
    ),
];

/// The pages whose blocks are run, in this order.
const PAGES: [&str; 5] = [
    "README.md",
    "docs/imports.md",
    "docs/money.md",
    "docs/webhooks.md",
    "docs/receipts.md",
];

/// What the blocks print, among other things.
const SAID: [&str; 17] = [
    "the books balance",
    "\"description\":\"lunch\"",
    "skipped",
    "\"merchant_id\":\"MRC-000002\"",
    "\"2025-01-05\"",
    "\"count\":",
    "data:",
    "\"kind\":\"CAPTURE\"",
    "\"kind\":\"RELEASE\"",
    "\"reversed\":\"2.5000\"",
    "\"batch_id\":\"",
    "per_day_amount  2000.0000",
    "\"type\":\"deposit.completed\"",
    "event: transfer.completed",
    "\"secret\":\"whsec_",
    "proved lunch.json\n",
    "proved head.json: the journal extends it\n",
];

/// The address that the README assumes.
const ADDRESS: &str = "127.0.0.1:8080";

fn blocks(text: &str) -> Vec<&str> {
    let blocks = text.split("```sh\n").skip(1);
    blocks
        .map(|rest| rest.split("```").next().unwrap_or_default())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_readmes_blocks_paste_in_order_and_again() {
    let pages = PAGES.map(|name| fs::read_to_string(root().join(name)).expect("there is such a page"));
    let readme = pages.concat();
    let is_run = |block: &&str| !NOT_RUN.iter().any(|(begin, _)| block.starts_with(begin));
    let all = blocks(&readme);
    for (begin, why) in NOT_RUN {
        assert!(
            all.iter().any(|block| block.starts_with(begin)),
            "no block begins with {begin}: {why}"
        );
    }
    let run: Vec<&str> = all.into_iter().filter(is_run).collect();
    assert!(run.len() >= 6, "blocks are missing: {}", run.len());

    let place = Place::new(Backend::Sqlite).await;
    let folder = place.folder.path();
    symlink(root().join("samples"), folder.join("samples")).expect("a link can be made");
    fs::create_dir_all(folder.join("target/release")).expect("a folder can be made");
    symlink(binary().await, folder.join("target/release/florin")).expect("a link can be made");
    let server = Serving::start(folder, &["--log", "warn"]).await;
    let pasted = run.join("\n").replace(ADDRESS, &server.address.to_string());
    for time in 1..=2 {
        // An unset variable ends the script. The status of every answer goes to standard error.
        let script =
            format!("set -u\ncurl() {{ command curl -w '%{{stderr}}[status %{{http_code}}]\\n' \"$@\"; }}\n{pasted}");
        let mut shell = Command::new("bash");
        shell.args(["-c", &script]).current_dir(folder).kill_on_drop(true);
        let output = shell.output().await.expect("bash can be run");
        let (said, log) = (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        );
        let all = format!("time {time}:\n{said}\n{log}");
        let statuses: Vec<&str> = log
            .split("[status ")
            .skip(1)
            .filter_map(|rest| rest.split(']').next())
            .collect();
        let refused: Vec<&&str> = statuses.iter().filter(|status| !status.starts_with('2')).collect();
        let taken: &[&&str] = if time == 1 { &[] } else { &[&"409"; 4] };
        assert_eq!(refused, taken, "{all}");
        assert!(statuses.len() >= 15, "{all}");
        for words in ["unbound", "not found", "No such file", "syntax"] {
            assert!(!log.contains(words), "{all}");
        }
        for words in SAID {
            assert!(said.contains(words), "{words} is missing, {all}");
        }
        // Each run deposits 100; 12.50 are withdrawn only once.
        let balance = format!("\"balance\":\"{}87.5000\"", if time == 1 { "" } else { "1" });
        assert!(said.contains(&balance), "{balance} is missing, {all}");
    }
    server.kill().await;
    place.remove().await;
}
