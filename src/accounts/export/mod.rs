//! What is kept about a person, for them to take along.
//!
//! One JSON document, described by `docs/export.schema.json`: the account, what it is opened with, where it is open and
//! was, what others and the service have written down about it. No secret is in it (a digest opens nothing, but is no use
//! to anybody either), and nothing of another person: who else acted stands there as `another`, who was invited not at
//! all.
//!
//! [`KEPT`] and [`LEFT_OUT`] name every table that refers to people. A test holds them against the database, so that a
//! new one is either taken along or left out for a reason.
//!
//! Most of it is little and is read at once ([`look_up`]). Of events and of the gate's decisions there may be any number:
//! they come a page at a time ([`next`]).

mod store;

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use super::activity::{self, About, By, Entry, Told};
use crate::audit::{self, Cursor, Event};
use crate::config::settings::Limit;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::UserId;
use crate::throttle::{self, Admission, Key};

/// Of the document. It changes when a reader of the one before would be wrong; members may be added at any time.
pub const VERSION: u32 = 1;

/// A table that refers to people, and the member of the document that tells what is in it.
pub const KEPT: [(&str, &str); 23] = [
    ("users", "account"),
    ("email_undos", "addresses_before"),
    ("email_verifications", "links"),
    ("password_resets", "links"),
    ("magic_links", "links"),
    ("restore_links", "links"),
    ("not_me_links", "links"),
    ("totp_factors", "authenticator_app"),
    ("recovery_codes", "recovery_codes"),
    ("passkeys", "passkeys"),
    ("sessions", "sessions"),
    ("ended_sessions", "ended_sessions"),
    ("pending_sign_ins", "half_signed_in"),
    ("known_devices", "known_devices"),
    ("places", "places"),
    ("identities", "provider_identities"),
    ("provider_sessions", "provider_sessions"),
    ("api_keys", "api_keys"),
    ("members", "organizations"),
    ("group_members", "organizations"),
    ("mail_outbox", "letters"),
    ("audit_events", "events"),
    ("gate_decisions", "gate_decisions"),
];

/// One that the document tells of in two places: those they sent, and those to their address.
pub const KEPT_TWICE: (&str, [&str; 2]) = ("invitations", ["invitations_sent", "invitations_received"]);

/// A table that refers to people, and why the document does not tell of it.
pub const LEFT_OUT: [(&str, &str); 9] = [
    ("break_glass", "an organization's; that somebody was named stands in their events"),
    ("connections", "an organization's; that somebody has tried one out stands in their events"),
    ("letter_requests", "somebody has typed an address; gone within a second, and not known whose it is"),
    ("pending_identities", "whom a provider vouches for, for some minutes: nobody knows yet whose account that is"),
    ("passkey_ceremonies", "a question put to a key, for some minutes: a random number and nothing else"),
    ("saml_reports", "for a day, what an organization's provider has sent: for those who see to it"),
    ("saml_requests", "a question put to a provider, for some minutes: random numbers and where to go on"),
    ("webhook_deliveries", "that a program was told, or is to be told, of an event which stands in their events"),
    ("webhooks", "an organization's or the operator's; that somebody has added one stands in their events"),
];

/// Of the gate, read at once.
const DECISIONS: i64 = 500;

/// As often as anybody could need it, and seldom enough that nobody is kept busy by it.
const LIMIT: Limit = Limit { count: 5, period: TimeDelta::hours(1) };

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("too many exports; {0} to wait")]
    TooMany(TimeDelta),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Counts and writes down that somebody takes a copy.
pub fn begin(tx: &mut Tx<'_>, user: UserId) -> Result<(), Error> {
    match throttle::admit(tx, &[Key::export_of(user, LIMIT)])? {
        Admission::Admitted => Ok(audit::record(tx, Event::about(user, "user.exported"))?),
        Admission::Wait(wait) => Err(Error::TooMany(wait)),
    }
}

