//! Tokens that are shaped otherwise, and other obligations, are changes as other session controls are.

use super::super::{ChangeKind, diff};
use crate::compile::{CompiledBundle, compile};
use crate::written::raw;

fn compiled(more: &str) -> CompiledBundle {
    let text = format!(
        "policies:\n- displayName: P\n  state: enabled\n  conditions: {{ users: {{ includeUsers: [All] }}, signInRiskLevels: \
         [medium] }}\n  {more}\n- displayName: Q\n  state: enabled\n  conditions: {{ users: {{ includeUsers: [All] }} }}\n  \
         token: {{ lifetime: 900, claims: {{ tags: a }} }}\n"
    );
    let compilation = compile(&raw([("p.yaml", text)]));
    compilation.bundle.unwrap_or_else(|| panic!("{:?}", compilation.findings))
}

/// What is said of the policy for medium risk, and what changes there.
#[test]
fn a_changed_claim_lifetime_or_obligation_is_a_change_and_what_others_say_already_is_none() {
    let base = "token: { lifetime: 300, claims: { tags: [b] } }";
    let told = |more: &str| -> Vec<String> {
        let comparison = diff(&compiled(base), &compiled(more)).unwrap();
        assert!(comparison.regions.iter().all(|region| region.kind == ChangeKind::Controls), "{more}");
        comparison.regions.iter().map(|region| region.after.clone()).collect()
    };
    let cases: [(&str, &[&str]); 8] = [
        (base, &[]),
        ("token: { lifetime: 300, claims: { tags: [b, a] } }", &[]),
        (
            "token: { lifetime: 600, claims: { tags: [b] } }",
            &["allow with session tokenLifetime 600 seconds, tokenClaim tags [\"a\",\"b\"]"],
        ),
        (
            "token: { lifetime: 1200, claims: { tags: [b] } }",
            &["allow with session tokenLifetime 900 seconds, tokenClaim tags [\"a\",\"b\"]"],
        ),
        (
            "token: { lifetime: 300, claims: { tags: [c] } }",
            &["allow with session tokenLifetime 300 seconds, tokenClaim tags [\"a\",\"c\"]"],
        ),
        (
            "token: { lifetime: 300, claims: { tags: [\"b, \\\"c\\t\"] } }",
            &[r#"allow with session tokenLifetime 300 seconds, tokenClaim tags ["a","b, \"c\u0009"]"#],
        ),
        (
            "token: { lifetime: 300, claims: { tags: [b] }, critical: [tags] }",
            &["allow with session tokenLifetime 300 seconds, criticalTokenClaim tags [\"a\",\"b\"]"],
        ),
        (
            "token: { lifetime: 300, claims: { tags: [b] } }\n  obligations: [{ type: notification, to: soc }]",
            &[
                "allow with session tokenLifetime 300 seconds, tokenClaim tags [\"a\",\"b\"], obligation P#1 notification {\"to\":\"soc\"}",
            ],
        ),
    ];
    for (more, expected) in cases {
        assert_eq!(told(more), expected, "{more}");
    }
}

/// Whoever took an obligation out of a policy that blocks was told that no decision changes.
#[test]
fn other_obligations_of_blocks_are_told_as_not_compared() {
    let high_risk = include_str!("../../../../policies/tokens/policies/high-risk.yaml");
    let notes = |after: &str| -> Vec<String> {
        let compiled = |text: &str| {
            let compilation = compile(&raw([("p.yaml", text)]));
            compilation.bundle.unwrap_or_else(|| panic!("{:?}", compilation.findings))
        };
        let comparison = diff(&compiled(high_risk), &compiled(after)).unwrap();
        assert!(comparison.regions.is_empty(), "{after}");
        comparison.notes.iter().map(ToString::to_string).collect()
    };
    assert!(notes(high_risk).is_empty());
    for (from, to) in [
        ("soc@example.com", "nobody@example.com"),
        ("  - type: session_termination\n", ""),
        ("id: compromised", "id: risky"),
        ("topic: high-risk", "topic: risk"),
    ] {
        assert!(high_risk.contains(from), "{from}");
        assert_eq!(notes(&high_risk.replace(from, to)), ["obligations of blocks"], "{from}");
    }
}
