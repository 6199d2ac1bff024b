//! A bundle and requests of one size: 240 policies, 50 locations, about 5,000 ranges, 10,000 service principals.
//!
//! Everything is drawn from a fixed seed, so that runs on different days measure the same work.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;

use doorward::compile;
use doorward::evaluate::{self, Evaluation};
use doorward::model::Decision;
use doorward::serve::wire::message::DecideRequest;
use doorward::serve::wire::{self, Encoding, v1};
use doorward::source::Source;
use prost::Message;

const POLICIES: usize = 240;
const LOCATIONS: usize = 50;
const RANGES_PER_LOCATION: u64 = 106;
const PRINCIPALS: u64 = 10_000;
const REQUESTS: usize = 8_192;
const TENANT: &str = "11111111-0000-4000-8000-000000000001";

/// A small generator of numbers that is the same everywhere (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Below `most`.
    fn below(&mut self, most: u64) -> u64 {
        (self.next() >> 11) % most
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

fn principal(number: u64) -> String {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{:08x}-{:04x}-4000-8000-{:012x}", mixed >> 32, mixed >> 16 & 0xffff, number)
}

fn location(number: usize) -> String {
    format!("bbbbbbbb-0000-4000-8000-{number:012x}")
}

struct Range {
    first: u128,
    bits: u32,
    is_v6: bool,
}

impl Range {
    fn draw(numbers: &mut Numbers) -> Self {
        if numbers.percent(20) {
            let bits = 29 + u32::try_from(numbers.below(100)).unwrap();
            let random = u128::from(numbers.next()) << 64 | u128::from(numbers.next());
            let address = 0x2000 << 112 | random >> 3;
            return Self { first: address >> (128 - bits) << (128 - bits), bits, is_v6: true };
        }
        let bits = 14 + u32::try_from(numbers.below(19)).unwrap();
        let address = numbers.below(1 << 32) >> (32 - bits) << (32 - bits);
        Self { first: u128::from(address), bits, is_v6: false }
    }

    fn text(&self) -> String {
        format!("{}/{}", address(self.first, self.is_v6), self.bits)
    }

    /// An address inside.
    fn inside(&self, numbers: &mut Numbers) -> String {
        let free = if self.is_v6 { 128 - self.bits } else { 32 - self.bits };
        let host = if free == 0 { 0 } else { u128::from(numbers.next()) & (u128::MAX >> (128 - free.min(64))) };
        address(self.first | host, self.is_v6)
    }
}

fn address(bits: u128, is_v6: bool) -> String {
    if is_v6 { Ipv6Addr::from(bits).to_string() } else { Ipv4Addr::from(u32::try_from(bits).unwrap()).to_string() }
}

/// The requests and what is decided on each.
pub struct Workload {
    pub requests: Vec<Request>,
    /// Mean size of the answers, bytes.
    pub json_answer_bytes: usize,
    pub protobuf_answer_bytes: usize,
}

pub struct Request {
    pub json: Vec<u8>,
    pub protobuf: Vec<u8>,
    pub is_allowed: bool,
}

/// Writes the bundle to `folder` and decides every request in process.
pub fn prepare(folder: &Path) -> Workload {
    let mut numbers = Numbers(0x0dd_ba11_5eed);
    let drawn = write_bundle(folder, &mut numbers);
    let raw = Source::new(folder).read().unwrap().bundle;
    let compilation = compile::compile(&raw);
    let bundle = compilation.bundle.unwrap_or_else(|| panic!("{:#?}", compilation.findings));
    let mut evaluation = Evaluation::default();
    let (mut requests, mut json_bytes, mut protobuf_bytes) = (Vec::new(), 0, 0);
    for number in 0..REQUESTS {
        let message = draw_request(number, &drawn, &mut numbers);
        let protobuf = message.encode_to_vec();
        let borrowed: DecideRequest<'_> = wire::read(Encoding::Protobuf, &protobuf).unwrap();
        let request = wire::token_request(&borrowed).unwrap();
        evaluate::evaluate(&bundle, &request, &mut evaluation).unwrap();
        let answer =
            wire::answer::answer(&bundle, &evaluation, wire::Asked::of(&request), message.request_id.clone().unwrap());
        json_bytes += wire::json::write(&answer).len();
        protobuf_bytes += answer.encoded_len();
        let is_allowed = evaluation.decision() == Decision::Allow;
        requests.push(Request { json: wire::json::write(&message), protobuf, is_allowed });
    }
    Workload { requests, json_answer_bytes: json_bytes / REQUESTS, protobuf_answer_bytes: protobuf_bytes / REQUESTS }
}

fn write_bundle(folder: &Path, numbers: &mut Numbers) -> Drawn {
    let mut all = Vec::new();
    let mut locations = Vec::new();
    for number in 0..LOCATIONS {
        let ranges: Vec<Range> =
            (0..1 + numbers.below(2 * RANGES_PER_LOCATION)).map(|_| Range::draw(numbers)).collect();
        let texts: Vec<_> = ranges.iter().map(Range::text).collect();
        locations.push(serde_json::json!({
            "@odata.type": "#microsoft.graph.ipNamedLocation", "id": location(number),
            "displayName": format!("Location {number}"), "isTrusted": false, "ipRanges": texts,
        }));
        all.extend(ranges);
    }
    let mut named = Vec::new();
    let policies: Vec<_> = (0..POLICIES).map(|number| draw_policy(number, &mut named, numbers)).collect();
    std::fs::write(folder.join("bundle.yaml"), format!("name: w240\nrevision: \"1\"\ntenantId: {TENANT}\n")).unwrap();
    std::fs::write(folder.join("locations.json"), serde_json::to_vec(&locations).unwrap()).unwrap();
    std::fs::write(folder.join("policies.json"), serde_json::to_vec(&policies).unwrap()).unwrap();
    Drawn { ranges: all, named }
}

/// What requests are drawn from.
struct Drawn {
    ranges: Vec<Range>,
    /// Service principals that some policy names.
    named: Vec<String>,
}

/// Every fiftieth policy is for all service principals, on high risk; the others name some.
fn draw_policy(number: usize, named: &mut Vec<String>, numbers: &mut Numbers) -> serde_json::Value {
    let mut clients = serde_json::json!({});
    let is_for_all = number.is_multiple_of(50);
    if is_for_all {
        clients["includeServicePrincipals"] = serde_json::json!(["ServicePrincipalsInMyTenant"]);
        let excluded: Vec<_> = (0..numbers.below(51)).map(|_| principal(numbers.below(PRINCIPALS))).collect();
        clients["excludeServicePrincipals"] = serde_json::json!(excluded);
    } else {
        let included: Vec<_> = (0..1 + numbers.below(20)).map(|_| principal(numbers.below(PRINCIPALS))).collect();
        clients["includeServicePrincipals"] = serde_json::json!(included);
        named.extend(included);
    }
    let mut conditions = serde_json::json!({ "clientApplications": clients });
    let kind = if is_for_all { 9 } else { numbers.below(10) };
    if kind < 8 {
        let mut some = |most| -> Vec<String> {
            (0..1 + numbers.below(most)).map(|_| location(numbers.below(LOCATIONS as u64) as usize)).collect()
        };
        let (near, far) = (some(5), some(3));
        conditions["locations"] = match numbers.percent(85) {
            true => serde_json::json!({"includeLocations": ["All"], "excludeLocations": near}),
            false => serde_json::json!({"includeLocations": far, "excludeLocations": []}),
        };
    }
    if kind >= 7 {
        let is_strict = !is_for_all && numbers.percent(50);
        conditions["servicePrincipalRiskLevels"] =
            if is_strict { serde_json::json!(["medium", "high"]) } else { serde_json::json!(["high"]) };
    }
    serde_json::json!({
        "id": format!("aaaaaaaa-0000-4000-8000-{number:012x}"), "displayName": format!("Policy {number}"),
        "state": if numbers.percent(20) { "enabledForReportingButNotEnforced" } else { "enabled" },
        "conditions": conditions, "grantControls": {"operator": "OR", "builtInControls": ["block"]},
    })
}

fn draw_request(number: usize, drawn: &Drawn, numbers: &mut Numbers) -> v1::DecideRequest {
    let range = &drawn.ranges[numbers.below(drawn.ranges.len() as u64) as usize];
    let id = match numbers.percent(90) {
        true => drawn.named[numbers.below(drawn.named.len() as u64) as usize].clone(),
        false => principal(numbers.below(PRINCIPALS)),
    };
    let ip = match numbers.percent(50) {
        true => range.inside(numbers),
        false => Range::draw(numbers).inside(numbers),
    };
    let risk = match numbers.below(100) {
        0..80 => v1::RiskLevel::None,
        80..90 => v1::RiskLevel::Low,
        90..96 => v1::RiskLevel::Medium,
        _ => v1::RiskLevel::High,
    };
    v1::DecideRequest {
        identity: Some(v1::Identity {
            r#type: v1::IdentityType::ServicePrincipal.into(),
            id: Some(id),
            app_id: Some(principal(numbers.below(PRINCIPALS))),
            owner_tenant: Some(TENANT.to_owned()),
            audience: v1::SignInAudience::AzureAdMyOrg.into(),
            ..v1::Identity::default()
        }),
        resource: Some(v1::Resource { app_ids: vec![principal(numbers.below(100))], ..v1::Resource::default() }),
        network: Some(v1::Network { ip_address: Some(ip), ..v1::Network::default() }),
        risk: Some(v1::Risk { service_principal: risk.into(), ..v1::Risk::default() }),
        credential: Some(v1::Credential {
            r#type: v1::CredentialType::Certificate.into(),
            key_id: Some(principal(numbers.below(PRINCIPALS))),
            ..v1::Credential::default()
        }),
        request_id: Some(format!("{number:016x}")),
        ..v1::DecideRequest::default()
    }
}
