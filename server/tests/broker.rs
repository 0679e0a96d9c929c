//! A broker and the tools against it, all from the binary.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test drives the binary from outside"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

/// A running broker; killed when dropped.
struct Broker {
    process: Child,
    log: BufReader<ChildStderr>,
    banner: String,
    address: String,
}

impl Broker {
    /// Starts one with one shard and small segments, and waits for its banner.
    fn start(data: &Path) -> Broker {
        let mut process = command()
            .args(["start", "--listen", "127.0.0.1:0", "--set", "corelog.shards=1"])
            .args(["--set", "corelog.segment.bytes=4194304", "--data"])
            .arg(data)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let mut banner = String::new();
        let mut address = None;
        // The row of the process is the last one.
        while !banner.lines().any(|line| line.trim_start().starts_with("process ")) {
            let mut line = String::new();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "the broker ended: {banner}");
            if let Some((_, rest)) = line.split_once("PLAINTEXT on ") {
                address = rest.split(',').next().map(str::to_owned);
            }
            banner.push_str(&line);
        }
        let address = address.expect("the banner says where the broker listens");
        Broker { process, log, banner, address }
    }

    /// Runs a tool against it with `input` on standard input.
    fn tool(&self, arguments: &[&str], input: &str) -> Output {
        let mut tool = command()
            .args(arguments)
            .env("CORELOG_BOOTSTRAP", &self.address)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A tool that refuses its arguments reads nothing.
        let _ = tool.stdin.take().unwrap().write_all(input.as_bytes());
        tool.wait_with_output().unwrap()
    }

    /// Runs a tool that must succeed, and gives what it prints.
    #[track_caller]
    fn ok(&self, arguments: &[&str], input: &str) -> String {
        let output = self.tool(arguments, input);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Asks it to end, and gives its status and what it still said.
    fn stop(mut self) -> (i32, String) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let mut said = String::new();
        self.log.read_to_string(&mut said).unwrap();
        (self.process.wait().unwrap().code().unwrap(), said)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // After `stop` it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_corelog"));
    command.env_clear();
    command
}

/// Numbered lines.
fn numbered(before: &str, count: usize) -> String {
    (0..count).fold(String::new(), |lines, number| lines + before + &number.to_string() + "\n")
}

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_banner_says_what_runs_and_sigterm_ends_it_in_order() {
    let dir = dir();
    let broker = Broker::start(dir.path());
    let data = dir.path().canonicalize().unwrap();
    for part in ["is ready after", "acks=all is answered once synced", "at most", data.to_str().unwrap(), "node 1"] {
        assert!(broker.banner.contains(part), "{part} is missing in {}", broker.banner);
    }
    let (status, said) = broker.stop();
    assert_eq!(status, 0, "{said}");
    // The lock is free again, and the same directory starts again.
    let (status, said) = Broker::start(dir.path()).stop();
    assert_eq!(status, 0, "{said}");
}

#[test]
fn a_second_broker_on_the_directory_is_refused_with_the_first_ones_name() {
    let dir = dir();
    let broker = Broker::start(dir.path());
    let second = command().args(["start", "--listen", "127.0.0.1:0", "--data"]).arg(dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(13), "{said}");
    for part in [format!("process {}", broker.process.id()), "corelog start --listen 127.0.0.1:0".to_owned()] {
        assert!(said.contains(&part), "{part} is missing in {said}");
    }
    let third = command().args(["start", "--listen", &broker.address]).arg("--data").arg(self::dir().path()).output();
    let third = third.unwrap();
    let said = String::from_utf8_lossy(&third.stderr);
    assert_eq!(third.status.code(), Some(11), "{said}");
    assert!(said.contains(&format!("process {}", broker.process.id())), "{said}");
}

