//! What to change, in the words of the proxy that is there: the line to write, and where it goes.
//!
//! The files of `deploy/` are what all of this comes from; whoever starts from them has every line of it.

use super::finding::{App, Door, Finding, House, Knock, Timepiece, Way};
use super::proxy::Proxy;
use super::tls::Fault;

/// Something that a proxy has to do, whatever it was that showed that it does not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Duty {
    AskTheGate,
    AskForEveryName,
    TellTheUrl,
    LeadToSignIn,
    RefuseWebsockets,
    WithoutBody,
    HandOnTheCookie,
    TellWho,
    ForgetWhoTheySayTheyAre,
    RefuseConnection,
    ForgetWhereTheySayTheyAre,
    KeepTheCookie,
    PassWebsockets,
    PassBodies,
    HideTheGate,
    SetTheAddress,
    EndWithAQuestionMark,
}

/// The remedy for a finding, for this proxy.
pub fn change(finding: &Finding, proxy: Proxy) -> String {
    match finding {
        Finding::Way(found) => on_the_way(found, proxy),
        Finding::House(found) => at_home(found, proxy),
        Finding::Door(found) => at_the_door(found, proxy),
        Finding::App(found) => towards_the_app(found, proxy).to_owned(),
    }
}

fn on_the_way(found: &Way, proxy: Proxy) -> String {
    match found {
        Way::Unreachable { .. } => {
            "Check the name's address, that the proxy listens there, and that nothing between here and there is in the way. \
             --resolve HOST=ADDRESS:PORT asks where a name does not lead yet.".to_owned()
        }
        Way::Certificate(fault) => certificate(fault).to_owned(),
        Way::CertificateEndsSoon { .. } => "See why it is not renewed, and renew it.".to_owned(),
        Way::InClear => in_clear(proxy).to_owned(),
        Way::ClockOff { whose, .. } => clock(*whose).to_owned(),
    }
}

fn at_home(found: &House, proxy: Proxy) -> String {
    match found {
        House::PortalSilent { .. } | House::PortalIsAnother => {
            "Have server.public_url name what people type, and the proxy lead that host to where server.listen is."
                .to_owned()
        }
        House::PortalNotReady => "Ask /readyz on the service's own machine: it says there what is missing.".to_owned(),
        House::GateAnswersPeople { .. } => duty(Duty::HideTheGate, proxy).to_owned(),
        House::AddressBelieved => {
            format!("{} And let server.trusted_proxies hold nothing but proxies.", duty(Duty::SetTheAddress, proxy))
        }
        House::EverybodyTrusted => "Write the proxies' own addresses: trusted_proxies = [\"10.0.0.2/32\"].".to_owned(),
        House::MailServer { .. } => "Then try `vestibule mail test you@example.com`.".to_owned(),
    }
}

fn at_the_door(found: &Door, proxy: Proxy) -> String {
    match found {
        Door::OpenDirectly { .. } => {
            "Let the app listen where the proxy alone gets to: 127.0.0.1 on the same machine, a network of their own, \
             or a firewall's rule."
                .to_owned()
        }
        Door::OpenToStrangers { .. } => format!(
            "{} If the proxy does ask, the service that runs has other rules than this configuration: \
             reload it.",
            duty(Duty::AskTheGate, proxy)
        ),
        Door::ClosedToEverybody => {
            "Reload the service, so that it has the rules of this configuration; and see that the proxy asks about the \
             URL that was asked for."
                .to_owned()
        }
        Door::GateRefuses { .. } => format!(
            "Add the proxy's address to server.trusted_proxies: the service's log names it where that is missing. If it is \
             there, the gate is not told the right URL. {}",
            duty(Duty::TellTheUrl, proxy)
        ),
        Door::PeerNotTrusted => {
            "Add the proxy's address to server.trusted_proxies: the service's log names it.".to_owned()
        }
        Door::GateBroken { .. } => format!(
            "See whether the service runs and the proxy has its address right. {}",
            duty(Duty::AskTheGate, proxy)
        ),
        Door::NotLedToSignIn => duty(Duty::LeadToSignIn, proxy).to_owned(),
        Door::NoWayBack | Door::CookieOutOfReach => {
            "Name a domain above this host and that of server.public_url in session.cookie_domains, and serve both by \
             https or both by http."
                .to_owned()
        }
        Door::WrongWayBack { .. } => duty(Duty::TellTheUrl, proxy).to_owned(),
        Door::WebsocketLedAway => duty(Duty::RefuseWebsockets, proxy).to_owned(),
        Door::PostStopped { how: Knock::LargePost, .. } => {
            format!("{} {}", duty(Duty::WithoutBody, proxy), duty(Duty::PassBodies, proxy))
        }
        Door::PostStopped { .. } => duty(Duty::WithoutBody, proxy).to_owned(),
        Door::VisitorBelieved { .. } => duty(Duty::TellTheUrl, proxy).to_owned(),
        Door::JudgedAsAnother { .. } => duty(Duty::AskForEveryName, proxy).to_owned(),
        Door::QueryReachesGate => duty(Duty::EndWithAQuestionMark, proxy).to_owned(),
    }
}

