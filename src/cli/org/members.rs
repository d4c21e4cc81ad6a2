use anyhow::bail;
use clap::Args;
use serde_json::{Value, json};

use crate::cli::table::as_table;
use crate::cli::{Common, say};
use crate::db::{self, Db, ReadTx};
use crate::orgs::{self, Member, Slug};

#[derive(Args)]
#[command(
    after_help = "--json: {\"organization\": its slug, \"members\": [{\"id\", \"email\", \"email_verified\", \"name\", \
    \"role\": \"owner\" | \"admin\" | \"member\", \"joined_at\", \"second_factor\"}]}"
)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// The organization's short name, as `org list` shows it
    #[arg(value_name = "SLUG")]
    slug: String,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

/// Members a question.
const PAGE: usize = 1_000;

pub(super) async fn run(arguments: &Arguments, db: &Db) -> anyhow::Result<()> {
    let unknown = || format!("there is no organization {}", arguments.slug);
    let Some(slug) = Slug::parse(&arguments.slug) else { bail!(unknown()) };
    let Some(members) = db.read::<_, db::Error, _>(move |tx| list(tx, &slug)).await? else { bail!(unknown()) };
    if arguments.json {
        let members: Vec<Value> = members.iter().map(as_json).collect();
        return say(&json!({ "organization": arguments.slug, "members": members }).to_string());
    }
    let head = ["ROLE", "EMAIL", "NAME", "JOINED", "ID"].map(str::to_owned);
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(members.iter().map(as_row)).collect();
    as_table(&rows).iter().try_for_each(|line| say(line))
}

fn list(tx: &mut ReadTx<'_>, slug: &Slug) -> Result<Option<Vec<Member>>, db::Error> {
    let Some(organization) = orgs::find(tx, slug)? else { return Ok(None) };
    let (mut members, mut next) = orgs::list_members(tx, organization.id, None, PAGE)?;
    while let Some(after) = next {
        let (more, then) = orgs::list_members(tx, organization.id, Some(after), PAGE)?;
        members.extend(more);
        next = then;
    }
    Ok(Some(members))
}

fn as_json(member: &Member) -> Value {
    json!({
        "id": member.user,
        "email": member.email,
        "email_verified": member.is_verified,
        "name": member.name,
        "role": member.role.as_str(),
        "joined_at": member.joined_at,
        "second_factor": member.has_second_factor,
    })
}

fn as_row(member: &Member) -> [String; 5] {
    [
        member.role.as_str().to_owned(),
        member.email.to_string(),
        member.name.clone(),
        member.joined_at.format("%Y-%m-%d %H:%M UTC").to_string(),
        member.user.to_string(),
    ]
}
