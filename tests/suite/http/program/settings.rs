//! `florin --help` and `.env.example` list the same settings, and wrong usage has another exit status than a fault.

use std::collections::BTreeSet;
use std::fs;

use harness::program::{command, run};

use super::names_in;
use crate::layering::root;

/// The settings that the contract promises for this version.
const SETTINGS: [&str; 24] = [
    "FLORIN_ACTIVITIES_DIR",
    "FLORIN_CONNECTIONS_MAX",
    "FLORIN_CORS_ORIGINS",
    "FLORIN_CURRENCY",
    "FLORIN_DATABASE_URL",
    "FLORIN_DATA_DIR",
    "FLORIN_GENERIC_PLANS",
    "FLORIN_JOURNAL_KEY_FILE",
    "FLORIN_LISTEN",
    "FLORIN_LOG",
    "FLORIN_LOG_FORMAT",
    "FLORIN_MAIL_FROM",
    "FLORIN_PEER_SHARE_PERCENT",
    "FLORIN_QUEUE_MAX",
    "FLORIN_RATE_LIMIT_PER_MINUTE",
    "FLORIN_REDIS_URL",
    "FLORIN_REPORTS",
    "FLORIN_SIGNING_KEY_FILE",
    "FLORIN_SMTP_URL",
    "FLORIN_TOKEN_ALGORITHM",
    "FLORIN_TRUSTED_PROXIES",
    "FLORIN_UNSAFE_DATABASE",
    "FLORIN_UPLOAD_MAX_BYTES",
    "FLORIN_WEBHOOKS_PRIVATE",
];

fn variables(text: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let names = text
        .split(|c| !is_name(c))
        .filter(|name| name.len() > "FLORIN_".len() && name.starts_with("FLORIN_"));
    names.map(str::to_owned).collect()
}

#[tokio::test]
async fn help_lists_every_setting_as_a_flag_and_a_variable() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let expected: BTreeSet<_> = SETTINGS.iter().map(|name| (*name).to_owned()).collect();
    let serve = ["serve", "--help"];
    for arguments in [
        &["--help"][..],
        &serve,
        &["verify", "--help"],
        &["user", "create", "--help"],
        &["migrate", "up", "--help"],
    ] {
        let help = run(folder.path(), arguments).await;
        assert_eq!((help.status, help.stderr.as_str()), (Some(0), ""), "{arguments:?}");
        assert_eq!(variables(&help.stdout), expected, "{arguments:?}");
        for name in &expected {
            let flag = name.trim_start_matches("FLORIN_").to_lowercase().replace('_', "-");
            assert!(
                help.stdout.contains(&format!("--{flag} ")),
                "{arguments:?} has no --{flag}"
            );
        }
    }
    let help = run(folder.path(), &["--help"]).await.stdout;
    for command in [
        "serve", "migrate", "user", "keys", "wallet", "transfer", "audit", "listen", "import", "verify", "demo",
        "openapi",
    ] {
        assert!(
            help.lines().any(|line| line.trim_start().starts_with(command)),
            "{command} is missing:\n{help}"
        );
    }
    assert_eq!(names_in(folder.path()), Vec::<String>::new(), "help makes no files");
}

#[tokio::test]
async fn the_example_file_lists_every_setting_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let help = run(folder.path(), &["--help"]).await.stdout;
    let example = fs::read_to_string(root().join(".env.example")).expect(".env.example is there");
    let set = |line: &str| {
        line.trim_start_matches('#')
            .split_once('=')
            .map(|(name, _)| name.to_owned())
    };
    let lines = example
        .lines()
        .filter(|line| line.trim_start_matches('#').starts_with("FLORIN_"));
    let listed: Vec<String> = lines.filter_map(set).collect();
    assert_eq!(listed.iter().cloned().collect::<BTreeSet<_>>(), variables(&help));
    assert_eq!(listed.len(), SETTINGS.len(), "a setting is listed twice: {listed:?}");
}

/// Arguments that no command takes.
const WRONG_USES: [&[&str]; 27] = [
    &["--nonsense"],
    &["nonsense"],
    &["serve", "now"],
    &["user"],
    &["user", "create"],
    &[
        "user",
        "create",
        "--email",
        "a@b.cc",
        "--full-name",
        "A",
        "--role",
        "king",
    ],
    &[
        "user",
        "create",
        "--email",
        "nonsense",
        "--full-name",
        "A",
        "--role",
        "admin",
    ],
    &["--listen", "nowhere"],
    &["--currency", "usd"],
    &["--queue-max", "0"],
    &["--connections-max", "-1"],
    &["--reports", "everybody"],
    &["verify", "--json", "yes"],
    &["verify", "--since", "-1"],
    &["verify", "--since=-1"],
    &["verify", "--since", "last"],
    &["--generic-plans", "maybe"],
    &["demo", "--transfers", "0"],
    &["demo", "--days", "366"],
    &["demo", "--once", "--keep-busy"],
    &["--webhooks-private", "maybe"],
    &["listen", "--types", "transfer"],
    &["listen", "--after", "yesterday"],
    &["listen", "--after", "AAAAAAAAAZk_Km6AfUCcbppPO43OBA", "--from-start"],
    &["listen", "--secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    &["listen", "--forward-to", "ftp://localhost/hook"],
    &[
        "listen",
        "--forward-to",
        "http://localhost/hook",
        "--secret",
        "nonsense",
    ],
];

#[tokio::test]
async fn wrong_use_is_two_and_says_how_it_is_used() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for arguments in WRONG_USES {
        let ended = run(folder.path(), arguments).await;
        assert_eq!(
            (ended.status, ended.stdout.as_str()),
            (Some(2), ""),
            "{arguments:?}: {ended:?}"
        );
        assert!(
            !ended.stderr.trim().is_empty() && !ended.stderr.contains("panicked"),
            "{arguments:?}: {ended:?}"
        );
    }
    assert_eq!(
        names_in(folder.path()),
        Vec::<String>::new(),
        "wrong use makes no files"
    );
}

