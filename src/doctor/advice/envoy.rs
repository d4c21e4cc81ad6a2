//! Envoy.

use super::{Asking, Passing, SigningOn};

pub(super) fn asking(duty: Asking) -> &'static str {
    match duty {
        Asking::AskTheGate => {
            "The ext_authz filter before the router, with no `disabled: true` for this route, and \
             `failure_mode_allow: false`."
        }
        Asking::AskForEveryName => "A virtual host for each name, and none with `domains: [\"*\"]`.",
        Asking::TellTheUrl => {
            "`path_prefix: /gateway/ext-authz`, `normalize_path: false`, and `use_remote_address: true`."
        }
        Asking::LeadToSignIn | Asking::RefuseWebsockets => {
            "In allowed_headers: accept, x-requested-with, sec-websocket-key and the prefix sec-fetch-; and no \
             allowed_client_headers."
        }
        Asking::WithoutBody => "No with_request_body in the ext_authz filter.",
        Asking::HandOnTheCookie => "`- exact: cookie` in allowed_headers.",
        Asking::HideTheGate => {
            "In the virtual host of server.public_url, first: the route of deploy/envoy/envoy.yaml for /gateway, however \
             it is spelt, with `direct_response: { status: 404 }`, after the one for the path /gateway/step-up.js."
        }
        Asking::EndWithAQuestionMark => "Nothing: the gate is asked about path and query there.",
    }
}

pub(super) fn passing(duty: Passing) -> &'static str {
    match duty {
        Passing::TellWho => {
            "`allowed_upstream_headers: { patterns: [{ prefix: remote- }, { exact: vestibule-assertion }] }`."
        }
        Passing::ForgetWhoTheySayTheyAre | Passing::ForgetWhereTheySayTheyAre => {
            "The header_mutation of deploy/envoy/envoy.yaml under early_header_mutation_extensions, and \
             `headers_with_underscores_action: DROP_HEADER`."
        }
        Passing::RefuseConnection => "A current Envoy: it takes Connection and what it names for itself.",
        Passing::KeepTheCookie => "The Lua filter of deploy/envoy/envoy.yaml after the ext_authz filter.",
        Passing::PassWebsockets => "`upgrade_configs: [{ upgrade_type: websocket }]`.",
        Passing::PassBodies => "A larger per_connection_buffer_limit_bytes, or no buffer filter.",
        Passing::SetTheAddress => "`use_remote_address: true`, and x-forwarded-for removed early.",
    }
}

pub(super) fn signing_on(duty: SigningOn) -> &'static str {
    match duty {
        SigningOn::LeadToVestibule => {
            "First among the routes of the app's virtual host: `match: { prefix: /.vestibule/ }` with `route: { cluster: \
             vestibule }`, and under typed_per_filter_config `disabled: true` for envoy.filters.http.ext_authz \
             (ExtAuthzPerRoute) and envoy.filters.http.lua (LuaPerRoute)."
        }
        SigningOn::TellTheHost => {
            "No host_rewrite_literal or auto_host_rewrite in the route of `prefix: /.vestibule/`, and \
             `use_remote_address: true`."
        }
        SigningOn::KeepCookies => {
            "No request_headers_to_remove of cookie and no response_headers_to_remove of set-cookie for the route of \
             `prefix: /.vestibule/`, and its Lua filter disabled."
        }
    }
}
