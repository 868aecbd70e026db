//! The file of the write-ahead log. Its format is that of <https://www.sqlite.org/fileformat2.html#walformat>.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// The part of a log whose checksums are valid. Each includes those before it, so nothing in that part is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ValidLog {
    /// They change when the log is started again from its beginning.
    pub(crate) salts: [u8; 8],
    /// The end of the last commit, in bytes; 0 if there is none.
    pub(crate) end: u64,
}

/// Reads the valid part of a log.
pub(crate) fn read(log: &mut File) -> io::Result<ValidLog> {
    scan(log, |_, _, _| Ok(()))
}

/// Reads the valid part of a log and writes it back, unchanged, so that the next fsync covers all of it. After a failed fsync the system
/// may count pages as written that are not on the disk: the next fsync succeeds without them. Pages that are written again are not
/// counted so. No other connection may write meanwhile.
pub(crate) fn rewrite(log: &mut File) -> io::Result<ValidLog> {
    scan(log, |log, at, bytes| {
        log.seek(SeekFrom::Start(at))?;
        log.write_all(bytes)
    })
}

/// The number of a log: it grows by one, and wraps, each time the log starts again from its beginning. That of a new log is random. `None` if
/// the log is empty.
pub(crate) fn number(log: &mut File) -> io::Result<Option<u32>> {
    Ok(read_header(log)?.map(|(header, _)| word(&header, 16)))
}

/// The pages that a log has, and the size that the database has with them.
#[derive(Debug, Default)]
pub(crate) struct LoggedPages {
    pub(crate) page_size: u64,
    /// In pages; 0 if the log has no commit.
    pub(crate) database_size: u32,
    pub(crate) pages: HashSet<u32>,
}

/// The pages of all commits in a log.
pub(crate) fn pages(log: &mut File) -> io::Result<LoggedPages> {
    let mut logged = LoggedPages::default();
    let mut uncommitted = Vec::new();
    scan(log, |_, at, bytes| {
        if at == 0 {
            logged.page_size = word(bytes, 8).into();
            return Ok(());
        }
        uncommitted.push(word(bytes, 0));
        let size = word(bytes, 4);
        if size != 0 {
            logged.database_size = size;
            logged.pages.extend(uncommitted.drain(..));
        }
        Ok(())
    })?;
    Ok(logged)
}

/// The header of a log and its checksum, if it is valid.
fn read_header(log: &mut File) -> io::Result<Option<([u8; HEADER], Checksum)>> {
    let mut header = [0; HEADER];
    if !read_at(log, 0, &mut header)? {
        return Ok(None);
    }
    let is_big_endian = match word(&header, 0) {
        0x377f_0682 => false,
        0x377f_0683 => true,
        _ => return Ok(None),
    };
    let mut checksum = Checksum { is_big_endian, sums: [0; 2] };
    checksum.add(&header[..24]);
    let page_size = word(&header, 8);
    let is_valid = checksum.is(&header[24..]) && (512..=65536).contains(&page_size);
    Ok(is_valid.then_some((header, checksum)))
}

fn scan(
    log: &mut File,
    mut each: impl FnMut(&mut File, u64, &[u8]) -> io::Result<()>,
) -> io::Result<ValidLog> {
    let Some((header, mut checksum)) = read_header(log)? else { return Ok(ValidLog::default()) };
    each(log, 0, &header)?;
    let mut frame = vec![0; FRAME_HEADER + word(&header, 8) as usize];
    let mut valid = ValidLog { salts: std::array::from_fn(|index| header[16 + index]), end: 0 };
    let mut at = HEADER as u64;
    while read_at(log, at, &mut frame)? {
        checksum.add(&frame[..8]);
        checksum.add(&frame[FRAME_HEADER..]);
        if frame[8..16] != valid.salts || !checksum.is(&frame[16..24]) {
            break;
        }
        each(log, at, &frame)?;
        at += frame.len() as u64;
        let is_commit = word(&frame, 4) != 0;
        if is_commit {
            valid.end = at;
        }
    }
    Ok(valid)
}

/// Whether the log is long enough.
fn read_at(log: &mut File, at: u64, buffer: &mut [u8]) -> io::Result<bool> {
    log.seek(SeekFrom::Start(at))?;
    match log.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// A number of a header.
fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(std::array::from_fn(|index| bytes[at + index]))
}

struct Checksum {
    is_big_endian: bool,
    sums: [u32; 2],
}

impl Checksum {
    fn add(&mut self, bytes: &[u8]) {
        let [mut first, mut second] = self.sums;
        for pair in bytes.chunks_exact(8) {
            let word = |at: usize| {
                let bytes = std::array::from_fn(|index| pair[at + index]);
                if self.is_big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
            };
            first = first.wrapping_add(word(0)).wrapping_add(second);
            second = second.wrapping_add(word(4)).wrapping_add(first);
        }
        self.sums = [first, second];
    }

    fn is(&self, stored: &[u8]) -> bool {
        self.sums == [word(stored, 0), word(stored, 4)]
    }
}
