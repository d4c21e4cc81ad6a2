//! The load generator: HTTP/1.1 over connections that stay open, on loopback only.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, ensure};

const PATIENCE: Duration = Duration::from_secs(30);

pub struct Connection {
    stream: BufReader<TcpStream>,
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Connection {
    pub fn open(port: u16) -> anyhow::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    pub fn ask(&mut self, request: &str) -> anyhow::Result<Answer> {
        self.send(request)?;
        self.receive()
    }

    fn send(&mut self, request: &str) -> anyhow::Result<()> {
        Ok(self.stream.get_mut().write_all(request.as_bytes())?)
    }

    fn receive(&mut self) -> anyhow::Result<Answer> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            ensure!(self.stream.read_line(&mut head)? > 0, "the connection was closed within an answer");
        }
        let length = header(&head, "content-length").next().context("an answer without a length")?.parse()?;
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        let status = head.split(' ').nth(1).context("an answer without a status")?.parse()?;
        Ok(Answer { status, head, body })
    }
}

impl Answer {
    /// The value of a cookie that is set.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let pairs = header(&self.head, "set-cookie").filter_map(|line| line.split(';').next()?.split_once('='));
        pairs.into_iter().find(|(own, _)| *own == name).map(|(_, value)| value)
    }
}

fn header<'a>(head: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.filter(move |(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// All connections ask at once, one request after the other, and again when all have been answered, until there were at
/// least so many answers of this status. How many there were. The last answer is taken first: that wakes us once and
/// not for every answer, and how often the server has to wake us would depend on how fast it is.
pub fn ask(least: u32, connections: &mut [Connection], (requests, status): (&[String], u16)) -> anyhow::Result<u32> {
    let mut answers = 0;
    let mut requests = requests.iter().cycle();
    while answers < least {
        for (connection, request) in connections.iter_mut().zip(&mut requests) {
            connection.send(request)?;
        }
        for connection in connections.iter_mut().rev() {
            let answer = connection.receive()?;
            ensure!(answer.status == status, "{}", answer.head);
            answers += 1;
        }
    }
    Ok(answers)
}

pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// As a trusted proxy would pass it on for somebody at this address.
pub fn post_json(path: &str, address: Ipv4Addr, body: &serde_json::Value) -> String {
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {address}\r\nUser-Agent: figures\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
