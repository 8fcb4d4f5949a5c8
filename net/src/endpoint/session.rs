//! One connection after its handshake: login, then bytes both ways until either side ends it.
//!
//! A single task drives three loops. The reader is never held up by the scene or by the writers: what the scene does
//! not take in time is dropped and counted. Frames and datagrams are written independently, so that a client that
//! does not read its stream still gets no stale state.

use std::time::Duration;

use bytes::{BufMut, BytesMut};
use quinn::{Connection, ConnectionError, RecvStream, SendDatagramError, SendStream, WriteError};
use tokio::time::timeout;

use super::{Context, Credentials, Gateway, Login, TransportEvent};
use crate::codec::{DecodeError, FrameReader, decode_client_message, encode_server_message, frame_prefix};
use crate::mailbox::{CloseCause, Inbound, SessionId, TaskEnd, mailbox, now_us};
use crate::protocol::{
    CLIENT_FRAME_BYTES_MAX, ClientMessage, DATAGRAM_BYTES_MAX, DATAGRAMS_PER_TICK_MAX, Goodbye, ServerMessage,
};
use crate::rate::{SessionRate, Verdict};

/// The first frame has to be there so soon after the handshake.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(3);
/// How long the gateway may take to place a player.
const PLACE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to read its goodbye.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long one write to the stream may be blocked by a client that does not read.
const STALL_TIMEOUT: Duration = Duration::from_secs(15);
/// Stream bytes handed over by one read or write.
const CHUNK_BYTES: usize = 16 * 1024;
/// Batches of datagrams between two reports of traffic: a second at 20 Hz.
const BATCHES_PER_REPORT: u32 = 20;

/// Serves one connection from its login to its end.
pub(super) async fn serve(connection: &Connection, context: &Context) {
    let gateway = context.gateway.as_ref();
    let mut closing = context.closing.subscribe();
    let first = tokio::select! {
        first = timeout(LOGIN_TIMEOUT, first_frame(connection)) => first,
        reason = closing.wait_for(Option::is_some) => {
            let reason = reason.ok().and_then(|reason| *reason).unwrap_or(Goodbye::Shutdown);
            return close(connection, reason);
        }
    };
    let (mut opened, login) = match first {
        Ok(Ok(login)) => login,
        Ok(Err(NoLogin::Gone)) => return gateway.note(TransportEvent::Refused { reason: "gone" }),
        Ok(Err(NoLogin::Bad(error, send))) => {
            gateway.note(TransportEvent::Refused { reason: error.reason() });
            let reason = match error {
                DecodeError::BadName | DecodeError::BadClass => Goodbye::BadLogin,
                _ => Goodbye::Abuse,
            };
            return refuse(connection, send, reason).await;
        }
        Err(_late) => {
            gateway.note(TransportEvent::Refused { reason: Goodbye::LoginTimeout.name() });
            return close(connection, Goodbye::LoginTimeout);
        }
    };
    let (task, scene) = mailbox(login.session);
    let placed = timeout(PLACE_TIMEOUT, gateway.login(login, scene)).await;
    if let Err(reason) = placed.unwrap_or(Err(Goodbye::Internal)) {
        gateway.note(TransportEvent::Refused { reason: reason.name() });
        return refuse(connection, opened.send, reason).await;
    }
    gateway.note(TransportEvent::Opened);
    let shutdown = async {
        if let Ok(reason) = closing.wait_for(Option::is_some).await {
            task.say_goodbye(reason.unwrap_or(Goodbye::Shutdown));
        }
        std::future::pending::<CloseCause>().await
    };
    let mut traffic = Traffic::default();
    let cause = tokio::select! {
        cause = read(connection, &mut opened.receive, opened.frames, &task, gateway) => cause,
        cause = write_frames(&mut opened.send, &task) => cause,
        cause = write_datagrams(connection, &task, gateway, &mut traffic) => cause,
        cause = insist_on_goodbye(&task) => cause,
        cause = shutdown => cause,
        error = connection.closed() => cause_of(&error),
    };
    task.close(cause);
    match cause {
        CloseCause::Flood => close(connection, Goodbye::Flood),
        CloseCause::Abuse => close(connection, Goodbye::Abuse),
        CloseCause::Goodbye(reason) => close(connection, reason),
        CloseCause::Lost | CloseCause::Peer => {}
    }
    traffic.report(connection, gateway);
    gateway.note(TransportEvent::Closed { cause });
}

/// The stream of a session.
struct Opened {
    send: SendStream,
    receive: RecvStream,
    /// What came behind the login.
    frames: FrameReader,
}

