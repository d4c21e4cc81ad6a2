//! Whose account it is, and what follows from what the provider says.

use serde_json::{Value, json};

use super::{ANN, OWNER, Stage, connect, is_in, me, prove, said};
use crate::orgs::{id_of, join};
use crate::support::browser::Browser;
use crate::support::idp::Draft;
use crate::support::people::{PASSWORD, sign_in};

#[test]
fn an_account_with_the_address_is_linked_and_the_name_id_counts_from_then_on() {
    let stage = Stage::start();
    stage.app.verified(ANN);
    let id = id_of(&stage.app, ANN);
    stage.ann();
    assert_eq!(stage.app.text("SELECT user_id::text AS t FROM identities"), id);
    let mut browser = stage.app.browser();
    stage.come(&mut browser, |draft| draft.attributes = said("ann.married@corp.example", &[]));
    let person = me(&mut browser);
    assert_eq!((&person["id"], &person["email"]), (&json!(id), &json!(ANN)));
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM users"), 2);
}

/// Whoever signs up with somebody else's address and waits.
#[test]
fn what_a_stranger_has_put_on_an_unproved_account_falls_when_its_owner_comes() {
    let stage = Stage::start();
    let mut squatter = stage.app.unverified(ANN);
    assert!(is_in(&mut squatter));
    let mut ann = stage.ann();
    assert!(!is_in(&mut squatter), "the squatter's session");
    assert_eq!(stage.app.log_in(ANN, PASSWORD).1.status, 401, "the squatter's password");
    assert_eq!(me(&mut ann)["email_verified"], true);
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM users WHERE email = 'ann@corp.example'"), 1);
}

#[test]
fn an_address_elsewhere_lets_nobody_in_until_its_owner_says_so() {
    let stage = Stage::start();
    let mut bob = stage.app.verified("bob@private.example");
    bob.api("POST", "/auth/logout", Value::Null);
    let sent = stage.leave(&mut bob, "");
    let mut draft = stage.draft(&sent);
    draft.attributes = said("bob@private.example", &[]);
    draft.name_id = "bob".to_owned();
    let page = stage.bring(&mut bob, &draft, Some(&sent.relay_state));
    assert_eq!((page.status, page.location().unwrap().path()), (303, "/login/connect"));
    assert!(!is_in(&mut bob));
    let page = bob.follow();
    assert!(page.has("bob@private.example"), "{}", page.text());
    let other = stage.app.browser().get("/login/connect").status;
    assert_eq!(other, 410, "another browser");

    assert_eq!(sign_in(&mut bob, "bob@private.example", PASSWORD).status, 303);
    bob.get("/login/connect");
    let page = bob.submit("/login/connect", &[]);
    assert_eq!(page.location().unwrap().path(), "/confirm");
    bob.confirm();
    bob.get("/login/connect");
    assert_eq!(bob.submit("/login/connect", &[]).status, 403, "no member");
    join(&stage.app, &id_of(&stage.app, "bob@private.example"), "member");
    bob.get("/login/connect");
    assert_eq!(bob.submit("/login/connect", &[]).status, 303);
    assert_eq!(bob.get("/login/connect").status, 410, "used up");

    let mut browser = stage.app.browser();
    stage.come(&mut browser, |draft| draft.name_id = "bob".to_owned());
    assert_eq!(me(&mut browser)["email"], "bob@private.example");
    let page = bob.get("/account/security");
    assert!(page.has("Acme sign-in"), "{}", page.text());
    let path = format!("/account/security/providers/{}/remove", stage.id);
    assert_eq!(bob.submit(&path, &[]).status, 303);
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM identities"), 0);
}

#[test]
fn the_only_way_in_is_not_taken_away() {
    let stage = Stage::start();
    let mut ann = stage.ann();
    stage.app.execute("UPDATE sessions SET confirmed_at = created_at");
    ann.get("/account/security");
    let path = format!("/account/security/providers/{}/remove", stage.id);
    assert_eq!(ann.submit(&path, &[]).status, 409);
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM identities"), 1);
}

#[test]
fn lists_unicode_and_other_tricks_with_addresses_make_nobody() {
    let stage = Stage::start();
    let tricks = [
        "ann@corp.example,eve@evil.example",
        "Ann &lt;ann@corp.example&gt;",
        "ann@c\u{43e}rp.example",
        "ann@corp\u{3002}example",
        "eve@evil.example@corp.example",
        "ann@sub.corp.example@",
        "",
    ];
    for trick in tricks {
        let mut browser = stage.app.browser();
        let page = stage.come(&mut browser, |draft| draft.attributes = said(trick, &[]));
        assert_eq!((page.status, stage.refused_for().as_str()), (403, "address"), "{trick:?}");
    }
    let mut browser = stage.app.browser();
    let both = vec![ANN.to_owned(), "eve@evil.example".to_owned()];
    let page = stage.come(&mut browser, |draft| draft.attributes = vec![("email".to_owned(), both)]);
    assert_eq!((page.status, stage.refused_for().as_str()), (403, "address"));
    // A domain below a proved one is another one.
    let page = stage.come(&mut browser, |draft| draft.attributes = said("ann@sub.corp.example", &[]));
    assert_eq!(page.location().unwrap().path(), "/login/connect");
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM users WHERE email <> 'olive@elsewhere.example'"), 0);
}

