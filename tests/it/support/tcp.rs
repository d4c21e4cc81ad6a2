//! A wire between the service and a server that can be cut, go silent on one side or on both, or be slow.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::port::Port;

/// What the connection on which changes are heard says of itself in its first words.
const LISTENER: &[u8] = b"vestibule live";

/// Which connections.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Of {
    All,
    /// On which changes are heard.
    Listening,
}

/// In which direction.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Way {
    ToServer,
    FromServer,
    Both,
}

#[derive(Clone, Copy, Default)]
struct Weather {
    silent: Option<(Of, Way)>,
    delay: Duration,
    /// New connections end at once.
    is_cut: bool,
    is_gone: bool,
}

/// One connection.
#[derive(Default)]
struct Line {
    is_listening: AtomicBool,
    is_lost: AtomicBool,
}

struct Shared {
    weather: Mutex<Weather>,
    changed: Condvar,
    open: Mutex<Vec<(TcpStream, Arc<Line>)>>,
}

/// A TCP port whose far end is a Unix socket.
pub struct Wire {
    port: Port,
    shared: Arc<Shared>,
}

impl Wire {
    pub fn to(socket: &Path) -> Self {
        let port = Port::claim();
        let listener = port.listen();
        let shared = Arc::new(Shared { weather: Mutex::default(), changed: Condvar::new(), open: Mutex::default() });
        let (inside, socket) = (Arc::clone(&shared), socket.to_owned());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                match *inside.weather() {
                    Weather { is_gone: true, .. } => break,
                    Weather { is_cut: true, .. } => drop(stream),
                    // A server that is down refuses the connection: the visitor sees it close.
                    _ => drop(inside.join(stream, &socket)),
                }
            }
        });
        Self { port, shared }
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }

    pub fn cut(&self) {
        self.shared.change(|weather| weather.is_cut = true);
        self.shared.hang_up();
    }

    /// Connections are taken and nothing gets through.
    pub fn silence(&self) {
        self.silence_only(Of::All, Way::Both);
    }

    /// The same for some connections, new ones among them, or for one direction: they look well from one end.
    pub fn silence_only(&self, of: Of, way: Way) {
        self.shared.change(|weather| weather.silent = Some((of, way)));
    }

    /// Those that there are now are never heard of again, without a word to either end; new connections work.
    pub fn lose(&self, of: Of) {
        for (_, line) in self.shared.open().iter().filter(|(_, line)| line.is_one(of)) {
            line.is_lost.store(true, Ordering::SeqCst);
        }
    }

    /// Everything takes so much longer, in each direction.
    pub fn delay(&self, by: Duration) {
        self.shared.change(|weather| weather.delay = by);
    }

    /// New connections work again, and what was held back in silence arrives.
    pub fn mend(&self) {
        self.shared.change(|weather| *weather = Weather::default());
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.shared.change(|weather| weather.is_gone = true);
        self.shared.hang_up();
        // Wakes the acceptor.
        drop(TcpStream::connect(self.port.address()));
    }
}

impl Weather {
    fn holds_back(&self, line: &Line, way: Way) -> bool {
        let is_silent =
            self.silent.is_some_and(|(of, silent)| line.is_one(of) && (silent == Way::Both || silent == way));
        !self.is_gone && (is_silent || line.is_lost.load(Ordering::SeqCst))
    }
}

impl Line {
    fn is_one(&self, of: Of) -> bool {
        of == Of::All || self.is_listening.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn weather(&self) -> MutexGuard<'_, Weather> {
        self.weather.lock().expect("no panic while changing")
    }

    fn open(&self) -> MutexGuard<'_, Vec<(TcpStream, Arc<Line>)>> {
        self.open.lock().expect("no panic while joining")
    }

    fn change(&self, change: impl FnOnce(&mut Weather)) {
        change(&mut self.weather());
        self.changed.notify_all();
    }

    fn hang_up(&self) {
        for (stream, _) in self.open().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn join(self: &Arc<Self>, near: TcpStream, socket: &PathBuf) -> io::Result<()> {
        let far = UnixStream::connect(socket)?;
        near.set_nodelay(true)?;
        let line = Arc::new(Line::default());
        self.open().push((near.try_clone()?, Arc::clone(&line)));
        let (near_again, far_again) = (near.try_clone()?, far.try_clone()?);
        let (out, back) = (Carrier::new(self, &line, Way::ToServer), Carrier::new(self, &line, Way::FromServer));
        out.start(near, far, |far| drop(far.shutdown(Shutdown::Both)));
        back.start(far_again, near_again, |near| drop(near.shutdown(Shutdown::Both)));
        Ok(())
    }
}

/// One direction of a connection.
struct Carrier {
    shared: Arc<Shared>,
    line: Arc<Line>,
    way: Way,
}

impl Carrier {
    fn new(shared: &Arc<Shared>, line: &Arc<Line>, way: Way) -> Self {
        Self { shared: Arc::clone(shared), line: Arc::clone(line), way }
    }

    /// What is on the way does not keep what follows from being sent.
    fn start<R: Read + Send + 'static, W: Write + Send + 'static>(self, mut from: R, mut to: W, end: fn(&W)) {
        let (sender, parcels) = mpsc::channel();
        let line = Arc::clone(&self.line);
        thread::spawn(move || {
            let mut bytes = [0; 16_384];
            while let Ok(length @ 1..) = from.read(&mut bytes) {
                let parcel = bytes[..length].to_vec();
                if parcel.windows(LISTENER.len()).any(|words| words == LISTENER) {
                    line.is_listening.store(true, Ordering::SeqCst);
                }
                if sender.send((Instant::now(), parcel)).is_err() {
                    break;
                }
            }
        });
        thread::spawn(move || {
            for (sent, parcel) in parcels {
                self.wait(sent);
                if to.write_all(&parcel).is_err() {
                    break;
                }
            }
            self.wait(Instant::now());
            end(&to);
        });
    }

    fn wait(&self, sent: Instant) {
        let held = |weather: &mut Weather| weather.holds_back(&self.line, self.way);
        let weather = *self.shared.changed.wait_while(self.shared.weather(), held).expect("no panic while changing");
        if !weather.is_gone {
            thread::sleep((sent + weather.delay).saturating_duration_since(Instant::now()));
        }
    }
}
