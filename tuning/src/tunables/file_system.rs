//! The file system that holds the data, and how it is mounted.

use std::path::Path;

use crate::check::{About, Check, Tunable, Verdict};
use crate::host::Host;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "file-system",
    why: "direct writes of many at once into files of fixed length are what XFS and ext4 do well; others copy, lock or lie",
    effect: "a steady latency of writes; on a network or copying file system half of it and less",
};
/// File systems that do it well.
const GOOD: [&str; 2] = ["xfs", "ext4"];
/// Options that keep syncs from the device.
const UNSAFE: [&str; 2] = ["nobarrier", "barrier=0"];
/// Options that slow writes down.
const SLOW: [&str; 4] = ["data=journal", "sync", "dirsync", "wsync"];

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

/// A line of `/proc/self/mountinfo`.
struct Mount {
    point: String,
    kind: String,
    options: Vec<String>,
}

fn look(host: &Host) -> Result<Check, Obstacle> {
    const PATH: &str = "/proc/self/mountinfo";
    let text = host.root.read(PATH)?;
    let dir = host.data_dir()?;
    let mounts = text.lines().filter_map(parse);
    // The last of several mounts on one place is the one that is seen.
    let mount = mounts
        .filter(|mount| dir.starts_with(&mount.point))
        .max_by_key(|mount| Path::new(&mount.point).components().count());
    let mount = mount.ok_or_else(|| Obstacle::unparsable(PATH, &text))?;
    let named = |known: &[&str]| -> Vec<&str> {
        mount.options.iter().map(String::as_str).filter(|option| known.contains(option)).collect()
    };
    let (unsafe_ones, slow_ones) = (named(&UNSAFE), named(&SLOW));
    let has_discard = mount.options.iter().any(|option| option == "discard");
    let mut shown = vec![mount.kind.as_str()];
    shown.extend(unsafe_ones.iter().chain(&slow_ones).copied());
    shown.extend(has_discard.then_some("discard"));
    let is_good_kind = GOOD.contains(&mount.kind.as_str());
    let verdict = if !unsafe_ones.is_empty() || !slow_ones.is_empty() || !is_good_kind {
        Verdict::Poor
    } else if has_discard {
        Verdict::Improvable
    } else {
        Verdict::Good
    };
    let mut check =
        Check::new(&ABOUT, verdict, shown.join(", "), "xfs or ext4, with barriers, trimmed in the background");
    if !is_good_kind {
        check = check.advise("put the data on XFS or ext4 on a local disk: --data DIR");
    }
    for option in unsafe_ones {
        check =
            check.advise(format!("mount {} without {option}: a power loss takes acknowledged records", mount.point));
    }
    for option in slow_ones {
        check = check.advise(format!("mount {} without {option}", mount.point));
    }
    if has_discard {
        check = check.advise(format!(
            "mount {} without discard, and let fstrim.timer trim: trimming at each removal delays writes on many disks",
            mount.point
        ));
    }
    Ok(check)
}

/// `36 35 98:0 /root /point rw,noatime master:1 - ext4 /dev/x rw,barrier=0`
fn parse(line: &str) -> Option<Mount> {
    let (left, right) = line.split_once(" - ")?;
    let mut left = left.split(' ').skip(4);
    let (point, own) = (left.next()?, left.next()?);
    let mut right = right.split(' ');
    let (kind, _, shared) = (right.next()?, right.next()?, right.next().unwrap_or(""));
    let options = own.split(',').chain(shared.split(',')).map(ToOwned::to_owned).collect();
    Some(Mount { point: unescaped(point), kind: kind.to_owned(), options })
}

/// Blanks and the like stand there as `\040`.
fn unescaped(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::tree::Tree;

    fn check(mounts: &str) -> Check {
        let tree = Tree::new(&[("/proc/self/mountinfo", mounts)]);
        TUNABLE.check(&Host { data_dir: Some("/srv/a b/data".into()), ..Host::at(&tree) })
    }

    #[test]
    fn the_nearest_mount_decides() {
        let root = "1 0 8:1 / / rw - overlay overlay rw\n";
        assert_eq!(check(root).verdict, Verdict::Poor);
        for (line, verdict) in [
            ("rw,noatime - xfs /dev/x rw", Verdict::Good),
            ("rw shared:1 - ext4 /dev/x rw,discard", Verdict::Improvable),
            ("rw - ext4 /dev/x rw,barrier=0", Verdict::Poor),
            ("rw - ext4 /dev/x rw,data=journal", Verdict::Poor),
            ("rw - nfs4 host:/x rw", Verdict::Poor),
        ] {
            let found = check(&format!("{root}2 1 8:2 / /srv/a\\040b {line}\n3 1 8:3 / /srv/other rw - tmpfs t rw\n"));
            assert_eq!(found.verdict, verdict, "{line}");
        }
    }

    #[test]
    fn nonsense_is_unknown() {
        for text in ["", "1 2", "a - b", "1 0 8:1 / /elsewhere rw - ext4 x rw"] {
            assert_eq!(check(text).verdict, Verdict::Unknown, "{text}");
        }
    }
}
