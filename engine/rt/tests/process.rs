//! What a whole process shows to others: exit codes, signals, the lock on a directory, start errors.
#![cfg(not(sim))]
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use corelog_rt::fatal::{self, Reason};
use corelog_rt::{dir, runtime, signal, testing, time};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const ROLE: &str = "CORELOG_TEST_ROLE";
const DIRECTORY: &str = "CORELOG_TEST_DIRECTORY";

/// Runs this test program again, to play `role` in `child_plays_its_role`.
fn start(role: &str, directory: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child_plays_its_role", "--nocapture", "--test-threads=1"]);
    command.env(ROLE, role).env(DIRECTORY, directory);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until the child says that it is ready. The pipe must stay open for what it says later.
fn wait_ready(child: &mut Child) -> impl Read + use<> {
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("child is ready") {
        line.clear();
        assert!(output.read_line(&mut line).unwrap() > 0, "the child ended early");
    }
    output
}

fn standard_error(child: &mut Child) -> String {
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn child_plays_its_role() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let directory = PathBuf::from(std::env::var_os(DIRECTORY).unwrap());
    let config = runtime::Config { shards: 2, cpus: Some(Vec::new()), ..runtime::Config::default() };
    let ended = runtime::run(&config, move |shard| {
        let (role, directory) = (role.clone(), directory.clone());
        async move {
            match (role.as_str(), shard) {
                ("exit", 1) => fatal::exit(Reason::DeviceSyncFailed, "the disk is gone"),
                ("panic", 1) => panic!("a shard fails"),
                ("terminate", shard) => {
                    let lock = (shard == 0).then(|| dir::lock(&directory).unwrap());
                    let termination = signal::termination();
                    if lock.is_some() {
                        // The parent sends the signal at once: nobody awaits it yet.
                        println!("child is ready");
                        time::sleep(Duration::from_millis(50)).await;
                    }
                    termination.await;
                }
                _ => std::future::pending().await,
            }
        }
    });
    ended.unwrap();
}

#[test]
fn fatal_exit_says_why_and_ends_all_shards_with_its_code() {
    let mut child = start("exit", Path::new("/"));
    assert_eq!(child.wait().unwrap().code(), Some(Reason::DeviceSyncFailed.code()));
    let said = standard_error(&mut child);
    assert!(said.contains("corelog: device sync failed: the disk is gone (exit code 31)"), "{said}");
}

#[test]
fn panic_of_one_shard_ends_the_process() {
    use std::os::unix::process::ExitStatusExt;
    let mut child = start("panic", Path::new("/"));
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(6), "aborted: {status}");
    assert!(standard_error(&mut child).contains("a shard fails"));
}

#[test]
fn termination_ends_every_shard_and_frees_the_lock() {
    let directory = testing::temp_dir();
    let mut child = start("terminate", &directory);
    let _output = wait_ready(&mut child);
    let error = dir::lock(&directory).unwrap_err();
    let dir::LockError::Held { holder_pid, holder_command, .. } = &error else { panic!("{error}") };
    assert_eq!(*holder_pid, Some(child.id()));
    assert!(holder_command.as_ref().unwrap().contains("child_plays_its_role"), "{error}");
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(child.wait().unwrap().success(), "{}", standard_error(&mut child));
    dir::lock(&directory).unwrap();
}

#[test]
fn every_reason_has_its_own_exit_code() {
    use Reason::*;
    let start_reasons = [
        BadConfiguration,
        PortInUse,
        PermissionDenied,
        DataDirectoryLocked,
        NewerFormat,
        MemoryLockLimit,
        NoIoUring,
        NoDirectIo,
        DiskFullAtStart,
        OpenFilesLimit,
        BadAddress,
        StartFailed,
    ];
    let later_reasons = [
        DeviceWriteFailed,
        DeviceSyncFailed,
        DeviceReadFailed,
        CorruptSegment,
        MemoryBudget,
        MetadataInvalid,
        ShardStalled,
    ];
    let codes: BTreeSet<i32> = start_reasons.iter().chain(&later_reasons).map(|reason| reason.code()).collect();
    assert_eq!(codes.len(), start_reasons.len() + later_reasons.len());
    assert!(codes.iter().all(|code| (10..64).contains(code)), "apart from what shells and signals use");
}

#[test]
fn unusable_settings_are_refused() {
    let none = runtime::Config { shards: 0, ..runtime::Config::default() };
    assert_eq!(runtime::run(&none, |_| async {}).unwrap_err().reason(), Reason::BadConfiguration);
    let hasty = runtime::Config { preempt_timer: Duration::from_millis(1), ..runtime::Config::default() };
    assert_eq!(runtime::run(&hasty, |_| async {}).unwrap_err().reason(), Reason::BadConfiguration);
    let absent = runtime::Config { cpus: Some(vec![100_000]), ..runtime::Config::default() };
    assert_eq!(runtime::run(&absent, |_| async {}).unwrap_err().reason(), Reason::StartFailed);
}

#[test]
fn refused_direct_io_is_named() {
    // A file system without direct I/O that every Linux has, and in which files can be opened for writing.
    let path = Path::new("/proc/self/comm");
    testing::run(move || async move {
        let error = corelog_rt::file::DirectFile::open(path).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::Unsupported, "{error}");
        assert_eq!(Reason::of_start_error(&error), Reason::NoDirectIo);
        assert!(error.to_string().contains("O_DIRECT"), "{error}");
    });
}

#[test]
fn a_process_knows_what_it_has_used() {
    let used = corelog_rt::process::usage().unwrap();
    assert!(used.cpu > Duration::ZERO);
    assert!(used.resident_bytes > 0 && used.resident_bytes <= used.virtual_bytes, "{used:?}");
    assert!(used.open_files_max > 0);
}
