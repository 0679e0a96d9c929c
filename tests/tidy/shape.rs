//! What a Rust file opens with, and what `lib.rs` and `mod.rs` may hold.

use super::SourceFile;

/// Rust files whose first line is not a `//!` comment (crate attributes may stand before it).
pub fn modules_without_opening(files: &[SourceFile]) -> Vec<String> {
    files
        .iter()
        .filter(|file| file.extension() == "rs" && !file.is_generated())
        .filter(|file| {
            let first = file.text.lines().find(|line| !line.trim().is_empty() && !line.starts_with("#!"));
            !first.is_some_and(|line| line.starts_with("//! "))
        })
        .map(|file| file.path.clone())
        .collect()
}

/// `lib.rs` and `mod.rs` with anything but declarations and documentation.
pub fn code_in_declaring_files(files: &[SourceFile]) -> Vec<String> {
    files
        .iter()
        .filter(|file| ["lib.rs", "mod.rs"].contains(&file.name()) && !file.is_generated())
        .flat_map(|file| {
            statements(&file.text)
                .into_iter()
                .filter(|statement| !declares(statement))
                .map(|statement| format!("{}: {}", file.path, statement.chars().take(80).collect::<String>()))
        })
        .collect()
}

fn declares(statement: &str) -> bool {
    let mut rest = statement;
    if let Some(after) = rest.strip_prefix("pub") {
        rest = after.trim_start();
        if let Some((_, after)) = rest.strip_prefix('(').and_then(|scope| scope.split_once(')')) {
            rest = after.trim_start();
        }
    }
    let inline_body = rest.starts_with("mod ") && rest.contains('{');
    !inline_body && ["mod ", "use ", "extern crate "].iter().any(|keyword| rest.starts_with(keyword))
}

/// Statements up to each `;`, without comments, documentation and attributes.
fn statements(text: &str) -> Vec<String> {
    let bare: String = text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join(" ");
    without_attributes(&bare)
        .split(';')
        .map(|statement| statement.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|statement| !statement.is_empty())
        .collect()
}

fn without_attributes(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("#[").into_iter().chain(rest.find("#![")).min() {
        out.push_str(&rest[..start]);
        let mut depth = 0_usize;
        let mut end = rest.len();
        for (index, character) in rest[start..].char_indices() {
            match character {
                '[' => depth += 1,
                ']' => {
                    depth -= 1;
                    if depth == 0 {
                        end = start + index + 1;
                        break;
                    }
                }
                _ => {}
            }
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> Vec<SourceFile> {
        vec![SourceFile { path: path.into(), text: text.into() }]
    }

    #[test]
    fn missing_opening_is_found() {
        assert_eq!(modules_without_opening(&file("a/src/x.rs", "use std::io;\n")).len(), 1);
        assert_eq!(modules_without_opening(&file("a/src/x.rs", "// What it owns.\n")).len(), 1);
        assert!(modules_without_opening(&file("a/src/x.rs", "#![no_std]\n//! Owns x.\n")).is_empty());
    }

    #[test]
    fn declarations_pass() {
        let text = "//! Doc.\n#![forbid(unsafe_code)]\n#[cfg(all(test, not(sim)))]\nmod tests;\npub(crate) mod a; // why\n\
                    pub use a::{\n    X,\n    Y,\n};\nextern crate alloc;\n";
        assert_eq!(code_in_declaring_files(&file("a/src/lib.rs", text)), Vec::<String>::new());
    }

    #[test]
    fn code_is_found() {
        for bad in ["pub fn f() {}\n", "pub const X: u8 = 1;\n", "mod a { fn f() {} }\n", "struct X;\n"] {
            assert_eq!(code_in_declaring_files(&file("a/src/mod.rs", bad)).len(), 1, "{bad}");
        }
    }
}
