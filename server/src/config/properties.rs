//! Reader of Java `.properties` text, the format of `server.properties`.
//!
//! Pure; runs before any shard exists; called by `config::layers`. It never interprets a name or a value.

use std::iter::Peekable;
use std::str::Chars;

/// One `name = value` of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// The name, unescaped.
    pub name: String,
    /// The value, unescaped, without leading blanks. Trailing blanks are kept, as Java keeps them.
    pub value: String,
    /// The line on which the name stands, from 1.
    pub line: usize,
}

/// Text that is not `.properties` text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PropertiesError {
    /// `\u` without four hexadecimal digits after it, or with digits that are no character.
    #[error("line {line}: \\u must be followed by four hexadecimal digits that name a character")]
    Unicode {
        /// The line where the property starts, from 1.
        line: usize,
    },
    /// A value without a name before it.
    #[error("line {line}: a value without a name before it")]
    NoName {
        /// The line where the property starts, from 1.
        line: usize,
    },
}

/// All properties of `text`, in order; a name that comes twice is returned twice.
pub fn parse(text: &str) -> Result<Vec<Property>, PropertiesError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut properties = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, first)) = lines.next() {
        let first = trim_start(first);
        if first.is_empty() || first.starts_with(['#', '!']) {
            continue;
        }
        let mut logical = String::from(first);
        while ends_with_escape(&logical) {
            logical.pop();
            let Some((_, next)) = lines.next() else { break };
            logical.push_str(trim_start(next));
        }
        properties.push(property(&logical, index + 1)?);
    }
    Ok(properties)
}

fn property(logical: &str, line: usize) -> Result<Property, PropertiesError> {
    let mut characters = logical.chars().peekable();
    let mut name = String::new();
    while let Some(next) = characters.next_if(|&next| !is_blank(next) && next != '=' && next != ':') {
        push_unescaped(&mut name, next, &mut characters, line)?;
    }
    while characters.next_if(|&next| is_blank(next)).is_some() {}
    if characters.next_if(|&next| next == '=' || next == ':').is_some() {
        while characters.next_if(|&next| is_blank(next)).is_some() {}
    }
    let mut value = String::new();
    while let Some(next) = characters.next() {
        push_unescaped(&mut value, next, &mut characters, line)?;
    }
    if name.is_empty() {
        return Err(PropertiesError::NoName { line });
    }
    Ok(Property { name, value, line })
}

fn push_unescaped(
    out: &mut String,
    next: char,
    rest: &mut Peekable<Chars<'_>>,
    line: usize,
) -> Result<(), PropertiesError> {
    if next != '\\' {
        out.push(next);
        return Ok(());
    }
    match rest.next() {
        Some('t') => out.push('\t'),
        Some('n') => out.push('\n'),
        Some('r') => out.push('\r'),
        Some('f') => out.push('\u{c}'),
        Some('u') => out.push(unicode(rest).ok_or(PropertiesError::Unicode { line })?),
        Some(other) => out.push(other),
        None => {}
    }
    Ok(())
}

/// A character after `\u`: four digits, or two escapes that are a surrogate pair.
fn unicode(rest: &mut Peekable<Chars<'_>>) -> Option<char> {
    let first = four_digits(rest)?;
    if !(0xd800..0xdc00).contains(&first) {
        return char::from_u32(first);
    }
    rest.next_if_eq(&'\\')?;
    rest.next_if_eq(&'u')?;
    let second = four_digits(rest)?;
    if !(0xdc00..0xe000).contains(&second) {
        return None;
    }
    char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00))
}

fn four_digits(rest: &mut Peekable<Chars<'_>>) -> Option<u32> {
    let mut value = 0;
    for _ in 0..4 {
        value = value * 16 + rest.next_if(char::is_ascii_hexdigit)?.to_digit(16)?;
    }
    Some(value)
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\u{c}')
}

fn trim_start(line: &str) -> &str {
    line.trim_start_matches(is_blank)
}

/// Whether a line ends in an odd number of backslashes, so that the next one continues it.
fn ends_with_escape(line: &str) -> bool {
    line.chars().rev().take_while(|&character| character == '\\').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap().into_iter().map(|property| (property.name, property.value)).collect()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn every_separator_splits_once() {
        assert_eq!(
            pairs("a=1\nb : 2\nc 3\nd\te\nf = = g\nh:\ni"),
            [
                pair("a", "1"),
                pair("b", "2"),
                pair("c", "3"),
                pair("d", "e"),
                pair("f", "= g"),
                pair("h", ""),
                pair("i", "")
            ]
        );
    }

    #[test]
    fn comments_and_blank_lines_are_skipped() {
        assert_eq!(pairs("# a=1\n  ! b=2\n\n \t\nc=#3\r\n"), [pair("c", "#3")]);
    }

    #[test]
    fn continuation_lines_join_without_their_indent() {
        assert_eq!(
            pairs("a=1,\\\n   2,\\\n\t3\nb=x\\\\\nc=y\\"),
            [pair("a", "1,2,3"), pair("b", "x\\"), pair("c", "y")]
        );
    }

    #[test]
    fn a_comment_sign_on_a_continuation_line_is_text() {
        assert_eq!(pairs("a=1\\\n#2"), [pair("a", "1#2")]);
    }

    #[test]
    fn escapes_are_undone_in_names_and_values() {
        assert_eq!(pairs("a\\ b\\:c=\\t\\n\\u00e9\\ud83d\\ude00\\q  "), [pair("a b:c", "\t\n\u{e9}\u{1f600}q  ")]);
    }

    #[test]
    fn line_numbers_count_physical_lines() {
        let properties = parse("#\na=1\\\n2\n\nb=3").unwrap();
        assert_eq!(properties.iter().map(|property| property.line).collect::<Vec<_>>(), [2, 5]);
    }

    #[test]
    fn bad_unicode_is_refused_with_its_line() {
        assert_eq!(parse("a=1\nb=\\u12g4"), Err(PropertiesError::Unicode { line: 2 }));
        assert_eq!(parse("b=\\ud800x"), Err(PropertiesError::Unicode { line: 1 }));
    }

    #[test]
    fn a_line_without_a_name_is_refused() {
        assert_eq!(parse("a=1\n=2"), Err(PropertiesError::NoName { line: 2 }));
    }
}
