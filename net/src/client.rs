//! The client library: what bots, tests and games use to take part in a world.
//!
//! [`ClientSession`] is the client without a socket; [`Client`] puts it behind QUIC. A task per client reads what comes
//! and stamps its time of arrival; nothing is applied until the owner calls [`Client::poll`] or [`Client::next`], so a
//! game decides itself when its world moves.

pub mod interpolate;
pub mod lockstep;
pub mod predict;
pub mod session;
pub mod statistics;
pub mod swarm;
pub mod timing;
pub mod world;

mod frames;
mod link;
mod tap;
mod trust;

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sim::command::ClientCommand;
use sim::locomotion::StepInput;
use sim::scene::SceneConfig;
use tokio::time::timeout;

use crate::codec::{EncodeError, encode_client_message, frame_prefix};
use crate::endpoint::client_transport;
use crate::mailbox::now_us;
use crate::protocol::{ClientMessage, Goodbye, ResumeToken};

pub use link::Closed;
use link::{Arrival, Link, closed_by};
pub use session::{Accepted, ClientSession, Rejection};
pub use statistics::{Stats, Timings};
pub use tap::{Passage, Tap};
pub use trust::Trust;
#[cfg(test)]
pub(crate) use trust::client_config;

/// How long a server may take until the character stands in a scene.
const ENTER_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a client that waits for the answer to its login says something. What the path has lost is found out only by
/// the acknowledgement of something later, and the probes of QUIC, whose pauses double from the handshake on, come too
/// late for the time the server gives a login: behind 30 % loss each way, one client in fifteen missed it.
const LOGIN_PING_PERIOD: Duration = Duration::from_millis(100);
/// How long a leaving client waits for the server's goodbye.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(2);
/// The name a client asks for; trust is by hash, so it only has to be a valid one.
const SERVER_NAME: &str = "localhost";

/// A UDP socket that many clients can share.
pub struct ClientEndpoint {
    quinn: quinn::Endpoint,
}

impl ClientEndpoint {
    /// Opens a socket on any port, for IPv4 and, where the system has it, IPv6.
    ///
    /// # Errors
    /// When no socket can be opened.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn bind() -> io::Result<ClientEndpoint> {
        let any = |address: IpAddr| quinn::Endpoint::client((address, 0).into());
        let quinn = any(Ipv6Addr::UNSPECIFIED.into()).or_else(|_| any(Ipv4Addr::UNSPECIFIED.into()))?;
        Ok(ClientEndpoint { quinn })
    }

    /// Moves all its clients to another port, as a home router does.
    #[cfg(test)]
    pub(crate) fn rebind(&self) -> io::Result<()> {
        let any = |address: IpAddr| std::net::UdpSocket::bind((address, 0));
        self.quinn.rebind(any(Ipv6Addr::UNSPECIFIED.into()).or_else(|_| any(Ipv4Addr::UNSPECIFIED.into()))?)
    }
}

/// Who connects, and whom it trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectOptions {
    /// The character's name.
    pub name: String,
    /// Class of a character made by this login, or empty for the default.
    pub class: String,
    /// Which server is the right one.
    pub trust: Trust,
}

/// Why a client is not in the world.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The settings or the address cannot be used.
    #[error("cannot connect to {server}: {reason}")]
    Unusable {
        /// The address asked for.
        server: SocketAddr,
        /// What is wrong with it.
        reason: String,
    },
    /// The handshake failed: nobody there, another protocol version, or a certificate that is not trusted.
    #[error("no connection to {server}: {reason}")]
    Handshake {
        /// The address asked for.
        server: SocketAddr,
        /// What failed.
        reason: String,
    },
    /// The server said no.
    #[error("the server refused the login: {}", .0.name())]
    Refused(Goodbye),
    /// The connection ended before the character stood in a scene.
    #[error("the connection was lost during the login")]
    Lost,
    /// The server did not answer in time.
    #[error("the server did not place the character within 10 s")]
    Slow,
}

/// Why something was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The connection is gone.
    #[error("the connection is closed")]
    Closed,
    /// Too much waits to be sent on the stream already.
    #[error("the server does not read the stream")]
    Busy,
    /// A datagram larger than the path carries.
    #[error("the datagram is larger than the path carries")]
    TooLarge,
    /// The server knows no such command.
    #[error("the server has no such command")]
    UnknownCommand,
    /// The message does not fit its channel.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// A character in the world. Derefs to its [`ClientSession`].
///
/// Dropping it closes the connection without a word: the character stays link-dead for a while. See [`Client::leave`].
pub struct Client {
    session: ClientSession,
    link: Link,
    datagram: Vec<u8>,
}

impl Client {
    /// Connects, logs in, and waits until the character stands in a scene.
    ///
    /// # Errors
    /// [`ConnectError`] says at which step it failed.
    pub async fn connect(
        endpoint: &ClientEndpoint,
        server: SocketAddr,
        options: ConnectOptions,
    ) -> Result<Client, ConnectError> {
        let login = ClientMessage::Login { name: options.name, class: options.class };
        Client::enter(endpoint, server, options.trust, &login).await
    }

