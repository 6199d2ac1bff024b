//! The closed vocabularies of Microsoft Graph that policies and requests use.
//!
//! `unknownFutureValue` is in none of them: it is what Graph writes when it hides a value, so a policy that carries it
//! cannot be represented and is refused.
//! Source: Microsoft Graph metadata, v1.0 and beta, read August 2026.

use super::set::Word;

macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$member_doc:meta])* $member:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$member_doc])* $member,)+
        }

        impl Word for $name {
            const ALL: &'static [Self] = &[$(Self::$member,)+];

            fn as_str(self) -> &'static str {
                match self {
                    $(Self::$member => $text,)+
                }
            }

            fn index(self) -> usize {
                self as usize
            }
        }
    };
}

vocabulary! {
    /// Whether and how a policy takes part.
    State {
        /// Evaluated and enforced.
        Enabled = "enabled",
        /// Evaluated and reported, never enforced.
        ReportOnly = "enabledForReportingButNotEnforced",
        /// Not evaluated.
        Disabled = "disabled",
    }
}

vocabulary! {
    /// What kind of identity asks for a token. Each kind is in scope of a policy only through its own fields.
    IdentityKind {
        /// An application's service principal that asks for itself.
        ServicePrincipal = "servicePrincipal",
        /// A managed identity; Entra applies no policy to it.
        ManagedIdentity = "managedIdentity",
        /// A person, also when an application acts on their behalf.
        User = "user",
        /// An agent identity that asks for itself.
        AgentIdentity = "agentIdentity",
        /// An agent's user account.
        AgentUser = "agentUser",
    }
}

vocabulary! {
    /// A risk level. The order is not one of severity, and conditions treat levels as a set.
    RiskLevel {
        /// Low.
        Low = "low",
        /// Medium.
        Medium = "medium",
        /// High.
        High = "high",
        /// There is risk, but the tenant's licence hides how much.
        Hidden = "hidden",
        /// No risk.
        None = "none",
    }
}

vocabulary! {
    /// An insider risk level.
    InsiderRiskLevel {
        /// Minor.
        Minor = "minor",
        /// Moderate.
        Moderate = "moderate",
        /// Elevated.
        Elevated = "elevated",
        /// No insider risk; only requests say so.
        None = "none",
    }
}

vocabulary! {
    /// The kind of client application.
    ClientApp {
        /// Every kind; only policies say so.
        All = "all",
        /// A browser.
        Browser = "browser",
        /// A mobile app or desktop client with modern authentication.
        MobileAppsAndDesktopClients = "mobileAppsAndDesktopClients",
        /// Exchange ActiveSync.
        ExchangeActiveSync = "exchangeActiveSync",
        /// Exchange ActiveSync on a supported platform; covered by `exchangeActiveSync`.
        EasSupported = "easSupported",
        /// Any other legacy client.
        Other = "other",
    }
}

vocabulary! {
    /// The device platform, as the caller derived it.
    Platform {
        /// Android.
        Android = "android",
        /// iOS and iPadOS.
        Ios = "iOS",
        /// Windows.
        Windows = "windows",
        /// Windows Phone.
        WindowsPhone = "windowsPhone",
        /// macOS.
        MacOs = "macOS",
        /// Linux.
        Linux = "linux",
        /// Every platform, also an unknown one; only policies say so.
        All = "all",
    }
}

vocabulary! {
    /// How the authentication reached the device.
    TransferMethod {
        /// Device code flow.
        DeviceCodeFlow = "deviceCodeFlow",
        /// Authentication transfer.
        AuthenticationTransfer = "authenticationTransfer",
        /// Neither; only requests say so.
        None = "none",
    }
}

vocabulary! {
    /// What kind of guest or external user someone is.
    GuestType {
        /// A member of this tenant; only requests say so.
        None = "none",
        /// Home in this tenant, user type Guest.
        InternalGuest = "internalGuest",
        /// External credentials, user type Guest.
        B2bCollaborationGuest = "b2bCollaborationGuest",
        /// External credentials, user type Member.
        B2bCollaborationMember = "b2bCollaborationMember",
        /// No user object here; B2B direct connect.
        B2bDirectConnectUser = "b2bDirectConnectUser",
        /// Any other external user.
        OtherExternalUser = "otherExternalUser",
        /// A delegated admin of a cloud solution provider.
        ServiceProvider = "serviceProvider",
        /// A personal Microsoft account. Graph has no word for it; see the crate's rulings.
        PersonalMicrosoftAccount = "personalMicrosoftAccount",
    }
}

