//! The cast of generated scenes: few of everything, so that policies and requests meet.

use doorward::model::{Id, IdRef, IpRange};

/// Object ids of service principals; one directory entry does not use a GUID.
pub const PRINCIPALS: [&str; 4] = [
    "11111111-0000-0000-0000-000000000000",
    "11111111-0000-0000-0000-00000000000a",
    "11111111-0000-0000-0000-00000000000b",
    "billing",
];
pub const USERS: [&str; 3] = ["22222222-0000-0000-0000-000000000000", "22222222-0000-0000-0000-00000000000a", "alice"];
pub const GROUPS: [&str; 3] = [
    "33333333-0000-0000-0000-000000000000",
    "33333333-0000-0000-0000-00000000000a",
    "33333333-0000-0000-0000-00000000000b",
];
pub const ROLES: [&str; 2] = ["44444444-0000-0000-0000-000000000000", "44444444-0000-0000-0000-00000000000a"];
pub const AGENTS: [&str; 3] = [
    "55555555-0000-0000-0000-000000000000",
    "55555555-0000-0000-0000-00000000000a",
    "55555555-0000-0000-0000-00000000000b",
];
pub const BLUEPRINTS: [&str; 2] = ["66666666-0000-0000-0000-000000000000", "66666666-0000-0000-0000-00000000000a"];
/// App ids of resources; the first is in the built-in `Office365`, the second in `MicrosoftAdminPortals`; the last are the
/// directory and Microsoft Graph.
pub const APPS: [&str; 6] = [
    "00000003-0000-0ff1-ce00-000000000000",
    "c44b4083-3bb0-49c1-b47d-974e53cbdf3c",
    "77777777-0000-0000-0000-000000000000",
    "77777777-0000-0000-0000-00000000000a",
    "00000002-0000-0000-c000-000000000000",
    "00000003-0000-0000-c000-000000000000",
];
/// What somebody asks for whose device is to be compliant: its registration, and its enrolment.
pub const ON_THE_WAY: [&str; 2] = ["01cb2876-7ebd-4aa4-9cc9-d28bd4d359a9", "d4ebce55-015a-49b5-a083-c84d1797ae8c"];
/// The endpoint where agent identities exchange tokens.
pub const TOKEN_EXCHANGE: &str = "fb60f99c-7a34-4190-8149-302f77469936";
/// Object ids of the service principals of [`APPS`].
pub const RESOURCE_PRINCIPALS: [&str; 6] = [
    "78787878-0000-0000-0000-000000000000",
    "78787878-0000-0000-0000-00000000000a",
    "78787878-0000-0000-0000-00000000000b",
    "78787878-0000-0000-0000-00000000000c",
    "78787878-0000-0000-0000-00000000000d",
    "78787878-0000-0000-0000-00000000000e",
];
pub const LOCATIONS: [&str; 5] = [
    "88888888-0000-0000-0000-000000000000",
    "88888888-0000-0000-0000-00000000000a",
    "88888888-0000-0000-0000-00000000000b",
    "88888888-0000-0000-0000-00000000000c",
    "88888888-0000-0000-0000-00000000000d",
];
/// The first is this tenant where the bundle says so.
pub const TENANTS: [&str; 3] = [
    "99999999-0000-0000-0000-000000000000",
    "99999999-0000-0000-0000-00000000000a",
    "99999999-0000-0000-0000-00000000000b",
];
/// Built-in strengths, and one that only bundles describe.
pub const STRENGTHS: [&str; 3] = [
    "00000000-0000-0000-0000-000000000002",
    "00000000-0000-0000-0000-000000000004",
    "34343434-0000-0000-0000-000000000000",
];
/// Where personal accounts have their home.
pub const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
pub const COUNTRIES: [&str; 5] = ["US", "GB", "SE", "CN", "JP"];

/// Ranges that nest, overlap, touch, and cover the addresses of the country database in part.
pub const RANGES: [(&str, &str); 13] = [
    ("203.0.113.0", "203.0.113.255"),
    ("203.0.113.0", "203.0.113.15"),
    ("203.0.113.8", "203.0.113.40"),
    ("203.0.113.16", "203.0.113.16"),
    ("198.51.100.0", "198.51.100.255"),
    ("81.2.69.128", "81.2.69.143"),
    ("80.0.0.0", "90.255.255.255"),
    ("0.0.0.0", "0.255.255.255"),
    ("255.255.255.255", "255.255.255.255"),
    ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:db8:1::", "2001:db8:1:ffff:ffff:ffff:ffff:ffff"),
    ("2001:db8:1:2::1", "2001:db8:1:2::1"),
    ("2001:200::", "2001:2ff:ffff:ffff:ffff:ffff:ffff:ffff"),
];

/// Addresses at the edges of those ranges, outside of them, and in the country database.
pub const ADDRESSES: [&str; 26] = [
    "203.0.113.0",
    "203.0.113.7",
    "203.0.113.8",
    "203.0.113.15",
    "203.0.113.16",
    "203.0.113.17",
    "203.0.113.40",
    "203.0.113.41",
    "203.0.113.255",
    "203.0.114.0",
    "198.51.100.9",
    "192.0.2.9",
    "0.0.0.0",
    "255.255.255.255",
    "81.2.69.142",
    "81.2.69.144",
    "216.160.83.56",
    "89.160.20.112",
    "214.1.1.1",
    "2001:db8::1",
    "2001:db8:1::",
    "2001:db8:1:2::1",
    "2001:db8:1:2::2",
    "2001:218::1",
    "2a02:d500::1",
    "::1",
];

/// The range of an entry of [`RANGES`].
pub fn range((first, last): (&str, &str)) -> IpRange {
    let address = |text: &str| text.parse().expect("an address");
    IpRange::new(address(first), address(last)).expect("a range")
}

/// The application that a workload's catalogue entry belongs to.
pub fn app_of(id: &str) -> Option<Id> {
    let index = PRINCIPALS.iter().chain(&AGENTS).position(|other| *other == id)?;
    Some(Id::new(&format!("12121212-0000-0000-0000-{index:012}")))
}

/// Whether `text` is a GUID.
pub fn is_guid(text: &str) -> bool {
    IdRef::new(text).is_guid()
}
