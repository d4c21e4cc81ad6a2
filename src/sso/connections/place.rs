use url::Url;

use crate::kernel::ConnectionId;

/// Where a connection is found from outside: absolute URLs. The entity id is the URL of our metadata.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    pub entity_id: String,
    pub login: String,
    pub acs: String,
    pub logout: String,
}

impl Place {
    /// `public_url`: `server.public_url`.
    pub fn of(public_url: &Url, id: ConnectionId) -> Self {
        let base = public_url.as_str().trim_end_matches('/');
        let at = |part: &str| format!("{base}/saml/{id}/{part}");
        Self { entity_id: at("metadata"), login: at("login"), acs: at("acs"), logout: at("logout") }
    }
}
