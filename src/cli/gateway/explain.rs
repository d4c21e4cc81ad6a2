//! `vestibule gateway explain`: which rule decides, and why.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context as _, anyhow};
use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::words;
use crate::affiliations::{self, Affiliations};
use crate::cli::database::Database;
use crate::cli::table::as_table;
use crate::cli::user::who::Who;
use crate::cli::{Common, say};
use crate::config::Settings;
use crate::db::{self, Db, ReadTx};
use crate::factors;
use crate::gateway::{Fit, Holder, Judgement, Look, Malformed, Proofs, Rehearsal, Request, Rules, Subject};
use crate::kernel::{Clock, EmailAddress};

#[derive(Args)]
#[command(
    after_help = "Without --user it is about a stranger. The rules are those of the configuration this command is started \
    with, whatever a running service has loaded.\n\n--json: {\"decision\": \"allow\" | \"sign_in\" | \"confirm\" | \"deny\", \
    \"reason\", \"rule\": number or null, \"rehearsed\": the same with rules that are only tried out, \
    \"rules\": [{\"number\", \"name\", \"fit\"}]}"
)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// What somebody wants to open, as in `https://app.example.com/admin`
    #[arg(long)]
    url: String,
    /// How
    #[arg(long, default_value = "GET")]
    method: String,
    /// Who: an address or an id
    #[arg(long, value_name = "USER", value_parser = Who::parse)]
    user: Option<Who>,
    /// How long ago they proved that it is them, as in 4m [default: just now]
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    recent_auth: Option<std::time::Duration>,
    /// By what they did
    #[arg(long, value_name = "PROOF", default_value = "password", requires = "user")]
    proof: Shown,
    /// From where
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    client: IpAddr,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Shown {
    Password,
    /// A password and a second factor
    SecondFactor,
    Passkey,
    /// It is a program
    ApiKey,
}

/// Somebody as rules see them.
struct Known {
    verified: Option<EmailAddress>,
    affiliations: Affiliations,
    is_leaving: bool,
    second_factor_due: Option<DateTime<Utc>>,
}

pub(super) fn run(arguments: &Arguments, settings: &Settings) -> anyhow::Result<()> {
    let now = Clock::System.now();
    let known = arguments.user.as_ref().map(|who| find(who, settings)).transpose()?;
    let request = Request::from_url(arguments.method.as_bytes(), arguments.url.as_bytes(), arguments.client)
        .map_err(|malformed| not_understood(arguments, &malformed))?;
    let rules = Rules::compile(&settings.gateway);
    // Nobody looks at a key that no rule takes there.
    let known = known.filter(|_| arguments.proof != Shown::ApiKey || rules.takes_keys(&request));
    let subject = subject(arguments, known.as_ref(), now)?;
    let [real, rehearsed] =
        [Rehearsal::No, Rehearsal::Yes].map(|rehearsal| rules.judge(&request, &subject, rehearsal, now));
    let looks = rules.explain(&request, &subject);
    if arguments.json {
        return say(&as_json(&real, &rehearsed, &looks).to_string());
    }
    say(&sentence(&real))?;
    if rules.has_shadows() && real.decision != rehearsed.decision {
        say(&format!("With the rules that are tried out: {}", sentence(&rehearsed)))?;
    }
    let head = ["RULE", "NAME", "FIT"].map(str::to_owned);
    let rows: Vec<[String; 3]> = std::iter::once(head).chain(looks.iter().map(as_row)).collect();
    as_table(&rows).iter().try_for_each(|line| say(line))
}

