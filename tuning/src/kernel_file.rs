//! Small files of `/proc` and `/sys`.
//!
//! Blocking, which these are not; called before any shard exists.

/// The text of a pseudo file, without blanks at its end; `None` if it cannot be read.
pub fn read(path: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "pseudo files of the kernel, read before any shard exists")]
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim_end().to_owned())
}

/// The first number of a pseudo file.
pub fn read_number(path: &str) -> Option<u64> {
    read(path)?.split_whitespace().next()?.parse().ok()
}

/// The command line of a process, arguments apart by blanks.
pub fn command_line(pid: u32) -> Option<String> {
    let text = read(&format!("/proc/{pid}/cmdline"))?;
    let line = text.split('\0').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    (!line.is_empty()).then_some(line)
}

/// The kernel's major and minor version.
pub fn kernel_version() -> Option<(u32, u32)> {
    parse_version(&read("/proc/sys/kernel/osrelease")?)
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split(|character: char| !character.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_parse() {
        assert_eq!(parse_version("6.18.44-fc-v657"), Some((6, 18)));
        assert_eq!(parse_version("5.15-rc1"), Some((5, 15)));
        assert_eq!(parse_version("linux"), None);
    }

    #[test]
    fn our_own_command_line_is_found() {
        assert!(command_line(std::process::id()).unwrap().contains("corelog_tuning"));
    }
}
