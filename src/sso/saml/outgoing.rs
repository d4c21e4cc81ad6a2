//! What we say to a provider, and how it gets there: by redirect (SAML bindings, 3.4) or by a form (3.5).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use samael::crypto::{Crypto, CryptoProvider as _};

use super::redirect;

pub(super) const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
pub(super) const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
pub(super) const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

/// The connection's key cannot be read, or is none for RSA.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the connection's key cannot sign")]
pub struct CannotSign;

/// Whether it asks or answers: the name of the parameter it travels in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Request,
    Response,
}

impl Kind {
    pub fn parameter(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }
}

/// One message, not signed yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    kind: Kind,
    id: String,
    destination: String,
    /// Up to the end of its Issuer: a signature comes next, by the schema.
    head: String,
    tail: String,
}

/// What a page has to post: to `action`, these fields.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Form {
    pub action: String,
    pub fields: Vec<(&'static str, String)>,
}

/// What every message says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Envelope<'a> {
    pub kind: Kind,
    /// `AuthnRequest`, without a prefix.
    pub element: &'static str,
    pub id: &'a str,
    pub issuer: &'a str,
    pub destination: &'a str,
    pub issued_at: chrono::DateTime<chrono::Utc>,
}

impl Message {
    /// `attributes` are written already, each with a space before it, and so is `content`.
    pub(super) fn new(envelope: &Envelope<'_>, attributes: &str, content: &str) -> Self {
        let Envelope { kind, element, id, issuer, destination, issued_at } = envelope;
        let instant = issued_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let head = format!(
            r#"<samlp:{element} xmlns:samlp="{PROTOCOL}" xmlns:saml="{ASSERTION}" ID="{}" Version="2.0" IssueInstant="{instant}" Destination="{}"{attributes}><saml:Issuer>{}</saml:Issuer>"#,
            escape(id),
            escape(destination),
            escape(issuer),
        );
        let tail = format!("{content}</samlp:{element}>");
        Self { kind: *kind, id: (*id).to_owned(), destination: (*destination).to_owned(), head, tail }
    }

    pub fn xml(&self) -> String {
        format!("{}{}", self.head, self.tail)
    }

    /// Where to send the browser. With a key (PKCS#8, DER), the query is signed.
    pub fn redirect(&self, relay_state: Option<&str>, key: Option<&[u8]>) -> Result<String, CannotSign> {
        let query = redirect::query(self.kind, &self.xml(), relay_state);
        let query = match key {
            Some(key) => redirect::sign(&query, key)?,
            None => query,
        };
        Ok(redirect::append(&self.destination, &query))
    }

    /// What the browser has to post. With a key (PKCS#8, DER), the message carries its signature.
    pub fn form(&self, relay_state: Option<&str>, key: Option<&[u8]>) -> Result<Form, CannotSign> {
        let xml = match key {
            Some(key) => self.signed(key)?,
            None => self.xml(),
        };
        let state = relay_state.map(|state| ("RelayState", state.to_owned()));
        let fields = [(self.kind.parameter(), STANDARD.encode(xml))].into_iter().chain(state).collect();
        Ok(Form { action: self.destination.clone(), fields })
    }

    fn signed(&self, key: &[u8]) -> Result<String, CannotSign> {
        // What xmlsec cannot read it complains of on the standard error output.
        redirect::rsa_key(key)?;
        let unsigned = format!("{}{}{}", self.head, signature_of(&self.id), self.tail);
        Crypto::sign_xml(unsigned, key).map_err(|_| CannotSign)
    }
}

/// An enveloped signature of the element with this id, to be filled in.
fn signature_of(id: &str) -> String {
    format!(
        r##"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:SignatureMethod Algorithm="{RSA_SHA256}"/><ds:Reference URI="#{}"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/><ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>"##,
        escape(id)
    )
}

/// For text and for attributes in double quotes. What XML 1.0 cannot say becomes U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            // As themselves they would be read as spaces in an attribute.
            '\t' => escaped.push_str("&#9;"),
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            '\0'..'\u{20}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_is_read_as_it_was() {
        let said = "https://idp.test/?a=1&b='2\"<>\t\r\n é 😀";
        let xml = format!(r#"<a b="{0}">{0}</a>"#, escape(said));
        let read = roxmltree::Document::parse(&xml).unwrap();
        assert_eq!(read.root_element().attribute("b"), Some(said));
        assert_eq!(read.root_element().text(), Some(said));
        assert_eq!(escape("a\0b\u{1b}\u{ffff}"), "a\u{fffd}b\u{fffd}\u{fffd}");
    }
}
