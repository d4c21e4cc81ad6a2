//! Hosts in every spelling: one and the same, another one, or none.

use super::cast::Who;
use super::scene::{Case, Looks, Scene, Then};
use crate::gate::house::{Door, Question};

const ALIKE: [&str; 8] = [
    "app.example.com",
    "APP.EXAMPLE.COM",
    "App.Example.Com",
    "app.example.com.",
    "app.example.com:443",
    "APP.example.com.:443",
    "app.example.com:8443",
    "app.example.com.:8443",
];

/// A visitor may write the host in any case, with the dot of the root and with a port; the rule is the same.
#[test]
fn one_host_has_one_rule_however_it_is_written() {
    let scene = Scene::of(&[Who::Ann, Who::Nobody]);
    for host in ALIKE {
        let back = |path: &str| {
            let port = if host.ends_with(":8443") { ":8443" } else { "" };
            format!("https://app.example.com{port}{path}")
        };
        let url = |path: &str| format!("https://{host}{path}");
        scene.check(&Case::new(Who::Nobody, &url("/closed/x"), Then::Refused("forbidden")));
        scene.check(&Case::new(Who::Ann, &url("/closed/x"), Then::Refused("forbidden")));
        scene.check(&Case::new(Who::Nobody, &url("/public/x"), Then::AsNobody));
        scene.check(&Case::new(Who::Ann, &url("/x"), Then::In));
        scene.check(&Case::new(Who::Nobody, &url("/x"), Then::SignIn).looks(Looks::Browser).back(&back("/x")));
    }
}

/// Whether a host is open, by the rules of the scene.
const OTHERS: [(&str, Then); 27] = [
    ("open.example.com", Then::AsNobody),
    ("OPEN.example.com.", Then::AsNobody),
    ("open.example.com:1", Then::AsNobody),
    ("a.wild.example.com", Then::AsNobody),
    ("a.b.wild.example.com", Then::AsNobody),
    ("A.WILD.EXAMPLE.COM:8080", Then::AsNobody),
    ("wild.example.com", CLOSED),
    (".wild.example.com", Then::Malformed),
    ("notwild.example.com", CLOSED),
    ("a.wild.example.com.evil.test", CLOSED),
    ("wild.example.com.evil.test", CLOSED),
    ("xwild.example.com", CLOSED),
    ("port.example.com:8443", Then::AsNobody),
    ("port.example.com", CLOSED),
    ("port.example.com:443", CLOSED),
    ("port.example.com:84430", Then::Malformed),
    // Its name as it goes over the wire; what a person types is another text, which no proxy sends.
    ("xn--bcher-kva.example.com", Then::AsNobody),
    ("XN--BCHER-KVA.example.com", Then::AsNobody),
    ("bücher.example.com", Then::Malformed),
    ("192.0.2.1", Then::AsNobody),
    ("192.0.2.1:8080", Then::AsNobody),
    ("192.0.2.2", CLOSED),
    ("[2001:db8::1]", Then::AsNobody),
    ("[2001:DB8::1]:8443", Then::AsNobody),
    ("[2001:db8::2]", CLOSED),
    ("example.com", CLOSED),
    ("localhost", CLOSED),
];

const CLOSED: Then = Then::Refused("forbidden");

#[test]
fn another_host_has_another_rule_and_a_host_without_one_is_closed() {
    let scene = Scene::of(&[Who::Nobody]);
    for (host, then) in OTHERS {
        scene.check(&Case::new(Who::Nobody, &format!("https://{host}/x"), then));
    }
}

/// Two readers of these would not agree about the host, or it is none.
const NONE: [&str; 42] = [
    ".",
    "..",
    "app..example.com",
    "app.example.com..",
    ".app.example.com",
    "app.example.com, open.example.com",
    "open.example.com,app.example.com",
    "open.example.com app.example.com",
    "open.example.com\\app.example.com",
    "open.example.com?app.example.com",
    "open.example.com#app.example.com",
    "open.example.com%00.app.example.com",
    "\0open.example.com",
    "open.example.com\0",
    "open.example.com\u{1}",
    "open.example.com\u{7f}",
    "open.example.com\t",
    "ann@open.example.com",
    "open.example.com@app.example.com",
    "ann:secret@open.example.com",
    "%6fpen.example.com",
    "open%2eexample.com",
    "open。example.com",
    "ｏpen.example.com",
    "open.example.com:",
    "open.example.com:0",
    "open.example.com:+443",
    "open.example.com:-1",
    "open.example.com:65536",
    "open.example.com:443:443",
    "open.example.com:https",
    "open.example.com::443",
    "https://open.example.com",
    "192.0.2.01",
    "192.0.2.0x1",
    "3221225985",
    "0xc0000201",
    "192.0.513",
    "[2001:0db8::1]",
    "[::ffff:192.0.2.1",
    "2001:db8::1",
    "[2001:db8::1%25eth0]",
];

#[test]
fn what_is_no_host_or_more_than_one_is_no_question() {
    let scene = Scene::of(&[Who::Ann, Who::Nobody]);
    let long = format!("{}.example.com", "a".repeat(250));
    for host in NONE.into_iter().chain([long.as_str()]) {
        for who in [Who::Ann, Who::Nobody] {
            let case = Case::new(who, "https://open.example.com/x", Then::Malformed);
            // A tab at the end of a header's value is white space around it.
            let is_trimmed = host.ends_with('\t');
            for (door, name) in [(Door::ForwardAuth, "X-Forwarded-Host"), (Door::ExtAuthz, "Host")] {
                if !is_trimmed {
                    scene.check_at(door, &case, |question| question.but(name, host));
                }
            }
            let url = format!("https://{host}/x");
            scene.check_at(Door::AuthRequest, &case, |question| question.but("X-Original-URL", &url));
        }
    }
}

/// nginx may be told to write the port as well as not to.
#[test]
fn a_url_without_a_host_or_a_path_is_no_question() {
    let scene = Scene::of(&[Who::Ann]);
    let urls = ["", "/x", "//open.example.com/x", "open.example.com/x", "https:/open.example.com/x", "https:///x"];
    let more =
        ["https://", "https://open.example.com", "https://open.example.com?x", "https:open.example.com/x", "://x/"];
    for url in urls.into_iter().chain(more) {
        let case = Case::new(Who::Ann, "https://open.example.com/x", Then::Malformed);
        scene.check_at(Door::AuthRequest, &case, |question: Question| question.but("X-Original-URL", url));
    }
}
