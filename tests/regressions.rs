//! Mistakes that were made once. Each test tells what happened, why, and what holds now.

#![expect(clippy::panic, reason = "a test that meets the unexpected must fail")]

#[path = "support/written.rs"]
mod written;

use doorward::compile::{self, Compilation, CompiledBundle, Mode};
use doorward::evaluate::{Evaluation, evaluate};
use doorward::model::decision::InputErrorKind;
use doorward::model::policy::PrincipalTarget;
use doorward::model::request::{Device, Identity, Resource};
use doorward::model::set::Word;
use doorward::model::{Decision, GrantControl, GuestType, Id, IdRef, IdentityKind, ResourceKind, Set, TokenRequest};

use written::raw;

const WORKLOAD: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const BLOCK: &str = "displayName: Block workloads
state: enabled
conditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }
grantControls: { builtInControls: [block] }
";

fn compiled(files: &[(&str, &str)]) -> Compilation {
    compile::compile(&raw(files.iter().copied()))
}

fn bundle(files: &[(&str, &str)]) -> CompiledBundle {
    let compilation = compiled(files);
    compilation.bundle.unwrap_or_else(|| panic!("the bundle is refused: {:#?}", compilation.findings))
}

fn decide(bundle: &CompiledBundle, kind: IdentityKind) -> Result<Decision, String> {
    decide_for(bundle, kind, Resource::default())
}

fn decide_for(bundle: &CompiledBundle, kind: IdentityKind, resource: Resource<'_>) -> Result<Decision, String> {
    let mut evaluation = Evaluation::default();
    evaluate(bundle, &request(kind, resource), &mut evaluation).map_err(|error| error.field)?;
    Ok(evaluation.decision())
}

fn request(kind: IdentityKind, resource: Resource<'_>) -> TokenRequest<'_> {
    TokenRequest { resource, ..TokenRequest::new(Identity::new(kind, IdRef::new(WORKLOAD))) }
}

/// A blocked workload was allowed by calling it a user: user policies did not reach it, and nobody asked the catalogue,
/// which knew better. Two sources that disagree about what an id is are refused now, for every kind of identity.
#[test]
fn a_service_principal_of_the_catalogue_is_nobody_else() {
    let catalogue = format!("id: {WORKLOAD}\nservicePrincipalType: Application\n");
    let bundle = bundle(&[("block.yaml", BLOCK), ("workload.yaml", &catalogue)]);
    assert_eq!(decide(&bundle, IdentityKind::ServicePrincipal), Ok(Decision::Block));
    for kind in
        [IdentityKind::ManagedIdentity, IdentityKind::User, IdentityKind::AgentUser, IdentityKind::AgentIdentity]
    {
        assert_eq!(decide(&bundle, kind), Err("identity.type".to_owned()), "{kind:?}");
    }
}

/// A caller that had seen a control of the device satisfied was believed although the device said the contrary, and a
/// guest could be at home wherever a policy exempts guests from. Facts that cannot both be true are refused now.
#[test]
fn facts_that_contradict_each_other_are_refused_by_name() {
    const TENANT: &str = "0a000000-0000-4000-8000-000000000001";
    const OTHER: &str = "0a000000-0000-4000-8000-000000000002";
    let bundle = bundle(&[("bundle.yaml", &format!("tenantId: {TENANT}\n")), ("block.yaml", BLOCK)]);
    let ask = |change: &dyn Fn(&mut TokenRequest<'_>)| {
        let mut request = request(IdentityKind::User, Resource::default());
        change(&mut request);
        let mut evaluation = Evaluation::default();
        evaluate(&bundle, &request, &mut evaluation).map_err(|error| (error.kind, error.field))
    };
    let conflict = |field: &str| Err((InputErrorKind::Conflict, field.to_owned()));

    let with_device = |control, is_compliant, trust_type: Option<&'static str>| {
        ask(&move |request| {
            let trust_type = trust_type.map(Into::into);
            request.device = Some(Box::new(Device { is_compliant, trust_type, ..Device::default() }));
            request.satisfied.built_in = Set::from_iter([GrantControl::Mfa, control]);
        })
    };
    use GrantControl::{CompliantDevice, DomainJoinedDevice};
    assert_eq!(with_device(CompliantDevice, Some(false), None), conflict("device.isCompliant"));
    assert_eq!(with_device(DomainJoinedDevice, None, Some("AzureAD")), conflict("device.trustType"));
    for (control, is_compliant, trust_type) in [
        (CompliantDevice, None, Some("Workplace")),
        (CompliantDevice, Some(true), None),
        (DomainJoinedDevice, Some(false), Some("serverad")),
        (DomainJoinedDevice, None, None),
    ] {
        assert_eq!(with_device(control, is_compliant, trust_type), Ok(()));
    }

    let catalogue = "id: printer\nservicePrincipalType: Application\n";
    let with_catalogue = compiled(&[("catalogue.yaml", catalogue), ("block.yaml", BLOCK)]).bundle.expect("a bundle");
    for (said, is_refused) in [(ResourceKind::Application, false), (ResourceKind::AgentIdentity, true)] {
        let app_ids = vec![IdRef::new("printer")];
        let resource = Resource { kind: Some(said), app_ids, ..Resource::default() };
        let asked = request(IdentityKind::User, resource);
        let mut evaluation = Evaluation::default();
        let refused = evaluate(&with_catalogue, &asked, &mut evaluation).map_err(|error| error.field);
        assert_eq!(refused, if is_refused { Err("resource.type".to_owned()) } else { Ok(()) });
    }

    let living = |kind, home: &'static str| {
        ask(&move |request| {
            (request.identity.guest_type, request.identity.home_tenant) = (Some(kind), Some(IdRef::new(home)));
        })
    };
    let (inside, outside) = (TENANT, OTHER);
    for kind in GuestType::ALL.iter().copied().chain([GuestType::None]) {
        let is_here = matches!(kind, GuestType::None | GuestType::InternalGuest);
        let wrong = if is_here { outside } else { inside };
        assert_eq!(living(kind, wrong), conflict("identity.homeTenant"), "{kind:?}");
        assert_eq!(living(kind, "contoso.example"), Ok(()), "{kind:?}: a name is no id");
        if kind != GuestType::PersonalMicrosoftAccount {
            assert_eq!(living(kind, if is_here { inside } else { outside }), Ok(()), "{kind:?}");
        }
    }
}

