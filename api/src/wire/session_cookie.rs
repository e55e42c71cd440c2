//! The refresh token in a cookie, for browsers: scripts of a page cannot read it there.
//!
//! A browser sends cookies by itself, also for a page of another site. So the cookie counts only together with the header
//! `X-Florin-Session`, which another origin cannot send without being asked for it first, and an `Origin` must be this
//! server's or an allowed one. Without the header the cookie is ignored.

use poem::http::{HeaderMap, HeaderValue, header};
use poem::{IntoResponse, Request, RequestBody, Response};
use poem_openapi::registry::{MetaParamIn, MetaResponses, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ApiResponse, ExtractParamOptions};
use secrecy::{ExposeSecret, SecretString};

use super::json::string_header;
use crate::problem::{Code, Problem};

/// The header that asks for the cookie.
pub const SESSION_HEADER: &str = "X-Florin-Session";
/// Its only value.
const COOKIE_WORD: &str = "cookie";
/// The name of the cookie.
pub const REFRESH_COOKIE: &str = "florin_refresh";

/// The origins, besides this server's own, whose pages may use the cookie. `*` is not one of them: it would let every page
/// act for the user who has signed in.
#[derive(Clone, Debug, Default)]
pub struct CookieOrigins(Vec<HeaderValue>);

impl CookieOrigins {
    /// Takes the origins that may call the API from a browser.
    pub fn new(origins: &[String]) -> Self {
        let origins = origins.iter().map(|origin| origin.trim_end_matches('/'));
        let named = origins.filter(|origin| *origin != "*");
        Self(named.filter_map(|origin| HeaderValue::from_str(origin).ok()).collect())
    }

    /// Whether a page that sends this request may use the cookie. Programs send no `Origin`.
    fn admit(&self, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => true,
            (Some(origin), None) => self.0.contains(origin) || is_own(origin, headers.get(header::HOST)),
            (Some(_), Some(_)) => false,
        }
    }
}

/// Whether an origin has the host and the port of the request. Which of the two schemes the server has is not known behind
/// a proxy; the cookie itself is sent by TLS only.
fn is_own(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let Some((scheme, origin)) = origin.to_str().ok().and_then(|text| text.split_once("://")) else {
        return false;
    };
    let default_port = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return false,
    };
    let Some(host) = host.and_then(|host| host.to_str().ok()) else {
        return false;
    };
    let bare = |text: &str| text.strip_suffix(default_port).unwrap_or(text).to_ascii_lowercase();
    !origin.is_empty() && bare(origin) == bare(host)
}

/// Whether the caller wants the refresh token in a cookie, and has it there.
pub enum SessionMode {
    /// In the body, for programs.
    Body,
    /// In the cookie. The token is `None` where the request has no cookie, or more than one that differ.
    Cookie(Option<SecretString>),
}

impl<'a> ApiExtractor<'a> for SessionMode {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];

    type ParamType = ();
    type ParamRawType = ();

    fn register(_registry: &mut Registry) {}

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Header)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        let mut schema = MetaSchema::new("string");
        schema.pattern = Some(format!("^{COOKIE_WORD}$"));
        Some(MetaSchemaRef::Inline(Box::new(schema)))
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let headers = request.headers();
        let mut wanted = headers.get_all(SESSION_HEADER).iter();
        match (wanted.next(), wanted.next()) {
            (None, _) => return Ok(Self::Body),
            (Some(word), None) if word.as_bytes() == COOKIE_WORD.as_bytes() => {}
            _ => return Err(Problem::invalid_field(SESSION_HEADER, "must be `cookie`, given once").into()),
        }
        let own_only = CookieOrigins::default();
        let origins = request.data::<CookieOrigins>().unwrap_or(&own_only);
        if !origins.admit(headers) {
            let detail = "pages of this origin may not use the session's cookie";
            return Err(Problem::new(Code::Forbidden, detail).into());
        }
        Ok(Self::Cookie(cookie_of(headers)))
    }
}

