//! Emits the table of error codes.

use std::fmt::Write as _;

/// `codes` holds one code a line: number, Kafka's name, `retriable` or nothing.
pub fn emit(codes: &str) -> String {
    let rows: Vec<(i16, &str, bool)> = codes
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            (words[0].parse().expect("an error code"), words[1], words.get(2) == Some(&"retriable"))
        })
        .collect();
    let mut out = String::from(
        "/// Every error code of the protocol, by Kafka's name and number.\n\
         #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]\n#[repr(i16)]\npub enum ErrorCode {\n",
    );
    for (code, name, _) in &rows {
        let default = if *code == 0 { "#[default]\n" } else { "" };
        let _ = writeln!(out, "/// `{name}`.\n{default}{} = {code},", camel(name));
    }
    out.push_str("}\n\nimpl ErrorCode {\n/// Every error code, by number.\npub const ALL: &'static [ErrorCode] = &[");
    for (_, name, _) in &rows {
        let _ = write!(out, "ErrorCode::{}, ", camel(name));
    }
    out.push_str("];\n\n/// The error with this number.\npub const fn from_code(code: i16) -> Option<ErrorCode> {\nSome(match code {\n");
    for (code, name, _) in &rows {
        let _ = writeln!(out, "{code} => ErrorCode::{},", camel(name));
    }
    out.push_str("_ => return None,\n})\n}\n\n/// Kafka's name for it.\npub const fn name(self) -> &'static str {\nmatch self {\n");
    for (_, name, _) in &rows {
        let _ = writeln!(out, "ErrorCode::{} => \"{name}\",", camel(name));
    }
    out.push_str("}\n}\n\n/// The name in plain words, for people.\npub const fn message(self) -> &'static str {\nmatch self {\n");
    for (_, name, _) in &rows {
        let _ = writeln!(out, "ErrorCode::{} => \"{}\",", camel(name), name.to_lowercase().replace('_', " "));
    }
    out.push_str("}\n}\n\n/// Whether a client may try the same request again.\npub const fn is_retriable(self) -> bool {\nmatches!(self, ");
    let retriable: Vec<String> =
        rows.iter().filter(|row| row.2).map(|row| format!("ErrorCode::{}", camel(row.1))).collect();
    out.push_str(&retriable.join(" | "));
    out.push_str(")\n}\n}\n");
    out
}

fn camel(name: &str) -> String {
    name.split('_').map(|word| word[..1].to_owned() + &word[1..].to_lowercase()).collect()
}
