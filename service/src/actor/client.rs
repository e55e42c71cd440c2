//! Where a request comes from. Pure.

use std::net::IpAddr;

use crate::characters::is_visible;

/// The most characters of a client's description of itself that are kept.
const USER_AGENT_MAX: usize = 200;

/// Who calls, as far as the connection and the request's head tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientInfo {
    /// The client's address; `None` where it is not known.
    pub address: Option<IpAddr>,
    /// The client's own description of itself: 1 to 200 visible characters.
    pub user_agent: Option<String>,
    /// The id of the request, by which its line in the log is found: 1 to 64 characters of ASCII.
    pub request: Option<String>,
}

impl ClientInfo {
    /// Keeps the first 200 visible characters of the description.
    #[must_use]
    pub fn new(address: Option<IpAddr>, user_agent: Option<&str>) -> Self {
        Self {
            address,
            user_agent: user_agent.and_then(kept),
            request: None,
        }
    }

    /// The same client with the id of its request.
    #[must_use]
    pub fn asking(self, request: &str) -> Self {
        Self {
            request: Some(request.to_owned()),
            ..self
        }
    }
}

/// The first visible characters of a text; `None` if there are none.
fn kept(text: &str) -> Option<String> {
    let characters = text.trim().chars().filter(|character| is_visible(*character));
    let kept: String = characters.take(USER_AGENT_MAX).collect();
    (!kept.is_empty()).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_cut_and_cleaned() {
        let kept = |text: &str| ClientInfo::new(None, Some(text)).user_agent;
        assert_eq!(kept(" curl/8.5\u{1b}[2J ").as_deref(), Some("curl/8.5[2J"));
        assert_eq!(kept(&"ä".repeat(300)), Some("ä".repeat(USER_AGENT_MAX)));
        assert_eq!((kept(""), kept(" \t")), (None, None));
    }
}
