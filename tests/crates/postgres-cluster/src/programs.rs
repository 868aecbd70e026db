//! Where the programs of `PostgreSQL` are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs, io};

use crate::error::Missing;

/// The oldest major version that is used.
pub(crate) const OLDEST: u32 = 15;

/// The environment variable that names the folder of the programs. If it is set, no other folder is searched.
pub(crate) const VARIABLE: &str = "ENACT_POSTGRES_BIN";

/// The programs that a cluster needs. A client's installation has only some.
const NEEDED: [&str; 4] = ["postgres", "initdb", "pg_basebackup", "psql"];

/// Folders outside `PATH`: of Debian, of the `PostgreSQL` project for Red Hat, of Homebrew and of Postgres.app. A `*` stands for a version or a
/// name with one; the newest is preferred.
const FOLDERS: [&str; 6] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
];

/// The programs of an installed `PostgreSQL`.
#[derive(Clone, Debug)]
pub struct Programs {
    folder: PathBuf,
    version: String,
}

impl Programs {
    /// Finds the programs: in the folder that the environment variable `ENACT_POSTGRES_BIN` names, or else in `PATH` and then where systems
    /// install them. The result of the first call is kept.
    ///
    /// # Errors
    /// If there are none, or only older ones.
    pub fn find() -> Result<Self, Missing> {
        static FOUND: OnceLock<Result<Programs, Missing>> = OnceLock::new();
        FOUND.get_or_init(search).clone()
    }

    /// The folder of the programs.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The version as the server prints it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Checks a folder.
    fn verify(folder: &Path) -> Result<Self, String> {
        // A program on PATH is often a link: the others are beside its target.
        let server = fs::canonicalize(folder.join("postgres")).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "has no postgres".to_owned(),
            _ => format!("postgres: {error}"),
        })?;
        let folder = server.parent().unwrap_or(folder).to_owned();
        if let Some(missing) = NEEDED.iter().find(|program| !folder.join(program).is_file()) {
            return Err(format!("has no {missing}"));
        }
        let output =
            Command::new(&server).arg("--version").output().map_err(|error| format!("postgres: {error}"))?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        match major(&version) {
            Some(major) if major >= OLDEST => Ok(Self { folder, version }),
            Some(_) => Err(format!("has {version}")),
            None => Err("postgres --version prints no version".to_owned()),
        }
    }
}

fn search() -> Result<Programs, Missing> {
    let named = env::var_os(VARIABLE).filter(|folder| !folder.is_empty());
    let folders = match &named {
        Some(folder) => vec![PathBuf::from(folder)],
        None => on_path().into_iter().chain(FOLDERS.iter().flat_map(|pattern| matching(pattern))).collect(),
    };
    let mut searched = Vec::new();
    for folder in folders {
        match Programs::verify(&folder) {
            Ok(programs) => return Ok(programs),
            Err(reason) => searched.push(format!("{} ({reason})", folder.display())),
        }
    }
    if named.is_none() {
        searched.push("PATH".to_owned());
        searched.extend(FOLDERS.map(str::to_owned));
    }
    Err(Missing { searched })
}

/// The folders of `PATH` with a server.
fn on_path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).filter(|folder| folder.join("postgres").is_file()).collect()
}

/// The folders that a pattern with one `*` in one part stands for, the newest version first.
fn matching(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else { return vec![PathBuf::from(pattern)] };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let names: BTreeSet<_> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(prefix))
        .map(|name| (major(&name), name))
        .collect();
    let folders = names.iter().rev().map(|(_, name)| PathBuf::from(format!("{parent}/{name}{after}")));
    folders.filter(|folder| folder.is_dir()).collect()
}

/// The first number in a text: the major version in `postgres (PostgreSQL) 15.4`, in `pgsql-15` and in `postgresql@15`.
fn major(text: &str) -> Option<u32> {
    let digits = text.split(|char: char| !char.is_ascii_digit()).find(|digits| !digits.is_empty());
    digits?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_what_the_server_prints_and_from_names_of_folders() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("postgresql@17"), Some(17));
        assert_eq!(major("postgresql"), None);
    }

    #[test]
    fn a_folder_without_a_server_is_refused_with_a_reason() {
        let refused = Programs::verify(Path::new(env!("CARGO_MANIFEST_DIR")));
        assert_eq!(refused.map(|programs| programs.folder), Err("has no postgres".to_owned()));
    }
}
