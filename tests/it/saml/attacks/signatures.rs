use vestibule::sso::saml::Check;

use super::{Attack, cut, replaced};
use crate::saml::stage::Stage;
use crate::support::idp::{Draft, Idp, Key, Sign, SignatureTemplate};

pub fn all(stage: &Stage) -> Vec<Attack> {
    [
        unsigned(stage),
        foreign_keys(stage),
        tampered(stage),
        references(stage),
        transforms(stage),
        algorithms(stage),
        shapes(stage),
    ]
    .concat()
}

fn unsigned(stage: &Stage) -> Vec<Attack> {
    let draft = Draft { sign: Sign::Nothing, ..stage.draft() };
    let mut found = vec![Attack::draft(stage, "unsigned", Check::Signed, &draft)];
    for sign in [Sign::Response, Sign::Assertion] {
        let signed = stage.idp.document(&Draft { sign, ..stage.draft() });
        let signature = cut(&signed, "<ds:Signature ", "</ds:Signature>");
        found.push(Attack::text(
            format!("the signature taken out, {sign:?}"),
            Check::Signed,
            signed.replace(signature, ""),
        ));
    }
    found
}

/// Signed by somebody else, who shows their key in every way there is.
fn foreign_keys(stage: &Stage) -> Vec<Attack> {
    let eve = Idp::with_key(&stage.idp.entity_id, Key::other_rsa());
    let elliptic = Idp::with_key(&stage.idp.entity_id, Key::elliptic(openssl::nid::Nid::X9_62_PRIME256V1));
    let certificate = |key: &Key| openssl::base64::encode_block(key.certificate_der());
    let shown = |inner: String| format!("<ds:KeyInfo>{inner}</ds:KeyInfo>");
    let x509 = |key: &Key| {
        shown(format!("<ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data>", certificate(key)))
    };
    let ways = [
        ("nothing shown", String::new()),
        ("their certificate shown", x509(&eve.key)),
        ("the right certificate shown", x509(&stage.idp.key)),
        ("a key value shown", shown(eve.key.key_value())),
        ("a name shown", shown("<ds:KeyName>idp.example</ds:KeyName>".to_owned())),
        (
            "both certificates shown",
            x509(&eve.key).replace("</ds:KeyInfo>", "") + &x509(&stage.idp.key).replace("<ds:KeyInfo>", ""),
        ),
    ];
    let mut found = Vec::new();
    for sign in [Sign::Response, Sign::Assertion, Sign::Both] {
        for (how, key_info) in &ways {
            let signature = SignatureTemplate { key_info: key_info.clone(), ..eve.key.template() };
            let draft = Draft { sign, signature, ..stage.draft() };
            let name = format!("another key, {how}, signed {sign:?}");
            found.push(Attack::text(name, Check::Signature, eve.document(&draft)));
        }
        let draft = Draft { sign, signature: elliptic.key.template(), ..stage.draft() };
        found.push(Attack::text(
            format!("a key of another kind, signed {sign:?}"),
            Check::Signature,
            elliptic.document(&draft),
        ));
    }
    // One signature is good, the other is not.
    let same = |sign| Draft { sign, assertion_id: "_same".to_owned(), ..stage.draft() };
    let inner = eve.document(&same(Sign::Assertion));
    let signature = cut(&inner, "<ds:Signature ", "</ds:Signature>");
    let outer = stage.idp.document(&same(Sign::Response));
    let text = replaced(&outer, "<saml:Subject>", &format!("{signature}<saml:Subject>"));
    found.push(Attack::text("a foreign signature in a signed response", Check::Signature, text));
    found
}