/// Why there was no login.
enum NoLogin {
    /// The connection ended first.
    Gone,
    /// The first frame was something else.
    Bad(DecodeError, SendStream),
}

async fn first_frame(connection: &Connection) -> Result<(Opened, Login), NoLogin> {
    let (send, mut receive) = connection.accept_bi().await.map_err(|_| NoLogin::Gone)?;
    let mut frames = FrameReader::new(CLIENT_FRAME_BYTES_MAX);
    let message = loop {
        match frames.next_frame().and_then(|frame| frame.map(|frame| decode_client_message(&frame)).transpose()) {
            Ok(Some(message)) => break message,
            Ok(None) => {}
            Err(error) => return Err(NoLogin::Bad(error, send)),
        }
        match receive.read_chunk(CHUNK_BYTES, true).await {
            Ok(Some(chunk)) => frames.push(&chunk.bytes),
            _ => return Err(NoLogin::Gone),
        }
    };
    let credentials = match message {
        ClientMessage::Login { name, class } => Credentials::Name { name, class },
        ClientMessage::Resume { token } => Credentials::Resume { token },
        _ => return Err(NoLogin::Bad(DecodeError::Malformed, send)),
    };
    let login = Login { credentials, session: SessionId::next(), remote: connection.remote_address() };
    Ok((Opened { send, receive, frames }, login))
}

/// Moves everything that comes into the mailbox, within the session's rate.
async fn read(
    connection: &Connection,
    receive: &mut RecvStream,
    mut frames: FrameReader,
    task: &TaskEnd,
    gateway: &dyn Gateway,
) -> CloseCause {
    let mut inbox = LimitedInbox { task, gateway, rate: SessionRate::new(now_us()) };
    let mut stream_open = true;
    // The login may have come with frames behind it.
    let mut chunk_came = true;
    loop {
        if std::mem::take(&mut chunk_came)
            && let Err(cause) = inbox.push_frames(&mut frames)
        {
            return cause;
        }
        tokio::select! {
            datagram = connection.read_datagram() => match datagram {
                Ok(bytes) => {
                    if let Err(cause) = inbox.push_datagram(bytes) {
                        return cause;
                    }
                }
                Err(error) => return cause_of(&error),
            },
            chunk = receive.read_chunk(CHUNK_BYTES, true), if stream_open => match chunk {
                Ok(Some(chunk)) => {
                    frames.push(&chunk.bytes);
                    chunk_came = true;
                }
                // A client that ends its half of the stream has no more to ask; it may still watch.
                Ok(None) | Err(_) => stream_open = false,
            },
        }
    }
}

/// The way into the mailbox: counts, limits, and says when it is enough.
struct LimitedInbox<'a> {
    task: &'a TaskEnd,
    gateway: &'a dyn Gateway,
    rate: SessionRate,
}

impl LimitedInbox<'_> {
    fn push_datagram(&mut self, bytes: bytes::Bytes) -> Result<(), CloseCause> {
        let received_us = now_us();
        let verdict = self.rate.message(received_us);
        if bytes.len() > DATAGRAM_BYTES_MAX && verdict == Verdict::Pass {
            let verdict = self.rate.dropped(received_us);
            return self.drop_message("oversized", verdict);
        }
        self.push(verdict, Inbound::Datagram { bytes, received_us })
    }

    fn push_frames(&mut self, frames: &mut FrameReader) -> Result<(), CloseCause> {
        let received_us = now_us();
        loop {
            match frames.next_frame() {
                Ok(Some(bytes)) => {
                    let verdict = self.rate.command(received_us);
                    self.push(verdict, Inbound::Frame { bytes, received_us })?;
                }
                Ok(None) => return Ok(()),
                Err(_) => return Err(CloseCause::Abuse),
            }
        }
    }

    fn push(&mut self, verdict: Verdict, item: Inbound) -> Result<(), CloseCause> {
        if verdict != Verdict::Pass {
            return self.drop_message("rate", verdict);
        }
        if self.task.push(item).is_err() {
            // The inbox has counted it for the scene already.
            self.gateway.note(TransportEvent::Dropped { reason: "inbox", count: 1 });
        }
        Ok(())
    }

    fn drop_message(&self, reason: &'static str, verdict: Verdict) -> Result<(), CloseCause> {
        self.task.count_dropped(1);
        self.gateway.note(TransportEvent::Dropped { reason, count: 1 });
        if verdict == Verdict::Flood { Err(CloseCause::Flood) } else { Ok(()) }
    }
}

