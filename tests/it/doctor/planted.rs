//! A fault in a file of `deploy/`, and what the doctor is to find of it.

use super::town::{APP, Diagnosis, Town};
use crate::proxies::street::Kind;

/// One place where the file, which is named as in `deploy/`, says something else.
pub struct Fault {
    pub name: &'static str,
    pub file: &'static str,
    /// `APP_PORT` stands for that of the app.
    pub changes: &'static [(&'static str, &'static str)],
    pub urls: &'static [&'static str],
    /// Each of them, and perhaps others beside.
    pub codes: &'static [&'static str],
}

/// In a file of many, where there is nothing special about it.
pub const fn fault(
    name: &'static str,
    file: &'static str,
    changes: &'static [(&'static str, &'static str)],
    codes: &'static [&'static str],
) -> Fault {
    Fault { name, file, changes, urls: &[APP], codes }
}

/// The words that a remedy is to use for it.
pub struct Remedy {
    pub code: &'static str,
    pub words: &'static str,
}

pub fn examined(town: &Town, kind: Kind, fault: &Fault) -> Diagnosis {
    let proxy = town.street(kind, &|file, text| planted(town, fault, file, text));
    town.examined(&proxy, fault.urls)
}

fn planted(town: &Town, fault: &Fault, file: &str, text: String) -> String {
    if file != fault.file {
        return text;
    }
    fault.changes.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{}: {from:?} is not in {file}", fault.name);
        text.replacen(from, &to.replace("APP_PORT", &town.app.port().to_string()), 1)
    })
}

/// Plants one after another.
pub fn assert_all_are_found(kind: Kind, faults: &[Fault], remedies: &[Remedy]) {
    if !kind.is_here() {
        return;
    }
    let town = Town::new();
    let mut said: Vec<(String, String)> = Vec::new();
    for fault in faults {
        let found = examined(&town, kind, fault);
        found.assert_finds(fault.name, fault.codes);
        assert_eq!(found.proxies(), vec![kind.word(); fault.urls.len() + 1], "{}: {found:#?}", fault.name);
        let word = |finding: &serde_json::Value, part: &str| finding[part].as_str().unwrap_or_default().to_owned();
        said.extend(found.findings().iter().map(|finding| (word(finding, "code"), word(finding, "change"))));
    }
    for remedy in remedies {
        let is_said = said.iter().any(|(code, change)| code == remedy.code && change.contains(remedy.words));
        assert!(is_said, "{kind:?}: nothing says {:?} of {}: {said:#?}", remedy.words, remedy.code);
    }
}
