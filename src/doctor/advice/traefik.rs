//! Traefik.

use super::{Asking, Passing, SigningOn};

pub(super) fn asking(duty: Asking) -> &'static str {
    match duty {
        Asking::AskTheGate => {
            "`middlewares: [forged, vestibule]` on every router of this host, and `address: \
             http://127.0.0.1:8080/gateway/forward-auth` in the forwardAuth."
        }
        Asking::AskForEveryName => "A rule of Host(`app.example.com`) for each router, none of HostRegexp(`.*`).",
        Asking::TellTheUrl => {
            "`forwardedHeaders: {}` for the entry point, so that it trusts nobody's, and no replacePath before the \
             forwardAuth."
        }
        Asking::LeadToSignIn | Asking::RefuseWebsockets => {
            "`address: http://127.0.0.1:8080/gateway/forward-auth`, no authSigninURL, and Accept, Sec-Fetch-Mode and \
             Sec-Fetch-Dest in authRequestHeaders, or leave that out."
        }
        Asking::WithoutBody => "No `forwardBody: true` in the forwardAuth.",
        Asking::HandOnTheCookie => "Name Cookie in authRequestHeaders, or leave that out.",
        Asking::HideTheGate => {
            "The rule of server.public_url: Host(`auth.example.com`) && (!PathPrefix(`/gateway`) || \
             Path(`/gateway/step-up.js`))."
        }
        Asking::EndWithAQuestionMark => "No query in the forwardAuth's address.",
    }
}

pub(super) fn passing(duty: Passing) -> &'static str {
    match duty {
        Passing::TellWho => {
            "`authResponseHeaders: [Remote-User, Remote-Email, Remote-Name, Remote-Groups, Vestibule-Assertion]`."
        }
        Passing::ForgetWhoTheySayTheyAre => {
            "`authResponseHeaders: [Remote-User, Remote-Email, Remote-Name, Remote-Groups, Vestibule-Assertion]`, the \
             middleware `forged` of deploy/traefik/dynamic.yml before the forwardAuth, and `aliasHeadersStrategy: \
             delete` for the entry point (3.7 or later)."
        }
        Passing::RefuseConnection => "Traefik 3.7 or later: it cleans Connection up by itself.",
        Passing::ForgetWhereTheySayTheyAre => {
            "The middleware `forged` of deploy/traefik/dynamic.yml before the forwardAuth, `aliasHeadersStrategy: \
             delete` for the entry point, and no insecure or trustedIPs under forwardedHeaders that a visitor is in."
        }
        Passing::KeepTheCookie => {
            "Traefik has no way of taking one cookie out of many. It opens the gate and nothing else; let apps that \
             you do not trust have a domain of their own."
        }
        Passing::PassWebsockets => {
            "No headers middleware that sets Connection or Upgrade; Traefik passes websockets on by itself."
        }
        Passing::PassBodies => "A larger maxRequestBodyBytes of the buffering middleware.",
        Passing::SetTheAddress => "No `insecure: true` under the entry point's forwardedHeaders.",
    }
}

pub(super) fn signing_on(duty: SigningOn) -> &'static str {
    match duty {
        SigningOn::LeadToVestibule => {
            "A router of its own, without middlewares: `app-sign-on: { rule: Host(`app.example.com`) && \
             PathPrefix(`/.vestibule/`), priority: 2000, service: vestibule }`."
        }
        SigningOn::TellTheHost => {
            "No `passHostHeader: false` in the loadBalancer of the service vestibule, no middleware on its router \
             app-sign-on, and `forwardedHeaders: {}` for the entry point."
        }
        SigningOn::KeepCookies => "No middleware on the router app-sign-on that changes Cookie or Set-Cookie.",
    }
}
