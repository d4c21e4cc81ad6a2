//! What honest providers send is taken, in every shape that they are known to send it in.

use chrono::TimeDelta;

use super::stage::{Stage, good};
use crate::support::idp::{Cipher, Draft, Encryption, Sign, Transport};

#[test]
fn an_answer_may_be_signed_as_a_whole_or_in_its_assertion_or_both() {
    let stage = Stage::new();
    for sign in [Sign::Response, Sign::Assertion, Sign::Both] {
        let draft = Draft { sign, ..stage.draft() };
        let answer = good(stage.judge(&draft));
        assert_eq!(answer.name_id.value, "ann", "{sign:?}");
        assert_eq!(answer.assertion_id, draft.assertion_id, "{sign:?}");
    }
}

#[test]
fn an_assertion_may_be_encrypted() {
    let stage = Stage::new();
    for sign in [Sign::Response, Sign::Assertion, Sign::Both] {
        for cipher in [Cipher::Aes128Cbc, Cipher::Aes192Cbc, Cipher::Aes256Cbc, Cipher::Aes128Gcm, Cipher::Aes256Gcm] {
            for transport in [Transport::Oaep, Transport::Oaep256] {
                let to = Encryption { cipher, transport, ..Encryption::to(stage.own.certificate_der()) };
                let draft = Draft { sign, encryption: Some(to), ..stage.draft() };
                let answer = good(stage.judge(&draft));
                assert_eq!(answer.name_id.value, "ann", "{sign:?} {cipher:?} {transport:?}");
            }
        }
    }
}

#[test]
fn clocks_may_differ_by_a_few_minutes() {
    let stage = Stage::new();
    for minutes in [-2, 2] {
        let there = stage.now + TimeDelta::minutes(minutes);
        let draft = Draft { in_response_to: stage.draft().in_response_to, ..stage.idp.draft(&stage.sp, there) };
        good(stage.judge(&draft));
    }
}
