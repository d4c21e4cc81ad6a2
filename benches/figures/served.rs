//! Servers under measurement: ours, and the plain ones.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;
use rustix::process::{Pid, Signal, kill_process};

use crate::client::{Connection, get};

/// From the signal to the end. The program promises ten seconds.
const TO_STOP: Duration = Duration::from_secs(12);
const TO_ANSWER: Duration = Duration::from_mins(1);

/// The app that the gate protects, on the one host that cookies reach without `session.cookie_domains`, and one that it
/// lets everybody see.
pub const APP: &str = "localhost";
pub const OPEN_APP: &str = "open.example.test";

/// A running server. Dropping it stops it.
pub struct Served {
    child: Child,
    pub port: u16,
}

impl Served {
    /// Waits for nothing.
    pub fn start(mut command: Command, port: u16) -> anyhow::Result<Self> {
        Ok(Self { child: command.stdin(Stdio::null()).spawn()?, port })
    }

    /// The real program with these settings over its defaults; its log goes to a file.
    pub fn vestibule(folder: &Path, settings: &[&str]) -> anyhow::Result<Self> {
        let port = free_port()?;
        let log = File::options().create(true).append(true).open(folder.join("log"))?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        command.current_dir(folder).arg("serve").stdout(log.try_clone()?).stderr(log);
        let own = [format!("server.listen=127.0.0.1:{port}"), format!("server.public_url=http://localhost:{port}")];
        for setting in own.iter().map(String::as_str).chain(settings.iter().copied()) {
            command.args(["--set", setting]);
        }
        Self::start(command, port)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Blocks until the first answer; the listener may take connections long before.
    pub fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + TO_ANSWER;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended before it answered: {status}");
            }
            if let Ok(mut connection) = Connection::open(self.port) {
                let answer = connection.ask(&get("/readyz"))?;
                anyhow::ensure!(answer.status == 200, "/readyz: {}", answer.status);
                return Ok(());
            }
            thread::sleep(Duration::from_millis(1));
        }
        bail!("no answer within {TO_ANSWER:?}")
    }

    /// Blocks until connections are taken.
    pub fn wait_until_listening(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + TO_ANSWER;
        while Connection::open(self.port).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended before it listened: {status}");
            }
            anyhow::ensure!(Instant::now() < deadline, "nobody listens after {TO_ANSWER:?}");
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    pub fn stop(&mut self) -> anyhow::Result<()> {
        if self.child.try_wait()?.is_none() {
            let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
            pid.map_or(Ok(()), |pid| kill_process(pid, Signal::TERM))?;
        }
        let deadline = Instant::now() + TO_STOP;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                self.child.kill()?;
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("process {} may be left over: {error}", self.pid());
        }
    }
}

pub fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
