//! Who touches the machine: the runtime, clocks, threads, files and sockets belong to `engine/rt` alone.

use super::SourceFile;
use super::allowance::{self, Allowance};

const SEAM: &str = "engine/rt/";
const MACHINE: [&str; 9] = [
    "glommio",
    "libc::",
    "std::thread",
    "std::fs",
    "std::net::Tcp",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::process::exit",
    "std::os::fd",
];
/// Members of `std` that may not be imported through a group either: `use std::{fs, io};`.
const GROUPED: [&str; 2] = ["fs", "thread"];

/// Uses outside the seam. An allowance is a path, or a folder that ends with `/`.
pub fn crossings(files: &[SourceFile], allowed: &[Allowance]) -> Vec<String> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| !file.path.starts_with(SEAM)) {
        let found = if file.extension() == "rs" {
            in_code(&file.text)
        } else if file.name() == "Cargo.toml" && file.path != "Cargo.toml" && file.text.contains("glommio") {
            vec!["glommio".to_owned()]
        } else {
            Vec::new()
        };
        if found.is_empty() || allowance::find(allowed, |entry| covers(entry, &file.path)).is_some() {
            continue;
        }
        violations.push(format!("{}: {}", file.path, found.join(", ")));
    }
    violations.extend(allowance::unused(allowed));
    violations
}

fn covers(entry: &str, path: &str) -> bool {
    entry == path || (entry.ends_with('/') && path.starts_with(entry))
}

fn in_code(text: &str) -> Vec<String> {
    let code: String = text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n");
    let mut found: Vec<String> = MACHINE.iter().filter(|word| code.contains(**word)).map(ToString::to_string).collect();
    for group in code.split("std::{").skip(1) {
        let members = group.split(';').next().unwrap_or(group);
        let words = members.split(|c: char| !c.is_alphanumeric() && c != '_');
        found.extend(words.filter(|word| GROUPED.contains(word)).map(|word| format!("std::{{{word}}}")));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> Vec<SourceFile> {
        vec![SourceFile { path: path.into(), text: text.into() }]
    }

    #[test]
    fn machine_access_is_found_outside_the_seam_only() {
        for code in [
            "use std::fs;",
            "let x = libc::getpid();",
            "use std::{\n    fmt,\n    fs::File,\n};",
            "glommio::spawn_local(x);",
        ] {
            assert_eq!(crossings(&file("engine/src/log/x.rs", code), &[]).len(), 1, "{code}");
            assert!(crossings(&file("engine/rt/src/x.rs", code), &[]).is_empty(), "{code}");
        }
        assert!(crossings(&file("engine/src/log/x.rs", "// std::fs is banned\nuse std::{fmt, io};"), &[]).is_empty());
    }

    #[test]
    fn allowance_covers_its_folder_and_must_be_needed() {
        let allowed = allowance::parse("tests/ drives real processes\n");
        assert!(crossings(&file("tests/src/x.rs", "use std::fs;"), &allowed).is_empty());
        let stale = allowance::parse("tests/ drives real processes\n");
        assert_eq!(crossings(&file("server/src/x.rs", "use std::io;"), &stale).len(), 1);
    }
}
