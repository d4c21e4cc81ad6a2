//! Whether somebody looks at what comes back: by all that browsers, scripts and programs say of themselves.

use super::cast::Who;
use super::scene::Looks::{self, Browser, Program};
use super::scene::{Case, Scene, Then};

type Lines = &'static [(&'static str, &'static str)];

const CHROMIUM: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
const XHR: (&str, &str) = ("X-Requested-With", "XMLHttpRequest");
const HTML: (&str, &str) = ("Accept", CHROMIUM);
const NAVIGATES: (&str, &str) = ("Sec-Fetch-Mode", "navigate");
const KEY: (&str, &str) = ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");

const TABLE: [(Lines, Looks); 57] = [
    // By what is accepted.
    (&[], Program),
    (&[("Accept", "")], Program),
    (&[("Accept", "*/*")], Program),
    (&[("Accept", "text/*")], Program),
    (&[("Accept", "application/json")], Program),
    (&[("Accept", "application/json, text/plain, */*")], Program),
    (&[("Accept", "application/xhtml+xml")], Program),
    (&[("Accept", "image/avif,image/webp,image/apng,*/*;q=0.8")], Program),
    (&[("Accept", "text/event-stream")], Program),
    (&[("Accept", "text/css,*/*;q=0.1")], Program),
    (&[("Accept", "text/htmlx")], Program),
    (&[("Accept", "x-text/html")], Program),
    (&[("Accept", "multipart/mixed; type=\"text/html\"")], Program),
    (&[("Accept", "text/html;q=0")], Program),
    (&[("Accept", "text/html;q=0.000, application/json")], Program),
    (&[("Accept", "text/html; Q=0, */*")], Program),
    (&[HTML], Browser),
    (&[("Accept", "text/html")], Browser),
    (&[("Accept", "Text/HTML")], Browser),
    (&[("Accept", "text/html; charset=utf-8")], Browser),
    (&[("Accept", "text/html;level=1;q=0.4")], Browser),
    (&[("Accept", "application/json, text/html;q=0.9")], Browser),
    (&[("Accept", "application/json,\ttext/html")], Browser),
    (&[("Accept", "text/html;q=0.001")], Browser),
    (&[("Accept", "application/json"), ("Accept", "text/html")], Browser),
    (&[("Accept", "text/html"), ("Accept", "application/json")], Browser),
    // By what a browser says by itself, which counts for more.
    (&[NAVIGATES], Browser),
    (&[NAVIGATES, ("Accept", "*/*")], Browser),
    (&[NAVIGATES, ("Accept", "application/json")], Browser),
    (&[NAVIGATES, HTML, ("Sec-Fetch-Dest", "document"), ("Sec-Fetch-Site", "cross-site")], Browser),
    (&[NAVIGATES, HTML, ("Sec-Fetch-Dest", "document"), ("Sec-Fetch-Site", "none")], Browser),
    (&[NAVIGATES, HTML, ("Sec-Fetch-Dest", "iframe")], Browser),
    (&[NAVIGATES, HTML, ("Upgrade-Insecure-Requests", "1")], Browser),
    (&[HTML, ("Sec-Fetch-Site", "same-origin")], Browser),
    (&[HTML, ("Sec-Fetch-Mode", "cors")], Program),
    (&[HTML, ("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", "image")], Program),
    (&[HTML, ("Sec-Fetch-Mode", "same-origin")], Program),
    (&[HTML, ("Sec-Fetch-Mode", "websocket")], Program),
    (&[HTML, ("Sec-Fetch-Mode", "Navigate")], Program),
    (&[HTML, ("Sec-Fetch-Mode", "")], Program),
    (&[HTML, ("Sec-Fetch-Mode", "navigate, cors")], Program),
    // Scripts that say so.
    (&[HTML, XHR], Program),
    (&[HTML, ("X-Requested-With", "xmlhttprequest")], Program),
    (&[HTML, NAVIGATES, XHR], Program),
    (&[HTML, ("X-Requested-With", "com.example.browser")], Browser),
    (&[HTML, ("X-Requested-With", "")], Browser),
    // Websockets, as far as a proxy lets their handshake through.
    (&[HTML, ("Upgrade", "websocket")], Program),
    (&[HTML, NAVIGATES, ("Upgrade", "websocket")], Program),
    (&[HTML, ("Upgrade", "WebSocket"), ("Sec-WebSocket-Version", "13"), KEY], Program),
    (&[HTML, KEY], Program),
    // What is no word on it.
    (&[HTML, ("Content-Type", "application/json")], Browser),
    (&[HTML, ("Purpose", "prefetch"), ("Sec-Purpose", "prefetch")], Browser),
    (&[HTML, ("User-Agent", "kube-probe/1.30")], Browser),
    (&[("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")], Program),
    (&[HTML, ("Range", "bytes=0-99")], Browser),
    (&[("Accept", "*/*"), ("Origin", "https://other.example.com")], Program),
    (&[HTML, ("Origin", "null")], Browser),
];

#[test]
fn whoever_looks_is_led_and_whatever_does_not_is_told() {
    let scene = Scene::of(&[Who::Stale, Who::Nobody]);
    let fates = [
        (Who::Nobody, "/x?a=1&b=2", Then::SignIn),
        (Who::Stale, "/lately/x", Then::Confirm),
        (Who::Nobody, "/closed/x", Then::Refused("forbidden")),
        (Who::Nobody, "/public/x", Then::AsNobody),
    ];
    for (lines, looks) in TABLE {
        for (who, url, then) in fates {
            let case = Case::new(who, url, then).looks(looks);
            scene.check(&lines.iter().fold(case, |case, (name, value)| case.line(name, value)));
        }
    }
}

/// A browser asks this before a script's request, and without cookies.
#[test]
fn a_question_about_cross_origin_access_is_refused_unless_a_rule_lets_it_in() {
    let scene = Scene::of(&[Who::Nobody]);
    for (url, then) in [("/x", Then::SignIn), ("/read/x", Then::AsNobody), ("/closed/x", Then::Refused("forbidden"))] {
        let case = Case::new(Who::Nobody, url, then).method("OPTIONS").line("Sec-Fetch-Mode", "cors");
        let case = case.line("Origin", "https://other.example.com").line("Access-Control-Request-Method", "PUT");
        scene.check(&case.line("Access-Control-Request-Headers", "authorization"));
    }
}
