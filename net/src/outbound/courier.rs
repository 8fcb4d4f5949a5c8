//! Takes what sessions were written to their mailboxes, while others are still being written to: in a large scene the network
//! threads begin to send when the first clients have been served, not when the last one has.

use crate::mailbox::{Departures, now_us};
use crate::sessions::{Session, SessionStats};
use crate::slots::Slot;

/// Sessions whose datagrams are handed over together.
const HANDED_OVER: usize = 128;

/// What was handed over to mailboxes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sent {
    /// Bytes of the frames of streams.
    pub(super) frame_bytes: u64,
    datagrams: u64,
    datagram_bytes: u64,
    updates: u64,
    /// Datagrams of the tick before that had not left.
    displaced: u64,
}

impl std::ops::AddAssign for Sent {
    fn add_assign(&mut self, more: Sent) {
        self.frame_bytes += more.frame_bytes;
        self.datagrams += more.datagrams;
        self.datagram_bytes += more.datagram_bytes;
        self.updates += more.updates;
        self.displaced += more.displaced;
    }
}

impl Sent {
    /// Counts this in.
    pub(super) fn count_in(self, stats: &mut SessionStats) {
        stats.frame_bytes += self.frame_bytes;
        stats.datagrams += self.datagrams;
        stats.datagram_bytes += self.datagram_bytes;
        stats.updates_sent += self.updates;
        stats.datagrams_displaced += self.displaced;
    }
}

/// One thread's way to the mailboxes, used again in every tick.
#[derive(Debug, Default)]
pub(super) struct Courier {
    departures: Departures,
    carried: usize,
    began_us: u64,
}

impl Courier {
    /// The clients of a tick are served from now on.
    pub(super) fn begin(&mut self) {
        self.began_us = now_us();
    }

    /// Takes a session's datagrams to its mailbox. Each session has its place in the order, so that what leaves in one burst
    /// neither fills the buffers on its way nor comes at another time every tick. What waits for its stream goes along.
    pub(super) fn take(&mut self, session: &mut Session, slot: Slot, tick: u32, sent: &mut Sent) {
        let outgoing = &mut session.view.outgoing;
        if outgoing.is_empty() {
            return;
        }
        session.has_frames = false;
        sent.datagrams += outgoing.len() as u64;
        sent.updates += std::mem::take(&mut session.view.told_count);
        sent.datagram_bytes += outgoing.iter().map(|datagram| datagram.len() as u64).sum::<u64>();
        let at_us = self.began_us + slot.send_offset_us();
        sent.displaced += session.end.send_datagrams_at(tick, outgoing.drain(..), at_us, &mut self.departures) as u64;
        self.carried += 1;
        if self.carried == HANDED_OVER {
            self.hand_over();
        }
    }

    /// Lets go what was taken.
    pub(super) fn hand_over(&mut self) {
        self.departures.hand_over();
        self.carried = 0;
    }
}
