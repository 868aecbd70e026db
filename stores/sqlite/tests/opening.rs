//! What `open` refuses, with errors that say why and what to do.

mod common;

use std::fs;
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use enact::store::Store;
use enact_sqlite::SqliteStore;
use rusqlite::Connection;
use tempfile::tempdir;

use common::{Outcome, account, new_job, started, success, worker};

#[track_caller]
fn assert_refused(path: &Path, words: &[&str]) {
    let builder = SqliteStore::builder(path).busy_timeout(Duration::from_millis(50));
    let error = builder.open().expect_err("it is refused").to_string();
    let name = path.display().to_string();
    for word in words.iter().chain([&name.as_str()]) {
        assert!(error.contains(word), "`{word}` is not in: {error}");
    }
}

#[test]
fn a_directory_that_does_not_exist_is_named() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("missing/bank.db");
    let missing = directory.path().join("missing").display().to_string();
    assert_refused(&path, &["does not exist", &missing, "create it first"]);
    Ok(())
}

#[test]
fn a_directory_is_refused() -> Outcome {
    let directory = tempdir()?;
    assert_refused(directory.path(), &["is a directory", "name a file"]);
    Ok(())
}

#[test]
fn a_file_that_cannot_be_written_is_refused() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    drop(SqliteStore::open(&path)?);
    let mut permissions = fs::metadata(&path)?.permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions)?;
    if fs::OpenOptions::new().write(true).open(&path).is_ok() {
        // Permissions do not apply to root.
        return Ok(());
    }
    assert_refused(&path, &["read-only", "grant this process write access"]);
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn a_directory_that_cannot_be_written_is_refused() {
    assert_refused(
        Path::new("/proc/bank.db"),
        &["cannot be created", "grant this process write access to its directory"],
    );
}

#[test]
fn a_file_that_is_not_a_database_is_refused() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("notes.txt");
    let text = "dear diary, ".repeat(1000);
    fs::write(&path, &text)?;
    assert_refused(&path, &["not a SQLite database", "open another file"]);
    assert_eq!(fs::read_to_string(&path)?, text, "it is not changed");
    Ok(())
}

#[test]
fn a_damaged_database_is_refused() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    drop(SqliteStore::open(&path)?);
    let mut bytes = fs::read(&path)?;
    bytes[100..4096].fill(0x5a);
    fs::write(&path, bytes)?;
    assert_refused(&path, &["damaged", "restore a backup"]);
    Ok(())
}

#[test]
fn the_database_of_another_application_is_not_changed() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("photos.db");
    Connection::open(&path)?.execute_batch("CREATE TABLE photos (id); PRAGMA user_version = 3")?;
    let before = fs::read(&path)?;
    assert_refused(&path, &["database of another application", "open another file"]);
    assert_eq!(fs::read(&path)?, before, "it is not changed");
    Ok(())
}

#[test]
fn a_file_of_a_newer_version_is_refused() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    drop(SqliteStore::open(&path)?);
    Connection::open(&path)?.pragma_update(None, "user_version", 4711)?;
    assert_refused(&path, &["newer version", "4711", "upgrade enact-sqlite"]);
    Ok(())
}

#[test]
fn a_locked_file_is_refused_after_the_busy_timeout() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let other = Connection::open(&path)?;
    other.execute_batch("BEGIN EXCLUSIVE")?;
    assert_refused(&path, &["locked", "busy_timeout"]);
    other.execute_batch("ROLLBACK")?;
    SqliteStore::open(&path)?;
    Ok(())
}

#[test]
fn many_can_create_one_file_at_the_same_time() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let barrier = Arc::new(Barrier::new(8));
    let openers: Vec<_> = (0..8)
        .map(|_| {
            let (path, barrier) = (path.clone(), barrier.clone());
            thread::spawn(move || {
                barrier.wait();
                SqliteStore::open(path).map(drop)
            })
        })
        .collect();
    for opener in openers {
        opener.join().expect("no panic")?;
    }
    Ok(())
}

