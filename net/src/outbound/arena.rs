//! Where datagrams live until they are sent: slices of large buffers that are used again when all their datagrams have
//! gone. In steady state nothing is allocated.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Bytes of one buffer: about 60 datagrams.
const BUFFER_BYTES: usize = 64 * 1024;

/// The buffers of one thread.
#[derive(Debug, Default)]
pub(super) struct Arena {
    current: BytesMut,
    resting: VecDeque<BytesMut>,
}

impl Arena {
    /// Copies bytes to where they can stay.
    pub(super) fn keep(&mut self, bytes: &[u8]) -> Bytes {
        if self.current.capacity() - self.current.len() < bytes.len() {
            self.turn_over(bytes.len());
        }
        self.current.extend_from_slice(bytes);
        self.current.split().freeze()
    }

    fn turn_over(&mut self, bytes: usize) {
        let size_bytes = BUFFER_BYTES.max(bytes);
        let full = std::mem::take(&mut self.current);
        if full.capacity() > 0 {
            self.resting.push_back(full);
        }
        // The oldest is the one that is free soonest.
        let reclaimed = self.resting.front_mut().is_some_and(|oldest| oldest.try_reclaim(size_bytes));
        self.current = match reclaimed {
            true => self.resting.pop_front().unwrap_or_default(),
            false => BytesMut::with_capacity(size_bytes),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_used_again_when_their_datagrams_have_gone() {
        let mut arena = Arena::default();
        for round in 0..1_000_usize {
            let kept: Vec<Bytes> = (0..40_usize).map(|_| arena.keep(&[7; 1_000])).collect();
            assert!(kept.iter().all(|bytes| bytes.len() == 1_000 && bytes.iter().all(|&byte| byte == 7)), "{round}");
        }
        assert!(arena.resting.len() < 4, "{} buffers for what fits in one", arena.resting.len());
    }
}
