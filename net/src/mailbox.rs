//! The only meeting point of a connection's tasks and a scene's tick: two bounded queues behind short locks.
//!
//! Inbound, newest wins: a full inbox loses its oldest datagram, and refuses a frame. Outbound, only the datagrams
//! of the newest tick wait; frames wait in order, and their bytes count against [`OUTBOX_BYTES_MAX`] until the
//! connection has taken them, so that a slow reader is seen. No lock is held across an await, neither end ever
//! blocks on the other, and whichever end is dropped first tells the other.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::Notify;

use crate::protocol::{DATAGRAMS_PER_TICK_MAX, Goodbye, INBOX_ITEMS_MAX, OUTBOX_BYTES_MAX};

/// Microseconds on the process clock: monotonic, 0 at its first use.
pub fn now_us() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// One login of one client; never reused within a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

impl SessionId {
    /// The next unused id of this process, from 1.
    pub fn next() -> SessionId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        SessionId(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session {}", self.0)
    }
}

/// Something a client sent, not yet decoded; `received_us` is the time of arrival on [`now_us`]'s clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inbound {
    /// One whole datagram, leading byte included.
    Datagram {
        /// The bytes as they came.
        bytes: Bytes,
        /// When they came, in microseconds.
        received_us: u64,
    },
    /// One frame of the stream, without its length prefix.
    Frame {
        /// The bytes as they came.
        bytes: Bytes,
        /// When the last of them came, in microseconds.
        received_us: u64,
    },
}

/// Why a connection is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseCause {
    /// Nothing came for the idle timeout, or the peer reset the connection.
    Lost,
    /// The client closed it.
    Peer,
    /// Too many messages over the rate limit.
    Flood,
    /// The client broke the framing.
    Abuse,
    /// The server said goodbye, for this reason.
    Goodbye(Goodbye),
}

impl CloseCause {
    /// A stable lower-case word for metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            CloseCause::Lost => "lost",
            CloseCause::Peer => "peer",
            CloseCause::Flood => "flood",
            CloseCause::Abuse => "abuse",
            CloseCause::Goodbye(_) => "goodbye",
        }
    }
}

/// The inbox had no room, and nothing in it could give way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the inbox already holds {INBOX_ITEMS_MAX} items that may not be dropped")]
pub struct InboxFull;

/// The reliable queue had no room: the client reads too slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{waiting_bytes} reliable bytes already wait for the client, and at most {OUTBOX_BYTES_MAX} may")]
pub struct Backlog {
    /// Bytes that wait, framing included.
    pub waiting_bytes: usize,
}

/// What the connection shall put on the stream next.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct OutgoingFrames {
    /// Frames without their length prefix, oldest first.
    pub frames: Vec<Bytes>,
    /// When set, the connection closes with this reason after `frames`.
    pub goodbye: Option<Goodbye>,
}

/// Makes the two ends of one session's mailbox.
pub fn mailbox(id: SessionId) -> (TaskEnd, SceneEnd) {
    let shared = Arc::new(Mailbox {
        id,
        inbox: Mutex::new(Inbox::default()),
        outbox: Mutex::new(Outbox::default()),
        closed: Mutex::new(None),
        rtt_ms: AtomicU32::new(NOT_MEASURED),
        datagrams_wake: Notify::new(),
        frames_wake: Notify::new(),
        goodbye_wake: Notify::new(),
    });
    (TaskEnd(Arc::clone(&shared)), SceneEnd(shared))
}

/// Stands for a round trip that nobody has measured yet.
const NOT_MEASURED: u32 = u32::MAX;
/// The bytes of a frame's length prefix, which count as waiting bytes too.
const PREFIX_BYTES: usize = 4;

struct Mailbox {
    id: SessionId,
    inbox: Mutex<Inbox>,
    outbox: Mutex<Outbox>,
    closed: Mutex<Option<CloseCause>>,
    /// The last round trip that the connection measured, in ms, or [`NOT_MEASURED`].
    rtt_ms: AtomicU32,
    datagrams_wake: Notify,
    frames_wake: Notify,
    goodbye_wake: Notify,
}

#[derive(Default)]
struct Inbox {
    items: VecDeque<Inbound>,
    dropped: u64,
}

#[derive(Default)]
struct Outbox {
    tick: u32,
    datagrams: Vec<Bytes>,
    frames: Vec<Bytes>,
    /// Bytes of `frames` and of the frames taken but not yet written.
    waiting_bytes: usize,
    goodbye: Option<Goodbye>,
}

/// A poisoned lock only means that another thread panicked between two plain assignments; the queues stay usable.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mailbox {
    fn close(&self, cause: CloseCause) {
        locked(&self.closed).get_or_insert(cause);
    }

    fn describe(&self, end: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let closed = *locked(&self.closed);
        f.debug_struct(end).field("id", &self.id).field("closed", &closed).finish_non_exhaustive()
    }

    fn goodbye(&self, reason: Goodbye) {
        locked(&self.outbox).goodbye.get_or_insert(reason);
        self.frames_wake.notify_one();
        self.goodbye_wake.notify_one();
    }
}

