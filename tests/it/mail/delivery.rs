//! What reaches the person, and what is left behind.

use std::net::IpAddr;
use std::sync::Arc;
use std::thread;

use chrono::{DateTime, TimeDelta};
use vestibule::jobs;
use vestibule::kernel::{Origin, shutdown};
use vestibule::mail::{self, Letter, Transport};

use super::{a_link, after_attempts, block_on, enqueue, enqueue_from, until_sent, waiting};
use crate::support::people::PASSWORD;
use crate::support::smtp::{At, Mishap, Times};
use crate::support::{TestApp, eventually};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

#[test]
fn a_sign_up_is_followed_by_a_letter_in_two_parts_with_every_header() {
    let app = TestApp::start();
    let mut browser = app.browser().with_header("User-Agent", FIREFOX);
    browser.get("/signup");
    browser.submit("/signup", &[("email", "Ann@Example.com"), ("name", "Ann Lee"), ("password", PASSWORD)]);

    let letter = app.mail().to("ann@example.com");
    assert_eq!(letter.from, "no-reply@example.com");
    assert_eq!(letter.recipients, ["Ann@example.com"]);
    assert_eq!(letter.header("From").as_deref(), Some("Vestibule <no-reply@example.com>"));
    assert_eq!(letter.header("To").as_deref(), Some("Ann@example.com"));
    assert_eq!(letter.header("Auto-Submitted").as_deref(), Some("auto-generated"));
    assert_eq!(letter.header("X-Auto-Response-Suppress").as_deref(), Some("All"));
    assert_eq!(letter.header("MIME-Version").as_deref(), Some("1.0"));
    let date = DateTime::parse_from_rfc2822(&letter.header("Date").unwrap()).unwrap();
    assert_eq!(date, app.clock().now());
    let id = app.text("SELECT id::text AS t FROM mail_outbox");
    assert_eq!(letter.header("Message-ID"), Some(format!("<{id}@example.com>")));
    assert!(letter.header("Content-Type").unwrap().starts_with("multipart/alternative"));

    let raw = String::from_utf8(letter.raw.clone()).unwrap();
    let (text, html) = (raw.find("Content-Type: text/plain").unwrap(), raw.find("Content-Type: text/html").unwrap());
    assert!(text < html, "a reader takes the last part that it can show");
    assert!(raw.contains("charset=utf-8") && raw.contains("quoted-printable"));
    assert!(raw.lines().all(|line| line.len() <= 998), "RFC 5322, section 2.1.1");

    let link = letter.link();
    assert!(link.starts_with(&format!("http://localhost:{}/verify-email?token=", app.port())), "{link}");
    assert!(letter.html().replace("&#x2f;", "/").contains(&link), "the same link in both parts");
    assert!(letter.text().contains("Firefox on Linux, from 127.0.0.1"), "{}", letter.text());
    assert!(letter.text().contains("24 hours"), "{}", letter.text());
}

#[test]
fn nothing_that_a_stranger_chose_is_in_the_letter_to_somebody_else() {
    let app = TestApp::start();
    let mut browser = app.browser().with_header("User-Agent", "You won! Claim it at https://evil.test/ (Firefox)");
    browser.get("/signup");
    browser.submit(
        "/signup",
        &[("email", "ann@x.test"), ("name", "Your bank: https://evil.test"), ("password", PASSWORD)],
    );
    let letter = app.mail().to("ann@x.test");
    for part in [letter.text(), letter.html(), letter.subject()] {
        assert!(!part.contains("evil") && !part.contains("You won"), "{part}");
    }
}

#[test]
fn a_link_is_sealed_while_it_waits_and_erased_once_it_is_sent() {
    let app = TestApp::start();
    app.mail().stop();
    let Letter::VerifyEmail { token } = a_link() else { unreachable!() };
    let id = enqueue(&app, "ann@x.test", Letter::VerifyEmail { token: token.clone() });
    after_attempts(&app, 1);
    assert_eq!(app.count("SELECT count(*) AS n FROM mail_outbox WHERE sealed IS NOT NULL"), 1);
    let whole = app.text("SELECT row_to_json(m)::text || encode(sealed, 'escape') AS t FROM mail_outbox m");
    assert!(!whole.contains(&token.expose()));

    app.mail().resume();
    app.clock().advance(TimeDelta::seconds(15));
    assert!(app.mail().to("ann@x.test").link().ends_with(&token.expose()));
    until_sent(&app, id);
    assert_eq!(app.count("SELECT count(*) AS n FROM mail_outbox WHERE sealed IS NOT NULL"), 0);
}

