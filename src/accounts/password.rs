//! Which passwords are good enough, and what to say about those that are not.
//!
//! Length and guessability only, as NIST SP 800-63B (section 5.1.1.2) asks: no rules about kinds of
//! characters, no expiry. And, as it asks too, none that is known to have leaked, where the operator has a list of those
//! ([`crate::breaches`]).

use std::sync::Arc;

use chrono::TimeDelta;
use zxcvbn::feedback::{Suggestion, Warning};

use super::Name;
use crate::app::App;
use crate::breaches::Fingerprint;
use crate::config::settings;
use crate::crypto::{Busy, PasswordHash};
use crate::db;
use crate::kernel::{EmailAddress, Origin, Redacted};
use crate::throttle::{self, Admission, Key};

/// Beyond this nobody types a password, and hashing it is work for an attacker to send.
pub const MAX_BYTES: usize = 1000;

/// zxcvbn slows down with the cube of the length (`4@8({[<369…`, a hundred characters, is a second of work); what
/// follows cannot make a password weaker.
const JUDGED_CHARS: usize = 40;

/// Why a password will not do. The sentence is for the person who chose it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Weak {
    #[error("Choose a password of at least {min} characters.")]
    TooShort { min: usize },
    #[error("This password is too long: {MAX_BYTES} bytes is the most there can be.")]
    TooLong,
    #[error("{0}")]
    Guessable(String),
    #[error("This password is in a list of leaked ones. Choose another.")]
    Leaked,
}

/// Why a chosen password was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Weak(#[from] Weak),
    #[error("too many passwords chosen from this address")]
    TooMany(TimeDelta),
    #[error(transparent)]
    Busy(#[from] Busy),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Hashes a password that somebody chose, if it is good enough. Strangers can ask for this work, and judging a
/// password takes longer than hashing it: so it is counted first, and both are done among the hashing threads.
pub async fn choose(
    app: &App,
    origin: &Origin,
    password: &Redacted,
    email: &EmailAddress,
    name: &Name,
) -> Result<PasswordHash, Refused> {
    require_admission(app, origin).await?;
    let (settings, judged) = (Arc::clone(&app.settings), password.clone());
    let (email, name) = (email.clone(), name.clone());
    let breaches = app.breaches.clone();
    let judge = move || {
        let host = settings.server.public_url.host_str().unwrap_or_default();
        require_strong(&settings.password, &judged, &[email.as_str(), name.as_str(), host])?;
        let fingerprint = Fingerprint::of(&judged);
        if breaches.is_in_file(&fingerprint) { Err(Weak::Leaked) } else { Ok(fingerprint) }
    };
    let fingerprint = app.hasher.run(judge).await??;
    if app.breaches.is_known_to_service(&fingerprint).await {
        return Err(Weak::Leaked.into());
    }
    Ok(app.hasher.hash(password.clone()).await?)
}

/// In a transaction of its own: the count must stand even if the rest fails.
async fn require_admission(app: &App, origin: &Origin) -> Result<(), Refused> {
    let Some(address) = origin.address else { return Ok(()) };
    let key = Key::password_chosen_from(address, app.settings.limits.login_per_network);
    match app.db.write(origin, move |tx| throttle::admit(tx, &[key])).await? {
        Admission::Admitted => Ok(()),
        Admission::Wait(wait) => Err(Refused::TooMany(wait)),
    }
}

/// `known` is what a guesser would try first: the person's address and name.
fn require_strong(rules: &settings::Password, password: &Redacted, known: &[&str]) -> Result<(), Weak> {
    let text = password.expose();
    if text.len() > MAX_BYTES {
        return Err(Weak::TooLong);
    }
    if text.chars().count() < rules.min_length {
        return Err(Weak::TooShort { min: rules.min_length });
    }
    let judged: String = text.chars().take(JUDGED_CHARS).collect();
    let inputs: Vec<&str> = known.iter().flat_map(|word| parts_of(word)).chain(["vestibule"]).collect();
    let verdict = zxcvbn::zxcvbn(&judged, &inputs);
    if u8::from(verdict.score()) >= rules.min_strength {
        return Ok(());
    }
    Err(Weak::Guessable(explain(verdict.feedback())))
}

/// The whole, and what stands between the signs: `ann.lee@example.com` is also `ann` and `lee`.
fn parts_of(word: &str) -> impl Iterator<Item = &str> {
    let parts = word.split(|c: char| !c.is_alphanumeric()).filter(|part| part.len() > 2);
    std::iter::once(word).chain(parts)
}

fn explain(feedback: Option<&zxcvbn::feedback::Feedback>) -> String {
    let reason = feedback.and_then(zxcvbn::feedback::Feedback::warning).map_or("is easy to guess", reason);
    let advice = feedback.and_then(|f| f.suggestions().iter().copied().find_map(advice));
    let advice =
        advice.unwrap_or("Three or four words that do not belong together are hard to guess and easy to keep.");
    format!("This password {reason}. {advice}")
}

fn reason(warning: Warning) -> &'static str {
    match warning {
        Warning::StraightRowsOfKeysAreEasyToGuess | Warning::ShortKeyboardPatternsAreEasyToGuess => {
            "follows the keys of the keyboard"
        }
        Warning::RepeatsLikeAaaAreEasyToGuess | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => {
            "repeats itself"
        }
        Warning::SequencesLikeAbcAreEasyToGuess => "is a simple sequence",
        Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess => "is little more than a date",
        Warning::ThisIsATop10Password | Warning::ThisIsATop100Password | Warning::ThisIsACommonPassword => {
            "is one of the first that anybody would try"
        }
        Warning::ThisIsSimilarToACommonlyUsedPassword => "is close to one that many people use",
        Warning::AWordByItselfIsEasyToGuess => "is a single word",
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess | Warning::CommonNamesAndSurnamesAreEasyToGuess => {
            "is little more than a name"
        }
    }
}

