use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use super::{ByHand, Changes, Fault, Provider, Wish};
use crate::domains;
use crate::kernel::Label;
use crate::orgs::Role;
use crate::outbound::Outside;
use crate::sso::connections::enforcement::MOST_NAMED;
use crate::sso::connections::fetch::{self, REFRESH};
use crate::sso::connections::{Fetched, Source};
use crate::sso::saml::metadata::{self, LONGEST_NAME, MOST_CERTIFICATES};
use crate::sso::saml::{Binding, Certificate, Endpoint};

/// Mappings of each kind that one connection can have.
const MOST_MAPPED: usize = 200;

const LONGEST_GROUP: usize = 500;
const LONGEST_ATTRIBUTE: usize = 300;

const NO_URL: &str = "Enter a URL of the web, as in https://idp.example.com/sso.";

/// What was found to be wrong.
#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn note<T>(&mut self, read: Result<Option<T>, Fault>) -> Option<T> {
        match read {
            Ok(value) => value,
            Err(fault) => {
                self.0.push(fault);
                None
            }
        }
    }
}

impl Wish {
    /// All that is wrong with it at once. Metadata is fetched where a URL is given, so this is nothing for a transaction.
    pub async fn read(self, outside: &Outside, now: DateTime<Utc>) -> Result<Changes, Vec<Fault>> {
        let mut faults = Faults::default();
        let provider = faults.note(self.read_provider(outside, now).await);
        let by_hand = self.read_by_hand(&mut faults);
        let changes = Changes {
            name: faults.note(self.name.as_deref().map(read_name).transpose()),
            domains: faults.note(self.domains.as_deref().map(read_domains).transpose()),
            provider,
            by_hand,
            email_attribute: faults.note(read_attribute("email_attribute", self.attributes.email)),
            name_attribute: faults.note(read_attribute("name_attribute", self.attributes.name)),
            groups_attribute: faults.note(read_attribute("groups_attribute", self.attributes.groups)),
            roles: faults.note(self.group_roles.map(read_roles).transpose()),
            groups: faults.note(self.group_groups.map(read_groups).transpose()),
            default_role: faults
                .note(self.default_role.as_ref().map(|word| read_default_role(word.as_deref())).transpose()),
            signs_requests: self.sign_requests,
            allows_idp_initiated: self.allow_idp_initiated,
            enforced_from: faults.note(read_day(self.enforced, self.enforced_from, now)),
            break_glass: faults.note(self.break_glass.map(read_owners).transpose()),
        };
        if faults.0.is_empty() { Ok(changes) } else { Err(faults.0) }
    }

    async fn read_provider(&self, outside: &Outside, now: DateTime<Utc>) -> Result<Option<Provider>, Fault> {
        match (filled(self.metadata_xml.as_ref()), filled(self.metadata_url.as_ref())) {
            (Some(_), Some(_)) => Err(("metadata_url", "Give the metadata or its URL, and not both.".to_owned())),
            (Some(document), None) => {
                let read = metadata::read(document.as_bytes(), now).map_err(|why| ("metadata_xml", why.to_string()))?;
                Ok(Some(Provider::new(read, Source::Xml { read_at: now })))
            }
            (None, Some(url)) => {
                let url = metadata::web_url(url).ok_or_else(|| ("metadata_url", NO_URL.to_owned()))?;
                let read = fetch::fetch(outside, &url, now).await.map_err(|why| ("metadata_url", why.to_string()))?;
                let fetched = Fetched { url: url.into(), at: now, error: None, due: now + REFRESH };
                Ok(Some(Provider::new(read, Source::Url(fetched))))
            }
            (None, None) => Ok(None),
        }
    }

    fn read_by_hand(&self, faults: &mut Faults) -> ByHand {
        let sso = read_endpoint(("sso_url", "sso_binding"), self.sso_url.as_deref(), self.sso_binding.as_deref());
        let slo = match self.slo_url.as_deref().map(str::trim) {
            Some("") => Ok(Some(None)),
            url => read_endpoint(("slo_url", "slo_binding"), url, self.slo_binding.as_deref())
                .map(|endpoint| endpoint.map(Some)),
        };
        ByHand {
            entity_id: faults.note(self.idp_entity_id.as_deref().map(read_entity_id).transpose()),
            sso: faults.note(sso),
            slo: faults.note(slo),
            certificates: faults.note(self.certificates.as_deref().map(read_certificates).transpose()),
        }
    }
}

/// Forms send empty fields.
fn filled(text: Option<&String>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}

fn read_name(text: &str) -> Result<Label, Fault> {
    Label::parse(text).map_err(|error| ("name", error.to_string()))
}

fn read_domains(names: &[String]) -> Result<Vec<domains::Name>, Fault> {
    let read = |name: &String| domains::Name::parse(name).map_err(|error| ("domains", format!("{name}: {error}")));
    let mut names = names.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    names.sort();
    names.dedup();
    Ok(names)
}

fn read_entity_id(text: &str) -> Result<String, Fault> {
    let id = text.trim();
    if id.is_empty() || id.chars().count() > LONGEST_NAME || id.chars().any(char::is_control) {
        return Err(("idp_entity_id", "Enter what the provider calls itself: 1 to 1024 characters.".to_owned()));
    }
    Ok(id.to_owned())
}

