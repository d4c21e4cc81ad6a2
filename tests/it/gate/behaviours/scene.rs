//! A case, and what its answer comes to at each door.

use std::collections::BTreeMap;

use serde_json::Value;
use url::Url;

use super::cast::{Guest, Who, invite};
use crate::gate::house::{DOORS, Door, Question, house_with};
use crate::support::TestApp;
use crate::support::raw::{self, Answer};

/// By path at one host, so that a table can name them in a word; and what is asked for at a few other hosts.
const RULES: &str = r#"[
    { hosts = ["app.example.com"], paths = ["/public/**", "/static/**", "/health"], allow = "public" },
    { hosts = ["app.example.com"], paths = ["/closed/**"], allow = "deny" },
    { hosts = ["app.example.com"], paths = ["/two/**"], allow = "two_factor" },
    { hosts = ["app.example.com"], paths = ["/lately/**"], allow = "signed_in", recent_auth = "5m" },
    { hosts = ["app.example.com"], paths = ["/passkey/**"], allow = "signed_in", factor = "passkey" },
    { hosts = ["app.example.com"], paths = ["/any/**"], allow = "signed_in", verified = false },
    { hosts = ["app.example.com"], paths = ["/keys/**"], allow = "signed_in", api_keys = true },
    { hosts = ["app.example.com"], paths = ["/admins/**"], groups = ["acme:admin"], allow = "signed_in" },
    { hosts = ["app.example.com"], paths = ["/admins/**"], allow = "deny" },
    { hosts = ["app.example.com"], paths = ["/lan/**"], networks = ["10.0.0.0/8", "2001:db8::/32"], allow = "public" },
    { hosts = ["app.example.com"], paths = ["/read/**"], methods = ["GET", "HEAD", "OPTIONS"], allow = "public" },
    { hosts = ["open.example.com", "xn--bcher-kva.example.com", "192.0.2.1", "[2001:db8::1]"], allow = "public" },
    { hosts = ["*.wild.example.com"], allow = "public" },
    { hosts = ["port.example.com:8443"], allow = "public" },
    { hosts = ["app.example.com", "far.test"], allow = "signed_in" },
]"#;

/// Whether somebody looks at what comes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Looks {
    Browser,
    Program,
}

pub const BOTH: [Looks; 2] = [Looks::Browser, Looks::Program];

/// What becomes of the request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Then {
    /// Let in, and named.
    In,
    /// Let in as nobody in particular.
    AsNobody,
    SignIn,
    Confirm,
    /// With this code.
    Refused(&'static str),
    /// A key that is not good, where keys are taken.
    BadKey,
    /// A question that is not understood.
    Malformed,
}

#[derive(Clone, Debug)]
pub struct Case {
    pub who: Who,
    pub method: &'static str,
    pub url: String,
    pub looks: Looks,
    /// More lines of the visitor's.
    pub lines: Vec<(String, String)>,
    /// Where the sign-in or confirmation leads back to, when it is not `url` itself; `Some("")` for nowhere.
    pub back: Option<String>,
    pub then: Then,
}

impl Case {
    /// A GET by a program.
    pub fn new(who: Who, url: &str, then: Then) -> Self {
        let url = if url.starts_with('/') { format!("https://app.example.com{url}") } else { url.to_owned() };
        Self { who, method: "GET", url, looks: Looks::Program, lines: Vec::new(), back: None, then }
    }

    pub fn looks(self, looks: Looks) -> Self {
        Self { looks, ..self }
    }

    pub fn method(self, method: &'static str) -> Self {
        Self { method, ..self }
    }

    pub fn line(mut self, name: &str, value: &str) -> Self {
        self.lines.push((name.into(), value.into()));
        self
    }

    pub fn back(self, url: &str) -> Self {
        Self { back: Some(url.into()), ..self }
    }
}

pub struct Scene {
    pub app: TestApp,
    /// How the proof begins that apps are told of whoever is let in; empty where they are told none.
    pub proof: &'static str,
    guests: BTreeMap<Who, Guest>,
}