/// A policy with an empty `deletedDateTime` was dropped without a word, because any text counted as deleted.
#[test]
fn only_a_timestamp_deletes_a_policy_and_it_is_told() {
    for text in ["''", "soon"] {
        let refused = compiled(&[("block.yaml", &format!("{BLOCK}deletedDateTime: {text}\n"))]);
        assert!(refused.bundle.is_none(), "{text}");
    }
    let deleted = compiled(&[("block.yaml", &format!("{BLOCK}deletedDateTime: '2026-01-01T00:00:00Z'\n"))]);
    assert!(deleted.findings.iter().any(|finding| finding.id == "deleted-policy"));
    let bundle = deleted.bundle.expect("a deleted policy refuses no bundle");
    assert_eq!(decide(&bundle, IdentityKind::ServicePrincipal), Ok(Decision::Allow));
}

/// `POLICY.JSON` was listed as a bundle file by one part and skipped as unknown by another, which left no policies.
#[test]
fn extensions_are_read_in_any_case() {
    for name in ["BLOCK.YAML", "Block.Yml"] {
        assert_eq!(decide(&bundle(&[(name, BLOCK)]), IdentityKind::ServicePrincipal), Ok(Decision::Block), "{name}");
    }
}

/// What one policy means for those whom no policy names was asked with an empty id, "an id that is in no list". A list
/// with an empty id in it made of that an exclusion of everybody, and the decision allowed what its own trace blocked.
/// Nothing stands in the place of an id any more, so no list can hold it; and files with such ids are refused.
#[test]
fn an_empty_id_exempts_nobody_but_itself() {
    let user = "id: p\ndisplayName: P\nstate: enabled\ngrantControls: { builtInControls: [block] }\nconditions:
  users: { includeUsers: [All] }\n  applications: { includeApplications: [All], excludeApplications: [Office365] }\n";
    let workload =
        BLOCK.replace("InMyTenant] }", "InMyTenant], excludeServicePrincipals: [nobody] }, clientAppTypes: [other]");
    let raw = raw([
        ("bundle.yaml", "suites: { Office365: [office] }\n"),
        ("p.yaml", user),
        ("q.yaml", &workload),
        ("c.yaml", "- { id: nobody, servicePrincipalType: Application }\n"),
    ]);
    let mut reading = compile::read(&raw, Mode::Spanned);
    let empty = Id::Text("".into());
    reading.bundle.settings.office365.as_mut().expect("it is said").push(empty.clone());
    reading.bundle.principals.iter_mut().for_each(|principal| principal.id.value = empty.clone());
    for policy in &mut reading.bundle.policies {
        for target in &mut policy.conditions.service_principals.exclude {
            target.value = PrincipalTarget::Named("".into());
        }
    }
    let bundle = compile::build(reading.bundle, "digest", None, &mut reading.diagnostics)
        .unwrap_or_else(|| panic!("{:#?}", reading.diagnostics));
    for kind in [IdentityKind::User, IdentityKind::ServicePrincipal] {
        let resource = Resource { app_ids: vec![IdRef::new("wiki")], ..Resource::default() };
        assert_eq!(decide_for(&bundle, kind, resource), Ok(Decision::Block), "{kind:?}");
    }
}
