//! Whatever is wrong with an answer, the check that stands for it says so, and no other is needed for it.

use std::collections::{BTreeMap, BTreeSet};

use openssl::nid::Nid;
use vestibule::sso::saml::{Asked, Check, Report, Verdict};

use super::attacks;
use super::stage::{REQUEST, Stage, good, refused};
use crate::support::idp::{Draft, Key, Sign};

#[test]
fn every_attack_is_refused_by_the_check_that_stands_for_it() {
    let stage = Stage::new();
    let attacks = attacks::all(&stage);
    assert!(attacks.len() >= 300, "{}", attacks.len());
    let names: BTreeSet<&str> = attacks.iter().map(|attack| attack.name.as_str()).collect();
    assert_eq!(names.len(), attacks.len(), "two attacks have one name");
    let mut wrong = Vec::new();
    for attack in &attacks {
        let report = stage.judge_form(&attack.form_value, attack.asked);
        if report.outcome.as_ref().err() != Some(&attack.refused_by) {
            wrong.push(format!("{}: {:?}, not {:?}", attack.name, report.outcome.map(|_| "let in"), attack.refused_by));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), attacks.len(), wrong.join("\n"));
}

/// Certificates are the connection's and not the document's. That what is read is what was signed cannot be brought to
/// fail from outside while all checks before it hold.
#[test]
fn every_line_of_the_profile_refuses_something() {
    let mut counts: BTreeMap<Check, usize> = BTreeMap::new();
    for attack in attacks::all(&Stage::new()) {
        *counts.entry(attack.refused_by).or_default() += 1;
    }
    let idle: Vec<_> = Check::ALL
        .iter()
        .filter(|check| **check < Check::Unused && !matches!(check, Check::Certificates | Check::Covered))
        .filter(|check| !counts.contains_key(check))
        .collect();
    assert!(idle.is_empty(), "{idle:?}");
}

#[test]
fn without_a_fit_certificate_nothing_is_good() {
    let mut stage = Stage::new();
    let unfit = [vec![], vec![Key::new_rsa(1024).certificate_der().to_vec()], vec![b"no certificate".to_vec()]];
    for certificates in unfit {
        stage.certificates = certificates;
        for sign in [Sign::Nothing, Sign::Response, Sign::Assertion, Sign::Both] {
            assert_eq!(refused(&stage.judge(&Draft { sign, ..stage.draft() })), Check::Certificates, "{sign:?}");
        }
    }
}

#[test]
fn a_key_that_the_connection_has_no_longer_is_refused() {
    let mut stage = Stage::new();
    let document = stage.idp.document(&stage.draft());
    good(stage.judge_text(&document));
    stage.certificates = vec![Key::other_rsa().certificate_der().to_vec()];
    assert_eq!(refused(&stage.judge_text(&document)), Check::Signature);
    stage.certificates = vec![Key::elliptic(Nid::SECP384R1).certificate_der().to_vec()];
    assert_eq!(refused(&stage.judge_text(&document)), Check::Signature);
}

#[test]
fn an_answer_to_one_connection_is_none_to_another() {
    let stage = Stage::new();
    let mut other = Stage::new();
    other.sp.entity_id = stage.sp.entity_id.replace("/1/", "/2/");
    other.sp.acs_url = stage.sp.acs_url.replace("/1/", "/2/");
    for sign in [Sign::Response, Sign::Assertion, Sign::Both] {
        let document = stage.idp.document(&Draft { sign, ..stage.draft() });
        good(stage.judge_text(&document));
        assert_eq!(refused(&other.judge_text(&document)), Check::Destination, "{sign:?}");
    }
}

/// Whoever reads a report sees all that is wrong with the message, or with the assertion, at once.
#[test]
fn a_report_says_of_every_check_what_was_seen_and_what_was_expected() {
    let stage = Stage::new();
    let draft = Draft {
        recipient: Some("https://evil.example/acs".to_owned()),
        audiences: vec![vec!["https://evil.example".to_owned()]],
        ..stage.draft()
    };
    let report = stage.judge(&draft);
    assert_eq!(refused(&report), Check::Recipient);
    let expected = [(Check::Recipient, &stage.sp.acs_url), (Check::Audience, &stage.sp.entity_id)];
    for (check, expected) in expected {
        let Verdict::Failed { seen, expected: said } = verdict(&report, check) else { panic!("{check:?} passed") };
        assert!(seen.starts_with("https://evil.example"), "{seen}");
        assert_eq!(said, expected);
    }
    assert_eq!(verdict(&report, Check::Signature), &Verdict::Passed);
    assert_eq!(verdict(&report, Check::Unused), &Verdict::NotReached);
    assert_eq!(report.checks.len(), Check::ALL.len());

    let unsigned = stage.judge(&Draft { sign: Sign::Nothing, ..stage.draft() });
    assert_eq!(verdict(&unsigned, Check::Destination), &Verdict::Passed);
    assert_eq!(verdict(&unsigned, Check::Audience), &Verdict::NotReached);
}

#[test]
fn those_who_know_more_than_the_document_have_the_last_word() {
    let stage = Stage::new();
    let mut report = stage.judge(&stage.draft());
    report.pass(Check::Unused);
    assert_eq!(report.outcome.as_ref().err(), None);
    report.fail(Check::Domain, "example.org", "example.com");
    assert_eq!(refused(&report), Check::Domain);
    report.fail(Check::Role, "none", "a role");
    assert_eq!(refused(&report), Check::Domain, "the first one");
}

fn verdict(report: &Report, check: Check) -> &Verdict {
    &report.checks.iter().find(|checked| checked.check == check).unwrap().verdict
}

#[test]
fn an_answer_that_nobody_asked_for_is_good_where_the_connection_lets_the_provider_begin() {
    let stage = Stage::new();
    for sign in [Sign::Response, Sign::Assertion, Sign::Both] {
        let draft = Draft { in_response_to: None, sign, ..stage.draft() };
        let form = stage.idp.answer(&draft);
        good(stage.judge_form(&form, Asked::Nothing));
        assert_eq!(refused(&stage.judge_form(&form, Asked::NothingAndMust)), Check::Requested);
        assert_eq!(refused(&stage.judge_form(&form, Asked::This(REQUEST))), Check::InResponseTo);
    }
}
