//! The binary refuses what cannot work: what it says, and with which exit status.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test drives the binary from outside")]

use std::path::Path;
use std::process::{Command, Output};

struct Said {
    status: i32,
    text: String,
}

fn said(output: &Output) -> Said {
    let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    Said { status: output.status.code().unwrap(), text }
}

/// Runs the binary without the environment's settings.
fn corelog(arguments: &[&str]) -> Said {
    limited("true", arguments)
}

/// Runs the binary after `limit` in the same shell.
fn limited(limit: &str, arguments: &[&str]) -> Said {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{limit} && exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_corelog")]);
    said(&command.args(arguments).env_clear().env("PATH", "/usr/bin:/bin").output().unwrap())
}

#[track_caller]
fn assert_said(said: &Said, status: i32, parts: &[&str]) {
    assert_eq!(said.status, status, "{}", said.text);
    for part in parts {
        assert!(said.text.contains(part), "\"{part}\" is missing in: {}", said.text);
    }
}

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn unknown_settings_come_back_with_the_nearest() {
    let dir = dir();
    let file = dir.path().join("server.properties");
    std::fs::write(&file, "# comment\nnode.id=1\nlog.dirss=/x\n").unwrap();
    let place = format!("{}, line 3", file.display());
    assert_said(
        &corelog(&["start", "--config", text(&file)]),
        10,
        &["log.dirss", "did you mean \"log.dirs\"?", &place],
    );
    assert_said(&corelog(&["start", "--set", "nod.id=1"]), 10, &["did you mean \"node.id\"?"]);
    let output = Command::new(env!("CARGO_BIN_EXE_corelog")).arg("start").env("CORELOG_SHARD", "1").output().unwrap();
    assert_said(&said(&output), 10, &["CORELOG_SHARD", "did you mean \"corelog.shards\"?"]);
}

#[test]
fn values_that_make_no_sense_are_refused() {
    assert_said(&corelog(&["start", "--set", "num.partitions=many"]), 10, &["num.partitions", "many"]);
    assert_said(&corelog(&["start", "--listen", "nowhere"]), 10, &["--listen", "expected ADDR:PORT"]);
    assert_said(&corelog(&["start", "--set", "listeners=SSL://:9093"]), 10, &["only PLAINTEXT is served"]);
    assert_said(&corelog(&["start", "--config", "/no/such/file"]), 10, &["/no/such/file"]);
    assert_said(&corelog(&["start", "--config", "/"]), 10, &["cannot read"]);
}

#[test]
#[expect(clippy::disallowed_types, reason = "takes a port away from the broker")]
fn a_port_in_use_names_its_holder() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let dir = dir();
    let said = corelog(&["start", "--listen", &address, "--data", text(dir.path())]);
    let holder = format!("by process {}", std::process::id());
    assert_said(&said, 11, &["in use", &holder, "--listen localhost:PORT"]);
    assert_eq!(dir.path().read_dir().unwrap().count(), 0, "a start that cannot be leaves nothing behind");
}

#[test]
fn an_address_of_another_host_is_refused() {
    assert_said(&corelog(&["start", "--listen", "192.0.2.1:0"]), 20, &["no such address"]);
    assert_said(&corelog(&["start", "--listen", "no-such-host.invalid:0"]), 20, &["must resolve"]);
}

