//! Points in time as people type them: an instant, or a day.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};

/// An instant (RFC 3339), or a whole day of UTC as browsers and people write it: `2026-11-21`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    Instant(DateTime<Utc>),
    Day(NaiveDate),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("Write a day, as in 2026-11-21, or an instant, as in 2026-11-21T15:30:00Z.")]
pub struct InvalidWhen;

impl When {
    pub fn parse(text: &str) -> Result<Self, InvalidWhen> {
        if let Ok(day) = text.parse() {
            return Ok(Self::Day(day));
        }
        // A plus that was not escaped in a query has become a space by now.
        let instant = DateTime::parse_from_rfc3339(&text.replace(' ', "+"));
        instant.map(|instant| Self::Instant(instant.to_utc())).map_err(|_| InvalidWhen)
    }

    /// With it.
    pub fn begin(self) -> DateTime<Utc> {
        match self {
            Self::Instant(instant) => instant,
            Self::Day(day) => midnight(day),
        }
    }

    /// Without it.
    pub fn end(self) -> DateTime<Utc> {
        match self {
            Self::Instant(instant) => instant,
            Self::Day(day) => day.checked_add_days(Days::new(1)).map_or(DateTime::<Utc>::MAX_UTC, midnight),
        }
    }
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_lasts_until_the_next_and_an_instant_no_time() {
        let bounds = |text: &str| When::parse(text).map(|when| (when.begin().to_rfc3339(), when.end().to_rfc3339()));
        let instant = "2026-11-21T14:30:00+00:00".to_owned();
        let day = ("2026-11-21T00:00:00+00:00".to_owned(), "2026-11-22T00:00:00+00:00".to_owned());
        assert_eq!(bounds("2026-11-21"), Ok(day));
        for text in ["2026-11-21T14:30:00Z", "2026-11-21T15:30:00+01:00", "2026-11-21T15:30:00 01:00"] {
            assert_eq!(bounds(text), Ok((instant.clone(), instant.clone())), "{text}");
        }
        for text in ["", "yesterday", "2026-13-01", "2026-11-21T14:30", "14:30"] {
            assert_eq!(bounds(text), Err(InvalidWhen), "{text}");
        }
        assert!(When::Day(NaiveDate::MAX).end() > When::Day(NaiveDate::MAX).begin());
    }
}
