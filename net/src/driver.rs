//! QUIC driven by one thread: a socket, its connections, and one visit to each that has something to do.
//!
//! [`Driver::slice`] reads everything that came, hands packets to their connections, and visits each touched connection:
//! timers, events, what the application has to say, and last the packets that follow from all of it, so that
//! acknowledgements ride on datagrams. A connection with its keys is some 8 KB that nobody has looked at for half a tick,
//! so no more connections are touched before they are visited than a core's own cache holds: a handful at a time. Nothing
//! walks connections that are idle; their timers sit in a wheel.
//! Server and client side differ only in the [`Application`].

mod application;
mod bundles;
mod chunks;
mod delay;
mod leave;
mod link;
mod pause;
mod socket;
#[cfg(test)]
mod tests;
mod wheel;
mod wire;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use quinn_proto::{
    ClientConfig, ConnectError, Connection, ConnectionError, ConnectionHandle, DatagramEvent, Endpoint, EndpointConfig,
    Incoming, ServerConfig, Transmit,
};

pub use application::{Answer, Application, Knock, Origin};
use bundles::Bundles;
pub(crate) use chunks::Chunks;
use delay::Impaired;
pub use delay::{Fate, Path, Way};
use link::Link;
pub(crate) use pause::pause;
use socket::Socket;
use wheel::{Slot, Wheel};
use wire::LinkState;
pub use wire::{Read, Wire, WriteError};

/// Batches read in one slice before connections get their turn.
const BATCHES_PER_SLICE: usize = 32;
/// Least time from one slice to the next while there is traffic: what comes meanwhile is handled together.
pub const SLICE: Duration = Duration::from_millis(1);

/// Connections that are touched before they are visited: as many as find room in a core's second cache, with the memory
/// of whoever talks through them.
const HANDFUL: usize = 32;

/// How long packets for a connection that was cut off are kept from the endpoint, which would answer them.
const DEAF: Duration = Duration::from_secs(30);

/// One connection of a driver; never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkKey {
    index: u32,
    generation: u32,
}

impl LinkKey {
    /// Any key, for tests without a driver.
    #[cfg(test)]
    pub(crate) fn of_test(index: u32) -> LinkKey {
        LinkKey { index, generation: 0 }
    }

    /// The place in the driver's table, which another connection takes later.
    pub fn index(self) -> usize {
        self.index as usize
    }
}

/// One socket and its connections; `P` is what the application keeps for each.
pub struct Driver<P> {
    socket: Socket,
    endpoint: Endpoint,
    links: Vec<Option<Box<Link<P>>>>,
    generation: u32,
    touched: Vec<u32>,
    wheel: Wheel,
    chunks: Chunks,
    /// The packets being made.
    packet: Vec<u8>,
    /// Set while `packet` waits for room in the socket.
    blocked: Option<Transmit>,
    /// Without a server: all connections lead to the same few addresses.
    bundles: Option<Bundles>,
    impaired: Option<Impaired>,
}

impl<P> Driver<P> {
    /// Drives a bound socket, on the current tokio runtime. Without `server` nobody can connect to it.
    ///
    /// # Errors
    /// When the socket cannot be set up.
    pub fn new(
        socket: std::net::UdpSocket,
        config: EndpointConfig,
        server: Option<ServerConfig>,
    ) -> io::Result<Driver<P>> {
        let packet_bytes_max = usize::try_from(config.get_max_udp_payload_size()).unwrap_or(usize::MAX);
        let socket = Socket::new(socket, packet_bytes_max.min(64 * 1024))?;
        let bundles = server.is_none().then(Bundles::default);
        let endpoint = Endpoint::new(Arc::new(config), server.map(Arc::new), socket.keeps_packets_whole(), None);
        Ok(Driver {
            socket,
            endpoint,
            links: Vec::new(),
            generation: 0,
            touched: Vec::new(),
            wheel: Wheel::new(Instant::now()),
            chunks: Chunks::default(),
            packet: Vec::with_capacity(packet_bytes_max),
            blocked: None,
            bundles,
            impaired: None,
        })
    }

