//! The path of a database. A path is used as it is, whatever its characters; the address of a database for another library is
//! refused, because it would become the name of a file.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use enact::store::StoreError;

/// Reports what SQLite would only call "unable to open database file", and what is not a path.
pub(crate) fn check(path: &Path) -> Result<(), StoreError> {
    if path.as_os_str().is_empty() {
        return Err(StoreError::new(
            "the path is empty: a SQLite store needs the path of a file, such as `bank.db`; for a store in memory use \
             `enact::MemoryStore`",
        ));
    }
    check_address(path)?;
    if path.is_dir() {
        return Err(StoreError::new(format!("`{}` is a directory; name a file in it", path.display())));
    }
    let directory = match path.parent() {
        None => Path::new("/"),
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
    };
    if !directory.is_dir() {
        return Err(StoreError::new(format!(
            "`{}` cannot be opened: the directory `{}` does not exist; create it first",
            path.display(),
            directory.display()
        )));
    }
    Ok(())
}

fn check_address(path: &Path) -> Result<(), StoreError> {
    // ASCII is the same bytes in the encoding of every system.
    let text = String::from_utf8_lossy(path.as_os_str().as_encoded_bytes()).to_ascii_lowercase();
    let in_memory = names_memory(&text);
    if !in_memory && !has_scheme(&text) {
        return Ok(());
    }
    let path = path.display();
    Err(StoreError::new(if in_memory {
        format!(
            "`{path}` is the address of a database in memory: a SQLite store needs the path of a file, such as `bank.db`; for a \
             store in memory use `enact::MemoryStore`"
        )
    } else {
        format!(
            "`{path}` is an address, not a path: give the path of the file, such as `bank.db` or `/var/lib/bank.db`, and set \
             options with `SqliteStore::builder`. A file of this very name is `./{path}`"
        )
    }))
}

/// Whether an address, in lower case, means a database in memory.
fn names_memory(text: &str) -> bool {
    let is_parameter = |query: &str| query.split(['&', '#']).any(|parameter| parameter == "mode=memory");
    text.starts_with(":memory:")
        || (has_scheme(text) && text.contains(":memory:"))
        || text.rsplit_once('?').is_some_and(|(_, query)| is_parameter(query))
}

/// Whether an address, in lower case, begins as a URL, or as what other libraries take for SQLite: `file:bank.db`, `sqlite:bank.db`,
/// `jdbc:sqlite:bank.db`.
fn has_scheme(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let mut characters = scheme.chars();
    let is_scheme = characters.next().is_some_and(|first| first.is_ascii_lowercase())
        && characters.all(|next| next.is_ascii_alphanumeric() || matches!(next, '+' | '-' | '.'));
    // One letter is a drive of Windows.
    is_scheme && scheme.len() > 1 && (rest.starts_with("//") || is_of_sqlite(scheme))
}

fn is_of_sqlite(scheme: &str) -> bool {
    matches!(scheme.split(['+', '.']).next(), Some("file" | "jdbc" | "sqlite" | "sqlite3" | "libsql"))
}

/// The path of the file itself: symbolic links, and the working directory, may change while the store is open. The file need not exist.
pub(crate) fn resolve(path: &Path) -> Result<PathBuf, StoreError> {
    let resolved = if cfg!(unix) { follow_links(path) } else { std::path::absolute(path) };
    resolved.map_err(|error| {
        let message = format!("`{}` cannot be opened: its directory cannot be read", path.display());
        StoreError::new(message).caused_by(error)
    })
}

fn follow_links(path: &Path) -> io::Result<PathBuf> {
    /// As many as Linux follows.
    const MAX_LINKS: usize = 40;

    let mut path = path.to_owned();
    for _ in 0..=MAX_LINKS {
        let name = path.file_name().ok_or(ErrorKind::InvalidFilename)?;
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        path = fs::canonicalize(directory.unwrap_or(Path::new(".")))?.join(name);
        // Also a link to a file that does not exist yet.
        match fs::read_link(&path) {
            Ok(target) => path = path.with_file_name(target),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}
