use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use openssl::pkey::PKey;

use super::*;
use crate::sso::saml::keys::{Pair, generate};
use crate::sso::saml::outgoing::{Kind, Message};

const PROVIDER: &str = "https://idp.test/metadata";
const URL: &str = "https://id.test/saml/1/logout?a=b";

#[test]
fn what_the_provider_has_signed_is_heard_in_either_binding() {
    let pair = pair();
    let expected = SignOut {
        id: "_ab".to_owned(),
        name_id: name(),
        session_indexes: vec!["_session&1".to_owned()],
        good_until: now() + TimeDelta::minutes(10),
    };
    let url = request().redirect(Some("state +"), Some(&pair.key)).unwrap();
    assert_eq!(by_redirect(&url, &pair), Ok(Heard::Asked(expected.clone())));
    let form = request().form(None, Some(&pair.key)).unwrap();
    assert_eq!(by_form(&form.fields[0].1, &pair), Ok(Heard::Asked(expected)));
    let answered = answer().redirect(None, Some(&pair.key)).unwrap();
    let expected = Answered { to: "_ab".to_owned(), outcome: Outcome::Everywhere };
    assert_eq!(by_redirect(&answered, &pair), Ok(Heard::Answered(expected)));
}

#[test]
fn what_is_not_signed_by_the_provider_is_not_heard() {
    let (pair, other) = (pair(), pair());
    let unsigned = request().redirect(None, None).unwrap();
    assert_eq!(by_redirect(&unsigned, &pair), Err(Refusal::Unsigned));
    let foreign = request().redirect(None, Some(&other.key)).unwrap();
    assert_eq!(by_redirect(&foreign, &pair), Err(Refusal::Signature));
    let form = request().form(None, None).unwrap();
    assert_eq!(by_form(&form.fields[0].1, &pair), Err(Refusal::Unsigned));
    let form = request().form(None, Some(&other.key)).unwrap();
    assert_eq!(by_form(&form.fields[0].1, &pair), Err(Refusal::Signature));
    let form = request().form(None, None).unwrap();
    let (certificates, value) = ([pair.certificate.clone()], Arrived::Form(Kind::Request, &form.fields[0].1));
    let of_another = Terms { entity_id: "https://idp.test/other", certificates: &certificates, url: URL };
    assert_eq!(judge(value, &of_another, now()), Err(Refusal::Issuer), "before the signature is looked at");
    let elsewhere = Terms { entity_id: PROVIDER, certificates: &certificates, url: "https://id.test/saml/2/logout" };
    assert_eq!(judge(value, &elsewhere, now()), Err(Refusal::Destination), "before the signature is looked at");
    let redirect = request().redirect(None, Some(&other.key)).unwrap();
    let value = Arrived::Redirect(query(&redirect));
    assert_eq!(judge(value, &of_another, now()), Err(Refusal::Issuer), "in a redirect as well");
    assert_eq!(judge(value, &elsewhere, now()), Err(Refusal::Destination), "in a redirect as well");
    let nobody = Terms { entity_id: PROVIDER, certificates: &[], url: URL };
    let signed = request().redirect(None, Some(&pair.key)).unwrap();
    assert_eq!(judge(Arrived::Redirect(query(&signed)), &nobody, now()), Err(Refusal::Signature));
}

#[test]
fn a_changed_octet_of_a_signed_query_spoils_it() {
    let pair = pair();
    let url = request().redirect(Some("state"), Some(&pair.key)).unwrap();
    let sha1 = url.replace("xmldsig-more%23rsa-sha256", "xmldsig%23rsa-sha1");
    let cases = [
        url.replace("RelayState=state", "RelayState=other"),
        url.replace("&RelayState=state", ""),
        url.replace("rsa-sha256", "rsa-sha512"),
        url.replace("%23rsa", "#rsa"),
        sha1,
    ];
    for changed in cases {
        assert_ne!(changed, url);
        assert_eq!(by_redirect(&changed, &pair), Err(Refusal::Signature), "{changed}");
    }
    for doubled in ["&RelayState=state", "&SAMLRequest=x", "&SAMLResponse=x", "&S%41MLRequest=x", "&Signature=x"] {
        assert_eq!(by_redirect(&format!("{url}{doubled}"), &pair), Err(Refusal::Unreadable), "{doubled}");
    }
}

