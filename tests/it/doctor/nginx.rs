//! Faults in nginx's configuration.

use super::town::{APP, Town, replaced};
use crate::proxies::street::{Kind, as_delivered};

const OPEN: &str = "http://app.vestibule.localhost/open/x";
const OWN: &str = "http://app.vestibule.localhost/own/x";

/// Without the lines that hold this.
fn without(text: &str, line: &str) -> String {
    assert!(text.contains(line), "{line:?} is not in the file");
    text.split_inclusive('\n').filter(|own| !own.contains(line)).collect()
}

fn with_location(text: &str, location: &str) -> String {
    replaced(text, "    # Programs want the plain 401.\n", &format!("    {location}\n"))
}

type Plant = fn(String, &Town) -> String;

const FAULTS: [(&str, Plant, &[&str], &[&str]); 19] = [
    (
        "the service is not told who is calling",
        |text, _| without(&text, "proxy_set_header X-Forwarded-For   $remote_addr;    # replaced"),
        &[APP],
        &["address_lost", "address_believed"],
    ),
    (
        "the identity is not set",
        |text, _| without(&text, "proxy_set_header Remote-User "),
        &[APP],
        &["identity_forged", "identity_missing"],
    ),
    (
        "a location with a header of its own",
        |text, town| {
            let app = town.app.port();
            let own = format!("location /own/ {{ proxy_set_header X-Own 1; proxy_pass http://127.0.0.1:{app}; }}");
            with_location(&text, &own)
        },
        &[APP, OWN],
        &["identity_forged", "surroundings_forged", "gate_cookie_handed_on", "websocket_stopped"],
    ),
    (
        "a location without the gate",
        |text, town| {
            let app = town.app.port();
            with_location(&text, &format!("location /open/ {{ auth_request off; proxy_pass http://127.0.0.1:{app}; }}"))
        },
        &[APP, OPEN],
        &["open_to_strangers"],
    ),
    (
        "the visitor names the host that is judged",
        |text, _| replaced(&text, "$scheme://$public_host$request_uri", "$scheme://$http_host$request_uri"),
        &[APP],
        &["judged_as_another"],
    ),
    (
        "the same, where the app is the default server",
        |text, _| {
            let text = replaced(&text, "$scheme://$public_host$request_uri", "$scheme://$http_host$request_uri");
            let text = replaced(&text, " default_server;\n    server_name _;", ";\n    server_name _;");
            let listen = text.lines().find(|line| line.contains("listen 80")).unwrap().trim().to_owned();
            let from = format!("{listen}\n    server_name app.vestibule.localhost;");
            let to =
                format!("{} default_server;\n    server_name app.vestibule.localhost;", listen.trim_end_matches(';'));
            replaced(&text, &from, &to)
        },
        &[APP],
        &["judged_as_another"],
    ),
    (
        "underscores are let through",
        |text, _| replaced(&text, "upstream vestibule {", "underscores_in_headers on;\nupstream vestibule {"),
        &[APP],
        &["identity_forged", "surroundings_forged"],
    ),
    (
        "X-Forwarded-For is appended to",
        |text, _| replaced(&text, "X-Forwarded-For     $remote_addr", "X-Forwarded-For     $proxy_add_x_forwarded_for"),
        &[APP],
        &["surroundings_forged"],
    ),
    (
        "X-Forwarded-For is appended to for the service",
        |text, _| {
            replaced(&text, "X-Forwarded-For   $remote_addr;    #", "X-Forwarded-For   $proxy_add_x_forwarded_for; #")
        },
        &[APP],
        &["address_believed"],
    ),
    (
        "the app may see X-Original-URL",
        |text, _| without(&text, "proxy_set_header X-Original-URL      \"\";"),
        &[APP],
        &["surroundings_forged"],
    ),
    (
        "websockets are not passed on",
        |text, _| without(&text, "proxy_set_header Upgrade             $http_upgrade;"),
        &[APP],
        &["websocket_stopped"],
    ),
    ("nobody is led to sign in", |text, _| without(&text, "error_page 401"), &[APP], &["not_led_to_sign_in"]),
    (
        "websockets are led to sign in",
        |text, _| replaced(&text, "            return 401; ", "            set $x 1; "),
        &[APP],
        &["websocket_led_away"],
    ),
    (
        "people can ask the gate",
        |text, _| replaced(&text, "        return 404;", "        proxy_pass http://vestibule;"),
        &[APP],
        &["gate_answers_people"],
    ),
    (
        "the app's server sees the cookie",
        |text, _| without(&text, "proxy_set_header Cookie "),
        &[APP],
        &["gate_cookie_handed_on"],
    ),
    (
        "the visitor names the path that is judged",
        |text, _| {
            let map = "map $http_x_forwarded_uri $told {\n default $http_x_forwarded_uri;\n '' $request_uri;\n}\n";
            map.to_owned() + &replaced(&text, "$scheme://$public_host$request_uri", "$scheme://$public_host$told")
        },
        &[APP],
        &["visitor_believed"],
    ),
    (
        "the query is lost on the way to the gate",
        |text, _| replaced(&text, "$scheme://$public_host$request_uri", "$scheme://$public_host$uri"),
        &["http://app.vestibule.localhost/x?a=1"],
        &["wrong_way_back"],
    ),
    (
        "the gate does not see the cookie",
        |text, _| {
            replaced(&text, "proxy_pass_request_body off;", "proxy_pass_request_body off; proxy_set_header Cookie '';")
        },
        &[APP],
        &["session_not_seen"],
    ),
    (
        "large bodies are refused",
        |text, _| replaced(&text, "upstream vestibule {", "client_max_body_size 1k;\nupstream vestibule {"),
        &[APP],
        &["body_stopped", "post_stopped"],
    ),
];

