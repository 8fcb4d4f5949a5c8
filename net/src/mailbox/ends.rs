//! The two ends of a mailbox: the connection's and the scene's.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::{
    Backlog, Caller, CloseCause, Departures, Drained, Inbound, InboxFull, Listener, Mailbox, NOT_MEASURED, Outgoing,
    PREFIX_BYTES, Ready, SessionId, locked,
};
use crate::protocol::{DATAGRAMS_PER_TICK_MAX, Goodbye, INBOX_ITEMS_MAX, OUTBOX_BYTES_MAX};

/// The connection's end. Dropping it without [`TaskEnd::close`] counts as [`CloseCause::Lost`].
pub struct TaskEnd(pub(super) Arc<Mailbox>);

impl TaskEnd {
    /// Notes the round trip to the client, in ms, and has the scene look at it.
    pub fn measured(&self, rtt_ms: u32) {
        self.0.rtt_ms.store(rtt_ms.min(NOT_MEASURED - 1), Ordering::Relaxed);
        locked(&self.0.inbox).call();
    }

    /// The session this mailbox belongs to.
    pub fn id(&self) -> SessionId {
        self.0.id
    }

    /// Hands `item` to the scene. A full inbox drops its oldest datagram for a new datagram and refuses a frame;
    /// either way one item is counted as dropped.
    pub fn push(&self, item: Inbound) -> Result<(), InboxFull> {
        let mut inbox = locked(&self.0.inbox);
        inbox.call();
        if inbox.items.len() >= INBOX_ITEMS_MAX {
            inbox.dropped += 1;
            let oldest = match item {
                Inbound::Datagram { .. } => {
                    inbox.items.iter().position(|held| matches!(held, Inbound::Datagram { .. }))
                }
                Inbound::Frame { .. } => None,
            };
            let Some(oldest) = oldest else {
                return Err(InboxFull);
            };
            inbox.items.remove(oldest);
        }
        inbox.items.push_back(item);
        Ok(())
    }

    /// Counts `count` messages that were dropped before they reached the inbox, such as those over a rate limit.
    pub fn count_dropped(&self, count: u64) {
        let mut inbox = locked(&self.0.inbox);
        inbox.dropped += count;
        inbox.call();
    }

    /// Whether something may be taken that was not there at the last look.
    pub(crate) fn has_news(&self) -> bool {
        self.0.has_news.swap(false, Ordering::AcqRel)
    }

    /// The time of the datagrams that wait has come.
    pub(crate) fn release_datagrams(&self) {
        locked(&self.0.outbox).is_due = true;
        self.0.has_news.store(true, Ordering::Release);
    }

    /// Moves the datagrams that are due to the end of `into`.
    pub fn take_datagrams(&self, into: &mut Vec<Bytes>) {
        locked(&self.0.outbox).take_datagrams(into);
    }

    /// Moves all frames to the end of `into` and answers whether a goodbye follows them; report the frames with
    /// [`TaskEnd::written`] once they are sent.
    pub fn take_frames(&self, into: &mut Vec<Bytes>) -> Option<Goodbye> {
        let mut outbox = locked(&self.0.outbox);
        into.append(&mut outbox.frames);
        outbox.goodbye
    }

    /// Moves the datagrams that are due and, for who can write them, all frames to the end of those in `outgoing`, and
    /// says there whether a goodbye was said.
    pub(crate) fn take_into(&self, outgoing: &mut Outgoing, frames_too: bool) {
        let mut outbox = locked(&self.0.outbox);
        outbox.take_datagrams(&mut outgoing.datagrams);
        if frames_too {
            outgoing.frames.append(&mut outbox.frames);
        }
        outgoing.goodbye = outbox.goodbye;
    }

    /// Takes all there is: datagrams that are due, frames, and the goodbye.
    pub fn take(&self) -> Outgoing {
        let mut outgoing = Outgoing::default();
        self.take_into(&mut outgoing, true);
        outgoing
    }

    /// Tells the mailbox that a frame of `frame_bytes` (without prefix) left for the network.
    pub fn written(&self, frame_bytes: usize) {
        self.written_framed(frame_bytes + PREFIX_BYTES);
    }

    /// The same for any number of frames whose bytes are `framed_bytes` with their prefixes.
    pub(crate) fn written_framed(&self, framed_bytes: usize) {
        let mut outbox = locked(&self.0.outbox);
        outbox.waiting_bytes = outbox.waiting_bytes.saturating_sub(framed_bytes);
    }

    /// Ends the session as [`SceneEnd::goodbye`] does, for reasons the scene does not know.
    pub fn say_goodbye(&self, reason: Goodbye) {
        self.0.goodbye(reason);
    }

    /// Tells the scene that the connection is gone; the first cause stays.
    pub fn close(&self, cause: CloseCause) {
        self.0.close(cause);
    }

    /// The cause given first, if the connection is gone.
    pub fn closed(&self) -> Option<CloseCause> {
        self.0.closed()
    }
}

impl fmt::Debug for TaskEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.describe("TaskEnd", f)
    }
}

impl Drop for TaskEnd {
    fn drop(&mut self) {
        self.0.close(CloseCause::Lost);
    }
}

