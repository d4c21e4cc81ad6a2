use anyhow::anyhow;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{List, One, explain, not_read};
use crate::app::App;
use crate::cli::say;
use crate::db::{self, ReadTx};
use crate::orgs::{self, Slug};
use crate::sso::connections::enforcement::preflight as look_ahead;
use crate::sso::connections::{self, Connection, Error, Place, Source, Whole};

const TIME: &str = "%Y-%m-%d %H:%M UTC";

pub(super) async fn list(arguments: &List, app: &App) -> anyhow::Result<()> {
    let wanted = arguments.slug.clone();
    let find = move |tx: &mut ReadTx<'_>| -> Result<Vec<(String, Whole)>, db::Error> {
        let mut all = Vec::new();
        for organization in orgs::list(tx)? {
            if wanted.as_deref().is_some_and(|slug| organization.slug.as_str() != slug) {
                continue;
            }
            for connection in connections::list_of(tx, organization.id)? {
                all.push((organization.slug.as_str().to_owned(), Whole::load(tx, connection)?));
            }
        }
        Ok(all)
    };
    if let Some(slug) = &arguments.slug {
        require_organization(app, slug).await?;
    }
    let all = app.db.read(find).await.map_err(not_read)?;
    let (public_url, now) = (&app.settings.server.public_url, app.clock.now());
    if arguments.json {
        let all: Vec<Value> = all.iter().map(|(slug, whole)| with_slug(slug, whole.to_json(public_url, now))).collect();
        return say(&json!({ "connections": all }).to_string());
    }
    if all.is_empty() {
        return say("There is no connection.");
    }
    all.iter().try_for_each(|(slug, whole)| say(&in_short(slug, whole, now)))
}

async fn require_organization(app: &App, slug: &str) -> anyhow::Result<()> {
    let unknown = || anyhow!("there is no organization {slug}");
    let parsed = Slug::parse(slug).ok_or_else(unknown)?;
    let found = app.db.look_up(move |tx| orgs::find(tx, &parsed)).await?;
    found.map(drop).ok_or_else(unknown)
}

pub(super) async fn show(one: &One, app: &App) -> anyhow::Result<()> {
    let id = one.id;
    let find = move |tx: &mut ReadTx<'_>| -> Result<Whole, Error> {
        let connection = connections::find_any(tx, id)?.ok_or(Error::Unknown)?;
        Ok(Whole::load(tx, connection)?)
    };
    let whole = app.db.read(find).await.map_err(explain)?;
    let (public_url, now) = (&app.settings.server.public_url, app.clock.now());
    if one.json {
        return say(&whole.to_json(public_url, now).to_string());
    }
    say(&in_full(&whole, &Place::of(public_url, id), now))
}

pub(super) async fn preflight(one: &One, app: &App) -> anyhow::Result<()> {
    let id = one.id;
    let find = move |tx: &mut ReadTx<'_>| -> Result<_, Error> {
        let connection = connections::find_any(tx, id)?.ok_or(Error::Unknown)?;
        Ok(look_ahead(tx, &connection)?)
    };
    let found = app.db.read(find).await.map_err(explain)?;
    if one.json {
        return say(&found.to_json().to_string());
    }
    let missing: Vec<String> = found.missing.iter().map(|one| format!("missing  {}\n", one.sentence())).collect();
    let missing = missing.concat();
    let people = found.people.iter().map(|person| {
        let seen = person.last_by_provider.map_or("never".to_owned(), |at| at.format(TIME).to_string());
        format!("\n  {}  by the provider: {seen}", person.email)
    });
    say(&format!(
        "{missing}{} affected, {} have signed in by the provider, {} are no members{}",
        found.affected,
        found.have_signed_in,
        found.strangers,
        people.collect::<String>()
    ))
}

fn with_slug(slug: &str, mut one: Value) -> Value {
    if let Some(one) = one.as_object_mut() {
        one.insert("organization".to_owned(), json!(slug));
    }
    one
}

fn in_short(slug: &str, whole: &Whole, now: DateTime<Utc>) -> String {
    let one = &whole.connection;
    let domains: Vec<String> = whole.domains.iter().map(|domain| domain.name.to_string()).collect();
    format!("{}  {}\n  organization {slug}, {}, {}", one.id, one.name, said(&domains), standing(one, now))
}

fn in_full(whole: &Whole, place: &Place, now: DateTime<Utc>) -> String {
    let one = &whole.connection;
    let mut lines = vec![
        format!("{}  {}", one.id, one.name),
        format!("provider     {}", one.idp.entity_id),
        format!("sign in at   {} ({})", one.idp.sso.url, one.idp.sso.binding.as_str()),
        format!("metadata     {}", source(&one.source)),
        format!("our metadata {}", place.entity_id),
        format!("our ACS      {}", place.acs),
        format!("our logout   {}", place.logout),
        format!("sign-on      {}", place.login),
        format!("try it out   {}?purpose=test", place.login),
        format!("state        {}, {}", standing(one, now), tested(one)),
    ];
    lines.extend(whole.domains.iter().map(|domain| {
        format!("domain       {} ({})", domain.name, if domain.proof.is_some() { "proved" } else { "not proved" })
    }));
    lines.extend(whole.certificates.iter().map(|certificate| {
        let until = certificate.not_after.format(TIME);
        format!("certificate  {} until {until}\n             {}", certificate.subject, certificate.fingerprint())
    }));
    lines.extend(whole.keys.iter().map(|key| {
        format!(
            "key          {}{} until {}",
            key.id,
            if key.signs { " (signs)" } else { "" },
            key.not_after.format(TIME)
        )
    }));
    lines.extend(whole.mappings.roles.iter().map(|(group, role)| format!("group        {group} = {}", role.as_str())));
    lines.extend(whole.break_glass.iter().map(|owner| format!("break glass  {}", owner.email.as_str())));
    lines.join("\n")
}

fn standing(one: &Connection, now: DateTime<Utc>) -> String {
    match one.enforced_from {
        Some(from) if from <= now => "the only way in".to_owned(),
        Some(from) => format!("the only way in from {} on", from.format(TIME)),
        None => "one way in".to_owned(),
    }
}

fn tested(one: &Connection) -> String {
    match one.tested_at {
        Some(at) if one.is_tested(DateTime::UNIX_EPOCH) => format!("tried out {}", at.format(TIME)),
        Some(_) => "changed since it was tried out".to_owned(),
        None => "never tried out".to_owned(),
    }
}

fn said(domains: &[String]) -> String {
    if domains.is_empty() { "no domain".to_owned() } else { domains.join(" ") }
}

fn source(source: &Source) -> String {
    match source {
        Source::Hand => "by hand".to_owned(),
        Source::Xml { read_at } => format!("given {}", read_at.format(TIME)),
        Source::Url(fetched) => {
            let error = fetched.error.as_ref().map(|error| format!("; failing: {error}")).unwrap_or_default();
            format!("{} read {}{error}", fetched.url, fetched.at.format(TIME))
        }
    }
}
