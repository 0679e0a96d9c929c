//! File and folder names: one noun that says what is inside.

use super::SourceFile;

const EMPTY: [&str; 9] = ["util", "utils", "helper", "helpers", "common", "manager", "managers", "misc", "impl"];

/// Paths with a part that names nothing.
pub fn empty_names(files: &[SourceFile]) -> Vec<String> {
    files.iter().map(|file| &file.path).filter(|path| path.split('/').any(is_empty)).cloned().collect()
}

fn is_empty(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or(part);
    stem.split(['_', '-']).any(|word| EMPTY.contains(&word))
}

#[test]
fn empty_name_is_found_anywhere_in_a_path() {
    let file = |path: &str| vec![SourceFile { path: path.into(), text: String::new() }];
    for bad in ["engine/src/utils.rs", "engine/src/common/log.rs", "server/src/topic_manager.rs", "a/test-helpers.py"] {
        assert_eq!(empty_names(&file(bad)).len(), 1, "{bad}");
    }
    assert!(empty_names(&file("engine/src/log/utilization.rs")).is_empty());
}
