//! The way there and back, and the session that comes of it.

use std::sync::Barrier;

use chrono::{TimeDelta, TimeZone as _, Utc};
use serde_json::{Value, json};

use super::{ANN, PUBLIC, Stage, is_in, me, post_from};
use crate::support::TestApp;
use crate::support::people::PASSWORD;

#[test]
fn somebody_new_is_sent_to_the_provider_and_back_to_where_they_were_going() {
    let stage = Stage::start();
    let mut browser = stage.app.browser();
    let sent = stage.leave(&mut browser, "?return_to=%2Faccount%2Fsessions");
    assert_eq!((sent.url.host_str(), sent.url.path()), (Some("idp.test"), "/sso"));
    assert!(sent.url.query_pairs().any(|(name, _)| name == "Signature"), "{}", sent.url);
    let page = stage.bring(&mut browser, &stage.draft(&sent), Some(&sent.relay_state));
    assert_eq!((page.status, page.location().unwrap().path()), (303, "/account/sessions"), "{}", page.text());
    let page = browser.follow();
    assert!(page.has("with Acme sign-in"), "{}", page.text());

    let person = me(&mut browser);
    assert_eq!((&person["email"], &person["email_verified"]), (&json!(ANN), &json!(true)));
    assert_eq!((&person["name"], &person["organizations"][0]["role"]), (&json!("Ann Lee"), &json!("member")));
    let listed: Value = browser.api("GET", "/me/sessions", Value::Null).json();
    let session = &listed["sessions"][0];
    assert_eq!((&session["methods"], &session["provider"]), (&json!(["sso"]), &json!("Acme sign-in")));
    let account =
        "SELECT came_by || ' ' || (password_hash IS NULL)::text AS t FROM users WHERE email = 'ann@corp.example'";
    assert_eq!(stage.app.text(account), "sso true");
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM saml_requests"), 0);
    let by =
        "SELECT details->>'connection' AS t FROM audit_events WHERE kind = 'session.opened' ORDER BY ctid DESC LIMIT 1";
    assert_eq!(stage.app.text(by), stage.id);
}

#[test]
fn accounts_are_made_by_it_where_nobody_may_sign_up() {
    let stage = Stage::with(&json!({}), &[]);
    let closed = stage.app.again_with(&[("server.public_url", PUBLIC), ("accounts.signup", "closed")]);
    let mut browser = closed.browser();
    let sent = stage.leave(&mut browser, "");
    let page = stage.bring(&mut browser, &stage.draft(&sent), Some(&sent.relay_state));
    assert_eq!(page.status, 303, "{}", page.text());
    assert!(is_in(&mut browser));
}

#[test]
fn over_plain_http_the_answer_is_posted_once_more_from_our_own_page() {
    let stage = Stage::on(TestApp::start(), &json!({}));
    let mut browser = stage.app.browser();
    let sent = stage.leave(&mut browser, "");
    let page = stage.bring(&mut browser, &stage.draft(&sent), Some(&sent.relay_state));
    assert_eq!(page.status, 200, "{}", page.text());
    let page = browser.submit(&stage.path("acs"), &[]);
    assert_eq!(page.status, 303, "{}", page.text());
    assert!(is_in(&mut browser));
}

