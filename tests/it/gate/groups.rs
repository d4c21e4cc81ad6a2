//! What apps are told of organizations.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use vestibule::sessions::LEASE;

use super::house::{DOORS, Door, Person, Question, house_with, settings};
use crate::api_keys::weather::{gate as gate_with_key, made_in, serve_with};
use crate::resilience::sql;
use crate::support::postgres::TestDb;
use crate::support::tcp::{Of, Way, Wire};
use crate::support::{PATIENCE, TestApp, eventually, within};

const PLACE: &str = "https://app.example.com/x";
const NAMED: (&str, &str) = ("gateway.organizations", "acme,globex");

/// Ann, admin of acme and in two of its groups, a member of globex, and owner of an organization of her own.
pub const MEMBERSHIPS: &str = "
    INSERT INTO organization_slugs VALUES ('acme', now()), ('globex', now()), ('admins', now());
    INSERT INTO organizations (id, slug, name, created_at)
        SELECT gen_random_uuid(), slug, 'Any name', now() FROM organization_slugs;
    INSERT INTO members SELECT o.id, u.id, role, now() FROM users u, organizations o
        JOIN (VALUES ('acme', 'admin'), ('globex', 'member'), ('admins', 'owner')) AS r (slug, role) USING (slug)
        WHERE u.email = 'ann@example.com';
    INSERT INTO groups SELECT gen_random_uuid(), id, g.name, lower(g.name), now()
        FROM organizations, (VALUES ('Engineering'), ('Büro & Küche'), ('Nobody')) AS g (name) WHERE slug = 'acme';
    INSERT INTO group_members SELECT g.id, g.organization_id, m.user_id, now()
        FROM groups g JOIN members m USING (organization_id) WHERE g.name <> 'Nobody';";
/// More than fit into a header.
pub const MANY_GROUPS: &str = "
    INSERT INTO groups SELECT gen_random_uuid(), id, g.name, lower(g.name), now() FROM organizations,
        (SELECT 'team ' || to_char(n, 'FM0000') || repeat('é', 30) AS name FROM generate_series(1, 600) AS n) AS g
        WHERE slug = 'globex';
    INSERT INTO group_members SELECT g.id, g.organization_id, m.user_id, now()
        FROM groups g JOIN members m USING (organization_id) WHERE g.name LIKE 'team%';";
const ANNS: &str = "acme,acme:admin,globex,globex:member,acme/Büro & Küche,acme/Engineering";

fn house_of_ann(special: &[(&str, &str)]) -> (TestApp, Person) {
    let app = house_with(special);
    let ann = Person::of_the_house(&app, "ann@example.com");
    app.execute(MEMBERSHIPS);
    (app, ann)
}

fn groups(app: &TestApp, person: &Person) -> String {
    groups_at(app, person, "/x")
}

fn groups_at(app: &TestApp, person: &Person, path: &str) -> String {
    let place = format!("https://app.example.com{path}");
    let answer = Question::about(Door::ForwardAuth, &place).by(person).ask(app);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.headers("remote-groups").concat()
}

/// A node that answers from memory now.
fn remember(app: &TestApp, person: &Person) {
    eventually("a check that is answered from memory", || {
        let before = app.live.figures().remembered;
        groups(app, person);
        (app.live.figures().remembered > before).then_some(())
    });
}

#[test]
fn apps_are_told_of_the_organizations_that_the_operator_has_named_and_of_no_other() {
    let all = "acme,acme:admin,admins,admins:owner,globex,globex:member,acme/Büro & Küche,acme/Engineering";
    let cases: [(&[(&str, &str)], &str); 5] = [
        (&[], ""),
        (&[NAMED], ANNS),
        (&[("gateway.organizations", "globex,initech")], "globex,globex:member"),
        (&[("gateway.organizations", "initech")], ""),
        (&[("gateway.organizations", "*")], all),
    ];
    for (special, expected) in cases {
        let (app, ann) = house_of_ann(special);
        let bob = Person::of_the_house(&app, "bob@example.com");
        eventually("what was changed to be heard", || (groups(&app, &ann) == expected).then_some(()));
        for door in DOORS {
            for _ in 0..2 {
                let answer = Question::about(door, PLACE).by(&ann).ask(&app);
                assert_eq!(answer.headers("remote-groups"), [expected], "{special:?}");
                assert_eq!(Question::about(door, PLACE).by(&bob).ask(&app).headers("remote-groups"), [""]);
            }
            let place = "https://app.example.com/public/x";
            assert_eq!(Question::about(door, place).by(&ann).ask(&app).headers("remote-groups").len(), 1);
            let own = Question::about(door, place).with("Remote-Groups", "acme:owner").ask(&app);
            assert_eq!(own.headers("remote-groups"), [""], "what a visitor says of themselves");
        }
    }
}

