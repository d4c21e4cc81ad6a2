use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use url::Url;

use super::enforcement::{self, Affected, Preflight};
use super::{Connection, Key, Mappings, Place, Source, list_certificates, list_keys, load_mappings};
use crate::db::{self, ReadTx};
use crate::domains::{self, Domain};
use crate::orgs::{self, Role};
use crate::sso::saml::{Certificate, certificate};

/// A connection with all that belongs to it, as those see it who look after it.
#[derive(Debug)]
pub struct Whole {
    pub connection: Connection,
    pub certificates: Vec<Certificate>,
    pub keys: Vec<Key>,
    pub mappings: Mappings,
    pub domains: Vec<Domain>,
    /// Owners who may sign in without the provider.
    pub break_glass: Vec<orgs::Member>,
}

impl Whole {
    pub fn load(tx: &mut ReadTx<'_>, connection: Connection) -> Result<Self, db::Error> {
        let id = connection.id;
        Ok(Self {
            certificates: list_certificates(tx, id)?,
            keys: list_keys(tx, id)?,
            mappings: load_mappings(tx, id)?,
            domains: domains::list_of_connection(tx, id)?,
            break_glass: enforcement::list_break_glass(tx, &connection)?,
            connection,
        })
    }

    /// As programs read it. `public_url`: `server.public_url`.
    pub fn to_json(&self, public_url: &Url, now: DateTime<Utc>) -> Value {
        let (one, place) = (&self.connection, Place::of(public_url, self.connection.id));
        let mut all = json!({
            "id": one.id,
            "kind": "saml",
            "name": one.name,
            "idp_entity_id": one.idp.entity_id,
            "sso_url": one.idp.sso.url,
            "sso_binding": one.idp.sso.binding.as_str(),
            "slo_url": one.idp.slo.as_ref().map(|slo| &slo.url),
            "slo_binding": one.idp.slo.as_ref().map(|slo| slo.binding.as_str()),
            "metadata": source_json(&one.source),
            "attributes": {
                "email": one.attributes.email,
                "name": one.attributes.name,
                "groups": one.attributes.groups,
            },
            "default_role": one.default_role.map(Role::as_str),
            "sign_requests": one.signs_requests,
            "allow_idp_initiated": one.allows_idp_initiated,
            "enforced": one.is_enforced(now),
            "enforced_from": one.enforced_from,
            "tested_at": one.tested_at,
            "created_at": one.created_at,
            "changed_at": one.changed_at,
            "service_provider": {
                "entity_id": place.entity_id,
                "acs_url": place.acs,
                "login_url": place.login,
                "logout_url": place.logout,
            },
        });
        if let (Value::Object(all), Value::Object(more)) = (&mut all, self.belongings()) {
            all.extend(more);
        }
        all
    }

    fn belongings(&self) -> Value {
        let roles: BTreeMap<&String, &str> =
            self.mappings.roles.iter().map(|(group, role)| (group, role.as_str())).collect();
        let owner = |owner: &orgs::Member| json!({ "id": owner.user, "email": owner.email.as_str() });
        let domain = |one: &Domain| json!({ "name": one.name.as_str(), "proved": one.proof.is_some() });
        json!({
            "certificates": self.certificates.iter().map(certificate_json).collect::<Vec<_>>(),
            "keys": self.keys.iter().map(Key::to_json).collect::<Vec<_>>(),
            "domains": self.domains.iter().map(domain).collect::<Vec<_>>(),
            "group_roles": roles,
            "group_groups": self.mappings.groups,
            "break_glass": self.break_glass.iter().map(owner).collect::<Vec<_>>(),
        })
    }
}

impl Key {
    /// As programs read it, without the private part.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "sha256": certificate::fingerprint_of(&self.certificate),
            "certificate": certificate::pem_of(&self.certificate),
            "signs": self.signs,
            "created_at": self.created_at,
            "not_after": self.not_after,
        })
    }
}

impl Preflight {
    /// As programs read it.
    pub fn to_json(&self) -> Value {
        let missing = self.missing.iter().map(|one| json!({ "code": one.as_str(), "detail": one.sentence() }));
        json!({
            "ready": self.missing.is_empty(),
            "missing": missing.collect::<Vec<_>>(),
            "affected": self.affected,
            "have_signed_in": self.have_signed_in,
            "not_members": self.strangers,
            "people": self.people.iter().map(affected_json).collect::<Vec<_>>(),
            "break_glass": self.break_glass,
        })
    }
}

fn affected_json(person: &Affected) -> Value {
    json!({
        "id": person.user,
        "email": person.email,
        "name": person.name,
        "member": person.is_member,
        "password": person.has_password,
        "passkey": person.has_passkey,
        "last_by_provider": person.last_by_provider,
        "break_glass": person.is_break_glass,
    })
}

fn source_json(source: &Source) -> Value {
    match source {
        Source::Hand => json!({ "from": "hand" }),
        Source::Xml { read_at } => json!({ "from": "xml", "read_at": read_at }),
        Source::Url(fetched) => json!({
            "from": "url",
            "url": fetched.url,
            "read_at": fetched.at,
            "error": fetched.error,
            "next_at": fetched.due,
        }),
    }
}

fn certificate_json(certificate: &Certificate) -> Value {
    json!({
        "sha256": certificate.fingerprint(),
        "subject": certificate.subject,
        "not_before": certificate.not_before,
        "not_after": certificate.not_after,
    })
}
