//! Packets of many connections to one address, sent together: a run of packets of one size costs the system hardly more
//! than one. For clients, where all connections of a socket lead to the same server and most say as much as the others.
//!
//! Packets of different sizes may overtake one another, so what one connection sends in one visit is never bundled with
//! what it sent before in the same slice: see [`Driver::transmit`](super::Driver).

use quinn_proto::Transmit;

use super::socket::Socket;

/// Bytes of a bundle at most: the system takes 64 KiB less headers.
const BYTES_MAX: usize = 60_000;

/// The bundles of one socket that have not left.
#[derive(Default)]
pub(super) struct Bundles {
    open: Vec<Bundle>,
    /// Memory of those that have left.
    spare: Vec<Vec<u8>>,
    /// There was no room for one of them.
    is_stuck: bool,
}

/// Packets of one size to one address.
struct Bundle {
    /// The first packet.
    first: Transmit,
    packets: usize,
    bytes: Vec<u8>,
}

impl Bundles {
    /// Whether some wait for room in the socket.
    pub(super) fn is_stuck(&self) -> bool {
        self.is_stuck
    }

    /// Adds a packet, and sends its bundle if that is full now.
    pub(super) fn add(&mut self, packet: Transmit, contents: &[u8], socket: &Socket) {
        let packets_max = socket.bundle_max();
        let index = self.open.iter().position(|bundle| bundle.takes(&packet, packets_max)).unwrap_or_else(|| {
            let bytes = self.spare.pop().unwrap_or_default();
            self.open.push(Bundle { first: packet, packets: 0, bytes });
            self.open.len() - 1
        });
        let Some(bundle) = self.open.get_mut(index) else { return };
        bundle.bytes.extend_from_slice(contents);
        bundle.packets += 1;
        if bundle.is_full(packets_max) {
            self.send(index, socket);
        }
    }

    /// Sends all, or as many as there is room for; false when some still wait.
    pub(super) fn send_all(&mut self, socket: &Socket) -> bool {
        self.is_stuck = false;
        while !self.open.is_empty() && !self.is_stuck {
            self.send(0, socket);
        }
        !self.is_stuck
    }

    fn send(&mut self, index: usize, socket: &Socket) {
        let Some(Bundle { first, packets, bytes }) = self.open.get(index) else { return };
        let segment_size = (*packets > 1).then_some(first.size);
        let transmit = Transmit { size: bytes.len(), segment_size, ..*first };
        self.is_stuck = !socket.send(&transmit, bytes);
        if !self.is_stuck {
            let mut bytes = self.open.remove(index).bytes;
            bytes.clear();
            self.spare.push(bytes);
        }
    }
}

impl Bundle {
    fn takes(&self, packet: &Transmit, packets_max: usize) -> bool {
        let Transmit { destination, ecn, size, src_ip, .. } = self.first;
        let is_alike = (destination, ecn, size, src_ip) == (packet.destination, packet.ecn, packet.size, packet.src_ip);
        is_alike && !self.is_full(packets_max)
    }

    fn is_full(&self, packets_max: usize) -> bool {
        self.packets >= packets_max || self.bytes.len() + self.first.size > BYTES_MAX
    }
}
