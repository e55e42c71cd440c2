//! A file in a multipart body, read as it arrives: neither the body nor the file is ever held in memory as a whole.

use poem::web::{Field, Multipart};
use poem::{FromRequest, Request, RequestBody};
use poem_openapi::impl_apirequest_for_payload;
use poem_openapi::payload::{ParsePayload, Payload};
use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use tokio::io::AsyncRead;

use crate::problem::Problem;

const CONTENT_TYPE: &str = "multipart/form-data";
const FIELD: &str = "file";

/// A multipart body with one file in it, in the field `file`.
pub struct FileUpload(Multipart);

impl FileUpload {
    /// The file's name and its bytes. What the body holds behind the file is not looked at.
    pub async fn file(mut self) -> Result<(String, impl AsyncRead + Send), Problem> {
        let unreadable = |_| Problem::invalid_field("", "the multipart body cannot be read");
        let Some(field) = self.0.next_field().await.map_err(unreadable)? else {
            return Err(Problem::invalid_field(FIELD, "is required"));
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
        Ok((name, Field::into_async_read(field)))
    }
}

impl Payload for FileUpload {
    const CONTENT_TYPE: &'static str = CONTENT_TYPE;

    /// Its parameter, the boundary, is any text.
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
        Ok(Self(Multipart::from_request(request, body).await?))
    }
}

impl_apirequest_for_payload!(FileUpload);
