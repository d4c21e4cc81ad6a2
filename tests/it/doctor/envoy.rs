//! Faults in Envoy's configuration.

use super::planted::{Fault, Remedy, assert_all_are_found, fault};
use super::town::{APP, Town, replaced};
use crate::proxies::street::Kind;

const YAML: &str = "envoy/envoy.yaml";
const OPEN: &str = "http://app.vestibule.localhost/open/x";

const TO_THE_APP: &str =
    "                        - match: { prefix: / }\n                          route: { cluster: app";

const PAST_THE_GATE: &str = "                        - match: { prefix: /open/ }\n                          route: { cluster: app }\n                          typed_per_filter_config:\n                            envoy.filters.http.ext_authz:\n                              \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute\n                              disabled: true\n                        - match: { prefix: / }\n                          route: { cluster: app";

const FAULTS: &[Fault] = &[
    fault(
        "what visitors say of themselves is kept",
        YAML,
        &[
            ("                        - remove_on_match: { key_matcher: { prefix: remote, ignore_case: true } }\n", ""),
            (
                "                        - remove_on_match: { key_matcher: { prefix: vestibule, ignore_case: true } }\n",
                "",
            ),
            (
                "                        - remove_on_match: { key_matcher: { prefix: x-original, ignore_case: true } }\n",
                "",
            ),
            ("patterns: [{ prefix: remote- }, { exact: vestibule-assertion }]", "patterns: [{ exact: x-none }]"),
        ],
        &["identity_forged", "surroundings_forged"],
    ),
    fault(
        "names with an underscore are kept",
        YAML,
        &[
            (
                "                        - remove_on_match: { key_matcher: { safe_regex: { regex: \".*[^:A-Za-z0-9-].*\" } } }\n",
                "",
            ),
            ("key_matcher: { prefix: remote, ignore_case", "key_matcher: { prefix: remote-, ignore_case"),
            ("key_matcher: { prefix: vestibule, ignore_case", "key_matcher: { prefix: vestibule-, ignore_case"),
        ],
        &["identity_forged", "surroundings_forged"],
    ),
    fault(
        "the identity is not copied",
        YAML,
        &[("patterns: [{ prefix: remote- }, { exact: vestibule-assertion }]", "patterns: [{ exact: x-none }]")],
        &["identity_missing"],
    ),
    Fault {
        name: "a path past the gate",
        file: YAML,
        changes: &[(TO_THE_APP, PAST_THE_GATE)],
        urls: &[APP, OPEN],
        codes: &["open_to_strangers"],
    },
    fault(
        "any name leads to the app",
        YAML,
        &[("domains: [app.vestibule.localhost]", "domains: [\"*\"]")],
        &["judged_as_another"],
    ),
    fault(
        "a visitor's own X-Forwarded-For is kept",
        YAML,
        &[
            (
                "                        - remove_on_match: { key_matcher: { prefix: x-forwarded, ignore_case: true } }\n",
                "",
            ),
            (
                "append_action: OVERWRITE_IF_EXISTS_OR_ADD\n                http_filters",
                "append_action: ADD_IF_ABSENT\n                http_filters",
            ),
        ],
        &["address_believed", "surroundings_forged"],
    ),
    fault(
        "X-Forwarded-For is not set",
        YAML,
        &[(
            "append_action: OVERWRITE_IF_EXISTS_OR_ADD\n                http_filters",
            "append_action: OVERWRITE_IF_EXISTS\n                http_filters",
        )],
        &["address_lost"],
    ),
    fault(
        "people can ask the gate",
        YAML,
        &[("direct_response: { status: 404 }", "route: { cluster: vestibule }")],
        &["gate_answers_people"],
    ),
    fault(
        "websockets are not let through",
        YAML,
        &[("                upgrade_configs: [{ upgrade_type: websocket }]\n", "")],
        &["websocket_stopped"],
    ),
    fault(
        "what browsers are is not shown to the gate",
        YAML,
        &[
            ("                          - exact: accept\n", ""),
            ("                          - prefix: sec-fetch-\n", ""),
        ],
        &["not_led_to_sign_in"],
    ),
    fault(
        "the gate does not see the cookie",
        YAML,
        &[("                          - exact: cookie\n", "")],
        &["session_not_seen"],
    ),
    fault(
        "the app's server sees the cookie",
        YAML,
        &[("name ~= \"vestibule_gate\" and", "name ~= \"another\" and")],
        &["gate_cookie_handed_on"],
    ),
];

const REMEDIES: &[Remedy] = &[
    Remedy { code: "open_to_strangers", words: "failure_mode_allow: false" },
    Remedy { code: "judged_as_another", words: "domains: [\"*\"]" },
    Remedy { code: "identity_forged", words: "early_header_mutation_extensions" },
    Remedy { code: "address_believed", words: "use_remote_address: true" },
    Remedy { code: "websocket_stopped", words: "upgrade_type: websocket" },
    Remedy { code: "not_led_to_sign_in", words: "allowed_headers" },
];

#[test]
fn every_fault_that_is_planted_is_found() {
    assert_all_are_found(Kind::Envoy, FAULTS, REMEDIES);
}

/// While the gate is down, which is when it shows.
#[test]
fn a_gate_that_fails_open_is_found() {
    let town = Town::new();
    let gone = |text: &str| {
        let service = format!("address: 127.0.0.1, port_value: {} ", town.service.port());
        replaced(text, &service, "address: 127.0.0.1, port_value: 1 ")
    };
    let shut = town.street(Kind::Envoy, &|_, text| gone(&text));
    let found = town.examined(&shut, &[APP]);
    found.assert_finds("it stays shut", &["gate_broken", "portal_silent"]);
    assert!(!found.codes().contains(&"open_to_strangers"), "{found:#?}");
    let open = town.street(Kind::Envoy, &|_, text| {
        replaced(&gone(&text), "failure_mode_allow: false", "failure_mode_allow: true")
    });
    town.examined(&open, &[APP]).assert_finds("it opens", &["open_to_strangers"]);
}
