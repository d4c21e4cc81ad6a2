//! What other rules would have decided.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{ALL, File, replay, told, wait_for};
use crate::api_keys::key_for;
use crate::deletion::leave;
use crate::gate::groups::MEMBERSHIPS;
use crate::gate::house::{DOORS, Door, Person, Question, house, house_with};
use crate::support::TestApp;
use crate::support::authenticator::set_up;
use crate::support::command::{Said, command, said};

/// Everything that a rule can say.
const RULES: &str = r#"[
    { hosts = ["app.example.com"], paths = ["/public/**"], allow = "public" },
    { hosts = ["app.example.com"], paths = ["/closed/**"], allow = "deny", name = "Closed" },
    { hosts = ["app.example.com"], paths = ["/lan/**"], networks = ["10.0.0.0/8"], allow = "public" },
    { hosts = ["app.example.com"], paths = ["/admins/**"], groups = ["acme:admin"], allow = "signed_in" },
    { hosts = ["app.example.com"], paths = ["/admins/**"], allow = "deny" },
    { hosts = ["app.example.com"], paths = ["/anns/**"], users = ["ann@example.com"], allow = "signed_in" },
    { hosts = ["app.example.com"], paths = ["/welcome"], allow = "signed_in", verified = false },
    { hosts = ["app.example.com"], paths = ["/pages/**"], methods = ["POST"], recent_auth = "5m", allow = "signed_in" },
    { hosts = ["app.example.com"], paths = ["/vault/**"], allow = "two_factor" },
    { hosts = ["app.example.com"], paths = ["/keys/**"], factor = "passkey", allow = "signed_in" },
    { hosts = ["app.example.com"], paths = ["/api/**"], allow = "signed_in", api_keys = true },
    { hosts = ["app.example.com"], paths = ["/tried/**"], allow = "deny", shadow = true },
    { hosts = ["app.example.com", "*.example.com:8443"], allow = "signed_in" },
]"#;
const TODAY: [(&str, &str); 3] = [("gateway.rules", RULES), ("gateway.organizations", "acme"), ALL];

/// `today` with these changes, as a file.
fn other(changes: &[(&str, &str)]) -> File {
    let rules = changes.iter().fold(RULES.to_owned(), |rules, (from, to)| {
        assert!(rules.contains(from), "{from}");
        rules.replacen(from, to, 1)
    });
    File::of(&format!("organizations = ['acme']\nrules = {rules}"))
}

fn url(path: &str) -> String {
    format!("https://app.example.com{path}")
}

/// Who comes to the gate in these tests.
struct People {
    ann: Person,
    bob: Person,
    /// Whose address is not proved.
    new: Person,
    leaving: Person,
    key: String,
}

impl People {
    fn of(app: &TestApp) -> Self {
        let mut ann = Person::of_the_house(app, "ann@example.com");
        set_up(app, &mut ann.browser);
        let bob = Person::of_the_house(app, "bob@example.com");
        let new = Person::newcomer(app, "new@example.com");
        let mut leaving = Person::of_the_house(app, "carol@example.com");
        leaving.browser.confirm();
        leave(&mut leaving.browser);
        app.execute(MEMBERSHIPS);
        ann.browser.confirm();
        let (key, _) = key_for(&mut ann.browser, &["gateway"]);
        Self { ann, bob, new, leaving, key }
    }

    /// One question after another, as each of them and as nobody.
    fn ask(&self, app: &TestApp, question: &Question) -> i64 {
        let people = [&self.ann, &self.bob, &self.new, &self.leaving];
        for person in people {
            question.clone().by(person).ask(app);
        }
        let bearer = |key: &str| question.clone().with("Authorization", &format!("Bearer {key}"));
        bearer(&self.key).ask(app);
        bearer("vst_wrong").ask(app);
        question.ask(app);
        7
    }
}

/// All that the gate is asked in a day.
fn traffic(app: &TestApp, people: &People) -> i64 {
    let paths = [
        "/public/x?token=1",
        "/closed/x",
        "/lan/x",
        "/admins/x",
        "/anns/x",
        "/welcome",
        "/pages/1;v=2",
        "/vault/x",
        "/keys/x",
        "/api/x",
        "/tried/x",
        "/public/..%2fclosed/x",
        "/public/%2e%2e/admins/x",
        "//admins/x",
        "/b%C3%BCcher/%20",
    ];
    let mut asked = 0;
    for door in DOORS {
        for path in paths {
            for (method, from) in [("GET", "203.0.113.9"), ("POST", "10.1.2.3")] {
                let question = Question::about(door, &url(path)).method(method).with("X-Forwarded-For", from);
                asked += people.ask(app, &question);
            }
        }
        for place in ["https://wiki.example.com:8443/x", "https://wiki.example.com/x", "http://far.test/"] {
            asked += people.ask(app, &Question::about(door, place));
        }
    }
    asked
}

