//! The token request: the one structure that every door fills.
//!
//! It borrows from the message it was decoded from. `None` means that the request does not carry the fact; what that
//! means is for `evaluate` to say. A fact that is present but unusable never gets here: the door refuses it with an
//! [`InputError`](super::decision::InputError).

use std::borrow::Cow;
use std::net::IpAddr;

use super::attribute::Attributes;
use super::free::FreeAttributes;
use super::id::IdRef;
use super::location::{Country, CountryFact};
use super::set::Set;
use super::vocabulary::{
    AuthenticationMethod, ClientApp, CredentialType, GrantControl, GuestType, IdentityKind, InsiderRiskLevel, Platform,
    ResourceKind, RiskLevel, SignInAudience, TransferMethod, UserAction,
};

/// A request for a token.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenRequest<'a> {
    /// Who the token will represent.
    pub identity: Identity<'a>,
    /// What it is for.
    pub resource: Resource<'a>,
    /// Where the request comes from.
    pub network: Network,
    /// How risky it is.
    pub risk: Risk,
    /// The kind of client app; absent is unknown.
    pub client_app: Option<ClientApp>,
    /// The platform; absent is the unknown platform, which only `all` covers.
    pub platform: Option<Platform>,
    /// The device; absent is an unregistered device. In a box, because it is as large as all the rest and seldom there.
    pub device: Option<Box<Device<'a>>>,
    /// The authentication flow; absent is none.
    pub authentication_flow: Option<TransferMethod>,
    /// What the identity proved itself with.
    pub credential: Credential<'a>,
    /// Controls that the token service has seen satisfied; absent is not satisfied.
    pub satisfied: Satisfied<'a>,
    /// Facts for custom conditions; one that is absent is unknown.
    pub attributes: FreeAttributes<'a>,
    /// What is asked for, in the caller's words; absent is unknown. Custom conditions alone look at it.
    pub action: Option<&'a str>,
    /// When the decision is made, read once by whoever asks; absent is unknown. Custom conditions alone look at it.
    pub now: Option<jiff::Timestamp>,
}

impl<'a> TokenRequest<'a> {
    /// A request of which only the identity is known.
    #[inline]
    pub fn new(identity: Identity<'a>) -> Self {
        Self {
            identity,
            resource: Resource::default(),
            network: Network::default(),
            risk: Risk::default(),
            client_app: None,
            platform: None,
            device: None,
            authentication_flow: None,
            credential: Credential::default(),
            satisfied: Satisfied::default(),
            attributes: FreeAttributes::default(),
            action: None,
            now: None,
        }
    }

    /// The device that the token is for. What a request with the device code flow says of a device is about another one,
    /// which proves nothing: it is as good as unregistered. Source: Entra documentation, Grant controls, read August 2026.
    pub fn own_device(&self) -> Option<&Device<'a>> {
        self.device.as_deref().filter(|_| !self.is_for_another_device())
    }

    /// Whether no such request satisfies `control`, whatever the token service says: a control of the device, of one that
    /// is known to be otherwise or is not the one that the token is for.
    pub fn refutes(&self, control: GrantControl) -> bool {
        let is_of_device = matches!(control, GrantControl::CompliantDevice | GrantControl::DomainJoinedDevice);
        is_of_device && self.is_for_another_device() || self.device.as_ref().is_some_and(|it| it.contradicts(control))
    }

    /// Whether the token is for another device than the one that somebody signed in on.
    pub fn is_for_another_device(&self) -> bool {
        self.authentication_flow == Some(TransferMethod::DeviceCodeFlow)
    }
}

/// Who the token will represent.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity<'a> {
    /// What kind of identity.
    pub kind: IdentityKind,
    /// Object id.
    pub id: IdRef<'a>,
    /// The application's id.
    pub app_id: Option<IdRef<'a>>,
    /// The tenant that owns the application.
    pub owner_tenant: Option<IdRef<'a>>,
    /// Who may sign in to the application.
    pub audience: Option<SignInAudience>,
    /// All of its custom security attributes.
    pub attributes: Option<Attributes<'a>>,
    /// All groups of a user, nested ones too.
    pub groups: Option<Vec<IdRef<'a>>>,
    /// All active, tenant-wide built-in roles of a user, as template ids.
    pub roles: Option<Vec<IdRef<'a>>>,
    /// What kind of guest a user is.
    pub guest_type: Option<GuestType>,
    /// An external user's home tenant.
    pub home_tenant: Option<IdRef<'a>>,
    /// The principal of the blueprint that an agent identity was made from.
    pub blueprint: Option<IdRef<'a>>,
}

impl<'a> Identity<'a> {
    /// An identity of which only kind and id are known.
    #[inline]
    pub const fn new(kind: IdentityKind, id: IdRef<'a>) -> Self {
        Self {
            kind,
            id,
            app_id: None,
            owner_tenant: None,
            audience: None,
            attributes: None,
            groups: None,
            roles: None,
            guest_type: None,
            home_tenant: None,
            blueprint: None,
        }
    }
}

/// What the token is for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource<'a> {
    /// App ids of the resources; empty: not said.
    pub app_ids: Vec<IdRef<'a>>,
    /// What kind of object the resources are; absent is unknown.
    pub kind: Option<ResourceKind>,
    /// A user action in the place of a resource.
    pub user_action: Option<UserAction>,
    /// The authentication context that is asked for, `c1` to `c99`; absent is none.
    pub authentication_context: Option<Cow<'a, str>>,
    /// All custom security attributes of the resource's service principal; of several resources it is not known whose
    /// they are, and those of the catalogue count.
    pub attributes: Option<Attributes<'a>>,
    /// The scopes that are asked for, all of them, each of which [`is_scope`]; empty: not said. Nothing but baseline scopes
    /// without an application is a request to the directory, not to an unknown one.
    pub scopes: Vec<&'a str>,
    /// The thing itself, where it is finer than an application; absent is unknown. Custom conditions alone look at it.
    pub target: Option<Target<'a>>,
}

