//! Allow lists: one `subject reason` a line, `#` for comments. They only shrink: an entry that nothing needs fails the rule.

use std::cell::Cell;

/// One line of an allow list.
pub struct Allowance {
    /// What is allowed, in the rule's own notation.
    pub subject: String,
    /// Why. Never empty.
    pub reason: String,
    used: Cell<bool>,
}

/// Reads `tests/tidy/allow/<name>`.
pub fn load(name: &str) -> Vec<Allowance> {
    let path = format!("tests/tidy/allow/{name}");
    let file = super::tree::files().into_iter().find(|file| file.path == path).expect("the allow list exists");
    parse(&file.text)
}

/// Parses the text of an allow list. Panics on an entry without a reason: nothing is allowed unexplained.
pub fn parse(text: &str) -> Vec<Allowance> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (subject, reason) = line.split_once(' ').unwrap_or((line, ""));
            assert!(!reason.trim().is_empty(), "allowed without a reason: {line}");
            Allowance { subject: subject.to_owned(), reason: reason.trim().to_owned(), used: Cell::new(false) }
        })
        .collect()
}

/// Finds the entry that `matches`, and marks it as needed.
pub fn find(list: &[Allowance], matches: impl Fn(&str) -> bool) -> Option<&Allowance> {
    let entry = list.iter().find(|entry| matches(&entry.subject))?;
    entry.used.set(true);
    Some(entry)
}

/// The entries that nothing needed, as violations.
pub fn unused(list: &[Allowance]) -> impl Iterator<Item = String> + '_ {
    list.iter()
        .filter(|entry| !entry.used.get())
        .map(|entry| format!("allow list: nothing needs `{}` ({}) any more, take it out", entry.subject, entry.reason))
}

#[test]
#[should_panic(expected = "allowed without a reason")]
fn entry_without_a_reason_is_refused() {
    parse("# comment\n\nengine/src/x.rs::f\n");
}
