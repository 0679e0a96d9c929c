//! Owns the translation of a pattern from RE2's syntax, which clients write, to that of the engine that runs it.
//!
//! Pure. Both engines take linear time and agree on most of the syntax; what one of them reads differently is rewritten or refused
//! here: Perl classes stand for ASCII, brackets know no set operations, `{` may be a literal, `\Q...\E` quotes.

use std::fmt::Write;
use std::iter::Peekable;
use std::str::Chars;

/// Repetitions of one piece that RE2 allows.
const REPEAT_COUNT_MAX: u32 = 1000;

/// Why a pattern is refused, in the words of RE2.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    /// `a**`.
    #[error("invalid nested repetition operator")]
    NestedRepetition,
    /// `*` without something to repeat.
    #[error("missing argument to repetition operator")]
    NothingToRepeat,
    /// `a{2,1}` or a count that is too large.
    #[error("invalid repeat count")]
    RepeatCount,
    /// `[a`.
    #[error("missing closing ]")]
    OpenBracket,
    /// `(a`.
    #[error("missing closing )")]
    OpenParenthesis,
    /// `a)`.
    #[error("unexpected )")]
    ClosingParenthesis,
    /// `\y`, `\1`.
    #[error("invalid escape sequence")]
    Escape,
    /// `a\`.
    #[error("trailing backslash at end of expression")]
    TrailingBackslash,
    /// `(?x)`, `(?=a)`.
    #[error("invalid or unsupported Perl syntax")]
    Perl,
    /// `[b-a]`, `[[:nothing:]]`, `\p{Nothing}`.
    #[error("invalid character class range")]
    Class,
    /// The compiled pattern would be larger than is allowed.
    #[error("expression is too large")]
    Size,
}

/// A pattern in the engine's syntax.
pub fn translate(pattern: &str) -> Result<String, SyntaxError> {
    let mut translator = Translator {
        input: pattern.chars().peekable(),
        output: String::with_capacity(pattern.len() + 16),
        depth: 0,
        last: Last::Nothing,
    };
    while let Some(letter) = translator.input.next() {
        translator.piece(letter)?;
    }
    if translator.depth > 0 {
        return Err(SyntaxError::OpenParenthesis);
    }
    Ok(translator.output)
}

/// What the last piece was, for what may follow it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Nothing,
    Piece,
    Repetition,
}

struct Translator<'a> {
    input: Peekable<Chars<'a>>,
    output: String,
    depth: usize,
    last: Last,
}

