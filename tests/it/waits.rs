//! What somebody could guess costs time, and costs strangers more of it than the owner.

use chrono::TimeDelta;
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use serde_json::{Value, json};
use vestibule::db;
use vestibule::kernel::Origin;
use vestibule::throttle;

use crate::support::TestApp;
use crate::support::authenticator::{Authenticator, set_up, wrong_code};
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::{PASSWORD, code, sign_in};

const ANN: &str = "ann@example.com";
const BOB: &str = "bob@example.com";

/// A browser that nobody knows, on a network of its own.
fn from(app: &TestApp, address: &str) -> Browser {
    app.browser().with_header("X-Forwarded-For", address)
}

fn log_in(browser: &mut Browser, email: &str, password: &str) -> Page {
    browser.api("POST", "/auth/login", json!({ "email": email, "password": password }))
}

/// Strangers from many networks guess until the account waits.
fn guess_from_many_networks(app: &TestApp, email: &str) {
    let statuses: Vec<u16> =
        (1..=12).map(|n| log_in(&mut from(app, &format!("198.51.100.{n}")), email, "a guess").status).collect();
    assert_eq!(statuses[..5], [401; 5]);
    assert_eq!(statuses[5..], [429; 7]);
}

/// Somebody who has an authenticator app.
fn protected(app: &TestApp, email: &str) -> Authenticator {
    set_up(app, &mut app.verified(email)).0
}

#[test]
fn strangers_from_many_networks_do_not_stop_the_owner_who_has_a_second_factor() {
    let app = TestApp::start();
    let authenticator = protected(&app, ANN);
    app.verified(BOB);
    guess_from_many_networks(&app, ANN);
    guess_from_many_networks(&app, BOB);
    let (mut ann, mut bob) = (from(&app, "203.0.113.1"), from(&app, "203.0.113.2"));
    assert_eq!(code(&log_in(&mut bob, BOB, PASSWORD)), "rate_limited", "with the password alone one waits");
    assert_eq!(code(&log_in(&mut ann, ANN, PASSWORD)), "mfa_required");
    let right = json!({ "code": authenticator.code(&app) });
    assert_eq!(ann.api("POST", "/auth/login/totp", right).status, 200);
}

#[test]
fn the_owner_with_a_second_factor_gets_in_by_the_pages_too() {
    let app = TestApp::start();
    let authenticator = protected(&app, ANN);
    guess_from_many_networks(&app, ANN);
    let mut ann = from(&app, "203.0.113.1");
    let page = sign_in(&mut ann, ANN, "a slip");
    assert_eq!(page.status, 429);
    assert!(page.has("Too many attempts. Try again in 30 seconds."), "{}", page.text());
    assert_eq!(sign_in(&mut ann, ANN, PASSWORD).status, 303);
    ann.follow();
    let page = ann.submit("/login/second-factor", &[("code", &authenticator.code(&app))]);
    assert_eq!((page.status, page.location().unwrap().path()), (303, "/"));
}

#[test]
fn while_an_account_waits_a_stranger_learns_neither_of_it_nor_of_its_second_factor() {
    let app = TestApp::start();
    protected(&app, ANN);
    app.verified(BOB);
    let accounts = [ANN, BOB, "nobody@example.com"];
    for email in accounts {
        guess_from_many_networks(&app, email);
    }
    let told = |email: &str| {
        let answers = (1..=7).map(|_| {
            let answer = log_in(&mut from(&app, "203.0.113.9"), email, "a guess");
            let mut body: Value = answer.json();
            body["request_id"] = Value::Null;
            (answer.status, answer.header("retry-after").map(str::to_owned), body)
        });
        answers.collect::<Vec<_>>()
    };
    let of_ann = told(ANN);
    assert_eq!(of_ann[0].0, 429);
    assert_eq!(of_ann, told(BOB));
    assert_eq!(of_ann, told("nobody@example.com"));
    let failed = "SELECT count(*) AS n FROM audit_events WHERE kind = 'signin.failed'";
    assert_eq!(app.count(failed), 3 * (12 + 5), "each that was looked at is written down");
}

