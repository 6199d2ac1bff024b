//! Addresses that are trusted and blocked.
//!
//! The table of addresses knows which locations overlap: each of its places is looked at once, and its stretches only when
//! there is something to tell. A trusted location that is itself blocked is meant so, and a policy that excludes the trusted
//! location says which of the two counts; neither surprises. Start with [`trusted_and_blocked`].

use std::collections::HashSet;

use super::super::location::{LocationSet, contains, insert};
use super::super::network::{LocationIndex, NetworkTable, Place};
use super::super::policy::{CompiledPolicy, Grant};
use super::super::rules;
use super::place::{is_trusted, location};
use crate::limits;
use crate::model::{Bundle, IpRange};
use crate::text::Diagnostic;

/// Locations that a policy blocks by name and that have addresses of a trusted one; each told once.
///
/// Cost: the locations of all places; where some overlap, the stretches of the table besides.
pub fn trusted_and_blocked(
    bundle: &Bundle,
    policies: &[CompiledPolicy],
    network: &NetworkTable,
    problems: &mut Vec<Diagnostic>,
) {
    let mut overlaps = Overlaps::new(bundle, policies);
    if overlaps.blocked.iter().all(Option::is_none) {
        return;
    }
    let both = network.places().filter(|(_, place)| !overlaps.pairs(*place).is_empty());
    let mut both: HashSet<u32> = both.map(|(number, _)| number).collect();
    let (mut stretches, mut joined_max) = (network.stretches(), limits::LINTED_RANGES_MAX);
    while let Some((first, number)) = stretches.next().filter(|_| !both.is_empty()) {
        if !both.remove(&number) {
            continue;
        }
        for (blocked, trusted) in overlaps.pairs(network.numbered(number)) {
            let mut range = first;
            // WHY: what else lies in there, a country for one, cuts what both contain into several stretches.
            for (next, number) in stretches.clone().take(joined_max) {
                let Some(joined) = range.joined(next).filter(|_| has(network.numbered(number), [blocked, trusted]))
                else {
                    break;
                };
                (range, joined_max) = (joined, joined_max - 1);
            }
            if let Some(blocked_by) = overlaps.take(blocked) {
                problems.extend(overlap(bundle, policies, (blocked, &blocked_by), trusted, range));
            }
        }
    }
}

/// What `blocked` and `trusted` both contain, `range` among it.
fn overlap(
    bundle: &Bundle,
    policies: &[CompiledPolicy],
    (blocked, blocked_by): (LocationIndex, &Blocked),
    trusted: LocationIndex,
    range: IpRange,
) -> Option<Diagnostic> {
    let name = &location(bundle, blocked)?.display_name;
    let other = match location(bundle, trusted) {
        Some(trusted) => format!("the trusted location `{}`", trusted.display_name.value),
        None => "the MFA trusted IPs".to_owned(),
    };
    let what = format!("`{}` and {other} both contain {}", name.value, range.told());
    let help = "take the addresses out of one of them, or exclude the trusted location from the policy; if a block is what \
                you mean, write `lints: { trusted-and-blocked: allow }` in bundle.yaml";
    let mut naming = blocked_by.policies.iter().filter_map(|policy| policies.get(*policy));
    let policy = naming.find(|policy| !policy.locations.exclude.contains(&trusted))?;
    let policy = bundle.policies.get(policy.index.as_usize())?;
    let label = format!("the policy that blocks what is in `{}`", name.value);
    let span = policy.display_name.span;
    Some(Diagnostic::new(&rules::TRUSTED_AND_BLOCKED, name.span, what).help(help).related(span, label))
}

/// What overlaps are looked for.
#[derive(Debug)]
struct Overlaps {
    trusted: LocationSet,
    /// By location.
    blocked: Vec<Option<Blocked>>,
}

/// A location that is blocked by name.
#[derive(Debug)]
struct Blocked {
    /// Who blocks it: places among the compiled policies.
    policies: Vec<usize>,
    /// The locations that all of them exclude.
    spared: LocationSet,
}

