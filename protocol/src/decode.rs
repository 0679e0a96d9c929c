//! Reads the primitives of the protocol from one frame. Slices share the frame's memory. Counts and lengths are checked
//! against the bytes that remain before anything is allocated, and the memory of one message is bounded.

use std::fmt::Write as _;

use bytes::Bytes;

use crate::{DecodeError, Reason, Records, Text, Uuid};

/// Bytes of structures that one message may decode into, unless the caller says otherwise: far above what clients send,
/// far below what a frame full of tiny elements could claim.
pub const MEMORY_BYTES_MAX: usize = 64 << 20;

/// Memory that an array reserves before its elements are decoded.
const RESERVE_BYTES_MAX: usize = 16 << 10;

/// Nesting that the decoder can name; the schema is checked to stay below it.
const DEPTH_MAX: usize = 10;

#[derive(Clone, Copy, Default)]
struct Step {
    field: &'static str,
    /// The element, where the field is an array.
    index: Option<usize>,
}

/// A position in one frame.
pub struct Decoder {
    bytes: Bytes,
    position: usize,
    /// Reads stop here: the end of the frame, or of the tagged field being read.
    end: usize,
    memory_bytes_left: usize,
    message: &'static str,
    version: i16,
    path: [Step; DEPTH_MAX],
    depth: usize,
}

impl Decoder {
    /// Starts at the first byte.
    pub fn new(bytes: Bytes) -> Decoder {
        Decoder::with_memory_limit(bytes, MEMORY_BYTES_MAX)
    }

    /// As [`Decoder::new`], with a bound of its own on the memory of decoded structures.
    pub fn with_memory_limit(bytes: Bytes, memory_bytes_max: usize) -> Decoder {
        let end = bytes.len();
        Decoder {
            bytes,
            position: 0,
            end,
            memory_bytes_left: memory_bytes_max,
            message: "",
            version: 0,
            path: [Step::default(); DEPTH_MAX],
            depth: 0,
        }
    }

    /// Bytes not read yet.
    pub fn remaining(&self) -> usize {
        self.end - self.position
    }

    /// What was not read yet, sharing the frame's memory.
    pub fn rest(&self) -> Bytes {
        self.bytes.slice(self.position..self.end)
    }

    /// Refuses bytes after the message.
    pub fn finish(&self) -> Result<(), DecodeError> {
        if self.remaining() == 0 { Ok(()) } else { Err(self.fail("", Reason::Trailing(self.remaining()))) }
    }

    /// Names the message that the next reads belong to.
    pub fn begin(&mut self, message: &'static str, version: i16) {
        (self.message, self.version, self.depth) = (message, version, 0);
    }

    /// The error that names the message, the version and the field; `field` is empty inside an array of scalars.
    #[cold]
    pub fn fail(&self, field: &'static str, reason: Reason) -> DecodeError {
        let mut path = String::new();
        let last = Step { field, index: None };
        for step in self.path.iter().take(self.depth).chain([&last]).filter(|step| !step.field.is_empty()) {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(step.field);
            if let Some(index) = step.index {
                let _ = write!(path, "[{index}]");
            }
        }
        DecodeError::new(self.message, self.version, path, reason)
    }

    #[cold]
    pub(crate) fn null(&self, field: &'static str) -> DecodeError {
        self.fail(field, Reason::Null)
    }

    fn in_tag(&self) -> bool {
        self.end < self.bytes.len()
    }

    #[cold]
    fn truncated(&self, field: &'static str, needed: usize) -> DecodeError {
        let remaining = self.remaining();
        let reason = if self.in_tag() {
            Reason::BeyondTag { needed, remaining }
        } else {
            Reason::Truncated { needed, remaining }
        };
        self.fail(field, reason)
    }

