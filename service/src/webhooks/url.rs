//! The URLs that webhooks may go to. Pure.
//!
//! The text is read as browsers read it (WHATWG), once, and kept in the form that this gives: a host in lower case, an
//! international name in its ASCII form, and an IPv4 address as four decimal numbers, whichever of its forms it had. So
//! what is checked is what is connected to.

use std::fmt;

use ::url::{Host, Url};

use super::addresses::AddressPolicy;

/// The most characters of a URL, in the form in which it is kept.
pub(super) const URL_MAX: usize = 2_048;

/// A URL that webhooks may go to.
#[derive(Clone, PartialEq, Eq)]
pub struct HookUrl(Url);

/// Why webhooks may not go to a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlRefusal {
    /// Answered when the URL has more than 2 048 characters.
    #[error("a URL has at most {} characters", URL_MAX)]
    TooLong,
    /// Answered when the text is not a whole URL, or has blanks or control characters.
    #[error("the text is not a whole URL")]
    Malformed,
    /// Answered when the URL is neither https, nor http where private addresses are allowed.
    #[error("the URL does not begin with https://")]
    NotHttps,
    /// Answered when the URL has a user or a password: lists of endpoints would show it.
    #[error("the URL has a user or a password")]
    HasCredentials,
    /// Answered when the URL has a fragment, which is never sent.
    #[error("the URL has a fragment")]
    HasFragment,
    /// Answered when the host is an address that is not public, or the machine itself by name.
    #[error("the host is not one on the public internet")]
    PrivateHost,
}

impl HookUrl {
    /// Checks in this order: length, characters, scheme, whether it is a URL, credentials, fragment, port, length as it is
    /// kept, host.
    pub fn parse(text: &str, policy: AddressPolicy) -> Result<Self, UrlRefusal> {
        if text.chars().count() > URL_MAX {
            return Err(UrlRefusal::TooLong);
        }
        // The parser drops some of them without a word, so that a list would show another URL than its owner gave.
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(UrlRefusal::Malformed);
        }
        let (scheme, _) = text.split_once("://").ok_or(UrlRefusal::Malformed)?;
        let is_open = scheme.eq_ignore_ascii_case("http") && policy.allows_private();
        if !is_open && !scheme.eq_ignore_ascii_case("https") {
            return Err(UrlRefusal::NotHttps);
        }
        let url = Url::parse(text).map_err(|_| UrlRefusal::Malformed)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlRefusal::HasCredentials);
        }
        if url.fragment().is_some() {
            return Err(UrlRefusal::HasFragment);
        }
        if url.port() == Some(0) {
            return Err(UrlRefusal::Malformed);
        }
        if url.as_str().len() > URL_MAX {
            return Err(UrlRefusal::TooLong);
        }
        let host = url.host().ok_or(UrlRefusal::Malformed)?;
        if !policy.admits_host(&host) {
            return Err(UrlRefusal::PrivateHost);
        }
        Ok(Self(url))
    }

    /// The text in the form in which it is kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The URL for the HTTP client.
    pub(super) fn url(&self) -> &Url {
        &self.0
    }

    /// The host: a name, or an address.
    pub(super) fn host(&self) -> Host<&str> {
        self.0.host().expect("parse refuses a URL without a host")
    }

    /// The host and the port, the same text for each URL of one server.
    pub(super) fn server(&self) -> String {
        let host = self.host().to_string();
        let port = self.0.port_or_known_default().expect("http and https have a port");
        // A name with a dot at its end is the same name.
        format!("{}:{port}", host.strip_suffix('.').unwrap_or(&host))
    }
}

/// Without the path and the query, which often hold a secret of the receiver.
impl fmt::Debug for HookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HookUrl({})", self.server())
    }
}

#[cfg(test)]
mod tests {
    use super::AddressPolicy::{PrivateToo, PublicOnly};
    use super::*;

    fn kept(text: &str, policy: AddressPolicy) -> Result<String, UrlRefusal> {
        HookUrl::parse(text, policy).map(|url| url.as_str().to_owned())
    }

