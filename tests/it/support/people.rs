//! People, made through the front door.

use serde_json::{Value, json};
use url::Url;

use super::app::TestApp;
use super::browser::Browser;
use super::page::Page;

pub const PASSWORD: &str = "velvet orbit canoe";

impl TestApp {
    /// Somebody who has signed up and done nothing else.
    pub fn signed_up(&self, email: &str) -> Browser {
        let mut browser = self.browser();
        browser.get("/signup");
        let page = browser.submit("/signup", &[("email", email), ("name", "Ann Lee"), ("password", PASSWORD)]);
        assert_eq!(page.status, 303, "{}", page.text());
        browser
    }

    /// Signed up and signed in; the address is not proved.
    pub fn unverified(&self, email: &str) -> Browser {
        let mut browser = self.signed_up(email);
        assert_eq!(sign_in(&mut browser, email, PASSWORD).status, 303);
        browser
    }

    /// Signed up, followed the link, signed in.
    pub fn verified(&self, email: &str) -> Browser {
        let mut browser = self.signed_up(email);
        assert_eq!(self.follow_the_letter(&mut browser, email).status, 303);
        assert_eq!(sign_in(&mut browser, email, PASSWORD).status, 303);
        browser
    }

    /// Opens the link of the last letter to this address and presses the button.
    pub fn follow_the_letter(&self, browser: &mut Browser, email: &str) -> Page {
        let page = browser.get(&self.mail().to(email).link());
        assert_eq!(page.status, 200, "{}", page.text());
        browser.submit("/verify-email", &[])
    }

    /// Signs in by the API from a fresh browser.
    pub fn log_in(&self, email: &str, password: &str) -> (Browser, Page) {
        let mut browser = self.browser();
        let answer = browser.api("POST", "/auth/login", json!({ "email": email, "password": password }));
        (browser, answer)
    }
}

impl Browser {
    /// The same browser as one where nobody has signed in before, as far as that can be told.
    pub fn unknown(&self) -> Self {
        let mut unknown = self.clone();
        for name in ["vestibule_device", "__Host-vestibule_device"] {
            unknown.jar.remove(name);
        }
        unknown
    }

    /// Confirms by the API that it is the one whose [`PASSWORD`] it knows.
    pub fn confirm(&mut self) {
        let answer = self.api("POST", "/auth/confirm", json!({ "password": PASSWORD }));
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

pub fn sign_in(browser: &mut Browser, email: &str, password: &str) -> Page {
    // Where anybody signs in by a provider, the address has a page of its own.
    if browser.get("/login").form("/login").is_none() {
        browser.get("/login?step=password");
    }
    browser.submit("/login", &[("email", email), ("password", password)])
}

/// What a mailed link carries.
pub fn token_in(link: &str) -> String {
    let url = Url::parse(link).expect("a link");
    url.query_pairs().find(|(name, _)| name == "token").expect("a token").1.into_owned()
}

/// The stable word of a problem document, after its shape was checked.
pub fn code(answer: &Page) -> String {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", answer.answer.text());
    let problem: Value = answer.json();
    assert_eq!(problem["status"], answer.status);
    // This one is the word of a contract.
    let is_sentence = |text: &str| text.ends_with('.') || text == "Re-authentication required";
    assert!(problem["error"].as_str().is_some_and(is_sentence), "{problem}");
    problem["code"].as_str().expect("a code").to_owned()
}
