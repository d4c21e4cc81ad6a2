//! A list of hashes as one can download it: a line each of forty hex digits, `:`, and how often it was seen; sorted. It
//! may have billions of lines, so it is never loaded: a look-up halves the file forty times at most.

use std::cmp::Ordering;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::Fingerprint;

const HEX: usize = 40;

/// Longer is no line: hash, colon, twenty digits, CR and LF, with room to spare.
const LONGEST_LINE: usize = 128;

/// How many places are looked at when it is opened.
const SAMPLES: u64 = 1_000;

/// Open for as long as the service runs: a list that takes its place is read from the next start on.
#[derive(Debug)]
pub struct HashFile {
    file: File,
    length: u64,
}

/// Why a file is no such list. The sentence says what is wrong, and where.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("it is empty")]
    Empty,
    #[error("the line at byte {0} is not the SHA-1 of a password, forty hex digits, and a count after a colon")]
    NoHash(u64),
    #[error("it is not sorted: the line at byte {0} is not after the one before it")]
    Unsorted(u64),
}

/// One line: where it begins, where the next one does, and its hash in upper case.
struct Line {
    start: u64,
    next: u64,
    hash: [u8; HEX],
}

impl HashFile {
    /// Reads some lines all over the file, and the last; so what is not such a list is found out, and what has two lines
    /// in the wrong order may not be.
    pub fn open(path: &Path) -> Result<Self, Unusable> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let list = Self { file, length };
        let mut before: Option<Line> = None;
        for sample in 0..=SAMPLES {
            let place = u64::try_from(u128::from(length) * u128::from(sample) / u128::from(SAMPLES)).unwrap_or(length);
            let Some(line) = list.line_from(place)? else { continue };
            match &before {
                Some(before) if line.start == before.start => {}
                Some(before) if line.hash <= before.hash => return Err(Unusable::Unsorted(line.start)),
                Some(_) | None => before = Some(line),
            }
        }
        match before {
            Some(_) => Ok(list),
            None => Err(Unusable::Empty),
        }
    }

    pub(super) fn contains(&self, password: &Fingerprint) -> Result<bool, Unusable> {
        // The line is sought between the two; the first is always the beginning of one.
        let (mut low, mut high) = (0, self.length);
        while low < high {
            let middle = low + (high - low) / 2;
            let line = match self.line_from(middle)?.filter(|line| line.start < high) {
                Some(line) => line,
                // Only one can begin before it.
                None if middle == low => return Ok(false),
                None => {
                    high = middle;
                    continue;
                }
            };
            match line.hash.as_slice().cmp(password.as_bytes()) {
                Ordering::Equal => return Ok(true),
                Ordering::Less => low = line.next,
                Ordering::Greater => high = middle,
            }
        }
        Ok(false)
    }

    /// The first line that begins at this byte or after it; `None` after the last.
    fn line_from(&self, place: u64) -> Result<Option<Line>, Unusable> {
        let start = match place.checked_sub(1) {
            None => 0,
            Some(before) => {
                let bytes = self.read(before)?;
                match end_of_line(&bytes) {
                    Some(end) => before + end,
                    None if bytes.len() < LONGEST_LINE => return Ok(None),
                    None => return Err(Unusable::NoHash(before)),
                }
            }
        };
        let bytes = self.read(start)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let length = end_of_line(&bytes).unwrap_or(bytes.len() as u64);
        let hash = hash_of(&bytes, length).ok_or(Unusable::NoHash(start))?;
        Ok(Some(Line { start, next: start + length, hash }))
    }

    /// As much as the longest line, or what there is.
    fn read(&self, place: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; LONGEST_LINE];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, place + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }
}

/// The byte after the end of the line.
fn end_of_line(bytes: &[u8]) -> Option<u64> {
    bytes.iter().position(|byte| *byte == b'\n').map(|at| at as u64 + 1)
}

