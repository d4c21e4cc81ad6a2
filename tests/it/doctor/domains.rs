//! An app under another domain than the portal, where the proxy has to let `/.vestibule/` by.

use super::town::{APP, PERSON, Town, replaced};
use crate::proxies::street::{ELSEWHERE_AT_HOME, Kind, as_delivered};
use crate::support::proxy::Proxy;
use crate::support::raw;

const ELSEWHERE: &str = "http://app.other.localhost/x?a=1";

fn two_domains() -> Town {
    Town::with(&[
        ("session.cookie_domains", "vestibule.localhost, other.localhost"),
        (
            "gateway.rules",
            r#"[
                { hosts = ["public.vestibule.localhost"], allow = "public" },
                { hosts = ["app.vestibule.localhost", "app.other.localhost"], allow = "signed_in" },
            ]"#,
        ),
    ])
}

/// The file as it is delivered, for the app of the other domain, but for what is planted.
fn street(town: &Town, kind: Kind, plant: &dyn Fn(&str, String) -> String) -> Proxy {
    town.street(kind, &|file, text| plant(file, text.replace("app.vestibule.localhost", ELSEWHERE_AT_HOME)))
}

#[test]
fn nothing_is_wrong_with_our_examples_under_another_domain() {
    let town = two_domains();
    for kind in Kind::ALL.into_iter().filter(|kind| kind.is_here()) {
        let proxy = street(&town, kind, &as_delivered);
        let found = town.examined(&proxy, &[ELSEWHERE]);
        found.assert_finds_nothing(kind.word());
        for check in ["door", "way_to_sign_in", "cookie", "sign_on", "session", "identity"] {
            assert_eq!(found.outcomes(check), ["fine"], "{kind:?} {check}: {:?}", found.open());
        }
        let tokens = "SELECT count(*) AS n FROM gate_tokens WHERE host <> ''";
        assert_eq!(town.service.count(tokens), 0, "{kind:?}: what was lent is good for nothing afterwards");
        let stranger = town.examined_with(&proxy, &[], &[ELSEWHERE]);
        stranger.assert_finds_nothing(kind.word());
        assert_eq!(stranger.outcomes("sign_on"), ["fine"], "{kind:?}: it takes no session to see that");
        let programs = town.examined_with(&proxy, &[], &["--for-programs", ELSEWHERE]);
        assert_eq!(programs.outcomes("sign_on"), ["not_checked"], "{kind:?}");
    }
}

#[test]
fn a_host_that_shares_the_portals_cookie_needs_nothing_of_it() {
    let town = two_domains();
    let proxy = town.nginx(|text| text);
    let start = "GET /.vestibule/start HTTP/1.1\r\nHost: app.vestibule.localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(raw::send(proxy.port(), start).status, 404);
    let found = town.examined(&proxy, &[APP]);
    found.assert_finds_nothing("nginx");
    assert_eq!((found.outcomes("sign_on").len(), found.outcomes("session")), (0, vec!["fine"]));
}

/// How a file says something else.
struct Fault {
    kind: Kind,
    name: &'static str,
    file: &'static str,
    /// `SERVICE` stands for the port of the service.
    changes: &'static [(&'static str, &'static str)],
    code: &'static str,
    /// What the remedy says.
    words: &'static str,
}

