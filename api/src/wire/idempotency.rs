//! The `Idempotency-Key` header. Read from the raw bytes: a key that cannot be read must never count as no key.

use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaParamIn, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use service::transfers::IdempotencyKey;

use crate::problem::{Code, Problem};

/// The caller's key, if there is one.
pub struct IdempotencyHeader(pub Option<IdempotencyKey>);

impl<'a> ApiExtractor<'a> for IdempotencyHeader {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];

    type ParamType = ();
    type ParamRawType = ();

    fn register(_registry: &mut Registry) {}

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Header)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        let mut schema = MetaSchema::new("string");
        let longest = IdempotencyKey::LENGTH_MAX;
        // A key has quotation marks around it, as in the draft of the header, or none at all.
        schema.pattern = Some(format!(r##"^("[!#-~]{{1,{longest}}}"|[!#-~]{{1,{longest}}})$"##));
        Some(MetaSchemaRef::Inline(Box::new(schema)))
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let mut values = request.headers().get_all("idempotency-key").iter();
        let Some(value) = values.next() else {
            return Ok(Self(None));
        };
        let key = value.to_str().ok().and_then(IdempotencyKey::try_new);
        match (key, values.next()) {
            (Some(key), None) => Ok(Self(Some(key))),
            _ => {
                let detail = "Idempotency-Key has 1 to 255 visible ASCII characters and is given once";
                Err(Problem::new(Code::InvalidIdempotencyKey, detail).into())
            }
        }
    }
}
