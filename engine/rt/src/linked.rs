//! Writes whose syncs the kernel starts by itself: measured, so that somebody can say whether they would pay.
//!
//! No broker writes so, because the runtime underneath has no links; only the probe of the disk calls it. Owns nothing.

use crate::backend;
use crate::buffer::ALIGNMENT;
use std::io;
use std::path::Path;
use std::time::Duration;

/// Writes `bytes` (a multiple of [`ALIGNMENT`]) at one place after the other in the first `file_bytes` of a file, for `time`;
/// each write is linked to a sync (`fdatasync`). Returns how long each pair took. Fails with `Unsupported` in a simulation.
pub async fn write_and_sync(path: &Path, bytes: usize, file_bytes: u64, time: Duration) -> io::Result<Vec<Duration>> {
    if bytes == 0 || !bytes.is_multiple_of(ALIGNMENT) || file_bytes < bytes as u64 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a size that is not aligned, or larger than the file"));
    }
    backend::linked::write_and_sync(path, bytes, file_bytes, time).await
}
