//! A condition as three-valued logic over the comparisons it is made of.
//!
//! Cedar is two-valued, and a comparison with a fact that is not there is an error that ends the whole policy. So
//! what joins comparisons (`&&`, `||`, `!`, `if`) is evaluated here by Kleene's logic, and only the comparisons by Cedar,
//! over a request from which unknown facts are left out. A comparison that errs is unknown. Comparisons that would not
//! err although they depend on a fact that is left out are refused when the bundle is compiled; see `check`.

use std::sync::Arc;

use cedar_policy::{
    AuthorizationError, Authorizer, Entities, Policy, PolicySet, Request,
    pst::{self, BinaryOp, Clause, Expr, Literal, UnaryOp},
};

use super::check::is_free;
use super::reads::Reads;
use super::value::{CedarRequest, Kind};
use super::{Refusal, rules};
use crate::model::{IdRef, ServicePrincipal, Truth};

/// A checked condition in Cedar.
#[derive(Debug)]
pub struct CedarCondition {
    test: Test,
    /// Its comparisons, each a policy whose id is its number.
    comparisons: PolicySet,
    /// What each of them says.
    said: Box<[Box<str>]>,
    /// The condition in Cedar's words.
    text: Box<str>,
    /// What it may look at.
    reads: Reads,
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

    /// What it may look at.
    pub const fn reads(&self) -> &Reads {
        &self.reads
    }

    /// The conjunction of `expressions`, which the schema admits.
    /// With the named locations that it compares with.
    pub(super) fn new(expressions: &[Arc<Expr>]) -> Result<(Self, Vec<String>), Vec<Refusal>> {
        let mut builder = Builder::default();
        let tests: Vec<_> = expressions.iter().map(|expression| builder.test(expression)).collect();
        let test = tests.into_iter().reduce(|all, test| Test::And(Box::new(all), Box::new(test)));
        let Builder { comparisons, mut refusals, locations } = builder;
        let said = comparisons.iter().map(|comparison| comparison.to_string().into()).collect();
        let policies = comparisons.into_iter().enumerate().map(|(number, expression)| compared(number, expression));
        match policies.collect::<Option<Vec<_>>>().and_then(|policies| PolicySet::from_policies(policies).ok()) {
            Some(comparisons) if refusals.is_empty() => {
                let text = match expressions {
                    [] => "true".to_owned(),
                    [one] => one.to_string(),
                    all => all.iter().map(|expression| format!("({expression})")).collect::<Vec<_>>().join(" && "),
                };
                let text = text.into();
                let (test, reads) = (test.unwrap_or(Test::Constant(true)), Reads::of(expressions));
                Ok((Self { test, comparisons, said, text, reads }, locations))
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
        self.test.truth(&self.compare(request, entities))
    }

    /// The comparisons that are unknown for `request`, in the form of Cedar's own printer. Cost: as [`Self::holds`].
    pub fn undecided<'c>(&'c self, request: &Request, entities: &Entities) -> impl Iterator<Item = &'c str> + use<'c> {
        let truths = self.compare(request, entities);
        let carried = |number: &usize| self.test.asks_whether_carried(*number);
        let carried: Vec<_> = (0..truths.len()).filter(carried).collect();
        let is_unknown = move |number: usize, truth: Truth| {
            truth == Truth::Unknown || truth == Truth::False && carried.contains(&number)
        };
        let unknown = self.said.iter().zip(truths).enumerate();
        unknown.filter(move |(number, (_, truth))| is_unknown(*number, *truth)).map(|(_, (said, _))| &**said)
    }

    /// What is true of each comparison.
    fn compare(&self, request: &Request, entities: &Entities) -> Vec<Truth> {
        let response = Authorizer::new().is_authorized(request, &self.comparisons, entities);
        let mut truths = vec![Truth::False; self.said.len()];
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
        truths
    }
}

/// By what they say.
impl PartialEq for CedarCondition {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for CedarCondition {}

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
    /// Whether comparison `number` asks for a free attribute.
    fn asks_whether_carried(&self, number: usize) -> bool {
        match self {
            Self::Carried(own) => *own == number,
            Self::Constant(_) | Self::Compared(_) => false,
            Self::Not(test) => test.asks_whether_carried(number),
            Self::And(left, right) | Self::Or(left, right) => {
                left.asks_whether_carried(number) || right.asks_whether_carried(number)
            }
            Self::If(parts) => parts.iter().any(|part| part.asks_whether_carried(number)),
        }
    }

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

#[derive(Default)]
pub(super) struct Builder {
    comparisons: Vec<Arc<Expr>>,
    pub(super) refusals: Vec<Refusal>,
    /// Named locations that are compared with.
    pub(super) locations: Vec<String>,
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
}
