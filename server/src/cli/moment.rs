//! Times and positions as people write them.
//!
//! Pure; called by the argument parser and by the tools that print times.

/// Where to begin to read a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// The first record there is.
    Beginning,
    /// After the last record.
    End,
    /// This offset.
    Offset(i64),
    /// So many records before the end, at least 1.
    BeforeEnd(i64),
    /// The first record at or after this time, in milliseconds since 1970.
    Time(i64),
}

const DAY_MS: i64 = 86_400_000;

/// `beginning`, `end`, an offset, `-N`, `@milliseconds`, or a date and time.
pub fn parse_position(text: &str) -> Result<Position, String> {
    match text {
        "beginning" | "earliest" => return Ok(Position::Beginning),
        "end" | "latest" => return Ok(Position::End),
        _ => {}
    }
    if let Some(ms) = text.strip_prefix('@') {
        return ms.parse().map(Position::Time).map_err(|_| format!("\"{ms}\" is no number of milliseconds"));
    }
    if let Ok(number) = text.parse::<i64>() {
        return Ok(if number < 0 { Position::BeforeEnd(number.saturating_neg()) } else { Position::Offset(number) });
    }
    parse_date_ms(text).map(Position::Time).ok_or_else(|| {
        "expected beginning, end, an offset, -N, @milliseconds or a time like 2026-01-31T12:00:00Z".to_owned()
    })
}

/// Milliseconds since 1970, or a date and time.
pub fn parse_ms(text: &str) -> Result<i64, String> {
    if let Ok(ms) = text.parse() {
        return Ok(ms);
    }
    parse_date_ms(text).ok_or_else(|| "expected milliseconds since 1970 or a time like 2026-01-31T12:00:00Z".to_owned())
}

/// A duration like `P1DT12H30M5.5S`, or in short `1d12h`, in milliseconds.
pub fn parse_duration_ms(text: &str) -> Result<i64, String> {
    duration_ms(text).ok_or_else(|| "expected a duration like P1DT12H or 36h, of d, h, m and s".to_owned())
}

fn duration_ms(text: &str) -> Option<i64> {
    let text = text.to_ascii_uppercase();
    let iso = text.strip_prefix('P');
    let (days, rest) = match iso.unwrap_or(&text).split_once('T') {
        Some((days, rest)) if iso.is_some() => (days, rest),
        Some(_) => return None,
        // `M` before a `T` are months, which have no length.
        None if iso.is_some() => (iso?, ""),
        None => text.split_at(text.find('D').map_or(0, |index| index + 1)),
    };
    let mut total_ms: i64 = 0;
    let mut parts = 0;
    for (part, units) in [(days, &[('D', DAY_MS)][..]), (rest, &[('H', 3_600_000), ('M', 60_000), ('S', 1000)][..])] {
        let mut part = part;
        for &(unit, unit_ms) in units {
            let Some((number, after)) = part.split_once(unit) else { continue };
            total_ms = total_ms.checked_add(amount_ms(number, unit_ms, unit == 'S')?)?;
            part = after;
            parts += 1;
        }
        if !part.is_empty() {
            return None;
        }
    }
    (parts > 0).then_some(total_ms)
}

/// `number` units of `unit_ms`; only seconds may have a fraction.
fn amount_ms(number: &str, unit_ms: i64, may_have_fraction: bool) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || (number.contains('.') && !may_have_fraction) {
        return None;
    }
    let thousandths: i64 = fraction.chars().chain("000".chars()).take(3).collect::<String>().parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(unit_ms)?.checked_add(thousandths)
}

/// `2026-01-31`, `2026-01-31T12:00`, `2026-01-31 12:00:00.5`, with `Z` or `+01:00` at the end; UTC without it.
fn parse_date_ms(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', 't', ' ']).unwrap_or((text, ""));
    let mut parts = date.splitn(3, '-');
    let year = digits(parts.next()?, 4, 0..=9999)?;
    let month = digits(parts.next()?, 2, 1..=12)?;
    let day = digits(parts.next()?, 2, 1..=days_of(year, month))?;
    let (time, zone_ms) = split_zone(time)?;
    let time_ms = if time.is_empty() { 0 } else { parse_time_ms(time)? };
    Some(days_since_1970(year, month, day) * DAY_MS + time_ms - zone_ms)
}

