//! Regions in people's words.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use foldhash::fast::RandomState;

use super::axis::{Axis, Group};
use super::bits::Bits;
use super::fact::{Fact, What, Who};
use super::network::Ground;
use super::outcome::Outcome;
use super::universe::Universe;
use super::walk::{Path, Space};
use crate::compile::CompiledControl;
use crate::evaluate::MergedSession;
use crate::model::location::{Country, CountryFact};
use crate::model::set::Word;
use crate::model::shaping::Obligation;
use crate::model::{AuthenticationMethod, Condition, Id, IpRange, Set, TransferMethod};

/// One dimension of a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facet {
    /// What it is about.
    pub condition: Condition,
    /// What a request says, each enough. Never empty.
    pub values: Vec<String>,
    /// Whether it is all but these.
    pub is_all_but: bool,
}

/// The dimensions in which `path` is not everything.
pub fn facets(universe: &Universe<'_>, places: &mut Places<'_>, space: &Space, path: &Path) -> Vec<Facet> {
    let mut facets = Vec::new();
    for (axis, groups) in space.axes.iter().zip(&path.groups) {
        let Some(groups) = groups else { continue };
        let facet = match axis.condition {
            Condition::Location => vec![places.facet(axis, groups)],
            condition => {
                let chosen = values(universe, axis, groups);
                let others = values(universe, axis, &Bits::all(axis.groups.len()).minus(groups));
                // WHY: what is said of both cannot be said by leaving out.
                let is_all_but =
                    (1..=3).contains(&others.len()) && chosen.len() > others.len() && chosen.is_disjoint(&others);
                let values = if is_all_but { others } else { chosen };
                vec![Facet { condition, values: values.into_iter().collect(), is_all_but }]
            }
        };
        facets.extend(facet);
    }
    facets
}

/// Whether `path` supposes of a condition in Cedar what no request has shown.
pub fn supposes(space: &Space, path: &Path) -> bool {
    space.axes.iter().zip(&path.groups).any(|(axis, groups)| axis.condition == Condition::When && groups.is_some())
}

/// Whether some dimension of `path` is nothing but what `is_one`.
pub fn is_only(space: &Space, path: &Path, is_one: impl Fn(&Fact) -> bool) -> bool {
    let is_one = |axis: &Axis, group: usize| {
        let atoms = axis.groups.get(group).map_or(&[][..], |group| &group.atoms);
        atoms.iter().all(|atom| axis.atoms.get(*atom).is_some_and(&is_one))
    };
    let all = |(axis, groups): (&Rc<Axis>, &Option<Bits>)| {
        groups.as_ref().is_some_and(|groups| groups.iter().all(|group| is_one(axis, group)))
    };
    space.axes.iter().zip(&path.groups).any(all)
}

/// Whether `path` supposes a registered device with the device code flow alone, where no device is one's own.
pub fn is_nobodys_device(space: &Space, path: &Path) -> bool {
    is_only(space, path, |fact| *fact == Fact::Flow(TransferMethod::DeviceCodeFlow))
        && is_only(space, path, |fact| matches!(fact, Fact::Device(Some(_))))
}

/// The witness atoms of `path`: a group of each axis, of which a request can be made, the first of those
/// with the least `rank`; `None` when there is none.
pub fn facts<'s, R: Ord>(space: &'s Space, path: &Path, rank: impl Fn(&Fact) -> R) -> Option<Vec<&'s Fact>> {
    let example = |(axis, groups): (&'s Rc<Axis>, &Option<Bits>)| {
        let is_in = |index: &usize| groups.as_ref().is_none_or(|groups| groups.contains(*index));
        let known = |index: usize| axis.groups.get(index)?.witness;
        let known = (0..axis.groups.len()).filter(is_in).filter_map(known).filter_map(|atom| axis.atoms.get(atom));
        known.min_by_key(|fact| rank(fact))
    };
    space.axes.iter().zip(&path.groups).map(example).collect()
}

