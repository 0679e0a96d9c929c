//! Sets of cores in the two forms that the kernel writes: `0-3,6`, and masks like `00000000,0000000f`.
//!
//! Pure.

/// No machine that we know of has more cores; what names one beyond is refused.
const CPUS_MAX: usize = 8192;

/// The cores of a list like `0-3,6`, in the order given.
pub fn parse(text: &str) -> Option<Vec<usize>> {
    let mut cpus = Vec::new();
    for item in text.trim().split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let (first, last) = item.split_once('-').unwrap_or((item, item));
        let (first, last): (usize, usize) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        if first > last || last >= CPUS_MAX || cpus.len() > CPUS_MAX {
            return None;
        }
        cpus.extend(first..=last);
    }
    Some(cpus)
}

/// Cores as a list, neighbours joined.
pub fn text(cpus: &[usize]) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for &cpu in cpus {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == cpu => *last = cpu,
            _ => ranges.push((cpu, cpu)),
        }
    }
    let text = |&(first, last): &(usize, usize)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    ranges.iter().map(text).collect::<Vec<_>>().join(",")
}

/// The cores of a mask like `00000000,0000000f`, in rising order.
pub fn parse_mask(text: &str) -> Option<Vec<usize>> {
    let words: Vec<&str> = text.trim().split(',').collect();
    if words.len() > CPUS_MAX / 32 {
        return None;
    }
    let mut cpus = Vec::new();
    for (index, word) in words.iter().rev().enumerate() {
        let bits = u32::from_str_radix(word.trim(), 16).ok()?;
        cpus.extend((0..32).filter(|bit| bits & (1 << bit) != 0).map(|bit| index * 32 + bit));
    }
    Some(cpus)
}

/// Cores as a mask of as many words as the highest needs.
pub fn mask(cpus: &[usize]) -> String {
    let mut words = vec![0_u32; cpus.iter().max().map_or(1, |max| max / 32 + 1)];
    for cpu in cpus {
        if let Some(word) = words.get_mut(cpu / 32) {
            *word |= 1 << (cpu % 32);
        }
    }
    let mut words = words.iter().rev();
    let first = words.next().map_or_else(String::new, |word| format!("{word:x}"));
    let rest: Vec<String> = words.map(|word| format!(",{word:08x}")).collect();
    first + &rest.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_masks_come_back() {
        for (list, mask_text) in [("0", "1"), ("0-3,6", "4f"), ("1,32-33", "3,00000002"), ("", "0")] {
            let cpus = parse(list).unwrap();
            assert_eq!(text(&cpus), list);
            assert_eq!(mask(&cpus), mask_text);
            assert_eq!(parse_mask(mask_text).unwrap(), cpus);
        }
        assert_eq!(text(&[0, 1, 2, 5, 4, 7]), "0-2,5,4,7");
        assert_eq!(parse_mask("00000000,00000003\n").unwrap(), [0, 1]);
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in ["x", "3-1", "0-99999999", "-1", "1-", "0-8191,0-8191,0-8191"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        for bad in ["", "g", "1,,2", "123456789"] {
            assert_eq!(parse_mask(bad), None, "{bad}");
        }
    }
}
