//! How long to wait before what has failed is tried again.

use chrono::TimeDelta;

/// After so many attempts: from seconds to an hour.
pub fn wait(attempts: i32) -> TimeDelta {
    match attempts {
        ..=1 => TimeDelta::seconds(15),
        2 => TimeDelta::minutes(1),
        3 => TimeDelta::minutes(5),
        4 => TimeDelta::minutes(15),
        5 => TimeDelta::minutes(30),
        _ => TimeDelta::hours(1),
    }
}
