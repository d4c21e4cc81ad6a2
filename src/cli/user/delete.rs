use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use anyhow::bail;
use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::json;

use super::who::Who;
use crate::accounts::User;
use crate::accounts::deletion::{self, Cause, Erased};
use crate::app::App;
use crate::cli::{Common, Misuse, say};
use crate::db::Tx;
use crate::kernel::Origin;

#[derive(Args)]
#[command(
    after_help = "As if they had asked for it themselves: they are signed out, get a letter with a link by which \
    they can come back, and are erased when accounts.deletion_grace is over. With --now they are erased at once, for \
    good, and a letter to a confirmed address says so. Organizations that they own alone pass to somebody else there.\n\n\
    --json: {\"id\", \"email\", \"state\": \"leaving\" | \"erased\", \"deletes_at\": an instant | null}"
)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// Their address, or the id of their account
    #[arg(value_name = "PERSON", value_parser = Who::parse)]
    who: Who,
    /// Erase them at once, without a time to come back
    #[arg(long)]
    now: bool,
    /// Do not ask whether it is meant
    #[arg(long)]
    yes: bool,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// Before anything is started: somebody at a terminal is asked, anybody else has to say --yes.
    pub(super) fn require_consent(&self) -> anyhow::Result<()> {
        if self.yes {
            return Ok(());
        }
        let (stdin, mut stderr) = (io::stdin(), io::stderr());
        if !stdin.is_terminal() {
            bail!(Misuse(format!("this deletes the account of {}: add --yes", self.who)));
        }
        let how = if self.now { "at once and for good" } else { "after the time to come back" };
        write!(stderr, "Delete the account of {}, {how}? [y/N] ", self.who)?;
        stderr.flush()?;
        let mut answer = String::new();
        stdin.lock().read_line(&mut answer)?;
        match answer.trim() {
            "y" | "Y" | "yes" => Ok(()),
            _ => bail!("nothing was deleted"),
        }
    }
}

/// What has become of them.
enum Done {
    Leaving(DateTime<Utc>),
    Erased,
}

pub(super) async fn run(arguments: &Arguments, app: &App) -> anyhow::Result<()> {
    let (who, app2, is_now) = (arguments.who.clone(), app.clone(), arguments.now);
    let origin = Origin::operator("user delete");
    let deleted = app.db.write(&origin, move |tx| {
        let Some(user) = who.find(tx)? else { return Ok(None) };
        let done = if is_now { erase(tx, &app2, &user)? } else { ask(tx, &app2, &user)? };
        Ok::<_, deletion::Error>(done.map(|done| (user, done)))
    });
    let (user, done) = arguments.who.known(deleted.await?)?;
    if arguments.json {
        let (state, deletes_at) = match done {
            Done::Leaving(at) => ("leaving", Some(at)),
            Done::Erased => ("erased", None),
        };
        let said = json!({ "id": user.id, "email": user.email, "state": state, "deletes_at": deletes_at });
        return say(&said.to_string());
    }
    match done {
        Done::Leaving(at) => say(&format!(
            "{} is signed out, can come back until {}, and is erased then.",
            user.email,
            at.format("%Y-%m-%d %H:%M UTC")
        )),
        Done::Erased => say(&format!("{} is erased.", user.email)),
    }
}

fn ask(tx: &mut Tx<'_>, app: &App, user: &User) -> Result<Option<Done>, deletion::Error> {
    Ok(deletion::ask_for(tx, app, user.id)?.map(Done::Leaving))
}

fn erase(tx: &mut Tx<'_>, app: &App, user: &User) -> Result<Option<Done>, deletion::Error> {
    match deletion::erase(tx, app, user.id, Cause::ByOperator)? {
        Erased::Gone => Ok(Some(Done::Erased)),
        Erased::NotThere => Ok(None),
    }
}
