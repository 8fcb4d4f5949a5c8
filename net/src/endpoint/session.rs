//! One connection from its handshake to its end: login, then bytes both ways until either side ends it.
//!
//! A state machine that its thread visits. It never waits: what the scene does not take in time is dropped and counted,
//! and what a client does not read stays in the mailbox, where it counts as waiting. Frames and datagrams are written
//! independently, so that a client that does not read its stream still gets no stale state.

use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use quinn_proto::ConnectionError;

use super::admission::Place;
use super::playing::Playing;
use super::{Credentials, Gateway, Login, TransportEvent};
use crate::codec::{DecodeError, FrameReader, decode_client_message, encode_server_message, frame_prefix};
use crate::driver::{Read, TICK_PATIENCE, Wire};
use crate::mailbox::{CloseCause, Outgoing, SessionId, TaskEnd};
use crate::protocol::{CLIENT_FRAME_BYTES_MAX, ClientMessage, Goodbye, ServerMessage};

/// A handshake that takes longer is given up.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// The first frame has to be there so soon after the handshake.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a client may take to read its goodbye.
pub(super) const GOODBYE_TIMEOUT: Duration = Duration::from_secs(2);

/// What the endpoint keeps for a connection.
pub(super) struct Session {
    place: Place,
    stage: Stage,
    traffic: Traffic,
}

/// How far a connection has come.
enum Stage {
    /// The handshake goes on.
    Handshake,
    /// The first frame is awaited.
    Login(FrameReader),
    /// The gateway looks for a place; nothing is read meanwhile.
    Placing(Box<Placing>),
    /// Bytes go both ways.
    Playing(Box<Playing>),
    /// The goodbye is on its way. With a mailbox when there was a session to end.
    Parting { reason: Goodbye, task: Option<TaskEnd> },
    /// The connection was closed; what is to be noted has been.
    Over,
}

struct Placing {
    task: TaskEnd,
    /// What came behind the login.
    frames: FrameReader,
}

/// What a visit leads to.
pub(super) enum Step {
    /// Nothing more.
    Stay,
    /// The client has asked to log in.
    Login(ClientMessage, FrameReader),
}

impl Session {
    pub(super) fn new(place: Place) -> Session {
        Session { place, stage: Stage::Handshake, traffic: Traffic::default() }
    }

    /// The handshake is done.
    pub(super) fn connected(&mut self, wire: &mut Wire<'_>) {
        self.place.handshake_done();
        self.stage = Stage::Login(FrameReader::new(CLIENT_FRAME_BYTES_MAX));
        wire.set_deadline(Some(wire.now() + LOGIN_TIMEOUT));
    }

    /// A datagram came. Before the character has a place nobody could take it.
    pub(super) fn datagram(&mut self, wire: &mut Wire<'_>, bytes: Bytes, gateway: &dyn Gateway) {
        match &mut self.stage {
            Stage::Playing(playing) => {
                if let Err(cause) = playing.push_datagram(bytes, gateway) {
                    self.end(cause, wire, gateway);
                }
            }
            // Who waits for an answer and wants acknowledgements meanwhile has to say something.
            _ if bytes.is_empty() => {}
            _ => gateway.note(TransportEvent::Dropped { reason: "early", count: 1 }),
        }
    }

    /// One visit.
    pub(super) fn visit(&mut self, wire: &mut Wire<'_>, gateway: &dyn Gateway, scratch: &mut Scratch) -> Step {
        match &mut self.stage {
            Stage::Handshake => self.await_handshake(wire),
            Stage::Login(_) => return self.await_login(wire, gateway),
            Stage::Placing(_) | Stage::Over => {}
            Stage::Playing(playing) => {
                if let Err(cause) = playing.visit(wire, gateway, &mut self.traffic, scratch) {
                    self.end(cause, wire, gateway);
                }
            }
            Stage::Parting { .. } => self.await_parting(wire, gateway),
        }
        Step::Stay
    }

    fn await_handshake(&mut self, wire: &mut Wire<'_>) {
        if wire.deadline_passed() {
            wire.close(0, "");
        } else if !wire.has_deadline() {
            wire.set_deadline(Some(wire.now() + HANDSHAKE_TIMEOUT));
        }
    }

