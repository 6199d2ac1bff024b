//! What the analyses claim of whole bundles against brute force, with everything that bundles and requests can say:
//! conditions in Cedar, entities, countries by a database, ignored policies, several resources, free attributes.
//!
//! A claim is broken by a single request. So requests are drawn as a caller writes them, not from the analysis, and what
//! the analysis says that it left out excuses only the requests that this is about.

pub mod bundle;
#[path = "../../../../tests/support/countries.rs"]
mod countries;
pub mod request;
#[path = "../../../../tests/support/seeds.rs"]
#[expect(dead_code, reason = "shared with tests that draw cases by chance")]
pub mod seeds;

use std::collections::BTreeSet;

use fastrand::Rng;
use serde_json::Value;

use super::super::{Comparison, Facet, Note, Region, Verdict, gaps, prove};
use super::{agree, rich, tenant, wide};
use crate::compile::{CompiledBundle, Mode, compile_stated, read};
use crate::evaluate::{Evaluation, evaluate, probe, trace};
use crate::model::set::Word;
use crate::model::{Condition, Decision, IdentityKind, Reason, TokenRequest};
use crate::review::impact::{compiled as compiled_model, edits, impact, without_policy};
use crate::text::Finding;
use bundle::{Draw, pick};

/// What a bundle makes of a request.
#[derive(Clone, Debug, PartialEq)]
struct Answer {
    /// Whether a token is issued, and the session it comes with.
    token: Option<String>,
    /// Whether a report-only policy would have kept it back.
    is_reported: bool,
    reason: Reason,
}

/// `None` when it is refused as contradictory.
fn answer(bundle: &CompiledBundle, request: &TokenRequest<'_>) -> Option<Answer> {
    let mut evaluation = Evaluation::default();
    evaluate(bundle, request, &mut evaluation).ok()?;
    let is_allowed = evaluation.decision() == Decision::Allow;
    Some(Answer {
        token: is_allowed.then(|| format!("{:?}", evaluation.session(bundle))),
        is_reported: !evaluation.report_only().is_empty(),
        reason: evaluation.reason(),
    })
}

const fn subjects(kind: IdentityKind) -> &'static str {
    match kind {
        IdentityKind::ServicePrincipal | IdentityKind::ManagedIdentity => "workloads",
        IdentityKind::AgentIdentity => "agent identities",
        IdentityKind::AgentUser => "agents' user accounts",
        IdentityKind::User => "users",
    }
}

/// Whether `note` may be about `request`, which both bundles decide.
fn is_about(note: &Note, request: &TokenRequest<'_>) -> bool {
    let (identity, resource) = (&request.identity, &request.resource);
    let is = |text: &str| note.as_str().contains(text);
    if is("several resources at once") {
        resource.app_ids.len() > 1 || !resource.scopes.is_empty() || resource.user_action.is_some()
    } else if is("custom security attributes beyond") || is("attributes that requests state") {
        identity.attributes.is_some() || resource.attributes.is_some()
    } else if is("devices beyond examples") {
        request.device.is_some()
    } else if is("registration and enrolment of devices") {
        probe::leads_to_compliance(resource)
    } else if is("entities whose properties differ") {
        let is_named = ["ann", "sp-app"].iter().any(|name| identity.id.to_string() == *name);
        is_named || resource.target.is_some() || request.action.is_some()
    } else {
        let refused = ["refused", "refuses", "cannot both be true", "whom one of the bundles", "subjects of AuthZEN"];
        !refused.into_iter().any(is)
    }
}

