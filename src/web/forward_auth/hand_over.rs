//! Signing on at an app's host that no cookie of the portal's reaches, by way of `/.vestibule/` there: a path that the
//! proxy routes to us, in front of the gate.
//!
//! [`start`] gives the browser a secret for this host alone (the **binding**) and sends it to the portal with the digest
//! of it. The portal knows who that is, and sends it back with a **code** ([`crate::sessions::finish_hand_over`]) to
//! [`finish`], which gives it a gate cookie for this host alone and lets it go on to where it was going.
//!
//! That is a GET by which a token is made, as there is at the end of every sign-on that crosses domains (RFC 6749,
//! section 4.1.2): a redirect is the only thing that carries anything from one site to another. What makes it safe is
//! that somebody else's page cannot complete it. A code is good once, for a minute, and with the binding alone. A
//! stranger who has a code for a session of his own cannot put it into another's browser, which has no such binding;
//! one who sends somebody to the portal with a digest of his own gets nothing, because the code goes to the browser
//! that was sent, and is refused there. Over https the binding's name begins with `__Host-`, so that no sibling host
//! can put one in.
//!
//! Nothing goes round in circles: a browser that does not bring the binding is told so and stops, and so is one that
//! comes to begin with a gate cookie that is good, because then the gate has not been shown it. Where the gate itself is
//! asked about one of these addresses, the proxy does not route them, and the gate says so.

use actix_web::cookie::Cookie;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::answer::{self, LONGEST_LOCATION, NO_STORE};
use super::{Check, Gate, family, forward, not_understood, require_proxy, visitor, with_question};
use crate::app::App;
use crate::gateway::forwarded::Parts;
use crate::gateway::{NOT_ASKED, Request, SIGN_ON, SIGN_ON_ENDS};
use crate::kernel::{Digest, Origin, ReturnTo, Token};
use crate::sessions::{Bearer, GateCookie, Handed, HandedOver, finish_hand_over};
use crate::web::cookies::{self, Kind};
use crate::web::errand::HAND_OVER;
use crate::web::failure::Failure;
use crate::web::layers;

/// Where a browser begins, at the app's host.
pub const START: &str = SIGN_ON;

/// Where it comes with its code.
pub const FINISH: &str = SIGN_ON_ENDS;

/// In the query of [`START`]: for somebody who is signed in there.
const AGAIN: &str = "again";

/// What belongs to us at an app's host. Nobody is led back there.
const OURS: &str = "/.vestibule/";

/// How long somebody may take to sign in at the portal.
const BINDING_TTL: TimeDelta = TimeDelta::minutes(10);

/// Pages that a browser opens all at once begin with a binding each, and there must be an end to them.
const MOST_BINDINGS: usize = 16;

/// `GET /.vestibule/start?return_to=…`, at the host of an app
pub async fn start(request: HttpRequest, gate: web::Data<Gate>) -> HttpResponse {
    layers::around_handler(&gate.app, &request, async |arrival| {
        let check = Check { gate: &gate, request: &request, arrival };
        let answer = try_start(&check).await.unwrap_or_else(|failure| answer::refuse(&check, &failure));
        with_question(NOT_ASKED, answer)
    })
    .await
}

/// `GET /.vestibule/finish?code=…`, at the host of an app
pub async fn finish(request: HttpRequest, gate: web::Data<Gate>) -> HttpResponse {
    layers::around_handler(&gate.app, &request, async |arrival| {
        let check = Check { gate: &gate, request: &request, arrival };
        let answer = try_finish(&check).await.unwrap_or_else(|failure| answer::refuse(&check, &failure));
        with_question(NOT_ASKED, answer)
    })
    .await
}

async fn try_start(check: &Check<'_>) -> Result<HttpResponse, Failure> {
    let (app, headers) = (&check.gate.app, check.request.headers());
    let here = here(check)?;
    let back = match asked_for(check.request, "return_to") {
        Some(text) => place_at(app, &here, &text).ok_or_else(|| Failure::InvalidRequest(ELSEWHERE.to_owned()))?,
        None => site(&here)?,
    };
    let is_in = visitor::find_live(check.gate, headers, &here.host).await?.is_some();
    if is_in && asked_for(check.request, AGAIN).is_none() {
        return show(check, &Notice::Unseen { back: back.as_str() });
    }
    let held = bindings(app, headers).next();
    let binding = held.unwrap_or_else(Binding::generate);
    let way = [&back, &site(&here)?].into_iter().find_map(|back| portal(app, back, &binding));
    let mut answer = see_other(&way.ok_or_else(|| Failure::internal("no way to the portal"))?);
    // The one it has may be about to go.
    cookies::add(&mut answer, vec![binding.cookie(app)]);
    Ok(answer)
}

