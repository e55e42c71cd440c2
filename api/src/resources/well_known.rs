//! `/.well-known/jwks.json`: the public keys of access tokens. It needs no token.

use std::sync::Arc;

use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use service::Services;
use service::identity::PublicKey;

use super::Tag;
use crate::wire::{Cached, Json};

/// The handler of `/.well-known/jwks.json`.
pub struct WellKnownApi {
    /// The services that the handler calls.
    pub services: Arc<Services>,
}

/// The public keys of access tokens: a JSON Web Key Set (RFC 7517).
#[derive(Debug, Object, Serialize)]
#[oai(rename = "PublicKeySet", example)]
pub struct PublicKeySetView {
    keys: Vec<PublicKeyView>,
}

/// The public half of an Ed25519 key (RFC 8037).
#[derive(Debug, Object, Serialize)]
#[oai(rename = "PublicKey")]
pub struct PublicKeyView {
    /// What it has signed names it: a token as `kid` in its header, a head as `key_id`.
    #[oai(validator(pattern = "^[A-Za-z0-9_-]{1,64}$"))]
    kid: String,
    /// Always `OKP`.
    #[oai(validator(pattern = "^OKP$"))]
    kty: String,
    /// Always `Ed25519`.
    #[oai(validator(pattern = "^Ed25519$"))]
    crv: String,
    /// The 32 bytes of the key, in base64url without padding.
    #[oai(validator(pattern = "^[A-Za-z0-9_-]{43}$"))]
    x: String,
    /// Always `sig`: it verifies signatures.
    #[oai(rename = "use", validator(pattern = "^sig$"))]
    #[serde(rename = "use")]
    usage: String,
    /// Always `EdDSA`.
    #[oai(validator(pattern = "^EdDSA$"))]
    alg: String,
}

/// A new key is published for 60 s before it signs. A copy from before must be too old by then, with a second or two for
/// the server that gave it and for the difference of two clocks.
pub(super) const MAY_BE_KEPT: &str = "public, max-age=50";

#[OpenApi(tag = "Tag::Authentication")]
impl WellKnownApi {
    /// Keys that verify access tokens
    ///
    /// A JSON Web Key Set, for services that check access tokens by themselves: the keys that sign now or soon, and those
    /// whose tokens are still valid. A token's header names its key in `kid`. Accept only `alg` `EdDSA` and `typ`
    /// `at+jwt`, and check `iss` (`florin`), `aud` (`florin-api`) and `exp`. A session that has ended is not visible
    /// here: its tokens verify until they expire. Empty where the bank signs with HS256.
    #[oai(path = "/.well-known/jwks.json", method = "get", operation_id = "jwks")]
    async fn jwks(&self) -> Cached<PublicKeySetView> {
        let keys = self.services.identity.public_keys();
        Cached {
            body: Json(PublicKeySetView {
                keys: keys.into_iter().map(Into::into).collect(),
            }),
            control: MAY_BE_KEPT,
        }
    }
}

impl PublicKeyView {
    /// The key with this name; `x` is its 32 bytes in base64url.
    pub fn new(kid: String, x: String) -> Self {
        Self {
            kid,
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x,
            usage: "sig".to_owned(),
            alg: "EdDSA".to_owned(),
        }
    }
}

impl From<PublicKey> for PublicKeyView {
    fn from(key: PublicKey) -> Self {
        Self::new(key.kid, key.x)
    }
}

impl Example for PublicKeySetView {
    fn example() -> Self {
        Self {
            keys: vec![PublicKeyView::example()],
        }
    }
}

impl Example for PublicKeyView {
    fn example() -> Self {
        Self::new(
            "5f0c1e9ab2d37846".to_owned(),
            "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".to_owned(),
        )
    }
}