#[test]
fn an_identity_is_worth_nothing_once_another_organization_has_proved_the_domain() {
    let stage = Stage::start();
    stage.ann();
    stage.app.execute("UPDATE domains SET name = 'other.example'");
    let mut other = stage.app.verified("eve@evil.example");
    other.api("POST", "/orgs", json!({ "name": "Evil" }));
    connect(&stage.app, "evil", &stage.idp, &json!({}));
    prove(&stage.app, "evil", "corp.example");
    let mut browser = stage.app.browser();
    let page = stage.come(&mut browser, |_| {});
    assert_eq!((page.status, stage.refused_for().as_str()), (403, "domain"));
}

#[test]
fn a_disabled_person_stays_out_and_a_leaving_one_may_come_back() {
    let stage = Stage::start();
    let ann = stage.ann();
    stage.app.execute("UPDATE users SET disabled_at = now() WHERE email = 'ann@corp.example'");
    let mut browser = stage.app.browser();
    assert_eq!(stage.come(&mut browser, |_| {}).status, 403);
    assert_eq!(stage.refused_for(), "account");
    stage.app.execute(
        "UPDATE users SET disabled_at = NULL, deletion_asked_at = to_timestamp(1800000000),
             deletes_at = to_timestamp(1800000000) + interval '30 days' WHERE email = 'ann@corp.example'",
    );
    assert_eq!(stage.come(&mut browser, |_| {}).status, 303);
    assert_eq!(browser.get("/").location().unwrap().path(), "/account/restore");
    assert_eq!(stage.role_of(ANN), "member", "as before");
    stage.app.execute("DELETE FROM members WHERE user_id = (SELECT id FROM users WHERE email = 'ann@corp.example')");
    assert_eq!(stage.come(&mut stage.app.browser(), |_| {}).status, 303);
    assert_eq!(stage.role_of(ANN), "", "nobody becomes a member on their way out");
    drop(ann);
}

#[test]
fn roles_follow_mapped_groups_and_a_change_gives_every_session_another_id() {
    let stage =
        Stage::with(&json!({ "group_roles": { "Leads": "admin", "Staff": "member" }, "default_role": null }), &[]);
    let mut browser = stage.app.browser();
    let page = stage.come(&mut browser, |draft| draft.attributes = said(ANN, &["Visitors"]));
    assert_eq!((page.status, stage.refused_for().as_str()), (403, "role"));
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM users WHERE email = 'ann@corp.example'"), 0, "nothing stays");
    stage.come(&mut browser, |draft| draft.attributes = said(ANN, &["Staff", "Leads"]));
    assert_eq!(stage.role_of(ANN), "admin");
    let mut elsewhere = stage.app.browser();
    stage.come(&mut elsewhere, |draft| draft.attributes = said(ANN, &["Staff"]));
    assert_eq!(stage.role_of(ANN), "member");
    let answer = browser.api("GET", "/me", Value::Null);
    assert_eq!((answer.status, answer.answer.headers("set-cookie").is_empty()), (200, false), "rotated");
    assert_eq!(elsewhere.api("GET", "/me", Value::Null).status, 200);
}

#[test]
fn without_mapped_groups_a_members_role_stays() {
    let stage = Stage::start();
    stage.ann();
    stage
        .app
        .execute("UPDATE members SET role = 'admin' WHERE user_id = (SELECT id FROM users WHERE email LIKE 'ann@%')");
    stage.ann();
    assert_eq!(stage.role_of(ANN), "admin");
}

#[test]
fn the_last_owner_stays_one_whatever_the_provider_says() {
    let stage = Stage::with(&json!({ "group_roles": { "Staff": "member" } }), &[]);
    stage
        .app
        .execute("INSERT INTO identities SELECT c.id, 'olive', NULL, u.id, now(), now() FROM connections c, users u");
    let mut olive = stage.app.browser();
    let page = stage.come(&mut olive, |draft| {
        draft.name_id = "olive".to_owned();
        draft.attributes = said(OWNER, &["Staff"]);
    });
    assert_eq!(page.status, 303, "{}", page.text());
    assert_eq!(stage.role_of(OWNER), "owner");
    stage.ann();
    stage.app.execute("UPDATE members SET role = 'owner'");
    stage.come(&mut olive, |draft| {
        draft.name_id = "olive".to_owned();
        draft.attributes = said(OWNER, &["Staff"]);
    });
    assert_eq!(stage.role_of(OWNER), "member", "there is another one");
}

