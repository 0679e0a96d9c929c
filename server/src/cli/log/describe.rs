//! What a dump found, in words.
//!
//! Pure; runs on the tool's shard.

use corelog_engine::batch::BatchHeader;
use corelog_engine::log::commit::CommitHeader;
use corelog_engine::log::dump::{DumpEvent, DumpReport};
use corelog_engine::log::entry::{Entry, EntryKind};
use corelog_tuning::check::bytes_text;

use crate::cli::moment::format_ms;

/// The line of an event, indented by its depth.
pub fn line(event: &DumpEvent<'_>) -> String {
    match event {
        DumpEvent::Segment { file, header } => format!(
            "segment {}: sequence {}, {}, nonce {:#018x}, created {}",
            file.display(),
            header.sequence.0,
            bytes_text(header.bytes),
            header.nonce,
            format_ms(header.created_ms)
        ),
        DumpEvent::Commit { position, header } => commit(*position, header),
        DumpEvent::Entry { number, entry } => format!("    entry {number}: {}", self::entry(entry)),
        DumpEvent::Batch { position, header } => format!("      batch at {position}: {}", batch(header)),
        DumpEvent::End { position, flaw } => format!("  end at {position}: {flaw}"),
        DumpEvent::Footer { trailer, summaries } => format!(
            "  footer: {} partition{}, {} extent{}, commits {} to {}, data to {}",
            summaries.len(),
            plural(summaries.len() as u64),
            trailer.extent_count,
            plural(trailer.extent_count.into()),
            trailer.commit_first.0,
            trailer.commit_last.0,
            trailer.data_end
        ),
        DumpEvent::FreeFile { file } => format!("free {}: waits for its next use", file.display()),
        DumpEvent::Damaged(damage) => format!("DAMAGED {damage}"),
    }
}

fn commit(position: u64, header: &CommitHeader) -> String {
    format!(
        "  commit {} at {position}: {} entr{}, {} with {} of data, written {}, all durable to {}",
        header.sequence.0,
        header.entry_count,
        if header.entry_count == 1 { "y" } else { "ies" },
        bytes_text(header.bytes.into()),
        bytes_text(header.data_bytes.into()),
        format_ms(header.wall_ms),
        header.durable.0
    )
}

fn entry(entry: &Entry) -> String {
    let partition = format!("topic {} partition {}", entry.key.topic.0, entry.key.partition);
    let (base, last) = (entry.base_offset.0, entry.last_offset.0);
    match entry.kind {
        EntryKind::Batches => format!(
            "{} batch{} of {partition}, offsets {base} to {last}, epoch {}, {}, newest {}",
            entry.batch_count,
            if entry.batch_count == 1 { "" } else { "es" },
            entry.leader_epoch.0,
            bytes_text(entry.bytes.into()),
            format_ms(entry.max_timestamp_ms)
        ),
        EntryKind::LogStart => format!("{partition} starts at offset {base}"),
        EntryKind::Truncate => format!("{partition} ends at offset {base}, epoch {}", entry.leader_epoch.0),
        EntryKind::DeletePartition => format!("{partition} is deleted"),
        EntryKind::CheckpointPartition => {
            format!("checkpoint: {partition} from offset {base} to {last}, {} of state", bytes_text(entry.bytes.into()))
        }
        EntryKind::CheckpointHidden => {
            format!("checkpoint: {partition}, in segment {base} what comes after offset {last} is truncated away")
        }
        EntryKind::CheckpointEnd => format!("checkpoint: whole, {base} entries"),
        EntryKind::CleanShutdown => "clean shutdown".to_owned(),
        EntryKind::Compacted => format!(
            "{partition} is compacted from offset {base} to {}, without a key twice before {}",
            entry.last_offset.0, entry.max_timestamp_ms
        ),
        EntryKind::Skippable(code) => format!("kind {code}, of a newer version, passed over"),
    }
}

fn batch(header: &BatchHeader) -> String {
    let last = header.base_offset.0.saturating_add(header.last_offset_delta.into());
    let codec = header.attributes.codec().map_or("unknown codec", corelog_engine::batch::Codec::name);
    let producer = if header.producer_id < 0 {
        String::new()
    } else {
        format!(", producer {} epoch {} sequence {}", header.producer_id, header.producer_epoch, header.base_sequence)
    };
    let transactional = if header.attributes.is_transactional() { ", transactional" } else { "" };
    let control = if header.attributes.is_control() { ", control" } else { "" };
    format!(
        "offsets {} to {last}, {} record{}, {} B, {codec}, crc {:#010x} verified{producer}{transactional}{control}",
        header.base_offset.0,
        header.record_count,
        plural(u64::from(header.record_count.unsigned_abs())),
        header.bytes,
        header.crc
    )
}

/// The sum of one log.
pub fn report(report: &DumpReport) -> String {
    let verdict = match report.damaged {
        0 => "nothing is damaged".to_owned(),
        1 => "1 place is DAMAGED".to_owned(),
        places => format!("{places} places are DAMAGED"),
    };
    format!(
        "{} segment{}, {} commit{}, {} batch{} of {}: {verdict}",
        report.segments,
        plural(report.segments),
        report.commits,
        plural(report.commits),
        report.batches,
        if report.batches == 1 { "" } else { "es" },
        bytes_text(report.batch_bytes)
    )
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}