/// The scene's end. Dropping it without [`SceneEnd::goodbye`] ends the session as [`Goodbye::Internal`].
pub struct SceneEnd(pub(super) Arc<Mailbox>);

impl SceneEnd {
    /// Puts `token` on the list whenever there is something to drain or the connection has ended, beginning now.
    pub fn listen(&self, ready: &Ready, token: u64) {
        let mut inbox = locked(&self.0.inbox);
        inbox.listener = Some(Listener { ready: ready.clone(), token });
        inbox.is_listed = false;
        inbox.call();
    }

    /// Ends [`SceneEnd::listen`]; what is on the list stays there.
    pub fn stop_listening(&self) {
        locked(&self.0.inbox).listener = None;
    }

    /// Puts the session on its list, for reasons of the scene itself.
    pub fn list(&self) {
        locked(&self.0.inbox).call();
    }

    /// The round trip to the client in ms, as its connection measured it last; `None` before that.
    pub fn rtt_ms(&self) -> Option<u32> {
        Some(self.0.rtt_ms.load(Ordering::Relaxed)).filter(|&rtt_ms| rtt_ms != NOT_MEASURED)
    }

    /// The session this mailbox belongs to.
    pub fn id(&self) -> SessionId {
        self.0.id
    }

    /// Moves everything that came to the end of `into`, oldest first. What comes from now on is listed again.
    pub fn drain(&self, into: &mut Vec<Inbound>) -> Drained {
        let mut inbox = locked(&self.0.inbox);
        inbox.is_listed = false;
        into.extend(inbox.items.drain(..));
        Drained { dropped: std::mem::take(&mut inbox.dropped), closed: inbox.closed }
    }

    /// Queues the datagrams of `tick` in place of unsent ones of older ticks, to be sent at once, and returns how many
    /// were displaced or did not fit in [`DATAGRAMS_PER_TICK_MAX`]. Datagrams of the tick already queued are added to.
    pub fn send_datagrams(&self, tick: u32, datagrams: impl IntoIterator<Item = Bytes>) -> usize {
        let displaced = self.queue(tick, datagrams, true);
        self.0.call();
        displaced
    }

    /// The same, to be sent at `at_us` on [`super::now_us`]'s clock, as soon as `departures` are handed over.
    pub fn send_datagrams_at(
        &self,
        tick: u32,
        datagrams: impl IntoIterator<Item = Bytes>,
        at_us: u64,
        departures: &mut Departures,
    ) -> usize {
        let Some(Caller { port, link }) = &self.0.caller else {
            return self.send_datagrams(tick, datagrams);
        };
        departures.add(port, *link, at_us);
        self.queue(tick, datagrams, false)
    }

    fn queue(&self, tick: u32, datagrams: impl IntoIterator<Item = Bytes>, is_due: bool) -> usize {
        let mut outbox = locked(&self.0.outbox);
        let mut displaced = 0;
        if outbox.tick != tick {
            displaced = outbox.datagrams.len();
            outbox.datagrams.clear();
            outbox.tick = tick;
        }
        outbox.is_due = is_due;
        for datagram in datagrams {
            if outbox.datagrams.len() < DATAGRAMS_PER_TICK_MAX {
                outbox.datagrams.push(datagram);
            } else {
                displaced += 1;
            }
        }
        displaced
    }

    /// Queues one frame (without prefix); with [`OUTBOX_BYTES_MAX`] bytes waiting it is refused and lost.
    /// After a goodbye nothing is queued any more.
    pub fn send_frame(&self, bytes: Bytes) -> Result<(), Backlog> {
        self.send_frame_along(bytes)?;
        self.flush();
        Ok(())
    }

    /// The same, to leave in one packet with the tick's datagrams if there is room. The connection is told of it by
    /// [`SceneEnd::send_datagrams_at`], or by [`SceneEnd::flush`] when nothing else is sent.
    pub fn send_frame_along(&self, bytes: Bytes) -> Result<(), Backlog> {
        let mut outbox = locked(&self.0.outbox);
        if outbox.goodbye.is_some() {
            return Ok(());
        }
        let waiting_bytes = outbox.waiting_bytes + bytes.len() + PREFIX_BYTES;
        if waiting_bytes > OUTBOX_BYTES_MAX {
            return Err(Backlog { waiting_bytes: outbox.waiting_bytes });
        }
        outbox.waiting_bytes = waiting_bytes;
        outbox.frames.push(bytes);
        Ok(())
    }

    /// Has the frames that wait sent now.
    pub fn flush(&self) {
        self.0.call();
    }

    /// Ends the session after the frames queued so far; the first reason stays.
    pub fn goodbye(&self, reason: Goodbye) {
        self.0.goodbye(reason);
    }

    /// Why the connection is gone, once it is.
    pub fn closed(&self) -> Option<CloseCause> {
        self.0.closed()
    }
}

impl fmt::Debug for SceneEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.describe("SceneEnd", f)
    }
}

impl Drop for SceneEnd {
    fn drop(&mut self) {
        self.stop_listening();
        self.goodbye(Goodbye::Internal);
    }
}
