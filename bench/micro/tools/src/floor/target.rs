//! Owns the file that the loop writes: direct, each write durable when it returns, over blocks that were written before.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::fs::OFlags;

/// Bytes of one write, and of the buffer that is filled for it.
pub const BLOCK_BYTES: usize = 1 << 20;
/// What addresses of direct I/O are multiples of.
const ALIGNMENT: usize = 4096;

/// An aligned block.
pub struct Block {
    memory: Vec<u8>,
    from: usize,
}

impl Block {
    /// Zeros.
    pub fn new() -> Block {
        let memory = vec![0; BLOCK_BYTES + ALIGNMENT];
        let from = memory.as_ptr().align_offset(ALIGNMENT);
        Block { memory, from }
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        self.memory.get(self.from..self.from + BLOCK_BYTES).expect("the memory has room for the alignment")
    }

    /// Its bytes, to be filled.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.memory.get_mut(self.from..self.from + BLOCK_BYTES).expect("the memory has room for the alignment")
    }
}

impl Default for Block {
    fn default() -> Block {
        Block::new()
    }
}

/// The file, which is removed in the end.
pub struct Target {
    file: File,
    path: PathBuf,
    bytes: u64,
    position: u64,
}

impl Target {
    /// Makes a file of `bytes` in `directory`, and writes all of it once.
    ///
    /// # Errors
    /// Of the file system: one without direct I/O, or without room.
    pub fn new(directory: &Path, bytes: u64) -> Result<Target> {
        let path = directory.join(format!("corelog-floor-{}", std::process::id()));
        let flags = OFlags::DIRECT | OFlags::DSYNC;
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .custom_flags(flags.bits() as i32)
            .open(&path)
            .with_context(|| format!("{} takes no direct writes", path.display()))?;
        let bytes = bytes.next_multiple_of(BLOCK_BYTES as u64).max(BLOCK_BYTES as u64);
        let mut target = Target { file, path, bytes, position: 0 };
        let block = Block::new();
        for _ in 0..bytes / BLOCK_BYTES as u64 {
            target.write(&block)?;
        }
        Ok(target)
    }

    /// Writes a block behind the last one, and after the end at the start again.
    ///
    /// # Errors
    /// Of the device.
    pub fn write(&mut self, block: &Block) -> Result<()> {
        self.file.write_all_at(block.bytes(), self.position).context("a block is not written")?;
        self.position = (self.position + BLOCK_BYTES as u64) % self.bytes;
        Ok(())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // There is nobody left to tell.
        let _ = std::fs::remove_file(&self.path);
    }
}
