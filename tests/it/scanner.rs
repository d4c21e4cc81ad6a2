//! Mail scanners fetch whatever stands in a letter before its reader does. Every kind of letter there is, all of its
//! links fetched again and again by somebody who only GETs: nothing is used up, and each link still does its work.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use chrono::DateTime;
use serde_json::{Value, json};
use url::Url;
use vestibule::kernel::{EmailAddress, Origin, Token, WebhookId};
use vestibule::mail::{self, DomainChange, Ending, FactorChange, KeyChange, Letter, MembershipChange};

use crate::support::TestApp;
use crate::support::authenticator::set_up;
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::passkey::register;
use crate::support::people::{PASSWORD, code, token_in};
use crate::support::raw;
use crate::support::smtp::Letter as Received;

const ANN: &str = "ann@example.com";
const NEW: &str = "ann@new.example";
const ANEW: &str = "nine patient otters";

/// What has come, and what its link must still be good for when the scanner has been there.
type Story = fn(&TestApp) -> (Received, Work);
type Work = Box<dyn FnOnce(&TestApp, &Received)>;

/// The name of its templates and how it comes about. Whoever adds a kind of letter says here what its links do.
fn story_of(letter: &Letter) -> (&'static str, Story) {
    match letter {
        Letter::VerifyEmail { .. } => ("verify_email", verify_email),
        Letter::AccountMade { .. } => ("account_made", account_made),
        Letter::AlreadyRegistered => ("already_registered", already_registered),
        Letter::ResetPassword { .. } => ("reset_password", reset_password),
        Letter::NoPassword => ("no_password", no_password),
        Letter::MagicLink { .. } => ("magic_link", magic_link),
        Letter::PasswordChanged => ("password_changed", password_changed),
        Letter::EmailChanged { .. } => ("email_changed", email_changed),
        Letter::EmailRestored { .. } => ("email_restored", email_restored),
        Letter::AddressKept => ("address_kept", address_kept),
        Letter::NewPlace { .. } => ("new_place", new_place),
        Letter::FactorChanged { .. } => ("factor_changed", factor_changed),
        Letter::RecoveryCodeUsed { .. } => ("recovery_code_used", recovery_code_used),
        Letter::ApiKeyChanged { .. } => ("api_key_changed", api_key_changed),
        Letter::Invitation { .. } => ("invitation", invitation),
        Letter::MembershipChanged { .. } => ("membership_changed", membership_changed),
        Letter::DeletionAsked { .. } => ("deletion_asked", deletion_asked),
        Letter::AccountRestored => ("account_restored", account_restored),
        Letter::AccountDeleted => ("account_deleted", account_deleted),
        Letter::WebhookDisabled { .. } => ("webhook_disabled", webhook_disabled),
        Letter::DomainChanged { .. } => ("domain_changed", domain_changed),
        Letter::BreakGlassUsed { .. } => ("break_glass_used", break_glass_used),
        Letter::SignOnEnforced { .. } => ("sign_on_enforced", sign_on_enforced),
        Letter::ProviderConnected { .. } => ("provider_connected", provider_connected),
        Letter::CertificateEnds { .. } => ("certificate_ends", certificate_ends),
        Letter::Test => ("test", test_letter),
    }
}

