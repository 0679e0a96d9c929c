//! The content of a file, sparse, shared between what is durable and what is not.

use crate::map::HashMap;
use std::rc::Rc;

const PAGE_BYTES: usize = 4096;

/// Bytes by page; what is absent is zero.
#[derive(Clone, Default)]
pub(crate) struct Pages {
    pages: HashMap<u64, Rc<[u8; PAGE_BYTES]>>,
}

impl Pages {
    pub(crate) fn write(&mut self, position: u64, bytes: &[u8]) {
        let mut position = position;
        let mut left = bytes;
        while !left.is_empty() {
            let start = (position % PAGE_BYTES as u64) as usize;
            let (now, rest) = left.split_at(left.len().min(PAGE_BYTES - start));
            let page = self.pages.entry(position / PAGE_BYTES as u64).or_insert_with(|| Rc::new([0; PAGE_BYTES]));
            let place = Rc::make_mut(page).get_mut(start..start + now.len()).expect("cut at the end of the page");
            place.copy_from_slice(now);
            position += now.len() as u64;
            left = rest;
        }
    }

    /// The first position whose page is absent.
    pub(crate) fn first_hole(&self) -> u64 {
        let page = (0..).find(|page| !self.pages.contains_key(page)).expect("pages are finite");
        page * PAGE_BYTES as u64
    }

    pub(crate) fn read(&self, position: u64, bytes: usize) -> Vec<u8> {
        let mut result = Vec::with_capacity(bytes);
        while result.len() < bytes {
            let at = position + result.len() as u64;
            let start = (at % PAGE_BYTES as u64) as usize;
            let count = (bytes - result.len()).min(PAGE_BYTES - start);
            match self.pages.get(&(at / PAGE_BYTES as u64)) {
                Some(page) => result.extend_from_slice(page.get(start..start + count).expect("inside the page")),
                None => result.resize(result.len() + count, 0),
            }
        }
        result
    }
}
