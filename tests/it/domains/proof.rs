use std::thread;

use serde_json::{Value, json};

use super::{PLACE, check, claim, proved_by, record_of, start, the_domain, try_claim};
use crate::orgs::{ADMIN, OWNER, acme, staffed};
use crate::support::TestApp;
use crate::support::dns::Dns;
use crate::support::people::code;

#[test]
fn a_domain_is_proved_by_its_record_and_by_nothing_else() {
    let mut dns = Dns::serve(&[]);
    let app = start(&dns);
    let ([mut owner], _) = acme(&app, [OWNER]);
    let claimed = claim(&mut owner, "acme", " Example.COM ");
    assert_eq!((&claimed["name"], &claimed["proved_at"]), (&json!("example.com"), &Value::Null));
    let (name, value) = record_of(&claimed);
    assert_eq!(name, "_vestibule.example.com");
    assert!(value.starts_with("vestibule-domain=") && value.len() > 50, "{value}");

    let mut is_refused = |dns: &mut Dns, records: &[(&str, &str)], why: &str| {
        dns.serve_instead(records);
        let seen: Value = check(&mut owner, "acme", "example.com").json();
        assert_eq!((&seen["proved_at"], proved_by(&app).as_str()), (&Value::Null, ""), "{seen}");
        assert!(seen["check_error"].as_str().unwrap().contains(why), "{seen}");
    };
    let none = "There is no TXT record of ours at _vestibule.example.com.";
    is_refused(&mut dns, &[], none);
    is_refused(&mut dns, &[("example.com", &value), ("_vestibule.mail.example.com", &value)], none);
    is_refused(&mut dns, &[(&name, "v=spf1 -all")], none);
    is_refused(&mut dns, &[(&name, &format!("{value}x"))], "with another value");
    is_refused(&mut dns, &[(&name, &value.to_ascii_uppercase())], none);

    dns.serve_instead(&[(&name, "something else"), (&name, &value)]);
    let seen: Value = check(&mut owner, "acme", "EXAMPLE.com").json();
    assert_eq!((&seen["proved_by"], &seen["check_error"]), (&json!("dns"), &Value::Null), "{seen}");
    assert_eq!(the_domain(&mut owner), seen);
    let again: Value = check(&mut owner, "acme", "example.com").json();
    assert_eq!(again["proved_by"], json!("dns"), "{again}");
    let proved = "SELECT count(*) AS n FROM audit_events WHERE kind = 'domain.proved' AND organization_id IS NOT NULL
        AND details->>'domain' = 'example.com' AND details->>'by' = 'dns'";
    assert_eq!(app.count(proved), 1);
}

#[test]
fn of_two_organizations_one_proves_a_domain_and_the_other_is_told() {
    let mut dns = Dns::serve(&[]);
    let app = start(&dns);
    let ([mut olive], _) = acme(&app, [OWNER]);
    let mut rival = app.verified("rita@example.com");
    assert_eq!(rival.api("POST", "/orgs", json!({ "name": "Rival" })).status, 201);
    let records = [claim(&mut olive, "acme", "example.com"), claim(&mut rival, "rival", "example.com")];
    let [ours, theirs] = records.map(|claimed| record_of(&claimed));
    assert_ne!(ours.1, theirs.1, "nobody proves it by another's record");
    dns.serve_instead(&[(&theirs.0, &theirs.1)]);
    let seen: Value = check(&mut olive, "acme", "example.com").json();
    assert_eq!(seen["proved_at"], Value::Null, "{seen}");

    dns.serve_instead(&[(&ours.0, &ours.1), (&theirs.0, &theirs.1)]);
    let answers = thread::scope(|scope| {
        let both = [
            scope.spawn(|| check(&mut olive, "acme", "example.com")),
            scope.spawn(|| check(&mut rival, "rival", "example.com")),
        ];
        both.map(|one| one.join().unwrap())
    });
    let mut statuses = answers.each_ref().map(|answer| answer.status);
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let told = answers.iter().find(|answer| answer.status == 409).unwrap();
    assert_eq!(code(told), "conflict");
    assert!(told.answer.text().contains("Another organization has proved"), "{}", told.answer.text());
    assert_eq!(app.count("SELECT count(*) AS n FROM domains WHERE proved_at IS NOT NULL"), 1);

    let (winner, loser) = if answers[0].status == 200 { ("acme", "rival") } else { ("rival", "acme") };
    let (mut first, mut second) = if winner == "acme" { (olive, rival) } else { (rival, olive) };
    assert_eq!(check(&mut second, loser, "example.com").status, 409, "also later");
    assert_eq!(first.api("DELETE", &format!("/orgs/{winner}/domains/example.com"), Value::Null).status, 204);
    assert_eq!(check(&mut second, loser, "example.com").json::<Value>()["proved_by"], json!("dns"), "once it is free");
}

