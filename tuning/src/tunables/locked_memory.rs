//! `RLIMIT_MEMLOCK`: the memory that the rings of the shards lock.
//!
//! Raising the soft limit changes this process alone and needs no privilege.

use corelog_rt::fatal::Reason;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::change::{Snippet, SnippetFile};
use crate::check::{About, Check, Tunable, Verdict, bytes_text};
use crate::host::Host;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "locked-memory",
    why: "the rings that the broker shares with the kernel are locked in memory",
    effect: "the broker starts",
};
/// Rings of one shard, each of which locks memory.
const RINGS_PER_SHARD: u64 = 3;
/// The least that the runtime locks.
const LOCKED_BYTES_MIN: u64 = 512 << 10;

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

#[expect(clippy::unnecessary_wraps, reason = "as all tunables")]
fn look(host: &Host) -> Result<Check, Obstacle> {
    let io_memory_bytes = corelog_rt::runtime::Config::default().io_memory_bytes as u64;
    // A start raises the soft limit to the hard one by itself.
    let limit = getrlimit(Resource::Memlock).maximum;
    let check = check(limit, wanted_bytes(host.cpus.len(), io_memory_bytes));
    if check.verdict == Verdict::Good {
        return Ok(check);
    }
    let unit = Snippet { file: SnippetFile::Unit, key: "LimitMEMLOCK=".to_owned(), value: "infinity".to_owned() };
    let user = Snippet { file: SnippetFile::Limits, key: "* - memlock".to_owned(), value: "unlimited".to_owned() };
    Ok(check.snippet(unit).snippet(user))
}

/// Bytes that so many shards lock, with so many for each ring.
pub fn wanted_bytes(shards: usize, io_memory_bytes: u64) -> u64 {
    RINGS_PER_SHARD.saturating_mul(shards as u64).saturating_mul(io_memory_bytes).max(LOCKED_BYTES_MIN)
}

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
        return Check::good(&ABOUT, current, wanted);
    }
    let check = Check::new(&ABOUT, Verdict::Refused(Reason::MemoryLockLimit), current, wanted);
    how(wanted_bytes).into_iter().fold(check, Check::advise)
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