    #[test]
    fn a_url_is_kept_in_one_form() {
        for (text, expected) in [
            ("https://example.com/hook?a=b", "https://example.com/hook?a=b"),
            ("https://example.com", "https://example.com/"),
            ("HTTPS://EXAMPLE.com/Hook", "https://example.com/Hook"),
            ("https://example.com.", "https://example.com./"),
            ("https://example.com:443/", "https://example.com/"),
            ("https://example.com:8443/", "https://example.com:8443/"),
            ("https://example.com:65535/", "https://example.com:65535/"),
            ("https://a_b.example/", "https://a_b.example/"),
            ("https://münchen.example/", "https://xn--mnchen-3ya.example/"),
            ("https://MÜNCHEN.example/", "https://xn--mnchen-3ya.example/"),
            ("https://example.com/ü", "https://example.com/%C3%BC"),
            ("https://93.184.215.14/", "https://93.184.215.14/"),
            ("https://0x5db8d70e/", "https://93.184.215.14/"),
            ("https://[2606:4700:4700:0::1111]/", "https://[2606:4700:4700::1111]/"),
            ("https://example.com/a/../b", "https://example.com/b"),
        ] {
            assert_eq!(kept(text, PublicOnly).as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(
            kept("http://localhost:3000/hook", PrivateToo).as_deref(),
            Ok("http://localhost:3000/hook")
        );
    }

    /// Each form is read as the address that it means, and refused for it; where private addresses are allowed, it is kept
    /// as that address.
    #[test]
    fn every_form_of_a_private_address_is_refused() {
        for (host, means) in [
            ("127.0.0.1", "127.0.0.1"),
            ("127.0.0.1.", "127.0.0.1"),
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("2130706433", "127.0.0.1"),
            ("0x7f000001", "127.0.0.1"),
            ("0X7F000001", "127.0.0.1"),
            ("017700000001", "127.0.0.1"),
            ("0177.0.0.1", "127.0.0.1"),
            ("0177.0.0.01", "127.0.0.1"),
            ("0x7f.0x0.0x0.0x1", "127.0.0.1"),
            ("0x7f.1", "127.0.0.1"),
            ("127.1", "127.0.0.1"),
            ("127.0.1", "127.0.0.1"),
            ("0", "0.0.0.0"),
            ("0x", "0.0.0.0"),
            ("%31%32%37.0.0.1", "127.0.0.1"),
            ("１２７.０.０.１", "127.0.0.1"),
            ("127。0。0。1", "127.0.0.1"),
            ("10.1", "10.0.0.1"),
            ("3232235777", "192.168.1.1"),
            ("0xa9fea9fe", "169.254.169.254"),
            ("169.254.43518", "169.254.169.254"),
            ("[::1]", "[::1]"),
            ("[::]", "[::]"),
            ("[0:0:0:0:0:0:0:1]:8080", "[::1]:8080"),
            ("[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
            ("[::ffff:7f00:1]", "[::ffff:7f00:1]"),
            ("[::127.0.0.1]", "[::7f00:1]"),
            ("[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]"),
            ("[2002:7f00:1::]", "[2002:7f00:1::]"),
            ("[FD00:EC2::254]", "[fd00:ec2::254]"),
            ("[fe80::1]", "[fe80::1]"),
            ("localhost", "localhost"),
            ("LOCALHOST", "localhost"),
            ("localhost.", "localhost."),
            ("Bank.Localhost", "bank.localhost"),
            ("ｌｏｃａｌｈｏｓｔ", "localhost"),
            ("local\u{ad}host", "localhost"),
        ] {
            let text = format!("https://{host}/");
            assert_eq!(kept(&text, PublicOnly), Err(UrlRefusal::PrivateHost), "{text}");
            assert_eq!(kept(&text, PrivateToo), Ok(format!("https://{means}/")), "{text}");
        }
    }

    #[test]
    fn each_refusal_has_its_reason() {
        for (text, refusal) in [
            ("", UrlRefusal::Malformed),
            ("example.com", UrlRefusal::Malformed),
            ("/hook", UrlRefusal::Malformed),
            ("https:example.com", UrlRefusal::Malformed),
            ("https:\\\\example.com", UrlRefusal::Malformed),
            ("https://", UrlRefusal::Malformed),
            ("https://:8080/", UrlRefusal::Malformed),
            (" https://example.com/", UrlRefusal::Malformed),
            ("https://example.com/\n", UrlRefusal::Malformed),
            ("https://exam\tple.com/", UrlRefusal::Malformed),
            ("https://example.com/a b", UrlRefusal::Malformed),
            ("https://example.com:0/", UrlRefusal::Malformed),
            ("https://example.com:65536/", UrlRefusal::Malformed),
            ("https://256.0.0.1/", UrlRefusal::Malformed),
            ("https://1.2.3.4.5/", UrlRefusal::Malformed),
            ("https://08.0.0.1/", UrlRefusal::Malformed),
            ("https://[::1/", UrlRefusal::Malformed),
            ("https://[fe80::1%25eth0]/", UrlRefusal::Malformed),
            ("https://exa<mple.com/", UrlRefusal::Malformed),
            ("http://example.com/", UrlRefusal::NotHttps),
            ("ftp://example.com/", UrlRefusal::NotHttps),
            ("file:///etc/passwd", UrlRefusal::NotHttps),
            ("gopher://example.com/", UrlRefusal::NotHttps),
            ("https://ana@example.com/", UrlRefusal::HasCredentials),
            ("https://ana:secret@example.com/", UrlRefusal::HasCredentials),
            ("https://:secret@example.com/", UrlRefusal::HasCredentials),
            ("https://example.com@127.0.0.1/", UrlRefusal::HasCredentials),
            ("https://example.com/#", UrlRefusal::HasFragment),
            ("https://example.com/#part", UrlRefusal::HasFragment),
        ] {
            assert_eq!(kept(text, PublicOnly), Err(refusal), "{text:?}");
        }
    }

    #[test]
    fn a_url_has_a_bound_as_it_is_given_and_as_it_is_kept() {
        let begin = "https://example.com/";
        let of = |letter: &str, count| kept(&format!("{begin}{}", letter.repeat(count)), PublicOnly);
        assert!(of("a", URL_MAX - begin.len()).is_ok());
        assert_eq!(of("a", URL_MAX - begin.len() + 1), Err(UrlRefusal::TooLong));
        // Six characters each, as it is kept.
        assert_eq!(of("ü", 400), Err(UrlRefusal::TooLong));
    }

    #[test]
    fn one_server_has_one_text_and_debug_shows_no_more() {
        let server = |text| HookUrl::parse(text, PublicOnly).expect("it is a URL").server();
        for text in ["https://example.com/a", "https://EXAMPLE.com.:443/b?c"] {
            assert_eq!(server(text), "example.com:443");
        }
        assert_eq!(server("https://example.com:8443/"), "example.com:8443");
        assert_eq!(server("https://[2606:4700:4700::1111]/"), "[2606:4700:4700::1111]:443");
        let url = HookUrl::parse("https://example.com/secret?token=secret", PublicOnly).expect("it is a URL");
        assert_eq!(format!("{url:?}"), "HookUrl(example.com:443)");
    }
}
