//! A session that plays: everything that comes goes into the mailbox, within the session's rate; everything in the
//! mailbox goes out, the stream as far as the client reads it.

use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes};
use quinn_proto::SendDatagramError;

use super::session::{GOODBYE_TIMEOUT, Scratch, Traffic, sooner};
use super::{Gateway, TransportEvent};
use crate::codec::{FrameReader, frame_prefix};
use crate::driver::{Read, Wire};
use crate::mailbox::{CloseCause, Inbound, TaskEnd, now_us};
use crate::protocol::{DATAGRAM_BYTES_MAX, Goodbye};
use crate::rate::{SessionRate, Verdict};

/// How long one write to the stream may be blocked by a client that does not read.
const STALL_TIMEOUT: Duration = Duration::from_secs(15);
/// Batches of datagrams between two reports of traffic: a second at 20 Hz.
const BATCHES_PER_REPORT: u32 = 20;

/// The state of a session between two visits.
pub(super) struct Playing {
    task: TaskEnd,
    frames: FrameReader,
    rate: SessionRate,
    /// What the stream did not take yet, and of how many bytes of frames it is the rest.
    blocked: Option<Blocked>,
    goodbye: Option<Goodbye>,
    /// When a client that does not read its goodbye is given up.
    insist_at: Option<Instant>,
    batches: u32,
    /// The login may have come with frames behind it.
    is_new: bool,
    stream_ended: bool,
}

struct Blocked {
    rest: Bytes,
    framed_bytes: usize,
    give_up_at: Instant,
}

impl Playing {
    pub(super) fn new(task: TaskEnd, frames: FrameReader) -> Playing {
        Playing {
            task,
            frames,
            rate: SessionRate::new(now_us()),
            blocked: None,
            goodbye: None,
            insist_at: None,
            batches: 0,
            is_new: true,
            stream_ended: false,
        }
    }

    pub(super) fn into_task(self) -> TaskEnd {
        self.task
    }

    pub(super) fn release_datagrams(&self) {
        self.task.release_datagrams();
    }

    pub(super) fn say_goodbye(&self, reason: Goodbye) {
        self.task.say_goodbye(reason);
    }

    /// Whether everything said before a goodbye has been written, so that it can follow.
    pub(super) fn may_say_goodbye(&self) -> bool {
        self.goodbye.is_some() && self.blocked.is_none()
    }

    /// Reads what came, writes what waits; the error is why the session ends.
    pub(super) fn visit(
        &mut self,
        wire: &mut Wire<'_>,
        gateway: &dyn Gateway,
        traffic: &mut Traffic,
        scratch: &mut Scratch,
    ) -> Result<(), CloseCause> {
        self.read(wire, gateway)?;
        let was_blocked = self.blocked.is_some();
        self.write_rest(wire)?;
        let is_free = self.blocked.is_none();
        if self.task.has_news() || (was_blocked && is_free) {
            self.task.take_into(&mut scratch.outgoing, is_free);
            self.goodbye = scratch.outgoing.goodbye;
            self.send_datagrams(wire, gateway, traffic, scratch);
            self.write_frames(wire, scratch)?;
        }
        self.keep_deadlines(wire)
    }

    fn read(&mut self, wire: &mut Wire<'_>, gateway: &dyn Gateway) -> Result<(), CloseCause> {
        if std::mem::take(&mut self.is_new) {
            self.push_frames(gateway)?;
        }
        while !self.stream_ended {
            match wire.read() {
                Read::Bytes(bytes) => {
                    self.frames.push(&bytes);
                    self.push_frames(gateway)?;
                }
                Read::Nothing => break,
                // A client that ends its half of the stream has no more to ask; it may still watch.
                Read::Ended => self.stream_ended = true,
            }
        }
        Ok(())
    }

    /// Hands a datagram on; the error is why the session ends.
    pub(super) fn push_datagram(&mut self, bytes: Bytes, gateway: &dyn Gateway) -> Result<(), CloseCause> {
        let received_us = now_us();
        let verdict = self.rate.message(received_us);
        if bytes.is_empty() && verdict == Verdict::Pass {
            // Sent for its acknowledgement.
            return Ok(());
        }
        if bytes.len() > DATAGRAM_BYTES_MAX && verdict == Verdict::Pass {
            let verdict = self.rate.dropped(received_us);
            return self.drop_message("oversized", verdict, gateway);
        }
        self.push(verdict, Inbound::Datagram { bytes, received_us }, gateway)
    }

