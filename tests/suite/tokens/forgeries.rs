//! Tokens whose signature, header or text was forged, most of them with the bank's own key where that makes them harder to
//! tell from good ones.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use harness::{JwtAlgorithm, TestBank, TestKey, on_every_backend};
use serde_json::json;

use super::Target;

on_every_backend!(
    a_token_with_another_signature_is_not_accepted,
    a_token_has_one_signature,
    a_token_with_another_header_is_not_accepted,
    a_token_that_brings_its_own_key_is_not_accepted,
    names_that_are_twice_there_are_not_accepted,
    a_token_that_was_cut_or_bent_is_not_accepted,
);

/// The order of the curve's group, in little-endian bytes. A signature's second half is below it.
const GROUP_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

async fn a_token_with_another_signature_is_not_accepted(bank: Arc<TestBank>) {
    let target = Target::of(&bank).await;
    let stranger = TestKey::random(&target.key.kid, JwtAlgorithm::EdDsa);
    target.refuses("another key", &stranger.token(&target.claims)).await;
    let own = target.own();
    let parts: Vec<&str> = own.split('.').collect();
    let [header, body, signature] = parts[..] else {
        panic!("a token has three parts")
    };
    let promoted = target.with("role", Some(json!("admin")));
    let promoted = URL_SAFE_NO_PAD.encode(promoted.to_string());
    target
        .refuses("changed claims", &format!("{header}.{promoted}.{signature}"))
        .await;
    // The public key is known to all: it must not work as an HMAC key.
    let public = target.key.public();
    let secrets = [
        public.to_vec(),
        URL_SAFE_NO_PAD.encode(public).into_bytes(),
        STANDARD.encode(public).into_bytes(),
        target.key.secret.clone(),
        Vec::new(),
    ];
    for algorithm in [JwtAlgorithm::Hs256, JwtAlgorithm::Hs384, JwtAlgorithm::Hs512] {
        for secret in &secrets {
            let swapped = TestKey {
                kid: target.key.kid.clone(),
                algorithm,
                secret: secret.clone(),
            };
            target.refuses(algorithm.name(), &swapped.token(&target.claims)).await;
            let silent = swapped.token_of(&target.key.header().to_string(), &target.claims.to_string());
            target.refuses("HMAC under EdDSA", &silent).await;
        }
    }
    for (name, end) in [
        ("no signature", String::new()),
        ("zeros", URL_SAFE_NO_PAD.encode([0; 64])),
        ("half", signature[..43].to_owned()),
        ("twice", format!("{signature}{signature}")),
    ] {
        target.refuses(name, &format!("{header}.{body}.{end}")).await;
    }
    bank.with_token(own).get("/v1/users/me").await.expect(200);
}

async fn a_token_has_one_signature(bank: Arc<TestBank>) {
    let target = Target::of(&bank).await;
    let (message, signature) = target.own().rsplit_once('.').expect("a token has three parts");
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).expect("a signature is base64url");
    let mut carry = 0;
    for (byte, order) in bytes[32..].iter_mut().zip(GROUP_ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    let second = format!("{message}.{}", URL_SAFE_NO_PAD.encode(bytes));
    target.refuses("its second half plus the order", &second).await;
}

