//! Lines that go out together.
//!
//! One write for each line of the log would cost as much as the whole rest of a check at the gate. So lines wait for
//! each other, in the order in which they came: until there are [`MOST`] bytes of them or the first has waited for
//! [`LONGEST`], or until somebody says that they are urgent.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

const MOST: usize = 64 * 1024;
const LONGEST: Duration = Duration::from_millis(100);

/// Where lines are written to. Cheap to clone.
#[derive(Clone)]
pub(super) struct Lines(Arc<Shared>);

struct Shared {
    waiting: Mutex<Waiting>,
    /// There are lines where there were none.
    begun: Condvar,
}

struct Waiting {
    lines: Vec<u8>,
    /// How many bytes may not wait any longer.
    most: usize,
    /// Written to with the lock held, so that no line overtakes another.
    out: Box<dyn Write + Send>,
}

impl Lines {
    /// Nothing waits until [`Lines::write_in_batches`] says so.
    pub(super) fn to(out: impl Write + Send + 'static) -> Self {
        let waiting = Waiting { lines: Vec::new(), most: 0, out: Box::new(out) };
        Self(Arc::new(Shared { waiting: Mutex::new(waiting), begun: Condvar::new() }))
    }

    pub(super) fn write_in_batches(&self) -> io::Result<()> {
        let lines = self.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || lines.write_regularly())?;
        self.lock().most = MOST;
        Ok(())
    }

    pub(super) fn write_out(&self) {
        self.lock().write_out();
    }

    fn write_regularly(&self) -> ! {
        loop {
            let waiting = self.0.begun.wait_while(self.lock(), |waiting| waiting.lines.is_empty());
            drop(waiting.unwrap_or_else(PoisonError::into_inner));
            thread::sleep(LONGEST);
            self.write_out();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn write_out(&mut self) {
        // There is nobody left to tell of an error.
        let _ = self.out.write_all(&self.lines).and_then(|()| self.out.flush());
        self.lines.clear();
    }
}

impl Write for Lines {
    /// Takes whole lines only.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.lock();
        if waiting.lines.is_empty() {
            self.0.begun.notify_one();
        }
        waiting.lines.extend_from_slice(line);
        if waiting.lines.len() >= waiting.most {
            waiting.write_out();
        }
        Ok(line.len())
    }

    /// Asked for after every line; what is urgent is [`Lines::write_out`]'s business.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Passes on what is written, a message for each write.
    struct Sink(mpsc::Sender<Vec<u8>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines() -> (Lines, mpsc::Receiver<Vec<u8>>) {
        let (sender, written) = mpsc::channel();
        (Lines::to(Sink(sender)), written)
    }

    #[test]
    fn a_line_waits_for_nothing_unless_told_to() {
        let (mut lines, written) = lines();
        lines.write_all(b"a\n").unwrap();
        assert_eq!(written.try_recv().unwrap(), b"a\n");
    }

    #[test]
    fn lines_go_out_together_by_themselves_and_in_order() {
        let (mut lines, written) = lines();
        lines.write_in_batches().unwrap();
        lines.write_all(b"a\n").unwrap();
        lines.write_all(b"b\n").unwrap();
        assert!(written.try_recv().is_err());
        assert_eq!(written.recv_timeout(Duration::from_secs(10)).unwrap(), b"a\nb\n");
        lines.write_all(b"c\n").unwrap();
        assert_eq!(written.recv_timeout(Duration::from_secs(10)).unwrap(), b"c\n");
    }

    #[test]
    fn what_is_urgent_takes_along_what_waits() {
        let (mut lines, written) = lines();
        lines.write_in_batches().unwrap();
        lines.write_all(b"a\n").unwrap();
        lines.write_out();
        assert_eq!(written.try_recv().unwrap(), b"a\n");
    }

    #[test]
    fn many_lines_do_not_wait_for_the_time_to_pass() {
        let (mut lines, written) = lines();
        lines.write_in_batches().unwrap();
        let line = [b"x".repeat(1023), b"\n".to_vec()].concat();
        let began = std::time::Instant::now();
        let mut sent = 0;
        while sent < 100 * MOST {
            lines.write_all(&line).unwrap();
            sent += line.len();
        }
        let batches: Vec<Vec<u8>> = written.try_iter().collect();
        let longest = batches.iter().map(Vec::len).max().unwrap();
        assert!(batches.len() >= 100 && longest <= MOST, "{} batches, {longest} bytes", batches.len());
        assert!(began.elapsed() < 50 * LONGEST, "{:?}", began.elapsed());
    }
}
