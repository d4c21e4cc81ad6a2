//! A real DNS server on a loopback port, with the TXT records that a test gives it.

use std::process::Command;

use super::port::Port;
use super::process::{Folder, Tended};

const STOP: &str = "TERM";

pub struct Dns {
    port: Port,
    process: Tended,
}

impl Dns {
    /// Everything below `com` and `example` that is not among `records` is answered with NXDOMAIN, and nobody is asked
    /// about the rest: that is refused.
    pub fn serve(records: &[(&str, &str)]) -> Self {
        let (port, folder) = (Port::claim(), Folder::make("dnsmasq", STOP));
        let mut process = Tended::start(folder, &mut command(&port, records), STOP);
        process.wait_until(|| port.answers());
        Self { port, process }
    }

    /// The same server with other records.
    pub fn serve_instead(&mut self, records: &[(&str, &str)]) {
        self.stop();
        self.process.again(&mut command(&self.port, records));
        let port = &self.port;
        self.process.wait_until(|| port.answers());
    }

    pub fn stop(&mut self) {
        self.process.end(STOP);
    }

    /// As `sso.dns_server` takes it.
    pub fn address(&self) -> String {
        self.port.address().to_string()
    }
}

fn command(port: &Port, records: &[(&str, &str)]) -> Command {
    let mut command = Command::new("dnsmasq");
    command.args(["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces"]);
    // Otherwise it becomes somebody who may not read its folder.
    command.args(["--user=", "--pid-file=", "--log-facility=-", "--listen-address=127.0.0.1"]);
    command.args(["--local=/com/", "--local=/example/"]).arg(format!("--port={}", port.number()));
    for (name, text) in records {
        command.arg(format!("--txt-record={name},{text}"));
    }
    command
}
