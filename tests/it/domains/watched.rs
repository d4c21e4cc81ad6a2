//! Records that were there, looked for every day.

use chrono::TimeDelta;

use super::{check, claim, proved_by, record_of, start, the_domain};
use crate::orgs::{OWNER, acme};
use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::dns::Dns;

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
