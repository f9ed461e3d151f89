//! The `strata` binary: see `strata --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    strata::cli::main()
}
