use vestibule::sso::saml::Check;

use super::{Attack, cut, in_every_way, replaced};
use crate::saml::stage::Stage;
use crate::support::idp::{Draft, Sign};

pub fn all(stage: &Stage) -> Vec<Attack> {
    [roots(stage), versions(stage), statuses(stage), children(stage), ids(stage)].concat()
}

fn roots(stage: &Stage) -> Vec<Attack> {
    let good = stage.idp.document(&stage.draft());
    let assertion = cut(&good, "<saml:Assertion", "</saml:Assertion>");
    let renamed = |name: &str| {
        let text = replaced(&good, "<samlp:Response ", &format!("<samlp:{name} "));
        replaced(&text, "</samlp:Response>", &format!("</samlp:{name}>"))
    };
    let of = |namespace: &str| good.replace("urn:oasis:names:tc:SAML:2.0:protocol", namespace);
    let bare = good.replace("samlp:", "").replace(" xmlns:samlp=", " xmlns:x=");
    let texts = [
        ("an assertion alone", assertion.to_owned()),
        ("a LogoutResponse", renamed("LogoutResponse")),
        ("an AuthnRequest", renamed("AuthnRequest")),
        ("an ArtifactResponse", renamed("ArtifactResponse")),
        ("a response in lower case", renamed("response")),
        ("a response of SAML 1.1", of("urn:oasis:names:tc:SAML:1.0:protocol")),
        ("a response of another namespace", of("urn:oasis:names:tc:SAML:2.0:protocol/")),
        ("a response of a namespace in upper case", of("URN:OASIS:NAMES:TC:SAML:2.0:PROTOCOL")),
        ("a response of the assertion's namespace", of("urn:oasis:names:tc:SAML:2.0:assertion")),
        ("a response of no namespace", bare),
        (
            "a response in an envelope",
            format!(
                r#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{good}</s:Body></s:Envelope>"#
            ),
        ),
        ("something else", "<a/>".to_owned()),
        ("metadata", r#"<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="x"/>"#.to_owned()),
    ];
    texts.into_iter().map(|(name, text)| Attack::text(name, Check::Root, text)).collect()
}

fn versions(stage: &Stage) -> Vec<Attack> {
    let mut found = Vec::new();
    for (name, version) in [
        ("1.1", r#"Version="1.1""#),
        ("2.1", r#"Version="2.1""#),
        ("2", r#"Version="2""#),
        ("blank", r#"Version=" 2.0""#),
        ("none", ""),
        ("of a namespace", r#"xmlns:v="urn:v" v:Version="2.0""#),
    ] {
        let response = |draft: Draft| draft.edit(r#"Version="2.0""#, version);
        if name == "1.1" {
            found.extend(in_every_way(stage, "the response's version 1.1", Check::ResponseVersion, &|draft| {
                let id = format!(r#"ID="{}" Version="2.0""#, draft.response_id);
                let other = format!(r#"ID="{}" Version="1.1""#, draft.response_id);
                draft.edit(&id, &other)
            }));
        } else {
            let draft = response(Draft { sign: Sign::Response, ..stage.draft() });
            found.push(Attack::draft(stage, format!("the response's version {name}"), Check::ResponseVersion, &draft));
        }

        for sign in [Sign::Response, Sign::Assertion] {
            let draft = Draft { sign, ..stage.draft() };
            let from = format!(r#"ID="{}" Version="2.0""#, draft.assertion_id);
            let to = format!(r#"ID="{}" {version}"#, draft.assertion_id);
            let draft = draft.edit(&from, &to);
            let name = format!("the assertion's version {name}, signed {sign:?}");
            found.push(Attack::draft(stage, name, Check::AssertionVersion, &draft));
        }
    }
    found
}

fn statuses(stage: &Stage) -> Vec<Attack> {
    let code = |value: &str, inner: &str| {
        format!(r#"<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:{value}">{inner}</samlp:StatusCode>"#)
    };
    let cases = [
        ("the requester failed", code("Requester", "")),
        ("the responder failed", code("Responder", "")),
        ("nobody signed in", code("Responder", &code("AuthnFailed", ""))),
        ("a success with a failure in it", code("Success", &code("AuthnFailed", ""))),
        ("a success with a success in it", code("Success", &code("Success", ""))),
        ("a failure with a success in it", code("Responder", &code("Success", ""))),
        ("a success and a failure", code("Success", "") + &code("Responder", "")),
        ("a success in lower case", code("success", "")),
        ("a success and more", code("Success2", "")),
        ("a success of another version", r#"<samlp:StatusCode Value="Success"/>"#.to_owned()),
        ("no value", "<samlp:StatusCode/>".to_owned()),
        ("no code", String::new()),
        ("a code of another namespace", code("Success", "").replace("samlp:", "saml:")),
    ];
    let mut found = Vec::new();
    for (name, status) in cases {
        for sign in [Sign::Response, Sign::Assertion] {
            let draft = Draft { status: status.clone(), sign, ..stage.draft() };
            found.push(Attack::draft(stage, format!("status: {name}, signed {sign:?}"), Check::Status, &draft));
        }
    }
    let good = stage.idp.document(&stage.draft());
    let status = cut(&good, "<samlp:Status>", "</samlp:Status>");
    found.push(Attack::text("no status", Check::Status, good.replace(status, "")));
    found.push(Attack::text("two statuses", Check::Status, good.replace(status, &status.repeat(2))));
    let refusal = Draft { status: code("Responder", ""), sign: Sign::Response, ..stage.draft() };
    let refusal = stage.idp.document(&refusal);
    let assertion = cut(&refusal, "<saml:Assertion", "</saml:Assertion>");
    found.push(Attack::text("a refusal without an assertion", Check::Status, refusal.replace(assertion, "")));
    found
}

fn children(stage: &Stage) -> Vec<Attack> {
    let good = stage.idp.document(&stage.draft());
    let assertion = cut(&good, "<saml:Assertion", "</saml:Assertion>");
    let issuer = cut(&good, "<saml:Issuer>", "</saml:Issuer>");
    let status = cut(&good, "<samlp:Status>", "</samlp:Status>");
    let other = stage.idp.document(&stage.draft());
    let other = cut(&other, "<saml:Assertion", "</saml:Assertion>");
    let secret = r#"<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"/>"#;
    let before = |what: &str| replaced(&good, status, &format!("{what}{status}"));
    let texts = [
        ("no assertion", good.replace(assertion, "")),
        ("two good assertions", good.replace(assertion, &format!("{assertion}{other}"))),
        ("an assertion and an encrypted one", good.replace(assertion, &format!("{assertion}{secret}"))),
        ("two encrypted assertions", good.replace(assertion, &format!("{secret}{secret}"))),
        ("no issuer", replaced(&good, issuer, "")),
        ("two issuers", before(issuer)),
        ("extensions", before("<samlp:Extensions/>")),
        ("extensions with something", before(r#"<samlp:Extensions><a xmlns="urn:x"/></samlp:Extensions>"#)),
        ("an unknown element", before(r#"<x xmlns="urn:x"/>"#)),
        ("an element of no namespace", before("<x/>")),
        ("a subject", before("<saml:Subject/>")),
        ("text between the elements", before("let me in")),
        ("text in the status", good.replace("<samlp:Status>", "<samlp:Status>fine")),
        (
            "two details of the status",
            good.replace("</samlp:Status>", "<samlp:StatusDetail/><samlp:StatusDetail/></samlp:Status>"),
        ),
        (
            "an element in the message of the status",
            good.replace("</samlp:Status>", "<samlp:StatusMessage><b/></samlp:StatusMessage></samlp:Status>"),
        ),
        ("an element in the issuer", good.replacen("<saml:Issuer>", "<saml:Issuer><b/>", 1)),
    ];
    let mut found: Vec<_> = texts.into_iter().map(|(name, text)| Attack::text(name, Check::Children, text)).collect();
    let draft =
        Draft { sign: Sign::Response, ..stage.draft() }.edit("<samlp:Status>", "<samlp:Extensions/><samlp:Status>");
    found.push(Attack::draft(stage, "extensions that are signed", Check::Children, &draft));
    let signed = stage.idp.document(&Draft { sign: Sign::Response, ..stage.draft() });
    let signature = cut(&signed, "<ds:Signature ", "</ds:Signature>");
    found.push(Attack::text("two signatures", Check::Children, signed.replace(signature, &signature.repeat(2))));
    found
}

fn ids(stage: &Stage) -> Vec<Attack> {
    let mut found = Vec::new();
    let long = format!("_{}", "x".repeat(300));
    let bad =
        ["", "1a", "a b", "a:b", "é", "a'b", "a)b", "#a", "a/b", "xpointer(/)", "-a", ".a", "a&#10;b", "_а", &long];
    for id in bad {
        let draft = Draft { assertion_id: id.to_owned(), sign: Sign::Nothing, ..stage.draft() };
        found.push(Attack::draft(stage, format!("the assertion's ID {id:?}"), Check::Ids, &draft));
        let draft = Draft { response_id: id.to_owned(), ..stage.draft() };
        found.push(Attack::draft(stage, format!("the response's ID {id:?}"), Check::Ids, &draft));
    }
    let same = Draft { response_id: "_same".to_owned(), assertion_id: "_same".to_owned(), ..stage.draft() };
    found.push(Attack::draft(stage, "one ID for both", Check::Ids, &Draft { sign: Sign::Nothing, ..same }));
    for attribute in [
        r#"xml:id="_x""#,
        r#"id="_x""#,
        r#"Id="_x""#,
        r#"xmlns:e="urn:e" e:ID="_x""#,
        r#"xmlns:e="urn:e" e:Id="_x""#,
        r#"xmlns:e="urn:e" e:id="_x""#,
        r#"iD="_x""#,
    ] {
        for element in ["<saml:Assertion ", "<samlp:Response ", "<saml:Subject"] {
            let good = stage.idp.document(&stage.draft());
            let text = good.replacen(element, &format!("{} {attribute} ", element.trim()), 1);
            found.push(Attack::text(format!("{attribute} on {element}"), Check::Ids, text));
        }
    }
    let good = stage.idp.document(&stage.draft());
    for element in ["<saml:Subject", "<samlp:Status", "<saml:Issuer", "<ds:SignedInfo", "<saml:AttributeValue"] {
        let text = good.replacen(element, &format!("{element} ID=\"_x\""), 1);
        found.push(Attack::text(format!("an ID on {element}"), Check::Ids, text));
    }
    let draft = stage.draft();
    let text = stage.idp.document(&draft);
    let repeated = text.replacen("<ds:Signature ", &format!("<ds:Signature Id=\"{}\" ", draft.assertion_id), 1);
    found.push(Attack::text(
        "an ID that an Id repeats",
        Check::Ids,
        repeated.replace("<ds:Signature Id", "<ds:Signature ID"),
    ));
    let repeated = text.replacen("<ds:SignedInfo", &format!("<ds:SignedInfo Id=\"{}\"", draft.assertion_id), 1);
    found.push(Attack::text("an Id that repeats an ID", Check::Ids, repeated));
    let without = text.replacen(&format!(" ID=\"{}\"", draft.response_id), "", 1);
    found.push(Attack::text("a response without ID", Check::Ids, without));
    let without = text.replacen(&format!(" ID=\"{}\"", draft.assertion_id), "", 1);
    found.push(Attack::text("an assertion without ID", Check::Ids, without));
    found
}
