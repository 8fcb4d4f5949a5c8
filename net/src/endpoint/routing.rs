//! Which of several sockets on one address a packet belongs to.
//!
//! The kernel deals packets to the sockets by the addresses of both ends. A client that changes its address or port, as
//! phones and home routers do, would then be dealt to a socket that does not know it. Therefore the connection ids we
//! give out name their socket, and a packet that came to another one is handed over.

use quinn_proto::{ConnectionId, ConnectionIdGenerator};
use ring::rand::{SecureRandom, SystemRandom};
use std::time::Duration;

/// Bytes of a connection id: one that names the socket, and seven at random.
const ID_BYTES: usize = 8;
/// The bit of a packet's first byte that says that it is of a handshake.
const LONG_HEADER: u8 = 0x80;

/// Makes the connection ids of one socket.
#[derive(Debug)]
pub(super) struct SocketIds {
    socket: u8,
    random: SystemRandom,
}

impl SocketIds {
    pub(super) fn new(socket: u8) -> SocketIds {
        SocketIds { socket, random: SystemRandom::new() }
    }
}

impl ConnectionIdGenerator for SocketIds {
    fn generate_cid(&mut self) -> ConnectionId {
        let mut id = [0; ID_BYTES];
        // Without randomness the ids would still differ by what the endpoint checks: it never gives one out twice.
        let _filled = self.random.fill(&mut id);
        if let Some(first) = id.first_mut() {
            *first = self.socket;
        }
        ConnectionId::new(&id)
    }

    fn cid_len(&self) -> usize {
        ID_BYTES
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}

/// The socket a packet of an established connection belongs to, of `sockets`. Packets of handshakes belong to where they
/// come: their ids are the client's, and their addresses do not change.
pub(super) fn owner(packet: &[u8], sockets: usize) -> Option<usize> {
    if sockets < 2 {
        return None;
    }
    match packet {
        [first, socket, ..] if first & LONG_HEADER == 0 => Some(usize::from(*socket)).filter(|&owner| owner < sockets),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_name_their_socket_and_differ() {
        let mut ids = SocketIds::new(3);
        let (one, other) = (ids.generate_cid(), ids.generate_cid());
        assert_eq!((one.first(), other.first(), one.len()), (Some(&3), Some(&3), ID_BYTES));
        assert_ne!(one, other);
        let packet = [&[0x40][..], &one, b"sealed"].concat();
        assert_eq!(owner(&packet, 4), Some(3));
        assert_eq!((owner(&packet, 3), owner(&packet, 1)), (None, None), "no such socket");
    }

    #[test]
    fn a_packet_of_a_handshake_or_of_nothing_stays_where_it_came() {
        assert_eq!(owner(&[0xc0, 1, 0, 0], 4), None);
        assert_eq!((owner(&[0x40], 4), owner(&[], 4)), (None, None));
    }
}