#[tokio::test]
async fn a_closed_store_is_a_single_file_with_everything_that_was_written() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let worker = worker("w");
    let job = started("withdraw", &worker);
    let store = SqliteStore::open(&path)?;
    store.submit(Vec::new(), vec![job.clone(), new_job("withdraw")]).await?;
    store.commit(success(&job, &worker, "a-1")).await?;
    drop(store);

    let files: Vec<_> = fs::read_dir(directory.path())?.collect::<Result<_, _>>()?;
    assert_eq!(files.len(), 1, "the write-ahead log is removed: {files:?}");
    let store = SqliteStore::open(&path)?;
    assert!(store.load(&account("a-1")).await?.is_some());
    Ok(())
}

#[test]
fn an_address_of_a_store_in_memory_is_refused() -> Outcome {
    for address in [
        ":memory:",
        ":MEMORY:",
        ":memory:?cache=shared",
        "file::memory:",
        "file::memory:?cache=shared",
        "file:bank.db?mode=memory",
        "file:bank.db?cache=shared&mode=memory",
        "bank.db?mode=memory",
        "sqlite::memory:",
        "SQLite://:memory:",
        "jdbc:sqlite::memory:",
    ] {
        assert_refused(Path::new(address), &["in memory", "the path of a file", "`enact::MemoryStore`"]);
        assert!(!Path::new(address).try_exists()?, "{address}");
    }
    Ok(())
}

#[test]
fn an_address_is_refused() -> Outcome {
    for address in [
        "file:bank.db",
        "FILE:bank.db",
        "file:",
        "file:///tmp/bank.db",
        "file://localhost/tmp/bank.db",
        "file:bank.db?mode=ro",
        "sqlite:bank.db",
        "Sqlite:bank.db",
        "sqlite://bank.db",
        "sqlite:///tmp/bank.db?mode=rwc",
        "sqlite3:bank.db",
        "sqlite+aiosqlite:///bank.db",
        "jdbc:sqlite:bank.db",
        "libsql://bank.example",
        "postgres://localhost/bank",
    ] {
        assert_refused(Path::new(address), &["is an address, not a path", "give the path of the file"]);
        assert!(!Path::new(address).try_exists()?, "{address}");
    }
    Ok(())
}

