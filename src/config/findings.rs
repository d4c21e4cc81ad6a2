//! What was found wrong, in words the operator can act on.

use std::fmt;

/// Why a single value is not right, said by whoever parsed it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wrong {
    /// What is the matter, as a sentence. Never quotes a secret.
    pub problem: String,
    /// What would be right, as a sentence.
    pub remedy: String,
}

impl Wrong {
    pub fn new(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { problem: problem.into(), remedy: remedy.into() }
    }

    /// "…" is not `what`.
    pub fn quoting(value: &str, what: &str, remedy: impl Into<String>) -> Self {
        Self::new(format!("{value:?} is not {what}."), remedy)
    }
}

/// The origin of what nobody has set.
pub(super) const BUILT_IN: &str = "default";

/// One mistake or warning: which key, where its value came from, what is wrong, what would be right.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize)]
pub struct Finding {
    /// `section.key`; empty when a whole file or folder is meant.
    pub key: String,
    /// A file, a variable or a flag, by name.
    pub origin: String,
    pub problem: String,
    pub remedy: String,
}

impl Finding {
    pub fn new(key: impl Into<String>, origin: impl Into<String>, wrong: Wrong) -> Self {
        Self { key: key.into(), origin: origin.into(), problem: wrong.problem, remedy: wrong.remedy }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.key.as_str(), self.origin.as_str()) {
            (key, BUILT_IN) => write!(f, "{key} (the default)")?,
            ("", origin) => write!(f, "{origin}")?,
            (key, "") => write!(f, "{key}")?,
            (key, origin) => write!(f, "{key} (from {origin})")?,
        }
        write!(f, ": {} {}", self.problem, self.remedy)
    }
}

/// Every mistake of a configuration, sorted by key.
#[derive(Clone, Default, Debug, thiserror::Error)]
pub struct Mistakes(Vec<Finding>);

impl Mistakes {
    pub fn add(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Keeps the mistake, if it is one, and goes on.
    pub fn collect<T>(&mut self, result: Result<T, Finding>) -> Option<T> {
        result.map_err(|finding| self.add(finding)).ok()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn as_slice(&self) -> &[Finding] {
        &self.0
    }

    pub(super) fn sorted(mut self) -> Self {
        self.0.sort();
        self.0.dedup();
        self
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => writeln!(f, "The configuration has a mistake:")?,
            n => writeln!(f, "The configuration has {n} mistakes:")?,
        }
        for finding in &self.0 {
            write!(f, "\n  {finding}")?;
        }
        Ok(())
    }
}