const fn fault(
    [name, file]: [&'static str; 2],
    kind: Kind,
    changes: &'static [(&'static str, &'static str)],
    [code, words]: [&'static str; 2],
) -> Fault {
    Fault { kind, name, file, changes, code, words }
}

const NGINX: &str = "nginx/vestibule.conf";
const CADDY: &str = "caddy/Caddyfile";
const HAPROXY: &str = "haproxy/haproxy.cfg";
const APACHE: &str = "apache/vestibule.conf";
const TRAEFIK: &str = "traefik/dynamic.yml";
const ENVOY: &str = "envoy/envoy.yaml";

const MISSING: &str = "sign_on_missing";
const JUDGED: &str = "sign_on_judged";
const MISADDRESSED: &str = "sign_on_misaddressed";
const COOKIE_LOST: &str = "sign_on_cookie_lost";

const OF_NGINX: &[Fault] = &[
    fault(
        ["no block", NGINX],
        Kind::Nginx,
        &[("location ^~ /.vestibule/ {", "location ^~ /.nothing/ {")],
        [MISSING, "location ^~ /.vestibule/ { auth_request off; proxy_pass http://vestibule;"],
    ),
    fault(
        ["a block for the beginning alone", NGINX],
        Kind::Nginx,
        &[("location ^~ /.vestibule/ {", "location = /.vestibule/start {")],
        [MISSING, "location ^~ /.vestibule/ {"],
    ),
    fault(
        ["a block that leads nowhere", NGINX],
        Kind::Nginx,
        &[("location ^~ /.vestibule/ {\n", "location ^~ /.vestibule/ {\n return 404;\n")],
        [MISSING, "location ^~ /.vestibule/ {"],
    ),
    fault(
        ["a block behind the gate", NGINX],
        Kind::Nginx,
        &[("location ^~ /.vestibule/ {\n        auth_request off;\n", "location ^~ /.vestibule/ {\n")],
        [JUDGED, "auth_request off;"],
    ),
    fault(
        ["Host is not passed on", NGINX],
        Kind::Nginx,
        &[("        proxy_set_header Host              $public_host;\n", "")],
        [MISADDRESSED, "proxy_set_header Host $public_host;"],
    ),
    fault(
        ["the wrong scheme", NGINX],
        Kind::Nginx,
        &[(
            "        proxy_set_header X-Forwarded-Proto $scheme;\n",
            "        proxy_set_header X-Forwarded-Proto https;\n",
        )],
        [MISADDRESSED, "X-Forwarded-Proto"],
    ),
    fault(
        ["the cookie is kept from the browser", NGINX],
        Kind::Nginx,
        &[("location ^~ /.vestibule/ {\n", "location ^~ /.vestibule/ {\n proxy_hide_header Set-Cookie;\n")],
        [COOKIE_LOST, "proxy_hide_header"],
    ),
    fault(
        ["the cookie is kept from Vestibule", NGINX],
        Kind::Nginx,
        &[("location ^~ /.vestibule/ {\n", "location ^~ /.vestibule/ {\n proxy_set_header Cookie \"\";\n")],
        [COOKIE_LOST, "proxy_set_header Cookie"],
    ),
];

const OF_CADDY: &[Fault] = &[
    fault(
        ["no block", CADDY],
        Kind::Caddy,
        &[("\t\treverse_proxy /.vestibule/* 127.0.0.1:SERVICE\n", "")],
        [MISSING, "reverse_proxy /.vestibule/* 127.0.0.1:8080"],
    ),
    fault(
        ["a block behind the gate", CADDY],
        Kind::Caddy,
        &[
            ("\t\treverse_proxy /.vestibule/* 127.0.0.1:SERVICE\n", ""),
            ("\t\t# The app's share", "\t\treverse_proxy /.vestibule/* 127.0.0.1:SERVICE\n\t\t# The app's share"),
        ],
        [JUDGED, "before forward_auth"],
    ),
    fault(
        ["Host is not passed on", CADDY],
        Kind::Caddy,
        &[(
            "\t\treverse_proxy /.vestibule/* 127.0.0.1:SERVICE\n",
            "\t\treverse_proxy /.vestibule/* 127.0.0.1:SERVICE {\n\t\t\theader_up Host {upstream_hostport}\n\t\t}\n",
        )],
        [MISADDRESSED, "No `header_up Host`"],
    ),
    fault(
        ["the cookie is for the whole domain", CADDY],
        Kind::Caddy,
        &[(
            "\t\treverse_proxy /.vestibule/* 127.0.0.1:SERVICE\n",
            "\t\treverse_proxy /.vestibule/* 127.0.0.1:SERVICE {\n\t\t\theader_down Set-Cookie Path=/ \"Path=/; Domain=other.localhost\"\n\t\t}\n",
        )],
        [COOKIE_LOST, "no header_down of Set-Cookie"],
    ),
];

const OF_OTHERS: &[Fault] = &[
    fault(
        ["no block", HAPROXY],
        Kind::HaProxy,
        &[("acl is_sign_on path_beg /.vestibule/", "acl is_sign_on path_beg /.nothing/")],
        [MISSING, "acl is_sign_on path_beg /.vestibule/"],
    ),
    fault(
        ["a block behind the gate", HAPROXY],
        Kind::HaProxy,
        &[(" if is_app !is_sign_on", " if is_app")],
        [JUDGED, "if is_app !is_sign_on"],
    ),
    fault(
        ["Host is not passed on", HAPROXY],
        Kind::HaProxy,
        &[(
            "backend vestibule\n",
            "backend vestibule\n    http-request set-header Host vestibule if { path_beg /.vestibule/ }\n",
        )],
        [MISADDRESSED, "no `http-request set-header Host`"],
    ),
    fault(
        ["no block", APACHE],
        Kind::Apache,
        &[("    ProxyPass \"/.vestibule/\"", "    # ProxyPass \"/.vestibule/\"")],
        [MISSING, "http://127.0.0.1:8080/.vestibule/"],
    ),
    fault(
        ["a block behind the gate", "apache/vestibule.lua"],
        Kind::Apache,
        &[("    if is_to_vestibule(r) then", "    if false then")],
        [JUDGED, "deploy/apache/vestibule.lua"],
    ),
    fault(
        ["Host is not passed on", APACHE],
        Kind::Apache,
        &[("    ProxyPreserveHost On\n\n    # By this way", "    ProxyPreserveHost Off\n\n    # By this way")],
        [MISADDRESSED, "ProxyPreserveHost On"],
    ),
    fault(
        ["no block", TRAEFIK],
        Kind::Traefik,
        &[("PathPrefix(`/.vestibule/`)", "PathPrefix(`/.nothing/`)")],
        [MISSING, "PathPrefix(`/.vestibule/`)"],
    ),
    fault(
        ["a block behind the gate", TRAEFIK],
        Kind::Traefik,
        &[("      priority: 2000\n", "      priority: 2000\n      middlewares: [vestibule]\n")],
        [JUDGED, "without middlewares"],
    ),
    fault(
        ["Host is not passed on", TRAEFIK],
        Kind::Traefik,
        &[
            ("      priority: 2000\n      service: vestibule\n", "      priority: 2000\n      service: misled\n"),
            (
                "  services:\n",
                "  services:\n    misled:\n      loadBalancer:\n        passHostHeader: false\n        servers: [{ url: \"http://127.0.0.1:SERVICE\" }]\n",
            ),
        ],
        [MISADDRESSED, "No `passHostHeader: false`"],
    ),
    fault(
        ["no block", ENVOY],
        Kind::Envoy,
        &[("match: { prefix: /.vestibule/ }", "match: { prefix: /.nothing/ }")],
        [MISSING, "match: { prefix: /.vestibule/ }"],
    ),
    fault(
        ["a block behind the gate", ENVOY],
        Kind::Envoy,
        &[(
            "                            envoy.filters.http.ext_authz:\n                              \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute\n                              disabled: true\n",
            "",
        )],
        [JUDGED, "ExtAuthzPerRoute"],
    ),
    fault(
        ["Host is not passed on", ENVOY],
        Kind::Envoy,
        &[(
            "prefix: /.vestibule/ }\n                          route: { cluster: vestibule,",
            "prefix: /.vestibule/ }\n                          route: { cluster: vestibule, host_rewrite_literal: vestibule,",
        )],
        [MISADDRESSED, "No host_rewrite_literal"],
    ),
];

fn assert_all_are_found(faults: &[Fault]) {
    let town = two_domains();
    let service = town.service.port().to_string();
    for fault in faults.iter().filter(|fault| fault.kind.is_here()) {
        let name = format!("{:?}: {}", fault.kind, fault.name);
        let plant = |file: &str, text: String| {
            let changes = fault.changes.iter().filter(|_| file == fault.file);
            changes.fold(text, |text, (from, to)| {
                replaced(&text, &from.replace("SERVICE", &service), &to.replace("SERVICE", &service))
            })
        };
        let found = town.examined(&street(&town, fault.kind, &plant), &[ELSEWHERE]);
        found.assert_finds(&name, &[fault.code]);
        assert_eq!(found.outcomes("sign_on"), ["found"], "{name}");
        let finding = found.findings().into_iter().find(|finding| finding["code"] == fault.code).unwrap();
        assert!(finding["change"].as_str().unwrap().contains(fault.words), "{name}: {finding:#}");
    }
}

#[test]
fn every_fault_of_nginx_is_found() {
    assert_all_are_found(OF_NGINX);
}

#[test]
fn every_fault_of_caddy_is_found() {
    assert_all_are_found(OF_CADDY);
}

#[test]
fn every_fault_of_the_others_is_found() {
    assert_all_are_found(OF_OTHERS);
}

#[test]
fn without_a_session_it_is_seen_that_people_are_led_in_circles() {
    let town = two_domains();
    let plant = |_: &str, text: String| replaced(&text, "location ^~ /.vestibule/ {", "location ^~ /.nothing/ {");
    let found = town.examined_with(&street(&town, Kind::Nginx, &plant), &[], &[ELSEWHERE]);
    found.assert_finds("nobody can see what is behind the gate", &[JUDGED]);
}

#[test]
fn a_way_to_another_portal_is_found() {
    let town = two_domains();
    let proxy = street(&town, Kind::Nginx, &as_delivered);
    let another = [("server.public_url", "http://login.vestibule.localhost")];
    let found = town.examined_with(&proxy, &another, &["--as", PERSON, ELSEWHERE]);
    found.assert_finds("another", &["sign_on_elsewhere"]);
}

#[test]
fn a_proxy_that_is_not_trusted_is_what_is_wrong() {
    let town = Town::with(&[
        ("session.cookie_domains", "vestibule.localhost, other.localhost"),
        ("gateway.rules", r#"[{ hosts = ["app.other.localhost"], allow = "signed_in" }]"#),
        ("server.trusted_proxies", "192.0.2.1/32"),
    ]);
    let found = town.examined(&street(&town, Kind::Nginx, &as_delivered), &[ELSEWHERE]);
    assert!(found.codes().iter().all(|code| *code == "peer_not_trusted"), "{found:#?}");
}
