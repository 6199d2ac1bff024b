//! Risk levels that fall between the policies of a bundle.

use super::super::policy::CompiledPolicy;
use super::super::rules;
use crate::model::set::Word;
use crate::model::{Bundle, RiskLevel, Set};
use crate::text::Diagnostic;

/// Ascending; the order of the vocabulary is not one of severity.
const SEVERITY: [RiskLevel; 3] = [RiskLevel::Low, RiskLevel::Medium, RiskLevel::High];

/// One kind of risk: its property, and the levels that a policy names.
type Kind = (&'static str, fn(&CompiledPolicy) -> Set<RiskLevel>);

const KINDS: [Kind; 4] = [
    ("servicePrincipalRiskLevels", |policy| policy.service_principal_risk),
    ("signInRiskLevels", |policy| policy.sign_in_risk),
    ("userRiskLevels", |policy| policy.user_risk),
    ("agentIdRiskLevels", |policy| policy.agent_risk),
];

/// A level that no policy names although a lower one is named: who is at it meets nothing. Told once for each kind of
/// risk, at the first policy with the lower level.
pub fn gaps(bundle: &Bundle, policies: &[CompiledPolicy], problems: &mut Vec<Diagnostic>) {
    for (property, levels) in KINDS {
        let is_named = |level: RiskLevel| policies.iter().any(|policy| levels(policy).contains(level));
        let Some(lowest) = SEVERITY.into_iter().find(|level| is_named(*level)) else { continue };
        let above = SEVERITY.into_iter().skip_while(|level| *level != lowest);
        let Some(gap) = above.into_iter().find(|level| !is_named(*level)) else { continue };
        let first = policies.iter().find(|policy| levels(policy).contains(lowest));
        let Some(policy) = first.and_then(|policy| bundle.policies.get(policy.index.as_usize())) else { continue };
        let (lowest, gap) = (lowest.as_str(), gap.as_str());
        let what = format!("`{property}` of some policy names `{lowest}`, of none `{gap}`");
        let help = format!("add `{gap}` to `{}`, or to another policy", policy.display_name.value);
        problems.push(Diagnostic::new(&rules::RISK_GAP, policy.display_name.span, what).help(help));
    }
}