const ELSEWHERE: &str = "This link leads to another place than the app whose address it has.";

async fn try_finish(check: &Check<'_>) -> Result<HttpResponse, Failure> {
    let (app, headers) = (&check.gate.app, check.request.headers());
    let here = here(check)?;
    // Whoever only asks about the address must not use the code up.
    if check.request.method() != Method::GET {
        return Err(Failure::MethodNotAllowed);
    }
    let root = site(&here)?;
    let Some(code) = asked_for(check.request, "code").and_then(|code| Token::parse(&code)) else {
        return show(check, &Notice::Over { back: root.as_str() });
    };
    let brought: Vec<Binding> = bindings(app, headers).collect();
    let bearer = Bearer {
        host: here.host.to_string(),
        bindings: brought.iter().map(|binding| binding.token.digest()).collect(),
        held: visitor::find_live(check.gate, headers, &here.host).await?.map(|known| known.live.session),
    };
    let rules = app.settings.session.clone();
    let origin = Origin::system("hand_over");
    let finished = app.db.write(&origin, move |tx| finish_hand_over(tx, &rules, &code, &bearer));
    let to = |return_to: &str| place_at(app, &here, return_to).unwrap_or_else(|| root.clone());
    match finished.await? {
        HandedOver::Here(handed) => Ok(let_in(app, &handed, &brought, &to(&handed.return_to))),
        HandedOver::Already { return_to } => Ok(see_other(to(&return_to).as_str())),
        HandedOver::Over => show(check, &Notice::Over { back: root.as_str() }),
        HandedOver::Ended { return_to } => show(check, &Notice::Ended { back: to(&return_to).as_str() }),
        HandedOver::Elsewhere { return_to } if brought.is_empty() => {
            show(check, &Notice::NoCookies { back: to(&return_to).as_str(), host: &here.host })
        }
        HandedOver::Elsewhere { return_to } => show(check, &Notice::Elsewhere { back: to(&return_to).as_str() }),
    }
}

/// The bindings have done their work. Another tab that is on its way with one of them finds itself signed in.
fn let_in(app: &App, handed: &Handed, brought: &[Binding], to: &Url) -> HttpResponse {
    let gate = GateCookie { domain: None, token: handed.token.clone() };
    let lasts = handed.kept_until.map(|end| end - app.clock.now());
    let removals = brought.iter().map(|binding| {
        let mut cookie = binding.cookie(app);
        cookie.make_removal();
        cookie
    });
    let mut answer = see_other(to.as_str());
    cookies::add(&mut answer, std::iter::once(cookies::gate_cookie(app, &gate, lasts)).chain(removals).collect());
    answer
}

/// At which host this was asked, as the proxy tells of it. It need not be an app that anybody may open: that is for the
/// gate to say.
fn here<'a>(check: &'a Check<'_>) -> Result<Request<'a>, Failure> {
    require_proxy(check.arrival)?;
    let (app, headers) = (&check.gate.app, check.request.headers());
    let understood = || {
        let said = family::one(headers, &forward::SCHEME)?;
        let scheme = if said.is_empty() { app.settings.server.public_url.scheme().as_bytes() } else { said };
        let authority = family::one(headers, &header::HOST)?;
        Request::from_parts(Parts { method: b"GET", scheme, authority, target: b"/" }, check.arrival.client)
    };
    let here = understood().map_err(|malformed| not_understood(&malformed))?;
    if is_handed(app, &here) { Ok(here) } else { Err(Failure::NotFound) }
}

/// Whether people sign on there by this way.
pub(super) fn is_handed(app: &App, asked: &Request<'_>) -> bool {
    let destinations = &app.destinations;
    destinations.is_handed(&asked.host) && destinations.is_open(asked.scheme.as_str(), &asked.host, asked.port)
}

