//! Which of the last frames have come, for acknowledgement and for counting loss.

use crate::protocol::FRAME_ACK_BITS;

/// The newest frame number and which of the 32 before it came too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct FrameWindow {
    newest: u32,
    /// Bit `i`: frame `newest - 1 - i` came.
    bits: u32,
}

impl FrameWindow {
    /// Notes a frame; false when it had come before, or is too old to tell.
    pub(super) fn insert(&mut self, frame: u32) -> bool {
        if frame > self.newest {
            let ahead = frame - self.newest;
            self.bits = self.bits.checked_shl(ahead).unwrap_or(0);
            if self.newest != 0 && ahead <= FRAME_ACK_BITS {
                self.bits |= 1 << (ahead - 1);
            }
            self.newest = frame;
            return true;
        }
        let behind = self.newest - frame;
        if frame == 0 || behind == 0 || behind > FRAME_ACK_BITS {
            return false;
        }
        let bit = 1 << (behind - 1);
        let new = self.bits & bit == 0;
        self.bits |= bit;
        new
    }

    /// The newest frame, 0 before the first.
    pub(super) fn newest(self) -> u32 {
        self.newest
    }

    /// The bits behind the newest.
    pub(super) fn bits(self) -> u32 {
        self.bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_in_any_order_leave_the_same_window() {
        let (mut ordered, mut mixed) = (FrameWindow::default(), FrameWindow::default());
        for frame in [3, 4, 7, 35] {
            assert!(ordered.insert(frame));
        }
        for frame in [7, 3, 35, 4] {
            assert!(mixed.insert(frame));
        }
        assert_eq!(ordered, mixed);
        assert_eq!((ordered.newest(), ordered.bits()), (35, 1 << 31 | 1 << 30 | 1 << 27));
    }

    #[test]
    fn a_duplicate_and_one_too_old_are_not_new() {
        let mut window = FrameWindow::default();
        assert!(window.insert(100));
        assert!(window.insert(99));
        for frame in [100, 99, 67, 1, 0] {
            assert!(!window.insert(frame), "{frame}");
        }
        assert!(window.insert(68));
    }

    #[test]
    fn a_jump_ahead_forgets_what_is_out_of_reach() {
        let mut window = FrameWindow::default();
        window.insert(5);
        window.insert(38);
        assert_eq!(window.bits(), 0);
        window.insert(u32::MAX);
        assert_eq!((window.newest(), window.bits()), (u32::MAX, 0));
    }
}
