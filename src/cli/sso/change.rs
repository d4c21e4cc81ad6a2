use anyhow::{anyhow, bail};
use serde_json::json;

use super::{Add, Change, One, OneKey, Somebody, explain};
use crate::app::App;
use crate::cli::say;
use crate::db::Tx;
use crate::domains;
use crate::kernel::{ConnectionId, OrganizationId, Origin};
use crate::orgs::{self, Slug};
use crate::sso::connections::keys::{add_key as give_key, remove_key as take_key, sign_with};
use crate::sso::connections::{self, Changes, Connection, Error, Fault, New, Refreshed, Whole};
use crate::sso::identities;
use crate::sso::saml::keys::{self, Pair};

pub(super) async fn add(arguments: &Add, app: &App) -> anyhow::Result<()> {
    let unknown = || anyhow!("there is no organization {}", arguments.slug);
    let slug = Slug::parse(&arguments.slug).ok_or_else(unknown)?;
    let changes = read(arguments.wanted.read()?, app).await?;
    let names = changes.domains.clone().unwrap_or_default();
    let new = New::from_changes(changes).map_err(|faults| told(&faults))?;
    let (pair, sealer) = (make_pair(app).await?, app.sealer.clone());
    let step = move |tx: &mut Tx<'_>| {
        let found = orgs::find(tx, &slug)?.map(|found| orgs::lock(tx, found.id)).transpose()?.flatten();
        let Some(organization) = found else { return Ok::<_, Error>(None) };
        prove(tx, organization.id, &names)?;
        let connection = connections::add(tx, &sealer, organization.id, new, &pair)?;
        Ok(Some(Whole::load(tx, connection)?))
    };
    let whole = app.db.write(&Origin::operator("sso add"), step).await.map_err(explain)?.ok_or_else(unknown)?;
    let public_url = &app.settings.server.public_url;
    if arguments.json {
        return say(&whole.to_json(public_url, app.clock.now()).to_string());
    }
    let place = connections::Place::of(public_url, whole.connection.id);
    say(&format!(
        "{}  {}\nGive the provider our metadata: {}\nor by hand:  entity id  {}\n             ACS URL    {}\n             logout URL {}\n\
         Then try it out, signed in as an owner or admin of {}: {}?purpose=test",
        whole.connection.id,
        whole.connection.name,
        place.entity_id,
        place.entity_id,
        place.acs,
        place.logout,
        arguments.slug,
        place.login
    ))
}

pub(super) async fn change(arguments: &Change, app: &App) -> anyhow::Result<()> {
    let changes = read(arguments.wanted.read()?, app).await?;
    let names = changes.domains.clone().unwrap_or_default();
    let step = move |tx: &mut Tx<'_>, organization, id| {
        prove(tx, organization, &names)?;
        let connection = connections::change(tx, organization, id, &changes)?;
        Ok(Whole::load(tx, connection)?)
    };
    let whole = hold(app, "sso change", arguments.id, step).await?;
    if arguments.json {
        return say(&whole.to_json(&app.settings.server.public_url, app.clock.now()).to_string());
    }
    say(&format!("{} is changed.", whole.connection.name))
}

pub(super) async fn remove(one: &One, app: &App) -> anyhow::Result<()> {
    let removed = hold(app, "sso remove", one.id, connections::remove).await?;
    if one.json {
        return say(&json!({ "id": one.id, "removed": true }).to_string());
    }
    say(&format!("{} is removed.", removed.name))
}

pub(super) async fn refresh(one: &One, app: &App) -> anyhow::Result<()> {
    let origin = Origin::operator("sso refresh");
    let (outcome, sentence) = match connections::refresh(app, &origin, one.id).await.map_err(explain)? {
        Refreshed::Same => ("same", "It says what it said before."),
        Refreshed::Changed => ("changed", "It has changed, and was taken over."),
        Refreshed::Failed(why) => bail!("what was read before holds: {why}"),
        Refreshed::NothingToFetch => bail!("there is no connection of that id whose metadata has a URL"),
    };
    if one.json {
        return say(&json!({ "id": one.id, "outcome": outcome }).to_string());
    }
    say(sentence)
}

