//! Paths and queries of the Graph door.

use http::Uri;
use percent_encoding::percent_decode_str;

use super::refusal::Refusal;
use crate::limits;
use crate::review::graph::Version;

/// Where a request leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The version.
    pub version: Version,
    /// What is asked.
    pub target: Target,
    /// Scheme, host and version, as the caller wrote them.
    pub base: String,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// What If.
    Evaluate,
    /// A page of a list.
    List(Page),
    /// One object, by id.
    Object(Kind, String),
}

/// What there are lists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Policies.
    Policies,
    /// Named locations.
    Locations,
}

impl Kind {
    /// As paths have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Policies => "policies",
            Self::Locations => "namedLocations",
        }
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Of what.
    pub kind: Kind,
    /// `$top`: how many objects at most.
    pub top: Option<usize>,
    /// `$skiptoken`: where the page begins, as the page before it said.
    pub token: Option<String>,
}

impl Route {
    /// Reads `uri`; `origin` is scheme and host.
    ///
    /// Errors: no such path; a query option that the path does not take, or that cannot be read.
    pub fn new(uri: &Uri, origin: &str) -> Result<Self, Refusal> {
        let mut segments = uri.path().split('/').skip(1);
        let version = match segments.next() {
            Some("v1.0") => Version::V1,
            _ => Version::Beta,
        };
        let segments: Vec<_> = segments.collect();
        let target = match segments.as_slice() {
            ["identity", "conditionalAccess", "evaluate"] => Target::Evaluate,
            ["identity", "conditionalAccess", list, rest @ ..] => {
                let kind = [Kind::Policies, Kind::Locations].into_iter().find(|kind| kind.as_str() == *list);
                match (kind, rest) {
                    (Some(kind), []) => Target::List(Page { kind, top: None, token: None }),
                    (Some(kind), [id]) if !id.is_empty() => Target::Object(kind, decoded(id)?),
                    _ => return Err(nothing()),
                }
            }
            _ => return Err(nothing()),
        };
        let mut route = Self { version, target, base: format!("{origin}/{}", version.as_str()) };
        for option in uri.query().unwrap_or_default().split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            route.option(&decoded(name)?, decoded(value)?)?;
        }
        Ok(route)
    }

    fn option(&mut self, name: &str, value: String) -> Result<(), Refusal> {
        match (&mut self.target, name) {
            (Target::List(page), "$top") => {
                let most = limits::GRAPH_PAGE_MAX;
                let top = value.parse().ok().filter(|top| (1..=most).contains(top));
                page.top = Some(top.ok_or_else(|| Refusal::bad(format!("`$top` must be a number from 1 to {most}")))?);
                Ok(())
            }
            (Target::List(page), "$skiptoken") => {
                page.token = Some(value);
                Ok(())
            }
            (Target::List(_), _) => {
                Err(Refusal::bad(format!("the query option `{name}` is not supported here, only `$top` is")))
            }
            _ => Err(Refusal::bad(format!("the query option `{name}` is not supported here"))),
        }
    }
}

fn nothing() -> Refusal {
    Refusal::not_found("there is nothing at this path")
}

fn decoded(text: &str) -> Result<String, Refusal> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(|text| text.into_owned()).map_err(|_| Refusal::bad("the path or query is not valid UTF-8"))
}
