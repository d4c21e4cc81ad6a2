//! A connection that begins in clear and may turn to TLS.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// The first byte of a TLS handshake (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 22;

/// Between STARTTLS and the handshake it is read byte by byte, so that lettre's buffer is empty when TLS begins.
/// Otherwise whoever sits on the way could put answers behind the server's "220", and they would be taken for
/// answers that came through TLS: a letter that nobody took would count as sent. Left on the wire, they spoil
/// the handshake (RFC 3207, section 4.2, asks to forget them).
#[derive(Debug)]
pub(super) struct Wire {
    tcp: TcpStream,
    reading: Reading,
}

#[derive(Clone, Copy, Debug)]
enum Reading {
    Freely,
    ByteByByte,
}

impl Wire {
    /// Tries each address of the host for that long.
    pub async fn connect(host: &str, port: u16, patience: Duration) -> io::Result<Self> {
        let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in lookup_host((host, port)).await? {
            match timeout(patience, TcpStream::connect(address)).await {
                Ok(Ok(tcp)) => {
                    // A letter is several small writes.
                    tcp.set_nodelay(true)?;
                    return Ok(Self { tcp, reading: Reading::Freely });
                }
                Ok(Err(error)) => failed = error,
                Err(elapsed) => failed = elapsed.into(),
            }
        }
        Err(failed)
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.peer_addr()
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.reading {
            Reading::ByteByByte if buf.remaining() > 0 => {
                let mut byte = [0];
                let mut one = ReadBuf::new(&mut byte);
                ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut one))?;
                buf.put_slice(one.filled());
                Poll::Ready(Ok(()))
            }
            Reading::ByteByByte | Reading::Freely => Pin::new(&mut self.tcp).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if bytes.starts_with(b"STARTTLS") {
            self.reading = Reading::ByteByByte;
        } else if bytes.first() == Some(&HANDSHAKE) {
            self.reading = Reading::Freely;
        }
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
