//! How long checks take while many people come back from an identity provider.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use samael::crypto::{Crypto, CryptoProvider as _};
use url::form_urlencoded;
use vestibule::kernel::{Clock, ConnectionId};
use vestibule::sso::connections::Place;
use vestibule::sso::saml::keys::{self, Pair};

use crate::Stage;
use crate::client::Connection;
use crate::gate::{self, SECRET};
use crate::people;
use crate::report::{Report, percentile, section};
use crate::served::{APP, Served};
use crate::storm::{LEISURELY, ask};

const CLIENTS: usize = 32;
/// More than can be taken while the checks are made; if not, they come again and are refused as late as can be.
const ANSWERS: usize = 4_000;
const PROVIDER: &str = "https://idp.example.test";

pub fn measure(report: &mut Report, stage: &Stage) -> anyhow::Result<()> {
    let mut service = Served::vestibule(&stage.folder, &[&stage.database(), SECRET, &gate::rules()])?;
    service.wait_until_ready()?;
    let ann = people::sign_up(&service, &stage.url, "posting", 1)?.into_iter().next().context("one person")?;
    let signed_in = ann.sign_in(&mut Connection::open(service.port)?)?;
    let token = signed_in.cookie("vestibule_gate").context("no gate cookie")?;
    let check = gate::check(APP, &format!("Cookie: vestibule_gate={token}\r\n"));
    let posts = prepare(&service, stage)?;

    let idle = ask(&service, &check, LEISURELY)?;
    let (is_over, next) = (AtomicBool::new(false), AtomicUsize::new(0));
    let during = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(|| post(&service, &posts, &next, &is_over))).collect();
        let during = ask(&service, &check, LEISURELY);
        is_over.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
        }
        during
    })?;
    tell(report, &idle, &during, next.into_inner());
    Ok(())
}

fn post(service: &Served, posts: &[String], next: &AtomicUsize, is_over: &AtomicBool) -> anyhow::Result<()> {
    let mut connection = Connection::open(service.port)?;
    while !is_over.load(Ordering::Relaxed) {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let request = posts.get(number % posts.len()).context("there are some")?;
        let (status, expected) = (connection.ask(request)?.status, if number < posts.len() { 303 } else { 403 });
        ensure!(status == expected, "{status} for answer {number}");
    }
    Ok(())
}

/// A connection whose provider may begin, and that many requests with answers of people of its own.
fn prepare(service: &Served, stage: &Stage) -> anyhow::Result<Vec<String>> {
    let now = Clock::System.now();
    let (pair, id) = (keys::generate("figures", now)?, ConnectionId::new(now));
    let place = Place::of(&format!("http://localhost:{}/", service.port).parse()?, id);
    connect(&stage.url, id, &pair)?;
    let requests = (0..ANSWERS).map(|number| {
        let document = answer(number, &place, now);
        let signed = Crypto::sign_xml(document, &pair.key).ok().context("a signature")?;
        Ok(request(id, &STANDARD.encode(signed)))
    });
    requests.collect()
}

fn connect(url: &str, id: ConnectionId, pair: &Pair) -> anyhow::Result<()> {
    let hex = pair.certificate.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<String>>().concat();
    let statements = format!(
        "INSERT INTO organization_slugs VALUES ('figures', now());
        INSERT INTO organizations (id, slug, name, created_at) VALUES ('{id}', 'figures', 'Figures', now());
        INSERT INTO connections (id, organization_id, name, idp_entity_id, sso_url, sso_binding, metadata_from,
            default_role, allow_idp_initiated, created_at, changed_at)
            VALUES ('{id}', '{id}', 'Figures', '{PROVIDER}', '{PROVIDER}/sso', 'redirect', 'hand', 'member', true, now(), now());
        INSERT INTO connection_certificates (connection_id, sha256, der, subject, not_before, not_after, added_at)
            VALUES ('{id}', sha256('\\x{hex}'), '\\x{hex}', 'figures', now(), now() + interval '1 day', now());
        INSERT INTO domains (id, organization_id, name, token, connection_id, proved_at, proved_by, created_at)
            VALUES ('{id}', '{id}', 'figures.example.test', 'none', '{id}', now(), 'operator', now());"
    );
    Ok(<PgConnection as diesel::Connection>::establish(url)?.batch_execute(&statements)?)
}

/// About one of a hundred people, with the signature still to be filled in.
fn answer(number: usize, place: &Place, now: DateTime<Utc>) -> String {
    let written = |at: DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let (issued, soon, person) = (written(now), written(now + TimeDelta::minutes(5)), number % 100);
    let Place { entity_id, acs, .. } = place;
    format!(
        r##"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_r{number}" Version="2.0" IssueInstant="{issued}" Destination="{acs}"><saml:Issuer>{PROVIDER}</saml:Issuer><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><ds:Reference URI="#_r{number}"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/><ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status><saml:Assertion ID="_a{number}" Version="2.0" IssueInstant="{issued}"><saml:Issuer>{PROVIDER}</saml:Issuer><saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">p{person}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="{soon}" Recipient="{acs}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{issued}" NotOnOrAfter="{soon}"><saml:AudienceRestriction><saml:Audience>{entity_id}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{issued}" SessionIndex="_s{number}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="email"><saml:AttributeValue>p{person}@figures.example.test</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>"##
    )
}

/// As our own page posts it, over plain http.
fn request(id: ConnectionId, value: &str) -> String {
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("SAMLResponse", value)
        .append_pair("again", "yes")
        .finish();
    format!(
        "POST /saml/{id}/acs HTTP/1.1\r\nHost: localhost\r\nUser-Agent: figures\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn tell(report: &mut Report, idle: &[f64], during: &[f64], posted: usize) {
    section(&format!("Checks while {CLIENTS} browsers bring answers of a provider: by the clock"));
    let p99 = |times| percentile(times, 99);
    report.ratio("posting.p99", "99th percentile ÷ the same when idle (aim 2)", &[p99(during) / p99(idle)]);
    report.value("posting.p99.idle", "99th percentile when idle", (p99(idle), "ms"));
    report.value("posting.p99.during", "99th percentile meanwhile", (p99(during), "ms"));
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    report.value("posting.answers", "answers taken meanwhile", (posted as f64, ""));
}
