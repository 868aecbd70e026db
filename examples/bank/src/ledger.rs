//! A bank's ledger in a CSV file, read line by line: whatever is wrong with one line concerns that line alone, and no
//! more than one line is ever held in memory.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use crate::domain::{AccountId, TransactionId};

/// The columns of a ledger, and so its first line. The bank acts on `transaction`, `account`, `direction` and
/// `amount_cents`; the others are for people.
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

/// A line that is longer than this, in bytes, is no row.
pub const LONGEST_LINE: u64 = 64 * 1024;

/// How much of the input a message quotes.
const LONGEST_QUOTE: usize = 40;

/// A ledger that is being read. It iterates over the lines behind the first.
#[derive(Debug)]
pub struct Ledger<R> {
    input: BufReader<R>,
    line: Vec<u8>,
    fields: Fields,
    number: u64,
    bytes: u64,
}

/// What a line of a ledger is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A movement of money.
    Row(Row),
    /// Nothing that could be read.
    Malformed(Malformed),
}

impl Line {
    /// The row, if it is one.
    pub fn row(&self) -> Option<&Row> {
        match self {
            Self::Row(row) => Some(row),
            Self::Malformed(_) => None,
        }
    }
}

/// A movement of money on an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where it stands in the file, from 1; the columns' names are line 1.
    pub line: u64,
    /// The bank's name for it.
    pub transaction: TransactionId,
    /// The account.
    pub account: AccountId,
    /// In or out.
    pub direction: Direction,
    /// How much, in cents.
    pub cents: i64,
}

/// Which way money moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Money in.
    Credit,
    /// Money out.
    Debit,
}

/// A line that is no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Where it stands in the file, from 1.
    pub line: u64,
    /// The column at fault, if it is one.
    pub field: Option<&'static str>,
    /// What is wrong, and what to do about it.
    pub reason: String,
}

/// A ledger that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file cannot be opened, or reading it broke off.
    #[error("it cannot be read")]
    Io(#[from] io::Error),
    /// Its first line does not name the columns of a ledger.
    #[error("it is no ledger: its first line must be `{}`, and it {found}", COLUMNS.join(","))]
    Header {
        /// What the first line is instead.
        found: String,
    },
}

impl Ledger<File> {
    /// Opens a ledger, and checks that it is one.
    ///
    /// # Errors
    /// If the file cannot be read, or its first line does not name the columns.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        Self::new(File::open(path)?)
    }
}

impl<R: Read> Ledger<R> {
    /// Reads a ledger from somewhere, and checks that it is one.
    ///
    /// # Errors
    /// If it cannot be read, or its first line does not name the columns.
    pub fn new(input: R) -> Result<Self, LedgerError> {
        let mut ledger = Self {
            input: BufReader::new(input),
            line: Vec::new(),
            fields: Fields::new(),
            number: 0,
            bytes: 0,
        };
        let found = match ledger.advance()? {
            Advance::End => "is empty".to_owned(),
            Advance::TooLong => format!("is longer than {LONGEST_LINE} bytes"),
            Advance::Line => {
                let line = ledger.line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&ledger.line);
                if ledger.fields.split(line).is_ok_and(|fields| fields == COLUMNS) {
                    return Ok(ledger);
                }
                format!("is `{}`", quote(&String::from_utf8_lossy(line)))
            }
        };
        Err(LedgerError::Header { found })
    }

    /// How many bytes have been read.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next line that is not empty; `None` behind the last.
    fn next_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            match self.advance()? {
                Advance::End => return Ok(None),
                Advance::Line if self.line.is_empty() => {}
                Advance::Line => return Ok(Some(parse(self.number, self.fields.split(&self.line)))),
                Advance::TooLong => {
                    let reason =
                        format!("the line is longer than {LONGEST_LINE} bytes; is a line break missing?");
                    return Ok(Some(Line::Malformed(Malformed { line: self.number, field: None, reason })));
                }
            }
        }
    }

    /// Reads one line into `self.line`, without its end.
    fn advance(&mut self) -> io::Result<Advance> {
        self.line.clear();
        self.number += 1;
        let read = self.input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut self.line)? as u64;
        self.bytes += read;
        if read == 0 {
            return Ok(Advance::End);
        }
        if self.line.last() != Some(&b'\n') && read == LONGEST_LINE {
            self.bytes += self.input.skip_until(b'\n')? as u64;
            return Ok(Advance::TooLong);
        }
        for end in *b"\n\r" {
            self.line.pop_if(|last| *last == end);
        }
        Ok(Advance::Line)
    }
}

impl<R: Read> Iterator for Ledger<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_line().transpose()
    }
}

enum Advance {
    Line,
    TooLong,
    End,
}

fn parse(number: u64, fields: Result<Vec<&str>, Fault>) -> Line {
    match fields.and_then(|fields| parse_row(number, &fields)) {
        Ok(row) => Line::Row(row),
        Err(Fault { field, reason }) => Line::Malformed(Malformed { line: number, field, reason }),
    }
}

struct Fault {
    field: Option<&'static str>,
    reason: String,
}

