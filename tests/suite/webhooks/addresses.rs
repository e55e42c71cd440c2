//! Where webhooks may not go: a user must not reach the bank's own network through them. Every port here is one at which a
//! receiver listens, so a connection would be noticed.

use std::fs;
use std::sync::Arc;

use harness::database::TestDatabase;
use harness::{Backend, Customer, HookReceiver, HookReply, ManualClock, TestBank, TestWebhook, on_every_backend};
use serde_json::{Value, json};

use crate::requests::{new_transfer, submit};

on_every_backend!(an_endpoint_that_was_allowed_before_is_not_called_when_it_is_refused);

/// Hosts of URLs that are refused as soon as they are given. `{}` is the receiver's port.
const REFUSED: &[&str] = &[
    // Loopback, in every form that some parser reads as it.
    "127.0.0.1:{}",
    "127.0.0.1.:{}",
    "127.1:{}",
    "127.0.1:{}",
    "127.255.255.254:{}",
    "2130706433:{}",
    "017700000001:{}",
    "0177.0.0.1:{}",
    "0x7f000001:{}",
    "0x7f.0.0.1:{}",
    "0x7f.1:{}",
    "%31%32%37.0.0.1:{}",
    "１２７.0.0.1:{}",
    "127。0。0。1:{}",
    "0:{}",
    "0.0.0.0:{}",
    "localhost:{}",
    "LOCALHOST.:{}",
    "bank.localhost:{}",
    "[::1]:{}",
    "[::]:{}",
    "[0:0:0:0:0:0:0:1]:{}",
    // IPv4 in IPv6.
    "[::ffff:127.0.0.1]:{}",
    "[::ffff:7f00:1]:{}",
    "[::127.0.0.1]:{}",
    "[64:ff9b::127.0.0.1]:{}",
    "[64:ff9b::a9fe:a9fe]:{}",
    "[2002:7f00:1::]:{}",
    "[2002:a00:1::1]:{}",
    "[2001:0:7f00:1::]:{}",
    // Private networks, links, metadata, and what is no single machine.
    "10.0.0.1:{}",
    "10.1:{}",
    "172.16.0.1:{}",
    "172.31.255.254:{}",
    "192.168.1.1:{}",
    "3232235777:{}",
    "100.64.0.1:{}",
    "169.254.1.1:{}",
    "169.254.169.254:{}",
    "0xa9fea9fe:{}",
    "169.254.43518:{}",
    "[fd00:ec2::254]:{}",
    "[fe80::1]:{}",
    "[fc00::1]:{}",
    "198.18.0.1:{}",
    "192.0.2.1:{}",
    "224.0.0.1:{}",
    "255.255.255.255:{}",
    "[ff02::1]:{}",
    "[2001:db8::1]:{}",
    // Another host than a hasty reader sees.
    "example.com@127.0.0.1:{}",
    "127.0.0.1:{}@example.com",
    "example.com:secret@127.0.0.1:{}",
    "@127.0.0.1:{}",
    "example.com#@127.0.0.1:{}",
];

/// Whole texts that are no URL for webhooks.
const NO_URLS: &[&str] = &[
    "http://example.com/",
    "HTTP://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
    "javascript:alert(1)",
    "//127.0.0.1/",
    "/v1/users/me",
    "example.com",
    "https:",
    "https://",
    "https://exa mple.com/",
    " https://example.com/",
    "https://example.com/\n",
    "https://example.com:0/",
    "https://example.com:65536/",
    "https://256.0.0.1/",
    "https://example.com/#part",
    "\\\\127.0.0.1\\share",
];

/// A bank that sends webhooks to public addresses only, a customer, and a receiver that nothing may reach.
struct ClosedStage {
    bank: TestBank,
    ana: Customer,
    receiver: HookReceiver,
}

impl ClosedStage {
    async fn set(backend: Backend) -> Self {
        let database = TestDatabase::new(backend).await;
        let clock = Arc::new(ManualClock::new());
        let bank = TestBank::open_with(backend, database, clock, |config| config.webhooks_private = false).await;
        bank.tells_events();
        Self {
            ana: bank.customer_with("ana", "10").await,
            receiver: HookReceiver::start().await,
            bank,
        }
    }

