//! The table of doors. A new door is a row: its name, the facts that it can be told, and how it is asked.

use crate::asked::{Asked, Fact, Purpose};
use crate::world::{Over, Told, World};
use crate::{gateway, hook, native, question};

/// A way to ask.
pub struct Door {
    pub name: &'static str,
    /// What it is asked for.
    pub asks: &'static [Purpose],
    /// Facts that it can be told, beside those that all can be.
    pub says: &'static [Fact],
    /// How it can be reached.
    pub over: &'static [Over],
    /// Whether its callers hear of what is owed for an allow.
    pub passes_on: bool,
    /// Asks all requests and gives as many answers, in order.
    pub ask: fn(&World, Over, &[Asked]) -> Vec<Told>,
}

const ALL: &[Fact] = &[
    Fact::Kind,
    Fact::Nowhere,
    Fact::Somewhere,
    Fact::Grant,
    Fact::Country,
    Fact::Risk,
    Fact::Client,
    Fact::Mfa,
    Fact::Device,
    Fact::App,
    Fact::Scopes,
];
/// The same without scopes, the last of them: each is a question of its own.
const SINGLE: &[Fact] = ALL.split_last().unwrap().1;
/// What tokens and routes of gateways say; a request that came over TCP came from somewhere.
const ROUTED: &[Fact] = &[Fact::Somewhere, Fact::Client, Fact::Mfa, Fact::App];
/// The same without a query of the operator.
const BARE: &[Fact] = &[Fact::Somewhere, Fact::Client, Fact::Mfa];
const ENVOY: &[Fact] = &[Fact::Nowhere, Fact::Somewhere, Fact::Client, Fact::Mfa, Fact::App];
/// What the hooks of Ory Hydra and Okta say.
const HOOK: &[Fact] = &[Fact::Nowhere, Fact::Somewhere, Fact::Grant, Fact::Client, Fact::Mfa, Fact::App, Fact::Scopes];
/// What Zitadel's says: neither the address nor the grant, nor what the token is for or how the user has signed in.
const ZITADEL: &[Fact] = &[Fact::Nowhere, Fact::Client];
const ANYTHING: &[Purpose] = &[Purpose::Use, Purpose::Issue];
const USE: &[Purpose] = &[Purpose::Use];
const ISSUE: &[Purpose] = &[Purpose::Issue];
const BOTH: &[Over] = &[Over::Tcp, Over::Unix];

pub const DOORS: &[Door] = &[
    Door { name: "HTTP", asks: ANYTHING, says: ALL, over: BOTH, passes_on: true, ask: native::http },
    Door { name: "HTTP, batch", asks: ANYTHING, says: ALL, over: BOTH, passes_on: true, ask: native::http_batch },
    Door { name: "gRPC", asks: ANYTHING, says: ALL, over: BOTH, passes_on: true, ask: native::grpc },
    Door { name: "gRPC, batch", asks: ANYTHING, says: ALL, over: BOTH, passes_on: true, ask: native::grpc_batch },
    Door { name: "gRPC, stream", asks: ANYTHING, says: ALL, over: BOTH, passes_on: true, ask: native::grpc_stream },
    Door {
        name: "command line",
        asks: ANYTHING,
        says: ALL,
        over: &[Over::Process],
        passes_on: true,
        ask: native::command_line,
    },
    Door {
        name: "AuthZEN evaluation",
        asks: ANYTHING,
        says: SINGLE,
        over: BOTH,
        passes_on: true,
        ask: question::evaluation,
    },
    Door {
        name: "AuthZEN evaluations",
        asks: ANYTHING,
        says: ALL,
        over: BOTH,
        passes_on: true,
        ask: question::evaluations,
    },
    Door {
        name: "Envoy gRPC, claims verified there",
        asks: USE,
        says: ENVOY,
        over: BOTH,
        passes_on: false,
        ask: gateway::envoy_with_claims,
    },
    Door {
        name: "Envoy gRPC, token verified here",
        asks: USE,
        says: ENVOY,
        over: BOTH,
        passes_on: false,
        ask: gateway::envoy_with_token,
    },
    Door {
        name: "Envoy HTTP",
        asks: USE,
        says: BARE,
        over: BOTH,
        passes_on: false,
        ask: |world, over, all| gateway::forward(world, over, all, "envoy"),
    },
    Door {
        name: "Traefik",
        asks: USE,
        says: ROUTED,
        over: BOTH,
        passes_on: false,
        ask: |world, over, all| gateway::forward(world, over, all, "traefik"),
    },
    Door {
        name: "nginx",
        asks: USE,
        says: ROUTED,
        over: BOTH,
        passes_on: false,
        ask: |world, over, all| gateway::forward(world, over, all, "nginx"),
    },
    Door {
        name: "ingress-nginx",
        asks: USE,
        says: ROUTED,
        over: BOTH,
        passes_on: false,
        ask: |world, over, all| gateway::forward(world, over, all, "ingress-nginx"),
    },
    Door {
        name: "Caddy",
        asks: USE,
        says: BARE,
        over: BOTH,
        passes_on: false,
        ask: |world, over, all| gateway::forward(world, over, all, "caddy"),
    },
    Door {
        name: "HAProxy",
        asks: USE,
        says: ROUTED,
        over: BOTH,
        passes_on: false,
        ask: |world, over, all| gateway::forward(world, over, all, "haproxy"),
    },
    Door { name: "Ory Hydra", asks: ISSUE, says: HOOK, over: BOTH, passes_on: false, ask: hook::hydra },
    Door { name: "Okta", asks: ISSUE, says: HOOK, over: BOTH, passes_on: false, ask: hook::okta },
    Door { name: "Zitadel", asks: ISSUE, says: ZITADEL, over: BOTH, passes_on: false, ask: hook::zitadel },
];