fn towards_the_app(found: &App, proxy: Proxy) -> &'static str {
    match found {
        App::SessionNotSeen => duty(Duty::HandOnTheCookie, proxy),
        App::IdentityMissing { .. } => duty(Duty::TellWho, proxy),
        App::IdentityForged { .. } => duty(Duty::ForgetWhoTheySayTheyAre, proxy),
        App::IdentityDropped { .. } => duty(Duty::RefuseConnection, proxy),
        App::SurroundingsForged { .. } => duty(Duty::ForgetWhereTheySayTheyAre, proxy),
        App::GateCookieHandedOn => duty(Duty::KeepTheCookie, proxy),
        App::WebsocketStopped { .. } => duty(Duty::PassWebsockets, proxy),
        App::BodyStopped { .. } => duty(Duty::PassBodies, proxy),
    }
}

fn certificate(fault: &Fault) -> &'static str {
    match fault {
        Fault::Expired => "Renew it, and see why that did not happen by itself.",
        Fault::NotYet => "Check the clock of this machine, and that of whoever made the certificate.",
        Fault::OtherName => {
            "Get one for this very name, or for a wildcard of its domain, and have the proxy show that."
        }
        Fault::UnknownAuthority => {
            "Have the proxy show the whole chain (fullchain.pem, not cert.pem). For an authority of your own: \
             --ca-file FILE."
        }
        Fault::Other(_) => "See that the proxy speaks TLS 1.2 or 1.3 on this port.",
    }
}

fn in_clear(proxy: Proxy) -> &'static str {
    match proxy {
        Proxy::Nginx => {
            "`listen 443 ssl;` with ssl_certificate and ssl_certificate_key, and `return 301 https://$host$request_uri;` on port 80."
        }
        Proxy::Caddy => "Leave `http://` out before the site's name: Caddy then fetches a certificate itself.",
        Proxy::HaProxy => {
            "`bind :443 ssl crt /etc/haproxy/certs/`, and `http-request redirect scheme https unless { ssl_fc }`."
        }
        Proxy::Apache => "`<VirtualHost *:443>` with `SSLEngine on` and SSLCertificateFile.",
        Proxy::Traefik => "Give the router `tls: {}` and the entry point `websecure`.",
        Proxy::Envoy => "Give the filter chain a transport_socket with the certificate.",
        Proxy::Unknown => "Serve it by https.",
    }
}

fn clock(whose: Timepiece) -> &'static str {
    match whose {
        Timepiece::Proxy => {
            "Run chrony or systemd-timesyncd where the proxy runs; or this machine's clock is the wrong one."
        }
        Timepiece::Service => {
            "Run chrony or systemd-timesyncd where the service runs; or this machine's clock is the wrong one."
        }
        Timepiece::Database => {
            "Run chrony or systemd-timesyncd where PostgreSQL runs; or this machine's clock is the wrong one."
        }
    }
}

fn duty(duty: Duty, proxy: Proxy) -> &'static str {
    match proxy {
        Proxy::Nginx => nginx(duty),
        Proxy::Caddy => caddy(duty),
        Proxy::HaProxy => haproxy(duty),
        Proxy::Apache => apache(duty),
        Proxy::Traefik => traefik(duty),
        Proxy::Envoy => envoy(duty),
        Proxy::Unknown => unknown(duty),
    }
}