#[test]
fn mapped_groups_and_the_name_follow_and_others_stay() {
    let app = crate::support::TestApp::with(&[("server.public_url", super::PUBLIC)]);
    let stage = Stage::on(app, &json!({}));
    for name in ["Engineering", "Sales", "Own"] {
        let mut owner = stage.owner.clone();
        assert_eq!(owner.api("POST", "/orgs/acme/groups", json!({ "name": name })).status, 201);
    }
    stage.app.execute(
        "INSERT INTO connection_groups SELECT c.id, g.name || '-at-idp', g.id FROM connections c, groups g
         WHERE g.name <> 'Own'",
    );
    let groups = "SELECT coalesce(string_agg(g.name, ' ' ORDER BY g.name), '') AS t FROM group_members m
        JOIN groups g ON g.id = m.group_id";
    let mut browser = stage.app.browser();
    stage.come(&mut browser, |draft| draft.attributes = said(ANN, &["Engineering-at-idp"]));
    assert_eq!(stage.app.text(groups), "Engineering");
    stage.app.execute(
        "INSERT INTO group_members SELECT g.id, g.organization_id, u.id, now() FROM groups g, users u
         WHERE g.name = 'Own' AND u.email LIKE 'ann@%'",
    );
    stage.come(&mut browser, |draft| {
        draft.attributes = said(ANN, &["Sales-at-idp"]);
        draft.attributes[1].1 = vec!["Ann Married".to_owned()];
    });
    assert_eq!(stage.app.text(groups), "Own Sales");
    assert_eq!(me(&mut browser)["name"], "Ann Married");
}

#[test]
fn a_name_that_is_another_every_time_is_not_kept_and_the_address_counts() {
    let stage = Stage::start();
    for name in ["_one", "_two"] {
        let mut browser = stage.app.browser();
        let page = stage.come(&mut browser, |draft| {
            draft.name_id = name.to_owned();
            draft.name_id_format = Some("urn:oasis:names:tc:SAML:2.0:nameid-format:transient".to_owned());
        });
        assert_eq!(page.status, 303, "{}", page.text());
    }
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM identities"), 0);
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM users WHERE email = 'ann@corp.example'"), 1);
}

#[test]
fn an_address_that_somebody_has_just_left_is_not_given_to_another() {
    let stage = Stage::start();
    let mut ann = stage.app.verified(ANN);
    ann.confirm();
    assert_eq!(ann.api("PUT", "/me/email", json!({ "email": "ann@private.example" })).status, 200);
    let mut browser = stage.app.browser();
    assert_eq!(stage.come(&mut browser, |_| {}).status, 403);
    assert_eq!(stage.refused_for(), "account");
}

/// A colleague has their own answer brought by the browser of whoever is looking at the page.
#[test]
fn nobody_is_connected_but_the_one_who_was_shown() {
    let stage = Stage::with(&json!({ "allow_idp_initiated": true }), &[]);
    let mut bob = bob_waits(&stage);
    let mut shown = bob.clone();
    let draft = stage.idp.draft(&stage.sp, stage.app.clock().now());
    let eves = Draft { name_id: "eve".to_owned(), attributes: said("eve@private.example", &[]), ..draft };
    assert_eq!(stage.bring(&mut bob.clone(), &eves, None).status, 303);
    let page = shown.submit("/login/connect", &[]);
    assert_eq!((page.status, page.location().unwrap().path()), (303, "/login/connect"), "{}", page.text());
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM identities"), 0);
    let page = shown.follow();
    assert!(page.has("eve") && page.has("eve@private.example"), "{}", page.text());
    bob.get("/login/connect");
    assert_eq!(bob.submit("/login/connect", &[("mark", "")]).location().unwrap().path(), "/login/connect");
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM identities"), 0);
}

#[test]
fn who_waits_is_not_connected_once_the_provider_speaks_for_nobody_or_another_for_them() {
    let others: fn(&Stage) = |stage| {
        let mut eve = stage.app.verified("eve@evil.example");
        eve.api("POST", "/orgs", json!({ "name": "Evil" }));
        prove(&stage.app, "evil", "private.example");
    };
    let nobodys: fn(&Stage) = |stage| stage.app.execute("UPDATE domains SET proved_at = NULL, proved_by = NULL");
    for change in [others, nobodys] {
        let stage = Stage::start();
        let mut bob = bob_waits(&stage);
        change(&stage);
        assert_eq!(bob.submit("/login/connect", &[]).status, 410);
        assert_eq!(stage.app.count("SELECT count(*) AS n FROM identities"), 0);
    }
}

/// Bob, a member who has confirmed that it is him, looks at the page.
pub(super) fn bob_waits(stage: &Stage) -> Browser {
    let mut bob = stage.app.verified("bob@private.example");
    join(&stage.app, &id_of(&stage.app, "bob@private.example"), "member");
    bob.confirm();
    let mut draft = stage.draft(&stage.leave(&mut bob, ""));
    draft.attributes = said("bob@private.example", &[]);
    draft.name_id = "bob".to_owned();
    let page = stage.bring(&mut bob, &draft, None);
    assert_eq!(page.location().unwrap().path(), "/login/connect");
    assert!(bob.follow().has("bob@private.example"));
    bob
}
