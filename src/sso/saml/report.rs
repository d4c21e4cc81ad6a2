use serde::{Deserialize, Serialize};

use super::{Answer, Check};

/// The longest part of a seen or expected value that is kept, in characters.
const LONGEST_VALUE: usize = 300;

/// What came of judging an answer: every check with its verdict.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Report {
    /// Each of [`Check::ALL`], in that order.
    pub checks: Vec<Checked>,
    /// What has arrived, readable and without its secrets: no value of a signature, so that nobody can use it, and
    /// nothing encrypted. `None` if it was not even text.
    pub document: Option<String>,
    /// What the answer says, or the first check that it failed.
    pub outcome: Result<Answer, Check>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Checked {
    pub check: Check,
    #[serde(flatten)]
    pub verdict: Verdict,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    Passed,
    Failed {
        seen: String,
        expected: String,
    },
    /// A check before it failed, or it was not asked for.
    NotReached,
}

impl Report {
    /// Adds the verdict of somebody who knows more than the document: the check is passed.
    pub fn pass(&mut self, check: Check) {
        set(&mut self.checks, check, Verdict::Passed);
    }

    /// Adds the verdict of somebody who knows more than the document: the check is failed, and so is the answer.
    pub fn fail(&mut self, check: Check, seen: impl Into<String>, expected: impl Into<String>) {
        let mismatch = Mismatch::new(seen, expected);
        set(&mut self.checks, check, Verdict::Failed { seen: mismatch.seen, expected: mismatch.expected });
        if self.outcome.is_ok() {
            self.outcome = Err(check);
        }
    }
}

/// What was seen in place of what was expected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Mismatch {
    seen: String,
    expected: String,
}

impl Mismatch {
    pub(super) fn new(seen: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { seen: shortened(seen.into()), expected: shortened(expected.into()) }
    }
}

/// A check that failed, after which nothing more can be judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stop;

/// A check, and what was seen in it: for steps that make several.
pub(super) type Failure = (Check, Mismatch);

/// The verdicts so far.
pub(super) struct Trail {
    checks: Vec<Checked>,
}

impl Trail {
    pub(super) fn new() -> Self {
        let unreached = |check: &Check| Checked { check: *check, verdict: Verdict::NotReached };
        Self { checks: Check::ALL.iter().map(unreached).collect() }
    }

    /// Notes a verdict, and goes on whatever it is: see [`Self::stop_if_failed`].
    pub(super) fn note<T>(&mut self, check: Check, found: Result<T, Mismatch>) -> Option<T> {
        match found {
            Ok(value) => {
                if !self.has_failed(check) {
                    set(&mut self.checks, check, Verdict::Passed);
                }
                Some(value)
            }
            Err(Mismatch { seen, expected }) => {
                if !self.has_failed(check) {
                    set(&mut self.checks, check, Verdict::Failed { seen, expected });
                }
                None
            }
        }
    }

    /// Notes a verdict, and ends the judging if it is bad.
    pub(super) fn require<T>(&mut self, check: Check, found: Result<T, Mismatch>) -> Result<T, Stop> {
        self.note(check, found).ok_or(Stop)
    }

    /// Notes the one failure of a step that makes several checks; without one, all of them are passed.
    pub(super) fn require_all<T>(&mut self, checks: &[Check], found: Result<T, Failure>) -> Result<T, Stop> {
        match found {
            Ok(value) => {
                for check in checks {
                    self.note(*check, Ok(()));
                }
                Ok(value)
            }
            Err((check, mismatch)) => {
                self.note::<()>(check, Err(mismatch));
                Err(Stop)
            }
        }
    }

    pub(super) fn stop_if_failed(&self) -> Result<(), Stop> {
        if self.first_failed().is_some() { Err(Stop) } else { Ok(()) }
    }

    /// `answer` is what was read, if nothing stopped it.
    pub(super) fn into_report(self, answer: Result<Answer, Stop>, document: Option<String>) -> Report {
        let outcome = match (self.first_failed(), answer) {
            (None, Ok(answer)) => Ok(answer),
            (Some(check), _) => Err(check),
            // Nothing stops without saying at what; were it so, the answer would not be good.
            (None, Err(Stop)) => Err(Check::WellFormed),
        };
        Report { checks: self.checks, document, outcome }
    }

    fn first_failed(&self) -> Option<Check> {
        self.checks
            .iter()
            .find(|checked| matches!(checked.verdict, Verdict::Failed { .. }))
            .map(|checked| checked.check)
    }

    fn has_failed(&self, check: Check) -> bool {
        let is_failed = |checked: &Checked| checked.check == check && matches!(checked.verdict, Verdict::Failed { .. });
        self.checks.iter().any(is_failed)
    }
}

fn set(checks: &mut [Checked], check: Check, verdict: Verdict) {
    if let Some(checked) = checks.iter_mut().find(|checked| checked.check == check) {
        checked.verdict = verdict;
    }
}

fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LONGEST_VALUE) {
        text.truncate(end);
        text.push('…');
    }
    text
}
