//! Proofs against brute force: small bundles with statements, and requests that do not come from the analysis.
//!
//! A statement is broken by a request that the bundle allows, and that the same bundle does not allow, or not with that
//! session, when the statement is written among its policies. A proved one must be broken by none, a refuted one by its
//! own counterexample; and statements never decide.

use fastrand::Rng;

use super::super::prove::prove_within;
use super::super::walk::Steps;
use super::super::{Proof, Verdict, prove};
use super::judge::Met;
use super::{SATISFIED, bundle, compiled, decide, policy, requests, settings};
use crate::compile::{CompiledBundle, compile, compile_stated};
use crate::evaluate::{Evaluation, evaluate};
use crate::model::IdRef;
use crate::review::analysis::Witness;
use crate::written::raw;

/// A policy like those of `text`, mostly one of them with something changed, so that many statements hold.
fn statement(rng: &mut Rng, text: &str, index: usize) -> String {
    let own: Vec<_> = text.lines().filter(|line| line.contains("displayName: Policy ")).collect();
    let line = if rng.u8(..3) == 0 { policy(rng, index) } else { format!("{}\n", own[rng.usize(..own.len())]) };
    let name = line.split_once("displayName: Policy ").unwrap().1.split_once(',').unwrap().0;
    let mut line = line.replace(&format!("Policy {name},"), &format!("Statement {index},"));
    line = line.replace("state: enabledForReportingButNotEnforced", "state: enabled").replace("disabled", "enabled");
    let narrowed = [
        ("[ServicePrincipalsInMyTenant]", "[alpha, beta]"),
        ("includeLocations: [All]", "includeLocations: [There]"),
        ("includeApplications: [All]", "includeApplications: [mail]"),
        ("builtInControls: [block]", "builtInControls: [mfa]"),
        ("operator: AND", "operator: OR"),
        ("excludeServicePrincipals: []", "excludeServicePrincipals: [gamma]"),
        ("includeUsers: [All]", "includeUsers: [ann]"),
    ];
    if rng.bool() {
        let (from, to) = narrowed[rng.usize(..narrowed.len())];
        line = line.replace(from, to);
        if line.contains("clientApplications") {
            line = line.replace("[mfa]", "[block]");
        }
    }
    line
}

/// A request that breaks a statement, which `with` has among its policies.
fn broken<'w>([plain, with]: [&CompiledBundle; 2], requests: &'w [Witness]) -> Option<(&'w Witness, &'static Met)> {
    let all = requests.iter().flat_map(|witness| SATISFIED.iter().map(move |controls| (witness, controls)));
    all.into_iter().find(|(witness, controls)| {
        let [before, after] = [plain, with].map(|bundle| decide(bundle, witness, controls));
        before.as_ref().is_some_and(|(is_allowed, _)| *is_allowed) && before != after
    })
}

#[test]
fn a_statement_is_proved_exactly_when_no_request_breaks_it() {
    let (mut proved, mut refuted, mut found, mut undecided, mut asked) = (0, 0, 0, 0, 0);
    for seed in 0..250 {
        let mut rng = Rng::with_seed(seed);
        let settings = settings(&mut rng);
        let text = bundle(&mut rng);
        let lines: Vec<_> = (0..3).map(|index| statement(&mut rng, &text, index)).collect();
        let statements = format!("policies:\n{}", lines.concat());
        let files = [("bundle.yaml", &*settings), ("all.yaml", &*text), ("statements/all.yaml", &*statements)];
        let raw = raw(files);
        let compilation = compile(&raw);
        let plain = compilation.bundle.unwrap_or_else(|| panic!("{:?}\n{text}\n{statements}", compilation.findings));
        let requests = requests(&mut rng, 100);

        let without = compiled(&text, &settings);
        assert_eq!(plain.policies(), without.policies());
        for (witness, controls) in requests.iter().zip(SATISFIED.iter().cycle()) {
            assert_eq!(decide(&plain, witness, controls), decide(&without, witness, controls), "statements decide");
        }

        let proofs =
            prove(&plain, compile_stated(&raw, &[]).unwrap()).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_eq!(proofs.proofs.len(), 3);
        for (Proof { statement, verdict }, line) in proofs.proofs.iter().zip(&lines) {
            asked += 1;
            let with = compiled(&format!("{text}{line}"), &settings);
            let told = format!("seed {seed}: {}\n{settings}{text}\nstatement:\n{line}", statement.name);
            match verdict {
                Verdict::Proved => {
                    proved += 1;
                    for (witness, controls) in requests.iter().zip(SATISFIED.iter().cycle()) {
                        let [before, after] = [&plain, &with].map(|bundle| several(bundle, witness, controls));
                        assert!(!before.0 || before == after, "{told}broken by {witness:?} for several resources");
                    }
                    let first = broken([&plain, &with], &requests);
                    assert!(first.is_none(), "{told}broken by {first:?}");
                }
                Verdict::Refuted(regions) => {
                    refuted += 1;
                    found += usize::from(broken([&plain, &with], &requests).is_some());
                    for region in regions {
                        let witness = &region.witness.as_ref().unwrap().witness;
                        let [before, after] = [&plain, &with].map(|bundle| outcome(bundle, witness));
                        assert!(before.0 && before != after, "{told}not broken by {witness:?}: {before:?} {after:?}");
                    }
                }
                Verdict::Undecided(reasons) => {
                    undecided += 1;
                    assert!(settings.contains("defaultDecision: block"), "{told}{reasons:?}");
                }
                Verdict::NotAsked => panic!("{told}"),
            }
        }
    }
    assert!(asked == 750 && proved > 150 && refuted > 150 && found > 100, "{proved} {refuted} {found} {undecided}");
    // Those rest on a default block, which several resources at once can lift.
    assert!(undecided < 150, "{undecided}");
}

