//! Times every case with criterion. `cargo bench -p corelog-micro --bench timings -- NAME` runs some of them, `-- --test` each once.

use std::time::{Duration, Instant};

use corelog_micro::case::{Amount, Work, measured};
use corelog_micro::cases::CASES;
use criterion::{Criterion, Throughput};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // On a shard, because some cases have a log.
    corelog_rt::testing::run(|| async {
        let mut criterion = Criterion::default()
            .warm_up_time(Duration::from_millis(500))
            .measurement_time(Duration::from_secs(2))
            .configure_from_args();
        let mut group = criterion.benchmark_group("micro");
        for case in CASES {
            let mut work = case.prepare().await;
            group.throughput(match case.amount {
                Amount::Bytes(bytes) => Throughput::Bytes(bytes),
                Amount::Things(things) => Throughput::Elements(things),
            });
            group.bench_function(case.name, |bencher| bencher.iter_custom(|runs| time(&mut *work, runs)));
        }
        group.finish();
        criterion.final_summary();
    });
}

/// What `runs` of them take, without what makes each possible.
fn time(work: &mut dyn Work, runs: u64) -> Duration {
    let mut spent = Duration::ZERO;
    for _ in 0..runs {
        work.reset();
        let began = Instant::now();
        measured(work);
        spent += began.elapsed();
    }
    spent
}