/// Whether `request` is in `region` as far as its words tell at once.
fn may_have(region: &Region, request: &TokenRequest<'_>) -> bool {
    let risk = &request.risk;
    let is_in = |facet: &Facet| {
        let said = match facet.condition {
            Condition::ServicePrincipalRisk => risk.service_principal.as_str(),
            Condition::SignInRisk => risk.sign_in.as_str(),
            Condition::UserRisk => risk.user.as_str(),
            Condition::AgentIdRisk => risk.agent.as_str(),
            Condition::InsiderRisk => risk.insider.as_str(),
            Condition::ClientType => request.client_app.map_or("unknown", Word::as_str),
            Condition::DevicePlatform => request.platform.map_or("unknown", Word::as_str),
            Condition::AuthenticationFlows => request.authentication_flow.map_or("none", Word::as_str),
            _ => return true,
        };
        facet.values.iter().any(|value| value == said) != facet.is_all_but
    };
    region.subjects == subjects(request.identity.kind) && region.facets.iter().all(is_in)
}

fn is_excused<'n>(notes: impl IntoIterator<Item = &'n Note>, request: &TokenRequest<'_>) -> bool {
    notes.into_iter().any(|note| note.leaves_out && is_about(note, request))
}

/// Holds what `diff` tells of two bundles against what both answer to `json`; whether the answers differ.
fn holds(bundles: [&CompiledBundle; 2], found: &Comparison, json: &Value, told: &dyn Fn() -> String) -> bool {
    request::with(json, |request| {
        let answers = bundles.map(|bundle| answer(bundle, request));
        let told = || format!("{json}\n{answers:?}\n{found:#?}\n{}", told());
        let [Some(before), Some(after)] = &answers else {
            let is_one = answers[0].is_none() == answers[1].is_none();
            assert!(is_one || found.notes.iter().any(|note| note.leaves_out), "refused by one: {}", told());
            return false;
        };
        if found.is_cut || is_excused(&found.notes, request) {
            return false;
        }
        let own = || found.regions.iter().filter(|it| may_have(it, request));
        let is_changed = before.token != after.token;
        assert!(!is_changed || own().any(|it| !it.is_report_only), "a change that is not told: {}", told());
        let is_let_in = before.token.is_none() && after.token.is_some();
        assert!(!is_let_in || own().any(|it| it.loosens && !it.is_report_only), "a loosening: {}", told());
        let is_reported = before.is_reported != after.is_reported;
        assert!(!is_reported || own().any(|it| it.is_report_only), "a report that is not told: {}", told());
        is_changed
    })
}

#[test]
fn no_request_is_decided_otherwise_where_no_change_is_told() {
    let (mut changed, mut silent) = (0, 0);
    let seeds = seeds::seeds(40);
    let is_usual = seeds == (0..40);
    for seed in seeds {
        let mut rng = Rng::with_seed(seed);
        let (draw, before) = Draw::new(&mut rng);
        let (edited, after) = draw.edited(&mut rng);
        let told = || format!("seed {seed}\n{}\nedited\n{}", draw.told(), edited.told());
        let [raw, other] = [&draw, &edited].map(Draw::raw);
        let edits = edits(&read(&raw, Mode::Spanned).bundle, &read(&other, Mode::Spanned).bundle);
        let found = impact(&before, &after, &raw, edits).unwrap_or_else(|error| panic!("{error}\n{}", told()));
        assert!(found.comparison.regions.is_empty() || !found.edits.is_empty(), "nothing was edited: {}", told());
        let found = found.comparison;
        silent += usize::from(found.regions.is_empty() && !found.notes.iter().any(|note| note.leaves_out));
        for _ in 0..100 {
            changed += usize::from(holds([&before, &after], &found, &request::drawn(&mut rng), &told));
        }
    }
    assert!(!is_usual || changed > 100 && silent > 5, "{changed} {silent}");
}

