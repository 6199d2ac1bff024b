//! Requests as gateways describe those that came to them.

use doorward::serve::envoy::v3;
use doorward::serve::envoy::v3::authorization_client::AuthorizationClient;

use prost_types::Value;
use prost_types::value::Kind;

use crate::asked::Asked;
use crate::support::metadata::verified;
use crate::world::{Over, Told, World};

pub fn envoy_with_claims(world: &World, over: Over, all: &[Asked]) -> Vec<Told> {
    envoy(world, over, all, |request, asked| {
        request.metadata_context = Some(verified(&world.claims(asked)));
    })
}

pub fn envoy_with_token(world: &World, over: Over, all: &[Asked]) -> Vec<Told> {
    envoy(world, over, all, |request, asked| {
        let http = request.request.as_mut().unwrap().http.as_mut().unwrap();
        http.headers.insert("authorization".to_owned(), token(world, asked));
    })
}

fn token(world: &World, asked: &Asked) -> String {
    format!("Bearer {}", world.key.sign(&world.claims(asked)))
}

fn envoy(world: &World, over: Over, all: &[Asked], identify: impl Fn(&mut v3::AttributeContext, &Asked)) -> Vec<Told> {
    world.runtime.block_on(async {
        let mut client = AuthorizationClient::new(world.channel(over).await);
        let mut answers = Vec::new();
        for asked in all {
            let mut attributes = described(asked);
            identify(&mut attributes, asked);
            let request = v3::CheckRequest { attributes: Some(attributes) };
            let response = client.check(request).await.unwrap().into_inner();
            let is_allowed = response.status.unwrap().code == 0;
            let fields = response.dynamic_metadata.unwrap().fields;
            let Some(Kind::ListValue(policies)) = &fields["policies"].kind else { panic!("{fields:?}") };
            let id = |value: &Value| match &value.kind {
                Some(Kind::StringValue(id)) => id.clone(),
                other => panic!("{other:?}"),
            };
            let policies: Vec<_> = policies.values.iter().map(id).collect();
            answers.push(Told::by(is_allowed, policies.iter().map(String::as_str)));
        }
        answers
    })
}

/// Gateways whose route says which action it is.
pub fn for_action(world: &World, asked: &Asked, action: &str) -> Vec<Told> {
    let mut all = envoy(world, Over::Tcp, std::slice::from_ref(asked), |request, asked| {
        request.metadata_context = Some(verified(&world.claims(asked)));
        request.context_extensions.insert("ca.action".to_owned(), action.to_owned());
    });
    let (token, address) = (token(world, asked), asked.address.unwrap_or_default());
    let headers = [
        ("authorization", token.as_str()),
        ("x-forwarded-for", address),
        ("x-forwarded-method", asked.method),
        ("x-forwarded-uri", asked.path),
        ("x-forwarded-host", asked.host),
        ("x-forwarded-proto", "https"),
    ];
    let path = format!("/v1/forward-auth/traefik?ca.action={action}");
    let answer = world.http(Over::Tcp, "GET", &path, &headers, "");
    assert!([200, 403].contains(&answer.status), "{answer:?}");
    all.push(Told::new(answer.status == 200));
    all
}

fn described(asked: &Asked) -> v3::AttributeContext {
    let peer = |address: &str| {
        let socket = v3::SocketAddress { address: address.to_owned() };
        let address = v3::Address { address: Some(v3::address::Address::SocketAddress(socket)) };
        v3::Peer { address: Some(address), principal: String::new() }
    };
    let http = v3::HttpRequest {
        method: asked.method.to_owned(),
        path: asked.path.to_owned(),
        host: asked.host.to_owned(),
        scheme: "https".to_owned(),
        ..Default::default()
    };
    v3::AttributeContext {
        source: asked.address.map(peer),
        request: Some(v3::Request { http: Some(http) }),
        context_extensions: route(asked).into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        ..Default::default()
    }
}

/// What the operator says of the route.
fn route(asked: &Asked) -> Vec<(&'static str, &'static str)> {
    let app = |app| vec![("ca.target_type", "audience"), ("ca.target", app), ("ca.app_id", app)];
    asked.app.map(app).unwrap_or_default()
}

/// Forward authentication in a flavour.
pub fn forward(world: &World, over: Over, all: &[Asked], flavour: &str) -> Vec<Told> {
    let ask = |asked: &Asked| {
        let (token, address) = (token(world, asked), asked.address.unwrap_or_default());
        let url = format!("https://{}{}", asked.host, asked.path);
        let mut headers = vec![("authorization", token.as_str()), ("x-forwarded-for", address)];
        let (method, uri) = ("x-forwarded-method", "x-forwarded-uri");
        let (original_method, original_uri) = ("x-original-method", "x-original-uri");
        let proto = ("x-forwarded-proto", "https");
        headers.extend(match flavour {
            "traefik" | "caddy" => {
                vec![(method, asked.method), (uri, asked.path), ("x-forwarded-host", asked.host), proto]
            }
            "nginx" | "haproxy" => {
                vec![(original_method, asked.method), (original_uri, asked.path), ("host", asked.host), proto]
            }
            "ingress-nginx" => vec![(original_method, asked.method), ("x-original-url", &url)],
            _ => vec![("host", asked.host), proto],
        });
        let own = if flavour == "envoy" { asked.method } else { "GET" };
        let suffix = if flavour == "envoy" { asked.path } else { "" };
        let query: Vec<_> = route(asked).iter().map(|(name, value)| format!("{name}={value}")).collect();
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        let path = format!("/v1/forward-auth/{flavour}{suffix}{query}");
        let answer = world.http(over, own, &path, &headers, "");
        let is_told_why = |(_, value): &(String, String)| value.contains("error=\"insufficient_");
        match answer.status {
            200 => Told::new(true),
            403 => Told::new(false),
            401 if answer.headers.iter().any(is_told_why) => Told::new(false),
            _ => panic!("{asked:?}: {answer:?}"),
        }
    };
    all.iter().map(ask).collect()
}
