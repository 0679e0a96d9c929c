//! The disk of one machine, in memory.
//!
//! Owns names and contents, each as it is now and as a loss of power would leave it. A write is visible when it is
//! complete and durable when a sync issued after that has returned. Sectors of 512 bytes are written whole or not.

use super::crash::Loss;
use super::faults::Faults;
use super::names::Names;
use super::pages::Pages;
use super::random::Random;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

const SECTOR_BYTES: usize = 512;
/// Free space where the test sets no limit.
const BYTES_MAX_DEFAULT: u64 = 1 << 40;
/// Beyond this many unsynced writes of a file the device makes the oldest durable by itself, as devices do.
const UNSYNCED_WRITES_MAX: usize = 4096;

pub(crate) struct DiskState {
    pub(crate) names: Names,
    inodes: BTreeMap<u64, Inode>,
    inode_next: u64,
    write_next: u64,
    pub(crate) bytes_max: u64,
    pub(crate) loss: Loss,
    pub(crate) faults: Faults,
    /// Counts processes, so that what an old one left unfinished touches nothing.
    pub(crate) process: u64,
    pub(crate) locked: BTreeSet<PathBuf>,
}

struct Inode {
    bytes: u64,
    now: Pages,
    durable: Pages,
    /// Writes that are not durable, in the order they were issued.
    unsynced: Vec<Write>,
    open_count: usize,
}

struct Write {
    number: u64,
    position: u64,
    bytes: Vec<u8>,
    complete: bool,
}

impl DiskState {
    pub(crate) fn new() -> DiskState {
        DiskState {
            names: Names::default(),
            inodes: BTreeMap::new(),
            inode_next: 1,
            write_next: 1,
            bytes_max: BYTES_MAX_DEFAULT,
            loss: Loss::default(),
            faults: Faults::default(),
            process: 0,
            locked: BTreeSet::new(),
        }
    }

    pub(crate) fn free_bytes(&self) -> u64 {
        let used: u64 =
            self.names.files().filter_map(|(_, inode)| self.inodes.get(&inode)).map(|inode| inode.bytes).sum();
        self.bytes_max.saturating_sub(used)
    }

