//! Type errors of TypeScript sources, found by the native TypeScript checker.
//!
//! [`Options::build`] makes a [`Checker`]; [`Checker::check`] turns the sources of one function
//! into the [`Diagnostic`]s that `tsc --noEmit` would print, in its order.
//!
//! The checker is the executable of the npm package that [`platform::package`] names, release 7.0.
//! It stays running between checks (what is costly is to read the declarations of the language
//! and of the packages, once) and is asked over its pipes, in the protocol of `tsc --api --async`:
//! JSON-RPC under `Content-Length` headers, as in the library `typescript/unstable/async` of the
//! same release. That protocol is not yet promised to stay, so executable and crate are updated
//! together.
//!
//! # What a source can reach
//!
//! The checker asks us for each file before it looks at a disk. It is given the sources of the
//! check, which exist in memory only, and may itself open what lies below the `node_modules` of
//! the workspace and in its own folder; of everything else it hears that it does not exist. On
//! Linux the kernel holds the process to the same: see `limits`.
//!
//! | Module | What |
//! |---|---|
//! | `checker` | the pool: turns, time limit, restarts, idle processes |
//! | `process` | one process: from sources to diagnostics |
//! | `connection` | framing, requests, and answers to what the checker asks meanwhile |
//! | `project` | the files that the checker sees |
//! | `diagnostic` | from the checker's form of a diagnostic to ours |
//! | `limits` | what the process may not do |
//! | [`platform`] | which package has the executable for this machine |

mod checker;
mod connection;
mod diagnostic;
mod limits;
pub mod platform;
mod process;
mod project;

pub use checker::{Checker, Error, Options};
pub use diagnostic::Diagnostic;
