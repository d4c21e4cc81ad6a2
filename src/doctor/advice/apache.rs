//! Apache.

use super::{Asking, Passing, SigningOn};

pub(super) fn asking(duty: Asking) -> &'static str {
    match duty {
        Asking::AskTheGate => {
            "`LuaHookAccessChecker /etc/apache2/vestibule.lua check` and `SetEnvIf Request_URI \"^\" \
             VESTIBULE=http://127.0.0.1:8080` in the virtual host itself, outside of any Location."
        }
        Asking::AskForEveryName => {
            "`UseCanonicalName On` with one ServerName for each virtual host, and a first virtual host for all other \
             names with `Require all denied`."
        }
        Asking::TellTheUrl
        | Asking::LeadToSignIn
        | Asking::RefuseWebsockets
        | Asking::WithoutBody
        | Asking::HandOnTheCookie => "Have deploy/apache/vestibule.lua ask, and let no RewriteRule come before it.",
        Asking::HideTheGate => {
            "In the virtual host of server.public_url, below the ProxyPassMatch for the script of deploy/apache/\
             vestibule.conf: `ProxyPassMatch \"(?i)^/+gateway\" \"!\"` and `RedirectMatch 404 \
             \"(?i)^/+gateway(?!/step-up\\.js$)\"`."
        }
        Asking::EndWithAQuestionMark => "Ask `/gateway/forward-auth`, without the visitor's query.",
    }
}

pub(super) fn passing(duty: Passing) -> &'static str {
    match duty {
        Passing::TellWho | Passing::KeepTheCookie => {
            "Have deploy/apache/vestibule.lua ask, and no RequestHeader that undoes what it sets."
        }
        Passing::ForgetWhoTheySayTheyAre | Passing::ForgetWhereTheySayTheyAre => {
            "Have deploy/apache/vestibule.lua ask: it takes them away. Or, for each: `RequestHeader unset Remote-User \
             early`."
        }
        Passing::RefuseConnection => "Have deploy/apache/vestibule.lua ask: it refuses such a request.",
        Passing::PassWebsockets => "`ProxyPass \"/\" \"http://127.0.0.1:3000/\" nocanon upgrade=websocket`.",
        Passing::PassBodies => "A larger `LimitRequestBody`.",
        Passing::SetTheAddress => {
            "`ProxyAddHeaders Off` and `RequestHeader set X-Forwarded-For \"expr=%{REMOTE_ADDR}\"`."
        }
    }
}

pub(super) fn signing_on(duty: SigningOn) -> &'static str {
    match duty {
        SigningOn::LeadToVestibule => {
            "In the virtual host of the app, above its `ProxyPass \"/\"`: `ProxyPass \"/.vestibule/\" \
             \"http://127.0.0.1:8080/.vestibule/\" nocanon`; deploy/apache/vestibule.lua asks nobody about what goes \
             there."
        }
        SigningOn::TellTheHost => {
            "In the virtual host of the app: `ProxyPreserveHost On`, and `LuaHookAccessChecker \
             /etc/apache2/vestibule.lua check`, which sets X-Forwarded-Proto."
        }
        SigningOn::KeepCookies => {
            "In the virtual host of the app: no ProxyPassReverseCookieDomain or -Path, no `RequestHeader` of Cookie and no \
             `Header` of Set-Cookie."
        }
    }
}
