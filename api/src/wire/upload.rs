//! A file in a multipart body, read as it arrives: neither the body nor the file is ever held in memory as a whole.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body_util::combinators::BoxBody;
use poem::http::header;
use poem::web::{Field, Multipart};
use poem::{Body, FromRequest, Request, RequestBody};
use poem_openapi::impl_apirequest_for_payload;
use poem_openapi::payload::{ParsePayload, Payload};
use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use tokio::io::{AsyncRead, ReadBuf};

use super::bounded_parts::{Bound, BoundedParts, PART_HEAD_MAX_BYTES};
use crate::problem::Problem;

const CONTENT_TYPE: &str = "multipart/form-data";
const FIELD: &str = "file";

/// A multipart body with one file in it, in the field `file`, and nothing else.
pub struct FileUpload {
    parts: Multipart,
    bound: Bound,
    declared_bytes: Option<u64>,
}

impl FileUpload {
    /// The body's length in bytes; `None` when the client does not declare it. The file is a little shorter.
    pub fn declared_bytes(&self) -> Option<u64> {
        self.declared_bytes
    }

    /// The file's name and its bytes. Reading them fails at their end when another part follows.
    pub async fn file(mut self) -> Result<(String, impl AsyncRead + Send), Problem> {
        let field = match self.parts.next_field().await {
            Ok(Some(field)) => field,
            Ok(None) => return Err(Problem::invalid_field(FIELD, "is required")),
            Err(_) => return Err(unreadable(&self.bound)),
        };
        match field.name() {
            Some(FIELD) => {}
            other => {
                return Err(Problem::invalid_field(
                    other.unwrap_or_default(),
                    "there is no such field",
                ));
            }
        }
        let name = field.file_name().unwrap_or_default().to_owned();
        self.bound.begin_content();
        let content = Box::pin(Field::into_async_read(field));
        Ok((name, OnlyFile::Content(content, Some(self))))
    }

    /// Checks that the body ends after the file.
    async fn end(mut self) -> io::Result<()> {
        self.bound.begin_head();
        match self.parts.next_field().await {
            Ok(None) => Ok(()),
            Ok(Some(field)) => {
                let name = field.name().unwrap_or_default().to_owned();
                let problem = Problem::invalid_field(name, "an upload is one file and nothing else");
                Err(io::Error::other(problem))
            }
            Err(_) => Err(io::Error::other(unreadable(&self.bound))),
        }
    }
}

fn unreadable(bound: &Bound) -> Problem {
    if bound.is_exceeded() {
        let detail = format!("the head of a part holds at most {PART_HEAD_MAX_BYTES} bytes");
        return Problem::invalid_field("", detail);
    }
    Problem::invalid_field("", "the multipart body cannot be read")
}

/// A file that is the only part of its body.
enum OnlyFile {
    Content(Pin<Box<dyn AsyncRead + Send>>, Option<FileUpload>),
    End(Pin<Box<dyn Future<Output = io::Result<()>> + Send>>),
    Done,
}

impl AsyncRead for OnlyFile {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            match &mut *self {
                Self::Content(content, upload) => {
                    let before = buffer.filled().len();
                    ready!(content.as_mut().poll_read(context, buffer))?;
                    if buffer.filled().len() > before || buffer.remaining() == 0 {
                        return Poll::Ready(Ok(()));
                    }
                    // The parser goes on only once the content's reader is dropped, which this assignment does.
                    let upload = upload.take();
                    *self = upload.map_or(Self::Done, |upload| Self::End(Box::pin(upload.end())));
                }
                Self::End(end) => {
                    ready!(end.as_mut().poll(context))?;
                    *self = Self::Done;
                }
                Self::Done => return Poll::Ready(Ok(())),
            }
        }
    }
}

impl Payload for FileUpload {
    const CONTENT_TYPE: &'static str = CONTENT_TYPE;

    /// Accepts any parameters: the boundary may be any text.
    fn check_content_type(content_type: &str) -> bool {
        let essence = content_type.split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case(CONTENT_TYPE)
    }

    fn schema_ref() -> MetaSchemaRef {
        let mut file = MetaSchema::new_with_format("string", "binary");
        file.description = Some("A CSV file with a header.");
        let mut schema = MetaSchema::new("object");
        schema.required = vec![FIELD];
        schema.properties = vec![(FIELD, MetaSchemaRef::Inline(Box::new(file)))];
        MetaSchemaRef::Inline(Box::new(schema))
    }
}

impl ParsePayload for FileUpload {
    const IS_REQUIRED: bool = true;

    async fn from_request(request: &Request, body: &mut RequestBody) -> poem::Result<Self> {
        let (bounded, bound) = BoundedParts::new(body.take()?.into());
        let mut body = RequestBody::new(Body::from(BoxBody::new(bounded)));
        let declared = request.headers().get(header::CONTENT_LENGTH);
        Ok(Self {
            parts: Multipart::from_request(request, &mut body).await?,
            bound,
            declared_bytes: declared.and_then(|length| length.to_str().ok()?.parse().ok()),
        })
    }
}

impl_apirequest_for_payload!(FileUpload);
