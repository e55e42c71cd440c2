//! What an access token says, and which of it is accepted. Pure.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::ACCESS_TOKEN_SECONDS;
use crate::config::TokenAlgorithm;
use crate::identity::TokenError;
use crate::values::{Role, SessionId, UserId};

/// The most bytes of a token that is looked at; ours have about 500.
pub(super) const TOKEN_BYTES_MAX: usize = 4 * 1024;
/// The type of access tokens (RFC 9068), so that no other signed text is taken for one.
pub(super) const TOKEN_TYPE: &str = "at+jwt";

const ISSUER: &str = "florin";
const AUDIENCE: &str = "florin-api";

/// How far the clock of the process that signed may be ahead of this one's, in seconds.
const CLOCK_SKEW_SECONDS: i64 = 5;

/// The content of a token whose signature and claims are right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::identity) struct Claimed {
    pub user: UserId,
    /// The user's role when the token was signed.
    pub role: Role,
    pub session: SessionId,
    /// In seconds since 1970.
    pub issued_at: i64,
    /// In seconds since 1970.
    pub expires_at: i64,
}

/// A token's header. It has these members and no others: `crit`, `jku`, `jwk` or `x5u` refuse the token, so no token
/// can bring its own key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenHeader {
    typ: String,
    pub alg: TokenAlgorithm,
    pub kid: String,
}

/// A token's claims. Each must be there, with this type; of two with one name the token is refused.
#[derive(Serialize, Deserialize)]
pub(super) struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    sid: SessionId,
    role: Role,
    iat: i64,
    exp: i64,
    /// Ours have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
}

impl TokenHeader {
    /// Reads the header of a token, whose signature is not checked yet. `None` if it is not the header of ours.
    pub fn of(token: &str) -> Option<Self> {
        let (header, _) = token.split_once('.')?;
        let bytes = URL_SAFE_NO_PAD.decode(header).ok()?;
        let header: Self = serde_json::from_slice(&bytes).ok()?;
        (header.typ == TOKEN_TYPE).then_some(header)
    }
}

impl Claims {
    /// The claims of a token that is issued now, in seconds since 1970.
    pub fn new(user: UserId, role: Role, session: SessionId, now: i64) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            sid: session,
            role,
            iat: now,
            exp: now.saturating_add(ACCESS_TOKEN_SECONDS),
            nbf: None,
        }
    }

    /// Checks the claims of a token whose signature is right. Issuer and audience come first, then the times at which it
    /// is not valid yet, then its end.
    pub fn check(self, now: i64) -> Result<Claimed, TokenError> {
        if self.iss != ISSUER || self.aud != AUDIENCE {
            return Err(TokenError::Invalid);
        }
        let is_early = self.nbf.is_some_and(|begin| begin > now) || self.iat > now.saturating_add(CLOCK_SKEW_SECONDS);
        if is_early {
            return Err(TokenError::Invalid);
        }
        if self.exp <= now {
            return Err(TokenError::Expired);
        }
        Ok(Claimed {
            user: self.sub,
            role: self.role,
            session: self.sid,
            issued_at: self.iat,
            expires_at: self.exp,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn claims() -> Claims {
        let (user, session) = (UserId(Uuid::from_u128(1)), SessionId(Uuid::from_u128(2)));
        Claims::new(user, Role::Customer, session, NOW)
    }

    #[test]
    fn claims_are_good_for_fifteen_minutes() {
        let claimed = claims().check(NOW).expect("these claims are good");
        assert_eq!((claimed.issued_at, claimed.expires_at), (NOW, NOW + 900));
        assert!(claims().check(NOW + 899).is_ok());
        assert_eq!(claims().check(NOW + 900), Err(TokenError::Expired));
        assert!(claims().check(NOW - 5).is_ok(), "clocks may differ by 5 s");
        assert_eq!(claims().check(NOW - 6), Err(TokenError::Invalid));
    }

    #[test]
    fn other_claims_are_refused_before_they_have_expired() {
        let changed = |change: &dyn Fn(&mut Claims)| {
            let mut claims = claims();
            change(&mut claims);
            claims.check(NOW + 900)
        };
        assert_eq!(
            changed(&|claims| claims.iss = "florist".to_owned()),
            Err(TokenError::Invalid)
        );
        assert_eq!(
            changed(&|claims| claims.aud = "florin".to_owned()),
            Err(TokenError::Invalid)
        );
        assert_eq!(
            changed(&|claims| claims.nbf = Some(NOW + 901)),
            Err(TokenError::Invalid)
        );
        assert_eq!(
            changed(&|claims| claims.nbf = Some(NOW + 900)),
            Err(TokenError::Expired)
        );
        assert_eq!(changed(&|claims| claims.exp = i64::MIN), Err(TokenError::Expired));
    }

    #[test]
    fn a_claim_that_is_twice_there_is_refused() {
        let text = serde_json::to_string(&claims()).expect("claims are JSON");
        assert!(serde_json::from_str::<Claims>(&text).is_ok());
        let twice = text.replacen('{', "{\"role\":\"admin\",", 1);
        assert!(serde_json::from_str::<Claims>(&twice).is_err());
    }

    #[test]
    fn a_header_has_nothing_but_type_algorithm_and_key() {
        let of = |json: &str| TokenHeader::of(&format!("{}.x.y", URL_SAFE_NO_PAD.encode(json)));
        let good = json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": "a" });
        assert!(of(&good.to_string()).is_some());
        for (name, value) in [
            ("typ", json!("JWT")),
            ("typ", json!(null)),
            ("alg", json!("none")),
            ("alg", json!("RS256")),
            ("kid", json!(1)),
            ("crit", json!(["exp"])),
            ("jku", json!("https://evil.example/keys")),
            ("jwk", json!({ "kty": "oct", "k": "AAAA" })),
            ("x5u", json!("https://evil.example/cert")),
            ("zip", json!("DEF")),
        ] {
            let mut bad = good.clone();
            bad[name] = value;
            assert!(of(&bad.to_string()).is_none(), "{bad}");
        }
        assert!(of("{\"typ\":\"at+jwt\",\"alg\":\"EdDSA\",\"alg\":\"HS256\",\"kid\":\"a\"}").is_none());
        for bad in ["", ".", "x", "!.x.y", "e30.x.y"] {
            assert!(TokenHeader::of(bad).is_none(), "{bad:?}");
        }
    }
}