#[test]
fn topics_live_from_create_to_delete() {
    let dir = dir();
    let broker = Broker::start(dir.path());
    assert!(broker.ok(&["topic", "list"], "").contains("there are no topics"));
    let created = broker.ok(&["topic", "create", "b", "a", "-p", "3", "-c", "retention.ms=1000000"], "");
    assert!(created.contains("created topic a with 3 partitions, 1 replica each"), "{created}");
    assert!(!broker.tool(&["topic", "create", "a"], "").status.success());
    broker.ok(&["topic", "create", "a", "--if-not-exists"], "");
    broker.ok(&["topic", "alter", "a", "-p", "5", "-c", "retention.bytes=77", "--remove-config", "retention.ms"], "");
    let described: serde_json::Value =
        serde_json::from_str(&broker.ok(&["topic", "describe", "a", "--json"], "")).unwrap();
    assert_eq!(described[0]["partitions"].as_array().unwrap().len(), 5);
    assert_eq!(described[0]["configs"][0]["name"], "retention.bytes");
    assert_eq!(described[0]["configs"].as_array().unwrap().len(), 1);
    let table = broker.ok(&["topic", "describe", "b"], "");
    assert!(table.contains("PARTITION  LEADER  EPOCH") && table.contains("retention.ms  1000000  topic"), "{table}");
    broker.ok(&["topic", "delete", "b"], "");
    let refused = broker.tool(&["topic", "delete", "b"], "");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("UNKNOWN_TOPIC_OR_PARTITION"));
    broker.ok(&["topic", "delete", "b", "--if-exists"], "");
    let listed = broker.ok(&["topic", "list"], "");
    assert!(listed.lines().skip(1).map(|line| &line[..1]).eq(["a"]), "{listed}");
}

