use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};

use super::Encryption;

pub(super) const SUCCESS: &str = r#"<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/>"#;

const SIGNATURE_NS: &str = "http://www.w3.org/2000/09/xmldsig#";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sign {
    Nothing,
    Response,
    Assertion,
    Both,
}

/// What an answer says. `edits` are applied to the text before anything is signed, each at its first place only, which
/// has to be there.
#[derive(Clone)]
pub struct Draft {
    pub response_id: String,
    pub assertion_id: String,
    pub issuer: String,
    pub assertion_issuer: String,
    pub destination: Option<String>,
    pub in_response_to: Option<String>,
    /// In the confirmation of the subject; as in the response if it is not given.
    pub confirmation_request: Option<String>,
    pub recipient: Option<String>,
    /// The audiences of each restriction.
    pub audiences: Vec<Vec<String>>,
    /// What stands in `Status`.
    pub status: String,
    pub name_id: String,
    pub name_id_format: Option<String>,
    pub issued_at: DateTime<Utc>,
    pub assertion_issued_at: DateTime<Utc>,
    pub not_before: Option<DateTime<Utc>>,
    pub not_on_or_after: Option<DateTime<Utc>>,
    pub confirmation_ends_at: Option<DateTime<Utc>>,
    pub authn_instant: DateTime<Utc>,
    pub authn_context: String,
    pub session_index: Option<String>,
    pub session_ends_at: Option<DateTime<Utc>>,
    /// Names with their values, which are put into the text as they are.
    pub attributes: Vec<(String, Vec<String>)>,
    pub sign: Sign,
    pub signature: SignatureTemplate,
    pub encryption: Option<Encryption>,
    pub edits: Vec<(String, String)>,
}

/// What is said about how something is signed.
#[derive(Clone)]
pub struct SignatureTemplate {
    pub canonicalization: String,
    pub method: String,
    pub digest: String,
    /// The elements in `Transforms`.
    pub transforms: String,
    /// An element, or nothing.
    pub key_info: String,
}

impl Default for SignatureTemplate {
    fn default() -> Self {
        let transform = |algorithm| format!(r#"<ds:Transform Algorithm="{algorithm}"/>"#);
        Self {
            canonicalization: "http://www.w3.org/2001/10/xml-exc-c14n#".to_owned(),
            method: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256".to_owned(),
            digest: "http://www.w3.org/2001/04/xmlenc#sha256".to_owned(),
            transforms: transform("http://www.w3.org/2000/09/xmldsig#enveloped-signature")
                + &transform("http://www.w3.org/2001/10/xml-exc-c14n#"),
            key_info: String::new(),
        }
    }
}

impl SignatureTemplate {
    fn of(&self, id: &str) -> String {
        let Self { canonicalization, method, digest, transforms, key_info } = self;
        format!(
            r##"<ds:Signature xmlns:ds="{SIGNATURE_NS}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{canonicalization}"/><ds:SignatureMethod Algorithm="{method}"/><ds:Reference URI="#{id}"><ds:Transforms>{transforms}</ds:Transforms><ds:DigestMethod Algorithm="{digest}"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/>{key_info}</ds:Signature>"##
        )
    }
}

impl Draft {
    /// Puts `to` where `from` stands, before anything is signed.
    pub fn edit(mut self, from: &str, to: &str) -> Self {
        self.edits.push((from.to_owned(), to.to_owned()));
        self
    }

    pub fn attribute(mut self, name: &str, values: &[&str]) -> Self {
        self.attributes.push((name.to_owned(), values.iter().map(|value| (*value).to_owned()).collect()));
        self
    }

    pub(super) fn response(&self, assertion: &str, sign: Sign) -> String {
        let signature = if sign == Sign::Response { self.signature.of(&self.response_id) } else { String::new() };
        let destination = named("Destination", self.destination.as_deref());
        let request = named("InResponseTo", self.in_response_to.as_deref());
        let Self { response_id, issuer, status, .. } = self;
        let text = format!(
            r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{response_id}" Version="2.0" IssueInstant="{}"{destination}{request}><saml:Issuer>{issuer}</saml:Issuer>{signature}<samlp:Status>{status}</samlp:Status>{assertion}</samlp:Response>"#,
            written(self.issued_at),
        );
        self.edited(text, self.encryption.is_some())
    }