#[test]
fn the_rules_that_have_decided_would_change_nothing() {
    let app = house_with(&TODAY);
    let people = People::of(&app);
    app.clock().advance(TimeDelta::minutes(4));
    let mut asked = traffic(&app, &people);
    app.clock().advance(TimeDelta::minutes(2));
    asked += traffic(&app, &people);
    wait_for(&app, asked);
    let all: Value = told(&app, &TODAY, &other(&[]));
    assert_eq!(all["looked_at"], asked);
    for none in ["changed", "untold", "unreadable", "by_other_rules", "already"] {
        assert_eq!(all[none], 0, "{none}: {all}");
    }
    let kinds = "SELECT count(DISTINCT (decision, reason)) AS n FROM gate_decisions";
    assert!(app.count(kinds) >= 9, "{}", app.text("SELECT string_agg(DISTINCT reason, ' ') AS t FROM gate_decisions"));
    // Whatever has become of those people meanwhile.
    app.execute("UPDATE users SET email = 'x' || email, email_key = 'x' || email_key; DELETE FROM members;");
    assert_eq!(told(&app, &TODAY, &other(&[]))["changed"], 0);
}

/// What is changed in the rules, and what that changes.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);

/// What was and what would be, for whom and how often.
fn changes(all: &Value) -> Vec<String> {
    let word = |value: &Value| format!("{}/{}", value["decision"].as_str().unwrap(), value["reason"].as_str().unwrap());
    let mut changes: Vec<String> = all["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            let (path, count, people) = (change["path"].as_str().unwrap(), &change["count"], &change["people"]);
            format!("{path}: {} -> {}, {count} of {people}", word(&change["was"]), word(&change["would_be"]))
        })
        .collect();
    changes.sort_unstable();
    changes
}

/// What each change of the rules would change: of what everybody has asked once.
#[test]
fn it_finds_those_that_would_be_decided_otherwise_and_no_others() {
    let app = house_with(&TODAY);
    let people = People::of(&app);
    app.clock().advance(TimeDelta::minutes(6));
    let mut asked = 0;
    for path in ["/public/x", "/closed/x", "/admins/x", "/lan/x", "/welcome", "/pages/1", "/vault/x", "/api/x", "/y"] {
        asked += people.ask(&app, &Question::about(Door::ForwardAuth, &url(path)).with("X-Forwarded-For", "192.0.2.1"));
    }
    wait_for(&app, asked);
    let public = "paths = [\"/public/**\"], allow = \"public\"";
    let table: [Case<'_>; 8] = [
        (&[(public, "paths = [\"/public/**\"], allow = \"deny\"")], &["/public/x: allow/rule -> deny/rule, 7 of 4"]),
        (
            &[("paths = [\"/closed/**\"], allow = \"deny\"", "paths = [\"/closed/**\"], allow = \"public\"")],
            &["/closed/x: deny/rule -> allow/rule, 7 of 4"],
        ),
        (
            &[(public, "paths = [\"/public/**\"], allow = \"signed_in\"")],
            &[
                "/public/x: allow/rule -> deny/leaving, 1 of 1",
                "/public/x: allow/rule -> deny/unverified, 1 of 1",
                "/public/x: allow/rule -> sign_in/stranger, 3 of 0",
            ],
        ),
        (
            &[("paths = [\"/pages/**\"], methods = [\"POST\"]", "paths = [\"/pages/**\"], methods = [\"GET\"]")],
            &["/pages/*: allow/rule -> confirm/too_long_ago, 2 of 2"],
        ),
        (&[("recent_auth = \"5m\"", "recent_auth = \"7m\"")], &[]),
        (
            &[("groups = [\"acme:admin\"]", "users = [\"bob@example.com\"]")],
            &["/admins/x: allow/rule -> deny/rule, 1 of 1", "/admins/x: deny/rule -> allow/rule, 1 of 1"],
        ),
        (
            &[("networks = [\"10.0.0.0/8\"]", "networks = [\"192.0.2.0/24\"]")],
            &[
                "/lan/x: deny/leaving -> allow/rule, 1 of 1",
                "/lan/x: deny/unverified -> allow/rule, 1 of 1",
                "/lan/x: sign_in/stranger -> allow/rule, 3 of 0",
            ],
        ),
        (
            &[("allow = \"signed_in\", api_keys = true", "allow = \"signed_in\"")],
            &[
                "/api/x: allow/rule -> sign_in/stranger, 1 of 1",
                "/api/x: invalid_key/invalid_key -> sign_in/stranger, 1 of 0",
            ],
        ),
    ];
    for (changed, expected) in table {
        let all = told(&app, &TODAY, &other(changed));
        assert_eq!(changes(&all), expected, "{changed:?}: {all}");
        assert_eq!((&all["looked_at"], &all["untold"]), (&json!(asked), &json!(0)));
    }
    // Of a key that nobody has looked at nobody can tell.
    let taken = told(
        &app,
        &TODAY,
        &other(&[(
            "\"*.example.com:8443\"], allow = \"signed_in\"",
            "\"*.example.com:8443\"], allow = \"signed_in\", api_keys = true",
        )]),
    );
    assert_eq!((&taken["changed"], taken["untold"].as_u64() >= Some(2)), (&json!(0), true), "{taken}");
}

