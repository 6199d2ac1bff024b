//! The table of doors. A new door is a row: its name, the facts that it can be told, and how it is asked.

use crate::asked::{Asked, Fact};
use crate::world::{Over, Told, World};
use crate::{gateway, native, question};

/// A way to ask.
pub struct Door {
    pub name: &'static str,
    /// Facts that it can be told, beside those that all can be.
    pub says: &'static [Fact],
    /// How it can be reached.
    pub over: &'static [Over],
    /// Asks all requests and gives as many answers, in order.
    pub ask: fn(&World, Over, &[Asked]) -> Vec<Told>,
}

const ALL: &[Fact] =
    &[Fact::Kind, Fact::Nowhere, Fact::Country, Fact::Risk, Fact::Client, Fact::Mfa, Fact::Device, Fact::App];
/// What tokens and routes of gateways say; a request that came over TCP came from somewhere.
const ROUTED: &[Fact] = &[Fact::Client, Fact::Mfa, Fact::App];
/// The same without a query of the operator.
const BARE: &[Fact] = &[Fact::Client, Fact::Mfa];
const ENVOY: &[Fact] = &[Fact::Nowhere, Fact::Client, Fact::Mfa, Fact::App];
const BOTH: &[Over] = &[Over::Tcp, Over::Unix];

pub const DOORS: &[Door] = &[
    Door { name: "HTTP", says: ALL, over: BOTH, ask: native::http },
    Door { name: "HTTP, batch", says: ALL, over: BOTH, ask: native::http_batch },
    Door { name: "gRPC", says: ALL, over: BOTH, ask: native::grpc },
    Door { name: "gRPC, batch", says: ALL, over: BOTH, ask: native::grpc_batch },
    Door { name: "gRPC, stream", says: ALL, over: BOTH, ask: native::grpc_stream },
    Door { name: "command line", says: ALL, over: &[Over::Process], ask: native::command_line },
    Door { name: "AuthZEN evaluation", says: ALL, over: BOTH, ask: question::evaluation },
    Door { name: "AuthZEN evaluations", says: ALL, over: BOTH, ask: question::evaluations },
    Door { name: "Envoy gRPC, claims verified there", says: ENVOY, over: BOTH, ask: gateway::envoy_with_claims },
    Door { name: "Envoy gRPC, token verified here", says: ENVOY, over: BOTH, ask: gateway::envoy_with_token },
    Door {
        name: "Envoy HTTP",
        says: BARE,
        over: BOTH,
        ask: |world, over, all| gateway::forward(world, over, all, "envoy"),
    },
    Door {
        name: "Traefik",
        says: ROUTED,
        over: BOTH,
        ask: |world, over, all| gateway::forward(world, over, all, "traefik"),
    },
    Door {
        name: "nginx",
        says: ROUTED,
        over: BOTH,
        ask: |world, over, all| gateway::forward(world, over, all, "nginx"),
    },
    Door {
        name: "ingress-nginx",
        says: ROUTED,
        over: BOTH,
        ask: |world, over, all| gateway::forward(world, over, all, "ingress-nginx"),
    },
    Door { name: "Caddy", says: BARE, over: BOTH, ask: |world, over, all| gateway::forward(world, over, all, "caddy") },
    Door {
        name: "HAProxy",
        says: ROUTED,
        over: BOTH,
        ask: |world, over, all| gateway::forward(world, over, all, "haproxy"),
    },
];
