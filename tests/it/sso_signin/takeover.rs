//! Who tries to come as somebody else, by a provider that is the organization's own.

use std::sync::Barrier;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::people::bob_waits;
use super::{ANN, OWNER, Stage, is_in, me, said};
use crate::orgs::{id_of, join};
use crate::support::browser::Browser;
use crate::support::idp::Draft;
use crate::support::page::Page;
use crate::support::people::{PASSWORD, code, token_in};

const BOB: &str = "bob@private.example";
const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";

/// A colleague whose provider lets them edit their own address.
fn eve(stage: &Stage, browser: &mut Browser) -> Page {
    stage.come(browser, |draft| draft.name_id = "eve".to_owned())
}

fn identities(stage: &Stage) -> String {
    stage.app.text("SELECT coalesce(string_agg(name_id, ' ' ORDER BY name_id), '') AS t FROM identities")
}

fn letters(stage: &Stage, to: &str) -> i64 {
    stage.app.count(&format!(
        "SELECT count(*) AS n FROM mail_outbox m JOIN users u ON u.id = m.user_id
         WHERE letter = 'provider_connected' AND u.email = '{to}'"
    ))
}

/// As something that happened earlier leaves it.
fn known_as(stage: &Stage, name: &str, email: &str, linked: TimeDelta) {
    let at = (stage.app.clock().now() - linked).to_rfc3339();
    stage.app.execute(&format!(
        "INSERT INTO identities SELECT '{}', '{name}', NULL, id, '{at}', '{at}' FROM users WHERE email = '{email}'",
        stage.id
    ));
}

#[test]
fn a_second_name_takes_no_account_by_its_address_and_the_report_says_why() {
    let stage = Stage::start();
    let mut ann = stage.ann();
    let mut browser = stage.app.browser();
    let page = eve(&stage, &mut browser);
    assert_eq!((page.status, stage.refused_for().as_str()), (403, "account"), "{}", page.text());
    let reference = stage.app.text("SELECT reference AS t FROM saml_reports");
    // Nor by a name that is another one every time.
    let page = stage.come(&mut browser, |draft| {
        draft.name_id = "_1".to_owned();
        draft.name_id_format = Some(TRANSIENT.to_owned());
    });
    assert_eq!((page.status, stage.refused_for().as_str()), (403, "account"));
    assert!(!is_in(&mut browser) && is_in(&mut ann));
    assert_eq!(identities(&stage), "ann");
    let mut owner = stage.owner.clone();
    let report: Value =
        owner.api("GET", &format!("/orgs/acme/sso/{}/reports/{reference}", stage.id), Value::Null).json();
    let checks = report["checks"].as_array().unwrap();
    let account = checks.iter().find(|one| one["check"] == "account").unwrap();
    assert_eq!(account["seen"], "the NameID eve, for an account that comes as ann", "{account}");
    assert!(account["expected"].as_str().unwrap().contains("an owner can have it forgotten"), "{account}");
}

#[test]
fn of_two_names_for_one_account_at_the_same_moment_one_is_taken() {
    let stage = Stage::start();
    stage.app.verified(ANN);
    let start = Barrier::new(4);
    let come = |n: usize| {
        let mut browser = stage.app.browser();
        let sent = stage.leave(&mut browser, "");
        let draft = Draft { name_id: format!("ann-{n}"), ..stage.draft(&sent) };
        start.wait();
        stage.bring(&mut browser, &draft, Some(&sent.relay_state)).status
    };
    let come = &come;
    let mut statuses: Vec<u16> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..4).map(|n| scope.spawn(move || come(n))).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 403, 403, 403]);
    assert_eq!(stage.app.count("SELECT count(*) AS n FROM identities"), 1);
}

#[test]
fn an_owner_or_the_operator_has_a_name_forgotten_and_what_came_by_it_ends() {
    let stage = Stage::start();
    let (mut ann, mut owner) = (stage.ann(), stage.owner.clone());
    let path = format!("/orgs/acme/sso/{}/identities/{}", stage.id, id_of(&stage.app, ANN));
    assert_eq!(code(&owner.api("DELETE", &path, Value::Null)), "reauth_required");
    owner.confirm();
    assert_eq!(owner.api("DELETE", &path, Value::Null).status, 204);
    assert_eq!(owner.api("DELETE", &path, Value::Null).status, 404, "twice");
    let ended: Value = ann.api("GET", "/me", Value::Null).json();
    assert_eq!(ended["reason"], "provider_gone");
    assert_eq!(identities(&stage), "");
    assert_eq!(eve(&stage, &mut stage.app.browser()).status, 303, "whoever the provider says it is now");
    assert_eq!(identities(&stage), "eve");

    owner.get(&format!("/orgs/acme/sso/{}", stage.id));
    let forget = format!("/orgs/acme/sso/{}/forget", stage.id);
    let page = owner.submit(&forget, &[("email", "nobody@corp.example")]);
    assert!(page.location().unwrap().query().unwrap().contains("unknown"), "{}", page.text());
    assert_eq!(identities(&stage), "eve");
    owner.get(&format!("/orgs/acme/sso/{}", stage.id));
    assert_eq!(owner.submit(&forget, &[("email", " Ann@CORP.example ")]).status, 303);
    assert!(owner.follow().has("Forgotten, and signed out."));
    assert_eq!(identities(&stage), "");

    let mut again = stage.ann();
    let command = stage.app.vestibule(&["sso", "forget", &stage.id, ANN]);
    assert!(command.code == 0 && command.text().contains(ANN), "{}", command.text());
    assert!(!is_in(&mut again));
    assert_eq!(identities(&stage), "");
    let told = "SELECT count(*) AS n FROM audit_events WHERE kind = 'sso.identity_unlinked'";
    assert_eq!(stage.app.count(told), 3);
}

