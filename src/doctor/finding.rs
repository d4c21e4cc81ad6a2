//! Everything that the doctor can find, and why each matters. What to change is in [`super::advice`].

use super::tls::Fault;

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Finding {
    Way(Way),
    House(House),
    Door(Door),
    SignOn(SignOn),
    App(App),
}

/// On the way there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Way {
    Unreachable { why: String },
    Certificate(Fault),
    CertificateEndsSoon { days: i64 },
    InClear,
    ClockOff { whose: Timepiece, seconds: i64 },
}

/// On our own side.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum House {
    PortalSilent { why: String },
    PortalIsAnother,
    PortalNotReady,
    GateAnswersPeople { path: &'static str },
    AddressBelieved,
    AddressLost,
    EverybodyTrusted,
    MailServer { why: String },
}

/// At the door, and in what a visitor writes about his request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Door {
    OpenDirectly { status: u16 },
    OpenToStrangers { how: Knock, status: u16 },
    ClosedToEverybody,
    GateRefuses { status: u16 },
    PeerNotTrusted,
    GateBroken { status: u16 },
    NotLedToSignIn,
    NoWayBack,
    WrongWayBack { to: String },
    CookieOutOfReach,
    WebsocketLedAway,
    PostStopped { how: Knock, why: String },
    VisitorBelieved { header: String },
    JudgedAsAnother { host: String },
    QueryReachesGate,
}

/// At `/.vestibule/` of a host that no cookie of the portal's reaches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SignOn {
    Missing { path: &'static str, status: u16 },
    Judged,
    Misaddressed { status: u16 },
    Elsewhere { to: String },
    CookieLost { why: &'static str },
}

/// In what the app is told, and in what reaches it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum App {
    SessionNotSeen,
    IdentityMissing { got: Option<String> },
    IdentityForged { header: String },
    IdentityDropped { header: String },
    SurroundingsForged { header: String },
    GateCookieHandedOn,
    WebsocketStopped { status: u16 },
    BodyStopped { how: Knock, why: String },
}

impl From<Way> for Finding {
    fn from(found: Way) -> Self {
        Self::Way(found)
    }
}

impl From<House> for Finding {
    fn from(found: House) -> Self {
        Self::House(found)
    }
}

impl From<Door> for Finding {
    fn from(found: Door) -> Self {
        Self::Door(found)
    }
}

impl From<SignOn> for Finding {
    fn from(found: SignOn) -> Self {
        Self::SignOn(found)
    }
}

impl From<App> for Finding {
    fn from(found: App) -> Self {
        Self::App(found)
    }
}

/// Whose clock it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Timepiece {
    Proxy,
    Service,
    Database,
}

/// How somebody came to the door.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Knock {
    Get,
    Post,
    LargePost,
    /// With `Expect: 100-continue`.
    PolitePost,
    Websocket,
}

impl Timepiece {
    fn of_whom(self) -> &'static str {
        match self {
            Self::Proxy => "The proxy's clock",
            Self::Service => "The service's clock",
            Self::Database => "PostgreSQL's clock",
        }
    }
}

impl Knock {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Get => "a plain GET",
            Self::Post => "a POST with a body",
            Self::LargePost => "a POST with a large body",
            Self::PolitePost => "a POST with Expect: 100-continue",
            Self::Websocket => "a websocket",
        }
    }
}

impl Finding {
    /// The stable word, for scripts and for docs/doctor.md.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Way(found) => found.code(),
            Self::House(found) => found.code(),
            Self::Door(found) => found.code(),
            Self::SignOn(found) => found.code(),
            Self::App(found) => found.code(),
        }
    }

    /// What is wrong, in a sentence.
    pub fn what(&self) -> String {
        match self {
            Self::Way(found) => found.what(),
            Self::House(found) => found.what(),
            Self::Door(found) => found.what(),
            Self::SignOn(found) => found.what(),
            Self::App(found) => found.what(),
        }
    }

    /// Why it matters.
    pub fn why(&self) -> &'static str {
        match self {
            Self::Way(found) => found.why(),
            Self::House(found) => found.why(),
            Self::Door(found) => found.why(),
            Self::SignOn(found) => found.why(),
            Self::App(found) => found.why(),
        }
    }
}

