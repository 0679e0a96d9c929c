//! The limits of our control group and of all those above it, of version 2 or 1.

use crate::root::Root;

/// How deep groups are looked at.
const DEPTH_MAX: usize = 64;

/// One setting of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The directory of the group.
    pub dir: String,
    /// The setting's text.
    pub text: String,
}

/// A setting of our group and of those above it, ours first: by the name that version 2 gives it, or by that of version 1
/// in the hierarchy of `controller`.
pub fn values(root: &Root, controller: &str, unified: &str, legacy: &str) -> Vec<Setting> {
    let mut found = Vec::new();
    for line in root.read("/proc/self/cgroup").unwrap_or_default().lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let (mount, file) = match controllers {
            "" => ("/sys/fs/cgroup".to_owned(), unified),
            _ if controllers.split(',').any(|name| name == controller) => {
                (legacy_mount(root, controllers, controller), legacy)
            }
            _ => continue,
        };
        let mut path = path.trim_end_matches('/');
        for _ in 0..DEPTH_MAX {
            let dir = format!("{mount}{path}");
            if let Ok(text) = root.read(&format!("{dir}/{file}")) {
                found.push(Setting { dir, text });
            }
            match path.rsplit_once('/') {
                Some((parent, _)) => path = parent,
                None => break,
            }
        }
    }
    found
}

/// Where a hierarchy of version 1 is mounted: under the names of all its controllers, or of one.
fn legacy_mount(root: &Root, controllers: &str, controller: &str) -> String {
    let joined = format!("/sys/fs/cgroup/{controllers}");
    if root.exists(&joined) { joined } else { format!("/sys/fs/cgroup/{controller}") }
}
