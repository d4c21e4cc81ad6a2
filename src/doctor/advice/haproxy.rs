//! HAProxy.

use super::{Asking, Passing, SigningOn};

pub(super) fn asking(duty: Asking) -> &'static str {
    match duty {
        Asking::AskTheGate => {
            "`http-request lua.vestibule http://127.0.0.1:8080 if is_app` in the frontend, before the use_backend of \
             every app, with no rule above it that lets a request by."
        }
        Asking::AskForEveryName => {
            "An acl for each name, and none for the rest: `http-request reject unless is_auth or is_app`."
        }
        Asking::TellTheUrl => {
            "Have deploy/haproxy/vestibule.lua ask, with no http-request set-path or set-uri above it."
        }
        Asking::LeadToSignIn | Asking::RefuseWebsockets => {
            "Have deploy/haproxy/vestibule.lua ask: it hands the gate's whole answer to the visitor."
        }
        Asking::WithoutBody => "Have deploy/haproxy/vestibule.lua ask: it asks without a body.",
        Asking::HandOnTheCookie => "No `http-request del-header Cookie` above `http-request lua.vestibule`.",
        Asking::HideTheGate => {
            "`http-request return status 404 if is_auth { path,url_dec -m beg /gateway } !{ path /gateway/step-up.js \
             }` in the frontend."
        }
        Asking::EndWithAQuestionMark => "Ask `/gateway/forward-auth`, without the visitor's query.",
    }
}

pub(super) fn passing(duty: Passing) -> &'static str {
    match duty {
        Passing::TellWho => "No `http-request del-header` of Remote-… below `http-request lua.vestibule`.",
        Passing::ForgetWhoTheySayTheyAre | Passing::ForgetWhereTheySayTheyAre => {
            "Above whatever asks the gate: `http-request del-header \
             ^(remote|vestibule|x-forwarded|x-original|x-rewrite|x-real)[-_] -m reg`, `http-request del-header \
             Forwarded` and `http-request del-header _ -m sub`; vestibule.lua does it by itself."
        }
        Passing::RefuseConnection => {
            "`http-request deny deny_status 400 if { req.hdr(connection) -m reg -i (remote-|x-forwarded-|vestibule-) \
             }` in the frontend."
        }
        Passing::KeepTheCookie => "Have deploy/haproxy/vestibule.lua ask: it keeps the gate's cookie from the app.",
        Passing::PassWebsockets => {
            "`timeout tunnel 1h` in defaults, and no http-request del-header of Upgrade or Connection."
        }
        Passing::PassBodies => {
            "Longer `timeout client` and `timeout server`, and no http-request deny by req.body_size."
        }
        Passing::SetTheAddress => "`http-request set-header X-Forwarded-For %[src]`, never `option forwardfor` alone.",
    }
}

pub(super) fn signing_on(duty: SigningOn) -> &'static str {
    match duty {
        SigningOn::LeadToVestibule => {
            "In the frontend: `acl is_sign_on path_beg /.vestibule/`, `http-request lua.vestibule http://127.0.0.1:8080 \
             if is_app !is_sign_on`, and above the app's use_backend `use_backend vestibule if is_auth or is_app \
             is_sign_on`."
        }
        SigningOn::TellTheHost => {
            "In the backend vestibule: no `http-request set-header Host`, and `http-request set-header X-Forwarded-Proto \
             http` and `http-request set-header X-Forwarded-Proto https if { ssl_fc }`."
        }
        SigningOn::KeepCookies => {
            "In the frontend and the backend vestibule: no `http-request del-header Cookie`, no `cookie` line, and no \
             http-response that changes Set-Cookie."
        }
    }
}
