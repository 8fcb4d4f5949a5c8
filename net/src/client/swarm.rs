//! Many clients in one thread: [`ClientSession`]s behind a few sockets, without a task, a channel or a lock for each.
//!
//! For load tests and for bots that live beside a server. The owner calls [`Swarm::turn`] over and over; in it packets
//! come and go, and it hears what happened to whom. Between turns it looks at sessions and makes them send; that leaves
//! with the next turn, one visit for each client that has something to do.

mod member;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use quinn_proto::ClientConfig;
use sim::command::ClientCommand;
use sim::locomotion::StepInput;

use super::session::ClientSession;
use super::trust::client_config;
use super::{Closed, ConnectOptions, SERVER_NAME, SendError, Trust};
use crate::codec::{encode_client_message, frame_prefix};
use crate::driver::{Chunks, Driver, LinkKey, Path, pause};
use crate::endpoint::{client_transport, endpoint_config};
use crate::mailbox::now_us;
use crate::protocol::{ClientMessage, ResumeToken};

use member::{Crowd, Member};

/// One client of a swarm; never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(u32);

impl ClientId {
    /// Counts the clients of a swarm from 0.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What happened to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    /// The character stands in a scene for the first time.
    Entered,
    /// A datagram has been applied.
    Frame,
    /// A frame of the stream has been applied.
    Message,
    /// The connection is over. The last that is heard of it: with the next turn its session is gone.
    Closed(Closed),
}

/// What a client's connection has counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkStats {
    /// The smoothed round trip.
    pub rtt: Duration,
    /// Packets of the client that the path lost.
    pub lost_packets: u64,
    /// UDP payload sent, in bytes.
    pub sent_bytes: u64,
    /// UDP payload received, in bytes.
    pub received_bytes: u64,
    /// UDP datagrams sent.
    pub sent_datagrams: u64,
    /// UDP datagrams received.
    pub received_datagrams: u64,
}

/// Clients and the sockets they share.
pub struct Swarm {
    drivers: Vec<Driver<ClientId>>,
    crowd: Crowd,
    /// Settings of a connection by trust: making them is much slower than copying them.
    configs: Vec<(Trust, ClientConfig)>,
    datagram: Vec<u8>,
    chunks: Chunks,
}

