//! The arguments of every command, with their help texts.
//!
//! Declarations only; parsed by `cli::entry`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A Kafka-compatible broker with one append-only log per core, and the tools to use it.
#[derive(Debug, Parser)]
#[command(name = "corelog", version, max_term_width = 110, propagate_version = true, subcommand_required = true)]
#[command(arg_required_else_help = true)]
#[command(after_help = "Examples:
  corelog start                             a broker on localhost:9092 with its data in ./corelog-data
  corelog topic create orders --partitions 12
  echo 'key:value' | corelog produce orders --key-separator :
  corelog consume orders --follow")]
pub struct Arguments {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Broker to ask first, as HOST:PORT; several with commas
    #[arg(long, global = true, value_name = "HOST:PORT", env = "CORELOG_BOOTSTRAP", default_value = "localhost:9092")]
    #[arg(help_heading = "Global options")]
    pub bootstrap: String,
    /// Least level to log, as a level or as target=level with commas: error, warn, info, debug, trace
    #[arg(long, global = true, value_name = "LEVEL", env = "CORELOG_LOG_LEVEL", help_heading = "Global options")]
    pub log_level: Option<String>,
    /// Whether logs and tables are coloured
    #[arg(long, global = true, value_enum, env = "CORELOG_COLOR", default_value_t = Color::Auto)]
    #[arg(help_heading = "Global options")]
    pub color: Color,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Starts a broker and serves until SIGTERM or SIGINT
    Start(StartArguments),
    /// Creates, lists, describes, changes and deletes topics
    #[command(subcommand)]
    Topic(TopicCommand),
    /// Lists, describes, resets and deletes consumer groups
    #[command(subcommand)]
    Group(super::group::arguments::GroupCommand),
    /// Writes records from standard input or a file to a topic
    Produce(ProduceArguments),
    /// Prints the records of a topic
    Consume(ConsumeArguments),
    /// Looks into a data directory
    #[command(subcommand)]
    Log(LogCommand),
    /// Looks at the host, changes it for a broker, measures its disk
    #[command(subcommand)]
    Tune(super::tune::arguments::TuneCommand),
}

/// Arguments of `corelog start`.
#[derive(Debug, Args)]
#[command(
    after_help = "Settings have Kafka's names; those that Kafka does not have start with corelog. Who wins: a flag
of its own, then --set, then the environment (CORELOG_LOG_DIRS sets log.dirs), then the file, then the default.

Examples:
  corelog start
  corelog start --data /var/lib/corelog --listen 0.0.0.0:9092
  corelog start --config server.properties --set num.partitions=8
  CORELOG_SHARDS=4 corelog start"
)]
pub struct StartArguments {
    /// File of settings in the format of Kafka's server.properties
    #[arg(long, value_name = "FILE", env = "CORELOG_CONFIG")]
    pub config: Option<PathBuf>,
    /// One setting; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub sets: Vec<String>,
    /// Data directory, made if it does not exist [default: ./corelog-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Where to listen, as ADDR:PORT; `:9092` is all interfaces [default: localhost:9092]
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
}

/// The commands of `corelog topic`.
#[derive(Debug, Subcommand)]
pub enum TopicCommand {
    /// Creates topics
    #[command(after_help = "Examples:
  corelog topic create orders
  corelog topic create orders payments --partitions 12 --config retention.ms=86400000")]
    Create(TopicCreateArguments),
    /// Lists the names of all topics
    #[command(after_help = "Example:
  corelog topic list --json | jq -r '.[].name'")]
    List(TopicListArguments),
    /// Shows partitions, leaders, offsets and settings of topics
    #[command(after_help = "Examples:
  corelog topic describe orders
  corelog topic describe --json")]
    Describe(TopicDescribeArguments),
    /// Deletes topics with all their records
    #[command(after_help = "Example:
  corelog topic delete orders payments")]
    Delete(TopicDeleteArguments),
    /// Changes settings or adds partitions
    #[command(after_help = "Examples:
  corelog topic alter orders --partitions 24
  corelog topic alter orders --config retention.ms=3600000 --remove-config segment.bytes")]
    Alter(TopicAlterArguments),
}

