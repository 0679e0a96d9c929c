//! What the tools print against the schemas that are promised.

use std::path::Path;
use std::time::Duration;

use corelog_tuning::check::Report;
use corelog_tuning::host::Host;
use corelog_tuning::probe::plan;
use corelog_tuning::probe::properties::Properties;
use corelog_tuning::probe::sample::Gathered;
use corelog_tuning::root::Root;
use corelog_tuning::tunables::list;
use serde_json::{Value, json};

const CHECK: &str = include_str!("../schema/check.json");
const PROBE: &str = include_str!("../schema/probe.json");

fn schema(text: &str) -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(text).expect("JSON");
    jsonschema::validator_for(&schema).expect("a schema")
}

fn errors(schema_text: &str, printed: &Value) -> Vec<String> {
    schema(schema_text).iter_errors(printed).map(|error| error.to_string()).collect()
}

fn assert_refuses(schema_text: &str, good: &Value, changes: &[(&str, Value)]) {
    let schema = schema(schema_text);
    assert!(schema.is_valid(good));
    for (pointer, bad) in changes {
        let mut changed = good.clone();
        changed.pointer_mut(pointer).expect("it is there").clone_from(bad);
        assert!(!schema.is_valid(&changed), "{pointer}");
    }
}

fn report(host: &Host) -> Value {
    serde_json::to_value(Report::new(host, &list::check_all(host))).expect("what JSON can hold")
}

/// What a probe prints that measured every cell: one operation of each, in the time that the size takes at 100 MB/s.
fn probed(dir: &Path) -> Value {
    let measure = |cell: plan::Cell| {
        let mut gathered = Gathered::default();
        let time = Duration::from_nanos(cell.bytes as u64 * 10);
        gathered.add(time);
        gathered.took(time);
        gathered.sample(cell)
    };
    let samples = plan::cells().into_iter().map(measure).collect();
    let properties = Properties::new(&Host::here(Some(dir), None), samples, 1).expect("a disk");
    serde_json::to_value(properties.shared_with(0.1)).expect("what JSON can hold")
}

#[test]
fn the_check_of_this_host_is_valid() {
    let dir = tempfile::tempdir().unwrap();
    let errors = errors(CHECK, &report(&Host::here(Some(dir.path()), None)));
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn the_check_of_an_empty_host_is_valid() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host { root: Root::at(dir.path()), ..Host::here(Some(Path::new("/")), Some(vec![0, 5])) };
    let errors = errors(CHECK, &report(&host));
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn what_a_probe_prints_is_valid() {
    let dir = tempfile::tempdir().unwrap();
    let whole = probed(dir.path());
    assert!(whole["flush"].is_object() && whole["knee"].is_object(), "{whole}");
    let nothing = Properties::new(&Host::here(Some(dir.path()), None), Vec::new(), 1).expect("a disk");
    for printed in [whole, serde_json::to_value(nothing).unwrap()] {
        let errors = errors(PROBE, &printed);
        assert!(errors.is_empty(), "{errors:?}");
    }
}

#[test]
fn the_schemas_refuse_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let changes = [
        ("/format", json!(2)),
        ("/wrong", json!("no")),
        ("/checks", json!([])),
        ("/checks/0/verdict", json!("fine")),
        ("/checks/0/supported", json!(false)),
        ("/checks/0/how", json!([""])),
    ];
    assert_refuses(CHECK, &report(&Host::here(Some(dir.path()), None)), &changes);
    let changes = [
        ("/format", json!(2)),
        ("/measured_ms", json!(-1)),
        ("/settings/write_mode", json!("hope")),
        ("/settings/read_block_bytes", json!(5000)),
        ("/device/file_system", json!("sda1")),
        ("/samples/0/operation", json!("sync")),
        ("/samples/0/p50_us", json!(-1.0)),
        ("/samples/0/depth", json!(0)),
        ("/knee", json!({})),
    ];
    assert_refuses(PROBE, &probed(dir.path()), &changes);
}
