use vestibule::sso::saml::Check;

use super::{Attack, cut, replaced};
use crate::saml::stage::Stage;
use crate::support::idp::{Cipher, Draft, Encryption, Idp, Key, Sign, Transport};

pub fn all(stage: &Stage) -> Vec<Attack> {
    [algorithms(stage), shapes(stage), secrets(stage), contents(stage), screened_contents(stage)].concat()
}

fn encrypted(stage: &Stage, sign: Sign) -> Draft {
    Draft { sign, encryption: Some(Encryption::to(stage.own.certificate_der())), ..stage.draft() }
}

fn algorithms(stage: &Stage) -> Vec<Attack> {
    let mut found = Vec::new();
    for sign in [Sign::Response, Sign::Assertion, Sign::Both, Sign::Nothing] {
        let to = || Encryption::to(stage.own.certificate_der());
        for (name, encryption) in [
            ("RSA 1.5", Encryption { transport: Transport::Rsa15, ..to() }),
            ("triple DES", Encryption { cipher: Cipher::TripleDes, ..to() }),
        ] {
            let draft = Draft { encryption: Some(encryption), ..encrypted(stage, sign) };
            found.push(Attack::draft(stage, format!("{name}, signed {sign:?}"), Check::Encryption, &draft));
        }
    }
    found
}

