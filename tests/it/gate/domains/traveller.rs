//! A browser behind a proxy: what the gate says of each request, and where it is led from there.

use url::Url;

use crate::gate::house::{Door, Question};
use crate::support::app::TestApp;
use crate::support::browser::Browser;
use crate::support::jar::Sender;
use crate::support::page::Page;
use crate::support::people::PASSWORD;
use crate::support::raw::Answer;

/// More than any way has steps, and fewer than a browser takes before it gives up.
const MOST_STEPS: usize = 12;

const HOSTS: [&str; 4] = ["app.other.org", "b.other.org", "evil.other.org", "app.example.com"];

pub struct Traveller<'a> {
    app: &'a TestApp,
    door: Door,
    pub browser: Browser,
}

/// Where a way ends.
#[derive(Debug)]
pub enum End {
    /// The gate let the request for this URL through.
    App(String),
    Page(Page),
}

impl End {
    pub fn page(self) -> Page {
        match self {
            Self::Page(page) => page,
            Self::App(url) => panic!("let through to {url}"),
        }
    }

    pub fn app(self) -> String {
        match self {
            Self::App(url) => url,
            Self::Page(page) => panic!("stopped at {} by {}: {}", page.url, page.status, page.text()),
        }
    }
}

impl<'a> Traveller<'a> {
    pub fn new(app: &'a TestApp, door: Door) -> Self {
        Self::with(app, door, app.browser())
    }

    /// With what this browser has in its jar.
    pub fn with(app: &'a TestApp, door: Door, browser: Browser) -> Self {
        let browser = HOSTS.into_iter().fold(browser, |browser, host| browser.knows(host, app.port()));
        Self { app, door, browser }
    }

    /// What the gate says of a page load of `url`, with the cookies that the browser sends there.
    pub fn knock(&self, url: &str) -> Answer {
        let parsed = Url::parse(url).expect("a URL");
        let question = Question::about(self.door, url).in_a_browser();
        let question = match self.browser.jar.header(&parsed, Sender::CrossSiteLink) {
            Some(cookies) => question.with("Cookie", &cookies),
            None => question,
        };
        question.ask(self.app)
    }

    /// Types the address of a place of an app, and goes wherever that leads by itself.
    pub fn go(&mut self, url: &str) -> End {
        let mut url = url.to_owned();
        for _ in 0..MOST_STEPS {
            let answer = self.knock(&url);
            if answer.status == 200 {
                return End::App(url);
            }
            let location = answer.header("location").unwrap_or_else(|| panic!("nowhere to go: {answer:?}")).to_owned();
            match self.follow_to(&location) {
                Step::ToApp(next) => url = next,
                Step::Stays(page) => return End::Page(page),
            }
        }
        panic!("round and round, at {url}");
    }

    /// Goes on from the last page, which is a redirect or goes on by a link.
    pub fn go_on(&mut self, page: Page) -> End {
        match self.from(page) {
            Step::ToApp(url) => self.go(&url),
            Step::Stays(page) => End::Page(page),
        }
    }

    /// From the sign-in page, to where that leads.
    pub fn sign_in(&mut self, email: &str) -> End {
        let page = self.browser.submit("/login", &[("email", email), ("password", PASSWORD)]);
        assert_eq!(page.status, 303, "{}", page.text());
        self.go_on(page)
    }

    fn follow_to(&mut self, location: &str) -> Step {
        if is_of_an_app(location) {
            return Step::ToApp(location.to_owned());
        }
        let page = self.browser.get(location);
        self.from(page)
    }

    fn from(&mut self, mut page: Page) -> Step {
        for _ in 0..MOST_STEPS {
            // Goes on by itself in a real browser.
            let refresh = HOSTS.iter().find_map(|host| page.link(&format!("Continue to {host}")));
            let redirect = page.location();
            let Some(to) = redirect.clone().or(refresh) else { return Step::Stays(page) };
            if is_of_an_app(to.as_str()) {
                return Step::ToApp(to.into());
            }
            page = if redirect.is_some() { self.browser.follow() } else { self.browser.get(to.as_str()) };
        }
        panic!("round and round, at {}", page.url);
    }

    /// The value of the gate's cookie at a host.
    pub fn gate_token(&self, host: &str) -> Option<String> {
        let url = Url::parse(&format!("https://{host}/")).expect("a URL");
        Some(self.browser.jar.find(&url, crate::gate::house::GATE_COOKIE)?.value.clone())
    }

    /// As far as the code: what the portal sends the browser back with.
    pub fn with_code(&mut self, url: &str) -> String {
        let to_start = self.knock(url).header("location").expect("the way in").to_owned();
        assert!(to_start.contains("/.vestibule/start?"), "{to_start}");
        self.browser.get(&to_start);
        let answer = self.browser.follow();
        answer.location().unwrap_or_else(|| panic!("{}: {}", answer.url, answer.text())).into()
    }
}

enum Step {
    ToApp(String),
    Stays(Page),
}

fn is_of_an_app(url: &str) -> bool {
    let url = Url::parse(url).expect("a URL");
    url.host_str() != Some("auth.example.com") && !url.path().starts_with("/.vestibule/")
}
