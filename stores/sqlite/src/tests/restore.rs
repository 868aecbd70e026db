//! What a restore that was interrupted leaves.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use enact::store::{JobQuery, NewJob, Store};
use enact::{JobKind, Json};
use jiff::Timestamp;
use tempfile::tempdir;
use uuid::Uuid;

use crate::SqliteStore;
use crate::restore::set_aside;

type Outcome = Result<(), Box<dyn Error>>;

async fn publish(store: &SqliteStore, count: usize) -> Outcome {
    let job = || {
        let id = Uuid::now_v7().to_string().parse().expect("a UUID is an id");
        NewJob::new(id, JobKind::Command, "ship", Json::from_text("{}"), Timestamp::UNIX_EPOCH)
    };
    store.submit(vec![], (0..count).map(|_| job()).collect()).await?;
    Ok(())
}

async fn jobs(path: &Path) -> Result<usize, Box<dyn Error>> {
    Ok(SqliteStore::open(path)?.jobs(&JobQuery::new().limit(1000)).await?.jobs.len())
}

fn log_of(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}-wal", path.display()))
}

#[tokio::test]
async fn after_each_step_the_database_is_refused_and_the_old_one_is_kept_with_its_log() -> Outcome {
    for is_published in [false, true] {
        let folder = tempdir()?;
        let file = |name: &str| folder.path().join(name);
        let (live, database, backup) = (file("live.db"), file("bank.db"), file("backup.db"));
        publish(&SqliteStore::open(&live)?, 20).await?;
        fs::copy(&live, &backup)?;
        let store = SqliteStore::open(&live)?;
        publish(&store, 40).await?;
        // As a crash leaves them.
        fs::copy(&live, &database)?;
        fs::copy(log_of(&live), log_of(&database))?;
        drop(store);

        let first = set_aside(&database)?.expect("there is a database");
        if is_published {
            fs::copy(&backup, file("copy.db"))?;
            fs::rename(file("copy.db"), &database)?;
        }
        let refusal = SqliteStore::open(&database).expect_err("it is refused").to_string();
        let reason = if is_published { "log of another database" } else { "has 2 names" };
        assert!(refusal.contains(reason), "{refusal}");

        let second = SqliteStore::restore(&backup, &database)?.expect("there is a database");
        assert_eq!(jobs(&database).await?, 20);
        if !is_published {
            fs::remove_file(&second)?;
        }
        assert_eq!(jobs(&first).await?, 60, "it has its log");
    }
    Ok(())
}
