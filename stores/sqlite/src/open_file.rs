//! A store after a fork. The forked process has neither the store's threads nor its locks on the file, while SQLite's memory, which it has
//! inherited, says that it does.

use std::path::Path;
use std::process;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enact::store::StoreError;

/// The process that opened a file, for every open store. A forked process inherits those of its parent, and keeps them: it cannot close
/// what SQLite has open.
static OPEN: Mutex<Vec<(u32, Arc<Path>)>> = Mutex::new(Vec::new());

/// A file that a store of this process has open, until it is dropped. It is dropped after the connections.
pub(crate) struct OpenFile {
    process: u32,
    path: Arc<Path>,
}

impl OpenFile {
    /// Fails if the file was open when this process was forked: SQLite would take none of the locks that it believes to have.
    pub(crate) fn new(path: Arc<Path>) -> Result<Arc<Self>, StoreError> {
        let process = process::id();
        let mut open = lock();
        if let Some((parent, _)) = open.iter().find(|(opener, file)| *opener != process && *file == path) {
            return Err(StoreError::new(format!(
                "`{}`: process {parent} had the file open when it forked this process, {process}, which has none of its locks; open the \
                 store only after the fork, in each process, or start another program instead of a fork",
                path.display()
            )));
        }
        open.push((process, path.clone()));
        Ok(Arc::new(Self { process, path }))
    }

    pub(crate) fn path(&self) -> &Arc<Path> {
        &self.path
    }

    /// Whether this is a fork of the process that opened the file.
    pub(crate) fn is_forked(&self) -> bool {
        process::id() != self.process
    }

    /// Fails in a fork of the process that opened the file.
    pub(crate) fn check_process(&self) -> Result<(), StoreError> {
        if !self.is_forked() {
            return Ok(());
        }
        Err(StoreError::new(format!(
            "`{}`: the store was opened by process {}, and this is its fork, process {}, which has none of the store's threads; open the \
             store only after the fork, in each process",
            self.path.display(),
            self.process,
            process::id()
        )))
    }
}

/// Fails if a store of this process has the file open.
pub(crate) fn check_not_open(path: &Path) -> Result<(), StoreError> {
    let process = process::id();
    if lock().iter().any(|(opener, file)| *opener == process && **file == *path) {
        return Err(StoreError::new(format!(
            "`{}` is open in this process: drop its store first",
            path.display()
        )));
    }
    Ok(())
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        if self.is_forked() {
            return;
        }
        let mut open = lock();
        if let Some(index) =
            open.iter().position(|(process, path)| (*process, path) == (self.process, &self.path))
        {
            open.swap_remove(index);
        }
    }
}

fn lock() -> MutexGuard<'static, Vec<(u32, Arc<Path>)>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}
