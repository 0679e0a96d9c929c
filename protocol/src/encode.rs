//! Writes the primitives of the protocol. Record slices are kept by reference: what comes out is a gather list of one
//! buffer of our own, cut where the slices go in.

use bytes::{BufMut, Bytes, BytesMut};

use crate::{Records, Text, Uuid};

/// Slices below this are copied: a gather entry costs more than so few bytes.
const SHARED_BYTES_MIN: usize = 128;

/// Why a message cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The version lacks the field, which is set and may not be left out; or, without a field, the version does not exist.
    #[error("{message} version {version}: {field} does not exist there")]
    NotInVersion {
        /// Kafka's name of the message.
        message: &'static str,
        /// The version.
        version: i16,
        /// `Structure.Field`.
        field: &'static str,
    },
    /// The field is null where the version has no null.
    #[error("{message} version {version}: {field} is null")]
    Null {
        /// Kafka's name of the message.
        message: &'static str,
        /// The version.
        version: i16,
        /// `Structure.Field`.
        field: &'static str,
    },
    /// A string of more than 32767 bytes, or anything else of more than two gigabytes.
    #[error("{message} version {version}: {field} is too long with {length}")]
    TooLong {
        /// Kafka's name of the message.
        message: &'static str,
        /// The version.
        version: i16,
        /// `Structure.Field`.
        field: &'static str,
        /// Bytes or elements.
        length: usize,
    },
}

/// Collects one message, or a header and a message, or a whole frame.
#[derive(Default)]
pub struct Encoder {
    /// All bytes of our own, without the shared slices.
    own: BytesMut,
    /// Shared slices, each with the position in `own` that it comes before.
    shared: Vec<(usize, Bytes)>,
    shared_bytes: usize,
    message: &'static str,
    version: i16,
    errors: Vec<(i16, u32)>,
}

/// A tagged field that is being written.
#[must_use = "a tag that is not closed has no size"]
pub struct OpenTag {
    own_start: usize,
    shared_start: usize,
    shared_bytes_start: usize,
}

/// An encoded message: slices to be sent one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// The slices, none of them empty.
    pub slices: Vec<Bytes>,
    /// Bytes in all of them.
    pub bytes: usize,
    /// The error codes other than 0 in them, each with how often it is there.
    pub errors: Vec<(i16, u32)>,
}

impl Encoded {
    /// All bytes in one piece: free for one slice, a copy for more.
    pub fn into_contiguous(self) -> Bytes {
        Records::from(self.slices).into_contiguous()
    }
}

impl Encoder {
    /// An empty one.
    pub fn new() -> Encoder {
        Encoder::default()
    }

    /// An empty one with room for `bytes` of its own.
    pub fn with_capacity(bytes: usize) -> Encoder {
        Encoder { own: BytesMut::with_capacity(bytes), ..Encoder::default() }
    }

    /// Bytes written so far, shared slices included.
    pub fn bytes_written(&self) -> usize {
        self.own.len() + self.shared_bytes
    }

    /// The gather list.
    pub fn finish(self) -> Encoded {
        let bytes = self.bytes_written();
        let mut own = self.own.freeze();
        let mut slices = Vec::with_capacity(self.shared.len() * 2 + 1);
        let mut position = 0;
        for (before, slice) in self.shared {
            if before > position {
                slices.push(own.split_to(before - position));
                position = before;
            }
            slices.push(slice);
        }
        if !own.is_empty() {
            slices.push(own);
        }
        Encoded { slices, bytes, errors: self.errors }
    }

    /// Names the message that the next writes belong to.
    pub fn begin(&mut self, message: &'static str, version: i16) {
        (self.message, self.version) = (message, version);
    }

    /// Overwrites four bytes written before, such as a frame's length.
    pub(crate) fn patch_int32(&mut self, position: usize, value: i32) {
        let place = self.own.get_mut(position..position + 4).expect("the four bytes were written before");
        place.copy_from_slice(&value.to_be_bytes());
    }

    #[cold]
    pub(crate) fn not_in_version(&self, field: &'static str) -> EncodeError {
        EncodeError::NotInVersion { message: self.message, version: self.version, field }
    }

