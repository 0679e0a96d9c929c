//! What the tools print against the schemas that are promised.

use std::path::Path;

use corelog_tuning::check::Report;
use corelog_tuning::host::Host;
use corelog_tuning::root::Root;
use corelog_tuning::tunables::list;
use serde_json::{Value, json};

fn schema() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(include_str!("../schema/check.json")).expect("JSON");
    jsonschema::validator_for(&schema).expect("a schema")
}

fn report(host: &Host) -> Value {
    serde_json::to_value(Report::new(host, &list::check_all(host))).expect("what JSON can hold")
}

#[test]
fn the_check_of_this_host_is_valid() {
    let dir = tempfile::tempdir().unwrap();
    let report = report(&Host::here(Some(dir.path()), None));
    let errors: Vec<String> = schema().iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn the_check_of_an_empty_host_is_valid() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host { root: Root::at(dir.path()), ..Host::here(Some(Path::new("/")), Some(vec![0, 5])) };
    assert!(schema().is_valid(&report(&host)));
}

#[test]
fn the_schema_refuses_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let good = report(&Host::here(Some(dir.path()), None));
    for (pointer, bad) in [
        ("/format", json!(2)),
        ("/wrong", json!("no")),
        ("/checks", json!([])),
        ("/checks/0/verdict", json!("fine")),
        ("/checks/0/supported", json!(false)),
        ("/checks/0/how", json!([""])),
    ] {
        let mut changed = good.clone();
        *changed.pointer_mut(pointer).unwrap() = bad;
        assert!(!schema().is_valid(&changed), "{pointer}");
    }
}
