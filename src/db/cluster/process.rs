//! What can be known of another process by its number.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// The words it was started with, `None` when there is no such process. A process that has ended but was
/// not yet waited for has no words left.
pub fn arguments(pid: u32) -> Option<Vec<String>> {
    if Path::new("/proc/self/cmdline").exists() {
        let words = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let words = words.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
        return Some(words.filter(|word| !word.is_empty()).collect());
    }
    // macOS has no /proc. The words come back joined, so one with a space in it is several here.
    let output = Command::new("ps")
        .args(["-ww", "-o", "args=", "-p", &pid.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let line = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then(|| line.split_whitespace().map(str::to_owned).collect())
}

/// The program it runs, without its arguments: those may hold what is nobody else's business.
pub fn program(pid: u32) -> Option<String> {
    arguments(pid)?.into_iter().next()
}

/// Whether it has not ended yet.
pub fn is_alive(pid: u32) -> bool {
    arguments(pid).is_some_and(|words| !words.is_empty())
}

/// Whether it works in `folder`, as a postmaster does in its data folder, or was started with its name.
pub fn belongs_to(pid: u32, folder: &Path) -> bool {
    let works_there = fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|place| place == folder);
    let name = folder.to_string_lossy();
    works_there || arguments(pid).is_some_and(|words| words.join(" ").contains(&*name))
}
