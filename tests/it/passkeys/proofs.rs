//! What a key proves, and for what: the steps that signing in and confirming are made of.

use chrono::TimeDelta;
use serde_json::{Value, json};
use vestibule::factors::Error;
use vestibule::factors::passkeys::{self, Answer, Use, Verdict};
use vestibule::kernel::{DeviceId, Origin, Token, UserId};

use super::{holder, listed};
use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::passkey::{Passkey, bytes, register};

fn origin() -> Origin {
    Origin { address: Some([192, 0, 2, 1].into()), ..Origin::system("a test") }
}

fn ask_from(app: &TestApp, purpose: Use, origin: &Origin) -> Option<Value> {
    let app2 = app.app.clone();
    let asked = app.app.db.write::<_, Error, _>(origin, move |tx| passkeys::ask(tx, &app2, &purpose));
    let asked = actix_web::rt::System::new().block_on(asked).unwrap()?;
    Some(json!({ "ceremony": asked.ceremony.expose(), "publicKey": asked.public_key }))
}

fn ask(app: &TestApp, purpose: Use) -> Value {
    ask_from(app, purpose, &origin()).expect("a question")
}

fn check(app: &TestApp, purpose: Use, asked: &Value, credential: Value) -> Verdict {
    let app2 = app.app.clone();
    let answer = Answer { ceremony: asked["ceremony"].as_str().unwrap().to_owned(), credential };
    let origin = origin();
    let checked = app.app.db.write::<_, Error, _>(&origin, move |tx| passkeys::check(tx, &app2, &purpose, &answer));
    actix_web::rt::System::new().block_on(checked).unwrap()
}

/// Asks, lets the key answer, and says whether that was right.
fn proves(app: &TestApp, purpose: Use, passkey: &mut Passkey) -> bool {
    let asked = ask(app, purpose);
    let credential = passkey.get(&asked["publicKey"]);
    matches!(check(app, purpose, &asked, credential), Verdict::Right(_))
}

fn id_of(browser: &mut Browser) -> UserId {
    browser.api("GET", "/me", Value::Null).json::<Value>()["id"].as_str().unwrap().parse().unwrap()
}

/// The three things that one person proves who they are for.
fn uses(app: &TestApp, user: UserId) -> [Use; 3] {
    let device = DeviceId::new(app.clock().now());
    [Use::SignIn, Use::SecondFactor { user, pending: Token::generate().digest() }, Use::Confirmation { user, device }]
}

#[test]
fn a_key_proves_whose_it_is_for_each_of_three_things() {
    let app = TestApp::start();
    let (mut browser, mut passkey, said) = holder(&app);
    let user = id_of(&mut browser);
    for (seconds, purpose) in (1..).zip(uses(&app, user)) {
        app.clock().advance(TimeDelta::seconds(1));
        let asked = ask(&app, purpose);
        assert_eq!(asked["publicKey"]["userVerification"], json!("required"));
        assert_eq!(asked["publicKey"]["rpId"], json!("localhost"));
        let allowed = asked["publicKey"]["allowCredentials"].as_array().unwrap();
        match purpose {
            Use::SignIn => assert!(allowed.is_empty(), "nobody is known"),
            Use::SecondFactor { .. } | Use::Confirmation { .. } => {
                assert_eq!((allowed.len(), bytes(&allowed[0]["id"])), (1, passkey.id.clone()));
            }
        }
        let credential = passkey.get(&asked["publicKey"]);
        let Verdict::Right(proved) = check(&app, purpose, &asked, credential) else { panic!("{purpose:?}") };
        assert_eq!((proved.user, json!(proved.passkey)), (user, said["passkey"]["id"].clone()));
        assert_eq!(listed(&mut browser)[0]["last_used_at"], json!(format!("2027-01-15T08:00:0{seconds}Z")));
    }
}

#[test]
fn an_answer_is_good_once_and_for_what_it_was_asked_for() {
    let app = TestApp::start();
    let (mut browser, mut passkey, _) = holder(&app);
    let user = id_of(&mut browser);
    for asked_for in uses(&app, user) {
        for other in uses(&app, user) {
            let asked = ask(&app, asked_for);
            let credential = passkey.get(&asked["publicKey"]);
            if !matches!((asked_for, other), (Use::SignIn, Use::SignIn)) {
                assert_eq!(check(&app, other, &asked, credential.clone()), Verdict::Over, "{asked_for:?} {other:?}");
            }
            assert!(matches!(check(&app, asked_for, &asked, credential.clone()), Verdict::Right(_)));
            assert_eq!(check(&app, asked_for, &asked, credential), Verdict::Over);
        }
    }
}

