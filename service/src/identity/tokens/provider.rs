//! The two algorithms of access tokens for jsonwebtoken: Ed25519, and HMAC with the hash that the journal uses. The
//! library's own providers have every algorithm of JWT, and one of them has a C library that takes longer to build than
//! the bank.

use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::signature::{self, Signer, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey};
use sha2::Sha256;

/// Makes EdDSA and HS256 the only algorithms with which this process signs and verifies. Further calls change nothing.
pub(super) fn install() {
    // An error means that a provider is installed already.
    let _ = PROVIDER.install_default();
}

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    match (algorithm, key.family()) {
        (Algorithm::EdDSA, AlgorithmFamily::Ed) => Ok(Box::new(EdDsaSigner::new(key.as_bytes())?)),
        (Algorithm::HS256, AlgorithmFamily::Hmac) => Ok(Box::new(Hs256::new(key.as_bytes())?)),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    match (algorithm, key.family()) {
        (Algorithm::EdDSA, AlgorithmFamily::Ed) => Ok(Box::new(EdDsaVerifier::new(key.try_get_as_bytes()?)?)),
        (Algorithm::HS256, AlgorithmFamily::Hmac) => Ok(Box::new(Hs256::new(key.try_get_as_bytes()?)?)),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

/// The half of an Ed25519 key that signs; its bytes are the secret of 32 bytes.
struct EdDsaSigner(SigningKey);

impl EdDsaSigner {
    fn new(secret: &[u8]) -> Result<Self> {
        let secret: &[u8; 32] = secret.try_into().map_err(|_| ErrorKind::InvalidKeyFormat)?;
        Ok(Self(SigningKey::from_bytes(secret)))
    }
}

impl Signer<Vec<u8>> for EdDsaSigner {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, signature::Error> {
        let signature = ed25519_dalek::Signer::sign(&self.0, message);
        Ok(signature.to_bytes().to_vec())
    }
}

impl JwtSigner for EdDsaSigner {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

/// The half of an Ed25519 key that verifies.
struct EdDsaVerifier(VerifyingKey);

impl EdDsaVerifier {
    fn new(public: &[u8]) -> Result<Self> {
        let public: &[u8; 32] = public.try_into().map_err(|_| ErrorKind::InvalidKeyFormat)?;
        let key = VerifyingKey::from_bytes(public).map_err(|_| ErrorKind::InvalidKeyFormat)?;
        Ok(Self(key))
    }
}

impl Verifier<Vec<u8>> for EdDsaVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), signature::Error> {
        let signature = Signature::from_slice(signature).map_err(|_| signature::Error::new())?;
        // Strictly: otherwise one token would have several valid signatures.
        let verified = self.0.verify_strict(message, &signature);
        verified.map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for EdDsaVerifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

/// A key that signs and verifies.
struct Hs256(Hmac<Sha256>);

impl Hs256 {
    fn new(key: &[u8]) -> Result<Self> {
        let mac = Hmac::new_from_slice(key).map_err(|_| ErrorKind::InvalidKeyFormat)?;
        Ok(Self(mac))
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, signature::Error> {
        let mac = self.0.clone().chain_update(message);
        Ok(mac.finalize().into_bytes().to_vec())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), signature::Error> {
        // Compares in constant time.
        let mac = self.0.clone().chain_update(message);
        mac.verify_slice(signature).map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Test case 2 of RFC 4231.
    #[test]
    fn hs256_is_hmac_sha256() {
        let key = Hs256::new(b"Jefe").expect("HMAC takes a key of any length");
        let (message, expected) = (
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        );
        let signature = key.try_sign(message).expect("HMAC does not fail");
        assert_eq!(crate::db::hex(&signature), expected);
        assert!(key.verify(message, &signature).is_ok());
        for wrong in [signature[..31].to_vec(), Vec::new(), vec![0; 32]] {
            assert!(key.verify(message, &wrong).is_err());
        }
    }

    /// The example of RFC 8037, appendix A: a key, and the signature of a token.
    #[test]
    fn eddsa_is_ed25519() {
        let bytes = |text: &str| -> Vec<u8> {
            let digits: Vec<char> = text.chars().collect();
            let pairs = digits.chunks(2).map(|pair| pair.iter().collect::<String>());
            pairs
                .map(|pair| u8::from_str_radix(&pair, 16).expect("two hexadecimal digits are a byte"))
                .collect()
        };
        let secret = bytes("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let public = bytes("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let expected = "860c98d2297f3060a33f42739672d61b53cf3adefed3d3c672f320dc021b411e\
                        9d59b8628dc351e248b88b29468e0e41855b0fb7d83bb15be902bfccb8cd0a02";
        let signer = EdDsaSigner::new(&secret).expect("this is a secret");
        assert_eq!(signer.0.verifying_key().as_bytes().as_slice(), public);
        let signature = signer.try_sign(message).expect("Ed25519 does not fail");
        assert_eq!(crate::db::hex(&signature), expected);
        let verifier = EdDsaVerifier::new(&public).expect("this is a public key");
        assert!(verifier.verify(message, &signature).is_ok());
        assert!(verifier.verify(b"another message", &signature).is_err());
        for wrong in [signature[..63].to_vec(), Vec::new(), vec![0; 64]] {
            assert!(verifier.verify(message, &wrong).is_err());
        }
    }

    #[test]
    fn no_other_algorithm_is_known_and_no_key_has_two() {
        let (hmac, ed) = (EncodingKey::from_secret(&[7; 32]), EncodingKey::from_ed_der(&[7; 32]));
        assert!(signer(&Algorithm::HS256, &hmac).is_ok() && signer(&Algorithm::EdDSA, &ed).is_ok());
        assert!(signer(&Algorithm::EdDSA, &hmac).is_err() && signer(&Algorithm::HS256, &ed).is_err());
        let (hmac, ed) = (DecodingKey::from_secret(&[7; 32]), DecodingKey::from_ed_der(&[7; 32]));
        assert!(verifier(&Algorithm::EdDSA, &hmac).is_err() && verifier(&Algorithm::HS256, &ed).is_err());
        for other in [Algorithm::HS384, Algorithm::HS512, Algorithm::RS256, Algorithm::ES256] {
            assert!(verifier(&other, &hmac).is_err() && verifier(&other, &ed).is_err());
        }
        assert!(EdDsaSigner::new(&[7; 31]).is_err() && EdDsaVerifier::new(&[7; 33]).is_err());
    }
}