#[test]
fn whoever_has_failed_here_waits_whatever_second_factor_there_is() {
    let app = TestApp::start();
    protected(&app, ANN);
    let mut guesser = from(&app, "203.0.113.1");
    for _ in 0..5 {
        assert_eq!(log_in(&mut guesser, ANN, "a guess").status, 401);
    }
    for wait in ["30", "60", "120"] {
        let answer = log_in(&mut guesser, ANN, PASSWORD);
        assert_eq!((answer.status, answer.header("retry-after")), (429, Some(wait)));
        app.clock().advance(TimeDelta::seconds(wait.parse().unwrap()));
        log_in(&mut guesser, ANN, "a guess");
    }
    assert_eq!(code(&log_in(&mut from(&app, "203.0.113.2"), ANN, PASSWORD)), "mfa_required", "elsewhere one need not");
    // The same network as far as it can be told.
    let mut neighbours = ["2001:db8:1:2::1", "2001:db8:1:2::ffff"].map(|address| from(&app, address));
    for _ in 0..5 {
        assert_eq!(log_in(&mut neighbours[0], ANN, "a guess").status, 429);
    }
    assert_eq!(log_in(&mut neighbours[1], ANN, PASSWORD).status, 429);
    assert_eq!(code(&log_in(&mut from(&app, "2001:db8:1:3::1"), ANN, PASSWORD)), "mfa_required");
}

#[test]
fn a_thousand_guesses_at_once_are_a_thousand_attempts() {
    let app = TestApp::with(&[("limits.login_per_network", "2000 per 15m")]);
    app.verified(ANN);
    let answers: Vec<Page> = std::thread::scope(|scope| {
        let crowd = (0..20).map(|n| {
            let app = &app;
            scope.spawn(move || {
                let mut stranger = from(app, &format!("198.51.100.{n}"));
                (0..50).map(|_| log_in(&mut stranger, ANN, "a guess")).collect::<Vec<_>>()
            })
        });
        crowd.collect::<Vec<_>>().into_iter().flat_map(|stranger| stranger.join().unwrap()).collect()
    });
    let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(401), count(429)), (5, 995));
    let longest = answers.iter().filter_map(|answer| answer.header("retry-after")?.parse::<i64>().ok()).max();
    assert_eq!(longest, Some(30), "what is turned away makes nobody wait longer");
    let counted = "SELECT attempts::bigint AS n FROM throttles WHERE scope = 'login.account'
        AND subject = sha256('ann@example.com')";
    assert_eq!(app.count(counted), 5);
}

#[test]
fn waits_grow_to_an_hour_and_no_further_and_a_quiet_time_ends_them() {
    let app = TestApp::start();
    app.verified(ANN);
    for _ in 0..5 {
        assert_eq!(log_in(&mut app.browser(), ANN, "a guess").status, 401);
    }
    let mut waits = Vec::new();
    for _ in 0..10 {
        let answer = log_in(&mut app.browser(), ANN, "a guess");
        let wait: i64 = answer.header("retry-after").unwrap().parse().unwrap();
        waits.push(wait);
        app.clock().advance(TimeDelta::seconds(wait));
        assert_eq!(log_in(&mut app.browser(), ANN, "a guess").status, 401, "after the wait one may try again");
    }
    assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
    app.clock().advance(TimeDelta::hours(1) + TimeDelta::minutes(15));
    for _ in 0..5 {
        assert_eq!(log_in(&mut app.browser(), ANN, "a guess").status, 401);
    }
    assert_eq!(log_in(&mut app.browser(), ANN, PASSWORD).header("retry-after"), Some("30"), "from the beginning");
}

/// The wait lasted until the clock was where it had been.
#[test]
fn a_clock_that_is_set_back_makes_nobody_wait_for_long() {
    let app = TestApp::start();
    app.verified(ANN);
    for _ in 0..5 {
        log_in(&mut app.browser(), ANN, "a guess");
    }
    app.clock().advance(TimeDelta::days(-1));
    let wait: i64 = log_in(&mut app.browser(), ANN, PASSWORD).header("retry-after").unwrap().parse().unwrap();
    assert_eq!(wait, 30);
    app.clock().advance(TimeDelta::seconds(30));
    assert_eq!(log_in(&mut app.browser(), ANN, PASSWORD).status, 200);
}

