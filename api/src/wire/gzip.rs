//! gzip: which callers take it, and how it is made.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use poem::http::{HeaderMap, header};

use super::weight::weight_milli;

/// A text in gzip, as small as it gets.
pub fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder
        .write_all(body)
        .and_then(|()| encoder.finish())
        .expect("writing to memory does not fail")
}

/// Whether an answer in gzip is welcome (RFC 9110, 12.5.3): named, or covered by `*`, and not less than the plain form.
pub fn takes_gzip(headers: &HeaderMap) -> bool {
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
    use poem::http::HeaderValue;

    use super::*;

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
