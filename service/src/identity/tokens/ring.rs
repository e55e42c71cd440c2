//! The keys of a file, ready to sign and to verify.

use ed25519_dalek::SigningKey;
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use sha2::Sha256;

use super::claims::{Claims, TOKEN_TYPE, TokenHeader};
use super::key::TokenKey;
use super::provider;
use super::schedule::{self, KeyState};
use crate::config::TokenAlgorithm;
use crate::identity::TokenError;
use crate::keys::{UsableKeys, signer};
use crate::values::Timestamp;

/// Stands before the purpose of a derived key, which so differs from all that is signed.
const DERIVED: &[u8] = b"florin derived key\0";

/// All keys of a file. At least one is not retired.
pub(super) struct KeyRing {
    /// In the order in which they were made.
    keys: Vec<TokenKey>,
    /// What is computed once from each of `keys`, in the same order.
    ready: Vec<ReadyKey>,
}

struct ReadyKey {
    header: Header,
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    /// The public half, of an Ed25519 key.
    public: Option<[u8; 32]>,
}

/// Claims whose signature is right, and the time from which their key does not count.
pub(super) struct SignedClaims {
    pub claims: Claims,
    pub key_ends_at: Option<Timestamp>,
}

impl UsableKeys for KeyRing {
    type Key = TokenKey;

    fn from_keys(keys: Vec<TokenKey>) -> Self {
        provider::install();
        let ready = keys.iter().map(ReadyKey::new).collect();
        Self { keys, ready }
    }
}

impl KeyRing {
    pub fn sign(&self, claims: &Claims, now: Timestamp) -> String {
        let key = &self.ready[self.signer(now)];
        encode(&key.header, claims, &key.encoding)
            .expect("claims of plain strings and numbers always serialize, and the key is of the header's algorithm")
    }

    /// Checks a token's signature with the key that its header names, and only by that key's algorithm.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<SignedClaims, TokenError> {
        let header = TokenHeader::of(token).ok_or(TokenError::Invalid)?;
        let named = self.keys.iter().position(|key| key.kid == header.kid);
        let index = named.ok_or(TokenError::Invalid)?;
        let fits = self.keys[index].algorithm == header.alg && self.state(index, now).verifies();
        if !fits {
            return Err(TokenError::Invalid);
        }
        let key = &self.ready[index];
        let data = decode::<Claims>(token, &key.decoding, &key.validation).map_err(|_| TokenError::Invalid)?;
        Ok(SignedClaims {
            claims: data.claims,
            key_ends_at: schedule::ends_at(&self.keys, index),
        })
    }

    /// The kids and public halves of the keys that verify, the oldest first.
    pub fn public(&self, now: Timestamp) -> impl Iterator<Item = (&str, &[u8; 32])> {
        let all = self.keys.iter().zip(&self.ready).enumerate();
        let verifying = all.filter(move |(index, _)| self.state(*index, now).verifies());
        verifying.filter_map(|(_, (key, ready))| Some((key.kid.as_str(), ready.public.as_ref()?)))
    }

    /// A key for another purpose from each key of the file: first from the one that signs, which all replicas have, then
    /// from the others, the newest first.
    pub fn derive(&self, purpose: &str, now: Timestamp) -> Vec<[u8; 32]> {
        let signer = self.signer(now);
        let others = (0..self.keys.len()).rev().filter(|index| *index != signer);
        let ordered = std::iter::once(signer).chain(others);
        ordered.map(|index| derived(&self.keys[index], purpose)).collect()
    }

    fn signer(&self, now: Timestamp) -> usize {
        signer(&self.keys, now).expect("one of the keys is not retired")
    }

    fn state(&self, index: usize, now: Timestamp) -> KeyState {
        schedule::state_of(&self.keys, index, now)
    }
}

impl ReadyKey {
    fn new(key: &TokenKey) -> Self {
        let secret = key.secret.expose();
        let (algorithm, encoding, decoding, public) = match key.algorithm {
            TokenAlgorithm::EdDsa => {
                let public = SigningKey::from_bytes(secret).verifying_key().to_bytes();
                let decoding = DecodingKey::from_ed_der(&public);
                (
                    Algorithm::EdDSA,
                    EncodingKey::from_ed_der(secret),
                    decoding,
                    Some(public),
                )
            }
            TokenAlgorithm::Hs256 => {
                let decoding = DecodingKey::from_secret(secret);
                (Algorithm::HS256, EncodingKey::from_secret(secret), decoding, None)
            }
        };
        let mut header = Header::new(algorithm);
        header.typ = Some(TOKEN_TYPE.to_owned());
        header.kid = Some(key.kid.clone());
        Self {
            header,
            encoding,
            decoding,
            validation: signature_only(algorithm),
            public,
        }
    }
}

/// The library checks the signature; `Claims::check` checks what was signed. The library would use the machine's clock,
/// and take lists and fractions where ours are a text and a number.
fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

fn derived(key: &TokenKey, purpose: &str) -> [u8; 32] {
    let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key.secret.expose()).expect("HMAC takes a key of any length");
    let mac = mac.chain_update(DERIVED).chain_update(purpose);
    mac.finalize().into_bytes().into()
}
