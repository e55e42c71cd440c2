//! Server-sent events. Each has an id, so that a client that was cut off goes on behind the last event that it has.

use std::io;
use std::marker::PhantomData;

use futures_util::{Stream, StreamExt};
use poem::{Body, IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::Type;

const CONTENT_TYPE: &str = "text/event-stream";

/// A stream of server-sent events, the data of each being an object of type `T`.
pub struct SentEvents<T> {
    body: Body,
    data: PhantomData<fn() -> T>,
}

/// Writes a comment, and the id to go on behind. Clients keep the id and take neither for an event. It tells them that the
/// stream has begun, and keeps proxies from ending a stream in which nothing happens.
pub fn write_heartbeat(out: &mut Vec<u8>, id: &str) {
    for part in [":\nid: ", id, "\n\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// Writes an event behind what is there. `data` is one line: a line break in it would end the event's data.
pub fn write_event(out: &mut Vec<u8>, id: &str, kind: &str, data: &str) {
    for part in ["id: ", id, "\nevent: ", kind, "\ndata: ", data, "\n\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

impl<T> SentEvents<T> {
    /// Sends the parts as they come; each holds whole events or heartbeats.
    pub fn new(parts: impl Stream<Item = Vec<u8>> + Send + 'static) -> Self {
        Self {
            body: Body::from_bytes_stream(parts.map(Ok::<_, io::Error>)),
            data: PhantomData,
        }
    }
}

impl<T> IntoResponse for SentEvents<T> {
    fn into_response(self) -> Response {
        Response::builder()
            .content_type(CONTENT_TYPE)
            // A proxy that collects the answer would hold events back.
            .header("x-accel-buffering", "no")
            .body(self.body)
    }
}

impl<T: Type> ApiResponse for SentEvents<T> {
    fn meta() -> MetaResponses {
        let mut events = MetaSchema::new_with_format("array", "event-stream");
        events.items = Some(Box::new(T::schema_ref()));
        let content = MetaMediaType {
            content_type: CONTENT_TYPE,
            schema: MetaSchemaRef::Inline(Box::new(events)),
        };
        let answer = MetaResponse {
            description: "OK",
            status: Some(200),
            status_range: None,
            content: vec![content],
            headers: Vec::new(),
        };
        MetaResponses {
            responses: vec![answer],
        }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_its_id_its_type_and_its_data() {
        let mut out = Vec::new();
        write_heartbeat(&mut out, "AQH");
        write_event(&mut out, "AQI", "hold.created", "{\"a\":1}");
        assert_eq!(
            String::from_utf8(out).expect("is text"),
            ":\nid: AQH\n\nid: AQI\nevent: hold.created\ndata: {\"a\":1}\n\n"
        );
    }
}