    /// Makes a file of zeroes under `path`.
    pub(crate) fn create(&mut self, path: &Path, bytes: u64, content: &[u8]) -> io::Result<u64> {
        if self.free_bytes() < bytes {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let number = self.inode_next;
        self.names.put_file(path, number)?;
        self.inode_next += 1;
        let mut now = Pages::default();
        now.write(0, content);
        let durable = now.clone();
        self.inodes.insert(number, Inode { bytes, now, durable, unsynced: Vec::new(), open_count: 0 });
        Ok(number)
    }

    fn inode(&mut self, number: u64) -> &mut Inode {
        self.inodes.get_mut(&number).expect("an inode lives while it is open or has a name")
    }

    /// Opens an inode; returns its length.
    pub(crate) fn open(&mut self, number: u64) -> u64 {
        let inode = self.inode(number);
        inode.open_count += 1;
        inode.bytes
    }

    pub(crate) fn close(&mut self, number: u64) {
        if let Some(inode) = self.inodes.get_mut(&number) {
            inode.open_count = inode.open_count.saturating_sub(1);
        }
        self.sweep();
    }

    /// Forgets files that nothing leads to.
    pub(crate) fn sweep(&mut self) {
        let names = &self.names;
        self.inodes.retain(|number, inode| inode.open_count > 0 || names.refers_to(*number));
    }

    pub(crate) fn length(&mut self, number: u64) -> u64 {
        self.inode(number).bytes
    }

    /// The first position whose block nobody wrote; the length if there is none.
    pub(crate) fn first_hole(&mut self, number: u64) -> u64 {
        let inode = self.inode(number);
        inode.now.first_hole().min(inode.bytes)
    }

    pub(crate) fn read(&mut self, number: u64, position: u64, bytes: usize) -> Vec<u8> {
        self.inode(number).now.read(position, bytes)
    }

    /// Takes a write on; nobody sees it yet, but a crash may keep it.
    pub(crate) fn begin_write(&mut self, number: u64, position: u64, bytes: &[u8]) -> u64 {
        let write = self.write_next;
        self.write_next += 1;
        let entry = Write { number: write, position, bytes: bytes.to_vec(), complete: false };
        self.inode(number).unsynced.push(entry);
        write
    }

    /// The write is visible from now on, and durable if it goes `through`.
    pub(crate) fn complete_write(&mut self, number: u64, write: u64, through: bool) {
        let inode = self.inode(number);
        let Some(index) = inode.unsynced.iter().position(|entry| entry.number == write) else { return };
        let entry = inode.unsynced.get_mut(index).expect("found above");
        inode.now.write(entry.position, &entry.bytes);
        entry.complete = true;
        if through {
            inode.durable.write(entry.position, &entry.bytes);
            inode.unsynced.remove(index);
        } else if inode.unsynced.len() > UNSYNCED_WRITES_MAX
            && inode.unsynced.first().is_some_and(|write| write.complete)
        {
            let oldest = inode.unsynced.remove(0);
            inode.durable.write(oldest.position, &oldest.bytes);
        }
    }

    /// The write failed: any of its sectors may have reached the device.
    pub(crate) fn fail_write(&mut self, number: u64, write: u64, random: &mut Random) {
        let inode = self.inode(number);
        let Some(index) = inode.unsynced.iter().position(|entry| entry.number == write) else { return };
        let entry = inode.unsynced.remove(index);
        for (position, sector) in torn(&entry, random) {
            inode.now.write(position, sector);
            inode.durable.write(position, sector);
        }
    }

    /// The writes that a sync issued now covers.
    pub(crate) fn completed_writes(&mut self, number: u64) -> Vec<u64> {
        self.inode(number).unsynced.iter().filter(|write| write.complete).map(|write| write.number).collect()
    }

    /// The sync that covers `writes` has returned. They are in the order of their numbers.
    pub(crate) fn make_durable(&mut self, number: u64, writes: &[u64]) {
        let inode = self.inode(number);
        let durable = &mut inode.durable;
        inode.unsynced.retain(|write| {
            let covered = writes.binary_search(&write.number).is_ok();
            if covered {
                durable.write(write.position, &write.bytes);
            }
            !covered
        });
    }

    pub(crate) fn unsynced_writes(&self) -> usize {
        self.inodes.values().map(|inode| inode.unsynced.len()).sum()
    }

    /// Inverts bits of a file as decay does: what is there now and what is durable.
    pub(crate) fn decay(&mut self, path: &Path, position: u64, mask: &[u8]) -> io::Result<()> {
        let number = self.names.inode(path)?;
        let inode = self.inode(number);
        for pages in [&mut inode.now, &mut inode.durable] {
            let mut bytes = pages.read(position, mask.len());
            for (byte, mask) in bytes.iter_mut().zip(mask) {
                *byte ^= mask;
            }
            pages.write(position, &bytes);
        }
        Ok(())
    }

    /// The process has ended: its files are closed, its locks free, and what it had issued completes.
    pub(crate) fn end_process(&mut self) {
        self.process += 1;
        self.locked.clear();
        for inode in self.inodes.values_mut() {
            inode.open_count = 0;
            for write in inode.unsynced.iter_mut().filter(|write| !write.complete) {
                inode.now.write(write.position, &write.bytes);
                write.complete = true;
            }
        }
        self.sweep();
    }

    /// Decides what of everything unsynced is left.
    pub(crate) fn lose_power(&mut self, random: &mut Random) {
        let loss = self.loss;
        let changes = match loss {
            Loss::Random => random.below(self.names.unsynced() as u64 + 1) as usize,
            Loss::All => 0,
            Loss::Nothing => self.names.unsynced(),
        };
        self.names.lose(changes);
        for inode in self.inodes.values_mut() {
            for write in std::mem::take(&mut inode.unsynced) {
                let kept = match loss {
                    Loss::Random => torn(&write, random),
                    Loss::Nothing if write.complete => vec![(write.position, &write.bytes[..])],
                    Loss::All | Loss::Nothing => Vec::new(),
                };
                for (position, sectors) in kept {
                    inode.durable.write(position, sectors);
                }
            }
            inode.now = inode.durable.clone();
        }
        self.sweep();
    }
}

/// What is left of a write that was cut short: all, nothing, a part at either end, or any of its sectors.
fn torn<'a>(write: &'a Write, random: &mut Random) -> Vec<(u64, &'a [u8])> {
    let sectors = write.bytes.chunks(SECTOR_BYTES).enumerate();
    let count = write.bytes.len().div_ceil(SECTOR_BYTES) as u64;
    let kind = random.below(5);
    let cut = random.below(count + 1) as usize;
    let kept = sectors.filter(|(index, _)| match kind {
        0 => true,
        1 => false,
        2 => *index < cut,
        3 => *index >= cut,
        _ => random.below(2) == 0,
    });
    kept.map(|(index, sector)| (write.position + (index * SECTOR_BYTES) as u64, sector)).collect()
}
