//! `AuthnRequest`: asking a provider who somebody is (SAML core, 3.4.1).

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::outgoing::{Envelope, Kind, Message, escape};

const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// Whether the provider must ask them again, though it knows them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ForceAuthn {
    Yes,
    No,
}

#[derive(Clone, Copy, Debug)]
pub struct AuthnRequest<'a> {
    /// Of [`request_id`].
    pub id: &'a str,
    /// Our entity id.
    pub issuer: &'a str,
    /// The provider's address for it.
    pub destination: &'a str,
    /// Where the answer has to be posted.
    pub acs_url: &'a str,
    pub force: ForceAuthn,
    pub issued_at: DateTime<Utc>,
}

/// An `xs:ID` that nobody can guess, of these random bits.
pub fn request_id(random: [u8; 20]) -> String {
    random.iter().fold(String::from("_"), |mut id, byte| {
        // Writing to a string does not fail.
        let _ = write!(id, "{byte:02x}");
        id
    })
}

impl AuthnRequest<'_> {
    /// The kind of name is the provider's to choose: asking for one that it is not set up for is an error at many.
    pub fn message(&self) -> Message {
        let force = match self.force {
            ForceAuthn::Yes => r#" ForceAuthn="true""#,
            ForceAuthn::No => "",
        };
        let attributes =
            format!(r#"{force} AssertionConsumerServiceURL="{}" ProtocolBinding="{POST}""#, escape(self.acs_url));
        let envelope = Envelope {
            kind: Kind::Request,
            element: "AuthnRequest",
            id: self.id,
            issuer: self.issuer,
            destination: self.destination,
            issued_at: self.issued_at,
        };
        Message::new(&envelope, &attributes, r#"<samlp:NameIDPolicy AllowCreate="true"/>"#)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read as _;
    use std::process::Command;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use openssl::hash::MessageDigest;
    use openssl::pkey::{PKey, Private};
    use openssl::rsa::Rsa;
    use openssl::sign::Verifier;
    use url::Url;

    use super::*;
    use crate::sso::saml::outgoing::{CannotSign, PROTOCOL};

    const DESTINATION: &str = "https://idp.test/sso?tenant=a&b=\"'<x>";

    #[test]
    fn an_id_has_160_bits_and_begins_with_what_a_name_may_begin_with() {
        let id = request_id([0xab; 20]);
        assert_eq!(id, format!("_{}", "ab".repeat(20)));
    }

    #[test]
    fn a_request_says_what_was_given_whatever_is_in_it() {
        let xml = asked(ForceAuthn::Yes).xml();
        let read = roxmltree::Document::parse(&xml).unwrap();
        let root = read.root_element();
        assert!(root.has_tag_name((PROTOCOL, "AuthnRequest")));
        let expected = [
            ("ID", "_ab"),
            ("Version", "2.0"),
            ("IssueInstant", "2026-11-21T19:00:00Z"),
            ("Destination", DESTINATION),
            ("ForceAuthn", "true"),
            ("AssertionConsumerServiceURL", "https://id.test/saml/1/acs?<&>"),
            ("ProtocolBinding", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"),
        ];
        assert_eq!(root.attributes().map(|a| (a.name(), a.value())).collect::<Vec<_>>(), expected);
        let children: Vec<_> = root.children().map(|child| (child.tag_name().name(), child.text())).collect();
        assert_eq!(children, [("Issuer", Some("https://id.test/saml/1/metadata")), ("NameIDPolicy", None)]);
        assert!(!asked(ForceAuthn::No).xml().contains("ForceAuthn"));
    }

    #[test]
    fn a_redirect_carries_the_request_and_keeps_the_addresss_own_query() {
        let url = asked(ForceAuthn::No).redirect(Some("state +&="), None).unwrap();
        let url = Url::parse(&url).unwrap();
        let pairs: Vec<_> = url.query_pairs().into_owned().collect();
        assert_eq!(
            pairs.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["tenant", "b", "SAMLRequest", "RelayState"]
        );
        assert_eq!(pairs[3].1, "state +&=");
        let mut xml = String::new();
        let deflated = STANDARD.decode(&pairs[2].1).unwrap();
        flate2::read::DeflateDecoder::new(deflated.as_slice()).read_to_string(&mut xml).unwrap();
        assert_eq!(xml, asked(ForceAuthn::No).xml());
    }

    #[test]
    fn a_signed_redirect_is_what_openssl_takes_for_signed() {
        let key = key();
        let url = asked(ForceAuthn::No).redirect(Some("state"), Some(&key.private_key_to_pkcs8().unwrap())).unwrap();
        let (signed, signature) = url.split_once("&Signature=").unwrap();
        let signed = &signed[signed.find("SAMLRequest=").unwrap()..];
        let algorithm = "&SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256";
        assert!(signed.ends_with(&format!("&RelayState=state{algorithm}")), "{signed}");
        let signature = url::form_urlencoded::parse(format!("s={signature}").as_bytes()).next().unwrap().1.into_owned();
        let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
        verifier.update(signed.as_bytes()).unwrap();
        assert!(verifier.verify(&STANDARD.decode(signature).unwrap()).unwrap());
    }

    #[test]
    fn a_posted_request_is_what_xmlsec1_takes_for_signed() {
        let key = key();
        let form = asked(ForceAuthn::Yes).form(Some("state"), Some(&key.private_key_to_pkcs8().unwrap())).unwrap();
        assert_eq!(form.action, DESTINATION);
        assert_eq!(form.fields[1], ("RelayState", "state".to_owned()));
        let (name, value) = &form.fields[0];
        assert_eq!(*name, "SAMLRequest");
        let xml = STANDARD.decode(value).unwrap();
        assert!(is_verified(&xml, &key));
        let other = String::from_utf8(xml).unwrap().replace("ForceAuthn=\"true\"", "ForceAuthn=\"false\"");
        assert!(!is_verified(other.as_bytes(), &key));
    }

    #[test]
    fn what_is_no_key_signs_nothing() {
        let ec = openssl::ec::EcKey::generate(
            &openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::X9_62_PRIME256V1).unwrap(),
        );
        let ec = PKey::from_ec_key(ec.unwrap()).unwrap().private_key_to_pkcs8().unwrap();
        for key in [b"no key".as_slice(), &ec] {
            assert_eq!(asked(ForceAuthn::No).redirect(None, Some(key)), Err(CannotSign));
            assert_eq!(asked(ForceAuthn::No).form(None, Some(key)), Err(CannotSign));
        }
    }

    fn asked(force: ForceAuthn) -> Message {
        let request = AuthnRequest {
            id: "_ab",
            issuer: "https://id.test/saml/1/metadata",
            destination: DESTINATION,
            acs_url: "https://id.test/saml/1/acs?<&>",
            force,
            issued_at: "2026-11-21T19:00:00.5Z".parse().unwrap(),
        };
        request.message()
    }

    fn key() -> PKey<Private> {
        PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()
    }

    fn is_verified(xml: &[u8], key: &PKey<Private>) -> bool {
        let folder = std::env::temp_dir().join(format!("vestibule-request-{}", uuid::Uuid::now_v7()));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("key.pem"), key.public_key_to_pem().unwrap()).unwrap();
        fs::write(folder.join("request.xml"), xml).unwrap();
        let verified = Command::new("xmlsec1")
            .args([
                "--verify",
                "--id-attr:ID",
                &format!("{PROTOCOL}:AuthnRequest"),
                "--pubkey-pem",
                "key.pem",
                "request.xml",
            ])
            .current_dir(&folder)
            .output()
            .unwrap();
        fs::remove_dir_all(&folder).unwrap();
        verified.status.success()
    }
}
