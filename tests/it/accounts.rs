//! Signing up, proving an address, passwords, the profile.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::people::{PASSWORD, code, sign_in, token_in};

#[test]
fn a_person_signs_up_confirms_and_signs_in() {
    let app = TestApp::start();
    let mut browser = app.browser();
    browser.get("/signup");
    browser.submit("/signup", &[("email", "ann@example.com"), ("name", "Ann"), ("password", PASSWORD)]);
    let page = browser.follow();
    assert!(page.has("Check your mail") && page.has("ann@example.com"), "{}", page.text());

    let page = browser.get(&app.mail().to("ann@example.com").link());
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"), "the address holds a token");
    assert!(page.has("ann@example.com"));
    let page = browser.submit("/verify-email", &[]);
    assert_eq!(page.location().unwrap().path(), "/login");
    assert!(browser.follow().has("Your address is confirmed"));

    sign_in(&mut browser, "ann@example.com", PASSWORD);
    let home = browser.follow();
    assert!(home.has("Hello, Ann") && home.has("confirmed"), "{}", home.text());
}

#[test]
fn who_signs_up_on_the_way_to_an_app_comes_back_to_it_and_to_nowhere_else() {
    let app = TestApp::start();
    let wanted = "http://localhost:1/reports?a=1;2,3&b=%25%20+c";
    for (email, return_to, kept) in [
        ("ann@example.com", wanted, Some(wanted)),
        ("bob@example.com", "https://evil.example/", None),
        ("cid@example.com", "", None),
    ] {
        let mut browser = app.browser();
        browser.get("/signup");
        browser.submit("/signup", &[("email", email), ("password", PASSWORD), ("return_to", return_to)]);
        let letter = app.mail().to(email);
        assert!(!letter.text().contains("reports"), "{}", letter.text());
        browser.get(&letter.link());
        let to = browser.submit("/verify-email", &[]).location().unwrap();
        let found = to.query_pairs().find(|(name, _)| name == "return_to").map(|(_, place)| place.into_owned());
        assert_eq!(found.as_deref(), kept, "{to}");
    }
}

#[test]
fn the_api_walks_the_same_way() {
    let app = TestApp::start();
    let mut client = app.browser();
    let body = json!({ "email": "ann@example.com", "password": PASSWORD, "name": "Ann" });
    assert_eq!(client.api("POST", "/auth/signup", body).status, 202);
    let token = token_in(&app.mail().to("ann@example.com").link());
    let answer = client.api("POST", "/auth/verify-email", json!({ "token": token }));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json::<Value>()["user"]["email_verified"], true);

    let answer = client.api("POST", "/auth/login", json!({ "email": "ANN@example.com", "password": PASSWORD }));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json::<Value>()["user"]["email"], "ann@example.com");
    let me: Value = client.api("GET", "/me", Value::Null).json();
    assert_eq!((&me["name"], &me["mfa"]["totp"], &me["deletion"]), (&json!("Ann"), &json!(false), &Value::Null));
    let renamed: Value = client.api("PATCH", "/me", json!({ "name": "Ann Lee" })).json();
    assert_eq!(renamed["name"], "Ann Lee");

    assert_eq!(client.api("POST", "/auth/logout", Value::Null).status, 204);
    assert_eq!(code(&client.api("GET", "/me", Value::Null)), "unauthenticated");
}

#[test]
fn a_taken_address_looks_like_a_fresh_one_and_its_owner_gets_a_letter() {
    let app = TestApp::start();
    app.verified("ann@example.com");
    let page = |email: &str| {
        let mut stranger = app.browser();
        stranger.get("/signup");
        let answer = stranger.submit("/signup", &[("email", email), ("password", PASSWORD)]);
        (answer, stranger.follow())
    };
    let ((taken, told), (fresh, expected)) = (page("ann@example.com"), page("bob@example.com"));
    assert_eq!((taken.status, taken.location()), (fresh.status, fresh.location()));
    assert_eq!(told.text().replace("ann@", "bob@"), expected.text());
    let names = |page: &crate::support::page::Page| {
        let cookies = page.answer.headers("set-cookie");
        cookies.into_iter().map(|cookie| cookie.split('=').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&taken), names(&fresh));
    assert!(app.mail().to("bob@example.com").subject().contains("Confirm"));
    let told = app.mail().to("ann@example.com");
    assert!(told.text().contains("already"), "{}", told.text());
    let way_back = app.public_url().join("/forgot-password").unwrap();
    assert!(told.text().contains(way_back.as_str()), "who signs up twice may have forgotten more: {}", told.text());
}

