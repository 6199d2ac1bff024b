//! From the model to the compiled form: resolve, check, number, tabulate.

use super::bound::{Counts, Kind};
use super::bundle::{BundleIdentity, CompiledBundle};
use super::directory::Directory;
use super::eligibility::eligible;
use super::entity::EntityTable;
use super::gate::Gates;
use super::idmap::IdMap;
use super::location::{LocationSet, LocationTable, insert};
use super::network::{Layer, Layers, LocationIndex, NetworkTable};
use super::policy::{CompiledPolicy, PolicyHead, PolicyIndex};
use super::resolve::{Names, mfa_trusted_ips};
use super::subject::{Population, Subjects};
use super::wide::WideMasks;
use super::workload::Workloads;
use super::{country, lint, rules, shaping};
use crate::limits;
use crate::model::bundle::BundleSettings;
use crate::model::location::{Country, CountryLookup, Ranges};
use crate::model::policy::Policy;
use crate::model::{Bundle, Id, IpRange, LocationKind, NamedLocation, ServicePrincipal, State};
use crate::text::{Diagnostic, Diagnostics, Span};

/// Compiles `bundle`. `database` is the content of the country database, if the settings name one.
///
/// Errors go to `diagnostics`, all of them; with at least one the result is `None`.
/// Cost: (P + C) log C in policies and ranges. Of the model every part is dropped when nothing needs it any more.
pub fn build(
    bundle: Bundle,
    digest: &str,
    database: Option<&[u8]>,
    diagnostics: &mut Diagnostics,
) -> Option<CompiledBundle> {
    build_with(bundle, Statements::Left, digest, database, diagnostics)
}

/// What becomes of the statements of a bundle. Their problems are told either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statements {
    /// They are left out: nothing of them is in the compiled bundle.
    Left,
    /// They are in force, as policies behind all others.
    InForce,
}

/// As [`build`], with `statements`.
pub(super) fn build_with(
    mut bundle: Bundle,
    statements: Statements,
    digest: &str,
    database: Option<&[u8]>,
    diagnostics: &mut Diagnostics,
) -> Option<CompiledBundle> {
    let counts = Counts::of(&bundle);
    if !within_limits(&bundle, counts, diagnostics) {
        return None;
    }
    let errors_before = diagnostics.errors();
    let (countries, unmapped) = match countries(&bundle.settings, database) {
        Ok(countries) => (countries, None),
        Err(problem) => (Vec::new(), Some(problem)),
    };
    let ranged = lint::ranges(&bundle);
    let entities = EntityTable::new(&mut bundle, diagnostics);
    // WHY first: it takes the most memory by far, and what is made later then finds room where the ranges were.
    let network = NetworkTable::new(layers(&mut bundle, countries));
    let mut problems = Vec::new();
    let mut names = Names::new(&bundle, &mut problems);
    diagnostics.extend(problems.drain(..));
    let mut resolved = Resolved::default();
    resolved.add(&bundle, "policy", &bundle.policies, &mut names, diagnostics);
    let Resolved { heads, policies, .. } = &resolved;
    lint::settings(&bundle, heads, policies, &names, diagnostics);
    lint::bundle(&bundle, policies, &names, (&ranged, network.as_ref().ok()), diagnostics);
    shaping::check(&bundle, policies, diagnostics);
    let mut directory_objects = IdMap::default();
    if statements == Statements::Left {
        // WHY: what only statements name must not be in what decides.
        directory_objects = std::mem::take(&mut names.directory_objects);
    }
    let (heads_before, policies_before) = (heads.len(), policies.len());
    resolved.add(&bundle, "statement", &bundle.statements, &mut names, diagnostics);
    lint::statements(&bundle, heads_before, resolved.policies.get(policies_before..), &names, diagnostics);
    if statements == Statements::Left {
        resolved.heads.truncate(heads_before);
        resolved.policies.truncate(policies_before);
    } else {
        directory_objects = std::mem::take(&mut names.directory_objects);
    }
    let Resolved { heads, policies, .. } = resolved;
    diagnostics.extend(unmapped);
    if diagnostics.errors() > errors_before {
        return None;
    }
    let (all_trusted, by_name) = (names.all_trusted(), names.locations_with_names());
    drop(names);
    let directory_names = directory_names(&bundle, &directory_objects);
    let directory = Directory::new(directory_objects, directory_names);
    let ranges = counts.count(Kind::Ranges);
    let parts = Parts { heads, policies, ranges, all_trusted, by_name, directory, entities };
    let assembled = network.and_then(|network| assemble(bundle, digest, network, parts));
    assembled.map_err(|what| diagnostics.push(Diagnostic::new(&rules::TOO_MANY, Span::NONE, what))).ok()
}

