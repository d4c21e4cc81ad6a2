//! A path without what may be a secret in it.
//!
//! What the visitor wrote after `?` never comes here. But an escaped question mark begins a query to whoever decodes
//! first, and a parameter (`;jsessionid=…`) is where some apps keep their sessions.

use std::borrow::Cow;

/// A longer one cannot be kept, and a part of it would be judged as another path.
const LONGEST: usize = 1024;

/// What follows is a query or a fragment to somebody.
const ENDS: [&str; 4] = ["%3f", "%253f", "%23", "%2523"];

const PARAMETERS: [&str; 3] = [";", "%3b", "%253b"];

/// Whatever ends a segment, and so its parameters, to somebody.
const SEGMENTS: [&str; 5] = ["/", "%2f", "%252f", "%5c", "%255c"];

/// The marks themselves stay, because they are judged. `None` for one that is too long.
pub(super) fn without_secrets(path: &str) -> Option<Cow<'_, str>> {
    let is_plain = !path.contains([';', '%']);
    let kept = if is_plain { Cow::Borrowed(path) } else { without_parameters(path) };
    (kept.len() <= LONGEST).then_some(kept)
}

fn without_parameters(path: &str) -> Cow<'_, str> {
    let mut kept = String::with_capacity(path.len());
    let (mut rest, mut is_parameter) = (path, false);
    while let Some(first) = rest.chars().next() {
        let mark = |marks: &[&str]| marks.iter().find_map(|mark| beginning(rest, mark.len(), mark));
        if let Some(end) = mark(&ENDS) {
            kept.push_str(end);
            break;
        }
        let (segment, parameter) = (mark(&SEGMENTS), mark(&PARAMETERS));
        is_parameter = segment.is_none() && (is_parameter || parameter.is_some());
        let length = segment.or(parameter).map_or(first.len_utf8(), str::len);
        let (piece, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        if !is_parameter || parameter.is_some() {
            kept.push_str(piece);
        }
        rest = after;
    }
    if kept == path { Cow::Borrowed(path) } else { Cow::Owned(kept) }
}

/// What `text` begins with, if that is `mark` in whatever case.
fn beginning<'a>(text: &'a str, length: usize, mark: &str) -> Option<&'a str> {
    text.get(..length).filter(|beginning| beginning.eq_ignore_ascii_case(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_left_out_and_nothing_else() {
        let table = [
            ("/", "/"),
            ("/a/b.c", "/a/b.c"),
            ("/my%20file", "/my%20file"),
            ("/public/..%2fadmin", "/public/..%2fadmin"),
            ("/a;jsessionid=5f3c/b", "/a;/b"),
            ("/a;x=1;y=2", "/a;;"),
            ("/a;secret", "/a;"),
            ("/a%3Bx=1/b", "/a%3B/b"),
            ("/a;x=1%2fb;y", "/a;%2fb;"),
            ("/public/..;a=b/admin", "/public/..;/admin"),
            ("/reset%3Ftoken=5f3c", "/reset%3F"),
            ("/reset%253ftoken=5f3c/b", "/reset%253f"),
            ("/reset;a=b%3ftoken=5f3c", "/reset;%3f"),
            ("/a%23access_token=5f3c", "/a%23"),
        ];
        for (path, kept) in table {
            assert_eq!(without_secrets(path).as_deref(), Some(kept), "{path}");
        }
    }

    #[test]
    fn a_path_that_is_too_long_is_not_kept() {
        let path = |length: usize| format!("/{}", "a".repeat(length - 1));
        assert!(without_secrets(&path(LONGEST)).is_some());
        assert!(without_secrets(&path(LONGEST + 1)).is_none());
    }
}
