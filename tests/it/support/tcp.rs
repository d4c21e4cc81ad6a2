//! A wire between the service and a server that can be cut, or go silent without being cut.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

use super::port::Port;

#[derive(Clone, Copy, PartialEq)]
enum State {
    Flowing,
    /// Connections are taken and bytes are swallowed up to what the sockets hold.
    Silent,
    /// New connections end at once.
    Cut,
    Gone,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    open: Mutex<Vec<TcpStream>>,
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
        let shared =
            Arc::new(Shared { state: Mutex::new(State::Flowing), changed: Condvar::new(), open: Mutex::default() });
        let (inside, socket) = (Arc::clone(&shared), socket.to_owned());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                match inside.state() {
                    State::Gone => break,
                    State::Cut => drop(stream),
                    State::Flowing | State::Silent => {
                        // A server that is down refuses the connection: the visitor sees it close.
                        let _ = inside.join(stream, &socket);
                    }
                }
            }
        });
        Self { port, shared }
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }

    pub fn cut(&self) {
        self.shared.change(State::Cut);
        self.shared.hang_up();
    }

    pub fn silence(&self) {
        self.shared.change(State::Silent);
    }

    /// New connections work again, and what was held back in silence arrives.
    pub fn mend(&self) {
        self.shared.change(State::Flowing);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.shared.change(State::Gone);
        self.shared.hang_up();
        // Wakes the acceptor.
        drop(TcpStream::connect(self.port.address()));
    }
}

impl Shared {
    fn state(&self) -> State {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while changing")
    }

    fn change(&self, state: State) {
        *self.lock() = state;
        self.changed.notify_all();
    }

    fn hang_up(&self) {
        for stream in self.open.lock().expect("no panic while joining").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn join(self: &Arc<Self>, near: TcpStream, socket: &PathBuf) -> io::Result<()> {
        let far = UnixStream::connect(socket)?;
        near.set_nodelay(true)?;
        self.open.lock().expect("no panic while joining").push(near.try_clone()?);
        let (near_again, far_again) = (near.try_clone()?, far.try_clone()?);
        let (out, back) = (Arc::clone(self), Arc::clone(self));
        thread::spawn(move || {
            let _ = out.pump(&near, &far);
            let _ = far.shutdown(Shutdown::Both);
        });
        thread::spawn(move || {
            let _ = back.pump(&far_again, &near_again);
            let _ = near_again.shutdown(Shutdown::Both);
        });
        Ok(())
    }

    fn pump(&self, mut from: impl Read, mut to: impl Write) -> io::Result<()> {
        let mut bytes = [0; 16_384];
        loop {
            let length = from.read(&mut bytes)?;
            drop(self.changed.wait_while(self.lock(), |state| *state == State::Silent));
            if length == 0 {
                return Ok(());
            }
            to.write_all(&bytes[..length])?;
        }
    }
}