#[test]
fn what_is_no_domain_of_one_organization_is_refused_with_a_sentence() {
    let app = TestApp::start();
    let ([mut owner], _) = acme(&app, [OWNER]);
    for wrong in ["", "com", "co.uk", "github.io", "192.0.2.1", "localhost", "example.com.", "*.example.com", "a@b.com"]
    {
        let refused = try_claim(&mut owner, "acme", wrong);
        assert_eq!((refused.status, code(&refused).as_str()), (422, "validation"), "{wrong}");
        assert!(refused.json::<Value>()["fields"]["name"].is_string(), "{wrong}");
    }
    claim(&mut owner, "acme", "bücher.example");
    for same in ["BÜCHER.example", "xn--bcher-kva.example", "bu\u{308}cher.example"] {
        assert_eq!(try_claim(&mut owner, "acme", same).status, 409, "{same}");
    }
    claim(&mut owner, "acme", "shop.example.com");
    for missing in ["example.com", "bucher.example", "xn--bcher-kva.example.", "%20"] {
        assert_eq!(check(&mut owner, "acme", missing).status, 404, "{missing}");
        assert_eq!(owner.api("DELETE", &format!("{PLACE}/{missing}"), Value::Null).status, 404, "{missing}");
    }
    app.execute(
        "INSERT INTO domains (id, organization_id, name, token, created_at)
        SELECT gen_random_uuid(), id, 'd' || n || '.example.com', 'x', now() FROM organizations, generate_series(1, 48) n",
    );
    let refused = try_claim(&mut owner, "acme", "one-too-many.com");
    assert_eq!((refused.status, code(&refused).as_str()), (409, "conflict"));
}

#[test]
fn an_admin_sees_domains_and_cannot_change_them_and_no_session_can_that_has_not_confirmed() {
    let app = TestApp::start();
    let ([mut owner, mut admin, mut member], _) = staffed(&app);
    let refused = owner.api("POST", PLACE, json!({ "name": "example.com" }));
    assert_eq!(code(&refused), "reauth_required");
    claim(&mut owner, "acme", "example.com");
    assert_eq!(admin.api("GET", PLACE, Value::Null).status, 200);
    assert_eq!(code(&member.api("GET", PLACE, Value::Null)), "forbidden");
    admin.confirm();
    assert_eq!(code(&try_claim(&mut admin, "acme", "example.org")), "forbidden");
    assert_eq!(code(&check(&mut admin, "acme", "example.com")), "forbidden");
    assert_eq!(code(&admin.api("DELETE", &format!("{PLACE}/example.com"), Value::Null)), "forbidden");
    let (mut anew, _) = app.log_in(ADMIN, crate::support::people::PASSWORD);
    assert_eq!(code(&anew.api("DELETE", &format!("{PLACE}/example.com"), Value::Null)), "reauth_required");
    assert_eq!(app.count("SELECT count(*) AS n FROM domains"), 1);
}

#[test]
fn looking_for_records_again_and_again_has_to_wait() {
    let app = TestApp::with(&[("limits.login_per_network", "3 per 15m")]);
    let ([mut owner], _) = acme(&app, [OWNER]);
    claim(&mut owner, "acme", "example.com");
    for _ in 0..3 {
        assert_eq!(check(&mut owner, "acme", "example.com").status, 200);
    }
    let refused = check(&mut owner, "acme", "example.com");
    assert_eq!((refused.status, code(&refused).as_str()), (429, "rate_limited"));
}
