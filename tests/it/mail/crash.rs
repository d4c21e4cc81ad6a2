//! The program itself, killed at the worst moment.

use std::path::Path;
use std::process::Command;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};

use crate::support::browser::Browser;
use crate::support::eventually;
use crate::support::people::PASSWORD;
use crate::support::port::Port;
use crate::support::postgres::TestDb;
use crate::support::process::{Folder, Tended};
use crate::support::smtp::{At, Encryption, Mishap, SmtpServer, Times};

fn serve(port: &Port, database: &TestDb, mail: &SmtpServer, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.arg("serve").current_dir(folder).env_clear();
    let settings = [
        ("SERVER__LISTEN", port.address().to_string()),
        ("SERVER__PUBLIC_URL", format!("http://localhost:{}", port.number())),
        ("SERVER__METRICS_LISTEN", String::new()),
        ("DATABASE__URL", database.url().to_owned()),
        ("SECRETS__KEY", "dGhlIGtleSBvZiBhIHRlc3QgdGhhdCBub2JvZHkgbmVlZHMgdG8gaGlkZQ==".to_owned()),
        ("MAIL__TRANSPORT", "smtp".to_owned()),
        ("MAIL__URL", format!("smtp://localhost:{}", mail.port())),
        ("MAIL__TLS", "off".to_owned()),
        ("MAIL__FROM", "Vestibule <no-reply@example.com>".to_owned()),
    ];
    for (name, value) in settings {
        command.env(format!("VESTIBULE__{name}"), value);
    }
    command
}

#[test]
fn a_service_killed_between_sending_and_noting_sends_the_same_letter_again() {
    let (port, database, mail) = (Port::claim(), TestDb::make(), SmtpServer::start(Encryption::Never, None));
    // The server has the letter, and its answer never arrives.
    mail.misbehave(At::Letter, Mishap::Stall, Times::Once);
    let folder = Folder::make("crash", "TERM");
    let mut command = serve(&port, &database, &mail, folder.path());
    let mut service = Tended::start(folder, &mut command, "TERM");
    let url = format!("http://localhost:{}", port.number());
    service.wait_until(|| std::net::TcpStream::connect(port.address()).is_ok());
    let mut browser = Browser::new(&url, port.number());
    browser.get("/signup");
    browser.submit("/signup", &[("email", "ann@x.test"), ("name", ""), ("password", PASSWORD)]);
    let first = mail.to("ann@x.test");
    service.end("KILL");

    // What the hands of the clock would do, minutes later.
    let mut sql = PgConnection::establish(database.url()).unwrap();
    sql.batch_execute("UPDATE mail_outbox SET next_attempt_at = created_at, leased_until = created_at").unwrap();
    service.again(&mut serve(&port, &database, &mail, service.folder()));
    let second = mail.to("ann@x.test");
    assert_eq!(first.header("Message-ID"), second.header("Message-ID"));
    assert_eq!(first.link(), second.link());
    eventually("a page", || (browser.get(&second.link()).status == 200).then_some(()));
    service.end("TERM");
    assert_eq!(mail.count_to("ann@x.test"), 2);
}
