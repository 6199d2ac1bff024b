//! A witness as the JSON request that the decision API takes.

use serde_json::{Map, Value, json};

use super::fact::Witness;
use crate::model::set::Word;
use crate::model::{AttributeValue, Attributes, Id, IdRef, InsiderRiskLevel, RiskLevel, TransferMethod};

impl Witness {
    /// The request as JSON: what it does not say is left out.
    pub fn json(&self) -> Value {
        let mut request = Map::new();
        request.insert("identity".to_owned(), self.identity());
        let members = [("resource", self.resource()), ("network", self.places()), ("risk", self.risks())];
        for (name, value) in members {
            put(&mut request, name, value.as_object().is_some_and(|map| !map.is_empty()).then_some(value));
        }
        put(&mut request, "clientApp", self.client_app.map(|app| json!(app.as_str())));
        put(&mut request, "platform", self.platform.map(|platform| json!(platform.as_str())));
        let flow = Some(self.flow).filter(|flow| *flow != TransferMethod::None);
        put(&mut request, "authenticationFlow", flow.map(|flow| json!(flow.as_str())));
        put(&mut request, "device", self.device.as_ref().map(device));
        let satisfied = self.satisfied();
        put(&mut request, "satisfied", satisfied.as_object().is_some_and(|map| !map.is_empty()).then_some(satisfied));
        Value::Object(request)
    }

    fn identity(&self) -> Value {
        let who = &self.who;
        let mut map = Map::new();
        put(&mut map, "type", Some(json!(who.kind.as_str())));
        put(&mut map, "id", Some(id(&who.id)));
        put(&mut map, "ownerTenant", who.owner_tenant.as_ref().map(id));
        put(&mut map, "audience", who.audience.map(|audience| json!(audience.as_str())));
        put(&mut map, "customSecurityAttributes", who.attributes.as_ref().map(attributes));
        put(&mut map, "groups", who.has_groups.then(|| ids(&self.groups)));
        put(&mut map, "roles", who.has_roles.then(|| ids(&self.roles)));
        put(&mut map, "guestType", who.guest_type.map(|kind| json!(kind.as_str())));
        put(&mut map, "homeTenant", who.home_tenant.as_ref().map(id));
        put(&mut map, "blueprint", who.blueprint.as_ref().map(id));
        Value::Object(map)
    }

    fn resource(&self) -> Value {
        let what = &self.what;
        let mut map = Map::new();
        let exchange = what.has_exchange.then(|| IdRef::TOKEN_EXCHANGE.to_owned().to_string());
        let app_ids: Vec<_> = what.app_id.iter().map(Id::to_string).chain(exchange).collect();
        put(&mut map, "appIds", (!app_ids.is_empty()).then(|| json!(app_ids)));
        put(&mut map, "type", what.kind.map(|kind| json!(kind.as_str())));
        put(&mut map, "userAction", what.user_action.map(|action| json!(action.as_str())));
        put(&mut map, "authenticationContext", what.context.as_ref().map(|context| json!(context)));
        put(&mut map, "customSecurityAttributes", what.attributes.as_ref().map(attributes));
        put(&mut map, "scopes", what.is_baseline.then(|| json!(["User.Read"])));
        Value::Object(map)
    }

    fn places(&self) -> Value {
        let network = &self.network;
        let mut map = Map::new();
        put(&mut map, "ipAddress", network.ip_address.map(|address| json!(address.to_string())));
        put(&mut map, "country", network.country.map(|country| json!(country.as_str())));
        put(&mut map, "gpsCountry", network.gps_country.map(|country| json!(country.as_str())));
        put(&mut map, "compliantNetwork", network.compliant_network.map(|is_in| json!(is_in)));
        Value::Object(map)
    }

    fn risks(&self) -> Value {
        let level = |level: RiskLevel| (level != RiskLevel::None).then(|| json!(level.as_str()));
        let mut map = Map::new();
        put(&mut map, "servicePrincipal", level(self.risk.service_principal));
        put(&mut map, "signIn", level(self.risk.sign_in));
        put(&mut map, "user", level(self.risk.user));
        put(&mut map, "agent", level(self.risk.agent));
        let insider = Some(self.risk.insider).filter(|insider| *insider != InsiderRiskLevel::None);
        put(&mut map, "insider", insider.map(|insider| json!(insider.as_str())));
        Value::Object(map)
    }

    fn satisfied(&self) -> Value {
        let list = |texts: Vec<&str>| (!texts.is_empty()).then(|| json!(texts));
        let mut map = Map::new();
        put(&mut map, "builtInControls", list(self.built_in.iter().map(Word::as_str).collect()));
        put(&mut map, "authenticationMethods", list(self.methods.iter().map(Word::as_str).collect()));
        let lists = [
            ("authenticationStrengths", &self.strengths),
            ("termsOfUse", &self.terms_of_use),
            ("customAuthenticationFactors", &self.custom_factors),
        ];
        for (name, list) in lists {
            put(&mut map, name, (!list.is_empty()).then(|| ids(list)));
        }
        Value::Object(map)
    }
}

fn put(map: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        map.insert(name.to_owned(), value);
    }
}

fn id(id: &Id) -> Value {
    json!(id.to_string())
}

fn ids(ids: &[Id]) -> Value {
    json!(ids.iter().map(ToString::to_string).collect::<Vec<_>>())
}

fn attributes(attributes: &Attributes<'_>) -> Value {
    let mut sets = Map::new();
    for (name, value) in attributes.iter() {
        let (set, name) = name.split_once('_').unwrap_or((name, ""));
        let value = match value {
            AttributeValue::Text(text) => json!(text),
            AttributeValue::Texts(texts) => json!(texts),
            AttributeValue::Other => json!(true),
        };
        if let Some(set) = sets.entry(set).or_insert_with(|| json!({})).as_object_mut() {
            set.insert(name.to_owned(), value);
        }
    }
    Value::Object(sets)
}

fn device(device: &crate::model::request::Device<'_>) -> Value {
    let mut map = Map::new();
    for (name, text) in device.texts() {
        put(&mut map, name, text.map(|text| json!(text)));
    }
    put(&mut map, "isCompliant", device.is_compliant.map(|is_compliant| json!(is_compliant)));
    for (name, list) in [("physicalIds", &device.physical_ids), ("systemLabels", &device.system_labels)] {
        put(&mut map, name, (!list.is_empty()).then(|| json!(list)));
    }
    for (index, text) in device.extension_attributes.iter().enumerate() {
        put(&mut map, &format!("extensionAttribute{}", index + 1), text.as_deref().map(|text| json!(text)));
    }
    Value::Object(map)
}
