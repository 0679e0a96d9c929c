//! `io_uring`: offered by the kernel, not switched off, and not forbidden to this process.

use corelog_rt::fatal::Reason;
use corelog_rt::runtime::{self, RunError};

use super::kernel_version::{self, KERNEL_MIN, Version};
use crate::change::Change;
use crate::check::{About, Check, Tunable, Verdict};
use crate::host::Host;
use crate::root::{Obstacle, Root};

static ABOUT: About = About {
    name: "io_uring",
    why: "every read, write and message of the broker goes through it; without it there is no broker",
    effect: "the broker starts",
};
const SWITCH: &str = "kernel.io_uring_disabled";

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    let disabled = switch(&host.root)?;
    let check = judge(kernel_version::version(&host.root).ok(), disabled);
    let check = match (check.verdict, host.root.is_real()) {
        // What a seccomp profile forbids shows only in a trial.
        (Verdict::Good, true) => tried(check),
        _ => check,
    };
    if disabled.is_some_and(|disabled| disabled > 0) && check.verdict.is_wrong() {
        return Ok(check.change(Change::sysctl(host, SWITCH, "0")?));
    }
    Ok(check)
}

/// Checks the kernel's version and its switch; a start then tries.
pub fn check() -> Check {
    let root = Root::real();
    judge(kernel_version::version(&root).ok(), switch(&root).unwrap_or(None))
}

fn switch(root: &Root) -> Result<Option<u64>, Obstacle> {
    match root.number("/proc/sys/kernel/io_uring_disabled") {
        Ok(number) => Ok(Some(number)),
        // Kernels before 6.6 have no such switch.
        Err(Obstacle::Missing(_)) => Ok(None),
        Err(obstacle) => Err(obstacle),
    }
}

fn tried(check: Check) -> Check {
    match runtime::check(&runtime::Config::default()) {
        Err(error @ (RunError::IoUringDisabled { .. } | RunError::NoIoUring(_))) => Check {
            verdict: Verdict::Refused(Reason::NoIoUring),
            current: format!("{}, but not permitted to this process", check.current),
            ..check
        }
        .advise(error.to_string()),
        // Limits on memory have a check of their own.
        _ => check,
    }
}

fn judge(kernel: Option<Version>, disabled: Option<u64>) -> Check {
    let version = kernel.map_or("of unknown version".to_owned(), |(major, minor, _)| format!("{major}.{minor}"));
    let switch = match disabled {
        None | Some(0) => "enabled",
        Some(1) => "enabled for privileged processes and one group only",
        Some(_) => "disabled",
    };
    let current = format!("kernel {version}, {switch}");
    let wanted = format!("kernel {}.{} or later, enabled", KERNEL_MIN.0, KERNEL_MIN.1);
    let refused = Verdict::Refused(Reason::NoIoUring);
    if kernel.is_some_and(|kernel| kernel < KERNEL_MIN) {
        let newer = format!("run Linux {}.{} or later (6.1 or later is best)", KERNEL_MIN.0, KERNEL_MIN.1);
        return Check::new(&ABOUT, refused, current, wanted).advise(newer);
    }
    match disabled {
        None | Some(0) => Check::good(&ABOUT, current, wanted),
        Some(1) => Check::new(&ABOUT, Verdict::Poor, current, wanted)
            .advise("sudo sysctl kernel.io_uring_group=$(id -g), or kernel.io_uring_disabled=0 for everybody"),
        Some(_) => Check::new(&ABOUT, refused, current, wanted)
            .advise("now: sudo sysctl kernel.io_uring_disabled=0")
            .advise("for good: echo kernel.io_uring_disabled=0 | sudo tee /etc/sysctl.d/60-corelog.conf"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::tree::Tree;

    #[test]
    fn the_switch_and_the_version_decide() {
        let refused = Verdict::Refused(Reason::NoIoUring);
        for (kernel, disabled, verdict) in [
            (Some((6, 1, 0)), Some(0), Verdict::Good),
            (Some((6, 1, 0)), None, Verdict::Good),
            (None, None, Verdict::Good),
            (Some((6, 6, 0)), Some(1), Verdict::Poor),
            (Some((6, 6, 0)), Some(2), refused),
            (Some((5, 4, 0)), None, refused),
        ] {
            let check = judge(kernel, disabled);
            assert_eq!(check.verdict, verdict, "{kernel:?} {disabled:?}");
            assert_eq!(check.how().is_empty(), verdict == Verdict::Good);
        }
    }

    #[test]
    fn the_switch_can_be_changed_where_it_is_off() {
        let tree = Tree::new(&[("/proc/sys/kernel/osrelease", "6.8.0"), ("/proc/sys/kernel/io_uring_disabled", "2")]);
        let check = TUNABLE.check(&Host::at(&tree));
        assert_eq!(check.changes[0].command(), "sudo sysctl -w kernel.io_uring_disabled=0");
        tree.write("/proc/sys/kernel/io_uring_disabled", "perhaps");
        assert_eq!(TUNABLE.check(&Host::at(&tree)).verdict, Verdict::Unknown);
    }
}
