//! What an identity provider publishes of itself (SAML 2.0 Metadata), read strictly and within bounds.

use chrono::{DateTime, Utc};
use roxmltree::{Document, Node, ParsingOptions};
use url::Url;

use super::certificate::{self, Certificate};
use super::text;

/// The longest document that is read, in bytes.
pub const LONGEST: usize = 1 << 20;

/// The longest URL, and entity id (saml-core-2.0-os, section 8.3.6).
pub const LONGEST_NAME: usize = 1024;

/// How many certificates one provider may sign with.
pub const MOST_CERTIFICATES: usize = 20;

const MOST_NODES: u32 = 5_000;

const MD: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";

/// How a message is carried to the provider by the browser.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Binding {
    Redirect,
    Post,
}

impl Binding {
    pub const ALL: [Self; 2] = [Self::Redirect, Self::Post];

    /// The stable word for the API and the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Redirect => "redirect",
            Self::Post => "post",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|binding| binding.as_str() == word)
    }

    /// As metadata calls it.
    pub fn uri(self) -> &'static str {
        match self {
            Self::Redirect => "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect",
            Self::Post => "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
        }
    }
}

/// Where a provider takes messages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// By http or https, without a fragment.
    pub url: String,
    pub binding: Binding,
}

impl Endpoint {
    /// `None` for what is no URL of the web, holds a password, or is longer than [`LONGEST_NAME`].
    pub fn parse(url: &str, binding: Binding) -> Option<Self> {
        web_url(url).map(|url| Self { url: url.into(), binding })
    }
}

/// `None` for what is no URL of the web, holds a password or a fragment, or is longer than [`LONGEST_NAME`].
pub fn web_url(text: &str) -> Option<Url> {
    let url = Url::parse(text.trim()).ok().filter(Url::has_host)?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
        && url.as_str().len() <= LONGEST_NAME;
    is_plain.then_some(url)
}

/// A provider, as it says itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Metadata {
    pub entity_id: String,
    /// By redirect, where there is one; otherwise by POST.
    pub sso: Endpoint,
    pub slo: Option<Endpoint>,
    /// Where answers about signing out go, when not to `slo`.
    pub slo_answer_url: Option<String>,
    /// Whose keys may sign. One at least; each once.
    pub certificates: Vec<Certificate>,
}

/// Why a document says of no provider. The sentence is for whoever has given it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("This document is too long: 1 MiB is the most there can be.")]
    TooLong,
    #[error("This is no text in UTF-8.")]
    NotUtf8,
    #[error("A document type (<!DOCTYPE …>) is not taken.")]
    DocumentType,
    #[error("This is no XML: {0}.")]
    NotXml(String),
    #[error("This is larger or deeper than the metadata of one provider.")]
    TooComplex,
    #[error("This is no SAML metadata: it begins with <{0}>.")]
    NotMetadata(String),
    #[error("It describes no identity provider (IDPSSODescriptor for SAML 2.0).")]
    NoProvider,
    #[error("It describes several identity providers. Give the document of one of them.")]
    SeveralProviders,
    #[error("Its entityID is missing, or longer than 1024 characters.")]
    NoEntityId,
    #[error("It names no SingleSignOnService by HTTP-Redirect or HTTP-POST at an http(s) URL.")]
    NoSignOn,
    #[error("It holds no certificate to sign with.")]
    NoCertificate,
    #[error("It holds more than {MOST_CERTIFICATES} certificates to sign with.")]
    TooManyCertificates,
    #[error("One of its certificates: {0}")]
    Certificate(#[from] certificate::Unreadable),
    #[error("It was valid until {} only.", .0.format("%Y-%m-%d %H:%M UTC"))]
    Over(DateTime<Utc>),
    #[error("Its validUntil is no instant like 2030-01-31T12:00:00Z.")]
    NoEnd,
}

/// Reads the metadata of one provider. A signature on it is not looked at: whoever gives the document, or the server
/// that it is fetched from, vouches for it.
pub fn read(document: &[u8], now: DateTime<Utc>) -> Result<Metadata, Unreadable> {
    let text = screen(document)?;
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let tree = Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::NodesLimitReached => Unreadable::TooComplex,
        roxmltree::Error::DtdDetected => Unreadable::DocumentType,
        error => Unreadable::NotXml(error.to_string()),
    })?;
    let entity = find_entity(tree.root_element())?;
    let provider = provider_in(entity).ok_or(Unreadable::NoProvider)?;
    require_valid([tree.root_element(), entity, provider], now)?;
    let entity_id = entity.attribute("entityID").map(str::trim).unwrap_or_default();
    if entity_id.is_empty() || entity_id.chars().count() > LONGEST_NAME {
        return Err(Unreadable::NoEntityId);
    }
    let slo = endpoint(provider, "SingleLogoutService");
    Ok(Metadata {
        entity_id: entity_id.to_owned(),
        sso: endpoint(provider, "SingleSignOnService").ok_or(Unreadable::NoSignOn)?.0,
        slo_answer_url: slo.as_ref().and_then(|(_, answers)| answers.clone()),
        slo: slo.map(|(endpoint, _)| endpoint),
        certificates: certificates(provider)?,
    })
}

