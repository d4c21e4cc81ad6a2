//! Rules for some methods, places and people, and rules that ask for more than a session.

use std::net::IpAddr;

use super::*;
use crate::affiliations::Affiliations;

const HOST: &str = "app.example.com";

fn rule(allow: Allow) -> settings::Rule {
    settings::Rule::for_hosts(vec![HOST.to_owned()], allow)
}

fn compile(rules: Vec<settings::Rule>) -> Rules {
    let organizations = settings::Organizations::All;
    Rules::compile(&settings::Gateway {
        default: Allow::Deny,
        assertion: false,
        organizations,
        rules,
        record: settings::Record::NOTHING,
    })
}

fn words(words: &[&str]) -> Affiliations {
    Affiliations::from_stored(texts(words))
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

const ASKED: &str = "https://app.example.com/x";

fn asked(method: &'static str, client: &str) -> Request<'static> {
    Request::from_url(method.as_bytes(), ASKED.as_bytes(), client.parse::<IpAddr>().unwrap()).unwrap()
}

fn judge(rules: &Rules, subject: &Subject<'_>) -> Decision {
    rules.judge(&asked("GET", "203.0.113.9"), subject, Rehearsal::No, at(0)).decision
}

fn person<'a>(verified: Option<&'a EmailAddress>, affiliations: &'a Affiliations) -> Subject<'a> {
    let proofs = Proofs { anything: at(0), second_factor: None, passkey: None };
    Subject::Person(Holder { verified, affiliations }, proofs)
}

#[test]
fn a_rule_for_some_methods_leaves_the_others_to_the_next() {
    let writing = settings::Rule { methods: texts(&["POST", "DELETE"]), ..rule(Allow::Deny) };
    let rules = compile(vec![writing, rule(Allow::Public)]);
    let table = [("GET", true), ("HEAD", true), ("POST", false), ("post", false), ("DELETE", false), ("PATCH", true)];
    for (method, is_open) in table {
        let decision = rules.judge(&asked(method, "203.0.113.9"), &Subject::Stranger, Rehearsal::No, at(0)).decision;
        assert_eq!(decision == Decision::Allow, is_open, "{method}");
    }
}

#[test]
fn a_rule_for_some_networks_stands_only_there() {
    let networks = ["10.0.0.0/8", "2001:db8::/32"].map(|network| network.parse().unwrap()).to_vec();
    let rules = compile(vec![settings::Rule { networks, ..rule(Allow::Public) }]);
    let table = [
        ("10.1.2.3", true),
        ("::ffff:10.1.2.3", true),
        ("2001:db8::1", true),
        ("11.0.0.1", false),
        ("2001:db9::1", false),
        ("::1", false),
    ];
    for (client, is_open) in table {
        let decision = rules.judge(&asked("GET", client), &Subject::Stranger, Rehearsal::No, at(0)).decision;
        assert_eq!(decision == Decision::Allow, is_open, "{client}");
    }
}

#[test]
fn a_rule_for_some_people_is_passed_over_by_the_others() {
    let named = settings::Rule {
        groups: texts(&["acme:admin", "acme/engineering"]),
        users: vec![address("Ann@Example.com")],
        ..rule(Allow::SignedIn)
    };
    let (ann, bob) = (address("ann@example.com"), address("bob@example.com"));
    let (nowhere, admin, engineer, member) = (
        words(&[]),
        words(&["acme", "acme:admin"]),
        words(&["acme", "acme/engineering"]),
        words(&["acme", "acme:member"]),
    );
    let rules = compile(vec![named]);
    let forbidden = Decision::Deny(Reason::Forbidden);
    let table = [
        (Subject::Stranger, Decision::SignIn),
        (Subject::Leaving, Decision::Deny(Reason::Leaving)),
        (Subject::Unprotected, Decision::Deny(Reason::Unprotected)),
        (person(Some(&ann), &nowhere), Decision::Allow),
        (person(Some(&bob), &nowhere), forbidden),
        (person(Some(&bob), &member), forbidden),
        (person(Some(&bob), &admin), Decision::Allow),
        (person(Some(&bob), &engineer), Decision::Allow),
        (person(None, &admin), Decision::Deny(Reason::Unverified)),
    ];
    for (subject, expected) in table {
        assert_eq!(judge(&rules, &subject), expected, "{subject:?}");
    }
}

/// An address that nobody has proved is nobody's.
#[test]
fn a_rule_that_names_people_means_verified_addresses() {
    let nowhere = words(&[]);
    let named = |allow| settings::Rule { users: vec![address("ann@example.com")], verified: false, ..rule(allow) };
    let unverified = person(None, &nowhere);
    assert_eq!(judge(&compile(vec![named(Allow::SignedIn)]), &unverified), Decision::Deny(Reason::Forbidden));
}

#[test]
fn some_people_can_be_kept_out_of_what_is_open_to_others() {
    let barred = settings::Rule { groups: texts(&["acme/guests"]), ..rule(Allow::Deny) };
    let rules = compile(vec![barred, rule(Allow::SignedIn)]);
    let (ann, guests, nowhere) = (address("ann@example.com"), words(&["acme/guests"]), words(&[]));
    assert_eq!(judge(&rules, &person(Some(&ann), &guests)), Decision::Deny(Reason::Forbidden));
    assert_eq!(judge(&rules, &person(Some(&ann), &nowhere)), Decision::Allow);
    assert_eq!(judge(&rules, &Subject::Stranger), Decision::SignIn, "who knows who it is");
}

#[test]
fn a_second_factor_is_asked_for_until_it_is_proved_in_this_session() {
    let (ann, nowhere) = (address("ann@example.com"), words(&[]));
    let decide = |rule: settings::Rule, second_factor, passkey| {
        let proofs = Proofs { anything: at(0), second_factor, passkey };
        judge(&compile(vec![rule]), &Subject::Person(Holder { verified: Some(&ann), affiliations: &nowhere }, proofs))
    };
    let confirm = |factor| Decision::Confirm(Proof { factor, max_age: None });
    let long_ago = Some(at(-9_999_999));
    assert_eq!(decide(rule(Allow::TwoFactor), None, None), confirm(Wanted::SecondFactor));
    assert_eq!(decide(rule(Allow::TwoFactor), long_ago, None), Decision::Allow);
    let by_passkey = || settings::Rule { factor: Some(Factor::Passkey), ..rule(Allow::SignedIn) };
    assert_eq!(decide(by_passkey(), None, None), confirm(Wanted::Passkey));
    assert_eq!(decide(by_passkey(), long_ago, None), confirm(Wanted::Passkey));
    assert_eq!(decide(by_passkey(), long_ago, long_ago), Decision::Allow);
}

#[test]
fn a_recent_proof_is_asked_for_to_the_second() {
    let (ann, nowhere) = (address("ann@example.com"), words(&[]));
    let recent = |factor| {
        let max_age = Some(TimeDelta::minutes(5));
        let wanted = if factor == Some(Factor::Passkey) { Wanted::Passkey } else { Wanted::Anything };
        let rule = settings::Rule { recent_auth: max_age, factor, ..rule(Allow::SignedIn) };
        (compile(vec![rule]), Decision::Confirm(Proof { factor: wanted, max_age }))
    };
    let decide = |rules: &Rules, anything, passkey| {
        let proofs = Proofs { anything, second_factor: passkey, passkey };
        judge(rules, &Subject::Person(Holder { verified: Some(&ann), affiliations: &nowhere }, proofs))
    };
    let (rules, confirm) = recent(None);
    let table = [(0, true), (-299, true), (-300, false), (-86_400, false), (59, true), (61, false)];
    for (seconds, is_recent) in table {
        let expected = if is_recent { Decision::Allow } else { confirm };
        assert_eq!(decide(&rules, at(seconds), None), expected, "{seconds}");
    }
    // A password a moment ago does not make a passkey of last week a recent one.
    let (rules, confirm) = recent(Some(Factor::Passkey));
    assert_eq!(decide(&rules, at(0), Some(at(-300))), confirm);
    assert_eq!(decide(&rules, at(0), Some(at(-299))), Decision::Allow);
}

#[test]
fn whoever_is_not_let_in_anyway_is_not_asked_to_confirm() {
    let nowhere = words(&[]);
    let rules = compile(vec![settings::Rule { recent_auth: Some(TimeDelta::minutes(5)), ..rule(Allow::TwoFactor) }]);
    assert_eq!(judge(&rules, &person(None, &nowhere)), Decision::Deny(Reason::Unverified));
    assert_eq!(judge(&rules, &Subject::Stranger), Decision::SignIn);
}

#[test]
fn a_rule_that_is_tried_out_has_no_effect_but_in_rehearsal() {
    let tried = settings::Rule { shadow: true, ..rule(Allow::Deny) };
    let rules = compile(vec![tried, rule(Allow::Public)]);
    assert!(rules.has_shadows());
    let judged = |rehearsal| {
        let request = asked("GET", "203.0.113.9");
        let judgement = rules.judge(&request, &Subject::Stranger, rehearsal, at(0));
        (judgement.decision, judgement.rule.map(|rule| rule.number))
    };
    assert_eq!(judged(Rehearsal::No), (Decision::Allow, Some(1)));
    assert_eq!(judged(Rehearsal::Yes), (Decision::Deny(Reason::Forbidden), Some(0)));
}

/// The index must find what looking at every rule would.
#[test]
fn rules_are_found_by_host_as_if_each_were_looked_at() {
    let names = [
        "a.example",
        "*.a.example",
        "*.b.a.example",
        "x.b.a.example",
        "b.a.example",
        "*.example",
        "a.example:8443",
        "*.a.example:8443",
        "192.0.2.1",
        "[::1]",
    ];
    let rules: Vec<settings::Rule> = (0_usize..60)
        .map(|number| {
            let hosts = vec![names[number % names.len()].to_owned(), names[number * 7 % names.len()].to_owned()];
            settings::Rule { paths: vec![format!("/{number}")], ..settings::Rule::for_hosts(hosts, Allow::Public) }
        })
        .collect();
    let compiled = compile(rules.clone());
    let hosts =
        ["a.example", "b.a.example", "x.b.a.example", "y.b.a.example", "z.y.b.a.example", "c.a.example", "q.example"];
    let more = ["example", "xa.example", "192.0.2.1", "[::1]", "2.1"];
    for host in hosts.into_iter().chain(more) {
        for (number, port) in (0..rules.len()).flat_map(|number| [(number, 443), (number, 8443)]) {
            let url = format!("https://{host}:{port}/{number}");
            let Ok(request) = Request::from_url(b"GET", url.as_bytes(), IpAddr::from([203, 0, 113, 9])) else {
                continue;
            };
            let found = compiled.judge(&request, &Subject::Stranger, Rehearsal::No, at(0)).rule.map(|rule| rule.number);
            let stands = |name: &String| HostPattern::new(name).matches(host, port);
            let expected = rules[number].hosts.iter().any(stands).then_some(number);
            assert_eq!(found, expected, "{url}");
        }
    }
}
