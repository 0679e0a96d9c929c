//! The course of `corelog consume`.
//!
//! Runs on the tool's shard.

use std::sync::Arc;

use corelog_engine::batch::{BatchHeader, Record};

use super::fetcher::Fetcher;
use super::position;
use super::printer::{Printer, Shown};
use crate::cli::arguments::ConsumeArguments;
use crate::cli::client::cluster::Cluster;
use crate::cli::failure::Failure;
use crate::cli::shard;

/// Does what the arguments say.
pub fn run(arguments: ConsumeArguments, bootstrap: String) -> Result<(), Failure> {
    // A format that makes no sense is told before a broker is asked.
    Printer::new(&arguments)?;
    let arguments = Arc::new(arguments);
    shard::run(move || async move {
        let mut printer = Printer::new(&arguments)?;
        let read = consume(&arguments, &bootstrap, &mut printer).await;
        printer.flush().and(read)
    })
}

async fn consume(arguments: &ConsumeArguments, bootstrap: &str, printer: &mut Printer) -> Result<(), Failure> {
    if arguments.count == Some(0) {
        return Ok(());
    }
    let mut cluster = Cluster::connect(bootstrap).await?;
    let topic = cluster.topic(&arguments.topic, false).await?;
    let all: Vec<i32> = topic.partitions.iter().map(|partition| partition.partition_index).collect();
    if let Some(missing) = arguments.partitions.iter().find(|partition| !all.contains(partition)) {
        return Err(Failure::usage(format!(
            "partition {missing} does not exist: topic \"{}\" has the partitions 0 to {}",
            arguments.topic,
            all.len() - 1
        )));
    }
    let wanted = if arguments.partitions.is_empty() { &all } else { &arguments.partitions };
    let spans = position::spans(&mut cluster, &topic, wanted, arguments.from, arguments.committed).await?;
    let mut fetcher = Fetcher::new(topic, spans, arguments.committed, arguments.follow);
    let mut left = arguments.count.unwrap_or(u64::MAX);
    while !fetcher.is_done() {
        let mut visit = |partition: i32, offset: i64, header: &BatchHeader, record: &Record<'_>| {
            let shown = Shown {
                topic: &arguments.topic,
                partition,
                offset,
                timestamp_ms: record.timestamp_ms(header),
                key: record.key,
                value: record.value,
                headers: record.headers().collect(),
            };
            printer.print(&shown)?;
            left -= 1;
            Ok(left > 0)
        };
        if !fetcher.round(&mut cluster, &mut visit).await? {
            break;
        }
        printer.flush()?;
    }
    Ok(())
}
