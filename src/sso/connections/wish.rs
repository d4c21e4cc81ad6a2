mod read;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};

use super::{Idp, Source};
use crate::domains;
use crate::kernel::Label;
use crate::orgs::Role;
use crate::sso::saml::{Certificate, Endpoint, Metadata};

/// What is wrong with one part: its name, and a sentence for whoever wrote it.
pub type Fault = (&'static str, String);

/// What a connection is to be, as somebody has written it. What is missing stays as it is, or is as usual.
#[derive(Clone, Default, Debug, Deserialize)]
#[serde(default)]
pub struct Wish {
    pub name: Option<String>,
    pub domains: Option<Vec<String>>,
    /// One of the two, or what they would say by hand.
    pub metadata_xml: Option<String>,
    pub metadata_url: Option<String>,
    pub idp_entity_id: Option<String>,
    pub sso_url: Option<String>,
    /// A word of [`crate::sso::saml::Binding`].
    pub sso_binding: Option<String>,
    /// Empty: there is none.
    pub slo_url: Option<String>,
    pub slo_binding: Option<String>,
    /// Each in PEM, or in base64 alone.
    pub certificates: Option<Vec<String>>,
    pub attributes: AttributeNames,
    /// A word of [`Role`] by the provider's group.
    pub group_roles: Option<BTreeMap<String, String>>,
    /// Groups of the organization by the provider's: each by its id or its name.
    pub group_groups: Option<BTreeMap<String, Vec<String>>>,
    /// `Some(None)`: whoever has no mapped group is not let in.
    #[serde(deserialize_with = "given")]
    pub default_role: Option<Option<String>>,
    pub sign_requests: Option<bool>,
    pub allow_idp_initiated: Option<bool>,
    /// From now on; a day is in `enforced_from`.
    pub enforced: Option<bool>,
    /// RFC 3339, or a date alone, which begins at midnight UTC. Null: it is not.
    #[serde(deserialize_with = "given")]
    pub enforced_from: Option<Option<String>>,
    /// Owners, by their ids or addresses.
    pub break_glass: Option<Vec<String>>,
}

/// Empty, or null: the usual one.
#[derive(Clone, Default, Debug, Deserialize)]
#[serde(default)]
pub struct AttributeNames {
    #[serde(deserialize_with = "given")]
    pub email: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub name: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub groups: Option<Option<String>>,
}

/// Tells what is null from what is missing.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// The same, read.
#[derive(Clone, Default, Debug)]
pub struct Changes {
    pub name: Option<Label>,
    pub domains: Option<Vec<domains::Name>>,
    /// All of the provider at once.
    pub provider: Option<Provider>,
    pub by_hand: ByHand,
    /// `Some(None)`: the usual one.
    pub email_attribute: Option<Option<String>>,
    pub name_attribute: Option<Option<String>>,
    pub groups_attribute: Option<Option<String>>,
    pub roles: Option<BTreeMap<String, Role>>,
    /// Groups of the organization, by their ids or names.
    pub groups: Option<BTreeMap<String, Vec<String>>>,
    pub default_role: Option<Option<Role>>,
    pub signs_requests: Option<bool>,
    pub allows_idp_initiated: Option<bool>,
    /// From when on it is the only way; `Some(None)`: it is not.
    pub enforced_from: Option<Option<DateTime<Utc>>>,
    /// Owners, by their ids or addresses.
    pub break_glass: Option<Vec<String>>,
}

/// A provider as its metadata says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Provider {
    pub idp: Idp,
    pub certificates: Vec<Certificate>,
    pub source: Source,
}

/// Parts of a provider as somebody has typed them.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct ByHand {
    pub entity_id: Option<String>,
    pub sso: Option<Endpoint>,
    pub slo: Option<Option<Endpoint>>,
    pub certificates: Option<Vec<Certificate>>,
}

impl Provider {
    pub fn new(read: Metadata, source: Source) -> Self {
        let idp = Idp { entity_id: read.entity_id, sso: read.sso, slo: read.slo, slo_answer_url: read.slo_answer_url };
        Self { idp, certificates: read.certificates, source }
    }

    /// `None` while a part is missing that it cannot be without.
    pub fn by_hand(parts: ByHand) -> Option<Self> {
        let idp = Idp { entity_id: parts.entity_id?, sso: parts.sso?, slo: parts.slo.flatten(), slo_answer_url: None };
        Some(Self { idp, certificates: parts.certificates?, source: Source::Hand })
    }
}
