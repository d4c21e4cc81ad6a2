//! A browser without scripts: cookies, forms, and the headers that browsers add by themselves. It stops at every
//! redirect until told to follow. The https of its URLs ends at an imagined proxy: the wire is plain loopback.

use serde_json::Value;
use url::Url;
use url::form_urlencoded::Serializer;

use super::jar::{Jar, Sender};
use super::page::{Form, Page};
use super::raw;

#[derive(Clone)]
pub struct Browser {
    base: Url,
    /// Which loopback port a host without a port in its URL is served on.
    hosts: Vec<(String, u16)>,
    pub jar: Jar,
    page: Option<Page>,
    /// Added to every request.
    extra: Vec<(String, String)>,
    standing: Standing,
    came_from: Option<Url>,
}

/// Whose page the next request comes from.
#[derive(Clone, PartialEq)]
enum Standing {
    Here,
    On(Url),
    /// A client that is silent about it, as programs and very old browsers are.
    Silent,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Navigation,
    Fetch,
}

struct Request<'a> {
    kind: Kind,
    method: &'a str,
    url: Url,
    body: Option<(&'static str, String)>,
    /// The page that asks, `None` for an address that was typed.
    from: Option<Url>,
}

impl Browser {
    /// `base` is what paths are relative to, for example `http://auth.example.com`; its host is served on `port`.
    pub fn new(base: &str, port: u16) -> Self {
        let base = Url::parse(base).expect("a URL");
        let host = base.host_str().expect("a host").to_owned();
        Self {
            hosts: vec![(host, port)],
            base,
            jar: Jar::default(),
            page: None,
            extra: Vec::new(),
            standing: Standing::Here,
            came_from: None,
        }
    }

    /// A further host, and the loopback port that it is served on.
    pub fn knows(mut self, host: &str, port: u16) -> Self {
        self.hosts.push((host.to_owned(), port));
        self
    }

    /// A header on every request from now on, in place of one of that name.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.extra.retain(|(old, _)| !old.eq_ignore_ascii_case(name));
        self.extra.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The next request comes from a stranger's page.
    pub fn cross_site(&mut self) -> &mut Self {
        self.standing_on("https://evil.example/")
    }

    /// The next request comes from this page.
    pub fn standing_on(&mut self, page: &str) -> &mut Self {
        self.standing = Standing::On(Url::parse(page).expect("a URL"));
        self
    }

    /// The next request has neither `Origin` nor `Sec-Fetch-*`.
    pub fn without_origin(&mut self) -> &mut Self {
        self.standing = Standing::Silent;
        self
    }

    /// Types an address: a path of the base, or a whole URL.
    pub fn get(&mut self, target: &str) -> Page {
        let url = self.base.join(target).expect("a URL");
        self.navigate("GET", url, None, None)
    }

    /// Clicks the link with these words on the last page.
    pub fn click(&mut self, text: &str) -> Page {
        let page = self.last_page();
        let url = page.link(text).unwrap_or_else(|| panic!("no link {text:?} in {:?}", page.text()));
        self.navigate("GET", url, None, Some(page.url))
    }

    /// Goes where the last answer redirects to.
    pub fn follow(&mut self) -> Page {
        let page = self.last_page();
        assert!(matches!(page.status, 301..=308), "{} is no redirect: {}", page.status, page.text());
        let url = page.location().expect("a redirect has a Location");
        // Sec-Fetch-Site looks at who started it, not at who redirected.
        let from = self.came_from.clone();
        self.navigate("GET", url, None, from)
    }

    /// Fills in the form of the last page that goes to `action`, and sends it.
    pub fn submit(&mut self, action: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.last_page();
        let form = page.form(action).unwrap_or_else(|| panic!("no form to {action} in {}", page.answer.text()));
        self.fill_and_send(form, fields)
    }

    /// The same by the button with these words, which may lead elsewhere than the rest of its form.
    pub fn press(&mut self, button: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.last_page();
        let form = page.form_of(button).unwrap_or_else(|| panic!("no button {button:?} in {}", page.answer.text()));
        self.fill_and_send(form, fields)
    }

    fn fill_and_send(&mut self, mut form: Form, fields: &[(&str, &str)]) -> Page {
        let page = self.last_page();
        for (name, value) in fields {
            form.fill(name, value);
        }
        let mut query = Serializer::new(String::new());
        let query = query.extend_pairs(&form.fields).finish();
        if form.is_post {
            self.post_form(form.action, query, Some(page.url))
        } else {
            form.action.set_query(Some(&query));
            self.navigate("GET", form.action, None, Some(page.url))
        }
    }

    /// Sends a form that no page of ours has shown.
    pub fn post(&mut self, target: &str, fields: &[(&str, &str)]) -> Page {
        let url = self.base.join(target).expect("a URL");
        let mut body = Serializer::new(String::new());
        let body = body.extend_pairs(fields).finish();
        let from = Some(self.base.clone());
        self.post_form(url, body, from)
    }

    /// What a script of the base would `fetch`; `Value::Null` sends no body. The page stays where it is.
    #[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
    pub fn api(&mut self, method: &str, path: &str, body: Value) -> Page {
        let url = self.base.join(path).expect("a URL");
        let body = (!body.is_null()).then(|| ("application/json", body.to_string()));
        let from = Some(self.base.clone());
        self.send(Request { kind: Kind::Fetch, method, url, body, from })
    }

