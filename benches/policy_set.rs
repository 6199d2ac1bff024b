//! Policy sets of any size, generated the same way every time.
//!
//! The workloads of the benches: block policies over service principals, named locations and risk, in the proportions
//! of large tenants. One [`PolicySet`] gives the bundle's files, the token requests and the same policies as Cedar
//! text, so that everything measured side by side decides the same thing. It must not know how anything is measured.
//! Start with [`PolicySet::new`].

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use fastrand::Rng;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use doorward::model::request::{Identity, Network, Resource, Risk};
use doorward::model::set::Word;
use doorward::model::{IdRef, IdentityKind, RiskLevel, SignInAudience, TokenRequest};
use doorward::text::{RawBundle, RawFile};

/// The tenant of every bundle.
pub const TENANT: &str = "0a000000-0000-4000-8000-000000000001";
/// The resource of every request.
const API: &str = "f0000000-0000-4000-8000-000000000001";
/// Requests of one policy set.
const REQUESTS: usize = 8192;
/// Ranges in one file, so that no file passes the limit on a file's size.
const RANGES_PER_FILE_MAX: usize = 200_000;

/// How large a policy set is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Name in reports.
    pub name: &'static str,
    /// Policies that may name any service principal.
    pub policies: usize,
    /// Further policies that name only service principals that never ask.
    pub unrelated: usize,
    /// Service principals of the tenant.
    pub principals: usize,
    /// Named locations.
    pub locations: usize,
    /// Address ranges of all locations together.
    pub ranges: usize,
    /// Whether every policy covers the whole tenant, inside some locations, instead of one in fifty and at most twenty.
    pub tenant_wide: bool,
}

impl Size {
    /// A size of the usual proportions: 10,000 service principals.
    pub const fn new(name: &'static str, policies: usize, locations: usize, ranges: usize) -> Self {
        Self { name, policies, unrelated: 0, principals: 10_000, locations, ranges, tenant_wide: false }
    }
}

/// The sizes that performance is stated for.
pub const W10: Size = Size::new("W10", 10, 5, 154);
pub const W240: Size = Size::new("W240", 240, 50, 5_300);
/// As many ranges as Entra lets a tenant have.
pub const W390K: Size = Size::new("W390k", 240, 195, 390_000);
pub const W1000: Size = Size::new("W1000", 1_000, 100, 21_800);
pub const W10000: Size = Size::new("W10000", 10_000, 195, 99_000);
pub const WBIG: Size = Size::new("WBIG", 10_000, 195, 1_000_000);

/// Who a policy covers.
#[derive(Debug)]
pub enum Target {
    /// These service principals, without the excluded one.
    Some { included: Vec<usize>, excluded: Option<usize> },
    /// Every service principal of the tenant but these.
    AllBut(Vec<usize>),
}

/// Where a policy applies; positions in [`PolicySet::locations`].
#[derive(Debug)]
pub enum Place {
    /// No condition.
    Anywhere,
    /// Outside all of these.
    Except(Vec<usize>),
    /// Inside one of these.
    Only(Vec<usize>),
}

/// A block policy.
#[derive(Debug)]
pub struct BlockPolicy {
    pub id: String,
    pub target: Target,
    pub place: Place,
    /// Levels that match; empty: any.
    pub risk: Vec<RiskLevel>,
    pub is_report_only: bool,
}

/// A named location.
#[derive(Clone, Debug)]
pub struct Location {
    pub id: String,
    pub ranges: Vec<IpNet>,
}

/// A token request in text, as callers send it.
#[derive(Debug)]
pub struct Asked {
    /// Position in [`PolicySet::principals`].
    pub principal: usize,
    pub id: String,
    pub address: IpAddr,
    pub address_text: String,
    pub risk: RiskLevel,
}

/// A generated policy set.
#[derive(Debug)]
pub struct PolicySet {
    pub size: Size,
    pub policies: Vec<BlockPolicy>,
    pub locations: Vec<Location>,
    /// Object ids of the service principals of the tenant.
    pub principals: Vec<String>,
    pub requests: Vec<Asked>,
}

/// How address ranges are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RangeText {
    /// As Graph exports them, an object each.
    Graph,
    /// As people write them.
    Short,
}

