//! A whole life, as somebody with curl would live it: one story over the API, from signing up to being gone.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::deletion::{GRACE, erase_the_gone, letter};
use crate::orgs::id_of;
use crate::support::authenticator::{Authenticator, set_up};
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::passkey::{Passkey, register};
use crate::support::people::{PASSWORD, code, token_in};
use crate::support::smtp::{At, Mishap, Times};
use crate::support::{TestApp, eventually};

const HER: &str = "wilhelmina@lantern.example";
const EARLIER: &str = "mina@quill.example";
const NAME: &str = "Wilhelmina Quill";
const FRIEND: &str = "felix@example.com";

// Nobody else comes from there, or with these.
const HOME: &str = "203.0.113.201";
const CAFE: &str = "2001:db8:77:1::2a";
const LAPTOP: &str = "hermes/91.7 (laptop)";
const PHONE: &str = "hermes/92.1 (phone)";

/// All that names her, but for her id.
const TRACES: [&str; 8] = [HER, EARLIER, "wilhelmina", "quill", HOME, "2001:db8:77:1:", "hermes", "her own backup"];

#[test]
fn a_whole_life_is_lived_and_leaves_nothing_that_names_whoever_lived_it() {
    let app = TestApp::start();
    let mut she = signs_up(&app);
    let her_id = id_of(&app, EARLIER);
    changes_her_address(&app, &mut she);
    founds_an_organization(&app, &mut she);
    let keys = gets_second_factors(&app, &mut she);
    signs_a_second_device_in_and_out(&app, &mut she, &keys);
    sees_what_happened(&mut she);

    asks_to_be_deleted(&app, &mut she);
    comes_back(&app, &keys);
    leaves_for_good(&app, &keys);
    let traces = TRACES.map(str::to_owned).into_iter().chain([her_id.clone()]);
    for word in traces.clone() {
        assert_ne!(app.traces_of(&[&word]), [""; 0], "nothing was ever there of {word}");
    }
    app.clock().advance(GRACE);
    erase_the_gone(&app);
    letter(&app, HER, "is deleted");

    for word in traces {
        // The receipt stays until it is sent.
        eventually(&format!("{word} to be gone"), || app.traces_of(&[&word]).is_empty().then_some(()));
    }
    is_nobody_now(&app, &mut she, &keys);
    her_friend_goes_on(&app);
    somebody_else_gets_the_address(&app, &her_id);
}

/// Those who are erased soon after they have invited somebody.
#[test]
fn letters_to_others_do_not_keep_who_has_invited_them() {
    let app = TestApp::with(&[("accounts.deletion_grace", "1d")]);
    let mut she = signs_up(&app);
    ask(&mut she, ("POST", "/orgs"), json!({ "name": "Acme" }), 201);
    ask(&mut she, ("POST", "/orgs/acme/invitations"), json!({ "email": FRIEND }), 201);
    letter(&app, FRIEND, "You are invited");
    app.mail().misbehave(At::Rcpt, Mishap::Say("550 5.1.1 nobody of that name"), Times::Once);
    ask(&mut she, ("POST", "/orgs/acme/invitations"), json!({ "email": "unknown@example.com" }), 201);
    let given_up = "SELECT count(*) AS n FROM mail_outbox WHERE gave_up_at IS NOT NULL";
    eventually("a letter to be given up", || (app.count(given_up) == 1).then_some(()));
    she.confirm();
    ask(&mut she, ("DELETE", "/me"), Value::Null, 202);
    app.clock().advance(TimeDelta::days(1));
    erase_the_gone(&app);
    eventually("her to be gone", || app.traces_of(&[NAME, EARLIER]).is_empty().then_some(()));
    assert_eq!(app.count("SELECT count(*) AS n FROM mail_outbox WHERE letter = 'invitation'"), 2);
}

/// Her phone and her laptop, and what lies in her drawer.
struct Keys {
    app: Authenticator,
    passkey: Passkey,
    recovery_codes: Vec<String>,
}

fn at_home(app: &TestApp) -> Browser {
    app.browser().with_header("X-Forwarded-For", HOME).with_header("User-Agent", LAPTOP)
}

fn in_a_cafe(app: &TestApp) -> Browser {
    app.browser().with_header("X-Forwarded-For", CAFE).with_header("User-Agent", PHONE)
}

/// The answer, which is as it should be.
fn ask(browser: &mut Browser, (method, path): (&str, &str), body: Value, status: u16) -> Value {
    let answer = browser.api(method, path, body);
    assert_eq!(answer.status, status, "{method} {path}: {}", answer.answer.text());
    if answer.answer.text().is_empty() { Value::Null } else { answer.json() }
}

fn get(browser: &mut Browser, path: &str) -> Value {
    ask(browser, ("GET", path), Value::Null, 200)
}