    fn last_page(&self) -> Page {
        self.page.clone().expect("a page was opened before")
    }

    fn post_form(&mut self, url: Url, body: String, from: Option<Url>) -> Page {
        self.navigate("POST", url, Some(("application/x-www-form-urlencoded", body)), from)
    }

    fn navigate(&mut self, method: &str, url: Url, body: Option<(&'static str, String)>, from: Option<Url>) -> Page {
        let page = self.send(Request { kind: Kind::Navigation, method, url, body, from });
        self.page = Some(page.clone());
        page
    }

    fn send(&mut self, mut request: Request<'_>) -> Page {
        let standing = std::mem::replace(&mut self.standing, Standing::Here);
        if let Standing::On(page) = &standing {
            request.from = Some(page.clone());
        }
        if request.kind == Kind::Navigation {
            self.came_from.clone_from(&request.from);
        }
        let bytes = self.write(&request, &standing);
        let answer = raw::send(self.port_of(&request.url), bytes);
        for cookie in answer.headers("set-cookie") {
            self.jar.store(&request.url, cookie);
        }
        Page::new(request.url, answer)
    }

    fn write(&self, request: &Request<'_>, standing: &Standing) -> String {
        let mut headers = usual_headers(request);
        if *standing != Standing::Silent {
            headers.extend(self.origin_headers(request));
        }
        headers.extend(self.jar.header(&request.url, sender(request)).map(|cookies| ("Cookie", cookies)));
        let body = request.body.as_ref();
        if let Some((kind, body)) = body {
            headers.push(("Content-Type", (*kind).to_owned()));
            headers.push(("Content-Length", body.len().to_string()));
        } else if request.method != "GET" {
            headers.push(("Content-Length", "0".to_owned()));
        }
        headers.retain(|(name, _)| !self.extra.iter().any(|(extra, _)| extra.eq_ignore_ascii_case(name)));
        headers.extend(self.extra.iter().map(|(name, value)| (name.as_str(), value.clone())));
        let lines: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let target = &request.url[url::Position::BeforePath..url::Position::AfterQuery];
        let body = body.map(|(_, body)| body.as_str()).unwrap_or_default();
        format!("{} {target} HTTP/1.1\r\n{}\r\n{body}", request.method, lines.concat())
    }

    fn origin_headers(&self, request: &Request<'_>) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        if let Some(from) = &request.from
            && (request.method != "GET" || (request.kind == Kind::Fetch && from.origin() != request.url.origin()))
        {
            headers.push(("Origin", self.origin(from, request.kind)));
        }
        // Browsers say these only to origins they hold for safe.
        if is_trustworthy(&request.url) {
            let (mode, dest) = match request.kind {
                Kind::Navigation => ("navigate", "document"),
                Kind::Fetch => ("cors", "empty"),
            };
            headers.push(("Sec-Fetch-Site", relation(request).to_owned()));
            headers.push(("Sec-Fetch-Mode", mode.to_owned()));
            headers.push(("Sec-Fetch-Dest", dest.to_owned()));
        }
        headers
    }

    /// Fetch standard, "append a request Origin header": a page with `no-referrer` posts its forms with `null`.
    fn origin(&self, from: &Url, kind: Kind) -> String {
        let silent = self.page.as_ref().is_some_and(|page| {
            page.url == *from && page.header("referrer-policy").is_some_and(|policy| policy == "no-referrer")
        });
        if silent && kind == Kind::Navigation { "null".to_owned() } else { from.origin().ascii_serialization() }
    }

    fn port_of(&self, url: &Url) -> u16 {
        let host = url.host_str().expect("a host");
        let known = self.hosts.iter().find(|(name, _)| name == host).map(|(_, port)| *port);
        // A URL with a port of its own means that one.
        url.port().or(known).unwrap_or_else(|| panic!("no port is known for {url}"))
    }
}

fn usual_headers<'a>(request: &Request<'_>) -> Vec<(&'a str, String)> {
    let accept = match request.kind {
        Kind::Navigation => "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        Kind::Fetch => "application/json",
    };
    vec![
        ("Host", host_and_port(&request.url)),
        ("Connection", "close".to_owned()),
        ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0".to_owned()),
        ("Accept", accept.to_owned()),
        ("Accept-Language", "en-GB,en;q=0.9".to_owned()),
    ]
}

fn sender(request: &Request<'_>) -> Sender {
    match (relation(request), request.kind, request.method) {
        ("cross-site", Kind::Navigation, "GET") => Sender::CrossSiteLink,
        ("cross-site", _, _) => Sender::CrossSite,
        _ => Sender::SameSite,
    }
}

/// The value of `Sec-Fetch-Site`.
fn relation(request: &Request<'_>) -> &'static str {
    match &request.from {
        None => "none",
        Some(from) if from.origin() == request.url.origin() => "same-origin",
        Some(from) if site(from) == site(&request.url) => "same-site",
        Some(_) => "cross-site",
    }
}

fn site(url: &Url) -> (&str, &str) {
    let host = url.host_str().unwrap_or_default();
    let site = url.domain().and_then(psl::domain_str).unwrap_or(host);
    (url.scheme(), site)
}

fn is_trustworthy(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    url.scheme() == "https" || host == "127.0.0.1" || host == "localhost" || host.ends_with(".localhost")
}

fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
