//! Policies in Cedar: each policy of a bundle as a `forbid` that is satisfied where the policy applies.
//!
//! For readers, for tools that analyse Cedar, and as a third opinion in tests. The texts are valid strictly against
//! `compile::cedar::SCHEMA`. Cedar says whether the conditions of a policy hold; what follows from it is not Cedar's to
//! say: it denies by default, skips policies that err, and cannot ask for multifactor authentication. So a policy that
//! does not block says so above its text, and so does whatever has no words in Cedar. Start with [`policies`].
//!
//! What has no words in Cedar: grant controls other than block; session controls, the shape of tokens and obligations; `-startsWith` and `-endsWith` over a custom security
//! attribute that is a list (Cedar has no "some element of"); a filter over applications of which one request names
//! several; the owner of a workload when bundle.yaml does not say which tenant this is; a tenant whose id one side has
//! and whose domain the other; policies that take no part.
//! Texts that filters compare without regard to case are in lower case, here and in the requests that `evaluate` makes.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::compile::{
    CedarText, CompiledBundle, CompiledFilter, CompiledPolicy, Grant, LocationCondition, LocationIndex, PolicyHead,
    PrincipalScope, ResourceCondition, ResourceList, UserList, quoted,
};
use crate::evaluate::probe;
use crate::model::bundle::Eligibility;
use crate::model::policy::{Guests, Platforms};
use crate::model::set::Word;
use crate::model::shaping::Obligation;
use crate::model::{ClientApp, FilterMode, GuestType, Id, IdRef, Platform, Set, State};

/// A policy in Cedar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyText {
    /// Its id in the bundle.
    pub id: Box<str>,
    /// The text, comments included; comments alone for a policy that takes no part.
    pub text: String,
    /// What the policy says and the text does not, a sentence each; the text has them as comments.
    pub unsaid: Vec<String>,
}

/// Every policy of `bundle` in Cedar, in bundle order. Cost: linear in the bundle.
pub fn policies(bundle: &CompiledBundle) -> Vec<PolicyText> {
    let taking_part: std::collections::HashMap<_, _> =
        bundle.compiled().iter().map(|policy| (policy.index.as_usize(), policy)).collect();
    let text = |(index, head): (usize, &PolicyHead)| match taking_part.get(&index) {
        Some(policy) => written(bundle, head, policy),
        None => {
            let text =
                format!("// {} ({}) takes no part in decisions.\n", comment(&head.display_name), comment(&head.id));
            PolicyText { id: head.id.clone(), text, unsaid: Vec::new() }
        }
    };
    bundle.policies().iter().enumerate().map(text).collect()
}

fn written(bundle: &CompiledBundle, head: &PolicyHead, policy: &CompiledPolicy) -> PolicyText {
    let mut unsaid = Vec::new();
    let clauses = clauses(bundle, policy, &mut unsaid);
    let mut text = String::new();
    if let Grant::Require { controls, operator } = &policy.grant {
        let names: Vec<_> = controls.iter().map(|control| control.name().name()).collect();
        let joined = names.join(&format!(" {} ", operator.as_str()));
        let asked = if joined.is_empty() { "no grant control".to_owned() } else { joined };
        let _ = writeln!(text, "// Not a block: where this applies, the policy asks for {}.", comment(&asked));
    }
    unsaid.extend(consequences(policy));
    for sentence in &unsaid {
        let _ = writeln!(text, "// Not said in Cedar: {}.", comment(sentence));
    }
    let _ = writeln!(text, "@id({})\n@displayName({})", quoted(&head.id), quoted(&head.display_name));
    if head.state == State::ReportOnly {
        text.push_str("@state(\"report-only\")\n");
    }
    text.push_str("forbid (principal, action, resource)");
    for clause in clauses {
        let _ = write!(text, "\nwhen {{\n    {clause}\n}}");
    }
    text.push_str(";\n");
    PolicyText { id: head.id.clone(), text, unsaid }
}

/// What follows from the policy beside a decision, a sentence for what a token comes with and one for obligations.
fn consequences(policy: &CompiledPolicy) -> impl Iterator<Item = String> {
    let session = probe::merged(policy.session.as_deref().into_iter());
    let words = session.map(|session| session.words()).unwrap_or_default();
    let obligation = |owed: &Obligation| format!("{} ({}) {}", owed.id, owed.kind, owed.properties);
    let owed: Vec<_> = policy.obligations().iter().map(obligation).collect();
    let told = [("what a token comes with", words), ("obligations", owed)];
    told.into_iter().filter(|(_, all)| !all.is_empty()).map(|(what, all)| format!("{what}: {}", all.join(", ")))
}

