//! HTTP/1.1 messages as they lie on the wire: a start line, headers in their order, a body.

use std::io::{self, BufRead, Read};

#[derive(Clone, Debug)]
pub struct Message {
    pub start: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What ends a message that states neither length nor chunks.
#[derive(Clone, Copy, PartialEq)]
pub enum Otherwise {
    NoBody,
    UntilClose,
}

/// A head without its body, or `None` when the other side has closed between two messages.
pub fn read_head(reader: &mut impl BufRead) -> io::Result<Option<Message>> {
    let Some(start) = read_line(reader)? else { return Ok(None) };
    let mut headers = Vec::new();
    loop {
        let line = read_line(reader)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if line.is_empty() {
            return Ok(Some(Message { start, headers, body: Vec::new() }));
        }
        let (name, value) = line.split_once(':').ok_or_else(|| invalid(&line))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
}

pub fn read_body(reader: &mut impl BufRead, message: &mut Message, otherwise: Otherwise) -> io::Result<()> {
    if find(&message.headers, "transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        message.body = read_chunks(reader)?;
    } else if let Some(length) = find(&message.headers, "content-length") {
        message.body = vec![0; length.parse().map_err(|_| invalid(length))?];
        reader.read_exact(&mut message.body)?;
    } else if otherwise == Otherwise::UntilClose {
        reader.read_to_end(&mut message.body)?;
    }
    Ok(())
}

/// The first header of that name, whatever its case.
pub fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    find_all(headers, name).first().copied()
}

pub fn find_all<'a>(headers: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).collect()
}

fn read_chunks(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = read_line(reader)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(|_| invalid(&line))?;
        if size == 0 {
            while read_line(reader)?.is_some_and(|trailer| !trailer.is_empty()) {}
            return Ok(body);
        }
        if reader.take(size).read_to_end(&mut body)? as u64 != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        read_line(reader)?;
    }
}

/// Header bytes need not be UTF-8; what is not shows as U+FFFD.
fn read_line(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if reader.read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    let line = line.strip_suffix(b"\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(Some(String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned()))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not HTTP: {what:?}"))
}