fn shapes(stage: &Stage) -> Vec<Attack> {
    let good = stage.idp.document(&encrypted(stage, Sign::Assertion));
    let key = cut(&good, "<xenc:EncryptedKey>", "</xenc:EncryptedKey>");
    let data = cut(&good, "<xenc:EncryptedData ", "</xenc:EncryptedData>");
    let method = cut(key, "<xenc:EncryptionMethod ", "</xenc:EncryptionMethod>");
    let with_method = |inner: &str| good.replace(method, &method.replace("><", &format!(">{inner}<")));
    let cipher = cut(key, "<xenc:CipherData>", "</xenc:CipherData>");
    let from_url = r#"<xenc:CipherData><xenc:CipherReference URI="http://127.0.0.1:9/"/></xenc:CipherData>"#;
    let info = cut(&good, "<ds:KeyInfo ", "</ds:KeyInfo>");
    let digest = r#"<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#md5"/>"#;
    let mask = r#"<x:MGF xmlns:x="http://www.w3.org/2009/xmlenc11#" Algorithm="urn:x"/>"#;
    let texts = [
        ("no key", good.replace(info, "")),
        ("nine keys", good.replace(key, &key.repeat(9))),
        ("two of data", good.replace(data, &data.repeat(2))),
        ("no data", good.replace(data, "")),
        ("a secret from a URL", good.replace(cipher, from_url)),
        ("a key from a URL", good.replace(key, &key.replace(cipher, from_url))),
        ("no method of the key", good.replace(method, "")),
        ("a label", with_method("<xenc:OAEPparams>AA==</xenc:OAEPparams>")),
        ("a weak digest", with_method(digest)),
        ("a mask that is not known", with_method(mask)),
        ("an unknown algorithm", replaced(&good, "http://www.w3.org/2009/xmlenc11#aes256-gcm", "urn:x")),
        ("no base64", replaced(&good, "<xenc:CipherValue>", "<xenc:CipherValue>%")),
        ("text", good.replace(data, "let me in")),
        ("an unknown element", good.replace(data, r#"<x xmlns="urn:x"/>"#)),
    ];
    texts.into_iter().map(|(name, text)| Attack::text(format!("encrypted: {name}"), Check::Encryption, text)).collect()
}

fn secrets(stage: &Stage) -> Vec<Attack> {
    let mut found = Vec::new();
    for sign in [Sign::Response, Sign::Assertion, Sign::Both] {
        let to = Encryption::to(Key::other_rsa().certificate_der());
        let draft = Draft { encryption: Some(to), ..encrypted(stage, sign) };
        found.push(Attack::draft(stage, format!("encrypted to another, signed {sign:?}"), Check::Decryption, &draft));
    }
    for cipher in [Cipher::Aes128Cbc, Cipher::Aes256Gcm] {
        let to = Encryption { cipher, ..Encryption::to(stage.own.certificate_der()) };
        let good = stage.idp.document(&Draft { encryption: Some(to), ..encrypted(stage, Sign::Assertion) });
        let last = good.rfind("<xenc:CipherValue>").unwrap() + "<xenc:CipherValue>".len();
        let end = last + good[last..].find('<').unwrap();
        let with = |value: &str| format!("{}{value}{}", &good[..last], &good[end..]);
        for (name, value) in [
            ("nothing", ""),
            ("a few bytes", "AAAA"),
            ("sixteen bytes", "AAAAAAAAAAAAAAAAAAAAAA=="),
            ("thirty-two bytes", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            ("less than it was", &good[last..last + 400]),
        ] {
            found.push(Attack::text(format!("{cipher:?} of {name}"), Check::Decryption, with(value)));
        }
    }
    found
}

/// What comes out is screened as if it had come in the clear.
fn contents(stage: &Stage) -> Vec<Attack> {
    let to = Encryption::to(stage.own.certificate_der());
    let signed = stage.idp.document(&stage.draft());
    let assertion = cut(&signed, "<saml:Assertion", "</saml:Assertion>");
    let shell = stage.idp.document(&encrypted(stage, Sign::Nothing));
    let envelope = cut(&shell, "<saml:EncryptedAssertion", "</saml:EncryptedAssertion>");
    let holding = |clear: &str| shell.replace(envelope, &to.seal(clear));
    let eve = Idp::with_key(&stage.idp.entity_id, Key::other_rsa());
    let texts = [
        ("nobody has signed", stage.idp.document(&encrypted(stage, Sign::Nothing)), Check::Signed),
        ("somebody else has signed", eve.document(&encrypted(stage, Sign::Assertion)), Check::Signature),
        ("somebody else has signed around", eve.document(&encrypted(stage, Sign::Response)), Check::Signature),
        ("nothing", holding(""), Check::WellFormed),
        ("words", holding("let me in"), Check::WellFormed),
        ("two assertions", holding(&assertion.repeat(2)), Check::WellFormed),
        ("half an assertion", holding(&assertion[..assertion.len() / 2]), Check::WellFormed),
        ("a response", holding(&signed), Check::Decryption),
        ("another element", holding("<a/>"), Check::Decryption),
        (
            "an encrypted assertion",
            holding(&to.seal(assertion).replacen('>', " xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">", 1)),
            Check::Decryption,
        ),
    ];
    texts
        .into_iter()
        .map(|(name, text, check)| Attack::text(format!("encrypted content: {name}"), check, text))
        .collect()
}

fn screened_contents(stage: &Stage) -> Vec<Attack> {
    let to = Encryption::to(stage.own.certificate_der());
    let signed = stage.idp.document(&stage.draft());
    let assertion = cut(&signed, "<saml:Assertion", "</saml:Assertion>");
    let shell = stage.idp.document(&encrypted(stage, Sign::Nothing));
    let envelope = cut(&shell, "<saml:EncryptedAssertion", "</saml:EncryptedAssertion>");
    let holding = |clear: &str| shell.replace(envelope, &to.seal(clear));
    let deep = format!("{}{}", "<a>".repeat(40), "</a>".repeat(40));
    // Of which a parser would compare each with each for each child, for minutes.
    let names = (0..3_800).map(|n| format!(" xmlns:n{n}=\"u:{n}\"")).collect::<Vec<_>>().concat();
    let crowded = format!("<a{names}>{}</a>", "<b xmlns:x=\"u:x\"/>".repeat(3_000));
    let texts = [
        ("thousands of namespaces", holding(&crowded), Check::Bounds),
        ("a comment", holding(&assertion.replace(">ann<", ">an<!-- -->n<")), Check::Markup),
        (
            "an entity",
            holding(&format!(r#"<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>{assertion}"#)),
            Check::Markup,
        ),
        ("NUL", holding(&format!("{assertion}\0")), Check::Characters),
        ("depth", holding(&deep), Check::Bounds),
        (
            "an assertion in it",
            holding(&assertion.replace("<saml:Subject>", "<saml:Advice><saml:Assertion/></saml:Advice><saml:Subject>")),
            Check::Names,
        ),
        (
            "two subjects",
            holding(&assertion.replace("<saml:Subject>", "<saml:Subject/><saml:Subject>")),
            Check::AssertionShape,
        ),
        ("another NameID", holding(&assertion.replace(">ann<", ">eve<")), Check::Signature),
        (
            "a reference to a URL",
            holding(&replaced(assertion, "URI=\"#", "URI=\"http://127.0.0.1:9/#")),
            Check::Reference,
        ),
        (
            "XSLT",
            holding(&replaced(
                assertion,
                "http://www.w3.org/2001/10/xml-exc-c14n#\"/></ds:Transforms>",
                "http://www.w3.org/TR/1999/REC-xslt-19991116\"/></ds:Transforms>",
            )),
            Check::Transforms,
        ),
        (
            "SHA-1",
            holding(&replaced(
                assertion,
                "http://www.w3.org/2001/04/xmlenc#sha256",
                "http://www.w3.org/2000/09/xmldsig#sha1",
            )),
            Check::Algorithms,
        ),
    ];
    texts
        .into_iter()
        .map(|(name, text, check)| Attack::text(format!("encrypted content: {name}"), check, text))
        .collect()
}