/// Whether the gate is asked about an address that is ours there. Leading anybody on from it would lead them back to it.
pub(super) fn is_unrouted(app: &App, asked: &Request<'_>) -> bool {
    asked.path().starts_with(OURS) && is_handed(app, asked)
}

pub(super) fn unrouted() -> Failure {
    let why = "Nobody can sign in here: the app's proxy does not send /.vestibule/ to Vestibule. Tell whoever runs it.";
    Failure::Forbidden(why.to_owned())
}

/// Where whoever was going to `asked` begins. `None` where that is too long to be written.
pub(super) fn beginning(asked: &Request<'_>) -> Option<HeaderValue> {
    let (url, site) = (asked.url(), asked.site()?);
    let way = |url: String| {
        let back: String = form_urlencoded::byte_serialize(url.as_bytes()).collect();
        format!("{}{START}?return_to={back}", asked.origin())
    };
    let ways = [url, Some(site)].into_iter().flatten().map(way);
    HeaderValue::try_from(ways.into_iter().find(|way| way.len() <= LONGEST_LOCATION)?).ok()
}

/// Where somebody signs in anew at the app they are on the way to, whatever cookie they have there. `None` where the
/// portal's own cookies do that.
pub fn anew(app: &App, return_to: &str) -> Option<String> {
    let ReturnTo::App(back) = app.destinations.check(return_to)? else { return None };
    app.destinations.is_handed(back.host_str()?).then_some(())?;
    let site = back.join("/").ok()?;
    let way = |back: &Url| {
        let mut start = site.join(START).ok()?;
        start.query_pairs_mut().append_pair("return_to", back.as_str()).append_pair(AGAIN, "1");
        app.destinations.check(start.as_str()).map(|way| way.to_string())
    };
    way(&back).or_else(|| way(&site))
}

fn asked_for(request: &HttpRequest, wanted: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(request.query_string().as_bytes());
    pairs.find_map(|(name, value)| (name == wanted).then(|| value.into_owned()))
}

/// A place of the app's at this very origin.
fn place_at(app: &App, here: &Request<'_>, text: &str) -> Option<Url> {
    let ReturnTo::App(url) = app.destinations.check(text)? else { return None };
    let is_here = url.origin().ascii_serialization() == here.origin() && !url.path().starts_with(OURS);
    is_here.then_some(url)
}

fn site(here: &Request<'_>) -> Result<Url, Failure> {
    let site = here.site().and_then(|site| Url::parse(&site).ok());
    site.ok_or_else(|| Failure::internal("an origin that is none"))
}

/// Where the portal takes it on from here. `None` for a place that is too long: somebody may have to sign in first, and
/// the way there holds all of this once more.
fn portal(app: &App, back: &Url, binding: &Binding) -> Option<String> {
    let mut url = app.settings.server.public_url.clone();
    url.set_path(HAND_OVER);
    url.query_pairs_mut().append_pair("return_to", back.as_str()).append_pair("binding", &binding.written());
    let to_sign_in: usize = form_urlencoded::byte_serialize(url.as_str().as_bytes()).map(str::len).sum();
    (to_sign_in <= LONGEST_LOCATION).then(|| url.into())
}

/// What shows that a browser that finishes is the one that began. Several may be under way, each under a name of its own,
/// or pages that are opened all at once would take it from each other.
struct Binding {
    token: Token,
}

impl Binding {
    fn generate() -> Self {
        Self { token: Token::generate() }
    }

    /// What others may know of it.
    fn written(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.token.digest().as_bytes())
    }

    fn cookie(&self, app: &App) -> Cookie<'static> {
        let mut cookie = cookies::for_this_host(app, Kind::HandOver, self.token.expose(), Some(BINDING_TTL));
        let mark: String = self.written().chars().filter(char::is_ascii_alphanumeric).take(8).collect();
        cookie.set_name(format!("{}_{mark}", cookies::name(app, Kind::HandOver)));
        cookie
    }
}

/// The other way round.
pub fn read_binding(text: &str) -> Option<Digest> {
    Digest::from_stored(&URL_SAFE_NO_PAD.decode(text).ok()?)
}