/// Writes the frames the scene queues; ends with the scene's goodbye, or with a client that does not read.
async fn write_frames(send: &mut SendStream, task: &TaskEnd) -> CloseCause {
    let mut buffer = BytesMut::new();
    loop {
        let outgoing = task.outgoing_frames().await;
        for frame in outgoing.frames {
            buffer.put_slice(&frame_prefix(frame.len()));
            buffer.put_slice(&frame);
            if buffer.len() >= CHUNK_BYTES
                && let Err(cause) = write(send, &mut buffer).await
            {
                return cause;
            }
            task.written(frame.len());
        }
        if let Err(cause) = write(send, &mut buffer).await {
            return cause;
        }
        if let Some(reason) = outgoing.goodbye {
            say_goodbye(send, reason).await;
            return CloseCause::Goodbye(reason);
        }
    }
}

async fn write(send: &mut SendStream, buffer: &mut BytesMut) -> Result<(), CloseCause> {
    if buffer.is_empty() {
        return Ok(());
    }
    match timeout(STALL_TIMEOUT, send.write_chunk(buffer.split().freeze())).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(WriteError::ConnectionLost(error))) => Err(cause_of(&error)),
        // The client stopped reading for good.
        Ok(Err(_)) => Err(CloseCause::Peer),
        Err(_stalled) => Err(CloseCause::Goodbye(Goodbye::SlowReader)),
    }
}

/// Sends what the scene replaces every tick, and reports traffic about once a second.
async fn write_datagrams(
    connection: &Connection,
    task: &TaskEnd,
    gateway: &dyn Gateway,
    traffic: &mut Traffic,
) -> CloseCause {
    let mut batch = Vec::with_capacity(DATAGRAMS_PER_TICK_MAX);
    let mut batches = 0;
    loop {
        task.outgoing_datagrams(&mut batch).await;
        for datagram in batch.drain(..) {
            let sent = if datagram.len() > DATAGRAM_BYTES_MAX {
                Err(SendDatagramError::TooLarge)
            } else {
                connection.send_datagram(datagram)
            };
            match sent {
                Ok(()) => {}
                Err(SendDatagramError::ConnectionLost(error)) => return cause_of(&error),
                Err(_) => gateway.note(TransportEvent::Dropped { reason: "outgoing_oversized", count: 1 }),
            }
        }
        batches += 1;
        if batches == BATCHES_PER_REPORT {
            batches = 0;
            task.measured(u32::try_from(connection.rtt().as_millis()).unwrap_or(u32::MAX));
            traffic.report(connection, gateway);
        }
    }
}

/// What has been reported of a connection's traffic so far.
#[derive(Default)]
struct Traffic {
    sent_bytes: u64,
    received_bytes: u64,
    lost_packets: u64,
}

impl Traffic {
    fn report(&mut self, connection: &Connection, gateway: &dyn Gateway) {
        let stats = connection.stats();
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

/// Ends a session whose goodbye cannot be written because the client does not read.
async fn insist_on_goodbye(task: &TaskEnd) -> CloseCause {
    let reason = task.goodbye_said().await;
    tokio::time::sleep(2 * GOODBYE_TIMEOUT).await;
    CloseCause::Goodbye(reason)
}

async fn refuse(connection: &Connection, mut send: SendStream, reason: Goodbye) {
    say_goodbye(&mut send, reason).await;
    close(connection, reason);
}

/// Writes the goodbye and waits until the client has it, so that the close does not overtake it.
async fn say_goodbye(send: &mut SendStream, reason: Goodbye) {
    let Ok(frame) = encode_server_message(&ServerMessage::Goodbye { reason }) else { return };
    let mut buffer = BytesMut::new();
    buffer.put_slice(&frame_prefix(frame.len()));
    buffer.put_slice(&frame);
    let said = async {
        send.write_chunk(buffer.freeze()).await.ok()?;
        send.finish().ok()?;
        send.stopped().await.ok()
    };
    let _late = timeout(GOODBYE_TIMEOUT, said).await;
}

/// The reason phrase is always there: a close without one comes from a dropped connection and means nothing.
fn close(connection: &Connection, reason: Goodbye) {
    connection.close(reason.code().into(), reason.name().as_bytes());
}

fn cause_of(error: &ConnectionError) -> CloseCause {
    match error {
        ConnectionError::ApplicationClosed(_) | ConnectionError::ConnectionClosed(_) => CloseCause::Peer,
        ConnectionError::TransportError(_) => CloseCause::Abuse,
        ConnectionError::LocallyClosed => CloseCause::Goodbye(Goodbye::Shutdown),
        _ => CloseCause::Lost,
    }
}
