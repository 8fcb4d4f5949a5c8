//! Resume tokens: 128 random bits, drawn where the certificate's key is. Who holds one may take its character over, so it
//! is never logged and travels only inside TLS.

use ring::rand::{SecureRandom, SystemRandom};

use crate::protocol::{RESUME_TOKEN_BYTES, ResumeToken};

/// A token that nobody can guess; `None` when the system gives no randomness.
#[must_use]
pub fn new_resume_token() -> Option<ResumeToken> {
    let mut token = [0; RESUME_TOKEN_BYTES];
    SystemRandom::new().fill(&mut token).ok()?;
    Some(token)
}
