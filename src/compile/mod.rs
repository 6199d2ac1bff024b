//! From files to an immutable, fast form; every problem at once.
//!
//! `files -> read -> model::Bundle -> build (resolve, lint, number, tabulate) -> CompiledBundle`
//!
//! The compiled form keeps no text but names and ids. Policies that take part are numbered by *slot*, wide ones first
//! (see `workload`); answers speak of [`PolicyIndex`], the position in bundle order. `rules` lists every diagnostic.
//!
//! # What is not evaluated yet
//!
//! Refused with `unsupported`: `maxAge` and `whenStale`, the retired device state conditions, and conditions that Graph
//! does not document. Refused with `unjudgeable-location`: private link and service tag locations that a policy names.
//! Warned about with `strength-configuration`: restrictions of an authentication strength to certain keys or issuers,
//! whose combinations of methods are not judged. Service dependencies are for the caller to express as
//! `resource.appIds`.

mod application;
mod bound;
mod build;
mod bundle;
pub mod cedar;
mod country;
mod directory;
mod eligibility;
mod entity;
mod filter;
mod gate;
mod grant;
pub(crate) mod guest;
mod idmap;
mod lint;
mod location;
mod network;
mod policy;
pub mod prefix;
mod read;
mod resolve;
pub mod rules;
mod scope;
mod shaping;
mod stated;
mod strengths;
mod subject;
mod suites;
mod whole;
mod wide;
mod words;
mod workload;

pub use build::build;
pub use bundle::CompiledBundle;
pub use entity::EntityTable;
pub use network::Place;
pub use policy::{PolicyHead, PolicyIndex};
pub use read::{Mode, Reading, is_document, is_settings, read};
pub use stated::{Stated, Statement, compile_stated};

pub(crate) use eligibility::EligibilityFacts;
pub(crate) use gate::{Gate, risk_bit};
pub(crate) use location::{LocationMarks, LocationSet, LocationTable, contains, insert, ones};
pub(crate) use network::LocationIndex;
pub(crate) use policy::{
    CompiledControl, CompiledFilter, CompiledPolicy, CompiledSession, Grant, LocationCondition, PrincipalScope,
    ResourceCondition, ResourceList, Slot, Suite, UserList,
};
pub(crate) use scope::{Blueprint, By, Entry, Match, find};
pub(crate) use subject::{
    Block, Dimension, Entry as MaskEntry, Member, Population, Residual, Words as SubjectWords, found as mask_of,
};
pub(crate) use wide::{Applying, WideMasks, WideScratch};
pub(crate) use words::{client_app, listed, platform};
pub(crate) use workload::{Class, Known, WideMask};

pub(crate) use crate::filter::{Attribute, CedarText, DeviceAttribute, quoted};
use crate::model::Bundle;
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
    compile_and(raw, |_| ()).0
}

/// As [`compile`], and hands the model to `look` before it is compiled, as nothing keeps it: what `look` makes of it is
/// the second result. A model with errors lacks what could not be read.
pub fn compile_and<T>(raw: &RawBundle, look: impl Fn(&Bundle) -> T) -> (Compilation, T) {
    let (mut compilation, mut looked) = attempt(raw, Mode::Fast, &look);
    if !compilation.findings.is_empty() || compilation.errors + compilation.warnings > 0 {
        drop(looked);
        (compilation, looked) = attempt(raw, Mode::Spanned, &look);
    }
    (compilation, looked)
}

/// As [`compile_and`], for who shows errors only: what can be used is read once, and its findings have no places.
pub fn compile_to_use<T>(raw: &RawBundle, look: impl Fn(&Bundle) -> T) -> (Compilation, T) {
    let (compilation, looked) = attempt(raw, Mode::Fast, &look);
    match compilation.bundle {
        Some(_) => (compilation, looked),
        None => attempt(raw, Mode::Spanned, &look),
    }
}

fn attempt<T>(raw: &RawBundle, mode: Mode, look: impl Fn(&Bundle) -> T) -> (Compilation, T) {
    let Reading { bundle: model, mut sources, mut diagnostics, is_complete } = read(raw, mode);
    if mode == Mode::Fast {
        // WHY: the fast way needs no text any more, for it tells no places; a large tenant's text is most of the memory.
        sources = Sources::default();
    }
    let database = database(raw, &model);
    let unread = diagnostics.errors() > 0;
    let looked = look(&model);
    // WHY: of what was not read nobody knows what is missing.
    let bundle = if is_complete { build(model, &raw.digest, database, &mut diagnostics) } else { None };
    let bundle = bundle.filter(|_| !unread);
    (conclude(bundle, &diagnostics, diagnostics.findings(&sources)), looked)
}

/// Compiles an edited model of `raw`; `None` when it is no valid bundle.
pub fn rebuild(model: Bundle, raw: &RawBundle) -> Option<CompiledBundle> {
    let database = database(raw, &model);
    build(model, &raw.digest, database, &mut Diagnostics::default())
}

/// The country database that `model` names, if it is in the bundle.
fn database<'r>(raw: &'r RawBundle, model: &Bundle) -> Option<&'r [u8]> {
    let name = model.settings.country_database.as_ref()?;
    raw.files.iter().find(|file| file.name == name.value).map(|file| file.bytes.as_slice())
}

fn conclude(bundle: Option<CompiledBundle>, diagnostics: &Diagnostics, findings: Vec<Finding>) -> Compilation {
    Compilation { bundle, findings, errors: diagnostics.errors(), warnings: diagnostics.warnings() }
}
