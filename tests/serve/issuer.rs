//! An issuer of tokens: keys, a server for them, and tokens good and bad.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::KeyPair;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Base64 as tokens use it.
pub fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for digit in 0..=group.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * digit)) as usize & 63]));
        }
    }
    text
}

/// A key of an issuer.
pub struct Key {
    pub id: &'static str,
    pub algorithm: Algorithm,
    pair: KeyPair,
}

impl Key {
    pub fn new(id: &'static str, algorithm: Algorithm) -> Self {
        let pair = match algorithm {
            Algorithm::RS256 | Algorithm::PS256 => KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap(),
            Algorithm::EdDSA => KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap(),
            _ => KeyPair::generate().unwrap(),
        };
        Self { id, algorithm, pair }
    }

    fn private(&self) -> EncodingKey {
        let der = self.pair.serialize_der();
        match self.algorithm {
            // The RSA key itself lies behind the 26 bytes that wrap one of 2048 bits.
            Algorithm::RS256 | Algorithm::PS256 => EncodingKey::from_rsa_der(&der[26..]),
            Algorithm::EdDSA => EncodingKey::from_ed_der(&der),
            _ => EncodingKey::from_ec_der(&der),
        }
    }

    /// Its public part as a JSON Web Key.
    pub fn public(&self) -> Value {
        let raw = self.pair.public_key_raw();
        let mut key = match self.algorithm {
            Algorithm::RS256 | Algorithm::PS256 => {
                serde_json::to_value(Jwk::from_encoding_key(&self.private(), self.algorithm).unwrap()).unwrap()
            }
            Algorithm::EdDSA => json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(raw)}),
            _ => json!({"kty": "EC", "crv": "P-256", "x": base64url(&raw[1..33]), "y": base64url(&raw[33..])}),
        };
        key["kid"] = self.id.into();
        key["use"] = "sig".into();
        key
    }

    pub fn header(&self) -> Header {
        Header { kid: Some(self.id.to_owned()), ..Header::new(self.algorithm) }
    }

    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as(&self.header(), claims)
    }

    pub fn sign_as(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.private()).unwrap()
    }

    /// Signs with a header that no library would write.
    pub fn sign_raw(&self, header: &Value, claims: &Value) -> String {
        let message =
            format!("{}.{}", base64url(header.to_string().as_bytes()), base64url(claims.to_string().as_bytes()));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.private(), self.algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

/// A server of key sets.
pub struct KeyServer {
    pub url: String,
    set: Arc<Mutex<String>>,
    fetched: Arc<AtomicUsize>,
}

impl KeyServer {
    pub async fn start(keys: &[&Key]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let (set, fetched) = (Arc::new(Mutex::new(String::new())), Arc::new(AtomicUsize::new(0)));
        let server = Self { url, set: Arc::clone(&set), fetched: Arc::clone(&fetched) };
        server.publish(keys);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(stream.read_u8().await.unwrap());
                }
                assert!(request.starts_with(b"GET /keys HTTP/1.1\r\n"));
                let body = set.lock().unwrap().clone();
                fetched.fetch_add(1, SeqCst);
                let status = if body.is_empty() { "503 Service Unavailable" } else { "200 OK" };
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        server
    }

    /// Has these keys from now on.
    pub fn publish(&self, keys: &[&Key]) {
        let keys: Vec<_> = keys.iter().map(|key| key.public()).collect();
        *self.set.lock().unwrap() = json!({ "keys": keys }).to_string();
    }

    /// Answers 503 from now on.
    pub fn fail(&self) {
        self.set.lock().unwrap().clear();
    }

    /// How often keys have been fetched.
    pub fn fetched(&self) -> usize {
        self.fetched.load(SeqCst)
    }
}
