use std::io::{self, Read};
use std::rc::Rc;

use anyhow::{anyhow, ensure};
use csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};

use super::input::{Input, Seen};
use super::row::{Row, field};
use crate::accounts::import::{Field, Value, Wrong};

/// Comma-separated values (RFC 4180) under a header.
pub(super) struct Table {
    reader: Reader<LineFeeds>,
    seen: Rc<Seen>,
    columns: Vec<Field>,
    record: ByteRecord,
}

impl Table {
    /// # Errors
    /// When the header is not one.
    pub(super) fn new(input: Input) -> anyhow::Result<Self> {
        let seen = input.seen();
        seen.start();
        let mut reader = ReaderBuilder::new().from_reader(LineFeeds(input));
        let header = reader.byte_headers().map_err(|error| explain(error, (&seen, 1)))?.clone();
        let mut columns = Vec::new();
        for name in &header {
            let name = str::from_utf8(name).map_err(|_| anyhow!("the header is not UTF-8"))?;
            let column = field(name.trim()).map_err(|why| anyhow!("the header: {why}"))?;
            ensure!(!columns.contains(&column), "the header: {} is there twice", column.as_str());
            columns.push(column);
        }
        ensure!(columns.contains(&Field::Email), "the header: email is missing");
        Ok(Self { reader, seen, columns, record: ByteRecord::new() })
    }

    pub(super) fn next(&mut self) -> anyhow::Result<Option<Row>> {
        self.seen.start();
        let from = self.reader.position().line();
        match self.reader.read_byte_record(&mut self.record) {
            Ok(false) => Ok(None),
            Ok(true) => Ok(Some(Row { line: self.line(), given: self.read() })),
            Err(error) => match error.kind() {
                ErrorKind::UnequalLengths { expected_len, len, .. } => {
                    let why = format!("there are {len} fields, and {expected_len} in the header");
                    Ok(Some(Row { line: self.line(), given: Err(vec![Wrong::altogether(why)]) }))
                }
                _ => Err(explain(error, (&self.seen, from))),
            },
        }
    }

    /// Where the record begins. The reader has it begin with the empty lines before it; and behind the last one there may
    /// be no line break to count.
    fn line(&self) -> u64 {
        let first = self.record.position().map_or(0, csv::Position::line);
        let within = self.record.as_slice().split(|byte| *byte == b'\n').skip(1).count() as u64;
        first.max(self.reader.position().line().saturating_sub(1 + within))
    }

    /// A file that was cut off within the last field looks like a whole one.
    pub(super) fn remark(&self) -> Option<(u64, &'static str)> {
        let line = self.reader.position().line();
        let remark = "the file ends here without a line break: make sure that it was not cut off";
        (!self.seen.ends_with_a_line_break()).then_some((line, remark))
    }

    fn read(&self) -> Result<Vec<(Field, Value)>, Vec<Wrong>> {
        let values = self.columns.iter().zip(&self.record).map(|(column, bytes)| {
            let text = str::from_utf8(bytes).map_err(|_| Wrong::with(*column, "this is not UTF-8"))?;
            Ok((*column, Value::Text(text.to_owned())))
        });
        values.collect::<Result<_, Wrong>>().map_err(|wrong| vec![wrong])
    }
}

/// Beyond this nothing can be read: where the next row begins nobody knows.
fn explain(error: csv::Error, (seen, line): (&Seen, u64)) -> anyhow::Error {
    if seen.has_run_out() {
        return anyhow!("line {line}: a row is longer than 64 KiB: is a closing quote missing?");
    }
    error.into()
}

/// Lines that end in a line feed alone: the reader counts others wrongly.
struct LineFeeds(Input);

impl Read for LineFeeds {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.0.read(into)?;
            let mut kept = 0;
            for at in 0..count {
                if let Some(byte) = into.get(at).copied().filter(|byte| *byte != b'\r')
                    && let Some(place) = into.get_mut(kept)
                {
                    *place = byte;
                    kept += 1;
                }
            }
            if kept > 0 || count == 0 {
                return Ok(kept);
            }
        }
    }
}
