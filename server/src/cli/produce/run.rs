//! The course of `corelog produce`: gather what is there, send it, gather what came meanwhile.
//!
//! Runs on the tool's shard; a thread reads the input.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use corelog_rt::{rand, time};

use super::input::{self, Piece};
use super::partitioner::Partitioner;
use super::progress::Progress;
use super::record::Recipe;
use super::sender::Sender;
use crate::cli::arguments::ProduceArguments;
use crate::cli::client::cluster::Cluster;
use crate::cli::failure::Failure;
use crate::cli::shard;

/// Bytes that all open batches together may have before they are sent.
const ROUND_BYTES_MAX: usize = 16 << 20;

/// Does what the arguments say.
pub fn run(arguments: ProduceArguments, bootstrap: String) -> Result<(), Failure> {
    let recipe = Recipe::new(&arguments).map_err(Failure::usage)?;
    let input = input::open(arguments.file.as_deref(), arguments.whole)?;
    let shared = Arc::new((arguments, recipe));
    shard::run(move || async move {
        let (arguments, recipe) = &*shared;
        let mut progress = Progress::new(arguments.quiet);
        let sent = produce(arguments, recipe, &bootstrap, &input, &mut progress).await;
        if progress.records > 0 || sent.is_ok() {
            progress.finish();
        }
        sent
    })
}

async fn produce(
    arguments: &ProduceArguments,
    recipe: &Recipe,
    bootstrap: &str,
    input: &flume::Receiver<io::Result<Piece>>,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let mut cluster = Cluster::connect(bootstrap).await?;
    let sender = Sender::new(&mut cluster, &arguments.topic, arguments.acks, arguments.compression).await?;
    let count = sender.partition_count();
    if let Some(partition) = arguments.partition.filter(|&partition| partition >= count) {
        return Err(Failure::usage(format!(
            "partition {partition} does not exist: topic \"{}\" has the partitions 0 to {}",
            arguments.topic,
            count - 1
        )));
    }
    let partitioner = Partitioner::new(count, arguments.partition, rand::u64());
    let mut round = Round { arguments, recipe, sender, partitioner, cluster, progress, bytes: 0 };
    let linger = Duration::from_millis(arguments.linger_ms.into());
    while let Ok(piece) = input.recv_async().await {
        round.take(&read(piece)?).await?;
        let began = time::now();
        while !round.sender.is_empty() {
            let left = linger.saturating_sub(began.elapsed());
            match time::timeout(left, input.recv_async()).await {
                Ok(Ok(piece)) => round.take(&read(piece)?).await?,
                Ok(Err(flume::RecvError::Disconnected)) | Err(_) => round.send().await?,
            }
        }
    }
    Ok(())
}

fn read(piece: io::Result<Piece>) -> Result<Piece, Failure> {
    piece.map_err(|error| Failure::new(format!("cannot read the input: {error}")))
}

/// What one round of gathering and sending needs.
struct Round<'a> {
    arguments: &'a ProduceArguments,
    recipe: &'a Recipe,
    sender: Sender,
    partitioner: Partitioner,
    cluster: Cluster,
    progress: &'a mut Progress,
    /// Bytes in all open batches, about.
    bytes: usize,
}

impl Round<'_> {
    /// Adds the records of a piece; sends whenever a batch is full.
    async fn take(&mut self, piece: &Piece) -> Result<(), Failure> {
        if self.arguments.whole {
            return self.add(&piece.bytes, piece.line).await;
        }
        for (line, text) in input::lines(piece) {
            self.add(&text, line).await?;
        }
        Ok(())
    }

    async fn add(&mut self, text: &Bytes, line: u64) -> Result<(), Failure> {
        let at_line = |what: &dyn std::fmt::Display| Failure::new(format!("line {line}: {what}"));
        let record = match self.recipe.record(text) {
            Ok(record) => record,
            Err(what) => {
                // What came before it is not lost.
                self.send().await?;
                return Err(at_line(&what));
            }
        };
        let partition = self.partitioner.partition(record.key.as_deref());
        let batch_bytes = self.sender.push(partition, &record).map_err(|failure| at_line(&failure))?;
        self.bytes += text.len();
        if batch_bytes >= self.arguments.batch_bytes as usize || self.bytes >= ROUND_BYTES_MAX {
            self.send().await?;
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<(), Failure> {
        self.bytes = 0;
        self.partitioner.turn();
        let progress = &mut *self.progress;
        self.sender.send(&mut self.cluster, |records, bytes| progress.add(records, bytes)).await
    }
}
