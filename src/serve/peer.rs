//! Who is at the other end of a connection, as far as the system says.
//!
//! Which callers may ask and which of them are believed about addresses is for others to say.

use std::net::{IpAddr, SocketAddr};

use tokio::net::unix::UCred;

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub enum Peer {
    /// Over TCP, from there.
    Tcp(SocketAddr),
    /// Over the Unix socket; `None` when the system does not say whose process it is.
    Unix(Option<UCred>),
}

impl Peer {
    /// The address; none on the Unix socket.
    pub fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Tcp(address) => Some(address.ip()),
            Self::Unix(_) => None,
        }
    }
}
