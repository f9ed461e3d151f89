//! From an uploaded source tree to one checked JavaScript bundle.
//!
//! [`Options::build`] makes a [`Compiler`]; [`Compiler::compile`] turns a [`Source`] into a
//! [`Bundle`], or says in a [`Failure`] what is wrong and where.
//!
//! The way of a build, module by module:
//!
//! | Module | Step |
//! |---|---|
//! | `unpack`, `source` | the archive becomes a tree in memory |
//! | `commands`, `entrypoint`, `tsconfig`, `manifest` | what the upload asks for |
//! | `npm` | which packages, which versions, where; their files, when they are needed |
//! | `tree`, `resolve` | upload and packages as one tree; which file an import means |
//! | `transform` | one file → one [`unit`]: parsed, types erased, imports rewritten, printed |
//! | `graph` | every module that can be reached from the entry |
//! | `link` | what is used of them, in one expression, with a source map |
//! | `script` | single functions in the form of Nango: their rules, and CommonJS in place of a bundle |
//! | `handler` | single functions in the form of PubNub: their rules, and a bundle whose loops are counted |
//!
//! # The bundle
//!
//! [`Bundle::code`] is an expression, `(function (__platform) { … })`. Evaluate it under the file
//! name `bundle.js` and call it with an object whose `require(name)` returns what the platform
//! provides, under names such as `node:crypto`, or throws. The call returns the exports of the
//! entry module: what `module.exports` is for CommonJS, an object of getters with `__esModule`
//! for an ES module, a promise of that when [`Bundle::waits`].
//!
//! # Build commands
//!
//! Nothing of the user's runs. `npm install`, `npm ci`, `yarn`, `pnpm install` and `bun install`
//! resolve dependencies; `tsc` and scripts that only run it are what happens anyway; everything
//! else is refused with a sentence that says so.

mod commands;
mod compiler;
mod diagnostic;
mod entrypoint;
mod failure;
mod graph;
pub mod handler;
mod link;
mod manifest;
pub mod npm;
mod path;
mod resolve;
pub mod script;
mod source;
mod source_map;
mod suggest;
mod transform;
mod tree;
mod tsconfig;
mod unit;
mod units;
mod unpack;

pub use commands::Unsupported;
pub use compiler::{Bundle, Compiler, Options, Request};
pub use diagnostic::{Diagnostic, Severity};
pub use failure::Failure;
pub use source::Source;
pub use source_map::StackMapper;
pub use unpack::{UnpackError, UnpackLimits};