/// A head of more than 4 KiB would be an error to nginx, and lock them out.
#[test]
fn somebody_in_more_groups_than_fit_is_let_in_and_told_of_in_part() {
    let (app, ann) = house_of_ann(&[NAMED]);
    app.execute(MANY_GROUPS);
    let told = eventually("the groups", || Some(groups(&app, &ann)).filter(|told| told.contains("team")));
    assert!(told.starts_with(&format!("{ANNS},globex/team 0001é")), "{told}");
    assert!((1900..=2048).contains(&told.len()), "{}", told.len());
    assert!(told.ends_with("éé"), "no group is told of in part: {told}");
    for door in DOORS {
        assert_eq!(Question::about(door, PLACE).by(&ann).ask(&app).headers("remote-groups"), [told.as_str()]);
    }
}

/// As many as nobody reads, in an organization of their own whose name comes first.
const GROUPS_OF_THEIR_OWN: &str = "
    INSERT INTO organization_slugs VALUES ('0-anns', now());
    INSERT INTO organizations (id, slug, name, created_at) VALUES (gen_random_uuid(), '0-anns', 'Any name', now());
    INSERT INTO members SELECT o.id, u.id, 'owner', now() FROM users u, organizations o
        WHERE o.slug = '0-anns' AND u.email = 'ann@example.com';
    INSERT INTO groups SELECT gen_random_uuid(), id, 'g' || n, 'g' || n, now()
        FROM organizations, generate_series(1, 600) AS n WHERE slug = '0-anns';
    INSERT INTO group_members SELECT g.id, g.organization_id, m.user_id, now()
        FROM groups g JOIN members m USING (organization_id) JOIN organizations o ON o.id = g.organization_id
        WHERE o.slug = '0-anns';";

#[test]
fn nobody_gets_around_a_rule_for_a_group_by_being_in_very_many_others() {
    let rules = r#"[
        { hosts = ["app.example.com"], paths = ["/plain/**"], allow = "signed_in" },
        { hosts = ["app.example.com"], groups = ["acme/Engineering"], allow = "deny" },
        { hosts = ["app.example.com"], groups = ["acme"], allow = "signed_in" },
    ]"#;
    let (app, ann) = house_of_ann(&[("gateway.organizations", "*"), ("gateway.rules", rules)]);
    let status = |path: &str| {
        let place = format!("https://app.example.com{path}");
        DOORS.map(|door| Question::about(door, &place).by(&ann).ask(&app).status)
    };
    assert_eq!([status("/x"), status("/plain/x")], [[403; 3], [200; 3]]);
    app.execute(GROUPS_OF_THEIR_OWN);
    eventually("the groups", || groups_at(&app, &ann, "/plain/x").contains("0-anns/g1").then_some(()));
    assert_eq!([status("/x"), status("/plain/x")], [[403; 3], [200; 3]]);
}

#[test]
fn whatever_is_done_to_a_membership_in_psql_is_heard_on_every_node() {
    let (one, ann) = house_of_ann(&[NAMED]);
    let two = one.again_with(&settings(&[NAMED]));
    let changes = [
        ("UPDATE members SET role = 'member'", ANNS.replace(":admin", ":member")),
        ("UPDATE groups SET name = 'Ops', name_key = 'ops' WHERE name_key = 'engineering'", {
            ANNS.replace(":admin", ":member").replace("Engineering", "Ops")
        }),
        (
            "DELETE FROM group_members USING groups WHERE groups.id = group_id AND name = 'Ops'",
            "acme,acme:member,globex,globex:member,acme/Büro & Küche".to_owned(),
        ),
        (
            "INSERT INTO group_members SELECT g.id, g.organization_id, m.user_id, now()
                 FROM groups g JOIN members m USING (organization_id) WHERE g.name = 'Ops'",
            "acme,acme:member,globex,globex:member,acme/Büro & Küche,acme/Ops".to_owned(),
        ),
        ("DELETE FROM groups WHERE name_key LIKE 'b%'", "acme,acme:member,globex,globex:member,acme/Ops".to_owned()),
        (
            "DELETE FROM members USING organizations o WHERE o.id = organization_id AND o.slug = 'acme'",
            "globex,globex:member".to_owned(),
        ),
        (
            "INSERT INTO members SELECT o.id, u.id, 'owner', now() FROM organizations o, users u WHERE o.slug = 'acme'",
            "acme,acme:owner,globex,globex:member".to_owned(),
        ),
        ("DELETE FROM organizations WHERE slug = 'globex'", "acme,acme:owner".to_owned()),
        ("TRUNCATE members CASCADE", String::new()),
    ];
    for node in [&one, &two] {
        eventually("the beginning", || (groups(node, &ann) == ANNS).then_some(()));
    }
    for (change, expected) in changes {
        for node in [&one, &two] {
            remember(node, &ann);
        }
        one.execute(change);
        for node in [&one, &two] {
            eventually(change, || (groups(node, &ann) == expected).then_some(()));
        }
    }
}