    fn push_frames(&mut self, gateway: &dyn Gateway) -> Result<(), CloseCause> {
        let received_us = now_us();
        loop {
            match self.frames.next_frame() {
                Ok(Some(bytes)) => {
                    let verdict = self.rate.command(received_us);
                    self.push(verdict, Inbound::Frame { bytes, received_us }, gateway)?;
                }
                Ok(None) => return Ok(()),
                Err(_) => return Err(CloseCause::Abuse),
            }
        }
    }

    fn push(&self, verdict: Verdict, item: Inbound, gateway: &dyn Gateway) -> Result<(), CloseCause> {
        if verdict != Verdict::Pass {
            return self.drop_message("rate", verdict, gateway);
        }
        if self.task.push(item).is_err() {
            // The inbox has counted it for the scene already.
            gateway.note(TransportEvent::Dropped { reason: "inbox", count: 1 });
        }
        Ok(())
    }

    fn drop_message(&self, reason: &'static str, verdict: Verdict, gateway: &dyn Gateway) -> Result<(), CloseCause> {
        self.task.count_dropped(1);
        gateway.note(TransportEvent::Dropped { reason, count: 1 });
        if verdict == Verdict::Flood { Err(CloseCause::Flood) } else { Ok(()) }
    }

    /// Sends what the scene replaces every tick, and reports traffic about once a second.
    fn send_datagrams(
        &mut self,
        wire: &mut Wire<'_>,
        gateway: &dyn Gateway,
        traffic: &mut Traffic,
        scratch: &mut Scratch,
    ) {
        if scratch.outgoing.datagrams.is_empty() {
            return;
        }
        for datagram in scratch.outgoing.datagrams.drain(..) {
            let sent = if datagram.len() > DATAGRAM_BYTES_MAX {
                Err(SendDatagramError::TooLarge)
            } else {
                wire.send_datagram(datagram)
            };
            if sent.is_err() {
                gateway.note(TransportEvent::Dropped { reason: "outgoing_oversized", count: 1 });
            }
        }
        self.batches += 1;
        if self.batches == BATCHES_PER_REPORT {
            self.batches = 0;
            self.task.measured(u32::try_from(wire.rtt().as_millis()).unwrap_or(u32::MAX));
            traffic.report(wire, gateway);
        }
    }

    /// Writes the frames that were taken; what the stream does not take is kept for later.
    fn write_frames(&mut self, wire: &mut Wire<'_>, scratch: &mut Scratch) -> Result<(), CloseCause> {
        if scratch.outgoing.frames.is_empty() {
            return Ok(());
        }
        for frame in scratch.outgoing.frames.drain(..) {
            scratch.buffer.put_slice(&frame_prefix(frame.len()));
            scratch.buffer.put_slice(&frame);
        }
        let rest = scratch.buffer.split().freeze();
        let give_up_at = wire.now() + STALL_TIMEOUT;
        self.blocked = Some(Blocked { framed_bytes: rest.len(), rest, give_up_at });
        self.write_rest(wire)
    }

    fn write_rest(&mut self, wire: &mut Wire<'_>) -> Result<(), CloseCause> {
        let Some(Blocked { rest, framed_bytes, give_up_at }) = &mut self.blocked else { return Ok(()) };
        let before = rest.len();
        // The client stopped reading for good.
        wire.write(rest).map_err(|_| CloseCause::Peer)?;
        if rest.is_empty() {
            self.task.written_framed(*framed_bytes);
            self.blocked = None;
        } else if rest.len() < before {
            *give_up_at = wire.now() + STALL_TIMEOUT;
        }
        Ok(())
    }

    /// Ends the session after its goodbye, or when the client does not read for too long.
    fn keep_deadlines(&mut self, wire: &mut Wire<'_>) -> Result<(), CloseCause> {
        let now = wire.now();
        if let Some(reason) = self.goodbye {
            if self.blocked.is_none() {
                return Err(CloseCause::Goodbye(reason));
            }
            let insist_at = *self.insist_at.get_or_insert(now + 2 * GOODBYE_TIMEOUT);
            if insist_at <= now {
                return Err(CloseCause::Goodbye(reason));
            }
        }
        let give_up_at = self.blocked.as_ref().map(|blocked| blocked.give_up_at);
        if give_up_at.is_some_and(|give_up_at| give_up_at <= now) {
            return Err(CloseCause::Goodbye(Goodbye::SlowReader));
        }
        wire.set_deadline(sooner(give_up_at, self.insist_at));
        Ok(())
    }
}
