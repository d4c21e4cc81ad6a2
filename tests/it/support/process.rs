//! Programs that a test starts: their folder, their log, and their end.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::{PATIENCE, within};

/// Outlives the test process, whatever ends that: the closed pipe tells it to clean up. It also sends our signals,
/// which the standard library cannot.
const WATCHDOG: &str = r#"
trap '' HUP INT TERM
pid=
while read -r order what; do
    case $order in
        watch) pid=$what ;;
        forget) pid= ;;
        signal) kill -s "$what" "$pid" ;;
    esac
done
if [ -n "$pid" ] && kill -s "$2" "$pid"; then
    tries=0
    while [ $tries -lt 100 ] && kill -s 0 "$pid"; do sleep 0.1; tries=$((tries + 1)); done
    kill -s KILL "$pid"
fi
rm -rf "$1"
"#;

pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// A folder in `/tmp` (short enough for a Unix socket) and the watchdog that removes it.
pub struct Folder {
    path: PathBuf,
    watchdog: Child,
    orders: Option<ChildStdin>,
}

impl Folder {
    /// `last_signal` ends the watched program if the test process does not get round to it.
    pub fn make(name: &str, last_signal: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let path = loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = PathBuf::from(format!("/tmp/vestibule-{name}-{}-{number}", std::process::id()));
            if fs::create_dir(&path).is_ok() {
                break path;
            }
            assert!(number < 10_000, "no folder can be made in /tmp");
        };
        let mut watchdog = Command::new("/bin/sh")
            .args(["-c", WATCHDOG, "watchdog"])
            .arg(&path)
            .arg(last_signal)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .current_dir("/")
            .spawn()
            .expect("a shell");
        let orders = watchdog.stdin.take();
        Self { path, watchdog, orders }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn order(&mut self, order: &str) {
        let orders = self.orders.as_mut().expect("orders end with the folder");
        writeln!(orders, "{order}").expect("the watchdog listens");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.watchdog.wait();
    }
}

/// A running program whose standard output and error are the file `log` in its folder.
pub struct Tended {
    child: Child,
    last_signal: &'static str,
    folder: Folder,
}

impl Tended {
    pub fn start(mut folder: Folder, command: &mut Command, last_signal: &'static str) -> Self {
        let child = spawn(&mut folder, command);
        Self { child, last_signal, folder }
    }

    pub fn again(&mut self, command: &mut Command) {
        self.child = spawn(&mut self.folder, command);
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// How it ended, `None` while it runs.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child of ours")
    }

    /// Sends the signal and does not wait for anything.
    pub fn signal(&mut self, signal: &str) {
        if self.is_running() {
            self.folder.order(&format!("signal {signal}"));
        }
    }

    /// Sends the signal and waits for the end.
    pub fn end(&mut self, signal: &str) {
        if self.is_running() {
            self.folder.order(&format!("signal {signal}"));
            let ended = within(PATIENCE, || (!self.is_running()).then_some(()));
            assert!(ended.is_some(), "did not end on {signal}:\n{}", self.log());
        }
        self.folder.order("forget");
    }

    /// Waits until `ready`; a program that ends before is a failure that shows its log.
    pub fn wait_until(&mut self, mut ready: impl FnMut() -> bool) {
        let up = within(PATIENCE, || {
            assert!(self.is_running(), "the program ended:\n{}", self.log());
            ready().then_some(())
        });
        assert!(up.is_some(), "not ready after {PATIENCE:?}:\n{}", self.log());
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder().join("log")).unwrap_or_default()
    }
}

impl Drop for Tended {
    fn drop(&mut self) {
        if self.is_running() {
            self.folder.order(&format!("signal {}", self.last_signal));
            if within(PATIENCE, || (!self.is_running()).then_some(())).is_none() {
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
        }
        self.folder.order("forget");
    }
}

fn spawn(folder: &mut Folder, command: &mut Command) -> Child {
    let log = File::options().create(true).append(true).open(folder.path().join("log")).expect("a log file");
    let child = command
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("the log twice"))
        .stderr(log)
        .process_group(0)
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
    folder.order(&format!("watch {}", child.id()));
    child
}
