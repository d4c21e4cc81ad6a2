//! Faults in Caddy's configuration.

use super::town::{APP, Town, replaced};

const OPEN: &str = "http://app.vestibule.localhost/open/x";

type Plant = fn(String, &Town) -> String;

const FAULTS: [(&str, Plant, &[&str], &[&str]); 8] = [
    ("without route", |text, _| replaced(&text, "\troute {", "\thandle {"), &[APP], &["identity_missing"]),
    (
        "without the question mark",
        |text, _| replaced(&text, "uri /gateway/forward-auth?", "uri /gateway/forward-auth"),
        &[APP],
        &["query_reaches_gate"],
    ),
    (
        "names with an underscore are kept",
        |text, _| {
            let text = replaced(&text, "\t\trequest_header -*_*\n", "");
            replaced(&text, "\t\trequest_header -Remote*\n", "")
        },
        &[APP],
        &["identity_forged"],
    ),
    ("Connection is passed on", |text, _| replaced(&text, "\t\terror @hop 400\n", ""), &[APP], &["identity_dropped"]),
    (
        "the app may see X-Forwarded-Uri",
        |text, _| replaced(&text, "\t\trequest_header -X-Forwarded-Uri\n", ""),
        &[APP],
        &["surroundings_forged"],
    ),
    (
        "the app's server sees the cookie",
        |text, _| {
            let line = text.lines().find(|line| line.contains("request_header Cookie")).unwrap().to_owned();
            replaced(&text, &line, "")
        },
        &[APP],
        &["gate_cookie_handed_on"],
    ),
    (
        "people can ask the gate",
        |text, _| replaced(&text, "\trespond @gate 404\n", ""),
        &[APP],
        &["gate_answers_people"],
    ),
    (
        "a path past the gate",
        |text, town| {
            let open = format!("\troute {{\n\t\treverse_proxy /open/* 127.0.0.1:{}\n", town.app.port());
            replaced(&text, "\troute {\n", &open)
        },
        &[APP, OPEN],
        &["open_to_strangers"],
    ),
];

#[test]
fn every_fault_that_is_planted_is_found() {
    let town = Town::new();
    for (name, plant, urls, codes) in FAULTS {
        let proxy = town.caddy(|text| plant(text, &town));
        town.examined(&proxy, urls).assert_finds(name, codes);
    }
}