    /// The same document, with a signature of the response still to be filled in.
    pub(super) fn with_response_signature(&self, document: &str) -> String {
        let signature = self.signature.of(&self.response_id);
        document.replacen("<samlp:Status>", &format!("{signature}<samlp:Status>"), 1)
    }

    pub(super) fn assertion(&self) -> String {
        let signature = match self.sign {
            Sign::Assertion | Sign::Both => self.signature.of(&self.assertion_id),
            Sign::Nothing | Sign::Response => String::new(),
        };
        let Self { assertion_id, assertion_issuer, .. } = self;
        let text = format!(
            r#"<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{assertion_id}" Version="2.0" IssueInstant="{}"><saml:Issuer>{assertion_issuer}</saml:Issuer>{signature}{}{}{}{}</saml:Assertion>"#,
            written(self.assertion_issued_at),
            self.subject(),
            self.conditions(),
            self.statement(),
            self.attribute_statement(),
        );
        // Edits of an encrypted one have to be made while it can be read.
        if self.encryption.is_some() { self.edited(text, true) } else { text }
    }

    fn subject(&self) -> String {
        let format = named("Format", self.name_id_format.as_deref());
        let request = self.confirmation_request.as_deref().or(self.in_response_to.as_deref());
        let request = named("InResponseTo", request);
        let recipient = named("Recipient", self.recipient.as_deref());
        let end = dated("NotOnOrAfter", self.confirmation_ends_at);
        format!(
            r#"<saml:Subject><saml:NameID{format}>{}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData{end}{recipient}{request}/></saml:SubjectConfirmation></saml:Subject>"#,
            self.name_id,
        )
    }

    fn conditions(&self) -> String {
        let (begin, end) = (dated("NotBefore", self.not_before), dated("NotOnOrAfter", self.not_on_or_after));
        let mut restrictions = String::new();
        for audiences in &self.audiences {
            let named = each("Audience", audiences);
            write!(restrictions, "<saml:AudienceRestriction>{named}</saml:AudienceRestriction>").expect("a string");
        }
        format!("<saml:Conditions{begin}{end}>{restrictions}</saml:Conditions>")
    }

    fn statement(&self) -> String {
        let index = named("SessionIndex", self.session_index.as_deref());
        let end = dated("SessionNotOnOrAfter", self.session_ends_at);
        format!(
            r#"<saml:AuthnStatement AuthnInstant="{}"{index}{end}><saml:AuthnContext><saml:AuthnContextClassRef>{}</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>"#,
            written(self.authn_instant),
            self.authn_context,
        )
    }

    fn attribute_statement(&self) -> String {
        if self.attributes.is_empty() {
            return String::new();
        }
        let mut list = String::new();
        for (name, values) in &self.attributes {
            let values = each("AttributeValue", values);
            write!(list, r#"<saml:Attribute Name="{name}">{values}</saml:Attribute>"#).expect("a string");
        }
        format!("<saml:AttributeStatement>{list}</saml:AttributeStatement>")
    }

    fn edited(&self, text: String, may_be_elsewhere: bool) -> String {
        self.edits.iter().fold(text, |text, (from, to)| {
            assert!(may_be_elsewhere || text.contains(from), "there is no {from} in {text}");
            text.replacen(from, to, 1)
        })
    }
}

/// Each in an element of its own.
fn each(element: &str, texts: &[String]) -> String {
    texts.iter().fold(String::new(), |all, text| format!("{all}<saml:{element}>{text}</saml:{element}>"))
}

fn named(name: &str, value: Option<&str>) -> String {
    value.map(|value| format!(" {name}=\"{value}\"")).unwrap_or_default()
}

fn dated(name: &str, at: Option<DateTime<Utc>>) -> String {
    named(name, at.map(written).as_deref())
}

fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
