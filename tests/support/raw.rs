//! One request of HTTP/1.1 on a connection of its own, written as it is: no client library mends what a test means to
//! send.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

/// A response.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    /// In their order, the names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The body, which must be JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

pub fn get(to: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Answer {
    ask(TcpStream::connect(to).unwrap(), "GET", path, headers)
}

/// Posts a body of JSON.
pub fn post(to: SocketAddr, path: &str, body: &str) -> Answer {
    send(TcpStream::connect(to).unwrap(), "POST", path, &[("content-type", "application/json")], body)
}

/// Without a body.
pub fn ask(stream: impl Read + Write, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(stream, method, path, headers, "")
}

pub fn send(mut stream: impl Read + Write, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        request += "host: api.test\r\n";
    }
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() {
        request += &format!("content-length: {}\r\n", body.len());
    }
    stream.write_all(format!("{request}\r\n{body}").as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{method} {path}: {text:?}"));
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(':').unwrap();
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    Answer { status, headers: lines.map(header).collect(), body: body.to_owned() }
}
