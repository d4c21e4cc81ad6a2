//! Everybody who may stand at the gate, in every state that a session or a key can be in.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::gate::groups::MEMBERSHIPS;
use crate::gate::house::{GATE_COOKIE, Person};
use crate::support::TestApp;
use crate::support::authenticator::set_up;
use crate::support::browser::Browser;
use crate::support::people::PASSWORD;

/// In the order in which they have to come: time passes after the first two.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Who {
    /// Has not come by for longer than a session lasts.
    RanOut,
    /// Proved who it is six minutes ago.
    Stale,
    /// With a second factor, just now.
    TwoFactors,
    /// Has typed the password and owes the code.
    Half,
    /// Ann, by her password, just now.
    Ann,
    /// Whose address nobody has confirmed.
    Unverified,
    /// Has asked to be deleted.
    Leaving,
    /// An organization asks for a second factor that they do not have.
    Unenrolled,
    SignedOut,
    /// Whom the operator has shut out.
    Disabled,
    /// A program with a key of Kay's that is good.
    Key,
    RevokedKey,
    /// A key of Kay's for something else.
    OtherKey,
    /// With a cookie of the right name that we have never made.
    Forger,
    Nobody,
}

/// What they bring, and who apps are told it is.
pub struct Guest {
    pub brings: Vec<(String, String)>,
    pub id: String,
}

impl Guest {
    fn with_cookie(name: &str, value: &str) -> Self {
        Self { brings: vec![("Cookie".into(), format!("{name}={value}"))], id: String::new() }
    }

    fn is(person: &Person) -> Self {
        Self { id: person.id.clone(), ..Self::with_cookie(GATE_COOKIE, &person.gate_token()) }
    }

    /// As if they had never been known.
    fn was(person: &Person) -> Self {
        Self::with_cookie(GATE_COOKIE, &person.gate_token())
    }

    fn with_key(key: &str, id: &str) -> Self {
        Self { brings: vec![("Authorization".into(), format!("Bearer {key}"))], id: id.to_owned() }
    }

    pub fn key(&self) -> &str {
        self.brings[0].1.strip_prefix("Bearer ").expect("a key")
    }
}

pub fn invite(app: &TestApp, whos: &[Who]) -> BTreeMap<Who, Guest> {
    let mut whos = whos.to_vec();
    whos.sort();
    whos.dedup();
    whos.into_iter().map(|who| (who, who.come(app))).collect()
}

impl Who {
    fn come(self, app: &TestApp) -> Guest {
        let person = |email: &str| Person::of_the_house(app, email);
        match self {
            Self::RanOut => {
                let guest = Guest::was(&person("ron@example.com"));
                app.clock().advance(TimeDelta::minutes(31));
                guest
            }
            Self::Stale => {
                let guest = Guest::is(&person("stan@example.com"));
                app.clock().advance(TimeDelta::minutes(6));
                guest
            }
            Self::TwoFactors => with_two_factors(app),
            Self::Half => half(app),
            Self::Ann => {
                let ann = person("ann@example.com");
                app.execute(MEMBERSHIPS);
                Guest::is(&ann)
            }
            Self::Unverified => Guest::is(&Person::newcomer(app, "una@example.com")),
            Self::Leaving => {
                let mut person = person("lee@example.com");
                person.browser.confirm();
                assert_eq!(person.browser.api("DELETE", "/me", Value::Null).status, 202);
                Guest::is(&person)
            }
            Self::Unenrolled => {
                let person = person("eno@example.com");
                app.execute(STRICT);
                Guest::is(&person)
            }
            Self::SignedOut => {
                let mut person = person("sig@example.com");
                let guest = Guest::was(&person);
                assert_eq!(person.browser.api("POST", "/auth/logout", Value::Null).status, 204);
                guest
            }
            Self::Disabled => {
                let person = person("dan@example.com");
                app.execute("UPDATE users SET disabled_at = now() WHERE email = 'dan@example.com'");
                Guest::was(&person)
            }
            Self::Key => with_key(app, "kay@example.com", "gateway"),
            Self::RevokedKey => {
                let mut person = person("rex@example.com");
                let (key, id) = key_of(&mut person.browser, "gateway");
                assert_eq!(person.browser.api("DELETE", &format!("/me/api-keys/{id}"), Value::Null).status, 204);
                Guest::with_key(&key, "")
            }
            Self::OtherKey => with_key(app, "oda@example.com", "account:read"),
            Self::Forger => Guest::with_cookie(GATE_COOKIE, &"A".repeat(64)),
            Self::Nobody => Guest { brings: Vec::new(), id: String::new() },
        }
    }
}

/// Eno's organization wants a second factor, and has for years.
const STRICT: &str = "
    INSERT INTO organization_slugs VALUES ('strict', now());
    INSERT INTO organizations (id, slug, name, created_at, second_factor_from)
        VALUES (gen_random_uuid(), 'strict', 'Strict', now(), '2020-01-01');
    INSERT INTO members SELECT o.id, u.id, 'owner', now() FROM users u, organizations o
        WHERE u.email = 'eno@example.com' AND o.slug = 'strict';";

fn with_two_factors(app: &TestApp) -> Guest {
    let mut first = Person::of_the_house(app, "tom@example.com");
    let (phone, _) = set_up(app, &mut first.browser);
    let (mut browser, _) = app.log_in("tom@example.com", PASSWORD);
    let code = json!({ "code": phone.code(app) });
    assert_eq!(browser.api("POST", "/auth/login/totp", code).status, 200);
    Guest::is(&Person::who_is(browser))
}

/// Under the gate's name as well: it might be taken there for what it is not yet.
fn half(app: &TestApp) -> Guest {
    let mut person = Person::of_the_house(app, "hal@example.com");
    set_up(app, &mut person.browser);
    let (browser, answer) = app.log_in("hal@example.com", PASSWORD);
    assert_eq!(answer.status, 401, "the second step is owed");
    let cookies = browser.jar.all();
    let own = cookies.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value));
    let as_ours = cookies.iter().map(|cookie| format!("{GATE_COOKIE}={}", cookie.value));
    let lines: Vec<String> = own.chain(as_ours).collect();
    Guest { brings: vec![("Cookie".into(), lines.join("; "))], id: String::new() }
}

fn with_key(app: &TestApp, email: &str, scope: &str) -> Guest {
    let mut person = Person::of_the_house(app, email);
    let (key, _) = key_of(&mut person.browser, scope);
    Guest::with_key(&key, &person.id)
}

fn key_of(browser: &mut Browser, scope: &str) -> (String, String) {
    browser.confirm();
    crate::api_keys::key_for(browser, &[scope])
}
