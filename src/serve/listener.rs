//! Sockets: one TCP listener for each thread on one port, one Unix socket that all threads accept from.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

/// Connections that the system keeps until a thread accepts them.
const BACKLOG: i32 = 1024;
/// Who may connect to a Unix socket: its owner and group.
const SOCKET_MODE: u32 = 0o660;

/// Listens on `address`, `count` times, so that each thread has a queue of its own.
///
/// # Errors
/// The address is taken or not ours.
pub fn tcp(address: SocketAddr, count: usize) -> io::Result<Vec<std::net::TcpListener>> {
    // WHY: with SO_REUSEPORT a second server would share the port, and callers would get the answers of either.
    drop(tcp_once(address, false)?);
    let first = tcp_once(address, true)?;
    let address = first.local_addr()?;
    let mut listeners = vec![first];
    while listeners.len() < count {
        listeners.push(tcp_once(address, true)?);
    }
    Ok(listeners)
}

fn tcp_once(address: SocketAddr, is_shared: bool) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(is_shared)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Whether nobody listens at `path` any more, which is sure only where the system says so.
///
/// # Errors
/// Somebody listens, or nobody can say: who may not connect, or finds the queue full, has met a live server.
fn must_be_stale(path: &Path) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    match socket.connect(&SockAddr::unix(path)?) {
        Ok(()) => Err(io::ErrorKind::AddrInUse.into()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(io::ErrorKind::AddrInUse.into()),
        Err(error) => Err(error),
    }
}

/// A Unix socket that removes its file when it is dropped.
#[derive(Debug)]
pub struct UnixSocket {
    listener: std::os::unix::net::UnixListener,
    path: PathBuf,
}

impl UnixSocket {
    /// Listens at `path`. A socket file that nobody listens on any more is replaced.
    ///
    /// # Errors
    /// Someone listens there; something else than a socket is there; the folder cannot be written.
    pub fn bind(path: &Path) -> io::Result<Self> {
        match fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => {
                return Err(io::Error::new(
                    io::ErrorKind::AlreadyExists,
                    "the path is taken by something else than a socket",
                ));
            }
            Ok(_) => must_be_stale(path)?,
            Err(_) => {}
        }
        // WHY: the socket gets its mode before it gets its name, so that there is no moment in which others may connect.
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".new");
        let unfinished = PathBuf::from(unfinished);
        match fs::symlink_metadata(&unfinished) {
            Ok(found) if found.file_type().is_socket() => fs::remove_file(&unfinished)?,
            Ok(_) => {
                let message = format!("`{}` is in the way and is no socket", unfinished.display());
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
            }
            Err(_) => {}
        }
        let listener = std::os::unix::net::UnixListener::bind(&unfinished)?;
        fs::set_permissions(&unfinished, fs::Permissions::from_mode(SOCKET_MODE))?;
        fs::rename(&unfinished, path)?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, path: path.to_owned() })
    }

    /// The same socket for another thread.
    ///
    /// # Errors
    /// No more file descriptors.
    pub fn listener(&self) -> io::Result<std::os::unix::net::UnixListener> {
        self.listener.try_clone()
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    #[test]
    fn socket_is_for_owner_and_group_and_goes_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("doorward.sock");
        let socket = UnixSocket::bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        UnixStream::connect(&path).unwrap();
        drop(socket);
        assert!(!path.exists());
    }

    #[test]
    fn stale_socket_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("doorward.sock");
        drop(UnixListener::bind(&path).unwrap());
        let _live = UnixSocket::bind(&path).unwrap();
        assert_eq!(UnixSocket::bind(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        UnixStream::connect(&path).unwrap();
    }

    /// A server whose queue is full, or to which others may not connect, was taken for one that is gone, and lost its name.
    #[test]
    fn a_live_socket_that_cannot_be_connected_to_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("doorward.sock");
        let busy = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        busy.bind(&SockAddr::unix(&path).unwrap()).unwrap();
        busy.listen(0).unwrap();
        let _waiting = UnixStream::connect(&path).unwrap();
        assert_eq!(UnixSocket::bind(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);

        // As to somebody who may not connect: the kind of socket is another one.
        let other = folder.path().join("datagrams.sock");
        let _datagrams = std::os::unix::net::UnixDatagram::bind(&other).unwrap();
        assert!(UnixSocket::bind(&other).is_err());
        assert!(fs::symlink_metadata(&other).unwrap().file_type().is_socket());
        assert!(!folder.path().join("datagrams.sock.new").exists());
        drop(busy);
        let _ours = UnixSocket::bind(&path).unwrap();
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn other_files_are_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        fs::write(&path, "mine").unwrap();
        assert_eq!(UnixSocket::bind(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");

        // Nor those that only share the name under which a socket is prepared.
        let (free, beside) = (folder.path().join("doorward.sock"), folder.path().join("doorward.sock.new"));
        fs::write(&beside, "mine").unwrap();
        assert_eq!(UnixSocket::bind(&free).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&beside).unwrap(), "mine");
        fs::remove_file(&beside).unwrap();
        drop(UnixListener::bind(&beside).unwrap());
        UnixSocket::bind(&free).unwrap();
    }
}