#[test]
fn whoever_gets_one_more_way_into_their_account_is_written_to() {
    let stage = Stage::start();
    stage.ann();
    assert_eq!(letters(&stage, ANN), 0, "the account is new");
    let ben = "ben@corp.example";
    stage.app.verified(ben);
    let come = |stage: &Stage| {
        let page = stage.come(&mut stage.app.browser(), |draft| {
            draft.name_id = "ben".to_owned();
            draft.attributes = said(ben, &[]);
        });
        assert_eq!(page.status, 303, "{}", page.text());
    };
    come(&stage);
    come(&stage);
    assert_eq!(letters(&stage, ben), 1, "once");
    let subject = "“Acme sign-in” now signs you in to Vestibule";
    let letter = (0..9).map(|_| stage.app.mail().to(ben)).find(|letter| letter.subject() == subject).unwrap();
    assert!(letter.text().contains("the organization \"Acme\""), "{}", letter.text());
    assert!(letter.link().ends_with("/account/security"), "{}", letter.link());

    let mut bob = bob_waits(&stage);
    assert_eq!(bob.submit("/login/connect", &[]).status, 303);
    assert_eq!(letters(&stage, BOB), 1);
}

#[test]
fn nobody_connects_a_provider_with_an_account_whose_address_is_not_proved() {
    let stage = Stage::start();
    let mut bob = bob_waits(&stage);
    stage.app.execute(&format!("UPDATE users SET email_verified_at = NULL WHERE email = '{BOB}'"));
    assert_eq!(bob.submit("/login/connect", &[]).status, 403);
    assert_eq!(identities(&stage), "");
}

/// The owner of an organization says what they like by its provider.
#[test]
fn a_provider_lets_nobody_in_who_has_left_its_organization_and_has_an_address_elsewhere() {
    let stage = Stage::start();
    let mut bob = bob_waits(&stage);
    assert_eq!(bob.submit("/login/connect", &[]).status, 303);
    let come = || {
        let mut browser = stage.app.browser();
        let page = stage.come(&mut browser, |draft| draft.name_id = "bob".to_owned());
        (page.status, is_in(&mut browser))
    };
    assert_eq!(come(), (303, true));
    let of_bob = format!("WHERE user_id = (SELECT id FROM users WHERE email = '{BOB}')");
    stage.app.execute(&format!("DELETE FROM members {of_bob}"));
    assert_eq!(come(), (403, false));
    assert_eq!(stage.refused_for(), "domain");
    assert_eq!(stage.role_of(BOB), "", "and makes no member of them");
    // Ann's address is the organization's.
    stage.ann();
    stage.app.execute("DELETE FROM members WHERE role = 'member'");
    stage.ann();
    assert_eq!(stage.role_of(ANN), "member");
}

#[test]
fn whoever_goes_is_nobody_to_the_provider_any_more_and_what_came_by_it_ends() {
    let goes: [fn(&Stage, &mut Browser, &str) -> u16; 2] = [
        |stage, _, id| stage.owner.clone().api("DELETE", &format!("/orgs/acme/members/{id}"), Value::Null).status,
        |_, bob, id| bob.api("DELETE", &format!("/orgs/acme/members/{id}"), Value::Null).status,
    ];
    for goes in goes {
        let stage = Stage::start();
        let mut bob = bob_waits(&stage);
        bob.submit("/login/connect", &[]);
        let mut by_provider = stage.app.browser();
        stage.come(&mut by_provider, |draft| draft.name_id = "bob".to_owned());
        assert!(is_in(&mut by_provider));
        let mut ann = stage.ann();
        let status = goes(&stage, &mut bob, &id_of(&stage.app, BOB));
        assert_eq!(status, 204);
        let ended: Value = by_provider.api("GET", "/me", Value::Null).json();
        assert_eq!(ended["reason"], "provider_gone");
        assert!(is_in(&mut bob), "what came by a password stays");
        assert!(is_in(&mut ann), "as does everybody else");
        assert_eq!(identities(&stage), "ann");
    }
}

