//! The canonical form of a rule, which parses to an equal rule.

use std::fmt::{self, Display, Formatter};

use super::{Comparison, Expression, Literal, Rule, Test};

impl Display for Rule {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.expression.fmt(f)
    }
}

impl Display for Expression {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Or(terms) => joined(f, terms, " -or "),
            Self::And(terms) => {
                for (index, term) in terms.iter().enumerate() {
                    if index > 0 {
                        f.write_str(" -and ")?;
                    }
                    match term {
                        Self::Or(_) => write!(f, "({term})")?,
                        _ => term.fmt(f)?,
                    }
                }
                Ok(())
            }
            Self::Not(term) => match **term {
                Self::Or(_) | Self::And(_) => write!(f, "-not ({term})"),
                _ => write!(f, "-not {term}"),
            },
            Self::Compare(comparison) => comparison.fmt(f),
        }
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let operator = match (&self.test, self.is_negated) {
            (Test::IsNull | Test::IsBool(_) | Test::Equals(_), false) => "eq",
            (Test::IsNull | Test::IsBool(_) | Test::Equals(_), true) => "ne",
            (Test::StartsWith(_), false) => "startsWith",
            (Test::StartsWith(_), true) => "notStartsWith",
            (Test::EndsWith(_), false) => "endsWith",
            (Test::EndsWith(_), true) => "notEndsWith",
            (Test::Contains(_), false) => "contains",
            (Test::Contains(_), true) => "notContains",
            (Test::In(_), false) => "in",
            (Test::In(_), true) => "notIn",
        };
        write!(f, "{} -{operator} ", self.attribute)?;
        match &self.test {
            Test::IsNull => f.write_str("null"),
            Test::IsBool(true) => f.write_str("True"),
            Test::IsBool(false) => f.write_str("False"),
            Test::Equals(text) | Test::StartsWith(text) | Test::EndsWith(text) | Test::Contains(text) => text.fmt(f),
            Test::In(texts) => {
                f.write_str("[")?;
                joined(f, texts, ", ")?;
                f.write_str("]")
            }
        }
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // WHY: a backtick before the closing quotation mark would escape it, and nothing escapes a backtick.
        if self.text.contains(['"', '`']) {
            write!(f, "'{}'", self.text.replace('\'', "''"))
        } else {
            write!(f, "\"{}\"", self.text)
        }
    }
}

fn joined(f: &mut Formatter<'_>, terms: &[impl Display], between: &str) -> fmt::Result {
    for (index, term) in terms.iter().enumerate() {
        if index > 0 {
            f.write_str(between)?;
        }
        write!(f, "{term}")?;
    }
    Ok(())
}