/// Text of an author on one line of a comment.
fn comment(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// The conditions that are configured, each an expression.
fn clauses(bundle: &CompiledBundle, policy: &CompiledPolicy, unsaid: &mut Vec<String>) -> Vec<String> {
    let risks = [
        ("servicePrincipal", words(policy.service_principal_risk)),
        ("signIn", words(policy.sign_in_risk)),
        ("user", words(policy.user_risk)),
        ("agent", words(policy.agent_risk)),
        ("insider", words(policy.insider_risk)),
    ];
    let risk = |(name, levels): (&str, Vec<String>)| {
        let levels = set(levels)?;
        Some(format!("{levels}.contains(context.risk.{name})"))
    };
    let mut clauses = vec![identity(bundle, policy, unsaid)];
    clauses.extend((!policy.resources.is_any()).then(|| resources(&policy.resources, unsaid)));
    clauses.extend(client_apps(policy.client_apps));
    clauses.extend(platforms(policy.platforms));
    clauses.extend(policy.locations.is_configured.then(|| locations(bundle, &policy.locations)));
    clauses.extend(risks.into_iter().filter_map(risk));
    clauses.extend(set(words(policy.flows)).map(|flows| format!("{flows}.contains(context.authenticationFlow)")));
    if let Some(filter) = &policy.device_filter {
        let rule = rule(filter, "context.device", unsaid);
        clauses.push(if filter.mode == FilterMode::Include { rule } else { format!("!({rule})") });
    }
    clauses.extend(policy.when.as_ref().map(|when| when.text().to_owned()));
    clauses
}

fn rule(filter: &CompiledFilter, object: &str, unsaid: &mut Vec<String>) -> String {
    let CedarText { text, unsaid: own } = filter.rule.to_cedar(object);
    unsaid.extend(own);
    text
}

fn words<W: Word>(words: Set<W>) -> Vec<String> {
    words.iter().map(|word| word.as_str().to_owned()).collect()
}

/// A set of texts; `None` for an empty one, which Cedar's strict types refuse.
fn set<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Option<String> {
    let texts: Vec<_> = texts.into_iter().map(|text| quoted(text.as_ref())).collect();
    (!texts.is_empty()).then(|| format!("[{}]", texts.join(", ")))
}

fn ids<'i>(ids: impl IntoIterator<Item = &'i Id>) -> Option<String> {
    let texts: BTreeSet<_> = ids.into_iter().map(ToString::to_string).collect();
    set(texts)
}

fn any(terms: Vec<String>) -> String {
    match terms.as_slice() {
        [] => "false".to_owned(),
        [one] if one == "true" => one.clone(),
        _ => format!("({})", terms.join(" || ")),
    }
}

/// The terms joined by AND; those that are always true say nothing.
fn every(terms: impl IntoIterator<Item = String>) -> String {
    let terms: Vec<_> = terms.into_iter().filter(|term| term != "true").collect();
    if terms.is_empty() { "true".to_owned() } else { terms.join(" && ") }
}

fn included_and_not(include: String, exclude: Vec<String>) -> String {
    let exempt = (!exclude.is_empty()).then(|| format!("!{}", any(exclude)));
    every(std::iter::once(include).chain(exempt))
}

/// The intermediate exchange of an agent identity is never evaluated.
fn no_exchange() -> String {
    let exchange = IdRef::TOKEN_EXCHANGE.to_owned();
    format!("!(resource.appIds == [\"{exchange}\"] && resource.userAction == \"none\")")
}