/// Arguments of `corelog topic create`.
#[derive(Debug, Args)]
pub struct TopicCreateArguments {
    /// Names of the topics
    #[arg(required = true, value_name = "TOPIC")]
    pub topics: Vec<String>,
    /// Number of partitions [default: the broker's num.partitions]
    #[arg(long, short = 'p', value_parser = clap::value_parser!(i32).range(1..))]
    pub partitions: Option<i32>,
    /// Number of replicas of each partition [default: the broker's default.replication.factor]
    #[arg(long, short = 'r', value_parser = clap::value_parser!(i16).range(1..))]
    pub replication_factor: Option<i16>,
    /// One setting of the topic; may be given several times
    #[arg(long = "config", short = 'c', value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub configs: Vec<(String, String)>,
    /// A topic that exists is left as it is and is no error
    #[arg(long)]
    pub if_not_exists: bool,
    /// Only checks; creates nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `corelog topic list`.
#[derive(Debug, Args)]
pub struct TopicListArguments {
    /// Also the broker's own topics
    #[arg(long)]
    pub internal: bool,
    /// JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `corelog topic describe`.
#[derive(Debug, Args)]
pub struct TopicDescribeArguments {
    /// Names of the topics; all if none is given
    #[arg(value_name = "TOPIC")]
    pub topics: Vec<String>,
    /// Also settings that have their default
    #[arg(long)]
    pub all_configs: bool,
    /// JSON instead of tables
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `corelog topic delete`.
#[derive(Debug, Args)]
pub struct TopicDeleteArguments {
    /// Names of the topics
    #[arg(required = true, value_name = "TOPIC")]
    pub topics: Vec<String>,
    /// A topic that does not exist is no error
    #[arg(long)]
    pub if_exists: bool,
}

/// Arguments of `corelog topic alter`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("change").required(true).multiple(true))]
pub struct TopicAlterArguments {
    /// Name of the topic
    pub topic: String,
    /// New number of partitions; it can only grow
    #[arg(long, short = 'p', group = "change", value_parser = clap::value_parser!(i32).range(1..))]
    pub partitions: Option<i32>,
    /// One setting to change; may be given several times
    #[arg(long = "config", short = 'c', group = "change", value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub configs: Vec<(String, String)>,
    /// One setting to put back to its default; may be given several times
    #[arg(long = "remove-config", group = "change", value_name = "NAME")]
    pub removed_configs: Vec<String>,
}

/// Codec of produced batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names of the codecs")]
pub enum Codec {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

/// What the broker must have done before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Acks {
    /// No answer at all
    #[value(name = "0")]
    None,
    /// Written by the leader
    #[value(name = "1")]
    Leader,
    /// Durable on every in-sync replica
    #[value(name = "all", alias = "-1")]
    All,
}

/// Arguments of `corelog produce`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  echo hello | corelog produce greetings
  corelog produce orders --file orders.txt --key-separator '\\t' --compression zstd
  corelog produce orders --json < records.jsonl      the lines that `corelog consume --json` prints
  printf 'user-1:\\n' | corelog produce users --key-separator : --null-marker ''    a tombstone")]
pub struct ProduceArguments {
    /// Name of the topic
    pub topic: String,
    /// File to read instead of standard input
    #[arg(long, short = 'f', value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The whole input is one record, not one a line
    #[arg(long, conflicts_with_all = ["key_separator", "json"])]
    pub whole: bool,
    /// Lines are JSON objects as `consume --json` prints them
    #[arg(long, conflicts_with_all = ["key_separator", "null_marker", "key"])]
    pub json: bool,
    /// What stands between key and value of a line; \t is a tab
    #[arg(long, short = 'K', value_name = "TEXT", conflicts_with = "key")]
    pub key_separator: Option<String>,
    /// Key of every record
    #[arg(long, short = 'k', value_name = "TEXT")]
    pub key: Option<String>,
    /// Header of every record; may be given several times
    #[arg(long = "header", short = 'H', value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub headers: Vec<(String, String)>,
    /// A key or value that is exactly this text is null
    #[arg(long, value_name = "TEXT")]
    pub null_marker: Option<String>,
    /// Partition of every record [default: by hash of the key, records without one in turn]
    #[arg(long, short = 'p', value_parser = clap::value_parser!(i32).range(0..))]
    pub partition: Option<i32>,
    /// Timestamp of every record: milliseconds since 1970 or like 2026-01-31T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = super::moment::parse_ms)]
    pub timestamp: Option<i64>,
    /// Codec of the batches
    #[arg(long, short = 'z', value_enum, default_value_t = Codec::None)]
    pub compression: Codec,
    /// What the broker must have done before it answers
    #[arg(long, value_enum, default_value_t = Acks::All)]
    pub acks: Acks,
    /// Most bytes of one batch before compression
    #[arg(long, value_name = "BYTES", default_value_t = 512 << 10, value_parser = clap::value_parser!(u32).range(1..=64 << 20))]
    pub batch_bytes: u32,
    /// How long a record may wait for others to share its batch, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 5)]
    pub linger_ms: u32,
    /// No progress on standard error
    #[arg(long, short = 'q')]
    pub quiet: bool,
}

/// How bytes that are no text are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Bytes {
    /// Text as it is, other bytes as \xNN
    Escape,
    /// All keys and values in base64
    Base64,
    /// As they are
    Raw,
}

/// Arguments of `corelog consume`.
#[derive(Debug, Args)]
#[command(
    after_help = "Format fields: %t topic, %p partition, %o offset, %T timestamp in ms, %D timestamp as date, %k key, %s value,
%h headers, %K and %S bytes of key and value (-1 if null), %% a percent sign; \\n, \\t and \\xNN as usual.

Examples:
  corelog consume orders                          everything there is now, then stop
  corelog consume orders --from end --follow      only what is new, until Ctrl-C
  corelog consume orders --from 2026-01-31T12:00:00Z --count 10 --table
  corelog consume orders --partition 3 --from 1200 --format '%p %o %k = %s\\n'"
)]
pub struct ConsumeArguments {
    /// Name of the topic
    pub topic: String,
    /// Where to begin: beginning, end, an offset, -N for N records before the end, or a time like 2026-01-31T12:00:00Z
    #[arg(long, short = 'o', default_value = "beginning", allow_hyphen_values = true, value_name = "POSITION")]
    #[arg(value_parser = super::moment::parse_position)]
    pub from: super::moment::Position,
    /// Only this partition; may be given several times
    #[arg(long = "partition", short = 'p', value_parser = clap::value_parser!(i32).range(0..))]
    pub partitions: Vec<i32>,
    /// Stop after so many records
    #[arg(long, short = 'n', value_name = "COUNT")]
    pub count: Option<u64>,
    /// Wait for new records instead of stopping at the end
    #[arg(long, short = 'f')]
    pub follow: bool,
    /// How a record is printed [default: %s\n]
    #[arg(long, value_name = "FORMAT", conflicts_with_all = ["json", "table"])]
    pub format: Option<String>,
    /// One JSON object a line
    #[arg(long, conflicts_with = "table")]
    pub json: bool,
    /// A table
    #[arg(long)]
    pub table: bool,
    /// How bytes that are no text are shown [default: escape, raw in the default format]
    #[arg(long, value_enum)]
    pub bytes: Option<Bytes>,
    /// Only records of committed transactions
    #[arg(long)]
    pub committed: bool,
}

