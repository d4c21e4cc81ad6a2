//! A service that knows leaked passwords, as Have I Been Pwned speaks: well, badly, or not at all.

use std::io::{self, BufReader};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sha1::{Digest as _, Sha1};

use super::http::{self, Otherwise};
use super::port::Port;
use super::smtp::server_config;

#[derive(Clone, Debug)]
pub enum Manner {
    /// Knows these passwords, and pads what it says.
    Knows(&'static [&'static str]),
    /// Takes the question and never answers.
    Silent,
    /// Hangs up.
    HangsUp,
    /// Says something else than 200.
    Says(u16),
    /// Sends whoever asks to somebody else.
    RedirectsTo(u16),
    /// Never comes to an end.
    Endless,
    /// 200, and no list.
    Nonsense,
}

pub struct BreachList {
    scheme: &'static str,
    port: Port,
    asked: Arc<Mutex<Vec<String>>>,
    stopping: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl BreachList {
    pub fn start(manner: Manner) -> Self {
        Self::start_with(manner, None)
    }

    /// On https, with a certificate of the authority of these tests.
    pub fn start_encrypted(manner: Manner) -> Self {
        Self::start_with(manner, Some(server_config()))
    }

    fn start_with(manner: Manner, tls: Option<Arc<ServerConfig>>) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let port = Port::claim();
        let listener = port.listen();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let stopping = Arc::new(AtomicBool::new(false));
        let (log, stop) = (Arc::clone(&asked), Arc::clone(&stopping));
        let acceptor = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let (log, manner, stop, tls) = (Arc::clone(&log), manner.clone(), Arc::clone(&stop), tls.clone());
                // Whoever asks may have had enough of us.
                thread::spawn(move || match tls {
                    None => drop(serve(stream, &manner, &log, &stop)),
                    Some(tls) => {
                        let session = ServerConnection::new(tls).expect("a TLS session");
                        drop(serve(StreamOwned::new(session, stream), &manner, &log, &stop));
                    }
                });
            }
        });
        Self { scheme, port, asked, stopping, acceptor: Some(acceptor) }
    }

    pub fn url(&self) -> String {
        format!("{}://localhost:{}", self.scheme, self.port.number())
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Every question so far, as it lay on the wire: the first line and the headers.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic while noting").clone()
    }
}

impl Drop for BreachList {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        drop(TcpStream::connect(self.port.address()));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

/// In upper-case hex.
pub fn sha1(password: &str) -> String {
    let digits: Vec<String> = Sha1::digest(password.as_bytes()).iter().map(|byte| format!("{byte:02X}")).collect();
    digits.concat()
}

fn serve(
    stream: impl io::Read + io::Write,
    manner: &Manner,
    log: &Mutex<Vec<String>>,
    stop: &AtomicBool,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(mut message) = http::read_head(&mut stream)? {
        http::read_body(&mut stream, &mut message, Otherwise::NoBody)?;
        let headers: Vec<String> = message.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let asked = format!("{}\n{}", message.start, headers.join("\n"));
        log.lock().expect("no panic while noting").push(asked);
        let stream = stream.get_mut();
        match manner {
            Manner::Knows(passwords) => stream.write_all(&answer("200 OK", "", &list(&message.start, passwords)))?,
            Manner::Silent => {
                // Until the other side has had enough.
                let _ = stream.read(&mut [0])?;
            }
            Manner::HangsUp => return Ok(()),
            Manner::Says(status) => stream.write_all(&answer(&format!("{status} Sorry"), "", "not now"))?,
            Manner::RedirectsTo(port) => {
                let location = format!("Location: http://localhost:{port}/range/00000\r\n");
                stream.write_all(&answer("302 Found", &location, ""))?;
            }
            Manner::Endless => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
                while !stop.load(Ordering::SeqCst) {
                    stream.write_all("0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n".repeat(1_000).as_bytes())?;
                }
            }
            Manner::Nonsense => stream.write_all(&answer("200 OK", "", "<html>Sign in to the network</html>"))?,
        }
    }
    Ok(())
}

/// What is known of this question, among much that nobody has.
fn list(start: &str, passwords: &[&str]) -> String {
    let asked = start.split(' ').nth(1).and_then(|path| path.strip_prefix("/range/")).unwrap_or_default();
    let known = passwords.iter().map(|password| sha1(password));
    let known = known.filter_map(|hash| Some(format!("{}:42", hash.strip_prefix(asked)?)));
    let padding = (0..500).map(|n| format!("{}:0", &sha1(&n.to_string())[5..]));
    known.chain(padding).collect::<Vec<_>>().join("\r\n")
}

fn answer(status: &str, header: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{header}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}