#[test]
fn one_account_an_address_whatever_its_case() {
    let app = TestApp::start();
    app.verified("Ann@Example.com");
    assert_eq!(app.log_in("aNN@eXAMPLE.COM", PASSWORD).1.status, 200);
    app.signed_up("ANN@example.com");
    assert!(app.mail().to("Ann@example.com").text().contains("already"));
}

#[test]
fn two_sign_ups_at_the_same_time_make_one_account() {
    let app = TestApp::start();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| app.signed_up("ann@example.com"));
        }
    });
    assert_eq!(app.count("SELECT count(*) AS n FROM users"), 1);
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'user.created'"), 1);
}

#[test]
fn a_verification_link_works_once() {
    let app = TestApp::start();
    let mut browser = app.signed_up("ann@example.com");
    let link = app.mail().to("ann@example.com").link();
    browser.get(&link);
    assert_eq!(browser.submit("/verify-email", &[]).status, 303);
    let again = browser.get(&link);
    assert_eq!(again.status, 410);
    assert!(again.has("no longer works"));
    let answer = browser.api("POST", "/auth/verify-email", json!({ "token": token_in(&link) }));
    assert_eq!((answer.status, code(&answer).as_str()), (410, "gone"));
}

#[test]
fn one_link_used_twice_at_once_is_used_once() {
    let app = TestApp::start();
    let browser = app.signed_up("ann@example.com");
    let token = token_in(&app.mail().to("ann@example.com").link());
    let statuses = std::thread::scope(|scope| {
        let posts: Vec<_> = (0..4)
            .map(|_| {
                let (mut browser, token) = (browser.clone(), token.clone());
                scope.spawn(move || browser.api("POST", "/auth/verify-email", json!({ "token": token })).status)
            })
            .collect();
        let mut statuses: Vec<u16> = posts.into_iter().map(|post| post.join().unwrap()).collect();
        statuses.sort_unstable();
        statuses
    });
    assert_eq!(statuses, [200, 410, 410, 410]);
}

#[test]
fn looking_at_a_link_uses_nothing_up() {
    let app = TestApp::start();
    let mut browser = app.signed_up("ann@example.com");
    let link = app.mail().to("ann@example.com").link();
    for _ in 0..3 {
        assert_eq!(app.browser().get(&link).status, 200, "a mail scanner fetches it");
    }
    browser.get(&link);
    assert_eq!(browser.submit("/verify-email", &[]).status, 303);
}

#[test]
fn a_link_ends_after_a_day() {
    let app = TestApp::start();
    let mut browser = app.signed_up("ann@example.com");
    let link = app.mail().to("ann@example.com").link();
    app.clock().advance(TimeDelta::hours(24));
    assert_eq!(browser.get(&link).status, 410);
}

#[test]
fn only_the_digest_of_a_link_is_stored() {
    let app = TestApp::start();
    app.signed_up("ann@example.com");
    let token = token_in(&app.mail().to("ann@example.com").link());
    let everywhere = "SELECT count(*) AS n FROM email_verifications v, mail_outbox m, audit_events a \
                      WHERE (v::text || m::text || a::text) LIKE '%TOKEN%'";
    assert_eq!(app.count(&everywhere.replace("TOKEN", &token)), 0);
}

/// The attacker signs up with the victim's address and waits; the victim clicks.
#[test]
fn whoever_signed_up_before_the_owner_is_locked_out_when_the_owner_confirms() {
    let app = TestApp::start();
    let mut attacker = app.unverified("victim@example.com");
    let mut victim = app.browser();
    let page = victim.get(&app.mail().to("victim@example.com").link());
    assert!(page.has("You did not sign up in this browser"));

    let page = victim.submit("/verify-email", &[("password", "short")]);
    assert_eq!(page.status, 422, "a weak password does not use the link up");
    assert!(page.field_error("password").unwrap().contains("at least"));
    let page = victim.submit("/verify-email", &[("password", "saffron tunnel kite")]);
    assert_eq!(page.status, 303);

    assert_eq!(attacker.api("GET", "/me", Value::Null).status, 401, "their session has ended");
    assert_eq!(app.log_in("victim@example.com", PASSWORD).1.status, 401, "their password is gone");
    let (_, answer) = app.log_in("victim@example.com", "saffron tunnel kite");
    assert_eq!(answer.json::<Value>()["user"]["name"], "", "the name they chose for their victim is gone too");
}