/// For an hour the thief had the session, and a provider of their own.
#[test]
fn whoever_takes_their_address_back_is_rid_of_providers_that_were_connected_meanwhile() {
    let stage = Stage::start();
    let mut thief = stage.app.verified(BOB);
    let mut owner = stage.owner.clone();
    known_as(&stage, "bob", BOB, TimeDelta::days(40));
    known_as(&stage, "thief", BOB, TimeDelta::zero());
    thief.confirm();
    assert_eq!(thief.api("PUT", "/me/email", json!({ "email": "thief@evil.example" })).status, 200);
    let letter = (0..9).map(|_| stage.app.mail().to(BOB)).find(|letter| letter.subject().contains("was changed"));
    let body = json!({ "token": token_in(&letter.unwrap().link()) });
    assert_eq!(stage.app.browser().api("POST", "/auth/undo-email", body).status, 200);
    assert_eq!(identities(&stage), "bob", "that of long ago stays");
    let letter = (0..9).map(|_| stage.app.mail().to(BOB)).find(|letter| letter.subject().ends_with("is back")).unwrap();
    assert!(letter.text().contains("identity provider"), "{}", letter.text());
    assert!(is_in(&mut owner));
}

#[test]
fn whoever_proves_an_address_first_finds_no_providers_that_somebody_else_has_connected() {
    let stage = Stage::start();
    let mut squatter = stage.app.unverified(BOB);
    known_as(&stage, "squatter", BOB, TimeDelta::zero());
    stage.app.mail().to(BOB);
    let mut bob = stage.app.browser();
    let body = json!({ "email": BOB, "name": "Bob", "password": "saffron tunnel kite" });
    assert_eq!(bob.api("POST", "/auth/signup", body).status, 202);
    assert_eq!(stage.app.follow_the_letter(&mut bob, BOB).status, 303);
    assert_eq!(identities(&stage), "", "by the letter");
    assert!(!is_in(&mut squatter));

    let stage = Stage::start();
    stage.app.unverified(BOB);
    known_as(&stage, "squatter", BOB, TimeDelta::zero());
    stage.app.browser().api("POST", "/auth/forgot-password", json!({ "email": BOB }));
    let letter = (0..9).map(|_| stage.app.mail().to(BOB)).find(|letter| letter.subject().contains("new password"));
    let body = json!({ "token": token_in(&letter.unwrap().link()), "new_password": "saffron tunnel kite" });
    assert_eq!(stage.app.browser().api("POST", "/auth/reset-password", body).status, 204);
    assert_eq!(identities(&stage), "", "by a new password");
}

#[test]
fn whoever_takes_a_provider_off_their_account_ends_what_came_by_it() {
    let stage = Stage::start();
    let mut bob = bob_waits(&stage);
    bob.submit("/login/connect", &[]);
    let mut elsewhere = stage.app.browser();
    stage.come(&mut elsewhere, |draft| draft.name_id = "bob".to_owned());
    assert_eq!(me(&mut elsewhere)["email"], BOB);
    let mut ann = stage.ann();
    bob.get("/account/security");
    assert_eq!(bob.submit(&format!("/account/security/providers/{}/remove", stage.id), &[]).status, 303);
    assert!(bob.follow().has("is taken off your account"));
    assert!(!is_in(&mut elsewhere) && is_in(&mut ann));
}

#[test]
fn half_a_sign_in_by_a_provider_ends_with_what_it_came_by() {
    let stage = Stage::start();
    let bob = stage.app.verified(ANN);
    drop(bob);
    join(&stage.app, &id_of(&stage.app, ANN), "member");
    stage.app.execute(
        "INSERT INTO passkeys (id, user_id, name, credential_id, credential, backed_up, created_at)
         SELECT gen_random_uuid(), id, 'Key', 'x', '{}', false, now() FROM users WHERE email = 'ann@corp.example'",
    );
    let mut half = stage.app.browser();
    assert_eq!(stage.come(&mut half, |_| {}).location().unwrap().path(), "/login/second-factor");
    let waiting = "SELECT count(*) AS n FROM pending_sign_ins WHERE provider_session_id IS NOT NULL";
    assert_eq!(stage.app.count(waiting), 1);
    let path = format!("/orgs/acme/members/{}", id_of(&stage.app, ANN));
    assert_eq!(stage.owner.clone().api("DELETE", &path, Value::Null).status, 204);
    assert_eq!(stage.app.count(waiting), 0);
    assert_eq!(stage.app.log_in(OWNER, PASSWORD).1.status, 200);
}
