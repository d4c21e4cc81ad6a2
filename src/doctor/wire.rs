//! The way to a server: one connection for one request, written byte by byte.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use url::{Host, Url};

use super::answer::Answer;
use super::framing::{self, Rest};
use super::request::{Body, Request};
use super::tls::{Certificate, Fault, Secured, Tls};

/// How long anything may take before it counts as hanging.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait to be asked for a body: servers need not ask (RFC 9110, section 10.1.1), so then it is sent anyway.
const UNTIL_ASKED: Duration = Duration::from_secs(2);

/// More than anything that is asked for here ever says.
const LONGEST_ANSWER: usize = 4 * 1024 * 1024;

/// Where a host is to be found, whatever the name service says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolved {
    /// In lower case.
    pub host: String,
    pub address: SocketAddr,
}

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum Silence {
    #[error("the name {0} leads nowhere: {1}")]
    NoAddress(String, String),
    #[error("no connection to {0}: {1}")]
    NoConnection(SocketAddr, String),
    #[error("{0}")]
    Tls(Fault),
    /// Perhaps on purpose.
    #[error("the connection was closed without an answer")]
    Closed,
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Hangs,
    #[error("what came back is not HTTP")]
    NotHttp,
}

pub(super) struct Wire {
    tls: Tls,
    resolved: Vec<Resolved>,
}

enum Stream {
    Clear(TcpStream),
    Secure(Box<Secured>),
}

impl Wire {
    pub(super) fn new(tls: Tls, resolved: Vec<Resolved>) -> Self {
        Self { tls, resolved }
    }

    /// Sends the request to the server of this URL, whatever the request itself says of hosts.
    pub(super) async fn send(&self, url: &Url, request: &Request) -> Result<Answer, Silence> {
        self.speak(url, request.head().as_bytes(), &request.body).await
    }

    /// Bytes that need not be HTTP.
    pub(super) async fn send_raw(&self, url: &Url, bytes: &[u8]) -> Result<Answer, Silence> {
        self.speak(url, bytes, &Body::None).await
    }

    /// The certificate of the server, which was found good.
    pub(super) async fn certificate(&self, url: &Url) -> Result<Option<Certificate>, Silence> {
        let (stream, _) = self.open(url).await?;
        match stream {
            Stream::Clear(_) => Ok(None),
            Stream::Secure(stream) => Ok(Certificate::of(&stream)),
        }
    }

    async fn speak(&self, url: &Url, head: &[u8], body: &Body) -> Result<Answer, Silence> {
        let (stream, from) = self.open(url).await?;
        let asked = match stream {
            Stream::Clear(stream) => timeout(PATIENCE, converse(stream, head, body)).await,
            Stream::Secure(stream) => timeout(PATIENCE, converse(stream, head, body)).await,
        };
        let (head, body) = asked.map_err(|_| Silence::Hangs)??;
        Ok(Answer { status: head.status, headers: head.headers, body, from })
    }

    async fn open(&self, url: &Url) -> Result<(Stream, IpAddr), Silence> {
        let tcp = self.connect(url).await?;
        let from = tcp.local_addr().map_or(IpAddr::from([0, 0, 0, 0]), |socket| socket.ip().to_canonical());
        if url.scheme() == "http" {
            return Ok((Stream::Clear(tcp), from));
        }
        let host = url.host_str().unwrap_or_default();
        let shaken = timeout(PATIENCE, self.tls.shake_hands(host, tcp)).await.map_err(|_| Silence::Hangs)?;
        Ok((Stream::Secure(Box::new(shaken.map_err(Silence::Tls)?)), from))
    }

