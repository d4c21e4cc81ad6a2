//! Passwords that are known to have leaked.

use std::fs;

use serde_json::{Value, json};
use vestibule::accounts::setup::issue_link;
use vestibule::db;
use vestibule::kernel::Origin;

use crate::resilience::service::Service;
use crate::support::TestApp;
use crate::support::breach_list::{BreachList, Manner, sha1};
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::{PASSWORD, code, token_in};
use crate::support::process::Folder;
use crate::support::smtp::certificate_authority;

const ANN: &str = "ann@example.com";
const LEAKED: &str = "saffron tunnel kite";
const GOOD: &str = "nine patient otters";
const WORDS: &str = "This password is in a list of leaked ones. Choose another.";

fn knowing() -> (BreachList, TestApp) {
    let list = BreachList::start(Manner::Knows(&[LEAKED, "trustno1 and others"]));
    let app = TestApp::with(&[("password.breach_api", &list.url())]);
    (list, app)
}

fn sign_up(browser: &mut Browser, password: &str) -> Page {
    browser.get("/signup");
    browser.submit("/signup", &[("email", ANN), ("name", "Ann"), ("password", password)])
}

/// A refused page says it beside the field.
fn is_refused(page: &Page, field: &str) {
    assert_eq!(page.status, 422, "{}", page.text());
    assert!(page.field_error(field).is_some_and(|said| said.contains(WORDS)), "{}", page.text());
}

/// So does the API.
fn refusal(answer: &Page, field: &str) {
    assert_eq!((answer.status, code(answer).as_str()), (422, "validation"));
    assert_eq!(answer.json::<Value>()["fields"][field], WORDS);
}

#[test]
fn a_leaked_password_is_refused_wherever_one_is_chosen() {
    let (_list, app) = knowing();
    let mut browser = app.browser();
    is_refused(&sign_up(&mut browser, LEAKED), "password");
    let body = |password: &str| json!({ "email": ANN, "password": password });
    refusal(&browser.api("POST", "/auth/signup", body(LEAKED)), "password");
    assert_eq!(sign_up(&mut browser, PASSWORD).status, 303);

    // Whoever follows the link elsewhere says what the password is to be.
    let link = app.mail().to(ANN).link();
    let mut elsewhere = app.browser();
    let verify = json!({ "token": token_in(&link), "password": LEAKED });
    refusal(&elsewhere.api("POST", "/auth/verify-email", verify), "password");
    elsewhere.get(&link);
    is_refused(&elsewhere.submit("/verify-email", &[("password", LEAKED)]), "password");
    assert_eq!(elsewhere.submit("/verify-email", &[("password", PASSWORD)]).status, 303);

    let (mut ann, _) = app.log_in(ANN, PASSWORD);
    ann.confirm();
    refusal(&ann.api("PUT", "/me/password", json!({ "new_password": LEAKED })), "new_password");
    ann.get("/account/password");
    is_refused(&ann.submit("/account/password", &[("new_password", LEAKED)]), "new_password");
    assert_eq!(ann.submit("/account/password", &[("new_password", GOOD)]).status, 303);
    assert!(app.mail().to(ANN).subject().contains("password"));

    ann.api("POST", "/auth/forgot-password", json!({ "email": ANN }));
    let link = app.mail().to(ANN).link();
    let reset = json!({ "token": token_in(&link), "new_password": LEAKED });
    refusal(&elsewhere.api("POST", "/auth/reset-password", reset), "new_password");
    elsewhere.get(&link);
    is_refused(&elsewhere.submit("/reset-password", &[("new_password", LEAKED)]), "new_password");
    assert_eq!(elsewhere.submit("/reset-password", &[("new_password", PASSWORD)]).status, 303, "the link still works");
}

#[test]
fn the_first_administrator_does_not_begin_with_a_leaked_one() {
    let (_list, app) = knowing();
    let origin = Origin::system("a test");
    let issue = app.app.db.write(&origin, issue_link);
    let issued: Result<_, db::Error> = actix_web::rt::System::new().block_on(issue);
    let token = issued.unwrap().expect("a link").expose();
    let mut browser = app.browser();
    browser.get(&format!("/setup?token={token}"));
    let form = |password: &'static str| [("email", ANN), ("name", "Ann"), ("password", password)];
    is_refused(&browser.submit("/setup", &form(LEAKED)), "password");
    assert_eq!(browser.submit("/setup", &form(GOOD)).status, 303);
}