/// The connection's end. Dropping it without [`TaskEnd::close`] counts as [`CloseCause::Lost`].
pub struct TaskEnd(Arc<Mailbox>);

impl TaskEnd {
    /// Notes the round trip to the client, in ms.
    pub fn measured(&self, rtt_ms: u32) {
        self.0.rtt_ms.store(rtt_ms.min(NOT_MEASURED - 1), Ordering::Relaxed);
    }

    /// The session this mailbox belongs to.
    pub fn id(&self) -> SessionId {
        self.0.id
    }

    /// Hands `item` to the scene. A full inbox drops its oldest datagram for a new datagram and refuses a frame;
    /// either way one item is counted as dropped.
    pub fn push(&self, item: Inbound) -> Result<(), InboxFull> {
        let mut inbox = locked(&self.0.inbox);
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
        locked(&self.0.inbox).dropped += count;
    }

    /// Waits for datagrams and moves those of the newest tick to the end of `into`.
    pub async fn outgoing_datagrams(&self, into: &mut Vec<Bytes>) {
        loop {
            {
                let mut outbox = locked(&self.0.outbox);
                if !outbox.datagrams.is_empty() {
                    into.append(&mut outbox.datagrams);
                    return;
                }
            }
            self.0.datagrams_wake.notified().await;
        }
    }

    /// Waits for frames or a goodbye and takes them all; report them with [`TaskEnd::written`] once they are sent.
    pub async fn outgoing_frames(&self) -> OutgoingFrames {
        loop {
            {
                let mut outbox = locked(&self.0.outbox);
                if !outbox.frames.is_empty() || outbox.goodbye.is_some() {
                    return OutgoingFrames { frames: std::mem::take(&mut outbox.frames), goodbye: outbox.goodbye };
                }
            }
            self.0.frames_wake.notified().await;
        }
    }

    /// Tells the mailbox that a frame of `frame_bytes` (without prefix) left for the network.
    pub fn written(&self, frame_bytes: usize) {
        let mut outbox = locked(&self.0.outbox);
        outbox.waiting_bytes = outbox.waiting_bytes.saturating_sub(frame_bytes + PREFIX_BYTES);
    }

    /// Ends the session as [`SceneEnd::goodbye`] does, for reasons the scene does not know.
    pub fn say_goodbye(&self, reason: Goodbye) {
        self.0.goodbye(reason);
    }

    /// Waits until either end has said goodbye. For one waiter at a time.
    pub async fn goodbye_said(&self) -> Goodbye {
        loop {
            if let Some(reason) = locked(&self.0.outbox).goodbye {
                return reason;
            }
            self.0.goodbye_wake.notified().await;
        }
    }

    /// Tells the scene that the connection is gone; the first cause stays.
    pub fn close(&self, cause: CloseCause) {
        self.0.close(cause);
    }

    /// The cause given first, if the connection is gone.
    pub fn closed(&self) -> Option<CloseCause> {
        *locked(&self.0.closed)
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
pub struct SceneEnd(Arc<Mailbox>);

impl SceneEnd {
    /// The round trip to the client in ms, as its connection measured it last; `None` before that.
    pub fn rtt_ms(&self) -> Option<u32> {
        Some(self.0.rtt_ms.load(Ordering::Relaxed)).filter(|&rtt_ms| rtt_ms != NOT_MEASURED)
    }

    /// The session this mailbox belongs to.
    pub fn id(&self) -> SessionId {
        self.0.id
    }

    /// Moves everything that came to the end of `into`, oldest first.
    pub fn drain(&self, into: &mut Vec<Inbound>) {
        into.extend(locked(&self.0.inbox).items.drain(..));
    }

    /// Messages dropped since the last call, for whatever reason.
    pub fn dropped(&self) -> u64 {
        std::mem::take(&mut locked(&self.0.inbox).dropped)
    }

    /// Queues the datagrams of `tick` in place of unsent ones of older ticks, and returns how many were displaced
    /// or did not fit in [`DATAGRAMS_PER_TICK_MAX`]. Datagrams of the tick already queued are added to.
    pub fn send_datagrams(&self, tick: u32, datagrams: impl IntoIterator<Item = Bytes>) -> usize {
        let mut displaced = 0;
        {
            let mut outbox = locked(&self.0.outbox);
            if outbox.tick != tick {
                displaced = outbox.datagrams.len();
                outbox.datagrams.clear();
                outbox.tick = tick;
            }
            for datagram in datagrams {
                if outbox.datagrams.len() < DATAGRAMS_PER_TICK_MAX {
                    outbox.datagrams.push(datagram);
                } else {
                    displaced += 1;
                }
            }
            if outbox.datagrams.is_empty() {
                return displaced;
            }
        }
        self.0.datagrams_wake.notify_one();
        displaced
    }

    /// Queues one frame (without prefix); with [`OUTBOX_BYTES_MAX`] bytes waiting it is refused and lost.
    /// After a goodbye nothing is queued any more.
    pub fn send_frame(&self, bytes: Bytes) -> Result<(), Backlog> {
        {
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
        }
        self.0.frames_wake.notify_one();
        Ok(())
    }

    /// Ends the session after the frames queued so far; the first reason stays.
    pub fn goodbye(&self, reason: Goodbye) {
        self.0.goodbye(reason);
    }

    /// Why the connection is gone, once it is.
    pub fn closed(&self) -> Option<CloseCause> {
        *locked(&self.0.closed)
    }
}

impl fmt::Debug for SceneEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.describe("SceneEnd", f)
    }
}

