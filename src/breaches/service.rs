//! The range API of Have I Been Pwned, or one like it: `GET {base}/range/ABCDE`, a line for each known hash that begins
//! so, with the rest of it and how often it was seen.

use std::time::Duration;

use tokio::sync::Semaphore;
use url::Url;

use super::Fingerprint;
use crate::outbound::{self, Trust};

/// Somebody waits for it, at a form.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// More than twenty times what an answer has.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// Questions under way at the same time. Strangers can cause them.
const MOST_AT_ONCE: usize = 64;

pub(super) struct Service {
    client: reqwest::Client,
    /// Ends with a slash.
    base: Url,
    turns: Semaphore,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("too many passwords are being looked up")]
    Busy,
    #[error("{0}")]
    Failed(String),
    #[error("it answered {0}")]
    Status(u16),
    #[error("its answer is longer than {LONGEST_ANSWER} bytes")]
    TooLong,
    #[error("its answer is no list of hashes")]
    NoList,
    #[error("it cannot be asked: {0}")]
    Address(#[from] url::ParseError),
}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        Self::Failed(outbound::describe(error))
    }
}

impl Service {
    pub(super) fn new(base: &Url) -> Result<Self, outbound::Error> {
        let trust = if base.scheme() == "https" { Trust::System } else { Trust::Nobody };
        let mut base = base.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Ok(Self { client: outbound::client(trust, PATIENCE)?, base, turns: Semaphore::new(MOST_AT_ONCE) })
    }

    pub(super) async fn knows(&self, password: &Fingerprint) -> Result<bool, Error> {
        let _turn = self.turns.try_acquire().map_err(|_| Error::Busy)?;
        let (told, kept) = password.split();
        let question = self.base.join(&format!("range/{told}"))?;
        let mut answer = self.client.get(question).header("Add-Padding", "true").send().await?;
        if answer.status() != reqwest::StatusCode::OK {
            return Err(Error::Status(answer.status().as_u16()));
        }
        let mut list = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            list.extend_from_slice(&chunk);
            if list.len() > LONGEST_ANSWER {
                return Err(Error::TooLong);
            }
        }
        is_in(&String::from_utf8_lossy(&list), kept)
    }
}

/// What pads an answer has a count of zero.
fn is_in(list: &str, kept: &str) -> Result<bool, Error> {
    let entry = |line: &str| {
        let (rest, count) = line.trim().split_once(':')?;
        let is_rest = rest.len() == kept.len() && rest.bytes().all(|byte| byte.is_ascii_hexdigit());
        let count = count.parse::<u64>().ok().filter(|_| is_rest)?;
        Some(count > 0 && rest.eq_ignore_ascii_case(kept))
    };
    let entries: Vec<bool> = list.lines().filter_map(entry).collect();
    if entries.is_empty() { Err(Error::NoList) } else { Ok(entries.contains(&true)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_in_an_answer_that_has_its_hash_with_a_count() {
        let kept = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";
        let other = "003D68EB55068C33ACE09247EE4C639306B:3";
        for (list, expected) in [
            (format!("{other}\r\n{kept}:10434004\r\n"), Some(true)),
            (format!("{}:1", kept.to_lowercase()), Some(true)),
            (format!("{other}\r\n{kept}:0"), Some(false)),
            (other.to_owned(), Some(false)),
            (format!("{other}\r\n{kept}"), Some(false)),
            (format!("{other}\r\n{}:5", &kept[1..]), Some(false)),
            (String::new(), None),
            ("<html>".to_owned(), None),
            (format!("5BAA6{kept}:4"), None),
        ] {
            assert_eq!(is_in(&list, kept).ok(), expected, "{list}");
        }
    }
}
