//! Trying a connection out: a real sign-in that lets nobody in.

use serde_json::Value;
use vestibule::db::Tx;
use vestibule::kernel::{ConnectionId, Origin, UserId};
use vestibule::sso::connections;

use super::{Stage, is_in, said, sent};
use crate::orgs::{id_of, join};
use crate::support::TestApp;
use crate::support::browser::Browser;

fn begin(stage: &Stage, browser: &mut Browser) -> super::Sent {
    let answer = browser.api("POST", &format!("/orgs/acme/sso/{}/test", stage.id), Value::Null);
    assert_eq!(answer.status, 200, "{}", answer.answer.text());
    let url = answer.json::<Value>()["url"].as_str().unwrap().to_owned();
    sent(&browser.get(&url))
}

#[test]
fn an_administrator_sees_what_it_comes_to_and_stays_who_they_are() {
    let stage = Stage::start();
    let mut owner = stage.owner.clone();
    let asked = begin(&stage, &mut owner);
    let page = stage.bring(&mut owner, &stage.draft(&asked), Some(&asked.relay_state));
    assert_eq!(page.status, 303, "{}", page.text());
    let place = page.location().unwrap();
    assert!(place.path().starts_with(&format!("/orgs/acme/sso/{}/reports/", stage.id)), "{place}");
    assert_eq!(super::me(&mut owner)["email"], super::OWNER);
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM users WHERE email = 'ann@corp.example'"), 0);
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM identities"), 0);
    let tested =
        "SELECT u.email AS t FROM connections c JOIN users u ON u.id = c.tested_by WHERE c.tested_at IS NOT NULL";
    assert_eq!(stage.app.text(tested), super::OWNER);
    assert_eq!(stage.app.text("SELECT purpose AS t FROM saml_reports"), "test");
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'sso.tested'"), 1);
}

#[test]
fn what_fails_is_kept_as_a_report_and_marks_nothing_as_tested() {
    let stage = Stage::start();
    let mut owner = stage.owner.clone();
    for change in ["address", "domain", "signature"] {
        let asked = begin(&stage, &mut owner);
        let mut draft = stage.draft(&asked);
        match change {
            "address" => draft.attributes = said("ann", &[]),
            "domain" => draft.attributes = said("ann@elsewhere.example", &[]),
            _ => draft.sign = crate::support::idp::Sign::Nothing,
        }
        assert_eq!(stage.bring(&mut owner, &draft, Some(&asked.relay_state)).status, 303, "{change}");
    }
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM connections WHERE tested_at IS NOT NULL"), 0);
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM saml_reports WHERE user_id IS NOT NULL"), 3);
    assert_eq!(stage.refused_for(), "", "a test is no refusal");
}

#[test]
fn only_administrators_of_the_organization_try_it_out() {
    let stage = Stage::start();
    let mut ann = stage.ann();
    let path = format!("/orgs/acme/sso/{}/test", stage.id);
    assert_eq!(ann.api("POST", &path, Value::Null).status, 403);
    let direct = format!("{}?purpose=test", stage.path("login"));
    assert_eq!(ann.get(&direct).status, 404);
    let mut stranger = stage.app.verified("eve@evil.example");
    assert_eq!(stranger.api("POST", &path, Value::Null).status, 404);
    assert_eq!(stranger.get(&direct).status, 404);
    join(&stage.app, &id_of(&stage.app, "eve@evil.example"), "admin");
    assert_eq!(stranger.api("POST", &path, Value::Null).status, 200);
    assert_eq!(stranger.get(&direct).status, 302);
    assert_eq!(stage.app.browser().get(&direct).location().unwrap().path(), "/login");
}

#[test]
fn no_page_of_others_begins_a_test_or_a_confirmation() {
    let stage = Stage::start();
    let (owner, ann) = (stage.owner.clone(), stage.ann());
    let from = |browser: &Browser, site: &str, query: &str| {
        let mut led = browser.clone().with_header("Sec-Fetch-Site", site);
        led.get(&format!("{}{query}", stage.path("login"))).status
    };
    let requests = || stage.app.count("SELECT count(*) AS n FROM saml_requests");
    for (browser, query) in [(&owner, "?purpose=test"), (&ann, "?purpose=confirm")] {
        let before = requests();
        for site in ["cross-site", "same-site", "nonsense"] {
            assert_eq!(from(browser, site, query), 403, "{query} {site}");
        }
        assert_eq!(requests(), before, "nothing has begun");
        for site in ["same-origin", "none"] {
            assert_eq!(from(browser, site, query), 302, "{query} {site}");
        }
    }
    assert_eq!(from(&stage.app.browser(), "cross-site", ""), 302, "anybody may link to the sign-in");
}

#[test]
fn a_connection_can_be_tried_out_before_its_domain_is_proved() {
    let stage = Stage::start();
    stage.app.execute("UPDATE domains SET proved_at = NULL, proved_by = NULL");
    let mut owner = stage.owner.clone();
    let asked = begin(&stage, &mut owner);
    assert_eq!(stage.bring(&mut owner, &stage.draft(&asked), Some(&asked.relay_state)).status, 303);
    let mut browser = stage.app.browser();
    assert_eq!(browser.get(&stage.path("login")).status, 404);
    assert!(!is_in(&mut browser));
}

#[test]
fn whoever_is_no_administrator_any_more_has_tested_nothing() {
    let stage = Stage::start();
    let mut eve = stage.app.verified("eve@evil.example");
    join(&stage.app, &id_of(&stage.app, "eve@evil.example"), "admin");
    let asked = begin(&stage, &mut eve);
    stage.app.execute("UPDATE members SET role = 'member' WHERE role = 'admin'");
    assert_eq!(stage.bring(&mut eve, &stage.draft(&asked), Some(&asked.relay_state)).status, 303);
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM connections WHERE tested_at IS NOT NULL"), 0);
}

#[test]
fn a_test_says_nothing_of_what_was_changed_while_it_was_judged() {
    let stage = Stage::start();
    let (id, owner): (ConnectionId, UserId) =
        (stage.id.parse().unwrap(), id_of(&stage.app, super::OWNER).parse().unwrap());
    let tested = |expected: i64| {
        assert_eq!(stage.app.count("SELECT count(*) AS n FROM connections WHERE tested_at IS NOT NULL"), expected);
        assert_eq!(stage.app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'sso.tested'"), expected);
    };
    let judged = write(&stage.app, move |tx| connections::find_any(tx, id)).unwrap();
    stage.app.execute("UPDATE connections SET changed_at = changed_at + interval '1 second'");
    write(&stage.app, move |tx| connections::mark_tested(tx, &judged, owner));
    tested(0);
    let judged = write(&stage.app, move |tx| connections::find_any(tx, id)).unwrap();
    write(&stage.app, move |tx| connections::mark_tested(tx, &judged, owner));
    tested(1);
}

fn write<T: Send + 'static>(
    app: &TestApp,
    work: impl FnOnce(&mut Tx<'_>) -> Result<T, vestibule::db::Error> + Send + 'static,
) -> T {
    super::run(app.app.db.write(&Origin::system("test"), work)).unwrap()
}
