use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What an answer is held against.
#[derive(Clone, Copy, Debug)]
pub struct Provider<'a> {
    /// The provider's entity id: the only issuer.
    pub entity_id: &'a str,
    /// Certificates (X.509, DER) whose keys may sign. With none, nothing is good.
    pub certificates: &'a [Vec<u8>],
    /// Our own entity id: the only audience.
    pub audience: &'a str,
    /// Where answers are posted to: the only destination and recipient.
    pub acs_url: &'a str,
    /// Private keys (PKCS#8, DER) to which assertions may be encrypted.
    pub keys: &'a [Vec<u8>],
}

/// What the provider was asked by this browser.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked<'a> {
    /// The ID of the one open request; the answer must name it.
    This(&'a str),
    /// Nothing, and the connection lets its provider begin; an answer that names a request is not good.
    Nothing,
    /// Nothing, and the connection does not let its provider begin: no answer is good.
    NothingAndMust,
}

/// What a good answer says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// The assertion's ID, for it to be used once.
    pub assertion_id: String,
    pub name_id: NameId,
    /// When they proved to the provider who they are.
    pub authn_instant: DateTime<Utc>,
    /// How they did (`AuthnContextClassRef`).
    pub authn_context: Option<String>,
    pub session_index: Option<String>,
    /// When their session ends at the latest (`SessionNotOnOrAfter`).
    pub session_ends_at: Option<DateTime<Utc>>,
    /// Until when this assertion could be used again, were it not remembered; the tolerated difference of clocks is in it.
    pub good_until: DateTime<Utc>,
    pub attributes: Vec<Attribute>,
}

/// Who they are to the provider.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NameId {
    pub value: String,
    pub format: Option<String>,
}

/// One attribute, and its values in their order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Attribute {
    pub name: String,
    pub friendly_name: Option<String>,
    pub values: Vec<String>,
}
