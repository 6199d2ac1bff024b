//! Grant controls, session controls and what to tell people, the obvious way.
//!
//! Source: Entra documentation, Grant controls; Authentication strength; Require risk remediation; Session controls;
//! read August 2026.

use doorward::model::policy::{AuthenticationStrength, GrantControls, Policy};
use doorward::model::request::Satisfied;
use doorward::model::session::SignInFrequency;
use doorward::model::set::Word;
use doorward::model::{
    AuthenticationMethod, Bundle, Control, FrequencyFactors, GrantControl, GuestType, Id, IdRef, Operator,
    TokenRequest, TransferMethod, Truth, UserAction,
};

use super::{Case, resource, subject};

const MULTIFACTOR: &str = "00000000-0000-0000-0000-000000000002";

/// Built-in strengths: id, and combinations as Graph writes them.
const BUILT_IN: [(&str, &[&str]); 3] = [
    (
        MULTIFACTOR,
        &[
            "windowsHelloForBusiness",
            "fido2",
            "x509CertificateMultiFactor",
            "deviceBasedPush",
            "temporaryAccessPassOneTime",
            "temporaryAccessPassMultiUse",
            "password,microsoftAuthenticatorPush",
            "password,softwareOath",
            "password,hardwareOath",
            "password,sms",
            "password,voice",
            "federatedMultiFactor",
            "microsoftAuthenticatorPush,federatedSingleFactor",
            "softwareOath,federatedSingleFactor",
            "hardwareOath,federatedSingleFactor",
            "sms,federatedSingleFactor",
            "voice,federatedSingleFactor",
        ],
    ),
    (
        "00000000-0000-0000-0000-000000000003",
        &["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor", "deviceBasedPush"],
    ),
    ("00000000-0000-0000-0000-000000000004", &["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"]),
];

/// Whether the policy blocks; `block` beside other controls still blocks.
pub fn blocks(policy: &Policy) -> bool {
    policy.grant.as_ref().is_some_and(|grant| grant.built_in.contains(GrantControl::Block))
}

/// The controls that this policy demands and does not get.
pub fn unmet(bundle: &Bundle, policy: &Policy, request: &TokenRequest<'_>) -> Vec<String> {
    let Some(grant) = &policy.grant else {
        return Vec::new();
    };
    let controls = controls(grant);
    let is_enough_alone = grant.operator == Operator::Or && !remediates(grant);
    // Who is on the way to a compliant device is not asked for one, unless there is another way that can be had at once.
    let is_spared =
        is_on_the_way(request) && !(is_enough_alone && controls.iter().any(|control| can_be_had(&control.name())));
    let is_missing = |control: &&Control<'_>| {
        let is_compliance = **control == Control::BuiltIn(GrantControl::CompliantDevice);
        !(is_satisfied(bundle, grant, control, request) || (is_spared && is_compliance))
    };
    let missing: Vec<String> = controls.iter().filter(is_missing).map(Control::name).collect();
    match grant.operator {
        // Risk remediation and what it brings along cannot be replaced by another control.
        Operator::Or if missing.len() < controls.len() && is_enough_alone => Vec::new(),
        Operator::Or | Operator::And => missing,
    }
}

/// Whether the person could still satisfy the policy on the spot: a device or an app cannot be had in a moment.
pub fn can_be_asked_for(policy: &Policy, missing: &[String]) -> bool {
    let mut can_be = missing.iter().map(|name| can_be_had(name));
    match &policy.grant {
        Some(grant) if grant.operator == Operator::Or && !remediates(grant) => can_be.any(|can_be| can_be),
        _ => can_be.all(|can_be| can_be),
    }
}

/// Whether a control can be had in a moment, as a device and an app cannot.
fn can_be_had(name: &str) -> bool {
    !["compliantDevice", "domainJoinedDevice", "approvedApplication", "compliantApplication"].contains(&name)
}

/// Whether nothing is asked for but the registration or the enrolment of a device, or of the Authenticator app.
fn is_on_the_way(request: &TokenRequest<'_>) -> bool {
    let resource = &request.resource;
    let are = |ids: &[&str]| {
        let ids: Vec<IdRef<'_>> = ids.iter().map(|id| IdRef::new(id)).collect();
        !resource.app_ids.is_empty() && resource.app_ids.iter().all(|app| ids.contains(app))
    };
    let names: Vec<String> = resource
        .scopes
        .iter()
        .map(|scope| scope.strip_prefix("https://graph.microsoft.com/").unwrap_or(scope).to_lowercase())
        .collect();
    let is_registered = are(&["01cb2876-7ebd-4aa4-9cc9-d28bd4d359a9", "d4ebce55-015a-49b5-a083-c84d1797ae8c"])
        && !names.iter().any(|name| resource::DIRECTORY.contains(&name.as_str()));
    let is_authenticator = are(&["00000003-0000-0000-c000-000000000000"])
        && !names.is_empty()
        && names.iter().all(|name| name == "userauthenticationmethod.read");
    resource.authentication_context.is_none()
        && matches!(resource.user_action, None | Some(UserAction::RegisterOrJoinDevices))
        && (is_registered || is_authenticator)
}

