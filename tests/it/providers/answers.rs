//! What they answer, held to the strict profile.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use vestibule::sso::saml::keys::{self, Pair};
use vestibule::sso::saml::metadata;
use vestibule::sso::saml::{
    Answer, Asked, AuthnRequest, Binding, ForceAuthn, Metadata, Provider, Report, Verdict, judge,
};

use super::now;
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::samlify::Samlify;
use crate::support::simplesamlphp::SimpleSamlPhp;

const ENTITY_ID: &str = "http://id.localhost/saml/1/metadata";
const ACS: &str = "http://id.localhost/saml/1/acs";
const REQUEST: &str = "_5d41402abc4b2a76b9719d911017c592aaaaaaaa";

#[test]
fn each_way_in_which_simplesamlphp_signs_and_encrypts_holds_to_the_strict_profile() {
    let mut provider = SimpleSamlPhp::start();
    let service = Service::known_to(&provider);
    for (response, assertion, encrypt) in
        [(true, true, false), (true, false, false), (false, true, false), (true, true, true), (false, true, true)]
    {
        provider.set("sign_response", json!(response));
        provider.set("sign_assertion", json!(assertion));
        provider.set("encrypt", json!(encrypt));
        let page = service.ask(&provider, ForceAuthn::No);
        assert_eq!(text_of(&page).contains("EncryptedAssertion"), encrypt);
        let answer = good(service.judge(&read(&provider), &page, Asked::This(REQUEST)));
        assert_eq!(answer.name_id.value, "ann");
        let said = |name: &str| answer.attributes.iter().find(|one| one.name == name).map(|one| one.values.clone());
        assert_eq!(said("mail"), Some(vec!["ann@example.com".to_owned()]));
        assert_eq!(said("groups"), Some(vec!["engineering".to_owned(), "staff".to_owned()]));
        assert!(answer.session_index.is_some());
    }
}

#[test]
fn simplesamlphp_takes_a_request_that_is_posted() {
    let provider = SimpleSamlPhp::start();
    let service = Service::known_to(&provider);
    let request = request(&read(&provider), ForceAuthn::No);
    let form = request.form(Some("state"), Some(&service.pair.key)).unwrap();
    let mut browser = Browser::new("http://id.localhost", 80);
    let fields: Vec<(&str, &str)> = form.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let page = browser.post(&form.action, &fields);
    let page = provider.pass(&mut browser, page, "ann");
    good(service.judge(&read(&provider), &page, Asked::This(REQUEST)));
}

#[test]
fn simplesamlphp_refuses_a_request_that_is_not_signed() {
    let provider = SimpleSamlPhp::start();
    let _known = Service::known_to(&provider);
    let request = request(&read(&provider), ForceAuthn::No);
    let mut browser = Browser::new("http://id.localhost", 80);
    let page = browser.get(&request.redirect(None, None).unwrap());
    let page = provider.pass(&mut browser, page, "ann");
    assert!(page.has("Unhandled exception") && page.form_with("SAMLResponse").is_none(), "{}", page.text());
}

#[test]
fn simplesamlphp_asks_again_whom_it_knows_where_it_must() {
    let provider = SimpleSamlPhp::start();
    let service = Service::known_to(&provider);
    let mut browser = Browser::new("http://id.localhost", 80);
    let go = |browser: &mut Browser, force| {
        let url = request(&read(&provider), force).redirect(None, Some(&service.pair.key)).unwrap();
        let mut page = browser.get(&url);
        while matches!(page.status, 301..=308) {
            page = browser.follow();
        }
        page
    };
    let first = go(&mut browser, ForceAuthn::No);
    assert!(first.has("Username"));
    let signed_in = provider.pass(&mut browser, first, "ann");
    let before = good(service.judge(&read(&provider), &signed_in, Asked::This(REQUEST))).authn_instant;
    let known = go(&mut browser, ForceAuthn::No);
    let again = good(service.judge(&read(&provider), &known, Asked::This(REQUEST))).authn_instant;
    assert_eq!(again, before, "it knows them");
    assert!(go(&mut browser, ForceAuthn::Yes).has("Username"), "it asks again");
}

#[test]
fn what_simplesamlphp_says_by_itself_answers_nothing() {
    let provider = SimpleSamlPhp::start();
    let service = Service::known_to(&provider);
    let mut browser = Browser::new("http://id.localhost", 80);
    let page = browser.get(&provider.url(&format!("saml2/idp/SSOService.php?spentityid={ENTITY_ID}")));
    let page = provider.pass(&mut browser, page, "ann");
    good(service.judge(&read(&provider), &page, Asked::Nothing));
    assert!(service.judge(&read(&provider), &page, Asked::NothingAndMust).outcome.is_err());
    assert!(service.judge(&read(&provider), &page, Asked::This(REQUEST)).outcome.is_err());
}