pub(super) async fn forget(somebody: &Somebody, app: &App) -> anyhow::Result<()> {
    let email = somebody.email.clone();
    let step = move |tx: &mut Tx<'_>, _, id| Ok(identities::forget_by_address(tx, id, &email)?);
    if !hold(app, "sso forget", somebody.id, step).await? {
        bail!("nobody with the address {} has come by it", somebody.email);
    }
    if somebody.json {
        return say(&json!({ "id": somebody.id, "forgotten": true }).to_string());
    }
    say(&format!("{} comes as whatever the provider calls them by then, the next time.", somebody.email))
}

pub(super) async fn add_key(one: &One, app: &App) -> anyhow::Result<()> {
    let (pair, sealer) = (make_pair(app).await?, app.sealer.clone());
    let step = move |tx: &mut Tx<'_>, organization, id| give_key(tx, &sealer, organization, id, &pair);
    let key = hold(app, "sso add-key", one.id, step).await?;
    if one.json {
        return say(&key.to_json().to_string());
    }
    say(&format!(
        "{}\nIt is in our metadata. Once the provider knows it: vestibule sso use-key {} {}",
        key.id, one.id, key.id
    ))
}

pub(super) async fn use_key(one: &OneKey, app: &App) -> anyhow::Result<()> {
    let key = one.key;
    let step = move |tx: &mut Tx<'_>, organization, id| sign_with(tx, organization, id, key);
    hold(app, "sso use-key", one.id, step).await?;
    if one.json { say(&json!({ "key": key, "signs": true }).to_string()) } else { say("Requests are signed with it.") }
}

pub(super) async fn remove_key(one: &OneKey, app: &App) -> anyhow::Result<()> {
    let key = one.key;
    let step = move |tx: &mut Tx<'_>, organization, id| take_key(tx, organization, id, key);
    hold(app, "sso remove-key", one.id, step).await?;
    if one.json { say(&json!({ "key": key, "removed": true }).to_string()) } else { say("The key is removed.") }
}

/// Holds the organization of a connection while `work` is at it.
async fn hold<T: Send + 'static>(
    app: &App,
    command: &str,
    id: ConnectionId,
    work: impl FnOnce(&mut Tx<'_>, OrganizationId, ConnectionId) -> Result<T, Error> + Send + 'static,
) -> anyhow::Result<T> {
    let step = move |tx: &mut Tx<'_>| {
        let connection: Connection = connections::find_any(tx, id)?.ok_or(Error::Unknown)?;
        orgs::lock(tx, connection.organization)?;
        work(tx, connection.organization, id)
    };
    app.db.write(&Origin::operator(command), step).await.map_err(explain)
}

/// Whoever runs the service says so.
fn prove(tx: &mut Tx<'_>, organization: OrganizationId, names: &[domains::Name]) -> Result<(), Error> {
    for name in names {
        domains::prove_by_word(tx, organization, name)?;
    }
    Ok(())
}

async fn read(wish: connections::Wish, app: &App) -> anyhow::Result<Changes> {
    wish.read(&app.providers, app.clock.now()).await.map_err(|faults| told(&faults))
}

fn told(faults: &[Fault]) -> anyhow::Error {
    let lines: Vec<String> = faults.iter().map(|(part, why)| format!("{part}: {why}")).collect();
    anyhow!("{}", lines.join("\n"))
}

async fn make_pair(app: &App) -> anyhow::Result<Pair> {
    let (now, host) = (app.clock.now(), app.settings.server.public_url.host_str().unwrap_or("vestibule").to_owned());
    Ok(tokio::task::spawn_blocking(move || keys::generate(&host, now)).await??)
}
