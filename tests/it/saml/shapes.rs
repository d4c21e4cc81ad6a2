//! What honest providers send is taken, in every shape that they are known to send it in.

use chrono::TimeDelta;
use openssl::nid::Nid;
use vestibule::sso::saml::{Answer, Asked};

use super::stage::{REQUEST, Stage, good};
use crate::support::idp::{Cipher, Draft, Encryption, Key, Sign, SignatureTemplate, Transport, encode};

const SIGNED: [Sign; 3] = [Sign::Response, Sign::Assertion, Sign::Both];

/// The edited answer is good in every way of signing.
fn taken(from: &str, to: &str) -> Vec<Answer> {
    let stage = Stage::new();
    SIGNED.map(|sign| good(stage.judge(&Draft { sign, ..stage.draft() }.edit(from, to)))).to_vec()
}

#[test]
fn an_answer_may_be_signed_as_a_whole_or_in_its_assertion_or_both() {
    let stage = Stage::new();
    for sign in SIGNED {
        let draft = Draft { sign, ..stage.draft() };
        let answer = good(stage.judge(&draft));
        assert_eq!(answer.assertion_id, draft.assertion_id, "{sign:?}");
        assert_eq!(answer.name_id.value, "ann", "{sign:?}");
        assert_eq!(answer.name_id.format, draft.name_id_format, "{sign:?}");
        assert_eq!(answer.authn_instant, stage.now, "{sign:?}");
        assert_eq!(answer.authn_context.as_deref(), Some(draft.authn_context.as_str()), "{sign:?}");
        assert_eq!(answer.session_index, draft.session_index, "{sign:?}");
        assert_eq!(answer.session_ends_at, None, "{sign:?}");
        assert_eq!(answer.good_until, stage.now + TimeDelta::minutes(8), "{sign:?}");
        assert_eq!(values(&answer, "email"), ["ann@example.com"], "{sign:?}");
    }
}

fn values<'a>(answer: &'a Answer, name: &str) -> &'a [String] {
    let attribute = answer.attributes.iter().find(|attribute| attribute.name == name);
    attribute.map(|attribute| attribute.values.as_slice()).unwrap_or_default()
}

#[test]
fn an_assertion_may_be_encrypted() {
    let stage = Stage::new();
    for sign in SIGNED {
        for cipher in [Cipher::Aes128Cbc, Cipher::Aes192Cbc, Cipher::Aes256Cbc, Cipher::Aes128Gcm, Cipher::Aes256Gcm] {
            for transport in [Transport::Oaep, Transport::Oaep256] {
                let to = Encryption { cipher, transport, ..Encryption::to(stage.own.certificate_der()) };
                let draft = Draft { sign, encryption: Some(to), ..stage.draft() };
                let answer = good(stage.judge(&draft));
                assert_eq!(answer.name_id.value, "ann", "{sign:?} {cipher:?} {transport:?}");
            }
        }
    }
}

/// As some libraries write it: with a reference to where it is, which nobody follows.
#[test]
fn an_encrypted_key_may_stand_beside_what_it_encrypts() {
    let stage = Stage::new();
    let encryption = Some(Encryption::to(stage.own.certificate_der()));
    let document = stage.idp.document(&Draft { encryption, ..stage.draft() });
    let begin = document.find("<xenc:EncryptedKey>").unwrap();
    let end = document.find("</xenc:EncryptedKey>").unwrap() + "</xenc:EncryptedKey>".len();
    let key = document[begin..end].replacen('>', " xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" Id=\"_key\">", 1);
    let reference = "<ds:RetrievalMethod URI=\"#_key\" Type=\"http://www.w3.org/2001/04/xmlenc#EncryptedKey\"/>";
    let moved = format!("{}{reference}{}", &document[..begin], &document[end..]);
    let moved = moved.replace("</xenc:EncryptedData>", &format!("</xenc:EncryptedData>{key}"));
    assert_eq!(good(stage.judge_text(moved)).name_id.value, "ann");
}

#[test]
fn clocks_may_differ_by_a_few_minutes() {
    let stage = Stage::new();
    for seconds in [-175, -60, 60, 175] {
        let there = stage.now + TimeDelta::seconds(seconds);
        for sign in SIGNED {
            let draft = stage.idp.draft(&stage.sp, there);
            good(stage.judge(&Draft {
                sign,
                in_response_to: Some(REQUEST.to_owned()),
                not_before: Some(there),
                ..draft
            }));
        }
    }
}

