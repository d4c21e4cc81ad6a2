//! Forgotten passwords: asking for a link, choosing a new password by it, and what strangers cannot do with either.

use chrono::TimeDelta;
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use serde_json::{Value, json};

use crate::support::browser::Browser;
use crate::support::people::{PASSWORD, code, sign_in, token_in};
use crate::support::{TestApp, eventually};

const ANN: &str = "ann@example.com";
const NEW: &str = "saffron tunnel kite";

/// Asks by the API, and how that was answered.
fn ask(app: &TestApp, email: &str) -> u16 {
    app.browser().api("POST", "/auth/forgot-password", json!({ "email": email })).status
}

/// The token of the next letter to an address, which has to be a link for a new password.
fn mailed(app: &TestApp, email: &str) -> String {
    let letter = app.mail().to(email);
    assert!(letter.subject().contains("Choose a new password"), "{}", letter.subject());
    token_in(&letter.link())
}

fn choose(browser: &mut Browser, token: &str, password: &str) -> u16 {
    browser.api("POST", "/auth/reset-password", json!({ "token": token, "new_password": password })).status
}

/// Waits until everything that was asked for is answered, by a letter or by silence.
fn answered(app: &TestApp) {
    let waiting = "SELECT count(*) AS n FROM letter_requests";
    eventually("all requests to be answered", || (app.count(waiting) == 0).then_some(()));
}

fn letters(app: &TestApp, kind: &str) -> i64 {
    app.count(&format!("SELECT count(*) AS n FROM mail_outbox WHERE letter = '{kind}'"))
}

#[test]
fn somebody_on_the_way_to_an_app_forgot_the_password_chooses_a_new_one_and_gets_there() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut browser = app.browser();
    browser.get("/login?return_to=http%3A%2F%2Flocalhost%3A9999%2Freports");
    browser.press("Forgot your password?", &[("email", ANN)]);
    let page = browser.follow();
    assert_eq!(page.url.query(), None, "no address in a URL, which proxies write down");
    assert!(page.has("Forgot your password?"));
    let page = browser.submit("/forgot-password", &[]);
    assert_eq!(page.status, 303, "the address came along: {}", page.text());
    let page = browser.follow();
    assert!(page.has("If there is an account for ann@example.com, a letter is on its way"), "{}", page.text());

    let page = browser.get(&app.mail().to(ANN).link());
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"), "the address holds a token");
    assert!(page.has("Choose a new password") && page.answer.text().contains(ANN), "{}", page.text());
    browser.submit("/reset-password", &[("new_password", NEW)]);
    let page = browser.follow();
    assert!(page.has("Your password is changed. Sign in with the new one."), "{}", page.text());

    assert_eq!(browser.submit("/login", &[("email", ANN), ("password", PASSWORD)]).status, 401);
    let page = browser.submit("/login", &[("email", ANN), ("password", NEW)]);
    assert_eq!(page.link("Continue to localhost:9999").unwrap().as_str(), "http://localhost:9999/reports");
}

#[test]
fn the_api_walks_the_same_way() {
    let app = TestApp::start();
    app.verified(ANN);
    assert_eq!(ask(&app, "ANN@Example.com"), 202);
    let token = mailed(&app, ANN);
    let mut client = app.browser();
    let answer = client.api("POST", "/auth/reset-password", json!({ "token": token, "new_password": "password1" }));
    assert_eq!((answer.status, code(&answer).as_str()), (422, "validation"), "a weak password keeps the link");
    assert!(answer.json::<Value>()["fields"]["new_password"].is_string());
    assert_eq!(choose(&mut client, &token, NEW), 204);
    assert_eq!(client.api("GET", "/me", Value::Null).status, 401, "a reset signs nobody in");
    assert_eq!(app.log_in(ANN, PASSWORD).1.status, 401);
    assert_eq!(app.log_in(ANN, NEW).1.status, 200);
    let answer = client.api("POST", "/auth/forgot-password", json!({ "email": "no address" }));
    assert!(answer.json::<Value>()["fields"]["email"].is_string());
}

#[test]
fn a_weak_password_is_explained_in_its_place_and_keeps_the_link() {
    let app = TestApp::start();
    app.verified(ANN);
    ask(&app, ANN);
    let mut browser = app.browser();
    browser.get(&app.mail().to(ANN).link());
    let page = browser.submit("/reset-password", &[("new_password", "password1")]);
    assert_eq!((page.status, page.header("referrer-policy")), (422, Some("no-referrer")));
    assert!(page.title().starts_with("Error: "));
    assert!(page.field_error("new_password").unwrap().contains("first that anybody would try"));
    assert_eq!(browser.submit("/reset-password", &[("new_password", NEW)]).status, 303);
}

