//! Random numbers of the kernel, drawn in blocks.
#![expect(unsafe_code, reason = "getrandom has no safe wrapper here")]

use std::cell::RefCell;

const BLOCK_BYTES: usize = 512;

struct Block {
    bytes: [u8; BLOCK_BYTES],
    used: usize,
}

thread_local! {
    static BLOCK: RefCell<Block> = const { RefCell::new(Block { bytes: [0; BLOCK_BYTES], used: BLOCK_BYTES }) };
}

pub(crate) fn fill(bytes: &mut [u8]) {
    if bytes.len() > BLOCK_BYTES / 4 {
        return fill_from_kernel(bytes);
    }
    BLOCK.with_borrow_mut(|block| {
        if block.used + bytes.len() > BLOCK_BYTES {
            fill_from_kernel(&mut block.bytes);
            block.used = 0;
        }
        let end = block.used + bytes.len();
        let fresh = block.bytes.get_mut(block.used..end).expect("the block was refilled");
        bytes.copy_from_slice(fresh);
        // What was given out must not be found in memory later.
        fresh.fill(0);
        block.used = end;
    });
}

fn fill_from_kernel(mut bytes: &mut [u8]) {
    while !bytes.is_empty() {
        // SAFETY: the pointer and the length are those of one exclusive slice.
        let count = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
        match usize::try_from(count) {
            Ok(count) => bytes = bytes.get_mut(count..).expect("the kernel fills at most what was asked"),
            Err(_) => assert_eq!(
                std::io::Error::last_os_error().kind(),
                std::io::ErrorKind::Interrupted,
                "the kernel gives random numbers"
            ),
        }
    }
}
