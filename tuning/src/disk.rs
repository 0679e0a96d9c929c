//! The block devices below a data directory.
//!
//! Follows partitions to their disk, and devices that are made of others to those, through `/sys`.

use std::path::Path;

use crate::host::Host;
use crate::root::{Obstacle, Root};

/// How deep devices are made of devices at most: a partition, a mirror, a crypt and a volume make four.
const DEPTH_MAX: usize = 8;
/// The most disks below one file system that are looked at.
const DISKS_MAX: usize = 64;

/// Names of the disks that hold the data, as in `/sys/block`.
pub fn names(host: &Host) -> Result<Vec<String>, Obstacle> {
    let Some((major, minor)) = host.device else {
        return Err(Obstacle::NotHere("no data directory was named".to_owned()));
    };
    let node = format!("/sys/dev/block/{major}:{minor}");
    if !host.root.exists("/sys/dev/block") {
        return Err(Obstacle::Missing("/sys/dev/block".to_owned()));
    }
    if !host.root.exists(&node) {
        return Err(Obstacle::NotHere(format!("the file system (device {major}:{minor}) has no disk of its own")));
    }
    let mut names = Vec::new();
    collect(&host.root, &host.root.resolve(&node)?, 0, &mut names)?;
    names.sort();
    names.dedup();
    Ok(names)
}

fn collect(root: &Root, device: &str, depth: usize, names: &mut Vec<String>) -> Result<(), Obstacle> {
    if depth > DEPTH_MAX || names.len() > DISKS_MAX {
        return Err(Obstacle::NotHere(format!("{device} is made of too many devices")));
    }
    // A partition lies in the directory of its disk.
    let disk = match device.rsplit_once('/') {
        Some((disk, _)) if root.exists(&format!("{device}/partition")) => disk,
        _ => device,
    };
    let slaves = root.list(&format!("{disk}/slaves")).unwrap_or_default();
    if slaves.is_empty() {
        let name = disk.rsplit('/').next().unwrap_or(disk);
        names.push(name.to_owned());
    }
    for slave in slaves {
        collect(root, &root.resolve(&format!("{disk}/slaves/{slave}"))?, depth + 1, names)?;
    }
    Ok(())
}

/// The path of a setting of a disk's queue.
pub fn queue(disk: &str, setting: &str) -> String {
    format!("/sys/block/{disk}/queue/{setting}")
}

/// Whether a disk says that it turns.
pub fn is_rotational(host: &Host, disk: &str) -> bool {
    host.root.number(&queue(disk, "rotational")).is_ok_and(|number| number == 1)
}

/// Whether a disk is that of a virtual machine, whose word on turning means nothing.
pub fn is_virtual(disk: &str) -> bool {
    ["vd", "xvd"].iter().any(|prefix| disk.starts_with(prefix))
}

/// What a disk is: its name, model and size in bytes, as far as it tells.
pub fn describe(host: &Host, disk: &str) -> (String, u64) {
    let model = host.root.read(&format!("/sys/block/{disk}/device/model")).unwrap_or_default();
    // In units of 512 bytes, whatever the size of the disk's own blocks.
    let sectors = host.root.number(&format!("/sys/block/{disk}/size")).unwrap_or(0);
    let text = if model.trim().is_empty() { disk.to_owned() } else { format!("{disk} ({})", model.trim()) };
    (text, sectors.saturating_mul(512))
}

/// What tells one file system from another, wherever it is mounted; the kernel derives it from the file system's own id.
pub fn file_system_id(dir: &Path) -> Option<u64> {
    rustix::fs::statvfs(dir).ok().map(|found| found.f_fsid)
}

#[cfg(test)]
pub(crate) mod fake {
    //! A disk for tests.

    use crate::root::tree::Tree;

    /// Files of a disk `sda` of number 8:0 with these settings of its queue.
    pub(crate) fn sda(settings: &[(&str, &str)]) -> Tree {
        let tree = Tree::new(&[("/sys/block/sda/size", "2048")]);
        for (name, value) in settings {
            tree.write(&format!("/sys/block/sda/queue/{name}"), value);
        }
        link(&tree, "/sys/dev/block/8:0", "../../block/sda");
        tree
    }

    /// Makes a link of `/sys`.
    pub(crate) fn link(tree: &Tree, path: &str, target: &str) {
        let path = tree.root().path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
    }
}

#[cfg(test)]
mod tests {
    use super::fake::{link, sda};
    use super::*;
    use crate::root::tree::Tree;

    #[test]
    fn the_disk_of_a_partition_of_a_volume_is_found() {
        let tree = Tree::new(&[
            ("/sys/devices/virtual/block/dm-0/size", "1"),
            ("/sys/devices/pci/block/sdb/sdb1/partition", "1"),
            ("/sys/devices/pci/block/sdc/size", "4096"),
            ("/sys/devices/pci/block/sdc/device/model", "FAST  \n"),
        ]);
        link(&tree, "/sys/dev/block/8:0", "../../devices/virtual/block/dm-0");
        link(&tree, "/sys/devices/virtual/block/dm-0/slaves/sdb1", "../../../../pci/block/sdb/sdb1");
        link(&tree, "/sys/devices/virtual/block/dm-0/slaves/sdc", "../../../../pci/block/sdc");
        link(&tree, "/sys/block/sdc", "../devices/pci/block/sdc");
        let host = Host::at(&tree);
        assert_eq!(names(&host).unwrap(), ["sdb", "sdc"]);
        assert_eq!(describe(&host, "sdc"), ("sdc (FAST)".to_owned(), 4096 * 512));
    }

    #[test]
    fn a_device_that_is_made_of_itself_is_an_obstacle() {
        let tree = sda(&[]);
        link(&tree, "/sys/block/sda/slaves/sda", "../../sda");
        assert!(matches!(names(&Host::at(&tree)), Err(Obstacle::NotHere(_))));
    }

    #[test]
    fn a_file_system_without_a_disk_is_an_obstacle() {
        let tree = Tree::new(&[("/sys/dev/block/7:0/size", "1")]);
        assert!(matches!(names(&Host::at(&tree)), Err(Obstacle::NotHere(_))));
        assert!(matches!(names(&Host { device: None, ..Host::at(&tree) }), Err(Obstacle::NotHere(_))));
        assert!(matches!(names(&Host::at(&Tree::new(&[]))), Err(Obstacle::Missing(_))));
    }
}
