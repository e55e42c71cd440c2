//! The settings that are addresses: where to listen, which networks are trusted, and which origins may call the API.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, anyhow};
use ipnet::IpNet;
use tokio::net::{TcpListener, lookup_host};

/// Where to listen: an address, or a name such as `localhost`, and a port.
#[derive(Clone, Debug)]
pub struct Listen(String);

impl Listen {
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_address = text.parse::<SocketAddr>().is_ok();
        let is_name = text.rsplit_once(':').is_some_and(|(name, port)| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
                && port.parse::<u16>().is_ok()
        });
        if is_address || is_name {
            return Ok(Self(text.to_owned()));
        }
        let advice = match text.parse::<u16>() {
            Ok(port) => format!("did you mean 127.0.0.1:{port}?"),
            Err(_) if !text.contains(':') && !text.is_empty() => format!("did you mean {text}:8080?"),
            Err(_) => "write 127.0.0.1:8080, localhost:8080 or [::1]:8080".to_owned(),
        };
        Err(format!("not a host and a port; {advice}"))
    }

    /// Binds the first of the name's addresses that is free, IPv4 before IPv6: the README's commands use IPv4.
    pub async fn bind(&self) -> anyhow::Result<TcpListener> {
        let found = lookup_host(&self.0).await;
        let mut addresses: Vec<SocketAddr> = found
            .with_context(|| format!("cannot listen on {self}: the name has no address"))?
            .collect();
        addresses.sort_by_key(SocketAddr::is_ipv6);
        let mut refused = anyhow!("the name has no address");
        for address in addresses {
            match TcpListener::bind(address).await {
                Ok(listener) => return Ok(listener),
                Err(error) => refused = error.into(),
            }
        }
        Err(refused.context(format!("cannot listen on {self}")))
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A network; a single address is a network of one address.
pub fn parse_network(text: &str) -> Result<IpNet, String> {
    let address = text.parse::<IpAddr>().map(IpNet::from);
    let network = address.or_else(|_| text.parse());
    network.map_err(|_| "not an address such as 10.0.0.1, or a network such as 10.0.0.0/8".to_owned())
}

/// An origin as browsers send it: `https://host`, `https://host:port`, or `*` for all. A final slash is ignored.
pub fn parse_origin(text: &str) -> Result<String, String> {
    if text == "*" {
        return Ok(text.to_owned());
    }
    let origin = text.trim().trim_end_matches('/');
    let right = nearest_origin(origin);
    match right {
        Some(right) if right == origin => Ok(right),
        Some(right) => Err(format!("not an origin as browsers send it; did you mean {right}?")),
        None => Err("not an origin; write https://app.example or https://app.example:8443".to_owned()),
    }
}

/// The origin in a text: in lower case, without path, user and the scheme's default port, `https` if there is no
/// scheme. `None` when the scheme, the host or the port is not valid.
fn nearest_origin(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let (scheme, rest) = text.split_once("://").unwrap_or(("https", &text));
    let implied = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = host.strip_suffix(implied).unwrap_or(host);
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (host, None),
    };
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'[' | b']' | b':'));
    (is_name && port.is_none_or(|port| port.parse::<u16>().is_ok())).then(|| format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_browsers_send_and_the_nearest_is_named() {
        for good in ["*", "https://app.example", "http://localhost:3000", "http://[::1]:3000"] {
            assert_eq!(parse_origin(good).as_deref(), Ok(good));
        }
        assert_eq!(
            parse_origin("https://app.example/").as_deref(),
            Ok("https://app.example")
        );
        for (bad, right) in [
            ("app.example", "https://app.example?"),
            ("https://App.Example", "https://app.example?"),
            ("https://app.example/page", "https://app.example?"),
            ("https://app.example:443", "https://app.example?"),
            ("https://user@app.example", "https://app.example?"),
            ("ftp://app.example", "write https://"),
            ("", "write https://"),
            ("https://a b", "write https://"),
        ] {
            let refused = parse_origin(bad).expect_err(bad);
            assert!(refused.contains(right), "{bad}: {refused}");
        }
    }

    #[test]
    fn a_place_to_listen_has_a_port() {
        for good in ["127.0.0.1:8080", "localhost:8080", "[::1]:0", "0.0.0.0:80", "my-host:1"] {
            assert!(Listen::parse(good).is_ok(), "{good}");
        }
        for (bad, right) in [
            ("8080", "127.0.0.1:8080"),
            ("localhost", "localhost:8080"),
            (":8080", "[::1]:8080"),
            ("localhost:99999", "localhost:8080"),
        ] {
            let refused = Listen::parse(bad).expect_err(bad);
            assert!(refused.contains(right), "{bad}: {refused}");
        }
    }
}
