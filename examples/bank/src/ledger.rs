//! Reads a ledger from a CSV file, line by line. A malformed line does not affect the lines after it, and memory use is
//! bounded by the longest line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use crate::domain::{AccountId, TransactionId};

/// The columns of a ledger, which its first line must name. Only `transaction`, `account`, `direction` and
/// `amount_cents` are used.
pub const COLUMNS: [&str; 8] = [
    "transaction",
    "account",
    "date",
    "direction",
    "operation",
    "purpose",
    "amount_cents",
    "stated_balance_cents",
];

/// The maximum length of a line, in bytes. A longer line is malformed.
pub const MAX_LINE: u64 = 64 * 1024;

/// The maximum number of characters of the input that an error message quotes.
const MAX_QUOTE: usize = 40;

/// A reader of ledgers. Iterates over the lines after the header, except empty ones.
#[derive(Debug)]
pub struct Ledger<R> {
    input: BufReader<R>,
    line: Vec<u8>,
    fields: FieldSplitter,
    number: u64,
    bytes: u64,
}

/// A line of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A valid row.
    Row(Row),
    /// A line that cannot be parsed.
    Malformed(Malformed),
}

impl Line {
    /// Returns the row, or `None` if the line is malformed.
    pub fn row(&self) -> Option<&Row> {
        match self {
            Self::Row(row) => Some(row),
            Self::Malformed(_) => None,
        }
    }
}

/// A deposit or a withdrawal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line number. The header is line 1.
    pub line: u64,
    /// The transaction's id.
    pub transaction: TransactionId,
    /// The account to credit or debit.
    pub account: AccountId,
    /// Credit or debit.
    pub direction: Direction,
    /// The amount in cents.
    pub cents: i64,
}

/// The direction of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// A deposit.
    Credit,
    /// A withdrawal.
    Debit,
}

/// A line that cannot be parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The line number. The header is line 1.
    pub line: u64,
    /// The column that is wrong, or `None` if the line as a whole is.
    pub column: Option<&'static str>,
    /// What is wrong, and how to correct it.
    pub reason: String,
}

/// Why a file cannot be read as a ledger.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file cannot be opened or read.
    #[error("cannot read the ledger")]
    Io(#[from] io::Error),
    /// The first line does not name the columns of a ledger.
    #[error("not a ledger: the first line must be `{}`, but it {found}", COLUMNS.join(","))]
    Header {
        /// What the first line is instead.
        found: String,
    },
}

impl Ledger<File> {
    /// Opens a ledger and checks its header.
    ///
    /// # Errors
    /// If the file cannot be read, or is not a ledger.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        Self::new(File::open(path)?)
    }
}

impl<R: Read> Ledger<R> {
    /// Reads a ledger from `input` and checks its header.
    ///
    /// # Errors
    /// If `input` cannot be read, or is not a ledger.
    pub fn new(input: R) -> Result<Self, LedgerError> {
        let mut ledger = Self {
            input: BufReader::new(input),
            line: Vec::new(),
            fields: FieldSplitter::new(),
            number: 0,
            bytes: 0,
        };
        let found = match ledger.read_line()? {
            ReadLine::End => "is empty".to_owned(),
            ReadLine::TooLong => format!("is longer than {MAX_LINE} bytes"),
            ReadLine::Line => {
                let line = ledger.line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&ledger.line);
                if ledger.fields.split(line).is_ok_and(|fields| fields == COLUMNS) {
                    return Ok(ledger);
                }
                format!("is `{}`", quote(&String::from_utf8_lossy(line)))
            }
        };
        Err(LedgerError::Header { found })
    }

    /// Returns the number of bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the next line that is not empty, or `None` at the end.
    fn next_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            let read = self.read_line()?;
            let line = self.number;
            let parsed = match read {
                ReadLine::End => return Ok(None),
                ReadLine::Line if self.line.is_empty() => continue,
                ReadLine::Line => parse_row(line, self.fields.split(&self.line)),
                ReadLine::TooLong => {
                    let reason =
                        format!("the line is longer than {MAX_LINE} bytes; is a line break missing?");
                    Err(Malformed { line, column: None, reason })
                }
            };
            return Ok(Some(parsed.map_or_else(Line::Malformed, Line::Row)));
        }
    }

    /// Reads a line into `self.line`, without its line break.
    fn read_line(&mut self) -> io::Result<ReadLine> {
        self.line.clear();
        self.number += 1;
        let read = self.input.by_ref().take(MAX_LINE).read_until(b'\n', &mut self.line)? as u64;
        self.bytes += read;
        if read == 0 {
            return Ok(ReadLine::End);
        }
        if self.line.last() != Some(&b'\n') && read == MAX_LINE {
            self.bytes += self.input.skip_until(b'\n')? as u64;
            return Ok(ReadLine::TooLong);
        }
        for end in *b"\n\r" {
            self.line.pop_if(|last| *last == end);
        }
        Ok(ReadLine::Line)
    }
}

impl<R: Read> Iterator for Ledger<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_line().transpose()
    }
}

/// The result of reading a line.
enum ReadLine {
    Line,
    TooLong,
    End,
}

