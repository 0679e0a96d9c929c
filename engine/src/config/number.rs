//! Owns numbers as the JVM reads and prints them: what `kafka-configs` shows must be the same text here.
//!
//! Pure functions, called by the value parser alone.

use std::str::FromStr;

/// Drops what Java's `trim` drops: everything up to and including the space.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(|character| character <= ' ')
}

/// An integer as Java's `parseInt` and `parseLong` take it: an optional sign and decimal digits.
pub(crate) fn parse_integer<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

/// A double as Java's `parseDouble` takes it, hexadecimal forms left out.
pub(crate) fn parse_double(text: &str) -> Option<f64> {
    let unsigned = text.trim_start_matches(['+', '-']);
    match unsigned {
        "NaN" => return Some(f64::NAN),
        "Infinity" if text.starts_with('-') => return Some(f64::NEG_INFINITY),
        "Infinity" => return Some(f64::INFINITY),
        _ => {}
    }
    let plain = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
    let digits_only = plain.chars().all(|character| matches!(character, '0'..='9' | '.' | '+' | '-' | 'e' | 'E'));
    if digits_only { plain.parse().ok() } else { None }
}

/// A double as Java's `Double.toString` prints it: plain between 1e-3 and 1e7, with an exponent outside.
pub(crate) fn print_double(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let size = value.abs();
    if size.is_infinite() {
        return format!("{sign}Infinity");
    }
    if size == 0.0 {
        return format!("{sign}0.0");
    }
    if (1e-3..1e7).contains(&size) {
        let plain = format!("{size}");
        let point = if plain.contains('.') { "" } else { ".0" };
        return format!("{sign}{plain}{point}");
    }
    let scientific = format!("{size:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let point = if digits.contains('.') { "" } else { ".0" };
    format!("{sign}{digits}{point}E{exponent}")
}

#[cfg(test)]
mod tests {
    use super::{parse_double, parse_integer, print_double};

    #[test]
    fn doubles_print_as_java_prints_them() {
        for (value, text) in [
            (0.5, "0.5"),
            (1.0, "1.0"),
            (0.000_01, "1.0E-5"),
            (f64::MAX, "1.7976931348623157E308"),
            (0.001, "0.001"),
            (12_345_678.0, "1.2345678E7"),
            (9_999_999.0, "9999999.0"),
            (-2.5, "-2.5"),
        ] {
            assert_eq!(print_double(value), text);
        }
        assert_eq!(print_double(f64::INFINITY), "Infinity");
    }

    #[test]
    fn numbers_parse_as_java_parses_them() {
        assert_eq!(parse_integer::<i64>("+7"), Some(7));
        assert_eq!(parse_integer::<i32>("2147483648"), None);
        assert_eq!(parse_integer::<i32>(""), None);
        assert_eq!(parse_double("0.7f"), Some(0.7));
        assert_eq!(parse_double("1e-3"), Some(0.001));
        assert_eq!(parse_double("1e400"), Some(f64::INFINITY));
        assert!(parse_double("NaN").is_some_and(f64::is_nan));
        assert_eq!(parse_double("inf"), None);
        assert_eq!(parse_double("abc"), None);
        assert_eq!(parse_double("f"), None);
    }
}