/// What was made of the model so far.
struct Parts {
    heads: Vec<PolicyHead>,
    policies: Vec<CompiledPolicy>,
    ranges: usize,
    all_trusted: LocationIndex,
    by_name: LocationSet,
    directory: Directory,
    entities: EntityTable,
}

fn within_limits(bundle: &Bundle, counts: Counts, diagnostics: &mut Diagnostics) -> bool {
    for kind in counts.crossed() {
        let what = format!("{} {}, {} are the most", counts.count(kind), kind.name(), kind.most());
        diagnostics.push(Diagnostic::new(&rules::TOO_MANY, Span::NONE, what));
    }
    // WHY: a filter would take an attribute that was left out for one that the object does not have.
    let is_cut = |principal: &&ServicePrincipal| principal.attributes.as_ref().is_some_and(|all| all.is_cut());
    let cut: Vec<_> = bundle.principals.iter().filter(is_cut).collect();
    for principal in &cut {
        let what = format!("more than {} custom security attributes on one object", limits::ATTRIBUTES_MAX);
        diagnostics.push(Diagnostic::new(&rules::TOO_MANY, principal.id.span, what));
    }
    cut.is_empty() && counts.crossed().next().is_none()
}

fn ranges_of(location: &NamedLocation) -> Option<&Ranges> {
    match &location.kind {
        LocationKind::Ip { ranges, .. } => Some(ranges),
        _ => None,
    }
}

/// Policies with their references resolved.
#[derive(Default)]
struct Resolved<'m> {
    heads: Vec<PolicyHead>,
    policies: Vec<CompiledPolicy>,
    /// By kind and id, the first that has it, and whether that takes part. A statement may have the name of a policy.
    first: std::collections::HashMap<(&'static str, Id), (&'m Policy, bool), foldhash::fast::RandomState>,
}

impl<'m> Resolved<'m> {
    /// Resolves `policies`, which are called `kind`. Those that take no part are resolved too, so that their problems show,
    /// as warnings.
    fn add(
        &mut self,
        bundle: &Bundle,
        kind: &'static str,
        policies: &'m [Policy],
        names: &mut Names<'m>,
        diagnostics: &mut Diagnostics,
    ) {
        let next = u32::try_from(self.heads.len()).unwrap_or(u32::MAX);
        for (index, policy) in (next..).map(PolicyIndex).zip(policies) {
            let is_ignored = bundle.settings.ignores(policy);
            let takes_part = bundle.settings.admits(policy);
            let id = policy.id.as_ref().unwrap_or(&policy.display_name);
            self.heads.push(PolicyHead {
                id: id.value.clone(),
                display_name: policy.display_name.value.clone(),
                state: policy.state,
                takes_part,
                is_ignored: is_ignored && policy.state != State::Disabled && !policy.is_deleted,
            });
            let mut problems = Vec::new();
            self.duplicate(kind, policy, takes_part, diagnostics);
            if is_ignored && kind != "policy" {
                diagnostics.extend(ignored_beside(bundle, policy));
            }
            let resolved = names.policy(policy, index, &mut problems);
            if takes_part {
                // WHY: a scope that could not be read is no empty one, and an error has said so.
                if diagnostics.errors() == 0 {
                    lint::policy(policy, &resolved, &mut problems);
                }
                self.policies.push(resolved);
                diagnostics.extend(problems);
            } else {
                diagnostics.extend(problems.into_iter().map(Diagnostic::as_warning));
            }
            if is_ignored {
                let what = format!("`{}` is ignored", policy.display_name.value);
                diagnostics.push(Diagnostic::new(&rules::IGNORED_POLICY, policy.display_name.span, what));
            }
        }
        self.heads.shrink_to_fit();
        self.policies.shrink_to_fit();
    }

    fn duplicate(&mut self, kind: &'static str, policy: &'m Policy, takes_part: bool, diagnostics: &mut Diagnostics) {
        let id = policy.id.as_ref().unwrap_or(&policy.display_name);
        let (other, other_takes_part) = *self.first.entry((kind, Id::new(&id.value))).or_insert((policy, takes_part));
        if !std::ptr::eq(other, policy) {
            let what = format!("a second {kind} with the id `{}`", id.value);
            let help = format!("give each {kind} an id of its own, or a name of its own where it has no id");
            let diagnostic =
                Diagnostic::new(&rules::DUPLICATE_ID, id.span, what).help(help).related(span_of(other), "the first");
            // A policy that takes no part never refuses a bundle.
            let is_harmless = !(takes_part && other_takes_part);
            diagnostics.push(if is_harmless { diagnostic.as_warning() } else { diagnostic });
        }
    }
}

