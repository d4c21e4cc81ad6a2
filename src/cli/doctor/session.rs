//! A session to come in by, lent for as long as the doctor is at work.

use anyhow::{Context as _, bail};

use crate::app::App;
use crate::cli::user::who::Who;
use crate::config::Settings;
use crate::db;
use crate::doctor::{self, Cookie, Session};
use crate::kernel::{Clock, Origin, SessionId, UserId};
use crate::sessions::{self, EndReason, GateCookie, open_probe};
use crate::web::cookies::{self, Kind};

const COMMAND: &str = "doctor";

pub(super) struct Lent {
    app: App,
    id: SessionId,
    user: UserId,
    gate: Vec<GateCookie>,
}

/// `None` where nobody is named; an error where they cannot be found, or the database cannot be asked.
pub(super) async fn lend(
    person: Option<&Who>,
    settings: &Settings,
    database_url: &str,
    unreached: Option<&str>,
) -> anyhow::Result<Option<Lent>> {
    let Some(person) = person else { return Ok(None) };
    if let Some(why) = unreached {
        bail!("a session for --as needs the database: {why}");
    }
    let app = App::new(settings.clone(), database_url, Clock::System)?;
    let (who, rules) = (person.clone(), settings.session.clone());
    let mut origin = Origin::operator(COMMAND);
    origin.user_agent = Some(doctor::NAME.to_owned());
    let opened = app.db.write::<_, db::Error, _>(&origin, move |tx| match who.find(tx)? {
        Some(user) => open_probe(tx, &rules, user.id).map(|(id, gate)| Some((id, user.id, gate))),
        None => Ok(None),
    });
    let (id, user, gate) = person.known(opened.await?)?;
    Ok(Some(Lent { app, id, user, gate }))
}

impl Lent {
    pub(super) fn session(&self) -> Session {
        let name = cookies::name(&self.app, Kind::Gate);
        // Without a domain a browser would show it to the portal's own host alone.
        let own = self.app.settings.server.public_url.host_str();
        let cookie = |gate: &GateCookie| Cookie {
            domain: gate.domain.clone().or_else(|| own.map(str::to_owned)),
            pair: format!("{name}={}", self.app.sealer.tag(&gate.token)),
        };
        Session { cookies: self.gate.iter().map(cookie).collect(), user: Some(self.user.to_string()) }
    }

    pub(super) async fn end(self) -> anyhow::Result<()> {
        let (id, origin) = (self.id, Origin::operator(COMMAND));
        let ended =
            self.app.db.write::<_, db::Error, _>(&origin, move |tx| sessions::revoke(tx, id, EndReason::ByOperator));
        ended.await.context("ending the doctor's session, which runs out in some minutes")
    }
}
