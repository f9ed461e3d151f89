//! The `strata` binary, built as a dependency: optimised.

use std::process::ExitCode;

fn main() -> ExitCode {
    strata::cli::main()
}
