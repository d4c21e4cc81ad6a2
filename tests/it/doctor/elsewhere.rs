//! Faults that no proxy has: cookies, clocks, mail, the back door, and nobody at home.

use chrono::TimeDelta;

use super::town::{APP, Diagnosis, PERSON, Town, replaced};
use crate::gate::demo::Demo;
use crate::support::TestApp;
use crate::support::command::vestibule;
use crate::support::echo::Echo;
use crate::support::port::Port;

#[test]
fn a_cookie_that_does_not_reach_the_app_is_found() {
    let town = Town::with(&[("session.cookie_domains", "auth.vestibule.localhost")]);
    let found = town.examined(&town.nginx(|text| text), &[APP]);
    found.assert_finds("the domain is too narrow", &["cookie_out_of_reach", "no_way_back"]);
}

#[test]
fn a_clock_that_is_off_is_found() {
    let town = Town::new();
    let proxy = town.nginx(|text| text);
    town.service.clock().advance(TimeDelta::minutes(30));
    let found = Diagnosis::of(&town.doctor(&proxy, &[], &["--json", APP]));
    found.assert_finds("the service", &["clock_off"]);
    let finding = found.findings()[0];
    assert!(finding["what"].as_str().unwrap().contains("seconds ahead of"), "{finding}");
}

#[test]
fn a_mail_server_that_is_gone_is_found() {
    let town = Town::new();
    let proxy = town.nginx(|text| text);
    let before = town.service.mail().all().len();
    let gone = [("mail.url", "submission://127.0.0.1:1")];
    town.examined_with(&proxy, &gone, &[APP]).assert_finds("gone", &["mail_server"]);
    let wrong = [("mail.password", "wrong")];
    town.examined_with(&proxy, &wrong, &[APP]).assert_finds("wrong password", &["mail_server"]);
    let inbox = [("mail.transport", "inbox")];
    let found = town.examined_with(&proxy, &inbox, &[APP]);
    assert_eq!(found.outcomes("mail"), ["not_checked"], "{found:?}");
    assert_eq!(town.service.mail().all().len(), before, "nothing was sent");
}

#[test]
fn whoever_trusts_everybody_is_told() {
    let town = Town::new();
    let all = [("server.trusted_proxies", "0.0.0.0/0")];
    town.examined_with(&town.nginx(|text| text), &all, &[APP]).assert_finds("all", &["everybody_trusted"]);
}

#[test]
fn an_app_that_answers_past_the_gate_is_found() {
    let town = Town::new();
    let proxy = town.nginx(|text| text);
    let resolve = format!("--resolve=backdoor.test=127.0.0.1:{}", town.app.port());
    let found = town.examined_with(&proxy, &[], &[&resolve, "--app-direct=http://backdoor.test/", APP]);
    found.assert_finds("open", &["open_directly"]);
    let closed = town.examined_with(
        &proxy,
        &[],
        &["--resolve=backdoor.test=127.0.0.1:1", "--app-direct=http://backdoor.test/", APP],
    );
    assert_eq!(closed.outcomes("direct"), ["fine"], "{closed:?}");
    let here = town.examined_with(&proxy, &[], &["--app-direct=http://127.0.0.1:1/", APP]);
    assert_eq!(here.outcomes("direct"), ["not_checked"], "that only this machine can see");
}

#[test]
fn nobody_at_home_is_found() {
    let town = Town::new();
    let proxy = town.nginx(|text| text);
    let gone = "http://gone.vestibule.localhost:1/";
    let found = town.examined_with(&proxy, &[], &[gone]);
    found.assert_finds("gone", &["unreachable"]);
    assert_eq!(found.outcomes("door"), ["not_checked"]);
    let portal = [("server.public_url", "http://gone.vestibule.localhost:1")];
    town.examined_with(&proxy, &portal, &[APP]).assert_finds("portal", &["portal_silent"]);
    let another = [("server.public_url", "http://app.vestibule.localhost")];
    town.examined_with(&proxy, &another, &[APP]).assert_finds("portal", &["portal_is_another"]);
}

#[test]
fn a_service_that_is_not_ready_is_found() {
    let town = Town::new();
    let proxy = town.nginx(|text| text);
    town.service.execute(
        "DELETE FROM __diesel_schema_migrations WHERE version = (SELECT max(version) FROM __diesel_schema_migrations)",
    );
    town.examined_with(&proxy, &[], &[APP]).assert_finds("not ready", &["portal_not_ready"]);
}