#[test]
fn letters_written_while_the_server_is_down_arrive_once_it_is_back() {
    let app = TestApp::start();
    app.mail().stop();
    let people: Vec<String> = (0..5).map(|n| format!("p{n}@x.test")).collect();
    for person in &people {
        enqueue(&app, person, a_link());
    }
    eventually("an attempt for each", || waiting(&app).iter().all(|letter| letter.last_error.is_some()).then_some(()));
    app.mail().resume();
    app.clock().advance(TimeDelta::seconds(15));
    for person in &people {
        app.mail().to(person);
    }
    eventually("an empty queue", || waiting(&app).is_empty().then_some(()));
    assert_eq!(app.mail().all().len(), people.len());
}

#[test]
fn several_senders_at_once_send_every_letter_once() {
    let app = TestApp::start();
    let transport = Arc::new(Transport::new(&app.app.settings).unwrap());
    let people: Vec<String> = (0..40).map(|n| format!("p{n}@x.test")).collect();
    for person in &people {
        enqueue(&app, person, a_link());
    }
    let others: Vec<_> = (0..3)
        .map(|_| {
            let (app, transport) = (app.app.clone(), Arc::clone(&transport));
            thread::spawn(move || {
                let (_trigger, shutdown) = shutdown::pair();
                block_on(mail::drain(&app, &transport, &shutdown)).unwrap();
            })
        })
        .collect();
    for other in others {
        other.join().unwrap();
    }
    eventually("an empty queue", || waiting(&app).is_empty().then_some(()));
    for person in &people {
        assert_eq!(app.mail().count_to(person), 1, "{person}");
    }
    assert_eq!(app.count("SELECT max(attempts)::bigint AS n FROM mail_outbox"), 1);
}

#[test]
fn an_answer_that_was_lost_leads_to_the_same_letter_again() {
    let app = TestApp::start();
    app.mail().misbehave(At::Letter, Mishap::HangUp, Times::Once);
    enqueue(&app, "ann@x.test", a_link());
    let first = app.mail().to("ann@x.test");
    after_attempts(&app, 1);
    app.clock().advance(TimeDelta::seconds(15));
    let second = app.mail().to("ann@x.test");
    for name in ["Message-ID", "Date", "Subject"] {
        assert_eq!(first.header(name), second.header(name));
    }
    assert_eq!(first.link(), second.link());
}

#[test]
fn a_letter_under_way_is_nobody_elses_until_its_lease_is_over() {
    let app = TestApp::with(&[("mail.timeout", "30s")]);
    app.mail().misbehave(At::Rcpt, Mishap::Stall, Times::Once);
    let id = enqueue(&app, "ann@x.test", Letter::Test);
    eventually("a claim", || (app.count("SELECT max(attempts)::bigint AS n FROM mail_outbox") == 1).then_some(()));
    let transport = Transport::new(&app.app.settings).unwrap();
    let (_trigger, shutdown) = shutdown::pair();
    block_on(mail::drain(&app.app, &transport, &shutdown)).unwrap();
    assert_eq!(app.mail().count_to("ann@x.test"), 0);

    app.clock().advance(TimeDelta::seconds(4 * 30 + 61));
    app.mail().to("ann@x.test");
    until_sent(&app, id);
    assert_eq!(app.count("SELECT attempts::bigint AS n FROM mail_outbox"), 2);
}

#[test]
fn the_end_of_the_service_does_not_wait_for_a_server_that_stalls() {
    let app = TestApp::start();
    app.mail().misbehave(At::Greeting, Mishap::Stall, Times::Always);
    let id = enqueue(&app, "ann@x.test", Letter::Test);
    eventually("a claim", || (app.count("SELECT max(attempts)::bigint AS n FROM mail_outbox") == 1).then_some(()));
    // A second node, that has a letter in hand as well.
    enqueue(&app, "bob@x.test", Letter::Test);
    let transport = Transport::new(&app.app.settings).unwrap();
    let (trigger, shutdown) = shutdown::pair();
    let started = std::time::Instant::now();
    block_on(async {
        let running = jobs::run(app.app.clone(), transport, shutdown);
        let pulling = async {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            trigger.pull();
        };
        tokio::join!(running, pulling);
    });
    assert!(started.elapsed() < std::time::Duration::from_secs(8), "{:?}", started.elapsed());
    app.mail().behave();
    app.clock().advance(TimeDelta::minutes(10));
    app.mail().to("ann@x.test");
    app.mail().to("bob@x.test");
    until_sent(&app, id);
}

#[test]
fn where_and_with_what_is_told_as_far_as_it_is_known() {
    let app = TestApp::start();
    let mut origin = Origin::system("a test");
    origin.address = Some(IpAddr::from([203, 0, 113, 9]));
    enqueue_from(&app, &origin, "ann@x.test", Letter::AlreadyRegistered);
    let letter = app.mail().to("ann@x.test");
    assert!(letter.text().contains("an unknown browser, from 203.0.113.9"), "{}", letter.text());
    assert_eq!(letter.link(), format!("http://localhost:{}/login", app.port()));
}
