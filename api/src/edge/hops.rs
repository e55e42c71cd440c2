//! The hops that a request names in `X-Forwarded-For` or `Forwarded`. Read as bytes: the client writes the first ones,
//! and one that is not text must not hide the last one, which the proxy wrote.

use std::net::IpAddr;

use poem::http::HeaderMap;

/// The hops of all lines of a header, first to last.
pub fn hops<'a>(headers: &'a HeaderMap, name: &'static str) -> impl Iterator<Item = &'a [u8]> {
    let values = headers.get_all(name).iter();
    values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
}

/// The `for` of one element of a `Forwarded` header. Empty when the element has none, has a backslash, or is a part of
/// a quoted text that contains a comma.
pub fn for_of(element: &[u8]) -> &[u8] {
    let quotes = element.iter().filter(|byte| **byte == b'"').count();
    if quotes % 2 == 1 || element.contains(&b'\\') {
        return b"";
    }
    let pairs = element.split(|byte| *byte == b';').filter_map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        Some((&pair[..equals], &pair[equals + 1..]))
    });
    pairs
        .filter(|(name, _)| name.trim_ascii().eq_ignore_ascii_case(b"for"))
        .map(|(_, value)| value)
        .next()
        .unwrap_or_default()
}

/// Reads an address with or without port, brackets and quotes.
pub fn address_of(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim().trim_matches('"');
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None if text.matches(':').count() == 1 => text.split(':').next().unwrap_or_default(),
        None => text,
    };
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}
