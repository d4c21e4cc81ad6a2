//! Domains of organizations: claimed, proved by a record that a real DNS server has, or by the operator's word.

mod command;
mod pages;
mod proof;
mod watched;

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::dns::Dns;
use crate::support::page::Page;

const PLACE: &str = "/orgs/acme/domains";

fn start(dns: &Dns) -> TestApp {
    TestApp::with(&[("sso.dns_server", &dns.address())])
}

/// By somebody who has just confirmed: the domain, with the record that is to be set.
fn claim(owner: &mut Browser, slug: &str, name: &str) -> Value {
    let answer = try_claim(owner, slug, name);
    assert_eq!(answer.status, 201, "{}", answer.answer.text());
    answer.json()
}

fn try_claim(owner: &mut Browser, slug: &str, name: &str) -> Page {
    owner.confirm();
    owner.api("POST", &format!("/orgs/{slug}/domains"), json!({ "name": name }))
}

/// By somebody who has just confirmed.
fn check(owner: &mut Browser, slug: &str, name: &str) -> Page {
    owner.api("POST", &format!("/orgs/{slug}/domains/{name}/check"), Value::Null)
}

fn record_of(domain: &Value) -> (String, String) {
    let word = |name: &str| domain["record"][name].as_str().unwrap().to_owned();
    assert_eq!(word("type"), "TXT");
    (word("name"), word("value"))
}

/// Of "acme", as the API shows it.
fn the_domain(owner: &mut Browser) -> Value {
    let all: Value = owner.api("GET", PLACE, Value::Null).json();
    let [domain] = all["domains"].as_array().unwrap().as_slice() else { panic!("{all}") };
    domain.clone()
}

/// By whom it is proved; "" when it is not.
fn proved_by(app: &TestApp) -> String {
    app.text("SELECT coalesce(max(proved_by), '') AS t FROM domains")
}