/// One of each.
fn all_kinds() -> Vec<Letter> {
    let token = Token::generate;
    vec![
        Letter::VerifyEmail { token: token() },
        Letter::AccountMade { token: token() },
        Letter::AlreadyRegistered,
        Letter::ResetPassword { token: token() },
        Letter::NoPassword,
        Letter::MagicLink { token: token() },
        Letter::PasswordChanged,
        Letter::EmailChanged { token: token() },
        Letter::EmailRestored { removed: Vec::new() },
        Letter::AddressKept,
        Letter::NewPlace { token: token() },
        Letter::FactorChanged { change: FactorChange::AuthenticatorOn },
        Letter::RecoveryCodeUsed { left: 1 },
        Letter::ApiKeyChanged { change: KeyChange::Created, name: "backup".to_owned() },
        Letter::Invitation {
            token: token(),
            organization: "Acme".to_owned(),
            inviter: "Olive".to_owned(),
            role: "member",
        },
        Letter::MembershipChanged { change: MembershipChange::Removed, organization: "Acme".to_owned() },
        Letter::DeletionAsked { token: token(), deletes_at: chrono::DateTime::UNIX_EPOCH, organizations: Vec::new() },
        Letter::AccountRestored,
        Letter::AccountDeleted,
        Letter::WebhookDisabled {
            host: "hooks.example.com".to_owned(),
            webhook: WebhookId::new(DateTime::UNIX_EPOCH),
            organization: None,
        },
        Letter::DomainChanged {
            change: DomainChange::Lost,
            domain: "example.com".to_owned(),
            organization: "acme".to_owned(),
        },
        Letter::BreakGlassUsed { organization: "acme".to_owned() },
        Letter::SignOnEnforced {
            organization: "Acme".to_owned(),
            provider: "Staff".to_owned(),
            from: DateTime::UNIX_EPOCH,
        },
        Letter::ProviderConnected { organization: "Acme".to_owned(), provider: "Staff".to_owned() },
        Letter::CertificateEnds {
            organization: "acme".to_owned(),
            connection: "Staff".to_owned(),
            subject: "CN=idp".to_owned(),
            ends_at: DateTime::UNIX_EPOCH,
            ending: Ending::Soon,
        },
        Letter::Test,
    ]
}

#[test]
fn a_scanner_that_fetches_every_link_of_every_letter_uses_nothing_up() {
    let stories: Vec<(&str, Story)> = all_kinds().iter().map(story_of).collect();
    let told: BTreeSet<String> = stories.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(told, kinds_with_templates(), "a kind of letter is missing among all_kinds");
    for (name, story) in stories {
        let app = TestApp::start();
        let (letter, work) = story(&app);
        scan(&app, name, &letter);
        work(&app, &letter);
    }
}

/// One folder a kind.
fn kinds_with_templates() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/mail");
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name().into_string().unwrap()).collect()
}

/// Fetches what stands in either part, several times and in both ways, and what the pages behind it link to.
fn scan(app: &TestApp, name: &str, letter: &Received) {
    let html = letter.html().replace("&#x2f;", "/").replace("&amp;", "&");
    let links: BTreeSet<Url> = [links_in(&letter.text()), links_in(&html)].concat().into_iter().collect();
    assert!(!links.is_empty(), "{name} has no link at all");
    for link in &links {
        assert_eq!(link.origin(), app.public_url().origin(), "{name} leads elsewhere: {link}");
        for method in ["GET", "HEAD", "GET", "GET"] {
            let (status, page) = fetch(app, method, link);
            assert_eq!(status, 200, "{name}: {method} {link}");
            for further in links_of(link, &page) {
                let (status, _) = fetch(app, "GET", &further);
                assert!(status < 500, "{name}: {status} for {further}");
            }
        }
    }
}

