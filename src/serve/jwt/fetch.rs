//! Fetches a document over HTTPS, or reads it from a file. One `GET`, no redirects, bounded in size; the caller bounds
//! the time. Knows nothing of keys.

use std::io;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::header::{ACCEPT, HOST, USER_AGENT};
use http::{Request, StatusCode, Uri};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use super::keys::KeySetError;
use super::settings::KeySource;
use crate::limits;
use crate::serve::body::{self, Reply};
use crate::serve::{callers, file};

/// Why a key set could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Nobody is there, or the file is not.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The server's certificate is not trusted, or it speaks no TLS.
    #[error("it cannot be trusted: {0}")]
    Tls(#[from] rustls::Error),
    /// The name of the server is none.
    #[error("its host is no name")]
    Host,
    /// What the server says is no HTTP.
    #[error("it speaks no HTTP: {0}")]
    Http(#[from] hyper::Error),
    /// The server has another answer than 200.
    #[error("it answers {0}")]
    Status(StatusCode),
    /// The body ended early or is larger than [`limits::KEY_SET_BYTES_MAX`].
    #[error("its answer is larger than {} bytes or ended early", limits::KEY_SET_BYTES_MAX)]
    Body,
    /// It took longer than [`limits::KEY_SET_TIME_MAX`].
    #[error("it does not answer within {} seconds", limits::KEY_SET_TIME_MAX.as_secs())]
    Slow,
    /// It is no key set.
    #[error(transparent)]
    Keys(#[from] KeySetError),
}

/// Fetches; keeps whom the system trusts.
#[derive(Debug, Default)]
pub struct Fetcher {
    trusted: OnceLock<Arc<ClientConfig>>,
}

impl Fetcher {
    /// The document at `source`.
    pub async fn fetch(&self, source: &KeySource) -> Result<Bytes, FetchError> {
        match source {
            KeySource::File(path) => Ok(file::read(path, limits::KEY_SET_BYTES_MAX)?.into()),
            KeySource::Url(url) => self.get(url).await,
        }
    }

    async fn get(&self, url: &Uri) -> Result<Bytes, FetchError> {
        let is_tls = url.scheme_str() == Some("https");
        let host = url.host().ok_or(FetchError::Host)?.trim_matches(['[', ']']);
        let port = url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let stream = TcpStream::connect((host, port)).await?;
        if !is_tls {
            return exchange(stream, url).await;
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|_| FetchError::Host)?;
        let connector = TlsConnector::from(self.trusted()?);
        exchange(connector.connect(name, stream).await?, url).await
    }

    /// Whom the system trusts: its own store, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name. Read once.
    fn trusted(&self) -> Result<Arc<ClientConfig>, FetchError> {
        if let Some(trusted) = self.trusted.get() {
            return Ok(Arc::clone(trusted));
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let config = ClientConfig::builder_with_provider(callers::cryptography())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::clone(self.trusted.get_or_init(|| Arc::new(config))))
    }
}

async fn exchange<S>(stream: S, url: &Uri) -> Result<Bytes, FetchError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let host = url.authority().map_or("", |authority| authority.as_str());
    let request = Request::get(path)
        .header(HOST, host)
        .header(ACCEPT, "application/jwk-set+json, application/json")
        .header(USER_AGENT, "doorward")
        .body(Reply::default())
        .map_err(|_| FetchError::Host)?;
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(limits::REQUEST_HEAD_BYTES_MAX).handshake(TokioIo::new(stream)).await?;
    // WHY: side by side, so that the connection ends with this future whatever happens.
    let asking = async move {
        let response = sender.send_request(request).await?;
        match response.status() {
            StatusCode::OK => {
                body::read(response.into_body(), limits::KEY_SET_BYTES_MAX).await.map_err(|_| FetchError::Body)
            }
            other => Err(FetchError::Status(other)),
        }
    };
    let (mut asking, mut connection) = (std::pin::pin!(asking), std::pin::pin!(connection));
    tokio::select! {
        answer = &mut asking => answer,
        // What came before the end is an answer if it is whole, however the end came: many servers say no goodbye.
        _ = &mut connection => asking.await,
    }
}
