//! Records that were there, looked for every day.

use chrono::TimeDelta;

use super::{check, claim, proved_by, record_of, start, the_domain};
use crate::orgs::{OWNER, acme};
use crate::support::browser::Browser;
use crate::support::dns::Dns;
use crate::support::{TestApp, eventually};

/// "acme" has proved example.com by the record that is given back.
fn proved(dns: &mut Dns) -> (TestApp, Browser, (String, String)) {
    let app = start(dns);
    let ([mut owner], _) = acme(&app, [OWNER]);
    let record = record_of(&claim(&mut owner, "acme", "example.com"));
    dns.serve_instead(&[(&record.0, &record.1)]);
    assert_eq!(check(&mut owner, "acme", "example.com").status, 200);
    assert_eq!(proved_by(&app), "dns");
    (app, owner, record)
}

fn a_day_later(app: &TestApp) {
    app.clock().advance(TimeDelta::days(1));
    app.run_job("check_domains");
}

fn letters(app: &TestApp) -> i64 {
    app.count("SELECT count(*) AS n FROM mail_outbox WHERE letter = 'domain_changed'")
}

#[test]
fn a_record_that_is_missing_for_a_week_ends_the_proof_and_its_owners_were_warned() {
    let mut dns = Dns::serve(&[]);
    let (app, _, record) = proved(&mut dns);
    a_day_later(&app);
    assert_eq!((proved_by(&app).as_str(), letters(&app)), ("dns", 0));

    dns.serve_instead(&[]);
    let mut written = Vec::new();
    for _ in 0..7 {
        a_day_later(&app);
        assert_eq!(proved_by(&app), "dns");
        written.push(letters(&app));
    }
    assert_eq!(written, [1, 1, 1, 2, 2, 2, 3], "on the first day, and three and six days later");
    let letter = app.mail().to(OWNER);
    assert!(letter.subject().contains("The DNS record of example.com is missing"), "{}", letter.subject());
    assert!(letter.link().ends_with("/orgs/acme/domains"), "{}", letter.link());

    a_day_later(&app);
    assert_eq!(proved_by(&app), "");
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'domain.lost'"), 1);
    assert_eq!(letters(&app), 4);
    a_day_later(&app);
    assert_eq!(letters(&app), 4, "that is all");

    dns.serve_instead(&[(&record.0, &record.1)]);
    a_day_later(&app);
    assert_eq!(proved_by(&app), "", "it takes an owner to prove it again");
}

#[test]
fn a_record_that_comes_back_in_time_is_as_if_it_had_never_been_away() {
    let mut dns = Dns::serve(&[]);
    let (app, _, record) = proved(&mut dns);
    dns.serve_instead(&[(&record.0, "vestibule-domain=another")]);
    (0..6).for_each(|_| a_day_later(&app));
    assert_eq!(app.count("SELECT count(*) AS n FROM domains WHERE missing_since IS NOT NULL"), 1);
    dns.serve_instead(&[(&record.0, &record.1)]);
    a_day_later(&app);
    assert_eq!(app.count("SELECT count(*) AS n FROM domains WHERE missing_since IS NOT NULL"), 0);
    dns.serve_instead(&[]);
    (0..7).for_each(|_| a_day_later(&app));
    assert_eq!(proved_by(&app), "dns", "the week begins anew");
}

#[test]
fn that_nobody_can_answer_ends_nothing() {
    let mut dns = Dns::serve(&[]);
    let (app, mut owner, _) = proved(&mut dns);
    dns.stop();
    (0..9).for_each(|_| a_day_later(&app));
    let domain = the_domain_after(&app, &mut owner);
    assert_eq!((proved_by(&app).as_str(), letters(&app)), ("dns", 0));
    assert!(domain["check_error"].is_string() && domain["missing_since"].is_null(), "{domain}");

    // Its server says that it will not say (REFUSED): that is what it says of everything outside of com and example.
    app.execute("UPDATE domains SET name = 'example.org'");
    dns.serve_instead(&[]);
    (0..9).for_each(|_| a_day_later(&app));
    assert_eq!((proved_by(&app).as_str(), letters(&app)), ("dns", 0));
    assert_eq!(app.count("SELECT count(*) AS n FROM domains WHERE missing_since IS NOT NULL"), 0);
}

/// Her session is over by then.
fn the_domain_after(app: &TestApp, owner: &mut Browser) -> serde_json::Value {
    *owner = app.log_in(OWNER, crate::support::people::PASSWORD).0;
    the_domain(owner)
}

#[test]
fn what_the_operator_has_vouched_for_is_not_looked_for() {
    let mut dns = Dns::serve(&[]);
    let (app, ..) = proved(&mut dns);
    assert!(app.vestibule(&["domain", "verify", "acme", "example.com"]).text().contains("is proved"));
    dns.serve_instead(&[]);
    (0..9).for_each(|_| a_day_later(&app));
    assert_eq!((proved_by(&app).as_str(), letters(&app)), ("operator", 0));
}

/// Who has bought it proves it where nobody else can.
#[test]
fn a_domain_that_another_organization_can_prove_by_now_is_lost_at_once() {
    let mut dns = Dns::serve(&[]);
    let (app, mut owner, record) = proved(&mut dns);
    let mut rival = app.verified("rita@example.com");
    assert_eq!(rival.api("POST", "/orgs", serde_json::json!({ "name": "Rival" })).status, 201);
    let theirs = record_of(&claim(&mut rival, "rival", "example.com"));
    dns.serve_instead(&[(&record.0, &record.1), (&theirs.0, &theirs.1)]);
    a_day_later(&app);
    assert_eq!(proved_by(&app), "dns", "a claim beside it changes nothing");
    rival = app.log_in("rita@example.com", crate::support::people::PASSWORD).0;
    rival.confirm();

    dns.serve_instead(&[(&theirs.0, &theirs.1)]);
    assert_eq!(check(&mut rival, "rival", "example.com").status, 409, "it is still the other's");
    // Which is looked into soon.
    app.run_job("check_domains");
    eventually("the end of the proof", || proved_by(&app).is_empty().then_some(()));
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'domain.lost'"), 1);
    assert_eq!(letters(&app), 1);
    assert_eq!(check(&mut rival, "rival", "example.com").status, 200);
    let of_whom = "SELECT o.slug AS t FROM domains d JOIN organizations o ON o.id = d.organization_id
        WHERE d.proved_at IS NOT NULL";
    assert_eq!(app.text(of_whom), "rival");
    assert!(the_domain_after(&app, &mut owner)["check_error"].as_str().unwrap().contains("with another value"));
}
