//! One connection as the application sees it during a visit: datagrams, one stream, a deadline, and the end.
//!
//! A connection has a single bidirectional stream, opened by the client when the handshake is done. Nothing here waits:
//! what cannot be read or written now is tried again at a later visit, which comes by itself when it can.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use quinn_proto::{Connection, ConnectionStats, Dir, ReadError, SendDatagramError, StreamId, VarInt};

use super::LinkKey;

/// Stream bytes handed over by one read.
const READ_BYTES: usize = 16 * 1024;

/// Bytes of the stream whose receipt is told without patience, a part of every window.
const PROMPT_BYTES: usize = 4 * 1024;

/// What the driver knows of a connection besides the connection.
#[derive(Debug, Default)]
pub(super) struct LinkState {
    stream: Option<StreamId>,
    pub(super) readable: bool,
    /// The stream takes no more bytes until it says so.
    pub(super) blocked: bool,
    /// The other end has everything we wrote and our end of the stream, or wants none of it.
    pub(super) done: bool,
    pub(super) closing: bool,
    pub(super) deadline: Option<Instant>,
    /// How long what QUIC itself has to say may wait.
    pub(super) patience: Duration,
    /// Until when it does wait.
    silent_until: Option<Instant>,
    /// Bytes of the stream read since it last spoke: the other end may wait for room.
    read_bytes: usize,
    /// Bytes said that may not have left.
    pub(super) unsent_bytes: usize,
}

impl LinkState {
    /// Whether what QUIC itself has to say may wait.
    pub(super) fn is_patient(&self) -> bool {
        !self.patience.is_zero()
    }

    /// Whether a visit in which the application has said nothing may go by without looking for what there is to send.
    pub(super) fn stays_silent(&mut self, now: Instant) -> bool {
        let is_free = self.unsent_bytes == 0 && self.read_bytes < PROMPT_BYTES && !self.closing && !self.done;
        if !self.is_patient() || !is_free {
            return false;
        }
        now < *self.silent_until.get_or_insert(now + self.patience)
    }

    /// It has said all it had to say, or as much as it could.
    pub(super) fn has_spoken(&mut self) {
        (self.silent_until, self.read_bytes) = (None, 0);
    }

    /// When it wants the next visit, given when QUIC's timers want it.
    pub(super) fn next_visit(&self, now: Instant, timeout: Option<Instant>) -> Option<Instant> {
        let timeout = timeout.map(|due| due.max(now + self.patience));
        [timeout, self.silent_until, self.deadline].into_iter().flatten().min()
    }
}

/// What a read of the stream gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// The next bytes.
    Bytes(Bytes),
    /// Nothing for now.
    Nothing,
    /// Nothing any more: the other end has ended or reset its half.
    Ended,
}

/// The stream takes no bytes any more: the other end has stopped it, or the connection is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stream takes no bytes any more")]
pub struct WriteError;

/// A connection during a visit.
pub struct Wire<'a> {
    key: LinkKey,
    connection: &'a mut Connection,
    state: &'a mut LinkState,
    now: Instant,
}

