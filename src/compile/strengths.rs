//! The built-in authentication strengths, and which combinations of methods a strength of a policy is.
//!
//! What the policy's own export expands comes first, of that only what a strength of the bundle with that id allows too;
//! then that strength, then the table here.
//! Source: Entra documentation, Conditional Access authentication strength, read August 2026; the combinations are
//! those that Microsoft Graph expands in its examples.

use std::collections::{HashMap, HashSet};

use super::rules;
use crate::model::AuthenticationMethod as Method;
use crate::model::policy::AuthenticationStrength;
use crate::model::{Bundle, Id, Set};
use crate::text::{Diagnostic, Span};

/// The id of the built-in multifactor strength.
pub const MULTIFACTOR: &str = "00000000-0000-0000-0000-000000000002";
const PASSWORDLESS: &str = "00000000-0000-0000-0000-000000000003";
const PHISHING_RESISTANT: &str = "00000000-0000-0000-0000-000000000004";

const PHISHING_RESISTANT_METHODS: &[&[Method]] =
    &[&[Method::WindowsHelloForBusiness], &[Method::Fido2], &[Method::X509CertificateMultiFactor]];

const PASSWORDLESS_METHODS: &[&[Method]] = &[&[Method::DeviceBasedPush]];

const MULTIFACTOR_METHODS: &[&[Method]] = &[
    &[Method::TemporaryAccessPassOneTime],
    &[Method::TemporaryAccessPassMultiUse],
    &[Method::Password, Method::MicrosoftAuthenticatorPush],
    &[Method::Password, Method::SoftwareOath],
    &[Method::Password, Method::HardwareOath],
    &[Method::Password, Method::Sms],
    &[Method::Password, Method::Voice],
    &[Method::FederatedMultiFactor],
    &[Method::MicrosoftAuthenticatorPush, Method::FederatedSingleFactor],
    &[Method::SoftwareOath, Method::FederatedSingleFactor],
    &[Method::HardwareOath, Method::FederatedSingleFactor],
    &[Method::Sms, Method::FederatedSingleFactor],
    &[Method::Voice, Method::FederatedSingleFactor],
];

/// Combinations of methods, any of which satisfies a strength.
pub type Combinations = Box<[Set<Method>]>;

/// The strengths that a bundle knows by id; `None`: it names one and does not say what it allows.
#[derive(Debug, Default)]
pub struct Strengths {
    by_id: HashMap<Id, Option<Combinations>>,
    /// Those of them that the bundle describes.
    of_bundle: HashSet<Id>,
}

impl Strengths {
    /// The built-in ones, and in their place or beside them those of the bundle.
    pub fn new(of_bundle: &[AuthenticationStrength]) -> Self {
        // Each built-in strength takes in the stronger ones.
        let tables = [PHISHING_RESISTANT_METHODS, PASSWORDLESS_METHODS, MULTIFACTOR_METHODS];
        let ids = [PHISHING_RESISTANT, PASSWORDLESS, MULTIFACTOR];
        let built_in = ids.into_iter().zip(1..).map(|(id, tables_used)| {
            let combinations = tables.iter().take(tables_used).copied().flatten();
            (Id::new(id), Some(combinations.map(|methods| methods.iter().copied().collect()).collect()))
        });
        let own = of_bundle
            .iter()
            .map(|strength| (Id::new(&strength.id.value), strength.allowed_combinations.clone().map(Into::into)));
        let ids = of_bundle.iter().map(|strength| Id::new(&strength.id.value)).collect();
        Self { by_id: built_in.chain(own).collect(), of_bundle: ids }
    }

    /// The combinations of `strength`; `None` when nothing says which they are.
    pub fn combinations(&self, strength: &AuthenticationStrength) -> Option<Combinations> {
        let id = Id::new(&strength.id.value);
        let known = || self.by_id.get(&id).cloned().flatten();
        let Some(expanded) = &strength.allowed_combinations else { return known() };
        let of_bundle = known().filter(|_| self.of_bundle.contains(&id));
        // WHY: an expansion in a policy lacks the restrictions to certain keys that the strength itself comes with.
        let is_allowed = |methods: &&Set<Method>| of_bundle.as_ref().is_none_or(|all| all.contains(methods));
        Some(expanded.iter().filter(is_allowed).copied().collect())
    }

    /// The combinations of the strength that risk remediation asks for where the policy names none.
    pub fn multifactor(&self) -> Combinations {
        self.by_id.get(&Id::new(MULTIFACTOR)).cloned().flatten().unwrap_or_default()
    }
}

/// Reports strengths with one id.
pub fn check(bundle: &Bundle, diagnostics: &mut Vec<Diagnostic>) {
    let mut first = HashMap::<Id, Span, foldhash::fast::RandomState>::default();
    for strength in &bundle.strengths {
        let id = &strength.id;
        if let Some(other) = first.insert(Id::new(&id.value), id.span) {
            diagnostics.push(rules::duplicate("authentication strength", &id.value, id.span, Some(other)));
        }
    }
}