/// As [`outcome`], of the same request for several resources; refused is not issued.
fn several(bundle: &CompiledBundle, witness: &Witness, met: &Met) -> (bool, String) {
    let witness = met.by(witness);
    let mut request = witness.request();
    let more = ["payroll", "mail", "other"].map(IdRef::new);
    request
        .resource
        .app_ids
        .extend(more.iter().take(1 + witness.groups.len() % 3 + usize::from(witness.who.has_roles)));
    let mut evaluation = Evaluation::default();
    if evaluate(bundle, &request, &mut evaluation).is_err() {
        return (false, String::new());
    }
    (evaluation.decision() == crate::model::Decision::Allow, format!("{:?}", evaluation.session(bundle)))
}

/// Whether a token is issued, and with which session.
fn outcome(bundle: &CompiledBundle, witness: &Witness) -> (bool, String) {
    let mut evaluation = Evaluation::default();
    evaluate(bundle, &witness.request(), &mut evaluation).unwrap();
    (evaluation.decision() == crate::model::Decision::Allow, format!("{:?}", evaluation.session(bundle)))
}

const ALL: &str = "clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] }";
const RISK: &str = "servicePrincipalRiskLevels: [high]";
const PART: &str = "clientApplications: { servicePrincipalFilter: { mode: include, rule: 'CustomSecurityAttribute.Set_stage -contains \"test\"' } }";

fn block(name: &str, conditions: &str, more: &str) -> String {
    format!(
        "  - {{ displayName: {name}, state: enabled, conditions: {{ {conditions} }}, grantControls: {{ builtInControls: [block] }}{more} }}\n"
    )
}

/// What is found of a statement about these `conditions`.
fn verdict(policies: &[String], statement: &str, steps: Steps) -> Verdict {
    let raw = raw([
        ("all.yaml", &format!("policies:\n{}", policies.concat())),
        ("statements/all.yaml", &format!("policies:\n{statement}")),
    ]);
    let compilation = compile(&raw);
    let plain = compilation.bundle.unwrap_or_else(|| panic!("{:?}", compilation.findings));
    let mut proofs = prove_within(&plain, compile_stated(&raw, &[]).unwrap(), steps).unwrap();
    let told: Vec<_> = proofs.findings().iter().map(|finding| finding.id).collect();
    let verdict = proofs.proofs.remove(0).verdict;
    let expected: &[&str] = match &verdict {
        Verdict::Refuted(_) => &["refuted-statement"],
        Verdict::Undecided(_) => &["undecided-statement"],
        Verdict::Proved | Verdict::NotAsked => &[],
    };
    assert_eq!(told, expected);
    verdict
}

#[test]
fn what_cannot_be_enumerated_leaves_a_statement_undecided_only_where_it_is_needed() {
    let filtered = block("Filtered", PART, "");
    let high = block("High", &format!("{ALL}, {RISK}"), "");
    let cedar = block("Cedar", ALL, ", when: \"context.time.toTime() > duration(\\\"17h\\\")\"");
    let at_risk = block("Claim", &format!("{ALL}, {RISK}"), "");
    let of_part = block("Claim", PART, "");
    let cases = [
        (vec![high.clone(), filtered.clone()], &at_risk, "proved"),
        (vec![high.clone(), cedar.clone()], &at_risk, "proved"),
        (vec![filtered.clone()], &at_risk, "refuted"),
        (vec![filtered], &of_part, "undecided"),
        (vec![cedar], &at_risk, "undecided"),
    ];
    for (policies, statement, expected) in cases {
        let verdict = verdict(&policies, statement, Steps::each());
        let found = match &verdict {
            Verdict::Proved => "proved",
            Verdict::Refuted(_) => "refuted",
            Verdict::Undecided(_) => "undecided",
            Verdict::NotAsked => "disabled",
        };
        assert_eq!(found, expected, "{policies:#?}\n{statement}\n{verdict:?}");
    }
}