    /// Connects anew after the link of a session was lost, and waits until its character is told again: the same one,
    /// where it stands now. Nobody else notices. `token` is that session's [`ClientSession::resume_token`]; it is good
    /// once, until 60 s after the server has noticed the loss, and the new session has its own. Steps, commands and
    /// predictions begin anew. A session that still stands is ended as [`Goodbye::Kicked`].
    ///
    /// # Errors
    /// [`ConnectError::Refused`] with [`Goodbye::ResumeRefused`] when there is nothing to resume any more: connect by
    /// name then. Else as [`Client::connect`].
    pub async fn resume(
        endpoint: &ClientEndpoint,
        server: SocketAddr,
        token: ResumeToken,
        trust: Trust,
    ) -> Result<Client, ConnectError> {
        Client::enter(endpoint, server, trust, &ClientMessage::Resume { token }).await
    }

    async fn enter(
        endpoint: &ClientEndpoint,
        server: SocketAddr,
        trust: Trust,
        first: &ClientMessage,
    ) -> Result<Client, ConnectError> {
        let connection = shake_hands(endpoint, server, trust).await?;
        let (send, receive) = connection.open_bi().await.map_err(|_| ConnectError::Lost)?;
        let mut client = Client {
            session: ClientSession::default(),
            link: Link::start(connection, send, receive),
            datagram: Vec::new(),
        };
        let first = encode_client_message(first)
            .map_err(|error| ConnectError::Unusable { server, reason: error.to_string() })?;
        client.send_raw_frame(&first).map_err(|_| ConnectError::Lost)?;
        match timeout(ENTER_TIMEOUT, client.entered()).await {
            Ok(true) => Ok(client),
            Ok(false) => Err(client.session.goodbye().map_or(ConnectError::Lost, ConnectError::Refused)),
            Err(_late) => Err(ConnectError::Slow),
        }
    }

    /// Waits until the server has placed the character; false when it did not.
    async fn entered(&mut self) -> bool {
        while self.session.goodbye().is_none() {
            let is_accepted = self.session.accepted().is_some();
            if is_accepted && self.session.world().scene().is_some() {
                return true;
            }
            tokio::select! {
                more = self.next() => if !more {
                    return false;
                },
                () = tokio::time::sleep(LOGIN_PING_PERIOD), if !is_accepted => {
                    // A datagram of nothing: the server hears that there is one, and no more.
                    let _gone = self.link.send_datagram(Bytes::new());
                }
            }
        }
        false
    }

    /// Applies everything that has come, without waiting, and returns how many datagrams and frames that were.
    pub fn poll(&mut self) -> usize {
        let mut count = 0;
        while let Some(arrival) = self.link.try_arrival() {
            count += usize::from(self.apply(arrival));
        }
        count
    }

    /// Waits until something comes and applies it with everything else that has come. False once the connection is gone
    /// and all that came before is applied. Cancel safe.
    pub async fn next(&mut self) -> bool {
        let Some(arrival) = self.link.arrival().await else { return false };
        let more = self.apply(arrival);
        self.poll();
        more || !self.link.is_over()
    }

    fn apply(&mut self, arrival: Arrival) -> bool {
        match arrival {
            Arrival::Datagram { bytes, arrived_us } => self.session.on_datagram(&bytes, arrived_us),
            Arrival::Frame { bytes } => self.session.on_frame(&bytes),
            Arrival::BadFraming => self.session.count_decode_error(),
            Arrival::Closed(closed) => {
                if let Closed::Goodbye(reason) = closed {
                    self.session.closed_as(reason);
                }
                return false;
            }
        }
        for frame in self.session.take_outgoing() {
            // A connection that takes no answer any more shows in `closed`.
            let _gone = self.send_raw_frame(&frame);
        }
        true
    }

