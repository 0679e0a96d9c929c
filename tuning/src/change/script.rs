//! The changes as a shell script, for people who look before they leap.
//!
//! Pure text; run by nobody here.

use std::fmt::Write;

use super::keep::Kept;
use crate::check::Check;

/// A script for `sh` that makes the changes of `checks` and writes `files`.
pub fn text(checks: &[Check], files: &[Kept]) -> String {
    let mut out = String::from("#!/bin/sh\n# Made by `corelog tune apply --dry-run`. Run it as root.\nset -eu\n");
    // Writing to a string cannot fail.
    for check in checks.iter().filter(|check| !check.changes.is_empty()) {
        let _ = writeln!(out, "\n# {}: {}", check.about.name, check.about.why);
        for change in &check.changes {
            let _ = writeln!(out, "# it was: {}", one_line(&change.from));
            let _ = writeln!(out, "echo {} > {}", quoted(&change.to), quoted(&change.path));
        }
    }
    for file in files {
        let dir = file.path.rsplit_once('/').map_or("/", |(dir, _)| dir);
        let _ = writeln!(out, "\nmkdir -p {}\ncat > {} <<'END'\n{}END", quoted(dir), quoted(file.path), file.after);
    }
    out
}

/// A word that a shell takes as it is.
pub fn quoted(text: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_./:,=@%+".contains(character);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_take_them_apart() {
        for (text, word) in [("none", "none"), ("", "''"), ("a b", "'a b'"), ("it's", "'it'\\''s'"), ("$(x)", "'$(x)'")]
        {
            assert_eq!(quoted(text), word);
        }
    }
}
