//! Every vector of the rule, a naive reading of it, and whatever else a client may send.

use std::net::IpAddr;

use proptest::prelude::*;

use super::*;

fn rule(text: &str) -> ClientIp {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The outcome in words: an address, `proxy ADDRESS` when all of the chain is trusted, `missing`, `invalid`; `ignored`
/// behind it when a header did not count, and `unsaid` when a trusted peer has forwarded nothing.
fn told(rule: &ClientIp, peer: &str, lines: &[&str]) -> String {
    let peer = (peer != "unix").then(|| peer.parse().unwrap());
    let resolved = rule.resolve(peer, lines.iter().map(|line| line.as_bytes()));
    let client = match resolved.client {
        Client::Known { address, is_proxy: false } => address.to_string(),
        Client::Known { address, is_proxy: true } => format!("proxy {address}"),
        Client::Missing => "missing".to_owned(),
        Client::Invalid => "invalid".to_owned(),
    };
    let more = [(resolved.was_ignored, " ignored"), (resolved.is_unsaid, " unsaid")];
    more.into_iter().filter(|(is_so, _)| *is_so).fold(client, |client, (_, word)| client + word)
}

#[track_caller]
fn check(settings: &str, cases: &[(&str, &[&str], &str)]) {
    let rule = rule(settings);
    for (peer, lines, expected) in cases {
        assert_eq!(told(&rule, peer, lines), *expected, "{settings} from {peer} with {lines:?}");
    }
}

const XFF: &str = "{ mode: xff, trustedProxies: [10.0.0.0/8, '2001:db8:aa::/48'] }";

#[test]
fn the_first_address_from_the_right_that_is_no_trusted_proxy_is_the_client() {
    check(
        XFF,
        &[
            ("10.0.0.1", &["203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", &["198.51.100.1, 192.0.2.1, 203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", &["198.51.100.1,203.0.113.7,10.9.9.9"], "203.0.113.7"),
            ("10.0.0.1", &["198.51.100.1", "203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", &["203.0.113.7, 10.1.1.1", "10.2.2.2"], "203.0.113.7"),
            ("10.0.0.1", &["unknown, 127.0.0.1, 203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", &["10.1.1.1, 10.2.2.2"], "proxy 10.1.1.1"),
            ("2001:db8:aa::1", &["2001:db8::7"], "2001:db8::7"),
        ],
    );
}

#[test]
fn a_trusted_peer_that_forwards_nothing_is_the_client_itself() {
    check(
        XFF,
        &[
            ("10.0.0.1", &[], "proxy 10.0.0.1 unsaid"),
            ("10.0.0.1", &[""], "proxy 10.0.0.1 unsaid"),
            ("10.0.0.1", &[" ", "\t"], "proxy 10.0.0.1 unsaid"),
        ],
    );
}

#[test]
fn who_is_not_trusted_is_the_client_whatever_it_says() {
    check(
        XFF,
        &[
            ("203.0.113.9", &["10.0.0.1"], "203.0.113.9 ignored"),
            ("203.0.113.9", &["garbage"], "203.0.113.9 ignored"),
            ("203.0.113.9", &[], "203.0.113.9"),
            ("unix", &["203.0.113.7"], "missing ignored"),
            ("unix", &[], "missing"),
        ],
    );
    check("{ mode: xff }", &[("127.0.0.1", &["203.0.113.7"], "127.0.0.1 ignored")]);
    check("{}", &[("10.0.0.1", &["203.0.113.7"], "10.0.0.1"), ("unix", &[], "missing")]);
}

#[test]
fn the_unix_socket_is_trusted_when_the_operator_says_so() {
    check(
        "{ mode: xff, trustUnix: true, trustedProxies: [10.0.0.0/8] }",
        &[
            ("unix", &["198.51.100.1, 203.0.113.7, 10.1.1.1"], "203.0.113.7"),
            ("unix", &["10.1.1.1"], "proxy 10.1.1.1"),
            ("unix", &[], "missing unsaid"),
        ],
    );
}

#[test]
fn an_ipv4_mapped_address_is_the_ipv4_address_on_both_sides() {
    check(
        XFF,
        &[
            ("::ffff:10.0.0.1", &["::ffff:203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", &["203.0.113.7, ::ffff:10.2.3.4"], "203.0.113.7"),
            ("10.0.0.1", &["203.0.113.7, [::ffff:10.2.3.4]:99"], "203.0.113.7"),
            ("::ffff:203.0.113.9", &[], "203.0.113.9"),
        ],
    );
    check("{ mode: xff, trustedProxies: ['::ffff:10.0.0.0/104'] }", &[("10.0.0.1", &["192.0.2.1"], "192.0.2.1")]);
    let translated = "64:ff9b::cb00:7107";
    check(XFF, &[("10.0.0.1", &[translated], translated), ("10.0.0.1", &["2002:a00:1::"], "2002:a00:1::")]);
}

#[test]
fn entries_are_read_strictly() {
    let good = [
        ("203.0.113.7:443", "203.0.113.7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("2001:DB8:0:0::7", "2001:db8::7"),
        (" \t203.0.113.7\t ", "203.0.113.7"),
        ("203.0.113.7:65535", "203.0.113.7"),
    ];
    for (entry, expected) in good {
        check(XFF, &[("10.0.0.1", &[&format!("x,{entry}")], expected)]);
    }
    let bad = [
        "203.0.113.007",
        "0xcb.0.113.7",
        "203.0.113",
        "203.0.113.7.1",
        "3405803783",
        "203.0.113.256",
        "203.0.113.7:",
        "203.0.113.7:65536",
        "203.0.113.7:+1",
        "203.0.113.7:000001",
        "2001:db8::7%eth0",
        "[2001:db8::7%1]",
        "[2001:db8::7",
        "2001:db8::7]",
        "[203.0.113.7]",
        "[203.0.113.7]:1",
        "[2001:db8::7]x",
        "[2001:db8::7]:",
        "2001:db8:::7",
        "unknown",
        "_hidden",
        "localhost",
        "203.0.113.7 x",
        "\u{661}.1.1.1",
        "\"203.0.113.7\"",
        "for=203.0.113.7",
        "-",
        "*",
        "::ffff:1.2.3.04",
    ];
    for entry in bad {
        check(XFF, &[("10.0.0.1", &[&format!("198.51.100.1,{entry}")], "invalid")]);
    }
    let raw = rule(XFF).resolve(Some("10.0.0.1".parse().unwrap()), [&b"203.0.113.\xff"[..]]);
    assert_eq!(raw.client, Client::Invalid);
}

#[test]
fn an_entry_that_cannot_be_read_is_not_skipped() {
    check(
        XFF,
        &[
            ("10.0.0.1", &["203.0.113.7,"], "invalid"),
            ("10.0.0.1", &["203.0.113.7", ""], "invalid"),
            ("10.0.0.1", &["203.0.113.7, unknown, 10.1.1.1"], "invalid"),
            ("10.0.0.1", &[",10.1.1.1"], "invalid"),
            ("10.0.0.1", &["", "203.0.113.7"], "203.0.113.7"),
        ],
    );
}

#[test]
fn long_chains_are_refused_not_cut() {
    let many = |count: usize| vec!["10.0.0.2"; count].join(",");
    let long = format!("203.0.113.7,{:>4096}", "10.0.0.2");
    check(
        XFF,
        &[
            ("10.0.0.1", &[&format!("203.0.113.7,{}", many(63))], "203.0.113.7"),
            ("10.0.0.1", &[&format!("203.0.113.7,{}", many(64))], "invalid"),
            ("10.0.0.1", &["203.0.113.7", &many(64)], "invalid"),
            ("10.0.0.1", &[&long], "invalid"),
            ("203.0.113.9", &[&long], "203.0.113.9 ignored"),
        ],
    );
}

#[test]
fn with_hops_the_entry_at_that_place_is_the_client() {
    let two = "{ mode: xff, hops: 2, trustedProxies: [10.0.0.0/8] }";
    check(
        two,
        &[
            ("10.0.0.1", &["192.0.2.1, 203.0.113.7, 198.51.100.1"], "203.0.113.7"),
            ("10.0.0.1", &["203.0.113.7", "198.51.100.1"], "203.0.113.7"),
            ("10.0.0.1", &["10.7.7.7, 198.51.100.1"], "proxy 10.7.7.7"),
            ("10.0.0.1", &["203.0.113.7"], "invalid"),
            ("10.0.0.1", &[], "invalid"),
            ("10.0.0.1", &["unknown, 198.51.100.1"], "invalid"),
            ("203.0.113.9", &["192.0.2.1, 198.51.100.1"], "203.0.113.9 ignored"),
        ],
    );
}

#[test]
fn the_forwarded_header_is_read_as_rfc_7239_has_it() {
    check(
        "{ mode: forwarded, trustedProxies: [10.0.0.0/8] }",
        &[
            ("10.0.0.1", &["for=203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", &["For=\"[2001:db8:cafe::17]:4711\""], "2001:db8:cafe::17"),
            ("10.0.0.1", &["for=192.0.2.60;proto=http;by=203.0.113.43"], "192.0.2.60"),
            ("10.0.0.1", &["for=192.0.2.1, for=198.51.100.17;by=10.0.0.9, for=10.1.1.1"], "198.51.100.17"),
            ("10.0.0.1", &["for=192.0.2.1", "proto=\"a,b;c=\\\"d\";for=\"203.0.113.7:1\""], "203.0.113.7"),
            ("10.0.0.1", &["for=203.0.113.7:1"], "203.0.113.7"),
            ("10.0.0.1", &[], "proxy 10.0.0.1 unsaid"),
            ("10.0.0.1", &["for=unknown"], "invalid"),
            ("10.0.0.1", &["for=_SEVKISEK, for=10.1.1.1"], "invalid"),
            ("10.0.0.1", &["proto=http"], "invalid"),
            ("10.0.0.1", &["for=203.0.113.7,"], "invalid"),
            ("10.0.0.1", &["for=203.0.113.7;for=198.51.100.1"], "invalid"),
            ("10.0.0.1", &["for=\"203.0.113.7"], "invalid"),
            // A quote left open would hide what the proxy adds.
            ("10.0.0.1", &["for=192.0.2.1;x=\", for=203.0.113.7"], "invalid"),
            ("10.0.0.1", &["for=192.0.2.1;x=\"", "for=203.0.113.7"], "invalid"),
            ("10.0.0.1", &["for=192.0.2.1;x=\"\\\", for=203.0.113.7"], "invalid"),
            ("10.0.0.1", &["for=192.0.2.1;x=\", for=\"203.0.113.7\""], "invalid"),
            ("10.0.0.1", &["for 203.0.113.7"], "invalid"),
            ("10.0.0.1", &["for="], "invalid"),
            ("10.0.0.1", &["203.0.113.7"], "invalid"),
            ("203.0.113.9", &["for=10.0.0.1"], "203.0.113.9 ignored"),
        ],
    );
}

#[test]
fn a_header_with_one_address_has_one() {
    check(
        "{ mode: 'header:X-Real-IP', trustedProxies: [10.0.0.0/8] }",
        &[
            ("10.0.0.1", &["203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", &[], "missing"),
            ("10.0.0.1", &[""], "missing"),
            ("10.0.0.1", &["203.0.113.7, 198.51.100.1"], "invalid"),
            ("10.0.0.1", &["203.0.113.7", "203.0.113.7"], "invalid"),
            ("203.0.113.9", &["198.51.100.1"], "203.0.113.9 ignored"),
        ],
    );
}

/// Envoy passes the header on as clients have sent it that it takes for internal ones; their own word counted.
#[test]
fn what_envoy_has_found_is_where_its_request_came_from_unless_a_trusted_proxy_says_more() {
    check(
        "{ mode: external }",
        &[
            ("203.0.113.7", &["203.0.113.7"], "203.0.113.7"),
            ("::ffff:203.0.113.7", &["203.0.113.7"], "203.0.113.7"),
            ("203.0.113.7", &["::ffff:203.0.113.7"], "203.0.113.7"),
            ("10.0.0.9", &["203.0.113.7"], "invalid"),
            ("10.0.0.9", &["10.0.0.9, 203.0.113.7"], "invalid"),
            ("10.0.0.9", &["10.0.0.9", "10.0.0.9"], "invalid"),
            ("10.0.0.9", &[], "missing"),
            ("unix", &["203.0.113.7"], "invalid"),
            ("unix", &["x"], "invalid"),
        ],
    );
    check(
        "{ mode: external, trustedProxies: [10.0.0.9] }",
        &[("10.0.0.9", &["203.0.113.7"], "203.0.113.7"), ("10.0.0.8", &["203.0.113.7"], "invalid")],
    );
    check("{ mode: external, trustUnix: true }", &[("unix", &["203.0.113.7"], "203.0.113.7")]);
}

#[test]
fn settings_that_mean_nothing_are_refused() {
    for (text, told) in [
        ("{ mode: xfp }", "`header:NAME`"),
        ("{ mode: 'header:X-Envoy-External-Address' }", "takes for internal"),
        ("{ mode: 'header:' }", "`header:NAME`"),
        ("{ mode: 'header:a b' }", "`header:NAME`"),
        ("{ trustedProxies: [10.0.0.0/33] }", "10.0.0.0/33"),
        ("{ trustedProxies: [localhost] }", "localhost"),
        ("{ trustedProxies: [010.0.0.0/8] }", "leading zeros"),
        ("{ trustedProxies: [10.0.0.0/08] }", "leading zeros"),
        ("{ trustedProxies: [10.0.0.01] }", "leading zeros"),
        ("{ trustedProxies: ['2001:db8::/032'] }", "leading zeros"),
        ("{ trustedProxies: ['::ffff:0:0/90'] }", "96 bits"),
        ("{ trustedProxies: ['::ffff:10.0.0.0/8'] }", "96 bits"),
        ("{ trustedProxies: [0.0.0.0/0] }", "trusts everybody"),
        ("{ trustedProxies: ['::/0'] }", "trusts everybody"),
        ("{ trustedProxies: ['::ffff:0:0/96'] }", "trusts everybody"),
        ("{ trustedProxies: ['::ffff:203.0.113.7/96'] }", "trusts everybody"),
        ("{ hops: 1 }", "hops"),
        ("{ mode: xff, hops: 0 }", "hops"),
        ("{ mode: xff, hops: 65 }", "hops"),
        ("{ trusted: [] }", "trusted"),
    ] {
        let error = serde_saphyr::from_str::<ClientIp>(text).expect_err(text).to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
}

/// Reads the rule as it is written down, from the left: each position asks whether all behind it is trusted.
fn naive(trusted: &[IpRange], peer: IpAddr, header: &str) -> Option<IpAddr> {
    let mut entries: Vec<Option<IpAddr>> = header.split(',').map(|entry| entry.trim().parse().ok()).collect();
    if header.is_empty() {
        entries.clear();
    }
    entries.push(Some(peer));
    let is_trusted =
        |entry: &Option<IpAddr>| entry.is_some_and(|entry| trusted.iter().any(|range| range.contains(entry)));
    let client = (0..entries.len()).find(|place| entries[place + 1..].iter().all(is_trusted));
    // All behind the leftmost such entry is trusted, so nothing that cannot be read was passed over.
    entries[client.unwrap()].map(canonical)
}

fn entry() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..4_u8).prop_map(|last| format!("10.0.0.{last}")),
        (0..4_u8).prop_map(|last| format!("203.0.113.{last}")),
        Just("::ffff:10.0.0.1".to_owned()),
        Just("2001:db8::1".to_owned()),
        Just("unknown".to_owned()),
        Just(String::new()),
    ]
}

proptest! {
    #[test]
    fn a_naive_reading_finds_the_same_client(
        peer in prop_oneof![Just("10.0.0.9"), Just("203.0.113.200")],
        entries in prop::collection::vec(entry(), 0..8),
    ) {
        let rule = rule(XFF);
        let (peer, header) = (peer.parse().unwrap(), entries.join(", "));
        let expected = match header.trim().is_empty() {
            true => Some(peer),
            false if !rule.trusts(Some(peer)) => Some(peer),
            false => naive(&rule.trusted_proxies, peer, &header),
        };
        let found = match rule.resolve(Some(peer), [header.as_bytes()]).client {
            Client::Known { address, .. } => Some(address),
            _ => None,
        };
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn what_a_client_puts_in_front_never_changes_who_it_is(
        mode in prop_oneof![Just("xff"), Just("forwarded")],
        forged in "[ -~]{0,40}",
    ) {
        let rule = rule(&format!("{{ mode: {mode}, trustedProxies: [10.0.0.0/8] }}"));
        let added = if mode == "xff" { "203.0.113.7" } else { "for=203.0.113.7" };
        let honest: IpAddr = "203.0.113.7".parse().unwrap();
        for lines in [vec![format!("{forged},{added}")], vec![forged, added.to_owned()]] {
            let found = rule.resolve(Some("10.0.0.1".parse().unwrap()), lines.iter().map(|line| line.as_bytes())).client;
            prop_assert_ne!(found, Client::Missing);
            if let Client::Known { address, .. } = found {
                prop_assert_eq!(address, honest);
            }
        }
    }

    #[test]
    fn any_bytes_are_taken(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..4)) {
        for settings in [XFF, "{ mode: forwarded, trustUnix: true }", "{ mode: 'header:x' }", "{ mode: external }"] {
            for peer in [Some("10.0.0.1".parse().unwrap()), None] {
                rule(settings).resolve(peer, lines.iter().map(Vec::as_slice));
            }
        }
    }
}