fn identity(bundle: &CompiledBundle, policy: &CompiledPolicy, unsaid: &mut Vec<String>) -> String {
    let mut kinds = Vec::new();
    let (include, exclude) = (&policy.users.include, &policy.users.exclude);
    if !include.is_empty() {
        let users = included_and_not(any(users(bundle, include)), users(bundle, exclude));
        kinds.push(every(["principal is User".to_owned(), users]));
        let agents = included_and_not(any(agent_users(include)), agent_users(exclude));
        kinds.push(every(["principal is AgentUser".to_owned(), agents]));
    }
    if !policy.workloads.is_empty() {
        let covers_all = bundle.identity().eligibility == Eligibility::All;
        for kind in ["ServicePrincipal"].into_iter().chain(covers_all.then_some("ManagedIdentity")) {
            let eligible = eligible(bundle, unsaid);
            let scope = scope(&policy.workloads, false, unsaid);
            kinds.push(every([format!("principal is {kind}"), eligible, scope]));
        }
    }
    if !policy.agents.is_empty() {
        let scope = scope(&policy.agents, true, unsaid);
        kinds.push(every(["principal is AgentIdentity".to_owned(), scope, no_exchange()]));
    }
    unsaid.dedup();
    match kinds.as_slice() {
        [] => "false".to_owned(),
        [one] => one.clone(),
        _ => kinds.iter().map(|kind| format!("({kind})")).collect::<Vec<_>>().join("\n    || "),
    }
}

/// Which workloads Entra covers: applications of this tenant, for this tenant only.
fn eligible(bundle: &CompiledBundle, unsaid: &mut Vec<String>) -> String {
    let settings = bundle.identity();
    if settings.eligibility == Eligibility::All {
        return "true".to_owned();
    }
    let owner =
        settings.tenant_id.as_ref().map(|tenant| format!("principal.ownerTenant == {}", quoted(&tenant.to_string())));
    if owner.is_none() {
        unsaid.push("the owner must be this tenant, and bundle.yaml does not say which it is".to_owned());
    }
    let own = ["principal.servicePrincipalType == \"Application\"", "principal.signInAudience == \"AzureADMyOrg\""];
    every(own.map(str::to_owned).into_iter().chain(owner))
}

fn users(bundle: &CompiledBundle, list: &UserList) -> Vec<String> {
    let mut terms = Vec::new();
    terms.extend(list.all.then(|| "true".to_owned()));
    terms.extend(ids(&list.ids).map(|ids| format!("{ids}.contains(principal.id)")));
    terms.extend(list.all_guests.then(|| "principal.guestType != \"none\"".to_owned()));
    terms.extend(list.guests.as_deref().map(guests));
    let names = |numbers: &[u32]| ids(numbers.iter().filter_map(|number| bundle.directory_name(*number)));
    let groups = names(&list.groups).map(|groups| format!("principal.groups.containsAny({groups})"));
    let roles = names(&list.roles).map(|roles| format!("principal.roles.containsAny({roles})"));
    terms.extend(groups.into_iter().chain(roles));
    terms
}

fn guests(guests: &Guests) -> String {
    const PERSONAL: GuestType = GuestType::PersonalMicrosoftAccount;
    // A personal account is an external user of no other kind, and may be told by its home tenant alone.
    let stands_for = |kind: GuestType| match kind {
        PERSONAL => guests.types.contains(GuestType::OtherExternalUser) || guests.types.contains(PERSONAL),
        kind => guests.types.contains(kind),
    };
    let kinds = GuestType::ALL.iter().copied().filter(|kind| stands_for(*kind)).collect();
    let kinds = set(words(kinds)).unwrap_or_else(|| "[\"\"]".to_owned());
    let listed = format!("{kinds}.contains(principal.guestType)");
    let of_kind = match guests.types.contains(PERSONAL) {
        true => format!(
            "({listed} || !([\"none\", \"internalGuest\"].contains(principal.guestType)) && principal.homeTenant == {})",
            quoted(&IdRef::PERSONAL_ACCOUNTS.to_string())
        ),
        false => listed,
    };
    match &guests.tenants {
        None => of_kind,
        // An internal guest has no home tenant abroad.
        Some(tenants) => match ids(tenants) {
            Some(tenants) => format!(
                "({of_kind} && principal.guestType != \"internalGuest\" && {tenants}.contains(principal.homeTenant))"
            ),
            None => "false".to_owned(),
        },
    }
}

fn agent_users(list: &UserList) -> Vec<String> {
    let all = list.all_agent_users.then(|| "true".to_owned());
    all.into_iter().chain(ids(&list.ids).map(|ids| format!("{ids}.contains(principal.id)"))).collect()
}

