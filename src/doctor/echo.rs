//! What reached the app, from an app that tells.
//!
//! Such an app is known by its telling of a mark that nobody else can know: then, and only then, anything is concluded
//! from what it tells. Understood are JSON with a member `headers` (an object, or a list of pairs), and lines of
//! `Name: value` as `whoami` writes them.

use serde_json::Value;

use super::answer::Answer;

/// Carries the mark.
pub(super) const MARK: &str = "X-Doctor";

/// A request as the app got it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Received {
    pub headers: Vec<(String, String)>,
    pub body: Option<String>,
}

impl Received {
    /// `None` unless the answer tells of this very request.
    pub(super) fn read(answer: &Answer, mark: &str) -> Option<Self> {
        let text = answer.text();
        let received =
            serde_json::from_str(&text).ok().and_then(|told| from_json(&told)).or_else(|| from_lines(&text))?;
        let tells_of_this = received.values(MARK).any(|value| value == mark);
        tells_of_this.then_some(received)
    }

    /// As an app reads a header that cannot tell `_` from `-`, as CGI and all of its heirs cannot (RFC 3875, section
    /// 4.1.18).
    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(own, _)| folded(own) == folded(name)).map(|(_, value)| value.as_str())
    }

    /// The one value that has something in it, if there is any.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .filter(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .find(|value| !value.is_empty())
    }

    /// The names of headers with this text in their value.
    pub(super) fn holding<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(_, value)| value.contains(text)).map(|(name, _)| name.as_str())
    }
}

pub(super) fn folded(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

fn from_json(told: &Value) -> Option<Received> {
    let headers = match told.get("headers")? {
        Value::Object(map) => map.iter().flat_map(|(name, value)| lines_of(name, value)).collect(),
        Value::Array(pairs) => pairs.iter().filter_map(pair).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
    };
    let body = told.get("body").and_then(Value::as_str).map(str::to_owned);
    Some(Received { headers, body })
}

fn lines_of(name: &str, value: &Value) -> Vec<(String, String)> {
    let texts: Vec<&str> = match value {
        Value::String(text) => vec![text],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    };
    texts.into_iter().map(|text| (name.to_owned(), text.to_owned())).collect()
}

fn pair(pair: &Value) -> Option<(String, String)> {
    match pair.as_array()?.as_slice() {
        [Value::String(name), Value::String(value)] => Some((name.clone(), value.clone())),
        _ => None,
    }
}

fn from_lines(text: &str) -> Option<Received> {
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let line = |line: &str| {
        let (name, value) = line.split_once(':')?;
        is_name(name).then(|| (name.to_owned(), value.trim().to_owned()))
    };
    let headers: Vec<(String, String)> = text.lines().filter_map(line).collect();
    (!headers.is_empty()).then_some(Received { headers, body: None })
}

#[cfg(test)]
mod tests {
    use super::super::answer::example;
    use super::*;

    fn read(body: &str) -> Option<Received> {
        Received::read(&example(200, &[], body), "mark")
    }

    #[test]
    fn every_kind_of_echo_is_understood() {
        for body in [
            r#"{"headers": {"X-Doctor": "mark", "Remote-User": "ann"}}"#,
            r#"{"headers": {"x-doctor": ["mark"], "remote_user": ["ann"]}}"#,
            r#"{"method": "GET", "headers": [["X-Doctor", "mark"], ["Remote-User", "ann"]]}"#,
            "Hostname: x\nIP: 127.0.0.1\nGET / HTTP/1.1\nHost: app.example.com\nX-Doctor: mark\nRemote-User: ann\n",
        ] {
            let received = read(body).unwrap_or_else(|| panic!("{body}"));
            assert_eq!(received.values("Remote-User").collect::<Vec<_>>(), ["ann"], "{body}");
        }
    }

    #[test]
    fn an_app_that_does_not_tell_of_this_request_is_no_echo() {
        for body in ["", "hello", "{}", r#"{"headers": {"X-Doctor": "another"}}"#, "X-Doctor: another\n", "mark", "[]"]
        {
            assert_eq!(read(body), None, "{body}");
        }
    }
}