/// Something that a request of `path` may say, and that `is_wanted`.
pub fn example<'s>(space: &'s Space, path: &Path, is_wanted: impl Fn(&Fact) -> bool) -> Option<&'s Fact> {
    space.axes.iter().zip(&path.groups).find_map(|(axis, groups)| {
        let is_in = |index: &usize| groups.as_ref().is_none_or(|groups| groups.contains(*index));
        let groups = (0..axis.groups.len()).filter(is_in).filter_map(|index| axis.groups.get(index));
        groups.flat_map(|group| &group.atoms).filter_map(|atom| axis.atoms.get(*atom)).find(|fact| is_wanted(fact))
    })
}

fn values(universe: &Universe<'_>, axis: &Axis, groups: &Bits) -> BTreeSet<String> {
    let atoms = groups.iter().filter_map(|group| axis.groups.get(group)).flat_map(|Group { atoms, .. }| atoms);
    atoms.filter_map(|atom| axis.atoms.get(*atom)).map(|atom| value(universe, atom)).collect()
}

fn value(universe: &Universe<'_>, fact: &Fact) -> String {
    let or = |word: Option<&'static str>, absent: &str| word.unwrap_or(absent).to_owned();
    match fact {
        Fact::Identity(who) => somebody(universe, who),
        Fact::Group(id, true) => format!("in group {id}"),
        Fact::Group(id, false) => format!("not in group {id}"),
        Fact::Role(id, true) => format!("with role {id}"),
        Fact::Role(id, false) => format!("without role {id}"),
        Fact::Resource(what) => target(universe, what),
        Fact::Network(network) => format!("{network:?}"),
        Fact::ServicePrincipalRisk(level)
        | Fact::SignInRisk(level)
        | Fact::UserRisk(level)
        | Fact::AgentRisk(level) => level.as_str().to_owned(),
        Fact::InsiderRisk(level) => level.as_str().to_owned(),
        Fact::ClientApp(app) => or(app.map(Word::as_str), "unknown"),
        Fact::Platform(platform) => or(platform.map(Word::as_str), "unknown"),
        Fact::Flow(flow) => flow.as_str().to_owned(),
        Fact::Device(None) => "unregistered".to_owned(),
        Fact::Device(Some(device)) => super::told::device(device),
        Fact::Condition { text, may_hold: true, side } => format!("`{text}` holds{side}"),
        Fact::Condition { text, may_hold: false, side } => format!("`{text}` does not hold{side}"),
    }
}

/// Who asks, in a few words.
pub fn somebody(universe: &Universe<'_>, who: &Who) -> String {
    let mut text = if who.is_named { name(universe, &who.id) } else { "anybody else".to_owned() };
    let mut more = Vec::new();
    if who.kind == crate::model::IdentityKind::ManagedIdentity {
        more.push("as a managed identity".to_owned());
    }
    let tenants = universe.sides.map(|bundle| bundle.identity().tenant_id.as_ref());
    match &who.owner_tenant {
        Some(owner) if tenants != [None, None] && !tenants.contains(&Some(owner)) => {
            more.push("of another tenant".to_owned())
        }
        _ => {}
    }
    if who.audience.is_some_and(|audience| audience != crate::model::SignInAudience::MyOrg) {
        more.push("for several tenants".to_owned());
    }
    if let Some(attributes) = &who.attributes {
        more.push(super::told::attributes(attributes));
    }
    more.extend(
        who.guest_type.filter(|kind| *kind != crate::model::GuestType::None).map(|kind| kind.as_str().to_owned()),
    );
    if who.kind == crate::model::IdentityKind::User {
        if who.guest_type.is_none() {
            more.push("guest or not unknown".to_owned());
        }
        if !who.has_groups || !who.has_roles {
            let unknown = match (who.has_groups, who.has_roles) {
                (true, false) => "roles unknown",
                (false, true) => "groups unknown",
                _ => "groups and roles unknown",
            };
            more.push(unknown.to_owned());
        }
    }
    more.extend(who.home_tenant.as_ref().map(|home| format!("home tenant {home}")));
    more.extend(who.blueprint.as_ref().map(|blueprint| format!("of blueprint {}", name(universe, blueprint))));
    if !more.is_empty() {
        text += &format!(" ({})", more.join(", "));
    }
    text
}