#[test]
fn an_answer_may_take_some_minutes_to_arrive() {
    let mut stage = Stage::new();
    let hour = Some(stage.now + TimeDelta::hours(1));
    let document = stage.idp.document(&Draft { not_on_or_after: hour, confirmation_ends_at: hour, ..stage.draft() });
    stage.now += TimeDelta::minutes(9);
    let answer = good(stage.judge_text(document));
    assert_eq!(
        answer.good_until,
        stage.now + TimeDelta::minutes(4),
        "ten minutes after it was issued, and the difference"
    );
}

#[test]
fn the_form_field_may_be_wrapped() {
    let stage = Stage::new();
    let form = encode(stage.idp.document(&stage.draft()));
    for (width, end) in [(64, "\n"), (76, "\r\n"), (60, " \t")] {
        let lines: Vec<&str> = form.as_bytes().chunks(width).map(|line| str::from_utf8(line).unwrap()).collect();
        good(stage.judge_form(&format!("{}{end}", lines.join(end)), Asked::This(REQUEST)));
    }
}

#[test]
fn a_provider_may_have_several_certificates() {
    let mut stage = Stage::new();
    let own = stage.certificates.remove(0);
    let other = Key::other_rsa().certificate_der().to_vec();
    let elliptic = Key::elliptic(Nid::X9_62_PRIME256V1).certificate_der().to_vec();
    for certificates in
        [vec![other.clone(), own.clone()], vec![own.clone(), other.clone()], vec![elliptic, vec![1, 2, 3], other, own]]
    {
        stage.certificates = certificates;
        for sign in SIGNED {
            good(stage.judge(&Draft { sign, ..stage.draft() }));
        }
    }
}

/// What counts is that it is listed: nobody is locked out overnight because a date has passed, of which all were warned.
#[test]
fn a_certificate_that_has_run_out_verifies_for_as_long_as_it_is_listed() {
    let mut stage = Stage::new();
    stage.now = chrono::DateTime::from_timestamp(4_100_000_000, 0).unwrap();
    let certificate = openssl::x509::X509::from_der(stage.idp.key.certificate_der()).unwrap();
    let now = openssl::asn1::Asn1Time::from_unix(stage.now.timestamp()).unwrap();
    assert!(certificate.not_after() < now, "it is over");
    for sign in SIGNED {
        good(stage.judge(&Draft { sign, ..stage.draft() }));
    }
}

#[test]
fn keys_may_be_elliptic_and_digests_longer() {
    for curve in [Nid::X9_62_PRIME256V1, Nid::SECP384R1, Nid::SECP521R1] {
        let stage = Stage::with_key(Key::elliptic(curve));
        for sign in SIGNED {
            good(stage.judge(&Draft { sign, ..stage.draft() }));
        }
    }
    let stage = Stage::new();
    let digests = [
        ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", "http://www.w3.org/2001/04/xmldsig-more#sha384"),
        ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", "http://www.w3.org/2001/04/xmlenc#sha512"),
        ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", "http://www.w3.org/2001/04/xmlenc#sha256"),
    ];
    for (method, digest) in digests {
        let own = stage.idp.key.template();
        let signature = SignatureTemplate { method: method.to_owned(), digest: digest.to_owned(), ..own };
        for sign in SIGNED {
            good(stage.judge(&Draft { sign, signature: signature.clone(), ..stage.draft() }));
        }
    }
}

#[test]
fn a_signature_may_show_its_key() {
    let stage = Stage::new();
    let certificate = openssl::base64::encode_block(stage.idp.key.certificate_der());
    let other = openssl::base64::encode_block(Key::other_rsa().certificate_der());
    for inner in [
        format!("<ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data>"),
        format!("<ds:X509Data><ds:X509Certificate>{other}</ds:X509Certificate></ds:X509Data>"),
        format!("<ds:KeyName>one</ds:KeyName>{}", stage.idp.key.key_value()),
    ] {
        let key_info = format!("<ds:KeyInfo>{inner}</ds:KeyInfo>");
        for sign in SIGNED {
            let signature = SignatureTemplate { key_info: key_info.clone(), ..stage.idp.key.template() };
            good(stage.judge(&Draft { sign, signature, ..stage.draft() }));
        }
    }
}

#[test]
fn namespaces_may_be_kept_by_their_prefixes() {
    let stage = Stage::new();
    let transforms = SignatureTemplate::default().transforms;
    let list = r##"<ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="#default samlp saml ds xs xsi"/>"##;
    let exclusive = r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#;
    let kept = exclusive.replace("/>", &format!(">{list}</ds:Transform>"));
    let transforms = transforms.replace(exclusive, &kept);
    for sign in SIGNED {
        let signature = SignatureTemplate { transforms: transforms.clone(), ..stage.idp.key.template() };
        let draft = Draft { sign, signature, ..stage.draft() };
        let typed = draft.edit(
            "<saml:AttributeValue>",
            r#"<saml:AttributeValue xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">"#,
        );
        let answer = good(stage.judge(&typed));
        assert_eq!(values(&answer, "email"), ["ann@example.com"], "{sign:?}");
    }
}