    async fn refuses(&self, url: &str) {
        let refused = TestWebhook::try_make(&self.ana.caller, url, json!({})).await;
        assert!(matches!(refused.status, 400 | 422), "{url}: {}", refused.text);
        assert_eq!(refused.json["errors"][0]["field"], "url", "{url}: {}", refused.text);
        // The parts of an address in the bank's network are not told to who asks.
        assert!(
            !refused.text.contains("169.254") && !refused.text.contains("10.0"),
            "{}",
            refused.text
        );
    }

    async fn end(self) {
        assert_eq!(self.receiver.connections(), 0, "something was connected to");
        self.bank.assert_books_balance().await;
        self.bank.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_form_of_a_private_address_is_refused() {
    let stage = ClosedStage::set(Backend::Sqlite).await;
    let port = stage.receiver.port().to_string();
    for host in REFUSED {
        stage
            .refuses(&format!("https://{}/hook", host.replace("{}", &port)))
            .await;
    }
    for url in NO_URLS {
        stage.refuses(url).await;
    }
    assert_eq!(stage.bank.number("SELECT count(*) AS n FROM webhooks").await, 0);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_the_url_is_checked_like_a_new_one() {
    let stage = ClosedStage::set(Backend::Sqlite).await;
    let hook = TestWebhook::make(&stage.ana.caller, "https://shop.example/hook", json!({})).await;
    let port = stage.receiver.port().to_string();
    for host in REFUSED {
        let url = format!("https://{}/", host.replace("{}", &port));
        let refused = stage.ana.caller.patch(&hook.path(""), json!({ "url": url })).await;
        assert!(matches!(refused.status, 400 | 422), "{url}: {}", refused.text);
    }
    assert_eq!(hook.now().await["url"], "https://shop.example/hook");
    stage.end().await;
}

/// A name may lead anywhere, and is looked up when a request is sent: here by the system, to this machine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_leads_to_this_machine_is_not_connected_to() {
    let stage = ClosedStage::set(Backend::Sqlite).await;
    let port = stage.receiver.port();
    // What /etc/hosts has for this machine, under whatever name.
    let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
    let names = hosts
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| line.split_whitespace().skip(1));
    let mut tried = 0;
    for name in names {
        let url = format!("https://{name}:{port}/hook");
        let made = TestWebhook::try_make(&stage.ana.caller, &url, json!({})).await;
        if made.status != 201 {
            assert_eq!(made.json["errors"][0]["field"], "url", "{url}: {}", made.text);
            continue;
        }
        let path = format!("/v1/webhooks/{}", made.text_of("id"));
        let delivery = stage.ana.caller.act(&format!("{path}/test")).await.expect(200);
        assert_ne!(delivery["status"], "delivered", "{url}");
        assert_eq!(delivery["response_status"], Value::Null, "{url}");
        assert_eq!(stage.ana.caller.delete(&path).await.status, 204);
        tried += 1;
    }
    println!("{tried} names of this machine");
    // A name that does not exist gives the same text, so that names of the bank's network cannot be guessed.
    let url = format!("https://no-such-name.invalid:{port}/");
    let hook = TestWebhook::make(&stage.ana.caller, &url, json!({})).await;
    assert_ne!(hook.test().await["status"], "delivered");
    stage.end().await;
}

/// An endpoint in the private network was made while that was allowed; after a restart it is not.
async fn an_endpoint_that_was_allowed_before_is_not_called_when_it_is_refused(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "10").await;
    let ben = bank.customer("ben").await;
    let receiver = HookReceiver::start().await;
    receiver.set(HookReply::Status(200));
    let hook = TestWebhook::make(&ana.caller, &receiver.url("/ana"), json!({})).await;
    let closed = bank.replica_with(|config| config.webhooks_private = false).await;
    harness::tells_events(&closed);
    let new = new_transfer(ana.wallet, ben.wallet, "1");
    submit(&closed, &ana.actor, new).await.expect("ana has enough");
    let failed = hook.until_failed(1).await;
    assert_eq!(failed["response_status"], Value::Null);
    assert_eq!(receiver.connections(), 0);
    closed.stop().await;
}
