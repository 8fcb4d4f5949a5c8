//! One client of a swarm between its session and its connection, and the crowd of them as the driver sees it.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use quinn_proto::ConnectionError;

use super::super::session::ClientSession;
use super::super::{Closed, LOGIN_PING_PERIOD, SendError, closed_by};
use super::{ClientId, Happened, LinkStats};
use crate::codec::{FrameReader, frame_prefix};
use crate::driver::{Application, LinkKey, Read, TICK_PATIENCE, Wire};
use crate::mailbox::now_us;
use crate::protocol::{SERVER_FRAME_BYTES_MAX, WireTable};

/// Frames that may wait for the network.
const WAITING_MAX: usize = 256;

/// A client.
pub(super) struct Member {
    /// Which of the swarm's sockets it uses.
    pub(super) socket: usize,
    pub(super) link: LinkKey,
    pub(super) closed: Option<Closed>,
    /// What its connection had counted at its end.
    pub(super) last_stats: LinkStats,
    /// Gone when the owner has heard of the end.
    pub(super) life: Option<Box<Life>>,
}

/// What a client needs as long as it lives.
pub(super) struct Life {
    pub(super) session: ClientSession,
    /// Gone when the stream has lost its framing.
    frames: Option<FrameReader>,
    /// Bytes for the stream, with prefixes.
    waiting: VecDeque<Bytes>,
    entered: bool,
}

impl Member {
    pub(super) fn new(socket: usize, link: LinkKey) -> Member {
        let life = Life {
            session: ClientSession::default(),
            frames: Some(FrameReader::new(SERVER_FRAME_BYTES_MAX)),
            waiting: VecDeque::new(),
            entered: false,
        };
        Member { socket, link, closed: None, last_stats: LinkStats::default(), life: Some(Box::new(life)) }
    }

    /// Its life, until the connection is over.
    pub(super) fn connected(&mut self) -> Option<&mut Life> {
        self.life.as_deref_mut().filter(|_| self.closed.is_none())
    }

    /// True when the connection is not over and nothing waits for the stream.
    pub(super) fn has_said_all(&self) -> bool {
        self.closed.is_none() && self.life.as_ref().is_some_and(|life| life.waiting.is_empty())
    }
}

impl Life {
    /// Queues bytes for the stream.
    pub(super) fn queue(&mut self, bytes: Bytes) -> Result<(), SendError> {
        if self.waiting.len() >= WAITING_MAX {
            return Err(SendError::Busy);
        }
        self.waiting.push_back(bytes);
        Ok(())
    }

    /// Queues what the session has to say in answer to what came.
    fn answer(&mut self) {
        for frame in self.session.take_outgoing() {
            // A server that does not read its stream gets no answers.
            let _stuck = self.queue([&frame_prefix(frame.len())[..], &frame].concat().into());
        }
    }

    /// Until the server has answered the login, sees to it that it acknowledges what it has.
    fn keep_pinging(&self, wire: &mut Wire<'_>) {
        if wire.deadline_passed() && self.session.accepted().is_none() {
            wire.ping();
            wire.set_deadline(Some(wire.now() + LOGIN_PING_PERIOD));
        }
    }

    fn write(&mut self, wire: &mut Wire<'_>) {
        while wire.has_stream()
            && let Some(first) = self.waiting.front_mut()
        {
            if wire.write(first).is_err() {
                return self.waiting.clear();
            }
            if !first.is_empty() {
                return;
            }
            self.waiting.pop_front();
        }
        if self.waiting.is_empty() {
            self.waiting.shrink_to(0);
        }
    }
}

/// What the connection of `wire` has counted.
pub(super) fn count(wire: &Wire<'_>) -> LinkStats {
    let stats = wire.stats();
    LinkStats {
        rtt: wire.rtt(),
        lost_packets: stats.path.lost_packets,
        sent_bytes: stats.udp_tx.bytes,
        received_bytes: stats.udp_rx.bytes,
        sent_datagrams: stats.udp_tx.datagrams,
        received_datagrams: stats.udp_rx.datagrams,
    }
}

/// All clients, and what has happened to them since it was last told.
#[derive(Default)]
pub(super) struct Crowd {
    pub(super) members: Vec<Member>,
    /// The session of those of whom nothing is kept.
    pub(super) nobody: ClientSession,
    happened: Vec<(ClientId, Happened)>,
    /// What the server's numbers mean, as all clients of this server were told.
    wire: Arc<WireTable>,
    /// Whose end has been told since the last turn began.
    told: Vec<ClientId>,
}