fn nginx(duty: Duty) -> &'static str {
    match duty {
        Duty::AskTheGate => {
            "`auth_request /_vestibule;` at the level of the server block, so that it holds in every location, and no `auth_request off;` but in the gate's own two."
        }
        Duty::AskForEveryName => {
            "`proxy_set_header X-Original-URL $scheme://$server_name$request_uri;` with one name for each server block, never $http_host or $host; and a default server for all other names: `listen 80 default_server; return 444;`."
        }
        Duty::TellTheUrl => {
            "In `location = /_vestibule`: `proxy_set_header X-Original-URL $scheme://$server_name$request_uri;` (`$server_name:8443` on an unusual port), `proxy_set_header X-Original-Method $request_method;` and `proxy_set_header X-Forwarded-For $remote_addr;`."
        }
        Duty::LeadToSignIn => {
            "`auth_request_set $vestibule_login $upstream_http_location;` in the server block, `error_page 401 = @vestibule_login;` in the location, and `location @vestibule_login { auth_request off; return 302 $vestibule_login; }`."
        }
        Duty::RefuseWebsockets => {
            "In `location @vestibule_login`, before the redirect: `if ($http_upgrade) { return 401; }`."
        }
        Duty::WithoutBody => {
            "In `location = /_vestibule`: `proxy_pass_request_body off;` and `proxy_set_header Content-Length \"\";`."
        }
        Duty::HandOnTheCookie => "No `proxy_set_header Cookie …;` in `location = /_vestibule`.",
        Duty::TellWho => {
            "In the server block: `auth_request_set $vestibule_user $upstream_http_remote_user;` and `proxy_set_header Remote-User $vestibule_user;`, and so for -Email, -Name and -Groups. A location with a proxy_set_header of its own inherits none of them: repeat them there."
        }
        Duty::ForgetWhoTheySayTheyAre => {
            "In the server block, and again in every location that has a proxy_set_header of its own: `proxy_set_header Remote-User $vestibule_user;`, and so for -Email, -Name, -Groups and `Vestibule-Assertion`: an empty value takes the visitor's own away. And no `underscores_in_headers on;`."
        }
        Duty::RefuseConnection => {
            "`proxy_set_header Connection $vestibule_connection;` in the server block, with the map of deploy/nginx/vestibule.conf, never $http_connection."
        }
        Duty::ForgetWhereTheySayTheyAre => {
            "In the server block, and again in every location that has a proxy_set_header of its own: `proxy_set_header X-Forwarded-For $remote_addr;`, `proxy_set_header X-Forwarded-Host $server_name;`, `proxy_set_header X-Original-URL \"\";`, and so on for all that deploy/nginx/vestibule.conf names."
        }
        Duty::KeepTheCookie => {
            "`proxy_set_header Cookie $vestibule_app_cookies;` in the server block, with the maps of deploy/nginx/vestibule.conf."
        }
        Duty::PassWebsockets => {
            "`proxy_http_version 1.1;`, `proxy_set_header Upgrade $http_upgrade;` and `proxy_set_header Connection $vestibule_connection;` in the server block, and again in every location that has a proxy_set_header of its own."
        }
        Duty::PassBodies => "`client_max_body_size 100m;`, or what the app needs.",
        Duty::HideTheGate => "In the server block of server.public_url: `location /gateway/ { return 404; }`.",
        Duty::SetTheAddress => "`proxy_set_header X-Forwarded-For $remote_addr;`, never $proxy_add_x_forwarded_for.",
        Duty::EndWithAQuestionMark => "No `$is_args$args` in the proxy_pass of `location = /_vestibule`.",
    }
}