#[test]
fn a_statement_past_the_bound_of_steps_is_undecided() {
    // Two blocks cover the statement together, which takes a step to see; one that covers it alone takes none.
    let high = block("High", &format!("{ALL}, {RISK}"), "");
    let rest = block("Rest", &format!("{ALL}, servicePrincipalRiskLevels: [low, medium, none]"), "");
    let [at_risk, always] = [RISK, "servicePrincipalRiskLevels: [high, low, medium, none]"]
        .map(|levels| block("Claim", &format!("{ALL}, {levels}"), ""));
    let policies = [high, rest];
    let within = |statement: &String, steps| verdict(&policies, statement, Steps::together(steps));
    assert!(matches!(within(&at_risk, 0), Verdict::Proved));
    assert!(matches!(within(&always, 1_000), Verdict::Proved));
    assert!(
        matches!(within(&always, 0), Verdict::Undecided(reasons) if reasons == ["workloads: their policies combine in too many ways"])
    );
}

// Statements and policies are told apart by where they stand, but a second one of a name was an error across both.
#[test]
fn a_statement_may_have_the_name_of_a_policy() {
    let [policy, statement] = [RISK, RISK].map(|risk| block("High", &format!("{ALL}, {risk}"), ""));
    let allowed = block("High", ALL, "");
    for (statement, is_proved) in [(statement, true), (allowed, false)] {
        let [policies, statements] = [&policy, &statement].map(|line| format!("policies:\n{line}"));
        let raw = raw([("all.yaml", &*policies), ("statements/all.yaml", &*statements)]);
        let compilation = compile(&raw);
        assert!(compilation.findings.iter().all(|finding| finding.id != "duplicate-id"), "{:?}", compilation.findings);
        let proofs = prove(&compilation.bundle.unwrap(), compile_stated(&raw, &[]).unwrap()).unwrap();
        assert_eq!(proofs.proved() == 1, is_proved, "{:?}", proofs.proofs);
    }
}

// The endpoint where agents exchange tokens is never evaluated alone, but it is beside another resource, and with a user
// action: neither was looked at, so that this was proved.
#[test]
fn an_agent_that_asks_for_the_token_exchange_and_more_breaks_a_statement() {
    let about = |name: &str, apps: &str| {
        let conditions =
            format!("clientApplications: {{ includeAgentIdServicePrincipals: [All] }}, applications: {{ {apps} }}");
        block(name, &conditions, "")
    };
    const EXCHANGE: &str = "includeApplications: [fb60f99c-7a34-4190-8149-302f77469936]";
    let claim = about("Claim", EXCHANGE);
    let actions = about("Actions", "includeUserActions: [\"urn:user:registersecurityinfo\"]");
    let payroll = about("Payroll", "includeApplications: [payroll]");
    let exchange = about("Exchange", EXCHANGE);
    for (policies, is_proved) in [
        (vec![payroll.clone()], false),
        (vec![payroll.clone(), actions.clone()], false),
        (vec![payroll, actions, exchange], true),
    ] {
        let verdict = verdict(&policies, &claim, Steps::each());
        assert_eq!(matches!(verdict, Verdict::Proved), is_proved, "{policies:#?}\n{verdict:?}");
    }
}

// Whoever no policy names stood for all others under an id that the catalogue could give to a service principal. Bundles
// refuse to take that one for a user, so no other user was looked at, and this was proved.
#[test]
fn users_whom_nobody_names_break_a_statement_whatever_the_catalogue_holds() {
    let ann = block("Ann", "users: { includeUsers: [ann] }", "");
    let claim = block("Claim", "users: { includeUsers: [All] }", "");
    let of_agent_users = block("Claim", "users: { includeUsers: [AllAgentIdUsers] }", "");
    let taken =
        "servicePrincipals: [{ id: ffffffff-ffff-4fff-8fff-ffffffffffff, servicePrincipalType: Application }]\n";
    for claim in [claim, of_agent_users] {
        let verdict = verdict(&[ann.clone(), taken.to_owned()], &claim, Steps::each());
        assert!(matches!(verdict, Verdict::Refuted(_)), "{claim}\n{verdict:?}");
    }
}
