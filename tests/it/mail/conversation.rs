//! Servers that refuse, and ways to them that are not safe.

use chrono::TimeDelta;
use vestibule::mail::{Letter, State};

use super::{a_link, after_attempts, enqueue, reason, until_sent, waiting};
use crate::support::TestApp;
use crate::support::smtp::{At, Encryption, Mishap, SmtpServer, Times};

const ACCOUNT: (&str, &str) = ("vestibule", "the mail server's password");

/// A service that writes to `server` and not to the usual one.
fn writing_to(server: &SmtpServer, scheme: &str, more: &[(&str, &str)]) -> TestApp {
    let url = format!("{scheme}://localhost:{}", server.port());
    let settings: Vec<(&str, &str)> = [("mail.url", url.as_str())].into_iter().chain(more.iter().copied()).collect();
    TestApp::with(&settings)
}

#[test]
fn a_server_that_is_busy_is_asked_again_after_a_while() {
    let app = TestApp::start();
    app.mail().misbehave(At::Rcpt, Mishap::Say("450 4.2.0 <ann@x.test> greylisted"), Times::Always);
    let id = enqueue(&app, "ann@x.test", a_link());
    for (attempt, wait) in [(1, 15), (2, 60), (3, 300)] {
        let letter = after_attempts(&app, attempt);
        assert_eq!(letter.state, State::Queued(app.clock().now() + TimeDelta::seconds(wait)));
        assert!(reason(&letter).contains("450 4.2.0 …@x.test> greylisted"), "{}", reason(&letter));
        if attempt == 3 {
            app.mail().behave();
        }
        app.clock().advance(TimeDelta::seconds(wait));
    }
    app.mail().to("ann@x.test");
    until_sent(&app, id);
}

#[test]
fn a_recipient_that_does_not_exist_is_given_up_at_once_and_shown() {
    let app = TestApp::start();
    app.mail().misbehave(At::Rcpt, Mishap::Say("550 5.1.1 <nobody@x.test> is not here"), Times::Once);
    app.signed_up("nobody@x.test");
    let letter = after_attempts(&app, 1);
    assert_eq!(letter.state, State::GivenUp(app.clock().now()));
    assert!(reason(&letter).contains("refused the recipient: 550 5.1.1"), "{}", reason(&letter));
    assert!(!reason(&letter).contains("nobody@"), "{}", reason(&letter));
    assert_eq!(app.count("SELECT count(*) AS n FROM mail_outbox WHERE sealed IS NOT NULL"), 0);
    let told = "SELECT count(*) AS n FROM audit_events e JOIN users u ON u.id = e.subject_id \
                WHERE e.kind = 'letter.given_up' AND e.details->>'letter' = 'verify_email'";
    assert_eq!(app.count(told), 1);
    app.clock().advance(TimeDelta::hours(2));
    enqueue(&app, "bob@x.test", Letter::Test);
    app.mail().to("bob@x.test");
    assert_eq!(app.mail().count_to("nobody@x.test"), 0, "what was given up is not sent by itself");
}

#[test]
fn a_refusal_that_is_not_about_the_letter_is_not_the_end_of_it() {
    let refusals = [
        (At::Greeting, "554 5.3.2 no service here", "turned us away"),
        (At::Auth, "535 5.7.8 no", "mail.password"),
        (At::Mail, "553 5.1.8 not your address", "mail.from"),
        (At::Rcpt, "554 5.7.1 relay access denied", "refused the recipient"),
    ];
    for (at, said, explained) in refusals {
        let app = TestApp::start();
        app.mail().misbehave(at, Mishap::Say(said), Times::Once);
        enqueue(&app, "ann@x.test", Letter::Test);
        let letter = after_attempts(&app, 1);
        assert!(matches!(letter.state, State::Queued(_)), "{said}");
        assert!(reason(&letter).contains(explained), "{}", reason(&letter));
        app.clock().advance(TimeDelta::seconds(15));
        app.mail().to("ann@x.test");
    }
}