fn caddy(duty: Duty) -> &'static str {
    match duty {
        Duty::AskTheGate => {
            "`forward_auth 127.0.0.1:8080 { uri /gateway/forward-auth? … }` before the reverse_proxy, inside `route { }` and outside of any `handle` or matcher that this URL passes by."
        }
        Duty::AskForEveryName => {
            "Name the site's host, and have a site for all others: `http:// { abort }`. No header_up of Host or X-Forwarded-Host inside forward_auth."
        }
        Duty::TellTheUrl => {
            "Before forward_auth, inside `route { }`: `request_header -X-Forwarded-Method` and `request_header -X-Forwarded-Uri`; no header_up of X-Forwarded-… inside forward_auth, and no rewrite before it."
        }
        Duty::LeadToSignIn => "Have forward_auth ask `/gateway/forward-auth?`, not auth-request.",
        Duty::RefuseWebsockets => {
            "Have forward_auth ask `/gateway/forward-auth?`, and hand the visitor's Upgrade on to it."
        }
        Duty::WithoutBody => "Use forward_auth, which asks without a body, and not a reverse_proxy of your own.",
        Duty::HandOnTheCookie => {
            "Remove the gate's cookie after forward_auth and not before: inside `route { }` the order is kept."
        }
        Duty::TellWho => {
            "`copy_headers Remote-User Remote-Email Remote-Name Remote-Groups Vestibule-Assertion` inside forward_auth, and all of it inside `route { }`: otherwise Caddy removes the headers after it has set them."
        }
        Duty::ForgetWhoTheySayTheyAre => {
            "Inside `route { }`, before forward_auth: `request_header -*_*`, `request_header -Remote*` and `request_header -Vestibule*`."
        }
        Duty::RefuseConnection => {
            "First inside `route { }`: `@hop header_regexp Connection (?i)(remote-|x-forwarded-|vestibule-)` and `error @hop 400`."
        }
        Duty::ForgetWhereTheySayTheyAre => {
            "Inside `route { }`, before forward_auth: `request_header -*_*`, `request_header -X-Original*`, `request_header -X-Rewrite*`, `request_header -X-Forwarded-Method`, `request_header -X-Forwarded-Uri`, and so on for all that deploy/caddy/Caddyfile names."
        }
        Duty::KeepTheCookie => {
            "After forward_auth: `request_header Cookie \"()(__Secure-)?vestibule_gate=[^;]*(; *)?\" $1`."
        }
        Duty::PassWebsockets => {
            "No header_up or request_header that takes Upgrade or Connection away; Caddy passes websockets on by itself."
        }
        Duty::PassBodies => "Raise the `max_size` of request_body, or leave it out.",
        Duty::HideTheGate => "In the site of server.public_url, before the reverse_proxy: `respond /gateway/* 404`.",
        Duty::SetTheAddress => "No `trusted_proxies` that a visitor is in, and no header_up of X-Forwarded-For.",
        Duty::EndWithAQuestionMark => "`uri /gateway/forward-auth?`: with the \"?\" at its end nothing is appended.",
    }
}

fn haproxy(duty: Duty) -> &'static str {
    match duty {
        Duty::AskTheGate => {
            "`http-request lua.vestibule http://127.0.0.1:8080 if is_app` in the frontend, before the use_backend of every app, with no rule above it that lets a request by."
        }
        Duty::AskForEveryName => {
            "An acl for each name, and none for the rest: `http-request reject unless is_auth or is_app`."
        }
        Duty::TellTheUrl => "Have deploy/haproxy/vestibule.lua ask, with no http-request set-path or set-uri above it.",
        Duty::LeadToSignIn | Duty::RefuseWebsockets => {
            "Have deploy/haproxy/vestibule.lua ask: it hands the gate's whole answer to the visitor."
        }
        Duty::WithoutBody => "Have deploy/haproxy/vestibule.lua ask: it asks without a body.",
        Duty::HandOnTheCookie => "No `http-request del-header Cookie` above `http-request lua.vestibule`.",
        Duty::TellWho => "No `http-request del-header` of Remote-… below `http-request lua.vestibule`.",
        Duty::ForgetWhoTheySayTheyAre | Duty::ForgetWhereTheySayTheyAre => {
            "Above whatever asks the gate: `http-request del-header ^(remote|vestibule|x-forwarded|x-original|x-rewrite|x-real)[-_] -m reg`, `http-request del-header Forwarded` and `http-request del-header _ -m sub`; vestibule.lua does it by itself."
        }
        Duty::RefuseConnection => {
            "`http-request deny deny_status 400 if { req.hdr(connection) -m reg -i (remote-|x-forwarded-|vestibule-) }` in the frontend."
        }
        Duty::KeepTheCookie => "Have deploy/haproxy/vestibule.lua ask: it keeps the gate's cookie from the app.",
        Duty::PassWebsockets => {
            "`timeout tunnel 1h` in defaults, and no http-request del-header of Upgrade or Connection."
        }
        Duty::PassBodies => "Longer `timeout client` and `timeout server`, and no http-request deny by req.body_size.",
        Duty::HideTheGate => {
            "`http-request return status 404 if is_auth { path,url_dec -m beg /gateway }` in the frontend."
        }
        Duty::SetTheAddress => "`http-request set-header X-Forwarded-For %[src]`, never `option forwardfor` alone.",
        Duty::EndWithAQuestionMark => "Ask `/gateway/forward-auth`, without the visitor's query.",
    }
}