/// What the gate would say of it, and what to write instead.
fn not_understood(arguments: &Arguments, malformed: &Malformed) -> anyhow::Error {
    let is_good = |url: &str| Request::from_url(b"GET", url.as_bytes(), arguments.client).is_ok();
    let url = arguments.url.as_str();
    if is_good(url) {
        return anyhow!("the gate refuses this method: {malformed}. Give it as HTTP has it, as in --method DELETE");
    }
    let plain = url.split('#').next().unwrap_or_default();
    let absolute = if plain.contains("://") { plain.to_owned() } else { format!("https://{plain}") };
    let instead = [absolute.clone(), format!("{absolute}/")].into_iter().find(|other| is_good(other));
    let instead = instead.unwrap_or_else(|| "https://app.example.com/admin".to_owned());
    anyhow!(
        "the gate refuses this URL: {malformed}. Give scheme, host and path as a proxy tells of them, \
         without a fragment, as in --url '{instead}'"
    )
}

fn find(who: &Who, settings: &Settings) -> anyhow::Result<Known> {
    let database = Database::reach(settings)?;
    let db = Db::new(database.url(), 1, Clock::System);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (who2, told) = (who.clone(), settings.gateway.organizations.clone());
    let look_up = move |tx: &mut ReadTx<'_>| {
        let Some(user) = who2.find(tx)? else { return Ok::<_, db::Error>(None) };
        let affiliations = affiliations::find(tx, user.id, &told)?;
        let verified = user.is_verified().then_some(user.email);
        let second_factor_due = factors::due(tx, user.id)?;
        Ok(Some(Known { verified, affiliations, is_leaving: user.deletes_at.is_some(), second_factor_due }))
    };
    let found = runtime.block_on(db.look_up(look_up));
    database.close()?;
    who.known(found?)
}

fn subject<'a>(arguments: &Arguments, known: Option<&'a Known>, now: DateTime<Utc>) -> anyhow::Result<Subject<'a>> {
    let Some(known) = known else { return Ok(Subject::Stranger) };
    let holder = Holder { verified: known.verified.as_ref(), affiliations: &known.affiliations };
    if known.is_leaving {
        return Ok(Subject::Leaving);
    }
    if known.second_factor_due.is_some_and(|due| due <= now) {
        return Ok(Subject::Unprotected);
    }
    let ago = arguments.recent_auth.map(TimeDelta::from_std).transpose().context("--recent-auth is too long")?;
    let at = now - ago.unwrap_or_default();
    let (second_factor, passkey) = match arguments.proof {
        Shown::ApiKey => return Ok(Subject::Program(holder)),
        Shown::Password => (None, None),
        Shown::SecondFactor => (Some(at), None),
        Shown::Passkey => (Some(at), Some(at)),
    };
    Ok(Subject::Person(holder, Proofs { anything: at, second_factor, passkey }))
}

fn sentence(judgement: &Judgement<'_>) -> String {
    let by = words::rule(judgement.rule.map(|rule| (rule.number, rule.words.name.as_deref())));
    let what = words::decision(judgement.decision.as_str());
    format!("{what} ({}), by {by}", judgement.decision.reason())
}

fn as_row(look: &Look<'_>) -> [String; 3] {
    let why = match look.fit {
        Fit::Decides => "decides",
        Fit::TooLate => "fits, but an earlier one has decided",
        Fit::Host => "another host",
        Fit::Path => "another path",
        Fit::Method => "another method",
        Fit::Network => "from elsewhere",
        Fit::People => "for other people",
        Fit::Shadow => "would decide, but is only tried out",
    };
    [look.rule.number.to_string(), look.rule.words.name.clone().unwrap_or_default(), why.to_owned()]
}

fn as_json(real: &Judgement<'_>, rehearsed: &Judgement<'_>, looks: &[Look<'_>]) -> Value {
    let judged = |judgement: &Judgement<'_>| {
        json!({
            "decision": judgement.decision.as_str(),
            "reason": judgement.decision.reason(),
            "rule": judgement.rule.map(|rule| rule.number),
        })
    };
    let rules: Vec<Value> = looks
        .iter()
        .map(|look| json!({ "number": look.rule.number, "name": look.rule.words.name, "fit": look.fit.as_str() }))
        .collect();
    let mut all = judged(real);
    if let Value::Object(all) = &mut all {
        all.insert("rehearsed".to_owned(), judged(rehearsed));
        all.insert("rules".to_owned(), rules.into());
    }
    all
}
