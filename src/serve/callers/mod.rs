//! Who may ask: callers are told apart by their certificate, a bearer token, an access token, or their process.
//!
//! [`settings`] says who is let in. [`tls`] keeps the certificates, [`certificate`] reads those of callers, [`secret`]
//! compares. [`Callers::meet`] looks at a connection, and the [`gate::Gate`] it gives at each request that needs a look.
//! [`pass`] carries the name of a caller to the decision log. Nothing here knows what is asked.

mod certificate;
mod gate;
pub mod pass;
mod secret;
mod settings;
mod tls;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

pub use self::certificate::{ended, expires};
pub use self::gate::{Gate, Lease};
pub use self::secret::SecretHash;
pub(super) use self::secret::read_hex;
pub use self::settings::{
    Allowed, BearerSettings, CallerSettings, ClientSettings, TlsSettings, TokenSettings, UnixSettings,
};
pub use self::tls::{Tls, TlsError, cryptography};
use super::claims::Holder;
use super::jwt::{Claims, Issuers, Patience, SecondIssuer, TokenError};
use super::peer::Peer;
use super::wire::v1;
use crate::limits;

/// Who may ask.
#[derive(Debug)]
pub struct Callers {
    settings: CallerSettings,
    issuers: Issuers,
    tls: Option<Arc<Tls>>,
}

/// Why callers cannot be authenticated as the settings say.
#[derive(Debug, thiserror::Error)]
pub enum CallersError {
    /// TLS cannot be offered.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An issuer of their tokens is there twice.
    #[error(transparent)]
    Issuers(#[from] SecondIssuer),
}

/// What a connection shows of its caller before it asks.
#[derive(Clone, Debug)]
enum Standing {
    /// It may ask; the name, if it has one.
    Known(Option<Arc<str>>),
    /// Each request must bring a token.
    Stranger,
    /// It is known, and not among those who may ask.
    Unwelcome,
}

/// Why a token does not let a caller in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Denial {
    /// It is not good, whatever it is.
    Invalid,
    /// It is good, and not for asking.
    Insufficient,
    /// Nobody can say yet.
    Unknown,
}

impl Callers {
    /// Reads the files that the settings name.
    ///
    /// # Errors
    /// Every [`CallersError`].
    pub fn new(settings: CallerSettings) -> Result<Self, CallersError> {
        let requires_certificate = settings.authenticate_tcp() && !settings.takes_tokens();
        let tls = settings.tls.clone().map(|tls| Tls::load(tls, requires_certificate)).transpose()?.map(Arc::new);
        let issuers = Issuers::new(settings.jwt.iter().map(|token| token.issuer.clone()).collect())?;
        Ok(Self { settings, issuers, tls })
    }

    /// TLS of the TCP listener, if it has any.
    pub const fn tls(&self) -> Option<&Arc<Tls>> {
        self.tls.as_ref()
    }

    /// Fetches keys and looks at certificates for as long as it is awaited.
    pub async fn keep(&self) {
        let tls = async {
            if let Some(tls) = &self.tls {
                tls.keep().await;
            }
        };
        tokio::join!(self.issuers.keep(), tls);
    }

    /// The gate for the requests of a connection; `certificate` is the one that its handshake proved (DER).
    pub fn meet(self: &Arc<Self>, peer: &Peer, certificate: Option<&[u8]>) -> Gate {
        let standing = match peer {
            Peer::Unix(credentials) => match (&self.settings.unix, credentials) {
                (Some(allowed), Some(process)) if !allowed.let_in(process.uid(), process.gid()) => Standing::Unwelcome,
                (Some(_), None) => Standing::Unwelcome,
                (_, process) => Standing::Known(process.map(|process| format!("uid:{}", process.uid()).into())),
            },
            Peer::Tcp { .. } if !self.settings.authenticate_tcp() => Standing::Known(None),
            Peer::Tcp { .. } => self.by_certificate(certificate),
        };
        Gate::new(Arc::clone(self), standing)
    }

