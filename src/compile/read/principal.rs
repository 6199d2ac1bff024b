//! Reads a service principal of the catalogue, as Graph exports it or written by hand.
//!
//! Source: Microsoft Graph `servicePrincipal`, v1.0, read August 2026.

use std::borrow::Cow;

use super::super::rules;
use super::object::{Context, Object, Path};
use super::target::misspelt_id;
use crate::model::attribute::is_annotation;
use crate::model::{AttributeValue, Attributes, Id, IdRef, ServicePrincipal, ServicePrincipalType};
use crate::text::{Diagnostic, Node, Spanned, Value};

/// Reads `node`. Graph's service principals have some forty more properties; those decide nothing.
pub fn principal(node: &Node<'_>, context: &mut Context) -> Option<ServicePrincipal> {
    let mut object = Object::new(node, Path::default(), context)?;
    let id = object.text("id", context).filter(|id| !Id::is_blank(id.value));
    if let Some((id, Err(flaw))) = id.map(|id| (id, IdRef::read(id.value))) {
        context.report(misspelt_id(id, flaw));
    }
    if id.is_none() {
        let what = "a service principal without `id`";
        let help = "give it the object id of the service principal";
        context.report(Diagnostic::new(&rules::MISSING_PROPERTY, object.span(), what).help(help));
    }
    let text = |text: Spanned<&str>| Spanned::new(Box::from(text.value), text.span);
    let attributes = object.object("customSecurityAttributes", context).map(|_| ());
    let attributes =
        attributes.and_then(|()| node.member("customSecurityAttributes")).map(|node| attributes_of(node, context));
    let stated = object.word("servicePrincipalType", context);
    let odata_type = object.text("@odata.type", context);
    let kind = match odata_type.map(|text| text.value.trim_start_matches("#microsoft.graph.")) {
        Some("agentIdentity") => Some(ServicePrincipalType::ServiceIdentity),
        Some("agentIdentityBlueprintPrincipal") => Some(ServicePrincipalType::AgentBlueprint),
        _ => stated,
    };
    Some(ServicePrincipal {
        app_id: object.id("appId", context).map(|id| Id::new(id.value)),
        display_name: object.text("displayName", context).map(text),
        kind,
        owner_tenant: object.id("appOwnerOrganizationId", context).map(|id| Id::new(id.value)),
        audience: object.word("signInAudience", context),
        account_enabled: object.boolean("accountEnabled", context),
        attributes,
        id: id.map(|id| Spanned::new(Id::new(id.value), id.span))?,
    })
}

/// Reads custom security attributes: an object of sets, each an object of attributes.
fn attributes_of(node: &Node<'_>, context: &mut Context) -> Attributes<'static> {
    let mut attributes = Attributes::default();
    for set in node.as_map().unwrap_or_default().iter().filter(|entry| !is_annotation(&entry.key)) {
        let Some(_) = Object::new(&set.node, Path::default().join("customSecurityAttributes"), context) else {
            continue;
        };
        for entry in set.node.as_map().unwrap_or_default().iter().filter(|entry| !is_annotation(&entry.key)) {
            if entry.node.value != Value::Null {
                let is_new = attributes.insert(&set.key, &entry.key, value_of(&entry.node));
                if !is_new {
                    let what = format!("`{}_{}` is given twice, or is one attribute too many", set.key, entry.key);
                    context.report(Diagnostic::new(&rules::DUPLICATE_ATTRIBUTE, entry.key_span, what));
                }
            }
        }
    }
    attributes
}

fn value_of(node: &Node<'_>) -> AttributeValue<'static> {
    match &node.value {
        Value::String(text) => AttributeValue::Text(Cow::Owned(text.to_string())),
        Value::List(nodes) => {
            let texts: Option<Vec<_>> =
                nodes.iter().map(|node| node.as_str().map(|text| Cow::Owned(text.to_owned()))).collect();
            texts.map_or(AttributeValue::Other, AttributeValue::Texts)
        }
        _ => AttributeValue::Other,
    }
}
