//! A problem as JSON. The code that makes a problem does not know the request's id: the edge adds it at the end.

use bytes::Bytes;
use poem::Response;

use super::Problem;

/// A problem without the request's id, kept in the answer's extensions until the edge adds the id.
#[derive(Debug, Clone)]
pub struct Document(Bytes);

impl Document {
    /// Serialises once, so that only the id has to be added later.
    pub fn of(problem: &Problem) -> Self {
        let json = serde_json::to_vec(problem).expect("a map of strings and JSON values always serialises");
        Self(json.into())
    }

    /// The document as it is, for an answer that does not pass the edge.
    pub fn without_id(&self) -> Bytes {
        self.0.clone()
    }

    /// The whole document. An id is made of characters that JSON need not escape.
    pub fn with_id(&self, request_id: &str) -> Bytes {
        let open = self.0.strip_suffix(b"}").unwrap_or(&self.0);
        [open, b",\"request_id\":\"", request_id.as_bytes(), b"\"}"]
            .concat()
            .into()
    }
}

/// Adds the request's id to an answer, if it is a problem.
pub fn write_id(response: &mut Response, request_id: &str) {
    if let Some(document) = response.extensions_mut().remove::<Document>() {
        response.set_body(document.with_id(request_id));
    }
}

#[cfg(test)]
mod tests {
    use poem::IntoResponse;
    use serde_json::Value;

    use super::*;
    use crate::problem::Code;

    #[tokio::test]
    async fn the_id_is_the_last_member_and_is_written_once() {
        let mut response = Problem::new(Code::NotFound, "nothing").into_response();
        write_id(&mut response, "order-17");
        write_id(&mut response, "order-18");
        let text = response.into_body().into_string().await.expect("is text");
        assert!(
            text.ends_with(r#","detail":"nothing","request_id":"order-17"}"#),
            "{text}"
        );
        let document: Value = serde_json::from_str(&text).expect("is JSON");
        assert_eq!(document["request_id"], "order-17");
    }

    #[tokio::test]
    async fn other_answers_are_left_alone() {
        let mut response = Response::builder().body("{}");
        write_id(&mut response, "order-17");
        assert_eq!(response.into_body().into_string().await.expect("is text"), "{}");
    }
}