impl Drop for SceneEnd {
    fn drop(&mut self) {
        self.goodbye(Goodbye::Internal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(byte: u8) -> Inbound {
        Inbound::Datagram { bytes: Bytes::copy_from_slice(&[byte]), received_us: 0 }
    }

    fn frame(byte: u8) -> Inbound {
        Inbound::Frame { bytes: Bytes::copy_from_slice(&[byte]), received_us: 0 }
    }

    fn ends() -> (TaskEnd, SceneEnd) {
        mailbox(SessionId::next())
    }

    #[test]
    fn a_full_inbox_drops_its_oldest_datagram_for_a_newer_one() {
        let (task, scene) = ends();
        for byte in 0..=64 {
            assert_eq!(task.push(datagram(byte)), Ok(()));
        }
        let mut items = Vec::new();
        scene.drain(&mut items);
        assert_eq!(items.len(), INBOX_ITEMS_MAX);
        assert_eq!((items.first(), items.last()), (Some(&datagram(1)), Some(&datagram(64))));
        assert_eq!((scene.dropped(), scene.dropped()), (1, 0));
    }

    #[test]
    fn a_full_inbox_refuses_a_frame_and_keeps_the_frames_it_has() {
        let (task, scene) = ends();
        for byte in 0..64 {
            assert_eq!(task.push(frame(byte)), Ok(()));
        }
        assert_eq!(task.push(frame(64)), Err(InboxFull));
        assert_eq!(task.push(datagram(65)), Err(InboxFull));
        let mut items = Vec::new();
        scene.drain(&mut items);
        assert_eq!((items.len(), scene.dropped()), (64, 2));
    }

    #[tokio::test]
    async fn only_the_datagrams_of_the_newest_tick_are_sent() {
        let (task, scene) = ends();
        let bytes = |text: &'static str| Bytes::from_static(text.as_bytes());
        assert_eq!(scene.send_datagrams(7, [bytes("a"), bytes("b")]), 0);
        assert_eq!(scene.send_datagrams(8, [bytes("c")]), 2);
        assert_eq!(scene.send_datagrams(8, [bytes("d")]), 0);
        let mut sent = Vec::new();
        task.outgoing_datagrams(&mut sent).await;
        assert_eq!(sent, [bytes("c"), bytes("d")]);
    }

    #[tokio::test]
    async fn frames_leave_in_order_and_the_goodbye_comes_after_them() {
        let (task, scene) = ends();
        assert_eq!(scene.send_frame(Bytes::from_static(b"first")), Ok(()));
        scene.goodbye(Goodbye::Kicked);
        assert_eq!(scene.send_frame(Bytes::from_static(b"late")), Ok(()));
        scene.goodbye(Goodbye::Shutdown);
        let outgoing = task.outgoing_frames().await;
        assert_eq!(outgoing.frames, [Bytes::from_static(b"first")]);
        assert_eq!(outgoing.goodbye, Some(Goodbye::Kicked));
    }

    #[tokio::test]
    async fn bytes_taken_but_not_written_still_count_as_waiting() {
        let (task, scene) = ends();
        let half = Bytes::from(vec![0; OUTBOX_BYTES_MAX / 2 - PREFIX_BYTES]);
        assert_eq!(scene.send_frame(half.clone()), Ok(()));
        assert_eq!(scene.send_frame(half.clone()), Ok(()));
        let taken = task.outgoing_frames().await;
        assert!(scene.send_frame(Bytes::from_static(b"more")).is_err());
        for frame in taken.frames {
            task.written(frame.len());
        }
        assert_eq!(scene.send_frame(half), Ok(()));
    }

    #[tokio::test]
    async fn a_waiting_task_wakes_when_the_scene_sends() {
        let (task, scene) = ends();
        let waiting = tokio::spawn(async move { task.outgoing_frames().await });
        tokio::task::yield_now().await;
        assert_eq!(scene.send_frame(Bytes::from_static(b"hello")), Ok(()));
        let outgoing = waiting.await.ok();
        assert_eq!(outgoing.map(|outgoing| outgoing.frames.len()), Some(1));
    }

    #[tokio::test]
    async fn each_end_learns_that_the_other_was_dropped() {
        let (task, scene) = ends();
        drop(task);
        assert_eq!(scene.closed(), Some(CloseCause::Lost));
        let (task, scene) = ends();
        drop(scene);
        assert_eq!(task.outgoing_frames().await.goodbye, Some(Goodbye::Internal));
    }

    #[test]
    fn the_first_cause_of_a_close_stays() {
        let (task, scene) = ends();
        task.close(CloseCause::Flood);
        task.close(CloseCause::Peer);
        assert_eq!(scene.closed(), Some(CloseCause::Flood));
    }
}
