//! The binary of the benchmark tool: nothing but its entry.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    corelog_bench::command::entry::main()
}
