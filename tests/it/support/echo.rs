//! The app behind a proxy: it answers with what reached it, and speaks back what is said after an upgrade.

use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha1::{Digest as _, Sha1};

use super::http::{self, Message, Otherwise};
use super::port::Port;

/// What an app saw of a request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Received {
    pub method: String,
    pub uri: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        http::find(&self.headers, name)
    }
}

pub struct Echo {
    port: Port,
    received: Arc<Mutex<Vec<Received>>>,
    stopping: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl Echo {
    pub fn start() -> Self {
        let port = Port::claim();
        let listener = port.listen();
        let received = Arc::new(Mutex::new(Vec::new()));
        let stopping = Arc::new(AtomicBool::new(false));
        let (log, stop) = (Arc::clone(&received), Arc::clone(&stopping));
        let acceptor = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let log = Arc::clone(&log);
                // A visitor who leaves in the middle of a request is no failure of ours.
                thread::spawn(move || drop(serve(stream, &log)));
            }
        });
        Self { port, received, stopping, acceptor: Some(acceptor) }
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Everything that has come through so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().expect("no panic while noting").clone()
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        drop(TcpStream::connect(self.port.address()));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn serve(stream: TcpStream, log: &Mutex<Vec<Received>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some(mut message) = http::read_head(&mut stream)? {
        // RFC 9110, section 10.1.1.
        if http::find(&message.headers, "expect").is_some_and(|what| what.eq_ignore_ascii_case("100-continue")) {
            stream.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        http::read_body(&mut stream, &mut message, Otherwise::NoBody)?;
        let received = describe(&message);
        log.lock().expect("no panic while noting").push(received.clone());
        if let Some(protocol) = received.header("upgrade") {
            return tunnel(stream, protocol, received.header("sec-websocket-key").unwrap_or_default());
        }
        stream.get_mut().write_all(&answer(&received))?;
    }
    Ok(())
}

fn describe(message: &Message) -> Received {
    let mut start = message.start.split(' ').map(str::to_owned);
    Received {
        method: start.next().unwrap_or_default(),
        uri: start.next().unwrap_or_default(),
        headers: message.headers.clone(),
        body: String::from_utf8_lossy(&message.body).into_owned(),
    }
}

fn answer(received: &Received) -> Vec<u8> {
    let body = serde_json::to_vec(received).expect("strings are JSON");
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    let body = if received.method == "HEAD" { Vec::new() } else { body };
    [head.into_bytes(), body].concat()
}

/// RFC 6455, section 4.2.2; HAProxy lets nothing through that does not prove to have read the key.
fn tunnel(mut stream: BufReader<TcpStream>, protocol: &str, key: &str) -> io::Result<()> {
    let proof = STANDARD.encode(Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\n\
         Sec-WebSocket-Accept: {proof}\r\n\r\n"
    );
    stream.get_mut().write_all(head.as_bytes())?;
    let mut bytes = [0; 4096];
    loop {
        let length = stream.read(&mut bytes)?;
        if length == 0 {
            return Ok(());
        }
        stream.get_mut().write_all(&bytes[..length])?;
    }
}
