//! Where from, cut into what the locations of two bundles tell apart.
//!
//! The disjoint stretches of both network tables are merged in one pass. Stretches that lie in the same locations, as
//! far as policies name them, are one atom, whatever their number; the merged stretches are kept to tell ranges again.
//! Countries, GPS and the compliant network multiply the atoms only where a bundle has such locations.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use foldhash::fast::RandomState;

use super::axis::{Axis, AxisBuilder, Meaning};
use super::bits::{Bits, each, subtract, unite};
use super::fact::Fact;
use super::universe::{Universe, View};
use crate::compile::{CompiledBundle, CompiledPolicy, LocationIndex, LocationTable};
use crate::evaluate::probe::Probe;
use crate::model::location::{Country, CountryFact};
use crate::model::request::Network;
use crate::model::{Condition, IpRange};

/// The merged stretches of two bundles.
#[derive(Debug)]
pub struct Ground {
    /// Where each IPv4 stretch begins, and its class; ascending.
    v4: Vec<(u32, u32)>,
    /// The same of IPv6.
    v6: Vec<(u128, u32)>,
    /// The classes: an address, and the country by each bundle's database.
    classes: Vec<Class>,
    /// The class of each atom of the axis; `None` of those without an address.
    by_atom: Vec<Option<u32>>,
}

#[derive(Debug)]
struct Class {
    address: IpAddr,
    countries: [Option<CountryFact>; 2],
}

/// The key of a class: the named locations of each side, and the countries.
type Key = (Vec<LocationIndex>, usize, [Option<CountryFact>; 2]);

impl Ground {
    /// Merges the tables of both sides. Cost: linear in the stretches, and in the locations of different places.
    pub fn new(universe: &Universe<'_>) -> Self {
        let [before, after] = universe.sides;
        let mut ground = Self { v4: Vec::new(), v6: Vec::new(), classes: Vec::new(), by_atom: Vec::new() };
        let mut classes = Classes {
            bundles: universe.sides,
            named: [named(before), named(after)],
            has_countries: universe.sides.iter().any(|bundle| bundle.location_table().has_countries),
            pairs: HashMap::default(),
            keys: HashMap::default(),
        };
        merge(before.network().v4(), after.network().v4(), |first, places| {
            let class = classes.class(places, IpAddr::V4(Ipv4Addr::from(first)), &mut ground.classes);
            push(&mut ground.v4, first, class);
        });
        merge(before.network().v6(), after.network().v6(), |first, places| {
            let class = classes.class(places, IpAddr::V6(Ipv6Addr::from(first)), &mut ground.classes);
            push(&mut ground.v6, first, class);
        });
        ground
    }

    /// The ranges whose class is in `classes`, IPv4 first, neighbours joined.
    pub fn ranges(&self, classes: &Bits) -> Vec<IpRange> {
        let mut ranges = Vec::new();
        let v4 = runs(&self.v4, u32::MAX, |next| next - 1, classes);
        ranges.extend(v4.into_iter().map(|(first, last)| IpRange::V4(first, last)));
        let v6 = runs(&self.v6, u128::MAX, |next| next - 1, classes);
        ranges.extend(v6.into_iter().map(|(first, last)| IpRange::V6(first, last)));
        ranges
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes.len()
    }

    /// The class of an atom of the axis, by its number; `None` when it has no address.
    pub fn class_of(&self, atom: usize) -> Option<usize> {
        self.by_atom.get(atom).copied().flatten().map(|class| class as usize)
    }
}