#[test]
fn an_address_without_an_account_looks_like_one_with_and_gets_no_letter() {
    let app = TestApp::start();
    app.verified(ANN);
    let page = |email: &str| {
        let mut stranger = app.browser();
        stranger.get("/forgot-password");
        let answer = stranger.submit("/forgot-password", &[("email", email)]);
        (answer.status, answer.location(), stranger.follow().text().replace(email, "…"))
    };
    let (known, unknown) = (page(ANN), page("nobody@example.com"));
    assert_eq!(known, unknown);
    let api = |email: &str| {
        let answer = app.browser().api("POST", "/auth/forgot-password", json!({ "email": email }));
        (answer.status, answer.answer.text())
    };
    assert_eq!(api(ANN), api("nobody@example.com"));
    answered(&app);
    assert_eq!(letters(&app, "reset_password"), 2);
    assert_eq!(app.count("SELECT count(*) AS n FROM mail_outbox WHERE recipient LIKE 'nobody%'"), 0);
}

/// Looking up an account, and writing to it, takes time that a stranger could measure.
#[test]
fn asking_does_not_wait_for_what_depends_on_there_being_an_account() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut other = PgConnection::establish(app.database_url()).unwrap();
    other.batch_execute("BEGIN; LOCK TABLE users, password_resets, mail_outbox, audit_events").unwrap();
    assert_eq!((ask(&app, ANN), ask(&app, "nobody@example.com")), (202, 202));
    assert_eq!(app.count("SELECT count(*) AS n FROM letter_requests"), 2);
    other.batch_execute("COMMIT").unwrap();
    mailed(&app, ANN);
    answered(&app);
    assert_eq!(letters(&app, "reset_password"), 1);
}

#[test]
fn each_request_is_answered_once_by_however_many_nodes() {
    let app = TestApp::start();
    app.verified(ANN);
    app.verified("bob@example.com");
    let _others = [app.again_with(&[]), app.again_with(&[])];
    for _ in 0..4 {
        assert_eq!((ask(&app, ANN), ask(&app, "bob@example.com")), (202, 202));
    }
    answered(&app);
    assert_eq!(letters(&app, "reset_password"), 8);
}

#[test]
fn the_letters_say_who_asked_from_where_and_what_to_do_if_it_was_somebody_else() {
    let app = TestApp::start();
    app.verified(ANN);
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
    let mut elsewhere = app.browser().with_header("X-Forwarded-For", "203.0.113.9").with_header("User-Agent", firefox);
    elsewhere.api("POST", "/auth/forgot-password", json!({ "email": ANN }));
    let asked = app.mail().to(ANN);
    let link = asked.link();
    assert_eq!(choose(&mut elsewhere, &token_in(&link), NEW), 204);
    let changed = app.mail().to(ANN);
    assert_eq!(changed.subject(), "Your password for Vestibule was changed");
    for letter in [&asked, &changed] {
        for part in [letter.text(), letter.html()] {
            for fact in ["15 January 2027, 08:00 UTC", "Firefox on Linux", "203.0.113.9", "Was this not you?", ANN] {
                assert!(part.contains(fact), "{fact} is not in\n{part}");
            }
        }
    }
    assert!(asked.text().contains("within 60 minutes"), "{}", asked.text());
    assert!(asked.html().replace("&#x2f;", "/").contains(&format!("href=\"{link}\"")), "{}", asked.html());
    let way_out = app.public_url().join("/forgot-password").unwrap();
    assert_eq!(changed.link(), way_out.as_str());
    assert!(changed.html().replace("&#x2f;", "/").contains(&format!("href=\"{way_out}\"")), "{}", changed.html());
    for kind in ["password.reset_requested", "password.reset"] {
        let traced = format!(
            "SELECT count(*) AS n FROM audit_events \
             WHERE kind = '{kind}' AND address = '203.0.113.9' AND user_agent LIKE '%Firefox%' AND subject_id IS NOT NULL"
        );
        assert_eq!(app.count(&traced), 1, "{kind}");
    }
}

