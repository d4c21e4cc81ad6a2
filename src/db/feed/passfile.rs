//! libpq's file of passwords: `host:port:database:user:password`, one a line, where `*` is anything and a backslash
//! stands before a colon or a backslash.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::kernel::secrets::Redacted;

/// The text of the file. One that others may read is no secret, and libpq does not use it either.
pub(super) fn read(path: &str) -> Option<Redacted> {
    let file = fs::metadata(path).ok()?;
    let is_ours_alone = file.is_file() && file.permissions().mode() % 0o100 == 0;
    is_ours_alone.then(|| fs::read_to_string(path).ok().map(Redacted::new)).flatten()
}

/// The password for a server that has any of these names. `rest` is its port, the database and the user.
pub(super) fn find(text: &Redacted, hosts: &[&str], rest: [&str; 3]) -> Option<Redacted> {
    let mut lines = text.expose().lines().filter(|line| !line.starts_with('#'));
    lines.find_map(|line| password(line, hosts, rest))
}

fn password(line: &str, hosts: &[&str], rest: [&str; 3]) -> Option<Redacted> {
    let (host, mut line) = field(line)?;
    let mut fits = hosts.iter().any(|wanted| is(host, wanted));
    for wanted in rest {
        let (written, after) = field(line)?;
        fits &= is(written, wanted);
        line = after;
    }
    (fits && !line.is_empty()).then(|| Redacted::new(plain(line)))
}

/// What stands before the next colon, and after it.
fn field(line: &str) -> Option<(&str, &str)> {
    let mut is_escaped = false;
    let end = line.find(|sign| {
        let ends = sign == ':' && !is_escaped;
        is_escaped = sign == '\\' && !is_escaped;
        ends
    })?;
    Some((line.get(..end)?, line.get(end + 1..)?))
}

fn is(written: &str, wanted: &str) -> bool {
    written == "*" || plain(written) == wanted
}

fn plain(written: &str) -> String {
    let mut plain = String::with_capacity(written.len());
    let mut signs = written.chars();
    while let Some(sign) = signs.next() {
        plain.extend(if sign == '\\' { signs.next() } else { Some(sign) });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_has_the_password() {
        let text = "# *:*:*:*:no\n\
                    h:5432:d:ann:first\n\
                    h:*:*:ann:s\\:e\\\\cond\n\
                    ::1:*:*:*:broken\n\
                    \\:\\:1:*:*:*:a:b\n\
                    localhost:*:*:*:here\n\
                    *:*:d:\\*:\n";
        let text = Redacted::new(text.to_owned());
        for (hosts, rest, password) in [
            (vec!["h"], ["5432", "d", "ann"], Some("first")),
            (vec!["h"], ["5433", "d", "ann"], Some("s:e\\cond")),
            (vec!["h"], ["5432", "d", "bob"], None),
            (vec!["::1"], ["5432", "d", "bob"], Some("a:b")),
            (vec!["/tmp", "localhost"], ["5432", "d", "bob"], Some("here")),
            // Neither is an empty password one, nor a star with a backslash anything.
            (vec!["x"], ["5432", "d", "*"], None),
        ] {
            let found = find(&text, &hosts, rest);
            assert_eq!(found.as_ref().map(Redacted::expose), password, "{hosts:?} {rest:?}");
        }
    }
}
