//! The messages that callers send, borrowed from the bytes that they arrived in.
//!
//! One set of types for both protocols: each field is declared once, with its protobuf number and its JSON name. They
//! borrow their texts, so that reading a common request allocates next to nothing; the generated types of
//! [`v1`](super::v1) own theirs, and tests hold both to the same proto file. What a field means is for
//! [`request`](super::request) to say.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use prost_types::Struct;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::json;
use super::list::List;
use super::protobuf::{self, Malformed, Value};
use super::scan::{Scan, Scanner};
use super::spelling::Spelling;
use crate::model::{
    AuthenticationMethod, ClientApp, CredentialType, GrantControl, GuestType, IdentityKind, InsiderRiskLevel, Platform,
    ResourceKind, RiskLevel, SignInAudience, TransferMethod, UserAction,
};

/// Declares messages: protobuf number, JSON name, field, type.
macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident $(<$life:lifetime>)? { $($number:literal $json:literal $field:ident: $kind:ty,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name $(<$life>)? {
            $(pub(super) $field: $kind,)+
        }

        impl<'a> Value<'a> for $name $(<$life>)? {
            fn merge_fields(&mut self, mut buffer: &'a [u8]) -> Result<(), Malformed> {
                while let Some((number, wire)) = protobuf::key(&mut buffer)? {
                    match number {
                        $($number => self.$field.merge(wire, &mut buffer)?,)+
                        _ => protobuf::skip(number, wire, &mut buffer)?,
                    }
                }
                Ok(())
            }
        }

        impl<'a> Scan<'a> for $name $(<$life>)? {
            fn scan(&mut self, scanner: &mut Scanner<'a>) -> Option<()> {
                let mut seen = 0_u64;
                if !scanner.open("{", "}")? {
                    return Some(());
                }
                // WHY: most callers write fields in the order of the proto file, and the next one is then known by a
                // comparison or two.
                $(if scanner.key_is(concat!("\"", $json, "\":")) {
                    seen |= 1 << $number;
                    self.$field.scan(scanner)?;
                    if !scanner.goes_on("}")? {
                        return Some(());
                    }
                })+
                loop {
                    match scanner.key()? {
                        $($json => {
                            let is_first = seen & 1 << $number == 0;
                            seen |= 1 << $number;
                            is_first.then_some(())?;
                            self.$field.scan(scanner)?;
                        })+
                        _ => return None,
                    }
                    if !scanner.goes_on("}")? {
                        return Some(());
                    }
                }
            }
        }

        impl<'de: 'a, 'a> Deserialize<'de> for $name $(<$life>)? {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Fields<'a>(PhantomData<&'a ()>);

                impl<'de: 'a, 'a> Visitor<'de> for Fields<'a> {
                    type Value = $name $(<$life>)?;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                        let mut message = $name::default();
                        let mut seen = 0_u64;
                        while let Some(key) = object.next_key::<Text<'de>>()? {
                            match &*key {
                                $($json => {
                                    if seen & 1 << $number != 0 {
                                        return Err(A::Error::duplicate_field($json));
                                    }
                                    seen |= 1 << $number;
                                    message.$field = object.next_value()?;
                                })+
                                unknown => return Err(A::Error::unknown_field(unknown, &[$($json),+])),
                            }
                        }
                        Ok(message)
                    }
                }

                deserializer.deserialize_map(Fields(PhantomData))
            }
        }
    )+};
}

