//! Lengths of files and of functions.

use super::SourceFile;
use super::allowance::{self, Allowance};

/// Above this a file is asked to be split.
pub const FILE_LINES_WARN: usize = 600;
/// Above this the check fails.
pub const FILE_LINES_MAX: usize = 1000;
/// Longest function, from the line with `fn` to its closing brace.
pub const FUNCTION_LINES_MAX: usize = 70;

const CODE: [&str; 7] = ["rs", "py", "go", "java", "js", "sh", ""];

/// Files of code with more than `lines_max` lines.
pub fn long_files(files: &[SourceFile], lines_max: usize) -> Vec<String> {
    files
        .iter()
        .filter(|file| CODE.contains(&file.extension()) && !file.is_generated())
        .map(|file| (file, file.text.lines().count()))
        .filter(|(_, lines)| *lines > lines_max)
        .map(|(file, lines)| format!("{}: {lines} lines", file.path))
        .collect()
}

/// Functions of Rust code over the bound. An allowance is `path::function::lines`, and must be lowered when the function shrinks.
pub fn long_functions(files: &[SourceFile], allowed: &[Allowance]) -> Vec<String> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| file.extension() == "rs" && !file.is_generated()) {
        for function in functions(&file.text).into_iter().filter(|function| function.lines > FUNCTION_LINES_MAX) {
            let subject = format!("{}::{}::", file.path, function.name);
            let bound = allowance::find(allowed, |entry| entry.starts_with(&subject))
                .and_then(|entry| entry.subject.strip_prefix(&subject).and_then(|lines| lines.parse::<usize>().ok()));
            match bound {
                Some(lines) if lines == function.lines => {}
                Some(lines) if lines > function.lines => {
                    violations.push(format!("{subject}{lines} is allowed, it has {} now: lower it", function.lines));
                }
                _ => violations
                    .push(format!("{}:{} fn {}: {} lines", file.path, function.at, function.name, function.lines)),
            }
        }
    }
    violations.extend(allowance::unused(allowed));
    violations
}

struct Function {
    name: String,
    at: usize,
    lines: usize,
}

/// Functions with a body. Leans on rustfmt, which `cargo fmt --check` enforces: a body closes with a brace at the indentation of its `fn`.
fn functions(text: &str) -> Vec<Function> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let indentation = &line[..line.len() - line.trim_start().len()];
        let Some(name) = function_name(line.trim_start()) else { continue };
        let Some(length) = lines.get(at..).and_then(|rest| body_end(rest, indentation)) else { continue };
        found.push(Function { name, at: at + 1, lines: length });
    }
    found
}

/// Lines from the `fn` to the closing brace, both counted; nothing for a declaration without a body.
fn body_end(lines: &[&str], indentation: &str) -> Option<usize> {
    let mut in_body = false;
    for (index, line) in lines.iter().enumerate() {
        let rest = line.strip_prefix(indentation).unwrap_or(line);
        let at_level = !rest.starts_with(' ');
        if in_body {
            if rest == "}" {
                return Some(index + 1);
            }
        } else if at_level && rest.ends_with('{') {
            in_body = true;
        } else if at_level && rest.ends_with('}') {
            return Some(index + 1);
        } else if rest.ends_with(';') {
            return None;
        }
    }
    None
}

fn function_name(line: &str) -> Option<String> {
    let mut rest = line;
    loop {
        if let Some(after) = rest.strip_prefix("fn ") {
            let end = after.find(|c: char| !c.is_alphanumeric() && c != '_')?;
            return Some(after[..end].to_owned());
        }
        let word_end = rest.find(' ')?;
        let word = &rest[..word_end];
        let qualifier =
            ["pub", "const", "async", "unsafe", "extern", "\"C\""].contains(&word) || word.starts_with("pub(");
        if !qualifier {
            return None;
        }
        rest = &rest[word_end + 1..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_with(lines: usize) -> Vec<SourceFile> {
        let body = "        call();\n".repeat(lines - 2);
        let text =
            format!("impl X {{\n    pub(crate) async fn long(\n        &self,\n    ) -> u8 {{\n{body}    }}\n}}\n");
        vec![SourceFile { path: "engine/src/x.rs".into(), text }]
    }

    #[test]
    fn function_over_the_bound_is_found() {
        assert_eq!(long_functions(&file_with(68), &[]), Vec::<String>::new());
        assert_eq!(long_functions(&file_with(69), &[]), ["engine/src/x.rs:2 fn long: 71 lines"]);
    }

    #[test]
    fn allowance_must_be_exact_and_needed() {
        let exact = allowance::parse("engine/src/x.rs::long::71 a table\n");
        assert_eq!(long_functions(&file_with(69), &exact), Vec::<String>::new());
        let slack = allowance::parse("engine/src/x.rs::long::90 a table\n");
        assert_eq!(long_functions(&file_with(69), &slack).len(), 1);
        let stale = allowance::parse("engine/src/x.rs::gone::90 a table\n");
        assert_eq!(long_functions(&file_with(9), &stale).len(), 1);
    }

    #[test]
    fn declarations_have_no_length() {
        let text = "trait T {\n    fn a(&self);\n    fn b<X>(&self)\n    where\n        X: Y;\n    fn c() {}\n}\n";
        let found = functions(text);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name.as_str(), found[0].lines), ("c", 1));
    }

    #[test]
    fn file_over_the_bound_is_found() {
        let file = |lines: usize| vec![SourceFile { path: "a/b.rs".into(), text: "x\n".repeat(lines) }];
        assert!(long_files(&file(1000), FILE_LINES_MAX).is_empty());
        assert_eq!(long_files(&file(1001), FILE_LINES_MAX), ["a/b.rs: 1001 lines"]);
    }
}
