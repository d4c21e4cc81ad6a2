use crate::sso::saml::{Answer, Attribute};

/// Under which names the provider says what; `None` for the usual ones.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Attributes {
    pub email: Option<String>,
    pub name: Option<String>,
    pub groups: Option<String>,
}

/// What a provider has said of somebody, as it wrote it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Said {
    /// All values of the one attribute. Only one alone is good for anything.
    pub emails: Vec<String>,
    pub name: Option<String>,
    pub groups: Vec<String>,
}

const EMAIL_NAME_ID: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";

/// The first of them that an answer has is taken, by its name or its friendly name. Those of Okta, Google and Keycloak are
/// what their administrators type there, and what our own hints say.
const EMAILS: [&str; 6] = [
    // Entra ID, ADFS
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "email",
    // SimpleSAMLphp and others of eduPerson (RFC 4524, section 2.16)
    "mail",
    "urn:oid:0.9.2342.19200300.100.1.3",
    // Keycloak (PKCS #9)
    "urn:oid:1.2.840.113549.1.9.1",
    "emailAddress",
];

const NAMES: [&str; 6] = [
    "http://schemas.microsoft.com/identity/claims/displayname",
    "displayName",
    // RFC 2798, section 2.3
    "urn:oid:2.16.840.1.113730.3.1.241",
    "name",
    "cn",
    "urn:oid:2.5.4.3",
];

/// Where there is no whole name: its two parts.
const NAME_PARTS: [(&str, &str); 4] = [
    (
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
    ),
    ("firstName", "lastName"),
    ("givenName", "sn"),
    ("urn:oid:2.5.4.42", "urn:oid:2.5.4.4"),
];

const GROUPS: [&str; 7] = [
    // Entra ID
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
    // ADFS
    "http://schemas.xmlsoap.org/claims/Group",
    "groups",
    "memberOf",
    // Keycloak
    "Role",
    // eduMember
    "isMemberOf",
    "urn:oid:1.3.6.1.4.1.5923.1.5.1.1",
];

impl Attributes {
    /// What a good answer says of its subject, by these names.
    pub fn read(&self, answer: &Answer) -> Said {
        let all = &answer.attributes;
        let name = match &self.name {
            Some(name) => first(&values(all, name)),
            None => NAMES.iter().find_map(|name| first(&values(all, name))).or_else(|| joined(all)),
        };
        Said { emails: self.emails(answer), name, groups: by_names(all, self.groups.as_deref(), &GROUPS) }
    }

    fn emails(&self, answer: &Answer) -> Vec<String> {
        let said = by_names(&answer.attributes, self.email.as_deref(), &EMAILS);
        let is_name = answer.name_id.format.as_deref() == Some(EMAIL_NAME_ID);
        if said.is_empty() && self.email.is_none() && is_name { vec![answer.name_id.value.clone()] } else { said }
    }
}

fn by_names(all: &[Attribute], chosen: Option<&str>, usual: &[&str]) -> Vec<String> {
    match chosen {
        Some(name) => values(all, name),
        None => usual.iter().map(|name| values(all, name)).find(|found| !found.is_empty()).unwrap_or_default(),
    }
}

/// Of all attributes that are called so, whatever their capitals.
fn values(all: &[Attribute], name: &str) -> Vec<String> {
    let is_it = |attribute: &&Attribute| {
        let friendly = attribute.friendly_name.as_deref();
        attribute.name.eq_ignore_ascii_case(name)
            || friendly.is_some_and(|friendly| friendly.eq_ignore_ascii_case(name))
    };
    all.iter().filter(is_it).flat_map(|attribute| attribute.values.iter().cloned()).collect()
}

fn first(values: &[String]) -> Option<String> {
    values.iter().map(|value| value.trim()).find(|value| !value.is_empty()).map(str::to_owned)
}