/// Who ignores a policy by a name means no statement of that name: it would claim nothing, and nobody would know.
fn ignored_beside(bundle: &Bundle, statement: &Policy) -> Option<Diagnostic> {
    let ignored = bundle.settings.ignored_policies.iter().filter(|ignored| statement.is_called(&ignored.value));
    let mut both = ignored.filter_map(|ignored| {
        let policy = bundle.policies.iter().find(|policy| policy.is_called(&ignored.value))?;
        let what = format!("`ignoredPolicies` names `{}`, a policy and a statement", ignored.value);
        let diagnostic = Diagnostic::new(&rules::DUPLICATE_ID, statement.display_name.span, what);
        Some(diagnostic.help("give the statement another name").related(policy.display_name.span, "the policy"))
    });
    both.next()
}

/// Where the id of `policy` stands, or the name that stands for one.
fn span_of(policy: &Policy) -> Span {
    policy.id.as_ref().unwrap_or(&policy.display_name).span
}

fn countries(settings: &BundleSettings, database: Option<&[u8]>) -> Result<Vec<(IpRange, Country)>, Diagnostic> {
    let Some(name) = &settings.country_database else { return Ok(Vec::new()) };
    let read = match database {
        Some(bytes) => country::ranges(bytes),
        None => Err("the bundle has no such file".to_owned()),
    };
    read.map_err(|problem| {
        let what = format!("`{}` cannot be used: {problem}", name.value);
        Diagnostic::new(&rules::COUNTRY_DATABASE, name.span, what)
    })
}

fn directory_names(bundle: &Bundle, numbers: &IdMap<u32>) -> Vec<Id> {
    let mut names = vec![Id::NIL; numbers.len()];
    for policy in bundle.policies.iter().chain(&bundle.statements) {
        let users = &policy.conditions.users;
        let lists = [&users.include_groups, &users.exclude_groups, &users.include_roles, &users.exclude_roles];
        for id in lists.into_iter().flatten() {
            if let Some(name) = numbers.value(id.value.as_ref()).and_then(|number| names.get_mut(*number as usize)) {
                name.clone_from(&id.value);
            }
        }
    }
    names
}

/// Wide: covers every workload but the listed, and has no other condition than location and risk.
fn is_wide(policy: &CompiledPolicy) -> bool {
    let scope = &policy.workloads;
    scope.includes_all && scope.filter.is_none() && !scope.excludes_all && policy.is_plain()
}

fn assemble(bundle: Bundle, digest: &str, network: NetworkTable, parts: Parts) -> Result<CompiledBundle, String> {
    let Bundle { settings, policies: read, locations: named, principals: catalogue, .. } = bundle;
    drop(read);
    let Parts { heads, mut policies, ranges, all_trusted, by_name, directory, entities } = parts;
    policies.sort_by_key(|policy| !is_wide(policy));
    let wide_count = policies.iter().take_while(|policy| is_wide(policy)).count();
    let population = |subjects| Population::new(&policies, subjects, directory.len(), usize::from(all_trusted) + 1);
    let mut catalogue_by_app = IdMap::default();
    for (index, principal) in (0u32..).zip(&catalogue) {
        if let Some(app_id) = &principal.app_id {
            catalogue_by_app.entry(app_id.as_ref(), || index);
        }
    }
    let locations =
        LocationTable { by_name, ..location_table(&named, !settings.mfa_trusted_ips.is_empty(), all_trusted) };
    let gates = Gates::new(&policies);
    Ok(CompiledBundle {
        network,
        obliging: shaping::obliging(&policies),
        wide: WideMasks::new(&policies, wide_count, usize::from(all_trusted) + 1),
        workloads: Workloads::new(&policies, &gates, wide_count, &catalogue, |principal| {
            eligible(settings.eligibility, settings.tenant_id.as_ref(), principal)
        })?,
        gates,
        users: population(Subjects::Users),
        agents: population(Subjects::AgentIdentities),
        locations,
        catalogue,
        catalogue_by_app,
        directory,
        entities,
        heads,
        identity: identity(settings, digest, ranges),
        policies,
    })
}