#[test]
fn a_stranger_with_the_token_alone_is_asked_for_a_password() {
    let app = TestApp::start();
    app.signed_up("ann@example.com");
    let token = token_in(&app.mail().to("ann@example.com").link());
    let mut elsewhere = app.browser();
    let answer = elsewhere.api("POST", "/auth/verify-email", json!({ "token": token }));
    assert_eq!((answer.status, code(&answer).as_str()), (422, "validation"));
    assert!(answer.json::<Value>()["fields"]["password"].is_string());
    let body = json!({ "token": token, "password": PASSWORD });
    assert_eq!(elsewhere.api("POST", "/auth/verify-email", body).status, 200, "nothing was used up");
    let (_, answer) = app.log_in("ann@example.com", PASSWORD);
    assert_eq!(answer.json::<Value>()["user"]["name"], "Ann Lee", "the password of then brings the name of then");
}

/// The second sign-up is the owner's: their own letter, in their own browser.
#[test]
fn the_owner_who_signs_up_second_gets_their_own_password() {
    let app = TestApp::start();
    let mut attacker = app.unverified("victim@example.com");
    app.mail().to("victim@example.com");
    let mut victim = app.browser();
    victim.get("/signup");
    victim.submit("/signup", &[("email", "victim@example.com"), ("name", "Vic"), ("password", "saffron tunnel kite")]);
    let letter = app.mail().to("victim@example.com");
    victim.get(&letter.link());
    assert_eq!(victim.submit("/verify-email", &[]).status, 303);
    assert_eq!(attacker.api("GET", "/me", Value::Null).status, 401);
    assert_eq!(app.log_in("victim@example.com", PASSWORD).1.status, 401);
    let (_, answer) = app.log_in("victim@example.com", "saffron tunnel kite");
    assert_eq!(answer.json::<Value>()["user"]["name"], "Vic");
    let repeated = "SELECT count(*) AS n FROM audit_events WHERE kind = 'signup.repeated'";
    assert_eq!(app.count(repeated), 1, "that there were two is written down, proved address or not");
}

#[test]
fn somebody_signed_in_confirms_and_stays_signed_in() {
    let app = TestApp::start();
    let mut browser = app.unverified("ann@example.com");
    assert!(browser.get("/").has("Confirm your address"));
    assert_eq!(browser.submit("/email/verification", &[]).status, 303);
    app.mail().to("ann@example.com");
    let letter = app.mail().to("ann@example.com");
    browser.get(&letter.link());
    browser.submit("/verify-email", &[]);
    let home = browser.follow();
    assert!(home.has("Your address is confirmed"), "{}", home.text());
}

#[test]
fn letters_that_others_can_cause_are_limited() {
    let app = TestApp::start();
    for _ in 0..8 {
        app.signed_up("ann@example.com");
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM mail_outbox"), 5);
    let mut browser = app.browser();
    sign_in(&mut browser, "ann@example.com", PASSWORD);
    let answer = browser.api("POST", "/me/email/verification", Value::Null);
    assert_eq!((answer.status, code(&answer).as_str()), (429, "rate_limited"));
}

#[test]
fn a_weak_password_is_refused_with_something_to_do() {
    let app = TestApp::start();
    let mut browser = app.browser();
    browser.get("/signup");
    let page = browser.submit("/signup", &[("email", "ann@example.com"), ("password", "password1")]);
    assert_eq!(page.status, 422);
    assert!(page.title().starts_with("Error: "));
    assert!(page.field_error("password").unwrap().contains("a word or two"), "{:?}", page.field_error("password"));
    assert_eq!(page.form("/signup").unwrap().fields.iter().find(|(n, _)| n == "email").unwrap().1, "ann@example.com");
    let long = "velvet orbit canoe ".repeat(60);
    let answer = app.browser().api("POST", "/auth/signup", json!({ "email": "a@example.com", "password": long }));
    assert!(answer.json::<Value>()["fields"]["password"].as_str().unwrap().contains("1000"));
    assert_eq!(app.count("SELECT count(*) AS n FROM users"), 0);
}

#[test]
fn what_is_no_address_is_refused_in_its_place() {
    let app = TestApp::start();
    for email in ["", "ann", "ann@", "a b@example.com", "ann@example.com\r\nBcc: x@example.com", "änn@example.com"] {
        let answer = app.browser().api("POST", "/auth/signup", json!({ "email": email, "password": PASSWORD }));
        assert_eq!(answer.status, 422, "{email:?}");
        assert!(answer.json::<Value>()["fields"]["email"].is_string());
    }
}

/// Judging a password took a second, on the threads that answer everybody, however often one asked.
#[test]
fn passwords_are_judged_within_limits() {
    let app = TestApp::with(&[("limits.login_per_network", "3 per 15m")]);
    let sign_up = |password: &str| {
        app.browser().api("POST", "/auth/signup", json!({ "email": "ann@example.com", "password": password })).status
    };
    assert_eq!([sign_up("password1"), sign_up("password1"), sign_up("password1")], [422; 3]);
    assert_eq!(sign_up("password1"), 429);
    assert_eq!(sign_up(PASSWORD), 429);
}

#[test]
fn a_new_link_and_a_sign_up_at_once_do_not_wait_for_each_other() {
    let app = TestApp::with(&[("limits.mail_per_account", "100 per 1h")]);
    let ann = app.unverified("ann@example.com");
    let body = json!({ "email": "ann@example.com", "password": PASSWORD });
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let posts = (0..12).map(|n| {
            let (mut ann, mut stranger, body) = (ann.clone(), app.browser(), body.clone());
            scope.spawn(move || match n % 2 {
                0 => ann.api("POST", "/me/email/verification", Value::Null).status,
                _ => stranger.api("POST", "/auth/signup", body).status,
            })
        });
        posts.collect::<Vec<_>>().into_iter().map(|post| post.join().unwrap()).collect()
    });
    assert_eq!(statuses, [202; 12]);
}