/// Whether `text` is one scope: of printable ASCII but for blanks, quotes and backslashes, and not empty. What holds a blank
/// is several, which would be taken for one that nobody knows. Source: RFC 6749, section 3.3, `scope-token`.
pub fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

/// What is wrong with a text that is no scope, completing a sentence that begins with the field's name.
pub const NO_SCOPE: &str = "must be one scope: printable ASCII without blanks, quotes and backslashes";

/// A thing that is asked for, such as a route or a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// Its kind.
    pub kind: &'a str,
    /// Which one; compared byte for byte.
    pub id: &'a str,
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// The public address that the token service sees, IPv4-mapped addresses already folded into IPv4.
    pub ip_address: Option<IpAddr>,
    /// The country, when the caller looked it up itself.
    pub country: Option<CountryFact>,
    /// The country that the Authenticator app reports.
    pub gps_country: Option<Country>,
    /// Whether it comes through the tenant's compliant network.
    pub compliant_network: Option<bool>,
}

/// How risky a request is; what is absent is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Risk {
    /// Of the service principal.
    pub service_principal: RiskLevel,
    /// Of the sign-in.
    pub sign_in: RiskLevel,
    /// Of the user.
    pub user: RiskLevel,
    /// Of the agent.
    pub agent: RiskLevel,
    /// Insider risk.
    pub insider: InsiderRiskLevel,
}

impl Default for Risk {
    fn default() -> Self {
        Self {
            service_principal: RiskLevel::None,
            sign_in: RiskLevel::None,
            user: RiskLevel::None,
            agent: RiskLevel::None,
            insider: InsiderRiskLevel::None,
        }
    }
}

/// A registered device; an attribute that is `None` is null.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Device<'a> {
    /// `deviceId`.
    pub device_id: Option<Cow<'a, str>>,
    /// `displayName`.
    pub display_name: Option<Cow<'a, str>>,
    /// `deviceOwnership`.
    pub ownership: Option<Cow<'a, str>>,
    /// `enrollmentProfileName`.
    pub enrollment_profile_name: Option<Cow<'a, str>>,
    /// `isCompliant`.
    pub is_compliant: Option<bool>,
    /// `manufacturer`.
    pub manufacturer: Option<Cow<'a, str>>,
    /// `model`.
    pub model: Option<Cow<'a, str>>,
    /// `mdmAppId`.
    pub mdm_app_id: Option<Cow<'a, str>>,
    /// `operatingSystem`.
    pub operating_system: Option<Cow<'a, str>>,
    /// `operatingSystemVersion`.
    pub operating_system_version: Option<Cow<'a, str>>,
    /// `physicalIds`.
    pub physical_ids: Vec<Cow<'a, str>>,
    /// `profileType`.
    pub profile_type: Option<Cow<'a, str>>,
    /// `systemLabels`.
    pub system_labels: Vec<Cow<'a, str>>,
    /// `trustType`.
    pub trust_type: Option<Cow<'a, str>>,
    /// `extensionAttribute1` to `extensionAttribute15`.
    pub extension_attributes: [Option<Cow<'a, str>>; 15],
}

impl Device<'_> {
    /// Whether its own attributes say that it does not satisfy `control`.
    pub fn contradicts(&self, control: GrantControl) -> bool {
        match control {
            GrantControl::CompliantDevice => self.is_compliant == Some(false),
            GrantControl::DomainJoinedDevice => {
                self.trust_type.as_ref().is_some_and(|kind| !kind.eq_ignore_ascii_case("ServerAD"))
            }
            _ => false,
        }
    }

    /// The attributes that are one text, by their names, extension attributes left out; `None` is null.
    pub fn texts(&self) -> [(&'static str, Option<&str>); 11] {
        [
            ("deviceId", self.device_id.as_deref()),
            ("displayName", self.display_name.as_deref()),
            ("ownership", self.ownership.as_deref()),
            ("enrollmentProfileName", self.enrollment_profile_name.as_deref()),
            ("manufacturer", self.manufacturer.as_deref()),
            ("model", self.model.as_deref()),
            ("mdmAppId", self.mdm_app_id.as_deref()),
            ("operatingSystem", self.operating_system.as_deref()),
            ("operatingSystemVersion", self.operating_system_version.as_deref()),
            ("profileType", self.profile_type.as_deref()),
            ("trustType", self.trust_type.as_deref()),
        ]
    }
}

/// What the identity proved itself with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Credential<'a> {
    /// The kind.
    pub kind: Option<CredentialType>,
    /// Id of the key, secret or certificate.
    pub key_id: Option<&'a str>,
    /// Issuer of a federated credential.
    pub federated_issuer: Option<&'a str>,
    /// Subject of a federated credential.
    pub federated_subject: Option<&'a str>,
}

/// Controls that are already satisfied.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Satisfied<'a> {
    /// Built-in controls.
    pub built_in: Set<GrantControl>,
    /// Methods that the identity authenticated with in this session.
    pub methods: Set<AuthenticationMethod>,
    /// Ids of authentication strengths, besides those that the methods satisfy.
    pub authentication_strengths: Vec<IdRef<'a>>,
    /// Ids of accepted agreements.
    pub terms_of_use: Vec<IdRef<'a>>,
    /// Ids of completed custom controls.
    pub custom_factors: Vec<IdRef<'a>>,
}
