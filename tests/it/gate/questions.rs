//! Questions that no honest visitor causes, and peers that nobody trusts.

use std::io::Write;

use super::house::{DOORS, Door, Person, Question, house, house_with};
use crate::support::TestApp;
use crate::support::raw::{self, Connection};

/// What Envoy asks is itself the address: what is no HTTP at all is refused before anything of ours sees it.
fn status(door: Door, question: &Question, app: &TestApp) -> u16 {
    match door {
        Door::ExtAuthz => raw::send(app.port(), question.bytes()).status,
        Door::ForwardAuth | Door::AuthRequest => question.ask(app).status,
    }
}

/// What a malformed question gets: nginx makes a 500 of everything but 401 and 403.
fn refusal(door: Door) -> u16 {
    match door {
        Door::ForwardAuth | Door::ExtAuthz => 400,
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
            // Nobody can send a fragment there: who reads the address of a request takes it off.
            if door == Door::ExtAuthz && url.contains('#') {
                continue;
            }
            for question in [
                Question::about(door, url),
                Question::about(door, url).in_a_browser(),
                Question::about(door, url).by(&ann),
            ] {
                assert_eq!(status(door, &question, &app), refusal(door), "{door:?} {url}");
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
        (Door::ExtAuthz, "X-Forwarded-Proto", "https"),
        (Door::ExtAuthz, "Host", "app.example.com"),
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
            // Host has no dash that could be anything else.
            let is_right =
                question.lines.iter().filter(|(own, own_value)| own == name && own_value == value).count() == 1;
            if !is_another_path && !is_right {
                assert_eq!(status(door, &question, &app), refusal(door), "{:?}", question.lines);
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

    let envoy = Question::about(Door::ExtAuthz, "https://app.example.com/closed/x").with("X-Forwarded-Method", "GET");
    let envoy = envoy.with("X-Forwarded-Host", "app.example.com").with("X-Forwarded-Uri", "/public/x");
    assert_eq!(add(&envoy).ask(&app).status, 403);
    let open = Question::about(Door::ExtAuthz, "https://app.example.com/public/x").with("X-Forwarded-Uri", "/closed/x");
    assert_eq!(add(&open).ask(&app).status, 200);

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
    for door in [Door::ForwardAuth, Door::AuthRequest] {
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
fn the_address_of_envoys_question_is_taken_byte_by_byte() {
    let app = house();
    let ann = Person::of_the_house(&app, "ann@example.com");
    let addresses = [
        ("/gateway/ext-authz/public/x", 200),
        ("/gateway/ext-authz/public/x?a=%2e%2e/closed", 200),
        ("/gateway/ext-authz/closed/x", 403),
        ("/gateway/ext-authz/%63losed/x", 403),
        ("/gateway/ext-authz/closed/x?/public/x", 403),
        ("/gateway/ext-authz/", 200),
        // Whatever reads it, it is none of the places that rules name.
        ("/gateway/ext-authz//gateway/ext-authz/public/x", 200),
        ("/gateway/ext-authz/public/%0a/../../closed/x", 400),
        ("/gateway/%65xt-authz/public/x", 400),
        ("/gateway/ext%2dauthz/public/x", 400),
        ("http://app.example.com/gateway/ext-authz/public/x", 400),
        ("https://public.example.com/gateway/ext-authz/public/x", 400),
    ];
    for (address, status) in addresses {
        for method in ["GET", "POST", "PROPFIND"] {
            let mut question = Question::about(Door::ExtAuthz, "https://app.example.com/").by(&ann);
            question.start = format!("{method} {address} HTTP/1.1");
            assert_eq!(question.ask(&app).status, status, "{method} {address}");
        }
    }
    for address in ["/gateway/ext-authz", "/gateway/ext-authz?/public/x", "/gateway/ext-authzpublic/x", "*"] {
        let mut question = Question::about(Door::ExtAuthz, "https://app.example.com/").by(&ann);
        question.start = format!("GET {address} HTTP/1.1");
        let answer = raw::send(app.port(), question.bytes());
        assert!((400..500).contains(&answer.status), "{address}: {}", answer.status);
        assert_eq!(answer.header("remote-user"), None, "{address}");
    }
}

/// Other proxies take such an address for one of the portal's pages, or of what belongs to us at an app's host, and pass it
/// on as the visitor has written it.
#[test]
fn no_visitor_asks_in_envoys_place_by_an_address_that_other_proxies_take_for_another() {
    let app = house();
    let ann = Person::of_the_house(&app, "ann@example.com");
    for path in [
        "/../../.vestibule/x",
        "/..%2f..%2f.vestibule%2fx",
        "/%2e%2e/%2E%2E/.vestibule/x",
        "/a/../../../.vestibule/x",
        "/a%252fb/../../../login",
        "/./..//../login",
        "/..;/..;/login",
    ] {
        for method in ["GET", "POST", "PROPFIND"] {
            let question = Question::about(Door::ExtAuthz, &format!("https://app.example.com{path}")).by(&ann);
            assert_eq!(question.method(method).ask(&app).status, 400, "{method} {path}");
        }
    }
    let within = Question::about(Door::ExtAuthz, "https://app.example.com/a/b/../../x").by(&ann);
    assert_eq!(within.ask(&app).status, 200);
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
/// `Transfer-Encoding`; Caddy passes on `Expect`. Whoever waits for the body hangs the visitor.
#[test]
fn a_body_is_not_waited_for() {
    let app = house();
    let announced = [
        "Content-Length: 300",
        "Content-Length: 10000000",
        "Transfer-Encoding: chunked",
        "Content-Length: 300\r\nExpect: 100-continue",
        "Transfer-Encoding: chunked\r\nExpect: 100-continue",
    ];
    for lines in announced {
        for door in DOORS {
            let question = Question::about(door, "https://app.example.com/public/x");
            let question = if door == Door::ExtAuthz { question.method("POST") } else { question };
            let text = String::from_utf8(question.bytes()).unwrap();
            let mut connection = Connection::open(app.port()).unwrap();
            connection.write(text.replacen("\r\n", &format!("\r\n{lines}\r\n"), 1)).unwrap();
            let mut answer = connection.answer().unwrap_or_else(|error| panic!("{door:?} {lines}: {error}"));
            while answer.status == 100 {
                answer = connection.answer().unwrap_or_else(|error| panic!("{door:?} {lines}: {error}"));
            }
            assert_eq!(answer.status, 200, "{door:?} {lines}");
        }
    }
}

/// Envoy can be told to send the visitor's body along, of which a visitor could make a question.
#[test]
fn a_body_is_never_taken_for_the_next_question() {
    let app = house();
    let ask = |path: &str| Question::about(Door::ExtAuthz, &format!("https://app.example.com{path}"));
    let smuggled = String::from_utf8(ask("/public/x").without("Connection").bytes()).unwrap();
    let length = smuggled.len();
    let framed = [
        (format!("Content-Length: {length}"), smuggled.clone()),
        ("Transfer-Encoding: chunked".to_owned(), format!("{length:x}\r\n{smuggled}\r\n0\r\n\r\n")),
    ];
    for (line, body) in framed {
        let first = String::from_utf8(ask("/closed/x").without("Connection").method("POST").bytes()).unwrap();
        let mut connection = Connection::open(app.port()).unwrap();
        connection.write(format!("{}{body}", first.replacen("\r\n", &format!("\r\n{line}\r\n"), 1))).unwrap();
        assert_eq!(connection.answer().unwrap().status, 403, "{line}");
        // The connection goes on with the next question or not at all.
        let next = connection.write(ask("/x").bytes()).and_then(|()| connection.answer());
        assert!(next.as_ref().map_or(true, |answer| answer.status == 401), "{line}: {next:?}");
    }
}

#[test]
fn ten_megabytes_of_headers_end_without_harm() {
    let app = house();
    for door in DOORS {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", app.port())).unwrap();
        let start = Question::about(door, "https://app.example.com/public/x").start;
        stream.write_all(format!("{start}\r\nHost: x\r\n").as_bytes()).unwrap();
        let line = format!("X-Filler: {}\r\n", "a".repeat(8000));
        // The service closes somewhere on the way.
        let refused = (0..1250).any(|_| stream.write_all(line.as_bytes()).is_err());
        assert!(refused, "ten megabytes were taken at {door:?}");
    }
    let question = Question::about(Door::ForwardAuth, "https://app.example.com/public/x");
    let many = (0..200).fold(question.clone(), |question, at| question.with(&format!("X-Filler-{at}"), "x"));
    let answer = raw::send(app.port(), many.bytes());
    assert_eq!((answer.status, answer.header("remote-user")), (431, None));
    assert_eq!(question.ask(&app).status, 200);
}
