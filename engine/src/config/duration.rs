//! Owns ISO 8601 durations as Java's `Duration` reads them: `PnDTnHnMn.nS`.
//!
//! A pure function, called by the validator alone.

/// Whether `text` is a duration that is not negative.
pub(crate) fn is_iso_duration(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(['P', 'p']) else { return false };
    let (date, time) = match rest.split_once(['T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (rest, None),
    };
    let date_is_right = date.is_empty() || date.strip_suffix(['D', 'd']).is_some_and(is_whole);
    match time {
        None => date_is_right && !date.is_empty(),
        Some(time) => date_is_right && is_time(time),
    }
}

fn is_time(text: &str) -> bool {
    let mut rest = text;
    for unit in ['H', 'M'] {
        if let Some((number, after)) = rest.split_once([unit, unit.to_ascii_lowercase()]) {
            if !is_whole(number) {
                return false;
            }
            rest = after;
        }
    }
    if rest.is_empty() {
        return !text.is_empty();
    }
    rest.strip_suffix(['S', 's']).is_some_and(|seconds| match seconds.split_once('.') {
        Some((whole, fraction)) => {
            is_whole(whole) && fraction.len() <= 9 && (fraction.is_empty() || is_whole(fraction))
        }
        None => is_whole(seconds),
    })
}

fn is_whole(text: &str) -> bool {
    !text.is_empty() && text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::is_iso_duration;

    #[test]
    fn durations_of_every_shape_are_told_from_what_is_none() {
        for right in ["P1D", "PT1H", "PT5M", "PT0.5S", "P2DT3H4M5.678S", "PT1H5S"] {
            assert!(is_iso_duration(right), "{right}");
        }
        for wrong in ["", "P", "PT", "1D", "P1DT", "PT1", "PTS", "P1H", "x", "PT1M1H"] {
            assert!(!is_iso_duration(wrong), "{wrong}");
        }
    }
}
