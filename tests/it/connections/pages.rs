//! The pages, without a script.

use chrono::TimeDelta;

use super::{PLACE, certificate, metadata};
use crate::orgs::{OWNER, staffed};
use crate::support::TestApp;
use crate::support::browser::Browser;

#[test]
fn an_owner_adds_changes_and_removes_a_connection_on_pages_and_sees_what_to_paste() {
    let app = TestApp::start();
    let ([mut owner, mut admin, mut member], [owner_id, ..]) = staffed(&app);
    assert!(owner.get("/orgs/acme").text().contains("Single sign-on"));
    assert_eq!(member.get(PLACE).status, 403);
    let empty = owner.get(PLACE).text();
    assert!(empty.contains("There is no connection."), "{empty}");
    owner.confirm();
    let add = format!("{PLACE}/add");
    let refused = owner.submit(&add, &[("name", ""), ("metadata_xml", "<html/>"), ("group_roles", "IT")]);
    assert_eq!(refused.status, 422);
    assert!(refused.field_error("group_roles").is_some(), "{}", refused.text());
    let refused = owner.submit(&add, &[("name", ""), ("metadata_xml", "<html/>"), ("group_roles", "IT = admin")]);
    assert!(refused.field_error("metadata_xml").unwrap().contains("begins with <html>"));
    let document = metadata("https://idp.example.com/", &[&certificate("idp")]);
    let fields = [
        ("name", "Staff"),
        ("metadata_xml", document.as_str()),
        ("domains", "example.com example.org"),
        ("group_roles", "IT = admin\nStaff=x = member"),
        ("default_role", ""),
    ];
    let added = owner.submit(&add, &fields);
    assert_eq!(added.status, 303, "{}", added.text());
    let place = added.location().unwrap().path().to_owned();
    sees_what_to_paste(&mut owner, &place);
    let mapped = "SELECT string_agg(idp_group || ':' || role, ' ' ORDER BY role) AS t FROM connection_roles";
    assert_eq!(app.text(mapped), "IT:admin Staff=x:member");
    assert_eq!(app.count("SELECT count(*) AS n FROM connections WHERE default_role IS NULL AND sign_requests"), 1);

    save(&app, &mut owner, (&place, mapped));

    owner.get(&place);
    assert_eq!(owner.submit(&format!("{place}/add-key"), &[]).status, 303);
    let new = app.text("SELECT id::text AS t FROM connection_keys WHERE NOT signs");
    owner.get(&place);
    assert_eq!(owner.submit(&format!("{place}/keys/{new}/use"), &[]).status, 303);
    assert_eq!(app.text("SELECT id::text AS t FROM connection_keys WHERE signs"), new);

    assert!(admin.get(&place).text().contains("CN=idp"), "admins may look");
    assert!(!admin.get(&place).text().contains("Remove the connection"), "and no more");

    make_a_must(&app, &mut owner, (&place, &owner_id));

    owner.get(&place);
    assert_eq!(owner.submit(&format!("{place}/remove"), &[]).status, 303);
    assert_eq!(owner.get(&place).status, 404);
}

fn sees_what_to_paste(owner: &mut Browser, place: &str) {
    let shown = owner.get(place).text();
    let id = place.rsplit('/').next().unwrap();
    for said in [
        "Entra ID",
        "Okta",
        "Google Workspace",
        "ADFS",
        "Keycloak",
        "SimpleSAMLphp",
        "CN=idp",
        "Nobody has tried it out",
        "example.org (not proved)",
        &format!("/saml/{id}/acs"),
        "Reply URL",
        "-----BEGIN CERTIFICATE-----",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    let page = owner.get(place);
    assert_eq!(page.link("See answers").unwrap().path(), format!("{place}/reports"));
    assert_eq!(page.link("Test connection").unwrap().path(), format!("/saml/{id}/login"));
}

fn make_a_must(app: &TestApp, owner: &mut Browser, (place, owner_id): (&str, &str)) {
    let ahead = owner.get(&format!("{place}/preflight")).text();
    assert!(ahead.contains("None of its domains is proved"), "{ahead}");
    let refused = owner.submit(&format!("{place}/enforce"), &[("when", "now")]);
    assert_eq!(refused.status, 409);
    app.execute("UPDATE domains SET proved_at = now(), proved_by = 'operator' WHERE name = 'example.com'");
    let now = app.clock().now().to_rfc3339();
    app.execute(&format!("UPDATE connections SET tested_at = '{now}', tested_by = '{owner_id}'"));
    let ahead = owner.get(&format!("{place}/preflight")).text();
    assert!(ahead.contains("3 accounts with addresses") && ahead.contains(OWNER), "{ahead}");
    let on = owner.submit(&format!("{place}/enforce"), &[("when", "now"), ("break_glass", OWNER)]);
    assert_eq!(on.status, 303, "{}", on.text());
    assert!(owner.get(place).text().contains("It is the only way in for its people"));
    keep_the_day(app, owner, place);
}

/// Somebody looks again, long after the test, and saves what the page shows.
fn keep_the_day(app: &TestApp, owner: &mut Browser, place: &str) {
    let day = (app.clock().now() + TimeDelta::days(9)).format("%Y-%m-%d").to_string();
    app.execute(&format!(
        "UPDATE connections SET enforced_from = '{day}T00:00:00Z', tested_at = changed_at - interval '9 days'"
    ));
    let shown = owner.get(&format!("{place}/preflight")).answer.text();
    assert!(shown.contains(&format!("value=\"{day}\"")), "{shown}");
    assert!(shown.contains(r#"<option value="day" selected>"#), "{shown}");
    assert!(shown.contains(&format!(">{OWNER}</textarea>")), "{shown}");
    let same = [("when", "day"), ("enforced_from", day.as_str()), ("break_glass", OWNER)];
    let saved = owner.submit(&format!("{place}/enforce"), &same);
    assert_eq!(saved.status, 303, "{}", saved.text());
    let kept = format!("SELECT count(*) AS n FROM connections WHERE enforced_from = '{day}T00:00:00Z'");
    assert_eq!(app.count(&kept), 1);
}

fn save(app: &TestApp, owner: &mut Browser, (place, mapped): (&str, &str)) {
    // What the form does not name stays; what it shows is what there is.
    let saved = owner.submit(&format!("{place}/change"), &[("name", "Everybody")]);
    assert_eq!(saved.status, 303, "{}", saved.text());
    assert_eq!(app.text(mapped), "IT:admin Staff=x:member");
    assert_eq!(
        app.count("SELECT count(*) AS n FROM connections WHERE name = 'Everybody' AND metadata_from = 'xml'"),
        1
    );
    assert_eq!(app.count("SELECT count(*) AS n FROM domains WHERE connection_id IS NOT NULL"), 2);
}
