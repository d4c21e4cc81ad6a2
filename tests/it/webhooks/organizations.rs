//! Those of an organization: who looks after them, and what they are told.

use std::thread;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{add, start};
use crate::orgs::{ADMIN, MEMBER, OWNER, acme, staffed};
use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::eventually;
use crate::support::people::code;
use crate::support::receiver::{Manner, Receiver};

const PLACE: &str = "/orgs/acme/webhooks";

/// Added by somebody who has just confirmed: where it is, and its secret.
fn added(keeper: &mut Browser, receiver: &Receiver, kinds: &[&str]) -> (String, String) {
    keeper.confirm();
    let answer = keeper.api("POST", PLACE, json!({ "url": receiver.url(), "kinds": kinds }));
    assert_eq!(answer.status, 201, "{}", answer.answer.text());
    let said: Value = answer.json();
    (format!("{PLACE}/{}", said["id"].as_str().unwrap()), said["secret"].as_str().unwrap().to_owned())
}

fn rename(keeper: &mut Browser, slug: &str, name: &str) {
    assert_eq!(keeper.api("PATCH", &format!("/orgs/{slug}"), json!({ "name": name })).status, 200);
}

fn until_nothing_waits(app: &TestApp) {
    eventually("an empty queue", || {
        let waiting = "SELECT count(*) AS n FROM webhook_deliveries WHERE delivered_at IS NULL AND gave_up_at IS NULL";
        (app.count(waiting) == 0).then_some(())
    });
}

#[test]
fn an_admin_has_a_program_told_what_happens_in_the_organization_and_nothing_else() {
    let (app, receiver) = (start(), Receiver::start(Manner::Takes));
    let ([mut owner, mut admin, _], [owner_id, ..]) = staffed(&app);
    let (place, secret) = added(&mut admin, &receiver, &["*"]);
    let shown: Value = admin.api("GET", &place, Value::Null).json();
    assert_eq!(
        (&shown["url"], &shown["kinds"], &shown["enabled"]),
        (&json!(receiver.url()), &json!(["*"]), &json!(true))
    );
    assert!(!shown.to_string().contains(&secret) && shown.get("secret").is_none(), "shown once");
    let all: Value = owner.api("GET", PLACE, Value::Null).json();
    assert_eq!(all["webhooks"], json!([shown]));

    rename(&mut owner, "acme", "Acme and Sons");
    let told = receiver.first("organization.renamed");
    assert_eq!(told.signatures_by(&secret), 1);
    let said = told.json();
    assert_eq!(
        (&said["organization"]["slug"], &said["actor"]),
        (&json!("acme"), &json!({ "kind": "person", "id": owner_id }))
    );

    // What happens elsewhere: to its members, in another organization, in the whole instance.
    assert_eq!(owner.api("POST", "/orgs", json!({ "name": "Other" })).status, 201);
    rename(&mut owner, "other", "Others");
    assert_eq!(owner.api("POST", "/auth/logout", Value::Null).status, 204);
    app.signed_up("new@example.com");
    rename(&mut admin, "acme", "Acme");
    receiver.until_told(2);
    until_nothing_waits(&app);
    assert_eq!(receiver.kinds(), ["organization.renamed", "organization.renamed"]);
}

#[test]
fn addresses_of_members_are_told_and_of_nobody_else() {
    let (app, receiver) = (start(), Receiver::start(Manner::Takes));
    let ([mut owner, ..], [_, admin_id, member_id]) = staffed(&app);
    added(&mut owner, &receiver, &["member.*"]);
    let role = json!({ "role": "member" });
    assert_eq!(owner.api("PATCH", &format!("/orgs/acme/members/{admin_id}"), role).status, 200);
    let changed = receiver.first("member.role_changed").json();
    assert_eq!(changed["subject"], json!({ "id": admin_id, "email": ADMIN, "email_verified": true }));
    assert_eq!(owner.api("DELETE", &format!("/orgs/acme/members/{member_id}"), Value::Null).status, 204);
    let removed = receiver.first("member.removed");
    assert_eq!(removed.json()["subject"], json!({ "id": member_id }), "gone by then");
    assert!(!String::from_utf8_lossy(removed.body()).contains(MEMBER));
}

