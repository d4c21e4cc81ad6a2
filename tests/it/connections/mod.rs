//! What an organization sets up for its identity provider.

mod api;
mod command;
mod enforcement;
mod pages;
mod upkeep;

use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::smtp::Letter;

/// A certificate of a provider's: base64 of X.509.
pub fn certificate(name: &str) -> String {
    use base64::Engine as _;
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2036, 1, 1);
    let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    base64::engine::general_purpose::STANDARD.encode(made.der())
}

/// Of a provider that signs with these.
pub fn metadata(entity_id: &str, certificates: &[&str]) -> String {
    let keys: Vec<String> = certificates
        .iter()
        .map(|der| {
            format!(
                "<KeyDescriptor use=\"signing\"><KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data>\
                 <X509Certificate>\n{der}\n</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
            )
        })
        .collect();
    let keys = keys.concat();
    format!(
        "<?xml version=\"1.0\"?>\n<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{entity_id}\">\
         <IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{keys}\
         <SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" \
         Location=\"https://idp.example.com/slo\" ResponseLocation=\"https://idp.example.com/slo/answer\"/>\
         <SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" \
         Location=\"https://idp.example.com/post\"/>\
         <SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" \
         Location=\"https://idp.example.com/sso\"/>\
         </IDPSSODescriptor></EntityDescriptor>"
    )
}

/// Added by an owner of "acme" who has just confirmed; as it is described.
pub fn added(owner: &mut Browser, wish: &Value) -> Value {
    owner.confirm();
    let answer = owner.api("POST", PLACE, wish.clone());
    assert_eq!(answer.status, 201, "{}", answer.answer.text());
    answer.json()
}

/// The simplest there is.
pub fn simple(owner: &mut Browser) -> Value {
    let document = metadata("https://idp.example.com/", &[&certificate("idp")]);
    added(owner, &json!({ "name": "Staff", "metadata_xml": document }))
}

pub fn place_of(connection: &Value) -> String {
    format!("{PLACE}/{}", connection["id"].as_str().unwrap())
}

/// What letters to somebody are about, as far as they begin so.
pub fn letters_to(app: &TestApp, address: &str, beginning: &str) -> Vec<String> {
    let all = app.mail().all();
    let about = all.iter().filter(|letter| letter.is_to(address)).map(Letter::subject);
    about.filter(|subject| subject.starts_with(beginning)).collect()
}

pub const PLACE: &str = "/orgs/acme/sso";
