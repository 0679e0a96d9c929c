//! Owns the sealing of a segment that takes no more commits: its footer.
//!
//! The roller seals a segment when the checkpoint of the next one is durable. What goes into the footer is fixed when the log rolls: a log start or a
//! truncation that comes later, and that a crash may take back, must not reach it.

use super::core::{Core, fail};
use super::footer::{FooterBuilder, Summary, TRAILER_BLOCK_BYTES, Trailer};
use super::index::Index;
use super::segment_file::{SegmentFile, SegmentState};
use corelog_rt::buffer::DirectBuffer;
use corelog_rt::fatal::Reason;
use std::io;
use std::rc::Rc;

/// The footer that a segment will have.
#[derive(Debug)]
pub struct PendingFooter {
    segment: Rc<SegmentFile>,
    builder: FooterBuilder,
    summaries: Vec<Summary>,
}

impl PendingFooter {
    /// The footer of `segment` as the index has it now.
    pub(super) fn of(index: &Index, segment: &Rc<SegmentFile>) -> PendingFooter {
        let mut builder = FooterBuilder::default();
        let resident = index.resident(segment.header.sequence);
        let summaries =
            resident.iter().map(|(key, extents, coverage)| builder.add(*key, extents.iter(), *coverage)).collect();
        PendingFooter { segment: Rc::clone(segment), builder, summaries }
    }
}

/// Writes the footer of a segment that takes no more commits, whose successor's checkpoint is durable.
pub(super) async fn seal(core: &Core, footer: PendingFooter) {
    let PendingFooter { segment, builder, summaries } = footer;
    if segment.live_spans() == 0 {
        // Nobody will ask for it, and its file is free in a moment.
        segment.set_state(SegmentState::Sealed);
    } else {
        match write_footer(&segment, &builder).await {
            Ok(trailer) => segment.set_sealed(trailer),
            Err(error) => fail(Reason::DeviceWriteFailed, &segment, &error),
        }
    }
    core.index.borrow_mut().sealed(&segment, &summaries);
    core.collect_dying();
}

/// Writes the footer of `segment` and makes it durable, and everything that was written to the file before.
pub(super) async fn write_footer(segment: &SegmentFile, builder: &FooterBuilder) -> io::Result<Trailer> {
    let mut buffer = DirectBuffer::new(builder.bytes());
    let trailer = builder.finish(trailer(segment), segment.header.bytes, &mut buffer);
    let position = segment.header.bytes - buffer.len() as u64;
    assert!(position >= segment.written_end(), "room for the footer was kept");
    let mut block = DirectBuffer::unzeroed(TRAILER_BLOCK_BYTES);
    let tables = buffer.len() - TRAILER_BLOCK_BYTES;
    block.copy_from_slice(buffer.get(tables..).expect("a footer ends with its trailer block"));
    buffer.truncate(tables);
    // A trailer is believed without a look at the extents, so it comes after them.
    if tables > 0 {
        segment.file.write_at(buffer, position).await.0?;
    }
    segment.file.sync_data().await?;
    segment.file.write_at(block, position + tables as u64).await.0?;
    segment.file.sync_data().await?;
    Ok(trailer)
}

fn trailer(segment: &SegmentFile) -> Trailer {
    let commits = segment.commits();
    Trailer {
        log: segment.header.log,
        sequence: segment.header.sequence,
        nonce: segment.header.nonce,
        partition_count: 0,
        data_end: segment.written_end(),
        commit_first: commits.first,
        commit_last: commits.last,
        wall_ms_last: commits.wall_ms,
        chain: commits.crc,
        extent_count: 0,
        extents_position: 0,
        summaries_crc: 0,
    }
}