/// With the wrong password first.
fn signs_up(app: &TestApp) -> Browser {
    let mut she = at_home(app);
    let wanted = json!({ "email": EARLIER, "password": PASSWORD, "name": NAME });
    ask(&mut she, ("POST", "/auth/signup"), wanted, 202);
    proves(app, &mut she, EARLIER);
    let mut elsewhere = in_a_cafe(app);
    ask(&mut elsewhere, ("POST", "/auth/login"), json!({ "email": EARLIER, "password": "seven quiet hens" }), 401);
    let signed_in = ask(&mut she, ("POST", "/auth/login"), json!({ "email": EARLIER, "password": PASSWORD }), 200);
    assert_eq!((&signed_in["user"]["name"], &signed_in["user"]["email_verified"]), (&json!(NAME), &json!(true)));
    she
}

fn proves(app: &TestApp, browser: &mut Browser, address: &str) {
    let token = token_in(&letter(app, address, "Confirm your").link());
    ask(browser, ("POST", "/auth/verify-email"), json!({ "token": token }), 200);
}

fn changes_her_address(app: &TestApp, she: &mut Browser) {
    she.confirm();
    ask(she, ("PUT", "/me/email"), json!({ "email": HER }), 200);
    proves(app, she, HER);
    assert_eq!(get(she, "/me")["email"], HER);
}

fn founds_an_organization(app: &TestApp, she: &mut Browser) {
    let made = ask(she, ("POST", "/orgs"), json!({ "name": "Acme" }), 201);
    assert_eq!((&made["slug"], &made["role"]), (&json!("acme"), &json!("owner")));
    ask(she, ("POST", "/orgs/acme/invitations"), json!({ "email": FRIEND }), 201);
    let token = token_in(&letter(app, FRIEND, "You are invited").link());
    let accepted = json!({ "token": token, "name": "Felix", "password": PASSWORD });
    ask(&mut app.browser(), ("POST", "/auth/invitations/accept"), accepted, 200);
    let members = get(she, "/orgs/acme/members");
    assert_eq!(members["members"].as_array().map(Vec::len), Some(2), "{members}");
}

fn gets_second_factors(app: &TestApp, she: &mut Browser) -> Keys {
    let (authenticator, recovery_codes) = set_up(app, she);
    let (passkey, _) = register(app, she, "Her own backup");
    assert_eq!(factors(she), json!([true, 1, 10]));
    ask(she, ("POST", "/me/api-keys"), json!({ "name": "Her own backup", "scopes": ["account:read"] }), 201);
    Keys { app: authenticator, passkey, recovery_codes }
}

fn factors(browser: &mut Browser) -> Value {
    let mfa = &get(browser, "/me")["mfa"];
    json!([mfa["totp"], mfa["passkeys"], mfa["recovery_codes_left"]])
}

/// Signs in with the password and a code of the app.
fn signs_in(app: &TestApp, mut browser: Browser, keys: &Keys) -> Browser {
    app.clock().advance(TimeDelta::seconds(30));
    let half = browser.api("POST", "/auth/login", json!({ "email": HER, "password": PASSWORD }));
    assert_eq!(code(&half), "mfa_required");
    ask(&mut browser, ("POST", "/auth/login/totp"), json!({ "code": keys.app.code(app) }), 200);
    browser
}

fn signs_a_second_device_in_and_out(app: &TestApp, she: &mut Browser, keys: &Keys) {
    let mut phone = signs_in(app, in_a_cafe(app), keys);
    letter(app, HER, "New sign-in");
    let sessions = get(she, "/me/sessions");
    let other = sessions["sessions"].as_array().expect("sessions").iter().find(|session| session["current"] == false);
    let other = other.unwrap_or_else(|| panic!("{sessions}"));
    assert_eq!(other["ip"], CAFE);
    let path = format!("/me/sessions/{}", other["id"].as_str().expect("an id"));
    ask(she, ("DELETE", &path), Value::Null, 204);
    assert_eq!(ask(&mut phone, ("GET", "/me"), Value::Null, 401)["reason"], "signed_out_elsewhere");
}

fn sees_what_happened(she: &mut Browser) {
    let activity = get(she, "/me/activity?limit=100");
    let kinds: Vec<&Value> = activity["events"].as_array().expect("events").iter().map(|e| &e["kind"]).collect();
    for kind in [
        "user.created",
        "email.verified",
        "signin.failed",
        "session.opened",
        "email.changed",
        "organization.created",
        "totp.enabled",
        "passkey.added",
        "api_key.created",
        "session.revoked",
    ] {
        assert!(kinds.contains(&&json!(kind)), "{kind} is not among {kinds:?}");
    }
}