#[test]
fn a_reset_ends_every_session_and_every_other_link() {
    let app = TestApp::start();
    let mut desk = app.verified(ANN);
    let (mut phone, _) = app.log_in(ANN, PASSWORD);
    let mut bob = app.verified("bob@example.com");
    assert_eq!((ask(&app, ANN), ask(&app, ANN)), (202, 202));
    let (first, second) = (mailed(&app, ANN), mailed(&app, ANN));
    assert_eq!(choose(&mut app.browser(), &first, NEW), 204, "asking again does not spoil the earlier link");
    for (browser, status) in [(&mut desk, 401), (&mut phone, 401), (&mut bob, 200)] {
        assert_eq!(browser.api("GET", "/me", Value::Null).status, status);
    }
    assert_eq!(choose(&mut app.browser(), &second, "velvet kettle moss"), 410, "the other one ended with it");
    assert_eq!(app.log_in(ANN, NEW).1.status, 200);
}

#[test]
fn a_link_that_was_used_offers_a_new_one() {
    let app = TestApp::start();
    app.verified(ANN);
    ask(&app, ANN);
    let link = app.mail().to(ANN).link();
    let (mut one_tab, mut other_tab) = (app.browser(), app.browser());
    one_tab.get(&link);
    other_tab.get(&link);
    assert_eq!(one_tab.submit("/reset-password", &[("new_password", NEW)]).status, 303);
    let page = other_tab.submit("/reset-password", &[("new_password", "velvet kettle moss")]);
    assert_eq!((page.status, page.header("referrer-policy")), (410, Some("no-referrer")));
    assert_eq!(one_tab.get(&link).status, 410);
    let page = one_tab.click("Send me a new link");
    assert!(page.form("/forgot-password").is_some());
    let answer = one_tab.api("POST", "/auth/reset-password", json!({ "token": token_in(&link), "new_password": NEW }));
    assert_eq!((answer.status, code(&answer).as_str()), (410, "gone"));
}

#[test]
fn one_link_used_by_several_requests_at_once_changes_the_password_once() {
    let app = TestApp::start();
    app.verified(ANN);
    ask(&app, ANN);
    let token = mailed(&app, ANN);
    let passwords: Vec<String> = (0..4).map(|n| format!("{NEW} number {n}")).collect();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let posts: Vec<_> =
            passwords.iter().map(|password| scope.spawn(|| choose(&mut app.browser(), &token, password))).collect();
        posts.into_iter().map(|post| post.join().unwrap()).collect()
    });
    let opens: Vec<u16> =
        passwords.iter().map(|password| if app.log_in(ANN, password).1.status == 200 { 204 } else { 410 }).collect();
    assert_eq!(statuses, opens, "who was told that it worked has the password that works");
    assert_eq!(statuses.iter().filter(|status| **status == 204).count(), 1, "{statuses:?}");
    assert_eq!(letters(&app, "password_changed"), 1);
}

#[test]
fn two_links_of_one_person_used_at_once_change_the_password_once() {
    let app = TestApp::start();
    app.verified(ANN);
    assert_eq!((ask(&app, ANN), ask(&app, ANN)), (202, 202));
    let tokens = [mailed(&app, ANN), mailed(&app, ANN)];
    let mut statuses = std::thread::scope(|scope| {
        let posts = tokens.each_ref().map(|token| scope.spawn(|| choose(&mut app.browser(), token, NEW)));
        posts.map(|post| post.join().unwrap())
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 410]);
}

#[test]
fn looking_at_a_reset_link_uses_nothing_up() {
    let app = TestApp::start();
    app.verified(ANN);
    ask(&app, ANN);
    let link = app.mail().to(ANN).link();
    for _ in 0..3 {
        assert_eq!(app.browser().get(&link).status, 200, "a mail scanner fetches it");
    }
    let mut browser = app.browser();
    browser.get(&link);
    assert_eq!(browser.submit("/reset-password", &[("new_password", NEW)]).status, 303);
}

#[test]
fn a_reset_link_ends_after_an_hour() {
    let app = TestApp::start();
    app.verified(ANN);
    ask(&app, ANN);
    let link = app.mail().to(ANN).link();
    let mut browser = app.browser();
    app.clock().advance(TimeDelta::minutes(59));
    assert_eq!(browser.get(&link).status, 200);
    app.clock().advance(TimeDelta::minutes(1));
    let page = browser.submit("/reset-password", &[("new_password", NEW)]);
    assert_eq!(page.status, 410);
    assert!(page.has("It works once, for 1 hour."), "{}", page.text());
    assert_eq!(app.log_in(ANN, PASSWORD).1.status, 200, "nothing was changed");
}