    /// The socket's address.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Lets `path` decide what becomes of every packet from now on.
    pub fn impair(&mut self, path: Box<dyn Path>) {
        self.impaired = Some(Impaired::new(path));
    }

    /// Connections, those that are being closed included.
    pub fn connections(&self) -> usize {
        self.endpoint.open_connections()
    }

    /// Begins a connection as a client.
    ///
    /// # Errors
    /// When the address or the settings cannot be used.
    pub fn connect(
        &mut self,
        config: ClientConfig,
        remote: SocketAddr,
        server_name: &str,
        peer: P,
    ) -> Result<LinkKey, ConnectError> {
        let (handle, connection) = self.endpoint.connect(Instant::now(), config, remote, server_name)?;
        Ok(self.insert(handle, connection, peer))
    }

    /// Has a connection visited in the next slice; does nothing when it is gone.
    pub fn touch(&mut self, key: LinkKey) {
        if let Some(Some(link)) = self.links.get_mut(key.index())
            && link.generation == key.generation
            && !std::mem::replace(&mut link.touched, true)
        {
            self.touched.push(key.index);
        }
    }

    /// A connection and what is kept for it, to be visited in the next slice; `None` when it is gone.
    pub fn link(&mut self, key: LinkKey) -> Option<(Wire<'_>, &mut P)> {
        self.touch(key);
        let link = self.links.get_mut(key.index())?.as_mut().filter(|link| link.generation == key.generation)?;
        let peer = link.peer.as_mut()?;
        Some((Wire::new(key, &mut link.connection, &mut link.state, Instant::now()), peer))
    }

    /// What is kept for a connection, without a visit.
    pub fn peer(&self, key: LinkKey) -> Option<&P> {
        let link = self.links.get(key.index())?.as_ref().filter(|link| link.generation == key.generation)?;
        link.peer.as_ref()
    }