impl Crowd {
    /// Tells what happened; false when nothing did.
    pub(super) fn tell(&mut self, hear: &mut impl FnMut(ClientId, Happened, &mut ClientSession)) -> bool {
        let any = !self.happened.is_empty();
        for (id, happened) in self.happened.drain(..) {
            let Some(life) = self.members.get_mut(id.index()).and_then(|member| member.life.as_deref_mut()) else {
                continue;
            };
            hear(id, happened, &mut life.session);
            if matches!(happened, Happened::Closed(_)) {
                self.told.push(id);
            }
        }
        any
    }

    /// Lets go of those whose end has been told.
    pub(super) fn forget(&mut self) {
        for id in self.told.drain(..) {
            if let Some(member) = self.members.get_mut(id.index()) {
                member.life = None;
            }
        }
    }

    /// A client whose connection is not over.
    pub(super) fn connected(&mut self, id: ClientId) -> Result<&mut Life, SendError> {
        self.members.get_mut(id.index()).and_then(Member::connected).ok_or(SendError::Closed)
    }

    fn life(&mut self, id: ClientId) -> Option<&mut Life> {
        self.members.get_mut(id.index())?.life.as_deref_mut()
    }

    /// Notes the end of a connection.
    pub(super) fn end(&mut self, id: ClientId, closed: Closed, stats: LinkStats) {
        let Some(member) = self.members.get_mut(id.index()) else { return };
        member.closed = Some(closed);
        member.last_stats = stats;
        if let Some(life) = &mut member.life {
            life.waiting = VecDeque::new();
            if let Closed::Goodbye(reason) = closed {
                life.session.closed_as(reason);
            }
        }
        self.happened.push((id, Happened::Closed(closed)));
    }

    fn note(&mut self, id: ClientId, happened: Happened) {
        self.happened.push((id, happened));
        let Crowd { members, wire, .. } = self;
        if let Some(life) = members.get_mut(id.index()).and_then(|member| member.life.as_deref_mut())
            && !life.entered
            && life.session.accepted().is_some()
            && life.session.world().scene().is_some()
        {
            life.entered = true;
            life.session.share_wire(wire);
            self.happened.push((id, Happened::Entered));
        }
    }

    /// Applies the frames in the bytes that came.
    fn take_frames(&mut self, id: ClientId, bytes: &[u8]) {
        if let Some(frames) = self.life(id).and_then(|life| life.frames.as_mut()) {
            frames.push(bytes);
        }
        while let Some(life) = self.life(id)
            && let Some(frames) = &mut life.frames
        {
            match frames.next_frame() {
                Ok(Some(frame)) => {
                    life.session.on_frame(&frame);
                    self.note(id, Happened::Message);
                }
                Ok(None) => return life.answer(),
                // The stream has lost its framing; nothing more can be read from it.
                Err(_) => {
                    life.frames = None;
                    life.session.count_decode_error();
                }
            }
        }
    }
}

impl Application for Crowd {
    type Peer = ClientId;

    fn connected(&mut self, _id: &mut ClientId, wire: &mut Wire<'_>) {
        wire.set_deadline(Some(wire.now() + LOGIN_PING_PERIOD));
    }

    fn datagram(&mut self, id: &mut ClientId, wire: &mut Wire<'_>, bytes: Bytes) {
        // Who is told of the world plays in it, and makes an input in every tick.
        wire.set_patience(TICK_PATIENCE);
        if let Some(life) = self.life(*id) {
            life.session.on_datagram(&bytes, now_us());
            life.answer();
            self.note(*id, Happened::Frame);
        }
    }

    fn visit(&mut self, id: &mut ClientId, wire: &mut Wire<'_>) {
        while let Read::Bytes(bytes) = wire.read() {
            self.take_frames(*id, &bytes);
        }
        if let Some(life) = self.life(*id) {
            life.keep_pinging(wire);
            life.write(wire);
        }
    }

    fn closed(&mut self, id: ClientId, wire: &mut Wire<'_>, reason: &ConnectionError) {
        self.end(id, closed_by(reason), count(wire));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_has_lost_its_framing_is_read_no_more() {
        let (mut crowd, id) = (Crowd::default(), ClientId(0));
        crowd.members.push(Member::new(0, LinkKey::of_test(0)));
        for _ in 0..100 {
            crowd.take_frames(id, &[0; 1_000]);
        }
        let life = crowd.life(id).expect("it is connected");
        assert_eq!((life.session.stats().decode_errors, life.frames.is_none()), (1, true));
    }
}
