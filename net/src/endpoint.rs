//! The server's QUIC endpoint: who may connect, who may log in, and threads that move bytes between the network and
//! mailboxes, each with a socket and a [`driver`](crate::driver) of its own.
//!
//! Admission in this order: total cap, cap per address, Retry under load, handshake within 5 s, login within 3 s. After
//! that a session's datagrams and frames are always read, rate limited before anything is decoded, and never wait for
//! the scene. Whatever ends a session, the client is told why where it can be.

mod admission;
mod certificate;
mod congestion;
mod echo;
mod hardening;
mod playing;
mod routing;
mod serving;
mod session;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::driver::Driver;
use crate::mailbox::{CloseCause, Port, SceneEnd, SessionId, now_us};
use crate::protocol::{Goodbye, ResumeToken};

use admission::Admission;
pub(crate) use certificate::sha256;
pub use certificate::{Certificate, CertificateError};
pub use echo::{Answers, Echo};
#[cfg(test)]
pub(crate) use hardening::server_config;
pub(crate) use hardening::{client_provider, client_transport, endpoint_config};
use serving::{Desk, Serving};
use session::Scratch;

/// How long a closing endpoint waits until every client was told, and again until all threads have ended.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest that [`Endpoint::close`] takes.
pub const CLOSE_TIMEOUT_MAX: Duration = CLOSE_TIMEOUT.saturating_mul(2);
const _: () = assert!(serving::DRAIN_TIMEOUT.as_millis() < CLOSE_TIMEOUT.as_millis(), "threads end within the wait");
/// Sockets on one address at most: their number is a byte of a connection id.
const SOCKETS_MAX: usize = 64;

/// A client that proved it speaks the protocol and wants to play.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Whose character it asks for.
    pub credentials: Credentials,
    /// The id of the session that begins.
    pub session: SessionId,
    /// Where the client is.
    pub remote: SocketAddr,
}

/// By what a client says who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// By name.
    Name {
        /// The character's name, inside its alphabet and length.
        name: String,
        /// The class asked for, or empty for the default.
        class: String,
    },
    /// By the token of a session whose link was lost.
    Resume {
        /// What it shows; may be anything.
        token: ResumeToken,
    },
}

/// The answer to a login: accepted, or the reason the client is told.
pub type LoginAnswer<'a> = Pin<Box<dyn Future<Output = Result<(), Goodbye>> + Send + 'a>>;

/// What stands behind the endpoint: takes sessions over and hears what happens to them.
pub trait Gateway: Send + Sync + 'static {
    /// Places a player. The scene that takes `end` answers through it (`Welcome`, `Scene`, ...); the endpoint itself
    /// only ever says goodbye. A refusal is sent to the client, and `end` may be dropped.
    fn login(&self, login: Login, end: SceneEnd) -> LoginAnswer<'_>;
    /// Something happened that operators count. Called from network threads: has to be quick.
    fn note(&self, event: TransportEvent);
    /// A network thread cannot go on, because its socket is broken or it has panicked: its sessions are lost, and whoever
    /// the system deals to its socket finds nobody. The last call from that thread. What to do about it is the owner's;
    /// without a word of it the log has it, and the other threads go on.
    fn failed(&self) {}
}

/// What operators count about the transport. Labels are stable lower-case words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportEvent {
    /// A login was accepted.
    Opened,
    /// A session that was opened has ended.
    Closed {
        /// Why.
        cause: CloseCause,
    },
    /// A connection was not let in, or did not come as far as a login.
    Refused {
        /// Why: `full`, `per_address`, `retry`, `handshake`, or the name of a [`Goodbye`] or decode error.
        reason: &'static str,
    },
    /// Messages did not get through.
    Dropped {
        /// Why: `rate`, `inbox`, `early`, `oversized`, `outgoing_oversized`, `diverted`.
        reason: &'static str,
        /// How many.
        count: u64,
    },
    /// Bytes since the last report of the same connection, headers of QUIC included; about once a second.
    Traffic {
        /// UDP payload sent.
        sent_bytes: u64,
        /// UDP payload received.
        received_bytes: u64,
        /// Packets of ours that the path lost.
        lost_packets: u64,
    },
}

/// How many may connect, and when a newcomer has to prove its address first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndpointLimits {
    /// Connections in all; beyond it newcomers are ignored.
    pub connections_max: usize,
    /// Connections from one IPv4 address or one IPv6 /64; beyond it newcomers are refused.
    pub connections_per_address_max: usize,
    /// Whether loopback addresses are free of the cap per address, as load tests need.
    pub loopback_exempt: bool,
    /// Newcomers per second above which unproven addresses are sent a Retry.
    pub retry_above_per_second: u32,
    /// Handshakes in flight above which unproven addresses are sent a Retry.
    pub retry_above_handshakes: usize,
    /// Sockets that share the address, each with a thread, 1 to 64. The kernel deals newcomers to them.
    pub sockets: usize,
}

