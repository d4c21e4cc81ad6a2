//! An address as libpq reads it: a URL, or words with values.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

use super::untranslatable::Untranslatable;

/// What an address says, by libpq's keywords. A later word replaces an earlier one, an empty value none at all.
pub(super) struct Words(BTreeMap<String, String>);

impl Words {
    pub(super) fn parse(address: &str) -> Result<Self, Untranslatable> {
        let url = address.strip_prefix("postgresql://").or_else(|| address.strip_prefix("postgres://"));
        url.map_or_else(|| pairs(address), of_url).map(Self)
    }

    /// As libpq does with its environment and its files: what the address itself says stands.
    pub(super) fn or_else(mut self, defaults: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        for (name, value) in defaults {
            if self.get(name).is_none() {
                self.0.insert(name.to_owned(), value);
            }
        }
        self
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// One value for each server.
    pub(super) fn list(&self, name: &str) -> Vec<&str> {
        self.get(name).map(|values| values.split(',').map(str::trim).collect()).unwrap_or_default()
    }

    pub(super) fn number(&self, name: &'static str) -> Result<Option<i64>, Untranslatable> {
        let number = |value: &str| value.trim().parse().map_err(|_| Untranslatable::new(name, "it is not a number"));
        self.get(name).map(number).transpose()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let words = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        words.filter(|(_, value)| !value.is_empty())
    }
}

/// `[user[:password]@][host[:port],…][/database][?word=value&…]`, everything percent-encoded.
fn of_url(url: &str) -> Result<BTreeMap<String, String>, Untranslatable> {
    let mut words = BTreeMap::new();
    let mut set = |name: &str, value: &str| -> Result<(), Untranslatable> {
        words.insert(name.to_owned(), decode(value)?);
        Ok(())
    };
    // An `@` before the first slash ends a user, whatever stands in it.
    let before_slash = url.split('/').next().unwrap_or_default();
    let (user, rest) = match before_slash.split_once('@') {
        Some((user, _)) => (user, url.get(user.len() + 1..).unwrap_or_default()),
        None => ("", url),
    };
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    set("user", name)?;
    set("password", password)?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (hosts, database) = place.split_once('/').unwrap_or((place, ""));
    let (hosts, ports): (Vec<_>, Vec<_>) = hosts.split(',').map(host_and_port).unzip();
    set("host", &hosts.join(","))?;
    set("port", &ports.join(","))?;
    set("dbname", database)?;
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        match (name, value) {
            ("ssl", "true") => set("sslmode", "require")?,
            (name, value) => set(&decode(name)?, value)?,
        }
    }
    Ok(words)
}

fn host_and_port(text: &str) -> (&str, &str) {
    match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':').unwrap_or(port)),
        None => text.split_once(':').unwrap_or((text, "")),
    }
}

fn decode(text: &str) -> Result<String, Untranslatable> {
    let wrong = || Untranslatable::new("database.url", "a part of it is not percent-encoded");
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        let (hex, rest) = part.split_at_checked(2).ok_or_else(wrong)?;
        bytes.push(u8::from_str_radix(hex, 16).map_err(|_| wrong())?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

/// `word = value word='a value'`, with a backslash before a quote, a backslash or a space.
fn pairs(text: &str) -> Result<BTreeMap<String, String>, Untranslatable> {
    let mut words = BTreeMap::new();
    let mut rest = text.chars().peekable();
    loop {
        skip_spaces(&mut rest);
        if rest.peek().is_none() {
            return Ok(words);
        }
        let mut name = String::new();
        while let Some(sign) = rest.next_if(|sign| *sign != '=' && !sign.is_ascii_whitespace()) {
            name.push(sign);
        }
        skip_spaces(&mut rest);
        if rest.next() != Some('=') {
            return Err(Untranslatable::new("database.url", "a word in it has no value"));
        }
        skip_spaces(&mut rest);
        words.insert(name, value(&mut rest)?);
    }
}

fn value(rest: &mut Peekable<Chars<'_>>) -> Result<String, Untranslatable> {
    let is_quoted = rest.next_if_eq(&'\'').is_some();
    let mut value = String::new();
    loop {
        match rest.next() {
            Some('\'') if is_quoted => return Ok(value),
            Some('\\') => value.extend(rest.next()),
            Some(sign) if is_quoted || !sign.is_ascii_whitespace() => value.push(sign),
            None if is_quoted => return Err(Untranslatable::new("database.url", "a quote in it does not end")),
            Some(_) | None => return Ok(value),
        }
    }
}

fn skip_spaces(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(char::is_ascii_whitespace).is_some() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(address: &str) -> Vec<(String, String)> {
        let words = Words::parse(address).expect(address);
        words.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn every_way_to_write_an_address_is_read_as_libpq_does() {
        let cases: [(&str, &[(&str, &str)]); 12] = [
            ("postgres://", &[]),
            ("postgresql://h/d", &[("dbname", "d"), ("host", "h")]),
            (
                "postgres://ann:h%40nter@h:1/d",
                &[("dbname", "d"), ("host", "h"), ("password", "h@nter"), ("port", "1"), ("user", "ann")],
            ),
            // A question mark in a password needs no escape.
            ("postgres://u:a?b@h", &[("host", "h"), ("password", "a?b"), ("user", "u")]),
            // Each has the usual port, whatever the environment says.
            ("postgresql://a,b", &[("host", "a,b"), ("port", ",")]),
            ("postgresql://a,b:2/d", &[("dbname", "d"), ("host", "a,b"), ("port", ",2")]),
            ("postgres://[::1]:7,[fe80::2]/", &[("host", "::1,fe80::2"), ("port", "7,")]),
            ("postgres://%2Frun%2Fpg/d", &[("dbname", "d"), ("host", "/run/pg")]),
            // What is asked for replaces what stands before.
            (
                "postgresql:///d?host=/a,/b&user=v&ssl=true",
                &[("dbname", "d"), ("host", "/a,/b"), ("sslmode", "require"), ("user", "v")],
            ),
            ("host=h dbname = d  port=5", &[("dbname", "d"), ("host", "h"), ("port", "5")]),
            (r"password='a \'b\\c' user=an\ n options=''", &[("password", r"a 'b\c"), ("user", "an n")]),
            ("", &[]),
        ];
        for (address, words) in cases {
            let words: Vec<_> = words.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(said(address), words, "{address}");
        }
    }

    #[test]
    fn an_address_that_cannot_be_read_is_not_quoted() {
        for address in ["postgres://u:hunter2%@h", "postgres://u:hunter2%zz@h", "host hunter2", "password='hunter2"] {
            let error = Words::parse(address).err().expect(address).to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn what_an_address_leaves_open_comes_from_elsewhere() {
        let elsewhere = [("host", "b".to_owned()), ("user", "ann".to_owned()), ("dbname", "c".to_owned())];
        let words = Words::parse("host=a dbname=''").unwrap().or_else(elsewhere);
        assert_eq!((words.get("host"), words.get("user"), words.get("dbname")), (Some("a"), Some("ann"), Some("c")));
    }
}
