//! `RLIMIT_NOFILE`: one open file per connection, and some per log.
//!
//! Raising the soft limit changes this process alone and needs no privilege.

use corelog_rt::fatal::Reason;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::change::{Snippet, SnippetFile};
use crate::check::{About, Check, Tunable, Verdict};
use crate::host::Host;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "open-files",
    why: "every connection is an open file, and every log has some",
    effect: "no refused connections when many clients come",
};

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };
/// Below this a busy broker runs out of connections.
pub const FILES_WANTED: u64 = 16_384;
/// Files that one shard opens for itself.
const FILES_PER_SHARD_MIN: u64 = 64;

#[expect(clippy::unnecessary_wraps, reason = "as all tunables")]
fn look(host: &Host) -> Result<Check, Obstacle> {
    // A start raises the soft limit to the hard one by itself.
    let check = check(getrlimit(Resource::Nofile).maximum, host.cpus.len());
    if check.verdict == Verdict::Good {
        return Ok(check);
    }
    let unit = Snippet { file: SnippetFile::Unit, key: "LimitNOFILE=".to_owned(), value: "1048576".to_owned() };
    let user = Snippet { file: SnippetFile::Limits, key: "* - nofile".to_owned(), value: "1048576".to_owned() };
    Ok(check.snippet(unit).snippet(user))
}

/// Raises the soft limit to the hard one; `None` means no limit.
pub fn raise() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        // A refusal leaves the limit as it was, which the check then judges.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    }
    getrlimit(Resource::Nofile).current
}

/// Judges the limit (`None`: none) for so many shards.
pub fn check(limit: Option<u64>, shards: usize) -> Check {
    let least = 64 + FILES_PER_SHARD_MIN * shards as u64;
    let current = limit.map_or("unlimited".to_owned(), |limit| limit.to_string());
    let verdict = match limit {
        Some(limit) if limit < least => Verdict::Refused(Reason::OpenFilesLimit),
        Some(limit) if limit < FILES_WANTED => Verdict::Poor,
        _ => return Check::good(&ABOUT, current, FILES_WANTED.to_string()),
    };
    Check::new(&ABOUT, verdict, current, FILES_WANTED.to_string())
        .advise("in this shell, as root: ulimit -n 1048576")
        .advise("in a systemd unit, below [Service]: LimitNOFILE=1048576")
        .advise("for a user, in /etc/security/limits.conf: USER - nofile 1048576")
        .advise("in a container: --ulimit nofile=1048576:1048576")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_decides() {
        assert_eq!(check(None, 1).verdict, Verdict::Good);
        assert_eq!(check(Some(FILES_WANTED), 8).verdict, Verdict::Good);
        assert_eq!(check(Some(1024), 8).verdict, Verdict::Poor);
        assert_eq!(check(Some(100), 1).verdict, Verdict::Refused(Reason::OpenFilesLimit));
    }
}
