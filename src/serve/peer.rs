//! Who is at the other end of a connection, as far as the system says.
//!
//! Which callers may ask and which of them are believed about addresses is for others to say.

use std::net::SocketAddr;

use tokio::net::unix::UCred;

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub enum Peer {
    /// Over TCP, from there.
    Tcp(SocketAddr),
    /// Over the Unix socket; `None` when the system does not say whose process it is.
    Unix(Option<UCred>),
}