/// The commands of `corelog log`.
#[derive(Debug, Subcommand)]
pub enum LogCommand {
    /// Prints commits, entries and batches of a data directory and verifies every checksum
    #[command(after_help = "The exit status is 0 if everything is whole, and another if anything is damaged.

Examples:
  corelog log dump ./corelog-data
  corelog log dump ./corelog-data/log-0 --summary")]
    Dump(LogDumpArguments),
    /// Lists segments with what is live in them and what they waste
    #[command(after_help = "Examples:
  corelog log segments ./corelog-data
  corelog log segments --live
  corelog log segments ./corelog-data --json | jq 'map(.live_bytes) | add'")]
    Segments(LogSegmentsArguments),
    /// Reads everything that the index promises, and proves that index, footers and data agree
    #[command(after_help = "The exit status is 0 if everything is as it should be, and another if not.

Example:
  corelog log verify ./corelog-data")]
    Verify(LogVerifyArguments),
}

/// Arguments of `corelog log segments`.
#[derive(Debug, Args)]
pub struct LogSegmentsArguments {
    /// A data directory that no broker has open, or the directory of one log in it
    #[arg(required_unless_present = "live", conflicts_with = "live")]
    pub dir: Option<PathBuf>,
    /// Asks a running broker, at its corelog.metrics.listen
    #[arg(long, value_name = "HOST:PORT", num_args = 0..=1, default_missing_value = "localhost:9644")]
    pub live: Option<String>,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `corelog log verify`.
#[derive(Debug, Args)]
pub struct LogVerifyArguments {
    /// A data directory that no broker has open, or the directory of one log in it
    pub dir: PathBuf,
}

/// Arguments of `corelog log dump`.
#[derive(Debug, Args)]
pub struct LogDumpArguments {
    /// A data directory, or the directory of one log in it
    pub dir: PathBuf,
    /// Only verifies, and prints one line a segment
    #[arg(long)]
    pub summary: bool,
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_declarations_are_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        fn check(command: &clap::Command) {
            for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
                if sub.has_subcommands() {
                    check(sub);
                } else {
                    let help = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
                    assert!(help.contains("Example"), "{} has no example", sub.get_name());
                }
            }
        }
        check(&Arguments::command());
    }
}
