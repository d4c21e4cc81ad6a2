//! Questions that no honest visitor causes, and peers that nobody trusts.

use std::io::Write;

use super::house::{DOORS, Door, Person, Question, house, house_with};
use crate::support::raw::{self, Connection};

/// What a malformed question gets: nginx makes a 500 of everything but 401 and 403.
fn refusal(door: Door) -> u16 {
    match door {
        Door::ForwardAuth => 400,
        Door::AuthRequest => 403,
    }
}

#[test]
fn a_url_that_is_not_clearly_one_is_refused_whoever_asks() {
    let app = house();
    let ann = Person::of_the_house(&app, "ann@example.com");
    let urls = [
        "https://app.example.com/x#y",
        "https://app.example.com/x\\y",
        "https://app.example.com/%",
        "https://app.example.com/%00",
        "https://app.example.com/%0d%0aX: y",
        "https://app.example.com/public/../closed/x",
        "https://app.example.com/public/%2e%2e/closed/x",
        "https://app.example.com/public/%252e%252e/closed/x",
        "https://app.example.com/public/..%2fclosed/x",
        "https://app.example.com/public/..%5cclosed/x",
        "https://app.example.com/public/..;/closed/x",
        "https://app.example.com/public//../closed/x",
        "https://app.example.com//closed/x",
        "https://app.example.com//public/x",
        "https://app.example.com/closed;/x",
        "https://ann@app.example.com/x",
        "https://app.example.com, evil.test/x",
        "https://app.example.com:99999/x",
        "https:///x",
        "ftp://app.example.com/x",
        "https, http://app.example.com/x",
        "://app.example.com/x",
    ];
    for url in urls {
        for door in DOORS {
            for question in [
                Question::about(door, url),
                Question::about(door, url).in_a_browser(),
                Question::about(door, url).by(&ann),
            ] {
                assert_eq!(question.ask(&app).status, refusal(door), "{door:?} {url}");
            }
        }
    }
}