fn remediates(grant: &GrantControls) -> bool {
    grant.built_in.contains(GrantControl::RiskRemediation)
}

fn controls(grant: &GrantControls) -> Vec<Control<'_>> {
    let mut controls: Vec<Control<'_>> = grant.built_in.iter().map(Control::BuiltIn).collect();
    match &grant.authentication_strength {
        Some(strength) => controls.push(Control::AuthenticationStrength(&strength.id.value)),
        None if remediates(grant) => controls.push(Control::AuthenticationStrength(MULTIFACTOR)),
        None => {}
    }
    controls.extend(grant.terms_of_use.iter().map(|id| Control::TermsOfUse(id)));
    controls.extend(grant.custom_factors.iter().map(|id| Control::CustomFactor(id)));
    controls
}

fn is_satisfied(bundle: &Bundle, grant: &GrantControls, control: &Control<'_>, request: &TokenRequest<'_>) -> bool {
    let satisfied = &request.satisfied;
    match control {
        // With the device code flow the state of the device is that of another machine.
        Control::BuiltIn(GrantControl::CompliantDevice | GrantControl::DomainJoinedDevice)
            if request.authentication_flow == Some(TransferMethod::DeviceCodeFlow) =>
        {
            false
        }
        Control::BuiltIn(control) => satisfied.built_in.contains(*control),
        Control::AuthenticationStrength(id) => {
            let is_said = satisfied.authentication_strengths.contains(&IdRef::new(id));
            is_said || is_covered(bundle, grant.authentication_strength.as_ref(), id, satisfied)
        }
        Control::TermsOfUse(id) => satisfied.terms_of_use.contains(&IdRef::new(id)),
        Control::CustomFactor(id) => satisfied.custom_factors.contains(&IdRef::new(id)),
    }
}

/// Whether every method of some combination was used.
fn is_covered(bundle: &Bundle, named: Option<&AuthenticationStrength>, id: &str, satisfied: &Satisfied<'_>) -> bool {
    let of_bundle = bundle.strengths.iter().find(|strength| Id::new(&strength.id.value) == Id::new(id));
    let expanded = named.and_then(|strength| strength.allowed_combinations.as_ref());
    let described = of_bundle.and_then(|strength| strength.allowed_combinations.as_ref());
    if let Some(combinations) = expanded.or(described) {
        // A combination counts where the policy and the bundle both allow it.
        return combinations
            .iter()
            .filter(|combination| described.is_none_or(|described| described.contains(combination)))
            .any(|combination| combination.iter().all(|method| satisfied.methods.contains(method)));
    }
    if of_bundle.is_some() {
        return false;
    }
    let built_in = BUILT_IN.iter().find(|(built_in, _)| Id::new(built_in) == Id::new(id));
    built_in.is_some_and(|(_, combinations)| {
        combinations.iter().any(|combination| {
            combination.split(',').all(|name| {
                let method = AuthenticationMethod::parse(name).expect("a method of Graph's");
                satisfied.methods.contains(method)
            })
        })
    })
}

