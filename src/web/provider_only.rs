//! The way to somebody's identity provider.

use url::Url;
use url::form_urlencoded::Serializer;

use crate::app::App;
use crate::domains::Provider;
use crate::kernel::ConnectionId;

/// A provider that somebody has to sign in by: what its organization calls it, and where that begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProviderOnly {
    pub name: String,
    /// A path of ours.
    pub path: String,
    /// The same for programs, once it is known ([`ProviderOnly::locate`]).
    pub url: String,
}

impl From<Provider> for ProviderOnly {
    fn from(provider: Provider) -> Self {
        let path = path(provider.connection, "");
        Self { name: provider.name, path, url: String::new() }
    }
}

impl ProviderOnly {
    pub fn locate(&mut self, app: &App) {
        self.url = absolute(app, &self.path);
    }
}

/// Where signing in by this connection begins. `return_to` is looked at when somebody comes back.
pub fn path(connection: ConnectionId, return_to: &str) -> String {
    let path = format!("/saml/{connection}/login");
    if return_to.is_empty() {
        return path;
    }
    format!("{path}?{}", Serializer::new(String::new()).append_pair("return_to", return_to).finish())
}

pub fn absolute(app: &App, path: &str) -> String {
    app.settings.server.public_url.join(path).map(|url: Url| url.into()).unwrap_or_default()
}
