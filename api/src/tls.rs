//! TLS that ends in this program: 1.2 and 1.3 with the suites of rustls, HTTP/2 for those who can.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use axum_server::tls_rustls::RustlsConfig;

use crate::error::ApiError;

/// Files in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// With those that vouch for it.
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Tls {
    /// # Errors
    /// [`ApiError::Certificate`].
    pub(crate) async fn open(&self) -> Result<RustlsConfig, ApiError> {
        let opened = RustlsConfig::from_pem_file(&self.certificate, &self.key).await;
        opened.map_err(|source| ApiError::Certificate { certificate: self.certificate.clone(), key: self.key.clone(), source })
    }

    /// Reads the files again when they have changed, as they do every few weeks. Until both are good, what was read before stays. For ever.
    pub(crate) async fn renew(self, config: RustlsConfig, look: Duration) {
        // Once more than needed: they may have changed since they were opened.
        let mut last = [None; 2];
        loop {
            tokio::time::sleep(look).await;
            let written = self.written().await;
            if written == last {
                continue;
            }
            match config.reload_from_pem_file(&self.certificate, &self.key).await {
                Ok(()) => {
                    last = written;
                    tracing::info!(certificate = %self.certificate.display(), "the certificate was read again");
                }
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    certificate = %self.certificate.display(),
                    "the new certificate or its key cannot be used; the old one stays"
                ),
            }
        }
    }

    async fn written(&self) -> [Option<SystemTime>; 2] {
        let mut times = [None; 2];
        for (time, file) in times.iter_mut().zip([&self.certificate, &self.key]) {
            *time = tokio::fs::metadata(file).await.ok().and_then(|data| data.modified().ok());
        }
        times
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const SOON: Duration = Duration::from_millis(5);

    fn write_pair(tls: &Tls) {
        let rcgen::CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a pair");
        std::fs::write(&tls.certificate, cert.pem()).expect("a certificate");
        std::fs::write(&tls.key, signing_key.serialize_pem()).expect("a key");
    }

    fn in_folder(folder: &tempfile::TempDir) -> Tls {
        Tls { certificate: folder.path().join("certificate.pem"), key: folder.path().join("key.pem") }
    }

    /// Where the certificate in use lies in memory.
    fn place(config: &RustlsConfig) -> usize {
        Arc::as_ptr(&config.get_inner()).addr()
    }

    async fn until_other_than(known: usize, config: &RustlsConfig) {
        let changed = async {
            while place(config) == known {
                tokio::time::sleep(SOON).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), changed).await.expect("read again");
    }

    #[tokio::test]
    async fn a_new_certificate_is_read_and_a_broken_one_is_not_used() {
        let folder = tempfile::tempdir().expect("a folder");
        let tls = in_folder(&folder);
        write_pair(&tls);
        let config = tls.open().await.expect("a pair");
        let opened = config.get_inner();
        let opened_at = Arc::as_ptr(&opened).addr();
        let renewing = tokio::spawn(tls.clone().renew(config.clone(), SOON));
        // Once it is read again in any case.
        until_other_than(opened_at, &config).await;
        let first = config.get_inner();
        let first_at = place(&config);
        std::fs::write(&tls.certificate, "no certificate").expect("written");
        tokio::time::sleep(20 * SOON).await;
        assert!(Arc::ptr_eq(&first, &config.get_inner()), "what was good stays");
        write_pair(&tls);
        until_other_than(first_at, &config).await;
        renewing.abort();
    }

    #[tokio::test]
    async fn files_that_are_none_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = in_folder(&folder).open().await.expect_err("refused").to_string();
        assert!(error.contains("certificate.pem") && error.contains("key.pem"), "{error}");
    }
}