/// Without cookies; redirects are followed.
fn fetch(app: &TestApp, method: &str, url: &Url) -> (u16, String) {
    let mut url = url.clone();
    loop {
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAccept: text/html, */*\r\n\
             User-Agent: Mozilla/5.0 (compatible; MailScanner/7)\r\n\r\n"
        );
        let answer = raw::send(app.port(), request);
        match (answer.status, answer.header("location")) {
            (301..=308, Some(to)) => url = url.join(to).unwrap(),
            (status, _) => return (status, answer.text()),
        }
    }
}

fn links_in(text: &str) -> Vec<Url> {
    let begins = text.match_indices("http").map(|(at, _)| &text[at..]);
    let whole = begins.filter_map(|rest| rest.split(|c: char| c.is_whitespace() || "<>\"'".contains(c)).next());
    whole.filter_map(|link| Url::parse(link.trim_end_matches(['.', ',', ')'])).ok()).collect()
}

/// The pages of ours that a page links to.
fn links_of(page: &Url, html: &str) -> BTreeSet<Url> {
    let html = html.replace("&#x2f;", "/").replace("&amp;", "&");
    let ways = html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let all: BTreeSet<Url> = ways.filter_map(|way| page.join(way).ok()).collect();
    all.into_iter().filter(|way| way.origin() == page.origin() && !way.path().starts_with("/static/")).collect()
}

fn post(browser: &mut Browser, path: &str, body: Value) -> u16 {
    browser.api("POST", path, body).status
}

fn confirmed(app: &TestApp) -> Browser {
    let mut ann = app.verified(ANN);
    ann.confirm();
    ann
}

fn me(browser: &mut Browser) -> Page {
    browser.api("GET", "/me", Value::Null)
}

/// The next letter about this: of two that are on their way, either may come first.
fn letter(app: &TestApp, to: &str, about: &str) -> Received {
    loop {
        let letter = app.mail().to(to);
        if letter.subject().contains(about) {
            return letter;
        }
    }
}

/// By a letter's link to `/forgot-password`, the whole way to a new password.
fn chooses_a_password(app: &TestApp, browser: &mut Browser, link: &str, email: &str) {
    browser.get(link);
    assert_eq!(browser.submit("/forgot-password", &[("email", email)]).status, 303);
    let token = token_in(&letter(app, email, "Choose a new password").link());
    assert_eq!(post(browser, "/auth/reset-password", json!({ "token": token, "new_password": ANEW })), 204);
    assert_eq!(app.log_in(email, ANEW).1.status, 200);
}

fn verify_email(app: &TestApp) -> (Received, Work) {
    let mut browser = app.signed_up(ANN);
    let work: Work = Box::new(move |_, letter| {
        browser.get(&letter.link());
        assert_eq!(browser.submit("/verify-email", &[]).status, 303);
    });
    (app.mail().to(ANN), work)
}

fn account_made(app: &TestApp) -> (Received, Work) {
    app.vestibule(&["user", "create", ANN]).text();
    app.catch_up();
    let work: Work = Box::new(|app, letter| {
        let mut browser = app.browser();
        let link = links_in(&letter.text()).into_iter().find(|link| link.path() == "/reset-password").unwrap();
        browser.get(link.as_str());
        assert_eq!(browser.submit("/reset-password", &[("new_password", ANEW)]).status, 303);
        assert_eq!(app.log_in(ANN, ANEW).1.status, 200);
    });
    (app.mail().to(ANN), work)
}

fn already_registered(app: &TestApp) -> (Received, Work) {
    app.verified(ANN);
    app.signed_up(ANN);
    let work: Work = Box::new(|app, letter| {
        let mut browser = app.browser();
        browser.get(&letter.link());
        assert_eq!(browser.submit("/login", &[("email", ANN), ("password", PASSWORD)]).status, 303);
    });
    (app.mail().to(ANN), work)
}

fn reset_password(app: &TestApp) -> (Received, Work) {
    app.verified(ANN);
    assert_eq!(post(&mut app.browser(), "/auth/forgot-password", json!({ "email": ANN })), 202);
    let work: Work = Box::new(|app, letter| {
        let mut browser = app.browser();
        browser.get(&letter.link());
        assert_eq!(browser.submit("/reset-password", &[("new_password", ANEW)]).status, 303);
        assert_eq!(app.log_in(ANN, ANEW).1.status, 200);
    });
    (app.mail().to(ANN), work)
}

fn magic_link(app: &TestApp) -> (Received, Work) {
    app.verified(ANN);
    let mut browser = app.browser();
    assert_eq!(post(&mut browser, "/auth/magic-link", json!({ "email": ANN })), 202);
    let work: Work = Box::new(move |app, letter| {
        let seen = "SELECT count(*) AS n FROM magic_links WHERE code_digest IS NOT NULL";
        assert_eq!(app.count(seen), 0, "a scanner has been shown a code");
        assert_eq!(post(&mut browser, "/auth/login/magic-link", json!({ "token": token_in(&letter.link()) })), 200);
    });
    (app.mail().to(ANN), work)
}

fn no_password(app: &TestApp) -> (Received, Work) {
    let mut ann = app.verified(ANN);
    register(app, &mut ann, "Phone");
    app.mail().to(ANN);
    assert_eq!(ann.api("DELETE", "/me/password", Value::Null).status, 204);
    app.mail().to(ANN);
    assert_eq!(post(&mut app.browser(), "/auth/forgot-password", json!({ "email": ANN })), 202);
    let work: Work = Box::new(move |app, letter| {
        let page = app.browser().get(&letter.link());
        assert!(page.answer.text().contains("data-passkey=\"sign-in\""), "the button is there");
        assert_eq!(me(&mut ann).status, 200, "nobody is signed out by a fetch");
    });
    (app.mail().to(ANN), work)
}

fn password_changed(app: &TestApp) -> (Received, Work) {
    let mut ann = confirmed(app);
    assert_eq!(ann.api("PUT", "/me/password", json!({ "new_password": "saffron tunnel kite" })).status, 200);
    let work: Work = Box::new(move |app, letter| {
        assert_eq!(me(&mut ann).status, 200, "nobody is signed out by a fetch");
        chooses_a_password(app, &mut app.browser(), &letter.link(), ANN);
    });
    (app.mail().to(ANN), work)
}

fn email_changed(app: &TestApp) -> (Received, Work) {
    let mut ann = confirmed(app);
    assert_eq!(ann.api("PUT", "/me/email", json!({ "email": NEW })).status, 200);
    let work: Work = Box::new(move |app, letter| {
        assert_eq!(me(&mut ann).json::<Value>()["email"], NEW, "nothing was taken back by a fetch");
        let mut owner = app.browser();
        owner.get(&letter.link());
        assert_eq!(owner.submit("/undo-email", &[]).status, 303);
        owner.follow();
        assert_eq!(owner.submit("/reset-password", &[("new_password", ANEW)]).status, 303);
        assert_eq!(app.log_in(ANN, ANEW).1.status, 200);
    });
    (app.mail().to(ANN), work)
}

fn email_restored(app: &TestApp) -> (Received, Work) {
    let (changed, _) = email_changed(app);
    let token = token_in(&changed.link());
    assert_eq!(post(&mut app.browser(), "/auth/undo-email", json!({ "token": token })), 200);
    let work: Work = Box::new(|app, letter| chooses_a_password(app, &mut app.browser(), &letter.link(), ANN));
    (letter(app, ANN, "is back"), work)
}

fn address_kept(app: &TestApp) -> (Received, Work) {
    let mut ann = confirmed(app);
    assert_eq!(ann.api("PUT", "/me/email", json!({ "email": NEW })).status, 200);
    drop(app.mail().to(ANN));
    assert_eq!(app.follow_the_letter(&mut ann, NEW).status, 303);
    app.signed_up(ANN);
    let work: Work = Box::new(|app, letter| {
        app.clock().advance(chrono::TimeDelta::hours(72));
        let mut browser = app.browser();
        browser.get(&letter.link());
        let form = [("email", ANN), ("name", "Ann"), ("password", ANEW)];
        assert_eq!(browser.submit("/signup", &form).status, 303);
        assert!(app.mail().to(ANN).subject().starts_with("Confirm"));
    });
    (letter(app, ANN, "cannot be used"), work)
}

fn new_place(app: &TestApp) -> (Received, Work) {
    app.verified(ANN);
    let mut elsewhere = app.browser().with_header("X-Forwarded-For", "198.51.100.7");
    assert_eq!(post(&mut elsewhere, "/auth/login", json!({ "email": ANN, "password": PASSWORD })), 200);
    let work: Work = Box::new(move |app, letter| {
        assert_eq!(me(&mut elsewhere).status, 200, "nobody is signed out by a fetch");
        let mut owner = app.browser();
        owner.get(&letter.link());
        assert_eq!(owner.press("Sign that browser out", &[]).status, 303);
        assert_eq!(me(&mut elsewhere).status, 401);
    });
    (app.mail().to(ANN), work)
}

fn factor_changed(app: &TestApp) -> (Received, Work) {
    let mut ann = app.verified(ANN);
    set_up(app, &mut ann);
    let work: Work = Box::new(move |_, letter| {
        let page = ann.get(&letter.link());
        assert!(page.has("Signing in to your account"), "{}", page.text());
        assert_eq!(me(&mut ann).json::<Value>()["mfa"]["totp"], true);
    });
    (app.mail().to(ANN), work)
}

fn recovery_code_used(app: &TestApp) -> (Received, Work) {
    let mut ann = app.verified(ANN);
    let (_, codes) = set_up(app, &mut ann);
    let (mut half_in, answer) = app.log_in(ANN, PASSWORD);
    assert_eq!(code(&answer), "mfa_required");
    assert_eq!(post(&mut half_in, "/auth/login/recovery-code", json!({ "code": codes[0] })), 200);
    let work: Work = Box::new(move |_, letter| {
        let page = ann.get(&letter.link());
        assert!(page.has("9 of 10 left"), "{}", page.text());
    });
    (letter(app, ANN, "recovery code"), work)
}

fn invitation(app: &TestApp) -> (Received, Work) {
    let ([mut owner], _) = crate::orgs::acme(app, ["owner@example.com"]);
    assert_eq!(post(&mut owner, "/orgs/acme/invitations", json!({ "email": ANN })), 201);
    let work: Work = Box::new(|app, letter| {
        let mut ann = app.browser();
        assert!(ann.get(&letter.link()).has("You are invited to Acme"));
        assert_eq!(ann.submit("/invitation", &[("name", "Ann"), ("password", PASSWORD)]).status, 303);
        assert_eq!(me(&mut ann).json::<Value>()["organizations"][0]["slug"], "acme");
    });
    (app.mail().to(ANN), work)
}

fn membership_changed(app: &TestApp) -> (Received, Work) {
    let ([mut owner, mut ann], ids) = crate::orgs::acme(app, ["owner@example.com", ANN]);
    let removal = format!("/orgs/acme/members/{}", ids[1]);
    assert_eq!(owner.api("PATCH", &removal, json!({ "role": "admin" })).status, 200);
    let work: Work = Box::new(move |_, letter| {
        assert!(ann.get(&letter.link()).has("Acme"));
        assert_eq!(me(&mut ann).json::<Value>()["organizations"][0]["role"], "admin");
    });
    (letter(app, ANN, "Acme"), work)
}

fn api_key_changed(app: &TestApp) -> (Received, Work) {
    let mut ann = confirmed(app);
    assert_eq!(post(&mut ann, "/me/api-keys", json!({ "name": "backup", "scopes": ["account:read"] })), 201);
    let work: Work = Box::new(move |_, letter| {
        assert!(ann.get(&letter.link()).has("backup"));
        let keys: Value = ann.api("GET", "/me/api-keys", Value::Null).json();
        assert!(keys.to_string().contains("backup"), "nothing was revoked by a fetch");
    });
    (app.mail().to(ANN), work)
}

fn deletion_asked(app: &TestApp) -> (Received, Work) {
    assert_eq!(confirmed(app).api("DELETE", "/me", Value::Null).status, 202);
    let work: Work = Box::new(|app, letter| {
        assert_eq!(app.count("SELECT count(*) AS n FROM users WHERE deletes_at IS NOT NULL"), 1, "a fetch kept it");
        let mut browser = app.browser();
        browser.get(&letter.link());
        assert_eq!(browser.submit("/restore", &[]).status, 303);
        assert_eq!(app.count("SELECT count(*) AS n FROM users WHERE deletes_at IS NOT NULL"), 0);
    });
    (app.mail().to(ANN), work)
}

fn account_restored(app: &TestApp) -> (Received, Work) {
    let mut ann = confirmed(app);
    assert_eq!(ann.api("DELETE", "/me", Value::Null).status, 202);
    assert_eq!(post(&mut ann, "/me/restore", Value::Null), 200);
    let work: Work = Box::new(|app, letter| {
        let mut browser = app.browser();
        browser.get(&letter.link());
        assert_eq!(browser.submit("/login", &[("email", ANN), ("password", PASSWORD)]).status, 303);
    });
    (letter(app, ANN, "stays"), work)
}

fn account_deleted(app: &TestApp) -> (Received, Work) {
    assert_eq!(confirmed(app).api("DELETE", "/me", Value::Null).status, 202);
    app.clock().advance(chrono::TimeDelta::days(30));
    app.run_job("erase_accounts");
    let work: Work = Box::new(|app, letter| {
        let mut browser = app.browser();
        browser.get(&letter.link());
        let form = [("email", ANN), ("name", "Ann"), ("password", ANEW)];
        assert_eq!(browser.submit("/signup", &form).status, 303);
        assert!(app.mail().to(ANN).subject().starts_with("Confirm"), "the address is free");
    });
    (letter(app, ANN, "is deleted"), work)
}

/// The only one that no page causes: the operator's command does.
/// No page causes it: the operator's command does.
fn test_letter(app: &TestApp) -> (Received, Work) {
    written(app, Letter::Test)
}

/// Days of failures do; the tests of webhooks tell of them.
fn webhook_disabled(app: &TestApp) -> (Received, Work) {
    let (host, webhook) = ("hooks.example.com".to_owned(), WebhookId::new(app.clock().now()));
    written(app, Letter::WebhookDisabled { host, webhook, organization: Some("acme".to_owned()) })
}

/// A week without a record does; the tests of domains tell of it.
fn domain_changed(app: &TestApp) -> (Received, Work) {
    let (domain, organization) = ("example.com".to_owned(), "acme".to_owned());
    let change = DomainChange::Missing(app.clock().now());
    written(app, Letter::DomainChanged { change, domain, organization })
}

/// An owner does whose provider is out of order; the tests of what takes a provider tell of it.
fn break_glass_used(app: &TestApp) -> (Received, Work) {
    written(app, Letter::BreakGlassUsed { organization: "acme".to_owned() })
}

/// An owner makes the provider a must; the tests of connections tell of it.
fn sign_on_enforced(app: &TestApp) -> (Received, Work) {
    let (organization, provider) = ("Acme".to_owned(), "Staff".to_owned());
    written(app, Letter::SignOnEnforced { organization, provider, from: app.clock().now() })
}

/// An answer of a provider does; the tests of signing in by one tell of it.
fn provider_connected(app: &TestApp) -> (Received, Work) {
    let (organization, provider) = ("Acme".to_owned(), "Staff".to_owned());
    written(app, Letter::ProviderConnected { organization, provider })
}

/// Time does; the tests of connections tell of it.
fn certificate_ends(app: &TestApp) -> (Received, Work) {
    let (organization, connection, subject) = ("acme".to_owned(), "Staff".to_owned(), "CN=idp".to_owned());
    let (ends_at, ending) = (app.clock().now(), Ending::Over);
    written(app, Letter::CertificateEnds { organization, connection, subject, ends_at, ending })
}

fn written(app: &TestApp, letter: Letter) -> (Received, Work) {
    let (to, sealer) = (EmailAddress::parse(ANN).unwrap(), app.app.sealer.clone());
    let origin = Origin::system("a test");
    let enqueued = app.app.db.write(&origin, move |tx| mail::enqueue(tx, &sealer, &to, None, letter));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(enqueued).unwrap();
    (app.mail().to(ANN), Box::new(|_, _| {}))
}
