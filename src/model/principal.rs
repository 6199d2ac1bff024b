//! The catalogue of service principals that a bundle may carry.

use super::attribute::Attributes;
use super::id::Id;
use super::vocabulary::{ServicePrincipalType, SignInAudience};
use crate::text::Spanned;

/// A service principal of the catalogue. What is `None` is unknown, not absent.
#[derive(Clone, Debug, PartialEq)]
pub struct ServicePrincipal {
    /// Object id.
    pub id: Spanned<Id>,
    /// The application's id.
    pub app_id: Option<Id>,
    /// The name people use; may be shared by several.
    pub display_name: Option<Spanned<Box<str>>>,
    /// What kind it is.
    pub kind: Option<ServicePrincipalType>,
    /// The tenant that owns the application.
    pub owner_tenant: Option<Id>,
    /// Who may sign in to the application.
    pub audience: Option<SignInAudience>,
    /// Whether tokens are issued to it at all; doorward does not decide by it.
    pub account_enabled: Option<bool>,
    /// Its custom security attributes; `None` when the export did not select them.
    pub attributes: Option<Attributes<'static>>,
}
