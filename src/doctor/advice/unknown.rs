//! What must be so, for whoever knows how.

use super::{Asking, Passing, SigningOn};

pub(super) fn asking(duty: Asking) -> &'static str {
    match duty {
        Asking::AskTheGate => {
            "Have the proxy ask the gate before every request to this host. (--proxy NAME says which it is.)"
        }
        Asking::AskForEveryName => {
            "Have the proxy tell the gate the name of the site that serves the request, and answer no name that is \
             not configured."
        }
        Asking::TellTheUrl => {
            "Have the proxy set what it tells the gate of the request itself, and send nothing of the visitor's under \
             those names."
        }
        Asking::LeadToSignIn => "Have the proxy hand the gate's redirect on.",
        Asking::RefuseWebsockets => "Have the proxy hand the gate's 401 on.",
        Asking::WithoutBody => "Have the proxy ask the gate without the body.",
        Asking::HandOnTheCookie => "Have the proxy show the gate the visitor's cookies.",
        Asking::HideTheGate => "Have the proxy answer 404 for /gateway/ at the host of server.public_url.",
        Asking::EndWithAQuestionMark => "Have the proxy ask the gate without the visitor's query.",
    }
}

pub(super) fn passing(duty: Passing) -> &'static str {
    match duty {
        Passing::TellWho => {
            "Have the proxy copy Remote-User, -Email, -Name, -Groups and Vestibule-Assertion from the gate's answer \
             to the request."
        }
        Passing::ForgetWhoTheySayTheyAre => {
            "Have the proxy remove Remote-User, -Email, -Name, -Groups and Vestibule-Assertion, and every name with a \
             \"_\", from what visitors send."
        }
        Passing::RefuseConnection => "Have the proxy refuse a Connection header that names anything of ours.",
        Passing::ForgetWhereTheySayTheyAre => "Have the proxy remove or replace that header.",
        Passing::KeepTheCookie => "Have the proxy take the gate's cookie out before the app.",
        Passing::PassWebsockets => "Have the proxy pass Upgrade and Connection on.",
        Passing::PassBodies => "Have the proxy take larger bodies.",
        Passing::SetTheAddress => "Have the proxy replace X-Forwarded-For.",
    }
}

pub(super) fn signing_on(duty: SigningOn) -> &'static str {
    match duty {
        SigningOn::LeadToVestibule => {
            "Have the proxy lead /.vestibule/ of this host to Vestibule, and not ask the gate about it."
        }
        SigningOn::TellTheHost => {
            "Have the proxy hand the visitor's Host on at /.vestibule/, with its port, and set X-Forwarded-Proto."
        }
        SigningOn::KeepCookies => "Have the proxy hand Cookie and Set-Cookie on at /.vestibule/ as they are.",
    }
}
