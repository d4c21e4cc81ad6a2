//! Requests as the doctor writes them: byte by byte, because no well-behaved client would send most of them.

use std::fmt::Write as _;

use url::{Position, Url};

/// One request, to be written as it stands here.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub method: &'static str,
    /// The request line's target: a path with its query, or (RFC 9112, section 3.2.2) a whole URL.
    pub target: String,
    pub host: String,
    pub lines: Vec<(String, String)>,
    pub body: Body,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Body {
    None,
    AtOnce(Vec<u8>),
    /// After the other side has asked for it (RFC 9110, section 10.1.1).
    WhenAsked(Vec<u8>),
}

impl Body {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::None => &[],
            Self::AtOnce(bytes) | Self::WhenAsked(bytes) => bytes,
        }
    }
}

impl Request {
    /// What a browser sends when somebody types the address.
    pub(super) fn navigation(url: &Url) -> Self {
        Self::get(url).with("Accept", "text/html").with("Sec-Fetch-Mode", "navigate")
    }

    /// What a program sends.
    pub(super) fn get(url: &Url) -> Self {
        Self {
            method: "GET",
            target: url[Position::BeforePath..Position::AfterQuery].to_owned(),
            host: url[Position::BeforeHost..Position::AfterPort].to_owned(),
            lines: vec![("User-Agent".to_owned(), super::NAME.to_owned())],
            body: Body::None,
        }
    }

    pub(super) fn post(url: &Url, body: Body) -> Self {
        let request = Self { method: "POST", body, ..Self::get(url) };
        let request = request.with("Content-Type", "text/plain");
        match request.body {
            Body::WhenAsked(_) => request.with("Expect", "100-continue"),
            Body::None | Body::AtOnce(_) => request,
        }
    }

    /// RFC 6455, section 4.1.
    pub(super) fn websocket(url: &Url) -> Self {
        Self::get(url)
            .with("Upgrade", "websocket")
            .with("Sec-WebSocket-Version", "13")
            .with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
            .with("Connection", "Upgrade")
    }

    #[must_use]
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.lines.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub(super) fn with_all(mut self, lines: &[(String, String)]) -> Self {
        self.lines.extend_from_slice(lines);
        self
    }

    #[must_use]
    pub(super) fn for_host(self, host: &str) -> Self {
        Self { host: host.to_owned(), ..self }
    }

    #[must_use]
    pub(super) fn at(self, target: String) -> Self {
        Self { target, ..self }
    }

    /// All but the body. The connection is good for one request.
    pub(super) fn head(&self) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {}\r\n", self.method, self.target, self.host);
        let says_connection = self.lines.iter().any(|(name, _)| name.eq_ignore_ascii_case("connection"));
        if !says_connection {
            head.push_str("Connection: close\r\n");
        }
        if self.body != Body::None {
            // A String takes whatever is written to it.
            let _ = write!(head, "Content-Length: {}\r\n", self.body.bytes().len());
        }
        for (name, value) in &self.lines {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("\r\n");
        head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_written_as_it_stands() {
        let url = Url::parse("https://app.example.com:8443/x?a=1#part").unwrap();
        let request = Request::post(&url, Body::AtOnce(b"hi".to_vec())).with("Remote_User", "root");
        assert_eq!(
            request.head(),
            "POST /x?a=1 HTTP/1.1\r\nHost: app.example.com:8443\r\nConnection: close\r\nContent-Length: 2\r\n\
             User-Agent: vestibule doctor\r\nContent-Type: text/plain\r\nRemote_User: root\r\n\r\n"
        );
        let upgrade = Request::websocket(&url).head();
        assert!(upgrade.contains("\r\nConnection: Upgrade\r\n") && !upgrade.contains("close"), "{upgrade}");
    }
}
