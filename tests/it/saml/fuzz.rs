//! Whatever arrives, there is an answer to it, and it is never yes but for what was signed.

use vestibule::sso::saml::{Asked, Check, Verdict};

use super::stage::{REQUEST, Stage};
use crate::support::idp::{Draft, Encryption, Sign, encode};

const ARBITRARY: usize = 3_000;
const MUTATED: usize = 6_000;

/// Small and always the same (Vigna, `SplitMix64`), so that what fails once fails again.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

#[test]
fn arbitrary_bytes_are_refused() {
    let stage = Stage::new();
    let mut dice = Dice(1);
    // Much of it looks like a document, so that it gets beyond the first check.
    let words =
        ["<", ">", "</", "/>", "=\"", "\"", " xmlns:", "samlp:Response", "saml:Assertion", "&#", ";", "<!", "<?", "ID"];
    for round in 0..ARBITRARY {
        let mut bytes = Vec::new();
        for _ in 0..dice.below(200) {
            match dice.below(3) {
                0 => bytes.push(dice.byte()),
                1 => bytes.push(b' ' + dice.byte() % 95),
                _ => bytes.extend(words[dice.below(words.len())].bytes()),
            }
        }
        let report = stage.judge_text(&bytes);
        assert!(report.outcome.is_err(), "round {round}: {bytes:?}");
        let as_form = String::from_utf8_lossy(&bytes).into_owned();
        assert!(stage.judge_form(&as_form, Asked::This(REQUEST)).outcome.is_err(), "round {round}");
    }
}

/// A mutation may hit what says nothing, like a blank between attributes; then the answer is what it was.
#[test]
fn a_mutated_answer_says_what_it_said_or_nothing() {
    let stage = Stage::new();
    let encryption = Some(Encryption::to(stage.own.certificate_der()));
    let drafts = [
        Draft { sign: Sign::Response, ..stage.draft() },
        Draft { sign: Sign::Assertion, ..stage.draft() },
        Draft { sign: Sign::Both, ..stage.draft() },
        Draft { sign: Sign::Assertion, encryption, ..stage.draft() },
    ];
    let sound = drafts.map(|draft| {
        let document = stage.idp.document(&draft);
        let answer = stage.judge_text(&document).outcome.unwrap();
        (document, answer)
    });
    let mut dice = Dice(2);
    let mut refused_late = 0;
    for round in 0..MUTATED {
        let (document, answer) = &sound[dice.below(sound.len())];
        let mut bytes = document.clone().into_bytes();
        for _ in 0..=dice.below(3) {
            mutate(&mut bytes, &mut dice);
        }
        let report = stage.judge_form(&encode(&bytes), Asked::This(REQUEST));
        match &report.outcome {
            Ok(said) => assert_eq!(said, answer, "round {round}: {}", String::from_utf8_lossy(&bytes)),
            Err(check) => refused_late += usize::from(*check >= Check::Signature),
        }
        let failed = report.checks.iter().filter(|checked| matches!(checked.verdict, Verdict::Failed { .. })).count();
        assert_eq!(report.outcome.is_err(), failed > 0, "round {round}");
    }
    assert!(refused_late > 100, "{refused_late} got as far as the signature");
}

fn mutate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let at = dice.below(bytes.len());
    match dice.below(6) {
        0 => bytes[at] = dice.byte(),
        1 => bytes[at] ^= 1 << dice.below(8),
        2 => bytes.insert(at, b' ' + dice.byte() % 95),
        3 => {
            bytes.remove(at);
        }
        // A piece of it, again somewhere else.
        4 => {
            let end = (at + dice.below(400)).min(bytes.len());
            let piece = bytes[at..end].to_vec();
            let to = dice.below(bytes.len());
            bytes.splice(to..to, piece);
        }
        _ => {
            let end = (at + dice.below(60)).min(bytes.len());
            bytes.drain(at..end);
            if bytes.is_empty() {
                bytes.push(b'<');
            }
        }
    }
}