fn read_endpoint(
    (url_field, binding_field): (&'static str, &'static str),
    url: Option<&str>,
    binding: Option<&str>,
) -> Result<Option<Endpoint>, Fault> {
    let Some(url) = url else { return Ok(None) };
    let binding = match binding {
        None | Some("") => Binding::Redirect,
        Some(word) => Binding::parse(word).ok_or_else(|| (binding_field, "Send redirect or post.".to_owned()))?,
    };
    Endpoint::parse(url, binding).map(Some).ok_or_else(|| (url_field, NO_URL.to_owned()))
}

fn read_certificates(texts: &[String]) -> Result<Vec<Certificate>, Fault> {
    let fault = |why: String| ("certificates", why);
    if texts.is_empty() {
        return Err(fault(
            "Give a certificate: without one, nothing that the provider says can be believed.".to_owned(),
        ));
    }
    if texts.len() > MOST_CERTIFICATES {
        return Err(fault(format!("{MOST_CERTIFICATES} certificates is the most there can be.")));
    }
    let mut read: Vec<Certificate> = Vec::new();
    for text in texts {
        let certificate = Certificate::parse(text).map_err(|error| fault(error.to_string()))?;
        if !read.contains(&certificate) {
            read.push(certificate);
        }
    }
    Ok(read)
}

fn read_attribute(field: &'static str, name: Option<Option<String>>) -> Result<Option<Option<String>>, Fault> {
    let Some(name) = name else { return Ok(None) };
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    match name {
        Some(name) if name.chars().count() > LONGEST_ATTRIBUTE || name.chars().any(char::is_control) => {
            Err((field, format!("The name of an attribute has {LONGEST_ATTRIBUTE} characters at most.")))
        }
        name => Ok(Some(name)),
    }
}

fn read_roles(given: BTreeMap<String, String>) -> Result<BTreeMap<String, Role>, Fault> {
    let unknown = |word: &str| ("group_roles", format!("{word}: a role is owner, admin or member."));
    let read = |(group, word): (String, String)| {
        let role = Role::parse(&word).ok_or_else(|| unknown(&word))?;
        Ok((read_group("group_roles", &group)?, role))
    };
    let roles = given.into_iter().map(read).collect::<Result<BTreeMap<_, _>, _>>()?;
    require_few("group_roles", roles.len())?;
    Ok(roles)
}

fn read_groups(given: BTreeMap<String, Vec<String>>) -> Result<BTreeMap<String, Vec<String>>, Fault> {
    require_few("group_groups", given.values().map(Vec::len).sum())?;
    given.into_iter().map(|(group, ours)| Ok((read_group("group_groups", &group)?, ours))).collect()
}

fn require_few(field: &'static str, mapped: usize) -> Result<(), Fault> {
    if mapped > MOST_MAPPED {
        Err((field, format!("{MOST_MAPPED} mappings is the most there can be.")))
    } else {
        Ok(())
    }
}

fn read_group(field: &'static str, group: &str) -> Result<String, Fault> {
    let group = group.trim();
    if group.is_empty() || group.chars().count() > LONGEST_GROUP || group.chars().any(char::is_control) {
        return Err((field, format!("The name of a provider's group has 1 to {LONGEST_GROUP} characters.")));
    }
    Ok(group.to_owned())
}

fn read_default_role(word: Option<&str>) -> Result<Option<Role>, Fault> {
    match word {
        None | Some("") => Ok(None),
        Some(word) => {
            let unknown = || ("default_role", "A role is owner, admin or member; null lets nobody in.".to_owned());
            Role::parse(word).map(Some).ok_or_else(unknown)
        }
    }
}

fn read_day(
    enforced: Option<bool>,
    from: Option<Option<String>>,
    now: DateTime<Utc>,
) -> Result<Option<Option<DateTime<Utc>>>, Fault> {
    let from = from.map(|from| from.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()));
    match (enforced, from) {
        (None, None) => Ok(None),
        (None | Some(false), Some(None)) | (Some(false), None) => Ok(Some(None)),
        (Some(true), None | Some(None)) => Ok(Some(Some(now))),
        (None | Some(true), Some(Some(text))) => {
            let day = || text.parse::<NaiveDate>().ok().map(|day| day.and_time(NaiveTime::MIN).and_utc());
            let instant = text.parse::<DateTime<Utc>>().ok().or_else(day);
            let wrong = || ("enforced_from", "Send a day, as in 2027-03-01, or an instant of RFC 3339.".to_owned());
            instant.map(|instant| Some(Some(instant))).ok_or_else(wrong)
        }
        (Some(false), Some(Some(_))) => Err(("enforced_from", "Leave it out where enforced is false.".to_owned())),
    }
}

fn read_owners(given: Vec<String>) -> Result<Vec<String>, Fault> {
    if given.len() > MOST_NAMED {
        return Err(("break_glass", format!("{MOST_NAMED} owners is the most that can be named.")));
    }
    Ok(given)
}
