//! What was signed is moved to where nobody reads, and something else put in its place. XSW1 to XSW8 are the ones of
//! Somorovsky et al., "On Breaking SAML: Be Whoever You Want to Be" (2012).

use vestibule::sso::saml::Check;

use super::{Attack, cut, replaced};
use crate::saml::stage::Stage;
use crate::support::idp::{Draft, Sign};

/// The parts that wrapping moves about.
struct Parts {
    whole: String,
    /// With its signature, if it has one.
    assertion: String,
    signature: String,
    /// About somebody else, and not signed.
    evil: String,
}

impl Parts {
    fn of(stage: &Stage, sign: Sign) -> Self {
        let whole = stage.idp.document(&Draft { sign, ..stage.draft() });
        let assertion = cut(&whole, "<saml:Assertion", "</saml:Assertion>").to_owned();
        let signature = cut(&whole, "<ds:Signature ", "</ds:Signature>").to_owned();
        let id = cut(&assertion, "ID=\"", "\" ").to_owned();
        let evil = assertion.replace(&signature, "").replace(">ann", ">eve").replace(&id, "ID=\"_evil\" ");
        Self { whole, assertion, signature, evil }
    }

    /// The response with something else in place of its assertion.
    fn with(&self, instead: &str) -> String {
        self.whole.replace(&self.assertion, instead)
    }
}

pub fn all(stage: &Stage) -> Vec<Attack> {
    [of_assertions(stage), of_responses(stage), into_every_place(stage), by_other_names(stage)].concat()
}

fn of_assertions(stage: &Stage) -> Vec<Attack> {
    let parts = Parts::of(stage, Sign::Assertion);
    let Parts { assertion, signature, evil, .. } = &parts;
    let unsigned = assertion.replace(signature, "");
    let in_evil = |what: &str| replaced(evil, "</saml:Assertion>", &format!("{what}</saml:Assertion>"));
    let after_issuer = |what: &str| replaced(evil, "<saml:Subject>", &format!("{what}<saml:Subject>"));
    let holding = |what: &str| replaced(signature, "</ds:Signature>", &format!("{what}</ds:Signature>"));
    let object = |what: &str| format!("<ds:Object>{what}</ds:Object>");
    let extensions = format!("<samlp:Extensions>{evil}</samlp:Extensions>");
    let cases = [
        ("XSW3: another assertion before it", parts.with(&format!("{evil}{assertion}")), Check::Children),
        ("XSW3, the other way about", parts.with(&format!("{assertion}{evil}")), Check::Children),
        ("XSW4: it is in another assertion", parts.with(&in_evil(assertion)), Check::Names),
        ("XSW4, at its beginning", parts.with(&after_issuer(assertion)), Check::Names),
        (
            "XSW5: its signature is in another assertion",
            parts.with(&format!("{}{unsigned}", after_issuer(signature))),
            Check::Children,
        ),
        (
            "XSW6: it is in its signature in another assertion",
            parts.with(&after_issuer(&holding(&unsigned))),
            Check::Names,
        ),
        (
            "XSW7: another assertion in extensions",
            replaced(&parts.whole, "<samlp:Status>", &format!("{extensions}<samlp:Status>")),
            Check::Names,
        ),
        (
            "XSW8: it is in an object of its signature",
            parts.with(&after_issuer(&holding(&object(&unsigned)))),
            Check::Names,
        ),
        ("another assertion in place of it", parts.with(evil), Check::Signed),
        ("its signature in another assertion", parts.with(&after_issuer(signature)), Check::Reference),
        (
            "its signature on the response",
            replaced(&parts.with(evil), "<samlp:Status>", &format!("{signature}<samlp:Status>")),
            Check::Reference,
        ),
        (
            "both with the same ID",
            parts.with(&format!("{}{assertion}", evil.replace("ID=\"_evil\"", cut(assertion, "ID=\"", "\" ").trim()))),
            Check::Ids,
        ),
        ("itself twice", parts.with(&assertion.repeat(2)), Check::Ids),
        ("its signature beside it", parts.with(&format!("{signature}{unsigned}")), Check::Reference),
    ];
    cases.into_iter().map(|(name, text, check)| Attack::text(format!("assertion: {name}"), check, text)).collect()
}

