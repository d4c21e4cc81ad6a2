//! Apps under more than one root domain.

mod journeys;
mod refusals;
mod tokens;
mod traveller;

use super::house::{DOORS, GATE_COOKIE, Question, house_with};
use crate::support::app::TestApp;

const RULES: &str = r#"[
    { hosts = ["app.other.org"], paths = ["/closed/**"], allow = "deny" },
    { hosts = ["app.other.org"], paths = ["/open/**"], allow = "public" },
    { hosts = ["app.other.org"], paths = ["/fresh/**"], allow = "signed_in", recent_auth = "5m" },
    { hosts = ["app.example.com", "*.other.org", "other.org", "auth.example.com"], allow = "signed_in" },
]"#;

const SETTINGS: [(&str, &str); 2] = [("session.cookie_domains", "example.com, other.org"), ("gateway.rules", RULES)];

fn two_domains() -> TestApp {
    house_with(&SETTINGS)
}

/// What a gate token comes to at each door for `url`.
fn statuses(app: &TestApp, url: &str, token: &str) -> [u16; 3] {
    let cookie = format!("{GATE_COOKIE}={token}");
    DOORS.map(|door| Question::about(door, url).with("Cookie", &cookie).ask(app).status)
}