/// Of the pairs, one that is whole; otherwise what there is. An attribute may have a name of one pair and a friendly name of
/// another.
fn joined(all: &[Attribute]) -> Option<String> {
    let pairs = NAME_PARTS.map(|(given, family)| [first(&values(all, given)), first(&values(all, family))]);
    let best = pairs.into_iter().rev().max_by_key(|parts| parts.iter().flatten().count())?;
    let name = best.into_iter().flatten().collect::<Vec<_>>().join(" ");
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::sso::saml::NameId;

    fn answer(attributes: &[(&str, &str, &[&str])], name_id: (&str, &str)) -> Answer {
        let attribute = |(name, friendly, values): &(&str, &str, &[&str])| Attribute {
            name: (*name).to_owned(),
            friendly_name: (!friendly.is_empty()).then(|| (*friendly).to_owned()),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        Answer {
            assertion_id: "_1".to_owned(),
            name_id: NameId { value: name_id.0.to_owned(), format: Some(name_id.1.to_owned()) },
            authn_instant: DateTime::UNIX_EPOCH,
            authn_context: None,
            session_index: None,
            session_ends_at: None,
            good_until: DateTime::UNIX_EPOCH,
            attributes: attributes.iter().map(attribute).collect(),
        }
    }

    const OPAQUE: (&str, &str) = ("k3j", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent");

    fn answers_of_claims() -> [Answer; 2] {
        let claims = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims";
        let (email, given, sur, upn) = (
            format!("{claims}/emailaddress"),
            format!("{claims}/givenname"),
            format!("{claims}/surname"),
            format!("{claims}/name"),
        );
        let entra = answer(
            &[
                (&upn, "", &["ann@corp.onmicrosoft.com"]),
                (&email, "", &["ann@example.com"]),
                ("http://schemas.microsoft.com/identity/claims/displayname", "", &["Ann Ash"]),
                ("http://schemas.microsoft.com/ws/2008/06/identity/claims/groups", "", &["ops"]),
            ],
            OPAQUE,
        );
        let adfs = answer(
            &[
                (&email, "", &["ann@example.com"]),
                (&given, "", &["Ann"]),
                (&sur, "", &["Ash"]),
                ("http://schemas.xmlsoap.org/claims/Group", "", &["ops"]),
            ],
            OPAQUE,
        );
        [entra, adfs]
    }

    fn other_answers() -> [Answer; 4] {
        let okta = answer(
            &[
                ("email", "", &["ann@example.com"]),
                ("firstName", "", &["Ann"]),
                ("lastName", "", &["Ash"]),
                ("groups", "", &["ops"]),
            ],
            OPAQUE,
        );
        let google =
            answer(&[("name", "", &["Ann Ash"]), ("groups", "", &["ops"])], ("ann@example.com", EMAIL_NAME_ID));
        let keycloak = answer(
            &[
                ("urn:oid:1.2.840.113549.1.9.1", "email", &["ann@example.com"]),
                ("urn:oid:2.5.4.42", "givenName", &["Ann"]),
                ("urn:oid:2.5.4.4", "surname", &["Ash"]),
                ("Role", "", &["ops"]),
            ],
            OPAQUE,
        );
        let simplesamlphp = answer(
            &[
                ("urn:oid:0.9.2342.19200300.100.1.3", "", &["ann@example.com"]),
                ("urn:oid:2.16.840.1.113730.3.1.241", "", &["Ann Ash"]),
                ("isMemberOf", "", &["ops"]),
            ],
            OPAQUE,
        );
        [okta, google, keycloak, simplesamlphp]
    }

    #[test]
    fn what_each_provider_sends_is_understood_without_a_setting() {
        let [entra, adfs] = answers_of_claims();
        let [okta, google, keycloak, simplesamlphp] = other_answers();
        for (provider, answer) in [
            ("Entra ID", entra),
            ("ADFS", adfs),
            ("Okta", okta),
            ("Google", google),
            ("Keycloak", keycloak),
            ("SimpleSAMLphp", simplesamlphp),
        ] {
            let said = Attributes::default().read(&answer);
            assert_eq!(said.emails, ["ann@example.com"], "{provider}");
            assert_eq!(said.name.as_deref(), Some("Ann Ash"), "{provider}");
            assert_eq!(said.groups, ["ops"], "{provider}");
        }
    }

    #[test]
    fn a_chosen_name_is_the_only_one_that_counts() {
        let said = answer(&[("mail", "", &["ann@example.com"]), ("work", "", &[])], ("x@example.com", EMAIL_NAME_ID));
        let chosen = |name: &str| Attributes { email: Some(name.to_owned()), ..Attributes::default() };
        assert!(chosen("work").read(&said).emails.is_empty(), "another one or the NameID took its place");
        assert_eq!(chosen("MAIL").read(&said).emails, ["ann@example.com"]);
    }

    #[test]
    fn several_values_are_all_told() {
        let twice = answer(&[("mail", "", &["a@example.com"]), ("MAIL", "", &["b@example.com"])], OPAQUE);
        assert_eq!(Attributes::default().read(&twice).emails, ["a@example.com", "b@example.com"]);
        assert!(Attributes::default().read(&answer(&[], OPAQUE)).emails.is_empty(), "an opaque NameID is no address");
    }
}
