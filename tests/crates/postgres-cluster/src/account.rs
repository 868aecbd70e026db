//! The account that servers run as. `PostgreSQL` refuses to run as root.

#[cfg(unix)]
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::error::Error;

/// The account instead of root. It owns nothing, so a test that runs a program through the server reaches nothing.
const UNPRIVILEGED: &str = "nobody";

/// The account that servers run as: that of this process, or an unprivileged one if this is root.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    user: u32,
    /// The group to change to, if the user is not that of this process.
    other_group: Option<u32>,
}

impl Account {
    #[cfg(unix)]
    pub(crate) fn current() -> Result<Self, Error> {
        let user = rustix::process::geteuid();
        if user.is_root() {
            return Ok(Self { user: id("-u")?, other_group: Some(id("-g")?) });
        }
        Ok(Self { user: user.as_raw(), other_group: None })
    }

    #[cfg(not(unix))]
    pub(crate) fn current() -> Result<Self, Error> {
        Err(Error::Failed("servers for tests need Unix".to_owned()))
    }

    /// The number of the user.
    pub(crate) fn user(self) -> u32 {
        self.user
    }

    /// Lets a program run as the account, and in a process group of its own: Ctrl-C ends those of this process.
    #[cfg(unix)]
    pub(crate) fn apply(self, command: &mut Command) {
        command.process_group(0);
        if let Some(group) = self.other_group {
            // Together with the user, this drops the supplementary groups of root.
            command.uid(self.user).gid(group);
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn apply(self, _: &mut Command) {}
}

/// The number of the unprivileged user (`-u`) or of its group (`-g`).
#[cfg(unix)]
fn id(which: &str) -> Result<u32, Error> {
    let failed = || {
        Error::Failed(format!(
            "PostgreSQL cannot run as root, and `id {which} {UNPRIVILEGED}` finds no other account"
        ))
    };
    let output = Command::new("id").args([which, UNPRIVILEGED]).output().map_err(|_| failed())?;
    String::from_utf8_lossy(&output.stdout).trim().parse().map_err(|_| failed())
}