fn parse_time_ms(time: &str) -> Option<i64> {
    let mut parts = time.splitn(3, ':');
    let hour = digits(parts.next()?, 2, 0..=23)?;
    let minute = digits(parts.next()?, 2, 0..=59)?;
    let (second, fraction) = match parts.next() {
        None => (0, 0),
        Some(text) => {
            let (second, fraction) = text.split_once('.').unwrap_or((text, "0"));
            let thousandths: String = fraction.chars().chain("000".chars()).take(3).collect();
            if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            (digits(second, 2, 0..=59)?, thousandths.parse().ok()?)
        }
    };
    Some(((hour * 60 + minute) * 60 + second) * 1000 + fraction)
}

/// The time without its zone, and the zone's distance from UTC.
fn split_zone(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix(['Z', 'z']) {
        return Some((time, 0));
    }
    let Some(sign) = time.rfind(['+', '-']) else { return Some((time, 0)) };
    let (time, zone) = time.split_at(sign);
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let zone_ms = (digits(hours, 2, 0..=23)? * 60 + digits(minutes, 2, 0..=59)?) * 60_000;
    Some((time, if zone.starts_with('-') { -zone_ms } else { zone_ms }))
}

fn digits(text: &str, count: usize, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    if text.len() != count || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|number| range.contains(number))
}

fn days_of(year: i64, month: i64) -> i64 {
    let (year_after, month_after) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    days_since_1970(year_after, month_after, 1) - days_since_1970(year, month, 1)
}

/// Days of the Gregorian calendar; years are counted from March, so that the leap day is their last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let cycle = year.div_euclid(400);
    let year_of_cycle = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_cycle = year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year;
    cycle * 146_097 + day_of_cycle - 719_468
}

/// `2026-01-31T12:00:00.000Z`.
pub fn format_ms(ms: i64) -> String {
    let days = ms.div_euclid(DAY_MS) + 719_468;
    let rest = ms.rem_euclid(DAY_MS);
    let cycle = days.div_euclid(146_097);
    let day_of_cycle = days.rem_euclid(146_097);
    let year_of_cycle = (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_cycle + cycle * 400 + i64::from(month <= 2);
    let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
    let (second, thousandth) = (rest / 1000 % 60, rest % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{thousandth:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_parse_to_milliseconds() {
        for (text, ms) in [
            ("1970-01-01", 0),
            ("1969-12-31T23:59:59.999Z", -1),
            ("2000-02-29T00:00Z", 951_782_400_000),
            ("2026-01-31T12:34:56.7Z", 1_769_862_896_700),
            ("2026-01-31 12:34:56+01:30", 1_769_857_496_000),
            ("2026-01-31T12:34:56-00:30", 1_769_864_696_000),
        ] {
            assert_eq!(parse_ms(text), Ok(ms), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-02-29",
            "2026-01-31T24:00",
            "2026-01-31T1:00",
            "2026-01-31T12:00:00.",
            "2026-01-31T12:00+1",
            "2026-1-31",
            "99999-01-01",
        ] {
            assert!(parse_ms(text).is_err(), "{text}");
        }
    }

    #[test]
    fn milliseconds_print_as_they_parse() {
        let mut ms = -62_000_000_000_000;
        while ms < 250_000_000_000_000 {
            assert_eq!(parse_ms(&format_ms(ms)), Ok(ms), "{}", format_ms(ms));
            ms += 9_876_543_219;
        }
    }

    #[test]
    fn durations_parse_to_milliseconds() {
        for (text, ms) in [
            ("P1D", DAY_MS),
            ("PT0S", 0),
            ("P1DT2H3M4.5S", DAY_MS + 7_384_500),
            ("pt36h", 129_600_000),
            ("36h", 129_600_000),
            ("1d12h", 129_600_000),
            ("90m", 5_400_000),
            ("0.25s", 250),
        ] {
            assert_eq!(parse_duration_ms(text), Ok(ms), "{text}");
        }
        for text in ["", "P", "PT", "1", "P1M", "1h1d", "1m1h", "P1H", "1.5h", "-1h", "xh", "99999999999999d", "1T2H"] {
            assert!(parse_duration_ms(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_kind_of_position_parses() {
        for (text, position) in [
            ("beginning", Position::Beginning),
            ("end", Position::End),
            ("0", Position::Offset(0)),
            ("-5", Position::BeforeEnd(5)),
            ("@1000", Position::Time(1000)),
            ("1970-01-02", Position::Time(DAY_MS)),
        ] {
            assert_eq!(parse_position(text), Ok(position), "{text}");
        }
        assert!(parse_position("middle").is_err());
    }
}
