//! The binary of the bare loop: nothing but its entry.

use std::process::ExitCode;

fn main() -> ExitCode {
    corelog_micro_tools::floor::entry::main()
}
