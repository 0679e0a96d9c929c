//! Workload files in the format of `OpenMessaging` Benchmark, whose names (`messageSize`) stand beside those of this tool's own options
//! (`linger-ms`). Unknown names are refused; names that mean nothing here are named in a warning.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use super::Workload;

/// Keys that `OpenMessaging` Benchmark takes in turn.
const KEYS_IN_TURN: &str = "round-robin:10000";
/// What stands for its keys made of the time.
const KEYS_DRAWN: &str = "uniform:10000";
/// Its warm-up where a file names none.
const WARM_UP_MINUTES: f64 = 1.0;
/// Its names that have no meaning here, each with the reason.
const MEANINGLESS: [(&str, &str); 2] = [
    ("randomizedPayloadPoolSize", "every value is cut anew from a large pool"),
    ("backlogDrainRatio", "no backlog is built"),
];

/// What a file says.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkloadFile {
    /// Its name for itself.
    pub name: Option<String>,
    /// Options of this tool, by their names.
    pub options: Map<String, Value>,
    /// What of it has no meaning here.
    pub warnings: Vec<String>,
}

/// Reads a file.
///
/// # Errors
/// No file, no YAML, names that do not exist, values that cannot be.
pub fn read(path: &Path) -> Result<WorkloadFile> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| format!("{} is no workload", path.display()))
}

/// Reads the text of a file.
///
/// # Errors
/// As [`read`].
pub fn parse(text: &str) -> Result<WorkloadFile> {
    let given: Map<String, Value> = serde_saphyr::from_str(text)?;
    let own = serde_json::to_value(Workload::default())?;
    let is_own = |name: &str| own.as_object().is_some_and(|own| own.contains_key(name));
    let mut file = WorkloadFile { name: None, options: Map::new(), warnings: Vec::new() };
    let mut foreign = Foreign::default();
    for (name, value) in given {
        // `topics` means the same to both.
        if is_own(&name) {
            file.options.insert(name, value);
        } else if let Some((_, reason)) = MEANINGLESS.iter().find(|(meaningless, _)| *meaningless == name) {
            file.warnings.push(format!("{name} means nothing here: {reason}"));
        } else if name == "name" {
            file.name = value.as_str().map(str::to_owned);
        } else {
            foreign.take(&name, &value)?;
        }
    }
    foreign.translate(&mut file)?;
    Ok(file)
}

/// What a file says in the names of `OpenMessaging` Benchmark that depend on each other.
#[derive(Default)]
struct Foreign {
    options: Vec<(&'static str, Value)>,
    subscriptions: Option<u64>,
    consumers: Option<u64>,
    producers: Option<u64>,
    use_random: Option<bool>,
    random_ratio: Option<f64>,
    warm_up_minutes: Option<f64>,
    is_foreign: bool,
}

impl Foreign {
    fn take(&mut self, name: &str, value: &Value) -> Result<()> {
        let wrong = || format!("{name} cannot be {value}");
        let count = || value.as_u64().with_context(wrong);
        let number = || value.as_f64().filter(|number| number.is_finite() && *number >= 0.0).with_context(wrong);
        let text = || value.as_str().with_context(wrong);
        self.is_foreign = true;
        match name {
            "partitionsPerTopic" => self.options.push(("partitions", count()?.into())),
            "messageSize" => self.options.push(("record-bytes", count()?.into())),
            "payloadFile" => {
                // There, the whole file is one payload of `messageSize` bytes; here, pieces of that size are cut from it.
                self.options.push(("payload-file", text()?.into()));
                self.options.push(("payload-split", "size".into()));
            }
            "useRandomizedPayloads" => self.use_random = Some(value.as_bool().with_context(wrong)?),
            "randomBytesRatio" => self.random_ratio = Some(number()?),
            "subscriptionsPerTopic" => self.subscriptions = Some(count()?),
            "consumerPerSubscription" => self.consumers = Some(count()?),
            "producersPerTopic" => self.producers = Some(count()?),
            // There, 0 asks for the highest rate that the broker sustains: here, for no rate.
            "producerRate" => {
                let rate = number()?;
                self.options.push(("rate", if rate > 0.0 { rate.into() } else { Value::Null }));
            }
            "testDurationMinutes" => self.options.push(("duration", (number()? * 60.0).into())),
            "warmupDurationMinutes" => self.warm_up_minutes = Some(number()?),
            "keyDistributor" => match text()? {
                "NO_KEY" => {}
                "KEY_ROUND_ROBIN" => self.options.push(("keys", KEYS_IN_TURN.into())),
                "RANDOM_NANO" => self.options.push(("keys", KEYS_DRAWN.into())),
                other => bail!("keyDistributor cannot be {other}: NO_KEY, KEY_ROUND_ROBIN or RANDOM_NANO"),
            },
            "consumerBacklogSizeGB" => {
                if number()? > 0.0 {
                    bail!("consumerBacklogSizeGB: no backlog is built here; --mode consume --fill-megabytes reads one");
                }
            }
            _ => bail!("no option {name}, neither of OpenMessaging Benchmark's workloads nor of this tool"),
        }
        Ok(())
    }