    fn by_certificate(&self, certificate: Option<&[u8]>) -> Standing {
        let clients = self.settings.tls.as_ref().and_then(|tls| tls.clients.as_ref());
        let (Some(clients), Some(certificate)) = (clients, certificate) else {
            return Standing::Stranger;
        };
        match certificate::find(certificate, &clients.allow) {
            Some(Allowed::Uri(uri)) => Standing::Known(Some(name(uri))),
            Some(Allowed::Key(digest)) => {
                let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                Standing::Known(Some(name(&format!("sha256:{digits}"))))
            }
            None => {
                tracing::debug!("a caller's certificate is trusted, and not listed");
                if self.settings.takes_tokens() { Standing::Stranger } else { Standing::Unwelcome }
            }
        }
    }

    /// The caller with this secret. Looks at all of them, so that time tells nothing.
    fn by_secret(&self, token: &SecretHash) -> Option<Arc<str>> {
        let mut found = None;
        for known in &self.settings.bearer {
            if known.sha256.matches(token) {
                found = Some(known);
            }
        }
        found.map(|known| name(&known.name))
    }

    /// The caller with this access token, and when the token is good no more, seconds since the epoch.
    async fn by_token(&self, token: &str, now: Timestamp) -> Result<(Arc<str>, f64), Denial> {
        let claims = match self.issuers.verify(token, now, Patience::FOR_CALLERS).await {
            Ok(claims) => claims,
            Err(TokenError::NoKeys | TokenError::KeyUnsure) => return Err(Denial::Unknown),
            Err(error) => {
                tracing::debug!(%error, "a caller's access token is refused");
                return Err(Denial::Invalid);
            }
        };
        let is_its = |known: &&TokenSettings| claims.text("iss") == Some(known.issuer.issuer.as_str());
        let known = self.settings.jwt.iter().find(is_its).ok_or(Denial::Invalid)?;
        let subject = claims.text("sub").or_else(|| claims.text("client_id")).unwrap_or_default();
        let is_listed = known.subjects.is_empty() || known.subjects.iter().any(|listed| listed == subject);
        match is_listed && is_of_workload(&claims) && has_scope(&claims, &known.scope) {
            true => Ok((name(subject), claims.expires() + known.issuer.leeway.0.as_secs_f64())),
            false => Err(Denial::Insufficient),
        }
    }
}

/// Whether a token is an application's own. A person never asks for decisions, whatever scopes their token has been given,
/// and neither does one of whom the token does not say what it is: that of an application names its client (RFC 9068,
/// section 2.2), or says `idtyp`.
fn is_of_workload(claims: &Claims) -> bool {
    match Holder::new(claims.as_map()) {
        Ok(holder) => {
            let is_said = holder.identity.app_id.is_some() || claims.text("idtyp").is_some();
            is_said && holder.identity.r#type() == v1::IdentityType::ServicePrincipal
        }
        Err(error) => {
            tracing::debug!(%error, "nobody can say whose a caller's access token is");
            false
        }
    }
}

/// Whether a token has been given a scope: `scope` (RFC 8693) or `scp` as text with blanks between or as a list, or
/// `roles`, where Entra puts what an application may do by itself.
fn has_scope(claims: &Claims, wanted: &str) -> bool {
    ["scope", "scp", "roles"].into_iter().filter_map(|claim| claims.as_map().get(claim)).any(|scopes| match scopes {
        Value::String(scopes) => scopes.split(' ').any(|scope| scope == wanted),
        Value::Array(scopes) => scopes.iter().any(|scope| scope.as_str() == Some(wanted)),
        _ => false,
    })
}

fn name(text: &str) -> Arc<str> {
    text.get(..text.floor_char_boundary(limits::CALLER_NAME_BYTES_MAX)).unwrap_or_default().into()
}
