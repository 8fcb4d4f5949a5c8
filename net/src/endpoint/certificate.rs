//! The certificate a server shows: made at start, held in memory only, and known to clients by its hash.
//!
//! ECDSA P-256 and 13 days, which is what a browser's WebTransport accepts by hash.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Names and addresses the certificate is for.
const SUBJECTS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// How long the certificate is valid.
const VALIDITY: Duration = Duration::from_secs(13 * 24 * 3_600);
/// How far a client's clock may be behind ours.
const CLOCK_SKEW: Duration = Duration::from_secs(3_600);

/// Why a certificate could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a certificate: {0}")]
pub struct CertificateError(#[from] rcgen::Error);

/// A leaf certificate and its private key.
pub struct Certificate {
    leaf: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
}

impl Certificate {
    /// Makes a fresh key and a certificate for this machine's loopback names, valid for 13 days.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn self_signed() -> Result<Certificate, CertificateError> {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::new(SUBJECTS.map(String::from))?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "mainspring");
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = rcgen::date_time_ymd(1970, 1, 1) + since_epoch;
        params.not_before = now - CLOCK_SKEW;
        params.not_after = params.not_before + VALIDITY;
        let leaf = params.self_signed(&key)?.der().clone();
        Ok(Certificate { leaf, key: PrivatePkcs8KeyDer::from(key.serialize_der()) })
    }

    /// SHA-256 of the certificate's DER: what a client is told to trust.
    pub fn sha256(&self) -> [u8; 32] {
        sha256(&self.leaf)
    }

    /// [`Certificate::sha256`] as 64 lower-case hexadecimal digits.
    pub fn sha256_hex(&self) -> String {
        self.sha256().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(super) fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.leaf.clone()]
    }

    pub(super) fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.key.clone_key())
    }
}

impl fmt::Debug for Certificate {
    /// Shows the hash and never the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("sha256", &self.sha256_hex()).finish_non_exhaustive()
    }
}

/// SHA-256 of a certificate in DER.
pub(crate) fn sha256(der: &[u8]) -> [u8; 32] {
    let digest = ring::digest::digest(&ring::digest::SHA256, der);
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_certificates_have_two_hashes() -> Result<(), CertificateError> {
        let (one, other) = (Certificate::self_signed()?, Certificate::self_signed()?);
        assert_ne!(one.sha256(), other.sha256());
        assert_eq!(one.sha256_hex().len(), 64);
        Ok(())
    }

    #[test]
    fn the_key_never_shows() -> Result<(), CertificateError> {
        let certificate = Certificate::self_signed()?;
        assert_eq!(format!("{certificate:?}"), format!("Certificate {{ sha256: {:?}, .. }}", certificate.sha256_hex()));
        Ok(())
    }

    #[test]
    fn the_hash_is_the_published_one_of_sha256() {
        let hex: String = sha256(b"abc").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