impl Swarm {
    /// Opens `sockets` sockets (at least one) on any port, for IPv4, or for IPv6 where the system has no other. Clients
    /// are dealt to them in turn; a socket serves some thousand.
    ///
    /// # Errors
    /// When no socket can be opened.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn bind(sockets: usize) -> io::Result<Swarm> {
        let any = |address: std::net::IpAddr| UdpSocket::bind((address, 0));
        let open = |_| {
            let socket = any(Ipv4Addr::UNSPECIFIED.into()).or_else(|_| any(Ipv6Addr::UNSPECIFIED.into()))?;
            let config = endpoint_config().map_err(io::Error::other)?;
            Driver::new(socket, config, None)
        };
        Ok(Swarm {
            drivers: (0..sockets.max(1)).map(open).collect::<io::Result<_>>()?,
            crowd: Crowd::default(),
            configs: Vec::new(),
            datagram: Vec::new(),
            chunks: Chunks::default(),
        })
    }

    /// Lets `path` decide what becomes of every packet of one socket from now on; sockets count from 0.
    pub fn impair(&mut self, socket: usize, path: Box<dyn Path>) {
        if let Some(driver) = self.drivers.get_mut(socket) {
            driver.impair(path);
        }
    }

    /// Begins to connect and to log in; [`Happened::Entered`] or [`Happened::Closed`] tells how that went.
    ///
    /// # Errors
    /// When the options or the address cannot be used, in words.
    pub fn connect(&mut self, server: SocketAddr, options: &ConnectOptions) -> Result<ClientId, String> {
        let socket = self.crowd.members.len() % self.drivers.len();
        self.connect_through(socket, server, options)
    }

    /// The same, through a socket of choice.
    ///
    /// # Errors
    /// As [`Swarm::connect`], or when there is no such socket.
    pub fn connect_through(
        &mut self,
        socket: usize,
        server: SocketAddr,
        options: &ConnectOptions,
    ) -> Result<ClientId, String> {
        let login = ClientMessage::Login { name: options.name.clone(), class: options.class.clone() };
        self.enter(socket, server, options.trust, &login)
    }

    /// Begins to take over the character of a session whose link was lost, as [`super::Client::resume`] does.
    ///
    /// # Errors
    /// As [`Swarm::connect`].
    pub fn resume(&mut self, server: SocketAddr, token: ResumeToken, trust: Trust) -> Result<ClientId, String> {
        let socket = self.crowd.members.len() % self.drivers.len();
        self.resume_through(socket, server, token, trust)
    }

    /// The same, through a socket of choice.
    ///
    /// # Errors
    /// As [`Swarm::connect_through`].
    pub fn resume_through(
        &mut self,
        socket: usize,
        server: SocketAddr,
        token: ResumeToken,
        trust: Trust,
    ) -> Result<ClientId, String> {
        self.enter(socket, server, trust, &ClientMessage::Resume { token })
    }

    fn enter(
        &mut self,
        socket: usize,
        server: SocketAddr,
        trust: Trust,
        first: &ClientMessage,
    ) -> Result<ClientId, String> {
        let first = encode_client_message(first).map_err(|error| error.to_string())?;
        let config = self.config(trust)?;
        let id = ClientId(u32::try_from(self.crowd.members.len()).map_err(|error| error.to_string())?);
        let driver = self.drivers.get_mut(socket).ok_or("the swarm has no such socket")?;
        let link = driver.connect(config, server, SERVER_NAME, id).map_err(|error| error.to_string())?;
        self.crowd.members.push(Member::new(socket, link));
        self.queue(id, &first).map_err(|error| error.to_string())?;
        Ok(id)
    }

    fn config(&mut self, trust: Trust) -> Result<ClientConfig, String> {
        if let Some((_, config)) = self.configs.iter().find(|(known, _)| *known == trust) {
            return Ok(config.clone());
        }
        let mut config = client_config(trust)?;
        config.transport_config(Arc::new(client_transport()));
        self.configs.push((trust, config.clone()));
        Ok(config)
    }

    /// A client's session; an empty one when its end was told before this turn.
    ///
    /// # Panics
    /// With an id of another swarm.
    #[must_use]
    pub fn session(&self, id: ClientId) -> &ClientSession {
        self.crowd.members[id.index()].life.as_ref().map_or(&self.crowd.nobody, |life| &life.session)
    }

    /// A client's session, to predict with and to take from; an empty one when its end was told before this turn.
    ///
    /// # Panics
    /// With an id of another swarm.
    pub fn session_mut(&mut self, id: ClientId) -> &mut ClientSession {
        let Crowd { members, nobody, .. } = &mut self.crowd;
        match &mut members[id.index()].life {
            Some(life) => &mut life.session,
            None => {
                *nobody = ClientSession::default();
                nobody
            }
        }
    }

    /// Why a client's connection is over, once it is.
    #[must_use]
    pub fn closed(&self, id: ClientId) -> Option<Closed> {
        self.crowd.members.get(id.index())?.closed
    }

    /// Clients whose connection is not over.
    #[must_use]
    pub fn connected(&self) -> usize {
        self.crowd.members.iter().filter(|member| member.closed.is_none()).count()
    }

    /// Makes a client's next step and sends it with the steps before it.
    ///
    /// # Errors
    /// When the connection is over.
    pub fn send_input(&mut self, id: ClientId, input: StepInput) -> Result<(), SendError> {
        let life = self.crowd.connected(id)?;
        life.session.input(input, now_us(), &mut self.datagram)?;
        let bytes = self.chunks.keep(&self.datagram).freeze();
        self.send_datagram(id, bytes)
    }

    /// Sends any datagram.
    ///
    /// # Errors
    /// When the path cannot carry it or the connection is over.
    pub fn send_datagram(&mut self, id: ClientId, bytes: Bytes) -> Result<(), SendError> {
        let Swarm { drivers, crowd, .. } = self;
        let member = crowd.members.get(id.index()).filter(|member| member.closed.is_none()).ok_or(SendError::Closed)?;
        let driver = drivers.get_mut(member.socket).ok_or(SendError::Closed)?;
        let (mut wire, _) = driver.link(member.link).ok_or(SendError::Closed)?;
        let sent = wire.send_datagram(bytes);
        driver.visit_handful(crowd);
        sent.map_err(|error| match error {
            quinn_proto::SendDatagramError::TooLarge => SendError::TooLarge,
            _ => SendError::Closed,
        })
    }

    /// Sends a command and returns its sequence number, which a rejection would name.
    ///
    /// # Errors
    /// When the server has no such command, or the connection is over or stuck.
    pub fn send_command<C: ClientCommand>(&mut self, id: ClientId, command: &C) -> Result<u32, SendError> {
        let life = self.crowd.connected(id)?;
        let known = life.session.world().wire().commands.iter().position(|name| name == C::NAME);
        let kind = known.and_then(|kind| u16::try_from(kind).ok()).ok_or(SendError::UnknownCommand)?;
        let (sequence, frame) = life.session.command(kind, command.encode())?;
        self.send_frame(id, &frame)?;
        Ok(sequence)
    }

    /// Sends any frame; the length prefix is added.
    ///
    /// # Errors
    /// When the connection is over or stuck.
    pub fn send_frame(&mut self, id: ClientId, frame: &[u8]) -> Result<(), SendError> {
        self.queue(id, frame)?;
        let (driver, link) = self.driver_of(id).ok_or(SendError::Closed)?;
        driver.touch(link);
        Ok(())
    }

    fn queue(&mut self, id: ClientId, frame: &[u8]) -> Result<(), SendError> {
        let life = self.crowd.connected(id)?;
        let mut framed = BytesMut::with_capacity(frame.len() + 4);
        framed.put_slice(&frame_prefix(frame.len()));
        framed.put_slice(frame);
        life.queue(framed.freeze())
    }

    /// True once a client's handshake is done and everything it has said so far is on its way: its login, or the token it
    /// came back with, may have arrived. False for one whose connection is over.
    ///
    /// # Panics
    /// With an id of another swarm.
    #[must_use]
    pub fn has_spoken(&self, id: ClientId) -> bool {
        self.crowd.members[id.index()].has_said_all()
    }

    /// What a client's connection has counted, also after its end.
    #[must_use]
    pub fn stats(&mut self, id: ClientId) -> LinkStats {
        let link = self.driver_of(id).and_then(|(driver, link)| driver.look(link).map(|wire| member::count(&wire)));
        link.or_else(|| self.crowd.members.get(id.index()).map(|member| member.last_stats)).unwrap_or_default()
    }

    /// Ends a connection in good order, without a word of farewell on the stream.
    pub fn close(&mut self, id: ClientId) {
        if let Some((driver, link)) = self.driver_of(id)
            && let Some((mut wire, _)) = driver.link(link)
        {
            wire.close(0, "");
        }
    }

    /// Cuts a client off: it neither sends nor hears anything any more, and the server has to find out by itself.
    pub fn cut(&mut self, id: ClientId) {
        let stats = self.stats(id);
        if let Some((driver, link)) = self.driver_of(id) {
            driver.vanish(link);
            self.crowd.end(id, Closed::Here, stats);
        }
    }

    /// Lets packets come and go until `until`, at least once, and tells what happened to whom. Naps on the thread while
    /// there is traffic, so that what comes within a millisecond is handled together.
    ///
    /// # Errors
    /// When a socket is broken.
    pub async fn turn(
        &mut self,
        until: Instant,
        mut hear: impl FnMut(ClientId, Happened, &mut ClientSession),
    ) -> io::Result<()> {
        self.crowd.forget();
        loop {
            let began = Instant::now();
            let mut busy = false;
            let mut due = until;
            for driver in &mut self.drivers {
                busy |= driver.slice(&mut self.crowd)?;
                due = driver.next_due().map_or(due, |next| due.min(next));
            }
            busy |= self.crowd.tell(&mut hear);
            if Instant::now() >= until {
                // Others on the same runtime, such as a server in a test, have their turn as well.
                tokio::task::yield_now().await;
                return Ok(());
            }
            let drivers = &self.drivers;
            let ready = poll_fn(|context| {
                let any = drivers.iter().fold(false, |any, driver| any | driver.poll_ready(context).is_ready());
                if any { Poll::Ready(()) } else { Poll::Pending }
            });
            pause(began, busy, due, ready).await;
        }
    }

    fn driver_of(&mut self, id: ClientId) -> Option<(&mut Driver<ClientId>, LinkKey)> {
        let member = self.crowd.members.get(id.index()).filter(|member| member.closed.is_none())?;
        Some((self.drivers.get_mut(member.socket)?, member.link))
    }
}

impl fmt::Debug for Swarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Swarm")
            .field("sockets", &self.drivers.len())
            .field("clients", &self.crowd.members.len())
            .finish_non_exhaustive()
    }
}
