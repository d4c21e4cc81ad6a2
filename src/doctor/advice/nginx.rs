//! nginx.

use super::{Asking, Passing, SigningOn};

pub(super) fn asking(duty: Asking) -> &'static str {
    match duty {
        Asking::AskTheGate => {
            "`auth_request /_vestibule;` at the level of the server block, so that it holds in every location, and no \
             `auth_request off;` but in the gate's own two."
        }
        Asking::AskForEveryName => {
            "`proxy_set_header X-Original-URL $scheme://$server_name$request_uri;` with one name for each server \
             block, never $http_host or $host; and a default server for all other names: `listen 80 default_server; \
             return 444;`."
        }
        Asking::TellTheUrl => {
            "In `location = /_vestibule`: `proxy_set_header X-Original-URL $scheme://$server_name$request_uri;` \
             (`$server_name:8443` on an unusual port), `proxy_set_header X-Original-Method $request_method;` and \
             `proxy_set_header X-Forwarded-For $remote_addr;`."
        }
        Asking::LeadToSignIn => {
            "`auth_request_set $vestibule_login $upstream_http_location;` in the server block, `error_page 401 = \
             @vestibule_login;` in the location, and `location @vestibule_login { auth_request off; return 302 \
             $vestibule_login; }`."
        }
        Asking::RefuseWebsockets => {
            "In `location @vestibule_login`, before the redirect: `if ($http_upgrade) { return 401; }`."
        }
        Asking::WithoutBody => {
            "In `location = /_vestibule`: `proxy_pass_request_body off;` and `proxy_set_header Content-Length \"\";`."
        }
        Asking::HandOnTheCookie => "No `proxy_set_header Cookie …;` in `location = /_vestibule`.",
        Asking::HideTheGate => {
            "In the server block of server.public_url: `location /gateway/ { return 404; }`, and for the script of \
             apps `location = /gateway/step-up.js { proxy_pass http://vestibule/gateway/step-up.js; }`."
        }
        Asking::EndWithAQuestionMark => "No `$is_args$args` in the proxy_pass of `location = /_vestibule`.",
    }
}

pub(super) fn passing(duty: Passing) -> &'static str {
    match duty {
        Passing::TellWho => {
            "In the server block: `auth_request_set $vestibule_user $upstream_http_remote_user;` and \
             `proxy_set_header Remote-User $vestibule_user;`, and so for -Email, -Name and -Groups. A location with a \
             proxy_set_header of its own inherits none of them: repeat them there."
        }
        Passing::ForgetWhoTheySayTheyAre => {
            "In the server block, and again in every location that has a proxy_set_header of its own: \
             `proxy_set_header Remote-User $vestibule_user;`, and so for -Email, -Name, -Groups and \
             `Vestibule-Assertion`: an empty value takes the visitor's own away. And no `underscores_in_headers on;`."
        }
        Passing::RefuseConnection => {
            "`proxy_set_header Connection $vestibule_connection;` in the server block, with the map of \
             deploy/nginx/vestibule.conf, never $http_connection."
        }
        Passing::ForgetWhereTheySayTheyAre => {
            "In the server block, and again in every location that has a proxy_set_header of its own: \
             `proxy_set_header X-Forwarded-For $remote_addr;`, `proxy_set_header X-Forwarded-Host $server_name;`, \
             `proxy_set_header X-Original-URL \"\";`, and so on for all that deploy/nginx/vestibule.conf names."
        }
        Passing::KeepTheCookie => {
            "`proxy_set_header Cookie $vestibule_app_cookies;` in the server block, with the maps of \
             deploy/nginx/vestibule.conf."
        }
        Passing::PassWebsockets => {
            "`proxy_http_version 1.1;`, `proxy_set_header Upgrade $http_upgrade;` and `proxy_set_header Connection \
             $vestibule_connection;` in the server block, and again in every location that has a proxy_set_header of \
             its own."
        }
        Passing::PassBodies => "`client_max_body_size 100m;`, or what the app needs.",
        Passing::SetTheAddress => "`proxy_set_header X-Forwarded-For $remote_addr;`, never $proxy_add_x_forwarded_for.",
    }
}

pub(super) fn signing_on(duty: SigningOn) -> &'static str {
    match duty {
        SigningOn::LeadToVestibule => {
            "In the server block of the app: `location ^~ /.vestibule/ { auth_request off; proxy_pass http://vestibule; \
             proxy_set_header Connection \"\"; proxy_set_header Host $public_host; proxy_set_header X-Request-Id \
             $request_id; proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme; }`, \
             with `set $public_host $server_name;` above it (`$server_name:8443` on an unusual port)."
        }
        SigningOn::TellTheHost => {
            "In `location ^~ /.vestibule/`: `proxy_set_header Host $public_host;` and `proxy_set_header X-Forwarded-Proto \
             $scheme;`, with `set $public_host $server_name;` in the server block (`$server_name:8443` on an unusual \
             port)."
        }
        SigningOn::KeepCookies => {
            "In `location ^~ /.vestibule/`: a `proxy_set_header` of its own, so that it inherits no `proxy_set_header \
             Cookie`; and no proxy_cookie_domain, proxy_cookie_path or `proxy_hide_header Set-Cookie`."
        }
    }
}
