//! Frames: four bytes of length, then as many bytes. Cuts them off a receive buffer and puts them around answers.

use bytes::{Buf, Bytes, BytesMut};

use crate::{EncodeError, Encoded, Encoder};

/// Bytes of the length in front of every frame.
pub const LENGTH_BYTES: usize = 4;

/// Why the peer's bytes are no frame; the connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length is negative.
    #[error("a frame of {0} bytes")]
    Negative(i32),
    /// The frame is larger than allowed (`socket.request.max.bytes`).
    #[error("a frame of {bytes} bytes, at most {bytes_max} are allowed")]
    TooLarge {
        /// What it announces.
        bytes: usize,
        /// What is allowed.
        bytes_max: usize,
    },
}

/// The length that the frame at the start of `buffer` announces, without the four bytes themselves; nothing while they
/// are not all there. Refused as soon as it is known, before room is made for the rest.
pub fn announced(buffer: &[u8], bytes_max: usize) -> Result<Option<usize>, FrameError> {
    let Some(prefix) = buffer.first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
    let length = i32::from_be_bytes(*prefix);
    let Ok(bytes) = usize::try_from(length) else { return Err(FrameError::Negative(length)) };
    if bytes > bytes_max {
        return Err(FrameError::TooLarge { bytes, bytes_max });
    }
    Ok(Some(bytes))
}

/// Cuts one whole frame off the front, without its length; nothing while it is incomplete. The frame shares the buffer's
/// memory.
pub fn split(buffer: &mut BytesMut, bytes_max: usize) -> Result<Option<Bytes>, FrameError> {
    match announced(buffer, bytes_max)? {
        Some(bytes) if buffer.len() - LENGTH_BYTES >= bytes => {
            buffer.advance(LENGTH_BYTES);
            Ok(Some(buffer.split_to(bytes).freeze()))
        }
        _ => Ok(None),
    }
}

/// Encodes a whole frame: `fill` writes what follows the length.
pub fn encode(fill: impl FnOnce(&mut Encoder) -> Result<(), EncodeError>) -> Result<Encoded, EncodeError> {
    let mut encoder = Encoder::with_capacity(256);
    encoder.int32(0);
    fill(&mut encoder)?;
    let bytes = encoder.bytes_written() - LENGTH_BYTES;
    let length = i32::try_from(bytes).map_err(|_| EncodeError::TooLong {
        message: "frame",
        version: 0,
        field: "",
        length: bytes,
    })?;
    encoder.patch_int32(0, length);
    Ok(encoder.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_frames_are_cut_and_the_rest_waits() {
        let mut buffer = BytesMut::from(&b"\0\0\0\x02ab\0\0\0\0\0\0\0\x03c"[..]);
        assert_eq!(split(&mut buffer, 3), Ok(Some(Bytes::from_static(b"ab"))));
        assert_eq!(split(&mut buffer, 3), Ok(Some(Bytes::new())));
        assert_eq!(split(&mut buffer, 3), Ok(None));
        assert_eq!(buffer.len(), 5);
    }

    #[test]
    fn impossible_lengths_are_refused_before_the_frame_arrives() {
        assert_eq!(announced(b"\0\0\0", 3), Ok(None));
        assert_eq!(announced(b"\xff\xff\xff\xff", 3), Err(FrameError::Negative(-1)));
        assert_eq!(announced(b"\0\0\0\x04", 3), Err(FrameError::TooLarge { bytes: 4, bytes_max: 3 }));
    }

    #[test]
    fn a_frame_announces_what_follows() {
        let encoded = encode(|encoder| {
            encoder.int16(7);
            encoder.bytes("", &Bytes::from(vec![1; 1000]), false)
        });
        let bytes = encoded.unwrap().into_contiguous();
        assert_eq!(announced(&bytes, 2000), Ok(Some(bytes.len() - LENGTH_BYTES)));
    }
}