fn three_checks(app: &TestApp) {
    let ann = Person::of_the_house(app, "ann@example.com");
    for path in ["/wiki/1", "/wiki/2", "/other"] {
        Question::about(Door::ForwardAuth, &url(path)).by(&ann).ask(app);
    }
    wait_for(app, 3);
}

const CLOSED_WIKI: &str =
    "rules = [{ name = 'Wiki', hosts = ['app.example.com'], paths = ['/wiki/**'], allow = 'deny' },
    { hosts = ['app.example.com'], allow = 'signed_in' }]";

#[test]
fn people_read_how_many_and_who_and_by_which_rule() {
    let app = house_with(&[ALL]);
    three_checks(&app);
    let file = File::of(CLOSED_WIKI);
    let text = replay(&app, &[], &file, &[]);
    for part in [
        "Looked at 3 checks of the last 1day, all there were.",
        "2 checks would be decided otherwise, of 1 person.",
        "app.example.com/wiki/*  let through  refused   gateway.rules[0] (Wiki)",
        "GET https://app.example.com/wiki/2 by ann@example.com at ",
    ] {
        assert!(text.text().contains(part), "{part}: {text:?}");
    }
    let strict = replay(&app, &[], &file, &["--fail-on-change"]);
    assert!(strict.code == 1 && strict.err.contains("2 checks would be decided otherwise"), "{strict:?}");
    assert_eq!(replay(&app, &[], &file, &["--fail-on-change", "--host", "other.example.com"]).code, 0);
    let at_host = replay(&app, &[], &file, &["--host", "App.Example.com.", "--json"]).json();
    assert_eq!(at_host["changed"], 2);
    let none_shown = replay(&app, &[], &file, &["--limit", "0", "--json"]).json();
    assert_eq!((&none_shown["changed"], &none_shown["changes"]), (&json!(2), &json!([])));
}

#[test]
fn what_is_so_already_by_the_rules_of_today_is_told_apart() {
    let app = house_with(&[ALL]);
    three_checks(&app);
    let today = format!("[{}", CLOSED_WIKI.split_once('[').unwrap().1);
    let all = told(&app, &[("gateway.rules", &today)], &File::of(CLOSED_WIKI));
    assert_eq!([&all["changed"], &all["already"], &all["by_other_rules"]], [2, 2, 3]);
}

#[test]
fn where_nothing_is_recorded_it_says_how_to_switch_that_on() {
    let app = house();
    let file = File::of(CLOSED_WIKI);
    let off = replay(&app, &[], &file, &[]);
    for part in ["Nothing was recorded in the last 1day.", "gateway.record = 0.1", "vestibule gateway reload"] {
        assert!(off.text().contains(part), "{part}: {off:?}");
    }
    let on = replay(&app, &[("gateway.record", "0.25")], &file, &["--since", "2h"]);
    assert!(on.text().contains("A share of 0.25 of all checks is recorded"), "{on:?}");
}

#[test]
fn rules_with_a_mistake_are_reported_as_by_config_check() {
    let app = house();
    let wrong = |file: &File| -> Said {
        let said = replay(&app, &[], file, &[]);
        assert_eq!(said.code, 78, "{said:?}");
        said
    };
    let said = wrong(&File::of("rules = [{ hosts = ['app.example.com'], allow = 'perhaps' }]\ndefault = 'never'"));
    for part in ["gateway.rules[0].allow", "gateway.default", "new.toml"] {
        assert!(said.err.contains(part), "{part}: {said:?}");
    }
    assert!(wrong(&File::with("[gateway")).err.contains("This is not TOML"));
    assert!(wrong(&File::of("rule = []")).err.contains("Did you mean gateway.rules?"));
    let nowhere = File::of("");
    std::fs::remove_file(&nowhere.path).unwrap();
    assert!(wrong(&nowhere).err.contains("--rules must name a TOML file"));
}

/// Variables and flags, by which this command is told of today's rules, do not reach into the other ones.
#[test]
fn the_file_comes_in_place_of_whatever_else_is_said_of_the_gate() {
    let app = house_with(&[ALL]);
    three_checks(&app);
    let whole = File::with(&format!("[server]\npublic_url = 'https://auth.example.com'\n[gateway]\n{CLOSED_WIKI}\n"));
    let arguments = ["gateway", "replay", "--json", "--rules", whole.path()];
    let mail = [("mail.transport", "smtp"), ("mail.url", "smtp://localhost:1"), ("mail.from", "a@example.com")];
    let mut run = command(app.database_url(), &mail, &arguments);
    run.env("VESTIBULE__SERVER__PUBLIC_URL", "https://auth.example.com");
    run.env("VESTIBULE__GATEWAY__RULES", "[{ hosts = ['app.example.com'], allow = 'public' }]");
    run.env("VESTIBULE__GATEWAY__DEFAULT", "public");
    assert_eq!(said(&mut run).json()["changed"], 2);
}