fn parse_row(line: u64, fields: &[&str]) -> Result<Row, Fault> {
    let &[transaction, account, _date, direction, _operation, _purpose, cents, _stated_balance] = fields
    else {
        let (columns, expected) = (fields.len(), COLUMNS.len());
        let reason = format!("the line has {columns} columns; give it {expected}: {}", COLUMNS.join(","));
        return Err(Fault { field: None, reason });
    };
    let direction = match direction {
        "credit" => Direction::Credit,
        "debit" => Direction::Debit,
        other => {
            let reason = format!("`{}` is no direction; write `credit` or `debit`", quote(other));
            return Err(Fault { field: Some("direction"), reason });
        }
    };
    let cents = cents.parse().map_err(|_| Fault {
        field: Some("amount_cents"),
        reason: format!("`{}` is no amount; write a whole number of cents, as `1250`", quote(cents)),
    })?;
    Ok(Row { line, transaction: transaction.into(), account: account.into(), direction, cents })
}

/// Splits lines into fields. Quotes do not reach beyond their line, so that a stray one spoils no other.
#[derive(Debug)]
struct Fields {
    csv: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Fields {
    fn new() -> Self {
        let csv = csv_core::ReaderBuilder::new().terminator(csv_core::Terminator::Any(b'\n')).build();
        Self { csv, text: Vec::new(), ends: Vec::new() }
    }

    fn split(&mut self, line: &[u8]) -> Result<Vec<&str>, Fault> {
        // No line has more text than bytes, or more fields than bytes and one.
        self.text.resize(line.len(), 0);
        self.ends.resize(line.len() + 1, 0);
        self.csv.reset();
        let (_, _, text, ends) = self.csv.read_record(line, &mut self.text, &mut self.ends);
        // What comes next is the end of the input, and so of the last field.
        let (_, _, _, last) = self.csv.read_record(&[], &mut self.text[text..], &mut self.ends[ends..]);
        let ends = &self.ends[..ends + last];
        let starts = [0].iter().chain(ends);
        let fields = starts.zip(ends).map(|(start, end)| str::from_utf8(&self.text[*start..*end]));
        let not_utf8 = |place: usize| Fault {
            field: COLUMNS.get(place).copied(),
            reason: format!("column {} is not UTF-8; save the file as UTF-8", place + 1),
        };
        fields.enumerate().map(|(place, field)| field.map_err(|_| not_utf8(place))).collect()
    }
}

/// The beginning of a text, on one line.
fn quote(text: &str) -> String {
    let mut quote: String = text.chars().take(LONGEST_QUOTE).flat_map(char::escape_debug).collect();
    if text.chars().nth(LONGEST_QUOTE).is_some() {
        quote.push('…');
    }
    quote
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(field) = self.field {
            write!(f, ", {field}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rows: &[u8]) -> Vec<Line> {
        let text = [COLUMNS.join(",").as_bytes(), b"\n", rows].concat();
        let ledger = Ledger::new(&text[..]).map_err(|error| error.to_string());
        ledger.expect("it has a header").map(|line| line.expect("memory can be read")).collect()
    }

    fn fault(row: &[u8]) -> (Option<&'static str>, String) {
        match read(row).as_slice() {
            [Line::Malformed(malformed)] => (malformed.field, malformed.reason.clone()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_row_is_read_whatever_its_line_ends_with() {
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
    fn empty_lines_count_and_are_no_rows() {
        let lines = read(b"\n\nt1,a-1,,credit,,,1,\n");
        assert!(matches!(&lines[..], [Line::Row(row)] if row.line == 4), "{lines:?}");
    }

    #[test]
    fn what_is_no_row_says_which_field_is_at_fault() {
        assert_eq!(fault(b"t1,a-1").0, None);
        assert!(fault(b"t1,a-1").1.contains("2 columns"));
        assert_eq!(fault(b"t1,a-1,,sideways,,,1,").0, Some("direction"));
        assert_eq!(fault(b"t1,a-1,,credit,,,1.50,").0, Some("amount_cents"));
        assert_eq!(fault(b"t1,a-1,,credit,,,99999999999999999999,").0, Some("amount_cents"));
        assert_eq!(fault(b"t1,a-\xFF,,credit,,,1,").0, Some("account"));
    }

    #[test]
    fn a_stray_quote_spoils_its_own_line_only() {
        let lines = read(b"t1,\"a-1,,credit,,,1,\nt2,a-1,,credit,,,1,\n");
        assert!(matches!(&lines[..], [Line::Malformed(_), Line::Row(row)] if row.line == 3), "{lines:?}");
    }

    #[test]
    fn an_endless_line_is_skipped_to_its_end() {
        let mut rows = b"t1,a-1,,credit,".to_vec();
        rows.resize(10_000_000, b'x');
        rows.extend(b"\nt2,a-1,,credit,,,1,\n");
        let lines = read(&rows);
        assert!(matches!(&lines[..], [Line::Malformed(_), Line::Row(row)] if row.line == 3), "{lines:?}");
    }

    #[test]
    fn what_has_no_header_is_no_ledger() {
        for text in [&b""[..], b"a,b,c\n", b"\x89PNG\r\n\x1a\n", b"transaction,account\n"] {
            assert!(matches!(Ledger::new(text), Err(LedgerError::Header { .. })));
        }
        let with_mark = [b"\xEF\xBB\xBF", COLUMNS.join(",").as_bytes()].concat();
        assert!(Ledger::new(&with_mark[..]).is_ok());
    }
}
