//! A path in every way that a proxy or an app may read it.
//!
//! `/public/%2e%2e/admin`, `/public/..;/admin`, `/public//../admin`: what such a path leads to depends on who
//! reads it. So all readings are judged, and where they would be judged differently nobody gets through.

use super::forwarded::Malformed;

/// An odd path is read in dozens of ways, which must stay cheap.
const LONGEST: usize = 4096;

/// How a path is read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Path {
    /// As it is written, by everybody.
    Ordinary,
    /// In each of these ways: at least one, each without the slashes at its two ends.
    Odd(Vec<Vec<u8>>),
}

#[derive(Clone, Copy, PartialEq)]
enum Slashes {
    Kept,
    MergedBeforeDots,
    MergedAfterDots,
}

impl Path {
    /// `raw` begins with a slash and has no query.
    pub(super) fn parse(raw: &[u8]) -> Result<Self, Malformed> {
        if raw.len() > LONGEST {
            return Err(Malformed("the path is too long"));
        }
        if is_ordinary(raw) { Ok(Self::Ordinary) } else { Self::parse_odd(raw) }
    }

    fn parse_odd(raw: &[u8]) -> Result<Self, Malformed> {
        if !has_whole_escapes(raw) {
            return Err(Malformed("the path has a percent sign without two digits"));
        }
        let once = decode(raw, |_| true);
        let twice = decode(&once, |_| true);
        if twice.iter().any(u8::is_ascii_control) {
            return Err(Malformed("the path has an escaped control character"));
        }
        if has_overlong_letters(&twice) {
            return Err(Malformed("the path spells a plain letter in several bytes"));
        }
        let segments_kept = decode(raw, |byte| !b"/\\;".contains(&byte));
        let mut readings = Vec::new();
        for text in [&segments_kept, &once, &twice] {
            add_readings(text, &mut readings);
        }
        // Who decodes before taking the query off sees another path, which ends sooner.
        for text in [&once, &twice] {
            for end in [b'?', b'#'] {
                add_readings(before(text, end), &mut readings);
            }
        }
        Ok(Self::Odd(readings))
    }

    /// `raw` is what this was parsed from.
    pub(super) fn readings<'a>(&'a self, raw: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let (only, odd) = match self {
            Self::Ordinary => (Some(without_outer_slashes(raw)), &[][..]),
            Self::Odd(readings) => (None, readings.as_slice()),
        };
        only.into_iter().chain(odd.iter().map(Vec::as_slice))
    }
}

/// How many more steps up than down some reader takes, where that is most.
pub(super) fn steps_above_root(raw: &[u8]) -> usize {
    let once = decode(raw, |_| true);
    let twice = decode(&once, |_| true);
    let texts = [raw, &once, &twice];
    let readings = texts.into_iter().flat_map(|text| [&b"/"[..], b"/\\"].map(|slashes| (text, slashes)));
    readings.map(|(text, slashes)| most_steps_up(text, slashes)).max().unwrap_or_default()
}

fn most_steps_up(text: &[u8], slashes: &[u8]) -> usize {
    let (mut depth, mut above) = (0_usize, 0_usize);
    for segment in text.split(|byte| slashes.contains(byte)) {
        match before(segment, b';') {
            b"" | b"." => {}
            b".." if depth == 0 => above += 1,
            b".." => depth -= 1,
            _ => depth += 1,
        }
    }
    above
}

/// Whether nothing in it is escaped, a parameter, or a step to somewhere else.
fn is_ordinary(raw: &[u8]) -> bool {
    let is_ordinary = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,=:@".contains(byte);
    raw.iter().all(is_ordinary) && is_plain(raw)
}

fn add_readings(text: &[u8], readings: &mut Vec<Vec<u8>>) {
    if is_plain(text) {
        return add(text, readings);
    }
    let backslash_is_a_slash: Vec<u8> = text.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect();
    for text in [text, &backslash_is_a_slash] {
        for text in [text, &without_parameters(text)] {
            for slashes in [Slashes::Kept, Slashes::MergedBeforeDots, Slashes::MergedAfterDots] {
                add(&resolve_dots(text, slashes), readings);
            }
            add(&merge_slashes(text), readings);
            add(text, readings);
        }
    }
}

/// `/admin` and `/admin/` are one page to most apps, and to us.
fn without_outer_slashes(text: &[u8]) -> &[u8] {
    let text = text.strip_prefix(b"/").unwrap_or(text);
    text.strip_suffix(b"/").unwrap_or(text)
}

