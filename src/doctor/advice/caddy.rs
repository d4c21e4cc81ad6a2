//! Caddy.

use super::{Asking, Passing, SigningOn};

pub(super) fn asking(duty: Asking) -> &'static str {
    match duty {
        Asking::AskTheGate => {
            "`forward_auth 127.0.0.1:8080 { uri /gateway/forward-auth? … }` before the reverse_proxy, inside `route { \
             }` and outside of any `handle` or matcher that this URL passes by."
        }
        Asking::AskForEveryName => {
            "Name the site's host, and have a site for all others: `http:// { abort }`. No header_up of Host or \
             X-Forwarded-Host inside forward_auth."
        }
        Asking::TellTheUrl => {
            "Before forward_auth, inside `route { }`: `request_header -X-Forwarded-Method` and `request_header \
             -X-Forwarded-Uri`; no header_up of X-Forwarded-… inside forward_auth, and no rewrite before it."
        }
        Asking::LeadToSignIn => "Have forward_auth ask `/gateway/forward-auth?`, not auth-request.",
        Asking::RefuseWebsockets => {
            "Have forward_auth ask `/gateway/forward-auth?`, and hand the visitor's Upgrade on to it."
        }
        Asking::WithoutBody => "Use forward_auth, which asks without a body, and not a reverse_proxy of your own.",
        Asking::HandOnTheCookie => {
            "Remove the gate's cookie after forward_auth and not before: inside `route { }` the order is kept."
        }
        Asking::HideTheGate => {
            "In the site of server.public_url, before the reverse_proxy: `@gate { path /gateway/*; expression {path} \
             != \"/gateway/step-up.js\" }`, a line for each, and `respond @gate 404`."
        }
        Asking::EndWithAQuestionMark => "`uri /gateway/forward-auth?`: with the \"?\" at its end nothing is appended.",
    }
}

pub(super) fn passing(duty: Passing) -> &'static str {
    match duty {
        Passing::TellWho => {
            "`copy_headers Remote-User Remote-Email Remote-Name Remote-Groups Vestibule-Assertion` inside \
             forward_auth, and all of it inside `route { }`: otherwise Caddy removes the headers after it has set \
             them."
        }
        Passing::ForgetWhoTheySayTheyAre => {
            "Inside `route { }`, before forward_auth: `request_header -*_*`, `request_header -Remote*` and \
             `request_header -Vestibule*`."
        }
        Passing::RefuseConnection => {
            "First inside `route { }`: `@hop header_regexp Connection (?i)(remote-|x-forwarded-|vestibule-)` and \
             `error @hop 400`."
        }
        Passing::ForgetWhereTheySayTheyAre => {
            "Inside `route { }`, before forward_auth: `request_header -*_*`, `request_header -X-Original*`, \
             `request_header -X-Rewrite*`, `request_header -X-Forwarded-Method`, `request_header -X-Forwarded-Uri`, \
             and so on for all that deploy/caddy/Caddyfile names."
        }
        Passing::KeepTheCookie => {
            "After forward_auth: `request_header Cookie \"()(__Secure-)?vestibule_gate=[^;]*(; *)?\" $1`."
        }
        Passing::PassWebsockets => {
            "No header_up or request_header that takes Upgrade or Connection away; Caddy passes websockets on by \
             itself."
        }
        Passing::PassBodies => "Raise the `max_size` of request_body, or leave it out.",
        Passing::SetTheAddress => "No `trusted_proxies` that a visitor is in, and no header_up of X-Forwarded-For.",
    }
}

pub(super) fn signing_on(duty: SigningOn) -> &'static str {
    match duty {
        SigningOn::LeadToVestibule => {
            "In the app's site, inside `route { }` and before forward_auth: `reverse_proxy /.vestibule/* \
             127.0.0.1:8080`."
        }
        SigningOn::TellTheHost => {
            "No `header_up Host` or `header_up X-Forwarded-Proto` in `reverse_proxy /.vestibule/* 127.0.0.1:8080`: Caddy \
             passes the one on and sets the other by itself."
        }
        SigningOn::KeepCookies => {
            "In `reverse_proxy /.vestibule/* 127.0.0.1:8080` no header_up of Cookie and no header_down of Set-Cookie, and \
             above it no `request_header Cookie`."
        }
    }
}