    fn fixed<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let bytes = self.bytes.get(self.position..self.end).and_then(|rest| rest.first_chunk::<N>());
        match bytes {
            Some(bytes) => {
                self.position += N;
                Ok(*bytes)
            }
            None => Err(self.truncated(field, N)),
        }
    }

    fn slice(&mut self, field: &'static str, length: usize) -> Result<Bytes, DecodeError> {
        if length > self.remaining() {
            return Err(self.truncated(field, length));
        }
        let from = self.position;
        self.position += length;
        Ok(self.bytes.slice(from..self.position))
    }

    /// One byte; anything but zero is true.
    pub fn boolean(&mut self, field: &'static str) -> Result<bool, DecodeError> {
        Ok(self.fixed::<1>(field)? != [0])
    }

    /// A signed byte.
    pub fn int8(&mut self, field: &'static str) -> Result<i8, DecodeError> {
        Ok(i8::from_be_bytes(self.fixed(field)?))
    }

    /// Two bytes, signed.
    pub fn int16(&mut self, field: &'static str) -> Result<i16, DecodeError> {
        Ok(i16::from_be_bytes(self.fixed(field)?))
    }

    /// Two bytes, unsigned.
    pub fn uint16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        Ok(u16::from_be_bytes(self.fixed(field)?))
    }

    /// Four bytes, signed.
    pub fn int32(&mut self, field: &'static str) -> Result<i32, DecodeError> {
        Ok(i32::from_be_bytes(self.fixed(field)?))
    }

    /// Eight bytes, signed.
    pub fn int64(&mut self, field: &'static str) -> Result<i64, DecodeError> {
        Ok(i64::from_be_bytes(self.fixed(field)?))
    }

    /// Eight bytes, IEEE 754.
    pub fn float64(&mut self, field: &'static str) -> Result<f64, DecodeError> {
        Ok(f64::from_be_bytes(self.fixed(field)?))
    }

    /// Sixteen bytes.
    pub fn uuid(&mut self, field: &'static str) -> Result<Uuid, DecodeError> {
        Ok(Uuid(self.fixed(field)?))
    }

    /// Seven bits a byte, lowest first, at most 32 bits.
    pub fn unsigned_varint(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        let mut value = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.fixed(field)?;
            if shift == 28 && byte > 0x0f {
                break;
            }
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.fail(field, Reason::Varint))
    }

    /// A length: compact (one more than it is, zero for null) or of the old form (negative for null).
    fn length(&mut self, field: &'static str, flexible: bool, short: bool) -> Result<Option<usize>, DecodeError> {
        let length = if flexible {
            i64::from(self.unsigned_varint(field)?) - 1
        } else if short {
            i64::from(self.int16(field)?)
        } else {
            i64::from(self.int32(field)?)
        };
        match length {
            0..=0x7fff_ffff => Ok(Some(length as usize)),
            -1 => Ok(None),
            _ => Err(self.fail(field, Reason::Length(length))),
        }
    }

    /// A string that may be null.
    pub fn text_nullable(&mut self, field: &'static str, flexible: bool) -> Result<Option<Text>, DecodeError> {
        let Some(length) = self.length(field, flexible, true)? else { return Ok(None) };
        if length > i16::MAX as usize {
            return Err(self.fail(field, Reason::Length(length as i64)));
        }
        let text = Text::from_utf8(self.slice(field, length)?);
        text.map(Some).ok_or_else(|| self.fail(field, Reason::Utf8))
    }

    /// A string.
    pub fn text(&mut self, field: &'static str, flexible: bool) -> Result<Text, DecodeError> {
        self.text_nullable(field, flexible)?.ok_or_else(|| self.null(field))
    }

    /// Bytes that may be null, sharing the frame's memory.
    pub fn bytes_nullable(&mut self, field: &'static str, flexible: bool) -> Result<Option<Bytes>, DecodeError> {
        match self.length(field, flexible, false)? {
            None => Ok(None),
            Some(length) => self.slice(field, length).map(Some),
        }
    }

    /// Bytes, sharing the frame's memory.
    pub fn bytes(&mut self, field: &'static str, flexible: bool) -> Result<Bytes, DecodeError> {
        self.bytes_nullable(field, flexible)?.ok_or_else(|| self.null(field))
    }

    /// Records that may be null, as one slice of the frame.
    pub fn records_nullable(&mut self, field: &'static str, flexible: bool) -> Result<Option<Records>, DecodeError> {
        Ok(self.bytes_nullable(field, flexible)?.map(Records::from))
    }

    /// Records, as one slice of the frame.
    pub fn records(&mut self, field: &'static str, flexible: bool) -> Result<Records, DecodeError> {
        Ok(Records::from(self.bytes(field, flexible)?))
    }

    fn descend(&mut self, field: &'static str) -> Result<(), DecodeError> {
        let Some(step) = self.path.get_mut(self.depth) else { return Err(self.fail(field, Reason::Depth)) };
        *step = Step { field, index: None };
        self.depth += 1;
        Ok(())
    }

    /// An array that may be null. An element takes at least one byte, so a count above the bytes that remain is refused
    /// before anything is allocated; the memory of all elements is charged before the first is read.
    pub fn array_nullable<T>(
        &mut self,
        field: &'static str,
        flexible: bool,
        mut element: impl FnMut(&mut Decoder) -> Result<T, DecodeError>,
    ) -> Result<Option<Vec<T>>, DecodeError> {
        let Some(count) = self.length(field, flexible, false)? else { return Ok(None) };
        if count > self.remaining() {
            return Err(if self.in_tag() {
                self.truncated(field, count)
            } else {
                self.fail(field, Reason::Count { count, remaining: self.remaining() })
            });
        }
        let memory_bytes = count.saturating_mul(size_of::<T>());
        let Some(left) = self.memory_bytes_left.checked_sub(memory_bytes) else {
            return Err(self.fail(field, Reason::Memory));
        };
        self.memory_bytes_left = left;
        let mut items = Vec::with_capacity(count.min(RESERVE_BYTES_MAX / size_of::<T>().max(1)));
        self.descend(field)?;
        for index in 0..count {
            if let Some(step) = self.path.get_mut(self.depth - 1) {
                step.index = Some(index);
            }
            items.push(element(self)?);
        }
        self.depth -= 1;
        Ok(Some(items))
    }

    /// An array.
    pub fn array<T>(
        &mut self,
        field: &'static str,
        flexible: bool,
        element: impl FnMut(&mut Decoder) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        self.array_nullable(field, flexible, element)?.ok_or_else(|| self.null(field))
    }

    /// A structure inside another.
    pub fn structure<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Decoder) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        self.descend(field)?;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    /// A structure behind a byte that is negative for null.
    pub fn structure_nullable<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Decoder) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if self.int8(field)? < 0 {
            return Ok(None);
        }
        self.structure(field, read).map(Some)
    }

    /// The tagged fields at the end of a structure: `known` reads those that it knows and answers false for the others,
    /// which are skipped. A value must fill its announced size exactly.
    pub fn tagged_fields(
        &mut self,
        mut known: impl FnMut(&mut Decoder, u32) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        const FIELD: &str = "tagged fields";
        let count = self.unsigned_varint(FIELD)?;
        for _ in 0..count {
            let tag = self.unsigned_varint(FIELD)?;
            let announced = self.unsigned_varint(FIELD)? as usize;
            let (from, outer_end) = (self.position, self.end);
            if announced > self.remaining() {
                return Err(self.fail(FIELD, Reason::TagSize { tag, announced, read: self.remaining() }));
            }
            self.end = from + announced;
            if !known(self, tag)? {
                self.position = self.end;
            }
            if self.position != self.end {
                let read = self.position - from;
                return Err(self.fail(FIELD, Reason::TagSize { tag, announced, read }));
            }
            self.end = outer_end;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;
    use crate::messages::fetch_request::FetchRequest;
    use crate::messages::metadata_request::MetadataRequest;

    fn refused<M: Message>(bytes: &[u8], version: i16) -> DecodeError {
        M::decode(&mut Decoder::new(Bytes::copy_from_slice(bytes)), version).expect_err("refused")
    }

    #[test]
    fn an_error_names_message_version_and_field() {
        let mut bytes = [0; 17].to_vec(); // replica, wait, minimum, maximum, isolation
        bytes.extend([0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 2]); // one topic, its name, two partitions
        bytes.extend([0; 16 + 3]); // one whole partition, and three bytes of the next one's number
        let error = refused::<FetchRequest>(&bytes, 4);
        assert_eq!(
            error.to_string(),
            "FetchRequest version 4, Topics[0].Partitions[1].Partition: needs 4 bytes, 3 remain"
        );
        assert_eq!((error.message(), error.version()), ("FetchRequest", 4));
    }

    #[test]
    fn a_count_above_what_remains_is_refused() {
        let error = refused::<MetadataRequest>(&i32::MAX.to_be_bytes(), 1);
        assert_eq!(error.reason(), Reason::Count { count: i32::MAX as usize, remaining: 0 });
        assert_eq!(refused::<MetadataRequest>(&(-2i32).to_be_bytes(), 1).reason(), Reason::Length(-2));
        assert_eq!(refused::<MetadataRequest>(&(-1i32).to_be_bytes(), 0).reason(), Reason::Null);
    }

    #[test]
    fn tiny_elements_that_would_fill_the_memory_are_refused_before_they_are_read() {
        let count = 3_000_000u32;
        let mut bytes = count.to_be_bytes().to_vec();
        bytes.resize(4 + 2 * count as usize, 0);
        assert_eq!(refused::<MetadataRequest>(&bytes, 4).reason(), Reason::Memory);
        let mut decoder = Decoder::with_memory_limit(Bytes::from(bytes), usize::MAX);
        assert_eq!(
            MetadataRequest::decode(&mut decoder, 1).unwrap().topics.map(|topics| topics.len()),
            Some(3_000_000)
        );
    }

    #[test]
    fn a_version_that_does_not_exist_is_refused() {
        assert_eq!(refused::<FetchRequest>(&[], 3).reason(), Reason::Version { min: 4, max: 18 });
        assert_eq!(refused::<FetchRequest>(&[], -1).reason(), Reason::Version { min: 4, max: 18 });
    }

    #[test]
    fn text_and_bytes_share_the_frame() {
        let frame = Bytes::from(vec![0, 3, b'a', b'b', b'c', 0, 0, 0, 2, 8, 9]);
        let mut decoder = Decoder::new(frame.clone());
        assert_eq!(decoder.text("", false).unwrap().as_bytes().as_ptr(), frame[2..].as_ptr());
        assert_eq!(decoder.records("", false).unwrap().slices()[0].as_ptr(), frame[9..].as_ptr());
        assert!(decoder.finish().is_ok());
    }

    #[test]
    fn long_varints_are_refused() {
        let varint = |bytes: &'static [u8]| Decoder::new(Bytes::from_static(bytes)).unsigned_varint("").ok();
        assert_eq!(varint(&[0xff, 0xff, 0xff, 0xff, 0x0f]), Some(u32::MAX));
        assert_eq!(varint(&[0xff, 0xff, 0xff, 0xff, 0x1f]), None);
        assert_eq!(varint(&[0x80, 0x80, 0x80, 0x80, 0x80, 0]), None);
    }

    #[test]
    fn a_tagged_field_must_fill_its_size() {
        let read = |bytes: &'static [u8]| {
            let known = |decoder: &mut Decoder, tag| if tag == 0 { decoder.int8("").map(|_| true) } else { Ok(false) };
            Decoder::new(Bytes::from_static(bytes)).tagged_fields(known).map_err(|error| error.reason())
        };
        assert_eq!(read(&[2, 0, 1, 9, 7, 2, 9, 9]), Ok(()));
        assert_eq!(read(&[1, 0, 2, 9, 9]), Err(Reason::TagSize { tag: 0, announced: 2, read: 1 }));
        assert_eq!(read(&[1, 0, 0, 9]), Err(Reason::BeyondTag { needed: 1, remaining: 0 }));
        assert_eq!(read(&[1, 7, 5, 9]), Err(Reason::TagSize { tag: 7, announced: 5, read: 1 }));
    }
}
