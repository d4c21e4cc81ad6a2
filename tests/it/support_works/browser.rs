use serde_json::{Value, json};
use url::Url;

use crate::support::browser::Browser;
use crate::support::echo::{Echo, Received};
use crate::support::jar::{Jar, Sender};
use crate::support::page::Page;
use crate::support::proxy::Proxy;

const LOGIN: &str = r#"<!doctype html><html lang=en><title>Error: Sign in
 - Example</title><body><h1>Sign   in</h1><p hidden>never</p><script>never()</script>
<a href="/signup?x=1">Make an <b>account</b></a>
<form action="/search"><input name=q value="a b"></form>
<form method="post" action="/login">
<input type=hidden name=csrf value="t&amp;k=n"><input name=email aria-invalid=true aria-describedby="hint wrong">
<p id=hint>Yours.</p><p id=wrong>Not an <i>address</i>.</p><input type=password name=password>
<input type=checkbox name=remember value=yes><input type=checkbox name=news checked>
<select name=lang><option value=en>English<option value=de selected>Deutsch</select><textarea name=note>hm</textarea>
<input name=off disabled><button type=button name=show>Show</button><button name=do value=enter>Sign in</button></form>"#;

/// Pages of `auth.example.com`, and an echo behind every other path and host.
fn site(app: &Echo) -> Proxy {
    let app = app.port();
    Proxy::caddy(|port| {
        format!(
            "http://:{port} {{
                handle /login {{
                    @get method GET
                    header @get Content-Type text/html
                    header @get +Set-Cookie \"session=1; HttpOnly; SameSite=Lax; Path=/\"
                    respond @get `{LOGIN}`
                    reverse_proxy 127.0.0.1:{app}
                }}
                handle /quiet {{
                    header Referrer-Policy no-referrer
                    respond `<form method=post action=/quiet-form></form>`
                }}
                redir /away http://app.example.com/there?a=b 302
                handle {{
                    reverse_proxy 127.0.0.1:{app}
                }}
            }}"
        )
    })
}

fn header(page: &Page, name: &str) -> Option<String> {
    page.json::<Received>().header(name).map(str::to_owned)
}

/// `Origin`, `Sec-Fetch-Site` and `Cookie`, as the server saw them.
fn seen(page: &Page) -> [Option<String>; 3] {
    ["origin", "sec-fetch-site", "cookie"].map(|name| header(page, name))
}

fn told(values: [&str; 3]) -> [Option<String>; 3] {
    values.map(|value| (!value.is_empty()).then(|| value.to_owned()))
}

#[test]
fn a_page_is_read_as_a_person_would() {
    let app = Echo::start();
    let site = site(&app);
    let mut browser = Browser::new("http://auth.example.com", site.port());
    let page = browser.get("/login");
    assert_eq!((page.status, page.title().as_str()), (200, "Error: Sign in - Example"));
    assert!(page.has("Sign in Make an account"), "{}", page.text());
    assert!(!page.has("never"));
    assert_eq!(page.field_error("email").as_deref(), Some("Yours. Not an address."));
    assert_eq!(page.field_error("password"), None);
    assert_eq!(page.link("Make an account").unwrap().path(), "/signup");
    assert_eq!(page.link("Make an"), None);
    assert!(page.form("/elsewhere").is_none());
}

