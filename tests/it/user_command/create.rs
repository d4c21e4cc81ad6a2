//! `vestibule user create`.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::command::{Said, command};
use crate::support::people::token_in;

const BOB: &str = "bob@example.com";
const CHOSEN: &str = "nine patient otters";

fn create(app: &TestApp, arguments: &[&str]) -> Said {
    app.vestibule(&[&["user", "create"], arguments].concat())
}

/// With this on standard input.
fn create_with(app: &TestApp, typed: &str, arguments: &[&str]) -> Said {
    let settings = [("server.public_url", app.public_url().as_str())];
    let arguments = [&["user", "create", "--password-stdin"], arguments].concat();
    let mut command = command(app.database_url(), &settings, &arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program");
    child.stdin.take().expect("a pipe").write_all(typed.as_bytes()).expect("somebody who reads");
    let output = child.wait_with_output().expect("an end");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Said { code: output.status.code().expect("an end of its own"), out: text(output.stdout), err: text(output.stderr) }
}

fn me(browser: &mut Browser) -> Value {
    browser.api("GET", "/me", Value::Null).json()
}

fn by_operator(app: &TestApp, kind: &str) -> i64 {
    app.count(&format!(
        "SELECT count(*) AS n FROM audit_events WHERE kind = '{kind}' AND hand = 'operator'
         AND request_id = 'user create' AND details->>'by' = 'operator'"
    ))
}

#[test]
fn somebody_gets_an_account_and_chooses_a_password_by_a_letter_where_nobody_may_sign_up() {
    let app = TestApp::with(&[("accounts.signup", "closed")]);
    let said = create(&app, &[BOB, "--name", "Bob Ray"]);
    assert!(said.text().starts_with("bob@example.com has an account now: "), "{}", said.out);
    assert!(said.text().ends_with(". A letter with a link to choose a password is on its way.\n"), "{}", said.out);

    app.catch_up();
    let letter = app.mail().to(BOB);
    assert_eq!(letter.subject(), "You have an account at Vestibule");
    assert!(letter.text().contains("The link works once, within 24 hours."), "{}", letter.text());
    assert!(!letter.text().contains("unknown browser") && !letter.html().contains("unknown browser"));
    let token = token_in(&letter.link());
    let mut browser = app.browser();
    let choose = |browser: &mut Browser| {
        browser.api("POST", "/auth/reset-password", json!({ "token": token, "new_password": CHOSEN })).status
    };
    assert_eq!(choose(&mut browser), 204);
    assert_eq!(choose(&mut browser), 410, "the link works once");
    let (mut bob, answer) = app.log_in(BOB, CHOSEN);
    assert_eq!(answer.status, 200);
    let bob = me(&mut bob);
    assert_eq!((&bob["name"], &bob["email_verified"]), (&json!("Bob Ray"), &json!(true)), "{bob}");
    assert_eq!([by_operator(&app, "user.created"), by_operator(&app, "email.verified")], [1, 0]);
    assert_eq!(app.text("SELECT came_by AS t FROM users"), "operator");
}

#[test]
fn with_a_password_the_letter_only_confirms_the_address() {
    let app = TestApp::start();
    let said = create_with(&app, &format!("{CHOSEN}\nand what stands below\n"), &[BOB, "--json"]).json();
    assert_eq!((&said["email"], &said["email_verified"]), (&json!(BOB), &json!(false)));
    assert_eq!((&said["administrator"], &said["letter"]), (&json!(false), &json!("confirm_address")));
    assert_eq!(said["id"].as_str(), Some(app.text("SELECT id::text AS t FROM users").as_str()));
    app.catch_up();
    let (mut bob, answer) = app.log_in(BOB, CHOSEN);
    assert_eq!((answer.status, &me(&mut bob)["email_verified"]), (200, &json!(false)));
    let token = token_in(&app.mail().to(BOB).link());
    assert_eq!(bob.api("POST", "/auth/verify-email", json!({ "token": token })).status, 200);
    assert_eq!(me(&mut bob)["email_verified"], true);
}

#[test]
fn an_administrator_whose_address_is_known_needs_no_letter() {
    let app = TestApp::start();
    let said = create_with(&app, CHOSEN, &[BOB, "--verified", "--admin"]);
    assert!(said.text().ends_with(". They can sign in; no letter is sent.\n"), "{}", said.out);
    let (mut bob, answer) = app.log_in(BOB, CHOSEN);
    assert_eq!((answer.status, &me(&mut bob)["email_verified"]), (200, &json!(true)));
    assert_eq!(app.count("SELECT count(*) AS n FROM users WHERE is_admin"), 1);
    assert_eq!(["user.created", "email.verified", "user.promoted"].map(|kind| by_operator(&app, kind)), [1; 3]);
    assert_eq!(app.count("SELECT count(*) AS n FROM mail_outbox WHERE letter <> 'new_place'"), 0);
    let said = create(&app, &["eve@example.com", "--admin"]);
    assert_eq!((said.code, said.out.as_str()), (2, ""), "an administrator whom anybody could become: {said:?}");
}

#[test]
fn an_address_that_is_taken_or_kept_for_somebody_makes_no_account() {
    let app = TestApp::start();
    let mut ann = app.verified("ann@example.com");
    let said = create(&app, &["Ann@Example.com"]);
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
    assert!(said.err.contains("is taken"), "{}", said.err);
    ann.confirm();
    assert_eq!(ann.api("PUT", "/me/email", json!({ "email": "ann@new.example" })).status, 200);
    assert_eq!(create(&app, &["ann@example.com"]).code, 1);
    assert_eq!(app.count("SELECT count(*) AS n FROM users"), 1);
}

#[test]
fn what_cannot_be_an_account_is_refused() {
    let app = TestApp::start();
    for (typed, complaint) in
        [("", "there is no password"), ("short", "at least 8"), ("password1", "anybody would try")]
    {
        let said = create_with(&app, typed, &[BOB]);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{typed}: {said:?}");
        assert!(said.err.contains(complaint), "{}", said.err);
    }
    let too_long = "velvet orbit canoe ".repeat(60);
    assert_eq!(create_with(&app, &too_long, &[BOB]).code, 1);
    for wrong in [&[][..], &["nonsense"], &[BOB, "--name", "a\nb"]] {
        assert_eq!(create(&app, wrong).code, 2, "{wrong:?}");
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM users"), 0);
}

/// Whoever signs up with an address that the operator has entered takes nothing from its holder.
#[test]
fn a_stranger_who_signs_up_with_the_address_gets_nothing_of_it() {
    let app = TestApp::start();
    create(&app, &[BOB, "--name", "Bob Ray"]).text();
    app.catch_up();
    let first = token_in(&app.mail().to(BOB).link());
    let mut stranger = app.signed_up(BOB);
    assert_eq!(
        stranger.api("POST", "/auth/login", json!({ "email": BOB, "password": "velvet orbit canoe" })).status,
        401
    );
    let body = json!({ "token": first, "new_password": CHOSEN });
    assert_eq!(app.browser().api("POST", "/auth/reset-password", body).status, 204);
    assert_eq!(app.log_in(BOB, "velvet orbit canoe").1.status, 401);
    assert_eq!(app.log_in(BOB, CHOSEN).1.status, 200);
    assert_eq!(app.text("SELECT name AS t FROM users"), "Bob Ray");
}