#[test]
fn what_is_not_right_is_wrong_and_uses_the_question_up() {
    let app = TestApp::start();
    let (mut browser, passkey, _) = holder(&app);
    let user = id_of(&mut browser);
    let forge = |change: fn(&mut Passkey)| {
        let mut forged = passkey.clone();
        change(&mut forged);
        forged
    };
    let forgeries = [
        forge(|key| "https://evil.example".clone_into(&mut key.origin)),
        forge(|key| "http://app.localhost".clone_into(&mut key.origin)),
        forge(|key| "evil.example".clone_into(&mut key.rp_id)),
        forge(|key| key.verifies = false),
        forge(|key| key.is_backed_up = true),
        forge(|key| key.id = vec![7; 32]),
        forge(|key| key.claim_to_be(b"somebody else...")),
        forge(Passkey::lose_its_key),
    ];
    for purpose in uses(&app, user) {
        for mut forged in forgeries.clone() {
            let asked = ask(&app, purpose);
            assert_eq!(check(&app, purpose, &asked, forged.get(&asked["publicKey"])), Verdict::Wrong);
            let in_earnest = passkey.clone().get(&asked["publicKey"]);
            assert_eq!(check(&app, purpose, &asked, in_earnest), Verdict::Over);
        }
        for nonsense in [Value::Null, json!({}), json!("x"), passkey.clone().create(&ask_to_create())] {
            let asked = ask(&app, purpose);
            assert_eq!(check(&app, purpose, &asked, nonsense), Verdict::Wrong);
        }
    }
    assert!(listed(&mut browser)[0]["last_used_at"].is_null());
}

fn ask_to_create() -> Value {
    json!({ "challenge": "AAAA", "user": { "id": "AAAA" } })
}

#[test]
fn who_signs_in_with_a_key_alone_says_who_they_are() {
    let app = TestApp::start();
    let (mut browser, passkey, _) = holder(&app);
    let user = id_of(&mut browser);
    let mut silent = passkey.clone();
    silent.say_nothing_of_its_holder();
    assert!(!proves(&app, Use::SignIn, &mut silent));
    for purpose in &uses(&app, user)[1..] {
        assert!(proves(&app, *purpose, &mut silent), "who is known need not be named: {purpose:?}");
    }
}

#[test]
fn somebody_elses_key_proves_nothing_for_a_known_person() {
    let app = TestApp::start();
    let (mut ann, _, _) = holder(&app);
    let mut bob = app.verified("bob@example.com");
    let (mut bobs, _) = register(&app, &mut bob, "Bob's phone");
    let user = id_of(&mut ann);
    for purpose in &uses(&app, user)[1..] {
        assert!(!proves(&app, *purpose, &mut bobs), "{purpose:?}");
        bobs.say_nothing_of_its_holder();
        assert!(!proves(&app, *purpose, &mut bobs), "{purpose:?}");
    }
}

#[test]
fn a_counter_that_does_not_go_on_is_refused_and_written_down() {
    let app = TestApp::start();
    let (_, mut passkey, _) = holder(&app);
    for counter in [0, 0, 5, 6] {
        passkey.counter = counter;
        assert!(proves(&app, Use::SignIn, &mut passkey), "{counter}");
    }
    for counter in [6, 5, 0] {
        passkey.counter = counter;
        assert!(!proves(&app, Use::SignIn, &mut passkey), "{counter}");
    }
    let audited = "SELECT count(*) AS n FROM audit_events WHERE kind = 'passkey.counter_went_back'";
    assert_eq!(app.count(audited), 3);
    passkey.counter = 7;
    assert!(proves(&app, Use::SignIn, &mut passkey), "the holder is not locked out by it");
}