/// Every value that an assertion has, changed after it was signed.
fn tampered(stage: &Stage) -> Vec<Attack> {
    let mut found = Vec::new();
    let changes = [
        (">ann<", ">eve<"),
        (">ann<", ">ann&#160;<"),
        (">ann@example.com<", ">eve@example.com<"),
        (">Ann Lee<", ">Eve Lee<"),
        ("Name=\"email\"", "Name=\"other\""),
        ("nameid-format:persistent", "nameid-format:transient"),
        ("PasswordProtectedTransport", "TimeSyncToken"),
        ("SessionIndex=\"_", "SessionIndex=\"_0"),
        ("<saml:AttributeStatement>", "<saml:AttributeStatement> "),
        ("<saml:Audience>", "<saml:Audience> "),
        ("</saml:AudienceRestriction>", "</saml:AudienceRestriction><saml:OneTimeUse/>"),
        ("<saml:AuthnStatement ", "<saml:AuthnStatement SessionNotOnOrAfter=\"2031-01-01T00:00:00Z\" "),
        ("<saml:NameID ", "<saml:NameID SPProvidedID=\"eve\" "),
        (
            "</saml:Attribute>",
            "</saml:Attribute><saml:Attribute Name=\"groups\"><saml:AttributeValue>Admins</saml:AttributeValue></saml:Attribute>",
        ),
    ];
    for sign in [Sign::Response, Sign::Assertion, Sign::Both] {
        let good = stage.idp.document(&Draft { sign, ..stage.draft() });
        for (from, to) in changes {
            let name = format!("{from} made {to} after signing, signed {sign:?}");
            found.push(Attack::text(name, Check::Signature, replaced(&good, from, to)));
        }
        let digest = cut(&good, "<ds:DigestValue>", "</ds:DigestValue>");
        let value = cut(&good, "<ds:SignatureValue>", "</ds:SignatureValue>");
        let other = stage.idp.document(&Draft { sign, ..stage.draft() });
        let another = |from: &str, to: &str| cut(&other, from, to).to_owned();
        let short = |name: &str, value: &str| format!("<ds:{name}>{value}</ds:{name}>");
        let zeros = format!("{}==", "A".repeat(342));
        let edits = [
            ("no digest", digest, "<ds:DigestValue/>".to_owned(), Check::SignatureShape),
            ("a digest of three bytes", digest, short("DigestValue", "AAAA"), Check::SignatureShape),
            ("another digest", digest, another("<ds:DigestValue>", "</ds:DigestValue>"), Check::Signature),
            ("no value", value, "<ds:SignatureValue/>".to_owned(), Check::SignatureShape),
            ("a value of three bytes", value, short("SignatureValue", "AAAA"), Check::SignatureShape),
            ("a value that is no base64", value, short("SignatureValue", "%%%"), Check::SignatureShape),
            ("another value", value, another("<ds:SignatureValue>", "</ds:SignatureValue>"), Check::Signature),
            ("a value of zeros", value, short("SignatureValue", &zeros), Check::Signature),
        ];
        for (name, from, to, check) in edits {
            found.push(Attack::text(format!("{name}, signed {sign:?}"), check, replaced(&good, from, &to)));
        }
    }
    found
}

fn references(stage: &Stage) -> Vec<Attack> {
    let mut found = Vec::new();
    for sign in [Sign::Response, Sign::Assertion] {
        let draft = Draft { sign, ..stage.draft() };
        let good = stage.idp.document(&draft);
        let (own, other) = match sign {
            Sign::Response => (&draft.response_id, &draft.assertion_id),
            Sign::Nothing | Sign::Assertion | Sign::Both => (&draft.assertion_id, &draft.response_id),
        };
        let uri = format!("URI=\"#{own}\"");
        let uris = [
            String::new(),
            "URI=\"\"".to_owned(),
            "URI=\"#\"".to_owned(),
            format!("URI=\"#{other}\""),
            format!("URI=\"{own}\""),
            format!("URI=\" #{own}\""),
            format!("URI=\"#{own} \""),
            format!("URI=\"#%5F{}\"", &own[1..]),
            "URI=\"#xpointer(/)\"".to_owned(),
            format!("URI=\"#xpointer(id('{own}'))\""),
            "URI=\"#element(/1)\"".to_owned(),
            "URI=\"#_nothing\"".to_owned(),
            "URI=\"http://127.0.0.1:9/\"".to_owned(),
            format!("URI=\"http://127.0.0.1:9/#{own}\""),
            "URI=\"https://127.0.0.1:9/\"".to_owned(),
            "URI=\"ftp://127.0.0.1:9/\"".to_owned(),
            "URI=\"file:///etc/passwd\"".to_owned(),
            "URI=\"file:///dev/zero\"".to_owned(),
            "URI=\"/etc/passwd\"".to_owned(),
            "URI=\"cid:x\"".to_owned(),
            "URI=\"data:,x\"".to_owned(),
            format!("xmlns:u=\"urn:u\" u:{uri}"),
            format!("{uri} Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\""),
        ];
        for to in uris {
            let name = format!("a reference by {to}, signed {sign:?}");
            found.push(Attack::text(name, Check::Reference, replaced(&good, &uri, &to)));
        }
        let reference = cut(&good, "<ds:Reference ", "</ds:Reference>");
        for count in [0, 2, 500] {
            let text = good.replace(reference, &reference.repeat(count));
            found.push(Attack::text(format!("{count} references, signed {sign:?}"), Check::Reference, text));
        }
        let second = reference.replace(&uri, "URI=\"http://127.0.0.1:9/\"");
        let text = good.replace(reference, &format!("{reference}{second}"));
        found.push(Attack::text(format!("a second reference to a URL, signed {sign:?}"), Check::Reference, text));
    }
    found
}