    fn await_login(&mut self, wire: &mut Wire<'_>, gateway: &dyn Gateway) -> Step {
        if wire.deadline_passed() {
            gateway.note(TransportEvent::Refused { reason: Goodbye::LoginTimeout.name() });
            self.close(wire, Goodbye::LoginTimeout);
            return Step::Stay;
        }
        let Stage::Login(frames) = &mut self.stage else { return Step::Stay };
        loop {
            let frame = frames.next_frame();
            match frame.and_then(|frame| frame.map(|frame| decode_client_message(&frame)).transpose()) {
                Ok(Some(message)) => {
                    let frames = std::mem::replace(frames, FrameReader::new(CLIENT_FRAME_BYTES_MAX));
                    wire.set_deadline(None);
                    return Step::Login(message, frames);
                }
                Ok(None) => {}
                Err(error) => {
                    self.refuse_login(&error, wire, gateway);
                    return Step::Stay;
                }
            }
            match wire.read() {
                Read::Bytes(bytes) => frames.push(&bytes),
                Read::Nothing => return Step::Stay,
                Read::Ended => {
                    wire.close(0, "");
                    return Step::Stay;
                }
            }
        }
    }

    /// The first frame was not a login, or not a good one.
    pub(super) fn refuse_login(&mut self, error: &DecodeError, wire: &mut Wire<'_>, gateway: &dyn Gateway) {
        gateway.note(TransportEvent::Refused { reason: error.reason() });
        let reason = match error {
            DecodeError::BadName | DecodeError::BadClass => Goodbye::BadLogin,
            _ => Goodbye::Abuse,
        };
        self.part(reason, None, wire);
    }

    /// The gateway is asked; `frames` is what came behind the login.
    pub(super) fn placing(&mut self, task: TaskEnd, frames: FrameReader) {
        self.stage = Stage::Placing(Box::new(Placing { task, frames }));
    }

    /// The gateway has answered.
    pub(super) fn placed(&mut self, placed: Result<(), Goodbye>, wire: &mut Wire<'_>, gateway: &dyn Gateway) {
        let Stage::Placing(placing) = std::mem::replace(&mut self.stage, Stage::Over) else { return };
        let Placing { task, frames } = *placing;
        match placed {
            Ok(()) => {
                gateway.note(TransportEvent::Opened);
                wire.set_patience(TICK_PATIENCE);
                self.stage = Stage::Playing(Box::new(Playing::new(task, frames)));
            }
            Err(reason) => {
                gateway.note(TransportEvent::Refused { reason: reason.name() });
                self.part(reason, None, wire);
            }
        }
    }

    /// The datagrams of a tick may leave now.
    pub(super) fn release_datagrams(&mut self) {
        if let Stage::Playing(playing) = &mut self.stage {
            playing.release_datagrams();
        }
    }

    /// The endpoint closes: whoever plays is told after everything said before, the others at once.
    pub(super) fn shut(&mut self, reason: Goodbye, wire: &mut Wire<'_>) {
        match &self.stage {
            Stage::Playing(playing) => playing.say_goodbye(reason),
            Stage::Placing(placing) => placing.task.say_goodbye(reason),
            Stage::Handshake | Stage::Login(_) => self.close(wire, reason),
            Stage::Parting { .. } | Stage::Over => {}
        }
    }

    fn await_parting(&mut self, wire: &mut Wire<'_>, gateway: &dyn Gateway) {
        if (wire.is_done() || wire.deadline_passed())
            && let Stage::Parting { reason, task } = std::mem::replace(&mut self.stage, Stage::Over)
        {
            wire.close(reason.code(), reason.name());
            self.note_end(task, CloseCause::Goodbye(reason), wire, gateway);
        }
    }

    /// Writes the goodbye and waits until the client has it, so that the close does not overtake it.
    fn part(&mut self, reason: Goodbye, task: Option<TaskEnd>, wire: &mut Wire<'_>) {
        if let Ok(mut frame) = encode_server_message(&ServerMessage::Goodbye { reason }).map(|frame| framed(&frame)) {
            let _gone = wire.write(&mut frame);
        }
        wire.finish();
        wire.set_deadline(Some(wire.now() + GOODBYE_TIMEOUT));
        self.stage = Stage::Parting { reason, task };
    }

