use std::thread;
use std::time::{Duration, Instant};

use lettre::message::MultiPart;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Message, SmtpTransport, Transport};

use crate::support::eventually;
use crate::support::smtp::{At, Encryption, Mishap, SmtpServer, Times, certificate_authority};

const ACCOUNT: (&str, &str) = ("vestibule", "correct horse");

fn trusting() -> TlsParameters {
    let authority = Certificate::from_pem(certificate_authority().as_bytes()).unwrap();
    TlsParameters::builder("localhost".to_owned()).add_root_certificate(authority).build_rustls().unwrap()
}

fn client(server: &SmtpServer, encryption: Tls, (name, password): (&str, &str)) -> SmtpTransport {
    SmtpTransport::builder_dangerous("localhost")
        .port(server.port())
        .tls(encryption)
        .credentials((name, password).into())
        .timeout(Some(Duration::from_secs(5)))
        .build()
}

fn plain_client(server: &SmtpServer) -> SmtpTransport {
    SmtpTransport::builder_dangerous("localhost").port(server.port()).build()
}

fn letter_to(address: &str) -> Message {
    let text = "Hello Änn,\r\n.\r\n..two dots\r\nopen <https://auth.example.com/verify-email?token=a-b_c>.\r\n";
    Message::builder()
        .from("Vestibule <no-reply@example.com>".parse().unwrap())
        .to(address.parse().unwrap())
        .subject("Grüße")
        .message_id(Some("<1@example.com>".to_owned()))
        .multipart(MultiPart::alternative_plain_html(text.to_owned(), "<p>Hello Änn</p>".to_owned()))
        .unwrap()
}

fn code(result: Result<impl Sized, Error>) -> u16 {
    result.err().and_then(|error| error.status()).map(u16::from).expect("a refusal with a code")
}

#[test]
fn a_letter_sent_over_starttls_with_a_password_is_read_whole() {
    let server = SmtpServer::start(Encryption::StartTls, Some(ACCOUNT));
    client(&server, Tls::Required(trusting()), ACCOUNT).send(&letter_to("Ann@x.test")).unwrap();

    let letter = server.to("ann@x.test");
    assert_eq!(letter.from, "no-reply@example.com");
    assert_eq!(letter.subject(), "Grüße");
    assert_eq!(letter.header("message-id").as_deref(), Some("<1@example.com>"));
    assert_eq!(letter.header("X-Other"), None);
    assert_eq!(letter.link(), "https://auth.example.com/verify-email?token=a-b_c");
    assert_eq!(letter.html().trim(), "<p>Hello Änn</p>");
    let text = letter.text().replace("\r\n", "\n");
    assert!(text.starts_with("Hello Änn,\n.\n..two dots\n"), "{text:?}");
}

#[test]
fn a_letter_sent_over_implicit_tls_arrives_with_either_mechanism() {
    let server = SmtpServer::start(Encryption::Implicit, Some(ACCOUNT));
    for mechanism in [Mechanism::Plain, Mechanism::Login] {
        let client = SmtpTransport::builder_dangerous("localhost").port(server.port());
        let client = client.tls(Tls::Wrapper(trusting())).credentials(ACCOUNT.into());
        client.authentication(vec![mechanism]).build().send(&letter_to("ann@x.test")).unwrap();
    }
    assert_eq!(server.count_to("ann@x.test"), 2);
    assert_eq!(server.all().len(), 2);
}

#[test]
fn mail_is_refused_without_tls_without_trust_and_with_a_wrong_password() {
    let server = SmtpServer::start(Encryption::StartTls, Some(ACCOUNT));
    let letter = letter_to("ann@x.test");
    assert_eq!(code(plain_client(&server).send(&letter)), 530);
    let wrong = client(&server, Tls::Required(trusting()), ("vestibule", "wrong"));
    assert_eq!(code(wrong.send(&letter)), 535);
    let stranger = Tls::Required(TlsParameters::new_rustls("localhost".to_owned()).unwrap());
    assert!(client(&server, stranger, ACCOUNT).send(&letter).unwrap_err().status().is_none());
    assert!(server.all().is_empty());
}

#[test]
fn a_letter_larger_than_the_limit_is_refused() {
    let server = SmtpServer::start(Encryption::Never, None);
    let letter = Message::builder()
        .from("no-reply@example.com".parse().unwrap())
        .to("ann@x.test".parse().unwrap())
        .body("0123456789\r\n".repeat(100_000))
        .unwrap();
    assert_eq!(code(plain_client(&server).send(&letter)), 552);
}

#[test]
fn refusals_come_when_they_are_scripted() {
    let server = SmtpServer::start(Encryption::StartTls, Some(ACCOUNT));
    let send = || client(&server, Tls::Required(trusting()), ACCOUNT).send(&letter_to("ann@x.test"));
    for at in [At::Greeting, At::Auth, At::Mail, At::Rcpt, At::Letter] {
        server.misbehave(at, Mishap::Say("450 4.2.0 Later"), Times::Once);
        assert_eq!(code(send()), 450);
        assert_eq!(server.count_to("ann@x.test"), 0);
    }
    server.misbehave(At::Rcpt, Mishap::Say("550 5.1.1 Nobody"), Times::Always);
    assert_eq!([code(send()), code(send())], [550, 550]);
    server.behave();
    send().unwrap();
    assert_eq!(server.count_to("ann@x.test"), 1);
}

#[test]
fn a_connection_is_dropped_or_left_hanging_when_scripted() {
    let server = SmtpServer::start(Encryption::Never, None);
    let send = || plain_client(&server).send(&letter_to("ann@x.test"));
    server.misbehave(At::Mail, Mishap::HangUp, Times::Once);
    assert!(send().is_err());
    server.misbehave(At::Mail, Mishap::Stall, Times::Once);
    let hurried = SmtpTransport::builder_dangerous("localhost").port(server.port());
    let hurried = hurried.timeout(Some(Duration::from_millis(300))).build();
    let started = Instant::now();
    assert!(hurried.send(&letter_to("ann@x.test")).is_err());
    assert!(started.elapsed() >= Duration::from_millis(300));
    assert_eq!(server.count_to("ann@x.test"), 0);
    // The worst moment: the letter is kept, and the sender does not learn it.
    server.misbehave(At::Letter, Mishap::HangUp, Times::Once);
    assert!(send().is_err());
    assert_eq!(server.count_to("ann@x.test"), 1);
}

#[test]
fn a_stopped_server_refuses_and_comes_back_on_its_port() {
    let server = SmtpServer::start(Encryption::Never, None);
    let client = plain_client(&server);
    client.send(&letter_to("ann@x.test")).unwrap();
    server.stop();
    assert!(client.send(&letter_to("ann@x.test")).is_err());
    server.resume();
    eventually("a new connection", || client.send(&letter_to("ann@x.test")).ok());
    assert_eq!(server.count_to("ann@x.test"), 2);
}

#[test]
fn waiting_for_a_letter_gives_each_one_once_in_order() {
    let server = SmtpServer::start(Encryption::Never, None);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| (server.to("ann@x.test"), server.to("ANN@x.test")));
        for address in ["bob@x.test", "ann@x.test", "Ann@x.test"] {
            plain_client(&server).send(&letter_to(address)).unwrap();
        }
        let (first, second) = waiting.join().unwrap();
        assert_eq!((first.recipients, second.recipients), (vec!["ann@x.test".into()], vec!["Ann@x.test".into()]));
    });
}