#[test]
fn a_provider_that_wants_a_form_gets_one_that_our_policy_lets_through() {
    let stage = Stage::with(&json!({ "sso_binding": "post" }), &[]);
    let mut browser = stage.app.browser();
    let page = browser.get(&stage.path("login"));
    assert_eq!(page.status, 200);
    let form = page.form("/sso").expect("a form to the provider");
    assert!(form.is_post && form.fields.iter().any(|(name, _)| name == "RelayState"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("https://idp.test") && policy.contains("default-src 'none'"), "{policy}");
}

#[test]
fn the_session_ends_no_later_than_the_provider_wants_and_stays_so_when_its_id_changes() {
    let stage = Stage::start();
    let mut browser = stage.app.browser();
    let ends = stage.app.clock().now() + TimeDelta::hours(2);
    stage.come(&mut browser, |draft| draft.session_ends_at = Some(ends));
    let listed: Value = browser.api("GET", "/me/sessions", Value::Null).json();
    assert_eq!(listed["sessions"][0]["expires_at"], json!(ends));
    stage.app.execute("UPDATE sessions SET rotation_due = true");
    assert!(is_in(&mut browser));
    let listed: Value = browser.api("GET", "/me/sessions", Value::Null).json();
    assert_eq!(listed["sessions"][0]["expires_at"], json!(ends));
    assert_eq!(listed["sessions"][0]["provider"], "Acme sign-in");
    for minute in 0..6 {
        assert!(is_in(&mut browser), "{minute}");
        stage.app.clock().advance(TimeDelta::minutes(20));
    }
    assert!(!is_in(&mut browser));
    assert!(Utc.timestamp_opt(1_800_000_000, 0).unwrap() < ends);
}

#[test]
fn what_the_browser_held_before_ends_and_it_stays_known() {
    let stage = Stage::start();
    let mut browser = stage.ann();
    let before = browser.clone();
    let known = "SELECT count(*) AS n FROM known_devices k JOIN users u ON u.id = k.user_id WHERE u.email LIKE 'ann@%'";
    assert_eq!(stage.app.count(known), 1);
    let page = stage.come(&mut browser, |_| {});
    assert_eq!(page.status, 303);
    assert!(is_in(&mut browser));
    assert!(!is_in(&mut before.clone()), "the session of before");
    assert_eq!(stage.app.count(known), 1, "the same browser");
    assert_eq!(
        stage
            .app
            .count("SELECT count(*) AS n FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.email LIKE 'ann@%'"),
        1
    );
}

#[test]
fn a_second_factor_is_asked_for_unless_the_provider_has_asked_for_several() {
    let stage = Stage::start();
    let mut browser = stage.ann();
    stage.app.execute(
        "INSERT INTO passkeys (id, user_id, name, credential_id, credential, backed_up, created_at)
         SELECT gen_random_uuid(), id, 'Key', 'x', '{}', false, now() FROM users WHERE email = 'ann@corp.example'",
    );
    let page = stage.come(&mut browser, |_| {});
    assert_eq!((page.status, page.location().unwrap().path()), (303, "/login/second-factor"));
    let half = "SELECT count(*) AS n FROM pending_sign_ins WHERE provider_session_id IS NOT NULL";
    assert_eq!(stage.app.count(half), 1);
    let mut fresh = stage.app.browser();
    stage.come(&mut fresh, |draft| draft.authn_context = "https://refeds.org/profile/mfa".to_owned());
    assert!(is_in(&mut fresh));
}

#[test]
fn two_tabs_at_the_provider_both_come_back() {
    let stage = Stage::start();
    let mut browser = stage.app.browser();
    let (one, two) = (stage.leave(&mut browser, ""), stage.leave(&mut browser, ""));
    for sent in [two, one] {
        let page = stage.bring(&mut browser, &stage.draft(&sent), Some(&sent.relay_state));
        assert_eq!(page.status, 303, "{}", page.text());
    }
}

#[test]
fn of_ten_posts_of_one_assertion_at_once_one_opens_a_session() {
    let stage = Stage::with(&json!({ "allow_idp_initiated": true }), &[]);
    let other = stage.app.again_with(&[("server.public_url", PUBLIC)]);
    let draft = stage.idp.draft(&stage.sp, stage.app.clock().now());
    let draft = crate::support::idp::Draft { attributes: super::said(ANN, &[]), ..draft };
    let (answer, acs, start) = (stage.idp.answer(&draft), stage.path("acs"), Barrier::new(10));
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let post = |node: &TestApp| {
            let mut browser = node.browser();
            start.wait();
            post_from(&mut browser, &acs, &answer, None).status
        };
        let nodes = [&stage.app, &other];
        let posts: Vec<_> = (0..10).map(|n| scope.spawn(move || post(nodes[n % 2]))).collect();
        posts.into_iter().map(|post| post.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [303, 403].contains(status)), "{statuses:?}");
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM provider_sessions"), 1);
}

#[test]
fn a_new_place_is_told_as_after_any_sign_in() {
    let stage = Stage::start();
    stage.ann();
    let mut elsewhere = stage.app.browser().with_header("X-Forwarded-For", "203.0.113.7");
    stage.come(&mut elsewhere, |_| {});
    let letter = stage.app.mail().to(ANN);
    assert!(letter.text().contains("203.0.113.7"), "{}", letter.text());
}

#[test]
fn a_password_that_was_there_before_is_not_lost() {
    let stage = Stage::start();
    stage.app.verified(ANN);
    stage.ann();
    assert_eq!(stage.app.log_in(ANN, PASSWORD).1.status, 200);
    assert_eq!(stage.role_of(ANN), "member");
}
