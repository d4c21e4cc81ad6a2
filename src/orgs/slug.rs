use std::fmt;

use crate::kernel::Label;
use crate::kernel::secrets::random_bytes;

const LONGEST: usize = 40;

/// Room for what tells one from another of the same name.
const LONGEST_STEM: usize = 32;

/// What would be taken for something else, in an address of ours or by whoever reads what apps are told.
const RESERVED: [&str; 16] = [
    "account",
    "admin",
    "api",
    "auth",
    "everybody",
    "gateway",
    "me",
    "new",
    "nobody",
    "none",
    "org",
    "orgs",
    "root",
    "sso",
    "static",
    "vestibule",
];

/// What an organization is called in addresses and before apps: 1 to 40 of `a` to `z`, digits and `-`, the latter
/// neither first nor last. It never changes, and is never another's.
#[derive(Clone, PartialEq, Eq, Hash, Debug, serde::Serialize)]
#[serde(transparent)]
pub struct Slug(String);

#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidSlug {
    #[error("A short name has 1 to 40 of the letters a to z, digits and dashes, and no dash at either end.")]
    Shape,
    #[error("This short name stands for something else here. Choose another one.")]
    Reserved,
}

impl Slug {
    /// One that may be chosen.
    pub fn choose(text: &str) -> Result<Self, InvalidSlug> {
        let slug = Self::parse(text).ok_or(InvalidSlug::Shape)?;
        if slug.is_reserved() { Err(InvalidSlug::Reserved) } else { Ok(slug) }
    }

    /// One that may be there; `None` for what can be nobody's.
    pub fn parse(text: &str) -> Option<Self> {
        let is_of_us = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let is_slug = (1..=LONGEST).contains(&text.len())
            && text.chars().all(is_of_us)
            && !text.starts_with('-')
            && !text.ends_with('-');
        is_slug.then(|| Self(text.to_owned()))
    }

    /// Those to be tried, one after the other, for an organization of this name. The last one is as good as random.
    pub(super) fn candidates(name: &Label) -> impl Iterator<Item = Self> {
        let stem = stem(name.as_str());
        let numbered = (2..=5).map({
            let stem = stem.clone();
            move |number| format!("{stem}-{number}")
        });
        let random = std::iter::once_with({
            let stem = stem.clone();
            move || {
                let [a, b, c] = random_bytes::<3>();
                format!("{stem}-{a:02x}{b:02x}{c:02x}")
            }
        });
        std::iter::once(stem).chain(numbered).chain(random).map(Self).filter(|slug| !slug.is_reserved())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn is_reserved(&self) -> bool {
        RESERVED.contains(&self.0.as_str())
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is left of a name that is a slug; "organization" where nothing is.
fn stem(name: &str) -> String {
    let mut stem = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        match without_marks(c) {
            "" if c.is_ascii_alphanumeric() => stem.push(c),
            "" if stem.is_empty() || stem.ends_with('-') => {}
            // An apostrophe joins what stands beside it, and so does a mark that is written apart from its letter.
            "" if matches!(c, '\'' | '\u{2019}' | '\u{300}'..='\u{36f}') => {}
            "" => stem.push('-'),
            plain => stem.push_str(plain),
        }
    }
    stem.truncate(LONGEST_STEM);
    let stem = stem.trim_end_matches('-');
    if stem.is_empty() { "organization".to_owned() } else { stem.to_owned() }
}

/// The Latin letters of Europe as their neighbours write them.
fn without_marks(c: char) -> &'static str {
    match c {
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ă' | 'ą' => "a",
        'ä' | 'æ' => "ae",
        'ç' | 'ć' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ė' | 'ę' | 'ě' => "e",
        'ğ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ı' => "i",
        'ł' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ő' => "o",
        'ö' | 'ø' | 'œ' => "oe",
        'ř' => "r",
        'ß' => "ss",
        'ś' | 'š' | 'ş' | 'ș' => "s",
        'ť' | 'ț' => "t",
        'þ' => "th",
        'ù' | 'ú' | 'û' | 'ů' | 'ű' => "u",
        'ü' => "ue",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(name: &str) -> String {
        Slug::candidates(&Label::parse(name).unwrap()).next().unwrap().0
    }

    #[test]
    fn a_slug_is_made_of_a_name() {
        let made = [
            ("Acme", "acme"),
            ("  Acme, Inc. ", "acme-inc"),
            ("Müller & Søn", "mueller-soen"),
            ("O'Brien’s", "obriens"),
            ("--a--b--", "a-b"),
            ("4 you", "4-you"),
            ("山田", "organization"),
            ("New", "new-2"),
            ("Cafe\u{301}s", "cafes"),
            ("İstanbul", "istanbul"),
        ];
        for (name, slug) in made {
            assert_eq!(first(name), slug, "{name}");
        }
    }

    #[test]
    fn whatever_the_name_every_candidate_is_one_that_may_be_chosen() {
        let long = "ß".repeat(64);
        for name in ["Acme", "sso", "山田", "a b c", "éé-éé", &long, "- -"] {
            let candidates: Vec<Slug> = Slug::candidates(&Label::parse(name).unwrap()).collect();
            assert!(candidates.len() >= 5, "{candidates:?}");
            for slug in &candidates {
                assert_eq!(Slug::choose(slug.as_str()).as_ref(), Ok(slug), "{name}");
            }
        }
    }

    #[test]
    fn what_is_no_slug_is_not_taken_for_one() {
        for text in ["a", "acme", "a-1", "0", &"a".repeat(40), "a--b"] {
            assert!(Slug::choose(text).is_ok(), "{text}");
        }
        let wrong =
            ["", "-", "-a", "a-", "Acme", "a_b", "a.b", "a/b", "a b", "ä", "a:b", "a,b", "a\n", &"a".repeat(41)];
        for text in wrong {
            assert_eq!(Slug::choose(text), Err(InvalidSlug::Shape), "{text:?}");
        }
        for text in RESERVED {
            assert_eq!(Slug::choose(text), Err(InvalidSlug::Reserved), "{text}");
        }
        assert!(RESERVED.is_sorted());
    }
}