/// The same for each request that is put into the space of all requests, where no condition in Cedar is in the way.
#[test]
fn a_decision_changes_exactly_in_the_regions_whatever_bundles_know() {
    let (mut placed, mut changed) = (0, 0);
    let seeds = seeds::seeds(40);
    let is_usual = seeds == (0..40);
    for seed in seeds {
        let mut rng = Rng::with_seed(seed);
        let (draw, before) = Draw::plain(&mut rng);
        let (edited, after) = draw.edited_plainly(&mut rng);
        let asked =
            [tenant::requests(&mut rng, 20), rich::requests(&mut rng, 20), wide::requests(&mut rng, 40)].concat();
        let told = format!("seed {seed}\n{}\nedited\n{}", draw.told(), edited.told());
        let found = agree([&before, &after], &asked, &told);
        (placed, changed) = (placed + found.0, changed + found.1);
    }
    assert!(!is_usual || placed > 1_000 && changed > 100, "{placed} {changed}");
}

#[test]
fn what_gaps_claims_no_request_breaks() {
    let (mut idle, mut identical, mut open) = (0, 0, 0);
    let seeds = seeds::seeds(40);
    let is_usual = seeds == (0..40);
    for seed in seeds {
        let mut rng = Rng::with_seed(seed);
        let (draw, bundle) = Draw::new(&mut rng);
        let told = || format!("seed {seed}\n{}", draw.told());
        let found = gaps(&bundle).unwrap_or_else(|error| panic!("{error}\n{}", told()));
        let requests: Vec<_> = (0..100).map(|_| request::drawn(&mut rng)).collect();
        for index in &found.idle {
            idle += 1;
            let name = &*bundle.policy(*index).display_name;
            let without = draw.without(name);
            let [rest, model] = [without.compiled().unwrap(), taken_out(&draw, name)];
            for json in &requests {
                request::with(json, |request| {
                    let [before, after, again] = [&bundle, &rest, &model].map(|bundle| answer(bundle, request));
                    let is_same = match (&before, &after) {
                        (Some(one), Some(other)) => (&one.token, one.is_reported) == (&other.token, other.is_reported),
                        (one, other) => one.is_none() == other.is_none(),
                    };
                    assert!(is_same, "{name} is not idle: {json}\n{before:?} {after:?}\n{}", told());
                    assert_eq!(after, again, "{name}: {json}\n{}", told());
                });
            }
        }
        identical += found.identical.len();
        for json in &requests {
            request::with(json, |request| {
                let Ok(traces) = trace(&bundle, request) else { return };
                for set in &found.identical {
                    let own = |index: &_| traces.iter().find(|trace| trace.policy == *index).map(|it| it.outcome);
                    let outcomes: Vec<_> = set.iter().map(own).collect();
                    assert!(outcomes.windows(2).all(|two| two[0] == two[1]), "{set:?} {json}\n{}", told());
                }
                let answer = answer(&bundle, request).unwrap();
                if answer.reason == Reason::NoPolicyApplies && !is_excused(&found.notes, request) {
                    open += 1;
                    let is_told = found.open.iter().any(|it| it.subjects == subjects(request.identity.kind));
                    assert!(is_told, "open: {json}\n{:?}\n{}", found.open, told());
                }
            });
        }
    }
    assert!(!is_usual || idle > 10 && identical > 0 && open > 100, "{idle} {identical} {open}");
}

/// The bundle without the policy `name`, as an impact is asked for.
fn taken_out(draw: &Draw, name: &str) -> CompiledBundle {
    let raw = draw.raw();
    let (edited, _) = without_policy(&read(&raw, Mode::Spanned).bundle, name).unwrap();
    compiled_model(edited, &raw).unwrap()
}