#[test]
fn a_form_is_sent_as_it_was_shown_and_filled_in() {
    let app = Echo::start();
    let site = site(&app);
    let mut browser = Browser::new("http://auth.example.com", site.port());
    browser.get("/login");
    let posted = browser.submit("/login", &[("email", "ä@x.test"), ("remember", "yes")]).json::<Received>();
    assert_eq!(posted.method, "POST");
    assert_eq!(
        posted.body,
        "csrf=t%26k%3Dn&email=%C3%A4%40x.test&password=&news=on&lang=de&note=hm&do=enter&remember=yes"
    );
    assert_eq!(posted.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(posted.header("cookie"), Some("session=1"));

    browser.get("/login");
    assert_eq!(browser.submit("/search", &[]).json::<Received>().uri, "/search?q=a+b");
    assert_eq!(browser.post("/other", &[("a", "b c")]).json::<Received>().body, "a=b+c");
}

#[test]
#[should_panic(expected = "no field name")]
fn a_field_that_the_form_lacks_cannot_be_filled_in() {
    let app = Echo::start();
    let site = site(&app);
    let mut browser = Browser::new("http://auth.example.com", site.port());
    browser.get("/login");
    browser.submit("/login", &[("name", "Ann")]);
}

#[test]
fn a_redirect_is_followed_only_when_told_and_links_are_clicked() {
    let app = Echo::start();
    let site = site(&app);
    let mut browser = Browser::new("http://auth.example.com", site.port()).knows("app.example.com", site.port());
    let page = browser.get("/away");
    assert_eq!((page.status, page.location().unwrap().as_str()), (302, "http://app.example.com/there?a=b"));
    assert!(app.received().is_empty());
    let page = browser.follow();
    assert_eq!(page.url.as_str(), "http://app.example.com/there?a=b");
    assert_eq!(header(&page, "host").as_deref(), Some("app.example.com"));

    browser.get("/login");
    assert_eq!(browser.click("Make an account").json::<Received>().uri, "/signup?x=1");
}

#[test]
fn a_request_says_whose_page_it_comes_from() {
    let app = Echo::start();
    let site = site(&app);
    let mut browser = Browser::new("https://auth.example.com", site.port());
    browser.get("/login");
    let own = "https://auth.example.com";
    assert_eq!(seen(&browser.get("/x")), told(["", "none", "session=1"]));
    assert_eq!(seen(&browser.post("/x", &[])), told([own, "same-origin", "session=1"]));
    assert_eq!(seen(&browser.api("GET", "/x", Value::Null)), told(["", "same-origin", "session=1"]));
    let deleted = browser.api("DELETE", "/x", json!({"a": 1}));
    assert_eq!(seen(&deleted), told([own, "same-origin", "session=1"]));
    assert_eq!(deleted.json::<Received>().body, r#"{"a":1}"#);

    // A stranger's link brings the Lax cookie along, a stranger's form does not, a sibling's does.
    let stranger = "https://evil.example";
    assert_eq!(seen(&browser.cross_site().get("/x")), told(["", "cross-site", "session=1"]));
    assert_eq!(seen(&browser.cross_site().post("/x", &[])), told([stranger, "cross-site", ""]));
    assert_eq!(seen(&browser.cross_site().api("GET", "/x", Value::Null)), told([stranger, "cross-site", ""]));
    let sibling = "https://app.example.com";
    assert_eq!(seen(&browser.standing_on(sibling).post("/x", &[])), told([sibling, "same-site", "session=1"]));
    assert_eq!(seen(&browser.without_origin().post("/x", &[])), told(["", "", "session=1"]));

    // Only the one request was a stranger's.
    browser.get("/quiet");
    assert_eq!(seen(&browser.submit("/quiet-form", &[])), told(["null", "same-origin", "session=1"]));
}

#[test]
fn plain_http_is_told_nothing_but_the_origin_except_on_localhost() {
    let app = Echo::start();
    let site = site(&app);
    for (base, relation) in [("http://auth.example.com", ""), ("http://auth.localhost", "same-origin")] {
        let mut browser = Browser::new(base, site.port());
        assert_eq!(seen(&browser.post("/x", &[])), told([base, relation, ""]));
    }
    let mut browser = Browser::new(&format!("http://localhost:{}", site.port()), 1).with_header("User-Agent", "curl");
    let page = browser.get("/x");
    assert_eq!(header(&page, "host").unwrap(), format!("localhost:{}", site.port()));
    assert_eq!(header(&page, "user-agent").as_deref(), Some("curl"));
}

#[test]
fn a_cookie_goes_where_it_may_and_nowhere_else() {
    let auth = "https://auth.example.com/a/b";
    for (from, set, to, sent) in [
        (auth, "c=1; Path=/", "https://auth.example.com:8443/x", true),
        (auth, "c=1; Path=/", "https://app.example.com/", false),
        (auth, "c=1; Path=/", "https://x.auth.example.com/", false),
        (auth, "c=1; Path=/; Domain=example.com", "https://app.example.com/", true),
        (auth, "c=1; Path=/; Domain=.Example.com", "https://example.com/", true),
        (auth, "c=1; Path=/; Domain=example.com", "https://badexample.com/", false),
        (auth, "c=1; Path=/; Domain=app.example.com", "https://app.example.com/", false),
        (auth, "c=1; Path=/; Domain=com", auth, false),
        ("http://auth.localhost/", "c=1; Domain=localhost", "http://auth.localhost/", false),
        ("http://127.0.0.1/", "c=1; Domain=127.0.0.1", "http://127.0.0.1/", false),
        (auth, "c=1", "https://auth.example.com/a/c", true),
        (auth, "c=1", "https://auth.example.com/ab", false),
        (auth, "c=1; Path=/a", "https://auth.example.com/a", true),
        (auth, "c=1; Path=/; Secure", "http://auth.example.com/", false),
        ("http://auth.example.com/", "c=1; Path=/; Secure", auth, false),
        (auth, "__Secure-c=1; Path=/", auth, false),
        (auth, "__Secure-c=1; Path=/; Secure; Domain=example.com", "https://app.example.com/", true),
        (auth, "__Host-c=1; Path=/; Secure", auth, true),
        (auth, "__Host-c=1; Path=/; Secure; Domain=example.com", auth, false),
        (auth, "__Host-c=1; Path=/a; Secure", auth, false),
        (auth, "c=1; Path=/; SameSite=None", auth, false),
        (auth, "c=1; Path=/; Max-Age=0", auth, false),
    ] {
        let mut jar = Jar::default();
        jar.store(&Url::parse(from).unwrap(), set);
        let header = jar.header(&Url::parse(to).unwrap(), Sender::SameSite);
        assert_eq!(header.is_some(), sent, "{set} from {from} to {to}");
    }
}

#[test]
fn a_jar_replaces_removes_and_orders_its_cookies() {
    let url = Url::parse("https://auth.example.com/a").unwrap();
    let mut jar = Jar::default();
    for set in ["c=1; Path=/; Secure; HttpOnly", "c=2; Path=/; Domain=example.com", "d=3; Path=/a; SameSite=Strict"] {
        jar.store(&url, set);
    }
    assert_eq!(jar.header(&url, Sender::SameSite).as_deref(), Some("d=3; c=1; c=2"));
    assert_eq!(jar.header(&url, Sender::CrossSiteLink).as_deref(), Some("c=1; c=2"));
    let cookie = jar.find(&url, "c").unwrap();
    assert!(cookie.host_only && cookie.secure && cookie.http_only);
    jar.store(&url, "c=4; Path=/; Domain=example.com");
    jar.store(&url, "c=; Path=/; Max-Age=0");
    jar.store(&url, "e=5; Path=/; Secure; SameSite=None");
    assert_eq!(jar.header(&url, Sender::SameSite).as_deref(), Some("d=3; c=4; e=5"));
    assert_eq!(jar.header(&url, Sender::CrossSite).as_deref(), Some("e=5"));
    assert_eq!(jar.all().iter().map(|cookie| cookie.value.as_str()).collect::<Vec<_>>(), ["3", "4", "5"]);
}
