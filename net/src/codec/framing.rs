//! Frames on a stream: a `u32` length in little-endian, then so many bytes.
//!
//! The length is checked against the limit before anything is kept for it, so a hostile prefix costs four bytes.

use bytes::{Bytes, BytesMut};

use super::{DecodeError, check_length};

/// Bytes of a frame's length prefix.
pub const FRAME_PREFIX_BYTES: usize = 4;

/// The prefix of a frame of `frame_bytes` (at most `u32::MAX`; every limit of the protocol is far below).
pub fn frame_prefix(frame_bytes: usize) -> [u8; FRAME_PREFIX_BYTES] {
    u32::try_from(frame_bytes).unwrap_or(u32::MAX).to_le_bytes()
}

/// The length a prefix announces: 1 to `frame_bytes_max`, or `Empty` or `Oversized`.
pub fn frame_length(prefix: [u8; FRAME_PREFIX_BYTES], frame_bytes_max: usize) -> Result<usize, DecodeError> {
    let announced = u32::from_le_bytes(prefix);
    if announced == 0 {
        return Err(DecodeError::Empty);
    }
    let bytes = usize::try_from(announced).unwrap_or(usize::MAX);
    check_length(bytes, frame_bytes_max)?;
    Ok(bytes)
}

/// Cuts the chunks of a stream into frames. Holds at most one incomplete frame and the last chunk.
#[derive(Debug)]
pub struct FrameReader {
    waiting: BytesMut,
    frame_bytes_max: usize,
}

impl FrameReader {
    /// A reader that refuses frames longer than `frame_bytes_max`.
    pub fn new(frame_bytes_max: usize) -> FrameReader {
        FrameReader { waiting: BytesMut::new(), frame_bytes_max }
    }

    /// Adds the next bytes of the stream.
    pub fn push(&mut self, chunk: &[u8]) {
        self.waiting.extend_from_slice(chunk);
    }

    /// The next whole frame without its prefix, or `None` until more bytes come. After an error the stream has lost
    /// its framing and has to be closed.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, DecodeError> {
        let Some(prefix) = self.waiting.first_chunk::<FRAME_PREFIX_BYTES>() else {
            if self.waiting.is_empty() {
                // An idle stream holds no memory.
                self.waiting = BytesMut::new();
            }
            return Ok(None);
        };
        let frame_bytes = frame_length(*prefix, self.frame_bytes_max)?;
        if self.waiting.len() < FRAME_PREFIX_BYTES + frame_bytes {
            return Ok(None);
        }
        let mut frame = self.waiting.split_to(FRAME_PREFIX_BYTES + frame_bytes);
        let _prefix = frame.split_to(FRAME_PREFIX_BYTES);
        Ok(Some(frame.freeze()))
    }
}
