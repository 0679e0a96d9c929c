//! `RLIMIT_MEMLOCK`: the memory that the rings of the shards lock.
//!
//! Raising the soft limit changes this process alone and needs no privilege.

use corelog_rt::fatal::Reason;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::check::{Check, Verdict, bytes_text};

const NAME: &str = "locked memory";

/// Raises the soft limit to the hard one; `None` means no limit.
pub fn raise() -> Option<u64> {
    let limit = getrlimit(Resource::Memlock);
    if limit.current != limit.maximum {
        // A refusal leaves the limit as it was, which the check then judges.
        let _ = setrlimit(Resource::Memlock, Rlimit { current: limit.maximum, maximum: limit.maximum });
    }
    getrlimit(Resource::Memlock).current
}

/// Judges the limit (`None`: none) against what the shards lock together.
pub fn check(limit_bytes: Option<u64>, wanted_bytes: u64) -> Check {
    let current = limit_bytes.map_or("unlimited".to_owned(), bytes_text);
    let wanted = bytes_text(wanted_bytes);
    if limit_bytes.is_none_or(|limit| limit >= wanted_bytes) {
        return Check::good(NAME, current, wanted);
    }
    Check {
        name: NAME,
        supported: true,
        current,
        wanted,
        verdict: Verdict::Refused(Reason::MemoryLockLimit),
        how: how(wanted_bytes),
    }
}

/// How to raise the hard limit so that it holds `wanted_bytes`.
pub fn how(wanted_bytes: u64) -> Vec<String> {
    let kib = wanted_bytes.div_ceil(1024);
    vec![
        format!("in this shell, as root: ulimit -l {kib} (or: ulimit -l unlimited)"),
        "in a systemd unit, below [Service]: LimitMEMLOCK=infinity".to_owned(),
        format!("for a user, in /etc/security/limits.conf: USER - memlock {kib}"),
        "in a container: --ulimit memlock=-1".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_below_the_need_is_refused_with_the_lines_to_write() {
        let check = check(Some(64 << 10), 1 << 20);
        assert_eq!(check.verdict, Verdict::Refused(Reason::MemoryLockLimit));
        let how = check.how.join("\n");
        for line in ["ulimit -l 1024", "LimitMEMLOCK=infinity", "USER - memlock 1024"] {
            assert!(how.contains(line), "{how}");
        }
    }

    #[test]
    fn enough_is_good() {
        assert_eq!(check(Some(1 << 20), 1 << 20).verdict, Verdict::Good);
        assert_eq!(check(None, u64::MAX).verdict, Verdict::Good);
    }

    #[test]
    fn raising_reaches_the_hard_limit() {
        assert_eq!(raise(), getrlimit(Resource::Memlock).maximum);
    }
}
