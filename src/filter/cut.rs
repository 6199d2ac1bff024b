//! The values at which a rule changes its mind: for analyses that go through all objects a rule can tell apart.

use super::attribute::Attribute;
use super::{Rule, Test};

/// What one comparison looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut<'r> {
    /// The attribute.
    pub attribute: &'r Attribute,
    /// The texts that it is compared with.
    pub texts: Vec<&'r str>,
    /// Whether only whole texts are compared, so that any text but these is like any other.
    pub is_whole: bool,
}

impl Rule {
    /// Each comparison, in the order written.
    pub fn cuts(&self) -> Vec<Cut<'_>> {
        let mut cuts = Vec::new();
        self.expression.each(&mut |comparison| {
            let (texts, is_whole) = match &comparison.test {
                Test::IsNull | Test::IsBool(_) => (Vec::new(), true),
                Test::Equals(literal) => (vec![&*literal.text], true),
                Test::In(literals) => (literals.iter().map(|literal| &*literal.text).collect(), true),
                Test::StartsWith(literal) | Test::EndsWith(literal) | Test::Contains(literal) => {
                    (vec![&*literal.text], false)
                }
            };
            cuts.push(Cut { attribute: &comparison.attribute, texts, is_whole });
        });
        cuts
    }
}