#[test]
fn what_is_signed_has_to_be_for_us_from_the_provider_and_of_now() {
    let pair = pair();
    let held = |entity_id, url, now| {
        let signed = request().redirect(None, Some(&pair.key)).unwrap();
        let certificates = [pair.certificate.clone()];
        judge(Arrived::Redirect(query(&signed)), &Terms { entity_id, certificates: &certificates, url }, now).map(drop)
    };
    assert_eq!(held(PROVIDER, URL, now()), Ok(()));
    assert_eq!(held("https://idp.test/other", URL, now()), Err(Refusal::Issuer));
    assert_eq!(held(PROVIDER, "https://id.test/saml/2/logout", now()), Err(Refusal::Destination));
    assert_eq!(held(PROVIDER, URL, now() - TimeDelta::minutes(3)), Ok(()));
    assert_eq!(held(PROVIDER, URL, now() - TimeDelta::minutes(4)), Err(Refusal::Time));
    // Its own end comes after five minutes, and clocks may differ by three.
    assert_eq!(held(PROVIDER, URL, now() + TimeDelta::minutes(7)), Ok(()));
    assert_eq!(held(PROVIDER, URL, now() + TimeDelta::minutes(8)), Err(Refusal::Time));
}

#[test]
fn a_document_of_another_shape_is_not_heard_though_it_is_signed() {
    let pair = pair();
    let xml = request().xml();
    let spoiled = [
        (xml.replace("Version=\"2.0\"", "Version=\"1.1\""), Refusal::Shape),
        (xml.replace("LogoutRequest", "LogoutDemand"), Refusal::Shape),
        (xml.replace("<saml:NameID", "<saml:Extra/><saml:NameID"), Refusal::Shape),
        (xml.replace("ann@x.test", "ann@x.test<b/>"), Refusal::Shape),
        (xml.replace("<saml:Issuer>", "<saml:Issuer>x</saml:Issuer><saml:Issuer>"), Refusal::Shape),
        (xml.replace("saml:NameID", "saml:EncryptedID"), Refusal::Shape),
        (xml.replace("ann@x.test", " "), Refusal::NameId),
        (xml.replace("ann@x.test", "ann<!-- -->@x.test"), Refusal::Unreadable),
        (format!("<!DOCTYPE a>{xml}"), Refusal::Unreadable),
        (xml.replace("Destination", "Elsewhere"), Refusal::Destination),
        (xml.replace("IssueInstant", "Once"), Refusal::Time),
        (format!("{}{}", xml, " ".repeat(70_000)), Refusal::Unreadable),
    ];
    for (xml, refusal) in spoiled {
        let query = crate::sso::saml::redirect::query(Kind::Request, &xml, None);
        let signed = crate::sso::saml::redirect::sign(&query, &pair.key).unwrap();
        let certificates = [pair.certificate.clone()];
        let terms = Terms { entity_id: PROVIDER, certificates: &certificates, url: URL };
        assert_eq!(judge(Arrived::Redirect(&signed), &terms, now()), Err(refusal), "{xml:.400}");
    }
}

#[test]
fn a_signature_in_a_form_covers_all_that_is_read() {
    let pair = pair();
    let form = request().form(None, Some(&pair.key)).unwrap();
    let signed = String::from_utf8(STANDARD.decode(&form.fields[0].1).unwrap()).unwrap();
    let refused = |xml: &str| {
        assert_ne!(xml, signed);
        by_form(&STANDARD.encode(xml), &pair).unwrap_err()
    };
    assert_eq!(refused(&signed.replace("ann@x.test", "eve@x.test")), Refusal::Signature);
    assert_eq!(refused(&signed.replace("#_ab", "")), Refusal::Signature);
    assert_eq!(refused(&signed.replace("#_ab", "http://127.0.0.1/")), Refusal::Signature);
    assert_eq!(refused(&signed.replace("rsa-sha256", "rsa-sha1")), Refusal::Signature);
    assert_eq!(refused(&signed.replace("<saml:NameID", "<saml:NameID ID=\"_ab\"")), Refusal::Shape);
    // The signed one in another one's signature, which is another one's NameID.
    let body = signed.split_once("?>").map_or(signed.as_str(), |(_, body)| body).trim();
    let (before, after) = body.split_once("</ds:SignatureValue>").unwrap();
    let object = format!("</ds:SignatureValue><ds:Object>{body}</ds:Object>");
    let wrapped = format!("{before}{object}{after}").replacen("_ab", "_cd", 1).replacen("ann@x.test", "eve@x.test", 2);
    assert_eq!(refused(&wrapped), Refusal::Shape);
}