    /// Ends a session that plays.
    fn end(&mut self, cause: CloseCause, wire: &mut Wire<'_>, gateway: &dyn Gateway) {
        let Stage::Playing(playing) = std::mem::replace(&mut self.stage, Stage::Over) else { return };
        let reason = match cause {
            CloseCause::Goodbye(reason) if playing.may_say_goodbye() => {
                return self.part(reason, Some(playing.into_task()), wire);
            }
            CloseCause::Goodbye(reason) => reason,
            CloseCause::Flood => Goodbye::Flood,
            CloseCause::Abuse | CloseCause::Lost | CloseCause::Peer => Goodbye::Abuse,
        };
        self.close(wire, reason);
        self.note_end(Some(playing.into_task()), cause, wire, gateway);
    }

    /// The reason phrase is always there: a close without one comes from a dropped connection and means nothing.
    fn close(&mut self, wire: &mut Wire<'_>, reason: Goodbye) {
        self.stage = Stage::Over;
        wire.close(reason.code(), reason.name());
    }

    /// The connection is gone.
    pub(super) fn gone(mut self, error: &ConnectionError, wire: &mut Wire<'_>, gateway: &dyn Gateway) {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Handshake => gateway.note(TransportEvent::Refused { reason: "handshake" }),
            Stage::Login(_) => gateway.note(TransportEvent::Refused { reason: "gone" }),
            // The answer of the gateway finds nobody any more.
            Stage::Placing(_) | Stage::Over => {}
            Stage::Playing(playing) => self.note_end(Some(playing.into_task()), cause_of(error), wire, gateway),
            Stage::Parting { reason, task } => self.note_end(task, CloseCause::Goodbye(reason), wire, gateway),
        }
    }

    fn note_end(&mut self, task: Option<TaskEnd>, cause: CloseCause, wire: &Wire<'_>, gateway: &dyn Gateway) {
        let Some(task) = task else { return };
        task.close(cause);
        self.traffic.report(wire, gateway);
        gateway.note(TransportEvent::Closed { cause });
    }
}

/// Room that all sessions of a thread use in turn.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) outgoing: Outgoing,
    pub(super) buffer: BytesMut,
}

/// What has been reported of a connection's traffic so far.
#[derive(Default)]
pub(super) struct Traffic {
    sent_bytes: u64,
    received_bytes: u64,
    lost_packets: u64,
}

impl Traffic {
    pub(super) fn report(&mut self, wire: &Wire<'_>, gateway: &dyn Gateway) {
        let stats = wire.stats();
        let now = Traffic {
            sent_bytes: stats.udp_tx.bytes,
            received_bytes: stats.udp_rx.bytes,
            lost_packets: stats.path.lost_packets,
        };
        gateway.note(TransportEvent::Traffic {
            sent_bytes: now.sent_bytes.saturating_sub(self.sent_bytes),
            received_bytes: now.received_bytes.saturating_sub(self.received_bytes),
            // A client that moved to another path starts to count anew.
            lost_packets: now.lost_packets.saturating_sub(self.lost_packets),
        });
        *self = now;
    }
}

/// The login in the first frame.
pub(super) fn login_of(message: ClientMessage, wire: &Wire<'_>) -> Result<Login, DecodeError> {
    let credentials = match message {
        ClientMessage::Login { name, class } => Credentials::Name { name, class },
        ClientMessage::Resume { token } => Credentials::Resume { token },
        _ => return Err(DecodeError::Malformed),
    };
    Ok(Login { credentials, session: SessionId::next(), remote: wire.remote() })
}

fn framed(frame: &[u8]) -> Bytes {
    let mut framed = BytesMut::new();
    framed.put_slice(&frame_prefix(frame.len()));
    framed.put_slice(frame);
    framed.freeze()
}

/// The earlier of two moments that may not be set.
pub(super) fn sooner(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

fn cause_of(error: &ConnectionError) -> CloseCause {
    match error {
        ConnectionError::ApplicationClosed(_) | ConnectionError::ConnectionClosed(_) => CloseCause::Peer,
        ConnectionError::TransportError(_) => CloseCause::Abuse,
        ConnectionError::LocallyClosed => CloseCause::Goodbye(Goodbye::Shutdown),
        _ => CloseCause::Lost,
    }
}