#[test]
fn each_way_in_which_samlify_signs_and_encrypts_holds_to_the_strict_profile() {
    let mut provider = Samlify::start();
    let service = Service::new();
    provider.trust(&service.metadata());
    for (response, assertion, encrypt) in
        [(true, true, false), (true, false, false), (false, true, false), (true, true, true), (false, true, true)]
    {
        provider.set("sign_response", json!(response));
        provider.set("sign_assertion", json!(assertion));
        provider.set("encrypt", json!(encrypt));
        let metadata = metadata::read(provider.metadata().as_bytes(), now()).unwrap();
        let mut browser = Browser::new("http://id.localhost", 80);
        let asked = request(&metadata, ForceAuthn::No);
        let page = browser.get(&asked.redirect(Some("state"), Some(&service.pair.key)).unwrap());
        assert_eq!(text_of(&page).contains("EncryptedAssertion"), encrypt);
        let answer = good(service.judge(&metadata, &page, Asked::This(REQUEST)));
        assert_eq!(answer.name_id.value, "ann-1");
        assert_eq!(answer.session_index.as_deref(), Some("session-of-ann-1"));
    }
}

/// Us, as far as a provider can tell.
struct Service {
    pair: Pair,
}

impl Service {
    fn new() -> Self {
        Self { pair: keys::generate("a test", now()).unwrap() }
    }

    fn known_to(provider: &SimpleSamlPhp) -> Self {
        let service = Self::new();
        provider.trust(&service.metadata());
        service
    }

    fn metadata(&self) -> String {
        let certificate = STANDARD.encode(&self.pair.certificate);
        format!(
            r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{ENTITY_ID}">
<md:SPSSODescriptor AuthnRequestsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<md:KeyDescriptor><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
<md:AssertionConsumerService index="0" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{ACS}"/>
</md:SPSSODescriptor></md:EntityDescriptor>"#
        )
    }

    /// By a browser that nobody is signed in with, until the answer is there.
    fn ask(&self, provider: &SimpleSamlPhp, force: ForceAuthn) -> Page {
        let mut browser = Browser::new("http://id.localhost", 80);
        let url = request(&read(provider), force).redirect(Some("state"), Some(&self.pair.key)).unwrap();
        let page = browser.get(&url);
        let page = provider.pass(&mut browser, page, "ann");
        let form = page.form_with("SAMLResponse").unwrap();
        assert_eq!(form.action.as_str(), ACS);
        assert!(form.fields.contains(&("RelayState".to_owned(), "state".to_owned())));
        page
    }

    fn judge(&self, metadata: &Metadata, page: &Page, asked: Asked<'_>) -> Report {
        let certificates: Vec<Vec<u8>> = metadata.certificates.iter().map(|one| one.der.clone()).collect();
        let expected = Provider {
            entity_id: &metadata.entity_id,
            certificates: &certificates,
            audience: ENTITY_ID,
            acs_url: ACS,
            keys: &[self.pair.key.to_vec()],
        };
        judge(&value_of(page), &expected, asked, now())
    }
}

fn read(provider: &SimpleSamlPhp) -> Metadata {
    metadata::read(provider.metadata().as_bytes(), now()).unwrap()
}

fn value_of(page: &Page) -> String {
    let form = page.form_with("SAMLResponse").unwrap_or_else(|| panic!("no answer: {}", page.text()));
    form.fields.into_iter().find(|(name, _)| name == "SAMLResponse").unwrap().1
}

fn text_of(page: &Page) -> String {
    String::from_utf8(STANDARD.decode(value_of(page)).unwrap()).unwrap()
}

fn good(report: Report) -> Answer {
    let failed: Vec<_> =
        report.checks.iter().filter(|checked| matches!(checked.verdict, Verdict::Failed { .. })).cloned().collect();
    match report.outcome {
        Ok(answer) => answer,
        Err(check) => panic!("{}: {failed:?}\n{}", check.as_str(), report.document.unwrap_or_default()),
    }
}

fn request(metadata: &Metadata, force: ForceAuthn) -> vestibule::sso::saml::Message {
    assert_eq!(metadata.sso.binding, Binding::Redirect);
    let request = AuthnRequest {
        id: REQUEST,
        issuer: ENTITY_ID,
        destination: &metadata.sso.url,
        acs_url: ACS,
        force,
        issued_at: now(),
    };
    request.message()
}