messages! {
    /// A request for a token.
    DecideRequest<'a> {
        1 "identity" identity: Option<Identity<'a>>,
        2 "resource" resource: Option<Resource<'a>>,
        3 "network" network: Option<Network<'a>>,
        4 "risk" risk: Option<Risk>,
        5 "clientApp" client_app: Word<ClientApp>,
        6 "platform" platform: Word<Platform>,
        7 "device" device: Option<Box<Device<'a>>>,
        8 "authenticationFlow" authentication_flow: Word<TransferMethod>,
        9 "credential" credential: Option<Credential<'a>>,
        10 "satisfied" satisfied: Option<Box<Satisfied<'a>>>,
        11 "requestId" request_id: Option<Text<'a>>,
        12 "attributes" attributes: Option<Object>,
        13 "explain" explain: Option<bool>,
        14 "action" action: Option<Text<'a>>,
    }

    /// Who the token will represent.
    Identity<'a> {
        1 "type" kind: Word<IdentityKind>,
        2 "id" id: Option<Text<'a>>,
        3 "appId" app_id: Option<Text<'a>>,
        4 "ownerTenant" owner_tenant: Option<Text<'a>>,
        5 "audience" audience: Word<SignInAudience>,
        6 "customSecurityAttributes" attributes: Option<Object>,
        7 "groups" groups: Option<IdSet<'a>>,
        8 "roles" roles: Option<IdSet<'a>>,
        9 "guestType" guest_type: Word<GuestType>,
        10 "homeTenant" home_tenant: Option<Text<'a>>,
        11 "blueprint" blueprint: Option<Text<'a>>,
    }

    /// What the token is for.
    Resource<'a> {
        1 "appIds" app_ids: List<Text<'a>>,
        2 "type" kind: Word<ResourceKind>,
        3 "userAction" user_action: Word<UserAction>,
        4 "authenticationContext" authentication_context: Option<Text<'a>>,
        5 "customSecurityAttributes" attributes: Option<Object>,
        6 "scopes" scopes: List<Text<'a>>,
        7 "target" target: Option<Target<'a>>,
    }

    /// A thing that is asked for.
    Target<'a> {
        1 "type" kind: Option<Text<'a>>,
        2 "id" id: Option<Text<'a>>,
    }

    /// Where a request comes from.
    Network<'a> {
        1 "ipAddress" ip_address: Option<Text<'a>>,
        2 "country" country: Option<Text<'a>>,
        3 "gpsCountry" gps_country: Option<Text<'a>>,
        4 "compliantNetwork" compliant_network: Option<bool>,
    }

    /// How risky a request is.
    Risk {
        1 "servicePrincipal" service_principal: Word<RiskLevel>,
        2 "signIn" sign_in: Word<RiskLevel>,
        3 "user" user: Word<RiskLevel>,
        4 "insider" insider: Word<InsiderRiskLevel>,
        5 "agent" agent: Word<RiskLevel>,
    }

    /// A registered device.
    Device<'a> {
        1 "deviceId" device_id: Option<Text<'a>>,
        2 "displayName" display_name: Option<Text<'a>>,
        3 "ownership" ownership: Option<Text<'a>>,
        4 "enrollmentProfileName" enrollment_profile_name: Option<Text<'a>>,
        5 "isCompliant" is_compliant: Option<bool>,
        6 "manufacturer" manufacturer: Option<Text<'a>>,
        7 "model" model: Option<Text<'a>>,
        8 "mdmAppId" mdm_app_id: Option<Text<'a>>,
        9 "operatingSystem" operating_system: Option<Text<'a>>,
        10 "operatingSystemVersion" operating_system_version: Option<Text<'a>>,
        11 "physicalIds" physical_ids: List<Text<'a>>,
        12 "profileType" profile_type: Option<Text<'a>>,
        13 "systemLabels" system_labels: List<Text<'a>>,
        14 "trustType" trust_type: Option<Text<'a>>,
        21 "extensionAttribute1" extension_attribute1: Option<Text<'a>>,
        22 "extensionAttribute2" extension_attribute2: Option<Text<'a>>,
        23 "extensionAttribute3" extension_attribute3: Option<Text<'a>>,
        24 "extensionAttribute4" extension_attribute4: Option<Text<'a>>,
        25 "extensionAttribute5" extension_attribute5: Option<Text<'a>>,
        26 "extensionAttribute6" extension_attribute6: Option<Text<'a>>,
        27 "extensionAttribute7" extension_attribute7: Option<Text<'a>>,
        28 "extensionAttribute8" extension_attribute8: Option<Text<'a>>,
        29 "extensionAttribute9" extension_attribute9: Option<Text<'a>>,
        30 "extensionAttribute10" extension_attribute10: Option<Text<'a>>,
        31 "extensionAttribute11" extension_attribute11: Option<Text<'a>>,
        32 "extensionAttribute12" extension_attribute12: Option<Text<'a>>,
        33 "extensionAttribute13" extension_attribute13: Option<Text<'a>>,
        34 "extensionAttribute14" extension_attribute14: Option<Text<'a>>,
        35 "extensionAttribute15" extension_attribute15: Option<Text<'a>>,
    }

    /// What the identity proved itself with.
    Credential<'a> {
        1 "type" kind: Word<CredentialType>,
        2 "keyId" key_id: Option<Text<'a>>,
        3 "federatedIssuer" federated_issuer: Option<Text<'a>>,
        4 "federatedSubject" federated_subject: Option<Text<'a>>,
    }

    /// Controls that are already satisfied.
    Satisfied<'a> {
        1 "builtInControls" built_in_controls: List<Word<GrantControl>>,
        2 "authenticationStrengths" authentication_strengths: List<Text<'a>>,
        3 "termsOfUse" terms_of_use: List<Text<'a>>,
        4 "customAuthenticationFactors" custom_authentication_factors: List<Text<'a>>,
        5 "authenticationMethods" authentication_methods: List<Word<AuthenticationMethod>>,
    }

    /// Several requests, each still as it arrived, so that one that cannot be read disturbs no other.
    DecideBatchRequest<'a> {
        1 "requests" requests: List<Raw<'a>>,
    }
}

