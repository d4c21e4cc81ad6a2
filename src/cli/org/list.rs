use clap::Args;
use serde_json::{Value, json};

use crate::cli::table::as_table;
use crate::cli::{Common, say};
use crate::db::{self, Db};
use crate::orgs;

#[derive(Args)]
#[command(after_help = "--json: {\"organizations\": [{\"id\", \"slug\", \"name\", \"created_at\"}]}, by name.")]
pub struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments, db: &Db) -> anyhow::Result<()> {
    let organizations = db.read::<_, db::Error, _>(orgs::list).await?;
    if arguments.json {
        let one = |org: &orgs::Organization| json!({ "id": org.id, "slug": org.slug, "name": org.name, "created_at": org.created_at });
        let all: Vec<Value> = organizations.iter().map(one).collect();
        return say(&json!({ "organizations": all }).to_string());
    }
    if organizations.is_empty() {
        return say("There is no organization.");
    }
    let head = ["SLUG", "NAME", "MADE", "ID"].map(str::to_owned);
    let rows = organizations.iter().map(|org| {
        let made = org.created_at.format("%Y-%m-%d %H:%M UTC").to_string();
        [org.slug.to_string(), org.name.clone(), made, org.id.to_string()]
    });
    let rows: Vec<[String; 4]> = std::iter::once(head).chain(rows).collect();
    as_table(&rows).iter().try_for_each(|line| say(line))
}
