//! `io_uring`: offered by the kernel and not switched off.
//!
//! What a seccomp profile forbids shows only when the shards start, and is reported then.

use corelog_rt::fatal::Reason;

use crate::check::{Check, Verdict};
use crate::kernel_file;

const NAME: &str = "io_uring";
/// The oldest kernel with everything that the runtime asks of `io_uring`.
pub const KERNEL_MIN: (u32, u32) = (5, 12);

/// Checks the kernel's version and its switch.
pub fn check() -> Check {
    judge(kernel_file::kernel_version(), kernel_file::read_number("/proc/sys/kernel/io_uring_disabled"))
}

fn judge(kernel: Option<(u32, u32)>, disabled: Option<u64>) -> Check {
    let version = kernel.map_or("of unknown version".to_owned(), |(major, minor)| format!("{major}.{minor}"));
    let switch = match disabled {
        None | Some(0) => "enabled",
        Some(1) => "enabled for privileged processes and one group only",
        Some(_) => "disabled",
    };
    let current = format!("kernel {version}, {switch}");
    let wanted = format!("kernel {}.{} or later, enabled", KERNEL_MIN.0, KERNEL_MIN.1);
    let refused = Verdict::Refused(Reason::NoIoUring);
    let (supported, verdict, how) = if kernel.is_some_and(|kernel| kernel < KERNEL_MIN) {
        (false, refused, vec![format!("run Linux {}.{} or later (6.1 or later is best)", KERNEL_MIN.0, KERNEL_MIN.1)])
    } else if disabled.is_some_and(|disabled| disabled >= 2) {
        let how = vec![
            "now: sudo sysctl kernel.io_uring_disabled=0".to_owned(),
            "for good: echo kernel.io_uring_disabled=0 | sudo tee /etc/sysctl.d/60-corelog.conf".to_owned(),
        ];
        (true, refused, how)
    } else if disabled == Some(1) {
        let how =
            vec!["sudo sysctl kernel.io_uring_group=$(id -g), or kernel.io_uring_disabled=0 for everybody".to_owned()];
        (true, Verdict::Poor, how)
    } else {
        (true, Verdict::Good, Vec::new())
    };
    Check { name: NAME, supported, current, wanted, verdict, how }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_switch_and_the_version_decide() {
        let refused = Verdict::Refused(Reason::NoIoUring);
        for (kernel, disabled, verdict) in [
            (Some((6, 1)), Some(0), Verdict::Good),
            (Some((6, 1)), None, Verdict::Good),
            (None, None, Verdict::Good),
            (Some((6, 6)), Some(1), Verdict::Poor),
            (Some((6, 6)), Some(2), refused),
            (Some((5, 4)), None, refused),
        ] {
            let check = judge(kernel, disabled);
            assert_eq!(check.verdict, verdict, "{kernel:?} {disabled:?}");
            assert_eq!(check.how.is_empty(), verdict == Verdict::Good);
        }
    }
}