fn parse_row(line: u64, fields: Result<Vec<&str>, NotUtf8>) -> Result<Row, Malformed> {
    let malformed = |column, reason| Malformed { line, column, reason };
    let fields = fields.map_err(|NotUtf8 { column }| {
        let reason = format!("column {} is not UTF-8; save the file as UTF-8", column + 1);
        malformed(COLUMNS.get(column).copied(), reason)
    })?;
    let [transaction, account, _date, direction, _operation, _purpose, cents, _stated_balance] = fields[..]
    else {
        let (columns, expected) = (fields.len(), COLUMNS.len());
        let reason = format!("the line has {columns} columns; expected {expected}: {}", COLUMNS.join(","));
        return Err(malformed(None, reason));
    };
    let direction = match direction {
        "credit" => Direction::Credit,
        "debit" => Direction::Debit,
        other => {
            let reason = format!("`{}` is not a direction; write `credit` or `debit`", quote(other));
            return Err(malformed(Some("direction"), reason));
        }
    };
    let cents = cents.parse().map_err(|_| {
        let reason =
            format!("`{}` is not an amount; write a whole number of cents, such as `1250`", quote(cents));
        malformed(Some("amount_cents"), reason)
    })?;
    Ok(Row { line, transaction: transaction.into(), account: account.into(), direction, cents })
}

/// Splits lines into fields. A quoted field ends with its line, so a stray quote affects one line only.
#[derive(Debug)]
struct FieldSplitter {
    csv: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// A field that is not UTF-8.
struct NotUtf8 {
    /// The index of its column.
    column: usize,
}

impl FieldSplitter {
    fn new() -> Self {
        let csv = csv_core::ReaderBuilder::new().terminator(csv_core::Terminator::Any(b'\n')).build();
        Self { csv, text: Vec::new(), ends: Vec::new() }
    }

    fn split(&mut self, line: &[u8]) -> Result<Vec<&str>, NotUtf8> {
        // The fields of a line have at most its length in total, and there is at most one more of them than bytes.
        self.text.resize(line.len(), 0);
        self.ends.resize(line.len() + 1, 0);
        self.csv.reset();
        let (_, _, text, ends) = self.csv.read_record(line, &mut self.text, &mut self.ends);
        // Empty input marks the end, which completes the last field.
        let (_, _, _, last) = self.csv.read_record(&[], &mut self.text[text..], &mut self.ends[ends..]);
        let ends = &self.ends[..ends + last];
        let starts = [0].iter().chain(ends);
        let fields = starts.zip(ends).map(|(start, end)| str::from_utf8(&self.text[*start..*end]));
        fields.enumerate().map(|(column, field)| field.map_err(|_| NotUtf8 { column })).collect()
    }
}

/// Returns the start of `text`, with control characters escaped.
fn quote(text: &str) -> String {
    let mut quote: String = text.chars().take(MAX_QUOTE).flat_map(char::escape_debug).collect();
    if text.chars().nth(MAX_QUOTE).is_some() {
        quote.push('…');
    }
    quote
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rows: &[u8]) -> Vec<Line> {
        let text = [COLUMNS.join(",").as_bytes(), b"\n", rows].concat();
        let ledger = Ledger::new(&text[..]).expect("the header is valid");
        ledger.map(|line| line.expect("reading from memory succeeds")).collect()
    }

    fn malformed(row: &[u8]) -> (Option<&'static str>, String) {
        match read(row).as_slice() {
            [Line::Malformed(malformed)] => (malformed.column, malformed.reason.clone()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_row_is_parsed_with_any_line_ending() {
        let row = Row {
            line: 2,
            transaction: "t1".into(),
            account: "a-1".into(),
            direction: Direction::Debit,
            cents: 1250,
        };
        for end in ["", "\n", "\r\n"] {
            let line = format!("t1,a-1,1993-01-01,debit,\"cash, withdrawal\",,1250,0{end}");
            assert_eq!(read(line.as_bytes()), [Line::Row(row.clone())]);
        }
    }

    #[test]
    fn empty_lines_are_skipped_but_numbered() {
        let lines = read(b"\n\nt1,a-1,,credit,,,1,\n");
        assert!(matches!(&lines[..], [Line::Row(row)] if row.line == 4), "{lines:?}");
    }

    #[test]
    fn a_malformed_line_names_the_wrong_column() {
        assert_eq!(malformed(b"t1,a-1").0, None);
        assert!(malformed(b"t1,a-1").1.contains("2 columns"));
        assert_eq!(malformed(b"t1,a-1,,sideways,,,1,").0, Some("direction"));
        assert_eq!(malformed(b"t1,a-1,,credit,,,1.50,").0, Some("amount_cents"));
        assert_eq!(malformed(b"t1,a-1,,credit,,,99999999999999999999,").0, Some("amount_cents"));
        assert_eq!(malformed(b"t1,a-\xFF,,credit,,,1,").0, Some("account"));
    }

    #[test]
    fn a_stray_quote_affects_its_own_line_only() {
        let lines = read(b"t1,\"a-1,,credit,,,1,\nt2,a-1,,credit,,,1,\n");
        assert!(matches!(&lines[..], [Line::Malformed(_), Line::Row(row)] if row.line == 3), "{lines:?}");
    }

    #[test]
    fn an_overlong_line_is_skipped_to_its_end() {
        let mut rows = b"t1,a-1,,credit,".to_vec();
        rows.resize(10_000_000, b'x');
        rows.extend(b"\nt2,a-1,,credit,,,1,\n");
        let lines = read(&rows);
        assert!(matches!(&lines[..], [Line::Malformed(_), Line::Row(row)] if row.line == 3), "{lines:?}");
    }

    #[test]
    fn a_file_without_the_header_is_refused() {
        for text in [&b""[..], b"a,b,c\n", b"\x89PNG\r\n\x1a\n", b"transaction,account\n"] {
            assert!(matches!(Ledger::new(text), Err(LedgerError::Header { .. })));
        }
        let with_byte_order_mark = [b"\xEF\xBB\xBF", COLUMNS.join(",").as_bytes()].concat();
        assert!(Ledger::new(&with_byte_order_mark[..]).is_ok());
    }
}
