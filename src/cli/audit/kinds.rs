use clap::Args;
use serde_json::{Value, json};

use crate::audit::{KINDS, Kind, Sight};
use crate::cli::{Common, say};

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if arguments.json {
        let kinds: Vec<Value> = KINDS.iter().map(describe).collect();
        return say(&json!({ "kinds": kinds }).to_string());
    }
    let widest = KINDS.iter().map(|kind| kind.word.len()).max().unwrap_or_default();
    KINDS.iter().try_for_each(|kind| say(&format!("{:widest$}  {}.", kind.word, kind.sentence)))
}

fn describe(kind: &Kind) -> Value {
    json!({
        "kind": kind.word,
        "area": kind.area.as_str(),
        "sentence": format!("{}.", kind.sentence),
        "shown_to": match kind.sight {
            Sight::Attempt | Sight::Person => "person",
            Sight::Organization => "organization",
            Sight::Operator => "operator",
        },
    })
}
