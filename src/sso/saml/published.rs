//! What we publish of ourselves: one document a connection (SAML 2.0 Metadata).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Binding;

/// Where a connection takes messages, and with which keys. All URLs are absolute.
pub struct Published<'a> {
    pub entity_id: &'a str,
    pub acs: &'a str,
    pub logout: &'a str,
    /// X.509, DER; the one that signs comes first.
    pub certificates: &'a [Vec<u8>],
    /// Whether requests are signed.
    pub signs_requests: bool,
}

impl Published<'_> {
    /// As the document says it. Every key is there for both uses: during a roll-over a provider needs the new one before
    /// it is used, and the old one after.
    pub fn to_xml(&self) -> String {
        let keys = |purpose: &str| self.certificates.iter().map(|der| key(purpose, der)).collect::<String>();
        let logout = |binding: Binding| {
            format!(
                "    <md:SingleLogoutService Binding=\"{}\" Location=\"{}\"/>\n",
                binding.uri(),
                escape(self.logout)
            )
        };
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
             xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" entityID=\"{entity}\">\n  \
             <md:SPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             AuthnRequestsSigned=\"{signed}\" WantAssertionsSigned=\"true\">\n\
             {signing}{encryption}{redirect}{post}    \
             <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>\n    \
             <md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat>\n    \
             <md:AssertionConsumerService Binding=\"{post_uri}\" Location=\"{acs}\" index=\"0\" isDefault=\"true\"/>\n  \
             </md:SPSSODescriptor>\n</md:EntityDescriptor>\n",
            entity = escape(self.entity_id),
            signed = self.signs_requests,
            signing = keys("signing"),
            encryption = keys("encryption"),
            redirect = logout(Binding::Redirect),
            post = logout(Binding::Post),
            post_uri = Binding::Post.uri(),
            acs = escape(self.acs),
        )
    }
}

fn key(purpose: &str, der: &[u8]) -> String {
    format!(
        "    <md:KeyDescriptor use=\"{purpose}\">\n      <ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}\
         </ds:X509Certificate></ds:X509Data></ds:KeyInfo>\n    </md:KeyDescriptor>\n",
        STANDARD.encode(der)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;

    #[test]
    fn the_document_is_well_formed_and_in_the_order_of_its_schema() {
        let published = Published {
            entity_id: "https://a.example/saml/1/metadata?a=1&b=\"2\"",
            acs: "https://a.example/acs",
            logout: "https://a.example/logout",
            certificates: &[vec![1], vec![2]],
            signs_requests: true,
        };
        let text = published.to_xml();
        let document = Document::parse(&text).unwrap();
        let root = document.root_element();
        assert_eq!(root.attribute("entityID"), Some(published.entity_id));
        let role = root.first_element_child().unwrap();
        let names: Vec<&str> =
            role.children().filter(roxmltree::Node::is_element).map(|node| node.tag_name().name()).collect();
        // saml-metadata-2.0-os, sections 2.4.1, 2.4.2 and 2.4.4.
        let key = "KeyDescriptor";
        let logout = "SingleLogoutService";
        let format = "NameIDFormat";
        assert_eq!(names, [key, key, key, key, logout, logout, format, format, "AssertionConsumerService"]);
    }
}