async fn a_token_with_another_header_is_not_accepted(bank: Arc<TestBank>) {
    let target = Target::of(&bank).await;
    let (_, rest) = target.own().split_once('.').expect("a token has three parts");
    let (body, signature) = rest.split_once('.').expect("a token has three parts");
    for algorithm in [
        "none", "None", "NONE", "nOnE", "", "HS256", "HS512", "RS256", "ES256", "eddsa", "Ed25519",
    ] {
        target
            .refuses(algorithm, &target.headed(&json!({ "alg": algorithm })))
            .await;
        let header = json!({ "typ": "at+jwt", "alg": algorithm, "kid": target.key.kid });
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        for end in [String::new(), format!(".{signature}"), ".".to_owned()] {
            target.refuses(algorithm, &format!("{header}.{body}{end}")).await;
        }
    }
    for kid in [
        json!("unknown"),
        json!(""),
        json!(null),
        json!(0),
        json!(target.key.kid.to_uppercase() + "x"),
        json!("../../../../dev/null"),
        json!("x' UNION SELECT 'y"),
        json!("k".repeat(2_000)),
    ] {
        target
            .refuses(&kid.to_string(), &target.headed(&json!({ "kid": kid })))
            .await;
    }
    for typ in [json!("JWT"), json!("jwt"), json!("rt+jwt"), json!(null), json!(1)] {
        target
            .refuses(&typ.to_string(), &target.headed(&json!({ "typ": typ })))
            .await;
    }
    for missing in ["typ", "alg", "kid"] {
        let mut header = target.key.header();
        header
            .as_object_mut()
            .expect("a header is an object")
            .shift_remove(missing);
        let token = target.key.token_of(&header.to_string(), &target.claims.to_string());
        target.refuses(missing, &token).await;
    }
}

async fn a_token_that_brings_its_own_key_is_not_accepted(bank: Arc<TestBank>) {
    let target = Target::of(&bank).await;
    let x = |key: &TestKey| URL_SAFE_NO_PAD.encode(key.public());
    let known = TestKey::random(&target.key.kid, JwtAlgorithm::EdDsa);
    let unknown = TestKey::random("unknown", JwtAlgorithm::EdDsa);
    for (name, value) in [
        ("jku", json!("http://127.0.0.1:1/keys.json")),
        (
            "jwk",
            json!({ "kty": "OKP", "crv": "Ed25519", "x": x(&known), "kid": known.kid }),
        ),
        ("x5u", json!("http://127.0.0.1:1/cert.pem")),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
    ] {
        // With the bank's own signature too: such a header asks for something that the bank does not do.
        for key in [&known, &unknown, &target.key] {
            let mut header = key.header();
            header[name] = value.clone();
            let token = key.token_of(&header.to_string(), &target.claims.to_string());
            target.refuses(name, &token).await;
        }
    }
}

async fn names_that_are_twice_there_are_not_accepted(bank: Arc<TestBank>) {
    let target = Target::of(&bank).await;
    let (header, claims) = (target.key.header().to_string(), target.claims.to_string());
    for doubled in [
        header.replacen('{', "{\"alg\":\"none\",", 1),
        header.replacen('{', "{\"kid\":\"unknown\",", 1),
        header.replacen('}', ",\"alg\":\"EdDSA\"}", 1),
    ] {
        target.refuses(&doubled, &target.key.token_of(&doubled, &claims)).await;
    }
    for doubled in [
        claims.replacen('{', "{\"role\":\"admin\",", 1),
        claims.replacen('}', ",\"role\":\"admin\"}", 1),
        claims.replacen('}', ",\"exp\":99999999999}", 1),
        claims.replacen('{', "{\"sub\":\"01993f2a-5c00-7a10-8f3b-6d1c0e5a9b01\",", 1),
    ] {
        target.refuses(&doubled, &target.key.token_of(&header, &doubled)).await;
    }
}

async fn a_token_that_was_cut_or_bent_is_not_accepted(bank: Arc<TestBank>) {
    let target = Target::of(&bank).await;
    let good = target.own().to_owned();
    for length in (0..good.len()).step_by(10).chain([good.len() - 1]) {
        target.refuses("cut", &good[..length]).await;
        target.refuses_fast("cut at its beginning", &good[good.len() - length..]);
    }
    for (index, _) in good.char_indices().step_by(10) {
        let mut bytes = good.clone().into_bytes();
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        let bent = String::from_utf8(bytes).expect("letters are text");
        target.refuses("bent", &bent).await;
    }
    for bent in [
        format!("{good}A"),
        format!("{good}="),
        format!("{good}."),
        format!("{good}.{good}"),
        format!(".{good}"),
        good.replace('.', ".."),
        good.replace('.', "%2E"),
    ] {
        target.refuses("bent", &bent).await;
    }
    bank.with_token(&good).get("/v1/users/me").await.expect(200);
}