#[test]
fn what_is_proved_no_request_breaks() {
    let (mut proved, mut refuted) = (0, 0);
    let seeds = seeds::seeds(30);
    let is_usual = seeds == (0..30);
    for seed in seeds {
        let mut rng = Rng::with_seed(seed);
        let (mut draw, plain) = Draw::new(&mut rng);
        draw.statements = (0..3).map(|index| wide::statement(&mut rng, &draw.policies, index)).collect();
        let Some(stated) = compile_stated(&draw.raw(), &[]) else { continue };
        let proofs = prove(&plain, stated).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{}", draw.told()));
        let requests: Vec<_> = (0..100).map(|_| request::drawn(&mut rng)).collect();
        for (proof, claim) in proofs.proofs.iter().zip(&draw.statements) {
            refuted += usize::from(matches!(proof.verdict, Verdict::Refuted(_)));
            if !matches!(proof.verdict, Verdict::Proved) {
                continue;
            }
            proved += 1;
            let mut with = draw.clone();
            with.statements.clear();
            with.policies.push(claim.clone());
            let with = with.compiled().unwrap();
            for json in &requests {
                request::with(json, |request| {
                    let [before, after] = [&plain, &with].map(|bundle| answer(bundle, request)?.token);
                    let told = || format!("seed {seed}\n{}claim {claim}", draw.told());
                    assert!(before.is_none() || before == after, "broken by {json}\n{}", told());
                });
            }
        }
    }
    assert!(!is_usual || proved > 20 && refuted > 20, "{proved} {refuted}");
}

#[test]
fn what_check_says_to_apply_to_nothing_applies_to_no_request() {
    let (mut told, mut ids) = (0, BTreeSet::new());
    let seeds = seeds::seeds(60);
    let is_usual = seeds == (0..60);
    for seed in seeds {
        let mut rng = Rng::with_seed(seed);
        let (draw, bundle, findings) = Draw::with_exclusions(&mut rng);
        let claims = ["cedar-never", "empty-scope", "no-resource"];
        // Whoever excludes one kind of identity may cover another.
        let excludes_all = |finding: &Finding| {
            let all = [" all locations", " all resources", " all platforms"];
            finding.id == "excludes-all" && all.iter().any(|what| finding.what.ends_with(what))
        };
        let is_claim = |finding: &&Finding| claims.contains(&finding.id) || excludes_all(finding);
        for finding in findings.iter().filter(is_claim) {
            let Some(name) = draw.policy_at(finding) else { continue };
            (told, _) = (told + 1, ids.insert(finding.id));
            for _ in 0..50 {
                request::with(&request::drawn(&mut rng), |request| {
                    let traces = trace(&bundle, request).unwrap_or_default();
                    let own = traces.iter().find(|trace| *bundle.policy(trace.policy).display_name == *name);
                    let applies = own.is_some_and(|trace| trace.outcome.applies());
                    assert!(!applies, "seed {seed}: {finding:?}\n{request:?}\n{}", draw.told());
                });
            }
        }
    }
    assert!(!is_usual || told > 20 && ids.len() > 2, "{told} {ids:?}");
}

#[test]
fn who_breaks_the_glass_is_never_blocked() {
    let (mut accepted, mut asked) = (0, 0);
    let seeds = seeds::seeds(60);
    let is_usual = seeds == (0..60);
    for seed in seeds {
        let mut rng = Rng::with_seed(seed);
        let (mut draw, _) = Draw::new(&mut rng);
        draw.settings.retain(|line| !line.starts_with("defaultDecision"));
        let who = pick(
            &mut rng,
            &["ann", "eve", "sp-own", "agent-one", "beta", "gamma", "0b000000-0000-4000-8000-000000000002"],
        );
        draw.settings.push(format!("breakGlass: [{who}]"));
        draw.exempt(&mut rng, who);
        let Some(bundle) = draw.accepted() else { continue };
        accepted += 1;
        for _ in 0..100 {
            let mut json = request::drawn(&mut rng);
            json["identity"]["id"] = who.into();
            request::with(&json, |request| {
                let Some(answer) = answer(&bundle, request) else { return };
                asked += 1;
                let is_blocked = matches!(answer.reason, Reason::BlockedByPolicy | Reason::DefaultDecision);
                assert!(!is_blocked, "seed {seed}: {who} is blocked: {json}\n{}", draw.told());
            });
        }
    }
    assert!(!is_usual || accepted > 10 && asked > 500, "{accepted} {asked}");
}
