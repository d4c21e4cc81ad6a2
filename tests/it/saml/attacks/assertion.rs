use chrono::TimeDelta;
use vestibule::sso::saml::Check;

use super::{Attack, in_every_way};
use crate::saml::stage::Stage;
use crate::support::idp::{Draft, Sign};

pub fn all(stage: &Stage) -> Vec<Attack> {
    [
        parts(stage),
        names(stage),
        confirmations(stage),
        conditions(stage),
        audiences(stage),
        statements(stage),
        attributes(stage),
    ]
    .concat()
}

/// Each edit in every way of signing.
fn edited(stage: &Stage, check: Check, edits: &[(&str, &str, &str)]) -> Vec<Attack> {
    let mut found = Vec::new();
    for (name, from, to) in edits {
        found.extend(in_every_way(stage, name, check, &|draft| draft.edit(from, to)));
    }
    found
}

fn parts(stage: &Stage) -> Vec<Attack> {
    edited(stage, Check::AssertionShape, PARTS)
}

/// A name, and what is put in place of what.
const PARTS: &[(&str, &str, &str)] = &[
    ("two subjects", "<saml:Subject>", "<saml:Subject/><saml:Subject>"),
    ("an unknown statement", "<saml:AttributeStatement>", r#"<x xmlns="urn:x"/><saml:AttributeStatement>"#),
    ("a decision", "<saml:AttributeStatement>", "<saml:AuthzDecisionStatement/><saml:AttributeStatement>"),
    ("a statement of any kind", "<saml:AttributeStatement>", "<saml:Statement/><saml:AttributeStatement>"),
    ("two authentications", "<saml:AuthnStatement ", "<saml:AuthnStatement/><saml:AuthnStatement "),
    ("two conditions", "<saml:Conditions ", "<saml:Conditions/><saml:Conditions "),
    ("text in the assertion", "<saml:Subject>", "let me in<saml:Subject>"),
    ("text in the subject", "<saml:Subject>", "<saml:Subject>let me in"),
    ("a second NameID", "<saml:SubjectConfirmation ", "<saml:NameID>eve</saml:NameID><saml:SubjectConfirmation "),
    ("a base id", "<saml:SubjectConfirmation ", "<saml:BaseID/><saml:SubjectConfirmation "),
    ("an encrypted id", "<saml:SubjectConfirmation ", "<saml:EncryptedID/><saml:SubjectConfirmation "),
    (
        "a restriction without audience",
        "<saml:AudienceRestriction>",
        "<saml:AudienceRestriction/><saml:AudienceRestriction>",
    ),
    ("two contexts", "<saml:AuthnContext>", "<saml:AuthnContext/><saml:AuthnContext>"),
    (
        "two classes",
        "<saml:AuthnContextClassRef>",
        "<saml:AuthnContextClassRef>x</saml:AuthnContextClassRef><saml:AuthnContextClassRef>",
    ),
    (
        "a context of any kind",
        "<saml:AuthnContextClassRef>",
        r#"<saml:AuthnContextDecl><x xmlns="urn:x"/></saml:AuthnContextDecl><saml:AuthnContextClassRef>"#,
    ),
    ("an element in the class", "<saml:AuthnContextClassRef>", "<saml:AuthnContextClassRef><b/>"),
    (
        "two confirmations",
        "<saml:SubjectConfirmation ",
        r#"<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData/></saml:SubjectConfirmation><saml:SubjectConfirmation "#,
    ),
    (
        "a NameID in the confirmation",
        "<saml:SubjectConfirmationData",
        "<saml:NameID>eve</saml:NameID><saml:SubjectConfirmationData",
    ),
    (
        "a key in the confirmation",
        "<saml:SubjectConfirmationData",
        "<ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"/><saml:SubjectConfirmationData",
    ),
    (
        "no attribute in the statement",
        "<saml:AttributeStatement>",
        "<saml:AttributeStatement/><saml:AttributeStatement>",
    ),
    ("an encrypted attribute", "<saml:AttributeStatement>", "<saml:AttributeStatement><saml:EncryptedAttribute/>"),
    (
        "a strange attribute",
        "<saml:AttributeStatement>",
        r#"<saml:AttributeStatement><Attribute xmlns="urn:x" Name="email"/>"#,
    ),
    ("a strange subject", "<saml:Subject>", r#"<Subject xmlns="urn:x"/><saml:Subject>"#),
];

fn names(stage: &Stage) -> Vec<Attack> {
    let mut found = Vec::new();
    let (long, wide) = ("x".repeat(1025), "李".repeat(342));
    for (name, value) in [
        ("nothing", ""),
        ("blanks", "  "),
        ("a blank before", " ann"),
        ("a blank behind", "ann "),
        ("a line break", "ann\nlee"),
        ("a line break at the end", "ann\n"),
        ("a tab", "ann\tlee"),
        ("a referenced line break", "ann&#10;lee"),
        ("a no-break space behind", "ann\u{a0}"),
        ("an element", "<b>ann</b>"),
        ("an element in the middle", "an<b/>n"),
        ("an element behind", "ann<saml:x/>"),
        ("too much", &long),
        ("too much in bytes", &wide),
    ] {
        let change = |draft| Draft { name_id: value.to_owned(), ..draft };
        found.extend(in_every_way(stage, &format!("NameID: {name}"), Check::NameId, &change));
    }
    let encrypted = "urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted".to_owned();
    let change = |draft| Draft { name_id_format: Some(encrypted.clone()), ..draft };
    found.extend(in_every_way(stage, "NameID: encrypted", Check::NameId, &change));
    found
}

fn confirmations(stage: &Stage) -> Vec<Attack> {
    let mut found = edited(
        stage,
        Check::Confirmation,
        &[
            ("the key's holder", "cm:bearer", "cm:holder-of-key"),
            ("somebody vouches", "cm:bearer", "cm:sender-vouches"),
            ("the bearer in upper case", "cm:bearer", "cm:Bearer"),
            ("no method", " Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"", ""),
        ],
    );
    let own = stage.sp.acs_url.clone();
    for (name, recipient) in [
        ("none", None),
        ("another", Some("https://evil.example/acs".to_owned())),
        ("another connection", Some(own.replace("/1/", "/2/"))),
        ("a slash more", Some(format!("{own}/"))),
        ("upper case", Some(own.to_uppercase())),
        ("nothing", Some(String::new())),
    ] {
        let change = |draft| Draft { recipient: recipient.clone(), ..draft };
        found.extend(in_every_way(stage, &format!("recipient: {name}"), Check::Recipient, &change));
    }
    for (name, request) in [("another request", "_0000000000000000"), ("no request", "")] {
        let change = |draft| Draft { confirmation_request: Some(request.to_owned()), ..draft };
        found.extend(in_every_way(stage, &format!("confirmed for {name}"), Check::ConfirmationRequest, &change));
    }
    let unnamed = stage.draft().edit(&format!(" InResponseTo=\"{}\"/>", crate::saml::stage::REQUEST), "/>");
    let name = "an assertion that names no request, in a response that anybody could have written";
    found.push(Attack::draft(stage, name, Check::ConfirmationRequest, &unnamed));
    for (name, end) in [
        ("for ever", None),
        ("until three minutes ago", Some(TimeDelta::minutes(-3))),
        ("until yesterday", Some(TimeDelta::days(-1))),
    ] {
        let end = end.map(|delta| stage.now + delta);
        let change = |draft| Draft { confirmation_ends_at: end, ..draft };
        found.extend(in_every_way(stage, &format!("confirmed {name}"), Check::ConfirmationTime, &change));
    }
    let later = "<saml:SubjectConfirmationData NotBefore=\"2030-05-17T12:04:00Z\"";
    let wrong = "<saml:SubjectConfirmationData NotBefore=\"soon\"";
    for (name, to) in [("from later on", later), ("from some time on", wrong)] {
        found.extend(edited(stage, Check::ConfirmationTime, &[(name, "<saml:SubjectConfirmationData", to)]));
    }
    found
}

fn conditions(stage: &Stage) -> Vec<Attack> {
    let mut found = edited(
        stage,
        Check::Conditions,
        &[
            ("an unknown condition", "<saml:AudienceRestriction>", "<saml:Condition/><saml:AudienceRestriction>"),
            ("a strange condition", "<saml:AudienceRestriction>", r#"<x xmlns="urn:x"/><saml:AudienceRestriction>"#),
            (
                "to be used once, twice",
                "<saml:AudienceRestriction>",
                "<saml:OneTimeUse/><saml:OneTimeUse/><saml:AudienceRestriction>",
            ),
            ("text in the conditions", "<saml:AudienceRestriction>", "let me in<saml:AudienceRestriction>"),
        ],
    );
    let now = stage.now;
    for (name, begin, end, check) in [
        ("no end", Some(0), None, Check::ConditionsTime),
        ("over for three minutes", Some(-9), Some(-3), Check::ConditionsTime),
        ("over since yesterday", Some(-1500), Some(-1440), Check::ConditionsTime),
        ("not yet begun", Some(4), Some(9), Check::ConditionsTime),
        ("begins tomorrow", Some(1440), Some(1445), Check::ConditionsTime),
        ("valid for more than two hours", Some(0), Some(121), Check::Lifetime),
        ("valid for a day", Some(-1), Some(1440), Check::Lifetime),
        ("valid for ten years", Some(0), Some(5_256_000), Check::Lifetime),
        ("valid for ten years, without a begin", None, Some(5_256_000), Check::Lifetime),
        ("ends before it begins", Some(1), Some(0), Check::Lifetime),
    ] {
        let change = |draft| Draft {
            not_before: begin.map(|minutes| now + TimeDelta::minutes(minutes)),
            not_on_or_after: end.map(|minutes| now + TimeDelta::minutes(minutes)),
            ..draft
        };
        found.extend(in_every_way(stage, name, check, &change));
    }
    let begin = "<saml:Conditions NotBefore=\"2030-05-17T11:59:00.000Z\"";
    found.extend(edited(
        stage,
        Check::ConditionsTime,
        &[("a begin that is no time", begin, "<saml:Conditions NotBefore=\"soon\"")],
    ));
    found
}

fn audiences(stage: &Stage) -> Vec<Attack> {
    let own = stage.sp.entity_id.clone();
    let other = "https://other.example/metadata".to_owned();
    let cases = [
        ("none", vec![]),
        ("another", vec![vec![other.clone()]]),
        ("nothing", vec![vec![String::new()]]),
        ("ours and then another", vec![vec![own.clone()], vec![other.clone()]]),
        ("another and then ours", vec![vec![other.clone()], vec![own.clone()]]),
        ("a slash more", vec![vec![format!("{own}/")]]),
        ("upper case", vec![vec![own.to_uppercase()]]),
        ("a beginning", vec![vec![own[..own.len() - 1].to_owned()]]),
        ("our provider", vec![vec![stage.idp.entity_id.clone()]]),
        ("both in one", vec![vec![format!("{own} {other}")]]),
        ("an element", vec![vec![format!("{own}<b/>")]]),
        ("an element before", vec![vec![format!("<b/>{own}")]]),
        ("another connection", vec![vec![own.replace("/1/", "/2/")]]),
    ];
    let mut found = Vec::new();
    for (name, audiences) in cases {
        let change = |draft| Draft { audiences: audiences.clone(), ..draft };
        found.extend(in_every_way(stage, &format!("audience: {name}"), Check::Audience, &change));
    }
    found
}

fn statements(stage: &Stage) -> Vec<Attack> {
    let mut found = Vec::new();
    for minutes in [4, 60, 525_600] {
        let at = stage.now + TimeDelta::minutes(minutes);
        let change = |draft| Draft { authn_instant: at, ..draft };
        found.extend(in_every_way(stage, &format!("signed in in {minutes} minutes"), Check::Authentication, &change));
    }
    let instant = "AuthnInstant=\"2030-05-17T12:00:00.000Z\"";
    found.extend(edited(
        stage,
        Check::Authentication,
        &[("signed in at no time", instant, ""), ("signed in sometime", instant, "AuthnInstant=\"lately\"")],
    ));
    for minutes in [0, -1, -1440] {
        let end = stage.now + TimeDelta::minutes(minutes);
        let change = |draft| Draft { session_ends_at: Some(end), ..draft };
        found.extend(in_every_way(stage, &format!("a session that ended at {minutes}"), Check::SessionEnd, &change));
    }
    let no_end = "<saml:AuthnStatement SessionNotOnOrAfter=\"never\" ";
    found.extend(edited(
        stage,
        Check::SessionEnd,
        &[("a session without a proper end", "<saml:AuthnStatement ", no_end)],
    ));
    found
}

fn attributes(stage: &Stage) -> Vec<Attack> {
    let mut found = Vec::new();
    let long = "x".repeat(10_001);
    for (name, value) in [
        ("an element", "<b>ann@example.com</b>"),
        ("an element behind", "ann@example.com<b/>.evil.test"),
        ("an element before", "<b/>ann@example.com"),
        ("a NameID", "<saml:NameID>ann</saml:NameID>"),
        ("too much", &long),
    ] {
        let change = |draft: Draft| draft.attribute("mail", &[value]);
        found.extend(in_every_way(stage, &format!("value: {name}"), Check::Attributes, &change));
    }
    for (name, from, to) in [
        ("an attribute without a name", r#"<saml:Attribute Name="email">"#, "<saml:Attribute>"),
        ("an attribute of no name", r#"<saml:Attribute Name="email">"#, r#"<saml:Attribute Name="">"#),
        (
            "a name of a namespace",
            r#"<saml:Attribute Name="email">"#,
            r#"<saml:Attribute xmlns:n="urn:n" n:Name="email">"#,
        ),
    ] {
        for sign in [Sign::Response, Sign::Assertion] {
            let draft = Draft { sign, ..stage.draft() }.edit(from, to);
            found.push(Attack::draft(stage, format!("{name}, signed {sign:?}"), Check::Attributes, &draft));
        }
    }
    found
}