/// Whether both bundles have the same locations, called the same, and the same countries, at the same addresses. A
/// needless no is possible. Cost: linear in the stretches of both.
pub fn has_one_map([before, after]: [&CompiledBundle; 2]) -> bool {
    if std::ptr::eq(before, after) {
        return true;
    }
    let table = |bundle: &CompiledBundle| {
        let table = bundle.location_table();
        let sets = [table.by_address, table.by_country, table.by_gps, table.by_compliant_network, table.trusted];
        (table.names.clone(), table.ids.clone(), sets, table.of_country.clone(), table.of_gps.clone())
    };
    let settings = |bundle: &CompiledBundle| (bundle.identity().missing_ip, bundle.identity().has_country_database);
    let (one, other) = (before.network(), after.network());
    let same = |places: [u32; 2]| one.numbered(places[0]) == other.numbered(places[1]);
    settings(before) == settings(after)
        && table(before) == table(after)
        && one.v4().count() == other.v4().count()
        && one.v6().count() == other.v6().count()
        && one.v4().zip(other.v4()).all(|(one, other)| one.0 == other.0 && same([one.1, other.1]))
        && one.v6().zip(other.v6()).all(|(one, other)| one.0 == other.0 && same([one.1, other.1]))
}

/// Whether both bundles know the same country, or none, of every address. Cost: linear in the stretches of both.
pub fn has_one_atlas([before, after]: [&CompiledBundle; 2]) -> bool {
    let sides = [before, after];
    if std::ptr::eq(before, after) || sides.iter().all(|bundle| !bundle.identity().has_country_database) {
        return true;
    }
    let mut is_one = sides.iter().all(|bundle| bundle.identity().has_country_database);
    let mut compare = |places: [u32; 2]| {
        let [one, other] = places;
        is_one &= before.network().numbered(one).country == after.network().numbered(other).country;
    };
    merge(before.network().v4(), after.network().v4(), |_, places| compare(places));
    merge(before.network().v6(), after.network().v6(), |_, places| compare(places));
    is_one
}

fn push<A>(stretches: &mut Vec<(A, u32)>, first: A, class: u32) {
    if stretches.last().is_none_or(|(_, last)| *last != class) {
        stretches.push((first, class));
    }
}

fn runs<A: Copy>(stretches: &[(A, u32)], most: A, before: impl Fn(A) -> A, classes: &Bits) -> Vec<(A, A)> {
    let mut runs = Vec::new();
    let mut open = None;
    for (first, class) in stretches {
        match (classes.contains(*class as usize), open) {
            (true, None) => open = Some(*first),
            (false, Some(begin)) => {
                runs.push((begin, before(*first)));
                open = None;
            }
            _ => {}
        }
    }
    runs.extend(open.map(|begin| (begin, most)));
    runs
}

/// Calls `found` with each stretch of addresses on which both tables stay the same.
fn merge<A: Copy + Ord>(
    before: impl Iterator<Item = (A, u32)>,
    after: impl Iterator<Item = (A, u32)>,
    mut found: impl FnMut(A, [u32; 2]),
) {
    let (mut before, mut after) = (before.peekable(), after.peekable());
    let mut places = [0, 0];
    loop {
        let next = match (before.peek(), after.peek()) {
            (Some((one, _)), Some((other, _))) => *one.min(other),
            (Some((one, _)), None) | (None, Some((one, _))) => *one,
            (None, None) => return,
        };
        if let Some((_, place)) = before.next_if(|(at, _)| *at == next) {
            places[0] = place;
        }
        if let Some((_, place)) = after.next_if(|(at, _)| *at == next) {
            places[1] = place;
        }
        found(next, places);
    }
}

/// The locations that policies name, by number, and the trusted ones if any policy names them all.
struct Named {
    locations: Bits,
    has_trusted: bool,
}

fn named(bundle: &CompiledBundle) -> Named {
    let table = bundle.location_table();
    let mut locations = Bits::none(usize::from(table.all_trusted) + 1);
    for policy in bundle.compiled() {
        let both = policy.locations.include.iter().chain(&policy.locations.exclude);
        both.for_each(|location| locations.insert(usize::from(*location)));
    }
    let has_trusted = locations.contains(usize::from(table.all_trusted));
    Named { locations, has_trusted }
}

struct Classes<'b> {
    bundles: [&'b CompiledBundle; 2],
    named: [Named; 2],
    /// Whether any location is about the country of an address.
    has_countries: bool,
    pairs: HashMap<[u32; 2], u32, RandomState>,
    keys: HashMap<Key, u32, RandomState>,
}