/// Unmet controls of several policies: built-in ones in prompting order, then the others; no duplicates.
pub fn unmet_of_all<'p>(
    bundle: &Bundle,
    policies: impl Iterator<Item = &'p Policy>,
    request: &TokenRequest<'_>,
) -> Vec<String> {
    let all: Vec<String> = policies.flat_map(|policy| unmet(bundle, policy, request)).collect();
    let rank = |name: &String| {
        let built_in = GrantControl::ALL.iter().position(|control| control.as_str() == name);
        let kinds = ["termsOfUse:", "customAuthenticationFactor:"];
        let other = kinds.iter().position(|kind| name.starts_with(kind));
        // A strength is asked for where MFA is.
        let strength = name.starts_with("authenticationStrength:").then_some(0);
        strength.or(built_in).unwrap_or_else(|| GrantControl::ALL.len() + other.unwrap_or(kinds.len()))
    };
    let mut names: Vec<String> = Vec::new();
    for name in all {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.sort_by_key(rank);
    names
}

/// What a token of all these policies comes with, in Graph's words, sorted; none twice.
pub fn session<'p>(policies: impl Iterator<Item = &'p Policy> + Clone) -> Vec<String> {
    let mut lines = Vec::new();
    let frequencies: Vec<SignInFrequency> = policies.clone().filter_map(frequency).collect();
    if let Some(hours) = frequencies.iter().map(|frequency| frequency.hours()).min() {
        let is_both = frequencies.iter().any(|frequency| frequency.factors == FrequencyFactors::PrimaryAndSecondary);
        lines.push(format!("every {hours} hours, {}", if is_both { "both factors" } else { "second factor" }));
    }
    let mut strictest = |words: &[&str], said: &dyn Fn(&Policy) -> Option<&'static str>| {
        let asked: Vec<&str> = policies.clone().filter_map(said).collect();
        lines.extend(words.iter().find(|word| asked.contains(word)).map(ToString::to_string));
    };
    strictest(&["never", "always"], &|policy| policy.session_controls.persistent_browser.map(Word::as_str));
    strictest(&["blockDownloads", "mcasConfigured", "monitorOnly"], &|policy| {
        policy.session_controls.cloud_app_security.map(Word::as_str)
    });
    strictest(&["strictLocation", "strictEnforcement", "disabled"], &|policy| {
        policy.session_controls.continuous_access_evaluation.map(Word::as_str)
    });
    strictest(&["restrictions"], &|policy| {
        policy.session_controls.application_enforced_restrictions.then_some("restrictions")
    });
    strictest(&["no resilience"], &|policy| {
        policy.session_controls.disable_resilience_defaults.then_some("no resilience")
    });
    strictest(&["bound"], &|policy| policy.session_controls.secure_sign_in_session.then_some("bound"));
    let profiles = policies.clone().filter_map(|policy| policy.filtering_profile.as_ref());
    lines.extend(profiles.map(|id| format!("profile {id}")));
    lines.extend(token(policies.clone()));
    lines.extend(owed(policies));
    lines.sort();
    lines.dedup();
    lines
}

/// What all these policies say of a token, a line for each value of a claim; one that blocks says nothing.
fn token<'p>(policies: impl Iterator<Item = &'p Policy> + Clone) -> Vec<String> {
    let shapes = policies.filter(|policy| !blocks(policy)).filter_map(|policy| Some(&policy.shaping.as_ref()?.token));
    let mut lines = Vec::new();
    if let Some(shortest) = shapes.clone().filter_map(|token| token.lifetime).min() {
        lines.push(format!("token lives {shortest} seconds"));
    }
    for token in shapes {
        for (name, values) in &token.claims {
            lines.extend(values.iter().map(|value| format!("token has {value} in {name}")));
        }
        lines.extend(token.critical.iter().map(|name| format!("no token without {name}")));
    }
    lines
}

/// What these policies oblige callers to, a line for each.
pub fn owed<'p>(policies: impl Iterator<Item = &'p Policy>) -> Vec<String> {
    let mut lines = Vec::new();
    for policy in policies {
        let name = policy.id.as_ref().unwrap_or(&policy.display_name);
        let stated = policy.shaping.iter().flat_map(|shaping| &shaping.obligations);
        for (place, obligation) in stated.enumerate() {
            let made_up = format!("{}#{}", name.value, place + 1);
            let id = obligation.id.as_ref().map_or(made_up, |id| id.value.to_string());
            lines.push(format!("owed {id}: {} {}", obligation.kind, obligation.properties));
        }
    }
    lines.sort();
    lines.dedup();
    lines
}

/// Risk remediation brings sign-in every time along.
fn frequency(policy: &Policy) -> Option<SignInFrequency> {
    let factors = FrequencyFactors::PrimaryAndSecondary;
    match &policy.grant {
        Some(grant) if remediates(grant) => Some(SignInFrequency { period: None, factors }),
        _ => policy.session_controls.sign_in_frequency,
    }
}

/// Whether a blocking policy means this personal account as such.
pub fn refuses_personal(case: &Case<'_>, policies: &[&Policy]) -> bool {
    subject::is_personal(case) == Truth::True
        && policies.iter().any(|policy| {
            let guests = policy.conditions.users.include_guests.as_ref();
            let by_kind = guests.is_some_and(|guests| guests.types.contains(GuestType::PersonalMicrosoftAccount));
            let tenants = guests.and_then(|guests| guests.tenants.as_ref());
            let by_tenant = tenants.is_some_and(|tenants| tenants.contains(&subject::consumers()));
            (by_kind || by_tenant) && subject::is_guest(case, guests) == Truth::True
        })
}