fn add(text: &[u8], readings: &mut Vec<Vec<u8>>) {
    let text = without_outer_slashes(text);
    if !readings.iter().any(|known| known == text) {
        readings.push(text.to_vec());
    }
}

/// Whether everybody reads it alike.
fn is_plain(text: &[u8]) -> bool {
    let is_odd_segment = |segment: &[u8]| matches!(segment, b"" | b"." | b"..");
    let inner = without_outer_slashes(text);
    let has_odd_segment = !inner.is_empty() && segments(inner).any(is_odd_segment);
    !has_odd_segment && !text.iter().any(|byte| b"\\;".contains(byte))
}

fn segments(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'/')
}

/// `/a;x=1/b` as Java's servers read it: `/a/b`.
fn without_parameters(text: &[u8]) -> Vec<u8> {
    let plain: Vec<&[u8]> = segments(text).map(|segment| before(segment, b';')).collect();
    plain.join(&b'/')
}

fn before(segment: &[u8], end: u8) -> &[u8] {
    segment.split(|byte| *byte == end).next().unwrap_or_default()
}

fn merge_slashes(text: &[u8]) -> Vec<u8> {
    let filled: Vec<&[u8]> = segments(text).filter(|segment| !segment.is_empty()).collect();
    filled.join(&b'/')
}

/// RFC 3986, section 5.2.4; the slashes of `text` are merged before, after or never, as readers differ.
fn resolve_dots(text: &[u8], slashes: Slashes) -> Vec<u8> {
    let merged = if slashes == Slashes::MergedBeforeDots { Some(merge_slashes(text)) } else { None };
    let text = merged.as_deref().unwrap_or(text);
    let mut kept: Vec<&[u8]> = Vec::new();
    for segment in segments(text.strip_prefix(b"/").unwrap_or(text)) {
        match segment {
            b"." => {}
            b".." => drop(kept.pop()),
            _ => kept.push(segment),
        }
    }
    let resolved = kept.join(&b'/');
    if slashes == Slashes::MergedAfterDots { merge_slashes(&resolved) } else { resolved }
}

fn has_whole_escapes(raw: &[u8]) -> bool {
    let mut after_percent = raw.split(|byte| *byte == b'%').skip(1);
    after_percent.all(|rest| escaped_byte(rest).is_some())
}

/// `%c0%ae` is a dot and `%e0%80%af` a slash to whoever does not refuse them (RFC 3629, section 3).
fn has_overlong_letters(text: &[u8]) -> bool {
    text.windows(2).any(|pair| matches!(pair, [0xc0 | 0xc1, 0x80..=0xbf] | [0xe0, 0x80..=0x9f]))
}

