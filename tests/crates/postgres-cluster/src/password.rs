//! The password of the superuser, and the verifier that the server stores.

use std::fmt::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::error::Error;

/// A new password of 128 random bits, and its verifier.
pub(crate) fn random() -> Result<(String, String), Error> {
    let password = bytes()?.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let verifier = verifier(&password, &bytes()?);
    Ok((password, verifier))
}

/// Random bytes of the system.
pub(crate) fn bytes() -> Result<[u8; 16], Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::Failed(format!("no random numbers: {error}")))?;
    Ok(bytes)
}

/// The SCRAM verifier of RFC 5803 with one iteration. A random password needs no more.
fn verifier(password: &str, salt: &[u8]) -> String {
    let salted_password = hmac(password.as_bytes(), &[salt, &1_u32.to_be_bytes()].concat());
    let stored_key = Sha256::digest(hmac(&salted_password, b"Client Key"));
    let server_key = hmac(&salted_password, b"Server Key");
    let encode = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
    format!("SCRAM-SHA-256$1:{}${}:{}", encode(salt), encode(&stored_key), encode(&server_key))
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("a key has any length");
    hmac.update(message);
    hmac.finalize().into_bytes().to_vec()
}
