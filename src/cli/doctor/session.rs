//! A session to come in by, lent for as long as the doctor is at work.

use anyhow::{Context as _, bail};
use url::Url;

use crate::app::App;
use crate::cli::user::who::Who;
use crate::config::Settings;
use crate::db;
use crate::doctor::{self, Cookie, Reach, Session};
use crate::kernel::{Clock, Origin, Token, UserId};
use crate::sessions::{self, EndReason, Probe, open_probe};
use crate::web::cookies::{self, Kind};

const COMMAND: &str = "doctor";

pub(super) struct Lent {
    app: App,
    user: UserId,
    probe: Probe,
}

/// For coming in at these URLs. `None` where nobody is named; an error where they cannot be found, or the database cannot
/// be asked.
pub(super) async fn lend(
    person: Option<&Who>,
    urls: &[Url],
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
    let hosts = handed_hosts(&app, urls);
    let opened = app.db.write::<_, db::Error, _>(&origin, move |tx| match who.find(tx)? {
        Some(user) => open_probe(tx, &rules, user.id, &hosts).map(|probe| Some((user.id, probe))),
        None => Ok(None),
    });
    let (user, probe) = person.known(opened.await?)?;
    Ok(Some(Lent { app, user, probe }))
}

/// Those that no cookie of the portal's reaches, each once.
fn handed_hosts(app: &App, urls: &[Url]) -> Vec<String> {
    let mut hosts: Vec<String> = urls.iter().filter_map(Url::host_str).map(str::to_owned).collect();
    hosts.retain(|host| app.destinations.is_handed(host));
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

impl Lent {
    pub(super) fn session(&self) -> Session {
        let name = cookies::name(&self.app, Kind::Gate);
        // Without a domain a browser would show it to the portal's own host alone.
        let own = self.app.settings.server.public_url.host_str().unwrap_or_default();
        let cookie = |reach, token: &Token| Cookie { reach, pair: format!("{name}={}", self.app.sealer.tag(token)) };
        let shared = self.probe.gate.iter().map(|gate| {
            let reach = gate.domain.clone().map_or_else(|| Reach::At(own.to_owned()), Reach::Below);
            cookie(reach, &gate.token)
        });
        let handed = self.probe.handed.iter().map(|(host, token)| cookie(Reach::At(host.clone()), token));
        Session { cookies: shared.chain(handed).collect(), user: Some(self.user.to_string()) }
    }

    pub(super) async fn end(self) -> anyhow::Result<()> {
        let (id, origin) = (self.probe.id, Origin::operator(COMMAND));
        let ended =
            self.app.db.write::<_, db::Error, _>(&origin, move |tx| sessions::revoke(tx, id, EndReason::ByOperator));
        ended.await.context("ending the doctor's session, which runs out in some minutes")
    }
}