impl Scene {
    pub fn of(whos: &[Who]) -> Self {
        Self::with(&[], whos)
    }

    pub fn with(special: &[(&str, &str)], whos: &[Who]) -> Self {
        let usual = [("gateway.rules", RULES), ("gateway.organizations", "acme")];
        let app = house_with(&[&usual[..], special].concat());
        let guests = invite(&app, whos);
        Self { app, guests, proof: "" }
    }

    pub fn guest(&self, who: Who) -> &Guest {
        self.guests.get(&who).expect("somebody who was invited")
    }

    /// At every door.
    pub fn check(&self, case: &Case) {
        for door in DOORS {
            self.check_at(door, case, |question| question);
        }
    }

    /// With something about the question that is not as it should be.
    pub fn check_at(&self, door: Door, case: &Case, change: impl Fn(Question) -> Question) {
        let question = self.question(door, case);
        let question = change(question);
        let answer = self.ask(door, case, &question);
        let is_http = is_http(&question);
        let verdict = Verdict { scene: self, door, case, answer: &answer, is_http };
        verdict.check();
    }

    fn question(&self, door: Door, case: &Case) -> Question {
        let question = Question::about(door, &case.url).method(case.method);
        let says_so_itself = case.lines.iter().any(|(name, _)| ["Accept", "Sec-Fetch-Mode"].contains(&name.as_str()));
        let is_usual = case.looks == Looks::Browser && !says_so_itself;
        let question = if is_usual { question.in_a_browser() } else { question };
        let lines = self.guest(case.who).brings.iter().chain(&case.lines);
        lines.fold(question, |question, (name, value)| question.with(name, value))
    }

    /// What is no HTTP at all is refused before anything of the gate sees it, and Envoy asks with what the visitor wrote.
    fn ask(&self, door: Door, case: &Case, question: &Question) -> Answer {
        let is_envoys = door == Door::ExtAuthz && case.then == Then::Malformed;
        if is_envoys || !is_http(question) {
            raw::send(self.app.port(), question.bytes())
        } else {
            question.ask(&self.app)
        }
    }
}

/// RFC 9110, section 5.5.
fn is_http(question: &Question) -> bool {
    let is_control = |c: char| c.is_ascii_control() && c != '\t';
    !question.lines.iter().any(|(_, value)| value.contains(is_control))
}

/// What stands in an answer, held against what should.
struct Verdict<'a> {
    scene: &'a Scene,
    door: Door,
    case: &'a Case,
    answer: &'a Answer,
    is_http: bool,
}

