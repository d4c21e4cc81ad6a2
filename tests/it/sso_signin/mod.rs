//! Signing in by an organization's identity provider, whose answers are forged and signed for real.

mod endings;
mod people;
mod refusals;
mod sessions;
mod signing_out;
mod stepup;
mod takeover;
mod trying;

use std::io::Read as _;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use url::Url;
use vestibule::domains;
use vestibule::kernel::{ConnectionId, OrganizationId, Origin};
use vestibule::orgs;
use vestibule::sso::connections::{self, New, Wish};
use vestibule::sso::saml::keys::{self, Pair};

use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::idp::{Draft, Idp, Sp};
use crate::support::page::Page;

pub const PUBLIC: &str = "https://auth.acme.example";
pub const OWNER: &str = "olive@elsewhere.example";
pub const ANN: &str = "ann@corp.example";

/// The organization "acme", which has proved corp.example and signs its people in by a provider.
pub struct Stage {
    pub app: TestApp,
    pub owner: Browser,
    pub idp: Idp,
    pub sp: Sp,
    pub id: String,
}

/// What a browser takes along to the provider.
pub struct Sent {
    pub request: String,
    pub relay_state: String,
    pub url: Url,
}

impl Stage {
    pub fn start() -> Self {
        Self::with(&json!({}), &[])
    }

    /// With a connection, and settings, that differ.
    pub fn with(wish: &Value, settings: &[(&str, &str)]) -> Self {
        let secure = [("server.public_url", PUBLIC)];
        let app = TestApp::with(&[&secure, settings].concat());
        Self::on(app, wish)
    }

    pub fn on(app: TestApp, wish: &Value) -> Self {
        let mut owner = app.verified(OWNER);
        assert_eq!(owner.api("POST", "/orgs", json!({ "name": "Acme" })).status, 201);
        let idp = Idp::new("https://idp.test");
        let id = connect(&app, "acme", &idp, wish);
        prove(&app, "acme", "corp.example");
        Self { sp: sp(&app, &id), app, owner, idp, id }
    }

    pub fn path(&self, part: &str) -> String {
        format!("/saml/{}/{part}", self.id)
    }

    /// To the provider, and no further.
    pub fn leave(&self, browser: &mut Browser, query: &str) -> Sent {
        let page = browser.get(&format!("{}{query}", self.path("login")));
        assert_eq!(page.status, 302, "{}", page.text());
        sent(&page)
    }

    /// A good answer about Ann.
    pub fn draft(&self, sent: &Sent) -> Draft {
        let draft = self.idp.draft(&self.sp, self.app.clock().now());
        Draft { in_response_to: Some(sent.request.clone()), attributes: said(ANN, &[]), ..draft }
    }

    /// Posted from the provider's page.
    pub fn bring(&self, browser: &mut Browser, draft: &Draft, relay_state: Option<&str>) -> Page {
        post_from(browser, &self.path("acs"), &self.idp.answer(draft), relay_state)
    }

    /// There and back, as whoever the changes make of the draft.
    pub fn come(&self, browser: &mut Browser, change: impl FnOnce(&mut Draft)) -> Page {
        let sent = self.leave(browser, "");
        let mut draft = self.draft(&sent);
        change(&mut draft);
        self.bring(browser, &draft, Some(&sent.relay_state))
    }

    /// Ann, signed in.
    pub fn ann(&self) -> Browser {
        let mut browser = self.app.browser();
        let page = self.come(&mut browser, |_| {});
        assert_eq!(page.status, 303, "{}", page.text());
        assert!(is_in(&mut browser));
        browser
    }

    /// The check that the last answer failed, as administrators are told.
    pub fn refused_for(&self) -> String {
        self.app.text(
            "SELECT coalesce((SELECT details->>'check' FROM audit_events WHERE kind = 'sso.refused' ORDER BY ctid DESC
                 LIMIT 1), '') AS t",
        )
    }

    pub fn role_of(&self, email: &str) -> String {
        self.app.text(&format!(
            "SELECT coalesce((SELECT role FROM members m JOIN users u ON u.id = m.user_id WHERE u.email = '{email}'), '')
                 AS t"
        ))
    }
}