fn hash_of(bytes: &[u8], length: u64) -> Option<[u8; HEX]> {
    let line = bytes.get(..usize::try_from(length).ok()?)?.trim_ascii_end();
    let (hash, count) = line.split_at_checked(HEX)?;
    let is_count = count.is_empty() || count.strip_prefix(b":").is_some_and(|n| n.iter().all(u8::is_ascii_digit));
    let hash: [u8; HEX] = hash.to_ascii_uppercase().try_into().ok()?;
    (is_count && hash.iter().all(u8::is_ascii_hexdigit)).then_some(hash)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;
    use crate::kernel::Redacted;

    struct Scratch(PathBuf);

    impl Scratch {
        fn holding(name: &str, text: &str) -> Self {
            let path = std::env::temp_dir().join(format!("vestibule-hashes-{}-{name}", std::process::id()));
            fs::write(&path, text).unwrap();
            Self(path)
        }

        fn open(&self) -> Result<HashFile, Unusable> {
            HashFile::open(&self.0)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    fn fingerprint(text: &str) -> Fingerprint {
        Fingerprint::of(&Redacted::new(text.to_owned()))
    }

    /// Those of the numbers in `numbers`, sorted, with counts of different lengths.
    fn lines(numbers: impl Iterator<Item = u32>, end: &str) -> String {
        let mut hashes: Vec<String> = numbers.map(|n| fingerprint(&n.to_string()).0.clone()).collect();
        hashes.sort();
        let counted = hashes.iter().enumerate().map(|(at, hash)| format!("{hash}:{}", "9".repeat(1 + at % 20)));
        counted.collect::<Vec<_>>().join(end)
    }

    #[test]
    fn every_hash_of_a_list_is_found_and_no_other() {
        for (name, count, end) in [("one", 1, "\n"), ("two", 2, "\n"), ("few", 9, "\r\n"), ("many", 3_000, "\r\n")] {
            for last in ["", end] {
                let text = lines((0..count).map(|n| n * 2), end) + last;
                for text in [text.clone(), text.to_lowercase()] {
                    let list = Scratch::holding(name, &text).open().unwrap();
                    for n in 0..2 * count {
                        assert_eq!(list.contains(&fingerprint(&n.to_string())).unwrap(), n % 2 == 0, "{n} of {name}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_no_such_list_is_told_from_one() {
        let good = lines(0..50, "\n");
        let mut reversed: Vec<&str> = good.lines().collect();
        reversed.reverse();
        let cases = [
            ("", "it is empty"),
            ("password\nqwerty\n", "the line at byte 0 is not the SHA-1"),
            ("8846F7EAEE8FB117AD06BDD830B7586C:12\n", "the line at byte 0 is not the SHA-1"),
            (&format!("{good}\nand a word\n"), "is not the SHA-1"),
            (&"x".repeat(5_000), "the line at byte 0 is not the SHA-1"),
            (&reversed.join("\n"), "it is not sorted: the line at byte "),
            (&format!("{good}\n{good}"), "it is not sorted"),
        ];
        for (at, (text, expected)) in cases.into_iter().enumerate() {
            let error = Scratch::holding(&format!("bad-{at}"), text).open().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}, not {expected}");
        }
        let error = HashFile::open(Path::new("/nothing/here")).unwrap_err().to_string();
        assert!(error.starts_with("it cannot be read: No such file"), "{error}");
    }

    #[test]
    fn a_list_that_is_cut_off_while_it_is_open_is_an_error_or_not_found_and_no_more() {
        let scratch = Scratch::holding("cut", &lines(0..3_000, "\n"));
        let list = scratch.open().unwrap();
        File::options().write(true).open(&scratch.0).unwrap().set_len(1_000).unwrap();
        let found = (0..3_000).filter(|n| list.contains(&fingerprint(&n.to_string())).is_ok_and(|found| found)).count();
        assert!(found < 3_000);
    }
}
