//! When a line was written, in UTC: `2026-11-21T09:00:00.123Z` (RFC 3339).

use std::cell::RefCell;
use std::io::Write as _;

use chrono::{DateTime, Utc};

use crate::kernel::Clock;

thread_local! {
    /// The second of the last line, and how it is written: up to the milliseconds.
    static LAST: RefCell<(i64, String)> = const { RefCell::new((i64::MIN, String::new())) };
}

pub(super) fn write(out: &mut Vec<u8>) {
    write_at(out, Clock::System.now());
}

fn write_at(out: &mut Vec<u8>, now: DateTime<Utc>) {
    LAST.with_borrow_mut(|(second, text)| {
        if *second != now.timestamp() {
            *second = now.timestamp();
            *text = now.format("%Y-%m-%dT%H:%M:%S").to_string();
        }
        out.extend_from_slice(text.as_bytes());
    });
    // A Vec takes whatever is written to it.
    let _ = write!(out, ".{:03}Z", now.timestamp_subsec_millis());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_time_to_the_millisecond() {
        let mut out = Vec::new();
        for millis in [1_700_000_000_007, 1_700_000_000_999, 1_700_000_001_000, 1_700_000_000_070] {
            write_at(&mut out, DateTime::from_timestamp_millis(millis).unwrap());
            out.push(b' ');
        }
        let expected =
            "2023-11-14T22:13:20.007Z 2023-11-14T22:13:20.999Z 2023-11-14T22:13:21.000Z 2023-11-14T22:13:20.070Z ";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
