//! Which texts a fact can be, for facts of a closed vocabulary.
//!
//! Cedar's types know that the kind of a credential is a text, not which texts there are; compared with a misspelt one
//! a condition would be valid and never hold. Knows names of facts and words, and no grammar.

use cedar_policy::pst::{BinaryOp, Expr, Var};

use crate::model::location::CountryFact;
use crate::model::set::Word;
use crate::model::{
    ClientApp, CredentialType, GuestType, InsiderRiskLevel, Platform, ResourceKind, RiskLevel, ServicePrincipalType,
    SignInAudience, TransferMethod, UserAction,
};

/// The texts that the fact `expression` can be; `None`: any, or no fact.
pub(super) fn vocabulary(expression: &Expr) -> Option<Vec<&'static str>> {
    let fact = path(expression)?;
    match fact.as_str() {
        "context.credential.type" => Some(all::<CredentialType>().collect()),
        "context.clientApp" => Some(all::<ClientApp>().filter(|word| *word != ClientApp::All.as_str()).collect()),
        "context.platform" => {
            let platforms = all::<Platform>().filter(|word| *word != Platform::All.as_str());
            Some(std::iter::once("unknown").chain(platforms).collect())
        }
        "context.authenticationFlow" => Some(all::<TransferMethod>().collect()),
        "context.risk.insider" => Some(all::<InsiderRiskLevel>().collect()),
        "principal.guestType" => Some(all::<GuestType>().collect()),
        "principal.signInAudience" => Some(all::<SignInAudience>().collect()),
        "principal.servicePrincipalType" => Some(all::<ServicePrincipalType>().collect()),
        "resource.type" => Some(all::<ResourceKind>().collect()),
        "resource.userAction" => Some(std::iter::once("none").chain(all::<UserAction>()).collect()),
        risk if risk.starts_with("context.risk.") => Some(all::<RiskLevel>().collect()),
        _ => None,
    }
}

/// Whether `expression` is a country that can never be `text`.
pub(super) fn is_no_country(expression: &Expr, text: &str) -> bool {
    let is_country =
        path(expression).is_some_and(|fact| fact.starts_with("context.network.") && fact.ends_with("ountry"));
    is_country && CountryFact::new(text).is_none_or(|country| country.as_str() != text)
}

/// Whether `expression` is a text that comes in lower case.
pub(super) fn is_folded(expression: &Expr) -> bool {
    match expression {
        Expr::BinaryOp { op: BinaryOp::GetTag, left, .. } => is_custom(left),
        _ => path(expression).is_some_and(|fact| fact.starts_with("context.device.")),
    }
}

/// Whether `expression` has custom security attributes as its tags.
pub(super) fn is_custom(expression: &Expr) -> bool {
    path(expression).is_some_and(|fact| fact.contains(".customSecurityAttributes."))
}

fn all<W: Word>() -> impl Iterator<Item = &'static str> {
    W::ALL.iter().map(|word| word.as_str())
}

/// A fact as it is written, `context.clientApp`.
fn path(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Var(Var::Principal) => Some("principal".to_owned()),
        Expr::Var(Var::Resource) => Some("resource".to_owned()),
        Expr::Var(Var::Context) => Some("context".to_owned()),
        Expr::GetAttr { expr, attr } => path(expr).map(|of| format!("{of}.{attr}")),
        _ => None,
    }
}
