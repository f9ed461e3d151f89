//! What the Nango dialect needs below its wire format: compiling and checking functions, other
//! people's HTTP APIs, connections, records, runs.
//!
//! Nothing here knows a status code of ours; `http/nango` translates.

pub mod compile;
mod toolchain;

use compiler::Compiler;
use sandbox::Sandbox;

use crate::config::Config;
use crate::http::nango::Rate;

pub use toolchain::{CHECKER, Toolchain, Unavailable};

/// Everything of this dialect that a server holds.
pub struct Nango {
    /// Compiles functions.
    pub compiling: compile::Compiling,
    /// Counts requests.
    pub rate: Rate,
}

impl Nango {
    /// By this configuration. Nothing is fetched before it is needed.
    pub fn new(config: &Config, compiler: Compiler, sandbox: Sandbox) -> Self {
        let cache = config.data_dir.join("cache/nango");
        let toolchain = Toolchain::new(compiler, sandbox, &cache, config.type_check);
        Self {
            compiling: compile::Compiling::new(toolchain),
            rate: Rate::new(config.nango_rate_limit),
        }
    }
}