    #[cold]
    pub(crate) fn null(&self, field: &'static str) -> EncodeError {
        EncodeError::Null { message: self.message, version: self.version, field }
    }

    #[cold]
    fn too_long(&self, field: &'static str, length: usize) -> EncodeError {
        EncodeError::TooLong { message: self.message, version: self.version, field, length }
    }

    /// One byte, zero or one.
    pub fn boolean(&mut self, value: bool) {
        self.own.put_u8(u8::from(value));
    }

    /// A signed byte.
    pub fn int8(&mut self, value: i8) {
        self.own.put_i8(value);
    }

    /// Two bytes, signed.
    pub fn int16(&mut self, value: i16) {
        self.own.put_i16(value);
    }

    /// An error code, which is counted.
    pub fn error_code(&mut self, code: i16) {
        if code != 0 {
            self.count_error(code);
        }
        self.int16(code);
    }

    /// There are few codes in one message, mostly none.
    #[cold]
    fn count_error(&mut self, code: i16) {
        match self.errors.iter_mut().find(|(known, _)| *known == code) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => self.errors.push((code, 1)),
        }
    }

    /// Two bytes, unsigned.
    pub fn uint16(&mut self, value: u16) {
        self.own.put_u16(value);
    }

    /// Four bytes, signed.
    pub fn int32(&mut self, value: i32) {
        self.own.put_i32(value);
    }

    /// Eight bytes, signed.
    pub fn int64(&mut self, value: i64) {
        self.own.put_i64(value);
    }

    /// Eight bytes, IEEE 754.
    pub fn float64(&mut self, value: f64) {
        self.own.put_f64(value);
    }

    /// Sixteen bytes.
    pub fn uuid(&mut self, value: Uuid) {
        self.own.put_slice(&value.0);
    }

    /// Seven bits a byte, lowest first.
    pub fn unsigned_varint(&mut self, value: u32) {
        let (bytes, length) = varint(value);
        self.own.put_slice(bytes.get(..length).expect("at most five bytes"));
    }

    /// A length below two gigabytes, in the form of the version.
    fn length(&mut self, field: &'static str, length: usize, flexible: bool) -> Result<(), EncodeError> {
        let Ok(value) = i32::try_from(length) else { return Err(self.too_long(field, length)) };
        if flexible {
            self.unsigned_varint(value as u32 + 1);
        } else {
            self.int32(value);
        }
        Ok(())
    }

    /// Null instead of bytes, records or an array.
    pub fn null_length(&mut self, flexible: bool) {
        if flexible { self.unsigned_varint(0) } else { self.int32(-1) }
    }

    /// Null instead of a string.
    pub fn null_text(&mut self, flexible: bool) {
        if flexible { self.unsigned_varint(0) } else { self.int16(-1) }
    }

    /// A string of at most 32767 bytes.
    pub fn text(&mut self, field: &'static str, text: &Text, flexible: bool) -> Result<(), EncodeError> {
        let bytes = text.as_bytes();
        let Ok(length) = i16::try_from(bytes.len()) else { return Err(self.too_long(field, bytes.len())) };
        if flexible {
            self.unsigned_varint(u32::from(length.unsigned_abs()) + 1);
        } else {
            self.int16(length);
        }
        self.own.put_slice(bytes);
        Ok(())
    }

    /// Bytes; long ones are kept by reference.
    pub fn bytes(&mut self, field: &'static str, bytes: &Bytes, flexible: bool) -> Result<(), EncodeError> {
        self.length(field, bytes.len(), flexible)?;
        self.slice(bytes);
        Ok(())
    }

    /// Records; every slice but the smallest is kept by reference.
    pub fn records(&mut self, field: &'static str, records: &Records, flexible: bool) -> Result<(), EncodeError> {
        self.length(field, records.len(), flexible)?;
        records.slices().iter().for_each(|slice| self.slice(slice));
        Ok(())
    }

    fn slice(&mut self, slice: &Bytes) {
        if slice.len() < SHARED_BYTES_MIN {
            self.own.put_slice(slice);
        } else {
            self.shared_bytes += slice.len();
            self.shared.push((self.own.len(), slice.clone()));
        }
    }

    /// The count of an array; its elements follow.
    pub fn array(&mut self, field: &'static str, count: usize, flexible: bool) -> Result<(), EncodeError> {
        self.length(field, count, flexible)
    }

    /// Starts a tagged field; its value follows, then [`Encoder::close_tag`].
    pub fn open_tag(&mut self, tag: u32) -> OpenTag {
        self.unsigned_varint(tag);
        OpenTag { own_start: self.own.len(), shared_start: self.shared.len(), shared_bytes_start: self.shared_bytes }
    }

    /// Puts the size before the value, now that it is known.
    #[expect(clippy::needless_pass_by_value, reason = "a tag is closed once")]
    pub fn close_tag(&mut self, tag: OpenTag) {
        let OpenTag { own_start, shared_start, shared_bytes_start } = tag;
        let own_bytes = self.own.len() - own_start;
        let (prefix, prefix_bytes) = varint((own_bytes + self.shared_bytes - shared_bytes_start) as u32);
        let prefix = prefix.get(..prefix_bytes).expect("at most five bytes");
        self.own.put_slice(prefix);
        self.own.copy_within(own_start..own_start + own_bytes, own_start + prefix_bytes);
        let place = self.own.get_mut(own_start..own_start + prefix_bytes).expect("the buffer grew by as much");
        place.copy_from_slice(prefix);
        self.shared.iter_mut().skip(shared_start).for_each(|(position, _)| *position += prefix_bytes);
    }
}