impl Way {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Certificate(Fault::Expired) => "certificate_expired",
            Self::Certificate(Fault::NotYet) => "certificate_not_yet_valid",
            Self::Certificate(Fault::OtherName) => "certificate_for_another_name",
            Self::Certificate(Fault::UnknownAuthority) => "certificate_not_trusted",
            Self::Certificate(Fault::Other(_)) => "tls_fails",
            Self::CertificateEndsSoon { .. } => "certificate_ends_soon",
            Self::InClear => "in_clear",
            Self::ClockOff { .. } => "clock_off",
        }
    }

    fn what(&self) -> String {
        match self {
            Self::Unreachable { why } => format!("There is no answer: {why}."),
            Self::Certificate(fault) => format!("Browsers warn people away: {fault}."),
            Self::CertificateEndsSoon { days } => format!("The certificate ends in {days} days."),
            Self::InClear => "This is plain http.".to_owned(),
            Self::ClockOff { whose, seconds } => {
                let (by, way) = (seconds.unsigned_abs(), if *seconds > 0 { "ahead of" } else { "behind" });
                format!("{} is {by} seconds {way} this machine's.", whose.of_whom())
            }
        }
    }

    fn why(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "Nothing else about it can be checked.",
            Self::Certificate(_) => {
                "Who clicks the warning away can be read and impersonated by whoever sits in between."
            }
            Self::CertificateEndsSoon { .. } => "From then on browsers warn everybody away, from the sign-in page too.",
            Self::InClear => {
                "Whoever sits in between reads passwords and cookies, or the browser does not send them at all."
            }
            Self::ClockOff { .. } => {
                "Codes of authenticator apps, sign-ons by SAML and signed assertions are good for a minute or so, and \
                 then seem to have run out or not to have begun."
            }
        }
    }
}

impl House {
    fn code(&self) -> &'static str {
        match self {
            Self::PortalSilent { .. } => "portal_silent",
            Self::PortalIsAnother => "portal_is_another",
            Self::PortalNotReady => "portal_not_ready",
            Self::GateAnswersPeople { .. } => "gate_answers_people",
            Self::AddressBelieved => "address_believed",
            Self::AddressLost => "address_lost",
            Self::EverybodyTrusted => "everybody_trusted",
            Self::MailServer { .. } => "mail_server",
        }
    }

    fn what(&self) -> String {
        match self {
            Self::PortalSilent { why } => {
                format!("Nobody can sign in, because server.public_url gives no answer: {why}.")
            }
            Self::PortalIsAnother => "Somebody else than Vestibule answers at server.public_url.".to_owned(),
            Self::PortalNotReady => "The service says that it is not ready.".to_owned(),
            Self::GateAnswersPeople { path } => format!("Anybody can ask the gate itself, at {path}."),
            Self::AddressBelieved => "A visitor's own X-Forwarded-For is believed.".to_owned(),
            Self::AddressLost => "The proxy does not tell the service who is calling.".to_owned(),
            Self::EverybodyTrusted => "server.trusted_proxies names every address there is.".to_owned(),
            Self::MailServer { why } => format!("No letter goes out: {}.", why.trim_end_matches('.')),
        }
    }

    fn why(&self) -> &'static str {
        match self {
            Self::PortalSilent { .. } | Self::PortalIsAnother => "Every way to sign in leads there.",
            Self::PortalNotReady => "Its database is out of reach or out of date, or letters are overdue.",
            Self::GateAnswersPeople { .. } => {
                "The proxy is trusted, so a stranger can ask through it in its name, and try cookies and keys out."
            }
            Self::AddressBelieved => {
                "Anybody can pretend to come from anywhere: waits after failures, rules for networks and the log go \
                 by the address."
            }
            Self::AddressLost => {
                "The service takes everybody for the proxy: whoever fails to sign in makes all others wait, and rules \
                 for networks let all in or none."
            }
            Self::EverybodyTrusted => "Any client can claim any address and ask the gate about any URL.",
            Self::MailServer { .. } => {
                "Nobody can confirm an address, or get back in without the password. Letters wait for a day."
            }
        }
    }
}

