use chrono::TimeDelta;
use vestibule::sso::saml::{Asked, Check};

use super::{Attack, in_every_way};
use crate::saml::stage::{REQUEST, Stage};
use crate::support::idp::{Draft, Sign};

pub fn all(stage: &Stage) -> Vec<Attack> {
    [destinations(stage), requests(stage), issuers(stage), times(stage)].concat()
}

fn destinations(stage: &Stage) -> Vec<Attack> {
    let own = stage.sp.acs_url.clone();
    let others = [
        ("none", None),
        ("nothing", Some(String::new())),
        ("another service", Some("https://evil.example/acs".to_owned())),
        ("another connection", Some(own.replace("/1/", "/2/"))),
        ("http", Some(own.replace("https:", "http:"))),
        ("upper case", Some(own.to_uppercase())),
        ("a slash more", Some(format!("{own}/"))),
        ("a query more", Some(format!("{own}?x"))),
        ("a blank more", Some(format!("{own} "))),
        ("a beginning", Some("https://id.example.com".to_owned())),
        ("a longer host", Some(own.replace("example.com", "example.com.evil.test"))),
        ("a port", Some(own.replace("example.com", "example.com:443"))),
        ("another path to it", Some(own.replace("/saml/", "/x/../saml/"))),
    ];
    let mut found = Vec::new();
    for (name, destination) in others {
        let to = destination.clone();
        let change = move |draft| Draft { destination: to.clone(), ..draft };
        found.extend(in_every_way(stage, &format!("destination: {name}"), Check::Destination, &change));
    }
    found
}

fn requests(stage: &Stage) -> Vec<Attack> {
    let mut found = Vec::new();
    for (name, request) in [
        ("none", None),
        ("another", Some("_0000000000000000".to_owned())),
        ("nothing", Some(String::new())),
        ("half of it", Some(REQUEST[..8].to_owned())),
        ("more than it", Some(format!("{REQUEST}0"))),
        ("in upper case", Some(REQUEST.to_uppercase())),
        ("two of them", Some(format!("{REQUEST} _0"))),
    ] {
        let change = move |draft| Draft {
            in_response_to: request.clone(),
            confirmation_request: Some(REQUEST.to_owned()),
            ..draft
        };
        found.extend(in_every_way(stage, &format!("request: {name}"), Check::InResponseTo, &change));
    }
    for sign in [Sign::Response, Sign::Assertion, Sign::Both] {
        let named = Draft { sign, ..stage.draft() };
        let silent = Draft { in_response_to: None, ..named.clone() };
        let begun = [
            ("a request that nobody has made", &named, Asked::Nothing, Check::InResponseTo),
            ("begun by the provider, which may not", &silent, Asked::NothingAndMust, Check::Requested),
            ("a request that nobody has made, and may not begin", &named, Asked::NothingAndMust, Check::Requested),
        ];
        for (name, draft, asked, check) in begun {
            found.push(Attack::draft(stage, format!("{name}, signed {sign:?}"), check, draft).asked(asked));
        }
        let inside = Draft { confirmation_request: Some(REQUEST.to_owned()), ..silent.clone() };
        let name = format!("a confirmation of a request that nobody has made, signed {sign:?}");
        found.push(Attack::draft(stage, name, Check::ConfirmationRequest, &inside).asked(Asked::Nothing));
    }
    found
}

fn issuers(stage: &Stage) -> Vec<Attack> {
    let own = stage.idp.entity_id.clone();
    let others = [
        ("another", "https://evil.example/metadata".to_owned()),
        ("nothing", String::new()),
        ("upper case", own.to_uppercase()),
        ("a slash more", format!("{own}/")),
        ("a beginning", own[..own.len() - 1].to_owned()),
        ("a look-alike", own.replace('a', "а")),
        ("a no-break space more", format!("{own}\u{a0}")),
        ("an invisible letter more", format!("{own}\u{200b}")),
        ("another port", own.replace(".example", ".example:443")),
    ];
    let mut found = Vec::new();
    for (name, issuer) in others {
        for sign in [Sign::Response, Sign::Assertion] {
            let of_response = Draft { issuer: issuer.clone(), sign, ..stage.draft() };
            let called = format!("the response's issuer: {name}, signed {sign:?}");
            found.push(Attack::draft(stage, called, Check::ResponseIssuer, &of_response));
            let of_assertion = Draft { assertion_issuer: issuer.clone(), sign, ..stage.draft() };
            let called = format!("the assertion's issuer: {name}, signed {sign:?}");
            found.push(Attack::draft(stage, called, Check::AssertionIssuer, &of_assertion));
        }
    }
    let format = r#"<saml:Issuer Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">"#;
    let draft = Draft { sign: Sign::Response, ..stage.draft() }.edit("<saml:Issuer>", format);
    found.push(Attack::draft(stage, "an issuer that is an address", Check::ResponseIssuer, &draft));
    found
}

fn times(stage: &Stage) -> Vec<Attack> {
    let mut found = Vec::new();
    for (name, delta) in [
        ("eleven minutes ago", TimeDelta::minutes(-11)),
        ("an hour ago", TimeDelta::hours(-1)),
        ("a year ago", TimeDelta::days(-365)),
        ("in four minutes", TimeDelta::minutes(4)),
        ("tomorrow", TimeDelta::days(1)),
    ] {
        let at = stage.now + delta;
        let change = move |draft| Draft { issued_at: at, ..draft };
        found.extend(in_every_way(stage, &format!("the response was issued {name}"), Check::ResponseTime, &change));
        let change = move |draft| Draft { assertion_issued_at: at, ..draft };
        found.extend(in_every_way(stage, &format!("the assertion was issued {name}"), Check::AssertionTime, &change));
    }
    for text in [
        "",
        "now",
        "2030-05-17",
        "2030-05-17 12:00:00Z",
        "2030-05-17T12:00:00",
        "2030-05-17T12:00:00+00:00",
        "1905336000",
        "2030-13-17T12:00:00Z",
        "2030-05-17T25:00:00Z",
        "+2030-05-17T12:00:00Z",
    ] {
        let written = "2030-05-17T12:00:00.000Z";
        let draft = Draft { sign: Sign::Response, ..stage.draft() };
        let edited = draft.edit(&format!("IssueInstant=\"{written}\""), &format!("IssueInstant=\"{text}\""));
        found.push(Attack::draft(stage, format!("the response was issued {text:?}"), Check::ResponseTime, &edited));
    }
    let draft = stage.draft().edit(" IssueInstant=\"2030-05-17T12:00:00.000Z\"", "");
    found.push(Attack::draft(stage, "the response does not say when it was issued", Check::ResponseTime, &draft));
    found
}