/// The catalogue's name of an object, or its id.
fn name(universe: &Universe<'_>, id: &Id) -> String {
    let known = universe.sides.iter().rev().find_map(|bundle| bundle.principal_of(id.as_ref())?.display_name.as_ref());
    known.map_or_else(|| id.to_string(), |name| name.value.to_string())
}

fn target(universe: &Universe<'_>, what: &What) -> String {
    let named = |id: &Id| {
        let known =
            universe.sides.iter().rev().find_map(|bundle| bundle.principal_of_app(id.as_ref())?.display_name.as_ref());
        known.map_or_else(|| id.to_string(), |name| name.value.to_string())
    };
    let mut text = match &what.app_id {
        None if what.is_baseline => "no stated resource".to_owned(),
        Some(_) if what.is_other => "any other application".to_owned(),
        Some(id) => named(id),
        None if what.user_action.is_some() || what.context.is_some() => String::new(),
        None => "no stated resource".to_owned(),
    };
    let mut add = |more: String| {
        if !text.is_empty() {
            text.push(' ');
        }
        text += &more;
    };
    if what.has_exchange {
        add("and the token exchange".to_owned());
    }
    if what.is_baseline {
        add("with baseline scopes only".to_owned());
    }
    if let Some(context) = &what.context {
        add(format!("context {context}"));
    }
    if let Some(action) = what.user_action {
        add(format!("action {}", action.as_str()));
    }
    if let Some(kind) = what.kind {
        add(format!("({})", kind.as_str()));
    }
    if let Some(attributes) = &what.attributes {
        add(format!("({})", super::told::attributes(attributes)));
    }
    text
}

/// The part of a network fact that is not its address.
type Beside = (Option<CountryFact>, Option<Country>, Option<bool>);

/// Sets of places in words. Many regions are about the same ones, and there may be hundreds of thousands of stretches.
#[derive(Debug)]
pub struct Places<'g> {
    ground: &'g Ground,
    known: HashMap<Bits, Facet, RandomState>,
}

impl<'g> Places<'g> {
    /// The places of `ground`, which are those of every network axis of its spaces.
    pub fn of(ground: &'g Ground) -> Self {
        Self { ground, known: HashMap::default() }
    }

    /// The places of `groups`, by what else is known of the network where that matters.
    fn facet(&mut self, axis: &Axis, groups: &Bits) -> Facet {
        let ground = self.ground;
        self.known.entry(groups.clone()).or_insert_with(|| places(ground, axis, groups)).clone()
    }
}

fn places(ground: &Ground, axis: &Axis, groups: &Bits) -> Facet {
    let chosen = by_beside(ground, axis, groups);
    let others = by_beside(ground, axis, &Bits::all(axis.groups.len()).minus(groups));
    let every = chosen.iter().chain(&others).map(|(beside, ..)| beside).collect::<HashSet<_>>().len();
    let mut told = Vec::<(String, Vec<&Beside>)>::new();
    for (beside, classes, is_addressless) in &chosen {
        let rest = others.iter().find(|(other, ..)| other == beside).map(|(_, classes, _)| ground.ranges(classes));
        let text = addresses(ground, classes, &rest.unwrap_or_default(), *is_addressless);
        match told.iter_mut().find(|(known, _)| *known == text) {
            Some((_, besides)) => besides.push(beside),
            None => told.push((text, vec![beside])),
        }
    }
    let values = told.into_iter().map(|(text, besides)| {
        if besides.len() == every {
            return text;
        }
        let besides: Vec<_> = besides.iter().take(PLACES_SHOWN).map(|beside| beside_words(beside)).collect();
        format!("{text} ({})", besides.join("; "))
    });
    Facet { condition: Condition::Location, values: values.collect(), is_all_but: false }
}

