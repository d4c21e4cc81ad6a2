//! What is not an answer to what this browser has asked, or not about somebody whom the connection speaks for.

use chrono::TimeDelta;
use serde_json::json;

use super::{ANN, PUBLIC, Stage, connect, is_in, post_from, prove, said, sent, sp};
use crate::support::idp::{Draft, Idp, Key};
use crate::support::people::code;

#[test]
fn an_answer_to_another_browsers_request_lets_nobody_in() {
    let stage = Stage::start();
    let (mut ann, mut eve) = (stage.app.browser(), stage.app.browser());
    let asked = stage.leave(&mut eve, "");
    let draft = stage.draft(&asked);
    stage.leave(&mut ann, "");
    let page = stage.bring(&mut ann, &draft, Some(&asked.relay_state));
    assert_eq!((page.status, stage.refused_for().as_str()), (403, "in_response_to"), "{}", page.text());
    assert!(!is_in(&mut ann));
    let mut nobody = stage.app.browser();
    let page = stage.bring(&mut nobody, &draft, Some(&asked.relay_state));
    assert_eq!(page.status, 403, "{}", page.text());
    assert!(!is_in(&mut nobody));
    assert_eq!(stage.bring(&mut eve, &draft, Some(&asked.relay_state)).status, 303, "whoever has asked");
}

#[test]
fn an_answer_uses_its_request_up_whatever_it_is() {
    let stage = Stage::start();
    let mut browser = stage.app.browser();
    let asked = stage.leave(&mut browser, "");
    let bad = Draft { sign: crate::support::idp::Sign::Nothing, ..stage.draft(&asked) };
    assert_eq!(stage.bring(&mut browser, &bad, Some(&asked.relay_state)).status, 403);
    assert_eq!(stage.refused_for(), "signed");
    let page = stage.bring(&mut browser, &stage.draft(&asked), Some(&asked.relay_state));
    assert_eq!(page.status, 403, "{}", page.text());
    assert!(!is_in(&mut browser));
}

#[test]
fn a_missing_relay_state_is_forgiven_and_a_foreign_one_is_not() {
    let stage = Stage::start();
    let mut browser = stage.app.browser();
    let asked = stage.leave(&mut browser, "");
    assert_eq!(stage.bring(&mut browser, &stage.draft(&asked), None).status, 303);
    let asked = stage.leave(&mut browser, "");
    let page = stage.bring(&mut browser, &stage.draft(&asked), Some("https://evil.example/"));
    assert_eq!((page.status, stage.refused_for().as_str()), (403, "in_response_to"));
    let page = stage.bring(&mut browser, &stage.draft(&asked), Some(&asked.relay_state));
    assert_eq!(page.status, 403, "and it is used up");
}

#[test]
fn a_request_is_answered_within_ten_minutes_or_not_at_all() {
    let stage = Stage::start();
    let mut browser = stage.app.browser();
    let asked = stage.leave(&mut browser, "");
    stage.app.clock().advance(TimeDelta::minutes(10));
    let page = stage.bring(&mut browser, &stage.draft(&asked), Some(&asked.relay_state));
    assert_eq!(page.status, 403);
    assert!(!is_in(&mut browser));
}

#[test]
fn what_another_connection_of_the_same_provider_has_signed_is_no_answer_here() {
    let stage = Stage::start();
    let mut eve = stage.app.verified("eve@evil.example");
    eve.api("POST", "/orgs", json!({ "name": "Evil" }));
    let id = connect(&stage.app, "evil", &stage.idp, &json!({ "domains": ["evil.example"] }));
    prove(&stage.app, "evil", "evil.example");
    let mut browser = stage.app.browser();
    let asked = sent(&browser.get(&format!("/saml/{id}/login")));
    let theirs = sp(&stage.app, &id);
    let draft = Draft {
        in_response_to: Some(asked.request.clone()),
        attributes: said(ANN, &[]),
        ..stage.idp.draft(&theirs, stage.app.clock().now())
    };
    let (answer, acs) = (stage.idp.answer(&draft), stage.path("acs"));
    assert_eq!(post_from(&mut browser, &acs, &answer, Some(&asked.relay_state)).status, 403);
    assert!(!is_in(&mut browser), "it was asked by another connection");
    // The other organization's provider says what it wants of addresses that are not its own.
    let page = post_from(&mut browser, &format!("/saml/{id}/acs"), &answer, Some(&asked.relay_state));
    assert_eq!((page.status, stage.refused_for().as_str()), (403, "domain"), "{}", page.text());
    assert!(!is_in(&mut browser));
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM users WHERE email = 'ann@corp.example'"), 0);
}