impl<'a> Wire<'a> {
    pub(super) fn new(
        key: LinkKey,
        connection: &'a mut Connection,
        state: &'a mut LinkState,
        now: Instant,
    ) -> Wire<'a> {
        Wire { key, connection, state, now }
    }

    /// The client's part at the end of the handshake.
    pub(super) fn open(&mut self) {
        if self.connection.side().is_client() {
            self.state.stream = self.connection.streams().open(Dir::Bi);
        }
    }

    /// The server's part when the client has opened its stream.
    pub(super) fn accept(&mut self) {
        if self.state.stream.is_none() {
            self.state.stream = self.connection.streams().accept(Dir::Bi);
            self.state.readable = true;
        }
    }

    pub(super) fn take_datagram(&mut self) -> Option<Bytes> {
        self.connection.datagrams().recv()
    }

    pub(super) fn is_closing(&self) -> bool {
        self.state.closing
    }

    /// The name of this connection.
    pub fn key(&self) -> LinkKey {
        self.key
    }

    /// The time of this visit.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Where the other end is.
    pub fn remote(&self) -> SocketAddr {
        self.connection.remote_address()
    }

    /// The smoothed round trip.
    pub fn rtt(&self) -> Duration {
        self.connection.rtt()
    }

    /// What the connection has counted.
    pub fn stats(&self) -> ConnectionStats {
        self.connection.stats()
    }

    /// Whether the stream is there.
    pub fn has_stream(&self) -> bool {
        self.state.stream.is_some()
    }

    /// Asks for a visit at `deadline`, within some ms, or takes that back.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.state.deadline = deadline;
    }

    /// Lets what QUIC itself has to say, which is mostly an acknowledgement, wait for so long, for who says something
    /// about as often: it then rides on that.
    pub fn set_patience(&mut self, patience: Duration) {
        self.state.patience = patience;
    }

    /// Whether a deadline is set.
    pub fn has_deadline(&self) -> bool {
        self.state.deadline.is_some()
    }

    /// Whether the deadline has passed; it is taken back then.
    pub fn deadline_passed(&mut self) -> bool {
        self.state.deadline.take_if(|deadline| *deadline <= self.now).is_some()
    }

    /// Queues a datagram; what waits longest gives way to it when the path takes no more.
    ///
    /// # Errors
    /// When the path cannot carry it, or the other end wants none.
    pub fn send_datagram(&mut self, bytes: Bytes) -> Result<(), SendDatagramError> {
        self.state.unsent_bytes += bytes.len();
        self.connection.datagrams().send(bytes, true)
    }

    /// Says nothing, in a packet that has to be acknowledged: what was lost before it is found out by that and said again.
    pub fn ping(&mut self) {
        self.state.unsent_bytes += 1;
        self.connection.ping();
    }

    /// Takes the next bytes from the stream.
    pub fn read(&mut self) -> Read {
        let Some(stream) = self.state.stream.filter(|_| self.state.readable) else { return Read::Nothing };
        let mut stream = self.connection.recv_stream(stream);
        let Ok(mut chunks) = stream.read(true) else {
            self.state.readable = false;
            return Read::Ended;
        };
        let read = match chunks.next(READ_BYTES) {
            Ok(Some(chunk)) => Read::Bytes(chunk.bytes),
            Err(ReadError::Blocked) => Read::Nothing,
            Ok(None) | Err(ReadError::Reset(_)) => Read::Ended,
        };
        // What this has to say is said when packets are next made.
        let _said = chunks.finalize();
        self.state.readable = matches!(read, Read::Bytes(_));
        if let Read::Bytes(bytes) = &read {
            self.state.read_bytes += bytes.len();
        }
        read
    }

    /// Writes as much of `bytes` as the stream takes now and leaves the rest.
    ///
    /// # Errors
    /// [`WriteError`] when it will never take any.
    pub fn write(&mut self, bytes: &mut Bytes) -> Result<(), WriteError> {
        let Some(stream) = self.state.stream.filter(|_| !self.state.blocked) else { return Ok(()) };
        while !bytes.is_empty() {
            let written = self.connection.send_stream(stream).write_chunks(std::slice::from_mut(bytes));
            match written {
                Ok(written) => self.state.unsent_bytes += written.bytes,
                Err(quinn_proto::WriteError::Blocked) => {
                    self.state.blocked = true;
                    break;
                }
                Err(_) => return Err(WriteError),
            }
        }
        Ok(())
    }

    /// Ends our half of the stream after what was written.
    pub fn finish(&mut self) {
        self.state.unsent_bytes += 1;
        if let Some(stream) = self.state.stream
            && self.connection.send_stream(stream).finish().is_err()
        {
            self.state.done = true;
        }
    }

    /// Whether the other end has all of a stream that was [finished](Wire::finish), or wants none of it.
    pub fn is_done(&self) -> bool {
        self.state.done
    }

    /// Ends the connection at once with a code and a word.
    pub fn close(&mut self, code: u32, word: &'static str) {
        self.connection.close(self.now, VarInt::from_u32(code), Bytes::from_static(word.as_bytes()));
        self.state.closing = true;
    }
}