impl Translator<'_> {
    fn piece(&mut self, letter: char) -> Result<(), SyntaxError> {
        match letter {
            '\\' => return self.escape(),
            '[' => return self.bracket(),
            '(' => return self.open(),
            ')' => {
                self.depth = self.depth.checked_sub(1).ok_or(SyntaxError::ClosingParenthesis)?;
                self.output.push(')');
            }
            '|' => {
                self.output.push('|');
                self.last = Last::Nothing;
                return Ok(());
            }
            '*' | '+' | '?' => {
                self.repeat()?;
                self.output.push(letter);
                return Ok(());
            }
            '{' => return self.count(),
            '.' | '^' | '$' => self.output.push(letter),
            literal => self.literal(literal),
        }
        self.last = Last::Piece;
        Ok(())
    }

    fn literal(&mut self, letter: char) {
        if letter.is_ascii_alphanumeric() || letter == '_' {
            self.output.push(letter);
        } else {
            // No letter can be taken for an operator in this form.
            let _ = write!(self.output, "\\x{{{:X}}}", u32::from(letter));
        }
    }

    /// A repetition is about to be written; a lazy mark is taken with it.
    fn repeat(&mut self) -> Result<(), SyntaxError> {
        match self.last {
            Last::Nothing => return Err(SyntaxError::NothingToRepeat),
            Last::Repetition => return Err(SyntaxError::NestedRepetition),
            Last::Piece => {}
        }
        // Whether a repetition is lazy makes no difference to whether a whole name matches.
        if self.input.peek() == Some(&'?') {
            self.input.next();
        }
        self.last = Last::Repetition;
        Ok(())
    }

    /// `{` is a repetition where it reads as one, and a literal elsewhere.
    fn count(&mut self) -> Result<(), SyntaxError> {
        let mut ahead = self.input.clone();
        let text: String = ahead.by_ref().take_while(|letter| *letter != '}').take(24).collect();
        let closed = self.input.clone().nth(text.chars().count()) == Some('}');
        let (low, high) = match text.split_once(',') {
            Some((low, high)) => (low, Some(high)),
            None => (text.as_str(), None),
        };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|letter| letter.is_ascii_digit());
        if !closed || !digits(low) || !high.is_none_or(|high| high.is_empty() || digits(high)) {
            self.literal('{');
            self.last = Last::Piece;
            return Ok(());
        }
        let parse = |text: &str| text.parse::<u32>().ok().filter(|count| *count <= REPEAT_COUNT_MAX);
        let least = parse(low).ok_or(SyntaxError::RepeatCount)?;
        if let Some(high) = high.filter(|high| !high.is_empty())
            && parse(high).ok_or(SyntaxError::RepeatCount)? < least
        {
            return Err(SyntaxError::RepeatCount);
        }
        self.input = ahead;
        self.repeat()?;
        self.output.push('{');
        self.output.push_str(&text);
        self.output.push('}');
        Ok(())
    }

    /// A group: capturing, named, plain, or with flags.
    fn open(&mut self) -> Result<(), SyntaxError> {
        self.last = Last::Nothing;
        if self.input.peek() != Some(&'?') {
            self.depth += 1;
            // Nothing is captured: only whether the whole name matches is asked.
            self.output.push_str("(?:");
            return Ok(());
        }
        self.input.next();
        let mut named = self.input.clone();
        if named.peek() == Some(&'P') {
            named.next();
        }
        if named.next() == Some('<') {
            let name: String = named.by_ref().take_while(|letter| *letter != '>').collect();
            if name.is_empty() || !name.bytes().all(|letter| letter.is_ascii_alphanumeric() || letter == b'_') {
                return Err(SyntaxError::Perl);
            }
            self.input = named;
            self.depth += 1;
            self.output.push_str("(?:");
            return Ok(());
        }
        self.flags()
    }

    fn flags(&mut self) -> Result<(), SyntaxError> {
        let (mut flags, mut negated, mut any) = (String::from("(?"), false, false);
        loop {
            match self.input.next() {
                // Whether repetitions are greedy makes no difference to whether a whole name matches.
                Some('U') => any = true,
                Some(flag @ ('i' | 'm' | 's')) => {
                    flags.push(flag);
                    any = true;
                }
                Some('-') if !negated => {
                    flags.push('-');
                    (negated, any) = (true, false);
                }
                Some(end @ (')' | ':')) if any || (end == ':' && !negated) => {
                    if flags.ends_with('-') {
                        flags.pop();
                    }
                    if end == ':' {
                        self.depth += 1;
                    } else if flags == "(?" {
                        return Ok(());
                    }
                    flags.push(end);
                    self.output.push_str(&flags);
                    return Ok(());
                }
                _ => return Err(SyntaxError::Perl),
            }
        }
    }

    fn escape(&mut self) -> Result<(), SyntaxError> {
        let letter = self.input.next().ok_or(SyntaxError::TrailingBackslash)?;
        self.last = Last::Piece;
        if let Some((negated, class)) = perl_class(letter) {
            let _ = write!(self.output, "[{}{class}]", if negated { "^" } else { "" });
            return Ok(());
        }
        match letter {
            'A' => self.output.push_str("\\A"),
            'z' => self.output.push_str("\\z"),
            'b' => self.output.push_str("(?-u:\\b)"),
            'B' => self.output.push_str("(?-u:\\B)"),
            // One byte: names are ASCII, where that is one letter.
            'C' => self.output.push_str("(?s:.)"),
            'Q' => self.quoted(),
            'p' | 'P' => {
                let class = self.unicode_class(letter)?;
                self.output.push_str(&class);
            }
            other => {
                let literal = self.escaped_letter(other)?;
                self.literal(literal);
            }
        }
        Ok(())
    }

    /// `\Q...\E`: everything between stands for itself.
    fn quoted(&mut self) {
        while let Some(letter) = self.input.next() {
            if letter == '\\' && self.input.peek() == Some(&'E') {
                self.input.next();
                return;
            }
            self.literal(letter);
        }
    }

    fn unicode_class(&mut self, letter: char) -> Result<String, SyntaxError> {
        let name = match self.input.next().ok_or(SyntaxError::Class)? {
            '{' => {
                let name: String = self.input.by_ref().take_while(|letter| *letter != '}').take(65).collect();
                if name.len() > 64 { String::new() } else { name }
            }
            short => short.to_string(),
        };
        if name.is_empty()
            || !name.bytes().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, b'_' | b'^'))
        {
            return Err(SyntaxError::Class);
        }
        Ok(format!("\\{letter}{{{name}}}"))
    }

    /// The letter that an escape stands for.
    fn escaped_letter(&mut self, letter: char) -> Result<char, SyntaxError> {
        match letter {
            'a' => Ok('\x07'),
            'f' => Ok('\x0c'),
            't' => Ok('\t'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            'v' => Ok('\x0b'),
            'x' => self.hexadecimal(),
            '0'..='7' => self.octal(letter),
            other if other.is_ascii_punctuation() => Ok(other),
            _ => Err(SyntaxError::Escape),
        }
    }

    fn hexadecimal(&mut self) -> Result<char, SyntaxError> {
        let first = self.input.next().ok_or(SyntaxError::Escape)?;
        let digits: String = if first == '{' {
            self.input.by_ref().take_while(|letter| *letter != '}').take(8).collect()
        } else {
            [first, self.input.next().ok_or(SyntaxError::Escape)?].iter().collect()
        };
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(SyntaxError::Escape);
        }
        u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32).ok_or(SyntaxError::Escape)
    }

    /// `\1` to `\7` alone would be references to groups, which RE2 does not have.
    fn octal(&mut self, first: char) -> Result<char, SyntaxError> {
        let more = self.input.peek().is_some_and(|digit| ('0'..='7').contains(digit));
        if first != '0' && !more {
            return Err(SyntaxError::Escape);
        }
        let mut value = first.to_digit(8).ok_or(SyntaxError::Escape)?;
        for _ in 0..2 {
            let Some(digit) = self.input.peek().and_then(|digit| digit.to_digit(8)) else { break };
            self.input.next();
            value = value * 8 + digit;
        }
        char::from_u32(value).ok_or(SyntaxError::Escape)
    }

    /// A class in brackets, which here knows neither nesting nor set operations.
    fn bracket(&mut self) -> Result<(), SyntaxError> {
        self.output.push('[');
        if self.input.peek() == Some(&'^') {
            self.input.next();
            self.output.push('^');
        }
        let mut first = true;
        loop {
            let letter = self.input.next().ok_or(SyntaxError::OpenBracket)?;
            match letter {
                ']' if !first => break,
                '[' if self.input.peek() == Some(&':') => self.posix_class()?,
                '\\' => self.bracket_escape()?,
                low => self.range(low)?,
            }
            first = false;
        }
        self.output.push(']');
        self.last = Last::Piece;
        Ok(())
    }

    fn bracket_escape(&mut self) -> Result<(), SyntaxError> {
        let letter = self.input.next().ok_or(SyntaxError::TrailingBackslash)?;
        if let Some((negated, class)) = perl_class(letter) {
            let _ = if negated { write!(self.output, "[^{class}]") } else { write!(self.output, "{class}") };
            return Ok(());
        }
        if matches!(letter, 'p' | 'P') {
            let class = self.unicode_class(letter)?;
            self.output.push_str(&class);
            return Ok(());
        }
        let low = self.escaped_letter(letter)?;
        self.range(low)
    }

    /// A letter of a class, or a range that it begins.
    fn range(&mut self, low: char) -> Result<(), SyntaxError> {
        self.literal(low);
        let mut ahead = self.input.clone();
        if ahead.next() != Some('-') || ahead.peek().is_none_or(|end| *end == ']') {
            return Ok(());
        }
        self.input = ahead;
        let high = match self.input.next().ok_or(SyntaxError::OpenBracket)? {
            '\\' => {
                let letter = self.input.next().ok_or(SyntaxError::TrailingBackslash)?;
                self.escaped_letter(letter).map_err(|_| SyntaxError::Class)?
            }
            high => high,
        };
        if high < low {
            return Err(SyntaxError::Class);
        }
        self.output.push('-');
        self.literal(high);
        Ok(())
    }

    fn posix_class(&mut self) -> Result<(), SyntaxError> {
        let mut ahead = self.input.clone();
        ahead.next();
        let text: String = ahead.by_ref().take_while(|letter| *letter != ']').take(12).collect();
        let Some(name) = text.strip_suffix(':') else { return self.range('[') };
        let plain = name.strip_prefix('^').unwrap_or(name);
        let known = [
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper",
            "word", "xdigit",
        ];
        if !known.contains(&plain) {
            return Err(SyntaxError::Class);
        }
        self.input = ahead;
        let _ = write!(self.output, "[:{name}:]");
        Ok(())
    }
}

/// What a Perl class stands for, and whether for everything else.
fn perl_class(letter: char) -> Option<(bool, &'static str)> {
    let class = match letter.to_ascii_lowercase() {
        'd' => "0-9",
        's' => "\\t\\n\\x0C\\r\\x20",
        'w' => "0-9A-Za-z_",
        _ => return None,
    };
    Some((letter.is_ascii_uppercase(), class))
}
