//! Somebody's program that receives webhooks: well, badly, or not at all.

use std::io::{self, BufReader};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use sha2::Sha256;

use super::eventually;
use super::http::{self, Message, Otherwise};
use super::port::Port;
use super::smtp::server_config;

#[derive(Clone, Debug)]
pub enum Manner {
    /// 204.
    Takes,
    /// This status and these words.
    Says(u16, &'static str),
    /// Repeats what it was sent, with this status.
    Echoes(u16),
    RedirectsTo(String),
    /// Takes the request and never answers.
    Silent,
    /// Hangs up.
    HangsUp,
    /// This status, and words without end.
    Endless(u16),
}

/// What it was sent.
#[derive(Clone, Debug)]
pub struct Told {
    message: Message,
}

impl Told {
    pub fn start(&self) -> &str {
        &self.message.start
    }

    pub fn header(&self, name: &str) -> &str {
        http::find(&self.message.headers, name).unwrap_or_else(|| panic!("no {name}"))
    }

    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    pub fn body(&self) -> &[u8] {
        &self.message.body
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(self.body()).expect("JSON")
    }

    pub fn kind(&self) -> String {
        self.json()["type"].as_str().expect("a type").to_owned()
    }

    /// How many of its signatures this secret has made, worked out here from the specification.
    pub fn signatures_by(&self, secret: &str) -> usize {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("its prefix")).expect("base64");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key");
        mac.update(format!("{}.{}.", self.id(), self.header("webhook-timestamp")).as_bytes());
        mac.update(self.body());
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.header("webhook-signature").split(' ').filter(|signature| *signature == expected).count()
    }
}

struct Shared {
    manner: Mutex<Manner>,
    told: Mutex<Vec<Told>>,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
    is_down: AtomicBool,
}

pub struct Receiver {
    scheme: &'static str,
    port: Port,
    tls: Option<Arc<ServerConfig>>,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl Receiver {
    pub fn start(manner: Manner) -> Self {
        Self::start_with(manner, None)
    }

    /// On https, with a certificate of the authority of these tests.
    pub fn start_encrypted(manner: Manner) -> Self {
        Self::start_with(manner, Some(server_config()))
    }

    fn start_with(manner: Manner, tls: Option<Arc<ServerConfig>>) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let shared = Shared {
            manner: Mutex::new(manner),
            told: Mutex::default(),
            at_once: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
            is_down: AtomicBool::new(true),
        };
        let mut receiver = Self { scheme, port: Port::claim(), tls, shared: Arc::new(shared), acceptor: None };
        receiver.resume();
        receiver
    }

    /// By a name; the server has an address of IPv4.
    pub fn url(&self) -> String {
        format!("{}://localhost:{}/hooks?for=me", self.scheme, self.port.number())
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }

    pub fn behave(&self, manner: Manner) {
        *self.shared.manner.lock().expect("no panic while changing") = manner;
    }

    /// Everything so far, in the order it came in.
    pub fn told(&self) -> Vec<Told> {
        self.shared.told.lock().expect("no panic while noting").clone()
    }

    pub fn kinds(&self) -> Vec<String> {
        self.told().iter().map(Told::kind).collect()
    }

    /// The first of this kind, waited for.
    pub fn first(&self, kind: &str) -> Told {
        eventually(kind, || self.told().into_iter().find(|told| told.kind() == kind))
    }

    pub fn until_told(&self, count: usize) -> Vec<Told> {
        eventually("requests to the receiver", || Some(self.told()).filter(|told| told.len() >= count))
    }

    /// The most requests that were under way at the same time.
    pub fn most_at_once(&self) -> usize {
        self.shared.most_at_once.load(Ordering::SeqCst)
    }

    /// Nobody listens any more.
    pub fn stop(&mut self) {
        self.shared.is_down.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        drop(TcpStream::connect(self.port.address()));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }

    pub fn resume(&mut self) {
        self.shared.is_down.store(false, Ordering::SeqCst);
        let (listener, shared, tls) = (self.port.listen(), Arc::clone(&self.shared), self.tls.clone());
        self.acceptor = Some(thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.is_down.load(Ordering::SeqCst) {
                    break;
                }
                let (shared, tls) = (Arc::clone(&shared), tls.clone());
                // Whoever sends may have had enough of us.
                thread::spawn(move || match tls {
                    None => drop(serve(stream, &shared)),
                    Some(tls) => {
                        let session = ServerConnection::new(tls).expect("a TLS session");
                        drop(serve(StreamOwned::new(session, stream), &shared));
                    }
                });
            }
        }));
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop();
    }
}

fn serve(stream: impl io::Read + io::Write, shared: &Shared) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(mut message) = http::read_head(&mut stream)? {
        http::read_body(&mut stream, &mut message, Otherwise::NoBody)?;
        if shared.is_down.load(Ordering::SeqCst) {
            return Ok(());
        }
        let at_once = shared.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        shared.most_at_once.fetch_max(at_once, Ordering::SeqCst);
        let manner = shared.manner.lock().expect("no panic while changing").clone();
        shared.told.lock().expect("no panic while noting").push(Told { message: message.clone() });
        let answered = answer(&mut stream, &manner, &message, shared);
        shared.at_once.fetch_sub(1, Ordering::SeqCst);
        answered?;
        if matches!(manner, Manner::HangsUp) {
            return Ok(());
        }
    }
    Ok(())
}

fn answer(
    stream: &mut BufReader<impl io::Read + io::Write>,
    manner: &Manner,
    message: &Message,
    shared: &Shared,
) -> io::Result<()> {
    let stream = stream.get_mut();
    match manner {
        Manner::Takes => stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n"),
        Manner::Says(status, words) => stream.write_all(&response(*status, "", words.as_bytes())),
        Manner::Echoes(status) => stream.write_all(&response(*status, "", &message.body)),
        Manner::RedirectsTo(url) => stream.write_all(&response(302, &format!("Location: {url}\r\n"), b"")),
        // Until the other side has had enough.
        Manner::Silent => stream.read(&mut [0]).map(drop),
        Manner::HangsUp => Ok(()),
        Manner::Endless(status) => {
            stream.write_all(format!("HTTP/1.1 {status} Sorry\r\nConnection: close\r\n\r\n").as_bytes())?;
            while !shared.is_down.load(Ordering::SeqCst) {
                stream.write_all("words and words ".repeat(1_000).as_bytes())?;
            }
            Ok(())
        }
    }
}

fn response(status: u16, header: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status} So\r\n{header}Content-Length: {}\r\n\r\n", body.len());
    [head.into_bytes(), body.to_vec()].concat()
}