#[test]
fn an_empty_path_is_refused() {
    assert_refused(Path::new(""), &["the path is empty", "`enact::MemoryStore`"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_path_may_have_any_characters() -> Outcome {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let directory = tempdir()?;
    let names: [&[u8]; 18] = [
        b"a b.db",
        b"ba\xffnk.db",
        b"100%25?mode=ro#x.db",
        "bänk 💶.db".as_bytes(),
        b"'; --.db",
        b"\"bank\".db",
        b"noend",
        b"-wal",
        b"x-wal",
        b"bank:1.db",
        b"2024:file",
        b"c:bank.db",
        b"profile:bank.db",
        b"file",
        b"sqlite.db",
        b":memory",
        b"file:bank.db",
        b":memory:",
    ];
    for name in names {
        let path = directory.path().join(OsStr::from_bytes(name));
        let store = SqliteStore::open(&path)?;
        let job = new_job("withdraw");
        store.submit(Vec::new(), vec![job.clone()]).await?;
        drop(store);
        assert!(path.is_file(), "{}", path.display());
        let stored = SqliteStore::open(&path)?.job(job.id).await?;
        assert!(stored.is_some(), "{}", path.display());
    }
    let files = fs::read_dir(directory.path())?.count();
    assert_eq!(files, names.len(), "each file has its own name");
    Ok(())
}

#[cfg(unix)]
mod permissions {
    //! Processes of their own, each with its umask.

    use std::env;
    use std::error::Error;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;
    use std::process::Command;

    use super::*;
    use common::process::{DATABASE, assert_passed};

    const MODE: &str = "ENACT_TEST_MODE";

    /// Opens a store in a process with that umask, and with the mode if it is not the default one, and returns the modes of its files.
    fn modes(umask: &str, database: &Path, mode: Option<&str>) -> Result<Vec<String>, Box<dyn Error>> {
        let script = format!(
            "umask {umask} && exec \"$0\" --exact permissions::a_process_with_a_umask --ignored --nocapture"
        );
        let mut shell = Command::new("sh");
        let child = shell.args(["-c", &script]).arg(env::current_exe()?);
        child.env(DATABASE, database).env(MODE, mode.unwrap_or_default());
        let out = assert_passed(&child.output()?);
        Ok(out.lines().filter_map(|line| Some(line.strip_prefix("mode ")?.to_owned())).collect())
    }

    #[tokio::test]
    #[ignore = "started by the tests below in a process of its own"]
    async fn a_process_with_a_umask() -> Outcome {
        let path = PathBuf::from(env::var(DATABASE)?);
        let mut builder = SqliteStore::builder(&path);
        if let Some(mode) = env::var(MODE).ok().filter(|mode| !mode.is_empty()) {
            builder = builder.file_mode(u32::from_str_radix(&mode, 8)?);
        }
        let store = builder.open()?;
        store.submit(Vec::new(), vec![new_job("withdraw")]).await?;
        for name in ["bank.db", "bank.db-wal", "bank.db-shm"] {
            let metadata = fs::metadata(path.with_file_name(name))?;
            println!("\nmode {:o}", metadata.permissions().mode() & 0o7777);
        }
        Ok(())
    }

    #[test]
    fn a_new_file_is_for_its_owner_only() -> Outcome {
        for umask in ["000", "022", "277"] {
            let directory = tempdir()?;
            let path = directory.path().join("bank.db");
            assert_eq!(modes(umask, &path, None)?, ["600"; 3], "umask {umask}");
        }
        Ok(())
    }

    #[test]
    fn a_new_file_has_the_mode_of_the_builder() -> Outcome {
        for umask in ["000", "077"] {
            let directory = tempdir()?;
            let path = directory.path().join("bank.db");
            assert_eq!(modes(umask, &path, Some("660"))?, ["660"; 3], "umask {umask}");
        }
        Ok(())
    }

    #[test]
    fn a_file_that_exists_keeps_its_mode() -> Outcome {
        let directory = tempdir()?;
        let path = directory.path().join("bank.db");
        drop(SqliteStore::open(&path)?);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640))?;
        assert_eq!(modes("077", &path, Some("660"))?, ["640"; 3]);
        Ok(())
    }

    #[test]
    fn a_mode_that_keeps_its_owner_out_is_refused_and_makes_no_file() -> Outcome {
        let directory = tempdir()?;
        let path = directory.path().join("bank.db");
        for mode in [0, 0o400, 0o066, 0o4600, 600] {
            let error = SqliteStore::builder(&path).file_mode(mode).open().expect_err("it is refused");
            let error = error.to_string();
            for words in ["bank.db", &format!("{mode:#o}"), "use 0o600"] {
                assert!(error.contains(words), "`{words}` is not in: {error}");
            }
            assert!(!path.try_exists()?);
        }
        Ok(())
    }

    #[test]
    fn a_link_to_a_file_that_does_not_exist_yet_is_followed() -> Outcome {
        let directory = tempdir()?;
        let (link, file) = (directory.path().join("link.db"), directory.path().join("data/bank.db"));
        fs::create_dir(directory.path().join("data"))?;
        symlink("data/bank.db", &link)?;
        drop(SqliteStore::open(&link)?);
        assert_eq!(fs::metadata(&file)?.permissions().mode() & 0o777, 0o600);
        assert!(fs::symlink_metadata(&link)?.is_symlink());
        Ok(())
    }
}

#[test]
fn a_busy_timeout_may_be_of_any_length() -> Outcome {
    let directory = tempdir()?;
    SqliteStore::builder(directory.path().join("bank.db")).busy_timeout(Duration::MAX).open()?;
    Ok(())
}
