//! What a policy asks for and what its tokens come with: grant controls and session controls in their compiled form.

use super::policy::{CompiledControl, CompiledPolicy, CompiledSession, Grant};
use super::strengths::{MULTIFACTOR, Strengths};
use super::{rules, shaping};
use crate::model::policy::{AuthenticationStrength, GrantControls, Policy};
use crate::model::session::SignInFrequency;
use crate::model::set::Word;
use crate::model::{FrequencyFactors, GrantControl, Operator};
use crate::text::Diagnostic;

/// The grant controls of `policy`. `block` beside other controls is block: Graph refuses to store such a policy, and
/// block is the stricter reading.
pub fn grant(policy: &Policy, strengths: &Strengths, diagnostics: &mut Vec<Diagnostic>) -> Grant {
    let Some(controls) = &policy.grant else {
        return Grant::Require { operator: Operator::Or, controls: Box::default() };
    };
    if controls.built_in.contains(GrantControl::Block) {
        return Grant::Block;
    }
    // The order of Entra's prompts: built-in controls, terms of use, custom controls; a strength stands for MFA.
    let strength = strength(controls, strengths, diagnostics);
    let built_in = GrantControl::ALL.iter().filter(|control| controls.built_in.contains(**control));
    let list = strength
        .into_iter()
        .chain(built_in.map(|control| CompiledControl::BuiltIn(*control)))
        .chain(controls.terms_of_use.iter().cloned().map(CompiledControl::TermsOfUse))
        .chain(controls.custom_factors.iter().cloned().map(CompiledControl::CustomFactor));
    // What risk remediation brings along must be met beside it, so no other control can stand for it.
    let operator = if remediates(controls) { Operator::And } else { controls.operator };
    Grant::Require { operator, controls: list.collect() }
}

/// The strength that the policy names, or that risk remediation brings along.
/// Source: Entra documentation, Require risk remediation, read August 2026.
fn strength(
    controls: &GrantControls,
    strengths: &Strengths,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<CompiledControl> {
    let named = |strength: &AuthenticationStrength| {
        let combinations = strengths.combinations(strength);
        if combinations.is_none() {
            let what = format!("nothing says which methods `{}` allows", strength.id.value);
            let help = "export the policy with the strength expanded, or add the strength to the bundle";
            diagnostics.push(Diagnostic::new(&rules::UNKNOWN_STRENGTH, strength.id.span, what).help(help));
        }
        let id = strength.id.value.clone();
        CompiledControl::AuthenticationStrength { id, combinations: combinations.unwrap_or_default() }
    };
    let brought_along =
        || CompiledControl::AuthenticationStrength { id: MULTIFACTOR.into(), combinations: strengths.multifactor() };
    let strength = controls.authentication_strength.as_ref().map(named);
    strength.or_else(|| remediates(controls).then(brought_along))
}

fn remediates(controls: &GrantControls) -> bool {
    controls.built_in.contains(GrantControl::RiskRemediation)
}

/// The session controls of `policy`, and what stands beside them, if it has any. Risk remediation brings sign-in every time along.
pub fn session(policy: &Policy) -> Option<CompiledSession> {
    let mut session = CompiledSession {
        controls: policy.session_controls,
        filtering_profile: policy.filtering_profile.clone(),
        shaping: shaping::shaping(policy),
    };
    if policy.grant.as_ref().is_some_and(|grant| remediates(grant) && !grant.built_in.contains(GrantControl::Block)) {
        let factors = FrequencyFactors::PrimaryAndSecondary;
        session.controls.sign_in_frequency = Some(SignInFrequency { period: None, factors });
    }
    (session != CompiledSession::default()).then_some(session)
}

impl CompiledPolicy {
    /// Whether a token that this policy lets through comes with session controls.
    pub fn has_session(&self) -> bool {
        self.session.is_some()
    }
}