fn addresses(ground: &Ground, classes: &Bits, rest: &[IpRange], is_addressless: bool) -> String {
    let mut told = Vec::new();
    if !classes.is_empty() {
        let own = if rest.is_empty() { Vec::new() } else { ground.ranges(classes) };
        told.push(match rest {
            [] => "any address".to_owned(),
            rest if rest.len() < own.len() => format!("any address but {}", ranges(rest)),
            _ => ranges(&own),
        });
    }
    told.extend(is_addressless.then(|| "no address".to_owned()));
    told.join(", or ")
}

fn beside_words((country, gps, compliant): &Beside) -> String {
    let mut more = vec![match country {
        None => "country not stated".to_owned(),
        Some(CountryFact::Unmapped) => "country like unknown".to_owned(),
        Some(CountryFact::Known(country)) => format!("country like {}", country.as_str()),
    }];
    more.extend(gps.map(|country| format!("GPS country like {}", country.as_str())));
    more.extend(compliant.map(|is_in| format!("{} the compliant network", if is_in { "in" } else { "not in" })));
    more.join(", ")
}

/// Most countries that are written out.
const PLACES_SHOWN: usize = 12;

fn by_beside(ground: &Ground, axis: &Axis, groups: &Bits) -> Vec<(Beside, Bits, bool)> {
    let mut found: Vec<(Beside, Bits, bool)> = Vec::new();
    let mut positions = HashMap::<Beside, usize, RandomState>::default();
    let atoms = groups.iter().filter_map(|group| axis.groups.get(group)).flat_map(|group| &group.atoms);
    for number in atoms {
        let Some(Fact::Network(network)) = axis.atoms.get(*number) else { continue };
        let beside = (network.country, network.gps_country, network.compliant_network);
        let next = found.len();
        let position = *positions.entry(beside).or_insert(next);
        if position == next {
            found.push((beside, Bits::none(ground.classes()), false));
        }
        if let Some((_, classes, is_addressless)) = found.get_mut(position) {
            match ground.class_of(*number) {
                Some(class) => classes.insert(class),
                None => *is_addressless = true,
            }
        }
    }
    found
}

/// Most ranges that are written out.
const RANGES_SHOWN: usize = 6;

fn ranges(ranges: &[IpRange]) -> String {
    let mut shown: Vec<_> = ranges.iter().take(RANGES_SHOWN).map(|range| range.told()).collect();
    if ranges.len() > RANGES_SHOWN {
        shown.push(format!("{} more ranges", ranges.len() - RANGES_SHOWN));
    }
    shown.join(", ")
}

/// What an outcome is, in a word or a sentence.
pub fn outcome(universe: &Universe<'_>, outcome: &Outcome, session: Option<&MergedSession<'_>>) -> String {
    let Outcome::Open { clauses, .. } = outcome else { return "block".to_owned() };
    let name =
        |control: &u32| universe.controls.0.get(*control as usize).map(|it| asked(universe, it)).unwrap_or_default();
    let clause = |clause: &Vec<u32>| clause.iter().map(name).collect::<Vec<_>>().join(" or ");
    let mut text = if clauses.is_empty() {
        "allow".to_owned()
    } else {
        format!("require {}", clauses.iter().map(clause).collect::<Vec<_>>().join(" and "))
    };
    if let Some(session) = session {
        let obligation = |owed: &&Obligation| format!("obligation {} {} {}", owed.id, owed.kind, owed.properties);
        let words: Vec<_> = session.words().into_iter().chain(session.obligations.iter().map(obligation)).collect();
        text += &format!(" with session {}", words.join(", "));
    }
    text
}

/// A control by its name; one of several strengths of that name by its methods too.
fn asked(universe: &Universe<'_>, control: &CompiledControl) -> String {
    let name = control.name().name();
    let CompiledControl::AuthenticationStrength { combinations, .. } = control else { return name };
    if universe.controls.0.iter().filter(|other| other.name() == control.name()).count() < 2 {
        return name;
    }
    let one = |methods: &Set<AuthenticationMethod>| methods.iter().map(Word::as_str).collect::<Vec<_>>().join("+");
    let all: Vec<_> = combinations.iter().map(one).collect();
    format!("{name} ({})", if all.is_empty() { "by id only".to_owned() } else { all.join(", ") })
}