impl Default for EndpointLimits {
    /// 5,000 connections, 32 per address but not for loopback, Retry above 200 newcomers a second or 256 handshakes,
    /// one socket.
    fn default() -> Self {
        EndpointLimits {
            connections_max: 5_000,
            connections_per_address_max: 32,
            loopback_exempt: true,
            retry_above_per_second: 200,
            retry_above_handshakes: 256,
            sockets: 1,
        }
    }
}

/// Why an endpoint could not start.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address is in use, not ours, or not allowed.
    #[error("cannot listen on {listen}: {source}")]
    Address {
        /// The address asked for.
        listen: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The certificate and its key do not work together.
    #[error("the certificate cannot be used: {0}")]
    Certificate(String),
    /// QUIC refuses our settings.
    #[error("the transport settings cannot be used: {0}")]
    Settings(String),
}

/// A listening endpoint. Dropping it ends every session as a shutdown, without waiting.
pub struct Endpoint {
    admission: Arc<Admission>,
    ports: Arc<[Arc<Port>]>,
    /// What each thread drops when it ends.
    ended: Mutex<Vec<oneshot::Receiver<()>>>,
    local_addr: SocketAddr,
}

impl Endpoint {
    /// Listens on `listen` (port 0 for any) and serves clients on threads of its own, called `net-0` and so on.
    ///
    /// # Errors
    /// When the address cannot be bound or the certificate not used.
    pub fn bind(
        listen: SocketAddr,
        certificate: &Certificate,
        gateway: Arc<dyn Gateway>,
        limits: EndpointLimits,
    ) -> Result<Endpoint, BindError> {
        let at_address = |source| BindError::Address { listen, source };
        let server_config = hardening::server_config(certificate, &limits)?;
        let sockets = bind_all(listen, limits.sockets.clamp(1, SOCKETS_MAX)).map_err(at_address)?;
        let local_addr = sockets.first().map_or(Ok(listen), UdpSocket::local_addr).map_err(at_address)?;
        let admission = Admission::new(limits, now_us());
        let ports: Arc<[Arc<Port>]> = sockets.iter().map(|_| Arc::default()).collect();
        let mut ended = Vec::new();
        for (index, socket) in sockets.into_iter().enumerate() {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(at_address)?;
            let driver = {
                let _inside = runtime.enter();
                let ids = u8::try_from(index).unwrap_or(u8::MAX);
                let config = hardening::socket_config(ids)?;
                Driver::new(socket, config, Some(server_config.clone())).map_err(at_address)?
            };
            let desk = Desk {
                gateway: Arc::clone(&gateway),
                admission: Arc::clone(&admission),
                ports: Arc::clone(&ports),
                index,
                scratch: Scratch::default(),
                closing: None,
                logins: 0,
            };
            let (ends, end) = oneshot::channel();
            let run = move || {
                runtime.block_on(Serving { driver, desk }.run());
                drop(ends);
            };
            std::thread::Builder::new().name(format!("net-{index}")).spawn(run).map_err(at_address)?;
            ended.push(end);
        }
        Ok(Endpoint { admission, ports, ended: Mutex::new(ended), local_addr })
    }

    /// The address clients connect to, with its real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Connections at this moment, those still in their handshake included.
    pub fn connections(&self) -> usize {
        self.admission.connections()
    }

    /// Stops accepting, tells every client why, and waits until all are told, at most
    /// [`CLOSE_TIMEOUT_MAX`].
    pub async fn close(&self, reason: Goodbye) {
        self.tell_to_close(reason);
        let _late = timeout(CLOSE_TIMEOUT, self.admission.emptied()).await;
        self.tell_it_is_over();
        let ended = std::mem::take(&mut *self.ended.lock().unwrap_or_else(PoisonError::into_inner));
        let all = async {
            for end in ended {
                let _ended = end.await;
            }
        };
        let _late = timeout(CLOSE_TIMEOUT, all).await;
    }

    fn tell_to_close(&self, reason: Goodbye) {
        for port in self.ports.iter() {
            port.tell(|news| {
                news.closing.get_or_insert(reason);
            });
        }
    }

    fn tell_it_is_over(&self) {
        for port in self.ports.iter() {
            port.tell(|news| news.is_over = true);
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.tell_to_close(Goodbye::Shutdown);
        self.tell_it_is_over();
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("local_addr", &self.local_addr).finish_non_exhaustive()
    }
}

/// Binds so many sockets to one address.
fn bind_all(listen: SocketAddr, sockets: usize) -> io::Result<Vec<UdpSocket>> {
    if sockets == 1 {
        return Ok(vec![UdpSocket::bind(listen)?]);
    }
    let mut address = listen;
    let mut bound = Vec::new();
    for _ in 0..sockets {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_reuse_port(true)?;
        socket.bind(&address.into())?;
        let socket: UdpSocket = socket.into();
        // The first has found a port for all.
        address = socket.local_addr()?;
        bound.push(socket);
    }
    Ok(bound)
}
