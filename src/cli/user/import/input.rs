use std::cell::Cell;
use std::io::{self, Cursor, Read};
use std::rc::Rc;

/// Nobody's row is longer, and whoever reads on would hold all of it in memory.
pub(super) const LONGEST: usize = 64 * 1024;

/// A file without the mark that some systems put at its beginning to say that it is UTF-8.
pub(super) struct Input {
    rest: io::Chain<Cursor<Vec<u8>>, Box<dyn Read>>,
    seen: Rc<Seen>,
}

/// What has been read, for whoever has given the input away.
pub(super) struct Seen {
    /// How many bytes may be read until [`Seen::start`]; the next reading fails then.
    left: Cell<usize>,
    last: Cell<u8>,
}

impl Seen {
    /// From here on it is another row.
    pub(super) fn start(&self) {
        self.left.set(LONGEST);
    }

    /// Whether the last row went on and on.
    pub(super) fn has_run_out(&self) -> bool {
        self.left.get() == 0
    }

    pub(super) fn ends_with_a_line_break(&self) -> bool {
        matches!(self.last.get(), b'\n' | b'\r')
    }
}

impl Input {
    pub(super) fn new(mut file: Box<dyn Read>) -> io::Result<Self> {
        let mut first = Vec::new();
        file.by_ref().take(3).read_to_end(&mut first)?;
        if first == *b"\xef\xbb\xbf" {
            first.clear();
        }
        let seen = Rc::new(Seen { left: Cell::new(usize::MAX), last: Cell::new(b'\n') });
        Ok(Self { rest: Cursor::new(first).chain(file), seen })
    }

    pub(super) fn seen(&self) -> Rc<Seen> {
        Rc::clone(&self.seen)
    }
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.seen.left.get();
        if left == 0 {
            return Err(io::Error::other("a row without an end"));
        }
        let count = self.rest.read(into)?;
        self.seen.left.set(left.saturating_sub(count));
        if let Some(last) = into.get(..count).and_then(<[u8]>::last) {
            self.seen.last.set(*last);
        }
        Ok(count)
    }
}
