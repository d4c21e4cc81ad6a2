//! Signing in with passwords whose hashes were made elsewhere.

use std::thread;

use serde_json::json;

use super::{BCRYPT, import_lines};
use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::PASSWORD;

/// All of [`PASSWORD`], one of each form; where they come from stands beside the vectors of `crypto`.
const HASHES: [&str; 14] = [
    BCRYPT,
    "$2a$05$kDQREfauoYTx3JWsalTHa.4L9tPV.rEi2CsPzx31SYFkcfB5JBRRS",
    "$2y$05$g1eBRCBGwpeveOk7HFVOFu/YZOMgEA0DYL2vmIDPKgszrwmgKkS8q",
    "$argon2i$v=19$m=256,t=3,p=4$/Sm3yibQ6RnSntLYPYDQsA$Yc/6mpRI71QMUymOOsxNv/4oniE1uh7KLHLIoDMzEvo",
    "$argon2d$v=19$m=256,t=3,p=4$7fX2UWVSgqQx7S6Mv0mC3A$ObpuGOfmCAQ0Ltufx4xnycrUyE47BE64QGvKvesUY7U",
    "$argon2id$v=19$m=256,t=3,p=4$GqwXkIV7l6iuK19inL/gDg$dYUZ7oxnV30J7TtIRWmn+qr7D6rAYopjOzWU1craRj8",
    "$argon2id$v=19$m=32768,t=1,p=1$WyzkMbPyOWhvk6rJUvoxnA$tUFldxqmio76qjA6wQYXxO6R6XEednoh9OUrrsFtBPk",
    "argon2$argon2id$v=19$m=102400,t=2,p=8$c2Vhc2FsdDIwMjR4$XO66de0joCVPpZfugI8qRzy3FN3mkSsb109o/UberfA",
    "$scrypt$ln=10,r=8,p=2$43wvJeQ8R2jN+R9j7J1TCg$u+oEIYjICrn0oKpmg6NIZru+D1Y2veAcdawUPr0H1CM",
    "$7$86..../....GYMwxlirlXJuba1Vai2FsA$GLcJTmigG2QE6.5WoH/S7Up7REnG3UmA.oCBO76oBx7",
    "$pbkdf2-sha256$1000$GSPk3Nsb49z7vzdmrFWKcQ$mcydl3tUe25is5zbkRZieuQRhLLKaOXvQEFFobOAyUw",
    "$pbkdf2-sha512$i=1000,l=64$c2FsdHNhbHRzYWx0c2FsdA$PXeYkVVuwEg/2ZBt71kPmugpPjXH9f1NlbfZdDscVWBgLzZMbmOX5O4kx5r3le2AEvkU02zwHvMJMK+IX4zWWg",
    "pbkdf2_sha256$1000$seasalt2024x$FrkuEDg1exTg8rMgwnMGc67s9qpr2GldGmsy8dsVrpE=",
    "pbkdf2_sha1$1000$seasalt2024x$zdHZBGB+Bmm/ckVXsktA33ZtaQQ=",
];

fn bring(app: &TestApp, email: &str, hash: &str) {
    let person = json!({ "email": email, "name": "Ann Lee", "password_hash": hash, "email_verified": true });
    let ended = import_lines(app, format!("{person}\n"));
    assert_eq!(ended.code, 0, "{}", ended.err);
}

/// Of the place `n`, so that nobody waits for another's failures.
fn log_in(app: &TestApp, n: usize, email: &str, password: &str) -> (Browser, Page) {
    let mut browser = app.browser().with_header("X-Forwarded-For", &format!("192.0.2.{n}"));
    let answer = browser.api("POST", "/auth/login", json!({ "email": email, "password": password }));
    (browser, answer)
}

fn stored(app: &TestApp, email: &str) -> String {
    app.text(&format!("SELECT password_hash AS t FROM users WHERE email = '{email}'"))
}