#[test]
fn how_long_a_reset_link_works_can_be_set() {
    let app = TestApp::with(&[("accounts.reset_ttl", "10m")]);
    app.verified(ANN);
    ask(&app, ANN);
    let letter = app.mail().to(ANN);
    assert!(letter.text().contains("within 10 minutes"), "{}", letter.text());
    app.clock().advance(TimeDelta::minutes(10));
    assert_eq!(app.browser().get(&letter.link()).status, 410);
}

#[test]
fn only_the_digest_of_a_reset_link_is_stored() {
    let app = TestApp::start();
    app.verified(ANN);
    ask(&app, ANN);
    let token = mailed(&app, ANN);
    let everywhere = "SELECT count(*) AS n FROM password_resets r, mail_outbox m, audit_events a \
                      WHERE (r::text || m::text || a::text) LIKE '%TOKEN%'";
    assert_eq!(app.count(&everywhere.replace("TOKEN", &token)), 0);
}

/// The attacker signs up with the victim's address and waits; the victim is told "you have an account" and resets.
#[test]
fn a_reset_proves_the_address_and_takes_everything_from_whoever_signed_up_before() {
    let app = TestApp::start();
    let mut attacker = app.unverified("victim@example.com");
    let planted = app.mail().to("victim@example.com").link();
    ask(&app, "victim@example.com");
    assert_eq!(choose(&mut app.browser(), &mailed(&app, "victim@example.com"), NEW), 204);

    assert_eq!(attacker.api("GET", "/me", Value::Null).status, 401, "their session has ended");
    assert_eq!(app.log_in("victim@example.com", PASSWORD).1.status, 401, "their password is gone");
    assert_eq!(attacker.get(&planted).status, 410, "the link of their sign-up is worth nothing");
    let (_, answer) = app.log_in("victim@example.com", NEW);
    let user = &answer.json::<Value>()["user"];
    assert_eq!((&user["email_verified"], &user["name"]), (&json!(true), &json!("")), "nor does their name stay");
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'email.verified'"), 1);
}

#[test]
fn somebody_who_has_proved_their_address_keeps_their_name() {
    let app = TestApp::start();
    app.verified(ANN);
    ask(&app, ANN);
    choose(&mut app.browser(), &mailed(&app, ANN), NEW);
    let (_, answer) = app.log_in(ANN, NEW);
    assert_eq!(answer.json::<Value>()["user"]["name"], "Ann Lee");
}

#[test]
fn a_disabled_account_gets_no_letter_and_its_links_are_worth_nothing() {
    let app = TestApp::start();
    app.verified(ANN);
    ask(&app, ANN);
    let token = mailed(&app, ANN);
    app.execute("UPDATE users SET disabled_at = now()");
    assert_eq!(ask(&app, ANN), 202);
    answered(&app);
    assert_eq!(letters(&app, "reset_password"), 1, "the one from before");
    assert_eq!(choose(&mut app.browser(), &token, NEW), 410);
    app.execute("UPDATE users SET disabled_at = NULL");
    assert_eq!(app.log_in(ANN, PASSWORD).1.status, 200);
}

#[test]
fn strangers_failures_do_not_keep_the_owner_out_after_a_reset() {
    let app = TestApp::start();
    app.verified(ANN);
    for _ in 0..5 {
        assert_eq!(app.log_in(ANN, "wrong").1.status, 401);
    }
    assert_eq!(app.log_in(ANN, PASSWORD).1.status, 429);
    ask(&app, ANN);
    assert_eq!(choose(&mut app.browser(), &mailed(&app, ANN), NEW), 204);
    assert_eq!(app.log_in(ANN, NEW).1.status, 200);
}

#[test]
fn sign_ups_by_strangers_do_not_use_up_the_owners_way_back_in() {
    let app = TestApp::start();
    app.verified(ANN);
    for _ in 0..8 {
        app.signed_up(ANN);
    }
    assert_eq!(letters(&app, "already_registered"), 4, "the fifth letter was the first sign-up's");
    ask(&app, ANN);
    answered(&app);
    assert_eq!(letters(&app, "reset_password"), 1);
}

#[test]
fn one_mailbox_gets_only_so_many_reset_letters_and_nobody_is_told() {
    let app = TestApp::start();
    app.verified(ANN);
    let answers = |email: &str| -> Vec<u16> { (0..8).map(|_| ask(&app, email)).collect() };
    assert_eq!((answers(ANN), answers("nobody@example.com")), (vec![202; 8], vec![202; 8]));
    answered(&app);
    assert_eq!(letters(&app, "reset_password"), 5);
    let token = mailed(&app, ANN);
    assert_eq!(choose(&mut app.browser(), &token, NEW), 204, "what strangers had sent is as good to the owner");
}