#[test]
fn prefixes_are_chosen_by_the_provider() {
    let stage = Stage::new();
    let unsigned = stage.idp.document(&Draft { sign: Sign::Assertion, ..stage.draft() });
    let blank = |text: &str| {
        let text = text.replace("samlp:", "p:").replace("xmlns:samlp=", "xmlns:p=");
        text.replace("saml:", "").replace("xmlns:saml=", "xmlns=")
    };
    // Names are signed, so it has to be signed anew.
    let renamed = stage.idp.sign(&blank(&unsigned));
    assert_eq!(good(stage.judge_text(renamed)).name_id.value, "ann");
    let other = unsigned.replace("samlp:", "x1:").replace("xmlns:samlp=", "xmlns:x1=");
    let other = other.replace("saml:", "x2:").replace("xmlns:saml=", "xmlns:x2=");
    let other = other.replace("ds:", "x3:").replace("xmlns:ds=", "xmlns:x3=");
    assert_eq!(good(stage.judge_text(stage.idp.sign(&other))).name_id.value, "ann");
}

#[test]
fn a_document_may_begin_with_a_declaration_and_be_indented() {
    let stage = Stage::new();
    let good_one = stage.idp.document(&stage.draft());
    for declaration in [
        r#"<?xml version="1.0"?>"#,
        r#"<?xml version="1.0" encoding="UTF-8"?>"#,
        "<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n",
        "\n",
    ] {
        good(stage.judge_text(format!("{declaration}{good_one}\n")));
    }
    let edits = [("<samlp:Status>", "\n  <samlp:Status>\n  "), ("<saml:Subject>", "\r\n\t<saml:Subject>\n ")];
    for sign in SIGNED {
        let draft = edits.into_iter().fold(Draft { sign, ..stage.draft() }, |draft, (from, to)| draft.edit(from, to));
        good(stage.judge(&draft));
    }
}

#[test]
fn attributes_may_be_many_and_have_many_values() {
    let stage = Stage::new();
    for sign in SIGNED {
        let draft = Draft { sign, ..stage.draft() }
            .attribute(
                "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
                &["Engineering", "Ops & co".replace('&', "&amp;").as_str(), ""],
            )
            .attribute("role", &["one"])
            .attribute("role", &["two"])
            .attribute("none", &[]);
        let answer = good(stage.judge(&draft));
        let groups = values(&answer, "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups");
        assert_eq!(groups, ["Engineering", "Ops & co", ""]);
        assert_eq!(values(&answer, "role"), ["one", "two"], "each in an attribute of its own");
        assert_eq!(values(&answer, "none"), [""; 0]);
    }
    let many: Vec<String> = (0..2_000).map(|n| format!("group {n}")).collect();
    let draft = Draft { attributes: vec![("groups".to_owned(), many.clone())], ..stage.draft() };
    assert_eq!(values(&good(stage.judge(&draft)), "groups"), many);
}

#[test]
fn attributes_may_say_more_of_themselves_or_be_missing() {
    let named = r#"<saml:Attribute FriendlyName="mail" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri" Name="email">"#;
    for answer in taken(r#"<saml:Attribute Name="email">"#, named) {
        let attribute = answer.attributes.iter().find(|attribute| attribute.name == "email").unwrap();
        assert_eq!(attribute.friendly_name.as_deref(), Some("mail"));
    }
    let stage = Stage::new();
    for sign in SIGNED {
        assert_eq!(good(stage.judge(&Draft { sign, attributes: Vec::new(), ..stage.draft() })).attributes, []);
    }
}

#[test]
fn a_name_id_may_have_any_format_or_none() {
    let stage = Stage::new();
    for (format, value) in [
        (None, "ann"),
        (Some("urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"), "CORP\\ann"),
        (Some("urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"), "ann@example.com"),
        (Some("urn:oasis:names:tc:SAML:2.0:nameid-format:transient"), "_5c1"),
        (Some("urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos"), "ann@EXAMPLE"),
    ] {
        let name_id_format = format.map(str::to_owned);
        let draft = Draft { name_id_format, name_id: value.to_owned(), sign: Sign::Both, ..stage.draft() };
        let answer = good(stage.judge(&draft));
        assert_eq!((answer.name_id.format.as_deref(), answer.name_id.value.as_str()), (format, value));
    }
    for answer in taken("<saml:NameID ", r#"<saml:NameID NameQualifier="https://idp.example" SPNameQualifier="us" "#) {
        assert_eq!(answer.name_id.value, "ann");
    }
    for answer in taken(">ann<", ">J&#xf6;rg &amp; 李<") {
        assert_eq!(answer.name_id.value, "Jörg & 李");
    }
}