impl Classes<'_> {
    fn class(&mut self, places: [u32; 2], address: IpAddr, classes: &mut Vec<Class>) -> u32 {
        let Self { bundles, named, has_countries, pairs, keys } = self;
        *pairs.entry(places).or_insert_with(|| {
            let mut locations = Vec::new();
            let mut split = 0;
            let mut countries = [None, None];
            let sides = bundles.iter().zip(named.iter()).zip(places).zip(&mut countries);
            for (((bundle, named), place), country) in sides {
                split = locations.len();
                let table = bundle.location_table();
                let place = bundle.network().numbered(place);
                let mut is_trusted = false;
                place.locations.each(|location| {
                    is_trusted |= named.has_trusted && crate::compile::contains(&table.trusted, location);
                    if named.locations.contains(usize::from(location)) {
                        locations.push(location);
                    }
                });
                locations.extend(is_trusted.then_some(table.all_trusted));
                let is_known = *has_countries && bundle.identity().has_country_database;
                *country = is_known.then_some(place.country);
            }
            let next = u32::try_from(classes.len()).unwrap_or(u32::MAX);
            let class = *keys.entry((locations, split, countries)).or_insert(next);
            if class == next {
                classes.push(Class { address, countries });
            }
            class
        })
    }
}

/// The location conditions of one side as rows over policies.
#[derive(Debug)]
pub struct Rows {
    unconfigured: Vec<u64>,
    everywhere: Vec<u64>,
    nowhere: Vec<u64>,
    include: Vec<Vec<u64>>,
    exclude: Vec<Vec<u64>>,
}

impl Rows {
    fn new(universe: &Universe<'_>, side: usize, bundle: &CompiledBundle) -> Self {
        let locations = usize::from(bundle.location_table().all_trusted) + 1;
        let row = || vec![0; universe.words];
        let mut rows = Self {
            unconfigured: row(),
            everywhere: row(),
            nowhere: row(),
            include: vec![row(); locations],
            exclude: vec![row(); locations],
        };
        let bits = universe.bits.get(side).map_or(&[][..], Vec::as_slice);
        for (CompiledPolicy { locations, .. }, bit) in bundle.compiled().iter().zip(bits) {
            let set = |row: Option<&mut Vec<u64>>| {
                if let Some(word) = row.and_then(|row| row.get_mut(bit / 64)) {
                    *word |= 1 << (bit % 64);
                }
            };
            if !locations.is_configured {
                set(Some(&mut rows.unconfigured));
                continue;
            }
            if locations.everywhere {
                set(Some(&mut rows.everywhere));
            }
            if locations.nowhere {
                set(Some(&mut rows.nowhere));
            }
            locations.include.iter().for_each(|location| set(rows.include.get_mut(usize::from(*location))));
            locations.exclude.iter().for_each(|location| set(rows.exclude.get_mut(usize::from(*location))));
        }
        rows
    }

    /// Policies that have an inclusion in `included` and no exclusion in `excluded`.
    fn holding(&self, included: &[u64], excluded: &[u64]) -> Vec<u64> {
        let mut holding = self.everywhere.clone();
        let mut out = self.nowhere.clone();
        each(included).filter_map(|location| self.include.get(location)).for_each(|row| unite(&mut holding, row));
        each(excluded).filter_map(|location| self.exclude.get(location)).for_each(|row| unite(&mut out, row));
        subtract(&mut holding, &out);
        unite(&mut holding, &self.unconfigured);
        holding
    }
}

/// The location conditions of both sides.
pub fn rows(universe: &Universe<'_>) -> Vec<Rows> {
    universe.sides.iter().enumerate().map(|(side, bundle)| Rows::new(universe, side, bundle)).collect()
}

