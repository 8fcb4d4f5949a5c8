//! The connection of one client: a task that reads and writes, and bounded queues to its owner.
//!
//! Datagrams that the owner does not take in time are dropped, as the network would; frames wait, and hold the server
//! back, as a slow reader does.

use std::convert::Infallible;

use bytes::Bytes;
use quinn::{Connection, ConnectionError, RecvStream, SendDatagramError, SendStream};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinHandle;

use super::SendError;
use crate::codec::FrameReader;
use crate::mailbox::now_us;
use crate::protocol::{Goodbye, SERVER_FRAME_BYTES_MAX};

/// Arrivals that may wait for the owner.
const ARRIVALS_MAX: usize = 1_024;
/// Stream writes that may wait for the network.
const WRITES_MAX: usize = 256;
/// Stream bytes handed over by one read.
const CHUNK_BYTES: usize = 16 * 1024;

/// Why a connection is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The server said why.
    Goodbye(Goodbye),
    /// The client closed it.
    Here,
    /// Nothing came for the idle timeout, or the path is broken.
    Lost,
}

/// Something that came.
#[derive(Debug)]
pub(super) enum Arrival {
    /// A datagram and when it came.
    Datagram { bytes: Bytes, arrived_us: u64 },
    /// A frame of the stream.
    Frame { bytes: Bytes },
    /// The stream lost its framing; nothing more comes on it.
    BadFraming,
    /// The connection is gone; always the last.
    Closed(Closed),
}

/// The owner's end.
pub(super) struct Link {
    connection: Connection,
    arrivals: mpsc::Receiver<Arrival>,
    writes: mpsc::Sender<Bytes>,
    closed: Option<Closed>,
    task: JoinHandle<()>,
}

impl Link {
    /// Starts the task on the current runtime.
    pub(super) fn start(connection: Connection, send: SendStream, receive: RecvStream) -> Link {
        let (arrived, arrivals) = mpsc::channel(ARRIVALS_MAX);
        let (writes, to_write) = mpsc::channel(WRITES_MAX);
        let task = tokio::spawn(run(connection.clone(), send, receive, arrived, to_write));
        Link { connection, arrivals, writes, closed: None, task }
    }

    pub(super) fn try_arrival(&mut self) -> Option<Arrival> {
        let arrival = self.arrivals.try_recv().ok()?;
        self.note(&arrival);
        Some(arrival)
    }

    pub(super) async fn arrival(&mut self) -> Option<Arrival> {
        let arrival = self.arrivals.recv().await?;
        self.note(&arrival);
        Some(arrival)
    }

    fn note(&mut self, arrival: &Arrival) {
        if let Arrival::Closed(closed) = arrival {
            self.closed = Some(*closed);
        }
    }

    pub(super) fn closed(&self) -> Option<Closed> {
        self.closed
    }

    pub(super) fn is_over(&self) -> bool {
        self.closed.is_some()
    }

    pub(super) fn send_datagram(&self, bytes: Bytes) -> Result<(), SendError> {
        self.connection.send_datagram(bytes).map_err(|error| match error {
            SendDatagramError::TooLarge => SendError::TooLarge,
            _ => SendError::Closed,
        })
    }

    pub(super) fn send_stream_bytes(&self, bytes: Bytes) -> Result<(), SendError> {
        self.writes.try_send(bytes).map_err(|error| match error {
            TrySendError::Full(_) => SendError::Busy,
            TrySendError::Closed(_) => SendError::Closed,
        })
    }

    /// UDP payload received and sent.
    pub(super) fn bytes(&self) -> (u64, u64) {
        let stats = self.connection.stats();
        (stats.udp_rx.bytes, stats.udp_tx.bytes)
    }

    pub(super) fn rtt(&self) -> std::time::Duration {
        self.connection.rtt()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
        self.connection.close(0u32.into(), b"");
    }
}

async fn run(
    connection: Connection,
    send: SendStream,
    receive: RecvStream,
    arrived: mpsc::Sender<Arrival>,
    to_write: mpsc::Receiver<Bytes>,
) {
    // Only the reader of frames may end this: the server's last words are on the stream, before the close.
    let error = tokio::select! {
        error = read_frames(&connection, receive, &arrived) => error,
        never = read_datagrams(&connection, &arrived) => match never {},
        never = write_stream(send, to_write) => match never {},
    };
    let _owner_gone = arrived.send(Arrival::Closed(closed_by(&error))).await;
}

async fn read_frames(
    connection: &Connection,
    mut receive: RecvStream,
    arrived: &mpsc::Sender<Arrival>,
) -> ConnectionError {
    let mut frames = FrameReader::new(SERVER_FRAME_BYTES_MAX);
    while let Ok(Some(chunk)) = receive.read_chunk(CHUNK_BYTES, true).await {
        frames.push(&chunk.bytes);
        loop {
            let arrival = match frames.next_frame() {
                Ok(Some(bytes)) => Arrival::Frame { bytes },
                Ok(None) => break,
                Err(_) => {
                    let _owner_gone = arrived.send(Arrival::BadFraming).await;
                    return connection.closed().await;
                }
            };
            let _owner_gone = arrived.send(arrival).await;
        }
    }
    connection.closed().await
}

async fn read_datagrams(connection: &Connection, arrived: &mpsc::Sender<Arrival>) -> Infallible {
    while let Ok(bytes) = connection.read_datagram().await {
        // An owner that does not keep up loses frames, and sees the gaps in their numbers.
        let _full = arrived.try_send(Arrival::Datagram { bytes, arrived_us: now_us() });
    }
    std::future::pending().await
}

async fn write_stream(mut send: SendStream, mut to_write: mpsc::Receiver<Bytes>) -> Infallible {
    while let Some(bytes) = to_write.recv().await {
        if send.write_chunk(bytes).await.is_err() {
            break;
        }
    }
    // Dropping the queue is how the owner learns that nothing is written any more.
    drop(to_write);
    std::future::pending().await
}

/// A close by the server always has a reason phrase; one without comes from a process that let the connection go.
pub(super) fn closed_by(error: &ConnectionError) -> Closed {
    match error {
        ConnectionError::ApplicationClosed(close) if !close.reason.is_empty() => {
            Goodbye::from_code(close.error_code.into_inner()).map_or(Closed::Lost, Closed::Goodbye)
        }
        ConnectionError::LocallyClosed => Closed::Here,
        _ => Closed::Lost,
    }
}
