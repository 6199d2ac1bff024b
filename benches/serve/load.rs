//! A load generator that costs little: hand-made HTTP/1.1 and HTTP/2 on raw sockets, every answer checked.
//!
//! Closed loop: each connection keeps a fixed number of requests in flight. HTTP/2 header blocks are sent once with
//! indexing and are six bytes from then on; of answers only frame headers and the first bytes of messages are read.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use crate::workload::Workload;

/// Where a server listens.
#[derive(Clone, Debug)]
pub enum Target {
    Tcp(String),
    Unix(PathBuf),
}

/// The protocol, and how many requests each connection has in flight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Protocol {
    Http,
    Unary(usize),
    Stream(usize),
}

/// How a server is loaded.
#[derive(Clone, Debug)]
pub struct Load {
    pub target: Target,
    pub protocol: Protocol,
    pub connections: usize,
    /// Whether answers are decisions to be checked.
    pub is_checked: bool,
}

impl Load {
    /// Loads for `time` and gives the number of answers.
    pub async fn run(&self, workload: &Arc<Workload>, time: Duration) -> u64 {
        let end = Instant::now() + time;
        let connections: Vec<_> = (0..self.connections)
            .map(|number| {
                let (load, workload) = (self.clone(), Arc::clone(workload));
                tokio::spawn(async move {
                    let start = number * workload.requests.len() / load.connections;
                    match &load.target {
                        Target::Tcp(address) => {
                            let stream = TcpStream::connect(address).await.unwrap();
                            stream.set_nodelay(true).unwrap();
                            load.connection(stream, &workload, start, end).await
                        }
                        Target::Unix(path) => {
                            load.connection(UnixStream::connect(path).await.unwrap(), &workload, start, end).await
                        }
                    }
                })
            })
            .collect();
        let mut answers = 0;
        for connection in connections {
            answers += connection.await.unwrap();
        }
        answers
    }

    async fn connection<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        workload: &Workload,
        start: usize,
        end: Instant,
    ) -> u64 {
        let driver =
            Driver { stream, workload, next: start, is_checked: self.is_checked, out: Vec::new(), read: Vec::new() };
        match self.protocol {
            Protocol::Http => driver.http(end).await,
            Protocol::Unary(depth) => driver.unary(depth, end).await,
            Protocol::Stream(depth) => driver.streamed(depth, end).await,
        }
    }
}

struct Driver<'a, S> {
    stream: S,
    workload: &'a Workload,
    next: usize,
    is_checked: bool,
    out: Vec<u8>,
    read: Vec<u8>,
}

