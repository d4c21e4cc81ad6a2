//! A loopback port that stays ours also while nobody listens on it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use tokio::net::TcpSocket;

/// A bound socket that never listens keeps the kernel from lending the port to somebody else, while whoever sets
/// `SO_REUSEADDR` (std, actix, nginx, Caddy) may still listen on it. So a server can go down and come back.
pub struct Port {
    address: SocketAddr,
    _held: TcpSocket,
}

impl Port {
    pub fn claim() -> Self {
        let held = TcpSocket::new_v4().expect("a socket");
        held.set_reuseaddr(true).expect("SO_REUSEADDR");
        held.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a free loopback port");
        Self { address: held.local_addr().expect("its address"), _held: held }
    }

    pub fn number(&self) -> u16 {
        self.address.port()
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn listen(&self) -> TcpListener {
        TcpListener::bind(self.address).expect("nobody else listens on a claimed port")
    }

    pub fn answers(&self) -> bool {
        TcpStream::connect(self.address).is_ok()
    }
}
