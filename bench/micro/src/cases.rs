//! The list of all cases: what both benches run.

use crate::batches::batch_bytes;
use crate::case::Amount::{Bytes, Things};
use crate::case::Case;
use crate::{checksum, commit, fetch, index, messages, validation};

/// Calls `$macro` with the names of all cases, for benches that must know them when they are compiled.
#[macro_export]
macro_rules! with_case_names {
    ($macro:ident) => {
        $macro! {
            crc32c_1k, crc32c_16k, crc32c_1m, crc32_commit_100,
            validate_1k, validate_16k, validate_16k_of_100, validate_1m,
            append_1_of_16k, append_1_of_1m, append_16_of_16k, append_100_of_512,
            seal_1_of_1m, seal_16_of_16k, seal_1000_of_512, written_16_of_16k, written_1000_of_512,
            lookup_offset_100, lookup_time_100,
            decode_produce_v9_1, decode_produce_v9_100, decode_produce_v13_1, decode_produce_v13_100,
            encode_produce_v13_1, encode_produce_v13_100,
            decode_fetch_1, decode_fetch_100, encode_metadata_1000,
            fetch_assembly_1, fetch_assembly_100
        }
    };
}

/// All cases.
pub const CASES: [Case; 30] = [
    Case::anywhere("crc32c_1k", Bytes(64 * batch_bytes(1, 1000)), checksum::of_batch::<1, 1000, 64>),
    Case::anywhere("crc32c_16k", Bytes(16 * batch_bytes(16, 1000)), checksum::of_batch::<16, 1000, 16>),
    Case::anywhere("crc32c_1m", Bytes(batch_bytes(1000, 1000)), checksum::of_batch::<1000, 1000, 1>),
    Case::anywhere("crc32_commit_100", Things(100), checksum::of_commit::<100>),
    Case::anywhere("validate_1k", Bytes(16 * batch_bytes(1, 1000)), validation::of_batch::<1, 1000, 16>),
    Case::anywhere("validate_16k", Bytes(4 * batch_bytes(16, 1000)), validation::of_batch::<16, 1000, 4>),
    Case::anywhere("validate_16k_of_100", Bytes(4 * batch_bytes(150, 100)), validation::of_batch::<150, 100, 4>),
    Case::anywhere("validate_1m", Bytes(batch_bytes(1000, 1000)), validation::of_batch::<1000, 1000, 1>),
    Case::on_shard("append_1_of_16k", Bytes(batch_bytes(16, 1000)), commit::append::<1, 16, 1000>),
    Case::on_shard("append_1_of_1m", Bytes(batch_bytes(1000, 1000)), commit::append::<1, 1000, 1000>),
    Case::on_shard("append_16_of_16k", Bytes(16 * batch_bytes(16, 1000)), commit::append::<16, 16, 1000>),
    Case::on_shard("append_100_of_512", Bytes(100 * batch_bytes(2, 220)), commit::append::<100, 2, 220>),
    Case::on_shard("seal_1_of_1m", Things(1), commit::seal::<1, 1000, 1000>),
    Case::on_shard("seal_16_of_16k", Things(16), commit::seal::<16, 16, 1000>),
    Case::on_shard("seal_1000_of_512", Things(1000), commit::seal::<1000, 2, 220>),
    Case::on_shard("written_16_of_16k", Things(16), commit::written::<16, 16, 1000>),
    Case::on_shard("written_1000_of_512", Things(1000), commit::written::<1000, 2, 220>),
    Case::on_shard("lookup_offset_100", Things(index::LOOKUPS), index::by_offset),
    Case::on_shard("lookup_time_100", Things(index::LOOKUPS), index::by_time),
    Case::anywhere("decode_produce_v9_1", Things(1), messages::produce_request::<9, 1>),
    Case::anywhere("decode_produce_v9_100", Things(100), messages::produce_request::<9, 100>),
    Case::anywhere("decode_produce_v13_1", Things(1), messages::produce_request::<13, 1>),
    Case::anywhere("decode_produce_v13_100", Things(100), messages::produce_request::<13, 100>),
    Case::anywhere("encode_produce_v13_1", Things(1), messages::produce_response::<13, 1>),
    Case::anywhere("encode_produce_v13_100", Things(100), messages::produce_response::<13, 100>),
    Case::anywhere("decode_fetch_1", Things(1), messages::fetch_request::<1>),
    Case::anywhere("decode_fetch_100", Things(100), messages::fetch_request::<100>),
    Case::anywhere("encode_metadata_1000", Things(1000), messages::metadata_response::<1000>),
    Case::on_shard("fetch_assembly_1", Things(1), fetch::assembly::<1>),
    Case::on_shard("fetch_assembly_100", Things(100), fetch::assembly::<100>),
];

/// The case of that name.
///
/// # Panics
/// If there is none.
pub fn named(name: &str) -> Case {
    *CASES.iter().find(|case| case.name == name).unwrap_or_else(|| panic!("no case is named {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! names {
        ($($name:ident),*) => { [$(stringify!($name)),*] };
    }

    #[test]
    fn names_for_macros_are_those_of_the_cases() {
        let cases: Vec<&str> = CASES.iter().map(|case| case.name).collect();
        assert_eq!(cases, crate::with_case_names!(names));
    }

    #[test]
    fn every_case_does_what_it_says_again_and_again() {
        for case in CASES {
            case.with_work(|case, work| {
                for _ in 0..3 {
                    work.reset();
                    assert_eq!(work.run(), case.amount.number(), "{}", case.name);
                }
            });
        }
    }
}
