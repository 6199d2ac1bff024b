//! The table against a scan of all ranges, and its edges.

use proptest::prelude::*;

use super::*;
use crate::model::location::CountryFact;

fn table_of(ranges: impl IntoIterator<Item = (IpRange, Layer)>) -> Result<NetworkTable, String> {
    let mut layers = Layers::default();
    ranges.into_iter().for_each(|(range, layer)| layers.add(range, layer));
    NetworkTable::new(layers)
}

fn locations_at(table: &NetworkTable, address: IpAddr) -> Vec<LocationIndex> {
    let mut locations = Vec::new();
    table.place(address).locations.each(|location| locations.push(location));
    locations
}

fn country(text: &str) -> Country {
    Country::new(text).unwrap()
}

#[test]
fn neighbouring_countries_do_not_close_each_other() {
    let table = table_of([
        (IpRange::V4(10, 19), Layer::Country(country("SE"))),
        (IpRange::V4(20, 29), Layer::Country(country("NO"))),
    ])
    .unwrap();
    let country_of = |address: u32| table.place(IpAddr::V4(address.into())).country;
    assert_eq!(country_of(9), CountryFact::Unmapped);
    assert_eq!(country_of(19), CountryFact::Known(country("SE")));
    assert_eq!(country_of(20), CountryFact::Known(country("NO")));
    assert_eq!(country_of(30), CountryFact::Unmapped);
}

#[test]
fn the_first_and_last_address_are_found() {
    let table = table_of([
        (IpRange::V4(0, 0), Layer::Location(0)),
        (IpRange::V4(u32::MAX, u32::MAX), Layer::Location(1)),
        (IpRange::V6(0, u128::MAX), Layer::Location(2)),
    ])
    .unwrap();
    let locations = |address: IpAddr| locations_at(&table, address);
    assert_eq!(locations("0.0.0.0".parse().unwrap()), [0]);
    assert_eq!(locations("0.0.0.1".parse().unwrap()), [0u16; 0]);
    assert_eq!(locations("255.255.255.255".parse().unwrap()), [1]);
    assert_eq!(locations("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff".parse().unwrap()), [2]);
    assert_eq!(locations("::".parse().unwrap()), [2]);
}

#[test]
fn ranges_that_overlap_in_ever_new_ways_are_refused_before_memory_runs_out() {
    // A thousand locations are open throughout, and each further edge makes a set of them that was not there yet.
    let open = (0..1_000).map(|location| (IpRange::V4(0, u32::MAX - 1 - u32::from(location)), location));
    let holes = (0u32..17).flat_map(|bit| {
        let step = 1 << (bit + 3);
        (0..(1u32 << 20) / step).step_by(2).map(move |index| {
            let first = index * step;
            (IpRange::V4(first, first + step - 1), 1_000 + u16::try_from(bit).unwrap())
        })
    });
    let table = table_of(open.chain(holes).map(|(range, number)| (range, Layer::Location(number))));
    assert!(table.is_err_and(|error| error.contains("67108864 locations in all are the most")));
}

proptest! {
    #[test]
    fn the_table_finds_what_a_scan_of_all_ranges_finds(
        ranges in prop::collection::vec((any::<u16>(), 0u32..4096, 0u16..9, any::<bool>()), 0..60),
        probes in prop::collection::vec((any::<u16>(), 0u32..4), 60),
    ) {
        // Addresses cluster on few top bits, so that ranges nest, overlap and share buckets.
        let ranges: Vec<_> = ranges.into_iter().map(|(start, length, location, is_v4)| {
            let range = if is_v4 {
                let first = u32::from(start) << 14;
                IpRange::V4(first, first.saturating_add(length << 8))
            } else {
                let first = u128::from(start) << 112;
                IpRange::V6(first, first.saturating_add(u128::from(length) << 106))
            };
            (range, location)
        }).collect();
        let table = table_of(ranges.iter().map(|(range, location)| (*range, Layer::Location(*location)))).unwrap();
        let edges = ranges.iter().flat_map(|(range, _)| match *range {
            IpRange::V4(first, last) => [first.wrapping_sub(1), first, last, last.wrapping_add(1)]
                .map(|address| IpAddr::V4(address.into())),
            IpRange::V6(first, last) => [first.wrapping_sub(1), first, last, last.wrapping_add(1)]
                .map(|address| IpAddr::V6(address.into())),
        });
        let random = probes.iter().map(|(top, low)| IpAddr::V4(((u32::from(*top) << 14) + low).into()));
        for address in edges.chain(random) {
            let mut expected: Vec<_> =
                ranges.iter().filter(|(range, _)| range.contains(address)).map(|(_, location)| *location).collect();
            expected.sort_unstable();
            expected.dedup();
            // WHY: `contains` folds mapped addresses, the table is asked for canonical ones only.
            if address == address.to_canonical() {
                prop_assert_eq!(locations_at(&table, address), expected, "{}", address);
            }
        }
    }
}
