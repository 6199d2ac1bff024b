//! The files of `deploy` that no program here can be started with say the same as those that are.

use serde_json::Value;

use crate::server::{files, without_bundle};
use crate::support::found::root;
use crate::support::raw::get;

/// The documents of a YAML file.
pub fn documents(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(root().join("deploy").join(name)).unwrap();
    text.split("\n---\n")
        .map(|text| serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}")))
        .collect()
}

/// The objects below `value` that are called `name`.
fn named<'v>(value: &'v Value, name: &str) -> Vec<&'v Value> {
    let mut found = Vec::new();
    match value {
        Value::Object(members) => {
            found.extend((members.get("name").and_then(Value::as_str) == Some(name)).then_some(value));
            found.extend(members.values().flat_map(|member| named(member, name)));
        }
        Value::Array(list) => found.extend(list.iter().flat_map(|member| named(member, name))),
        _ => {}
    }
    found
}

/// The configuration of a filter in a file, which has it once.
fn filter(file: &str, name: &str) -> Value {
    let documents = documents(file);
    let found: Vec<_> = documents.iter().flat_map(|document| named(document, name)).collect();
    assert_eq!(found.len(), 1, "{file} has {name} once");
    found[0]["typed_config"].clone()
}

#[test]
fn recipes_for_envoy_in_kubernetes_have_the_filters_that_are_tested() {
    let (authorization, jwt) = ("envoy.filters.http.ext_authz", "envoy.filters.http.jwt_authn");
    let tested = filter("envoy/envoy.yaml", authorization);
    let gateway = "envoy-gateway/envoypatchpolicy.yaml";
    assert_eq!(filter(gateway, authorization), tested);
    assert_eq!(filter(gateway, jwt), filter("envoy/envoy.yaml", jwt));
    let mut istio = filter("istio/envoyfilter.yaml", authorization);
    // Istio names clusters itself.
    let cluster = istio["grpc_service"]["envoy_grpc"]["cluster_name"].take();
    assert_eq!(cluster, "outbound|8480||doorward.doorward.svc.cluster.local");
    istio["grpc_service"]["envoy_grpc"]["cluster_name"] = tested["grpc_service"]["envoy_grpc"]["cluster_name"].clone();
    assert_eq!(istio, tested);
    let cluster = |file: &str| {
        let documents = documents(file);
        let of = |document| {
            named(document, "doorward").into_iter().find(|found| found.get("load_assignment").is_some()).cloned()
        };
        documents.iter().find_map(of).unwrap()["typed_extension_protocol_options"].clone()
    };
    assert_eq!(cluster(gateway), cluster("envoy/envoy.yaml"));
}

#[test]
fn every_settings_file_is_read_and_every_address_is_answered() {
    let mut asked = Vec::new();
    let mut settings = 0;
    for entry in std::fs::read_dir(root().join("deploy")).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()) {
            let text = std::fs::read_to_string(&file).unwrap();
            for (_, rest) in text.split("/v1/forward-auth/").skip(1).map(|rest| ("", rest)) {
                let flavour = rest.split(|character: char| !character.is_alphanumeric() && character != '-').next();
                asked.push(flavour.unwrap().to_owned());
            }
        }
        for file in files(&folder, "yaml")
            .iter()
            .filter(|file| file.file_name().unwrap().to_str().unwrap().starts_with("doorward"))
        {
            let text = std::fs::read_to_string(file).unwrap();
            let config = doorward::config::read(file, &text).unwrap_or_else(|error| panic!("{error}"));
            let (doors, hooks) = (&config.doors, &config.doors.hooks);
            let open = [
                doors.envoy.is_some(),
                doors.forward_auth.is_some(),
                hooks.hydra.is_some(),
                hooks.okta.is_some(),
                hooks.zitadel.is_some(),
            ];
            let name = file.strip_prefix(root().join("deploy")).unwrap().to_str().unwrap();
            let door = match name.split('/').next().unwrap() {
                "envoy" if name.contains("-http") => 1,
                "envoy" | "envoy-gateway" | "istio" => 0,
                "ory-hydra" => 2,
                "okta" => 3,
                "zitadel" => 4,
                _ => 1,
            };
            assert_eq!(open, std::array::from_fn(|index| index == door), "{name} opens the door that it is for");
            settings += 1;
        }
    }
    asked.sort();
    asked.dedup();
    assert_eq!(asked, ["caddy", "envoy", "haproxy", "ingress-nginx", "nginx", "traefik"]);
    assert_eq!(settings, 13);
    let running = without_bundle("forwardAuth: { clientIp: { mode: xff, trustUnix: true } }");
    for flavour in asked {
        let path = format!("/v1/forward-auth/{flavour}");
        assert_eq!(get(running.addresses().tcp.unwrap(), &path, &[]).status, 503, "{flavour}");
    }
}

/// Every caller that the README must say something about, as it is called there.
const CALLERS: [&str; 19] = [
    "gRPC",
    "HTTP",
    "AuthZEN",
    "Graph What If",
    "Envoy",
    "Istio",
    "Envoy Gateway",
    "Traefik",
    "nginx",
    "ingress-nginx",
    "Caddy",
    "HAProxy",
    "Ory Hydra",
    "Okta",
    "Zitadel",
    "node-oidc-provider",
    "Keycloak",
    "Auth0",
    "Amazon Cognito",
];

#[test]
fn the_readme_says_of_every_caller_how_it_is_pointed_here_and_what_it_does_when_doorward_is_down() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    for caller in CALLERS {
        let text = readme.split_once(&format!("\n\n**{caller}.** "));
        let text = text.unwrap_or_else(|| panic!("the README has no `**{caller}.**`")).1;
        let text = text.split("\n\n").next().unwrap();
        assert!(text.contains("\n*Down"), "{caller}: {text}");
        assert!((3..=5).contains(&text.lines().count()), "{caller}: {text}");
    }
    for entry in std::fs::read_dir(root().join("deploy")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(readme.contains(&format!("deploy/{name}")), "the README does not mention deploy/{name}");
    }
}
