//! Where a token is good.

use super::traveller::Traveller;
use super::{RULES, statuses, two_domains};
use crate::gate::house::{Door, GATE_COOKIE, Person, house_with};
use crate::support::people::PASSWORD;

#[test]
fn a_token_is_worthless_where_its_own_cookie_does_not_reach() {
    let app = two_domains();
    let ann = Person::of_the_house(&app, "ann@example.com");
    let token = ann.gate_token();
    for url in ["https://app.example.com/", "https://auth.example.com/", "https://app.example.com:8443/"] {
        assert_eq!(statuses(&app, url, &token), [200; 3], "{url}");
    }
    // Asked for by a token that is remembered by now, and asked for first of all.
    for url in ["https://app.other.org/", "https://other.org/", "https://evil.other.org/"] {
        assert_eq!(statuses(&app, url, &token), [401; 3], "{url}");
    }
    let bob = Person::of_the_house(&app, "bob@example.com");
    assert_eq!(statuses(&app, "https://app.other.org/", &bob.gate_token()), [401; 3]);
    assert_eq!(statuses(&app, "https://app.example.com/", &bob.gate_token()), [200; 3]);
}

#[test]
fn what_one_app_sees_of_a_visitor_opens_no_other() {
    let app = two_domains();
    let ann = Person::of_the_house(&app, "ann@example.com");
    let mut ann = Traveller::with(&app, Door::ForwardAuth, ann.browser);
    ann.go("https://evil.other.org/").app();
    let stolen = ann.gate_token("evil.other.org").expect("a cookie of that host");
    assert_eq!(statuses(&app, "https://evil.other.org/", &stolen), [200; 3]);
    for url in ["https://app.other.org/", "https://other.org/", "https://app.example.com/", "https://auth.example.com/"]
    {
        assert_eq!(statuses(&app, url, &stolen), [401; 3], "{url}");
    }
}

#[test]
fn without_a_domain_the_token_is_good_at_the_portals_own_host() {
    let app = house_with(&[("session.cookie_domains", ""), ("gateway.rules", RULES)]);
    let ann = Person::of_the_house(&app, "ann@example.com");
    assert_eq!(statuses(&app, "https://auth.example.com:8443/", &ann.gate_token()), [200; 3]);
    assert_eq!(statuses(&app, "https://app.example.com/", &ann.gate_token()), [401; 3]);
}

#[test]
fn new_cookies_of_the_portal_leave_those_of_other_hosts_alone_and_a_rotation_ends_them() {
    let app = two_domains();
    let mut ann = Person::of_the_house(&app, "ann@example.com").browser;
    ann.confirm();
    let mut ann = Traveller::with(&app, Door::ForwardAuth, ann);
    ann.go("https://app.other.org/").app();
    let token = ann.gate_token("app.other.org").expect("a cookie");
    ann.browser.get("/login?return_to=https://app.example.com/");
    ann.browser.submit("/login/continue", &[]);
    assert_eq!(statuses(&app, "https://app.other.org/", &token), [200; 3]);
    let password = serde_json::json!({ "new_password": format!("{PASSWORD} again") });
    assert_eq!(ann.browser.api("PUT", "/me/password", password).status, 200);
    assert_eq!(statuses(&app, "https://app.other.org/", &token), [401; 3]);
    assert_eq!(ann.go("https://app.other.org/x").app(), "https://app.other.org/x");
    assert_ne!(ann.gate_token("app.other.org"), Some(token));
}

#[test]
fn a_session_has_few_tokens_for_one_host_however_often_it_is_handed_over() {
    let app = two_domains();
    let ann = Person::of_the_house(&app, "ann@example.com");
    let mut ann = Traveller::with(&app, Door::AuthRequest, ann.browser);
    let mut tokens = Vec::new();
    for _ in 0..6 {
        app.clock().advance(chrono::TimeDelta::seconds(1));
        ann.browser.jar.remove(GATE_COOKIE);
        ann.go("https://app.other.org/").app();
        tokens.push(ann.gate_token("app.other.org").expect("a cookie"));
    }
    ann.go("https://b.other.org/").app();
    let of_hosts = "SELECT count(*) AS n FROM gate_tokens WHERE host = ";
    assert_eq!(app.count(&format!("{of_hosts}'app.other.org'")), 4);
    assert_eq!(app.count(&format!("{of_hosts}'b.other.org'")), 1);
    let good: Vec<_> = tokens.iter().map(|token| statuses(&app, "https://app.other.org/", token)).collect();
    assert_eq!(good, [[401; 3], [401; 3], [200; 3], [200; 3], [200; 3], [200; 3]]);
}
