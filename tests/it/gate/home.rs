//! The apps on the signed-in home page.

use chrono::TimeDelta;

use super::groups::MEMBERSHIPS;
use super::house::{Person, house_with};
use crate::support::TestApp;

const RULES: &str = r#"[
    { hosts = ["wiki.example.com"], paths = ["/assets/**"], allow = "public" },
    { name = "Wiki", icon = "/static/favicon.svg", hosts = ["wiki.example.com"], methods = ["GET"], allow = "signed_in" },
    { name = "Wiki", description = "What we know", hosts = ["wiki.example.com"], paths = ["/admin/**"], allow = "two_factor" },
    { name = "Payroll", hosts = ["pay.example.com"], groups = ["acme:admin"], allow = "two_factor", recent_auth = "5m" },
    { name = "Vault", hosts = ["vault.example.com"], allow = "signed_in", factor = "passkey" },
    { name = "Ops", hosts = ["ops.example.com"], paths = ["/grafana/**"], allow = "signed_in", recent_auth = "90s" },
    { name = "Lan", hosts = ["lan.example.com"], networks = ["10.0.0.0/8"], allow = "signed_in" },
    { name = "Gone", hosts = ["gone.example.com"], allow = "deny" },
    { name = "Tried", hosts = ["tried.example.com"], allow = "public", shadow = true },
    { hosts = ["plain.example.com"], paths = ["/feed.xml"], allow = "public" },
    { hosts = ["plain.example.com"], allow = "signed_in" },
]"#;

fn house() -> TestApp {
    house_with(&[("gateway.rules", RULES), ("gateway.organizations", "acme")])
}

fn home(person: &mut Person) -> String {
    String::from_utf8(person.browser.get("/").answer.body().to_vec()).unwrap().replace("&#x2f;", "/")
}

#[test]
fn people_see_the_apps_they_may_open_and_what_each_asks_for() {
    let app = house();
    let (mut ann, mut bob) =
        (Person::of_the_house(&app, "ann@example.com"), Person::of_the_house(&app, "bob@example.com"));
    app.execute(MEMBERSHIPS);
    let page = home(&mut ann);
    let shown = [
        ("https://wiki.example.com/", "What we know"),
        ("https://pay.example.com/", "Asks for a second factor, unless you did in the last 5 minutes"),
        ("https://vault.example.com/", "Asks for your passkey"),
        (
            "https://ops.example.com/grafana",
            "Asks you to confirm that it is you, unless you did in the last 90 seconds",
        ),
        ("https://plain.example.com/", "plain.example.com"),
    ];
    for (url, words) in shown {
        assert!(page.contains(&format!("href=\"{url}\"")) && page.contains(words), "{url}: {page}");
    }
    assert_eq!(page.matches(">Wiki<").count(), 1, "an app of several rules is one app");
    assert_eq!(page.matches("href=\"https://wiki.example.com/\"").count(), 1, "a part of it without a name is none");
    assert!(page.contains("src=\"/static/favicon."), "{page}");
    for hidden in ["lan.example.com", "gone.example.com", "tried.example.com"] {
        assert!(!page.contains(hidden), "{hidden}");
    }
    assert!(!home(&mut bob).contains("Payroll"), "an app for others is not named");
}

/// What somebody has to confirm first is open to them all the same.
#[test]
fn an_app_stays_on_the_page_when_the_last_proof_is_long_ago() {
    let app = house();
    let mut ann = Person::of_the_house(&app, "ann@example.com");
    app.clock().advance(TimeDelta::minutes(20));
    assert!(home(&mut ann).contains("ops.example.com"));
}

#[test]
fn whose_address_is_not_proved_sees_what_is_open_to_them() {
    let app = house();
    let mut new = Person::newcomer(&app, "new@example.com");
    let page = home(&mut new);
    assert!(!page.contains("wiki.example.com") && !page.contains("ops.example.com"), "{page}");
}