impl Overlaps {
    fn new(bundle: &Bundle, policies: &[CompiledPolicy]) -> Self {
        let mut trusted = LocationSet::default();
        let mut blocked = Vec::with_capacity(bundle.locations.len());
        for (index, location) in (0..).zip(&bundle.locations) {
            if is_trusted(location) {
                insert(&mut trusted, index);
            }
            blocked.push(None);
        }
        // INVARIANT: behind the named locations come the MFA trusted IPs, then all trusted locations.
        let mfa_trusted_ips = LocationIndex::try_from(bundle.locations.len()).unwrap_or(LocationIndex::MAX);
        insert(&mut trusted, mfa_trusted_ips);
        let mut overlaps = Self { trusted, blocked };
        for (place, policy) in policies.iter().enumerate() {
            let locations = &policy.locations;
            let spares_all = locations.nowhere || locations.exclude.contains(&(mfa_trusted_ips + 1));
            // WHY: who blocks everywhere has to say what is exempt, and names no location that would be a mistake.
            if matches!(policy.grant, Grant::Block) && !locations.everywhere && !spares_all {
                overlaps.block(place, policy);
            }
        }
        overlaps
    }

    fn block(&mut self, place: usize, policy: &CompiledPolicy) {
        let mut excluded = LocationSet::default();
        policy.locations.exclude.iter().for_each(|location| insert(&mut excluded, *location));
        for location in policy.locations.include.iter().filter(|location| !contains(&self.trusted, **location)) {
            let Some(blocked) = self.blocked.get_mut(usize::from(*location)) else { continue };
            let blocked = blocked.get_or_insert_with(|| Blocked { policies: Vec::new(), spared: excluded });
            blocked.policies.push(place);
            blocked.spared.iter_mut().zip(excluded).for_each(|(spared, excluded)| *spared &= excluded);
        }
    }

    /// The locations of `place` that are blocked, each with the first that is trusted and not spared.
    fn pairs(&self, place: Place<'_>) -> Vec<(LocationIndex, LocationIndex)> {
        let (mut trusted, mut pairs) = (Vec::new(), Vec::new());
        place.locations.each(|location| {
            if contains(&self.trusted, location) {
                trusted.push(location);
            }
        });
        if trusted.is_empty() {
            return pairs;
        }
        place.locations.each(|location| {
            if let Some(Some(blocked)) = self.blocked.get(usize::from(location)) {
                let counting = trusted.iter().find(|trusted| !contains(&blocked.spared, **trusted));
                pairs.extend(counting.map(|trusted| (location, *trusted)));
            }
        });
        pairs
    }

    /// Looks for no more overlaps of `location`.
    fn take(&mut self, location: LocationIndex) -> Option<Blocked> {
        self.blocked.get_mut(usize::from(location))?.take()
    }
}

