//! What is kept of a document can be read, and used by nobody.

use vestibule::sso::saml::{Check, LONGEST_LIFETIME, OLDEST, TOLERATED_DIFFERENCE};

use super::stage::Stage;
use crate::support::idp::{Draft, Encryption, Sign};

#[test]
fn a_report_shows_the_document_without_what_makes_it_good() {
    let stage = Stage::new();
    for sign in [Sign::Response, Sign::Assertion, Sign::Both] {
        let document = stage.idp.document(&Draft { sign, ..stage.draft() });
        let shown = stage.judge_text(&document).document.unwrap();
        assert!(shown.contains(">ann@example.com<"), "{shown}");
        assert!(shown.contains("<ds:SignatureValue>[removed]</ds:SignatureValue>"), "{shown}");
        for value in document.split("<ds:SignatureValue>").skip(1) {
            assert!(!shown.contains(&value[..40]), "{shown}");
        }
    }
}

#[test]
fn a_report_shows_what_was_encrypted() {
    let stage = Stage::new();
    let encryption = Some(Encryption::to(stage.own.certificate_der()));
    for sign in [Sign::Response, Sign::Assertion, Sign::Both] {
        let draft = Draft { encryption: encryption.clone(), sign, recipient: None, ..stage.draft() };
        let shown = stage.judge(&draft).document.unwrap();
        assert!(shown.contains(">ann@example.com<"), "{shown}");
        assert!(!shown.contains("CipherValue"), "{shown}");
    }
}

#[test]
fn a_report_shows_little_of_what_it_cannot_read() {
    let stage = Stage::new();
    let secret = "c2VjcmV0".repeat(20);
    let shown = stage.judge_text(format!("<a><b>{secret}</a> fine words")).document.unwrap();
    assert_eq!(shown, "<a><b>[removed]</a> fine words");
    let long = stage.judge_text(format!("<a>{}", "fine words ".repeat(20_000))).document.unwrap();
    assert!(long.len() < 70_000, "{}", long.len());
    assert_eq!(stage.judge_text(b"\xff\xfe").document, None);
}

#[test]
fn every_check_and_every_limit_is_documented() {
    let text = include_str!("../../../docs/saml_checks.md");
    for check in Check::ALL {
        let line = format!("| `{}` | {} |", check.as_str(), check.sentence());
        assert!(text.contains(&line), "docs/saml_checks.md lacks: {line}");
    }
    for limit in [
        format!("differ by {} minutes", TOLERATED_DIFFERENCE.num_minutes()),
        format!("up to {} minutes after", OLDEST.num_minutes()),
        format!("than {} hours", LONGEST_LIFETIME.num_hours()),
    ] {
        assert!(text.replace('\n', " ").contains(&limit), "{limit}");
    }
}
