//! Reads the write-ahead log and writes it back in place, so that the next fsync covers all of it.
//!
//! After a failed fsync the system may count pages as written that are not on the disk: the next fsync succeeds without them. Pages that
//! are written again are not counted so. The format is that of <https://www.sqlite.org/fileformat2.html#walformat>.

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

/// Reads the valid part of a log and writes it back, unchanged. No other connection may write meanwhile.
pub(crate) fn rewrite(log: &mut File) -> io::Result<ValidLog> {
    scan(log, |log, at, bytes| {
        log.seek(SeekFrom::Start(at))?;
        log.write_all(bytes)
    })
}

fn scan(
    log: &mut File,
    mut each: impl FnMut(&mut File, u64, &[u8]) -> io::Result<()>,
) -> io::Result<ValidLog> {
    let mut header = [0; HEADER];
    let nothing = ValidLog::default();
    if !read_at(log, 0, &mut header)? {
        return Ok(nothing);
    }
    let is_big_endian = match word(&header, 0) {
        0x377f_0682 => false,
        0x377f_0683 => true,
        _ => return Ok(nothing),
    };
    let mut checksum = Checksum { is_big_endian, sums: [0; 2] };
    checksum.add(&header[..24]);
    if !checksum.is(&header[24..]) {
        return Ok(nothing);
    }
    let page_size = word(&header, 8) as usize;
    if !(512..=65536).contains(&page_size) {
        return Ok(nothing);
    }
    each(log, 0, &header)?;
    let mut frame = vec![0; FRAME_HEADER + page_size];
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