impl Door {
    fn code(&self) -> &'static str {
        match self {
            Self::OpenDirectly { .. } => "open_directly",
            Self::OpenToStrangers { .. } => "open_to_strangers",
            Self::ClosedToEverybody => "closed_to_everybody",
            Self::GateRefuses { .. } => "gate_refuses",
            Self::PeerNotTrusted => "peer_not_trusted",
            Self::GateBroken { .. } => "gate_broken",
            Self::NotLedToSignIn => "not_led_to_sign_in",
            Self::NoWayBack => "no_way_back",
            Self::WrongWayBack { .. } => "wrong_way_back",
            Self::CookieOutOfReach => "cookie_out_of_reach",
            Self::WebsocketLedAway => "websocket_led_away",
            Self::PostStopped { .. } => "post_stopped",
            Self::VisitorBelieved { .. } => "visitor_believed",
            Self::JudgedAsAnother { .. } => "judged_as_another",
            Self::QueryReachesGate => "query_reaches_gate",
        }
    }

    fn what(&self) -> String {
        match self {
            Self::OpenDirectly { status } => format!("The app answers past the proxy and the gate, with {status}."),
            Self::OpenToStrangers { how, status } => format!(
                "{} without a session gets {status} from somebody behind the gate, where the rules stop strangers.",
                capital(how.words())
            ),
            Self::ClosedToEverybody => "The rules open this to everybody, and strangers are stopped.".to_owned(),
            Self::GateRefuses { status } => {
                format!("Strangers are refused ({status}), where the rules would have them sign in.")
            }
            Self::PeerNotTrusted => "The service does not trust the proxy that asks it.".to_owned(),
            Self::GateBroken { status } => format!("The gate does not work: the proxy answers {status}."),
            Self::NotLedToSignIn => "A person without a session sees a bare 401 and no way to sign in.".to_owned(),
            Self::NoWayBack => "Who has signed in is not led back.".to_owned(),
            Self::WrongWayBack { to } => format!("Who has signed in is led to {to}, which is not what they asked for."),
            Self::CookieOutOfReach => "The gate's cookie does not reach this host.".to_owned(),
            Self::WebsocketLedAway => "A websocket without a session is redirected.".to_owned(),
            Self::PostStopped { how, why } => {
                format!("{} without a session is not sent to sign in: {why}.", capital(how.words()))
            }
            Self::VisitorBelieved { header } => format!("A visitor's own {header} changes what the gate decides."),
            Self::JudgedAsAnother { host } => format!("A request for this app is judged as one for {host}."),
            Self::QueryReachesGate => {
                "The visitor's query is appended to the question that the gate is asked.".to_owned()
            }
        }
    }

    fn why(&self) -> &'static str {
        match self {
            Self::OpenDirectly { .. } => "Whoever finds that address needs no account, and can claim to be anybody.",
            Self::OpenToStrangers { .. } => "The app is not protected.",
            Self::ClosedToEverybody => {
                "People cannot get in, or the service that runs has other rules than this configuration."
            }
            Self::GateRefuses { .. } => "Nobody can sign in for this app.",
            Self::PeerNotTrusted => "The gate answers 403 to whatever it asks, so nobody gets in.",
            Self::GateBroken { .. } => "Nobody gets in.",
            Self::NotLedToSignIn => {
                "They do not know what to do. (For programs a 401 is right: --for-programs says that these URLs are \
                 theirs.)"
            }
            Self::NoWayBack => "They have signed in and are not where they wanted to be.",
            Self::WrongWayBack { .. } => "The gate judges, and leads back to, another URL than the one that is served.",
            Self::CookieOutOfReach => "People sign in, come back, and are asked to sign in again, for ever.",
            Self::WebsocketLedAway => "No client follows; a 401 would tell it that the session is over.",
            Self::PostStopped { .. } => {
                "A form that meets an ended session hangs or shows an error, and what was typed is gone."
            }
            Self::VisitorBelieved { .. } => {
                "A visitor can be judged by a rule that is more open than the one for what he gets."
            }
            Self::JudgedAsAnother { .. } => "A visitor picks the most open rule of all hosts, and gets this app.",
            Self::QueryReachesGate => {
                "The gate takes nothing from a query; but what a visitor writes does not belong into the question."
            }
        }
    }
}

