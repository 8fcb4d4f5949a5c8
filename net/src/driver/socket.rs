//! The UDP socket of a driver: batches in, with the segments the kernel merged; one packet or a run of segments out.
//!
//! Reading and writing never wait. Where there is nothing to read or no room to write, the reactor is told, so that
//! [`Socket::poll_ready`] wakes on the change.

use std::io::{self, ErrorKind, IoSliceMut};
use std::net::SocketAddr;
use std::task::{Context, Poll};

use bytes::BytesMut;
use quinn_proto::Transmit;
use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSockRef, UdpSocketState};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::Origin;

/// Bytes the kernel may keep for us in each direction: 100 ms of 4,000 clients, as far as it allows.
const KERNEL_BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// Segments that one connection sends at once, of the 64 that the kernel takes: it never has more to say.
const SEGMENTS_MAX: usize = 10;
/// Packets of different connections that are sent at once: what they gain beyond that is little, and the first waits for
/// the last.
const BUNDLE_MAX: usize = 32;

/// The system's number for having no room for a packet now.
const NO_BUFFERS: i32 = if cfg!(any(target_os = "linux", target_os = "android")) { 105 } else { 55 };

/// A socket and what the system can do with it.
pub(super) struct Socket {
    io: UdpSocket,
    state: UdpSocketState,
    receive_buffer: Vec<u8>,
    packet_bytes_max: usize,
    /// Whether the system has once had no memory to read with.
    was_short: bool,
    /// Room for the packets of a batch, for its user.
    pub(super) received: Vec<(Origin, BytesMut)>,
}

impl Socket {
    /// Takes a bound socket over; `packet_bytes_max` is the largest UDP payload that is read whole.
    pub(super) fn new(socket: std::net::UdpSocket, packet_bytes_max: usize) -> io::Result<Socket> {
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        // The kernel may allow less; what then overflows is lost as on any path.
        let _less = state.set_recv_buffer_size(UdpSockRef::from(&socket), KERNEL_BUFFER_BYTES);
        let _less = state.set_send_buffer_size(UdpSockRef::from(&socket), KERNEL_BUFFER_BYTES);
        let packet_bytes_max = packet_bytes_max * state.gro_segments();
        let receive_buffer = vec![0; packet_bytes_max * BATCH_SIZE];
        let io = UdpSocket::from_std(socket)?;
        Ok(Socket { io, state, receive_buffer, packet_bytes_max, was_short: false, received: Vec::new() })
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }

    /// Whether the system promises not to cut packets.
    pub(super) fn keeps_packets_whole(&self) -> bool {
        !self.state.may_fragment()
    }

    /// Segments that one connection's send may hold.
    pub(super) fn segments_max(&self) -> usize {
        self.state.max_gso_segments().min(SEGMENTS_MAX)
    }

    /// Packets of different connections that one send may hold: 1 where the system or the adapter cannot cut a run.
    pub(super) fn bundle_max(&self) -> usize {
        self.state.max_gso_segments().min(BUNDLE_MAX)
    }

    /// Reads a batch and gives out its packets; true when there may be more.
    pub(super) fn receive(&mut self, mut packet: impl FnMut(Origin, &[u8])) -> io::Result<bool> {
        let mut meta = [RecvMeta::default(); BATCH_SIZE];
        let mut buffers = self.receive_buffer.chunks_exact_mut(self.packet_bytes_max);
        let mut buffers: [IoSliceMut<'_>; BATCH_SIZE] =
            std::array::from_fn(|_| IoSliceMut::new(buffers.next().unwrap_or_default()));
        let count = match self.state.recv(UdpSockRef::from(&self.io), &mut buffers, &mut meta) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.wait_for(Interest::READABLE);
                return Ok(false);
            }
            // An earlier packet that could not be delivered shows here; the socket itself is fine.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::Interrupted) => {
                return Ok(true);
            }
            // What waits is read when something else comes, or in the next slice.
            Err(error) if is_shortage(&error) => {
                if !std::mem::replace(&mut self.was_short, true) {
                    tracing::warn!(%error, "the system has no memory for packets at times; they come late or are lost");
                }
                self.wait_for(Interest::READABLE);
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        for (meta, buffer) in meta.iter().zip(&buffers).take(count) {
            let received = buffer.get(..meta.len).unwrap_or_default();
            let ecn = meta.ecn.and_then(|ecn| quinn_proto::EcnCodepoint::from_bits(ecn as u8));
            let origin = Origin { remote: meta.addr, local_ip: meta.dst_ip, ecn };
            received.chunks(meta.stride.max(1)).for_each(|segment| packet(origin, segment));
        }
        Ok(count == BATCH_SIZE)
    }

    /// Sends what a connection or the endpoint made; false when there is no room now. What cannot be sent for any
    /// other reason is lost, as packets are.
    pub(super) fn send(&self, transmit: &Transmit, contents: &[u8]) -> bool {
        let transmit = quinn_udp::Transmit {
            destination: transmit.destination,
            ecn: transmit.ecn.and_then(|ecn| quinn_udp::EcnCodepoint::from_bits(ecn as u8)),
            contents: contents.get(..transmit.size).unwrap_or(contents),
            segment_size: transmit.segment_size,
            src_ip: transmit.src_ip,
        };
        let sent = self.state.send(UdpSockRef::from(&self.io), &transmit);
        if sent.is_err() {
            self.wait_for(Interest::WRITABLE);
        }
        sent.is_ok()
    }

    /// Ready when there is something to read or, if asked for, room to write. Errors show at the next use.
    pub(super) fn poll_ready(&self, context: &mut Context<'_>, also_writable: bool) -> Poll<()> {
        let readable = self.io.poll_recv_ready(context).is_ready();
        let writable = also_writable && self.io.poll_send_ready(context).is_ready();
        if readable || writable { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Tells the reactor that the socket was found not to be ready.
    fn wait_for(&self, interest: Interest) {
        let _told: io::Result<()> = self.io.try_io(interest, || Err(ErrorKind::WouldBlock.into()));
    }
}

/// Whether the system lacks memory, which passes.
fn is_shortage(error: &io::Error) -> bool {
    error.kind() == ErrorKind::OutOfMemory || error.raw_os_error() == Some(NO_BUFFERS)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_lack_of_memory_passes_and_a_broken_socket_does_not() {
        let (no_memory, no_buffers, not_a_socket, bad_address) = (12, 105, 88, 14);
        let shortages = [no_memory, no_buffers, not_a_socket, bad_address].map(io::Error::from_raw_os_error);
        assert_eq!(shortages.each_ref().map(is_shortage), [true, true, false, false]);
    }
}
