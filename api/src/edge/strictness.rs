//! Rules of HTTP/1.1 for a request's head that hyper does not enforce. A head that two programs may read in two ways is
//! refused.

use poem::{
    IntoResponse, Request, Response,
    http::{HeaderMap, HeaderValue, Version, header, uri::Authority},
};

use super::body_limit;
use crate::problem::{Code, Problem};

/// Marks a request whose end is not certain: it has two lengths, or its framing could not be followed.
#[derive(Debug, Clone, Copy)]
pub struct UncertainEnd;

/// Why a head is refused.
pub struct StrictnessRefusal {
    detail: &'static str,
    /// The bytes after the head cannot be trusted, so the connection ends.
    closes: bool,
}

impl StrictnessRefusal {
    /// A 400; it closes the connection when the bytes after the head cannot be trusted.
    pub fn into_response(self) -> Response {
        let problem = Problem::new(Code::InvalidRequest, self.detail);
        if self.closes {
            body_limit::closing(problem)
        } else {
            problem.into_response()
        }
    }
}

/// Checks the head of a request.
pub fn check(request: &Request) -> Result<(), StrictnessRefusal> {
    if request.extensions().get::<UncertainEnd>().is_some() {
        return Err(StrictnessRefusal {
            detail: "Content-Length and Transfer-Encoding exclude each other",
            closes: true,
        });
    }
    let headers = request.headers();
    check_host(headers, request.version()).map_err(|detail| StrictnessRefusal { detail, closes: true })?;
    if !is_framing_plain(headers) {
        return Err(StrictnessRefusal {
            detail: "the only Transfer-Encoding of a request is chunked, once",
            closes: true,
        });
    }
    if headers.get_all(header::AUTHORIZATION).iter().count() > 1 {
        return Err(StrictnessRefusal {
            detail: "a request has one Authorization header",
            closes: false,
        });
    }
    Ok(())
}

/// True without Transfer-Encoding, or with `chunked` alone. With `gzip, chunked` the handler would get compressed
/// bytes; of two lines another program may use only the first.
fn is_framing_plain(headers: &HeaderMap) -> bool {
    let mut encodings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (encodings.next(), encodings.next()) {
        (None, _) => true,
        (Some(_), Some(_)) => false,
        (Some(encoding), None) => encoding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked"),
    }
}

fn check_host(headers: &HeaderMap, version: Version) -> Result<(), &'static str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if version < Version::HTTP_11 => Ok(()),
        (None, _) => Err("a request of HTTP/1.1 has a Host header"),
        (Some(_), Some(_)) => Err("a request has one Host header"),
        (Some(host), None) if is_host(host) => Ok(()),
        (Some(_), None) => Err("the Host header is not a host with or without a port"),
    }
}

/// `host[:port]`, without a user and without a comma: a proxy joins two headers with a comma.
fn is_host(value: &HeaderValue) -> bool {
    let text = value.as_bytes();
    !text.iter().any(|byte| matches!(byte, b'@' | b','))
        && Authority::try_from(text).is_ok_and(|authority| {
            let port = &authority.as_str()[authority.host().len()..];
            let is_port = port
                .strip_prefix(':')
                .is_some_and(|digits| digits.is_empty() || digits.parse::<u16>().is_ok());
            !authority.host().is_empty() && (port.is_empty() || is_port)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_from_other_texts() {
        let is = |text: &str| is_host(&HeaderValue::from_str(text).expect("a header takes it"));
        for good in [
            "bank",
            "bank.example:8080",
            "127.0.0.1:1",
            "[::1]",
            "[::1]:8080",
            "bank:",
        ] {
            assert!(is(good), "{good:?}");
        }
        for bad in [
            "",
            " ",
            "a b",
            "a/b",
            "user@bank",
            "bank:port",
            "bank:65536",
            "a,b",
            "http://a",
            "[::1",
            ":80",
        ] {
            assert!(!is(bad), "{bad:?}");
        }
    }
}
