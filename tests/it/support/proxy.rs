//! A real proxy on a loopback port, with the configuration that a test gives it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::port::Port;
use super::process::{Folder, Tended, is_root};
use super::raw;

const STOP: &str = "TERM";

pub struct Proxy {
    port: Port,
    process: Tended,
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

    /// `configuration` is handed the port to listen on and where its Lua is, and gives the whole of haproxy.cfg.
    pub fn haproxy(script: &str, configuration: impl FnOnce(u16, &Path) -> String) -> Self {
        let (port, folder) = (Port::claim(), Folder::make("haproxy", STOP));
        let path = folder.path().join("vestibule.lua");
        fs::write(&path, script).expect("our own folder");
        fs::write(folder.path().join("haproxy.cfg"), configuration(port.number(), &path)).expect("our own folder");
        let mut command = Command::new("haproxy");
        // In the foreground; without its warnings, which are about what production wants.
        command.args(["-db", "-q", "-f", "haproxy.cfg"]);
        Self::start(port, folder, &mut command)
    }

    /// `configuration` is handed the port to listen on and where its Lua is, and gives virtual hosts.
    pub fn apache(script: &str, configuration: impl FnOnce(u16, &Path) -> String) -> Self {
        let (port, folder) = (Port::claim(), Folder::make("apache", STOP));
        let path = folder.path().join("vestibule.lua");
        fs::write(&path, script).expect("our own folder");
        let text = httpd_conf(folder.path(), port.number(), &configuration(port.number(), &path));
        fs::write(folder.path().join("httpd.conf"), text).expect("our own folder");
        let mut command = Command::new("apache2");
        command.args(["-D", "FOREGROUND", "-f"]).arg(folder.path().join("httpd.conf"));
        Self::start(port, folder, &mut command)
    }

    /// `configuration` is handed the port to listen on and gives traefik.yml and dynamic.yml, which knows `host`.
    pub fn traefik(host: &str, configuration: impl FnOnce(u16) -> [String; 2]) -> Self {
        let (port, folder) = (Port::claim(), Folder::make("traefik", STOP));
        for (name, text) in ["traefik.yml", "dynamic.yml"].iter().zip(configuration(port.number())) {
            fs::write(folder.path().join(name), text).expect("our own folder");
        }
        let mut command = Command::new(program("bin/traefik"));
        command.args(["--configFile=traefik.yml", "--log.level=WARN"]);
        let mut proxy = Self::start(port, folder, &mut command);
        // It answers 404 until it has read the second.
        let question = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let port = proxy.port();
        proxy.process.wait_until(|| raw::try_send(port, &question).is_ok_and(|answer| answer.status != 404));
        proxy
    }

    /// `configuration` is handed the port to listen on and gives the whole of envoy.yaml.
    pub fn envoy(configuration: impl FnOnce(u16) -> String) -> Self {
        let (port, folder) = (Port::claim(), Folder::make("envoy", STOP));
        fs::write(folder.path().join("envoy.yaml"), configuration(port.number())).expect("our own folder");
        let mut command = Command::new(program("envoy/_bin/envoy"));
        command.args(["-c", "envoy.yaml", "-l", "warning", "--concurrency", "1", "--disable-hot-restart"]);
        Self::start(port, folder, &mut command)
    }

    fn start(port: Port, folder: Folder, command: &mut Command) -> Self {
        let mut process = Tended::start(folder, command, STOP);
        process.wait_until(|| port.answers());
        Self { port, process }
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }
}

/// What `make setup-test` has put there.
fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/proxies/programs").join(name)
}

/// The modules that Debian's `a2enmod` would enable, from where Debian has them.
fn httpd_conf(folder: &Path, port: u16, hosts: &str) -> String {
    let modules: String = ["mpm_event", "authz_core", "alias", "setenvif", "headers", "proxy", "proxy_http", "lua"]
        .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"))
        .concat();
    // It refuses to work as root.
    let user = if is_root() { "User www-data\nGroup www-data\n" } else { "" };
    let folder = folder.display();
    format!(
        "ServerRoot {folder}\nServerName localhost\nPidFile {folder}/pid\nErrorLog /dev/stderr\nLogLevel warn\n\
         DefaultRuntimeDir {folder}\nListen 127.0.0.1:{port}\n{modules}{user}\
         StartServers 1\nServerLimit 2\nMaxRequestWorkers 50\n{hosts}"
    )
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
