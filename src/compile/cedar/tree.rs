//! A condition as three-valued logic over the comparisons it is made of.
//!
//! Cedar is two-valued, and a comparison with a fact that is not there is an error that ends the whole policy. So
//! what joins comparisons (`&&`, `||`, `!`, `if`) is evaluated here by Kleene's logic, and only the comparisons by Cedar,
//! over a request from which unknown facts are left out. A comparison that errs is unknown. Comparisons that would not
//! err although they depend on a fact that is left out are refused when the bundle is compiled; see [`Builder::check`].

use std::sync::Arc;

use cedar_policy::{
    AuthorizationError, Authorizer, Entities, Policy, PolicySet, Request,
    pst::{self, BinaryOp, Clause, Expr, Literal, PatternElem, UnaryOp, Var},
};

use super::value::{CedarRequest, Kind};
use super::words::{is_custom, is_folded, is_no_country, vocabulary};
use super::{Refusal, rules};
use crate::model::{IdRef, ServicePrincipal, Truth};
use crate::text::suggest;

/// A checked condition in Cedar.
#[derive(Debug)]
pub struct CedarCondition {
    test: Test,
    /// Its comparisons, each a policy whose id is its number.
    comparisons: PolicySet,
    count: usize,
    /// The condition in Cedar's words.
    text: Box<str>,
}

/// What is true of a condition, by its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Constant(bool),
    /// A comparison.
    Compared(usize),
    /// Whether a free attribute is there; if it is not, nobody knows.
    Carried(usize),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    If(Box<[Self; 3]>),
}

impl CedarCondition {
    /// The condition as an expression of Cedar, in the form of Cedar's own printer.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The conjunction of `expressions`, which the schema admits.
    /// With the named locations that it compares with.
    pub(super) fn new(expressions: &[Arc<Expr>]) -> Result<(Self, Vec<String>), Vec<Refusal>> {
        let mut builder = Builder::default();
        let tests: Vec<_> = expressions.iter().map(|expression| builder.test(expression)).collect();
        let test = tests.into_iter().reduce(|all, test| Test::And(Box::new(all), Box::new(test)));
        let Builder { comparisons, mut refusals, locations } = builder;
        let count = comparisons.len();
        let policies = comparisons.into_iter().enumerate().map(|(number, expression)| compared(number, expression));
        match policies.collect::<Option<Vec<_>>>().and_then(|policies| PolicySet::from_policies(policies).ok()) {
            Some(comparisons) if refusals.is_empty() => {
                let text = match expressions {
                    [] => "true".to_owned(),
                    [one] => one.to_string(),
                    all => all.iter().map(|expression| format!("({expression})")).collect::<Vec<_>>().join(" && "),
                };
                let text = text.into();
                Ok((Self { test: test.unwrap_or(Test::Constant(true)), comparisons, count, text }, locations))
            }
            Some(_) => Err(refusals),
            None => {
                refusals.push(Refusal::new(&rules::CEDAR_SYNTAX, "", "the condition cannot be taken apart"));
                Err(refusals)
            }
        }
    }

    /// Whether the condition holds for `request`, in which unknown facts are missing. Cost: about two microseconds for
    /// each comparison; allocates.
    pub fn holds(&self, request: &Request, entities: &Entities) -> Truth {
        let response = Authorizer::new().is_authorized(request, &self.comparisons, entities);
        let mut truths = vec![Truth::False; self.count];
        let mut settle = |id: &cedar_policy::PolicyId, truth| {
            let number = AsRef::<str>::as_ref(id).parse().ok();
            if let Some(place) = number.and_then(|number: usize| truths.get_mut(number)) {
                *place = truth;
            }
        };
        response.diagnostics().reason().for_each(|id| settle(id, Truth::True));
        response.diagnostics().errors().for_each(|AuthorizationError::PolicyEvaluationError(error)| {
            settle(error.policy_id(), Truth::Unknown);
        });
        self.test.truth(&truths)
    }
}

