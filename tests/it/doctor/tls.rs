//! Certificates, and all of it over https.

use std::fs;
use std::path::Path;

use chrono::{Datelike as _, TimeDelta};
use vestibule::kernel::Clock;

use super::town::{PERSON, Town, replaced};
use crate::support::process::Folder;
use crate::support::proxy::Proxy;
use crate::support::smtp::{
    certificate_authority, certificate_by_another, certificate_for, certificate_from, certificate_until,
    own_certificate_for,
};

const APP: &str = "https://app.vestibule.localhost/";
const EVERY: &str = "*.vestibule.localhost";

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// nginx over https, with a certificate of its own for the app.
fn nginx(town: &Town, folder: &Path, app: &(String, String)) -> Proxy {
    let pair = |name: &str, (certificate, key): &(String, String)| {
        let certificate = write(folder, &format!("{name}.pem"), certificate);
        let key = write(folder, &format!("{name}.key"), key);
        format!("ssl_certificate {certificate};\nssl_certificate_key {key};\n")
    };
    let (usual, apps) = (pair("usual", &certificate_for(EVERY)), pair("app", app));
    Proxy::nginx(|port| {
        let text = town.place().deployed("nginx/vestibule.conf");
        let text = replaced(&text, "listen 80", &format!("listen 127.0.0.1:{port} ssl"));
        let name = "server_name app.vestibule.localhost;";
        usual + &replaced(&text, name, &format!("{name}\n{apps}"))
    })
}

fn day(from_now: TimeDelta) -> (i32, u8, u8) {
    let day = (Clock::System.now() + from_now).date_naive();
    (day.year(), u8::try_from(day.month()).unwrap(), u8::try_from(day.day()).unwrap())
}

#[test]
fn a_certificate_is_as_browsers_want_it() {
    let town = Town::with(&[("server.public_url", "https://auth.vestibule.localhost")]);
    let folder = Folder::make("doctor", "TERM");
    let authority = format!("--ca-file={}", write(folder.path(), "authority.pem", certificate_authority()));
    let name = "app.vestibule.localhost";
    let good = nginx(&town, folder.path(), &certificate_for(name));
    let found = town.examined_with(&good, &[], &[&authority, "--as", PERSON, APP]);
    found.assert_finds_nothing("https");
    assert_eq!(found.outcomes("certificate"), ["fine", "fine"]);
    assert_eq!(found.outcomes("identity"), ["fine"], "{:?}", found.open());

    let faults = [
        (certificate_until(name, (2020, 1, 1)), "certificate_expired"),
        (certificate_until(name, day(TimeDelta::days(5))), "certificate_ends_soon"),
        (certificate_from(name, day(TimeDelta::days(5))), "certificate_not_yet_valid"),
        (certificate_for("other.vestibule.localhost"), "certificate_for_another_name"),
        (own_certificate_for("somebody.test"), "tls_fails"),
    ];
    for (certificate, code) in faults {
        let proxy = nginx(&town, folder.path(), &certificate);
        let found = town.examined_with(&proxy, &[], &[&authority, APP]);
        // What vouches for itself is refused for one reason or another.
        let codes = if code == "tls_fails" { found.codes() } else { vec![code] };
        assert!(!codes.is_empty(), "{found:?}");
        found.assert_finds(code, &codes);
    }
    let (certificate, between, key) = certificate_by_another(name);
    let whole = nginx(&town, folder.path(), &(format!("{certificate}{between}"), key.clone()));
    town.examined_with(&whole, &[], &[&authority, APP]).assert_finds_nothing("the whole chain");
    let half = nginx(&town, folder.path(), &(certificate, key));
    let found = town.examined_with(&half, &[], &[&authority, APP]);
    found.assert_finds("a part of the chain", &["certificate_not_trusted"]);
    let change = found.findings()[0]["change"].as_str().unwrap();
    assert!(change.contains("fullchain.pem"), "{change}");
    let found = town.examined_with(&good, &[], &[APP]);
    found.assert_finds("an authority that nobody knows", &["certificate_not_trusted"]);
    assert_eq!(found.outcomes("door"), ["not_checked"]);
}
