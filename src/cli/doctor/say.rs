//! What was found, for people and for scripts.

use serde_json::{Value, json};

use crate::cli::say;
use crate::doctor::{Checked, Examined, Finding, Outcome, Proxy, change};
use crate::kernel::label::breaks_its_line;

pub(super) fn as_text(examined: &[Examined]) -> anyhow::Result<()> {
    for place in examined {
        say(&format!("{} ({})", place.place, place.proxy))?;
        for checked in &place.checks {
            for line in lines(checked, place.proxy) {
                say(&line)?;
            }
        }
        say("")?;
    }
    let open = examined.iter().flat_map(|place| &place.checks);
    match open.filter(|checked| matches!(checked.outcome, Outcome::NotChecked(_))).count() {
        0 => Ok(()),
        1 => say("1 question is open."),
        count => say(&format!("{count} questions are open.")),
    }
}

fn lines(checked: &Checked, proxy: Proxy) -> Vec<String> {
    let question = checked.check.question();
    match &checked.outcome {
        Outcome::Fine => vec![format!("  fine         {question}")],
        Outcome::NotChecked(why) => vec![format!("  not checked  {question} {}.", capital(&shown(why)))],
        Outcome::Found(findings) => {
            let found = findings.iter().flat_map(|finding| {
                [
                    format!("      {} [{}]", shown(&finding.what()), finding.code()),
                    format!("      {}", finding.why()),
                    format!("      -> {}", change(finding, proxy)),
                ]
            });
            std::iter::once(format!("  WRONG        {question}")).chain(found).collect()
        }
    }
}

/// What was found is told in words of an app's, a proxy's and a mail server's, which are not to reach a terminal as they are.
fn shown(words: &str) -> String {
    words.chars().map(|c| if breaks_its_line(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

pub(super) fn as_json(examined: &[Examined]) -> anyhow::Result<()> {
    let places: Vec<Value> = examined.iter().map(place).collect();
    let count = examined.iter().flat_map(Examined::findings).count();
    say(&json!({ "findings": count, "places": places }).to_string())
}

fn place(examined: &Examined) -> Value {
    let checks: Vec<Value> = examined.checks.iter().map(|checked| check(checked, examined.proxy)).collect();
    json!({ "place": examined.place, "proxy": examined.proxy.as_str(), "checks": checks })
}

fn check(checked: &Checked, proxy: Proxy) -> Value {
    let (outcome, because, findings): (_, Option<&str>, &[Finding]) = match &checked.outcome {
        Outcome::Fine => ("fine", None, &[]),
        Outcome::Found(findings) => ("found", None, findings),
        Outcome::NotChecked(why) => ("not_checked", Some(why), &[]),
    };
    let findings: Vec<Value> = findings.iter().map(|finding| one(finding, proxy)).collect();
    json!({ "check": checked.check.as_str(), "outcome": outcome, "because": because.map(shown), "findings": findings })
}

fn one(finding: &Finding, proxy: Proxy) -> Value {
    json!({
        "code": finding.code(), "what": shown(&finding.what()), "why": finding.why(), "change": change(finding, proxy),
    })
}
