//! Where configuration comes from, as values: nothing here or further in asks the process again.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

const FILE_VARIABLE: &str = "VESTIBULE_CONFIG";
const USUAL_FILES: [&str; 2] = ["vestibule.toml", "/etc/vestibule/vestibule.toml"];

/// The variables of a process.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, OsString>);

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl Environment {
    /// A name that is not Unicode cannot be one of ours and is left out.
    pub fn of_this_process() -> Self {
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect()
    }

    pub fn get(&self, name: &str) -> Option<&OsString> {
        self.0.get(name)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl<N: Into<String>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// One `--set section.key=value`.
#[derive(Clone, PartialEq, Eq)]
pub struct Setting {
    pub key: String,
    pub value: String,
}

impl fmt::Debug for Setting {
    /// The value may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=…", self.key)
    }
}

impl std::str::FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, value) = text.split_once('=').ok_or("write it as section.key=value")?;
        Ok(Self { key: key.trim().to_owned(), value: value.to_owned() })
    }
}

/// Which file to read.
#[derive(Clone, Default, Debug)]
pub enum ConfigFile {
    /// None at all: tests.
    #[default]
    Nowhere,
    /// This one, which must be there. `by` is what named it.
    Named { path: PathBuf, by: &'static str },
    /// The first of these that is there, if any.
    FirstOf(Vec<PathBuf>),
}

/// Everything above the built-in defaults.
#[derive(Clone, Default, Debug)]
pub struct Sources {
    pub file: ConfigFile,
    pub environment: Environment,
    pub flags: Vec<Setting>,
}

impl Sources {
    /// `file` is the value of `--config`.
    pub fn new(file: Option<PathBuf>, environment: Environment, flags: Vec<Setting>) -> Self {
        let by_variable = environment.get(FILE_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        let file = match (file, by_variable) {
            (Some(path), _) => ConfigFile::Named { path, by: "--config" },
            (None, Some(path)) => ConfigFile::Named { path, by: FILE_VARIABLE },
            (None, None) => ConfigFile::FirstOf(USUAL_FILES.map(PathBuf::from).to_vec()),
        };
        Self { file, environment, flags }
    }

    /// The file to read, and what named it where it must be there.
    pub(super) fn chosen_file(&self) -> Option<&Path> {
        match &self.file {
            ConfigFile::Nowhere => None,
            ConfigFile::Named { path, .. } => Some(path),
            ConfigFile::FirstOf(paths) => paths.iter().find(|path| path.exists()).map(PathBuf::as_path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_wins_over_the_variable() {
        let environment: Environment = [("VESTIBULE_CONFIG", "b.toml")].into_iter().collect();
        let both = Sources::new(Some("a.toml".into()), environment.clone(), Vec::new());
        let variable = Sources::new(None, environment, Vec::new());
        assert_eq!(both.chosen_file(), Some(Path::new("a.toml")));
        assert_eq!(variable.chosen_file(), Some(Path::new("b.toml")));
    }

    #[test]
    fn an_empty_variable_names_no_file() {
        let environment: Environment = [("VESTIBULE_CONFIG", "")].into_iter().collect();
        assert!(matches!(Sources::new(None, environment, Vec::new()).file, ConfigFile::FirstOf(_)));
    }

    #[test]
    fn a_setting_keeps_every_equals_sign_of_its_value() {
        let setting: Setting = "database.url=postgres://h/d?target_session_attrs=any".parse().unwrap();
        assert_eq!(setting.value, "postgres://h/d?target_session_attrs=any");
        assert!("server.listen".parse::<Setting>().is_err());
    }
}