fn advice(suggestion: Suggestion) -> Option<&'static str> {
    match suggestion {
        Suggestion::AddAnotherWordOrTwo | Suggestion::UseAFewWordsAvoidCommonPhrases => {
            Some("Add a word or two that nobody would expect there.")
        }
        Suggestion::UseALongerKeyboardPatternWithMoreTurns => Some("Words that do not belong together work better."),
        Suggestion::AvoidRepeatedWordsAndCharacters => Some("Add something that is not a repetition."),
        Suggestion::AvoidSequences => Some("Add something that does not continue the sequence."),
        Suggestion::AvoidRecentYears
        | Suggestion::AvoidYearsThatAreAssociatedWithYou
        | Suggestion::AvoidDatesAndYearsThatAreAssociatedWithYou => Some("Leave out dates that belong to you."),
        Suggestion::CapitalizationDoesntHelpVeryMuch
        | Suggestion::AllUppercaseIsAlmostAsEasyToGuessAsAllLowercase
        | Suggestion::ReversedWordsArentMuchHarderToGuess
        | Suggestion::PredictableSubstitutionsDontHelpVeryMuch => {
            Some("Capitals, reversals and figures in place of letters help little; another word helps more.")
        }
        Suggestion::NoNeedForSymbolsDigitsOrUppercaseLetters => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(text: &str) -> Result<(), Weak> {
        let rules = settings::Password {
            min_length: 8,
            min_strength: 2,
            memory_kib: 8,
            iterations: 1,
            parallelism: 1,
            max_concurrent: 1,
            breach_api: None,
            breach_file: None,
        };
        require_strong(&rules, &Redacted::new(text.to_owned()), &["ann.lee@example.com", "Ann Lee"])
    }

    #[test]
    fn words_that_do_not_belong_together_are_strong() {
        assert_eq!(judge("velvet orbit canoe"), Ok(()));
        assert_eq!(judge("ünïcödé-kettle-93"), Ok(()));
    }

    #[test]
    fn weak_passwords_are_explained() {
        assert_eq!(judge("short"), Err(Weak::TooShort { min: 8 }));
        assert_eq!(judge(&"x".repeat(1001)), Err(Weak::TooLong));
        for (text, reason) in [
            ("password", "first that anybody would try"),
            ("qwertyuiop", "first that anybody would try"),
            ("aaaaaaaaaaaa", "repeats itself"),
            ("annleeann", "little more than a name"),
        ] {
            let Err(Weak::Guessable(sentence)) = judge(text) else { panic!("{text} was accepted") };
            assert!(sentence.contains(reason), "{text}: {sentence}");
            assert!(sentence.matches(". ").count() == 1, "{text} gets advice: {sentence}");
        }
    }

    #[test]
    fn a_very_long_password_is_judged_quickly() {
        assert_eq!(judge(&"kettle velvet orbit ".repeat(50)), Ok(()));
    }
}
