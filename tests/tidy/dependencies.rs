//! Every third-party crate has a comment above it that says why it is here, once, in the workspace's `Cargo.toml`.

use super::SourceFile;

/// Dependencies that carry no reason, and those of a member that do not come from the workspace's table.
pub fn without_reason(files: &[SourceFile]) -> Vec<String> {
    let manifests: Vec<&SourceFile> = files.iter().filter(|file| file.name() == "Cargo.toml").collect();
    manifests.iter().flat_map(|file| in_manifest(file)).collect()
}

fn in_manifest(file: &SourceFile) -> Vec<String> {
    let mut violations = Vec::new();
    let mut in_dependencies = false;
    // True after a comment line, and until a blank line ends the group that the comment heads.
    let mut explained = false;
    for line in file.text.lines().map(str::trim) {
        if line.starts_with('[') {
            in_dependencies = line.trim_matches(['[', ']']).ends_with("dependencies");
            explained = false;
        } else if line.is_empty() {
            explained = false;
        } else if line.starts_with('#') {
            explained = true;
        } else if in_dependencies && let Some((key, value)) = line.split_once('=') {
            let name = key.trim().trim_end_matches(".workspace");
            let own = name == "corelog" || name.starts_with("corelog-");
            let from_workspace = key.trim().ends_with(".workspace") || value.contains("workspace = true");
            if !own && !explained && !from_workspace {
                violations.push(format!("{}: {name}", file.path));
            }
        }
    }
    violations
}

#[test]
fn unexplained_dependency_is_found() {
    let file = |text: &str| vec![SourceFile { path: "Cargo.toml".into(), text: text.into() }];
    assert_eq!(without_reason(&file("[workspace.dependencies]\nserde = \"1\"\n")), ["Cargo.toml: serde"]);
    assert_eq!(
        without_reason(&file("[dev-dependencies]\n# why\na = \"1\"\n\nb = { version = \"1\" }\n")),
        ["Cargo.toml: b"]
    );
    let good = "[workspace.dependencies]\ncorelog-rt = { path = \"x\" }\n# why\na = \"1\"\nb = \"2\"\n[dependencies]\nserde.workspace = true\n";
    assert!(without_reason(&file(good)).is_empty());
}