#[test]
fn after_a_day_a_letter_is_given_up_and_its_link_erased() {
    let app = TestApp::with(&[("accounts.verification_ttl", "3d")]);
    app.mail().misbehave(At::Mail, Mishap::Say("451 4.3.0 later"), Times::Always);
    enqueue(&app, "ann@x.test", a_link());
    after_attempts(&app, 1);
    app.clock().advance(TimeDelta::hours(23));
    let letter = after_attempts(&app, 2);
    assert!(matches!(letter.state, State::Queued(_)));
    app.clock().advance(TimeDelta::hours(1));
    let letter = after_attempts(&app, 3);
    assert_eq!(letter.state, State::GivenUp(app.clock().now()));
    assert!(reason(&letter).contains("451 4.3.0 later"));
    assert_eq!(app.count("SELECT count(*) AS n FROM mail_outbox WHERE sealed IS NOT NULL"), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'letter.given_up'"), 1);
}

#[test]
fn a_link_that_ran_out_meanwhile_is_not_sent() {
    let app = TestApp::with(&[("accounts.verification_ttl", "1h")]);
    app.mail().stop();
    enqueue(&app, "ann@x.test", a_link());
    after_attempts(&app, 1);
    app.mail().resume();
    app.clock().advance(TimeDelta::hours(1));
    let letter = after_attempts(&app, 2);
    assert!(matches!(letter.state, State::GivenUp(_)) && reason(&letter).contains("ran out"), "{letter:?}");
    assert_eq!(app.mail().all().len(), 0);
}

#[test]
fn a_server_without_starttls_gets_nothing_unless_told_so() {
    let server = SmtpServer::start(Encryption::Never, None);
    let app = writing_to(&server, "submission", &[("mail.username", ""), ("mail.password", "")]);
    enqueue(&app, "ann@x.test", a_link());
    let letter = after_attempts(&app, 1);
    assert!(reason(&letter).contains("offers no STARTTLS"), "{}", reason(&letter));
    assert!(reason(&letter).contains("mail.tls"), "{}", reason(&letter));
    assert_eq!(server.all().len(), 0);

    for tls in ["opportunistic", "off"] {
        let settings = [("mail.username", ""), ("mail.password", ""), ("mail.tls", tls)];
        let app = writing_to(&server, "submission", &settings);
        enqueue(&app, &format!("{tls}@x.test"), a_link());
        server.to(&format!("{tls}@x.test"));
    }
}

#[test]
fn whoever_hides_the_offer_of_starttls_is_not_told_the_password() {
    let server = SmtpServer::start(Encryption::Never, Some(ACCOUNT));
    let app = writing_to(&server, "submission", &[("mail.tls", "opportunistic")]);
    enqueue(&app, "ann@x.test", Letter::Test);
    let letter = after_attempts(&app, 1);
    assert!(reason(&letter).contains("offers no STARTTLS"), "{}", reason(&letter));
    assert_eq!(server.all().len(), 0);
}

#[test]
fn answers_slipped_in_before_tls_begins_are_not_believed() {
    let app = TestApp::start();
    let to_everything = "220 2.0.0 Ready\r\n250-localhost\r\n250 AUTH PLAIN\r\n235 2.7.0 Welcome\r\n250 2.1.0 OK\r\n\
                         250 2.1.5 OK\r\n354 Go on\r\n250 2.0.0 Kept";
    app.mail().misbehave(At::StartTls, Mishap::Say(to_everything), Times::Once);
    app.mail().misbehave(At::Mail, Mishap::Say("554 5.7.1 not from you"), Times::Once);
    let id = enqueue(&app, "ann@x.test", a_link());
    let letter = after_attempts(&app, 1);
    assert!(matches!(letter.state, State::Queued(_)), "{letter:?}");
    app.mail().behave();
    app.clock().advance(TimeDelta::seconds(15));
    app.mail().to("ann@x.test");
    until_sent(&app, id);
}

#[test]
fn tls_from_the_first_byte_works_and_the_wrong_port_is_explained() {
    let server = SmtpServer::start(Encryption::Implicit, Some(ACCOUNT));
    let app = writing_to(&server, "submissions", &[]);
    enqueue(&app, "ann@x.test", a_link());
    server.to("ann@x.test");

    let other = SmtpServer::start(Encryption::StartTls, Some(ACCOUNT));
    let app = writing_to(&other, "submissions", &[]);
    enqueue(&app, "ann@x.test", a_link());
    let letter = after_attempts(&app, 1);
    assert!(reason(&letter).contains("submission://"), "{}", reason(&letter));
}

#[test]
fn a_certificate_of_an_unknown_authority_is_refused() {
    let app = TestApp::with(&[("mail.ca_file", "")]);
    enqueue(&app, "ann@x.test", a_link());
    let letter = after_attempts(&app, 1);
    assert!(reason(&letter).contains("mail.ca_file"), "{}", reason(&letter));
    assert_eq!(app.mail().all().len(), 0);
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let server = SmtpServer::start(Encryption::StartTls, Some(ACCOUNT));
    let url = format!("submission://127.0.0.1:{}", server.port());
    let app = TestApp::with(&[("mail.url", url.as_str())]);
    enqueue(&app, "ann@x.test", a_link());
    let letter = after_attempts(&app, 1);
    assert!(reason(&letter).contains("is not for 127.0.0.1"), "{}", reason(&letter));
    assert_eq!(server.all().len(), 0);
}

#[test]
fn a_wrong_password_is_named_and_the_letter_waits() {
    let app = TestApp::with(&[("mail.password", "hunter2 hunter2")]);
    enqueue(&app, "ann@x.test", a_link());
    let letter = after_attempts(&app, 1);
    assert!(matches!(letter.state, State::Queued(_)));
    assert!(reason(&letter).contains("Check mail.username and mail.password"), "{}", reason(&letter));
    assert!(!reason(&letter).contains("hunter2"), "{}", reason(&letter));
}

#[test]
fn a_server_that_falls_silent_does_not_hold_up_the_others_for_ever() {
    for at in [At::Greeting, At::Rcpt, At::Letter] {
        let app = TestApp::with(&[("mail.timeout", "1s")]);
        app.mail().misbehave(at, Mishap::Stall, Times::Once);
        enqueue(&app, "ann@x.test", a_link());
        let letter = after_attempts(&app, 1);
        assert!(reason(&letter).contains("gave no answer within 1s"), "{}", reason(&letter));
        app.clock().advance(TimeDelta::seconds(15));
        app.mail().to("ann@x.test");
    }
}

#[test]
fn a_name_to_send_under_stays_one_header() {
    let from = "Bücher, Wein; (Käse): x <no-reply@example.com>";
    let app = TestApp::with(&[("mail.from", from)]);
    enqueue(&app, "o'hara+a=b@x.test", a_link());
    let letter = app.mail().to("o'hara+a=b@x.test");
    assert_eq!(letter.recipients, ["o'hara+a=b@x.test"]);
    assert_eq!(letter.from, "no-reply@example.com");
    let raw = String::from_utf8(letter.raw.clone()).unwrap();
    let head = raw.split("\r\n\r\n").next().unwrap();
    let names: Vec<&str> =
        head.lines().filter(|line| !line.starts_with([' ', '\t'])).filter_map(|line| line.split(':').next()).collect();
    let mut once = names.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), names.len(), "{head}");
    assert!(head.is_ascii());
    assert!(waiting(&app).len() <= 1);
}