#[test]
fn members_are_refused_strangers_find_nothing_and_a_secret_is_for_whoever_confirms() {
    let (app, receiver) = (start(), Receiver::start(Manner::Takes));
    let ([mut owner, mut admin, mut member], _) = staffed(&app);
    let (place, _) = added(&mut owner, &receiver, &["*"]);
    let mut stranger = app.verified("sam@example.com");
    let (test, deliveries) = (format!("{place}/test"), format!("{place}/deliveries"));
    let delivery = {
        let answer = owner.api("POST", &test, Value::Null);
        assert_eq!(answer.status, 202);
        let said: Value = answer.json();
        format!("{deliveries}/{}/redeliver", said["delivery"].as_str().unwrap())
    };
    until_nothing_waits(&app);
    let (rotate, new) = (format!("{place}/rotate"), json!({ "url": receiver.url() }));
    // Whether it takes a confirmation, and what it says to an admin who has.
    let calls = [
        ("GET", PLACE, Value::Null, false, 200),
        ("GET", &place, Value::Null, false, 200),
        ("GET", &deliveries, Value::Null, false, 200),
        ("POST", &test, Value::Null, false, 202),
        ("POST", PLACE, new, true, 201),
        ("PATCH", &place, json!({ "kinds": ["member.*"] }), true, 200),
        ("POST", &rotate, Value::Null, true, 200),
    ];
    for person in [&mut member, &mut stranger] {
        person.confirm();
    }
    for (method, path, body, is_dangerous, status) in calls {
        let refused = member.api(method, path, body.clone());
        assert_eq!((refused.status, code(&refused).as_str()), (403, "forbidden"), "{method} {path}");
        assert_eq!(stranger.api(method, path, body.clone()).status, 404, "{method} {path}");
        assert_eq!(app.browser().api(method, path, body.clone()).status, 401, "{method} {path}");
        if is_dangerous {
            let (mut not_fresh, _) = app.log_in(ADMIN, crate::support::people::PASSWORD);
            let refused = not_fresh.api(method, path, body.clone());
            assert_eq!((refused.status, code(&refused).as_str()), (403, "reauth_required"), "{method} {path}");
            admin.confirm();
        }
        assert_eq!(admin.api(method, path, body).status, status, "{method} {path}");
    }
    assert_eq!(member.api("POST", &delivery, Value::Null).status, 403);
    assert_eq!(stranger.api("POST", &delivery, Value::Null).status, 404);
    until_nothing_waits(&app);
    assert_eq!(admin.api("POST", &delivery, Value::Null).status, 202);
    assert_eq!(member.api("DELETE", &place, Value::Null).status, 403);
    assert_eq!(stranger.api("DELETE", &place, Value::Null).status, 404);
    assert_eq!(admin.api("DELETE", &place, Value::Null).status, 204);
    assert_eq!(admin.api("DELETE", &place, Value::Null).status, 404, "a second time");
}

