//! Filters of policies with their rules parsed.
//!
//! What a rule means, [`crate::filter`] knows; here its problems are put at their places in the bundle.

use super::policy::CompiledFilter;
use crate::filter::{self, Root};
use crate::model::policy::Filter;
use crate::text::Diagnostic;

/// The filter with its rule parsed; its problems are told where they stand in the text of the rule.
pub fn compiled(filter: &Filter, root: Root, diagnostics: &mut Vec<Diagnostic>) -> Option<Box<CompiledFilter>> {
    match filter::parse(&filter.rule.text, root) {
        Ok(rule) => Some(Box::new(CompiledFilter { mode: filter.mode, rule })),
        Err(problems) => {
            for problem in problems {
                let mut diagnostic = Diagnostic::new(problem.rule, filter.rule.within(problem.range), problem.what);
                (diagnostic.help, diagnostic.mend) = (problem.help, problem.mend);
                diagnostics.push(diagnostic);
            }
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::compile::compile;
    use crate::written::raw;

    /// What is told of a policy with this filter: what is wrong, and the part of the line that is underlined.
    fn told(name: &str, filter: &str) -> Vec<(String, String)> {
        let policy = format!(
            r#"{{"displayName": "P", "state": "enabled", "grantControls": {{"builtInControls": ["block"]}},
            "conditions": {{"clientApplications": {{"servicePrincipalFilter": {filter}}}}}}}"#
        );
        let findings = compile(&raw([(name, policy)])).findings;
        let told = findings.into_iter().map(|finding| {
            let excerpt = finding.excerpt.unwrap();
            (finding.what, excerpt.text.chars().skip(excerpt.start).take(excerpt.length).collect())
        });
        told.collect()
    }

    /// Every rule of an export has escapes: all of the rule was underlined, and nothing in it could be mended.
    #[test]
    fn a_problem_of_a_rule_is_told_where_it_stands_however_the_rule_is_quoted() {
        let rules = [
            ("p.json", r#""CustomSecurityAttribute.E_T -eq \"x\" -and CustomSecurityAttribute.E_U == \"y\"""#),
            ("p.json", r#""CustomSecurityAttribute.E_T -eq \u0022x\u0022 -and CustomSecurityAttribute.E_U == \"y\"""#),
            ("p.yaml", r#"'CustomSecurityAttribute.E_T -eq ''x'' -and CustomSecurityAttribute.E_U == "y"'"#),
        ];
        for (name, rule) in rules {
            let told = told(name, &format!(r#"{{"mode": "include", "rule": {rule}}}"#));
            assert_eq!(told, [("filters have no operator `==`".to_owned(), "==".to_owned())], "{rule}");
        }
    }

    #[test]
    fn a_mode_that_nobody_knows_is_not_told_as_one_that_is_missing() {
        let told = told("p.json", r#"{"mode": "includ", "rule": "CustomSecurityAttribute.E_T -eq \"x\""}"#);
        assert!(told.iter().any(|(_, underlined)| underlined == "\"includ\""), "{told:?}");
        assert!(!told.iter().any(|(what, _)| what.contains("needs a `mode`")), "{told:?}");
    }
}