fn apache(duty: Duty) -> &'static str {
    match duty {
        Duty::AskTheGate => {
            "`LuaHookAccessChecker /etc/apache2/vestibule.lua check` and `SetEnvIf Request_URI \"^\" VESTIBULE=http://127.0.0.1:8080` in the virtual host itself, outside of any Location."
        }
        Duty::AskForEveryName => {
            "`UseCanonicalName On` with one ServerName for each virtual host, and a first virtual host for all other names with `Require all denied`."
        }
        Duty::TellTheUrl | Duty::LeadToSignIn | Duty::RefuseWebsockets | Duty::WithoutBody | Duty::HandOnTheCookie => {
            "Have deploy/apache/vestibule.lua ask, and let no RewriteRule come before it."
        }
        Duty::TellWho | Duty::KeepTheCookie => {
            "Have deploy/apache/vestibule.lua ask, and no RequestHeader that undoes what it sets."
        }
        Duty::ForgetWhoTheySayTheyAre | Duty::ForgetWhereTheySayTheyAre => {
            "Have deploy/apache/vestibule.lua ask: it takes them away. Or, for each: `RequestHeader unset Remote-User early`."
        }
        Duty::RefuseConnection => "Have deploy/apache/vestibule.lua ask: it refuses such a request.",
        Duty::PassWebsockets => "`ProxyPass \"/\" \"http://127.0.0.1:3000/\" nocanon upgrade=websocket`.",
        Duty::PassBodies => "A larger `LimitRequestBody`.",
        Duty::HideTheGate => {
            "In the virtual host of server.public_url: `ProxyPassMatch \"(?i)^/+gateway\" \"!\"` and `RedirectMatch 404 \"(?i)^/+gateway\"`."
        }
        Duty::SetTheAddress => "`ProxyAddHeaders Off` and `RequestHeader set X-Forwarded-For \"expr=%{REMOTE_ADDR}\"`.",
        Duty::EndWithAQuestionMark => "Ask `/gateway/forward-auth`, without the visitor's query.",
    }
}

fn traefik(duty: Duty) -> &'static str {
    match duty {
        Duty::AskTheGate => {
            "`middlewares: [forged, vestibule]` on every router of this host, and `address: http://127.0.0.1:8080/gateway/forward-auth` in the forwardAuth."
        }
        Duty::AskForEveryName => "A rule of Host(`app.example.com`) for each router, none of HostRegexp(`.*`).",
        Duty::TellTheUrl => {
            "`forwardedHeaders: {}` for the entry point, so that it trusts nobody's, and no replacePath before the forwardAuth."
        }
        Duty::LeadToSignIn | Duty::RefuseWebsockets => {
            "`address: http://127.0.0.1:8080/gateway/forward-auth`, and no authSigninURL."
        }
        Duty::WithoutBody => "No `forwardBody: true` in the forwardAuth.",
        Duty::HandOnTheCookie => "Name Cookie in authRequestHeaders, or leave that out.",
        Duty::TellWho => {
            "`authResponseHeaders: [Remote-User, Remote-Email, Remote-Name, Remote-Groups, Vestibule-Assertion]`."
        }
        Duty::ForgetWhoTheySayTheyAre => {
            "`authResponseHeaders: [Remote-User, Remote-Email, Remote-Name, Remote-Groups, Vestibule-Assertion]`, and `underscoreHeadersStrategy: reject` for the entry point."
        }
        Duty::RefuseConnection => "Traefik 3.7 or later: it cleans Connection up by itself.",
        Duty::ForgetWhereTheySayTheyAre => {
            "The middleware `forged` of deploy/traefik/dynamic.yml before the forwardAuth, and no insecure or trustedIPs under forwardedHeaders that a visitor is in."
        }
        Duty::KeepTheCookie => {
            "Traefik has no way of taking one cookie out of many. It opens the gate and nothing else; let apps that you do not trust have a domain of their own."
        }
        Duty::PassWebsockets => {
            "No headers middleware that sets Connection or Upgrade; Traefik passes websockets on by itself."
        }
        Duty::PassBodies => "A larger maxRequestBodyBytes of the buffering middleware.",
        Duty::HideTheGate => "In the rule of server.public_url: Host(`auth.example.com`) && !PathPrefix(`/gateway`).",
        Duty::SetTheAddress => "No `insecure: true` under the entry point's forwardedHeaders.",
        Duty::EndWithAQuestionMark => "No query in the forwardAuth's address.",
    }
}

