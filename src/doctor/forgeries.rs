//! What a visitor writes about himself, in every way that was seen to work somewhere.

use url::{Position, Url};

use crate::gateway::Identity;

/// Nobody has this name (RFC 6761, section 6.4).
pub(super) const NOBODYS_HOST: &str = "vestibule-doctor.invalid";

/// Nothing but a forgery has this in it.
pub(super) const FORGED: &str = "vestibule-doctor-forged";

/// How a name is written: proxies differ in what they take for the same, and so do apps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Spelling {
    Usual,
    /// Apps that fold `_` to `-` cannot tell.
    Underscores,
    LowerCase,
}

impl Spelling {
    pub(super) const ALL: [Self; 3] = [Self::Usual, Self::Underscores, Self::LowerCase];

    fn of(self, name: &str) -> String {
        match self {
            Self::Usual => name.to_owned(),
            Self::Underscores => name.replace('-', "_"),
            Self::LowerCase => name.to_ascii_lowercase(),
        }
    }
}

/// Somebody else's identity.
pub(super) fn identity(spelling: Spelling) -> Vec<(String, String)> {
    Identity::NAMES.map(|name| (spelling.of(name), FORGED.to_owned())).to_vec()
}

/// Another request than the one that is made, each line a forgery of its own: towards `decoy` where a line can say so.
pub(super) fn words(url: &Url, decoy: &Url) -> Vec<(String, String)> {
    let whole = decoy[..Position::AfterQuery].to_owned();
    let path = decoy[Position::BeforePath..Position::AfterQuery].to_owned();
    let host = decoy[Position::BeforeHost..Position::AfterPort].to_owned();
    let other_scheme = if url.scheme() == "https" { "http" } else { "https" };
    let usual = [
        ("X-Original-URL", whole),
        ("X-Original-Method", "OPTIONS".to_owned()),
        ("X-Rewrite-URL", path.clone()),
        ("X-Forwarded-Host", host.clone()),
        ("X-Forwarded-Uri", path),
        ("X-Forwarded-Method", "OPTIONS".to_owned()),
        ("X-Forwarded-Proto", other_scheme.to_owned()),
        ("X-Forwarded-Port", "1".to_owned()),
        ("X-Forwarded-For", "127.0.0.1".to_owned()),
        ("X-Real-IP", "127.0.0.1".to_owned()),
        ("Forwarded", format!("for=127.0.0.1;host={host};proto={other_scheme}")),
    ];
    let spelled = |spelling: Spelling| usual.iter().map(move |(name, value)| (spelling.of(name), value.clone()));
    spelled(Spelling::Usual).chain(spelled(Spelling::Underscores).filter(|(name, _)| name.contains('_'))).collect()
}

/// Where a request came from and goes to, in values that nobody else would write.
pub(super) fn surroundings() -> Vec<(String, String)> {
    let usual = [
        ("X-Original-URL", format!("https://{NOBODYS_HOST}/{FORGED}")),
        ("X-Original-Method", FORGED.to_owned()),
        ("X-Rewrite-URL", format!("/{FORGED}")),
        ("X-Forwarded-Host", format!("{FORGED}.invalid")),
        ("X-Forwarded-Uri", format!("/{FORGED}")),
        ("X-Forwarded-Method", FORGED.to_owned()),
        ("X-Forwarded-Proto", FORGED.to_owned()),
        ("X-Forwarded-For", FORGED_ADDRESS.to_owned()),
        ("X-Forwarded-Port", FORGED.to_owned()),
        ("X-Forwarded-Prefix", format!("/{FORGED}")),
        ("X-Real-IP", FORGED_ADDRESS.to_owned()),
        ("Forwarded", format!("for={FORGED_ADDRESS};host={FORGED}.invalid")),
    ];
    let spelled = |spelling: Spelling| usual.iter().map(move |(name, value)| (spelling.of(name), value.clone()));
    spelled(Spelling::Usual).chain(spelled(Spelling::Underscores).filter(|(name, _)| name.contains('_'))).collect()
}

/// Documentation's own (RFC 5737): nobody comes from there.
pub(super) const FORGED_ADDRESS: &str = "203.0.113.9";

/// `Connection` lines that name what the gate sets (RFC 9110, section 7.6.1: whoever passes it on takes that away).
pub(super) fn connections() -> Vec<String> {
    Identity::NAMES.iter().map(|name| format!("close, {name}")).collect()
}

/// What other services of this kind take from the query of their own question.
pub(super) fn with_arguments(url: &Url) -> Url {
    let mut url = url.clone();
    let elsewhere = format!("https://{NOBODYS_HOST}/");
    url.query_pairs_mut()
        .append_pair("rd", &elsewhere)
        .append_pair("return_to", &elsewhere)
        .append_pair("authelia_url", &elsewhere)
        .append_pair("mode", "public");
    url
}
