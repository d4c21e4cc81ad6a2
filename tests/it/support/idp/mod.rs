//! An identity provider's pen: documents by template, with anything in them that a test wants, signed and encrypted
//! for real. What it makes without being told otherwise is a good answer.
//!
//! ```ignore
//! let idp = Idp::new("https://idp.test");
//! let sp = Sp::new("https://sp.test/metadata", "https://sp.test/acs");
//! let draft = Draft { in_response_to: Some(id), sign: Sign::Both, ..idp.draft(&sp, now) };
//! browser.post_form(&sp.acs_url, &[("SAMLResponse", &idp.answer(&draft))]);
//! ```

mod draft;
mod encrypt;
mod key;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use samael::crypto::{Crypto, CryptoProvider as _};
use vestibule::sso::saml;

pub use draft::{Draft, Sign, SignatureTemplate};
pub use encrypt::{Cipher, Encryption, Transport};
pub use key::Key;

pub struct Idp {
    pub entity_id: String,
    pub key: Key,
}

/// Whom answers are for.
#[derive(Clone)]
pub struct Sp {
    pub entity_id: String,
    pub acs_url: String,
}

impl Sp {
    pub fn new(entity_id: &str, acs_url: &str) -> Self {
        Self { entity_id: entity_id.to_owned(), acs_url: acs_url.to_owned() }
    }
}

impl Idp {
    /// With an RSA key that all providers of the test process share.
    pub fn new(entity_id: &str) -> Self {
        Self::with_key(entity_id, Key::rsa())
    }

    pub fn with_key(entity_id: &str, key: Key) -> Self {
        saml::warm_up().expect("xmlsec");
        Self { entity_id: entity_id.to_owned(), key }
    }

    /// A good answer about `ann@example.com`, not yet told which request it answers.
    pub fn draft(&self, sp: &Sp, now: DateTime<Utc>) -> Draft {
        let random = || format!("_{}", hex(&random::<20>()));
        Draft {
            response_id: random(),
            assertion_id: random(),
            issuer: self.entity_id.clone(),
            assertion_issuer: self.entity_id.clone(),
            destination: Some(sp.acs_url.clone()),
            in_response_to: None,
            confirmation_request: None,
            recipient: Some(sp.acs_url.clone()),
            audiences: vec![vec![sp.entity_id.clone()]],
            status: draft::SUCCESS.to_owned(),
            name_id: "ann".to_owned(),
            name_id_format: Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".to_owned()),
            issued_at: now,
            assertion_issued_at: now,
            not_before: Some(now - TimeDelta::minutes(1)),
            not_on_or_after: Some(now + TimeDelta::minutes(5)),
            confirmation_ends_at: Some(now + TimeDelta::minutes(5)),
            authn_instant: now,
            authn_context: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport".to_owned(),
            session_index: Some(random()),
            session_ends_at: None,
            attributes: vec![
                ("email".to_owned(), vec!["ann@example.com".to_owned()]),
                ("name".to_owned(), vec!["Ann Lee".to_owned()]),
            ],
            sign: Sign::Assertion,
            signature: self.key.template(),
            encryption: None,
            edits: Vec::new(),
        }
    }

    /// The document, signed and encrypted as the draft says.
    pub fn document(&self, draft: &Draft) -> String {
        let mut assertion = draft.assertion();
        let encrypted = draft.encryption.is_some();
        let response = |assertion: &str, sign: Sign| draft.response(assertion, sign);
        if encrypted {
            if matches!(draft.sign, Sign::Assertion | Sign::Both) {
                assertion = self.sign(&assertion);
            }
            assertion = draft.encryption.as_ref().map(|encryption| encryption.seal(&assertion)).unwrap_or_default();
            return match draft.sign {
                Sign::Response | Sign::Both => self.sign(&response(&assertion, Sign::Response)),
                Sign::Assertion | Sign::Nothing => response(&assertion, Sign::Nothing),
            };
        }
        match draft.sign {
            Sign::Nothing => response(&assertion, Sign::Nothing),
            Sign::Response => self.sign(&response(&assertion, Sign::Response)),
            Sign::Assertion => self.sign(&response(&assertion, Sign::Nothing)),
            Sign::Both => {
                // The assertion's signature is a part of what the response's covers.
                let inner = self.sign(&response(&assertion, Sign::Nothing));
                self.sign(&draft.with_response_signature(&inner))
            }
        }
    }

    /// The value of the form field `SAMLResponse`.
    pub fn answer(&self, draft: &Draft) -> String {
        encode(self.document(draft))
    }

    /// Fills in the first signature of a document.
    pub fn sign(&self, document: &str) -> String {
        let signed = Crypto::sign_xml(document, &self.key.private_der()).expect("a template of a signature");
        let body = signed.find("?>").map_or(signed.as_str(), |end| &signed[end + 2..]);
        body.trim().to_owned()
    }
}

pub fn encode(document: impl AsRef<[u8]>) -> String {
    STANDARD.encode(document)
}

pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    openssl::rand::rand_bytes(&mut bytes).expect("random bytes");
    bytes
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string");
        text
    })
}