#[test]
fn admins_of_another_organization_reach_nothing_by_its_ids() {
    let (app, receiver) = (start(), Receiver::start(Manner::Takes));
    let ([mut owner, ..], _) = staffed(&app);
    let (place, _) = added(&mut owner, &receiver, &["*"]);
    let tested: Value = owner.api("POST", &format!("{place}/test"), Value::Null).json();
    let delivery = tested["delivery"].as_str().unwrap();
    let mut other = app.verified("sam@example.com");
    assert_eq!(other.api("POST", "/orgs", json!({ "name": "Other" })).status, 201);
    other.confirm();
    let own = other.api("POST", "/orgs/other/webhooks", json!({ "url": receiver.url() })).json::<Value>();
    let (own, theirs) =
        (format!("/orgs/other/webhooks/{}", own["id"].as_str().unwrap()), place.replace("acme", "other"));
    for (method, path) in [
        ("GET", theirs.clone()),
        ("PATCH", theirs.clone()),
        ("DELETE", theirs.clone()),
        ("POST", format!("{theirs}/test")),
        ("POST", format!("{theirs}/rotate")),
        ("GET", format!("{theirs}/deliveries")),
        ("POST", format!("{theirs}/deliveries/{delivery}/redeliver")),
        ("POST", format!("{own}/deliveries/{delivery}/redeliver")),
        ("GET", "/orgs/other/webhooks/nonsense".to_owned()),
        ("POST", format!("{own}/deliveries/nonsense/redeliver")),
    ] {
        let body = if method == "PATCH" { json!({ "enabled": false }) } else { Value::Null };
        assert_eq!(other.api(method, &path, body).status, 404, "{method} {path}");
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM webhooks WHERE disabled_at IS NULL"), 2);
}

#[test]
fn what_is_wrong_with_a_webhook_is_said_at_once_and_there_are_not_too_many() {
    let (app, receiver) = (start(), Receiver::start(Manner::Takes));
    let ([mut owner], _) = acme(&app, [OWNER]);
    owner.confirm();
    let answer = owner.api("POST", PLACE, json!({ "url": "http://10.0.0.1/", "kinds": ["member.joined"] }));
    assert_eq!((answer.status, code(&answer).as_str()), (422, "validation"));
    let fields = &answer.json::<Value>()["fields"];
    assert_eq!(fields["url"], "Its host has no public address.");
    assert!(
        fields["kinds"].as_str().unwrap().starts_with("There is no such kind of event: member.joined."),
        "{fields}"
    );
    assert_eq!(owner.api("POST", PLACE, json!({})).status, 400);
    assert_eq!(owner.api("POST", PLACE, json!({ "url": "x".repeat(70_000) })).status, 413);

    let (place, _) = added(&mut owner, &receiver, &["user.*"]);
    let changed = owner.api("PATCH", &place, json!({ "enabled": false, "kinds": ["group.*"] }));
    let said: Value = changed.json();
    assert_eq!(
        (&said["enabled"], &said["disabled_why"], &said["kinds"]),
        (&json!(false), &json!("by_hand"), &json!(["group.*"]))
    );
    assert_eq!(owner.api("POST", &format!("{place}/test"), Value::Null).status, 409, "it is turned off");
    assert_eq!(owner.api("PATCH", &place, json!({ "url": "https://127.9.9.9.9/" })).status, 422);

    for _ in 1..19 {
        assert_eq!(owner.api("POST", PLACE, json!({ "url": receiver.url() })).status, 201);
    }
    // Room for one, and two at once.
    let both: Vec<_> = (0..2)
        .map(|_| {
            let (mut owner, url) = (owner.clone(), receiver.url());
            thread::spawn(move || owner.api("POST", PLACE, json!({ "url": url })).status)
        })
        .collect();
    let mut seen: Vec<u16> = both.into_iter().map(|one| one.join().unwrap()).collect();
    seen.sort_unstable();
    assert_eq!(seen, [201, 409]);
}

#[test]
fn deliveries_are_shown_page_by_page_the_newest_first() {
    let (app, receiver) = (start(), Receiver::start(Manner::Takes));
    let ([mut owner], _) = acme(&app, [OWNER]);
    let (place, _) = added(&mut owner, &receiver, &["organization.renamed"]);
    for n in 0..5 {
        app.clock().advance(TimeDelta::seconds(1));
        rename(&mut owner, "acme", &format!("Acme {n}"));
    }
    until_nothing_waits(&app);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page: Value = owner.api("GET", &format!("{place}/deliveries?limit=2{cursor}"), Value::Null).json();
        let deliveries = page["deliveries"].as_array().unwrap();
        assert!(deliveries.iter().all(|one| one["state"] == "delivered" && one["last_status"] == 204), "{page}");
        seen.extend(deliveries.iter().map(|one| one["at"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.reverse();
    assert_eq!((seen.len(), &seen), (5, &sorted));
    for wrong in ["limit=0", "limit=101", "cursor=x"] {
        assert_eq!(owner.api("GET", &format!("{place}/deliveries?{wrong}"), Value::Null).status, 422, "{wrong}");
    }
}

#[test]
fn that_an_organization_is_deleted_the_instance_is_told_and_nothing_is_left_of_its_webhooks() {
    let (app, receiver, silent) = (start(), Receiver::start(Manner::Takes), Receiver::start(Manner::Says(500, "")));
    add(&app, &receiver, &["organization.deleted"]);
    let ([mut owner], _) = acme(&app, [OWNER]);
    added(&mut owner, &silent, &["*"]);
    rename(&mut owner, "acme", "The end");
    silent.first("organization.renamed");
    owner.confirm();
    assert_eq!(owner.api("DELETE", "/orgs/acme", Value::Null).status, 204);
    let told = receiver.first("organization.deleted").json();
    assert!(told["organization"]["id"].is_string() && told["organization"].get("slug").is_none(), "{told}");
    until_nothing_waits(&app);
    assert_eq!(app.count("SELECT count(*) AS n FROM webhooks WHERE organization_id IS NOT NULL"), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM webhook_deliveries"), 1);
}

#[test]
fn its_owners_and_admins_hear_that_it_was_turned_off_and_members_do_not() {
    let (app, receiver) = (start(), Receiver::start(Manner::Says(500, "")));
    let ([mut owner, ..], _) = staffed(&app);
    added(&mut owner, &receiver, &["organization.renamed"]);
    rename(&mut owner, "acme", "Acme 1");
    let failures = || app.count("SELECT failures::bigint AS n FROM webhooks");
    eventually("a failure", || (failures() == 1).then_some(()));
    app.clock().advance(TimeDelta::days(5));
    for person in [OWNER, ADMIN] {
        let letter = eventually("the letter", || {
            app.mail().all().into_iter().find(|letter| {
                letter.recipients == [person] && letter.subject() == "A webhook at localhost was turned off"
            })
        });
        assert!(letter.text().contains("the webhook of the organization \"acme\" at localhost"), "{}", letter.text());
        assert!(letter.link().ends_with(PLACE), "{}", letter.link());
    }
    assert!(
        !app.mail().all().iter().any(|letter| letter.recipients == [MEMBER] && letter.subject().contains("webhook"))
    );
}