#[test]
fn every_fault_that_is_planted_is_found() {
    let town = Town::new();
    for (name, plant, urls, codes) in FAULTS {
        let proxy = town.nginx(|text| plant(text, &town));
        town.examined(&proxy, urls).assert_finds(name, codes);
    }
}

/// nginx then announces a body to the gate that does not come. Our gate does not wait for it, and nobody notices.
#[test]
fn a_body_that_is_announced_to_the_gate_stops_nobody() {
    let town = Town::new();
    for lines in
        [&["proxy_pass_request_body off;"][..], &["proxy_pass_request_body off;", "proxy_set_header Content-Length "]]
    {
        let proxy = town.nginx(|text| lines.iter().fold(text, |text, line| without(&text, line)));
        let found = town.examined(&proxy, &[APP]);
        found.assert_finds_nothing("nginx");
        for check in ["bodies_of_strangers", "bodies"] {
            assert_eq!(found.outcomes(check), ["fine"], "{lines:?}: {:?}", found.open());
        }
    }
}

#[test]
fn what_to_change_is_said_in_nginxs_words() {
    let town = Town::new();
    let proxy = town.nginx(|text| without(&text, "proxy_set_header Remote-User "));
    let said = town.doctor(&proxy, &[], &["--as", super::town::PERSON, APP]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("(nginx)") && said.out.contains("[identity_forged]"), "{}", said.out);
    assert!(said.out.contains("`proxy_set_header Remote-User $vestibule_user;`"), "{}", said.out);
}

#[test]
fn a_plain_401_is_right_for_programs() {
    let town = Town::new();
    let proxy = town.nginx(|text| text);
    let api = "http://app.vestibule.localhost/api/x";
    town.examined(&proxy, &[api]).assert_finds("people", &["not_led_to_sign_in"]);
    town.examined_with(&proxy, &[], &["--for-programs", api]).assert_finds_nothing("programs");
}

#[test]
fn a_gate_that_is_gone_is_found() {
    let town = Town::new();
    let service = format!("server 127.0.0.1:{};", town.service.port());
    let proxy = town.nginx(|text| replaced(&text, &service, "server 127.0.0.1:1;"));
    town.examined(&proxy, &[APP]).assert_finds("gone", &["gate_broken", "portal_silent"]);
}

#[test]
fn a_proxy_that_is_not_trusted_is_found() {
    let town = Town::with(&[("server.trusted_proxies", "192.0.2.1/32")]);
    for kind in Kind::ALL.into_iter().filter(|kind| kind.is_here()) {
        let found = town.examined(&town.street(kind, &as_delivered), &[APP]);
        found.assert_finds(kind.word(), &["peer_not_trusted"]);
        // At the sign-in page and at the app, and nothing else is blamed.
        assert_eq!(found.codes(), ["peer_not_trusted"; 2], "{kind:?}: {found:#?}");
        let change = found.findings()[1]["change"].as_str().unwrap();
        assert!(change.contains("server.trusted_proxies"), "{kind:?}: {change}");
    }
}