/// Both questions were put before either was answered.
#[test]
fn a_counter_is_compared_with_what_is_known_when_the_answer_comes() {
    let app = TestApp::start();
    let (mut browser, mut passkey, _) = holder(&app);
    let [_, purpose, _] = uses(&app, id_of(&mut browser));
    let (one, other) = (ask(&app, purpose), ask(&app, purpose));
    passkey.counter = 5;
    let credential = passkey.get(&one["publicKey"]);
    assert!(matches!(check(&app, purpose, &one, credential), Verdict::Right(_)));
    let copy = passkey.clone().get(&other["publicKey"]);
    assert_eq!(check(&app, purpose, &other, copy), Verdict::Wrong);
}

#[test]
fn a_question_is_answered_within_five_minutes() {
    let app = TestApp::start();
    let (mut browser, mut passkey, _) = holder(&app);
    for purpose in uses(&app, id_of(&mut browser)) {
        let (quick, slow) = (ask(&app, purpose), ask(&app, purpose));
        app.clock().advance(TimeDelta::minutes(5) - TimeDelta::seconds(1));
        let credential = passkey.get(&quick["publicKey"]);
        assert!(matches!(check(&app, purpose, &quick, credential), Verdict::Right(_)));
        app.clock().advance(TimeDelta::seconds(1));
        let credential = passkey.get(&slow["publicKey"]);
        assert_eq!(check(&app, purpose, &slow, credential), Verdict::Over);
    }
}

#[test]
fn a_removed_key_proves_nothing_any_more() {
    let app = TestApp::start();
    let (mut browser, mut passkey, said) = holder(&app);
    let user = id_of(&mut browser);
    let asked = ask(&app, Use::SignIn);
    browser.confirm();
    let path = format!("/me/passkeys/{}", said["passkey"]["id"].as_str().unwrap());
    assert_eq!(browser.api("DELETE", &path, Value::Null).status, 204);
    let credential = passkey.get(&asked["publicKey"]);
    assert_eq!(check(&app, Use::SignIn, &asked, credential), Verdict::Wrong);
    for purpose in &uses(&app, user)[1..] {
        assert!(ask_from(&app, *purpose, &origin()).is_none(), "there is nothing to answer with");
    }
}

#[test]
fn a_network_has_a_thousand_questions_under_way_and_another_its_own() {
    let app = TestApp::start();
    let (_, mut passkey, _) = holder(&app);
    let elsewhere = Origin { address: Some([198, 51, 100, 7].into()), ..origin() };
    let other = ask_from(&app, Use::SignIn, &elsewhere).unwrap();
    let first = ask(&app, Use::SignIn);
    app.clock().advance(TimeDelta::milliseconds(10));
    let second = ask(&app, Use::SignIn);
    app.execute(
        "INSERT INTO passkey_ceremonies
         SELECT sha256(n::text::bytea), purpose, asker, user_id, state, created_at + interval '1 millisecond', expires_at
         FROM generate_series(1, 998) n, (SELECT * FROM passkey_ceremonies ORDER BY created_at DESC LIMIT 1) latest",
    );
    app.clock().advance(TimeDelta::seconds(1));
    ask(&app, Use::SignIn);
    assert_eq!(app.count("SELECT count(*) AS n FROM passkey_ceremonies"), 1_001);
    let credential = passkey.get(&second["publicKey"]);
    assert!(matches!(check(&app, Use::SignIn, &second, credential), Verdict::Right(_)), "the oldest makes room");
    let credential = passkey.get(&first["publicKey"]);
    assert_eq!(check(&app, Use::SignIn, &first, credential), Verdict::Over);
    let credential = passkey.get(&other["publicKey"]);
    assert!(matches!(check(&app, Use::SignIn, &other, credential), Verdict::Right(_)), "and from any network");
}

#[test]
fn questions_that_nobody_answered_are_swept() {
    let app = TestApp::start();
    let (mut browser, _, _) = holder(&app);
    for purpose in uses(&app, id_of(&mut browser)) {
        ask(&app, purpose);
    }
    app.clock().advance(TimeDelta::minutes(5));
    let open = ask(&app, Use::SignIn);
    let (_trigger, shutdown) = vestibule::kernel::shutdown::pair();
    let swept = actix_web::rt::System::new().block_on(passkeys::sweep(&app.app, &shutdown)).unwrap();
    assert_eq!((swept, app.count("SELECT count(*) AS n FROM passkey_ceremonies")), (3, 1));
    drop(open);
}