impl Verdict<'_> {
    fn check(&self) {
        let (answer, nginx) = (self.answer, self.door == Door::AuthRequest);
        match self.case.then {
            Then::In => self.is_let_in_as(&self.scene.guest(self.case.who).id),
            Then::AsNobody => self.is_let_in_as(""),
            Then::SignIn => self.leads_to("/login", "Bearer realm=\"vestibule\"", "unauthenticated"),
            Then::Confirm => {
                self.leads_to("/confirm", "Bearer error=\"insufficient_user_authentication\"", "reauth_required");
            }
            Then::Refused(code) => {
                self.has_status(403);
                self.tells(code);
            }
            Then::BadKey => {
                self.has_status(401);
                self.challenges("Bearer realm=\"vestibule\", error=\"invalid_token\"");
                self.has_code("unauthenticated");
            }
            Then::Malformed => self.has_status(if nginx && self.is_http { 403 } else { 400 }),
        }
        let is_ours = self.is_http && (self.case.then != Then::Malformed || self.door != Door::ExtAuthz);
        let how = if answer.status == 200 { vec![] } else { vec!["asked"] };
        assert!(!is_ours || answer.headers("vestibule-gate") == how, "{}", self.story());
    }

    fn is_let_in_as(&self, id: &str) {
        self.has_status(200);
        assert_eq!(self.answer.header("remote-user"), Some(id), "{}", self.story());
        assert!(self.answer.body().is_empty() && self.answer.header("location").is_none(), "{}", self.story());
        let proof = self.answer.header("vestibule-assertion").unwrap_or_default();
        assert!(proof.starts_with(self.scene.proof) || id.is_empty(), "{}", self.story());
        assert_eq!(proof.is_empty(), self.scene.proof.is_empty() || id.is_empty(), "{}", self.story());
        if id.is_empty() {
            for name in ["remote-email", "remote-name", "remote-groups", "vestibule-assertion"] {
                assert_eq!(self.answer.header(name), Some(""), "{}", self.story());
            }
        }
    }

    /// Browsers by a redirect, where the proxy passes one on; programs by a challenge.
    fn leads_to(&self, page: &str, challenge: &str, code: &str) {
        let is_fetch = ["GET", "HEAD"].contains(&self.case.method);
        match (self.door, self.case.looks) {
            (Door::ForwardAuth | Door::ExtAuthz, Looks::Browser) => {
                self.has_status(if is_fetch { 302 } else { 303 });
                assert_eq!(self.answer.header("www-authenticate"), None, "{}", self.story());
                assert!(self.answer.body().is_empty(), "{}", self.story());
                self.has_location(page);
            }
            (Door::ForwardAuth | Door::ExtAuthz, Looks::Program) => {
                self.has_status(401);
                self.challenges(challenge);
                self.has_code(code);
                assert_eq!(self.answer.header("location"), None, "{}", self.story());
            }
            (Door::AuthRequest, Looks::Browser | Looks::Program) => {
                self.has_status(401);
                self.challenges(challenge);
                self.has_code(code);
                self.has_location(page);
            }
        }
    }

    /// To this page, and from there back to where they wanted to go or, after what was sent, to be told of it.
    fn has_location(&self, page: &str) {
        let location = self.answer.header("location").unwrap_or_else(|| panic!("no Location: {}", self.story()));
        let to = Url::parse(location).expect("an absolute URL");
        assert_eq!((to.origin().ascii_serialization().as_str(), to.path()), ("https://auth.example.com", page));
        let back: Vec<String> = to.query_pairs().map(|(name, value)| format!("{name}={value}")).collect();
        let wanted = self.case.back.as_deref().unwrap_or(&self.case.url);
        if ["GET", "HEAD"].contains(&self.case.method) || wanted.is_empty() {
            let expected = if wanted.is_empty() { vec![] } else { vec![format!("return_to={wanted}")] };
            assert_eq!(back, expected, "{}", self.story());
        } else {
            assert!(back.concat().starts_with("return_to=/unsent?return_to="), "{}", self.story());
        }
    }

    /// A page to whoever looks, a problem to everybody else.
    fn tells(&self, code: &str) {
        match self.case.looks {
            Looks::Program => self.has_code(code),
            Looks::Browser => {
                assert_eq!(self.answer.header("content-type"), Some("text/html; charset=utf-8"), "{}", self.story());
                let is_without = self.case.method == "HEAD" && self.door == Door::ExtAuthz;
                assert!(is_without || self.answer.text().contains("<h1"), "{}", self.story());
            }
        }
        assert_eq!(self.answer.header("www-authenticate"), None, "{}", self.story());
    }

    fn has_status(&self, status: u16) {
        assert_eq!(self.answer.status, status, "{}", self.story());
    }

    fn challenges(&self, beginning: &str) {
        let challenges = self.answer.headers("www-authenticate");
        assert!(challenges.len() == 1 && challenges[0].starts_with(beginning), "{}", self.story());
    }

    fn has_code(&self, code: &str) {
        assert_eq!(self.answer.header("content-type"), Some("application/problem+json"), "{}", self.story());
        // Nothing follows the head of an answer to HEAD.
        if self.case.method == "HEAD" && self.door == Door::ExtAuthz {
            return;
        }
        let problem: Value = self.answer.json();
        assert_eq!(
            (&problem["code"], &problem["status"]),
            (&code.into(), &self.answer.status.into()),
            "{}",
            self.story()
        );
    }

    fn story(&self) -> String {
        format!("{:?} {:?} is answered {:?}", self.door, self.case, self.answer)
    }
}
