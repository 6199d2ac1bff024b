//! Who is at the other end of a connection, as far as the system says.
//!
//! Which callers may ask and which of them are believed about addresses is for others to say.

use std::net::{IpAddr, SocketAddr};

use tokio::net::unix::UCred;

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub enum Peer {
    /// Over TCP.
    Tcp {
        /// From there.
        address: SocketAddr,
        /// Whether over TLS.
        is_encrypted: bool,
    },
    /// Over the Unix socket; `None` when the system does not say whose process it is.
    Unix(Option<UCred>),
}

impl Peer {
    /// The address; none on the Unix socket.
    pub fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Tcp { address, .. } => Some(address.ip()),
            Self::Unix(_) => None,
        }
    }

    /// The scheme of the URLs by which this connection reaches the server.
    pub const fn scheme(self) -> &'static str {
        match self {
            Self::Tcp { is_encrypted: true, .. } => "https",
            Self::Tcp { is_encrypted: false, .. } | Self::Unix(_) => "http",
        }
    }
}
