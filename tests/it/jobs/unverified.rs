//! Accounts that nobody has ever claimed.

use chrono::TimeDelta;
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use serde_json::json;

use crate::support::TestApp;
use crate::support::command::vestibule;
use crate::support::eventually;

const ANN: &str = "ann@example.com";
const BOB: &str = "bob@example.com";
const WEEK: TimeDelta = TimeDelta::days(7);

fn people(app: &TestApp) -> i64 {
    app.count("SELECT count(*) AS n FROM users")
}

#[test]
fn an_account_whose_address_nobody_has_proved_is_gone_after_a_week_and_the_address_is_free() {
    let app = TestApp::start();
    app.verified(BOB);
    app.unverified(ANN);
    drop(app.mail().to(ANN));
    assert_eq!(app.log_in(ANN, "a wild guess").1.status, 401);
    app.clock().advance(WEEK - TimeDelta::seconds(1));
    app.run_job("remove_unverified");
    assert_eq!(people(&app), 2);
    app.clock().advance(TimeDelta::seconds(1));
    app.run_job("remove_unverified");
    assert_eq!(app.text("SELECT email AS t FROM users"), BOB);
    let gone = "SELECT count(*) AS n FROM audit_events WHERE kind = 'user.deleted' AND hand = 'service'
        AND request_id = 'remove_unverified' AND details = '{\"by\": \"never_verified\"}'";
    assert_eq!(app.count(gone), 1);
    for (table, text) in [("mail_outbox", "t::text"), ("audit_events", "t::text"), ("letter_requests", "t::text")] {
        let names_her = format!("SELECT count(*) AS n FROM {table} t WHERE {text} LIKE '%ann@%'");
        assert_eq!(app.count(&names_her), 0, "{table}");
    }
    // The address may be a stranger's, who has never heard of us but by that one letter.
    assert_eq!(app.mail().count_to(ANN), 1);
    assert_eq!(app.log_in(ANN, "velvet orbit canoe").1.status, 401);
    app.verified(ANN);
}

/// What keeps an account, in SQL; `ann` is a user.
const KEPT: [(&str, &str); 9] = [
    ("made by the operator", "UPDATE users SET came_by = 'operator' WHERE email = 'ann@example.com'"),
    ("invited and signed up by that", "UPDATE users SET came_by = 'invitation' WHERE email = 'ann@example.com'"),
    ("comes by single sign-on", "UPDATE users SET came_by = 'sso' WHERE email = 'ann@example.com'"),
    ("an administrator", "UPDATE users SET is_admin = true WHERE email = 'ann@example.com'"),
    ("disabled", "UPDATE users SET disabled_at = now() WHERE email = 'ann@example.com'"),
    (
        "leaving",
        "UPDATE users SET deletion_asked_at = now(), deletes_at = '2099-01-01' WHERE email = 'ann@example.com'",
    ),
    (
        "a member",
        "INSERT INTO organization_slugs VALUES ('acme', now());
         INSERT INTO organizations (id, slug, name, created_at) VALUES (gen_random_uuid(), 'acme', 'Acme', now());
         INSERT INTO members SELECT o.id, u.id, 'member', now() FROM organizations o, users u
             WHERE u.email = 'ann@example.com'",
    ),
    (
        "invited",
        "INSERT INTO organization_slugs VALUES ('acme', now());
         INSERT INTO organizations (id, slug, name, created_at) VALUES (gen_random_uuid(), 'acme', 'Acme', now());
         INSERT INTO invitations (id, organization_id, email, email_key, role, digest, created_at, sent_at, expires_at)
             SELECT gen_random_uuid(), id, 'ann@example.com', 'ann@example.com', 'member', sha256('x'), now(), now(),
                    '2099-01-01' FROM organizations",
    ),
    ("proved", "UPDATE users SET email_verified_at = now() WHERE email = 'ann@example.com'"),
];

#[test]
fn an_account_that_somebody_knows_of_stays() {
    let app = TestApp::start();
    app.unverified(ANN);
    app.clock().advance(WEEK * 10);
    for (why, sql) in KEPT {
        let id = app.text("SELECT id::text AS t FROM users");
        app.execute(sql);
        app.run_job("remove_unverified");
        assert_eq!(app.text("SELECT coalesce(max(id::text), '') AS t FROM users"), id, "{why}");
        app.execute(
            "UPDATE users SET came_by = 'sign_up', is_admin = false, disabled_at = NULL, deletion_asked_at = NULL,
                 deletes_at = NULL, email_verified_at = NULL;
             DELETE FROM organizations; DELETE FROM organization_slugs",
        );
    }
    app.run_job("remove_unverified");
    assert_eq!(people(&app), 0, "without any of that it goes");
}

#[test]
fn whoever_has_proved_an_address_and_moved_to_another_keeps_the_account() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    ann.confirm();
    assert_eq!(ann.api("PUT", "/me/email", json!({ "email": "ann@new.example" })).status, 200);
    app.clock().advance(WEEK * 10);
    for job in ["forget_addresses", "forget_links", "remove_unverified"] {
        app.run_job(job);
    }
    assert_eq!(app.text("SELECT email AS t FROM users"), "ann@new.example");
}

#[test]
fn somebody_who_proves_the_address_at_that_moment_is_not_waited_for_and_stays() {
    let app = TestApp::start();
    app.unverified(ANN);
    app.unverified(BOB);
    app.clock().advance(WEEK);
    let mut other = PgConnection::establish(app.database_url()).expect("the database of this test");
    let proof = "BEGIN; UPDATE users SET email_verified_at = now() WHERE email = 'ann@example.com'";
    other.batch_execute(proof).expect(proof);
    app.run_job("remove_unverified");
    assert_eq!(people(&app), 1, "Bob has nothing to do with it");
    other.batch_execute("COMMIT").expect("a commit");
    app.run_job("remove_unverified");
    assert_eq!(app.text("SELECT email AS t FROM users"), ANN);
}

#[test]
fn the_operator_says_how_long_it_takes() {
    let app = TestApp::with(&[("accounts.unverified_ttl", "2h")]);
    app.signed_up(ANN);
    app.clock().advance(TimeDelta::hours(2));
    app.run_job("remove_unverified");
    assert_eq!(people(&app), 0);
}

#[test]
fn more_than_a_batch_of_them_go_in_one_round_and_those_that_stay_do_not_stop_it() {
    let app = TestApp::start();
    eventually("the first round", || {
        (app.count("SELECT count(*) AS n FROM jobs WHERE name = 'remove_unverified'") == 1).then_some(())
    });
    app.execute(
        "INSERT INTO users (id, email, email_key, name, created_at, is_admin)
         SELECT gen_random_uuid(), n || '@example.com', n || '@example.com', '', '2020-01-01', n % 3 = 0
         FROM generate_series(1, 450) n",
    );
    let said = vestibule(app.database_url(), &[], &["jobs", "run", "remove_unverified"]);
    assert!(said.text().starts_with("remove_unverified: did 300 in "), "{}", said.out);
    assert_eq!(people(&app), 150);
}