#[test]
fn the_service_is_told_five_digits_and_nothing_else() {
    let (list, app) = knowing();
    let mut browser = app.browser().with_header("User-Agent", "Ann's browser");
    sign_up(&mut browser, LEAKED);
    let asked = list.asked();
    assert_eq!(asked.len(), 1);
    let mut lines = asked[0].lines();
    let hash = sha1(LEAKED);
    assert_eq!(lines.next(), Some(format!("GET /range/{} HTTP/1.1", &hash[..5]).as_str()));
    let mut headers: Vec<String> = lines.map(str::to_ascii_lowercase).collect();
    headers.sort();
    let version = env!("CARGO_PKG_VERSION");
    let host = format!("host: localhost:{}", list.port());
    assert_eq!(headers, ["accept: */*", "add-padding: true", &host, &format!("user-agent: vestibule/{version}")]);
    sign_up(&mut browser, "password");
    assert_eq!(list.asked().len(), 1, "what is too weak is told to nobody");
}

#[test]
fn a_path_of_the_service_is_kept() {
    let list = BreachList::start(Manner::Says(503));
    let app = TestApp::with(&[("password.breach_api", &format!("{}/pwned/v3", list.url()))]);
    sign_up(&mut app.browser(), GOOD);
    assert!(list.asked()[0].starts_with("GET /pwned/v3/range/"), "{:?}", list.asked());
}

#[test]
fn a_service_that_does_not_answer_well_keeps_nobody_from_choosing() {
    let other = BreachList::start(Manner::Knows(&[LEAKED]));
    let manners = [
        Manner::Silent,
        Manner::HangsUp,
        Manner::Says(404),
        Manner::Says(500),
        Manner::RedirectsTo(other.port()),
        Manner::Endless,
        Manner::Nonsense,
    ];
    for manner in manners {
        let list = BreachList::start(manner.clone());
        let app = TestApp::with(&[("password.breach_api", &list.url())]);
        assert_eq!(sign_up(&mut app.browser(), LEAKED).status, 303, "{manner:?}");
        assert!(!list.asked().is_empty(), "{manner:?}: it was asked");
    }
    assert!(other.asked().is_empty(), "nobody is sent on to somebody else");
    let (gone, plain) = (BreachList::start(Manner::Silent).url(), other.url().replace("http:", "https:"));
    for url in [&gone, &plain] {
        let app = TestApp::with(&[("password.breach_api", url)]);
        assert_eq!(sign_up(&mut app.browser(), LEAKED).status, 303, "{url}");
    }
    assert!(other.asked().is_empty(), "nothing goes to https in clear");
}

#[test]
fn a_list_on_the_disk_is_as_good() {
    let folder = Folder::make("hashes", "TERM");
    let file = folder.path().join("pwned.txt");
    let known = (0..2_000).map(|n| format!("leaked number {n}")).chain([LEAKED.to_owned()]);
    let mut lines: Vec<String> = known.map(|password| format!("{}:7\r\n", sha1(&password))).collect();
    lines.sort();
    fs::write(&file, lines.concat()).unwrap();
    let app = TestApp::with(&[("password.breach_file", file.to_str().unwrap())]);
    let mut browser = app.browser();
    is_refused(&sign_up(&mut browser, LEAKED), "password");
    is_refused(&sign_up(&mut browser, "leaked number 1999"), "password");
    assert_eq!(sign_up(&mut browser, GOOD).status, 303);

    // Somebody has cut it off under the service.
    fs::write(&file, "").unwrap();
    assert_eq!(sign_up(&mut browser, LEAKED).status, 303);
}

#[test]
fn that_a_list_could_not_be_asked_stands_in_the_log_and_no_password_does() {
    let list = BreachList::start(Manner::Says(500));
    let service = Service::start(&[("PASSWORD__BREACH_API", &list.url()), ("LOG__LEVEL", "debug")]);
    let mut browser = service.browser();
    assert_eq!(sign_up(&mut browser, LEAKED).status, 303);
    let log = service.log();
    let said = "password.breach_api has not answered, so a password was taken without it: it answered 500";
    assert!(log.contains(said), "{log}");
    let hash = sha1(LEAKED);
    for secret in [LEAKED, &hash[..5], &hash[5..], &hash.to_lowercase()[5..]] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[test]
fn over_https_the_service_is_believed_by_an_authority_of_the_system_and_by_no_other() {
    let list = BreachList::start_encrypted(Manner::Knows(&[LEAKED]));
    let folder = Folder::make("authorities", "TERM");
    let authority = folder.path().join("authority.pem");
    fs::write(&authority, certificate_authority()).unwrap();
    let api = ("PASSWORD__BREACH_API", list.url());
    let vouched = Service::start(&[(api.0, &api.1), ("$SSL_CERT_FILE", authority.to_str().unwrap())]);
    is_refused(&sign_up(&mut vouched.browser(), LEAKED), "password");
    assert_eq!(list.asked().len(), 1);

    let unknown = Service::start(&[(api.0, &api.1)]);
    assert_eq!(sign_up(&mut unknown.browser(), LEAKED).status, 303);
    assert_eq!(list.asked().len(), 1, "a stranger learns nothing");
    let log = unknown.log();
    assert!(log.contains("has not answered") && log.contains("certificate"), "why stands in the log: {log}");
}
