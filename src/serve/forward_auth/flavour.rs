//! Where each kind of proxy describes the request that it asks about.
//!
//! Source: Traefik documentation, ForwardAuth; nginx documentation, `ngx_http_auth_request_module`; ingress-nginx
//! documentation, external authentication; Caddy documentation, `forward_auth`; Envoy documentation, external
//! authorization; read August 2026. HAProxy says what its operator lets it say.

use http::header::HOST;
use http::{HeaderMap, Request};

use crate::model::decision::InputError;
use crate::serve::gateway::path;

/// A kind of proxy.
#[derive(Debug)]
pub struct Flavour {
    name: &'static str,
    /// The header with the method; without one it is the method of the question itself.
    method: Option<&'static str>,
    uri: Place,
    /// Headers with the host; the first that is there counts, and a URL that has one must agree.
    host: &'static [&'static str],
    scheme: Option<&'static str>,
    /// Whether the query of the question is the operator's. Caddy keeps the client's unless it is told otherwise.
    is_query_ours: bool,
}

/// Where the path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In a header.
    Header(&'static str),
    /// In a header, behind scheme and host.
    AbsoluteHeader(&'static str),
    /// Behind the name of the flavour.
    Suffix,
}

const FLAVOURS: [Flavour; 6] = [
    Flavour {
        name: "traefik",
        method: Some("x-forwarded-method"),
        uri: Place::Header("x-forwarded-uri"),
        host: &["x-forwarded-host"],
        scheme: Some("x-forwarded-proto"),
        is_query_ours: true,
    },
    Flavour {
        name: "nginx",
        method: Some("x-original-method"),
        uri: Place::Header("x-original-uri"),
        host: &["x-forwarded-host", "host"],
        scheme: Some("x-forwarded-proto"),
        is_query_ours: true,
    },
    Flavour {
        name: "ingress-nginx",
        method: Some("x-original-method"),
        uri: Place::AbsoluteHeader("x-original-url"),
        host: &["x-forwarded-host"],
        scheme: None,
        is_query_ours: true,
    },
    Flavour {
        name: "caddy",
        method: Some("x-forwarded-method"),
        uri: Place::Header("x-forwarded-uri"),
        host: &["x-forwarded-host"],
        scheme: Some("x-forwarded-proto"),
        is_query_ours: false,
    },
    Flavour {
        name: "haproxy",
        method: Some("x-original-method"),
        uri: Place::Header("x-original-uri"),
        host: &["host"],
        scheme: Some("x-forwarded-proto"),
        is_query_ours: true,
    },
    Flavour {
        name: "envoy",
        method: None,
        uri: Place::Suffix,
        host: &["host"],
        scheme: Some("x-forwarded-proto"),
        is_query_ours: false,
    },
];

/// A request as a proxy describes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Described<'r> {
    /// Method.
    pub method: Option<&'r str>,
    /// `http` or `https`.
    pub scheme: Option<&'r str>,
    /// Host, perhaps with a port.
    pub host: Option<&'r str>,
    /// Path and query.
    pub path: Option<&'r str>,
}

impl Flavour {
    /// The flavour that a path below the root names, and the rest of the path.
    pub fn find(place: &str) -> Option<(&'static Self, &str)> {
        FLAVOURS.iter().find_map(|flavour| match (place.strip_prefix(flavour.name)?, flavour.uri) {
            (rest, Place::Suffix) if rest.is_empty() || rest.starts_with('/') => Some((flavour, rest)),
            ("", _) => Some((flavour, "")),
            _ => None,
        })
    }

    /// Whether the query of the question says what the operator says about the route, and nothing of the client's.
    pub const fn is_query_ours(&self) -> bool {
        self.is_query_ours
    }

    /// Reads the description.
    ///
    /// # Errors
    /// The method or the path is missing; a header that is given twice with different values, as when the client has
    /// sent one of its own; one that is no text.
    pub fn described<'r, B>(&self, rest: &'r str, request: &'r Request<B>) -> Result<Described<'r>, InputError> {
        let headers = request.headers();
        let needed =
            |name| one(headers, name)?.ok_or_else(|| InputError::invalid(format!("header.{name}"), "is required"));
        let scheme = self.scheme.map(|name| one(headers, name)).transpose()?.flatten();
        let mut host = None;
        for name in self.host {
            host = host.or(one(headers, name)?);
        }
        if host.is_none() && self.host.contains(&HOST.as_str()) {
            host = request.uri().authority().map(http::uri::Authority::as_str);
        }
        let method = match self.method {
            Some(name) => needed(name)?,
            None => request.method().as_str(),
        };
        let described = Described { method: Some(method), scheme, host, path: None };
        match self.uri {
            Place::Header(name) => Ok(Described { path: Some(needed(name)?), ..described }),
            Place::Suffix => Ok(Described { path: Some(if rest.is_empty() { "/" } else { rest }), ..described }),
            Place::AbsoluteHeader(name) => {
                // WHY: the proxy writes what the client calls the host before the path, which always begins with `/`. A
                // `?` in that name would make the path a query.
                let url = needed(name)?.split_once("://").map(|(scheme, rest)| (scheme, rest.split_at(end(rest))));
                let (scheme, (name_of_host, path)) =
                    url.filter(|(_, (_, path))| path.starts_with('/')).ok_or_else(|| {
                        InputError::invalid(format!("header.{name}"), "must be an absolute URL with a path")
                    })?;
                if host.is_some_and(|said| path::host(said) != path::host(name_of_host)) {
                    return Err(InputError::conflict(
                        format!("header.{name}"),
                        "is of another host than the proxy says",
                    ));
                }
                Ok(Described { scheme: Some(scheme), host: Some(name_of_host), path: Some(path), ..described })
            }
        }
    }
}

/// Where the host of a URL ends.
fn end(text: &str) -> usize {
    text.find(['/', '?', '#', '\\']).unwrap_or(text.len())
}

/// The value of a header that has one.
fn one<'r>(headers: &'r HeaderMap, name: &str) -> Result<Option<&'r str>, InputError> {
    let mut lines = headers.get_all(name).iter();
    let Some(first) = lines.next() else { return Ok(None) };
    if lines.any(|line| line != first) {
        return Err(InputError::conflict(format!("header.{name}"), "is given twice"));
    }
    match first.to_str() {
        Ok(text) if !text.is_empty() => Ok(Some(text)),
        _ => Err(InputError::invalid(format!("header.{name}"), "must be text")),
    }
}
