//! Tokens of issuers, verified against keys that a server gives out.

use std::time::Duration;

use doorward::limits;
use doorward::serve::jwt::{Claims, IssuerSettings, Issuers, Patience, TokenError};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::issuer::{Key, KeyServer, base64url};
use crate::support::http::changed;

const ISSUER: &str = "https://login.example/";

fn now() -> Timestamp {
    "2026-09-01T12:00:00Z".parse().unwrap()
}

fn claims() -> Value {
    let second = now().as_second();
    json!({"iss": ISSUER, "aud": "api://door", "sub": "alice", "iat": second, "nbf": second, "exp": second + 300})
}

fn without(claim: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(claim).unwrap();
    claims
}

fn settings(jwks: &str) -> IssuerSettings {
    let text = format!("issuer: {ISSUER}\njwks: {jwks}\naudiences: ['api://door', 'api://other']\n");
    serde_saphyr::from_str(&text).unwrap()
}

/// Issuers that fetch keys until the test ends.
fn kept(settings: IssuerSettings) -> Issuers {
    let issuers = Issuers::new(vec![settings]).unwrap();
    let theirs = issuers.clone();
    tokio::spawn(async move { theirs.keep().await });
    issuers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_token_of_each_algorithm_tells_its_claims() {
    let keys = [Algorithm::ES256, Algorithm::RS256, Algorithm::PS256, Algorithm::EdDSA].map(|algorithm| {
        let id = ["ES256", "RS256", "PS256", "EdDSA"].into_iter().find(|id| *id == format!("{algorithm:?}")).unwrap();
        Key::new(id, algorithm)
    });
    let server = KeyServer::start(&keys.each_ref()).await;
    let issuers = kept(settings(&server.url));
    for key in &keys {
        let told = issuers.verify(&key.sign(&claims()), now(), Patience::FOR_CALLERS).await;
        let told = told.as_ref().map(Claims::as_map).unwrap_or_else(|error| panic!("{}: {error}", key.id));
        assert_eq!(Value::Object(told.clone()), claims(), "{}", key.id);
    }
    assert_eq!(server.fetched(), 1, "one fetch for all of them");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_that_are_not_right_are_refused() {
    let key = Key::new("one", Algorithm::ES256);
    let server = KeyServer::start(&[&key]).await;
    let issuers = kept(settings(&server.url));
    let second = now().as_second();
    let set = |claim: &str, value: Value| changed(claims(), claim, value);
    let cases = [
        ("an audience among several", set("/aud", json!(["x", "api://other"])), Ok(())),
        ("a type of its own", set("/extra", json!(true)), Ok(())),
        ("no nbf", without("nbf"), Ok(())),
        ("ended within the leeway", set("/exp", json!(second - 29)), Ok(())),
        ("a fraction of a second left of the leeway", set("/exp", json!(second as f64 - 29.5)), Ok(())),
        ("begins within the leeway", set("/nbf", json!(second + 30)), Ok(())),
        ("no audience", without("aud"), Err(TokenError::Audience)),
        ("an empty audience", set("/aud", json!([])), Err(TokenError::Audience)),
        ("another audience", set("/aud", json!("api://door2")), Err(TokenError::Audience)),
        ("an audience of another case", set("/aud", json!("API://door")), Err(TokenError::Audience)),
        ("an audience that is no text", set("/aud", json!(7)), Err(TokenError::Audience)),
        ("an audience that is an object", set("/aud", json!({"api://door": 1})), Err(TokenError::Audience)),
        ("no end", without("exp"), Err(TokenError::Expired)),
        ("an end that is text", set("/exp", json!("9999999999")), Err(TokenError::Expired)),
        ("ended before the leeway", set("/exp", json!(second - 30)), Err(TokenError::Expired)),
        ("begins after the leeway", set("/nbf", json!(second + 31)), Err(TokenError::NotYet)),
        ("a beginning that is text", set("/nbf", json!("0")), Err(TokenError::NotYet)),
        ("another issuer", set("/iss", json!("https://login.example")), Err(TokenError::Issuer)),
        ("an issuer in capitals", set("/iss", json!("https://LOGIN.example/")), Err(TokenError::Issuer)),
        ("no issuer", without("iss"), Err(TokenError::Malformed)),
    ];
    for (name, claims, expected) in cases {
        let told = issuers.verify(&key.sign(&claims), now(), Patience::FOR_CALLERS).await.map(drop);
        assert_eq!(told, expected, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_and_signatures_that_are_not_right_are_refused() {
    let (key, rsa, stranger) =
        (Key::new("ec", Algorithm::ES256), Key::new("rsa", Algorithm::RS256), Key::new("ec", Algorithm::ES256));
    let server = KeyServer::start(&[&key, &rsa]).await;
    let issuers = kept(settings(&server.url));
    let good = key.sign(&claims());
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("{good}") };
    let other = base64url(changed(claims(), "/sub", json!("mallory")).to_string().as_bytes());
    let unsigned = |algorithm: &str| base64url(json!({"alg": algorithm, "kid": "ec"}).to_string().as_bytes());
    let secret = |bytes: &[u8]| {
        let header = Header { kid: Some("rsa".to_owned()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(bytes)).unwrap()
    };
    let as_type = |kind: &str| key.sign_as(&Header { typ: Some(kind.to_owned()), ..key.header() }, &claims());
    let cases = [
        ("an access token", as_type("at+jwt"), Ok(())),
        ("an access token, said at length", as_type("Application/AT+JWT"), Ok(())),
        ("no type", key.sign_as(&Header { typ: None, ..key.header() }, &claims()), Ok(())),
        ("a token for logging out", as_type("logout+jwt"), Err(TokenError::Header)),
        ("a security event", as_type("secevent+jwt"), Err(TokenError::Header)),
        ("unsigned", format!("{}.{payload}.", unsigned("none")), Err(TokenError::Header)),
        ("unsigned, in capitals", format!("{}.{payload}.{signature}", unsigned("NONE")), Err(TokenError::Header)),
        (
            "a public key as a secret",
            secret(rsa.public()["n"].as_str().unwrap().as_bytes()),
            Err(TokenError::Algorithm),
        ),
        ("a whole public key as a secret", secret(rsa.public().to_string().as_bytes()), Err(TokenError::Algorithm)),
        (
            "an algorithm that is not allowed",
            rsa.sign_raw(&json!({"alg": "RS512", "kid": "rsa"}), &claims()),
            Err(TokenError::Algorithm),
        ),
        (
            "an algorithm that is not the key's",
            key.sign_raw(&json!({"alg": "RS256", "kid": "ec"}), &claims()),
            Err(TokenError::Key),
        ),
        (
            "something critical",
            key.sign_raw(&json!({"alg": "ES256", "kid": "ec", "crit": ["exp"], "exp": 1}), &claims()),
            Err(TokenError::Header),
        ),
        (
            "a key of its own in the header",
            stranger.sign_raw(&json!({"alg": "ES256", "kid": "ec", "jwk": stranger.public()}), &claims()),
            Err(TokenError::Signature),
        ),
        ("another one's key under the same id", stranger.sign(&claims()), Err(TokenError::Signature)),
        ("changed claims", format!("{header}.{other}.{signature}"), Err(TokenError::Signature)),
        ("no signature", format!("{header}.{payload}."), Err(TokenError::Signature)),
        ("a part too few", format!("{header}.{payload}"), Err(TokenError::Malformed)),
        ("parts too many", format!("{good}.{signature}.a"), Err(TokenError::Malformed)),
        ("nothing", String::new(), Err(TokenError::Malformed)),
        ("text", "a.b.c".to_owned(), Err(TokenError::Malformed)),
        ("far too long", format!("{good}{}", "A".repeat(limits::TOKEN_BYTES_MAX)), Err(TokenError::Malformed)),
    ];
    for (name, token, expected) in cases {
        assert_eq!(issuers.verify(&token, now(), Patience::FOR_CALLERS).await.map(drop), expected, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_not_there_is_fetched_once_for_all_who_ask() {
    let (old, new, never) =
        (Key::new("old", Algorithm::ES256), Key::new("new", Algorithm::ES256), Key::new("never", Algorithm::ES256));
    let server = KeyServer::start(&[&old]).await;
    let issuers = kept(settings(&server.url));
    issuers.verify(&old.sign(&claims()), now(), Patience::FOR_CALLERS).await.unwrap();
    assert_eq!(server.fetched(), 1);

    server.publish(&[&new]);
    let token = new.sign(&claims());
    let told =
        futures_util::future::join_all((0..20).map(|_| issuers.verify(&token, now(), Patience::FOR_CALLERS))).await;
    assert!(told.iter().all(Result::is_ok), "{told:?}");
    assert_eq!(server.fetched(), 2);

    // Made-up keys cause no more, and are refused without waiting.
    let started = std::time::Instant::now();
    for _ in 0..20 {
        assert_eq!(issuers.verify(&never.sign(&claims()), now(), Patience::FOR_CALLERS).await, Err(TokenError::Key));
    }
    assert!(started.elapsed() < limits::KEY_SET_PAUSE);
    assert_eq!(server.fetched(), 2);
    assert_eq!(
        issuers.verify(&old.sign(&claims()), now(), Patience::FOR_CALLERS).await,
        Err(TokenError::Key),
        "it was withdrawn"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issuer_that_fails_leaves_the_last_good_keys() {
    let (key, other) = (Key::new("one", Algorithm::ES256), Key::new("two", Algorithm::ES256));
    let server = KeyServer::start(&[&key]).await;
    let issuers = kept(settings(&server.url));
    issuers.verify(&key.sign(&claims()), now(), Patience::FOR_CALLERS).await.unwrap();
    server.fail();
    // Whether the key is a new one nobody can say: it was told to be none, and good callers took it for their fault.
    for _ in 0..2 {
        assert_eq!(
            issuers.verify(&other.sign(&claims()), now(), Patience::FOR_CALLERS).await,
            Err(TokenError::KeyUnsure)
        );
    }
    assert!(server.fetched() >= 2);
    issuers.verify(&key.sign(&claims()), now(), Patience::FOR_CALLERS).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_keys_nothing_is_said_about_a_token() {
    let key = Key::new("one", Algorithm::ES256);
    let server = KeyServer::start(&[&key]).await;
    server.fail();
    let issuers = kept(settings(&server.url));
    assert_eq!(issuers.verify(&key.sign(&claims()), now(), Patience::FOR_CALLERS).await, Err(TokenError::NoKeys));

    // Nobody fetches here: the wait has a bound.
    let alone = Issuers::new(vec![settings(&server.url)]).unwrap();
    let waited = tokio::time::timeout(
        limits::KEY_SET_WAIT_MAX * 10,
        alone.verify(&key.sign(&claims()), now(), Patience::FOR_CALLERS),
    )
    .await;
    assert_eq!(waited.unwrap(), Err(TokenError::NoKeys));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_in_a_file_are_read_and_a_file_that_is_too_large_is_not() {
    let key = Key::new("one", Algorithm::ES256);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let set = json!({"keys": [key.public()]}).to_string();
    for (padding, expected) in [(0, Ok(())), (limits::KEY_SET_BYTES_MAX, Err(TokenError::NoKeys))] {
        std::fs::write(&path, format!("{set}{}", " ".repeat(padding))).unwrap();
        let issuers = kept(settings(path.to_str().unwrap()));
        assert_eq!(
            issuers.verify(&key.sign(&claims()), now(), Patience::FOR_CALLERS).await.map(drop),
            expected,
            "{padding}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_sends_without_end_is_given_up() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let (hung_up, hears) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 1024]).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        let mut sent = 0;
        while stream.write_all(&[b' '; 4096]).await.is_ok() {
            sent += 4096;
        }
        let _ = hung_up.send(sent);
    });
    let issuers = kept(settings(&url));
    let key = Key::new("one", Algorithm::ES256);
    assert_eq!(issuers.verify(&key.sign(&claims()), now(), Patience::FOR_CALLERS).await, Err(TokenError::NoKeys));
    let sent = tokio::time::timeout(Duration::from_secs(30), hears).await.unwrap().unwrap();
    assert!(sent < limits::KEY_SET_BYTES_MAX + (16 << 20), "beyond the bound only what buffers hold: {sent}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_whole_answer_of_the_server_itself_is_a_key_set() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let key = Key::new("one", Algorithm::ES256);
    let elsewhere = KeyServer::start(&[&key]).await;
    let set = json!({"keys": [key.public()]}).to_string();
    let length = set.len();
    let cases = [
        ("whole", format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{set}"), Ok(())),
        ("until the end", format!("HTTP/1.1 200 OK\r\n\r\n{set}"), Ok(())),
        ("cut", format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{set}", length + 1), Err(TokenError::NoKeys)),
        (
            "an error",
            format!("HTTP/1.1 404 Not Found\r\ncontent-length: {length}\r\n\r\n{set}"),
            Err(TokenError::NoKeys),
        ),
        ("elsewhere", format!("HTTP/1.1 302 Found\r\nlocation: {}\r\n\r\n", elsewhere.url), Err(TokenError::NoKeys)),
        ("a page", "HTTP/1.1 200 OK\r\n\r\n<html>sign in</html>".to_owned(), Err(TokenError::NoKeys)),
        ("no HTTP", set.clone(), Err(TokenError::NoKeys)),
    ];
    for (name, answer, expected) in cases {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 1024]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        assert_eq!(
            kept(settings(&url)).verify(&key.sign(&claims()), now(), Patience::FOR_CALLERS).await.map(drop),
            expected,
            "{name}"
        );
    }
    assert_eq!(elsewhere.fetched(), 0);
}

#[test]
fn an_issuer_is_configured_once() {
    let twice = vec![settings("a.json"), settings("b.json")];
    assert!(Issuers::new(twice).unwrap_err().to_string().contains(ISSUER));
}