/// A comparison as a policy that is satisfied when it holds.
fn compared(number: usize, expression: Arc<Expr>) -> Option<Policy> {
    use pst::{ActionConstraint, Effect, PrincipalConstraint, ResourceConstraint, StaticPolicy, Template};
    let (principal, action, resource) = (PrincipalConstraint::Any, ActionConstraint::Any, ResourceConstraint::Any);
    let template = Template::new(&*number.to_string(), Effect::Permit, principal, action, resource);
    let template = template.try_with_clauses([Clause::When(expression)]).ok()?;
    Policy::from_pst(pst::Policy::Static(StaticPolicy::try_from(template).ok()?)).ok()
}

impl CedarCondition {
    /// Whether the condition may hold for some request of an identity of which only this is known.
    pub(in crate::compile) fn may_hold_for(&self, kind: Kind, id: IdRef<'_>, known: Option<&ServicePrincipal>) -> bool {
        let request = CedarRequest::of_anything_by(kind, id, known);
        request.is_none_or(|asked| self.holds(&asked.request, &asked.entities).is_possible())
    }
}

impl Test {
    fn truth(&self, truths: &[Truth]) -> Truth {
        let compared = |number: &usize| truths.get(*number).copied().unwrap_or(Truth::Unknown);
        match self {
            Self::Constant(value) => Truth::from(*value),
            Self::Compared(number) => compared(number),
            Self::Carried(number) => compared(number).max(Truth::Unknown),
            Self::Not(test) => !test.truth(truths),
            Self::And(left, right) => left.truth(truths) & right.truth(truths),
            Self::Or(left, right) => left.truth(truths) | right.truth(truths),
            Self::If(parts) => {
                let [condition, then, otherwise] = &**parts;
                let (then, otherwise) = (then.truth(truths), otherwise.truth(truths));
                match condition.truth(truths) {
                    Truth::True => then,
                    Truth::False => otherwise,
                    Truth::Unknown if then == otherwise => then,
                    Truth::Unknown => Truth::Unknown,
                }
            }
        }
    }
}

/// Attributes of `context` that are records.
const RECORDS: [&str; 5] = ["network", "risk", "credential", "device", "attributes"];
/// The record of free attributes, and the attributes of a device: an absent one is known to be absent.
const FREE: &str = "attributes";
const DEVICE: &str = "device";

#[derive(Default)]
struct Builder {
    comparisons: Vec<Arc<Expr>>,
    refusals: Vec<Refusal>,
    /// Named locations that are compared with.
    locations: Vec<String>,
}

impl Builder {
    fn test(&mut self, expression: &Arc<Expr>) -> Test {
        match &**expression {
            Expr::Literal(Literal::Bool(value)) => Test::Constant(*value),
            Expr::UnaryOp { op: UnaryOp::Not, expr } => Test::Not(Box::new(self.test(expr))),
            Expr::BinaryOp { op: BinaryOp::And, left, right } => {
                Test::And(Box::new(self.test(left)), Box::new(self.test(right)))
            }
            Expr::BinaryOp { op: BinaryOp::Or, left, right } => {
                Test::Or(Box::new(self.test(left)), Box::new(self.test(right)))
            }
            Expr::IfThenElse { cond, then_expr, else_expr } => {
                Test::If(Box::new([self.test(cond), self.test(then_expr), self.test(else_expr)]))
            }
            Expr::BinaryOp { op: BinaryOp::HasTag, left, right } if is_free(left) => {
                self.check(right);
                Test::Carried(self.compare(expression))
            }
            _ => {
                self.check(expression);
                Test::Compared(self.compare(expression))
            }
        }
    }

    fn compare(&mut self, expression: &Arc<Expr>) -> usize {
        if let Some(number) = self.comparisons.iter().position(|other| other == expression) {
            return number;
        }
        self.comparisons.push(Arc::clone(expression));
        self.comparisons.len() - 1
    }

