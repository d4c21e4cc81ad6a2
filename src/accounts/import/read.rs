//! What a file says of somebody, field by field.

use chrono::{DateTime, Utc};

use super::Newcomer;
use crate::accounts::Name;
use crate::crypto::PasswordHash;
use crate::kernel::EmailAddress;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Field {
    Email,
    Name,
    PasswordHash,
    EmailVerified,
    CreatedAt,
    Disabled,
}

impl Field {
    pub const ALL: [Self; 6] =
        [Self::Email, Self::Name, Self::PasswordHash, Self::EmailVerified, Self::CreatedAt, Self::Disabled];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Name => "name",
            Self::PasswordHash => "password_hash",
            Self::EmailVerified => "email_verified",
            Self::CreatedAt => "created_at",
            Self::Disabled => "disabled",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == name)
    }
}

/// As it is written in the file. Not everything has words for true and false.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    Text(String),
    Truth(bool),
}

/// Why somebody cannot be imported. The sentence is for the operator, and says nothing of what was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wrong {
    /// `None` for the whole of it.
    pub field: Option<Field>,
    pub why: String,
}

impl Wrong {
    pub fn with(field: Field, why: impl Into<String>) -> Self {
        Self { field: Some(field), why: why.into() }
    }

    pub fn altogether(why: impl Into<String>) -> Self {
        Self { field: None, why: why.into() }
    }
}

impl Newcomer {
    /// Each field at most once; an empty text is none.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn read(given: &[(Field, Value)], now: DateTime<Utc>) -> Result<Self, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let mut note = |field: Field, why: String| wrong.push(Wrong::with(field, why));
        let email = required(text(given, Field::Email)).and_then(|text| parsed(EmailAddress::parse(text)));
        let email = email.map_err(|why| note(Field::Email, why)).ok();
        let name = optional(text(given, Field::Name), |text| parsed(Name::parse(text)));
        let name = name.map_err(|why| note(Field::Name, why)).ok();
        let hash = optional(text(given, Field::PasswordHash), |text| parsed(PasswordHash::from_elsewhere(text)));
        let hash = hash.map_err(|why| note(Field::PasswordHash, why)).ok();
        let verified = truth(given, Field::EmailVerified).map_err(|why| note(Field::EmailVerified, why)).ok();
        let created = optional(text(given, Field::CreatedAt), |text| instant(text, now));
        let created = created.map_err(|why| note(Field::CreatedAt, why)).ok();
        let disabled = truth(given, Field::Disabled).map_err(|why| note(Field::Disabled, why)).ok();
        match (email, name, hash, verified, created, disabled) {
            (Some(email), Some(name), Some(password), Some(is_verified), Some(created_at), Some(is_disabled)) => {
                Ok(Self { email, name: name.unwrap_or_default(), password, is_verified, created_at, is_disabled })
            }
            _ => Err(wrong),
        }
    }
}

fn find(given: &[(Field, Value)], field: Field) -> Option<&Value> {
    given.iter().find_map(|(own, value)| (*own == field).then_some(value))
}

fn text(given: &[(Field, Value)], field: Field) -> Result<Option<&str>, String> {
    match find(given, field) {
        Some(Value::Text(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
        Some(Value::Truth(_)) => Err("a text is expected".to_owned()),
        None => Ok(None),
    }
}

fn required(text: Result<Option<&str>, String>) -> Result<&str, String> {
    text?.ok_or_else(|| "it is missing".to_owned())
}

fn optional<T>(
    text: Result<Option<&str>, String>,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, String> {
    text?.map(parse).transpose()
}

fn parsed<T, E: ToString>(result: Result<T, E>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

/// As JSON, databases and spreadsheets write it. What is not said is false.
fn truth(given: &[(Field, Value)], field: Field) -> Result<bool, String> {
    let Some(Value::Truth(truth)) = find(given, field) else {
        return match text(given, field)?.map(str::to_ascii_lowercase).as_deref() {
            Some("true" | "t" | "1") => Ok(true),
            Some("false" | "f" | "0") | None => Ok(false),
            Some(_) => Err("true or false is expected".to_owned()),
        };
    };
    Ok(*truth)
}

fn instant(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let at = DateTime::parse_from_rfc3339(text).map_err(|_| "a time like 2024-05-17T09:30:00Z is expected")?.to_utc();
    if at > now {
        return Err("this time is still to come".to_owned());
    }
    // Before that no system like this had users; beyond year 0 PostgreSQL and we count differently.
    if at.timestamp() < 0 {
        return Err("this time is before 1970".to_owned());
    }
    Ok(at)
}
