//! Memory for packets that came: large chunks, cut up packet by packet, and used again when nobody holds a piece.
//!
//! A piece keeps its whole chunk alive, so a client that makes us keep one piece of every chunk could hold far more
//! than it sent. Therefore the chunks together have a cap; beyond it every packet gets memory of its own size.

use std::collections::VecDeque;

use bytes::BytesMut;

/// Bytes of a chunk: about 600 inputs.
const CHUNK_BYTES: usize = 64 * 1024;
/// Chunks kept at most, 16 MiB in all: four ticks of 10,000 clients.
const CHUNKS_MAX: usize = 256;
/// Spent chunks looked at before another is made.
const LOOKS_MAX: usize = 4;

/// The chunks of one socket.
#[derive(Default)]
pub(crate) struct Chunks {
    current: Option<BytesMut>,
    spent: VecDeque<BytesMut>,
}

impl Chunks {
    /// The bytes of a packet in memory that outlives the receive buffer.
    pub(crate) fn keep(&mut self, packet: &[u8]) -> BytesMut {
        if self.current.as_ref().is_none_or(|chunk| chunk.capacity() < packet.len()) {
            self.renew();
        }
        match &mut self.current {
            Some(chunk) if chunk.capacity() >= packet.len() => {
                chunk.extend_from_slice(packet);
                chunk.split()
            }
            _ => BytesMut::from(packet),
        }
    }

    /// Finds a chunk with room: one whose pieces are gone, or a new one below the cap.
    fn renew(&mut self) {
        self.spent.extend(self.current.take());
        for _ in 0..LOOKS_MAX.min(self.spent.len()) {
            let Some(mut chunk) = self.spent.pop_front() else { break };
            if chunk.try_reclaim(CHUNK_BYTES) {
                self.current = Some(chunk);
                return;
            }
            self.spent.push_back(chunk);
        }
        if self.spent.len() < CHUNKS_MAX {
            self.current = Some(BytesMut::with_capacity(CHUNK_BYTES));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_hold_what_was_kept() {
        let mut chunks = Chunks::default();
        let pieces: Vec<BytesMut> = (0..2_000u32).map(|number| chunks.keep(&number.to_le_bytes().repeat(50))).collect();
        for (piece, number) in pieces.iter().zip(0u32..) {
            assert_eq!(piece[..], number.to_le_bytes().repeat(50)[..]);
        }
    }

    #[test]
    fn chunks_whose_pieces_are_gone_are_used_again() {
        let mut chunks = Chunks::default();
        let mut waiting: VecDeque<BytesMut> = VecDeque::new();
        for _ in 0..1_000_000 {
            waiting.push_back(chunks.keep(&[7; 90]));
            if waiting.len() > 3_000 {
                waiting.pop_front();
            }
        }
        assert!(chunks.spent.len() < 12, "{} chunks for 270 kB", chunks.spent.len());
    }

    #[test]
    fn one_piece_of_every_chunk_cannot_hold_more_than_the_cap() {
        let mut chunks = Chunks::default();
        let mut held = Vec::new();
        for number in 0..400_000 {
            let piece = chunks.keep(&[7; 90]);
            if number % 500 == 0 {
                held.push(piece);
            }
        }
        assert_eq!(held.len(), 800);
        assert!(chunks.spent.len() <= CHUNKS_MAX);
    }
}
