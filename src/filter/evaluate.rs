//! Whether a rule holds for an object.
//!
//! Three-valued in the facts (a fact may be unknown), two-valued in null: see [`super`]. Does not allocate. Recursion
//! follows the nesting of the rule, two calls for each of at most `limits::FILTER_DEPTH_MAX` levels.

use super::fact::{Fact, Facts};
use super::{Comparison, Expression, Literal, Rule, Test};
use crate::model::Truth;

impl Rule {
    /// Whether the rule holds for the object of `facts`; unknown when that depends on unknown facts.
    ///
    /// Cost: no allocation; linear in the rule, and per comparison in the fact, except that `-contains` may take the
    /// product of the two lengths when both repeat themselves.
    pub fn evaluate(&self, facts: &impl Facts) -> Truth {
        self.expression.evaluate(facts)
    }
}

impl Expression {
    fn evaluate(&self, facts: &impl Facts) -> Truth {
        match self {
            Self::Or(terms) => {
                let mut truth = Truth::False;
                for term in terms {
                    truth = truth | term.evaluate(facts);
                    if truth == Truth::True {
                        break;
                    }
                }
                truth
            }
            Self::And(terms) => {
                let mut truth = Truth::True;
                for term in terms {
                    truth = truth & term.evaluate(facts);
                    if truth == Truth::False {
                        break;
                    }
                }
                truth
            }
            Self::Not(term) => !term.evaluate(facts),
            Self::Compare(comparison) => comparison.evaluate(facts),
        }
    }
}

impl Comparison {
    fn evaluate(&self, facts: &impl Facts) -> Truth {
        let holds = match facts.fact(&self.attribute) {
            Fact::Unknown => return Truth::Unknown,
            Fact::Null | Fact::Texts([]) => matches!(self.test, Test::IsNull),
            Fact::Bool(fact) => matches!(self.test, Test::IsBool(wanted) if wanted == fact),
            Fact::Text(fact) => self.test.holds_for(fact),
            Fact::Texts(facts) => match &self.test {
                Test::Contains(literal) => facts.iter().any(|fact| literal.equals(fact)),
                test => facts.iter().any(|fact| test.holds_for(fact)),
            },
        };
        Truth::from(holds != self.is_negated)
    }
}

impl Test {
    fn holds_for(&self, fact: &str) -> bool {
        match self {
            Self::IsNull | Self::IsBool(_) => false,
            Self::Equals(literal) => literal.equals(fact),
            Self::StartsWith(literal) => literal.starts(fact),
            Self::EndsWith(literal) => literal.ends(fact),
            Self::Contains(literal) => literal.is_part_of(fact),
            Self::In(literals) => literals.iter().any(|literal| literal.equals(fact)),
        }
    }
}

impl Literal {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.into(), folded: fold(text).collect::<String>().into() }
    }

    fn equals(&self, fact: &str) -> bool {
        fold(fact).eq(self.folded.chars())
    }

    fn starts(&self, fact: &str) -> bool {
        is_prefix(self.folded.chars(), fold(fact))
    }

    fn ends(&self, fact: &str) -> bool {
        is_prefix(self.folded.chars().rev(), fold(fact).rev())
    }

    fn is_part_of(&self, fact: &str) -> bool {
        let mut rest = fold(fact);
        loop {
            if is_prefix(self.folded.chars(), rest.clone()) {
                return true;
            }
            if rest.next().is_none() {
                return false;
            }
        }
    }
}

/// The text without differences of case. WHY: by character, not by `str::to_lowercase`, which allocates and gives a
/// sigma at the end of a word another form than elsewhere.
fn fold(text: &str) -> impl DoubleEndedIterator<Item = char> + Clone {
    text.chars().flat_map(char::to_lowercase)
}

fn is_prefix(prefix: impl Iterator<Item = char>, mut text: impl Iterator<Item = char>) -> bool {
    for character in prefix {
        if text.next() != Some(character) {
            return false;
        }
    }
    true
}