#[test]
fn an_answer_that_names_no_request_of_ours_is_none() {
    let pair = pair();
    let xml = answer().xml().replace(" InResponseTo=\"_ab\"", "");
    let query = crate::sso::saml::redirect::query(Kind::Response, &xml, None);
    let signed = crate::sso::saml::redirect::sign(&query, &pair.key).unwrap();
    assert_eq!(by_redirect(&format!("https://id.test/?{signed}"), &pair), Err(Refusal::Unasked));
}

#[test]
fn elliptic_keys_sign_redirects_too() {
    let group = openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::X9_62_PRIME256V1).unwrap();
    let ec = openssl::ec::EcKey::generate(&group).unwrap();
    let key = PKey::from_ec_key(ec.clone()).unwrap();
    let mut certificate = openssl::x509::X509::builder().unwrap();
    certificate.set_pubkey(&key).unwrap();
    certificate.set_not_before(openssl::asn1::Asn1Time::days_from_now(0).unwrap().as_ref()).unwrap();
    certificate.set_not_after(openssl::asn1::Asn1Time::days_from_now(1).unwrap().as_ref()).unwrap();
    certificate.sign(&key, openssl::hash::MessageDigest::sha256()).unwrap();
    let query = format!(
        "{}&SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23ecdsa-sha256",
        crate::sso::saml::redirect::query(Kind::Request, &request().xml(), None)
    );
    let digest = openssl::hash::hash(openssl::hash::MessageDigest::sha256(), query.as_bytes()).unwrap();
    let signature = openssl::ecdsa::EcdsaSig::sign(&digest, &ec).unwrap();
    let number = |number: &openssl::bn::BigNumRef| number.to_vec_padded(32).unwrap();
    let value = STANDARD.encode([number(signature.r()), number(signature.s())].concat());
    let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let certificates = [certificate.build().to_der().unwrap()];
    let terms = Terms { entity_id: PROVIDER, certificates: &certificates, url: URL };
    let heard = judge(Arrived::Redirect(&format!("{query}&Signature={value}")), &terms, now());
    assert!(matches!(heard, Ok(Heard::Asked(_))), "{heard:?}");
}

fn by_redirect(url: &str, pair: &Pair) -> Result<Heard, Refusal> {
    let certificates = [pair.certificate.clone()];
    judge(Arrived::Redirect(query(url)), &Terms { entity_id: PROVIDER, certificates: &certificates, url: URL }, now())
}

fn by_form(value: &str, pair: &Pair) -> Result<Heard, Refusal> {
    let certificates = [pair.certificate.clone()];
    let terms = Terms { entity_id: PROVIDER, certificates: &certificates, url: URL };
    judge(Arrived::Form(Kind::Request, value), &terms, now())
}

fn query(url: &str) -> &str {
    url.split_once('?').unwrap().1
}

fn request() -> Message {
    let request = LogoutRequest {
        id: "_ab",
        issuer: PROVIDER,
        destination: URL,
        name_id: &name(),
        session_index: Some("_session&1"),
        issued_at: now(),
    };
    request.message()
}

fn answer() -> Message {
    LogoutResponse { id: "_cd", issuer: PROVIDER, destination: URL, in_response_to: "_ab", issued_at: now() }.message()
}

fn name() -> NameId {
    let format = Some("urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress".to_owned());
    NameId { value: "ann@x.test".to_owned(), format }
}

fn now() -> DateTime<Utc> {
    "2026-11-21T19:00:00Z".parse().unwrap()
}

fn pair() -> Pair {
    generate("a test", now()).unwrap()
}
