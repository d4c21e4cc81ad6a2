//! An app that tells what reaches it, to stand in for a real one that does not.

use std::convert::Infallible;
use std::net::TcpListener;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::framing::{self, Head, Rest};

/// More than any request of the doctor's.
const LONGEST_REQUEST: usize = 4 * 1024 * 1024;
const MOST_HEADERS: usize = 128;

/// RFC 6455, section 1.3: what belongs to the key that the doctor sends.
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

struct Asked {
    method: String,
    uri: String,
    headers: Vec<(String, String)>,
}

/// Answers on `listener` for as long as it is polled.
pub async fn stand_in(listener: TcpListener) -> std::io::Result<Infallible> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        // A proxy that leaves in the middle of a request is no failure of ours.
        tokio::spawn(async move { drop(serve(stream).await) });
    }
}

async fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    while let Some(asked) = read_head(&mut stream, &mut buffer).await? {
        if find(&asked, "expect").is_some() {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        if let Some(protocol) = find(&asked, "upgrade") {
            let head = format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\n\
                 Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await?;
            // Nothing is said: the other side hangs up.
            while stream.read(&mut [0; 512]).await? > 0 {}
            return Ok(());
        }
        let Some(body) = read_body(&mut stream, &mut buffer, &asked).await? else { return Ok(()) };
        stream.write_all(&answer(&asked, &body)).await?;
    }
    Ok(())
}

fn find<'a>(asked: &'a Asked, name: &str) -> Option<&'a str> {
    asked.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

fn answer(asked: &Asked, body: &[u8]) -> Vec<u8> {
    let told = json!({
        "method": asked.method, "uri": asked.uri, "headers": asked.headers,
        "body": String::from_utf8_lossy(body),
    })
    .to_string();
    let length = told.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
    let told = if asked.method == "HEAD" { String::new() } else { told };
    [head, told].concat().into_bytes()
}

async fn read_head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> std::io::Result<Option<Asked>> {
    loop {
        match parse(buffer) {
            Ok(Some((asked, length))) => {
                buffer.drain(..length);
                return Ok(Some(asked));
            }
            Ok(None) if buffer.len() < LONGEST_REQUEST => {}
            Ok(None) | Err(framing::NotHttp) => return Ok(None),
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Option<(Asked, usize)>, framing::NotHttp> {
    let mut lines = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut lines);
    let length = match request.parse(bytes).map_err(|_| framing::NotHttp)? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return Ok(None),
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = request.headers.iter().map(|line| (line.name.to_owned(), text(line.value))).collect();
    let (method, uri) = (request.method.unwrap_or_default().to_owned(), request.path.unwrap_or_default().to_owned());
    Ok(Some((Asked { method, uri, headers }, length)))
}

/// What follows the body stays in `buffer`. `None` for one that does not come.
async fn read_body(stream: &mut TcpStream, buffer: &mut Vec<u8>, asked: &Asked) -> std::io::Result<Option<Vec<u8>>> {
    let has_body = ["content-length", "transfer-encoding"].iter().any(|name| find(asked, name).is_some());
    if !has_body {
        return Ok(Some(Vec::new()));
    }
    // Requests and answers are framed alike where they state a length (RFC 9112, section 6.3).
    let head = Head { status: 200, headers: asked.headers.clone() };
    loop {
        match framing::body(&head, buffer) {
            Rest::Whole(body) => {
                // The doctor's proxies send one request after another, not two at once.
                buffer.clear();
                return Ok(Some(body));
            }
            Rest::More if buffer.len() < LONGEST_REQUEST => {}
            Rest::More | Rest::Wrong => return Ok(None),
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}