fn scope(scope: &PrincipalScope, is_agent: bool, unsaid: &mut Vec<String>) -> String {
    let rule =
        scope.filter.as_ref().map(|filter| (filter.mode, rule(filter, "principal.customSecurityAttributes", unsaid)));
    let side = |all: bool, list: &[Id], mode| {
        let mut terms = Vec::new();
        terms.extend(all.then(|| "true".to_owned()));
        if let Some(ids) = ids(list) {
            terms.push(format!("{ids}.contains(principal.id)"));
            terms.extend(is_agent.then(|| format!("{ids}.contains(principal.blueprint)")));
        }
        terms.extend(rule.iter().filter(|(of, _)| *of == mode).map(|(_, rule)| rule.clone()));
        terms
    };
    let include = any(side(scope.includes_all, &scope.include, FilterMode::Include));
    included_and_not(include, side(scope.excludes_all, &scope.exclude, FilterMode::Exclude))
}

/// Some application of the request is in scope and not exempt, or its action or context is in scope. A request with an
/// action names no application, and only `All` covers that.
fn resources(condition: &ResourceCondition, unsaid: &mut Vec<String>) -> String {
    let rule = condition.filter.as_ref().map(|filter| {
        unsaid.push("of several applications in one request each is filtered by attributes of its own".to_owned());
        (filter.mode, rule(filter, "resource.customSecurityAttributes", unsaid))
    });
    let filter = |mode| rule.iter().filter(move |(of, _)| *of == mode).map(|(_, rule)| rule.clone()).next();
    let exempt: BTreeSet<&Id> = applications(&condition.exclude).collect();
    let not_all_exempt = ids(exempt.iter().copied())
        .map_or_else(|| "true".to_owned(), |ids| format!("!{ids}.containsAll(resource.appIds)"));
    let named = ids(applications(&condition.include).filter(|id| !exempt.contains(id)));
    let mut apps = Vec::new();
    apps.extend(condition.include.all.then(|| format!("resource.appIds.isEmpty() || {not_all_exempt}")));
    apps.extend(named.map(|ids| format!("{ids}.containsAny(resource.appIds)")));
    let each = |holds: String| format!("(!resource.appIds.isEmpty() && {not_all_exempt} && {holds})");
    apps.extend(condition.include.all_agents.then(|| each("resource.type != \"application\"".to_owned())));
    apps.extend(filter(FilterMode::Include).map(each));
    let each = |holds: &str| format!("(!resource.appIds.isEmpty() && {holds})");
    let mut exempting = Vec::new();
    exempting.extend(condition.exclude.all.then(|| "true".to_owned()));
    exempting.extend(condition.exclude.all_agents.then(|| each("resource.type != \"application\"")));
    exempting.extend(filter(FilterMode::Exclude).map(|rule: String| each(&rule)));
    let mut ways = vec![format!("({})", included_and_not(any(apps), exempting))];
    let actions = set(words(condition.user_actions));
    ways.extend(actions.map(|actions| format!("{actions}.contains(resource.userAction)")));
    let contexts = set(&condition.authentication_contexts);
    ways.extend(contexts.map(|contexts| format!("{contexts}.contains(resource.authenticationContext)")));
    any(ways)
}

fn applications(list: &ResourceList) -> impl Iterator<Item = &Id> {
    list.ids.iter().chain(list.suites.iter().flat_map(|(_, members)| members.iter()))
}

fn client_apps(mut apps: Set<ClientApp>) -> Option<String> {
    if apps.contains(ClientApp::All) {
        return None;
    }
    if apps.contains(ClientApp::ExchangeActiveSync) {
        apps.insert(ClientApp::EasSupported);
    }
    set(words(apps)).map(|apps| format!("{apps}.contains(context.clientApp)"))
}

fn platforms(condition: Platforms) -> Option<String> {
    if condition == Platforms::default() {
        return None;
    }
    let side = |platforms: Set<Platform>| match platforms.contains(Platform::All) {
        true => vec!["true".to_owned()],
        false => set(words(platforms)).map(|set| format!("{set}.contains(context.platform)")).into_iter().collect(),
    };
    let include = if condition.include.is_empty() { "true".to_owned() } else { any(side(condition.include)) };
    Some(included_and_not(include, side(condition.exclude)))
}

fn locations(bundle: &CompiledBundle, condition: &LocationCondition) -> String {
    let side = |all: bool, list: &[LocationIndex]| {
        let names = set(list.iter().map(|location| bundle.location_table().spelling(*location)));
        let named = names.map(|names| format!("context.network.locations.containsAny({names})"));
        all.then(|| "true".to_owned()).into_iter().chain(named).collect()
    };
    included_and_not(any(side(condition.everywhere, &condition.include)), side(condition.nowhere, &condition.exclude))
}
