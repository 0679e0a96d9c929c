//! Random numbers of the seed.

pub(crate) fn fill(bytes: &mut [u8]) {
    super::world::world().random().fill(bytes);
}