#[test]
fn a_provider_begins_only_where_the_connection_lets_it() {
    let stage = Stage::start();
    let draft = Draft { attributes: said(ANN, &[]), ..stage.idp.draft(&stage.sp, stage.app.clock().now()) };
    let mut browser = stage.app.browser();
    assert_eq!(stage.bring(&mut browser, &draft, None).status, 403);
    assert!(!is_in(&mut browser));

    let stage = Stage::with(&json!({ "allow_idp_initiated": true }), &[]);
    let draft = Draft { attributes: said(ANN, &[]), ..stage.idp.draft(&stage.sp, stage.app.clock().now()) };
    let mut browser = stage.app.browser();
    let page = stage.bring(&mut browser, &draft, Some("/account/sessions"));
    assert_eq!((page.status, page.location().unwrap().path()), (303, "/account/sessions"), "{}", page.text());
    assert!(is_in(&mut browser));
    // Once, at every node.
    let other = stage.app.again_with(&[("server.public_url", PUBLIC)]);
    for node in [&stage.app, &other] {
        let page = stage.bring(&mut node.browser(), &draft, None);
        assert_eq!((page.status, stage.refused_for().as_str()), (403, "unused"));
    }
    let asked = stage.leave(&mut browser, "");
    let foreign = Draft {
        in_response_to: Some(format!("_{}", "0".repeat(40))),
        ..stage.idp.draft(&stage.sp, stage.app.clock().now())
    };
    assert_eq!(stage.bring(&mut browser, &foreign, None).status, 403);
    assert_eq!(stage.refused_for(), "in_response_to");
    drop(asked);
    let elsewhere = Draft { attributes: said(ANN, &[]), ..stage.idp.draft(&stage.sp, stage.app.clock().now()) };
    let page = stage.bring(&mut stage.app.browser(), &elsewhere, Some("https://evil.example/"));
    assert_eq!(page.location().unwrap().as_str(), format!("{PUBLIC}/"), "an open redirect");
}

#[test]
fn what_nobody_of_the_provider_has_signed_is_refused_with_a_reference() {
    let stage = Stage::start();
    let stranger = Idp::with_key(&stage.idp.entity_id, Key::other_rsa());
    let mut browser = stage.app.browser();
    let asked = stage.leave(&mut browser, "");
    let answer = stranger.answer(&stage.draft(&asked));
    let page = post_from(&mut browser, &stage.path("acs"), &answer, Some(&asked.relay_state));
    assert_eq!((page.status, stage.refused_for().as_str()), (403, "signature"));
    let reference = stage.app.text("SELECT reference AS t FROM saml_reports");
    assert!(page.has(&reference) && !page.has(ANN), "{}", page.text());
    let sealed = "SELECT count(*) AS n FROM saml_reports WHERE encode(sealed_report, 'escape') LIKE '%ann@%'";
    assert_eq!(stage.app.count(sealed), 0);

    let mut program = stage.app.browser().with_header("Accept", "application/json");
    let asked = stage.leave(&mut program, "");
    let page = post_from(&mut program, &stage.path("acs"), "bm9uc2Vuc2U=", Some(&asked.relay_state));
    assert_eq!(code(&page), "forbidden");
    let problem: serde_json::Value = page.json();
    assert_eq!(problem["reference"].as_str().unwrap().len(), 8);
}

#[test]
fn without_a_proved_domain_a_connection_serves_nobody() {
    let stage = Stage::start();
    let mut browser = stage.app.browser();
    let asked = stage.leave(&mut browser, "");
    stage.app.execute("UPDATE domains SET proved_at = NULL, proved_by = NULL");
    let page = stage.bring(&mut browser, &stage.draft(&asked), Some(&asked.relay_state));
    assert_eq!(page.status, 404);
    assert_eq!(browser.get(&stage.path("login")).status, 404);
    assert!(!is_in(&mut browser));
}

