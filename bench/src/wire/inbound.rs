//! The receiving half of a connection: reads what is there and hands out whole frames without copying them.
//!
//! Owned by one connection of a worker. The buffer is written once when it grows and is used again for every frame.

use std::io::{self, Read};

use bytes::{Bytes, BytesMut};
use corelog_protocol::frame;

/// The smallest buffer.
const BUFFER_BYTES_MIN: usize = 16 << 10;
/// The largest answer that is taken in.
const ANSWER_BYTES_MAX: usize = 512 << 20;

/// What was received and not handed out yet.
pub struct Inbound {
    /// Initialised in its whole length.
    buffer: BytesMut,
    filled: usize,
}

impl Default for Inbound {
    fn default() -> Inbound {
        Inbound { buffer: BytesMut::zeroed(BUFFER_BYTES_MIN), filled: 0 }
    }
}

impl Inbound {
    /// Reads until nothing is there, and hands each whole frame, without its length, to `handle`. Frames that `handle` keeps are
    /// copied out of the way.
    ///
    /// # Errors
    /// Those of the socket, `UnexpectedEof` when the peer closed it, `InvalidData` for an impossible length, and those of `handle`.
    pub fn receive(
        &mut self,
        source: &mut impl Read,
        mut handle: impl FnMut(Bytes) -> io::Result<()>,
    ) -> io::Result<()> {
        loop {
            self.make_room()?;
            let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
            let room_bytes = room.len();
            let read_bytes = match source.read(room) {
                Ok(0) => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the broker closed the connection")),
                Ok(read_bytes) => read_bytes,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.filled += read_bytes;
            self.hand_out(&mut handle)?;
            // A short read says that the socket is empty: no second call to hear the same.
            if read_bytes < room_bytes {
                return Ok(());
            }
        }
    }

    fn hand_out(&mut self, handle: &mut impl FnMut(Bytes) -> io::Result<()>) -> io::Result<()> {
        if self.first_frame()?.is_none_or(|frame_bytes| frame_bytes > self.filled) {
            return Ok(());
        }
        let whole = std::mem::take(&mut self.buffer).freeze();
        let mut position = 0;
        let mut outcome = Ok(());
        while outcome.is_ok() {
            let rest = whole.get(position..self.filled).unwrap_or_default();
            match frame::announced(rest, ANSWER_BYTES_MAX).map_err(invalid)? {
                Some(bytes) if rest.len() - frame::LENGTH_BYTES >= bytes => {
                    let start = position + frame::LENGTH_BYTES;
                    position = start + bytes;
                    outcome = handle(whole.slice(start..position));
                }
                _ => break,
            }
        }
        let rest = position..self.filled;
        self.filled = rest.len();
        match whole.try_into_mut() {
            Ok(mut buffer) => {
                buffer.copy_within(rest, 0);
                self.buffer = buffer;
            }
            Err(shared) => {
                let mut buffer = BytesMut::zeroed(shared.len());
                let kept = shared.get(rest).unwrap_or_default();
                buffer.get_mut(..kept.len()).expect("as long as before").copy_from_slice(kept);
                self.buffer = buffer;
            }
        }
        outcome
    }

    /// Bytes of the first frame with its length, once they are known.
    fn first_frame(&self) -> io::Result<Option<usize>> {
        let received = self.buffer.get(..self.filled).unwrap_or_default();
        let announced = frame::announced(received, ANSWER_BYTES_MAX).map_err(invalid)?;
        Ok(announced.map(|bytes| bytes + frame::LENGTH_BYTES))
    }

    /// Room for the rest of the frame that is arriving.
    fn make_room(&mut self) -> io::Result<()> {
        let needed = self.first_frame()?.unwrap_or(0).max(self.filled + 1);
        if needed > self.buffer.len() {
            self.buffer.resize(needed.next_power_of_two(), 0);
        }
        Ok(())
    }
}

fn invalid(error: frame::FrameError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// Gives the bytes in pieces, then says that it would block.
    struct Pieces(VecDeque<Vec<u8>>);

    impl Read for Pieces {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let Some(mut piece) = self.0.pop_front() else { return Err(io::ErrorKind::WouldBlock.into()) };
            let bytes = piece.len().min(out.len());
            let rest = piece.split_off(bytes);
            out[..bytes].copy_from_slice(&piece);
            if !rest.is_empty() {
                self.0.push_front(rest);
            }
            Ok(bytes)
        }
    }

    fn framed(body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32).to_be_bytes(), body].concat()
    }

    #[test]
    fn frames_are_whole_however_they_arrive() {
        let bodies: Vec<Vec<u8>> =
            [0, 1, 5, 4_000, 3, 30_000, 16_380, 16_384].map(|bytes| vec![bytes as u8; bytes]).to_vec();
        let stream: Vec<u8> = bodies.iter().flat_map(|body| framed(body)).collect();
        for piece_bytes in [7, 1000, 16_384, 70_000] {
            let mut pieces = Pieces(stream.chunks(piece_bytes).map(<[u8]>::to_vec).collect());
            let (mut inbound, mut seen, mut kept) = (Inbound::default(), Vec::new(), Vec::new());
            while !pieces.0.is_empty() {
                let handle = |frame: Bytes| {
                    seen.push(frame.to_vec());
                    // Every other frame is kept, so that its buffer may not be written to.
                    kept.extend((seen.len() % 2 == 0).then_some(frame));
                    Ok(())
                };
                inbound.receive(&mut pieces, handle).unwrap();
            }
            assert_eq!(seen, bodies, "pieces of {piece_bytes}");
            let odd: Vec<Vec<u8>> = bodies.iter().skip(1).step_by(2).cloned().collect();
            assert_eq!(kept, odd);
        }
    }

    #[test]
    fn impossible_lengths_and_the_end_are_errors() {
        let receive = |bytes: &[u8]| {
            let mut source = bytes;
            let mut inbound = Inbound::default();
            let mut outcome = Ok(());
            while outcome.is_ok() {
                outcome = inbound.receive(&mut source, |_| Ok(()));
            }
            outcome.unwrap_err().kind()
        };
        assert_eq!(receive(&[0xff; 8]), io::ErrorKind::InvalidData);
        assert_eq!(receive(&framed(b"abc")), io::ErrorKind::UnexpectedEof);
    }
}
