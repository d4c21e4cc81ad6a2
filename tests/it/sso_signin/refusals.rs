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
    assert_eq!((page.status, stage.refused_for().as_str()), (403, "requested"));
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
    assert_eq!((page.status, stage.refused_for().as_str()), (403, "requested"), "{}", page.text());
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
    assert_eq!((page.status, stage.refused_for().as_str()), (403, "requested"));
}

#[test]
fn what_another_connection_of_the_same_provider_has_signed_is_no_answer_here() {
    let stage = Stage::start();
    let mut eve = stage.app.verified("eve@evil.example");
    eve.api("POST", "/orgs", json!({ "name": "Evil" }));
    let id = connect(&stage.app, "evil", &stage.idp, json!({ "domains": ["evil.example"] }));
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
    assert_eq!(stage.refused_for(), "requested", "it was asked by another connection");
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
    assert_eq!(stage.refused_for(), "requested");

    let stage = Stage::with(json!({ "allow_idp_initiated": true }), &[]);
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
    let page = post_from(&mut program, &stage.path("acs"), "bm9uc2Vuc2U=", None);
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