const ENVELOPED: &str = r#"<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>"#;
const EXCLUSIVE: &str = r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#;
const XSLT: &str = r#"<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"><xsl:template match="/"><xsl:copy-of select="document('file:///etc/passwd')"/></xsl:template></xsl:stylesheet>"#;

fn transform(algorithm: &str, inner: &str) -> String {
    format!(r#"<ds:Transform Algorithm="{algorithm}">{inner}</ds:Transform>"#)
}

fn transforms(stage: &Stage) -> Vec<Attack> {
    let good = stage.idp.document(&stage.draft());
    let own = cut(&good, "<ds:Transforms>", "</ds:Transforms>");
    let mut found = Vec::new();
    for (name, list) in lists_that_run().into_iter().chain(other_lists()) {
        let text = good.replace(own, &format!("<ds:Transforms>{list}</ds:Transforms>"));
        found.push(Attack::text(format!("transforms: {name}"), Check::Transforms, text));
    }
    found.push(Attack::text("no transforms", Check::Reference, good.replace(own, "")));
    found.extend(canonicalizations(stage, &good));
    found
}

/// In a wrong number or order, or able to do something.
fn lists_that_run() -> Vec<(&'static str, String)> {
    let of = transform;
    vec![
        ("none", String::new()),
        ("enveloped alone", ENVELOPED.to_owned()),
        ("C14N alone", EXCLUSIVE.to_owned()),
        ("the other way about", format!("{EXCLUSIVE}{ENVELOPED}")),
        ("three", format!("{ENVELOPED}{EXCLUSIVE}{EXCLUSIVE}")),
        ("a thousand", format!("{ENVELOPED}{}", EXCLUSIVE.repeat(1_000))),
        ("enveloped twice", format!("{ENVELOPED}{ENVELOPED}")),
        ("XSLT", format!("{ENVELOPED}{}", of("http://www.w3.org/TR/1999/REC-xslt-19991116", XSLT))),
        ("XSLT first", of("http://www.w3.org/TR/1999/REC-xslt-19991116", XSLT) + ENVELOPED + EXCLUSIVE),
        (
            "XPath",
            format!(
                "{ENVELOPED}{}",
                of("http://www.w3.org/TR/1999/REC-xpath-19991116", "<ds:XPath>not(//saml:NameID)</ds:XPath>")
            ),
        ),
        (
            "a slow XPath",
            format!(
                "{ENVELOPED}{}",
                of(
                    "http://www.w3.org/TR/1999/REC-xpath-19991116",
                    "<ds:XPath>count(//. | //@* | //namespace::*) = count(//.//.//.)</ds:XPath>"
                )
            ),
        ),
    ]
}

fn other_lists() -> Vec<(&'static str, String)> {
    let of = transform;
    let inclusive = r#"<InclusiveNamespaces xmlns="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="{}"/>"#;
    let long = inclusive.replace("{}", &"a ".repeat(500));
    vec![
        ("XPath filter", format!("{ENVELOPED}{}", of("http://www.w3.org/2002/06/xmldsig-filter2", ""))),
        ("XPointer", format!("{ENVELOPED}{}", of("http://www.w3.org/2001/04/xmldsig-more#xptr", ""))),
        ("base64", format!("{ENVELOPED}{}", of("http://www.w3.org/2000/09/xmldsig#base64", ""))),
        ("inclusive C14N", format!("{ENVELOPED}{}", of("http://www.w3.org/TR/2001/REC-xml-c14n-20010315", ""))),
        ("inclusive C14N 1.1", format!("{ENVELOPED}{}", of("http://www.w3.org/2006/12/xml-c14n11", ""))),
        ("C14N with comments", format!("{ENVELOPED}{}", of("http://www.w3.org/2001/10/xml-exc-c14n#WithComments", ""))),
        ("decryption", format!("{ENVELOPED}{}", of("http://www.w3.org/2002/07/decrypt#XML", ""))),
        ("no algorithm", format!("{ENVELOPED}<ds:Transform/>")),
        ("an unknown one", format!("{ENVELOPED}{}", of("urn:x", ""))),
        (
            "XPath in C14N",
            format!("{ENVELOPED}{}", of("http://www.w3.org/2001/10/xml-exc-c14n#", "<ds:XPath>1</ds:XPath>")),
        ),
        (
            "namespaces in enveloped",
            of("http://www.w3.org/2000/09/xmldsig#enveloped-signature", &inclusive.replace("{}", "saml")) + EXCLUSIVE,
        ),
        ("too many namespaces", format!("{ENVELOPED}{}", of("http://www.w3.org/2001/10/xml-exc-c14n#", &long))),
        (
            "namespaces twice",
            format!("{ENVELOPED}{}", of("http://www.w3.org/2001/10/xml-exc-c14n#", &inclusive.repeat(2))),
        ),
    ]
}

fn canonicalizations(stage: &Stage, good: &str) -> Vec<Attack> {
    let of = transform;
    let mut found = Vec::new();
    let method = cut(good, "<ds:CanonicalizationMethod ", "/>");
    for algorithm in [
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "http://www.w3.org/2000/09/xmldsig#minimal",
        "",
    ] {
        let to = format!(r#"<ds:CanonicalizationMethod Algorithm="{algorithm}"/>"#);
        let name = format!("SignedInfo canonicalised by {algorithm:?}");
        found.push(Attack::text(name, Check::Transforms, good.replace(method, &to)));
    }
    // Truly signed, by what is not allowed.
    let template = SignatureTemplate {
        canonicalization: "http://www.w3.org/TR/2001/REC-xml-c14n-20010315".to_owned(),
        ..stage.idp.key.template()
    };
    let draft = Draft { signature: template, ..stage.draft() };
    found.push(Attack::draft(stage, "signed over inclusive C14N", Check::Transforms, &draft));
    for (name, list) in [
        ("only enveloped", ENVELOPED.to_owned()),
        ("inclusive C14N", format!("{ENVELOPED}{}", of("http://www.w3.org/TR/2001/REC-xml-c14n-20010315", ""))),
    ] {
        let signature = SignatureTemplate { transforms: list, ..stage.idp.key.template() };
        let draft = Draft { signature, ..stage.draft() };
        found.push(Attack::draft(stage, format!("signed with {name}"), Check::Transforms, &draft));
    }
    found
}

fn algorithms(stage: &Stage) -> Vec<Attack> {
    let good = stage.idp.document(&stage.draft());
    let method = cut(&good, "<ds:SignatureMethod ", "/>");
    let digest = cut(&good, "<ds:DigestMethod ", "/>");
    let mut found = Vec::new();
    for algorithm in [
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha224",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-ripemd160",
        "http://www.w3.org/2007/05/xmldsig-more#sha1-rsa-MGF1",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2009/xmldsig11#dsa-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha224",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha512",
        "http://www.w3.org/2001/04/xmldsig-more#RSA-SHA256",
        "none",
        "",
    ] {
        let text = good.replace(method, &format!(r#"<ds:SignatureMethod Algorithm="{algorithm}"/>"#));
        found.push(Attack::text(format!("signed by {algorithm:?}"), Check::Algorithms, text));
    }
    for algorithm in [
        "http://www.w3.org/2000/09/xmldsig#sha1",
        "http://www.w3.org/2001/04/xmldsig-more#md5",
        "http://www.w3.org/2001/04/xmldsig-more#sha224",
        "http://www.w3.org/2001/04/xmlenc#ripemd160",
        "",
    ] {
        let text = good.replace(digest, &format!(r#"<ds:DigestMethod Algorithm="{algorithm}"/>"#));
        found.push(Attack::text(format!("digested by {algorithm:?}"), Check::Algorithms, text));
    }
    let short = r#"<ds:SignatureMethod Algorithm="http://www.w3.org/2000/09/xmldsig#hmac-sha1"><ds:HMACOutputLength>0</ds:HMACOutputLength></ds:SignatureMethod>"#;
    found.push(Attack::text("an HMAC of no length", Check::Algorithms, good.replace(method, short)));
    let parameter = method.replace("/>", "><ds:HMACOutputLength>0</ds:HMACOutputLength></ds:SignatureMethod>");
    found.push(Attack::text("a parameter of the method", Check::Algorithms, good.replace(method, &parameter)));
    // Truly signed by the provider, with what is too weak.
    for sign in [Sign::Response, Sign::Assertion, Sign::Both] {
        let own = stage.idp.key.template();
        let weak_method =
            SignatureTemplate { method: "http://www.w3.org/2000/09/xmldsig#rsa-sha1".to_owned(), ..own.clone() };
        let weak_digest = SignatureTemplate { digest: "http://www.w3.org/2000/09/xmldsig#sha1".to_owned(), ..own };
        for (name, signature) in [("a SHA-1 signature", weak_method), ("a SHA-1 digest", weak_digest)] {
            let draft = Draft { sign, signature, ..stage.draft() };
            found.push(Attack::draft(
                stage,
                format!("{name} by the provider, signed {sign:?}"),
                Check::Algorithms,
                &draft,
            ));
        }
    }
    found
}

fn shapes(stage: &Stage) -> Vec<Attack> {
    let good = stage.idp.document(&stage.draft());
    let before_end = |what: &str| replaced(&good, "</ds:Signature>", &format!("{what}</ds:Signature>"));
    let in_key = |what: &str| before_end(&format!("<ds:KeyInfo>{what}</ds:KeyInfo>"));
    let info = cut(&good, "<ds:SignedInfo>", "</ds:SignedInfo>");
    let value = cut(&good, "<ds:SignatureValue>", "</ds:SignatureValue>");
    let texts = [
        ("an object", before_end("<ds:Object>x</ds:Object>")),
        ("a manifest", before_end("<ds:Object><ds:Manifest/></ds:Object>")),
        ("two KeyInfos", before_end("<ds:KeyInfo/><ds:KeyInfo/>")),
        ("text", before_end("let me in")),
        ("an unknown element", before_end(r#"<x xmlns="urn:x"/>"#)),
        ("two SignedInfos", good.replace(info, &info.repeat(2))),
        ("no SignedInfo", good.replace(info, "")),
        ("two values", good.replace(value, &value.repeat(2))),
        ("no value", good.replace(value, "")),
        ("an element in the value", replaced(&good, "<ds:SignatureValue>", "<ds:SignatureValue><b/>")),
        ("a key from a URL", in_key(r#"<ds:RetrievalMethod URI="http://127.0.0.1:9/"/>"#)),
        ("a key from a file", in_key(r#"<ds:RetrievalMethod URI="file:///etc/passwd"/>"#)),
        ("a key from elsewhere", in_key("<ds:RetrievalMethod/>")),
        (
            "a key by reference",
            in_key(r##"<k:KeyInfoReference xmlns:k="http://www.w3.org/2009/xmldsig11#" URI="#x"/>"##),
        ),
        ("a token by reference", in_key(r##"<w:Reference xmlns:w="urn:w" URI="#x"/>"##)),
        ("transforms in a key", in_key("<ds:Transforms><ds:Transform/></ds:Transforms>")),
    ];
    texts
        .into_iter()
        .map(|(name, text)| Attack::text(format!("in a signature: {name}"), Check::SignatureShape, text))
        .collect()
}