#[test]
fn a_path_that_does_not_begin_with_a_slash_is_no_path() {
    let app = house();
    for uri in ["", "x", "?x", "*", "https://app.example.com/public/x", "public/x"] {
        let question = Question::about(Door::ForwardAuth, "https://app.example.com/").but("X-Forwarded-Uri", uri);
        assert_eq!(question.ask(&app).status, 400, "{uri}");
    }
    for url in ["", "/public/x", "app.example.com/public/x", "//app.example.com/public/x", "https://app.example.com"] {
        let question = Question::about(Door::AuthRequest, "https://app.example.com/").but("X-Original-URL", url);
        assert_eq!(question.ask(&app).status, 403, "{url}");
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_or_judged_but_never_crash() {
    let app = house();
    let overlong = (&b"/public/..%c0%af"[..], 400);
    for (path, expected) in
        [(&b"/public/caf\xe9"[..], 200), (b"/public/\xff\xfe", 200), overlong, (b"/x\x01", 400), (b"/\x7f", 400)]
    {
        let head = b"GET /gateway/forward-auth HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Forwarded-Method: GET\r\n\
                     X-Forwarded-Proto: https\r\nX-Forwarded-Host: app.example.com\r\nX-Forwarded-Uri: ";
        let answer = raw::send(app.port(), [head, path, b"\r\n\r\n"].concat());
        assert_eq!(answer.status, expected, "{path:?}");
    }
}

#[test]
fn every_part_of_the_question_must_be_there_once() {
    let app = house();
    let ann = Person::of_the_house(&app, "ann@example.com");
    let parts = [
        (Door::ForwardAuth, "X-Forwarded-Method", "GET"),
        (Door::ForwardAuth, "X-Forwarded-Proto", "https"),
        (Door::ForwardAuth, "X-Forwarded-Host", "app.example.com"),
        (Door::ForwardAuth, "X-Forwarded-Uri", "/public/x"),
        (Door::AuthRequest, "X-Original-Method", "GET"),
        (Door::AuthRequest, "X-Original-URL", "https://app.example.com/public/x"),
    ];
    for (door, name, value) in parts {
        let question = Question::about(door, "https://app.example.com/public/x").by(&ann);
        assert_eq!(question.ask(&app).status, 200, "{name}");
        let wrong = [
            question.clone().without(name),
            question.clone().but(name, ""),
            question.clone().with(name, value),
            question.clone().but(name, &format!("{value}, {value}")),
            // `_` and `-` are the same to many an app, and not to us.
            question.clone().without(name).with(&name.replace('-', "_"), value),
        ];
        for question in wrong {
            let is_another_path = name == "X-Forwarded-Uri" && question.lines.iter().any(|(_, v)| v.contains(", /"));
            if !is_another_path {
                assert_eq!(question.ask(&app).status, refusal(door), "{:?}", question.lines);
            }
        }
    }
}

#[test]
fn a_door_reads_no_other_familys_headers() {
    let app = house();
    let forged = [
        ("X-Original-URL", "https://app.example.com/public/x"),
        ("X-Original-Method", "GET"),
        ("X-Original-URI", "/public/x"),
        ("X-Rewrite-URL", "/public/x"),
        ("Forwarded", "host=app.example.com;proto=https"),
        ("X-Forwarded-Server", "app.example.com"),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Prefix", "/public"),
        ("X-HTTP-Method-Override", "GET"),
        ("X-Host", "app.example.com"),
    ];
    let closed = Question::about(Door::ForwardAuth, "https://app.example.com/closed/x");
    let open = Question::about(Door::ForwardAuth, "https://app.example.com/public/x");
    let add = |question: &Question| forged.iter().fold(question.clone(), |q, (name, value)| q.with(name, value));
    assert_eq!(add(&closed).ask(&app).status, 403);
    assert_eq!(add(&open).ask(&app).status, 200);

    let nginx = Question::about(Door::AuthRequest, "https://app.example.com/closed/x");
    let forged = open.lines.iter().skip(2).fold(nginx, |question, (name, value)| question.with(name, value));
    assert_eq!(forged.ask(&app).status, 403);

    // All of the other family and nothing of one's own.
    for (door, other) in [(DOORS[0], DOORS[1]), (DOORS[1], DOORS[0])] {
        let mut question = Question::about(other, "https://app.example.com/public/x");
        question.start = format!("GET {} HTTP/1.1", door.path());
        assert_eq!(question.ask(&app).status, refusal(door));
    }
}

#[test]
fn nothing_is_read_from_the_query() {
    let app = house();
    for door in DOORS {
        let mut question = Question::about(door, "https://app.example.com/x").in_a_browser();
        let plain = question.ask(&app);
        question.start = format!(
            "GET {}?rd=https://evil.test/&return_to=https://evil.test/&mode=public&X-Forwarded-Uri=/public/x HTTP/1.1",
            door.path()
        );
        let answer = question.ask(&app);
        assert_eq!((answer.status, answer.header("location")), (plain.status, plain.header("location")));
    }
}

#[test]
fn a_peer_that_is_no_trusted_proxy_is_not_answered() {
    let app = house_with(&[("server.trusted_proxies", "192.0.2.0/24")]);
    let ann = Person::of_the_house(&app, "ann@example.com");
    for door in DOORS {
        for url in ["https://app.example.com/public/x", "https://app.example.com/x", "https://app.example.com/%"] {
            // The address that the peer claims is not the peer's.
            let question = Question::about(door, url).by(&ann).with("X-Forwarded-For", "192.0.2.1");
            let answer = question.ask(&app);
            assert_eq!(answer.status, 403, "{door:?} {url}");
            assert!(answer.text().contains("Only a proxy that this service trusts may ask."), "{}", answer.text());
        }
    }
}

/// nginx without `proxy_pass_request_body off` announces a body that never comes; HAProxy copies
/// `Transfer-Encoding`. Whoever waits for it hangs the visitor.
#[test]
fn a_body_is_not_waited_for() {
    let app = house();
    for line in ["Content-Length: 300", "Transfer-Encoding: chunked"] {
        for door in DOORS {
            let question = Question::about(door, "https://app.example.com/public/x");
            let text = String::from_utf8(question.bytes()).unwrap();
            let mut connection = Connection::open(app.port()).unwrap();
            connection.write(text.replacen("\r\n", &format!("\r\n{line}\r\n"), 1)).unwrap();
            let answer = connection.answer().unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(answer.status, 200, "{line}");
        }
    }
}

#[test]
fn ten_megabytes_of_headers_end_without_harm() {
    let app = house();
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", app.port())).unwrap();
    stream.write_all(b"GET /gateway/forward-auth HTTP/1.1\r\nHost: x\r\n").unwrap();
    let line = format!("X-Filler: {}\r\n", "a".repeat(8000));
    // The service closes somewhere on the way.
    let refused = (0..1250).any(|_| stream.write_all(line.as_bytes()).is_err());
    drop(stream);
    assert!(refused, "ten megabytes were taken");
    let question = Question::about(Door::ForwardAuth, "https://app.example.com/public/x");
    let many = (0..200).fold(question.clone(), |question, at| question.with(&format!("X-Filler-{at}"), "x"));
    let answer = raw::send(app.port(), many.bytes());
    assert_eq!((answer.status, answer.header("remote-user")), (431, None));
    assert_eq!(question.ask(&app).status, 200);
}