/// Each of these is guarded, and every page says for how long one has to wait.
#[test]
fn whatever_can_be_tried_again_and_again_waits_and_the_page_says_how_long() {
    let app = TestApp::with(&[("limits.login_per_network", "3 per 15m"), ("limits.login_per_account", "3 per 15m")]);
    let authenticator = protected(&app, ANN);
    let wrong = wrong_code(&app, &authenticator);
    app.clock().advance(TimeDelta::hours(2));
    let waits = |page: &Page, what: &str| {
        assert_eq!((page.status, page.header("retry-after")), (429, Some("30")), "{what}: {}", page.text());
        assert!(page.has("Too many attempts. Try again in 30 seconds."), "{what}: {}", page.text());
        assert!(page.title().starts_with("Error: ") || page.title().starts_with("Too many attempts"), "{what}");
    };
    let repeat = |browser: &mut Browser, page: &str, action: &str, fields: &[(&str, &str)]| {
        for _ in 0..3 {
            browser.get(page);
            let answer = browser.submit(action, fields);
            assert_ne!(answer.status, 429, "{action}: {}", answer.text());
        }
        browser.get(page);
        let answer = browser.submit(action, fields);
        waits(&answer, action);
    };
    let credentials = [("email", "nobody@example.com"), ("password", "a guess")];
    repeat(&mut from(&app, "203.0.113.1"), "/login", "/login", &credentials);
    repeat(&mut from(&app, "203.0.113.2"), "/forgot-password", "/forgot-password", &[("email", "nobody@example.com")]);
    let weak = [("email", "new@example.com"), ("name", ""), ("password", "password")];
    repeat(&mut from(&app, "203.0.113.3"), "/signup", "/signup", &weak);

    let mut ann = from(&app, "203.0.113.4");
    assert_eq!(sign_in(&mut ann, ANN, PASSWORD).status, 303);
    repeat(&mut ann, "/login/second-factor", "/login/second-factor", &[("code", &wrong)]);
    let mut ann = from(&app, "203.0.113.5");
    assert_eq!(sign_in(&mut ann, ANN, PASSWORD).status, 303);
    let recovery = "/login/second-factor?with=recovery-code";
    repeat(&mut ann, recovery, "/login/second-factor", &[("code", "AAAA-AAAA-AAAA")]);

    app.clock().advance(TimeDelta::hours(2));
    let mut ann = from(&app, "203.0.113.6");
    sign_in(&mut ann, ANN, PASSWORD);
    ann.follow();
    assert_eq!(ann.submit("/login/second-factor", &[("code", &authenticator.code(&app))]).status, 303);
    repeat(&mut ann.unknown(), "/confirm", "/confirm", &[("password", "a guess")]);
}

#[test]
fn a_new_password_by_letter_lifts_the_waits_of_its_account() {
    let app = TestApp::start();
    app.verified(ANN);
    guess_from_many_networks(&app, ANN);
    let mut ann = from(&app, "203.0.113.1");
    for _ in 0..6 {
        log_in(&mut ann, ANN, "a slip");
    }
    ann.api("POST", "/auth/forgot-password", json!({ "email": ANN }));
    ann.get(&app.mail().to(ANN).link());
    assert_eq!(ann.submit("/reset-password", &[("new_password", "nine patient otters")]).status, 303);
    assert_eq!(log_in(&mut ann, ANN, "nine patient otters").status, 200);
    assert_eq!(log_in(&mut from(&app, "203.0.113.2"), ANN, "nine patient otters").status, 200);
}

fn forget_old_attempts(app: &TestApp) {
    let (limits, origin) = (app.app.settings.limits.clone(), Origin::system("a test"));
    let forget = app.app.db.write(&origin, move |tx| throttle::forget_old(tx, &limits, 1_000));
    let forgotten: Result<usize, db::Error> = actix_web::rt::System::new().block_on(forget);
    forgotten.expect("a round");
}