vocabulary! {
    /// A user action that stands in the place of a resource. Requests use these names, policies the URNs.
    UserAction {
        /// `urn:user:registersecurityinfo`.
        RegisterSecurityInformation = "registerSecurityInformation",
        /// `urn:user:registerdevice`.
        RegisterOrJoinDevices = "registerOrJoinDevices",
        /// `urn:user:accountrecovery`.
        AccountRecovery = "accountRecovery",
    }
}

vocabulary! {
    /// A built-in grant control, in the fixed order in which Entra prompts for unmet ones.
    GrantControl {
        /// No token.
        Block = "block",
        /// Multifactor authentication.
        Mfa = "mfa",
        /// A compliant device.
        CompliantDevice = "compliantDevice",
        /// A hybrid joined device.
        DomainJoinedDevice = "domainJoinedDevice",
        /// An approved client app.
        ApprovedApplication = "approvedApplication",
        /// An app protection policy.
        CompliantApplication = "compliantApplication",
        /// A password change.
        PasswordChange = "passwordChange",
        /// Risk remediation.
        RiskRemediation = "riskRemediation",
        /// A verified id.
        VerifiedId = "verifiedID",
    }
}

vocabulary! {
    /// A method that somebody authenticated with. Source: Microsoft Graph `authenticationMethodModes`.
    AuthenticationMethod {
        /// A password.
        Password = "password",
        /// A phone call.
        Voice = "voice",
        /// A hardware token that shows codes.
        HardwareOath = "hardwareOath",
        /// An app that shows codes.
        SoftwareOath = "softwareOath",
        /// A text message.
        Sms = "sms",
        /// A FIDO2 security key or passkey.
        Fido2 = "fido2",
        /// Windows Hello for Business, or the platform credential of macOS.
        WindowsHelloForBusiness = "windowsHelloForBusiness",
        /// A notification of Microsoft Authenticator.
        MicrosoftAuthenticatorPush = "microsoftAuthenticatorPush",
        /// Phone sign-in with Microsoft Authenticator.
        DeviceBasedPush = "deviceBasedPush",
        /// A temporary access pass that can be used once.
        TemporaryAccessPassOneTime = "temporaryAccessPassOneTime",
        /// A temporary access pass that can be used several times.
        TemporaryAccessPassMultiUse = "temporaryAccessPassMultiUse",
        /// A one-time passcode by mail.
        Email = "email",
        /// A certificate that counts as one factor.
        X509CertificateSingleFactor = "x509CertificateSingleFactor",
        /// A certificate that counts as several factors.
        X509CertificateMultiFactor = "x509CertificateMultiFactor",
        /// One factor, at a federated identity provider.
        FederatedSingleFactor = "federatedSingleFactor",
        /// Several factors, at a federated identity provider.
        FederatedMultiFactor = "federatedMultiFactor",
        /// A QR code and a PIN.
        QrCodePin = "qrCodePin",
    }
}

vocabulary! {
    /// How often a sign-in must be repeated.
    FrequencyInterval {
        /// After some time.
        TimeBased = "timeBased",
        /// For every token.
        EveryTime = "everyTime",
    }
}

vocabulary! {
    /// The unit of a sign-in frequency.
    FrequencyUnit {
        /// Hours.
        Hours = "hours",
        /// Days.
        Days = "days",
    }
}

vocabulary! {
    /// Which factors a sign-in frequency is about, the weaker demand first.
    FrequencyFactors {
        /// The second factor.
        Secondary = "secondaryAuthentication",
        /// Both factors.
        PrimaryAndSecondary = "primaryAndSecondaryAuthentication",
    }
}

vocabulary! {
    /// Whether a browser stays signed in after it was closed, the weaker demand first.
    PersistentBrowser {
        /// It does.
        Always = "always",
        /// It does not.
        Never = "never",
    }
}

vocabulary! {
    /// What a session proxy does, the weaker demand first.
    CloudAppSecurity {
        /// It watches.
        MonitorOnly = "monitorOnly",
        /// It does what it is configured to do.
        McasConfigured = "mcasConfigured",
        /// It blocks downloads.
        BlockDownloads = "blockDownloads",
    }
}

vocabulary! {
    /// How continuous access evaluation is enforced, the weaker demand first.
    ContinuousAccessEvaluation {
        /// It is off.
        Disabled = "disabled",
        /// It is on.
        StrictEnforcement = "strictEnforcement",
        /// It is on, and the address that the resource sees must be allowed itself.
        StrictLocation = "strictLocation",
    }
}

vocabulary! {
    /// How the grant controls of one policy combine.
    Operator {
        /// All of them.
        And = "AND",
        /// Any of them.
        Or = "OR",
    }
}

