//! The arguments of `corelog group`, with their help texts.
//!
//! Declarations only; parsed by `cli::entry`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::target::Selection;
use crate::cli::moment;

/// The commands of `corelog group`.
#[derive(Debug, Subcommand)]
pub enum GroupCommand {
    /// Lists the names of all groups with their type and state
    #[command(after_help = "Examples:
  corelog group list
  corelog group list --state empty --json | jq -r '.[].group'")]
    List(GroupListArguments),
    /// Shows members, committed offsets and lag of groups
    #[command(after_help = "Examples:
  corelog group describe billing
  corelog group describe --json
  corelog group describe billing --members --watch")]
    Describe(GroupDescribeArguments),
    /// Shows which offsets a group without members would get, and sets them with --execute
    #[command(after_help = "Examples:
  corelog group reset-offsets billing --all-topics --to-earliest
  corelog group reset-offsets billing --topic orders:0,3 --shift-by -100 --execute
  corelog group reset-offsets billing --topic orders --to-datetime 2026-01-31T12:00:00Z --execute
  corelog group reset-offsets billing --all-topics --to-current --json | jq -r '.[]|[.topic,.partition,.new]|@csv' > saved.csv
  corelog group reset-offsets billing --from-file saved.csv --execute")]
    ResetOffsets(GroupResetArguments),
    /// Deletes groups that have no members, with their offsets
    #[command(after_help = "Example:
  corelog group delete billing audit")]
    Delete(GroupDeleteArguments),
}

/// Arguments of `corelog group list`.
#[derive(Debug, Args)]
pub struct GroupListArguments {
    /// Only groups in this state: empty, stable, assigning, ...; may be given several times
    #[arg(long = "state", value_name = "STATE")]
    pub states: Vec<String>,
    /// Only groups of this type: classic, consumer; may be given several times
    #[arg(long = "type", value_name = "TYPE")]
    pub types: Vec<String>,
    /// JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `corelog group describe`.
#[derive(Debug, Args)]
pub struct GroupDescribeArguments {
    /// Names of the groups; all if none is given
    #[arg(value_name = "GROUP")]
    pub groups: Vec<String>,
    /// Also a table of the members
    #[arg(long)]
    pub members: bool,
    /// JSON instead of tables
    #[arg(long)]
    pub json: bool,
    /// Shows it again and again in place, until Ctrl-C
    #[arg(long, short = 'w')]
    pub watch: bool,
    /// Milliseconds between two looks with --watch
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(50..=3_600_000))]
    #[arg(requires = "watch")]
    pub interval_ms: u64,
}

/// Arguments of `corelog group reset-offsets`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("target").required(true))]
#[command(group = clap::ArgGroup::new("scope").required(true).multiple(true).args(["topics", "all_topics", "from_file"]))]
pub struct GroupResetArguments {
    /// Name of the group
    pub group: String,
    /// A topic, or some of its partitions as TOPIC:0,1; may be given several times
    #[arg(long = "topic", short = 't', value_name = "TOPIC", conflicts_with = "from_file")]
    pub topics: Vec<Selection>,
    /// Every topic of which the group has offsets
    #[arg(long, conflicts_with_all = ["topics", "from_file"])]
    pub all_topics: bool,
    /// The first record there is
    #[arg(long, group = "target")]
    pub to_earliest: bool,
    /// After the last record
    #[arg(long, group = "target")]
    pub to_latest: bool,
    /// The offset that the group has now; after the last record where it has none
    #[arg(long, group = "target")]
    pub to_current: bool,
    /// This offset
    #[arg(long, group = "target", value_name = "OFFSET", value_parser = clap::value_parser!(i64).range(0..))]
    pub to_offset: Option<i64>,
    /// So many records forth, or back if negative
    #[arg(long, group = "target", value_name = "COUNT", allow_hyphen_values = true)]
    pub shift_by: Option<i64>,
    /// The first record at or after this time: milliseconds since 1970 or like 2026-01-31T12:00:00Z
    #[arg(long, group = "target", value_name = "TIME", value_parser = moment::parse_ms)]
    pub to_datetime: Option<i64>,
    /// The first record that is at most so old, like P1DT12H or 36h
    #[arg(long, group = "target", value_name = "DURATION", value_parser = moment::parse_duration_ms)]
    pub by_duration: Option<i64>,
    /// The offsets of a file with lines like TOPIC,PARTITION,OFFSET
    #[arg(long, group = "target", value_name = "FILE")]
    pub from_file: Option<PathBuf>,
    /// Sets the offsets; without it they are only shown
    #[arg(long)]
    pub execute: bool,
    /// JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `corelog group delete`.
#[derive(Debug, Args)]
pub struct GroupDeleteArguments {
    /// Names of the groups
    #[arg(required = true, value_name = "GROUP")]
    pub groups: Vec<String>,
}