#[test]
fn old_attempts_are_forgotten_and_those_that_count_are_not() {
    let app = TestApp::start();
    app.verified(ANN);
    let forget = || forget_old_attempts(&app);
    for _ in 0..13 {
        app.clock().advance(TimeDelta::hours(1));
        log_in(&mut from(&app, "203.0.113.1"), ANN, "a guess");
    }
    let counts = "SELECT count(*) AS n FROM throttles WHERE scope LIKE 'login.%' AND attempts > 0";
    assert_eq!(app.count(counts), 3);
    forget();
    assert_eq!(app.count(counts), 3, "an hour ago");
    app.clock().advance(TimeDelta::hours(2) - TimeDelta::seconds(1));
    forget();
    assert_eq!(app.count(counts), 3);
    app.clock().advance(TimeDelta::seconds(1));
    forget();
    assert_eq!(app.count(counts), 0);
}

/// Each could be for another account; a database must not fill with people who do not exist.
#[test]
fn whoever_is_turned_away_leaves_nothing_behind_for_whomever_they_come() {
    let app = TestApp::with(&[("limits.login_per_network", "2 per 15m")]);
    let mut stranger = from(&app, "203.0.113.1");
    for n in 0..2 {
        assert_eq!(log_in(&mut stranger, &format!("{n}@example.com"), "a guess").status, 401);
    }
    let rows = "SELECT count(*) AS n FROM throttles";
    let before = app.count(rows);
    for n in 2..12 {
        assert_eq!(log_in(&mut stranger, &format!("{n}@example.com"), "a guess").status, 429);
    }
    assert_eq!(app.count(rows), before);
}

/// Nobody is held up by a crowd that waits: the owner's attempt would queue behind each of them.
#[test]
fn whoever_is_turned_away_holds_nobody_up() {
    let app = TestApp::with(&[("limits.login_per_network", "1 per 15m")]);
    let mut stranger = from(&app, "203.0.113.1");
    assert_eq!(log_in(&mut stranger, ANN, "a guess").status, 401);
    let mut holder = PgConnection::establish(app.database_url()).unwrap();
    holder.batch_execute("BEGIN; SELECT 1 FROM throttles FOR UPDATE").unwrap();
    assert_eq!(log_in(&mut stranger, ANN, "a guess").status, 429);
    holder.batch_execute("COMMIT").unwrap();
}

/// Somebody has the password. Five guesses every quarter of an hour would be right within two years.
#[test]
fn six_digits_are_guessed_afresh_after_a_quiet_day_and_no_earlier() {
    let app = TestApp::start();
    let authenticator = protected(&app, ANN);
    let half_in = || {
        let mut browser = from(&app, "203.0.113.1");
        assert_eq!(code(&log_in(&mut browser, ANN, PASSWORD)), "mfa_required");
        browser
    };
    let guess = |browser: &mut Browser| {
        let wrong = json!({ "code": wrong_code(&app, &authenticator) });
        let answer = browser.api("POST", "/auth/login/totp", wrong);
        (answer.status, answer.header("retry-after").map(str::to_owned))
    };
    let waits = |seconds: &str| (429, Some(seconds.to_owned()));
    let mut guesser = half_in();
    for _ in 0..5 {
        assert_eq!(guess(&mut guesser), (401, None));
    }
    assert_eq!(guess(&mut guesser), waits("30"));
    app.clock().advance(TimeDelta::hours(23));
    forget_old_attempts(&app);
    let mut guesser = half_in();
    assert_eq!(guess(&mut guesser), (401, None));
    assert_eq!(guess(&mut guesser), waits("60"), "what was guessed before still counts");
    app.clock().advance(TimeDelta::days(1) + TimeDelta::minutes(1));
    let mut guesser = half_in();
    for _ in 0..5 {
        assert_eq!(guess(&mut guesser), (401, None));
    }
    assert_eq!(guess(&mut guesser), waits("30"));
    app.clock().advance(TimeDelta::seconds(30));
    let right = json!({ "code": authenticator.code(&app) });
    assert_eq!(guesser.api("POST", "/auth/login/totp", right).status, 200, "whoever has it gets in");
}
