//! Faults in Traefik's configuration.

use super::planted::{Fault, Remedy, assert_all_are_found, fault};
use super::town::APP;
use crate::proxies::street::Kind;

const OWN: &str = "traefik/traefik.yml";
const DYNAMIC: &str = "traefik/dynamic.yml";
const OPEN: &str = "http://app.vestibule.localhost/open/x";

const FAULTS: &[Fault] = &[
    fault(
        "the identity is not copied",
        DYNAMIC,
        &[("        authResponseHeaders:", "        # authResponseHeaders:")],
        &["identity_missing"],
    ),
    fault(
        "what visitors say of themselves is kept",
        DYNAMIC,
        &[
            ("        authResponseHeaders:", "        # authResponseHeaders:"),
            ("middlewares: [forged, vestibule]", "middlewares: [vestibule]"),
        ],
        &["identity_forged", "surroundings_forged"],
    ),
    fault(
        "names with an underscore are kept",
        OWN,
        &[("      aliasHeadersStrategy: delete\n", "")],
        &["identity_forged", "surroundings_forged"],
    ),
    fault(
        "a router without the gate",
        DYNAMIC,
        &[("      middlewares: [forged, vestibule]\n", "")],
        &["open_to_strangers"],
    ),
    Fault {
        name: "a path past the gate",
        file: DYNAMIC,
        changes: &[(
            "    app:\n      rule",
            "    open:\n      rule: Host(`app.vestibule.localhost`) && PathPrefix(`/open`)\n      service: app\n    app:\n      rule",
        )],
        urls: &[APP, OPEN],
        codes: &["open_to_strangers"],
    },
    fault(
        "any name leads to the app",
        DYNAMIC,
        &[(
            "    app:\n      rule: Host(`app.vestibule.localhost`)",
            "    app:\n      rule: PathPrefix(`/`)\n      priority: 1",
        )],
        &["judged_as_another"],
    ),
    fault(
        "whatever a visitor writes is believed",
        OWN,
        &[("    address: \":80\"\n", "    address: \":80\"\n    forwardedHeaders:\n      insecure: true\n")],
        &["visitor_believed", "address_believed"],
    ),
    fault(
        "people can ask the gate",
        DYNAMIC,
        &[(" && (!PathPrefix(`/gateway`) || Path(`/gateway/step-up.js`))", "")],
        &["gate_answers_people"],
    ),
    fault(
        "websockets are not let through",
        DYNAMIC,
        &[("          Remote-User: \"\"\n", "          Remote-User: \"\"\n          Upgrade: \"\"\n")],
        &["websocket_stopped"],
    ),
    fault(
        "a refusal is turned into a redirect",
        DYNAMIC,
        &[(
            "        maxResponseBodySize",
            "        authSigninURL: http://auth.vestibule.localhost/login\n        maxResponseBodySize",
        )],
        &["websocket_led_away"],
    ),
    fault(
        "what browsers are is not shown to the gate",
        DYNAMIC,
        &[("        maxResponseBodySize", "        authRequestHeaders: [Cookie]\n        maxResponseBodySize")],
        &["not_led_to_sign_in"],
    ),
    fault(
        "the gate does not see the cookie",
        DYNAMIC,
        &[(
            "        maxResponseBodySize",
            "        authRequestHeaders: [Accept, Sec-Fetch-Mode]\n        maxResponseBodySize",
        )],
        &["session_not_seen"],
    ),
    fault(
        "the proxy asks the wrong endpoint",
        DYNAMIC,
        &[("/gateway/forward-auth", "/gateway/auth-request")],
        &["gate_refuses"],
    ),
];

const REMEDIES: &[Remedy] = &[
    Remedy { code: "open_to_strangers", words: "middlewares: [forged, vestibule]" },
    Remedy { code: "identity_missing", words: "authResponseHeaders" },
    Remedy { code: "identity_forged", words: "aliasHeadersStrategy: delete" },
    Remedy { code: "visitor_believed", words: "forwardedHeaders" },
    Remedy { code: "gate_answers_people", words: "!PathPrefix(`/gateway`)" },
    Remedy { code: "websocket_led_away", words: "authSigninURL" },
    Remedy { code: "not_led_to_sign_in", words: "authRequestHeaders" },
];

#[test]
fn every_fault_that_is_planted_is_found() {
    assert_all_are_found(Kind::Traefik, FAULTS, REMEDIES);
}