/// The axis of `ground`, for identities of every kind. Never fails on what it makes itself: contradictory countries are no
/// request.
pub fn axis(universe: &Universe<'_>, ground: &mut Ground) -> Axis {
    let mut builder = AxisBuilder::new(Condition::Location);
    let rows = rows(universe);
    let tables = universe.sides.map(CompiledBundle::location_table);
    let mut probe = Probe::default();
    let said = said(tables);
    let gps = countries(tables, |table| table.has_gps, |table| &table.of_gps);
    let gps: Vec<Option<Country>> = std::iter::once(None).chain(gps.into_iter().map(Some)).collect();
    let has_compliant = tables.iter().any(|table| table.has_compliant_network);
    let compliant: &[Option<bool>] = if has_compliant { &[None, Some(false), Some(true)] } else { &[None] };
    let nowhere = Class { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), countries: [None, None] };
    let addresses = (0..).zip(&ground.classes).map(|(number, class)| (Some(number), Some(class.address), class));
    for (number, ip_address, class) in addresses.chain([(None, None, &nowhere)]) {
        for country in said.iter().filter(|said| is_possible(**said, class)) {
            for gps_country in &gps {
                for compliant_network in compliant {
                    let network = Network {
                        ip_address,
                        country: *country,
                        gps_country: *gps_country,
                        compliant_network: *compliant_network,
                    };
                    if let Some(keep) = keep(universe, &rows, &network, &mut probe) {
                        let meaning = Meaning { keep, raise: universe.none() };
                        builder.add(Fact::Network(network), true, meaning);
                        ground.by_atom.push(number);
                    }
                }
            }
        }
    }
    builder.finish(&universe.chosen(|_, _| true), universe.words)
}

/// The policies whose location condition may hold of `network`; `None` when a bundle refuses it.
pub fn keep(universe: &Universe<'_>, rows: &[Rows], network: &Network, probe: &mut Probe) -> Option<Vec<u64>> {
    let mut keep = universe.none();
    for ((side, bundle), rows) in universe.sides.iter().enumerate().zip(rows) {
        let (inside, possible) = probe.locations(bundle, network).ok()?;
        let words = bundle.location_table().words;
        let [inside, possible] = [inside, possible].map(|set| set.get(..words).unwrap_or_default());
        let mut lay = |view: usize, holding: Vec<u64>| {
            if let Some(part) = keep.get_mut(View::offset(view, universe.words)..) {
                unite(part, &holding);
            }
        };
        lay(View::possible(side), rows.holding(possible, inside));
        if universe.has_certain {
            lay(View::certain(side), rows.holding(inside, possible));
        }
    }
    Some(keep)
}

/// What a request may say of its country: nothing, or one country of each kind that locations tell apart.
fn said(tables: [&LocationTable; 2]) -> Vec<Option<CountryFact>> {
    let mut said = vec![None];
    if tables.iter().any(|table| table.has_countries) {
        let known = countries(tables, |table| table.has_countries, |table| &table.of_country);
        said.extend(known.into_iter().map(|country| Some(CountryFact::Known(country))));
        said.push(Some(CountryFact::Unmapped));
    }
    said
}

/// A request may say what the databases do not know; what they know goes without saying.
fn is_possible(said: Option<CountryFact>, class: &Class) -> bool {
    let mut known = class.countries.iter().flatten();
    said.is_none() || known.all(|country| *country == CountryFact::Unmapped || Some(*country) == said)
}

/// One country of each kind that the locations of `rows` tell apart.
fn countries<'t>(
    tables: [&'t LocationTable; 2],
    has: impl Fn(&LocationTable) -> bool,
    rows: impl Fn(&'t LocationTable) -> &'t Vec<Box<[LocationIndex]>>,
) -> Vec<Country> {
    if !tables.iter().any(|table| has(table)) {
        return Vec::new();
    }
    let mut kinds = HashMap::<_, Country, RandomState>::default();
    let mut order = Vec::new();
    for index in 0..Country::COUNT {
        let Some(country) = Country::from_index(index).and_then(|country| Country::new(country.as_str())) else {
            continue;
        };
        let key = tables.map(|table| rows(table).get(index));
        kinds.entry(key).or_insert_with(|| {
            order.push(country);
            country
        });
    }
    order
}