/// As `vestibule serve --demo` is found by whoever has just cloned the project.
#[test]
fn a_service_without_a_proxy_is_not_blamed_for_what_only_a_proxy_can_do() {
    let port = Port::claim();
    let place = format!("http://localhost:{}/", port.number());
    let rules = format!(r#"[{{ hosts = ["localhost:{}"], allow = "signed_in" }}]"#, port.number());
    let service = TestApp::with(&[("gateway.rules", &rules)]);
    let demo = Demo::beside(&service, port);
    service.catch_up();
    service.verified(PERSON);
    let listen = format!("127.0.0.1:{}", service.port());
    let own = [
        ("server.public_url", service.public_url().as_str()),
        ("server.listen", &listen),
        ("gateway.rules", &rules),
        ("mail.transport", "inbox"),
    ];
    let ask = |rules: &[(&str, &str)], arguments: &[&str]| {
        service.catch_up();
        let settings: Vec<(&str, &str)> = own.iter().copied().chain(rules.iter().copied()).collect();
        Diagnosis::of(&vestibule(service.database_url(), &settings, &[&["doctor", "--json"], arguments].concat()))
    };
    let found = ask(&[], &["--as", PERSON, &place]);
    found.assert_finds_nothing("the demo");
    for check in ["forwarded_for", "gate_hidden", "failure"] {
        assert_eq!(found.outcomes(check), ["not_checked"], "{check}");
    }
    for check in ["door", "way_to_sign_in", "cookie", "visitors_word", "names", "session", "identity", "gate_cookie"] {
        assert_eq!(found.outcomes(check), ["fine"], "{check}: {:?}", found.open());
    }
    // The rule that `--demo` adds is in no file.
    ask(&[("gateway.rules", "[]")], &["--as", PERSON, &place]).assert_finds_nothing("without the demo's rule");
    drop(demo);
}

#[test]
fn plain_http_is_found_beyond_this_machine() {
    let town = Town::new();
    let proxy = town.nginx(|text| text);
    let resolve = format!("--resolve=app.example.com=127.0.0.1:{}", proxy.port());
    town.examined_with(&proxy, &[], &[&resolve, "http://app.example.com/"]).assert_finds("http", &["unreachable"]);
    let other = town.nginx(|text| text.replace("server_name app.vestibule.localhost", "server_name app.example.com"));
    let resolve = format!("--resolve=app.example.com=127.0.0.1:{}", other.port());
    let found = town.examined_with(&other, &[], &[&resolve, "--as", PERSON, "http://app.example.com/"]);
    found.assert_finds("http", &["in_clear"]);
}

#[test]
fn other_rules_than_those_at_work_are_found() {
    let town = Town::new();
    let proxy = town.nginx(|text| text);
    let open = [("gateway.rules", r#"[{ hosts = ["app.vestibule.localhost"], allow = "public" }]"#)];
    town.examined_with(&proxy, &open, &[APP]).assert_finds("open", &["closed_to_everybody"]);
    let public = "http://app.vestibule.localhost/public/x";
    let closed = [("gateway.rules", r#"[{ hosts = ["app.vestibule.localhost"], allow = "signed_in" }]"#)];
    town.examined_with(&proxy, &closed, &[public]).assert_finds("closed", &["open_to_strangers"]);
}

/// Whoever answers in place of the gate chooses the words; a terminal would act on these.
#[test]
fn what_an_app_has_written_reaches_no_terminal_as_it_is() {
    let town = Town::new();
    let proxy = town.nginx(|text| {
        let page = "http://auth.vestibule.localhost/login?return_to=%1b%5d0;owned%07%c2%9b2J%0a";
        replaced(&text, "return 302 $vestibule_login;", &format!("return 302 \"{page}\";"))
    });
    town.service.catch_up();
    for arguments in [&[APP][..], &["--json", APP]] {
        let said = town.doctor(&proxy, &[], arguments);
        assert!(said.out.contains("]0;owned") && said.out.contains("wrong_way_back"), "{said:?}");
        let line = said.out.lines().find(|line| line.contains("]0;owned")).unwrap();
        assert!(!line.contains(char::is_control) && !line.contains("\\u001b"), "{said:?}");
    }
}

#[test]
fn a_lent_session_is_shown_to_no_host_that_a_browser_would_not_show_it_to() {
    let (service, app) = (TestApp::start(), Echo::start());
    service.catch_up();
    service.verified(PERSON);
    let resolve = format!("--resolve=elsewhere.test=127.0.0.1:{}", app.port());
    let own = [("server.public_url", service.public_url().as_str()), ("mail.transport", "inbox")];
    let arguments = ["doctor", "--json", "--as", PERSON, &resolve, "http://elsewhere.test/"];
    let found = Diagnosis::of(&vestibule(service.database_url(), &own, &arguments));
    assert_eq!(found.outcomes("session"), ["not_checked"], "{found:?}");
    let received = app.received();
    assert!(!received.is_empty() && received.iter().all(|request| request.header("cookie").is_none()), "{received:?}");
}
