//! What scopes are left of a token that is asked about without any.
//!
//! Who asks about gates alone has the token service choose the scopes, which no policy has seen then. So every scope that
//! the bundle's catalogue of actions lists is asked about, as if it were in the request; if one is refused, the answer
//! names those that are not, and the token service grants no other. A scope that the catalogue does not list is not
//! among them. Each is asked about alone, `openid` too: the token service may grant it without the others. When nothing
//! is refused, nothing is said: the token service knows better what it has to grant.
//!
//! What policies say of the token with a scope that is left holds for the token, as if the scope were in the request: who
//! asks about less gets no token that lives longer. A scope is not left for which an obligation is owed that the answer does
//! not tell, or that needs a critical claim which the caller does not see to.
//!
//! Source: draft-gazitt-oauth-authzen-issuance, `granted_scope`; AuthZEN binding for token exchange, scope tuples; read
//! August 2026.

use jiff::Timestamp;

use super::answer::{Outcome, Shape};
use super::batch::Token;
use super::question::{Action, Fields, Question, weight};
use super::request::{Known, Mapping};
use crate::compile::CompiledBundle;
use crate::limits;
use crate::serve::decider::suppose;
use crate::serve::gate::{Gate, is_gate};
use crate::serve::owed::Carries;
use crate::serve::wire::v1;

/// The gates of a call that asks about nothing else; none of another one, or when the catalogue has no scopes.
#[derive(Debug, Default)]
pub struct Gates(Vec<Question>);

impl Gates {
    /// Those of a call; an item that is no question is `None`.
    pub fn of<'q>(items: impl IntoIterator<Item = Option<&'q Question>>, bundle: &CompiledBundle) -> Self {
        // WHY: deciding uses a question up, and few bundles need it again.
        if catalogue(bundle).next().is_none() {
            return Self::default();
        }
        let gate = |item: Option<&'q Question>| item.filter(|item| is_gate(&item.action.name));
        let gates: Option<Vec<_>> = items.into_iter().map(gate).collect();
        Self(gates.unwrap_or_default().into_iter().cloned().collect())
    }

    /// The scopes that are left at every gate which `outcomes` leave open, for an audience that is left. In an exchange they
    /// are those of the subject, whose gates come first: who acts for it has none of its own.
    /// As many are tried as [`limits::GRANTED_SCOPES_TRIED_MAX`] and [`limits::GRANTED_SCOPES_BYTES_MAX`] let through;
    /// none of the others is left. Cost: a decision for each open gate and scope.
    pub fn left(&self, outcomes: &[Outcome], bundle: &CompiledBundle, known: Known<'_>) -> Left {
        let Some(Question { subject, .. }) = self.0.first() else { return Left::default() };
        let open = self.0.iter().zip(outcomes).filter(|(gate, outcome)| outcome.shapes && gate.subject.is(subject));
        let open: Vec<_> = open.map(|(gate, _)| gate).collect();
        if open.is_empty() {
            return Left::default();
        }
        // WHY: the caller's own caller may say how large a call is, and must not get more by making it larger.
        let bytes = open.iter().map(|gate| size(gate)).sum::<usize>().max(1);
        let most = (limits::GRANTED_SCOPES_TRIED_MAX / open.len()).min(limits::GRANTED_SCOPES_BYTES_MAX / bytes);
        let now = Timestamp::now();
        let told = outcomes.iter().filter(|outcome| outcome.shapes).flat_map(|outcome| &outcome.owed);
        let told: Vec<_> = told.map(String::as_str).collect();
        let mut shape = Shape::default();
        let mut is_left = |scope: &&str| {
            let at_gate = |gate: &&Question| supposed(gate, scope, &told, (bundle, known, now));
            let tokens: Option<Vec<_>> = open.iter().map(at_gate).collect();
            tokens.iter().flatten().for_each(|token| shape.add(token));
            tokens.is_some()
        };
        let left: Vec<_> = catalogue(bundle).take(most).filter(|scope| is_left(scope)).collect();
        let scopes = (left.len() < catalogue(bundle).count()).then(|| left.join(" "));
        Left { scopes, shape }
    }
}

/// What is left of a token that is asked about without scopes.
#[derive(Debug, Default)]
pub struct Left {
    /// The scopes that are left, if one is not: separated by spaces, in bundle order.
    pub scopes: Option<String>,
    /// What those that are left say of the token.
    pub shape: Shape,
}

/// The scopes of the catalogue of actions.
fn catalogue(bundle: &CompiledBundle) -> impl Iterator<Item = &str> {
    bundle.entities().all().actions.iter().map(|action| &*action.id.value).filter(|name| is_scope(name))
}

fn size(gate: &Question) -> usize {
    [&gate.subject.properties, &gate.resource.properties, &gate.context].into_iter().map(weight).sum()
}

/// What the token is like with the scope: the same question as its own item of a batch. `None` when that would be refused, or
/// something is owed for it that is not `told`.
fn supposed(
    gate: &Question,
    scope: &str,
    told: &[&str],
    (bundle, known, now): (&CompiledBundle, Known<'_>, Timestamp),
) -> Option<v1::Token> {
    let action = Action { name: scope.to_owned(), properties: Fields::new() };
    let question = Question { action, ..gate.clone() };
    let flow = Gate::new(&*gate.action.name).and_then(|gate| gate.flow());
    let Mapping { request, problem, manner } =
        Mapping::of(question, Token { scopes: vec![scope.to_owned()], flow }, known);
    let supposed = problem.is_none().then(|| suppose(bundle, &request, now).ok()).flatten()?;
    // WHY: what a scope obliges to, the answer has no place for.
    let carries = Carries { obligations: false, ..Carries::of_caller(manner.carries_claims()) };
    supposed.is_open(carries, |id| told.contains(&id)).then_some(supposed.token)
}

/// Whether the name of an action can be that of a scope (RFC 6749, section 3.3).
fn is_scope(name: &str) -> bool {
    let is_character = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    !name.is_empty() && !is_gate(name) && name.bytes().all(is_character)
}
