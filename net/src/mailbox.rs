//! The only meeting point of a connection and a scene's tick: two bounded queues behind short locks.
//!
//! Inbound, newest wins: a full inbox loses its oldest datagram, and refuses a frame. Outbound, only the datagrams
//! of the newest tick wait; frames wait in order, and their bytes count against [`OUTBOX_BYTES_MAX`] until the
//! connection has taken them, so that a slow reader is seen. Neither end ever waits for the other, and nobody looks
//! through mailboxes for news: a mailbox with something in it puts itself on a list, [`Ready`] on the scene's side and
//! `Port` on the network's. Whichever end is dropped first tells the other.

mod ends;
mod port;
mod ready;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;

use crate::driver::LinkKey;
use crate::protocol::{Goodbye, INBOX_ITEMS_MAX, OUTBOX_BYTES_MAX};

pub use ends::{SceneEnd, TaskEnd};
pub use port::Departures;
pub(crate) use port::{Due, Port, PortNews};
pub use ready::Ready;

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

/// What the connection shall send next.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// The datagrams of the newest tick whose time has come.
    pub datagrams: Vec<Bytes>,
    /// Frames without their length prefix, oldest first.
    pub frames: Vec<Bytes>,
    /// When set, the connection closes with this reason after `frames`.
    pub goodbye: Option<Goodbye>,
}

/// What there is to know of an inbox besides what was in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Messages dropped since it was drained last, for whatever reason.
    pub dropped: u64,
    /// Why the connection is gone, once it is.
    pub closed: Option<CloseCause>,
}

/// Makes the two ends of one session's mailbox, for a connection that looks by itself whether there is something.
pub fn mailbox(id: SessionId) -> (TaskEnd, SceneEnd) {
    ends(id, None)
}

/// The same for a connection that is told through `port` when there is something to send.
pub(crate) fn mailbox_through(id: SessionId, port: Arc<Port>, link: LinkKey) -> (TaskEnd, SceneEnd) {
    ends(id, Some(Caller { port, link }))
}

fn ends(id: SessionId, caller: Option<Caller>) -> (TaskEnd, SceneEnd) {
    let shared = Arc::new(Mailbox {
        id,
        inbox: Mutex::new(Inbox::default()),
        outbox: Mutex::new(Outbox::default()),
        caller,
        has_news: AtomicBool::new(false),
        rtt_ms: AtomicU32::new(NOT_MEASURED),
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
    caller: Option<Caller>,
    /// Something can be taken out of the outbox, and the connection has been told.
    has_news: AtomicBool,
    /// The last round trip that the connection measured, in ms, or [`NOT_MEASURED`].
    rtt_ms: AtomicU32,
}

/// How the connection is told.
struct Caller {
    port: Arc<Port>,
    link: LinkKey,
}

#[derive(Default)]
struct Inbox {
    items: VecDeque<Inbound>,
    dropped: u64,
    closed: Option<CloseCause>,
    listener: Option<Listener>,
    /// On the listener's list since it last drained.
    is_listed: bool,
}

/// How the scene is told.
struct Listener {
    ready: Ready,
    token: u64,
}

impl Inbox {
    fn call(&mut self) {
        if let Some(listener) = &self.listener
            && !std::mem::replace(&mut self.is_listed, true)
        {
            listener.ready.push(listener.token);
        }
    }
}

#[derive(Default)]
struct Outbox {
    tick: u32,
    datagrams: Vec<Bytes>,
    /// The time of `datagrams` has come.
    is_due: bool,
    frames: Vec<Bytes>,
    /// Bytes of `frames` and of the frames taken but not yet written.
    waiting_bytes: usize,
    goodbye: Option<Goodbye>,
}

impl Outbox {
    fn take_datagrams(&mut self, into: &mut Vec<Bytes>) {
        if std::mem::take(&mut self.is_due) {
            into.append(&mut self.datagrams);
        }
    }
}

/// A poisoned lock only means that another thread panicked between two plain assignments; the queues stay usable.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mailbox {
    fn close(&self, cause: CloseCause) {
        let mut inbox = locked(&self.inbox);
        inbox.closed.get_or_insert(cause);
        inbox.call();
    }

    fn closed(&self) -> Option<CloseCause> {
        locked(&self.inbox).closed
    }

    fn describe(&self, end: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(end).field("id", &self.id).field("closed", &self.closed()).finish_non_exhaustive()
    }

    /// Tells the connection that there is something to take.
    fn call(&self) {
        if !self.has_news.swap(true, Ordering::AcqRel)
            && let Some(Caller { port, link }) = &self.caller
        {
            port.call(*link);
        }
    }

    fn goodbye(&self, reason: Goodbye) {
        locked(&self.outbox).goodbye.get_or_insert(reason);
        self.call();
    }
}
