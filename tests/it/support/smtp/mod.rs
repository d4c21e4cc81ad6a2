//! A mail server that speaks the real protocol on loopback: EHLO, STARTTLS or TLS from the first byte, AUTH, SIZE.
//! It keeps what it accepted, and misbehaves when told to.

mod certificate;
mod letter;
mod session;

use std::collections::HashMap;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Instant;

pub use certificate::{
    authority as certificate_authority, certificate_by_another, certificate_for, certificate_from, certificate_until,
    own_certificate_for, server as server_config,
};
pub use letter::Letter;

use super::PATIENCE;
use super::port::Port;

/// How a connection is protected.
#[derive(Clone, Copy, PartialEq)]
pub enum Encryption {
    /// Not offered.
    Never,
    /// Offered, and mail is refused before it.
    StartTls,
    /// From the first byte.
    Implicit,
}

/// The moment at which the server may misbehave.
#[derive(Clone, Copy, PartialEq)]
pub enum At {
    Greeting,
    /// A reply that begins with 220 is followed by TLS.
    StartTls,
    Auth,
    Mail,
    Rcpt,
    /// After the letter has come in whole. Hanging up and stalling keep it here: the sender cannot know.
    Letter,
}

#[derive(Clone, PartialEq)]
pub enum Mishap {
    /// A reply line such as `450 4.2.0 busy`.
    Say(&'static str),
    HangUp,
    /// No answer, until the client gives up or the server stops.
    Stall,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Times {
    Once,
    Always,
}

pub struct SmtpServer {
    port: Port,
    house: Arc<House>,
    listening: Mutex<Option<Listening>>,
}

struct Listening {
    acceptor: JoinHandle<()>,
    stopping: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

/// What all connections share.
struct House {
    encryption: Encryption,
    account: Option<(String, String)>,
    mishaps: Mutex<Vec<(At, Mishap, Times)>>,
    kept: Mutex<Kept>,
    arrived: Condvar,
}

#[derive(Default)]
struct Kept {
    letters: Vec<Letter>,
    /// How many of an address's letters [`SmtpServer::to`] has handed out.
    handed_out: HashMap<String, usize>,
}

impl SmtpServer {
    /// `account` is the name and password that it wants before it takes mail.
    pub fn start(encryption: Encryption, account: Option<(&str, &str)>) -> Self {
        let house = House {
            encryption,
            account: account.map(|(name, password)| (name.to_owned(), password.to_owned())),
            mishaps: Mutex::default(),
            kept: Mutex::default(),
            arrived: Condvar::new(),
        };
        let server = Self { port: Port::claim(), house: Arc::new(house), listening: Mutex::default() };
        server.resume();
        server
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// The next letter to this address that has not been handed out; waits for it.
    pub fn to(&self, address: &str) -> Letter {
        let address = address.to_ascii_lowercase();
        let deadline = Instant::now() + PATIENCE;
        let mut kept = self.house.kept();
        loop {
            let seen = kept.handed_out.get(&address).copied().unwrap_or_default();
            let next = kept.letters.iter().filter(|letter| letter.is_to(&address)).nth(seen).cloned();
            if let Some(letter) = next {
                kept.handed_out.insert(address, seen + 1);
                return letter;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no letter {} to {address} in {PATIENCE:?}", seen + 1);
            kept = self.house.arrived.wait_timeout(kept, left).expect("no panic while keeping").0;
        }
    }

    /// How many letters to this address have come in, handed out or not.
    pub fn count_to(&self, address: &str) -> usize {
        self.all().iter().filter(|letter| letter.is_to(address)).count()
    }

    pub fn all(&self) -> Vec<Letter> {
        self.house.kept().letters.clone()
    }

    pub fn misbehave(&self, at: At, mishap: Mishap, times: Times) {
        self.house.mishaps().push((at, mishap, times));
    }

    pub fn behave(&self) {
        self.house.mishaps().clear();
    }

    /// Ends every connection and refuses new ones; the port stays reserved.
    pub fn stop(&self) {
        let Some(listening) = self.listening.lock().expect("no panic while stopping").take() else { return };
        listening.stopping.store(true, Ordering::SeqCst);
        // Wakes the acceptor, which then closes its socket.
        drop(TcpStream::connect(self.port.address()));
        let _ = listening.acceptor.join();
        for stream in listening.open.lock().expect("no panic while accepting").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Listens again on the same port.
    pub fn resume(&self) {
        let mut listening = self.listening.lock().expect("no panic while stopping");
        listening.get_or_insert_with(|| Listening::open(self.port.listen(), &self.house));
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Listening {
    fn open(listener: TcpListener, house: &Arc<House>) -> Self {
        let stopping = Arc::new(AtomicBool::new(false));
        let open = Arc::new(Mutex::new(Vec::new()));
        let (stop, streams, house) = (Arc::clone(&stopping), Arc::clone(&open), Arc::clone(house));
        let acceptor = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                streams.lock().expect("no panic while stopping").push(stream.try_clone().expect("a second handle"));
                let house = Arc::clone(&house);
                thread::spawn(move || {
                    let handle = stream.try_clone();
                    // A client that leaves in the middle is no failure of the server's.
                    let _ = session::serve(stream, &house);
                    // The other handle in `streams` would keep the connection open.
                    let _ = handle.and_then(|stream| stream.shutdown(Shutdown::Both));
                });
            }
        });
        Self { acceptor, stopping, open }
    }
}

impl House {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("no panic while keeping")
    }

    fn mishaps(&self) -> MutexGuard<'_, Vec<(At, Mishap, Times)>> {
        self.mishaps.lock().expect("no panic while scripting")
    }

    fn keep(&self, letter: Letter) {
        self.kept().letters.push(letter);
        self.arrived.notify_all();
    }

    fn mishap(&self, at: At) -> Option<Mishap> {
        let mut mishaps = self.mishaps();
        let found = mishaps.iter().position(|(moment, ..)| *moment == at)?;
        let (_, mishap, times) = mishaps[found].clone();
        if times == Times::Once {
            mishaps.remove(found);
        }
        Some(mishap)
    }
}
