//! The kernel's version: old enough to lack something, or known to do something wrong.

use corelog_rt::fatal::Reason;

use crate::check::{About, Check, Tunable, Verdict};
use crate::host::Host;
use crate::root::{Obstacle, Root};

static ABOUT: About = About {
    name: "kernel-version",
    why: "everything that the broker does goes through io_uring and direct writes, which some kernels get wrong",
    effect: "no damage by known faults; newer kernels need less time for each request",
};
/// The oldest kernel with everything that the runtime asks of `io_uring`.
pub const KERNEL_MIN: Version = (5, 12, 0);
/// From here on the work of `io_uring` is done where it was asked for, without interrupting.
const KERNEL_WANTED: Version = (6, 1, 0);

/// Major, minor and patch level.
pub type Version = (u32, u32, u32);

/// Kernels from the first to before the second version, and what is wrong with them.
struct Fault {
    from: Version,
    before: Version,
    what: &'static str,
    verdict: Verdict,
}

/// What is known. Kernels of a distribution may have it mended under the same number, so none of these refuses a start.
const FAULTS: [Fault; 4] = [
    Fault {
        from: (6, 1, 64),
        before: (6, 1, 66),
        what: "synced direct writes on ext4 land in the wrong place",
        verdict: Verdict::Poor,
    },
    Fault {
        from: (6, 3, 0),
        before: (6, 3, 2),
        what: "registered buffers give a process access to memory that is not its own (CVE-2023-2598)",
        verdict: Verdict::Poor,
    },
    Fault {
        from: (6, 4, 0),
        before: (6, 6, 5),
        what: "provided buffer rings outlive their memory (CVE-2024-0582)",
        verdict: Verdict::Poor,
    },
    Fault {
        from: (6, 1, 39),
        before: (6, 2, 0),
        what: "idle shards are shown as 100 % waiting for I/O, which costs nothing",
        verdict: Verdict::Improvable,
    },
];

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    let release = host.root.read("/proc/sys/kernel/osrelease")?;
    let version = version(&host.root)?;
    Ok(judge(version, release))
}

/// The kernel's version.
pub fn version(root: &Root) -> Result<Version, Obstacle> {
    const PATH: &str = "/proc/sys/kernel/osrelease";
    let text = root.read(PATH)?;
    parse(&text).ok_or_else(|| Obstacle::unparsable(PATH, &text))
}

fn parse(text: &str) -> Option<Version> {
    let mut parts = text.split(|character: char| !character.is_ascii_digit());
    let (major, minor) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some((major, minor, parts.next().and_then(|part| part.parse().ok()).unwrap_or(0)))
}

fn judge(version: Version, release: String) -> Check {
    let wanted = "6.1 or later, without known faults";
    let newer = "run Linux 6.1 or later, with the last fixes of its series";
    if version < KERNEL_MIN {
        return Check::new(&ABOUT, Verdict::Refused(Reason::NoIoUring), release, wanted).advise(newer);
    }
    let known: Vec<&Fault> = FAULTS.iter().filter(|fault| fault.from <= version && version < fault.before).collect();
    let mut verdict = if version < KERNEL_WANTED { Verdict::Improvable } else { Verdict::Good };
    for fault in &known {
        if verdict != Verdict::Poor {
            verdict = fault.verdict;
        }
    }
    let current = known.iter().fold(release, |text, fault| format!("{text}; {}", fault.what));
    let check = Check::new(&ABOUT, verdict, current, wanted);
    if verdict == Verdict::Good { check } else { check.advise(newer) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_parse() {
        assert_eq!(parse("6.18.44-fc-v657"), Some((6, 18, 44)));
        assert_eq!(parse("5.15-rc1"), Some((5, 15, 0)));
        assert_eq!(parse("6.1.0-15-amd64"), Some((6, 1, 0)));
        assert_eq!(parse("linux"), None);
        assert_eq!(parse("99999999999.1"), None);
    }

    #[test]
    fn known_faults_are_named() {
        let verdict = |text: &str| judge(parse(text).unwrap(), text.to_owned()).verdict;
        assert_eq!(verdict("5.4.0"), Verdict::Refused(Reason::NoIoUring));
        assert_eq!(verdict("5.15.100"), Verdict::Improvable);
        assert_eq!(verdict("6.1.38"), Verdict::Good);
        assert_eq!(verdict("6.1.65"), Verdict::Poor);
        assert_eq!(verdict("6.1.90"), Verdict::Improvable);
        assert_eq!(verdict("6.6.4"), Verdict::Poor);
        assert_eq!(verdict("6.18.44"), Verdict::Good);
    }
}