impl<'a> DecideRequest<'a> {
    /// The request's id, not checked.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Whether the answer explains every policy.
    pub fn explains(&self) -> bool {
        self.explain == Some(true)
    }
}

impl<'a> DecideBatchRequest<'a> {
    /// The requests as they arrived, in their order.
    pub fn requests(&self) -> &[Raw<'a>] {
        &self.requests
    }
}

/// A text, borrowed unless JSON escapes something in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Text<'a>(pub(super) Cow<'a, str>);

impl<'a> Text<'a> {
    pub(super) const fn borrowed(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;

        impl<'de> Visitor<'de> for Texts {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Texts)
    }
}

/// The number of an enum value; 0 is not set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Word<W> {
    pub(super) number: i32,
    word: PhantomData<W>,
}

impl<W> Word<W> {
    pub(super) const fn new(number: i32) -> Self {
        Self { number, word: PhantomData }
    }
}

impl<W> Default for Word<W> {
    fn default() -> Self {
        Self::new(0)
    }
}

impl<'de, W: Spelling> Deserialize<'de> for Word<W> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        json::Word::<W>::deserialize(deserializer).map(Self::new)
    }
}

/// Ids, known to be all of them; in JSON a plain array.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IdSet<'a> {
    pub(super) ids: List<Text<'a>>,
}

impl<'a> Value<'a> for IdSet<'a> {
    fn merge_fields(&mut self, mut buffer: &'a [u8]) -> Result<(), Malformed> {
        while let Some((number, wire)) = protobuf::key(&mut buffer)? {
            match number {
                1 => self.ids.merge(wire, &mut buffer)?,
                _ => protobuf::skip(number, wire, &mut buffer)?,
            }
        }
        Ok(())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for IdSet<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(|ids| Self { ids: ids.into() })
    }
}

/// A free object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object(pub(super) Struct);

impl Object {
    /// The object itself.
    pub fn into_struct(self) -> Struct {
        self.0
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        json::free(deserializer).map(Self)
    }
}

/// A message that is not read yet.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Raw<'a>(pub(super) &'a [u8]);

impl<'a> Raw<'a> {
    /// As it arrived.
    pub const fn bytes(self) -> &'a [u8] {
        self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Self(raw.get().as_bytes()))
    }
}
