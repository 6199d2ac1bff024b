//! TLS of the TCP listener: files to a configuration, again whenever they change.
//!
//! A connection keeps the configuration that it began with. Files that cannot be used change nothing.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::time::sleep;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};

use super::certificate;
use super::settings::TlsSettings;
use crate::limits;
use crate::serve::file;

/// Why TLS cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("the file `{}` of `{setting}` cannot be read", path.display())]
    Io {
        /// Which.
        setting: &'static str,
        /// Where it should be.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("the file of `{setting}` holds no {wanted} in PEM")]
    Pem {
        /// Which.
        setting: &'static str,
        /// What it should hold.
        wanted: &'static str,
        /// What is wrong.
        #[source]
        source: pem::Error,
    },
    /// The first certificate cannot be read.
    #[error("the first certificate of `certificate` cannot be read")]
    Certificate,
    /// Certificate and key do not belong together, or the authorities are none.
    #[error("`certificate`, `key` and `clientCa` cannot be used together")]
    Config(#[from] rustls::Error),
    /// The authorities cannot be used.
    #[error("the certificates of `clientCa` cannot be used")]
    Authorities(#[from] VerifierBuilderError),
}

/// TLS as it is now.
#[derive(Debug)]
pub struct Tls {
    settings: TlsSettings,
    /// Whether a certificate is the only way in.
    requires_certificate: bool,
    current: Mutex<Current>,
}

#[derive(Clone, Debug)]
struct Current {
    config: Arc<ServerConfig>,
    expires: Timestamp,
    digest: [u8; 32],
}

/// The one library of cryptography, for TLS both ways.
pub fn cryptography() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

impl Tls {
    /// Reads the files. With `requires_certificate` a caller without one gets no connection.
    ///
    /// # Errors
    /// Every [`TlsError`].
    pub fn load(settings: TlsSettings, requires_certificate: bool) -> Result<Self, TlsError> {
        let current = Files::read(&settings)?.current(requires_certificate)?;
        Ok(Self { settings, requires_certificate, current: Mutex::new(current) })
    }

    /// The configuration for a new connection.
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current().config)
    }

    /// When the server's certificate ends.
    pub fn expires(&self) -> Timestamp {
        self.current().expires
    }

    /// Reads the files again, and uses them from the next connection on; whether they had changed.
    ///
    /// # Errors
    /// Every [`TlsError`]; everything stays as it is then.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let files = Files::read(&self.settings)?;
        if files.digest() == self.current().digest {
            return Ok(false);
        }
        let current = files.current(self.requires_certificate)?;
        *self.current() = current;
        Ok(true)
    }

    /// Reads the files again and says what came of it, once until that changes.
    pub fn look(&self, has_failed: &mut bool) {
        match self.reload() {
            Ok(true) => tracing::info!(expires = %self.expires(), "changed certificates are in use"),
            Ok(false) => {}
            Err(_) if *has_failed => return,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "changed certificates cannot be used; the last ones stay");
                *has_failed = true;
                return;
            }
        }
        *has_failed = false;
    }

    /// Looks at the files from time to time, for as long as it is awaited.
    pub async fn keep(&self) {
        let mut has_failed = false;
        loop {
            sleep(limits::CERTIFICATE_LOOK).await;
            self.look(&mut has_failed);
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The files as they are.
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    authorities: Option<Vec<u8>>,
}

impl Files {
    fn read(settings: &TlsSettings) -> Result<Self, TlsError> {
        let read = |setting, path: &Path| {
            let bytes = file::read(path, limits::CERTIFICATE_BYTES_MAX);
            bytes.map_err(|source| TlsError::Io { setting, path: path.to_owned(), source })
        };
        Ok(Self {
            certificate: read("certificate", &settings.certificate)?,
            key: read("key", &settings.key)?,
            authorities: settings.clients.as_ref().map(|clients| read("clientCa", &clients.ca)).transpose()?,
        })
    }

    fn digest(&self) -> [u8; 32] {
        let files = [Some(&self.certificate), Some(&self.key), self.authorities.as_ref()];
        let digests = files.into_iter().flatten().map(Sha256::digest);
        digests.fold(Sha256::new(), |all, digest| all.chain_update(digest)).finalize().into()
    }

    fn current(&self, requires_certificate: bool) -> Result<Current, TlsError> {
        let chain = certificates("certificate", &self.certificate)?;
        let expires = chain.first().and_then(|first| certificate::expires(first)).ok_or(TlsError::Certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key);
        let key = key.map_err(|source| TlsError::Pem { setting: "key", wanted: "private key", source })?;
        let builder = ServerConfig::builder_with_provider(cryptography()).with_safe_default_protocol_versions()?;
        let builder = match &self.authorities {
            None => builder.with_no_client_auth(),
            Some(authorities) => {
                let mut roots = RootCertStore::empty();
                for authority in certificates("clientCa", authorities)? {
                    roots.add(authority)?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), cryptography());
                let verifier = if requires_certificate { verifier } else { verifier.allow_unauthenticated() };
                builder.with_client_cert_verifier(verifier.build()?)
            }
        };
        let mut config = builder.with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // WHY: a resumed session would let a caller in whose certificate has ended since. Connections are few and long.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Current { config: Arc::new(config), expires, digest: self.digest() })
    }
}

fn certificates(setting: &'static str, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    match found {
        Ok(found) if found.is_empty() => Err(pem::Error::NoItemsFound),
        other => other,
    }
    .map_err(|source| TlsError::Pem { setting, wanted: "certificate", source })
}