#[test]
fn what_is_not_there_or_not_a_form_is_said_so() {
    let stage = Stage::start();
    let mut browser = stage.app.browser();
    let unknown = "/saml/0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f";
    assert_eq!(browser.get(&format!("{unknown}/login")).status, 404);
    assert_eq!(post_from(&mut browser, &format!("{unknown}/acs"), "x", None).status, 404);
    assert_eq!(browser.get(&stage.path("acs")).status, 405);
    let acs = stage.path("acs");
    let fields: [&[(&str, &str)]; 4] = [
        &[],
        &[("RelayState", "x")],
        &[("SAMLResponse", "x"), ("SAMLResponse", "x")],
        &[("SAMLResponse", "x"), ("RelayState", "x"), ("RelayState", "y")],
    ];
    for fields in fields {
        assert_eq!(browser.cross_site().post(&acs, fields).status, 400, "{fields:?}");
    }
    assert_eq!(browser.cross_site().api("POST", &acs, json!({ "SAMLResponse": "x" })).status, 400);
    let big = "A".repeat(10_000_000);
    assert_eq!(post_from(&mut browser, &acs, &big, None).status, 413);
    let allowed = "A".repeat(400_000);
    assert_eq!(post_from(&mut browser, &acs, &allowed, None).status, 403);
    assert_eq!(browser.get(&format!("{}?purpose=anything", stage.path("login"))).status, 404);
}

#[test]
fn without_the_database_nothing_is_half_done() {
    let stage = Stage::start();
    let mut browser = stage.app.browser();
    let asked = stage.leave(&mut browser, "");
    stage.app.execute("ALTER TABLE identities RENAME TO away");
    let page = stage.bring(&mut browser, &stage.draft(&asked), Some(&asked.relay_state));
    assert_eq!(page.status, 500);
    stage.app.execute("ALTER TABLE away RENAME TO identities");
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM users WHERE email = 'ann@corp.example'"), 0);
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM provider_sessions"), 0);
    assert!(!is_in(&mut browser));
    assert_eq!(stage.come(&mut browser, |_| {}).status, 303);
}

/// Rows that nobody can delete, and work.
#[test]
fn of_what_no_browser_has_asked_for_nothing_is_kept() {
    let stage = Stage::start();
    let mut stranger = stage.app.browser();
    for answer in ["bm9uc2Vuc2U=".to_owned(), stage.idp.answer(&stage.idp.draft(&stage.sp, stage.app.clock().now()))] {
        let page = post_from(&mut stranger, &stage.path("acs"), &answer, None);
        assert_eq!(page.status, 403);
        assert!(page.has("Sign in again"), "{}", page.text());
    }
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'sso.refused'"), 0);
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM saml_reports"), 0);
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM saml_answers"), 0, "it was not judged");
}

#[test]
fn a_network_that_brings_what_is_refused_waits_and_others_do_not() {
    let stage = Stage::with(&json!({}), &[("limits.login_per_network", "3 per 15m")]);
    for _ in 0..5 {
        stage.ann();
    }
    let mut stranger = stage.app.browser();
    for path in ["acs", "acs", "logout"] {
        let field = if path == "acs" { "SAMLResponse" } else { "SAMLRequest" };
        let page = stranger.standing_on("https://idp.test/done").post(&stage.path(path), &[(field, "x")]);
        assert_eq!(page.status, 403, "{path}: {}", page.text());
    }
    let asked = stage.leave(&mut stranger, "");
    let page = stage.bring(&mut stranger, &stage.draft(&asked), Some(&asked.relay_state));
    assert_eq!(page.status, 429);
    assert!(page.header("retry-after").is_some());
    let page = stranger.standing_on("https://idp.test/done").post(&stage.path("logout"), &[("SAMLRequest", "x")]);
    assert_eq!(page.status, 429);
    stage.app.clock().advance(TimeDelta::seconds(31));
    let page = stage.bring(&mut stranger, &stage.draft(&asked), Some(&asked.relay_state));
    assert_eq!(page.status, 303, "what was turned away is not used up");
}

#[test]
fn a_network_that_goes_to_providers_and_never_comes_back_waits() {
    let stage = Stage::with(&json!({}), &[("limits.login_per_network", "1 per 15m")]);
    let mut stranger = stage.app.browser();
    for _ in 0..5 {
        stage.leave(&mut stranger, "");
    }
    stage.ann();
    for _ in 0..6 {
        stage.leave(&mut stranger, "");
    }
    let requests = "SELECT count(*) AS n FROM saml_requests";
    let before = stage.app.count(requests);
    assert_eq!(stranger.get(&stage.path("login")).status, 429);
    assert_eq!(stage.app.count(requests), before);
}
