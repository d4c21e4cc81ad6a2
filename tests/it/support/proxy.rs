//! A real nginx or Caddy on a loopback port, with the configuration that a test gives it.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::port::Port;
use super::process::{Folder, Tended, is_root};

const STOP: &str = "TERM";

pub struct Proxy {
    port: Port,
    _process: Tended,
}

impl Proxy {
    /// `configuration` is handed the port to listen on and gives what stands inside nginx's `http { }`.
    pub fn nginx(configuration: impl FnOnce(u16) -> String) -> Self {
        let (port, folder) = (Port::claim(), Folder::make("nginx", STOP));
        let text = nginx_conf(folder.path(), &configuration(port.number()));
        fs::write(folder.path().join("nginx.conf"), text).expect("our own folder");
        let mut command = Command::new("nginx");
        command.args(["-e", "stderr", "-c", "nginx.conf", "-p"]).arg(folder.path());
        Self::start(port, folder, &mut command)
    }

    /// `configuration` is handed the port to listen on and gives the sites of a Caddyfile.
    pub fn caddy(configuration: impl FnOnce(u16) -> String) -> Self {
        let (port, folder) = (Port::claim(), Folder::make("caddy", STOP));
        let text = format!("{{\n\tadmin off\n}}\n{}", configuration(port.number()));
        fs::write(folder.path().join("Caddyfile"), text).expect("our own folder");
        let mut command = Command::new("caddy");
        command.args(["run", "--adapter", "caddyfile", "--config", "Caddyfile"]);
        for variable in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
            command.env(variable, folder.path());
        }
        Self::start(port, folder, &mut command)
    }

    fn start(port: Port, folder: Folder, command: &mut Command) -> Self {
        let mut process = Tended::start(folder, command, STOP);
        process.wait_until(|| port.answers());
        Self { port, _process: process }
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }
}

fn nginx_conf(folder: &Path, http: &str) -> String {
    // Root's workers would become `nobody`, who cannot enter the folder.
    let user = if is_root() { "user root;" } else { "" };
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("    {kind}_temp_path {}/{kind};\n", folder.display()))
        .concat();
    format!(
        "{user}\ndaemon off;\npid {folder}/pid;\nerror_log stderr;\nworker_processes 1;\n\
         events {{ worker_connections 256; }}\nhttp {{\n    access_log off;\n{temporary}{http}\n}}\n",
        folder = folder.display()
    )
}