    /// Refuses what Cedar evaluates without an error although a fact that it depends on is left out: asking whether a
    /// fact is there, and taking a record of facts for a value.
    fn check(&mut self, expression: &Expr) {
        match expression {
            Expr::Var(Var::Context) => self.refuse_record("context"),
            Expr::GetAttr { expr, attr } if is_context(expr) && RECORDS.contains(&&**attr) => {
                self.refuse_record(&format!("context.{attr}"));
            }
            Expr::GetAttr { expr, .. } => self.check_object(expr),
            Expr::HasAttr { expr, attrs } => {
                let attrs: Vec<&str> = attrs.iter().map(|attr| &**attr).collect();
                if is_device(expr) && attrs.len() == 1 {
                    self.check_object(expr);
                } else {
                    let words = format!("has {}", attrs.join("."));
                    let what = format!("`{words}` asks whether a fact is known");
                    let help = "compare the fact at once; what is unknown makes the condition unknown, which counts as matched";
                    self.refusals.push(Refusal::new(&rules::CEDAR_UNKNOWN, words, what).help(help));
                }
            }
            Expr::BinaryOp { op: BinaryOp::HasTag | BinaryOp::GetTag, left, right } => {
                let is_presence = matches!(expression, Expr::BinaryOp { op: BinaryOp::HasTag, .. });
                if !is_path(left) || is_presence && is_free(left) {
                    let what = "`hasTag` inside of a comparison asks whether a fact is known";
                    let help = "join it to the comparison with `&&`, on an attribute of `context.attributes`";
                    self.refusals.push(Refusal::new(&rules::CEDAR_UNKNOWN, "hasTag", what).help(help));
                }
                if is_custom(left)
                    && let Expr::Literal(Literal::String(name)) = &**right
                {
                    self.refuse_capitals(name);
                }
                self.check(left);
                self.check(right);
            }
            Expr::Literal(literal) => self.check_literal(literal),
            Expr::BinaryOp { op: BinaryOp::Contains | BinaryOp::ContainsAny | BinaryOp::ContainsAll, left, right }
                if is_locations(left) =>
            {
                self.note_locations(right);
            }
            _ => {
                if let Expr::BinaryOp { left, right, .. } = expression {
                    for (fact, with) in [(left, right), (right, left)] {
                        self.check_words(fact, with);
                        self.check_case(fact, with);
                    }
                }
                if let Expr::Like { expr, pattern } = expression
                    && is_folded(expr)
                {
                    self.refuse_capitals(&pattern.iter().map(character).collect::<String>());
                }
                each_part(expression, &mut |part| self.check(part));
            }
        }
    }

    /// Checks what an attribute is taken of; only there records may stand.
    fn check_object(&mut self, object: &Expr) {
        match object {
            Expr::Var(_) => {}
            Expr::GetAttr { expr, .. } => self.check_object(expr),
            _ => self.check(object),
        }
    }

    fn refuse_record(&mut self, name: &str) {
        let what = format!("`{name}` is compared as a whole");
        let help = "compare its facts one by one: some of them may be unknown";
        self.refusals.push(Refusal::new(&rules::CEDAR_UNKNOWN, name, what).help(help));
    }

    /// Ids are texts in Cedar, and a GUID that is not written as requests have it would never match.
    fn check_literal(&mut self, literal: &Literal) {
        let text = match literal {
            Literal::String(text) => text,
            Literal::EntityUID(uid) => &uid.eid,
            _ => return,
        };
        if IdRef::new(text).is_guid() {
            self.refuse_capitals(text);
        }
    }

    fn refuse_capitals(&mut self, text: &str) {
        if text.chars().flat_map(char::to_lowercase).ne(text.chars()) {
            let what = format!("`{text}` has capital letters");
            let help = format!("write `{}`", text.to_lowercase());
            self.refusals.push(Refusal::new(&rules::CEDAR_CASE, text, what).help(help));
        }
    }

