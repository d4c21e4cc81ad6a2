//! The local inbox, which is for somebody at this machine and for nobody else.

use std::os::unix::fs::PermissionsExt as _;

use chrono::TimeDelta;
use vestibule::kernel::LetterId;
use vestibule::mail::Letter;

use super::{enqueue, until_sent};
use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::process::Folder;

fn keeping_letters(folder: &Folder) -> TestApp {
    let data_dir = folder.path().join("data").display().to_string();
    TestApp::with(&[("mail.transport", "inbox"), ("server.data_dir", &data_dir)])
}

#[test]
fn a_letter_is_kept_shown_and_can_be_followed() {
    let folder = Folder::make("inbox", "TERM");
    let app = keeping_letters(&folder);
    let mut browser = app.browser();
    assert!(browser.get("/dev/inbox").text().contains("No letters yet"));
    let mut ann = app.signed_up("ann@x.test");
    let id = app.text("SELECT id::text AS t FROM mail_outbox");
    until_sent(&app, id.parse().unwrap());

    let list = browser.get("/dev/inbox");
    assert_eq!(list.status, 200);
    assert!(list.text().contains("ann@x.test"), "{}", list.text());
    let letter = browser.get(&format!("/dev/inbox/{id}"));
    assert!(letter.text().contains("Confirm your address"), "{}", letter.text());
    let link = letter.link("Follow the link in this letter").expect("a link in the letter");
    assert_eq!(ann.get(link.as_str()).status, 200);
    assert_eq!(ann.submit("/verify-email", &[]).status, 303);

    let html = browser.get(&format!("/dev/inbox/{id}/html"));
    let policy = html.header("content-security-policy").unwrap();
    assert!(policy.starts_with("sandbox") && policy.contains("default-src 'none'"), "{policy}");
    assert!(!policy.contains("allow-scripts") && !policy.contains("allow-same-origin"), "{policy}");
    assert_eq!(browser.get("/dev/inbox/nonsense").status, 404);
    assert_eq!(browser.get("/dev/inbox/..%2f..%2fcluster").status, 404);
    assert_eq!(app.mail().all().len(), 0, "nothing left the machine");

    let file = folder.path().join("data/inbox").join(format!("{id}.json"));
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
}

#[test]
fn only_the_newest_two_hundred_are_kept() {
    let folder = Folder::make("inbox", "TERM");
    let app = keeping_letters(&folder);
    let kept = folder.path().join("data/inbox");
    std::fs::create_dir_all(&kept).unwrap();
    for minute in 0..203 {
        let older = LetterId::new(app.clock().now() - TimeDelta::minutes(1000 - minute));
        std::fs::write(kept.join(format!("{older}.json")), "{}").unwrap();
    }
    let newest = enqueue(&app, "ann@x.test", Letter::Test);
    until_sent(&app, newest);
    assert_eq!(std::fs::read_dir(&kept).unwrap().count(), 200);
    assert!(kept.join(format!("{newest}.json")).exists());
}

#[test]
fn nobody_from_elsewhere_finds_the_inbox() {
    let folder = Folder::make("inbox", "TERM");
    let app = keeping_letters(&folder);
    let id = enqueue(&app, "ann@x.test", Letter::Test);
    until_sent(&app, id);
    let pages = ["/dev/inbox".to_owned(), format!("/dev/inbox/{id}"), format!("/dev/inbox/{id}/html")];
    for path in &pages {
        assert_eq!(app.browser().get(path).status, 200, "{path}");
        let strangers = [
            ("X-Forwarded-For", "203.0.113.9"),
            ("X-Forwarded-For", "127.0.0.1"),
            ("Forwarded", "for=203.0.113.9"),
            ("X-Forwarded-Host", "auth.example.com"),
            ("X-Real-IP", "203.0.113.9"),
            ("Via", "1.1 proxy"),
        ];
        for (name, value) in strangers {
            assert_eq!(app.browser().with_header(name, value).get(path).status, 404, "{path} {name}: {value}");
        }
        // DNS rebinding: a name of somebody else's that leads here.
        let mut rebound = Browser::new("http://evil.example", app.port());
        assert_eq!(rebound.get(path).status, 404, "{path}");
    }
}

#[test]
fn there_is_no_inbox_where_letters_are_sent_or_everybody_can_ask() {
    let app = TestApp::start();
    assert_eq!(app.browser().get("/dev/inbox").status, 404);

    let folder = Folder::make("inbox", "TERM");
    let data_dir = folder.path().display().to_string();
    let everywhere = format!("0.0.0.0:{}", app.port());
    let open =
        TestApp::with(&[("mail.transport", "inbox"), ("server.data_dir", &data_dir), ("server.listen", &everywhere)]);
    assert_eq!(open.browser().get("/dev/inbox").status, 404);
}

#[test]
fn behind_a_proxy_pages_lead_to_the_inbox_on_this_machine() {
    let folder = Folder::make("inbox", "TERM");
    let data_dir = folder.path().join("data").display().to_string();
    let app = TestApp::with(&[
        ("mail.transport", "inbox"),
        ("server.data_dir", &data_dir),
        ("server.public_url", "http://auth.vestibule.localhost"),
        ("session.cookie_domains", "vestibule.localhost"),
    ]);
    let mut ann = app.signed_up("ann@x.test");
    let page = ann.get("/check-mail");
    let inbox = format!("http://127.0.0.1:{}/dev/inbox", app.port());
    assert_eq!(page.link("Open the local inbox").unwrap().as_str(), inbox);
    assert_eq!(Browser::new(&inbox, app.port()).get("/dev/inbox").status, 200);
    assert_eq!(ann.get("/dev/inbox").status, 200, "without a proxy before it");
}