fn asks_to_be_deleted(app: &TestApp, she: &mut Browser) {
    app.clock().advance(TimeDelta::minutes(6));
    assert_eq!(code(&she.api("DELETE", "/me", Value::Null)), "reauth_required");
    she.confirm();
    let answer = ask(she, ("DELETE", "/me"), Value::Null, 202);
    assert_eq!(answer["deletes_at"], json!(app.clock().now() + GRACE));
    letter(app, HER, "will be deleted");
}

/// Nothing but that and signing out is open to her until then.
fn comes_back(app: &TestApp, keys: &Keys) {
    let mut she = signs_in(app, at_home(app), keys);
    for path in ["/me/sessions", "/me/activity", "/me/api-keys", "/orgs", "/orgs/acme"] {
        assert_eq!(code(&she.api("GET", path, Value::Null)), "forbidden", "{path}");
    }
    assert!(get(&mut she, "/me")["deletion"]["deletes_at"].is_string());
    ask(&mut she, ("POST", "/auth/logout"), Value::Null, 204);

    let mut she = signs_in(app, at_home(app), keys);
    let back = ask(&mut she, ("POST", "/me/restore"), Value::Null, 200);
    assert_eq!(back["user"]["deletion"], Value::Null);
    assert_eq!(get(&mut she, "/orgs/acme")["role"], "owner");
    letter(app, HER, "stays");
}

/// By a recovery code and a passkey this time.
fn leaves_for_good(app: &TestApp, keys: &Keys) {
    let mut she = in_a_cafe(app);
    let half = she.api("POST", "/auth/login", json!({ "email": HER, "password": PASSWORD }));
    assert_eq!(code(&half), "mfa_required");
    ask(&mut she, ("POST", "/auth/login/recovery-code"), json!({ "code": keys.recovery_codes[0] }), 200);
    let asked = ask(&mut she, ("POST", "/auth/confirm/passkey/start"), Value::Null, 200);
    let answer = json!({ "ceremony": asked["ceremony"], "credential": keys.passkey.clone().get(&asked["publicKey"]) });
    ask(&mut she, ("POST", "/auth/confirm/passkey/finish"), answer, 200);
    ask(&mut she, ("DELETE", "/me"), Value::Null, 202);
    letter(app, HER, "will be deleted");
}

fn problem(answer: &Page) -> Value {
    let mut problem: Value = answer.json();
    problem.as_object_mut().expect("a problem").remove("request_id");
    problem
}

fn is_nobody_now(app: &TestApp, she: &mut Browser, keys: &Keys) {
    let mut stranger = app.browser().with_header("X-Forwarded-For", "198.51.100.9");
    let mut tries = |email: &str| {
        let answer = stranger.api("POST", "/auth/login", json!({ "email": email, "password": PASSWORD }));
        (answer.status, problem(&answer))
    };
    let (status, answer) = tries(HER);
    assert_eq!(status, 401);
    assert_eq!((status, answer), tries("nobody@example.com"));
    assert_eq!(tries(EARLIER).0, 401);
    ask(she, ("GET", "/me"), Value::Null, 401);
    let asked = ask(&mut stranger, ("POST", "/auth/login/passkey/start"), Value::Null, 200);
    let credential = keys.passkey.clone().get(&asked["publicKey"]);
    let answer = json!({ "ceremony": asked["ceremony"], "credential": credential });
    ask(&mut stranger, ("POST", "/auth/login/passkey/finish"), answer, 401);
}

fn her_friend_goes_on(app: &TestApp) {
    let (mut friend, _) = app.log_in(FRIEND, PASSWORD);
    assert_eq!(get(&mut friend, "/orgs/acme")["role"], "owner");
    let members = get(&mut friend, "/orgs/acme/members");
    assert_eq!(members["members"].as_array().map(Vec::len), Some(1), "{members}");
    let activity = get(&mut friend, "/orgs/acme/activity?limit=100");
    let founded = activity["events"].as_array().expect("events").iter().find(|e| e["kind"] == "organization.created");
    assert_eq!(founded.expect("what happened stays")["by"]["who"], "another", "{activity}");
}

fn somebody_else_gets_the_address(app: &TestApp, her_id: &str) {
    let mut heir = app.browser();
    let wanted = json!({ "email": HER, "password": "nine patient otters", "name": "Otto" });
    ask(&mut heir, ("POST", "/auth/signup"), wanted, 202);
    proves(app, &mut heir, HER);
    ask(&mut heir, ("POST", "/auth/login"), json!({ "email": HER, "password": "nine patient otters" }), 200);
    let me = get(&mut heir, "/me");
    assert_ne!(me["id"], her_id);
    assert_eq!((&me["name"], &me["organizations"]), (&json!("Otto"), &json!([])));
    assert_eq!(factors(&mut heir), json!([false, 0, 0]));
    let activity = get(&mut heir, "/me/activity?limit=100");
    assert!(!activity.to_string().contains("organization.created"), "{activity}");
}