#[test]
fn a_directory_that_cannot_be_made_is_refused() {
    let said = corelog(&["start", "--listen", "localhost:0", "--data", "/sys/corelog"]);
    assert_said(&said, 12, &["/sys/corelog", "--data DIR"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    let said = corelog(&["start", "--listen", "localhost:0", "--data", text(file.path())]);
    assert_said(&said, 10, &["a file is in the way"]);
}

#[test]
fn a_directory_that_is_held_names_its_holder() {
    let dir = dir();
    let _lock = corelog_rt::dir::lock(dir.path()).unwrap();
    let said = corelog(&["start", "--listen", "localhost:0", "--data", text(dir.path())]);
    let holder = format!("process {} (", std::process::id());
    assert_said(&said, 13, &["is held by", &holder, "stop that broker first"]);
}

#[test]
fn a_file_system_in_memory_is_refused() {
    let dir = tempfile::tempdir_in("/dev/shm").unwrap();
    let said = corelog(&["start", "--listen", "localhost:0", "--data", text(dir.path())]);
    assert_said(&said, 17, &["tmpfs", "XFS"]);
}

#[test]
fn limits_that_are_too_low_come_with_the_lines_to_raise_them() {
    let dir = dir();
    let arguments = ["start", "--listen", "localhost:0", "--set", "corelog.shards=2", "--data", text(dir.path())];
    let said = limited("ulimit -l 256", &arguments);
    assert_said(&said, 15, &["locked memory", "ulimit -l 512", "LimitMEMLOCK=infinity", "limits.conf"]);
    let said = limited("ulimit -n 100", &arguments);
    assert_said(&said, 19, &["open files", "ulimit -n", "LimitNOFILE"]);
}

#[test]
fn a_newer_layout_is_refused() {
    let dir = dir();
    std::fs::write(dir.path().join("corelog.properties"), "layout.version=99\n").unwrap();
    let said = corelog(&["start", "--listen", "localhost:0", "--data", text(dir.path())]);
    assert_said(&said, 14, &["layout version 99", "start the newer corelog that wrote it"]);
}

#[test]
fn a_directory_of_kafka_is_refused() {
    let dir = dir();
    std::fs::write(dir.path().join("meta.properties"), "version=1\nnode.id=1\n").unwrap();
    let said = corelog(&["start", "--listen", "localhost:0", "--data", text(dir.path())]);
    assert_said(&said, 10, &["Apache Kafka", "another directory"]);
}

#[test]
fn tools_without_a_broker_say_how_to_get_one() {
    let said = corelog(&["topic", "list", "--bootstrap", "localhost:1"]);
    assert_said(&said, 3, &["cannot connect to localhost:1", "corelog start", "--bootstrap HOST:PORT"]);
    for arguments in [&["produce", "t", "--file", "/dev/null"][..], &["consume", "t"]] {
        let arguments: Vec<&str> = arguments.iter().chain(&["--bootstrap", "localhost:1"]).copied().collect();
        assert_said(&corelog(&arguments), 3, &["is the broker running?"]);
    }
}

#[test]
fn arguments_that_make_no_sense_are_usage_errors() {
    assert_said(&corelog(&["frobnicate"]), 2, &["frobnicate", "--help"]);
    assert_said(&corelog(&["consume", "t", "--format", "%x"]), 2, &["%x is no field"]);
    assert_said(&corelog(&["consume", "t", "--from", "yesterday"]), 2, &["beginning, end, an offset"]);
    assert_said(&corelog(&["produce", "t", "-K", "\\q"]), 2, &["is unknown"]);
    assert_said(&corelog(&["topic", "alter", "t"]), 2, &["required"]);
    assert_said(&corelog(&["topic", "list", "--log-level", "a=b=c"]), 2, &["--log-level"]);
}

#[test]
fn a_dump_of_what_is_no_log_is_refused() {
    let dir = dir();
    assert_said(&corelog(&["log", "dump", text(dir.path())]), 1, &["holds no log"]);
    assert_said(&corelog(&["log", "dump", "/no/such/dir"]), 10, &["/no/such/dir"]);
}

#[test]
fn help_and_version_succeed_and_survive_a_closed_pipe() {
    assert_said(&corelog(&["--version"]), 0, &[env!("CARGO_PKG_VERSION")]);
    assert_said(&corelog(&["start", "--help"]), 0, &["--listen", "Examples:"]);
    let script = format!("{{ {} consume --help; echo status $? >&2; }} | true", env!("CARGO_BIN_EXE_corelog"));
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr).trim(), "status 0");
}
