//! What is asked for by name, by browsers and scanners.

use super::support::TestApp;

#[test]
fn the_icon_is_found_where_browsers_look_for_it_by_themselves() {
    let app = TestApp::start();
    let icon = app.browser().get("/favicon.ico");
    assert_eq!((icon.status, icon.header("content-type")), (200, Some("image/svg+xml")));
    assert!(icon.answer.text().contains("<svg"));
}

#[test]
fn an_unknown_well_known_address_is_not_found() {
    let app = TestApp::start();
    // The first is what password managers probe with (W3C, "A Well-Known URL for Changing Passwords").
    for path in ["resource-that-should-not-exist-whose-status-code-should-not-be-200", "openid-configuration", ""] {
        assert_eq!(app.browser().get(&format!("/.well-known/{path}")).status, 404, "{path}");
    }
}
