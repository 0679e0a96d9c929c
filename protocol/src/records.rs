//! The records of a produce or fetch partition: a gather list of shared slices that is never copied into one piece.

use std::fmt;

use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;

/// Record batches as they lie in a frame or in the log, in one or more slices.
#[derive(Clone, Default)]
pub struct Records {
    slices: SmallVec<[Bytes; 1]>,
    bytes: usize,
}

impl Records {
    /// No records. A fetch answers this rather than null, which some clients refuse.
    pub fn empty() -> Records {
        Records::default()
    }

    /// Adds a slice behind the others; an empty one leaves no trace.
    pub fn push(&mut self, slice: Bytes) {
        if !slice.is_empty() {
            self.bytes += slice.len();
            self.slices.push(slice);
        }
    }

    /// Bytes in all slices together.
    pub fn len(&self) -> usize {
        self.bytes
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// The slices, in order, none of them empty.
    pub fn slices(&self) -> &[Bytes] {
        &self.slices
    }

    /// All bytes in one piece: free for one slice, a copy for more.
    pub fn into_contiguous(self) -> Bytes {
        match self.slices.as_slice() {
            [] => Bytes::new(),
            [slice] => slice.clone(),
            slices => {
                let mut out = BytesMut::with_capacity(self.bytes);
                for slice in slices {
                    out.extend_from_slice(slice);
                }
                out.freeze()
            }
        }
    }

    fn iter_bytes(&self) -> impl Iterator<Item = &u8> {
        self.slices.iter().flat_map(|slice| slice.iter())
    }
}

impl From<Bytes> for Records {
    fn from(slice: Bytes) -> Records {
        let mut records = Records::default();
        records.push(slice);
        records
    }
}

impl From<Vec<Bytes>> for Records {
    fn from(slices: Vec<Bytes>) -> Records {
        slices.into_iter().collect()
    }
}

impl FromIterator<Bytes> for Records {
    fn from_iter<I: IntoIterator<Item = Bytes>>(slices: I) -> Records {
        let mut records = Records::default();
        slices.into_iter().for_each(|slice| records.push(slice));
        records
    }
}

/// Equal bytes, however they are sliced.
impl PartialEq for Records {
    fn eq(&self, other: &Records) -> bool {
        self.bytes == other.bytes && self.iter_bytes().eq(other.iter_bytes())
    }
}

impl Eq for Records {}

impl fmt::Debug for Records {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Records({} bytes in {} slices)", self.bytes, self.slices.len())
    }
}
