//! Requests byte by byte, for what no well-behaved client would send.

use std::io::{self, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use serde::de::DeserializeOwned;

use super::PATIENCE;
use super::http::{self, Message, Otherwise};

/// Sends the bytes over a connection of their own and waits for the answer.
pub fn send(port: u16, request: impl AsRef<[u8]>) -> Answer {
    try_send(port, request).unwrap_or_else(|error| panic!("no answer from port {port}: {error}"))
}

/// As [`send`]; a refused connection and one that ends without an answer are errors.
pub fn try_send(port: u16, request: impl AsRef<[u8]>) -> io::Result<Answer> {
    let mut connection = Connection::open(port)?;
    connection.write(request)?;
    connection.answer()
}

/// One connection, for several requests, half of one, or a tunnel.
pub struct Connection {
    stream: BufReader<TcpStream>,
    asked_for_head: bool,
}

impl Connection {
    pub fn open(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream), asked_for_head: false })
    }

    pub fn write(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.asked_for_head = bytes.as_ref().starts_with(b"HEAD ");
        self.stream.get_mut().write_all(bytes.as_ref())
    }

    pub fn answer(&mut self) -> io::Result<Answer> {
        let mut message = http::read_head(&mut self.stream)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let status = message.start.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or(io::ErrorKind::InvalidData)?;
        // RFC 9112, section 6.3: these never have a body, whatever their headers say.
        if !(self.asked_for_head || matches!(status, 100..200 | 204 | 304)) {
            http::read_body(&mut self.stream, &mut message, Otherwise::UntilClose)?;
        }
        Ok(Answer { status, message })
    }

    /// Bytes after an upgrade.
    pub fn read(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    message: Message,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        http::find(&self.message.headers, name)
    }

    /// Every line of that name.
    pub fn headers(&self, name: &str) -> Vec<&str> {
        http::find_all(&self.message.headers, name)
    }

    pub fn body(&self) -> &[u8] {
        &self.message.body
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.body()).into_owned()
    }

    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(self.body()).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}
