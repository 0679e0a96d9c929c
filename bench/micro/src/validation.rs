//! Judging a client's batch: envelope, header, the one copy with its checksum, the records.
//!
//! These are the functions that an append calls, in its order; `commit` measures the append itself.

use corelog_engine::batch::validate::{check_envelope, check_header, check_records};
use corelog_engine::batch::{Rules, copy_checked, only_batch};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use crate::batches::{NOW_MS, batch};
use crate::case::Work;

struct Validation {
    batch: Vec<u8>,
    target: Vec<u8>,
    rules: Rules,
    repeats: u64,
}

impl Work for Validation {
    fn run(&mut self) -> u64 {
        let mut bytes = 0;
        for _ in 0..self.repeats {
            let (header, batch) = only_batch(std::hint::black_box(&self.batch)).expect("one batch");
            check_envelope(&header, &self.rules).expect("a good envelope");
            check_header(&header).expect("a good header");
            copy_checked(&header, batch, &mut self.target).expect("an intact batch");
            let newest_ms = check_records(&header, &self.target, &self.rules, NOW_MS).expect("good records");
            assert_eq!(newest_ms, NOW_MS, "all records have one timestamp");
            bytes += batch.len() as u64;
        }
        bytes
    }
}

/// Validates a batch `REPEATS` times.
pub fn of_batch<const RECORDS: usize, const VALUE_BYTES: usize, const REPEATS: u64>()
-> LocalBoxFuture<'static, Box<dyn Work>> {
    async {
        let batch = batch(RECORDS, VALUE_BYTES);
        let target = vec![0; batch.len()];
        Box::new(Validation { batch, target, rules: Rules::default(), repeats: REPEATS }) as Box<dyn Work>
    }
    .boxed_local()
}