const ALLOW: &[u8] = br#"{"decision":"allow""#;
const BLOCK: &[u8] = br#"{"decision":"block""#;

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<'_, S> {
    /// The place of the next request.
    fn draw(&mut self) -> usize {
        self.next = (self.next + 1) % self.workload.requests.len();
        self.next
    }

    fn check_json(&self, place: usize, body: &[u8]) {
        if self.is_checked {
            let expected = if self.workload.requests[place].is_allowed { ALLOW } else { BLOCK };
            assert!(body.starts_with(expected), "{}", String::from_utf8_lossy(body));
        }
    }

    /// `message` begins with the decision.
    fn check_protobuf(&self, place: usize, message: &[u8]) {
        if self.is_checked {
            let expected = if self.workload.requests[place].is_allowed { 1 } else { 2 };
            assert_eq!(message.get(..2), Some(&[8, expected][..]), "{message:?}");
        }
    }

    async fn flush(&mut self) {
        if !self.out.is_empty() {
            self.stream.write_all(&self.out).await.unwrap();
            self.out.clear();
        }
    }

    async fn fill(&mut self) {
        let count = self.stream.read_buf(&mut self.read).await.unwrap();
        assert!(count > 0, "the server closed the connection");
    }

    async fn http(mut self, end: Instant) -> u64 {
        let mut answers = 0;
        while Instant::now() < end {
            let place = self.draw();
            let body = &self.workload.requests[place].json;
            self.out.extend_from_slice(
                b"POST /v1/decide HTTP/1.1\r\nhost: doorward\r\ncontent-type: application/json\r\ncontent-length: ",
            );
            self.out.extend_from_slice(body.len().to_string().as_bytes());
            self.out.extend_from_slice(b"\r\n\r\n");
            self.out.extend_from_slice(body);
            self.flush().await;
            let (head, length) = loop {
                if let Some(found) = head_of(&self.read)
                    && self.read.len() >= found.0 + found.1
                {
                    break found;
                }
                self.fill().await;
            };
            self.check_json(place, &self.read[head..head + length]);
            self.read.clear();
            answers += 1;
        }
        answers
    }

    fn open(&mut self) {
        self.out.extend_from_slice(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        // No push, and windows so wide that the server never waits for them.
        self.frame(4, 0, 0, &[0, 2, 0, 0, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff]);
        self.frame(8, 0, 0, &(0x7fff_ffff_u32 - 65_535).to_be_bytes());
    }

    fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        self.out.extend_from_slice(&length[1..]);
        self.out.extend_from_slice(&[kind, flags]);
        self.out.extend_from_slice(&stream.to_be_bytes());
        self.out.extend_from_slice(payload);
    }

    fn headers(&mut self, stream: u32, path: &str) {
        const END_HEADERS: u8 = 4;
        if stream == 1 {
            let mut block = vec![0x83, 0x86];
            for (name, value) in [(&[0x44][..], path), (&[0x41], "doorward"), (&[0x5f], "application/grpc")] {
                block.extend_from_slice(name);
                block.push(u8::try_from(value.len()).unwrap());
                block.extend_from_slice(value.as_bytes());
            }
            block.extend_from_slice(b"\x40\x02te\x08trailers");
            self.frame(1, END_HEADERS, stream, &block);
        } else {
            self.frame(1, END_HEADERS, stream, &[0x83, 0x86, 0xc1, 0xc0, 0xbf, 0xbe]);
        }
    }

    fn message(&mut self, stream: u32, is_last: bool) -> usize {
        let place = self.draw();
        let message = &self.workload.requests[place].protobuf;
        let mut framed = Vec::with_capacity(5 + message.len());
        framed.push(0);
        framed.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
        framed.extend_from_slice(message);
        self.frame(0, u8::from(is_last), stream, &framed);
        place
    }

    /// Takes the next whole frame out of what was read: kind, flags, stream and where its payload is.
    fn next_frame(&self, at: &mut usize) -> Option<(u8, u8, u32, std::ops::Range<usize>)> {
        let head = self.read.get(*at..*at + 9)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let payload = *at + 9..*at + 9 + length;
        (self.read.len() >= payload.end).then(|| {
            *at = payload.end;
            (head[3], head[4], stream, payload)
        })
    }

    async fn unary(mut self, depth: usize, end: Instant) -> u64 {
        const PATH: &str = "/doorward.v1.Decisions/Decide";
        self.open();
        let (mut stream, mut places, mut answers) = (1, std::collections::HashMap::new(), 0);
        for _ in 0..depth {
            self.headers(stream, PATH);
            places.insert(stream, self.message(stream, true));
            stream += 2;
        }
        let mut is_over = false;
        while !places.is_empty() {
            self.flush().await;
            self.fill().await;
            is_over = is_over || Instant::now() >= end;
            let mut at = 0;
            while let Some((kind, flags, of, payload)) = self.next_frame(&mut at) {
                match kind {
                    0 => self.check_protobuf(places[&of], &self.read[payload.start + 5..payload.end]),
                    1 if flags & 1 == 1 => {
                        places.remove(&of).unwrap();
                        answers += 1;
                        if !is_over {
                            self.headers(stream, PATH);
                            places.insert(stream, self.message(stream, true));
                            stream += 2;
                        }
                    }
                    4 if flags & 1 == 0 => self.frame(4, 1, 0, &[]),
                    3 | 7 => panic!("reset or gone: {:?}", &self.read[payload]),
                    _ => {}
                }
            }
            self.read.drain(..at);
        }
        answers
    }

    async fn streamed(mut self, depth: usize, end: Instant) -> u64 {
        self.open();
        self.headers(1, "/doorward.v1.Decisions/DecideStream");
        let (mut places, mut data, mut answers) = (std::collections::VecDeque::new(), Vec::new(), 0);
        for _ in 0..depth {
            let place = self.message(1, false);
            places.push_back(place);
        }
        let mut is_over = false;
        while !places.is_empty() {
            self.flush().await;
            self.fill().await;
            is_over = is_over || Instant::now() >= end;
            let mut at = 0;
            while let Some((kind, flags, _, payload)) = self.next_frame(&mut at) {
                match kind {
                    0 => data.extend_from_slice(&self.read[payload]),
                    4 if flags & 1 == 0 => self.frame(4, 1, 0, &[]),
                    3 | 7 => panic!("reset or gone: {:?}", &self.read[payload]),
                    _ => {}
                }
            }
            self.read.drain(..at);
            let mut from = 0;
            while let Some(message) = message_at(&data, from) {
                let place = places.pop_front().unwrap();
                if self.is_checked {
                    // An answer within a result: its tag, its length, and then the decision.
                    let start = message.start + 2 + usize::from(data[message.start + 1] >= 0x80);
                    assert_eq!(data[message.start], 0x0a);
                    self.check_protobuf(place, &data[start..message.end]);
                }
                from = message.end;
                answers += 1;
                if !is_over {
                    let place = self.message(1, false);
                    places.push_back(place);
                }
            }
            data.drain(..from);
        }
        answers
    }
}

/// Where the body of an HTTP/1.1 answer begins and how long it is.
fn head_of(read: &[u8]) -> Option<(usize, usize)> {
    let head = read.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&read[..head]).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
    let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split('\r').next()).unwrap();
    Some((head, length.parse().unwrap()))
}

/// Where the next whole gRPC message is.
fn message_at(data: &[u8], from: usize) -> Option<std::ops::Range<usize>> {
    let prefix = data.get(from..from + 5)?;
    let length = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]) as usize;
    (data.len() >= from + 5 + length).then(|| from + 5..from + 5 + length)
}