fn varint(mut value: u32) -> ([u8; 5], usize) {
    let mut bytes = [0; 5];
    let mut length = 0;
    for byte in &mut bytes {
        length += 1;
        *byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            break;
        }
        *byte |= 0x80;
    }
    (bytes, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_slices_are_shared_and_short_ones_copied() {
        let long = Bytes::from(vec![7; SHARED_BYTES_MIN]);
        let mut encoder = Encoder::new();
        encoder.int8(1);
        let records = Records::from(vec![long.clone(), Bytes::from_static(b"x"), long.clone()]);
        encoder.records("records", &records, true).unwrap();
        encoder.int8(2);
        let encoded = encoder.finish();
        assert_eq!(encoded.slices.len(), 5);
        assert_eq!(encoded.slices[1].as_ptr(), long.as_ptr());
        assert_eq!(encoded.slices[2], &b"x"[..]);
        assert_eq!(encoded.bytes, encoded.slices.iter().map(Bytes::len).sum::<usize>());
    }

    #[test]
    fn a_tag_around_shared_slices_has_its_size_in_front() {
        let long = Bytes::from(vec![7; 300]);
        let mut encoder = Encoder::new();
        let outer = encoder.open_tag(5);
        encoder.int8(9);
        let inner = encoder.open_tag(6);
        encoder.bytes("bytes", &long, true).unwrap();
        encoder.close_tag(inner);
        encoder.close_tag(outer);
        let bytes = encoder.finish().into_contiguous();
        assert_eq!(&bytes[..8], &[5, 0xb2, 0x02, 9, 6, 0xae, 0x02, 0xad]);
        assert_eq!(bytes.len(), 3 + 1 + 3 + 302);
        assert!(bytes[9..].iter().all(|&byte| byte == 7));
    }

    #[test]
    fn a_string_above_the_limit_is_refused() {
        let text = Text::from("x".repeat(32768));
        let error = Encoder::new().text("Name", &text, true);
        assert!(matches!(error, Err(EncodeError::TooLong { field: "Name", length: 32768, .. })));
    }

    #[test]
    fn error_codes_are_counted_as_they_are_written() {
        let mut encoder = Encoder::new();
        for code in [0, 3, 0, 6, 3] {
            encoder.error_code(code);
        }
        encoder.int16(9);
        let encoded = encoder.finish();
        assert_eq!((encoded.errors, encoded.bytes), (vec![(3, 2), (6, 1)], 12));
    }
}