/// The byte whose two digits `text` begins with.
fn escaped_byte(text: &[u8]) -> Option<u8> {
    let (high, low) = (text.first()?, text.get(1)?);
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// Decodes the escapes whose byte `may_be_plain`; all others, and what is no escape, stay as they are.
pub(super) fn decode(text: &[u8], may_be_plain: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut parts = text.split(|byte| *byte == b'%');
    let mut decoded = parts.next().unwrap_or_default().to_vec();
    for part in parts {
        let escaped = escaped_byte(part).filter(|byte| may_be_plain(*byte));
        decoded.push(escaped.unwrap_or(b'%'));
        decoded.extend(part.iter().skip(if escaped.is_some() { 2 } else { 0 }));
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(raw: &str) -> Vec<String> {
        readings_of(&Path::parse(raw.as_bytes()).unwrap(), raw)
    }

    fn readings_of(path: &Path, raw: &str) -> Vec<String> {
        path.readings(raw.as_bytes()).map(|reading| String::from_utf8_lossy(reading).into_owned()).collect()
    }

    #[test]
    fn an_ordinary_path_has_one_reading() {
        let ordinary = [
            ("/", ""),
            ("/admin", "admin"),
            ("/admin/", "admin"),
            ("/a/b.c/d~e", "a/b.c/d~e"),
            ("/.well-known/x", ".well-known/x"),
            ("/a/...", "a/..."),
            ("/my%20file", "my file"),
            ("/100%25", "100%"),
            ("/b%C3%BCcher", "bücher"),
            ("/%7euser/%61", "~user/a"),
        ];
        for (raw, reading) in ordinary {
            assert_eq!(readings(raw), [reading], "{raw}");
        }
    }

    #[test]
    fn an_ordinary_path_is_one_that_the_odd_readers_read_alike() {
        let pieces = ["", "a", "A.b", ".", "..", "...", ".a", "a..", "a;b", "%61", "~", "a b", "@:!$&'()*+,=-_"];
        let mut ordinary = 0;
        for (a, b, c) in pieces.iter().flat_map(|a| pieces.iter().flat_map(move |b| pieces.map(|c| (*a, *b, c)))) {
            let raw = format!("/{a}/{b}/{c}");
            let path = Path::parse(raw.as_bytes()).unwrap();
            let odd = Path::parse_odd(raw.as_bytes()).unwrap();
            ordinary += usize::from(path == Path::Ordinary);
            assert_eq!(readings_of(&path, &raw), readings_of(&odd, &raw), "{raw}");
        }
        assert!(ordinary > 100, "{ordinary}");
    }

    #[test]
    fn every_reading_of_an_odd_path_is_known() {
        let odd = [
            ("/public/../admin", "admin"),
            ("/public/../admin", "public/../admin"),
            ("/public/%2e%2e/admin", "admin"),
            ("/public/.%2E/admin", "admin"),
            ("/public/%252e%252e/admin", "admin"),
            ("/public/..%2fadmin", "admin"),
            ("/public/..%5cadmin", "admin"),
            ("/public/..%255cadmin", "admin"),
            ("/public/..;/admin", "admin"),
            ("/public/..;a=b/admin", "admin"),
            ("/public/..%3b/admin", "admin"),
            ("/public/.;/admin", "public/admin"),
            ("/public//../admin", "admin"),
            ("/public//../admin", "public/admin"),
            ("//admin", "admin"),
            ("//admin", "/admin"),
            ("/admin%2f", "admin"),
            ("/admin;x", "admin"),
            ("/;/admin", "admin"),
            ("/./admin", "admin"),
            ("/admin/.", "admin"),
            ("/admin//", "admin"),
            ("/../../admin", "admin"),
            ("/%2fadmin", "admin"),
            ("/%5cadmin", "admin"),
            ("/admin%3fx", "admin"),
            ("/admin%23", "admin"),
            ("/public/..%2fadmin%253fx", "admin"),
        ];
        for (raw, reading) in odd {
            assert!(readings(raw).iter().any(|known| known == reading), "{raw}: {:?}", readings(raw));
        }
    }

    #[test]
    fn steps_out_of_the_root_are_counted_however_they_are_written() {
        let cases = [
            ("/", 0),
            ("/a/../b", 0),
            ("/a/b/../../x", 0),
            ("/../x", 1),
            ("/../../x", 2),
            ("/..%2f..%2fx", 2),
            ("/%2e%2e/%2E./x", 2),
            ("/a/../../../x", 2),
            ("/./..//../x", 2),
            ("/..;a/..;/x", 2),
            ("/..%5c..%5cx", 2),
            ("/%252e%252e/%252e%252e/x", 2),
            // One segment to who decodes once, two to who does it twice.
            ("/a%252fb/../../../x", 2),
            ("/a%5cb/../../../x", 2),
        ];
        for (raw, steps) in cases {
            assert_eq!(steps_above_root(raw.as_bytes()), steps, "{raw}");
        }
    }

    #[test]
    fn an_encoded_slash_also_stays_within_its_segment() {
        assert!(readings("/projects/group%2Fproject").contains(&"projects/group%2Fproject".into()));
    }

    #[test]
    fn what_no_path_has_is_refused() {
        for raw in [
            "/%",
            "/%2",
            "/a%zzb",
            "/%u002e",
            "/%00",
            "/a%0d%0ab",
            "/%7f",
            "/%2500",
            "/%c0%ae",
            "/%25c1%259c",
            "/%e0%80%af",
        ] {
            assert!(Path::parse(raw.as_bytes()).is_err(), "{raw}");
        }
        assert!(Path::parse(format!("/{}", "a".repeat(LONGEST)).as_bytes()).is_err());
    }

    #[test]
    fn the_longest_odd_path_is_read_in_good_time() {
        let start = std::time::Instant::now();
        let raw = "/..;%252f".repeat(LONGEST / 9);
        Path::parse(raw.as_bytes()).unwrap();
        assert!(start.elapsed().as_millis() < 500, "{:?}", start.elapsed());
    }
}
