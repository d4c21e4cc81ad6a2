//! Where a head and a body end (RFC 9112).

/// As many as nobody needs.
const MOST_HEADERS: usize = 128;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Head {
    pub status: u16,
    /// Values that are not UTF-8 show U+FFFD where they are not.
    pub headers: Vec<(String, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NotHttp;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Rest {
    Whole(Vec<u8>),
    /// It ends with the connection, or there is more to come.
    More,
    Wrong,
}

/// The head and its length; `None` while it is not all there.
pub(super) fn head(bytes: &[u8]) -> Result<Option<(Head, usize)>, NotHttp> {
    let mut lines = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut lines);
    let length = match response.parse(bytes).map_err(|_| NotHttp)? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return Ok(None),
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = response.headers.iter().map(|line| (line.name.to_owned(), text(line.value))).collect();
    Ok(response.code.map(|status| (Head { status, headers }, length)))
}

/// RFC 9112, section 6.3, for answers to anything but HEAD.
pub(super) fn body(head: &Head, bytes: &[u8]) -> Rest {
    if matches!(head.status, 100..200 | 204 | 304) {
        return Rest::Whole(Vec::new());
    }
    let find = |name: &str| head.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
    if find("transfer-encoding").is_some_and(|(_, coding)| coding.to_ascii_lowercase().ends_with("chunked")) {
        return chunks(bytes);
    }
    match find("content-length").map(|(_, length)| length.parse::<usize>()) {
        Some(Ok(length)) => bytes.get(..length).map_or(Rest::More, |body| Rest::Whole(body.to_vec())),
        Some(Err(_)) => Rest::Wrong,
        None => Rest::More,
    }
}

fn chunks(mut bytes: &[u8]) -> Rest {
    let mut body = Vec::new();
    loop {
        let (start, size) = match httparse::parse_chunk_size(bytes) {
            Ok(httparse::Status::Complete((start, size))) => (start, usize::try_from(size).unwrap_or(usize::MAX)),
            Ok(httparse::Status::Partial) => return Rest::More,
            Err(_) => return Rest::Wrong,
        };
        let Some(rest) = bytes.get(start..) else { return Rest::More };
        if size == 0 {
            // Trailers are of no interest.
            return Rest::Whole(body);
        }
        let Some(chunk) = rest.get(..size) else { return Rest::More };
        body.extend_from_slice(chunk);
        let Some(after) = rest.get(size..).and_then(|after| after.strip_prefix(b"\r\n")) else { return Rest::More };
        bytes = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Rest {
        let (head, length) = head(text.as_bytes()).unwrap().unwrap();
        body(&head, &text.as_bytes()[length..])
    }

    #[test]
    fn a_body_ends_where_its_head_says() {
        assert_eq!(whole("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi there"), Rest::Whole(b"hi".to_vec()));
        assert_eq!(whole("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"), Rest::More);
        assert_eq!(whole("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nhi"), Rest::Wrong);
        assert_eq!(whole("HTTP/1.0 200 OK\r\n\r\nhi"), Rest::More);
        assert_eq!(whole("HTTP/1.1 101 Switching Protocols\r\n\r\n"), Rest::Whole(Vec::new()));
        assert_eq!(whole("HTTP/1.1 204 No Content\r\n\r\n"), Rest::Whole(Vec::new()));
    }

    #[test]
    fn chunks_are_put_together() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(whole(&format!("{head}2\r\nhi\r\n1;x=y\r\n!\r\n0\r\n\r\n")), Rest::Whole(b"hi!".to_vec()));
        for part in ["", "2", "2\r\nh", "2\r\nhi", "2\r\nhi\r\n"] {
            assert_eq!(whole(&format!("{head}{part}")), Rest::More, "{part:?}");
        }
        assert_eq!(whole(&format!("{head}zz\r\n")), Rest::Wrong);
    }

    #[test]
    fn half_a_head_is_waited_for_and_rubbish_is_not() {
        assert_eq!(head(b"HTTP/1.1 200 OK\r\nA: b\r\n"), Ok(None));
        assert_eq!(head(b"SSH-2.0-OpenSSH_9.2\r\n"), Err(NotHttp));
    }
}
