//! From what was decided to a message.

use super::spelling::Spelling;
use super::v1;
use crate::compile::{CompiledBundle, PolicyHead, PolicyIndex};
use crate::evaluate::{Evaluation, PolicyTrace};

/// The answer of one evaluation; `trace` is left for [`trace`].
pub fn answer(bundle: &CompiledBundle, evaluation: &Evaluation, request_id: String) -> v1::DecideResponse {
    let names = |policies: &[PolicyIndex]| policies.iter().map(|policy| name(bundle.policy(*policy))).collect();
    v1::DecideResponse {
        decision: evaluation.decision().number(),
        reason: evaluation.reason().as_str().to_owned(),
        policies: names(evaluation.policies()),
        report_only: names(evaluation.report_only()),
        unmet_controls: evaluation.unmet(bundle).map(|control| control.name()).collect(),
        bundle: Some(bundle_name(bundle)),
        request_id,
        trace: Vec::new(),
    }
}

/// Every policy of a trace, in its order.
pub fn trace(bundle: &CompiledBundle, policies: Vec<PolicyTrace>) -> Vec<v1::PolicyTrace> {
    let conditions = |policy: PolicyTrace| {
        policy
            .conditions
            .into_iter()
            .map(|condition| v1::ConditionTrace {
                condition: condition.condition.to_owned(),
                holds: condition.holds.number(),
                rule: condition.rule,
            })
            .collect()
    };
    policies
        .into_iter()
        .map(|policy| {
            let head = bundle.policy(policy.policy);
            v1::PolicyTrace {
                policy: Some(name(head)),
                state: crate::model::set::Word::as_str(head.state).to_owned(),
                outcome: policy.outcome.as_str().to_owned(),
                conditions: conditions(policy),
            }
        })
        .collect()
}

/// How answers name a bundle.
pub fn bundle_name(bundle: &CompiledBundle) -> v1::BundleRef {
    v1::BundleRef { name: bundle.name().to_owned(), revision: bundle.revision().to_owned() }
}

fn name(policy: &PolicyHead) -> v1::PolicyRef {
    v1::PolicyRef { id: policy.id.as_ref().to_owned(), display_name: policy.display_name.as_ref().to_owned() }
}
