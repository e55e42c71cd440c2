//! A page as it is sent: compressed for clients that accept gzip, and 304 for clients that have it already.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use poem::{
    Request, Response, Result,
    error::InternalServerError,
    http::{HeaderValue, StatusCode, header},
};
use sha2::{Digest as _, Sha256};
use tokio::{sync::OnceCell, task::spawn_blocking};

use crate::wire::{EntityTags, gzip, takes_gzip};

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
pub struct StaticPage {
    body: Bytes,
    kind: HeaderValue,
    policy: PagePolicy,
    forms: Arc<OnceCell<Forms>>,
}

/// What a browser may load and run for a page.
#[derive(Debug, Clone, Copy)]
enum PagePolicy {
    /// What the edge says of every answer: nothing.
    None,
    /// The scripts in the page, each named by its digest.
    OwnScripts,
    Given(&'static str),
}

/// Made by the first request for a page, for all later ones too.
#[derive(Debug)]
struct Forms {
    plain: Form,
    gzip: Form,
    /// Which scripts a browser runs; `None` for what is no page.
    policy: Option<HeaderValue>,
}

#[derive(Debug, Clone)]
struct Form {
    body: Bytes,
    /// Without quotation marks. Each form has its own, as strong tags must.
    tag: String,
}

impl StaticPage {
    /// A page of HTML. It names an empty icon: otherwise a browser would request `/favicon.ico` and get a 404.
    pub fn html(text: &str) -> Self {
        Self::new(
            text.replacen("<title>", "<link rel=\"icon\" href=\"data:,\"><title>", 1),
            HTML,
            PagePolicy::OwnScripts,
        )
    }

    /// A page of HTML with a policy of its own, sent as it is.
    pub fn html_with_policy(text: String, policy: &'static str) -> Self {
        Self::new(text, HTML, PagePolicy::Given(policy))
    }

    pub fn json(text: String) -> Self {
        Self::new(text, JSON, PagePolicy::None)
    }

    fn new(text: String, kind: HeaderValue, policy: PagePolicy) -> Self {
        Self {
            body: text.into(),
            kind,
            policy,
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
                let (body, policy) = (self.body.clone(), self.policy);
                move || Forms::of(body, policy)
            })
            .await
        };
        let made = self.forms.get_or_try_init(make).await;
        made.map_err(InternalServerError)
    }
}

impl Forms {
    fn of(body: Bytes, policy: PagePolicy) -> Self {
        let policy = match policy {
            PagePolicy::None => None,
            PagePolicy::OwnScripts => Some(policy_of(&String::from_utf8_lossy(&body))),
            PagePolicy::Given(policy) => Some(HeaderValue::from_static(policy)),
        };
        let digest = Sha256::digest(&body);
        let tag: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            gzip: Form {
                body: gzip(&body).into(),
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
fn policy_of(html: &str) -> HeaderValue {
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
        let policy = policy_of("<script></script>");
        let policy = policy.to_str().expect("a policy is text");
        assert!(
            policy.ends_with("; script-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"),
            "{policy}"
        );
        assert!(
            !policy_of("<p>")
                .to_str()
                .is_ok_and(|policy| policy.contains("script-src"))
        );
    }
}
