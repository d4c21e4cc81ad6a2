//! The service as its people find it at work: an organization that signs them in by a provider.

use std::sync::OnceLock;

use serde_json::{Value, json};
use vestibule::db::Tx;
use vestibule::domains;
use vestibule::kernel::{ConnectionId, OrganizationId, Origin};
use vestibule::orgs;
use vestibule::sso::connections::{self, New, Wish};
use vestibule::sso::saml::keys::{self, Pair};

use super::now;
use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::page::Page;

pub const OWNER: &str = "olive@elsewhere.test";

/// The organization "acme", which has proved `example.com`.
pub struct House {
    pub app: TestApp,
    pub owner: Browser,
    pub id: String,
}

impl House {
    /// With the provider that this metadata is of. `wish` is what differs from the usual connection.
    pub fn of(metadata: &str, wish: &Value) -> Self {
        let app = TestApp::start();
        // Those providers look at this machine's clock.
        app.clock().advance(now() - app.clock().now());
        let mut owner = app.verified(OWNER);
        assert_eq!(owner.api("POST", "/orgs", json!({ "name": "Acme" })).status, 201);
        let mut all = json!({ "name": "Work", "metadata_xml": metadata, "domains": ["example.com"] });
        all.as_object_mut().unwrap().extend(wish.as_object().unwrap().clone());
        let id = connect(&app, all);
        let (organization, name) = (organization(&app), domains::Name::parse("example.com").unwrap());
        write(&app, move |tx| domains::prove_by_word(tx, organization, &name).unwrap());
        Self { app, owner, id }
    }

    pub fn path(&self, part: &str) -> String {
        format!("/saml/{}/{part}", self.id)
    }

    pub fn url(&self, part: &str) -> String {
        self.app.public_url().join(&self.path(part)).unwrap().into()
    }

    /// Ours, for the provider.
    pub fn metadata(&self) -> String {
        let page = self.app.browser().get(&self.path("metadata"));
        assert_eq!(page.status, 200, "{}", page.text());
        page.answer.text()
    }

    /// Changes the connection, as its owner would.
    pub fn change(&mut self, wish: Value) {
        self.owner.confirm();
        let answer = self.owner.api("PATCH", &format!("/orgs/acme/sso/{}", self.id), wish);
        assert_eq!(answer.status, 200, "{}", answer.answer.text());
    }

    /// Posts what the provider's page has for us, and once more from our own page, where cookies come along. What we
    /// say to it.
    pub fn take(&self, browser: &mut Browser, page: &Page) -> Page {
        let form = page.form_with("SAMLResponse").unwrap_or_else(|| panic!("no answer: {}", page.text()));
        assert_eq!(form.action.as_str(), self.url("acs"));
        let page = browser.submit(form.action.path(), &[]);
        if page.status == 200 { browser.submit(form.action.path(), &[]) } else { page }
    }

    /// The check that the last answer failed.
    pub fn refused_for(&self) -> String {
        self.app.text(
            "SELECT coalesce((SELECT details->>'check' FROM audit_events WHERE kind = 'sso.refused' ORDER BY id DESC
                LIMIT 1), '') AS t",
        )
    }
}

pub fn is_in(browser: &mut Browser) -> bool {
    browser.api("GET", "/me", Value::Null).status == 200
}

fn connect(app: &TestApp, wish: Value) -> String {
    let wish: Wish = serde_json::from_value(wish).unwrap();
    let (inner, at) = (app.app.clone(), app.clock().now());
    let changes = run(wish.read(&inner.outside, at)).unwrap();
    let (organization, new, sealer) = (organization(app), New::from_changes(changes).unwrap(), inner.sealer.clone());
    let id: ConnectionId = write(app, move |tx| {
        orgs::lock(tx, organization).unwrap();
        connections::add(tx, &sealer, organization, new, pair()).unwrap().id
    });
    id.to_string()
}

fn organization(app: &TestApp) -> OrganizationId {
    app.text("SELECT id::text AS t FROM organizations WHERE slug = 'acme'").parse().unwrap()
}

pub fn write<T: Send + 'static>(app: &TestApp, step: impl FnOnce(&mut Tx<'_>) -> T + Send + 'static) -> T {
    let work = move |tx: &mut Tx<'_>| Ok::<_, vestibule::db::Error>(step(tx));
    run(app.app.db.write(&Origin::operator("a test"), work)).unwrap()
}

/// They take long to make.
fn pair() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(|| keys::generate("test", now()).unwrap())
}

fn run<F: Future>(work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