    fn translate(self, file: &mut WorkloadFile) -> Result<()> {
        let topics = file.options.get("topics").map_or(Some(1), Value::as_u64).context("topics cannot be that")?;
        let mut put = |name: &str, value: Value| -> Result<()> {
            match file.options.insert(name.to_owned(), value) {
                None => Ok(()),
                Some(_) => bail!("{name} is given under two names"),
            }
        };
        for (name, value) in self.options {
            put(name, value)?;
        }
        if let Some(producers) = self.producers {
            if producers == 0 {
                bail!("producersPerTopic cannot be 0: --mode consume reads without producers");
            }
            put("connections", (producers * topics).into())?;
        }
        match (self.subscriptions, self.consumers) {
            (None, None) => {}
            (Some(0), _) | (_, Some(0)) => put("mode", "produce".into())?,
            (subscriptions, consumers) => {
                put("mode", "end-to-end".into())?;
                put("groups", subscriptions.unwrap_or(1).into())?;
                put("consumers", (consumers.unwrap_or(1) * topics).into())?;
            }
        }
        if self.use_random == Some(true) {
            put("random-bytes-ratio", self.random_ratio.unwrap_or(0.0).into())?;
        }
        if let Some(minutes) = self.warm_up_minutes.or(self.is_foreign.then_some(WARM_UP_MINUTES)) {
            put("warm-up", (minutes * 60.0).into())?;
        }
        Ok(())
    }
}

impl WorkloadFile {
    /// The workload: what `given` of the command line's options says wins, then the file, then the defaults.
    ///
    /// # Errors
    /// Values that cannot be.
    pub fn workload(&self, command_line: &Workload, given: &[String]) -> Result<Workload> {
        let mut options = self.options.clone();
        let Value::Object(own) = serde_json::to_value(command_line)? else { bail!("a workload is no map") };
        for (name, value) in own {
            if given.iter().any(|given| given.replace('_', "-") == name) {
                options.insert(name, value);
            }
        }
        Ok(serde_json::from_value(Value::Object(options))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::{KeyDistribution, Mode, PayloadSplit, RecordSize};

    const SIMPLE: &str = "name: 2 topics / 16 partitions / 1Kb\n\
                          topics: 2\npartitionsPerTopic: 16\nkeyDistributor: \"NO_KEY\"\nmessageSize: 1024\n\
                          payloadFile: \"payload/payload-1Kb.data\"\nsubscriptionsPerTopic: 3\nconsumerPerSubscription: 1\n\
                          producersPerTopic: 2\nproducerRate: 50000\nconsumerBacklogSizeGB: 0\ntestDurationMinutes: 15\n";

    fn workload(text: &str) -> Result<Workload> {
        parse(text)?.workload(&Workload::default(), &[])
    }

    #[test]
    fn a_file_of_openmessaging_benchmark_is_read() {
        let file = parse(SIMPLE).unwrap();
        assert_eq!((file.name.as_deref(), file.warnings.len()), (Some("2 topics / 16 partitions / 1Kb"), 0));
        let expected = Workload {
            mode: Mode::EndToEnd,
            topics: 2,
            partitions: 16,
            record_bytes: RecordSize::Fixed(1024),
            payload_file: Some("payload/payload-1Kb.data".into()),
            payload_split: PayloadSplit::Size,
            groups: 3,
            consumers: 2,
            connections: 4,
            rate: Some(50_000.0),
            duration: 900.0,
            warm_up: 60.0,
            ..Workload::default()
        };
        assert_eq!(workload(SIMPLE).unwrap(), expected);
    }

    #[test]
    fn names_of_both_kinds_stand_side_by_side_and_the_command_line_wins() {
        let text = "messageSize: 200\nproducerRate: 0\nlinger-ms: 1\nwarmupDurationMinutes: 0.5\nsubscriptionsPerTopic: 0\n\
                    useRandomizedPayloads: true\nrandomBytesRatio: 0.5\nrandomizedPayloadPoolSize: 100\nkeyDistributor: KEY_ROUND_ROBIN\n";
        let file = parse(text).unwrap();
        assert_eq!(file.warnings.len(), 1);
        assert!(file.warnings[0].contains("randomizedPayloadPoolSize"));
        let given = Workload { linger_ms: 7.0, batch_bytes: 1, ..Workload::default() };
        let workload = file.workload(&given, &["linger_ms".to_owned()]).unwrap();
        assert_eq!((workload.linger_ms, workload.batch_bytes, workload.rate), (7.0, 1_000_000, None));
        assert_eq!((workload.mode, workload.warm_up, workload.random_bytes_ratio), (Mode::Produce, 30.0, Some(0.5)));
        assert_eq!(workload.keys, Some(KeyDistribution::RoundRobin(10_000)));
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (text, word) in [
            ("mesageSize: 10\n", "mesageSize"),
            ("messageSize: big\n", "messageSize"),
            ("messageSize: 10\n", "is no size"),
            ("keyDistributor: SOME\n", "SOME"),
            ("consumerBacklogSizeGB: 5\n", "consumerBacklogSizeGB"),
            ("producersPerTopic: 0\n", "producersPerTopic"),
            ("messageSize: 100\nrecord-bytes: 100\n", "two names"),
            ("- a\n- b\n", ""),
        ] {
            let error = format!("{:#}", workload(text).unwrap_err());
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
