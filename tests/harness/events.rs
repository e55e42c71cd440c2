//! Readers of the feed for tests: one follows the stream of server-sent events, and can begin again where it was; one asks
//! page by page. Both fail as soon as an event comes twice or out of order.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::{changes, ledger, transfers};
use reqwest::{Method, Response};
use sea_orm::{DatabaseConnection, EntityTrait};
use serde_json::Value;
use tokio::time::timeout;
use uuid::Uuid;

use crate::callers::Caller;

/// Longer than an event takes on a busy machine, and than two heartbeats of a stream.
const PATIENCE: Duration = Duration::from_secs(60);
/// The first bytes of a cursor tell the ledger, the others the record.
const LEDGER_BYTES: usize = 6;

/// The record that an event's id, or any cursor of the feed, stands for.
#[track_caller]
#[must_use]
pub fn record_of(cursor: &str) -> Uuid {
    let bytes = URL_SAFE_NO_PAD.decode(cursor);
    let bytes = bytes.unwrap_or_else(|_| panic!("{cursor:?} is no cursor"));
    let record = bytes.get(LEDGER_BYTES..).unwrap_or_default();
    Uuid::from_slice(record).unwrap_or_else(|_| panic!("{cursor:?} is no cursor"))
}

/// The cursor of a record, in the ledger of a database.
pub async fn cursor_of(db: &DatabaseConnection, record: Uuid) -> String {
    let ledger = ledger::Entity::find().one(db).await.expect("the ledger can be read");
    cursor_in(ledger.expect("a migrated bank has one").id, record)
}

