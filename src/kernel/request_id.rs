//! The id of the request at hand, for log lines written far from the door.
//!
//! It travels with the task. A blocking thread is another task: whoever moves work there takes
//! [`current`] along and runs the work inside [`scope_sync`].

use std::fmt;
use std::future::Future;

use chrono::{DateTime, Utc};
use uuid::Builder;

use super::secrets::random_bytes;

const LONGEST: usize = 64;

/// The name of a request: letters, digits, `.`, `_` and `-`. A value, so that the hot path copies it and allocates
/// nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId {
    text: [u8; LONGEST],
    length: usize,
}

impl RequestId {
    /// A new one, made at `now`: a UUIDv7 (RFC 9562, section 5.7).
    pub fn new(now: DateTime<Utc>) -> Self {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        let id = Builder::from_unix_timestamp_millis(millis, &random_bytes()).into_uuid();
        let mut text = [0; LONGEST];
        id.hyphenated().encode_lower(&mut text);
        Self { text, length: uuid::fmt::Hyphenated::LENGTH }
    }

    /// One that a proxy has given.
    pub fn given(name: &[u8]) -> Option<Self> {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
        if name.is_empty() || !name.iter().all(is_plain) {
            return None;
        }
        let mut text = [0; LONGEST];
        text.get_mut(..name.len())?.copy_from_slice(name);
        Some(Self { text, length: name.len() })
    }

    pub fn as_bytes(&self) -> &[u8] {
        self.text.get(..self.length).unwrap_or_default()
    }

    pub fn as_str(&self) -> &str {
        // It is ASCII, whichever way it was made.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

tokio::task_local! {
    static REQUEST_ID: RequestId;
}

/// Runs `work` as part of the request `id`.
pub async fn scope<F: Future>(id: RequestId, work: F) -> F::Output {
    REQUEST_ID.scope(id, work).await
}

/// The same for a blocking closure.
pub fn scope_sync<T>(id: RequestId, work: impl FnOnce() -> T) -> T {
    REQUEST_ID.sync_scope(id, work)
}

/// `None` outside of any request.
pub fn current() -> Option<RequestId> {
    REQUEST_ID.try_with(|id| *id).ok()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn the_id_crosses_an_await_and_a_blocking_thread() {
        let id = RequestId::given(b"r1").unwrap();
        let seen = scope(id, async {
            tokio::task::yield_now().await;
            let id = current().unwrap();
            tokio::task::spawn_blocking(move || scope_sync(id, current)).await.unwrap()
        });
        assert_eq!(seen.await, Some(id));
        assert_eq!(current(), None);
    }

    #[test]
    fn a_new_one_tells_its_time_and_is_another_each_time() {
        let now = DateTime::from_timestamp_millis(1_700_000_000_123).unwrap();
        let [one, other] = [RequestId::new(now), RequestId::new(now)];
        assert_ne!(one, other);
        let id: Uuid = one.as_str().parse().unwrap();
        assert_eq!((id.get_version_num(), id.get_timestamp().unwrap().to_unix()), (7, (1_700_000_000, 123_000_000)));
    }

    #[test]
    fn a_given_one_is_short_and_plain_or_none() {
        for name in ["a", "trace-7.a_b", &"x".repeat(64)] {
            assert_eq!(RequestId::given(name.as_bytes()).unwrap().as_str(), name);
        }
        for name in ["", "a b", "a\tb", "é", "<script>", "a\"b", "a\n", &"x".repeat(65)] {
            assert_eq!(RequestId::given(name.as_bytes()), None, "{name:?}");
        }
    }
}