impl SignOn {
    fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "sign_on_missing",
            Self::Judged => "sign_on_judged",
            Self::Misaddressed { .. } => "sign_on_misaddressed",
            Self::Elsewhere { .. } => "sign_on_elsewhere",
            Self::CookieLost { .. } => "sign_on_cookie_lost",
        }
    }

    fn what(&self) -> String {
        match self {
            Self::Missing { path, status } => {
                format!("{path} at this host does not lead to Vestibule: somebody else answers, with {status}.")
            }
            Self::Judged => {
                "The gate is asked about /.vestibule/ as if it were the app's, and leads to /.vestibule/ again."
                    .to_owned()
            }
            Self::Misaddressed { status } => format!(
                "At /.vestibule/ Vestibule is told another Host or X-Forwarded-Proto than the visitor's, and answers \
                 {status}."
            ),
            Self::Elsewhere { to } => format!("The way to sign in leads to {to}, which is not server.public_url."),
            Self::CookieLost { why } => {
                format!("What knows the browser again that has begun to sign in is lost: {why}.")
            }
        }
    }

    fn why(&self) -> &'static str {
        match self {
            Self::Missing { .. } | Self::Misaddressed { .. } => {
                "This host is under another domain than the sign-in page, and nobody can sign in there by another way."
            }
            Self::Judged => "Whoever would sign in goes round in circles.",
            Self::Elsewhere { .. } => "Another service, or one with another configuration, signs people in.",
            Self::CookieLost { .. } => {
                "Nobody gets in, or a sibling host can have its own session taken for that of the visitor."
            }
        }
    }
}

impl App {
    fn code(&self) -> &'static str {
        match self {
            Self::SessionNotSeen => "session_not_seen",
            Self::IdentityMissing { .. } => "identity_missing",
            Self::IdentityForged { .. } => "identity_forged",
            Self::IdentityDropped { .. } => "identity_dropped",
            Self::SurroundingsForged { .. } => "surroundings_forged",
            Self::GateCookieHandedOn => "gate_cookie_handed_on",
            Self::WebsocketStopped { .. } => "websocket_stopped",
            Self::BodyStopped { .. } => "body_stopped",
        }
    }

    fn what(&self) -> String {
        match self {
            Self::SessionNotSeen => "A signed-in person is taken for a stranger.".to_owned(),
            Self::IdentityMissing { got: None } => "The app is not told who has signed in.".to_owned(),
            Self::IdentityMissing { got: Some(got) } => {
                format!("The app is told that {got:?} has signed in, who has not.")
            }
            Self::IdentityForged { header } => format!("The app believes a {header} that the visitor has written."),
            Self::IdentityDropped { header } => {
                format!("\"Connection: {header}\" takes {header} away from what the app is told, here or one proxy on.")
            }
            Self::SurroundingsForged { header } => format!("A {header} that the visitor has written reaches the app."),
            Self::GateCookieHandedOn => "The app's server is handed the cookie that opens the gate.".to_owned(),
            Self::WebsocketStopped { status } => format!("A signed-in person's websocket does not open: {status}."),
            Self::BodyStopped { how, why } => {
                format!("{} by a signed-in person does not reach the app: {why}.", capital(how.words()))
            }
        }
    }

    fn why(&self) -> &'static str {
        match self {
            Self::SessionNotSeen => "People sign in, come back, and are asked to sign in again, for ever.",
            Self::IdentityMissing { .. } => "The app takes everybody for nobody, or for somebody of that name.",
            Self::IdentityForged { .. } => "Anybody can be anybody there.",
            Self::IdentityDropped { .. } => {
                "The app sees a request with half an identity: groups without a person, say."
            }
            Self::SurroundingsForged { .. } => {
                "Many apps go by it: for the address in their log, for links they mail, for the path that they serve."
            }
            Self::GateCookieHandedOn => {
                "Whoever reads that server's log or memory can come in to every other app as that person."
            }
            Self::WebsocketStopped { .. } => "What is live in the app is not.",
            Self::BodyStopped { .. } => "Uploads and forms fail.",
        }
    }
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