#[test]
fn a_unicode_domain_is_kept_as_punycode() {
    let app = TestApp::start();
    let body = json!({ "email": "ann@Bücher.example", "password": PASSWORD });
    assert_eq!(app.browser().api("POST", "/auth/signup", body).status, 202);
    assert!(app.mail().to("ann@xn--bcher-kva.example").subject().contains("Confirm"));
    assert_eq!(app.log_in("ann@BÜCHER.example", PASSWORD).1.status, 200);
}

#[test]
fn a_hash_with_smaller_parameters_is_replaced_at_sign_in() {
    let app = TestApp::with(&[("password.memory_kib", "16")]);
    app.verified("ann@example.com");
    let weak = app.text("SELECT password_hash AS t FROM users");
    assert!(weak.contains("m=16,"), "{weak}");
    let grown = app.again_with(&[("password.memory_kib", "32")]);
    assert_eq!(grown.log_in("ann@example.com", PASSWORD).1.status, 200);
    let strong = grown.text("SELECT password_hash AS t FROM users");
    assert!(strong.contains("m=32,"), "{strong}");
    assert_eq!(grown.log_in("ann@example.com", PASSWORD).1.status, 200);
}

#[test]
fn nobody_signs_up_where_signing_up_is_closed() {
    let app = TestApp::with(&[("accounts.signup", "closed")]);
    let answer = app.browser().api("POST", "/auth/signup", json!({ "email": "a@example.com", "password": PASSWORD }));
    assert_eq!((answer.status, code(&answer).as_str()), (403, "forbidden"));
    assert!(!app.browser().get("/login").has("Create an account"));
}

#[test]
fn a_name_is_changed_on_the_home_page() {
    let app = TestApp::start();
    let mut browser = app.verified("ann@example.com");
    browser.get("/");
    browser.submit("/account/name", &[("name", "Ann <b>Ünal</b>")]);
    let home = browser.follow();
    assert!(home.has("Hello, Ann <b>Ünal</b>"), "{}", home.text());
    let page = browser.submit("/account/name", &[("name", "a\u{202e}b")]);
    assert_eq!(page.status, 422);
    assert!(page.field_error("name").is_some());
}

#[test]
fn everything_is_written_down() {
    let app = TestApp::start();
    let mut browser = app.verified("ann@example.com");
    app.log_in("ann@example.com", "wrong");
    browser.get("/");
    browser.submit("/logout", &[]);
    for kind in ["user.created", "email.verified", "session.opened", "signin.failed", "session.revoked"] {
        let rows = app.count(&format!("SELECT count(*) AS n FROM audit_events WHERE kind = '{kind}'"));
        assert_eq!(rows, 1, "{kind}");
    }
    let traced = "SELECT count(*) AS n FROM audit_events WHERE address IS NOT NULL AND request_id <> ''";
    assert_eq!(app.count(traced), app.count("SELECT count(*) AS n FROM audit_events"));
    assert!(app.refuses("UPDATE audit_events SET kind = 'x'").contains("never changed"));
    assert!(app.refuses("DELETE FROM audit_events").contains("never changed"));
    assert!(app.refuses("TRUNCATE audit_events").contains("never changed"));
}