    /// The connections that are not over.
    pub fn keys(&self) -> impl Iterator<Item = LinkKey> + '_ {
        let key = |(index, link): (u32, &Option<Box<Link<P>>>)| {
            let link = link.as_ref().filter(|link| link.peer.is_some())?;
            Some(LinkKey { index, generation: link.generation })
        };
        (0u32..).zip(&self.links).filter_map(key)
    }

    /// A connection, without a visit; `None` when it is gone.
    pub fn look(&mut self, key: LinkKey) -> Option<Wire<'_>> {
        let link = self.links.get_mut(key.index())?.as_mut().filter(|link| link.generation == key.generation)?;
        Some(Wire::new(key, &mut link.connection, &mut link.state, Instant::now()))
    }

    /// Cuts a connection off: neither end hears anything of the other from now on. Its place is free when the other end
    /// has given up at the latest.
    pub fn vanish(&mut self, key: LinkKey) -> Option<P> {
        self.touch(key);
        let link = self.links.get_mut(key.index())?.as_mut().filter(|link| link.generation == key.generation)?;
        link.deaf_until.get_or_insert(Instant::now() + DEAF);
        link.peer.take()
    }

    /// Reads, and visits every connection that has something to do. True when there was something to do, so that more
    /// may be expected.
    ///
    /// # Errors
    /// When the socket is broken.
    pub fn slice(&mut self, application: &mut impl Application<Peer = P>) -> io::Result<bool> {
        let mut busy = self.receive(application)?;
        let now = Instant::now();
        self.pass_impaired(now, application);
        self.expire(now);
        busy |= !self.touched.is_empty();
        if self.flush(now) {
            self.visit_touched(application);
            self.flush(now);
        }
        Ok(busy && !self.is_blocked())
    }

    /// Visits the touched connections between two slices if they are a handful. For whoever touches many in a row.
    pub fn visit_handful(&mut self, application: &mut impl Application<Peer = P>) {
        if self.touched.len() >= HANDFUL {
            self.visit_touched(application);
        }
    }

    /// Visits whoever was touched, as long as there is room in the socket.
    fn visit_touched(&mut self, application: &mut impl Application<Peer = P>) {
        let now = Instant::now();
        let mut visited = 0;
        while let Some(&index) = self.touched.get(visited)
            && !self.is_blocked()
        {
            visited += 1;
            self.visit(index, now, application);
        }
        self.touched.drain(..visited);
    }

    /// When there will be something to do if nothing comes.
    pub fn next_due(&self) -> Option<Instant> {
        let held = self.impaired.as_ref().and_then(Impaired::next_due);
        let touched = (!self.touched.is_empty() && !self.is_blocked()).then(Instant::now);
        [self.wheel.next_due(), held, touched].into_iter().flatten().min()
    }

    /// Ready when packets have come, or there is room for those that wait; else the task is woken then.
    pub fn poll_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        self.socket.poll_ready(context, self.is_blocked())
    }

    /// Takes a packet that came through another socket.
    pub fn feed(&mut self, application: &mut impl Application<Peer = P>, origin: Origin, packet: &[u8]) {
        let kept = self.chunks.keep(packet);
        self.handle(application, Instant::now(), origin, kept);
    }

    fn receive(&mut self, application: &mut impl Application<Peer = P>) -> io::Result<bool> {
        let mut waiting = std::mem::take(&mut self.socket.received);
        let mut more = false;
        for _ in 0..BATCHES_PER_SLICE {
            let chunks = &mut self.chunks;
            more = self.socket.receive(|origin, packet| {
                if !application.divert(packet, origin) {
                    waiting.push((origin, chunks.keep(packet)));
                }
            })?;
            let now = Instant::now();
            for (origin, packet) in waiting.drain(..) {
                match &mut self.impaired {
                    Some(impaired) => impaired.take(now, Way::In, (origin.remote, origin.local_ip), &packet),
                    None => {
                        self.handle(application, now, origin, packet);
                        self.visit_handful(application);
                    }
                }
            }
            if !more {
                break;
            }
        }
        self.socket.received = waiting;
        Ok(more)
    }

    fn handle(
        &mut self,
        application: &mut impl Application<Peer = P>,
        now: Instant,
        Origin { remote, local_ip, ecn }: Origin,
        packet: BytesMut,
    ) {
        let mut response = Vec::new();
        match self.endpoint.handle(now, remote, local_ip, ecn, packet, &mut response) {
            Some(DatagramEvent::ConnectionEvent(ConnectionHandle(index), event)) => {
                if let Some(Some(link)) = self.links.get_mut(index)
                    && link.deaf_until.is_none()
                {
                    link.connection.handle_event(event);
                    if !std::mem::replace(&mut link.touched, true) {
                        self.touched.push(index_of(index));
                    }
                }
            }
            Some(DatagramEvent::NewConnection(incoming)) => self.admit(application, now, incoming),
            Some(DatagramEvent::Response(transmit)) => self.send(now, &transmit, &response),
            None => {}
        }
    }

    fn admit(&mut self, application: &mut impl Application<Peer = P>, now: Instant, incoming: Incoming) {
        let knock = Knock { remote: incoming.remote_address(), validated: incoming.remote_address_validated() };
        let mut response = Vec::new();
        let answer = match application.knock(knock) {
            Answer::Accept(peer) => match self.endpoint.accept(incoming, now, &mut response, None) {
                Ok((handle, connection)) => {
                    self.insert(handle, connection, peer);
                    None
                }
                Err(error) => error.response,
            },
            Answer::Retry => self.endpoint.retry(incoming, &mut response).ok(),
            Answer::Refuse => Some(self.endpoint.refuse(incoming, &mut response)),
            Answer::Ignore => {
                self.endpoint.ignore(incoming);
                None
            }
        };
        if let Some(transmit) = answer {
            self.send(now, &transmit, &response);
        }
    }

    fn insert(&mut self, ConnectionHandle(index): ConnectionHandle, connection: Connection, peer: P) -> LinkKey {
        self.generation = self.generation.wrapping_add(1);
        let key = LinkKey { index: index_of(index), generation: self.generation };
        let link = Link {
            connection,
            peer: Some(peer),
            state: LinkState::default(),
            generation: key.generation,
            due: None,
            armed: Slot::NEVER,
            touched: false,
            deaf_until: None,
        };
        if self.links.len() <= index {
            self.links.resize_with(index + 1, || None);
        }
        if let Some(place) = self.links.get_mut(index) {
            *place = Some(Box::new(link));
        }
        self.touch(key);
        key
    }

    /// Touches the connections whose time has come, and arms those again that were found too early.
    fn expire(&mut self, now: Instant) {
        let (links, touched) = (&mut self.links, &mut self.touched);
        let mut early = std::mem::take(&mut self.wheel.early);
        self.wheel.expire(now, |key, slot| {
            let Some(Some(link)) = links.get_mut(key.index()) else { return };
            if link.generation != key.generation || link.armed != slot {
                return;
            }
            link.armed = Slot::NEVER;
            match link.due {
                Some(due) if due > now => early.push((key, due)),
                Some(_) if !std::mem::replace(&mut link.touched, true) => touched.push(key.index),
                _ => {}
            }
        });
        for (key, due) in early.drain(..) {
            if let Some(Some(link)) = self.links.get_mut(key.index()) {
                link.armed = self.wheel.slot(due);
                self.wheel.arm(key, link.armed);
            }
        }
        self.wheel.early = early;
    }

    /// The one visit to a connection in a slice.
    fn visit(&mut self, index: u32, now: Instant, application: &mut impl Application<Peer = P>) {
        let Some(mut link) = self.links.get_mut(index as usize).and_then(Option::take) else { return };
        link.touched = false;
        if let Some(until) = link.deaf_until {
            return self.keep_deaf(index, link, until, now);
        }
        let is_late = link.connection.poll_timeout().is_some_and(|due| due <= now);
        if is_late {
            link.connection.handle_timeout(now);
        }
        let key = LinkKey { index, generation: link.generation };
        let mut drained = self.exchange(index, &mut link);
        link.tell(key, now, application);
        if is_late || !link.state.stays_silent(now) {
            self.transmit(now, &mut link.connection, &mut link.state, is_late);
            drained |= self.exchange(index, &mut link);
        }
        if drained {
            return link.end(key, now, application, &ConnectionError::LocallyClosed);
        }
        if self.is_blocked() {
            // It may have more to send.
            link.touched = true;
            self.touched.push(index);
        }
        link.due = link.state.next_visit(now, link.connection.poll_timeout());
        self.put_back(index, link);
    }

    /// Lets go of a connection that was cut off long ago.
    fn keep_deaf(&mut self, index: u32, mut link: Box<Link<P>>, until: Instant, now: Instant) {
        if until <= now {
            let handle = ConnectionHandle(index as usize);
            let _none = self.endpoint.handle_event(handle, quinn_proto::EndpointEvent::drained());
            return;
        }
        link.due = Some(until);
        self.put_back(index, link);
    }

    /// Returns a connection to its place, with an entry in the wheel that is early enough.
    fn put_back(&mut self, index: u32, mut link: Box<Link<P>>) {
        if let Some(due) = link.due {
            let slot = self.wheel.slot(due);
            if slot < link.armed {
                link.armed = slot;
                self.wheel.arm(LinkKey { index, generation: link.generation }, slot);
            }
        }
        if let Some(place) = self.links.get_mut(index as usize) {
            *place = Some(link);
        }
    }

    /// Carries events between a connection and the endpoint; true when the connection is drained.
    fn exchange(&mut self, index: u32, link: &mut Link<P>) -> bool {
        let handle = ConnectionHandle(index as usize);
        let mut drained = false;
        while let Some(event) = link.connection.poll_endpoint_events() {
            drained |= event.is_drained();
            if let Some(event) = self.endpoint.handle_event(handle, event) {
                link.connection.handle_event(event);
            }
        }
        drained
    }
}

/// How long who says something every 50 ms lets what QUIC itself has to say wait for that: an acknowledgement in a packet
/// of its own costs as much as the datagram it could have ridden on. The round trip that QUIC measures is up to 20 ms
/// longer for it.
pub(crate) const TICK_PATIENCE: Duration = Duration::from_millis(45);

/// Tables of connections are far smaller than this.
fn index_of(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
