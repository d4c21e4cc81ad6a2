//! A browser's cookies: host-only or by Domain, Path, Secure, `SameSite`, and the two prefixes of names (RFC 6265, second edition).
//! Ports do not separate cookies, and nothing expires by the clock: the service's time is not the jar's.

use actix_web::cookie::{Cookie as Parsed, SameSite};
use url::{Host, Url};

#[derive(Clone, Debug)]
pub struct Cookie {
    pub name: String,
    pub value: String,
    /// The host itself, or the Domain attribute.
    pub domain: String,
    pub host_only: bool,
    pub path: String,
    pub secure: bool,
    pub http_only: bool,
    pub same_site: SameSite,
}

/// Where a request comes from, as far as cookies care.
#[derive(Clone, Copy, PartialEq)]
pub enum Sender {
    SameSite,
    /// Another site's link or form that goes somewhere by GET.
    CrossSiteLink,
    /// Anything else of another site.
    CrossSite,
}

#[derive(Clone, Default)]
pub struct Jar(Vec<Cookie>);

impl Jar {
    /// A cookie of that name that would be sent to `url`.
    pub fn find(&self, url: &Url, name: &str) -> Option<&Cookie> {
        self.for_url(url).into_iter().find(|cookie| cookie.name == name)
    }

    /// As somebody does who clears a cookie by hand.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|cookie| cookie.name != name);
    }

    pub fn all(&self) -> &[Cookie] {
        &self.0
    }

    /// Puts a cookie in as if the host of `url` had sent this `Set-Cookie`.
    pub fn store(&mut self, url: &Url, header: &str) {
        let Some(parsed) = Parsed::parse(header).ok() else { return };
        let Some(cookie) = accept(url, &parsed) else { return };
        let same = |old: &Cookie| (&old.name, &old.domain, &old.path) == (&cookie.name, &cookie.domain, &cookie.path);
        self.0.retain(|old| !same(old));
        if parsed.max_age().is_none_or(|age| age.whole_seconds() > 0) {
            self.0.push(cookie);
        }
    }

    /// The `Cookie` header for a request, or `None` when there is nothing to send.
    pub fn header(&self, url: &Url, sender: Sender) -> Option<String> {
        let pairs: Vec<_> = self
            .for_url(url)
            .into_iter()
            .filter(|cookie| match sender {
                Sender::SameSite => true,
                Sender::CrossSiteLink => cookie.same_site != SameSite::Strict,
                Sender::CrossSite => cookie.same_site == SameSite::None,
            })
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Longer paths first.
    fn for_url(&self, url: &Url) -> Vec<&Cookie> {
        let mut cookies: Vec<_> = self.0.iter().filter(|cookie| cookie.is_for(url)).collect();
        cookies.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        cookies
    }
}

impl Cookie {
    fn is_for(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let host_fits = if self.host_only { host == self.domain } else { is_within(host, &self.domain) };
        host_fits && path_fits(url.path(), &self.path) && (!self.secure || url.scheme() == "https")
    }
}

fn accept(url: &Url, parsed: &Parsed<'_>) -> Option<Cookie> {
    let host = url.host_str()?;
    let domain = parsed.domain().map(|domain| domain.trim_start_matches('.').to_ascii_lowercase());
    let secure = parsed.secure().unwrap_or_default();
    let same_site = parsed.same_site().unwrap_or(SameSite::Lax);
    let own_domain = domain.as_deref().is_none_or(|domain| may_set(url, domain));
    let https = url.scheme() == "https";
    let allowed = own_domain
        && (https || !secure)
        && (secure || same_site != SameSite::None)
        && (secure || !parsed.name().starts_with("__Secure-"))
        && (!parsed.name().starts_with("__Host-") || (secure && domain.is_none() && parsed.path() == Some("/")));
    allowed.then(|| Cookie {
        name: parsed.name().to_owned(),
        value: parsed.value().to_owned(),
        host_only: domain.is_none(),
        domain: domain.unwrap_or_else(|| host.to_owned()),
        path: parsed.path().filter(|path| path.starts_with('/')).map_or_else(|| default_path(url), str::to_owned),
        secure,
        http_only: parsed.http_only().unwrap_or_default(),
        same_site,
    })
}

/// No cookie for a whole public suffix such as `com` or `localhost`, nor for somebody else's domain.
fn may_set(url: &Url, domain: &str) -> bool {
    let Some(Host::Domain(host)) = url.host() else { return false };
    is_within(host, domain) && psl::domain_str(domain).is_some()
}

fn is_within(host: &str, domain: &str) -> bool {
    host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

fn path_fits(path: &str, cookie: &str) -> bool {
    path.strip_prefix(cookie).is_some_and(|rest| cookie.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
}

fn default_path(url: &Url) -> String {
    match url.path().rfind('/') {
        None | Some(0) => "/".to_owned(),
        Some(end) => url.path()[..end].to_owned(),
    }
}
