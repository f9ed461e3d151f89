//! What the process of the checker may not do.
//!
//! | | Linux | elsewhere |
//! |---|---|---|
//! | environment | empty, but for settings of the Go runtime | the same |
//! | reading | the given folders (Landlock; not on kernels without it) | – |
//! | writing, creating, starting programs | nothing (Landlock); no file grows (`RLIMIT_FSIZE`) | – |
//! | network | no socket of any family (seccomp) | – |
//! | other processes | no memory of them, no signals (seccomp, Landlock) | – |
//! | memory | `RLIMIT_DATA`, below it a soft limit of the Go runtime | the soft limit |
//! | end | dies with the thread that started it; a group of its own | the group, on Unix |

#[cfg(target_os = "linux")]
mod linux;

use std::{io, path::PathBuf};

use tokio::process::Command;

/// Limits of one process.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Files that may be started.
    pub execute: Vec<PathBuf>,
    /// Files and folders, with what is below them, that may be read.
    pub read: Vec<PathBuf>,
    /// Bytes of memory that hold data.
    pub memory: u64,
}

impl Limits {
    /// Puts the process that `command` will start under these limits. Fails where the system has a
    /// limit but does not let us set it.
    pub fn apply(&self, command: &mut Command) -> io::Result<()> {
        command
            .env_clear()
            // The collector works harder from here on; the rest is for what is no heap.
            .env("GOMEMLIMIT", (self.memory / 4 * 3).to_string())
            // Of a crash the first line is read.
            .env("GOTRACEBACK", "none");
        #[cfg(windows)]
        if let Some(root) = std::env::var_os("SystemRoot") {
            // Without it Windows starts next to nothing.
            command.env("SystemRoot", root);
        }
        #[cfg(unix)]
        command.process_group(0);
        #[cfg(target_os = "linux")]
        linux::apply(self, command)?;
        Ok(())
    }
}