#[test]
fn records_come_back_as_they_were_sent() {
    let dir = dir();
    let broker = Broker::start(dir.path());
    broker.ok(&["topic", "create", "t", "-p", "2"], "");
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        broker.ok(&["produce", "t", "-p", "0", "-z", codec, "-q"], &format!("one {codec}\ntwo {codec}\n"));
    }
    let expected: String =
        ["none", "gzip", "snappy", "lz4", "zstd"].map(|codec| format!("one {codec}\ntwo {codec}\n")).concat();
    assert_eq!(broker.ok(&["consume", "t"], ""), expected);
    assert_eq!(broker.ok(&["consume", "t", "--from", "-1", "-p", "0", "--format", "%o %s"], ""), "9 two zstd");
    assert_eq!(broker.ok(&["consume", "t", "--from", "3", "-p", "0", "-n", "1"], ""), "two gzip\n");
    let lines = "k\u{e9}y:v\nNULL:NULL\n";
    let flags = ["-K", ":", "--null-marker", "NULL", "-H", "h=1", "-H", "h=2", "--timestamp", "1970-01-01T00:00:01Z"];
    broker.ok(&[&["produce", "t", "-p", "1", "--acks", "1"][..], &flags].concat(), lines);
    let json = broker.ok(&["consume", "t", "-p", "1", "--json"], "");
    let headers = r#""headers":[{"name":"h","value":"1"},{"name":"h","value":"2"}]"#;
    let first =
        format!(r#"{{"topic":"t","partition":1,"offset":0,"timestamp":1000,"key":"kéy","value":"v",{headers}}}"#);
    let second =
        format!(r#"{{"topic":"t","partition":1,"offset":1,"timestamp":1000,"key":null,"value":null,{headers}}}"#);
    assert_eq!(json, format!("{first}\n{second}\n"));
    broker.ok(&["produce", "t", "-p", "1", "--json"], &json);
    assert_eq!(broker.ok(&["consume", "t", "-p", "1", "--from", "2", "--json"], "").lines().count(), 2);
    let table = broker.ok(&["consume", "t", "-p", "1", "-n", "1", "--table"], "");
    assert!(table.contains("1970-01-01T00:00:01.000Z  kéy  v      h=1,h=2"), "{table}");
}

#[test]
fn records_survive_a_restart_and_the_dump_verifies_them() {
    let dir = dir();
    let broker = Broker::start(dir.path());
    let lines: String = numbered("record number ", 20_000);
    broker.ok(&["produce", "new", "-q"], &lines);
    assert_eq!(broker.stop().0, 0);
    let dump = command().args(["log", "dump"]).arg(dir.path()).output().unwrap();
    let text = String::from_utf8(dump.stdout).unwrap();
    assert_eq!(dump.status.code(), Some(0), "{}", String::from_utf8_lossy(&dump.stderr));
    for part in ["commit ", "batch of topic 1", "crc 0x", "clean shutdown", "nothing is damaged"] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    let verify = || command().args(["log", "verify"]).arg(dir.path()).output().unwrap();
    let verified = verify();
    let text = String::from_utf8_lossy(&verified.stdout);
    assert!(verified.status.success() && text.contains(" batches, "), "{text}");
    let segments = command().args(["log", "segments", "--json"]).arg(dir.path()).output().unwrap();
    let text = String::from_utf8(segments.stdout).unwrap();
    assert!(segments.status.success() && text.contains(r#""state":"current""#), "{text}");
    damage(dir.path(), b"record number 17");
    assert_eq!(verify().status.code(), Some(33));
    let dump = command().args(["log", "dump", "--summary"]).arg(dir.path()).output().unwrap();
    assert_eq!(dump.status.code(), Some(33), "{}", String::from_utf8_lossy(&dump.stderr));
    let text = String::from_utf8(dump.stdout).unwrap();
    assert!(text.contains("is damaged at position") && text.contains("checksum"), "{text}");
    let start = command().args(["start", "--listen", "127.0.0.1:0", "--data"]).arg(dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&start.stderr);
    assert_eq!(start.status.code(), Some(33), "{said}");
    assert!(said.contains(".segment is damaged at position") && said.contains("corelog log dump"), "{said}");
    damage(dir.path(), b"record number 17");
    let broker = Broker::start(dir.path());
    assert_eq!(broker.ok(&["consume", "new"], ""), lines);
}

/// Turns over a bit at the first place that holds `text` near the start of a segment; twice, and it is as it was.
fn damage(data: &Path, text: &[u8]) {
    let first = text[0];
    for dir in data.read_dir().unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for file in dir.read_dir().unwrap().map(|entry| entry.unwrap().path()) {
            let mut bytes = std::fs::read(&file).unwrap();
            let found = |window: &[u8]| (window[0] == first || window[0] == first ^ 1) && window[1..] == text[1..];
            if let Some(at) = bytes[..bytes.len().min(1 << 20)].windows(text.len()).position(found) {
                bytes[at] ^= 1;
                std::fs::write(&file, bytes).unwrap();
                return;
            }
        }
    }
    panic!("no segment holds the text");
}

#[test]
fn a_reader_that_goes_away_ends_a_tool_quietly() {
    let dir = dir();
    let broker = Broker::start(dir.path());
    let lines: String = numbered("", 50_000);
    broker.ok(&["produce", "t", "-q"], &lines);
    let mut consumer = command()
        .args(["consume", "t", "--bootstrap", &broker.address])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 2];
    consumer.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = consumer.wait_with_output().unwrap();
    assert_eq!(&first, b"0\n");
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn what_the_broker_refuses_ends_a_tool_with_its_words() {
    let dir = dir();
    let broker = Broker::start(dir.path());
    let refused = |arguments: &[&str], input: &str, status: i32, part: &str| {
        let output = broker.tool(arguments, input);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
        assert!(said.contains(part), "{part} is missing in {said}");
    };
    refused(&["consume", "missing"], "", 1, "UNKNOWN_TOPIC_OR_PARTITION");
    refused(&["topic", "create", "no/slash"], "", 1, "INVALID_TOPIC_EXCEPTION");
    refused(&["topic", "create", "t", "-c", "retention.m=1"], "", 1, "INVALID_CONFIG");
    broker.ok(&["topic", "create", "t", "-c", "max.message.bytes=1000"], "");
    refused(&["produce", "t"], &"x".repeat(5000), 1, "MESSAGE_TOO_LARGE");
    refused(&["produce", "t", "-p", "7"], "x\n", 2, "partition 7 does not exist");
    refused(&["consume", "t", "-p", "7"], "", 2, "partition 7 does not exist");
    refused(&["produce", "t", "-K", ":"], "no key\n", 1, "line 1: the key separator is missing");
    refused(&["produce", "t", "--json"], "{\n", 1, "line 1:");
}
