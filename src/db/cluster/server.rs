//! Starts and stops PostgreSQL itself.

use std::ffi::OsString;
use std::fs;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use super::access;
use super::account::Account;
use super::error::{Error, io_error};
use super::home::Home;
use super::log_file::LogFile;
use super::process;
use super::programs::Programs;
use super::socket::Socket;

const POLL: Duration = Duration::from_millis(10);
/// Recovery after a crash is part of starting.
const TO_START: Duration = Duration::from_mins(1);
/// Until the processes of a killed server have noticed, and let go of its memory.
const TO_LET_GO: Duration = Duration::from_secs(15);
/// Together with the five seconds that requests under way have, less than the ten that the whole service has.
const TO_STOP: [(&str, Duration); 3] =
    [("INT", Duration::from_secs(3)), ("QUIT", Duration::from_secs(1)), ("KILL", Duration::from_millis(500))];

/// Durable whatever postgresql.conf says, and small: a new installation serves a handful of people.
const SETTINGS: [&str; 15] = [
    "listen_addresses=",
    "fsync=on",
    "full_page_writes=on",
    "synchronous_commit=on",
    "shared_buffers=32MB",
    "maintenance_work_mem=32MB",
    "max_wal_size=256MB",
    // Parallel queries need /dev/shm, which containers make small.
    "max_parallel_workers_per_gather=0",
    "max_parallel_maintenance_workers=0",
    "jit=off",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_checkpoints=off",
    // People's addresses stand in the details of an error and in statements; they are not for a log.
    "log_error_verbosity=terse",
    "log_min_error_statement=panic",
];

/// A server that can be started, and started again.
pub struct Server {
    home: Home,
    account: Account,
    programs: Programs,
    socket: Socket,
    log: LogFile,
}

/// A server that was started. Dropping it stops it.
pub struct Running {
    server: Server,
    child: Child,
}

impl Server {
    pub fn new(home: Home, account: Account, programs: Programs, socket: Socket) -> Self {
        let log = LogFile::new(home.log());
        Self { home, account, programs, socket, log }
    }

    /// Starts it and waits until it answers.
    pub fn start(self) -> Result<Running, Error> {
        self.log.turn_over()?;
        let position = self.log.length();
        let mut running = Running { child: self.spawn()?, server: self };
        let deadline = Instant::now() + TO_LET_GO;
        while !running.becomes_ready() {
            // PostgreSQL leaves the number of a killed predecessor in place as long as anything of it
            // still runs; only then is another try worth anything.
            if !running.server.home.pid_file().exists() || Instant::now() > deadline {
                let log = running.server.log.path().to_path_buf();
                return Err(Error::Starting { log, said: running.server.log.said_since(position) });
            }
            thread::sleep(POLL * 10);
            running.start_again()?;
        }
        Ok(running)
    }

    fn spawn(&self) -> Result<Child, Error> {
        self.end_predecessor()?;
        self.socket.clear();
        access::write_rules(&self.home, self.account.service())?;
        let (log, errors) = (self.log.open()?, self.log.open()?);
        let postgres = self.programs.postgres();
        let mut command = self.account.command(&postgres);
        command.arg("-D").arg(self.home.data()).stdout(log).stderr(errors);
        let settings = SETTINGS.map(OsString::from).into_iter();
        for setting in settings.chain(self.socket.settings()).chain(access::settings(&self.home)) {
            command.arg("-c").arg(setting);
        }
        command.spawn().map_err(io_error("run", &postgres))
    }

    /// A server that a killed service left running. It is stopped, not adopted: we could not wait for a
    /// process that is not our child, and it may run with the settings of another version. Nothing is
    /// lost by it, for whoever was connected to it is gone: the lock we hold says so.
    fn end_predecessor(&self) -> Result<(), Error> {
        let Some(pid) = self.recorded_pid() else { return Ok(()) };
        if process::is_alive(pid) && process::belongs_to(pid, &self.home.data()) {
            log::warn!("stopping the PostgreSQL (process {pid}) that an earlier run left behind");
            return self.end(pid, || !process::is_alive(pid));
        }
        if process::arguments(pid).is_some() {
            // The number went to some other program, for instance after the machine was restarted. As
            // long as it stands in the file PostgreSQL takes that program for a running server.
            let path = self.home.pid_file();
            fs::remove_file(&path).map_err(io_error("remove", &path))?;
        }
        Ok(())
    }

    /// Ends every connection and waits; more and more forcefully. What force loses is recovered from the
    /// write-ahead log at the next start.
    fn end(&self, pid: u32, mut has_ended: impl FnMut() -> bool) -> Result<(), Error> {
        for (signal, patience) in TO_STOP {
            if has_ended() {
                return Ok(());
            }
            // The standard library sends nothing but KILL; pg_ctl is there wherever PostgreSQL is.
            let mut pg_ctl = self.account.command(self.programs.pg_ctl());
            if let Err(error) = pg_ctl.args(["kill", signal, &pid.to_string()]).output() {
                log::warn!("could not run pg_ctl: {error}");
            }
            if poll_until(patience, &mut has_ended) {
                return Ok(());
            }
            log::warn!("PostgreSQL (process {pid}) did not end within {} s of SIG{signal}", patience.as_secs());
        }
        Err(Error::Stopping { pid })
    }

    /// The first line of the file is the server's number, the eighth its state.
    fn is_ready(&self, pid: u32) -> bool {
        let text = fs::read_to_string(self.home.pid_file()).unwrap_or_default();
        self.recorded_pid() == Some(pid) && text.lines().nth(7).is_some_and(|state| state.trim() == "ready")
    }

    fn recorded_pid(&self) -> Option<u32> {
        fs::read_to_string(self.home.pid_file()).ok()?.lines().next()?.trim().parse().ok()
    }
}

impl Running {
    /// How it ended, `None` while it runs.
    pub fn has_ended(&mut self) -> Option<String> {
        match self.child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(status.to_string()),
            Err(error) => Some(error.to_string()),
        }
    }

    /// Does not wait until it answers: connections are tried again anyway, and a request to stop must not
    /// wait for a recovery.
    pub fn start_again(&mut self) -> Result<(), Error> {
        self.child = self.server.spawn()?;
        Ok(())
    }

    pub fn stop(&mut self) -> Result<(), Error> {
        let Self { server, child } = self;
        server.end(child.id(), || !matches!(child.try_wait(), Ok(None)))
    }

    pub fn log(&self) -> &LogFile {
        &self.server.log
    }

    /// Waits; false when it has ended or takes too long.
    fn becomes_ready(&mut self) -> bool {
        let pid = self.child.id();
        poll_until(TO_START, || self.has_ended().is_some() || self.server.is_ready(pid)) && self.has_ended().is_none()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            log::error!("{error}");
        }
    }
}

/// Whether it came true in time.
fn poll_until(patience: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(POLL);
    }
}
