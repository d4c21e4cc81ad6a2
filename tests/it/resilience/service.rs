//! The program itself, in a process of its own that can be signalled, killed and started again.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::browser::Browser;
use crate::support::port::Port;
use crate::support::process::{Folder, Tended};
use crate::support::{raw, within};

/// What it is given as `secrets.key` unless the settings say otherwise, before base64.
pub const KEY: &str = "the key of a test that nobody needs to hide";

/// A start may have to make a cluster, on a machine that is busy with other tests.
const TO_START: Duration = Duration::from_secs(30);

/// In place of a value.
const AS_USUAL: &str = "as usual";

pub struct Service {
    port: Port,
    settings: Vec<(String, String)>,
    process: Tended,
}

impl Service {
    /// A name with a `$` before it is that of somebody else's variable.
    ///
    /// With a private cluster unless `DATABASE__URL` is among the settings (`("SERVER__WORKERS", "1")`), and ready.
    pub fn start(settings: &[(&str, &str)]) -> Self {
        let mut service = Self::launch(settings);
        service.wait_until_it_listens();
        service
    }

    /// With this setting left as it is by default.
    pub fn start_as_usual(setting: &str) -> Self {
        let mut service = Self::launch(&[(setting, AS_USUAL)]);
        service.wait_until_it_listens();
        service
    }

    /// Does not wait for anything.
    pub fn launch(settings: &[(&str, &str)]) -> Self {
        Self::launch_on(Port::claim(), settings)
    }

    pub fn launch_on(port: Port, settings: &[(&str, &str)]) -> Self {
        let folder = Folder::make("service", "TERM");
        // Not closed to the account that a cluster runs as when the tests run as root.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("our own folder");
        let mut all = vec![
            ("SERVER__LISTEN".to_owned(), port.address().to_string()),
            ("SERVER__PUBLIC_URL".to_owned(), format!("http://localhost:{}", port.number())),
            ("SERVER__WORKERS".to_owned(), "2".to_owned()),
            ("SERVER__METRICS_LISTEN".to_owned(), String::new()),
            ("SECRETS__KEY".to_owned(), STANDARD.encode(KEY)),
        ];
        for (name, value) in settings {
            all.retain(|(known, _)| known != name);
            all.push(((*name).to_owned(), (*value).to_owned()));
        }
        all.retain(|(_, value)| value != AS_USUAL);
        let process = Tended::start(folder, &mut command(&all), "TERM");
        Self { port, settings: all, process }
    }

    /// After it ended: once more, on the same data.
    pub fn start_again(&mut self) {
        self.process.again(&mut command(&self.settings));
        self.wait_until_it_listens();
    }

    pub fn wait_until_it_listens(&mut self) {
        let port = self.port();
        let up = within(TO_START, || {
            assert!(self.process.is_running(), "the service ended:\n{}", self.process.log());
            self.port.answers().then(|| get(port, "/healthz").ok()).flatten()
        });
        assert!(up.is_some_and(|answer| answer.status == 200), "the service did not start:\n{}", self.log());
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub fn log(&self) -> String {
        self.process.log()
    }

    pub fn data_dir(&self) -> PathBuf {
        self.process.folder().join("data")
    }

    pub fn browser(&self) -> Browser {
        Browser::new(&format!("http://localhost:{}", self.port()), self.port())
    }

    pub fn signal(&mut self, signal: &str) {
        self.process.signal(signal);
    }

    /// `kill -9`, and waits for the end.
    pub fn kill(&mut self) {
        self.process.end("KILL");
    }

    /// How it ends, within this time.
    pub fn end_within(&mut self, patience: Duration) -> ExitStatus {
        let ended = within(patience, || self.process.has_ended());
        ended.unwrap_or_else(|| panic!("still running after {patience:?}:\n{}", self.log()))
    }

    /// The most memory that it ever held, in MiB.
    pub fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("Linux, and a live process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
    }
}

pub fn get(port: u16, path: &str) -> std::io::Result<raw::Answer> {
    raw::try_send(port, format!("GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"))
}

fn command(settings: &[(String, String)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.arg("serve").env_clear();
    let variable = |name: &str| match name.strip_prefix('$') {
        Some(foreign) => foreign.to_owned(),
        None => format!("VESTIBULE__{name}"),
    };
    command.envs(settings.iter().map(|(name, value)| (variable(name), value)));
    // Where `initdb` and its like are looked for.
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin");
    command
}
