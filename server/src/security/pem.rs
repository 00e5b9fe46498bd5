//! Certificates and private keys from PEM files, and what is wrong with them in words for people.

use std::path::Path;

use nereid_backend::error::LoadError;
use rustls::RootCertStore;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::secret_file;

const CERTIFICATES: &str = "certificates in PEM";
const KEY: &str = "an unencrypted private key in PEM (PKCS#8, PKCS#1 or SEC1)";

/// How a key that needs a password begins, in PKCS#8 and in what was before.
const ENCRYPTED: [&str; 2] = ["BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED"];

/// The certificates of a file, in its order; at least one.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, LoadError> {
    let content = secret_file::read(path, CERTIFICATES)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&content).collect();
    let found = found.map_err(|error| wrong(path, CERTIFICATES, &error))?;
    if found.is_empty() {
        return Err(wrong(path, CERTIFICATES, &pem::Error::NoItemsFound));
    }
    Ok(found)
}

/// The first private key of a file.
pub(super) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, LoadError> {
    let content = secret_file::read_secret(path, KEY)?;
    let text = String::from_utf8_lossy(&content);
    if ENCRYPTED.iter().any(|mark| text.contains(mark)) {
        let text = format!("{}: the key is encrypted, expected {KEY}", path.display());
        return Err(LoadError::new(text));
    }
    PrivateKeyDer::from_pem_slice(&content).map_err(|error| wrong(path, KEY, &error))
}

/// Those whose signature is trusted.
pub(super) fn roots(path: &Path) -> Result<RootCertStore, LoadError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| {
            let text = format!("{}: a certificate cannot be used: {error}", path.display());
            LoadError::new(text)
        })?;
    }
    Ok(roots)
}

fn wrong(path: &Path, expected: &str, error: &pem::Error) -> LoadError {
    let path = path.display();
    LoadError::new(match error {
        pem::Error::NoItemsFound => format!("{path} has none of what was expected: {expected}"),
        error => format!("{path}: {error}, expected {expected}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_and_where() {
        #[track_caller]
        fn check<T>(read: fn(&Path) -> Result<T, LoadError>, content: &str, expected: &str) {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), content).unwrap();
            let Err(error) = read(file.path()) else { panic!("{content} was taken") };
            let error = error.to_string();
            assert!(error.contains(file.path().to_str().unwrap()), "{error}");
            assert!(error.contains(expected), "{error}");
        }
        let section = |name: &str, inner: &str| {
            format!("-----BEGIN {name}-----\n{inner}\n-----END {name}-----\n")
        };
        check(certificates, "", "has none of what was expected: certificates in PEM");
        check(certificates, &section("PRIVATE KEY", "AAAA"), "has none of");
        check(certificates, &section("CERTIFICATE", "!"), "expected certificates in PEM");
        check(certificates, "-----BEGIN CERTIFICATE-----\nAAAA\n", "expected certificates in PEM");
        check(roots, &section("CERTIFICATE", "AAAA"), "a certificate cannot be used");
        check(private_key, &section("CERTIFICATE", "AAAA"), "has none of what was expected: an un");
        check(private_key, &section("ENCRYPTED PRIVATE KEY", "AAAA"), "the key is encrypted");
        let old = section("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\n\nAAAA");
        check(private_key, &old, "the key is encrypted");
    }
}
