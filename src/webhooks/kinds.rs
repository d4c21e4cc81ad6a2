use crate::audit::KINDS;

/// As much of a wrong word as is repeated.
const LONGEST: usize = 64;

/// Which events somebody wants to be told of: `*` is all, `member.*` is all of a family, `member.added` is one. At least
/// one of them, each once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kinds(Vec<String>);

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidKinds {
    #[error("Say which events it is to be told of, or * for all of them.")]
    None,
    #[error("There is no such kind of event: {0}. Write *, a family like member.*, or one like member.added.")]
    Unknown(String),
}

impl Kinds {
    /// Words that are empty are left out.
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidKinds> {
        let mut kinds = Vec::new();
        for word in words.into_iter().map(str::trim).filter(|word| !word.is_empty()) {
            if !is_kind(word) {
                return Err(InvalidKinds::Unknown(word.chars().take(LONGEST).collect()));
            }
            kinds.push(word.to_owned());
        }
        kinds.sort_unstable();
        kinds.dedup();
        if kinds.is_empty() { Err(InvalidKinds::None) } else { Ok(Self(kinds)) }
    }

    pub(super) fn from_stored(kinds: Vec<String>) -> Self {
        Self(kinds)
    }

    pub fn words(&self) -> &[String] {
        &self.0
    }
}

impl Default for Kinds {
    fn default() -> Self {
        Self(vec!["*".to_owned()])
    }
}

fn is_kind(word: &str) -> bool {
    let is_of = |kind: &str| match word.strip_suffix('*') {
        Some(family) => family.ends_with('.') && kind.strip_prefix(family).is_some_and(|rest| !rest.contains('.')),
        None => kind == word,
    };
    word == "*" || KINDS.iter().any(|kind| is_of(kind.word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_all_a_family_or_one() {
        let kinds = Kinds::parse(["member.added", "user.*", " member.added ", ""]).unwrap();
        assert_eq!(kinds.words(), ["member.added", "user.*"]);
        assert_eq!(Kinds::parse(["*"]).unwrap(), Kinds::default());
        assert_eq!(Kinds::parse([" "]), Err(InvalidKinds::None));
        for word in [
            "member",
            "member.",
            ".added",
            "member.added.*",
            "*.added",
            "Member.added",
            "member.add*",
            "member.adde",
            "colour.changed",
        ] {
            assert_eq!(Kinds::parse([word]), Err(InvalidKinds::Unknown(word.to_owned())), "{word}");
        }
    }
}
