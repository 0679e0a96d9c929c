//! The binary that judges instruction counts: nothing but its entry.

use std::process::ExitCode;

fn main() -> ExitCode {
    corelog_micro_tools::counts::entry::main()
}