#[test]
fn one_network_asks_for_only_so_many_reset_letters() {
    let app = TestApp::with(&[("limits.login_per_network", "3 per 15m")]);
    let from = |address: &str, n: usize| {
        let mut browser = app.browser().with_header("X-Forwarded-For", address);
        browser.api("POST", "/auth/forgot-password", json!({ "email": format!("user{n}@example.com") })).status
    };
    assert_eq!([0, 1, 2].map(|n| from("2001:db8:1:2::7", n)), [202; 3]);
    assert_eq!(from("2001:db8:1:2:ffff::9", 3), 429, "IPv6 is counted by its /64");
    assert_eq!(from("203.0.113.9", 3), 202, "other networks are not held up");
    let mut browser = app.browser().with_header("X-Forwarded-For", "2001:db8:1:2::7");
    browser.get("/forgot-password");
    let page = browser.submit("/forgot-password", &[("email", ANN)]);
    assert_eq!(page.status, 429);
    assert!(page.has("Too many attempts. Try again in"), "{}", page.text());
}

#[test]
fn somebody_signed_in_can_ask_too_and_has_to_sign_in_again_afterwards() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    browser.get("/forgot-password");
    browser.submit("/forgot-password", &[]);
    browser.get(&app.mail().to(ANN).link());
    browser.submit("/reset-password", &[("new_password", NEW)]);
    assert!(browser.follow().has("Sign in with the new one"));
    assert_eq!(sign_in(&mut browser, ANN, NEW).status, 303);
    let asked_by = "SELECT count(*) AS n FROM audit_events WHERE kind = 'password.reset_requested' AND \
                    actor_id = subject_id AND session_id IS NOT NULL";
    assert_eq!(app.count(asked_by), 1, "who asked is written down where it is known");
}

/// The first press ended the session that the second one's form was bound to: "nothing was changed", it said.
#[test]
fn somebody_signed_in_who_presses_twice_is_told_that_the_link_was_used() {
    let app = TestApp::start();
    let mut one_tab = app.verified(ANN);
    ask(&app, ANN);
    let link = app.mail().to(ANN).link();
    // A browser that was closed meanwhile has no cookie of before sign-in any more.
    one_tab.jar.store(app.public_url(), "vestibule_csrf=; Path=/; Max-Age=0");
    assert!(one_tab.jar.find(app.public_url(), "vestibule_csrf").is_none());
    one_tab.get(&link);
    let mut other_tab = one_tab.clone();
    assert_eq!(one_tab.submit("/reset-password", &[("new_password", NEW)]).status, 303);
    assert_eq!(other_tab.submit("/reset-password", &[("new_password", NEW)]).status, 410);
}

#[test]
fn a_form_from_elsewhere_asks_for_nothing_and_changes_nothing() {
    let app = TestApp::start();
    app.verified(ANN);
    ask(&app, ANN);
    let token = mailed(&app, ANN);
    let mut browser = app.browser();
    browser.get("/forgot-password");
    assert_eq!(browser.cross_site().submit("/forgot-password", &[("email", ANN)]).status, 403);
    let form = [("token", token.as_str()), ("new_password", NEW)];
    assert_eq!(browser.post("/reset-password", &form).status, 403, "without a form's token");
    assert_eq!(app.log_in(ANN, PASSWORD).1.status, 200);
}

/// A stranger who knows the password may have signed in as often as they liked.
#[test]
fn no_number_of_sessions_is_too_many_to_be_ended() {
    let app = TestApp::start();
    app.verified(ANN);
    app.execute(
        "INSERT INTO sessions (id, user_id, token_digest, remember, created_at, last_active_at, last_auth_at,
                               expires_at, methods, device_id)
         SELECT gen_random_uuid(), user_id, sha256(convert_to(n::text, 'UTF8')), remember, created_at, last_active_at,
                last_auth_at, expires_at, methods, gen_random_uuid()
         FROM sessions, generate_series(1, 20000) n",
    );
    assert_eq!(ask(&app, ANN), 202);
    let token = mailed(&app, ANN);
    assert_eq!(choose(&mut app.browser(), &token, NEW), 204);
    assert_eq!(app.count("SELECT count(*) AS n FROM sessions"), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM ended_sessions WHERE reason = 'password_changed'"), 20_001);
}