    /// A fact that comes in lower case is compared with texts in lower case.
    fn check_case(&mut self, fact: &Expr, with: &Expr) {
        let parts: &[Arc<Expr>] = if let Expr::Set(parts) = with { parts } else { &[] };
        for literal in std::iter::once(with).chain(parts.iter().map(|part| &**part)).filter(|_| is_folded(fact)) {
            if let Expr::Literal(Literal::String(text)) = literal {
                self.refuse_capitals(text);
            }
        }
    }

    /// A fact of a closed vocabulary is compared with words of it.
    fn check_words(&mut self, fact: &Expr, with: &Expr) {
        let parts: &[Arc<Expr>] = if let Expr::Set(parts) = with { parts } else { &[] };
        for literal in std::iter::once(with).chain(parts.iter().map(|part| &**part)) {
            let Expr::Literal(Literal::String(text)) = literal else { continue };
            let help = match vocabulary(fact) {
                Some(words) if !words.contains(&text.as_str()) => match suggest::nearest(text, words.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("it is one of {}", words.join(", ")),
                },
                None if is_no_country(fact, text) => {
                    "countries are two capital letters, and `ZZ` is none of them".to_owned()
                }
                _ => continue,
            };
            let what = format!("the fact is never `{text}`");
            self.refusals.push(Refusal::new(&rules::UNKNOWN_VALUE, format!("\"{text}\""), what).help(help));
        }
    }

    /// Notes the texts that the request's locations are compared with.
    fn note_locations(&mut self, expression: &Expr) {
        match expression {
            Expr::Literal(Literal::String(name)) => self.locations.push(name.to_string()),
            Expr::Set(parts) => parts.iter().for_each(|part| self.note_locations(part)),
            _ => {}
        }
    }
}

/// Whether this is `context.network.locations`.
fn is_locations(expression: &Expr) -> bool {
    let is_network = |of: &Expr| matches!(of, Expr::GetAttr { expr, attr } if is_context(expr) && attr == "network");
    matches!(expression, Expr::GetAttr { expr, attr } if attr == "locations" && is_network(expr))
}

/// An element of a pattern as it is written.
fn character(element: &PatternElem) -> char {
    match element {
        PatternElem::Char(character) => *character,
        PatternElem::Wildcard => '*',
    }
}

fn is_context(expression: &Expr) -> bool {
    matches!(expression, Expr::Var(Var::Context))
}

fn is_device(expression: &Expr) -> bool {
    matches!(expression, Expr::GetAttr { expr, attr } if is_context(expr) && attr == DEVICE)
}

/// Whether this is an attribute of `context.attributes`.
fn is_free(expression: &Expr) -> bool {
    let is_record = |of: &Expr| matches!(of, Expr::GetAttr { expr, attr } if is_context(expr) && attr == FREE);
    matches!(expression, Expr::GetAttr { expr, .. } if is_record(expr))
}

/// Whether this is a variable, or an attribute of one, and so on.
fn is_path(expression: &Expr) -> bool {
    match expression {
        Expr::Var(_) => true,
        Expr::GetAttr { expr, .. } => is_path(expr),
        _ => false,
    }
}

fn each_part(expression: &Expr, found: &mut dyn FnMut(&Expr)) {
    match expression {
        Expr::UnaryOp { expr, .. } | Expr::Like { expr, .. } => found(expr),
        Expr::GetAttr { expr, .. } | Expr::HasAttr { expr, .. } => found(expr),
        Expr::BinaryOp { left, right, .. } => {
            found(left);
            found(right);
        }
        Expr::Is { expr, in_expr, .. } => {
            found(expr);
            in_expr.iter().for_each(|expr| found(expr));
        }
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            [cond, then_expr, else_expr].into_iter().for_each(|expr| found(expr));
        }
        Expr::Set(parts) => parts.iter().for_each(|expr| found(expr)),
        Expr::Record(parts) => parts.values().for_each(|expr| found(expr)),
        _ => {}
    }
}
