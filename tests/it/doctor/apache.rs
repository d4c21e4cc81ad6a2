//! Faults in Apache's configuration, and in its Lua.

use super::planted::{Fault, Remedy, assert_all_are_found, fault};
use super::town::APP;
use crate::proxies::street::Kind;

const CONF: &str = "apache/vestibule.conf";
const LUA: &str = "apache/vestibule.lua";
const OPEN: &str = "http://app.vestibule.localhost/open/x";

const FAULTS: &[Fault] = &[
    fault(
        "what visitors say of themselves is kept",
        LUA,
        &[("    take_forged_away(r)\n    tell", "    tell")],
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
    fault("the identity is not told", LUA, &[("    tell_the_app(r, headers)\n", "")], &["identity_missing"]),
    fault(
        "Connection is passed on",
        LUA,
        &[("if names_what_is_ours(r.headers_in[\"Connection\"]) then", "if false then")],
        &["identity_dropped"],
    ),
    Fault {
        name: "a path past the gate",
        file: LUA,
        changes: &[(
            "function check(r)\n",
            "function check(r)\n    if r.uri:find(\"^/open/\") then return apache2.OK end\n",
        )],
        urls: &[APP, OPEN],
        codes: &["open_to_strangers"],
    },
    fault(
        "nobody asks the gate",
        CONF,
        &[("    LuaHookAccessChecker", "    # LuaHookAccessChecker")],
        &["open_to_strangers"],
    ),
    fault(
        "any name leads to the app, and is what is judged",
        CONF,
        &[(
            "    ServerName app.vestibule.localhost\n    UseCanonicalName On\n",
            "    ServerName app.vestibule.localhost\n    ServerAlias *\n    UseCanonicalName Off\n",
        )],
        &["judged_as_another"],
    ),
    fault(
        "the visitor names the path that is judged",
        LUA,
        &[("= r.unparsed_uri", "= r.headers_in[\"X-Forwarded-Uri\"] or r.unparsed_uri")],
        &["visitor_believed"],
    ),
    fault(
        "X-Forwarded-For is appended to",
        CONF,
        &[
            ("    ProxyAddHeaders Off\n", "    ProxyAddHeaders On\n"),
            ("    RequestHeader set X-Forwarded-For \"expr=%{REMOTE_ADDR}\"\n", ""),
        ],
        &["address_believed"],
    ),
    fault(
        "X-Forwarded-For is not set",
        CONF,
        &[("    RequestHeader set X-Forwarded-For \"expr=%{REMOTE_ADDR}\"\n", "")],
        &["address_lost", "address_believed"],
    ),
    fault(
        "people can ask the gate",
        CONF,
        &[("    ProxyPassMatch \"(?i)^/+gateway\" \"!\"\n", ""), ("    RedirectMatch 404", "    # RedirectMatch 404")],
        &["gate_answers_people"],
    ),
    fault("websockets are not let through", CONF, &[(" upgrade=websocket", "")], &["websocket_stopped"]),
    fault(
        "the way to sign in is lost",
        LUA,
        &[("[\"date\"] = true, ", "[\"date\"] = true, [\"location\"] = true, ")],
        &["not_led_to_sign_in"],
    ),
    fault(
        "the gate does not see the cookie",
        LUA,
        &[("local SHOWN = { \"Cookie\", ", "local SHOWN = { ")],
        &["session_not_seen"],
    ),
    fault(
        "the app's server sees the cookie",
        LUA,
        &[("    keep_ours_from_the_app(r)\n    return", "    return")],
        &["gate_cookie_handed_on"],
    ),
];

const REMEDIES: &[Remedy] = &[
    Remedy { code: "open_to_strangers", words: "LuaHookAccessChecker" },
    Remedy { code: "judged_as_another", words: "UseCanonicalName On" },
    Remedy { code: "identity_forged", words: "RequestHeader unset Remote-User early" },
    Remedy { code: "address_believed", words: "ProxyAddHeaders Off" },
    Remedy { code: "gate_answers_people", words: "RedirectMatch 404" },
    Remedy { code: "websocket_stopped", words: "upgrade=websocket" },
];

#[test]
fn every_fault_that_is_planted_is_found() {
    assert_all_are_found(Kind::Apache, FAULTS, REMEDIES);
}