fn identity(settings: BundleSettings, digest: &str, ranges: usize) -> BundleIdentity {
    BundleIdentity {
        name: settings.name.unwrap_or_else(|| "bundle".into()),
        revision: settings.revision.unwrap_or_else(|| digest.get(..12).unwrap_or(digest).into()),
        digest: digest.into(),
        sequence: settings.sequence,
        expires: settings.expires.map(|expires| expires.value),
        tenant_id: settings.tenant_id,
        default_decision: settings.default_decision,
        missing_ip: settings.missing_ip,
        eligibility: settings.eligibility,
        has_country_database: settings.country_database.is_some(),
        ranges,
    }
}

/// All ranges with what lies in them. Those of the locations are taken out of the model, which has no other use for them.
fn layers(bundle: &mut Bundle, countries: Vec<(IpRange, Country)>) -> Layers {
    let trusted = &bundle.settings.mfa_trusted_ips;
    let of_family = |count: fn(&Ranges) -> usize, is_v4: bool| -> usize {
        let mapped = countries.iter().filter(|(range, _)| matches!(range, IpRange::V4(..)) == is_v4).count();
        bundle.locations.iter().filter_map(ranges_of).map(count).sum::<usize>() + count(trusted) + mapped
    };
    let (v4, v6) = (of_family(|ranges| ranges.v4().len(), true), of_family(|ranges| ranges.v6().len(), false));
    let mut layers = Layers::with_capacity(v4, v6);
    layers.add_all(trusted, Layer::Location(mfa_trusted_ips(bundle)));
    for (index, location) in (0..).zip(&mut bundle.locations) {
        if let LocationKind::Ip { ranges, .. } = &mut location.kind {
            layers.add_all(&std::mem::take(ranges), Layer::Location(index));
        }
    }
    countries.into_iter().for_each(|(range, country)| layers.add(range, Layer::Country(country)));
    layers
}

fn location_table(locations: &[NamedLocation], has_mfa_trusted_ips: bool, all_trusted: LocationIndex) -> LocationTable {
    let mut table = LocationTable {
        names: locations.iter().map(|location| location.display_name.value.clone()).collect(),
        ids: locations.iter().map(|location| location.id.as_ref().map(|id| id.value.clone())).collect(),
        words: usize::from(all_trusted) / 64 + 1,
        all_trusted,
        by_name: LocationSet::default(),
        by_address: LocationSet::default(),
        by_country: LocationSet::default(),
        by_gps: LocationSet::default(),
        by_compliant_network: LocationSet::default(),
        trusted: LocationSet::default(),
        has_countries: false,
        has_gps: false,
        has_compliant_network: false,
        of_country: vec![Box::default(); Country::COUNT + 1],
        of_gps: vec![Box::default(); Country::COUNT + 1],
    };
    let mut of_country = vec![Vec::new(); Country::COUNT + 1];
    let mut of_gps = vec![Vec::new(); Country::COUNT + 1];
    for (index, location) in (0..).zip(locations) {
        match &location.kind {
            LocationKind::Ip { is_trusted, .. } => {
                insert(&mut table.by_address, index);
                if *is_trusted {
                    insert(&mut table.trusted, index);
                }
            }
            LocationKind::Country { countries, include_unknown, lookup } => {
                let (set, rows) = match lookup {
                    CountryLookup::ClientIpAddress => (&mut table.by_country, &mut of_country),
                    CountryLookup::AuthenticatorAppGps => (&mut table.by_gps, &mut of_gps),
                };
                insert(set, index);
                let unknown = include_unknown.then_some(Country::COUNT);
                for row in countries.iter().map(|country| country.index()).chain(unknown) {
                    if let Some(row) = rows.get_mut(row) {
                        row.push(index);
                    }
                }
            }
            LocationKind::CompliantNetwork { is_trusted } => {
                insert(&mut table.by_compliant_network, index);
                if *is_trusted {
                    insert(&mut table.trusted, index);
                }
            }
            LocationKind::Unjudgeable { .. } => {}
        }
    }
    if has_mfa_trusted_ips {
        insert(&mut table.by_address, all_trusted - 1);
        insert(&mut table.trusted, all_trusted - 1);
    }
    let any = |set: &LocationSet| set.iter().any(|word| *word != 0);
    table.has_countries = any(&table.by_country);
    table.has_gps = any(&table.by_gps);
    table.has_compliant_network = any(&table.by_compliant_network);
    table.of_country = of_country.into_iter().map(Vec::into_boxed_slice).collect();
    table.of_gps = of_gps.into_iter().map(Vec::into_boxed_slice).collect();
    table
}
