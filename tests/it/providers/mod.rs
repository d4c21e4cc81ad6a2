//! Identity providers that others have written, as they are installed anywhere: what they say is held to the strict
//! profile, and they are asked and told in words that they take.

mod answers;
mod house;
mod signing_in;
mod signing_out;

use chrono::{DateTime, Utc};
use vestibule::kernel::Clock;

/// What their clocks say: nobody can move those.
fn now() -> DateTime<Utc> {
    Clock::System.now()
}
