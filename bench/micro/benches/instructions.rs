//! Counts the instructions of every case under valgrind. `bench/micro/check` runs it and holds the counts against the baseline.
#![expect(missing_docs, reason = "gungraun's macros make public items without documentation")]

use corelog_micro::case::measured;
use corelog_micro::cases::named;
use gungraun::prelude::*;
use gungraun::{Callgrind, EntryPoint};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

macro_rules! count_each {
    ($($name:ident),*) => {
        #[library_benchmark]
        $(#[bench::$name(stringify!($name))])*
        fn count(name: &str) {
            named(name).with_work(|_, work| measured(work));
        }
    };
}

corelog_micro::with_case_names!(count_each);

library_benchmark_group!(name = cases, benchmarks = count);

main!(
    config = LibraryBenchmarkConfig::default().tool(
        // What comes before, on whatever thread, is not counted.
        Callgrind::default().entry_point(EntryPoint::Custom("corelog_micro::case::measured".to_owned()))
    ),
    library_benchmark_groups = cases
);