/// The cursor of a record in a ledger.
#[must_use]
pub fn cursor_in(ledger: Uuid, record: Uuid) -> String {
    let mut bytes = ledger.as_bytes()[..LEDGER_BYTES].to_vec();
    bytes.extend(record.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The records of the journal, in its order.
pub async fn records(db: &DatabaseConnection) -> Vec<Uuid> {
    let stored = transfers::Entity::find()
        .all(db)
        .await
        .expect("the transfers can be read");
    let changed = changes::Entity::find().all(db).await.expect("the changes can be read");
    let stored = stored.iter().map(|transfer| transfer.id.0);
    let mut records: Vec<Uuid> = stored.chain(changed.iter().map(|change| change.id.0)).collect();
    records.sort_unstable();
    records
}

/// An event of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamedEvent {
    /// The line `id`.
    pub id: String,
    /// The line `event`.
    pub kind: String,
    /// The line `data`.
    pub data: Value,
}

/// A stream of server-sent events.
pub struct EventStream {
    response: Response,
    /// What came and is not read yet.
    bytes: Vec<u8>,
    /// How many heartbeats came.
    pub heartbeats: usize,
    /// The id of the last event or heartbeat; with it the stream can be opened again.
    pub last_id: Option<String>,
}

impl EventStream {
    /// Opens the stream; `query` begins with a question mark or is empty. `last_id` goes into `Last-Event-ID`.
    pub async fn open(caller: &Caller, query: &str, last_id: Option<&str>) -> Self {
        let opened = Self::try_open(caller, query, last_id).await;
        opened.expect("the server answers")
    }

    /// Like `open`; `None` if no answer comes, or one that says that the server cannot answer now.
    pub async fn try_open(caller: &Caller, query: &str, last_id: Option<&str>) -> Option<Self> {
        let mut request = caller.request(Method::GET, &format!("/v1/events/stream{query}"));
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await.ok()?;
        if response.status() == 503 {
            return None;
        }
        let status = response.status();
        if status != 200 {
            let text = response.text().await.unwrap_or_default();
            panic!("{query}: {status} {text}");
        }
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Some(Self {
            response,
            bytes: Vec::new(),
            heartbeats: 0,
            last_id: last_id.map(str::to_owned),
        })
    }

    /// The next event; `None` at the end of the stream, or when the connection is lost.
    pub async fn next(&mut self) -> Option<StreamedEvent> {
        let event = timeout(PATIENCE, self.read()).await;
        let event = event.unwrap_or_else(|_| panic!("no event comes after {:?}", self.last_id))?;
        if let Some(last) = &self.last_id {
            assert!(record_of(last) < record_of(&event.id), "{event:?} comes after {last}");
        }
        self.last_id = Some(event.id.clone());
        Some(event)
    }

    /// The next events, which must come.
    pub async fn take(&mut self, count: usize) -> Vec<StreamedEvent> {
        let mut events = Vec::new();
        while events.len() < count {
            events.push(self.next().await.expect("the stream goes on"));
        }
        events
    }

    /// Reads until the stream is ended by the server; fails if an event comes before.
    pub async fn ends(&mut self) {
        let event = self.next().await;
        assert_eq!(event, None, "the stream goes on");
    }

    /// Reads until a heartbeat comes; fails if an event comes before.
    pub async fn beats(&mut self) {
        let before = self.heartbeats;
        let beat = async {
            while self.heartbeats == before {
                match self.block() {
                    Some(block) => assert_eq!(self.parsed(&block), None, "an event comes"),
                    None => assert!(self.more().await, "the stream has ended"),
                }
            }
        };
        timeout(PATIENCE, beat).await.expect("a heartbeat comes");
    }

    async fn read(&mut self) -> Option<StreamedEvent> {
        loop {
            let Some(block) = self.block() else {
                if !self.more().await {
                    return None;
                }
                continue;
            };
            if let Some(event) = self.parsed(&block) {
                return Some(event);
            }
        }
    }

    /// Reads a part of the answer; false at its end.
    async fn more(&mut self) -> bool {
        let Ok(Some(part)) = self.response.chunk().await else {
            return false;
        };
        self.bytes.extend(part);
        true
    }

    /// Takes the lines up to the next empty one.
    fn block(&mut self) -> Option<String> {
        let end = self.bytes.windows(2).position(|pair| pair == b"\n\n")?;
        let block: Vec<u8> = self.bytes.drain(..end + 2).collect();
        let block = String::from_utf8(block).expect("an event is text");
        Some(block.trim_end_matches('\n').to_owned())
    }

    /// The event of a block; `None` if it is a heartbeat, which says behind which id to go on.
    fn parsed(&mut self, block: &str) -> Option<StreamedEvent> {
        let field = |name: &str| {
            block
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        };
        let Some(data) = field("data") else {
            let is_heartbeat = |line: &str| line.starts_with(':') || line.starts_with("id: ");
            assert!(block.lines().all(is_heartbeat), "{block:?} is no heartbeat");
            if let (Some(place), Some(last)) = (field("id"), &self.last_id) {
                assert!(record_of(last) <= record_of(place), "{place} is before {last}");
            }
            self.last_id = field("id").map(str::to_owned).or(self.last_id.take());
            self.heartbeats += 1;
            return None;
        };
        let event = StreamedEvent {
            id: field("id").expect("an event has an id").to_owned(),
            kind: field("event").expect("an event has a type").to_owned(),
            data: serde_json::from_str(data).expect("the data are JSON"),
        };
        assert_eq!(event.data["id"], event.id.as_str(), "{block}");
        assert_eq!(event.data["type"], event.kind.as_str(), "{block}");
        Some(event)
    }
}

/// Asks for page after page.
pub struct EventPoller {
    caller: Caller,
    query: String,
    /// The cursor of the next page.
    pub after: Option<String>,
    /// All events of the pages so far.
    pub events: Vec<Value>,
}

impl EventPoller {
    /// Begins at the journal's first record; `query` is without a question mark, and may be empty.
    #[must_use]
    pub fn new(caller: &Caller, query: &str) -> Self {
        Self {
            caller: caller.clone(),
            query: query.to_owned(),
            after: None,
            events: Vec::new(),
        }
    }

    /// The same, from a cursor on.
    #[must_use]
    pub fn after(self, cursor: &str) -> Self {
        Self {
            after: Some(cursor.to_owned()),
            ..self
        }
    }

    /// Reads pages until the server says that there are no more; gives all events so far.
    pub async fn rest(&mut self) -> &[Value] {
        while self.page().await {}
        &self.events
    }

    /// Reads one page; true if there is more.
    pub async fn page(&mut self) -> bool {
        let more = self.try_page().await;
        more.expect("the server answers")
    }

    /// Like `page`; `None` if no answer comes, or one that says that the server cannot answer now.
    pub async fn try_page(&mut self) -> Option<bool> {
        let after = self.after.as_ref().map(|after| format!("&after={after}"));
        let path = format!("/v1/events?{}{}", self.query, after.unwrap_or_default());
        let response = self.caller.request(Method::GET, &path).send().await.ok()?;
        if response.status() == 503 {
            return None;
        }
        let status = response.status();
        let text = response.text().await.ok()?;
        assert_eq!(status, 200, "{path}: {text}");
        let page: Value = serde_json::from_str(&text).expect("a page is JSON");
        let next = page["next_cursor"].as_str().expect("a page has a cursor").to_owned();
        for event in page["items"].as_array().expect("a page has items") {
            let id = event["id"].as_str().expect("an event has an id");
            if let Some(before) = &self.after {
                assert!(record_of(before) < record_of(id), "{id} comes after {before}");
            }
            self.after = Some(id.to_owned());
            self.events.push(event.clone());
        }
        if let Some(before) = &self.after {
            assert!(record_of(before) <= record_of(&next), "{next} goes back: {path}");
        }
        self.after = Some(next);
        Some(page["has_more"].as_bool().expect("a page says whether there is more"))
    }
}
