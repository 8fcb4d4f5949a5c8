//! Where datagrams live until they are sent: slices of large buffers that are used again when all their datagrams have
//! gone. In steady state nothing is allocated.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Bytes of one buffer: about 60 datagrams.
const BUFFER_BYTES: usize = 64 * 1024;
/// Buffers looked at for one that can be used again.
const LOOKS: usize = 4;
/// Buffers kept (32 MiB): two ticks of 30,000 clients.
const RESTING_MAX: usize = 512;

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
        // The oldest is free soonest, unless one of its datagrams waits for a slow connection.
        let reclaimed = (0..LOOKS).find_map(|_| {
            let mut oldest = self.resting.pop_front()?;
            if oldest.try_reclaim(size_bytes) {
                return Some(oldest);
            }
            self.resting.push_back(oldest);
            None
        });
        self.current = reclaimed.unwrap_or_else(|| BytesMut::with_capacity(size_bytes));
        // What is let go here is freed when its datagrams have gone.
        while self.resting.len() > RESTING_MAX {
            self.resting.pop_front();
        }
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

    #[test]
    fn one_datagram_that_stays_keeps_one_buffer_from_use() {
        let mut arena = Arena::default();
        let stays = arena.keep(&[1; 1_000]);
        for _ in 0..1_000 {
            let _gone: Vec<Bytes> = (0..40_usize).map(|_| arena.keep(&[7; 1_000])).collect();
        }
        assert!(arena.resting.len() < 5, "{} buffers for what fits in one", arena.resting.len());
        assert_eq!(stays, vec![1; 1_000]);
    }

    #[test]
    fn no_more_than_a_share_of_memory_is_kept() {
        let mut arena = Arena::default();
        let kept: Vec<Bytes> = (0..2 * RESTING_MAX).map(|_| arena.keep(&[7; BUFFER_BYTES])).collect();
        assert!(kept.len() > arena.resting.len() && arena.resting.len() <= RESTING_MAX);
    }
}