#[tokio::test]
async fn a_variable_is_read_and_a_flag_wins_over_it() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let run = async |variable: &str, arguments: &[&str]| {
        let mut command = command(folder.path()).await;
        command.env("FLORIN_DATA_DIR", variable).args(arguments);
        assert_eq!(
            command.output().await.expect("florin can be run").status.code(),
            Some(0),
            "{arguments:?}"
        );
        names_in(folder.path())
    };
    assert_eq!(run("a", &["migrate", "up"]).await, ["a"]);
    assert_eq!(run("a", &["--data-dir", "b", "migrate", "up"]).await, ["a", "b"]);
    assert_eq!(run("a", &["migrate", "up", "--data-dir", "c"]).await, ["a", "b", "c"]);
    assert_eq!(
        run("a", &["migrate", "--data-dir", "d", "up"]).await,
        ["a", "b", "c", "d"]
    );
}

#[tokio::test]
async fn a_database_out_of_reach_is_three_in_sentences() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    fs::write(folder.path().join("file"), "not a folder").expect("a file can be written");
    fs::write(
        folder.path().join("text.db"),
        "not a database, but long enough to be taken for one".repeat(99),
    )
    .expect("a file can be written");
    let unreachable = "postgres://florin:hunter2@127.0.0.1:1/florin?sslmode=disable";
    let faults: [&[&str]; 6] = [
        &["verify", "--database-url", unreachable],
        &["migrate", "up", "--database-url", "sqlite://file/florin.db"],
        &["verify", "--database-url", "sqlite://text.db"],
        &["verify", "--data-dir", "file/below"],
        &["--listen", "127.0.0.1:0", "--signing-key-file", "file"],
        &["--listen", "127.0.0.1:0", "--journal-key-file", "file"],
    ];
    for arguments in faults {
        let ended = run(folder.path(), &[arguments, &["--log", "off"]].concat()).await;
        assert_eq!(
            (ended.status, ended.stdout.as_str()),
            (Some(3), ""),
            "{arguments:?}: {ended:?}"
        );
        let mut lines = ended.stderr.lines();
        assert!(
            lines.next().is_some_and(|line| line.starts_with("florin: cannot ")),
            "{arguments:?}: {ended:?}"
        );
        assert!(
            lines.clone().count() >= 1
                && lines.all(|line| line.starts_with("  because ") || line.starts_with("  to do: ")),
            "{arguments:?}: {ended:?}"
        );
        for secret in [
            "hunter2",
            "panicked",
            "stack backtrace",
            "RUST_BACKTRACE",
            "Sqlx",
            "DbErr",
        ] {
            assert!(!ended.stderr.contains(secret), "{arguments:?} says {secret}: {ended:?}");
        }
    }
}

#[tokio::test]
async fn a_password_in_the_databases_url_is_told_to_nobody() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let urls = [
        "postgres://florin:hunter2@127.0.0.1:notaport/x",
        "postgres://florin:hunter2@[::1/x",
        "mysql://florin:hunter2@127.0.0.1/x",
        "postgres://florin:hunter2@127.0.0.1:1/x?sslmode=nonsense",
        "postgres://florin:hunter2/@127.0.0.1:1/x",
        "florin:hunter2",
        "hunter2",
    ];
    for url in urls {
        let ended = run(folder.path(), &["verify", "--log", "debug", "--database-url", url]).await;
        assert_eq!(ended.status, Some(2), "{ended:?}");
        assert!(
            !ended.stderr.contains("hunter2") && !ended.stdout.contains("hunter2"),
            "{ended:?}"
        );
    }
}

#[tokio::test]
async fn a_reader_who_hangs_up_is_no_panic() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let made = run(folder.path(), &["migrate", "up"]).await;
    assert_eq!(made.status, Some(0), "{made:?}");
    for arguments in [
        &["openapi"][..],
        &["verify"],
        &["verify", "--json"],
        &["migrate", "status"],
    ] {
        let full = fs::File::options()
            .write(true)
            .open("/dev/full")
            .expect("there is a device that is full");
        let mut command = command(folder.path()).await;
        command.args(arguments).args(["--log", "off"]).stdout(full);
        let child = command.spawn().expect("florin can be started");
        let ended = child.wait_with_output().await.expect("florin can be waited for");
        let stderr = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(3), "{arguments:?}: {stderr}");
        assert!(
            stderr.starts_with("florin: cannot write to standard output\n"),
            "{arguments:?}: {stderr}"
        );
        assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
    }
}

#[tokio::test]
async fn a_data_folder_may_have_any_name() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for name in ["my data", "a#b", "a?b", "100%", "a%20b", "caf\u{e9}", "a&b=c", "'a'"] {
        let made = run(folder.path(), &["migrate", "up", "--data-dir", name]).await;
        assert_eq!(made.status, Some(0), "{name}: {made:?}");
        assert!(
            folder.path().join(name).join("florin.db").is_file(),
            "{name}: {:?}",
            names_in(folder.path())
        );
    }
    assert_eq!(names_in(folder.path()).len(), 8);
}

#[tokio::test]
async fn an_address_in_use_is_three() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let address = taken.local_addr().expect("a bound listener has an address").to_string();
    let ended = run(folder.path(), &["--listen", &address, "--log", "off"]).await;
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(3), ""), "{ended:?}");
    assert!(ended.stderr.contains(&address), "{ended:?}");
}
