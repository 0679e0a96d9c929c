//! What tunables have in common that are a number of `sysctl` with a least value.

use crate::change::Change;
use crate::check::{About, Check, Verdict};
use crate::host::Host;
use crate::root::Obstacle;

/// Wants each setting to be at least a number.
pub(super) fn at_least(
    host: &Host,
    about: &'static About,
    otherwise: Verdict,
    settings: &[(&str, u64)],
) -> Result<Check, Obstacle> {
    let (mut current, mut wanted, mut changes) = (Vec::new(), Vec::new(), Vec::new());
    for (key, least) in settings {
        let value = host.root.number(&crate::change::sysctl_path(key))?;
        let name = key.rsplit('.').next().unwrap_or(key);
        current.push(format!("{name} {value}"));
        wanted.push(format!("{name} >= {least}"));
        if value < *least {
            changes.push(Change::sysctl(host, key, least.to_string())?);
        }
    }
    let check = Check::judged(about, changes.is_empty(), otherwise, current.join(", "), wanted.join(", "));
    Ok(changes.into_iter().fold(check, Check::change))
}

/// Wants the third number of a setting like `tcp_rmem` to be at least a number of bytes.
pub(super) fn third_at_least(
    host: &Host,
    about: &'static About,
    key: &str,
    least_bytes: u64,
) -> Result<Check, Obstacle> {
    let path = crate::change::sysctl_path(key);
    let text = host.root.read(&path)?;
    let numbers: Option<Vec<u64>> = text.split_whitespace().map(|word| word.parse().ok()).collect();
    let Some([low, start, high]) = numbers.as_deref() else { return Err(Obstacle::unparsable(&path, &text)) };
    let wanted = format!("third >= {least_bytes}");
    let check =
        Check::judged(about, *high >= least_bytes, Verdict::Improvable, format!("{low} {start} {high}"), wanted);
    if *high >= least_bytes {
        return Ok(check);
    }
    Ok(check.change(Change::sysctl(host, key, format!("{low} {start} {least_bytes}"))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::tree::Tree;

    static ABOUT: About = About { name: "x", why: "y", effect: "z" };

    #[test]
    fn what_is_too_low_is_raised() {
        let tree = Tree::new(&[("/proc/sys/a/b", "128"), ("/proc/sys/a/c", "4096")]);
        let check = at_least(&Host::at(&tree), &ABOUT, Verdict::Poor, &[("a.b", 4096), ("a.c", 4096)]).unwrap();
        assert_eq!((check.verdict, check.changes.len()), (Verdict::Poor, 1));
        assert_eq!(check.changes[0].command(), "sudo sysctl -w a.b=4096");
        assert_eq!(check.undo(), ["sudo sysctl -w a.b=128"]);
        assert_eq!(check.current, "b 128, c 4096");
    }

    #[test]
    fn only_the_third_number_is_raised() {
        let tree = Tree::new(&[("/proc/sys/a/b", "4096\t87380\t100\n")]);
        let check = third_at_least(&Host::at(&tree), &ABOUT, "a.b", 1000).unwrap();
        assert_eq!(check.changes[0].to, "4096 87380 1000");
        for nonsense in ["1 2", "1 2 x", "", "1 2 3 4"] {
            tree.write("/proc/sys/a/b", nonsense);
            assert!(matches!(third_at_least(&Host::at(&tree), &ABOUT, "a.b", 1), Err(Obstacle::Unparsable { .. })));
        }
    }
}