/// The value of the cookie. Another site of the same domain can add a second cookie of the name; which of the two is ours
/// cannot be told.
fn cookie_of(headers: &HeaderMap) -> Option<SecretString> {
    let lines = headers.get_all(header::COOKIE).iter();
    let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let mut found: Option<&[u8]> = None;
    for pair in pairs {
        let Some(value) = pair
            .trim_ascii()
            .strip_prefix(REFRESH_COOKIE.as_bytes())
            .and_then(|rest| rest.strip_prefix(b"="))
        else {
            continue;
        };
        if found.is_some_and(|found| found != value) {
            return None;
        }
        found = Some(value);
    }
    let text = std::str::from_utf8(found?).ok()?;
    Some(SecretString::from(text))
}

/// A cookie that an answer sets.
pub struct SetCookie(HeaderValue);

impl SetCookie {
    /// Keeps the token in the browser for so many seconds.
    pub fn keep(token: &SecretString, seconds: i64) -> Option<Self> {
        Self::of(token.expose_secret(), seconds)
    }

    /// Removes the token from the browser.
    pub fn forget() -> Option<Self> {
        Self::of("", 0)
    }

    /// `None` for a value that is not fit for a header, which a token of ours is.
    fn of(value: &str, seconds: i64) -> Option<Self> {
        let text =
            format!("{REFRESH_COOKIE}={value}; HttpOnly; Secure; SameSite=Strict; Path=/v1/auth; Max-Age={seconds}");
        let mut header = HeaderValue::from_str(&text).ok()?;
        header.set_sensitive(true);
        Some(Self(header))
    }
}

/// An answer that may set the cookie.
pub struct WithCookie<R> {
    /// The answer itself.
    pub answer: R,
    /// The cookie; `None` for a caller who did not ask for it.
    pub cookie: Option<SetCookie>,
}

impl<R: IntoResponse> IntoResponse for WithCookie<R> {
    fn into_response(self) -> Response {
        let mut response = self.answer.into_response();
        if let Some(SetCookie(cookie)) = self.cookie {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}

impl<R: ApiResponse> ApiResponse for WithCookie<R> {
    fn meta() -> MetaResponses {
        let mut meta = R::meta();
        let description = "The refresh token, for a caller who asks for the cookie.";
        let cookie = string_header("Set-Cookie", description);
        meta.responses[0].headers.push(cookie);
        meta
    }

    fn register(registry: &mut Registry) {
        R::register(registry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(*name, HeaderValue::from_str(value).expect("a header takes it"));
        }
        map
    }

    #[test]
    fn only_the_own_host_and_named_origins_may_use_the_cookie() {
        let origins = CookieOrigins::new(&["https://app.example/".to_owned(), "*".to_owned()]);
        let admits = |lines: &[(&'static str, &str)]| {
            let mut all = vec![("host", "bank.example")];
            all.extend_from_slice(lines);
            origins.admit(&headers(&all))
        };
        for good in [
            &[][..],
            &[("origin", "https://app.example")],
            &[("origin", "https://bank.example")],
            &[("origin", "https://BANK.example:443")],
            &[("origin", "http://bank.example:80")],
        ] {
            assert!(admits(good), "{good:?}");
        }
        for bad in [
            "null",
            "",
            "*",
            "https://",
            "bank.example",
            "https://evil.example",
            "https://bank.example.evil.example",
            "https://evil.example/bank.example",
            "https://bank.example:8443",
            "https://app.example:8443",
            "http://app.example",
            "file://bank.example",
            "https://user@bank.example",
        ] {
            assert!(!admits(&[("origin", bad)]), "{bad}");
        }
        assert!(!admits(&[
            ("origin", "https://app.example"),
            ("origin", "https://app.example")
        ]));
    }

    #[test]
    fn the_cookie_is_found_among_others_and_never_guessed() {
        let value = |lines: &[&str]| {
            let lines: Vec<_> = lines.iter().map(|line| ("cookie", *line)).collect();
            cookie_of(&headers(&lines)).map(|value| value.expose_secret().to_owned())
        };
        assert_eq!(value(&["a=1; florin_refresh=x; b=2"]).as_deref(), Some("x"));
        assert_eq!(value(&["a=1", "florin_refresh=x"]).as_deref(), Some("x"));
        assert_eq!(value(&["florin_refresh=x; florin_refresh=x"]).as_deref(), Some("x"));
        assert_eq!(value(&["florin_refresh=x; florin_refresh=y"]), None);
        assert_eq!(value(&["florin_refreshed=x; xflorin_refresh=y"]), None);
        assert_eq!(value(&[]), None);
    }
}