fn of_responses(stage: &Stage) -> Vec<Attack> {
    let parts = Parts::of(stage, Sign::Response);
    let Parts { whole, signature, .. } = &parts;
    let unsigned = whole.replace(signature, "");
    let id = cut(whole, "ID=\"", "\" ").to_owned();
    let evil = |inner: &str| {
        let text = parts.with(&parts.evil).replacen(&id, "ID=\"_evil_response\" ", 1);
        replaced(&text, signature, inner)
    };
    let holding = |what: &str| replaced(signature, "</ds:Signature>", &format!("{what}</ds:Signature>"));
    let object = |what: &str| format!("<ds:Object>{what}</ds:Object>");
    let extensions = |what: &str| format!("<samlp:Extensions>{what}</samlp:Extensions>");
    let cases = [
        ("XSW1: it is in its signature", evil(&holding(&unsigned)), Check::Names),
        ("XSW1, in an object", evil(&holding(&object(&unsigned))), Check::Names),
        ("XSW2: it is beside its signature", evil(&format!("{unsigned}{signature}")), Check::Names),
        ("it is in another response", evil(whole), Check::Names),
        ("it is in extensions", evil(&extensions(whole)), Check::Names),
        ("its signature on another response", evil(signature), Check::Reference),
        ("another assertion in it", parts.with(&parts.evil), Check::Signature),
        (
            "another assertion beside the one in it",
            parts.with(&format!("{}{}", parts.evil, parts.assertion)),
            Check::Children,
        ),
        (
            "its signature at the end",
            format!("{}{signature}</samlp:Response>", unsigned.trim_end_matches("</samlp:Response>"))
                .replace(">ann<", ">eve<"),
            Check::Signature,
        ),
        (
            "its signature in the assertion",
            unsigned.replace("<saml:Subject>", &format!("{signature}<saml:Subject>")),
            Check::Reference,
        ),
    ];
    cases.into_iter().map(|(name, text, check)| Attack::text(format!("response: {name}"), check, text)).collect()
}

/// The signed part goes to every element that could hide it; another assertion takes its place.
fn into_every_place(stage: &Stage) -> Vec<Attack> {
    let places = [
        ("<samlp:Status>", "the status"),
        ("<saml:Subject>", "the subject"),
        ("<saml:AudienceRestriction>", "an audience restriction"),
        ("<saml:Audience>", "an audience"),
        ("<saml:AuthnContext>", "the context"),
        ("<saml:AttributeStatement>", "the attributes"),
        ("<saml:AttributeValue>", "a value"),
        ("</saml:NameID>", "the NameID"),
        ("<saml:Issuer>", "an issuer"),
        ("<saml:AuthnContextClassRef>", "the class"),
    ];
    let wrappers = [
        ("alone", "{}"),
        ("in advice", "<saml:Advice>{}</saml:Advice>"),
        ("in an unknown element", r#"<x xmlns="urn:x">{}</x>"#),
        ("in a key", r#"<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">{}</ds:KeyInfo>"#),
        ("in detail", "<samlp:StatusDetail>{}</samlp:StatusDetail>"),
        ("encrypted in name", "<saml:EncryptedAssertion>{}</saml:EncryptedAssertion>"),
    ];
    let parts = Parts::of(stage, Sign::Assertion);
    let mut found = Vec::new();
    for (place, called) in places {
        for (how, wrapper) in wrappers {
            let hidden = wrapper.replace("{}", &parts.assertion);
            let text = replaced(&parts.with(&parts.evil), place, &format!("{place}{hidden}"));
            found.push(Attack::text(format!("hidden in {called}, {how}"), Check::Names, text));
        }
    }
    found
}

/// What looks like an assertion, a response or a signature to those who compare names alone.
fn by_other_names(stage: &Stage) -> Vec<Attack> {
    let good = stage.idp.document(&stage.draft());
    let mut found = Vec::new();
    for local in
        ["Assertion", "assertion", "ASSERTION", "Response", "response", "Signature", "signature", "EncryptedAssertion"]
    {
        for (of, prefix) in [
            ("another namespace", "xmlns=\"urn:x\""),
            ("SAML 1.1", "xmlns=\"urn:oasis:names:tc:SAML:1.0:assertion\""),
            ("SAML 2.0", "xmlns=\"urn:oasis:names:tc:SAML:2.0:assertion\""),
        ] {
            let decoy = format!("<{local} {prefix}/>");
            // Where any of these may stand, it is a second one that is refused.
            let text = replaced(&good, "<saml:AuthnContext>", &format!("<saml:AuthnContext>{decoy}"));
            found.push(Attack::text(format!("{local} of {of}"), Check::Names, text));
        }
    }
    let renamed = good.replace("saml:Assertion", "saml:assertion");
    found.push(Attack::text("the assertion in lower case", Check::Names, renamed));
    let other = good.replacen(
        "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"",
        "<saml:Assertion xmlns:saml=\"urn:x\"",
        1,
    );
    found.push(Attack::text("the assertion of another namespace", Check::Names, other));
    let other = good.replacen(
        "xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"",
        "xmlns:ds=\"http://www.w3.org/2000/09/xmldsig\"",
        1,
    );
    found.push(Attack::text("the signature of another namespace", Check::Names, other));
    found
}