#[test]
fn every_kind_of_hash_signs_its_person_in_and_is_ours_from_then_on() {
    let app = TestApp::start();
    let of_today = format!(
        "$argon2id$v=19$m={},t={},p={}$",
        app.app.settings.password.memory_kib,
        app.app.settings.password.iterations,
        app.app.settings.password.parallelism
    );
    for (n, hash) in HASHES.into_iter().enumerate() {
        let email = format!("ann{n}@example.com");
        bring(&app, &email, hash);
        let (_, wrong) = log_in(&app, n, &email, "velvet orbit Canoe");
        assert_eq!((wrong.status, stored(&app, &email).as_str()), (401, hash));
        let (_, empty) = log_in(&app, n, &email, "");
        assert_ne!(empty.status, 200, "{hash}");

        let (_, first) = log_in(&app, n, &email, PASSWORD);
        assert_eq!(first.status, 200, "{hash}: {}", first.text());
        let ours = stored(&app, &email);
        assert!(ours.starts_with(&of_today), "{hash} became {ours}");
        let (_, wrong) = log_in(&app, n, &email, "velvet orbit Canoe");
        let (_, second) = log_in(&app, n, &email, PASSWORD);
        assert_eq!((wrong.status, second.status), (401, 200), "{hash}");
        assert_eq!(stored(&app, &email), ours);
    }
}

#[test]
fn two_first_sign_ins_at_the_same_time_both_succeed() {
    let app = TestApp::start();
    bring(&app, "ann@example.com", BCRYPT);
    let statuses = thread::scope(|scope| {
        let all = [1, 2, 3].map(|n| {
            let app = &app;
            scope.spawn(move || log_in(app, n, "ann@example.com", PASSWORD).1.status)
        });
        all.map(|one| one.join().unwrap())
    });
    assert_eq!(statuses, [200; 3]);
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'signin.failed'"), 0);
}

#[test]
fn confirming_with_the_password_makes_the_hash_ours_as_well() {
    let app = TestApp::start();
    let mut ann = app.verified("ann@example.com");
    // As if she had come by a mailed link since she was brought over.
    app.execute(&format!("UPDATE users SET password_hash = '{BCRYPT}'"));
    let wrong = ann.api("POST", "/auth/confirm", json!({ "password": "velvet orbit Canoe" }));
    assert_eq!((wrong.status, stored(&app, "ann@example.com").as_str()), (401, BCRYPT));
    ann.confirm();
    assert!(stored(&app, "ann@example.com").starts_with("$argon2id$v=19$"));
}

#[test]
fn somebody_brought_over_is_what_the_file_says_and_whoever_has_no_password_chooses_one_by_a_letter() {
    let app = TestApp::start();
    let file = json!({ "email": "Bob@Example.com", "email_verified": true, "created_at": "2019-03-04T05:06:07Z" });
    assert_eq!(import_lines(&app, format!("{file}\n")).code, 0);
    let mut browser = app.browser();
    assert_eq!(browser.api("POST", "/auth/forgot-password", json!({ "email": "bob@example.com" })).status, 202);
    let token = crate::support::people::token_in(&app.mail().to("Bob@example.com").link());
    let chosen = json!({ "token": token, "new_password": PASSWORD });
    assert_eq!(browser.api("POST", "/auth/reset-password", chosen).status, 204);
    let (mut bob, answer) = log_in(&app, 1, "bob@example.com", PASSWORD);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let me: serde_json::Value = bob.api("GET", "/me", serde_json::Value::Null).json();
    assert_eq!((&me["email"], &me["email_verified"]), (&json!("Bob@example.com"), &json!(true)));
    assert_eq!((&me["name"], &me["created_at"]), (&json!(""), &json!("2019-03-04T05:06:07Z")));
}

#[test]
fn somebody_disabled_or_unproved_there_is_so_here() {
    let app = TestApp::start();
    let file = format!(
        "{}\n{}\n",
        json!({ "email": "dora@example.com", "password_hash": BCRYPT, "email_verified": true, "disabled": true }),
        json!({ "email": "eve@example.com", "password_hash": BCRYPT, "email_verified": false, "name": "Eve" }),
    );
    assert_eq!(import_lines(&app, file).code, 0);
    assert_eq!(log_in(&app, 1, "dora@example.com", PASSWORD).1.status, 401);
    let (mut eve, answer) = log_in(&app, 2, "eve@example.com", PASSWORD);
    assert_eq!(answer.status, 200);
    let me: serde_json::Value = eve.api("GET", "/me", serde_json::Value::Null).json();
    assert_eq!((&me["email_verified"], &me["name"]), (&json!(false), &json!("Eve")));
    assert_eq!(app.count("SELECT count(*) AS n FROM mail_outbox"), 0, "nobody is written to");
    // They wait for their people, and are not cleared away like what a stranger has left.
    assert_eq!(app.count("SELECT count(*) AS n FROM users WHERE came_by = 'operator' AND NOT is_admin"), 2);
}
