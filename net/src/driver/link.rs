//! One connection of a driver, and how its news reach the application.

use std::time::Instant;

use quinn_proto::{Connection, ConnectionError, Event, StreamEvent};

use super::wheel::Slot;
use super::wire::LinkState;
use super::{Application, LinkKey, Wire};

/// A connection and what is kept for it.
pub(super) struct Link<P> {
    pub(super) connection: Connection,
    pub(super) peer: Option<P>,
    pub(super) state: LinkState,
    pub(super) generation: u32,
    /// When it wants to be visited, as of its last visit.
    pub(super) due: Option<Instant>,
    /// Its earliest entry in the wheel that is still good.
    pub(super) armed: Slot,
    pub(super) touched: bool,
    /// Set when it was cut off.
    pub(super) deaf_until: Option<Instant>,
}

impl<P> Link<P> {
    /// Tells the application what happened, and asks it what to say.
    pub(super) fn tell(&mut self, key: LinkKey, now: Instant, application: &mut impl Application<Peer = P>) {
        let mut lost = None;
        while let Some(event) = self.connection.poll() {
            let Some(peer) = &mut self.peer else { continue };
            let mut wire = Wire::new(key, &mut self.connection, &mut self.state, now);
            match event {
                Event::Connected => {
                    wire.open();
                    application.connected(peer, &mut wire);
                }
                Event::DatagramReceived => {
                    while !wire.is_closing()
                        && let Some(bytes) = wire.take_datagram()
                    {
                        application.datagram(peer, &mut wire, bytes);
                    }
                }
                Event::Stream(StreamEvent::Opened { .. }) => wire.accept(),
                Event::Stream(StreamEvent::Readable { .. }) => self.state.readable = true,
                Event::Stream(StreamEvent::Writable { .. }) => self.state.blocked = false,
                Event::Stream(StreamEvent::Finished { .. } | StreamEvent::Stopped { .. }) => self.state.done = true,
                Event::ConnectionLost { reason } => lost = Some(reason),
                _ => {}
            }
        }
        if let Some(peer) = &mut self.peer {
            // Also when it is lost: what the other end said before that is there to be read.
            if !self.state.closing {
                application.visit(peer, &mut Wire::new(key, &mut self.connection, &mut self.state, now));
            }
            if let Some(reason) = lost {
                self.end(key, now, application, &reason);
            } else if self.state.closing {
                self.end(key, now, application, &ConnectionError::LocallyClosed);
            }
        }
    }

    pub(super) fn end(
        &mut self,
        key: LinkKey,
        now: Instant,
        application: &mut impl Application<Peer = P>,
        reason: &ConnectionError,
    ) {
        if let Some(peer) = self.peer.take() {
            self.state.deadline = None;
            application.closed(peer, &mut Wire::new(key, &mut self.connection, &mut self.state, now), reason);
        }
    }
}