impl PolicySet {
    /// The policy set of this size; the same for the same size.
    pub fn new(size: Size) -> Self {
        let mut rng = Rng::with_seed(0x0d00_12a7);
        let mut ids = |count: usize| -> Vec<String> { (0..count).map(|_| guid(&mut rng)).collect() };
        let principals = ids(size.principals);
        let strangers: Vec<String> = ids(size.unrelated);
        let mut rng = Rng::with_seed(0x5eed);
        let locations = locations(&mut rng, size);
        let named = Named { first: 0, count: size.principals };
        let mut policies: Vec<BlockPolicy> =
            (0..size.policies).map(|index| block_policy(&mut rng, size, index, named)).collect();
        let unrelated = Named { first: size.principals, count: size.unrelated };
        policies.extend((0..size.unrelated).map(|_| block_policy(&mut rng, size, usize::MAX, unrelated)));
        let requests = requests(&mut rng, &policies, &locations, &principals);
        let principals = principals.into_iter().chain(strangers).collect();
        Self { size, policies, locations, principals, requests }
    }

    /// The files of the bundle: JSON, as Graph exports them.
    pub fn bundle(&self, ranges: RangeText) -> RawBundle {
        let mut files = vec![
            file("bundle.yaml", format!("name: {}\ntenantId: {TENANT}\n", self.size.name)),
            file("policies.json", self.policies_json()),
        ];
        let mut locations = String::new();
        let mut in_file = 0;
        for location in &self.locations {
            if in_file + location.ranges.len() > RANGES_PER_FILE_MAX && in_file > 0 {
                files.push(file(&format!("locations-{:03}.json", files.len()), listed(&locations)));
                locations.clear();
                in_file = 0;
            }
            in_file += location.ranges.len();
            location.write_json(&mut locations, ranges);
        }
        files.push(file(&format!("locations-{:03}.json", files.len()), listed(&locations)));
        files.sort_by(|one, other| one.name.cmp(&other.name));
        RawBundle { files, digest: self.size.name.into() }
    }

