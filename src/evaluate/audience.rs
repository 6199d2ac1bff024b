//! What a token is for, as far as policies go: the resources that the request names, and the directory behind baseline
//! scopes.
//!
//! A request for nothing but baseline scopes is one for Windows Azure Active Directory, so that a policy for all resources
//! covers it whatever the policy excludes. A confidential application that asks for its own ID token alone stays a
//! resource of its own; of a client that does not say how it proved itself nobody knows, so it may be either.
//!
//! Source: Entra documentation, Conditional Access: Target resources, "New Conditional Access behavior when an all
//! resources policy has a resource exclusion", read August 2026.

use crate::model::request::Resource;
use crate::model::{CredentialType, IdRef, IdentityKind, Truth, UserAction};

/// Windows Azure Active Directory.
const DIRECTORY: IdRef<'static> = IdRef::Guid(0x0000_0002_0000_0000_c000_0000_0000_0000);

/// Device Registration Service.
const DEVICE_REGISTRATION: IdRef<'static> = IdRef::Guid(0x01cb_2876_7ebd_4aa4_9cc9_d28b_d4d3_59a9);
/// Microsoft Intune Enrollment.
const INTUNE_ENROLMENT: IdRef<'static> = IdRef::Guid(0xd4eb_ce55_015a_49b5_a083_c84d_1797_ae8c);
/// Every resource of which a request may lead to a compliant device, the directory beside them included.
pub const LEADING: [IdRef<'static>; 4] = [DEVICE_REGISTRATION, INTUNE_ENROLMENT, IdRef::GRAPH, DIRECTORY];

/// What the Authenticator app asks Graph for when somebody registers it.
const AUTHENTICATOR_SCOPE: &str = "UserAuthenticationMethod.Read";
const OPEN_ID_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];
const DIRECTORY_SCOPES: [&str; 7] = [
    "User.Read",
    "User.Read.All",
    "User.ReadBasic.All",
    "People.Read",
    "People.Read.All",
    "GroupMember.Read.All",
    "Member.Read.Hidden",
];

/// The resources of one request.
#[derive(Clone, Copy, Debug)]
pub struct Audiences<'a> {
    named: &'a [IdRef<'a>],
    /// Whether nothing but baseline scopes is asked for: Graph then stands for the directory.
    is_baseline: bool,
    /// Whether the directory is one of them, beside those that are named.
    has_directory: Truth,
    /// Whether a user action is asked for beside them.
    has_action: bool,
}

impl<'a> Audiences<'a> {
    /// The resources of `resource`, for a client with this credential. Cost: linear in the scopes.
    #[inline]
    pub fn of(resource: &'a Resource<'a>, credential: Option<CredentialType>) -> Self {
        let (named, scopes) = (resource.app_ids.as_slice(), resource.scopes.as_slice());
        let has_action = resource.user_action.is_some();
        if scopes.is_empty() {
            return Self { named, is_baseline: false, has_directory: Truth::False, has_action };
        }
        let is_baseline =
            !has_action && scopes.iter().all(|scope| is_open_id(scope) || is_one_of(&DIRECTORY_SCOPES, scope));
        let is_confidential = credential.map_or(Truth::Unknown, |kind| Truth::from(kind != CredentialType::None));
        let is_alone = matches!(named, [app] if *app != IdRef::GRAPH) && scopes.iter().all(|scope| is_open_id(scope));
        let is_own_token = Truth::from(is_alone) & is_confidential;
        Self { named, is_baseline, has_directory: Truth::from(is_baseline) & !is_own_token, has_action }
    }

    /// Whether the directory is one of them although the request does not name it.
    pub fn has_directory(self) -> Truth {
        self.has_directory
    }

    /// Whether the request says of no resource at all.
    pub fn is_empty(self) -> bool {
        self.named.is_empty() && !self.has_directory.is_possible()
    }

    /// Each of them, the directory also where it only may be one, and whether the request names it.
    pub fn iter(self) -> impl Iterator<Item = (IdRef<'a>, bool)> {
        let named = self.named.iter().copied().filter(move |id| !self.is_baseline || *id != IdRef::GRAPH);
        named.map(|id| (id, true)).chain(self.has_directory.is_possible().then_some((DIRECTORY, false)))
    }

    /// Whether no policy is ever asked: the intermediate exchange of an agent identity.
    /// Source: Entra documentation, Conditional Access for agents, read August 2026.
    pub fn are_never_evaluated(self, kind: IdentityKind) -> bool {
        kind == IdentityKind::AgentIdentity
            && !self.named.is_empty()
            && self.has_directory == Truth::False
            && !self.has_action
            && self.named.iter().all(|id| *id == IdRef::TOKEN_EXCHANGE)
    }
}

/// Whether `resource` is what somebody needs before a device can be compliant, and nothing else: the registration of a
/// device, its enrolment with Intune, or what the Authenticator app registers with. Controls that ask for a compliant device
/// do not stand in its way. OpenID scopes beside an application ask for nothing but an ID token.
/// Source: Entra documentation, Grant controls; Target resources; read August 2026.
pub fn leads_to_compliance(resource: &Resource<'_>) -> bool {
    let (named, scopes) = (resource.app_ids.as_slice(), resource.scopes.as_slice());
    let is_registration = || {
        named.iter().all(|id| *id == DEVICE_REGISTRATION || *id == INTUNE_ENROLMENT)
            && !scopes.iter().any(|scope| is_one_of(&DIRECTORY_SCOPES, scope))
    };
    let is_authenticator = || {
        !scopes.is_empty()
            && scopes.iter().all(|scope| is_one_of(&[AUTHENTICATOR_SCOPE], scope))
            && named.iter().all(|id| *id == IdRef::GRAPH)
    };
    !named.is_empty()
        && resource.authentication_context.is_none()
        && matches!(resource.user_action, None | Some(UserAction::RegisterOrJoinDevices))
        && (is_registration() || is_authenticator())
}

/// Whether `scope` is one of OpenID Connect: of an application it asks for nothing but an ID token.
/// Source: Entra documentation, Conditional Access: Target resources, read August 2026.
pub fn is_open_id(scope: &str) -> bool {
    is_one_of(&OPEN_ID_SCOPES, scope)
}

/// Scopes of Graph may be written with its URI.
fn is_one_of(scopes: &[&str], scope: &str) -> bool {
    let name = scope.strip_prefix("https://graph.microsoft.com/").unwrap_or(scope);
    scopes.iter().any(|known| known.eq_ignore_ascii_case(name))
}
