//! The codecs that clients compress batches with.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A codec, at the level that Kafka's clients take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compression {
    /// As it is.
    #[default]
    None,
    /// Smallest but for zstd, and slowest.
    Gzip,
    /// Fast.
    Snappy,
    /// Fastest to read.
    Lz4,
    /// Smallest.
    Zstd,
}

impl Compression {
    /// The number in a batch's attributes.
    pub fn code(self) -> u8 {
        match self {
            Compression::None => 0,
            Compression::Gzip => 1,
            Compression::Snappy => 2,
            Compression::Lz4 => 3,
            Compression::Zstd => 4,
        }
    }

    /// The codec of a number in a batch's attributes.
    pub fn of_code(code: u8) -> Option<Compression> {
        [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd]
            .into_iter()
            .find(|codec| codec.code() == code)
    }
}
