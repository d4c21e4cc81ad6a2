use std::io::Read as _;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use serde_json::json;

use crate::accounts::making::{Address, Error, Invited, Newcomer, Rank, make};
use crate::accounts::{Name, password};
use crate::app::App;
use crate::cli::{Common, say};
use crate::kernel::{EmailAddress, Origin, Redacted};

#[derive(Args)]
#[command(
    after_help = "Without a password they get a letter with a link to choose one. With a password they get one to \
    confirm the address, unless it is --verified: then they get none.\n\n\
    --json: {\"id\", \"email\", \"email_verified\", \"administrator\", \"letter\": \"choose_password\" | \
    \"confirm_address\" | null}"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// The address that they are to sign in with
    #[arg(value_name = "ADDRESS", value_parser = EmailAddress::parse)]
    email: EmailAddress,
    /// What they are called
    #[arg(long, default_value = "", value_parser = Name::parse)]
    name: Name,
    /// The address is theirs for certain: it need not be confirmed
    #[arg(long)]
    verified: bool,
    /// Make an administrator of them
    #[arg(long, requires = "verified")]
    admin: bool,
    /// Take their password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments, app: &App) -> anyhow::Result<()> {
    let email = &arguments.email;
    let origin = Origin::operator("user create");
    let password = if arguments.password_stdin { Some(read_password()?) } else { None };
    let password = match &password {
        Some(typed) => Some(password::choose(app, &origin, typed, email, &arguments.name).await?),
        None => None,
    };
    let newcomer = Newcomer {
        email: email.clone(),
        name: arguments.name.clone(),
        password,
        address: if arguments.verified { Address::Vouched } else { Address::Unproved },
        rank: if arguments.admin { Rank::Administrator } else { Rank::Person },
    };
    let app2 = app.clone();
    let made = app.db.write(&origin, move |tx| make(tx, &app2, &newcomer)).await;
    let (id, invited) = made.map_err(|error| explain(email, error))?;
    if arguments.json {
        let letter = match invited {
            Invited::ToChoosePassword => Some("choose_password"),
            Invited::ToProveAddress => Some("confirm_address"),
            Invited::NotAtAll => None,
        };
        let said = json!({
            "id": id, "email": email, "email_verified": arguments.verified, "administrator": arguments.admin,
            "letter": letter,
        });
        return say(&said.to_string());
    }
    let what_now = match invited {
        Invited::ToChoosePassword => "A letter with a link to choose a password is on its way.",
        Invited::ToProveAddress => "A letter with a link to confirm the address is on its way.",
        Invited::NotAtAll => "They can sign in; no letter is sent.",
    };
    say(&format!("{email} has an account now: {id}. {what_now}"))
}

fn read_password() -> anyhow::Result<Redacted> {
    // A line more than that is too long whatever it is.
    let most = u64::try_from(password::MAX_BYTES)? + 2;
    let mut text = String::new();
    std::io::stdin().take(most).read_to_string(&mut text).context("reading the password from standard input")?;
    let line = text.split(['\r', '\n']).next().unwrap_or_default();
    if line.is_empty() {
        bail!("there is no password on standard input");
    }
    Ok(Redacted::new(line.to_owned()))
}

fn explain(email: &EmailAddress, error: Error) -> anyhow::Error {
    match error {
        Error::Taken => anyhow!("{email} is taken: by an account, or by somebody who may go back to it"),
        Error::UnprovedAdministrator => anyhow!("the address of an administrator must be --verified"),
        Error::Mail(error) => error.into(),
        Error::Db(error) => error.into(),
    }
}
