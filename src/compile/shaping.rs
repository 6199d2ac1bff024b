//! How tokens are shaped and what callers are obliged to, in compiled form.
//!
//! What one policy says is the reader's matter; here stands what all policies of a bundle come to: ids that tell
//! obligations apart, and bounds of what an answer can carry. Start with [`shaping`] for one, [`check`] for all.

use std::collections::HashMap;

use super::policy::{CompiledPolicy, CompiledShaping, Slot};
use super::rules;
use crate::limits;
use crate::model::policy::Policy;
use crate::model::shaping::{Obligation, Shaping};
use crate::model::{Bundle, GrantControl};
use crate::text::{Diagnostic, Diagnostics, Span};

/// What `policy` says; `None` when that has no effect. A policy that blocks shapes no token.
pub fn shaping(policy: &Policy) -> Option<Box<CompiledShaping>> {
    let Shaping { token, obligations } = &**policy.shaping.as_ref()?;
    let is_block = policy.grant.as_ref().is_some_and(|grant| grant.built_in.contains(GrantControl::Block));
    let own = policy.id.as_ref().unwrap_or(&policy.display_name);
    let obligations = (1..).zip(obligations).map(|(number, stated)| Obligation {
        id: stated.id.as_ref().map_or_else(|| format!("{}#{number}", own.value).into(), |id| id.value.clone()),
        kind: stated.kind.clone(),
        properties: stated.properties.clone(),
    });
    let token = if is_block { Default::default() } else { token.clone() };
    let shaping = CompiledShaping { token, obligations: obligations.collect() };
    (!shaping.token.is_empty() || !shaping.obligations.is_empty()).then(|| Box::new(shaping))
}

/// The enforced policies that oblige callers to something, by slot.
pub fn obliging(policies: &[CompiledPolicy]) -> Vec<Slot> {
    let is_obliging = |policy: &CompiledPolicy| !policy.is_report_only && !policy.obligations().is_empty();
    let obliging = (0..).zip(policies).filter(|(_, policy)| is_obliging(policy));
    obliging.map(|(slot, _)| slot).collect()
}

/// Reports two obligations of one id among the policies that take part, and more of claims and obligations than an answer
/// can carry.
pub fn check(bundle: &Bundle, policies: &[CompiledPolicy], diagnostics: &mut Diagnostics) {
    let (mut claims, mut obligations) = (0, 0);
    let mut first: HashMap<&str, Span, foldhash::fast::RandomState> = HashMap::default();
    for compiled in policies {
        let Some(shaping) = compiled.shaping() else { continue };
        let values =
            |values: &std::collections::BTreeSet<Box<str>>| values.iter().map(|value| value.len()).sum::<usize>();
        claims += shaping.token.claims.iter().map(|(name, all)| name.len() + values(all)).sum::<usize>();
        let policy = bundle.policies.get(compiled.index.as_usize());
        for (place, obligation) in shaping.obligations.iter().enumerate() {
            obligations += obligation.id.len() + obligation.kind.len() + obligation.properties.len();
            let stated = policy.and_then(|policy| policy.shaping.as_ref()?.obligations.get(place)?.id.as_ref());
            let span = stated.map(|id| id.span).or(policy.map(|policy| policy.display_name.span));
            let span = span.unwrap_or(Span::NONE);
            // WHY spans are not compared: JSON is read without them where nothing is wrong with it.
            if let Some(other) = first.insert(&obligation.id, span) {
                let what = format!("a second obligation with the id `{}`", obligation.id);
                let diagnostic = Diagnostic::new(&rules::DUPLICATE_ID, span, what);
                diagnostics.push(diagnostic.help("give each an id of its own").related(other, "the first"));
            }
        }
    }
    let bounds = [
        (claims, limits::CLAIM_BYTES_ALL_MAX, "bytes of claims"),
        (obligations, limits::OBLIGATION_BYTES_ALL_MAX, "bytes of obligations"),
    ];
    for (count, most, name) in bounds.into_iter().filter(|(count, most, _)| count > most) {
        let what = format!("{count} {name} in all policies, {most} are the most");
        diagnostics.push(Diagnostic::new(&rules::TOO_MANY, Span::NONE, what));
    }
}

impl CompiledPolicy {
    /// How it shapes tokens, and what it obliges callers to.
    pub fn shaping(&self) -> Option<&CompiledShaping> {
        self.session.as_ref()?.shaping.as_deref()
    }

    /// What it obliges callers to.
    pub fn obligations(&self) -> &[Obligation] {
        self.shaping().map(|shaping| &*shaping.obligations).unwrap_or_default()
    }
}
