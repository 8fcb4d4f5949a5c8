//! A bad path inside the driver: packets that are lost, doubled or late by the word of a [`Path`].
//!
//! For load tests that need no proxy: the packets of one socket are impaired on their way out and on their way in.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;

/// Packets held back at once; what comes beyond is lost.
const HELD_MAX: usize = 65_536;

/// Where a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Leaves this socket.
    Out,
    /// Came to this socket.
    In,
}

/// When the copies of a packet arrive, from now; all `None`: it is lost.
pub type Fate = [Option<Duration>; 2];

/// Decides what becomes of every packet.
pub trait Path: Send {
    /// The fate of the next packet of `way`; `bytes` is its UDP payload.
    fn fate(&mut self, way: Way, bytes: usize) -> Fate;
}

/// One packet on its way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Held {
    due: Instant,
    order: u64,
    pub(super) way: Way,
    /// The other end.
    pub(super) remote: SocketAddr,
    pub(super) local_ip: Option<IpAddr>,
    pub(super) bytes: Bytes,
}

/// The packets of a path.
pub(super) struct Impaired {
    path: Box<dyn Path>,
    held: BinaryHeap<Reverse<Held>>,
    order: u64,
}

impl Impaired {
    pub(super) fn new(path: Box<dyn Path>) -> Impaired {
        Impaired { path, held: BinaryHeap::new(), order: 0 }
    }

    /// Takes a packet over.
    pub(super) fn take(
        &mut self,
        now: Instant,
        way: Way,
        (remote, local_ip): (SocketAddr, Option<IpAddr>),
        packet: &[u8],
    ) {
        let fate = self.path.fate(way, packet.len());
        let mut bytes = None;
        for delay in fate.into_iter().flatten() {
            if self.held.len() < HELD_MAX {
                let bytes = bytes.get_or_insert_with(|| Bytes::copy_from_slice(packet)).clone();
                self.order += 1;
                self.held.push(Reverse(Held { due: now + delay, order: self.order, way, remote, local_ip, bytes }));
            }
        }
    }

    /// A packet whose time has come.
    pub(super) fn due(&mut self, now: Instant) -> Option<Held> {
        self.held.peek().filter(|Reverse(first)| first.due <= now)?;
        self.held.pop().map(|Reverse(held)| held)
    }

    /// When the next one is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.held.peek().map(|Reverse(first)| first.due)
    }
}