/// What a parser is not to be bothered with.
fn screen(document: &[u8]) -> Result<&str, Unreadable> {
    if document.len() > LONGEST {
        return Err(Unreadable::TooLong);
    }
    let text = std::str::from_utf8(document).map_err(|_| Unreadable::NotUtf8)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_start();
    if text.contains("<!DOCTYPE") {
        return Err(Unreadable::DocumentType);
    }
    // What is in comments counts as well.
    text::within_bounds(text).map_err(|_| Unreadable::TooComplex)?;
    Ok(text)
}

/// The one that is an identity provider: the document itself, or one in a list.
fn find_entity<'a, 'd>(root: Node<'a, 'd>) -> Result<Node<'a, 'd>, Unreadable> {
    if root.has_tag_name((MD, "EntityDescriptor")) {
        return Ok(root);
    }
    if !root.has_tag_name((MD, "EntitiesDescriptor")) {
        return Err(Unreadable::NotMetadata(root.tag_name().name().chars().take(60).collect()));
    }
    let entities = root.descendants().filter(|node| node.has_tag_name((MD, "EntityDescriptor")));
    let mut providers = entities.filter(|entity| provider_in(*entity).is_some());
    match (providers.next(), providers.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(Unreadable::SeveralProviders),
        (None, _) => Err(Unreadable::NoProvider),
    }
}

fn provider_in<'a, 'd>(entity: Node<'a, 'd>) -> Option<Node<'a, 'd>> {
    let speaks = |node: &Node<'_, '_>| {
        node.attribute("protocolSupportEnumeration")
            .is_some_and(|all| all.split_whitespace().any(|one| one == PROTOCOL))
    };
    entity.children().find(|node| node.has_tag_name((MD, "IDPSSODescriptor")) && speaks(node))
}

/// saml-metadata-2.0-os, section 2.3.2: what has expired is not used.
fn require_valid(parts: [Node<'_, '_>; 3], now: DateTime<Utc>) -> Result<(), Unreadable> {
    for end in parts.iter().filter_map(|part| part.attribute("validUntil")) {
        // One that cannot be read may be over.
        let end = DateTime::parse_from_rfc3339(end.trim()).map_err(|_| Unreadable::NoEnd)?.to_utc();
        if end <= now {
            return Err(Unreadable::Over(end));
        }
    }
    Ok(())
}

/// The service of this name by redirect, else by POST, and where its answers go.
fn endpoint(provider: Node<'_, '_>, service: &str) -> Option<(Endpoint, Option<String>)> {
    let by = |binding: Binding| {
        provider
            .children()
            .filter(|node| node.has_tag_name((MD, service)) && node.attribute("Binding") == Some(binding.uri()))
            .find_map(|node| {
                let answers = node.attribute("ResponseLocation").and_then(|url| Endpoint::parse(url, binding));
                let endpoint = Endpoint::parse(node.attribute("Location")?, binding)?;
                let answers = answers.map(|answers| answers.url).filter(|url| *url != endpoint.url);
                Some((endpoint, answers))
            })
    };
    Binding::ALL.into_iter().find_map(by)
}

/// Of the keys that are for signing, or for everything.
fn certificates(provider: Node<'_, '_>) -> Result<Vec<Certificate>, Unreadable> {
    let is_signing = |key: &Node<'_, '_>| key.attribute("use").is_none_or(|purpose| purpose == "signing");
    let keys = provider.children().filter(|node| node.has_tag_name((MD, "KeyDescriptor"))).filter(is_signing);
    let given = keys.flat_map(|key| key.descendants()).filter(|node| node.has_tag_name((DS, "X509Certificate")));
    let mut found: Vec<Certificate> = Vec::new();
    for text in given.filter_map(|node| node.text()) {
        let certificate = Certificate::from_base64(text)?;
        if !found.contains(&certificate) {
            found.push(certificate);
        }
        if found.len() > MOST_CERTIFICATES {
            return Err(Unreadable::TooManyCertificates);
        }
    }
    if found.is_empty() { Err(Unreadable::NoCertificate) } else { Ok(found) }
}