#[test]
fn a_provider_may_say_when_its_session_ends() {
    let stage = Stage::new();
    for sign in SIGNED {
        let end = Some(stage.now + TimeDelta::hours(8));
        let answer = good(stage.judge(&Draft { sign, session_ends_at: end, session_index: None, ..stage.draft() }));
        assert_eq!(answer.session_ends_at, end);
        assert_eq!(answer.session_index, None);
    }
}

#[test]
fn a_provider_may_have_signed_somebody_in_long_ago() {
    let stage = Stage::new();
    let earlier = stage.now - TimeDelta::hours(10);
    let answer = good(stage.judge(&Draft { authn_instant: earlier, ..stage.draft() }));
    assert_eq!(answer.authn_instant, earlier);
}

#[test]
fn an_hour_is_no_unusual_lifetime() {
    let stage = Stage::new();
    let draft = Draft {
        not_before: Some(stage.now - TimeDelta::minutes(5)),
        not_on_or_after: Some(stage.now + TimeDelta::minutes(65)),
        confirmation_ends_at: Some(stage.now + TimeDelta::minutes(65)),
        ..stage.draft()
    };
    assert_eq!(good(stage.judge(&draft)).good_until, stage.now + TimeDelta::minutes(13));
}

#[test]
fn we_may_be_one_audience_of_several_in_each_restriction() {
    let stage = Stage::new();
    let own = stage.sp.entity_id.clone();
    let other = "https://other.example".to_owned();
    for audiences in [vec![vec![other.clone(), own.clone()]], vec![vec![own.clone()], vec![own, other]]] {
        for sign in SIGNED {
            good(stage.judge(&Draft { sign, audiences: audiences.clone(), ..stage.draft() }));
        }
    }
}

#[test]
fn a_confirmation_need_not_name_the_request_where_the_whole_response_is_signed() {
    let stage = Stage::new();
    for sign in [Sign::Response, Sign::Both] {
        let unnamed = Draft { sign, ..stage.draft() }.edit(&format!(" InResponseTo=\"{REQUEST}\"/>"), "/>");
        good(stage.judge(&unnamed));
    }
}

#[test]
fn what_is_of_no_weight_may_be_there() {
    let edits = [
        (
            "<saml:AudienceRestriction>",
            "<saml:OneTimeUse/><saml:ProxyRestriction Count=\"1\"/><saml:AudienceRestriction>",
        ),
        ("<saml:AuthnStatement ", "<saml:Advice/><saml:AuthnStatement "),
        ("<saml:AuthnContext>", r#"<saml:SubjectLocality Address="192.0.2.1"/><saml:AuthnContext>"#),
        (
            "</saml:AuthnContext>",
            "<saml:AuthenticatingAuthority>https://up.example</saml:AuthenticatingAuthority></saml:AuthnContext>",
        ),
        ("<saml:SubjectConfirmationData ", r#"<saml:SubjectConfirmationData Address="192.0.2.1" "#),
        ("<saml:Issuer>", r#"<saml:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">"#),
        ("</samlp:Status>", "<samlp:StatusMessage>Fine.</samlp:StatusMessage></samlp:Status>"),
        (" Version=", r#" Consent="urn:oasis:names:tc:SAML:2.0:consent:unspecified" Version="#),
    ];
    for (from, to) in edits {
        assert_eq!(taken(from, to).len(), 3, "{to}");
    }
}

/// As Entra ID writes it: what is known of somebody before when they signed in.
#[test]
fn statements_may_come_in_any_order() {
    let stage = Stage::new();
    let document = stage.idp.document(&stage.draft());
    let begin = document.find("<saml:AuthnStatement").unwrap();
    let middle = document.find("<saml:AttributeStatement>").unwrap();
    let end = document.find("</saml:Assertion>").unwrap();
    let swapped =
        format!("{}{}{}{}", &document[..begin], &document[middle..end], &document[begin..middle], &document[end..]);
    good(stage.judge_text(stage.idp.sign(&swapped)));
}

#[test]
fn many_threads_may_judge_at_once() {
    let stage = Stage::new();
    let form = stage.idp.answer(&Draft { sign: Sign::Both, ..stage.draft() });
    let bad = stage.idp.answer(&stage.draft().edit(">ann<", ">an<b/>n<"));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    good(stage.judge_form(&form, Asked::This(REQUEST)));
                    assert!(stage.judge_form(&bad, Asked::This(REQUEST)).outcome.is_err());
                }
            });
        }
    });
}
