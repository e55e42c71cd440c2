//! One page as it is sent: compressed for clients that accept gzip, and 304 for clients that have it already.

use std::io::Write;
use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use poem::{
    Request, Response, Result,
    error::InternalServerError,
    http::{HeaderMap, HeaderValue, StatusCode, header},
};
use sha2::{Digest as _, Sha256};
use tokio::{sync::OnceCell, task::spawn_blocking};

use crate::wire::{EntityTags, weight_milli};

/// What a page may load besides its scripts: nothing from other hosts. Swagger UI and ReDoc write styles as they run.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; \
    font-src data:; connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Browsers and proxies store the pages and revalidate them each time, so that a new version of the bank appears at
/// once.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("public, no-cache");
const VARY: HeaderValue = HeaderValue::from_static("accept-encoding");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");

/// A page that is made once and never changes.
#[derive(Debug, Clone)]
pub struct DocsPage {
    body: Bytes,
    kind: HeaderValue,
    forms: Arc<OnceCell<Forms>>,
}

/// Made by the first request for a page, for all later ones too.
#[derive(Debug)]
struct Forms {
    plain: Form,
    gzip: Form,
    /// For HTML: which scripts a browser runs.
    policy: Option<HeaderValue>,
}

#[derive(Debug, Clone)]
struct Form {
    body: Bytes,
    /// Without quotation marks. Each form has its own, as strong tags must.
    tag: String,
}

impl DocsPage {
    /// A page of HTML. It names an empty icon: otherwise a browser would request `/favicon.ico` and get a 404.
    pub fn html(text: &str) -> Self {
        Self::new(
            text.replacen("<title>", "<link rel=\"icon\" href=\"data:,\"><title>", 1),
            HTML,
        )
    }

    pub fn json(text: String) -> Self {
        Self::new(text, JSON)
    }

    fn new(text: String, kind: HeaderValue) -> Self {
        Self {
            body: text.into(),
            kind,
            forms: Arc::default(),
        }
    }

    /// Answers a GET or a HEAD.
    pub async fn answer(&self, request: &Request) -> Result<Response> {
        let headers = request.headers();
        let forms = self.forms().await?;
        let is_gzip = takes_gzip(headers);
        let form = if is_gzip { &forms.gzip } else { &forms.plain };
        // A list of tags that cannot be read matches nothing.
        let known = EntityTags::of(headers, header::IF_NONE_MATCH).unwrap_or_default();
        if known.is_some_and(|known| known.name_weakly(&form.tag)) {
            return Ok(forms.respond(form, Response::builder().status(StatusCode::NOT_MODIFIED).finish()));
        }
        let mut response = forms.respond(form, Response::from(form.body.clone()));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, self.kind.clone());
        if is_gzip {
            headers.insert(header::CONTENT_ENCODING, GZIP);
        }
        Ok(response)
    }

    /// Made at the first request and not at start, since most processes never serve a page; made on a blocking thread,
    /// since it takes a tenth of a second.
    async fn forms(&self) -> Result<&Forms> {
        let make = || async {
            spawn_blocking({
                let (body, is_html) = (self.body.clone(), self.kind == HTML);
                move || Forms::of(body, is_html)
            })
            .await
        };
        let made = self.forms.get_or_try_init(make).await;
        made.map_err(InternalServerError)
    }
}

impl Forms {
    fn of(body: Bytes, is_html: bool) -> Self {
        let policy = is_html.then(|| policy(&String::from_utf8_lossy(&body)));
        let digest = Sha256::digest(&body);
        let tag: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            gzip: Form {
                body: compress(&body).into(),
                tag: format!("{tag}-gzip"),
            },
            plain: Form { body, tag },
            policy,
        }
    }

    /// Adds what a 200 and a 304 both carry: a browser takes the headers of a 304 for the page that it has.
    fn respond(&self, form: &Form, mut response: Response) -> Response {
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
        headers.insert(header::VARY, VARY);
        // A tag is made of digits and letters, so this cannot fail; without a tag the answer would still be right.
        if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", form.tag)) {
            headers.insert(header::ETAG, tag);
        }
        if let Some(policy) = &self.policy {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
        }
        response
    }
}

/// The policy of a page: its own scripts run, each named by its digest, and no other.
fn policy(html: &str) -> HeaderValue {
    let digests =
        scripts(html).map(|script| format!(" 'sha256-{}'", STANDARD.encode(Sha256::digest(script.as_bytes()))));
    let digests: String = digests.collect();
    let policy = if digests.is_empty() {
        CONTENT_SECURITY_POLICY.to_owned()
    } else {
        format!("{CONTENT_SECURITY_POLICY}; script-src{digests}")
    };
    HeaderValue::try_from(policy).expect("Base64 and the words of a policy are fit for a header")
}

/// The texts between the tags of the page's scripts. A script ends at the first `</script`, whatever is around it.
fn scripts(html: &str) -> impl Iterator<Item = &str> {
    let mut rest = html;
    std::iter::from_fn(move || {
        let (_, opened) = rest.split_once("<script")?;
        let (_, body) = opened.split_once('>')?;
        let (script, after) = body.split_once("</script")?;
        rest = after;
        Some(script)
    })
}

fn compress(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder
        .write_all(body)
        .and_then(|()| encoder.finish())
        .expect("writing to memory does not fail")
}

/// Whether an answer in gzip is welcome (RFC 9110, 12.5.3): named, or covered by `*`, and not less than the plain form.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let (mut gzip, mut rest, mut plain) = (None, None, None);
    let lists = headers.get_all(header::ACCEPT_ENCODING).iter();
    for element in lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
    {
        let (coding, parameters) = element.split_once(';').unwrap_or((element, ""));
        let weight = weight_milli(parameters);
        match coding.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => gzip = weight,
            "identity" => plain = weight,
            "*" => rest = weight,
            _ => {}
        }
    }
    let gzip = gzip.or(rest).unwrap_or(0);
    gzip > 0 && gzip >= plain.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_of_a_page_is_named_by_its_digest() {
        let page = "<script charset=\"UTF-8\">alert(1 > 0, \"<script\")</script><p><script>\nb\n</script></p>";
        assert_eq!(
            scripts(page).collect::<Vec<_>>(),
            ["alert(1 > 0, \"<script\")", "\nb\n"]
        );
        let policy = policy("<script></script>");
        let policy = policy.to_str().expect("a policy is text");
        assert!(
            policy.ends_with("; script-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"),
            "{policy}"
        );
        assert!(
            !super::policy("<p>")
                .to_str()
                .is_ok_and(|policy| policy.contains("script-src"))
        );
    }

    #[test]
    fn gzip_is_for_those_who_take_it() {
        let takes = |list: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(list));
            takes_gzip(&headers)
        };
        for list in [
            "gzip",
            "GZIP",
            "x-gzip",
            "br, gzip;q=0.8",
            "gzip; q=1.000",
            "*",
            "deflate;q=0.5, *;q=0.1",
            "identity;q=0.5, gzip",
        ] {
            assert!(takes(list), "{list}");
        }
        for list in [
            "",
            "br",
            "identity",
            "gzip;q=0",
            "gzip;q=0.000",
            "*;q=0",
            "gzip;q=0, *",
            "gzip;q=2",
            "gzip;q=x",
            "gzip;q=0.1234",
            "identity, gzip;q=0.5",
        ] {
            assert!(!takes(list), "{list}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
