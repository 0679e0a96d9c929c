//! A data directory from outside: which logs it has, and what it means if one does not open.
//!
//! Runs on the tool's shard.

use std::path::{Path, PathBuf};

use corelog_engine::ids::LogId;
use corelog_engine::log::{CheckpointedPartition, LogOptions, OpenError, RecoverySink, ShardLog};
use corelog_engine::{batch::BatchHeader, ids};
use corelog_rt::dir;
use corelog_rt::fatal::Reason;

use crate::cli::failure::Failure;
use crate::cli::start::refusal;

/// What the directories of logs are called, with their number behind it.
const LOG_DIR_PREFIX: &str = "log-";
/// What a broker locks in its data directory.
const LOCK_FILE: &str = "lock";

/// The logs of a data directory with their numbers, or the directory itself if it has none below it.
pub async fn logs(path: &Path) -> Result<Vec<(u32, PathBuf)>, Failure> {
    let names = dir::list(path).await.map_err(|error| of_io(path, &error))?;
    let number = |name: &String| name.strip_prefix(LOG_DIR_PREFIX)?.parse::<u32>().ok();
    let mut logs: Vec<(u32, PathBuf)> =
        names.iter().filter_map(|name| Some((number(name)?, path.join(name)))).collect();
    logs.sort();
    if logs.is_empty() {
        let own = path.file_name().and_then(|name| number(&name.to_string_lossy().into_owned()));
        logs.push((own.unwrap_or(0), path.to_owned()));
    }
    Ok(logs)
}

/// Opens a log that no broker has open, only to look into it.
pub async fn open(number: u32, path: &Path) -> Result<ShardLog, Failure> {
    let mut options = LogOptions::new(LogId(number));
    options.read_only = true;
    ShardLog::open(path.to_owned(), options, &mut Nobody).await.map_err(|error| of_open(&error))
}

/// Makes sure that no broker has the directory open until the lock is dropped: under a running broker segments come and go.
pub async fn lock(path: &Path) -> Result<dir::DirLock, Failure> {
    let is_one_log = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(LOG_DIR_PREFIX));
    let data_dir = path.parent().filter(|_| is_one_log).unwrap_or(path);
    // A broker made it with the directory: without one, nothing here is ours.
    if !dir::exists(&data_dir.join(LOCK_FILE)).await.map_err(|error| of_io(path, &error))? {
        return Err(Failure::of(Reason::BadConfiguration, format!("{} holds no log", path.display()))
            .advise("name a data directory of corelog, or the directory of one log in it"));
    }
    dir::lock(data_dir).map_err(|error| refusal::of_lock(&error))
}

/// Why a log does not open.
pub fn of_open(error: &OpenError) -> Failure {
    match error {
        OpenError::Io { path, error } => of_io(path, error),
        OpenError::NewerFormat { .. } => {
            Failure::of(Reason::NewerFormat, error).advise("use the newer corelog that wrote it")
        }
        OpenError::Damaged(_) => Failure::of(Reason::CorruptSegment, error),
        OpenError::Options(_) => Failure::new(error),
    }
}

fn of_io(path: &Path, error: &std::io::Error) -> Failure {
    let reason = if error.kind() == std::io::ErrorKind::NotFound {
        Reason::BadConfiguration
    } else {
        Reason::of_start_error(error)
    };
    Failure::of(reason, format!("{}: {error}", path.display()))
}

/// Is told what recovery finds and needs none of it.
struct Nobody;

impl RecoverySink for Nobody {
    fn checkpoint(&mut self, _partition: &CheckpointedPartition, _state: &[u8]) {}

    fn batch(&mut self, _key: ids::PartitionKey, _header: &BatchHeader) {}

    fn log_start(&mut self, _key: ids::PartitionKey, _offset: ids::Offset) {}

    fn truncate(&mut self, _key: ids::PartitionKey, _to: ids::Offset, _leader_epoch: ids::LeaderEpoch) {}

    fn delete(&mut self, _key: ids::PartitionKey) {}
}
