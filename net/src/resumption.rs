//! Resume tokens: 256 random bits, drawn where the certificate's key is. Who holds one may take its character over, so it
//! is never logged, travels only inside TLS, and is kept by its client alone: the server knows tokens by their digests.

use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use ring::rand::{SecureRandom, SystemRandom};

use crate::protocol::{RESUME_TOKEN_BYTES, ResumeToken};

/// A token that nobody can guess; `None` when the system gives no randomness.
#[must_use]
pub fn new_resume_token() -> Option<ResumeToken> {
    let mut token = [0; RESUME_TOKEN_BYTES];
    SystemRandom::new().fill(&mut token).ok()?;
    Some(token)
}

/// What the server keeps of a token: its SHA-256, with which nobody can come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenDigest([u8; SHA256_OUTPUT_LEN]);

impl TokenDigest {
    /// The digest of a token.
    #[must_use]
    pub fn of(token: &ResumeToken) -> TokenDigest {
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        bytes.copy_from_slice(digest(&SHA256, token).as_ref());
        TokenDigest(bytes)
    }

    /// A digest by its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; SHA256_OUTPUT_LEN]) -> TokenDigest {
        TokenDigest(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_the_sha_256_of_the_token() {
        // SHA-256 of 32 bytes of zeros, as any other tool computes it.
        let known = "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925";
        let TokenDigest(bytes) = TokenDigest::of(&[0; RESUME_TOKEN_BYTES]);
        assert_eq!(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), known);
    }
}