    /// Makes one step and sends it with the steps before it.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send_input(&mut self, input: StepInput) -> Result<(), SendError> {
        let mut datagram = std::mem::take(&mut self.datagram);
        let encoded = self.session.input(input, now_us(), &mut datagram);
        let bytes = Bytes::copy_from_slice(&datagram);
        self.datagram = datagram;
        encoded?;
        self.send_raw_datagram(bytes)
    }

    /// Asks for the log of the scene the character is in instead of its state, and simulates the scene from it:
    /// [`ClientSession::followed`]. The world of the session stands still meanwhile. A scene that is not synchronised by
    /// frames, or whose log has grown too long, goes on with the state, and nothing is followed from then on. It ends with
    /// the scene.
    ///
    /// # Errors
    /// When the connection is gone or stuck.
    pub fn follow(&mut self, config: SceneConfig) -> Result<(), SendError> {
        let frame = self.session.follow(config)?;
        self.send_raw_frame(&frame)
    }

    /// Asks for the state again.
    ///
    /// # Errors
    /// When the connection is gone or stuck.
    pub fn unfollow(&mut self) -> Result<(), SendError> {
        let frame = self.session.unfollow()?;
        self.send_raw_frame(&frame)
    }

    /// Asks to be told the whole view anew: see [`ClientSession::ask_for_keyframe`].
    ///
    /// # Errors
    /// When the connection is gone or stuck.
    pub fn ask_for_keyframe(&mut self) -> Result<(), SendError> {
        let frame = self.session.ask_for_keyframe()?;
        self.send_raw_frame(&frame)
    }

    /// Sends a command and returns its sequence number, which a rejection would name.
    ///
    /// # Errors
    /// When the server has no such command, or the connection is gone or stuck.
    pub fn send_command<C: ClientCommand>(&mut self, command: &C) -> Result<u32, SendError> {
        let known = self.session.world().wire().commands.iter().position(|name| name == C::NAME);
        let kind = known.and_then(|kind| u16::try_from(kind).ok()).ok_or(SendError::UnknownCommand)?;
        self.send_raw_command(kind, command.encode())
    }

    /// Sends a command by its place in the wire table, whatever its body is.
    ///
    /// # Errors
    /// When the body is too long for a frame, or the connection is gone or stuck.
    pub fn send_raw_command(&mut self, kind: u16, body: Vec<u8>) -> Result<u32, SendError> {
        let (sequence, frame) = self.session.command(kind, body)?;
        self.send_raw_frame(&frame)?;
        Ok(sequence)
    }

    /// Sends any datagram.
    ///
    /// # Errors
    /// When the path cannot carry it or the connection is gone.
    pub fn send_raw_datagram(&self, bytes: Bytes) -> Result<(), SendError> {
        self.link.send_datagram(bytes)
    }

    /// Sends any frame; the length prefix is added.
    ///
    /// # Errors
    /// When the connection is gone or stuck.
    pub fn send_raw_frame(&self, frame: &[u8]) -> Result<(), SendError> {
        self.send_raw_stream_bytes([frame_prefix(frame.len()).as_slice(), frame].concat().into())
    }

    /// Puts any bytes on the stream, as they are.
    ///
    /// # Errors
    /// When the connection is gone or stuck.
    pub fn send_raw_stream_bytes(&self, bytes: Bytes) -> Result<(), SendError> {
        self.link.send_stream_bytes(bytes)
    }

    /// Why the connection is gone, once it is and everything before it is applied.
    #[must_use]
    pub fn closed(&self) -> Option<Closed> {
        self.link.closed()
    }

    /// What was counted so far, with the bytes of the connection.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let (bytes_received, bytes_sent) = self.link.bytes();
        Stats { bytes_received, bytes_sent, ..self.session.stats() }
    }

    /// How the way to the server is, with the round trip of the connection.
    #[must_use]
    pub fn timings(&self) -> Timings {
        Timings { rtt: self.rtt(), ..self.session.timings() }
    }

    /// The round trip as QUIC measures it.
    #[must_use]
    pub fn rtt(&self) -> Duration {
        self.link.rtt()
    }

    /// Leaves the world on purpose and returns the server's goodbye, if it came within 2 s.
    pub async fn leave(mut self) -> Option<Goodbye> {
        if let Ok(logout) = encode_client_message(&ClientMessage::Logout) {
            self.send_raw_frame(&logout).ok()?;
        }
        let _late = timeout(LEAVE_TIMEOUT, async { while self.next().await {} }).await;
        self.session.goodbye()
    }
}

async fn shake_hands(
    endpoint: &ClientEndpoint,
    server: SocketAddr,
    trust: Trust,
) -> Result<quinn::Connection, ConnectError> {
    let unusable = |reason: String| ConnectError::Unusable { server, reason };
    let mut config = trust::client_config(trust).map_err(unusable)?;
    config.transport_config(Arc::new(client_transport()));
    let connecting =
        endpoint.quinn.connect_with(config, server, SERVER_NAME).map_err(|error| unusable(error.to_string()))?;
    connecting.await.map_err(|error| ConnectError::Handshake { server, reason: error.to_string() })
}

/// A connection that says nothing, for tests of the endpoint.
#[cfg(test)]
pub(crate) async fn connect_silently(
    endpoint: &ClientEndpoint,
    server: SocketAddr,
) -> Result<quinn::Connection, ConnectError> {
    shake_hands(endpoint, server, Trust::AnyCertificate).await
}

impl Deref for Client {
    type Target = ClientSession;

    fn deref(&self) -> &ClientSession {
        &self.session
    }
}

impl DerefMut for Client {
    fn deref_mut(&mut self) -> &mut ClientSession {
        &mut self.session
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("stats", &self.stats()).field("closed", &self.closed()).finish_non_exhaustive()
    }
}
