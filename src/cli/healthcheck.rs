//! `vestibule healthcheck`: asks the service of the same configuration for `/readyz`.
//!
//! It is what a container without curl runs. One plain request, by hand: the service listens without TLS.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use serde_json::json;
use url::{Position, Url};

use super::{Common, say};
use crate::config::{self, Sources};

/// Far more than `/readyz` ever says.
const LONGEST_ANSWER: u64 = 64 * 1024;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// How long to wait, at each step
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = humantime::parse_duration)]
    timeout: Duration,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, sources: &Sources) -> anyhow::Result<()> {
    let server = config::load(sources)?.settings.server;
    let address = reachable(server.listen);
    ensure!(address.port() != 0, "server.listen leaves the port open, so it is not known where to ask");
    let answer =
        ask(address, &server.public_url, arguments.timeout).with_context(|| format!("no answer from {address}"));
    let status = answer.as_ref().ok().map(|answer| answer.status);
    if arguments.json {
        say(&json!({ "ready": status == Some(200), "status": status }).to_string())?;
    }
    let answer = answer?;
    if answer.status != 200 {
        bail!("not ready: {address} answered {} {}", answer.status, answer.body);
    }
    if arguments.json { Ok(()) } else { say("ready") }
}

/// A service on every address is asked on loopback.
pub(super) fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[derive(PartialEq, Eq, Debug)]
struct Answer {
    status: u16,
    body: String,
}

fn ask(address: SocketAddr, public_url: &Url, timeout: Duration) -> anyhow::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    let host = &public_url[Position::BeforeHost..Position::AfterPort];
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER).read_to_end(&mut answer)?;
    parse(&String::from_utf8_lossy(&answer)).context("what came back is not HTTP")
}

/// RFC 9112, section 4: `HTTP/1.1 200 OK`.
fn parse(answer: &str) -> Option<Answer> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
    Some(Answer { status, body: body.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_on_every_address_is_asked_on_loopback() {
        for (listen, asked) in
            [("0.0.0.0:80", "127.0.0.1:80"), ("[::]:80", "[::1]:80"), ("192.0.2.1:80", "192.0.2.1:80")]
        {
            assert_eq!(reachable(listen.parse().unwrap()).to_string(), asked);
        }
    }

    #[test]
    fn only_http_is_an_answer() {
        let answer = parse("HTTP/1.1 503 Service Unavailable\r\nA: b\r\n\r\n{\"x\":1}\n").unwrap();
        assert_eq!(answer, Answer { status: 503, body: "{\"x\":1}".into() });
        for text in ["", "HTTP/1.1 200 OK\r\n", "220 mail.example.com ESMTP\r\n\r\n", "HTTP/1.1 2\r\n\r\n"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
