//! How packets leave a driver: at once, as soon as the socket has room again, bundled with those of other connections,
//! or late and lossy where a path is impaired.

use std::time::Instant;

use quinn_proto::{Connection, Transmit};

use super::delay::Held;
use super::wire::LinkState;
use super::{Application, Driver, Origin, Way};

/// A packet below this has room for another frame of any kind but a datagram.
const ROOMY_BYTES: usize = 1_000;

impl<P> Driver<P> {
    /// True while packets wait for room in the socket.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked.is_some() || self.bundles.as_ref().is_some_and(super::Bundles::is_stuck)
    }

    /// Makes and sends what a connection has to send, until the socket has no more room. When a timer `is_late`, that may
    /// be the same again in several packets, because one is lost too easily.
    pub(super) fn transmit(&mut self, now: Instant, connection: &mut Connection, state: &mut LinkState, is_late: bool) {
        let segments_max = if self.impaired.is_some() { 1 } else { self.socket.segments_max() };
        let (mut is_first, mut is_last) = (true, false);
        state.has_spoken();
        while !self.is_blocked() && !is_last {
            self.packet.clear();
            let Some(transmit) = connection.poll_transmit(now, segments_max, &mut self.packet) else { break };
            // Whatever had something to say has said it in a packet with room to spare.
            let is_roomy = (state.unsent_bytes..ROOMY_BYTES).contains(&transmit.size);
            is_last = is_first && !is_late && state.is_patient() && is_roomy;
            state.unsent_bytes = state.unsent_bytes.saturating_sub(transmit.size);
            match &mut self.bundles {
                Some(bundles) if is_first && self.impaired.is_none() && transmit.segment_size.is_none() => {
                    bundles.add(transmit, &self.packet, &self.socket);
                }
                _ => {
                    self.blocked = Some(transmit);
                    self.flush(now);
                }
            }
            is_first = false;
        }
    }

    /// Sends what waits; false when something still has to.
    pub(super) fn flush(&mut self, now: Instant) -> bool {
        if let Some(bundles) = &mut self.bundles
            && !bundles.send_all(&self.socket)
        {
            return false;
        }
        let Some(transmit) = self.blocked.take() else { return true };
        if let Some(impaired) = &mut self.impaired {
            let packet = self.packet.get(..transmit.size).unwrap_or_default();
            impaired.take(now, Way::Out, (transmit.destination, transmit.src_ip), packet);
            return true;
        }
        if self.socket.send(&transmit, &self.packet) {
            return true;
        }
        self.blocked = Some(transmit);
        false
    }

    /// Sends an answer of the endpoint itself; strangers repeat what gets none.
    pub(super) fn send(&mut self, now: Instant, transmit: &Transmit, contents: &[u8]) {
        match &mut self.impaired {
            Some(impaired) => {
                let packet = contents.get(..transmit.size).unwrap_or_default();
                impaired.take(now, Way::Out, (transmit.destination, transmit.src_ip), packet);
            }
            None => {
                self.socket.send(transmit, contents);
            }
        }
    }

    /// Passes on the impaired packets whose time has come.
    pub(super) fn pass_impaired(&mut self, now: Instant, application: &mut impl Application<Peer = P>) {
        while let Some(Held { way, remote, local_ip, bytes, .. }) =
            self.impaired.as_mut().and_then(|impaired| impaired.due(now))
        {
            match way {
                Way::In => {
                    let kept = self.chunks.keep(&bytes);
                    self.handle(application, now, Origin { remote, local_ip, ecn: None }, kept);
                }
                Way::Out => {
                    let size = bytes.len();
                    let transmit =
                        Transmit { destination: remote, ecn: None, size, segment_size: None, src_ip: local_ip };
                    self.socket.send(&transmit, &bytes);
                }
            }
        }
    }
}
