//! Access tokens that a test signs by itself, with the bank's key or another, to see which of them the bank accepts.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use service::clock::random_bytes;
use sha2::{Sha256, Sha384, Sha512};

/// How a test signs. The bank accepts the first and the second, each only from keys that are made for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtAlgorithm {
    EdDsa,
    Hs256,
    Hs384,
    Hs512,
}

/// A key of a bank's key set, or one that looks like it.
#[derive(Clone, Debug)]
pub struct TestKey {
    pub kid: String,
    pub algorithm: JwtAlgorithm,
    pub secret: Vec<u8>,
}

impl JwtAlgorithm {
    /// The name in the header of a token.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        }
    }

    /// The signature of a message.
    #[must_use]
    pub fn sign(self, secret: &[u8], message: &str) -> Vec<u8> {
        match self {
            Self::EdDsa => {
                let secret: &[u8; 32] = secret.try_into().expect("a secret has 32 bytes");
                let key = SigningKey::from_bytes(secret);
                key.sign(message.as_bytes()).to_bytes().to_vec()
            }
            Self::Hs256 => mac::<Hmac<Sha256>>(secret, message),
            Self::Hs384 => mac::<Hmac<Sha384>>(secret, message),
            Self::Hs512 => mac::<Hmac<Sha512>>(secret, message),
        }
    }
}

impl TestKey {
    /// A key of random bytes that no bank has.
    #[must_use]
    pub fn random(kid: &str, algorithm: JwtAlgorithm) -> Self {
        Self {
            kid: kid.to_owned(),
            algorithm,
            secret: random_bytes::<32>().to_vec(),
        }
    }

    /// The keys of a bank, from its file, the oldest first.
    #[must_use]
    pub fn all_in(file: &Path) -> Vec<Self> {
        let text = fs::read_to_string(file).expect("the key file can be read");
        let set: Value = serde_json::from_str(&text).expect("the key file is JSON");
        let keys = set["keys"].as_array().expect("the file has keys");
        keys.iter().map(Self::read).collect()
    }

    /// Stores the key as the only one of a bank that starts later.
    pub fn store(&self, file: &Path) -> std::io::Result<()> {
        let key = json!({
            "kid": self.kid, "algorithm": self.algorithm.name(), "secret": STANDARD.encode(&self.secret),
            "created_at": "2026-01-01T00:00:00Z",
        });
        let mut options = OpenOptions::new();
        // The bank refuses a key file that others can read.
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(file)?;
        file.write_all(json!({ "keys": [key] }).to_string().as_bytes())
    }

    fn read(key: &Value) -> Self {
        let text = |member: &str| key[member].as_str().unwrap_or_else(|| panic!("a key has {member}"));
        let algorithm = match text("algorithm") {
            "EdDSA" => JwtAlgorithm::EdDsa,
            "HS256" => JwtAlgorithm::Hs256,
            other => panic!("no bank has keys for {other}"),
        };
        Self {
            kid: text("kid").to_owned(),
            algorithm,
            secret: STANDARD.decode(text("secret")).expect("a secret is base64"),
        }
    }

    /// The public half of an Ed25519 key.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        let secret: &[u8; 32] = self.secret.as_slice().try_into().expect("a secret has 32 bytes");
        SigningKey::from_bytes(secret).verifying_key().to_bytes()
    }

    /// The header of the bank's tokens.
    #[must_use]
    pub fn header(&self) -> Value {
        json!({ "typ": "at+jwt", "alg": self.algorithm.name(), "kid": self.kid })
    }

    /// A token of these claims.
    #[must_use]
    pub fn token(&self, claims: &Value) -> String {
        self.token_of(&self.header().to_string(), &claims.to_string())
    }

    /// A token of any two texts, signed by this key whatever the header says.
    #[must_use]
    pub fn token_of(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.algorithm.sign(&self.secret, &message);
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Whether a public key in base64url, as `/.well-known/jwks.json` has it, verifies a token. Nothing of the bank is asked.
#[must_use]
pub fn is_verified_by(token: &str, x: &str) -> bool {
    let (message, signature) = token.rsplit_once('.').expect("a token has three parts");
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).expect("this is base64url");
    let public: [u8; 32] = decode(x).try_into().expect("a public key has 32 bytes");
    let key = VerifyingKey::from_bytes(&public).expect("this is a public key");
    let signature = Signature::from_slice(&decode(signature)).expect("a signature has 64 bytes");
    key.verify_strict(message.as_bytes(), &signature).is_ok()
}

/// The header or the claims of a token: part 0 or 1.
#[must_use]
pub fn part_of(token: &str, part: usize) -> Value {
    let part = token.split('.').nth(part).expect("a token has three parts");
    let bytes = URL_SAFE_NO_PAD.decode(part).expect("a token is base64url");
    serde_json::from_slice(&bytes).expect("the parts of a token are JSON")
}

fn mac<M: Mac + KeyInit>(key: &[u8], message: &str) -> Vec<u8> {
    let mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.chain_update(message).finalize().into_bytes().to_vec()
}
