//! Faults in HAProxy's configuration, and in its Lua.

use super::planted::{Fault, Remedy, assert_all_are_found, fault};
use super::town::APP;
use crate::proxies::street::Kind;

const CFG: &str = "haproxy/haproxy.cfg";
const LUA: &str = "haproxy/vestibule.lua";
const OPEN: &str = "http://app.vestibule.localhost/open/x";

const ASK: &str = "    http-request lua.vestibule http://127.0.0.1:";

const FAULTS: &[Fault] = &[
    fault(
        "what visitors say of themselves is kept",
        LUA,
        &[("    take_forged_away(txn, headers)\n    set_surr", "    set_surr")],
        &["identity_forged", "surroundings_forged"],
    ),
    fault(
        "names with an underscore are kept",
        LUA,
        &[
            ("\"^forwarded$\", \"[^%w%-]\"", "\"^forwarded$\""),
            ("\"^remote\", \"^vestibule\"", "\"^remote%-\", \"^vestibule%-\""),
        ],
        &["identity_forged", "surroundings_forged"],
    ),
    fault("the identity is not told", LUA, &[("    set_identity(txn, answer.headers)\n", "")], &["identity_missing"]),
    fault(
        "Connection is passed on",
        LUA,
        &[("if names_what_is_ours(headers[\"connection\"]) then", "if false then")],
        &["identity_dropped"],
    ),
    Fault {
        name: "a path past the gate",
        file: CFG,
        changes: &[("if is_app !is_sign_on\n\n    use", "if is_app !is_sign_on !{ path_beg /open/ }\n\n    use")],
        urls: &[APP, OPEN],
        codes: &["open_to_strangers"],
    },
    fault(
        "nobody asks the gate",
        CFG,
        &[(ASK, "    # http-request lua.vestibule http://127.0.0.1:")],
        &["open_to_strangers"],
    ),
    fault(
        "any name leads to the app",
        CFG,
        &[
            ("    http-request reject unless is_auth or is_app\n", ""),
            ("if is_app !is_sign_on\n\n    use", "if !is_auth !is_sign_on\n\n    use"),
            ("use_backend app if is_app", "default_backend app"),
        ],
        &["judged_as_another"],
    ),
    fault(
        "the visitor names the path that is judged",
        LUA,
        &[("{ txn.sf:pathq() }", "headers[\"x-forwarded-uri\"] or { txn.sf:pathq() }")],
        &["visitor_believed"],
    ),
    fault(
        "X-Forwarded-For is appended to",
        CFG,
        &[("    http-request set-header X-Forwarded-For   %[src]\n", "    option forwardfor\n")],
        &["address_believed"],
    ),
    fault(
        "X-Forwarded-For is not set",
        CFG,
        &[("    http-request set-header X-Forwarded-For   %[src]\n", "")],
        &["address_lost", "address_believed"],
    ),
    fault(
        "people can ask the gate",
        CFG,
        &[(
            "    http-request return status 404 if is_auth",
            "    http-request return status 404 if { src 192.0.2.1 } is_auth",
        )],
        &["gate_answers_people"],
    ),
    fault(
        "websockets are not let through",
        CFG,
        &[(
            "    use_backend vestibule if is_auth or is_app is_sign_on\n",
            "    http-request del-header Upgrade\n    use_backend vestibule if is_auth or is_app is_sign_on\n",
        )],
        &["websocket_stopped"],
    ),
    fault(
        "the way to sign in is lost",
        LUA,
        &[("[\"date\"] = true }", "[\"date\"] = true, [\"location\"] = true }")],
        &["not_led_to_sign_in"],
    ),
    fault(
        "the gate does not see the cookie",
        LUA,
        &[("local SHOWN = { \"cookie\", ", "local SHOWN = { ")],
        &["session_not_seen"],
    ),
    fault(
        "the app's server sees the cookie",
        LUA,
        &[("    keep_ours_from_the_app(txn, headers)\nend", "end")],
        &["gate_cookie_handed_on"],
    ),
    fault(
        "what browsers are is not shown to the gate",
        LUA,
        &[("\"authorization\", \"accept\", \"upgrade\", \"sec-fetch-mode\"", "\"authorization\", \"upgrade\"")],
        &["not_led_to_sign_in"],
    ),
];

const REMEDIES: &[Remedy] = &[
    Remedy { code: "open_to_strangers", words: "http-request lua.vestibule" },
    Remedy { code: "judged_as_another", words: "http-request reject unless is_auth or is_app" },
    Remedy { code: "identity_forged", words: "vestibule.lua" },
    Remedy { code: "identity_dropped", words: "req.hdr(connection)" },
    Remedy { code: "address_believed", words: "http-request set-header X-Forwarded-For %[src]" },
    Remedy { code: "gate_answers_people", words: "http-request return status 404" },
    Remedy { code: "websocket_stopped", words: "timeout tunnel" },
];

#[test]
fn every_fault_that_is_planted_is_found() {
    assert_all_are_found(Kind::HaProxy, FAULTS, REMEDIES);
}