/// What a provider says of somebody.
pub fn said(email: &str, groups: &[&str]) -> Vec<(String, Vec<String>)> {
    let groups = groups.iter().map(|group| (*group).to_owned()).collect();
    vec![
        ("email".to_owned(), vec![email.to_owned()]),
        ("displayName".to_owned(), vec!["Ann Lee".to_owned()]),
        ("groups".to_owned(), groups),
    ]
}

pub fn is_in(browser: &mut Browser) -> bool {
    browser.api("GET", "/me", Value::Null).status == 200
}

pub fn me(browser: &mut Browser) -> Value {
    let answer = browser.api("GET", "/me", Value::Null);
    assert_eq!(answer.status, 200, "{}", answer.answer.text());
    answer.json()
}

pub fn post_from(browser: &mut Browser, acs: &str, response: &str, relay_state: Option<&str>) -> Page {
    let state = relay_state.map(|state| ("RelayState", state));
    let fields: Vec<_> = [("SAMLResponse", response)].into_iter().chain(state).collect();
    browser.standing_on("https://idp.test/done").post(acs, &fields)
}

/// What a redirect to the provider carries.
pub fn sent(page: &Page) -> Sent {
    let url = page.location().expect("a way to the provider");
    let find = |wanted: &str| {
        let mut pairs = url.query_pairs();
        pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned()).expect(wanted)
    };
    let deflated = STANDARD.decode(find("SAMLRequest")).expect("base64");
    let mut xml = String::new();
    flate2::read::DeflateDecoder::new(deflated.as_slice()).read_to_string(&mut xml).expect("deflated text");
    let id = xml.split(" ID=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an ID");
    Sent { request: id.to_owned(), relay_state: find("RelayState"), url: url.clone() }
}

pub fn sp(app: &TestApp, id: &str) -> Sp {
    let base = format!("{}saml/{id}", app.public_url());
    Sp::new(&format!("{base}/metadata"), &format!("{base}/acs"))
}

/// A connection of an organization. Its id.
pub fn connect(app: &TestApp, slug: &str, idp: &Idp, wish: &Value) -> String {
    let mut all = json!({
        "name": "Acme sign-in",
        "idp_entity_id": idp.entity_id,
        "sso_url": "https://idp.test/sso",
        "certificates": [idp.key.certificate_pem()],
        "domains": ["corp.example"],
    });
    all.as_object_mut().unwrap().extend(wish.as_object().unwrap().clone());
    let wish: Wish = serde_json::from_value(all).unwrap();
    let organization = organization(app, slug);
    let (inner, now) = (app.app.clone(), app.clock().now());
    let id: ConnectionId = run(async {
        let changes = wish.read(&inner.outside, now).await.unwrap();
        let (new, sealer) = (New::from_changes(changes).unwrap(), inner.sealer.clone());
        let work = move |tx: &mut vestibule::db::Tx<'_>| {
            orgs::lock(tx, organization)?;
            connections::add(tx, &sealer, organization, new, pair())
        };
        inner.db.write(&Origin::system("test"), work).await.unwrap().id
    });
    id.to_string()
}

/// By the operator's word.
pub fn prove(app: &TestApp, slug: &str, domain: &str) {
    let (organization, name) = (organization(app, slug), domains::Name::parse(domain).unwrap());
    let inner = app.app.clone();
    run(async {
        let work = move |tx: &mut vestibule::db::Tx<'_>| domains::prove_by_word(tx, organization, &name).map(drop);
        inner.db.write(&Origin::system("test"), work).await.unwrap();
    });
}

fn organization(app: &TestApp, slug: &str) -> OrganizationId {
    app.text(&format!("SELECT id::text AS t FROM organizations WHERE slug = '{slug}'")).parse().unwrap()
}

/// They take long to make.
fn pair() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(|| keys::generate("test", chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap()).unwrap())
}

fn run<F: Future>(work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