/// Whether `place` is in both locations.
fn has(place: Place<'_>, locations: [LocationIndex; 2]) -> bool {
    let mut found = 0;
    place.locations.each(|location| found += usize::from(locations.contains(&location)));
    found == locations.len()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use proptest::collection::{hash_set, vec};
    use proptest::prelude::*;

    use crate::compile::compile;
    use crate::written::raw;

    /// First and last addresses of the ranges of a location, behind 192.0.2., and whether it is trusted.
    type Location = (Vec<(u8, u8)>, bool);
    /// Numbers of locations that a policy blocks, and that it excludes.
    type Policy = (Vec<usize>, Vec<usize>);

    fn locations() -> impl Strategy<Value = Vec<Location>> {
        let range = (0u8..240, 0u8..12).prop_map(|(first, more)| (first, first + more));
        vec((vec(range, 1..5), any::<bool>()), COUNT)
    }

    fn policies() -> impl Strategy<Value = Vec<Policy>> {
        let some = |most| hash_set(0..COUNT, 0..most).prop_map(|numbers| numbers.into_iter().collect::<Vec<_>>());
        vec((some(3), some(3)), 1..4)
    }

    const COUNT: usize = 6;

    fn written(locations: &[Location], policies: &[Policy]) -> [(&'static str, String); 2] {
        let (mut places, mut blocks) = (String::new(), String::new());
        for (number, (ranges, is_trusted)) in locations.iter().enumerate() {
            let graph =
                |(first, last): &(u8, u8)| format!("{{ lowerAddress: 192.0.2.{first}, upperAddress: 192.0.2.{last} }}");
            let ranges: Vec<_> = ranges.iter().map(graph).collect();
            let ranges = ranges.join(", ");
            writeln!(places, "- {{ displayName: L{number}, isTrusted: {is_trusted}, ipRanges: [{ranges}] }}").unwrap();
        }
        let names = |numbers: &[usize]| {
            let names: Vec<_> = numbers.iter().map(|number| format!("L{number}")).collect();
            names.join(", ")
        };
        for (number, (include, exclude)) in policies.iter().filter(|(include, _)| !include.is_empty()).enumerate() {
            let (include, exclude) = (names(include), names(exclude));
            writeln!(
                blocks,
                "- displayName: P{number}\n  state: enabled\n  conditions:\n    users: {{ includeUsers: [All] }}\n    \
                 locations: {{ includeLocations: [{include}], excludeLocations: [{exclude}] }}\n  \
                 grantControls: {{ builtInControls: [block] }}"
            )
            .unwrap();
        }
        [("locations.yaml", places), ("policies.yaml", blocks)]
    }

    proptest! {
        #[test]
        fn every_overlap_is_told_that_comparing_all_ranges_finds(locations in locations(), policies in policies()) {
            let contains = |number: usize, address: u8| {
                locations[number].0.iter().any(|(first, last)| (*first..=*last).contains(&address))
            };
            let counts = |blocked: usize, trusted: usize| {
                let blocks = |(include, exclude): &Policy| include.contains(&blocked) && !exclude.contains(&trusted);
                !locations[blocked].1 && locations[trusted].1 && policies.iter().any(blocks)
            };
            let overlap = |blocked: usize, trusted: usize| {
                (0..=u8::MAX).any(|address| contains(blocked, address) && contains(trusted, address))
            };
            let overlaps = |blocked: usize| (0..COUNT).any(|other| counts(blocked, other) && overlap(blocked, other));
            let expected: Vec<_> = (0..COUNT).filter(|number| overlaps(*number)).collect();

            let compilation = compile(&raw(written(&locations, &policies)));
            prop_assert_eq!(compilation.errors, 0, "{:?}", compilation.findings);
            let told = compilation.findings.iter().filter(|finding| finding.id == "trusted-and-blocked");
            let mut found = Vec::new();
            for finding in told {
                let names: Vec<usize> =
                    finding.what.split('`').skip(1).step_by(2).map(|name| name[1..].parse().unwrap()).collect();
                let [blocked, trusted] = names[..] else { panic!("{names:?}") };
                prop_assert!(counts(blocked, trusted), "{}", finding);
                for address in ends(finding.what.rsplit(' ').next().unwrap()) {
                    prop_assert!(contains(blocked, address) && contains(trusted, address), "{}", finding);
                }
                found.push(blocked);
            }
            found.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }

    /// The addresses of a range as messages name it.
    fn ends(range: &str) -> std::ops::RangeInclusive<u8> {
        let last = |text: &str| text.rsplit('.').next().unwrap().parse::<u8>().unwrap();
        match (range.split_once('-'), range.split_once('/')) {
            (Some((first, end)), _) => last(first)..=last(end),
            (_, Some((first, length))) => {
                let hosts = u8::try_from((1u32 << (32 - length.parse::<u32>().unwrap())) - 1).unwrap();
                last(first)..=last(first) + hosts
            }
            _ => last(range)..=last(range),
        }
    }
}