    async fn connect(&self, url: &Url) -> Result<TcpStream, Silence> {
        let mut last = None;
        for address in self.addresses(url).await? {
            let failed = match timeout(PATIENCE, TcpStream::connect(address)).await {
                Ok(Ok(tcp)) => {
                    // A request is several small writes.
                    let _ = tcp.set_nodelay(true);
                    return Ok(tcp);
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
            };
            last = Some(Silence::NoConnection(address, failed));
        }
        Err(last.unwrap_or_else(|| nowhere(url, "it has no address")))
    }

    async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, Silence> {
        let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(443));
        if let Some(known) = self.resolved.iter().find(|known| known.host == host) {
            return Ok(vec![known.address]);
        }
        let found = match url.host() {
            Some(Host::Ipv4(address)) => return Ok(vec![(address, port).into()]),
            Some(Host::Ipv6(address)) => return Ok(vec![(address, port).into()]),
            // RFC 6761, section 6.3: these are loopback, and not every resolver knows it.
            Some(Host::Domain(name)) if name == "localhost" || name.ends_with(".localhost") => {
                return Ok(vec![([127, 0, 0, 1], port).into(), ([0, 0, 0, 0, 0, 0, 0, 1], port).into()]);
            }
            Some(Host::Domain(name)) => timeout(PATIENCE, lookup_host((name, port))).await,
            None => return Err(nowhere(url, "there is no host in it")),
        };
        let found = found.map_err(|_| nowhere(url, "nobody answered"))?;
        found.map(Iterator::collect).map_err(|error| nowhere(url, &error.to_string()))
    }
}

fn nowhere(url: &Url, why: &str) -> Silence {
    Silence::NoAddress(url.host_str().unwrap_or_default().to_owned(), why.to_owned())
}

/// An answer may come before the body is out, and the rest of the body is then of no use to anybody.
async fn converse<S>(stream: S, head: &[u8], body: &Body) -> Result<(framing::Head, Vec<u8>), Silence>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut reader, mut writer) = tokio::io::split(stream);
    writer.write_all(head).await.map_err(|_| Silence::Closed)?;
    writer.flush().await.map_err(|_| Silence::Closed)?;
    let mut buffer = Vec::new();
    if let Body::WhenAsked(_) = body {
        let first = timeout(UNTIL_ASKED, read_head(&mut reader, &mut buffer)).await;
        match first {
            Ok(Ok(first)) if first.status != 100 => return read_rest(&mut reader, buffer, first).await,
            Ok(Err(silence)) => return Err(silence),
            Ok(Ok(_)) | Err(_) => {}
        }
    }
    let write = async {
        // Whoever closes has usually answered before.
        let _ = writer.write_all(body.bytes()).await;
        let _ = writer.flush().await;
        std::future::pending::<()>().await;
    };
    let read = async {
        let head = read_final_head(&mut reader, &mut buffer).await?;
        read_rest(&mut reader, buffer, head).await
    };
    tokio::select! {
        answer = read => answer,
        () = write => Err(Silence::Hangs),
    }
}

/// Past what is only provisional (RFC 9110, section 15.2), but for the end of HTTP on this connection.
async fn read_final_head(
    reader: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
) -> Result<framing::Head, Silence> {
    loop {
        let head = read_head(reader, buffer).await?;
        if head.status >= 200 || head.status == 101 {
            return Ok(head);
        }
    }
}

/// What follows the head stays in `buffer`.
async fn read_head(reader: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Result<framing::Head, Silence> {
    loop {
        match framing::head(buffer) {
            Ok(Some((head, length))) => {
                buffer.drain(..length);
                return Ok(head);
            }
            Ok(None) => {}
            Err(framing::NotHttp) => return Err(Silence::NotHttp),
        }
        if more(reader, buffer).await? == 0 {
            return Err(if buffer.is_empty() { Silence::Closed } else { Silence::NotHttp });
        }
    }
}

async fn read_rest(
    reader: &mut (impl AsyncRead + Unpin),
    mut buffer: Vec<u8>,
    head: framing::Head,
) -> Result<(framing::Head, Vec<u8>), Silence> {
    loop {
        match framing::body(&head, &buffer) {
            Rest::Whole(body) => return Ok((head, body)),
            Rest::More => {}
            Rest::Wrong => return Err(Silence::NotHttp),
        }
        if buffer.len() > LONGEST_ANSWER || more(reader, &mut buffer).await? == 0 {
            return Ok((head, buffer));
        }
    }
}

/// How many bytes came; none at the end.
async fn more(reader: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Result<usize, Silence> {
    match reader.read_buf(buffer).await {
        Ok(length) => Ok(length),
        // Many servers end TLS without saying so.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
        Err(_) => Err(Silence::Closed),
    }
}