vocabulary! {
    /// Who may sign in to an application; decides whether its service principal is a workload of this tenant.
    SignInAudience {
        /// This tenant only.
        MyOrg = "AzureADMyOrg",
        /// Any tenant.
        MultipleOrgs = "AzureADMultipleOrgs",
        /// Any tenant and personal accounts.
        MultipleOrgsAndPersonal = "AzureADandPersonalMicrosoftAccount",
        /// Personal accounts only.
        Personal = "PersonalMicrosoftAccount",
    }
}

vocabulary! {
    /// Graph's `servicePrincipalType`.
    ServicePrincipalType {
        /// An application.
        Application = "Application",
        /// A managed identity.
        ManagedIdentity = "ManagedIdentity",
        /// An app made before app registrations existed.
        Legacy = "Legacy",
        /// An agent identity.
        ServiceIdentity = "ServiceIdentity",
        /// The principal of an agent identity blueprint. Graph says so in `@odata.type`, and `Application` here.
        AgentBlueprint = "AgentIdentityBlueprintPrincipal",
        /// For internal use of the directory.
        SocialIdp = "SocialIdp",
    }
}

vocabulary! {
    /// What kind of object a requested resource is.
    ResourceKind {
        /// An ordinary application or API.
        Application = "application",
        /// An agent identity.
        AgentIdentity = "agentIdentity",
        /// The service principal of an agent identity blueprint.
        AgentBlueprint = "agentBlueprint",
    }
}

vocabulary! {
    /// What the workload or user proved itself with.
    CredentialType {
        /// A shared secret.
        ClientSecret = "clientSecret",
        /// A certificate.
        Certificate = "certificate",
        /// A signed assertion.
        ClientAssertion = "clientAssertion",
        /// A federated identity credential.
        FederatedIdentityCredential = "federatedIdentityCredential",
        /// The platform's managed identity.
        ManagedIdentity = "managedIdentity",
        /// A password.
        Password = "password",
        /// None, as public clients do.
        None = "none",
    }
}

vocabulary! {
    /// Whether a filter names who is in scope or who is exempt.
    FilterMode {
        /// The condition matches when the rule is true.
        Include = "include",
        /// The condition matches when the rule is false.
        Exclude = "exclude",
    }
}

vocabulary! {
    /// A condition of a policy, in the order in which people are told: whom, what for, where from, and the others.
    /// Source: `conditionalAccessConditions` of Microsoft Graph, and `agentIdRisk` of `whatIfAnalysisReasons`.
    Condition {
        /// Which users, agents' user accounts too.
        Users = "users",
        /// Which workload identities.
        ServicePrincipals = "servicePrincipals",
        /// Which agent identities.
        AgentIdentities = "agentIdentities",
        /// Applications, user actions and authentication contexts.
        Application = "application",
        /// Where from.
        Location = "location",
        /// The risk of the service principal.
        ServicePrincipalRisk = "servicePrincipalRisk",
        /// The platform of the device.
        DevicePlatform = "devicePlatform",
        /// The filter for devices.
        DeviceState = "deviceState",
        /// The kind of client app.
        ClientType = "clientType",
        /// The risk of the sign-in.
        SignInRisk = "signInRisk",
        /// The risk of the user.
        UserRisk = "userRisk",
        /// The insider risk.
        InsiderRisk = "insiderRisk",
        /// The authentication flow.
        AuthenticationFlows = "authenticationFlows",
        /// The risk of the agent.
        AgentIdRisk = "agentIdRisk",
        /// The condition in Cedar, for which Graph has no name.
        When = "when",
    }
}

impl Condition {
    /// The one that says whether a policy is about an identity of this kind.
    pub const fn of_identity(kind: IdentityKind) -> Self {
        match kind {
            IdentityKind::User | IdentityKind::AgentUser => Self::Users,
            IdentityKind::ServicePrincipal | IdentityKind::ManagedIdentity => Self::ServicePrincipals,
            IdentityKind::AgentIdentity => Self::AgentIdentities,
        }
    }

    /// Whether it is about who asks.
    pub fn is_of_identity(self) -> bool {
        IdentityKind::ALL.iter().any(|kind| Self::of_identity(*kind) == self)
    }
}

impl GrantControl {
    /// Whether Entra would ask the user for it on the spot: the others are properties of a device or an app.
    pub const fn is_interactive(self) -> bool {
        matches!(self, Self::Mfa | Self::PasswordChange | Self::RiskRemediation | Self::VerifiedId)
    }
}

impl UserAction {
    /// The URN that policies use.
    pub const fn urn(self) -> &'static str {
        match self {
            Self::RegisterSecurityInformation => "urn:user:registersecurityinfo",
            Self::RegisterOrJoinDevices => "urn:user:registerdevice",
            Self::AccountRecovery => "urn:user:accountrecovery",
        }
    }

    /// The action of a URN, compared without regard to case.
    pub fn from_urn(urn: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.urn().eq_ignore_ascii_case(urn))
    }
}
