//! Our own examples are as they should be.

use super::town::{APP, PERSON, Town};
use crate::documentation::read;
use crate::proxies::street::{Kind, as_delivered};
use crate::support::port::Port;
use crate::support::proxy::Proxy;

const PUBLIC: &str = "http://app.vestibule.localhost/public/x";
const CLOSED: &str = "http://app.vestibule.localhost/closed/x";

/// Each with the file as it is delivered.
fn streets(town: &Town) -> Vec<(Kind, Proxy)> {
    let kinds = Kind::ALL.into_iter().filter(|kind| kind.is_here());
    kinds.map(|kind| (kind, town.street(kind, &as_delivered))).collect()
}

#[test]
fn nothing_is_wrong_with_any_of_our_own_examples() {
    let town = Town::new();
    for (kind, proxy) in streets(&town) {
        let name = kind.word();
        let found = town.examined(&proxy, &[APP, PUBLIC, CLOSED]);
        found.assert_finds_nothing(name);
        assert_eq!(found.proxies(), [name; 4]);
        for check in ["identity", "connection", "surroundings", "websocket", "bodies"] {
            assert_eq!(found.outcomes(check)[0], "fine", "{name} {check}: {:?}", found.open());
        }
        let kept = if kind == Kind::Traefik { "not_checked" } else { "fine" };
        assert_eq!(found.outcomes("gate_cookie")[0], kept, "{name}: {:?}", found.open());
        for check in ["visitors_word", "names", "query", "websocket_of_strangers", "bodies_of_strangers"] {
            assert_eq!(found.outcomes(check)[0], "fine", "{name} {check}: {:?}", found.open());
        }
        for check in ["identity", "surroundings", "websocket", "bodies"] {
            assert_eq!(found.outcomes(check)[1], "fine", "{name} {check} where nobody need be known");
        }
        for check in ["portal", "gate_hidden", "forwarded_for", "trusted_proxies", "mail", "clocks"] {
            assert_eq!(found.outcomes(check)[0], "fine", "{name} {check}: {:?}", found.open());
        }
    }
}

#[test]
fn what_was_not_checked_is_never_fine() {
    let town = Town::new();
    for (kind, proxy) in streets(&town) {
        let name = kind.word();
        let found = town.examined_with(&proxy, &[], &[APP]);
        found.assert_finds_nothing(name);
        for check in ["session", "identity", "connection", "surroundings", "gate_cookie", "websocket", "bodies"] {
            assert_eq!(found.outcomes(check), ["not_checked"], "{name} {check}");
        }
        town.service.catch_up();
        let said = town.doctor(&proxy, &[], &[APP]);
        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.out.contains("not checked  Is the app told who it is, by the gate alone?"), "{}", said.out);
        assert!(
            said.out.contains("--as PERSON or --cookie") && said.out.contains("questions are open"),
            "{}",
            said.out
        );
    }
}

#[test]
fn a_session_is_lent_and_taken_back() {
    let town = Town::new();
    let proxy = town.nginx(|text| text);
    let sessions = "SELECT count(*) AS n FROM sessions";
    let before = town.service.count(sessions);
    town.examined(&proxy, &[APP]).assert_finds_nothing("nginx");
    assert_eq!(town.service.count(sessions), before);
    let lent = "SELECT count(*) AS n FROM audit_events WHERE kind = 'session.lent'";
    assert_eq!(town.service.count(lent), 1, "people are told of it");
    let nobody = town.doctor(&proxy, &[], &["--as", "nobody@example.com", APP]);
    assert_eq!(nobody.code, 1, "{nobody:?}");
    assert!(nobody.err.contains("nobody@example.com"), "{nobody:?}");
}

#[test]
fn the_doctor_stands_in_for_an_app_that_does_not_tell() {
    let town = Town::new();
    let place = Port::claim();
    let to = format!("127.0.0.1:{}", place.number());
    let app = format!("127.0.0.1:{}", town.app.port());
    let address = format!("--stand-in={to}");
    let proxies =
        [("nginx", town.nginx(|text| text.replace(&app, &to))), ("caddy", town.caddy(|text| text.replace(&app, &to)))];
    for (name, proxy) in proxies {
        let found = town.examined_with(&proxy, &[], &["--as", PERSON, &address, APP]);
        found.assert_finds_nothing(name);
        for check in ["identity", "connection", "surroundings", "gate_cookie", "websocket", "bodies"] {
            assert_eq!(found.outcomes(check), ["fine"], "{name} {check}: {:?}", found.open());
        }
    }
    assert!(town.app.received().is_empty(), "the app itself was not asked");
}

#[test]
fn how_it_is_called_decides_how_it_ends() {
    let town = Town::new();
    let proxy = town.nginx(|text| text);
    for wrong in
        [&["app.example.com"][..], &[], &[APP, "--proxy=iis"], &[APP, "--resolve=x"], &[APP, "--ca-file=/nowhere"]]
    {
        assert_eq!(town.doctor(&proxy, &[], wrong).code, 2, "{wrong:?}");
    }
    assert_eq!(town.doctor(&proxy, &[("server.public_url", "nowhere")], &[APP]).code, 78);
}

#[test]
fn every_finding_stands_in_the_documentation() {
    let source = read("src/doctor/finding.rs");
    let is_word = |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let is_code = |word: &&str| is_word(word) && (word.contains('_') || *word == "unreachable");
    let codes: Vec<&str> = source.split('"').skip(1).step_by(2).filter(is_code).collect();
    assert!(codes.len() > 30, "{codes:?}");
    let table = read("docs/doctor.md");
    for code in codes {
        assert!(table.contains(&format!("\n| `{code}` | ")), "{code} is not in docs/doctor.md");
    }
}