/// The document without what comes in pages. `None` when the person is gone.
pub fn look_up(tx: &mut ReadTx<'_>, user: UserId) -> Result<Option<Map<String, Value>>, db::Error> {
    let Some(account) = store::account(tx, user)? else { return Ok(None) };
    // Somebody else may have signed up with the address: they have no business with what was sent to it.
    let received = match account.email_verified_at {
        Some(_) => store::invitations_received(tx, &account.email_key)?,
        None => Vec::new(),
    };
    let document = json!({
        "version": VERSION,
        "exported_at": tx.now,
        "account": account,
        "addresses_before": store::addresses_before(tx, user)?,
        "links": links(tx, user)?,
        "authenticator_app": store::authenticator_app(tx, user)?,
        "recovery_codes": store::recovery_codes(tx, user)?,
        "passkeys": store::passkeys(tx, user)?,
        "sessions": store::sessions(tx, user)?,
        "ended_sessions": store::ended_sessions(tx, user)?,
        "half_signed_in": store::half_signed_in(tx, user)?,
        "known_devices": store::known_devices(tx, user)?,
        "places": store::places(tx, user)?,
        "provider_identities": store::provider_identities(tx, user)?,
        "provider_sessions": store::provider_sessions(tx, user)?,
        "api_keys": store::api_keys(tx, user)?,
        "organizations": organizations(tx, user)?,
        "invitations_sent": store::invitations_sent(tx, user)?,
        "invitations_received": received,
        "letters": store::letters(tx, user)?,
    });
    match document {
        Value::Object(document) => Ok(Some(document)),
        _ => Ok(None),
    }
}

/// Mailed links that still stand, by what they are for.
fn links(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Value>, db::Error> {
    let all = [
        ("verify_email", store::verification_links(tx, user)?),
        ("new_password", store::reset_links(tx, user)?),
        ("sign_in", store::magic_links(tx, user)?),
        ("restore_account", store::restore_links(tx, user)?),
        ("not_me", store::not_me_links(tx, user)?),
    ];
    let described = all.into_iter().flat_map(|(purpose, links)| links.into_iter().map(move |link| (purpose, link)));
    Ok(described
        .map(|(purpose, (at, until))| json!({ "purpose": purpose, "created_at": at, "expires_at": until }))
        .collect())
}

fn organizations(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Value>, db::Error> {
    let groups = store::groups(tx, user)?;
    let theirs = store::memberships(tx, user)?.into_iter().map(|membership| {
        let groups = groups.iter().filter(|group| group.organization_id == membership.id);
        let groups: Vec<Value> =
            groups.map(|group| json!({ "name": group.name, "added_at": group.added_at })).collect();
        json!({
            "slug": membership.slug,
            "name": membership.name,
            "role": membership.role,
            "joined_at": membership.joined_at,
            "groups": groups,
        })
    });
    Ok(theirs.collect())
}

/// Where a page begins of what comes in pages: the newest first.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    Events(Option<Cursor>),
    /// After the one with this number.
    Decisions(Option<i64>),
}

impl Place {
    pub const ALL: [Self; 2] = [Self::Events(None), Self::Decisions(None)];

    /// The member of the document that it is in.
    pub fn member(self) -> &'static str {
        match self {
            Self::Events(_) => "events",
            Self::Decisions(_) => "gate_decisions",
        }
    }
}

/// A page, and where the next begins of the same.
pub fn next(tx: &mut ReadTx<'_>, user: UserId, place: Place) -> Result<(Vec<Value>, Option<Place>), db::Error> {
    match place {
        Place::Events(after) => {
            let Told { entries, next } = activity::kept_of_person(tx, user, after)?;
            Ok((entries.iter().map(describe).collect(), next.map(|next| Place::Events(Some(next)))))
        }
        Place::Decisions(after) => {
            let rows = store::gate_decisions(tx, user, after.unwrap_or(i64::MAX), DECISIONS)?;
            let is_full = i64::try_from(rows.len()).is_ok_and(|count| count >= DECISIONS);
            let last = rows.last().map(|row| Place::Decisions(Some(row.id)));
            let rows = rows.into_iter().map(|row| json!(row)).collect();
            Ok((rows, last.filter(|_| is_full)))
        }
    }
}

fn describe(entry: &Entry) -> Value {
    json!({
        "id": entry.id,
        "at": entry.at,
        "kind": entry.kind,
        "sentence": entry.sentence,
        "details": entry.facts,
        "by": match entry.by {
            By::You => "you",
            By::Member(_) | By::Another => "another",
            By::Operator => "operator",
            By::Service => "service",
            By::Somebody => "somebody",
        },
        "about": match entry.about {
            About::You => Some("you"),
            About::Member(_) | About::Somebody => Some("another"),
            About::Nobody => None,
        },
        "ip": entry.address,
        "device_name": entry.device,
        "user_agent": entry.user_agent,
        "organization": entry.organization.as_ref().map(|organization| &organization.slug),
    })
}