fn envoy(duty: Duty) -> &'static str {
    match duty {
        Duty::AskTheGate => {
            "The ext_authz filter before the router, with no `disabled: true` for this route, and `failure_mode_allow: false`."
        }
        Duty::AskForEveryName => "A virtual host for each name, and none with `domains: [\"*\"]`.",
        Duty::TellTheUrl => {
            "`path_prefix: /gateway/ext-authz`, `normalize_path: false`, and `use_remote_address: true`."
        }
        Duty::LeadToSignIn | Duty::RefuseWebsockets => {
            "In allowed_headers: accept, x-requested-with, sec-websocket-key and the prefix sec-fetch-; and no allowed_client_headers."
        }
        Duty::WithoutBody => "No with_request_body in the ext_authz filter.",
        Duty::HandOnTheCookie => "`- exact: cookie` in allowed_headers.",
        Duty::TellWho => {
            "`allowed_upstream_headers: { patterns: [{ prefix: remote- }, { exact: vestibule-assertion }] }`."
        }
        Duty::ForgetWhoTheySayTheyAre | Duty::ForgetWhereTheySayTheyAre => {
            "The header_mutation of deploy/envoy/envoy.yaml under early_header_mutation_extensions, and `headers_with_underscores_action: DROP_HEADER`."
        }
        Duty::RefuseConnection => "A current Envoy: it takes Connection and what it names for itself.",
        Duty::KeepTheCookie => "The Lua filter of deploy/envoy/envoy.yaml after the ext_authz filter.",
        Duty::PassWebsockets => "`upgrade_configs: [{ upgrade_type: websocket }]`.",
        Duty::PassBodies => "A larger per_connection_buffer_limit_bytes, or no buffer filter.",
        Duty::HideTheGate => {
            "In the virtual host of server.public_url, first: a route for the prefix /gateway with `direct_response: { status: 404 }`."
        }
        Duty::SetTheAddress => "`use_remote_address: true`, and x-forwarded-for removed early.",
        Duty::EndWithAQuestionMark => "Nothing: the gate is asked about path and query there.",
    }
}

/// What must be so, for whoever knows how.
fn unknown(duty: Duty) -> &'static str {
    match duty {
        Duty::AskTheGate => {
            "Have the proxy ask the gate before every request to this host. (--proxy NAME says which it is.)"
        }
        Duty::AskForEveryName => {
            "Have the proxy tell the gate the name of the site that serves the request, and answer no name that is not configured."
        }
        Duty::TellTheUrl => {
            "Have the proxy set what it tells the gate of the request itself, and send nothing of the visitor's under those names."
        }
        Duty::LeadToSignIn => "Have the proxy hand the gate's redirect on.",
        Duty::RefuseWebsockets => "Have the proxy hand the gate's 401 on.",
        Duty::WithoutBody => "Have the proxy ask the gate without the body.",
        Duty::HandOnTheCookie => "Have the proxy show the gate the visitor's cookies.",
        Duty::TellWho => {
            "Have the proxy copy Remote-User, -Email, -Name, -Groups and Vestibule-Assertion from the gate's answer to the request."
        }
        Duty::ForgetWhoTheySayTheyAre => {
            "Have the proxy remove Remote-User, -Email, -Name, -Groups and Vestibule-Assertion, and every name with a \"_\", from what visitors send."
        }
        Duty::RefuseConnection => "Have the proxy refuse a Connection header that names anything of ours.",
        Duty::ForgetWhereTheySayTheyAre => "Have the proxy remove or replace that header.",
        Duty::KeepTheCookie => "Have the proxy take the gate's cookie out before the app.",
        Duty::PassWebsockets => "Have the proxy pass Upgrade and Connection on.",
        Duty::PassBodies => "Have the proxy take larger bodies.",
        Duty::HideTheGate => "Have the proxy answer 404 for /gateway/ at the host of server.public_url.",
        Duty::SetTheAddress => "Have the proxy replace X-Forwarded-For.",
        Duty::EndWithAQuestionMark => "Have the proxy ask the gate without the visitor's query.",
    }
}