    fn policies_json(&self) -> String {
        let mut json = String::new();
        for (index, policy) in self.policies.iter().enumerate() {
            let state = if policy.is_report_only { "enabledForReportingButNotEnforced" } else { "enabled" };
            let (included, excluded) = match &policy.target {
                Target::Some { included, excluded } => (self.ids(included), self.ids(excluded.as_slice())),
                Target::AllBut(excluded) => ("\"ServicePrincipalsInMyTenant\"".to_owned(), self.ids(excluded)),
            };
            let levels: Vec<String> = policy.risk.iter().map(|level| format!("\"{}\"", level.as_str())).collect();
            let place = match &policy.place {
                Place::Anywhere => "null".to_owned(),
                Place::Except(outside) => {
                    let outside = self.location_ids(outside);
                    format!(r#"{{"includeLocations":["All"],"excludeLocations":[{outside}]}}"#)
                }
                Place::Only(inside) => {
                    let inside = self.location_ids(inside);
                    format!(r#"{{"includeLocations":[{inside}],"excludeLocations":[]}}"#)
                }
            };
            let _ = writeln!(
                json,
                r#"{{"id":"{}","displayName":"Policy {index}","state":"{state}","conditions":{{"clientAppTypes":["all"],"applications":{{"includeApplications":["All"]}},"users":{{"includeUsers":["None"]}},"clientApplications":{{"includeServicePrincipals":[{included}],"excludeServicePrincipals":[{excluded}]}},"servicePrincipalRiskLevels":[{}],"locations":{place}}},"grantControls":{{"operator":"OR","builtInControls":["block"]}}}},"#,
                policy.id,
                levels.join(","),
            );
        }
        listed(&json)
    }

    /// The same policies as Cedar text, one policy each, in order, and a last one that permits everything. Who is in
    /// scope is a group, `Target`, that the principal is in or not; the request says which locations it comes from.
    /// Report-only policies are `permit`, so that they are evaluated and change nothing.
    pub fn cedar(&self) -> String {
        let mut text = String::new();
        for (index, policy) in self.policies.iter().enumerate() {
            let effect = if policy.is_report_only { "permit" } else { "forbid" };
            let _ = write!(text, "{effect} (principal in Target::\"p{index}\", action, resource)");
            let list = |places: &[usize]| {
                let names: Vec<String> = places.iter().map(|place| format!("\"l{place}\"")).collect();
                names.join(", ")
            };
            match &policy.place {
                Place::Anywhere => {}
                Place::Except(outside) => {
                    let _ = write!(text, " unless {{ context.locations.containsAny([{}]) }}", list(outside));
                }
                Place::Only(inside) => {
                    let _ = write!(text, " when {{ context.locations.containsAny([{}]) }}", list(inside));
                }
            }
            if !policy.risk.is_empty() {
                let levels: Vec<String> = policy.risk.iter().map(|level| format!("\"{}\"", level.as_str())).collect();
                let _ = write!(text, " when {{ [{}].contains(context.risk) }}", levels.join(", "));
            }
            text.push_str(";\n");
        }
        text.push_str("permit (principal, action, resource);\n");
        text
    }

    /// The policies whose scope a service principal is in.
    pub fn policies_of(&self, principal: usize) -> impl Iterator<Item = usize> {
        self.policies.iter().enumerate().filter_map(move |(index, policy)| {
            let is_covered = match &policy.target {
                Target::Some { included, excluded } => included.contains(&principal) && *excluded != Some(principal),
                Target::AllBut(excluded) => !excluded.contains(&principal),
            };
            is_covered.then_some(index)
        })
    }

    /// The locations that an address is in, found one range after the other.
    pub fn locations_of(&self, address: IpAddr) -> Vec<usize> {
        let is_in = |location: &Location| location.ranges.iter().any(|range| range.contains(&address));
        (0..self.locations.len()).filter(|index| is_in(&self.locations[*index])).collect()
    }

    /// The token requests, read.
    pub fn token_requests(&self) -> Vec<TokenRequest<'_>> {
        self.requests.iter().map(|asked| asked.token_request(IdRef::new(&asked.id), asked.address)).collect()
    }

    fn ids(&self, principals: &[usize]) -> String {
        let ids: Vec<String> = principals.iter().map(|index| format!("\"{}\"", self.id_of(*index))).collect();
        ids.join(",")
    }

    fn id_of(&self, principal: usize) -> &str {
        &self.principals[principal]
    }

    fn location_ids(&self, places: &[usize]) -> String {
        let ids: Vec<String> = places.iter().map(|index| format!("\"{}\"", self.locations[*index].id)).collect();
        ids.join(",")
    }
}

impl Asked {
    /// The token request of a single-tenant application of the tenant.
    pub fn token_request<'a>(&'a self, id: IdRef<'a>, address: IpAddr) -> TokenRequest<'a> {
        TokenRequest {
            resource: Resource { app_ids: vec![IdRef::new(API)], ..Resource::default() },
            network: Network { ip_address: Some(address), ..Network::default() },
            risk: Risk { service_principal: self.risk, ..Risk::default() },
            ..TokenRequest::new(Identity {
                owner_tenant: Some(IdRef::new(TENANT)),
                audience: Some(SignInAudience::MyOrg),
                ..Identity::new(IdentityKind::ServicePrincipal, id)
            })
        }
    }
}

impl Location {
    /// Appends it as a member of a Graph list.
    pub fn write_json(&self, json: &mut String, ranges: RangeText) {
        let _ = write!(
            json,
            r##"{{"@odata.type":"#microsoft.graph.ipNamedLocation","id":"{0}","displayName":"Location {0}","isTrusted":false,"ipRanges":["##,
            self.id
        );
        for (index, range) in self.ranges.iter().enumerate() {
            if index > 0 {
                json.push(',');
            }
            let _ = match (ranges, range) {
                (RangeText::Short, _) => write!(json, "\"{range}\""),
                (RangeText::Graph, IpNet::V4(_)) => {
                    write!(json, r##"{{"@odata.type":"#microsoft.graph.iPv4CidrRange","cidrAddress":"{range}"}}"##)
                }
                (RangeText::Graph, IpNet::V6(_)) => {
                    write!(json, r##"{{"@odata.type":"#microsoft.graph.iPv6CidrRange","cidrAddress":"{range}"}}"##)
                }
            };
        }
        json.push_str("]},\n");
    }
}

/// Which service principals policies may name.
#[derive(Clone, Copy)]
struct Named {
    first: usize,
    count: usize,
}

fn block_policy(rng: &mut Rng, size: Size, index: usize, named: Named) -> BlockPolicy {
    let pick = |rng: &mut Rng| named.first + rng.usize(..named.count);
    let is_tenant_wide = size.tenant_wide || index < (size.policies / 50).clamp(1, 20);
    let target = if is_tenant_wide && index != usize::MAX {
        Target::AllBut((0..rng.usize(0..=50)).map(|_| pick(rng)).collect())
    } else {
        let included: Vec<usize> = (0..rng.usize(1..=20)).map(|_| pick(rng)).collect();
        let excluded = (rng.u8(..100) < 20).then(|| included[rng.usize(..included.len())]);
        Target::Some { included, excluded }
    };
    let (by_place, by_risk) = match rng.u8(..100) {
        0..70 => (true, false),
        70..90 => (false, true),
        _ => (true, true),
    };
    let places = |rng: &mut Rng, most: usize| -> Vec<usize> {
        (0..rng.usize(1..=most)).map(|_| rng.usize(..size.locations)).collect()
    };
    // A decision reports what applies; when all policies covered everyone nearly everywhere, that would be all it does.
    let is_outside = rng.u8(..100) < 85 && !size.tenant_wide;
    let place = match (by_place, is_outside) {
        (false, _) => Place::Anywhere,
        (true, true) => Place::Except(places(rng, 5)),
        (true, false) => Place::Only(places(rng, 3)),
    };
    let risk = match (by_risk, rng.bool()) {
        (false, _) => Vec::new(),
        (true, false) => vec![RiskLevel::High],
        (true, true) => vec![RiskLevel::Medium, RiskLevel::High],
    };
    BlockPolicy { id: guid(rng), target, place, risk, is_report_only: rng.u8(..100) < 20 }
}

/// Ranges of 80 % IPv4, /14 to /32, and 20 % IPv6, /29 to /128, dealt to the locations in turn.
pub fn locations(rng: &mut Rng, size: Size) -> Vec<Location> {
    let mut locations: Vec<Location> =
        (0..size.locations).map(|_| Location { id: guid(rng), ranges: Vec::new() }).collect();
    for index in 0..size.ranges {
        let range = if rng.u8(..100) < 80 {
            let net = Ipv4Net::new(public(rng), rng.u8(14..=32)).map(|net| IpNet::V4(net.trunc()));
            net.expect("a prefix of at most 32 bits")
        } else {
            // Global unicast addresses, 2000::/3.
            let bits = (rng.u128(..) >> 3) | (1 << 125);
            let net = Ipv6Net::new(Ipv6Addr::from(bits), rng.u8(29..=128)).map(|net| IpNet::V6(net.trunc()));
            net.expect("a prefix of at most 128 bits")
        };
        locations[index % size.locations].ranges.push(range);
    }
    locations
}

/// An address outside of private networks, of which `check` would warn.
fn public(rng: &mut Rng) -> Ipv4Addr {
    loop {
        let address = Ipv4Addr::from(rng.u32(..));
        let is_shared = u32::from(address) >> 22 == 0x6440_0000 >> 22;
        if !address.is_private() && !address.is_loopback() && !address.is_link_local() && !is_shared {
            return address;
        }
    }
}

/// Nine in ten requests come from a service principal that a policy names, half of them from inside a location.
fn requests(rng: &mut Rng, policies: &[BlockPolicy], locations: &[Location], principals: &[String]) -> Vec<Asked> {
    let named: Vec<usize> = policies
        .iter()
        .filter_map(|policy| match &policy.target {
            Target::Some { included, .. } => Some(included),
            Target::AllBut(_) => None,
        })
        .flatten()
        .copied()
        .filter(|principal| *principal < principals.len())
        .collect();
    (0..REQUESTS)
        .map(|_| {
            let principal = if rng.u8(..100) < 90 && !named.is_empty() {
                named[rng.usize(..named.len())]
            } else {
                rng.usize(..principals.len())
            };
            let address = if rng.bool() {
                let ranges = &locations[rng.usize(..locations.len())].ranges;
                let range = ranges[rng.usize(..ranges.len())];
                inside(rng, range)
            } else if rng.u8(..100) < 80 {
                IpAddr::V4(Ipv4Addr::from(rng.u32(..)))
            } else {
                IpAddr::V6(Ipv6Addr::from((rng.u128(..) >> 3) | (1 << 125)))
            };
            let risk = match rng.u8(..100) {
                0..80 => RiskLevel::None,
                80..90 => RiskLevel::Low,
                90..96 => RiskLevel::Medium,
                _ => RiskLevel::High,
            };
            let id = principals[principal].clone();
            Asked { principal, id, address, address_text: address.to_string(), risk }
        })
        .collect()
}

pub fn inside(rng: &mut Rng, range: IpNet) -> IpAddr {
    match range {
        IpNet::V4(net) => IpAddr::V4((u32::from(net.network()) | (rng.u32(..) & u32::from(net.hostmask()))).into()),
        IpNet::V6(net) => IpAddr::V6((u128::from(net.network()) | (rng.u128(..) & u128::from(net.hostmask()))).into()),
    }
}

pub fn guid(rng: &mut Rng) -> String {
    uuid::Builder::from_random_bytes(rng.u128(..).to_be_bytes()).into_uuid().hyphenated().to_string()
}

pub fn file(name: &str, text: String) -> RawFile {
    RawFile { name: name.into(), bytes: text.into_bytes() }
}

/// A Graph list of `items`, each of which ends with a comma.
pub fn listed(items: &str) -> String {
    format!("{{\"value\":[\n{}\n]}}\n", items.trim_end().trim_end_matches(','))
}