#[test]
fn a_check_of_somebody_with_groups_asks_postgresql_once() {
    let (app, ann) = house_of_ann(&[NAMED]);
    eventually("the groups", || (groups(&app, &ann) == ANNS).then_some(()));
    remember(&app, &ann);
    let before = app.live.figures();
    for _ in 0..100 {
        assert_eq!(groups(&app, &ann), ANNS);
    }
    let after = app.live.figures();
    // On a busy machine a heartbeat may be late, and then one or the other check asks.
    assert!(after.remembered - before.remembered > 50, "{before:?} {after:?}");
}

/// As for sessions and keys, counted on the safe side: from the moment at which the change is committed to the moment at
/// which a request is sent.
#[test]
fn a_role_that_was_taken_is_told_of_for_no_longer_than_the_lease_even_if_nothing_is_heard() {
    thread::scope(|scope| {
        scope.spawn(|| taken_elsewhere("all is well", |_| ()));
        scope.spawn(|| taken_elsewhere("nothing is heard", |wire| wire.silence_only(Of::Listening, Way::FromServer)));
    });
}

fn taken_elsewhere(name: &str, meanwhile: impl FnOnce(&Wire)) {
    let database = TestDb::make();
    let wire = Wire::to(&TestDb::socket());
    let db = database.url().split("///").nth(1).and_then(|rest| rest.split('?').next()).expect("a database's name");
    let far = format!("postgresql://vestibule@127.0.0.1:{}/{db}?sslmode=disable", wire.port());
    let named = [("GATEWAY__ORGANIZATIONS", "acme")];
    let (a, b) = (serve_with(database.url(), &named), serve_with(&far, &named));
    let (key, _) = made_in(&mut a.browser(), database.url());
    sql::execute(database.url(), MEMBERSHIPS);
    let is_admin =
        |answer: &crate::support::raw::Answer| answer.headers("remote-groups").concat().contains("acme:admin");
    eventually("B to tell", || is_admin(&gate_with_key(b.port(), &key)).then_some(()));
    let over = AtomicBool::new(false);
    let (taken, seen) = thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut seen = Vec::new();
            while !over.load(Ordering::SeqCst) {
                let sent = Instant::now();
                let answer = gate_with_key(b.port(), &key);
                seen.push((sent, answer.status, is_admin(&answer)));
                // Others want to use this machine as well.
                thread::sleep(Duration::from_millis(3));
            }
            seen
        });
        meanwhile(&wire);
        sql::execute(database.url(), "UPDATE members SET role = 'member' WHERE role = 'admin'");
        let taken = Instant::now();
        let gone = within(PATIENCE, || {
            (!is_admin(&gate_with_key(b.port(), &key)) && taken.elapsed() > 2 * LEASE).then_some(())
        });
        over.store(true, Ordering::SeqCst);
        assert!(gone.is_some(), "{name}: told for ever\n{}", b.log());
        (taken, asking.join().expect("an answer to everything"))
    });
    assert!(seen.iter().all(|(_, status, _)| *status == 200), "{name}: they are let in all the while");
    let last = seen.iter().filter(|(.., admin)| *admin).map(|(sent, ..)| *sent).max().expect("it was told once");
    assert!(last < taken + LEASE, "{name}: told {:?} after it was taken", last - taken);
    let first = seen.iter().filter(|(.., admin)| !admin).map(|(sent, ..)| *sent).min().expect("the end of it");
    assert!(last <= first, "{name}: told again after it had not been");
    wire.mend();
}
