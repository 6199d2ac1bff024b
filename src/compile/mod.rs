//! From files to an immutable, fast form; every problem at once.
//!
//! `files -> read -> model::Bundle -> build (resolve, lint, number, tabulate) -> CompiledBundle`
//!
//! The compiled form keeps no text but names and ids. Policies that take part are numbered by *slot*, wide ones first
//! (see `workload`); answers speak of [`PolicyIndex`], the position in bundle order. `rules` lists every diagnostic.
//!
//! # What is not evaluated yet
//!
//! Refused with `unsupported`: Cedar conditions (`when`, `.cedar` files), `maxAge` and `whenStale`, the retired device
//! state conditions, and conditions that Graph does not document. Refused with `unjudgeable-location`: private link
//! and service tag locations that a policy names. Warned about with `session-controls`: session controls, which are
//! kept but not returned. An authentication strength counts as satisfied when the token service names its id; its
//! combinations of methods are kept, not judged. Service dependencies and the baseline scopes of a sign-in are for the
//! caller to express as `resource.appIds`.

mod build;
mod bundle;
mod country;
mod idmap;
mod lint;
mod network;
mod policy;
mod read;
mod resolve;
pub mod rules;
mod scope;
mod suites;
mod workload;

pub use build::build;
pub use bundle::CompiledBundle;
pub use network::Place;
pub use policy::{PolicyHead, PolicyIndex};
pub use read::{Mode, Reading, read};

pub(crate) use build::EligibilityFacts;
pub(crate) use bundle::{LocationSet, LocationTable, WideScratch, contains, insert, risk_bit};
pub(crate) use network::LocationIndex;
pub(crate) use policy::{CompiledControl, CompiledFilter, CompiledPolicy, Grant, ResourceList, Suite, UserList};
pub(crate) use scope::{Blueprint, By, Entry, Match, find};
pub(crate) use workload::{Candidate, Class, Slot};

use crate::text::{Diagnostics, Finding, RawBundle, Sources};

/// The result of compiling a whole bundle.
#[derive(Debug)]
pub struct Compilation {
    /// The compiled bundle; `None` when there is at least one error.
    pub bundle: Option<CompiledBundle>,
    /// The problems, sorted by place.
    pub findings: Vec<Finding>,
    /// How many errors there are, also those beyond the limit of kept ones.
    pub errors: usize,
    /// How many warnings there are, likewise.
    pub warnings: usize,
}

/// Reads and builds; the one way from files to a compiled bundle.
///
/// JSON is read the fast way first; only when there is something to say is it read again with spans, to say where.
/// Cost: linear in the text, n log n in the address ranges.
pub fn compile(raw: &RawBundle) -> Compilation {
    let fast = attempt(raw, Mode::Fast);
    if fast.findings.is_empty() && fast.errors + fast.warnings == 0 { fast } else { attempt(raw, Mode::Spanned) }
}

fn attempt(raw: &RawBundle, mode: Mode) -> Compilation {
    let Reading { bundle, mut sources, mut diagnostics } = read(raw, mode);
    if mode == Mode::Fast {
        // WHY: the fast way needs no text any more, for it tells no places; a large tenant's text is most of the memory.
        sources = Sources::default();
    }
    let database = bundle
        .settings
        .country_database
        .as_ref()
        .and_then(|name| raw.files.iter().find(|file| file.name == name.value).map(|file| file.bytes.as_slice()));
    let unread = diagnostics.errors() > 0;
    let bundle = build(bundle, &raw.digest, database, &mut diagnostics).filter(|_| !unread);
    conclude(bundle, &diagnostics, diagnostics.findings(&sources))
}

fn conclude(bundle: Option<CompiledBundle>, diagnostics: &Diagnostics, findings: Vec<Finding>) -> Compilation {
    Compilation { bundle, findings, errors: diagnostics.errors(), warnings: diagnostics.warnings() }
}