fn bindings<'a>(app: &App, headers: &'a HeaderMap) -> impl Iterator<Item = Binding> + use<'a> {
    let name = cookies::name(app, Kind::HandOver).as_bytes();
    let lines = headers.get_all(header::COOKIE).map(HeaderValue::as_bytes);
    // Not at commas: a sibling host may set a cookie with one in its value, and what follows has no prefix that browsers
    // heed.
    let pairs = lines.flat_map(|line| line.split(|byte| *byte == b';')).map(<[u8]>::trim_ascii);
    let values = pairs.filter_map(move |pair| {
        let marked = pair.strip_prefix(name)?.strip_prefix(b"_")?;
        let equals = marked.iter().position(|byte| *byte == b'=')?;
        std::str::from_utf8(marked.get(equals + 1..)?).ok()
    });
    values.filter_map(Token::parse).map(|token| Binding { token }).take(MOST_BINDINGS)
}

/// Why it does not go on by itself. Each says where it began.
enum Notice<'a> {
    /// The gate has led somebody here whose cookie is good.
    Unseen {
        back: &'a str,
    },
    Over {
        back: &'a str,
    },
    Ended {
        back: &'a str,
    },
    NoCookies {
        back: &'a str,
        host: &'a str,
    },
    Elsewhere {
        back: &'a str,
    },
}

impl Notice<'_> {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unseen { .. } => StatusCode::OK,
            Self::Over { .. } => StatusCode::GONE,
            Self::Ended { .. } | Self::NoCookies { .. } | Self::Elsewhere { .. } => StatusCode::FORBIDDEN,
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::Unseen { .. } => "You are signed in here",
            Self::Over { .. } => "This link is used up",
            Self::Ended { .. } => "You are signed out",
            Self::NoCookies { .. } => "Your browser keeps no cookie here",
            Self::Elsewhere { .. } => "This was begun in another browser",
        }
    }

    fn sentence(&self) -> String {
        match self {
            Self::Unseen { .. } => {
                "Go on to the app. If you come back to this page, the app's proxy does not show your \
                 cookie to the gate: tell whoever runs it."
                    .to_owned()
            }
            Self::Over { .. } => "It works once, for a minute. Start again to open the app.".to_owned(),
            Self::Ended { .. } => "Your session ended on the way. Start again to sign in.".to_owned(),
            Self::NoCookies { host, .. } => format!(
                "To open the app, allow cookies for {host} in your browser, then start again. If they are allowed, the \
                 link was of another browser, or more than ten minutes old."
            ),
            Self::Elsewhere { .. } => "Nobody can be signed in here by a link of another browser. Start again to open \
                 the app in this one."
                .to_owned(),
        }
    }

    fn ways(&self) -> Value {
        let again = |back: &str, more: &str| {
            let back: String = form_urlencoded::byte_serialize(back.as_bytes()).collect();
            format!("{START}?return_to={back}{more}")
        };
        match self {
            Self::Unseen { back } => json!([
                { "href": back, "label": "Go on" },
                { "href": again(back, "&again=1"), "label": "Sign in here anew" },
            ]),
            // Somebody who goes back to it is signed in here by now.
            Self::Over { back } => json!([{ "href": again(back, &format!("&{AGAIN}=1")), "label": "Start again" }]),
            Self::Ended { back } | Self::NoCookies { back, .. } | Self::Elsewhere { back } => {
                json!([{ "href": again(back, ""), "label": "Start again" }])
            }
        }
    }
}

fn show(check: &Check<'_>, notice: &Notice<'_>) -> Result<HttpResponse, Failure> {
    let context = json!({
        "portal": answer::portal(&check.gate.app),
        "title": notice.title(),
        "sentence": notice.sentence(),
        "ways": notice.ways(),
        "request_id": check.arrival.id.as_str(),
    });
    let body = check.gate.app.render.render("gateway/hand_over.html", context).map_err(Failure::internal)?;
    let mut page = answer::page_at_app(&check.gate.app, notice.status(), body);
    page.headers_mut().insert(header::REFERRER_POLICY, NO_REFERRER);
    Ok(page)
}

/// Addresses here hold codes.
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");

fn see_other(to: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header(NO_STORE)
        .insert_header((header::REFERRER_POLICY, NO_REFERRER))
        .insert_header((header::LOCATION, to))
        .finish()
}
