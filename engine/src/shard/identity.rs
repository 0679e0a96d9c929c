//! Owns the identity of a data directory: which cluster and broker its data belongs to, and which version of its layout it has.
//!
//! Read and written by shard 0 while it starts. A small text file that is replaced as a whole: a crash leaves the old one or the new.

use std::path::{Path, PathBuf};

use corelog_rt::dir;

use super::error::BootError;
use crate::metadata::TopicId;

/// The file's name in the data directory.
pub const IDENTITY_FILE: &str = "corelog.properties";

/// The layout that this version writes and reads.
pub const LAYOUT_VERSION: u32 = 1;

/// Names that a Kafka broker's own data directory holds.
const KAFKA_FILE: &str = "meta.properties";

/// Whose data a directory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The cluster.
    pub cluster_id: TopicId,
    /// The broker.
    pub broker_id: i32,
}

/// Reads the identity of `data_dir`, or gives it `fresh` if it is new. Refuses a directory of another broker, of Kafka, or of a newer
/// version.
pub async fn load_or_create(data_dir: &Path, fresh: Identity) -> Result<Identity, BootError> {
    let path = data_dir.join(IDENTITY_FILE);
    let io = |error| BootError::Io { path: path.clone(), error };
    if dir::exists(&path).await.map_err(io)? {
        let bytes = dir::read_small(&path).await.map_err(io)?;
        let found = parse(&path, &bytes)?;
        if found.broker_id != fresh.broker_id {
            let (found, expected) = (found.broker_id, fresh.broker_id);
            return Err(BootError::OtherBroker { data_dir: data_dir.to_owned(), found, expected });
        }
        return Ok(found);
    }
    if dir::exists(&data_dir.join(KAFKA_FILE)).await.map_err(io)? {
        return Err(BootError::KafkaDirectory { data_dir: data_dir.to_owned() });
    }
    dir::write_small(&path, render(fresh).as_bytes()).await.map_err(io)?;
    Ok(fresh)
}

fn render(identity: Identity) -> String {
    let Identity { cluster_id, broker_id } = identity;
    format!("layout.version={LAYOUT_VERSION}\ncluster.id={cluster_id}\nnode.id={broker_id}\n")
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Identity, BootError> {
    let damaged = |what| BootError::IdentityDamaged { file: PathBuf::from(path), what };
    let text = std::str::from_utf8(bytes).map_err(|_| damaged("text"))?;
    let value = |name: &str| {
        text.lines().filter_map(|line| line.split_once('=')).find(|(found, _)| *found == name).map(|(_, value)| value)
    };
    let version = value("layout.version").and_then(|text| text.parse::<u32>().ok());
    let version = version.ok_or_else(|| damaged("layout.version"))?;
    if version > LAYOUT_VERSION {
        return Err(BootError::NewerLayout { file: PathBuf::from(path), version });
    }
    let cluster_id = value("cluster.id").and_then(TopicId::parse).ok_or_else(|| damaged("cluster.id"))?;
    let broker_id = value("node.id").and_then(|text| text.parse().ok()).ok_or_else(|| damaged("node.id"))?;
    Ok(Identity { cluster_id, broker_id })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: Identity = Identity { cluster_id: TopicId([9; 16]), broker_id: 3 };

    #[test]
    fn identity_is_made_once_and_found_again() {
        corelog_rt::testing::run(|| async {
            let data_dir = corelog_rt::testing::temp_dir();
            assert_eq!(load_or_create(&data_dir, FRESH).await.expect("new"), FRESH);
            let other = Identity { cluster_id: TopicId([1; 16]), ..FRESH };
            assert_eq!(load_or_create(&data_dir, other).await.expect("there"), FRESH);
            let wrong = load_or_create(&data_dir, Identity { broker_id: 4, ..FRESH }).await;
            assert!(matches!(wrong, Err(BootError::OtherBroker { found: 3, expected: 4, .. })));
        });
    }

    #[test]
    fn newer_damaged_and_foreign_directories_are_refused() {
        corelog_rt::testing::run(|| async {
            let data_dir = corelog_rt::testing::temp_dir();
            let path = data_dir.join(IDENTITY_FILE);
            dir::write_small(&path, b"layout.version=2\n").await.expect("written");
            assert!(matches!(load_or_create(&data_dir, FRESH).await, Err(BootError::NewerLayout { version: 2, .. })));
            dir::write_small(&path, b"layout.version=1\ncluster.id=x\n").await.expect("written");
            assert!(matches!(load_or_create(&data_dir, FRESH).await, Err(BootError::IdentityDamaged { .. })));
            dir::remove(&path).await.expect("removed");
            dir::write_small(&data_dir.join(KAFKA_FILE), b"version=1\n").await.expect("written");
            assert!(matches!(load_or_create(&data_dir, FRESH).await, Err(BootError::KafkaDirectory { .. })));
        });
    }
}
