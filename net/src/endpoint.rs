//! The server's QUIC endpoint: who may connect, who may log in, and one task per connection that moves bytes between
//! the network and a mailbox.
//!
//! Admission in this order: total cap, cap per address, Retry under load, handshake within 5 s, login within 3 s. After
//! that a session's datagrams and frames are always read, rate limited before anything is decoded, and never block on
//! the scene. Whatever ends a session, the client is told why where it can be.

mod admission;
mod certificate;
mod congestion;
mod hardening;
mod session;
#[cfg(test)]
mod tests;
mod token;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::mailbox::{CloseCause, SceneEnd, SessionId, now_us};
use crate::protocol::{Goodbye, ResumeToken};

use admission::{Admission, Place, Refusal};
pub(crate) use certificate::sha256;
pub use certificate::{Certificate, CertificateError};
pub(crate) use hardening::{client_provider, client_transport, endpoint_config, server_config};
pub use token::new_resume_token;

/// A handshake that takes longer is given up.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a closing endpoint waits until every client was told.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

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
    /// Something happened that operators count. Called from connection tasks: has to be quick.
    fn note(&self, event: TransportEvent);
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
        /// Why: `rate`, `inbox`, `oversized`, `outgoing_oversized`.
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
}

impl Default for EndpointLimits {
    /// 5,000 connections, 32 per address but not for loopback, Retry above 200 newcomers a second or 256 handshakes.
    fn default() -> Self {
        EndpointLimits {
            connections_max: 5_000,
            connections_per_address_max: 32,
            loopback_exempt: true,
            retry_above_per_second: 200,
            retry_above_handshakes: 256,
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

/// What every task of an endpoint shares.
struct Context {
    gateway: Arc<dyn Gateway>,
    admission: Arc<Admission>,
    closing: watch::Sender<Option<Goodbye>>,
}

/// A listening endpoint. Dropping it ends every session as a shutdown, without waiting.
pub struct Endpoint {
    quinn: quinn::Endpoint,
    context: Arc<Context>,
    local_addr: SocketAddr,
}

impl Endpoint {
    /// Listens on `listen` (port 0 for any) and accepts clients on tasks of the current tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be bound or the certificate not used.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn bind(
        listen: SocketAddr,
        certificate: &Certificate,
        gateway: Arc<dyn Gateway>,
        limits: EndpointLimits,
    ) -> Result<Endpoint, BindError> {
        let at_address = |source| BindError::Address { listen, source };
        let server_config = hardening::server_config(certificate, &limits)?;
        let socket = UdpSocket::bind(listen).map_err(at_address)?;
        let runtime = Arc::new(quinn::TokioRuntime);
        let quinn = quinn::Endpoint::new(hardening::endpoint_config()?, Some(server_config), socket, runtime)
            .map_err(at_address)?;
        let local_addr = quinn.local_addr().map_err(at_address)?;
        let context = Arc::new(Context {
            gateway,
            admission: Admission::new(limits, now_us()),
            closing: watch::Sender::new(None),
        });
        tokio::spawn(accept_clients(quinn.clone(), Arc::clone(&context)));
        Ok(Endpoint { quinn, context, local_addr })
    }

    /// The address clients connect to, with its real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Connections at this moment, those still in their handshake included.
    pub fn connections(&self) -> usize {
        self.context.admission.connections()
    }

    /// Stops accepting, tells every client why, and waits until all are told, at most 2 s.
    pub async fn close(&self, reason: Goodbye) {
        self.context.closing.send_if_modified(|closing| closing.replace(reason).is_none());
        let _late = timeout(CLOSE_TIMEOUT, self.context.admission.emptied()).await;
        self.quinn.close(reason.code().into(), reason.name().as_bytes());
        let _late = timeout(CLOSE_TIMEOUT, self.quinn.wait_idle()).await;
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.context.closing.send_if_modified(|closing| closing.replace(Goodbye::Shutdown).is_none());
        self.quinn.close(Goodbye::Shutdown.code().into(), Goodbye::Shutdown.name().as_bytes());
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("local_addr", &self.local_addr).finish_non_exhaustive()
    }
}

async fn accept_clients(quinn: quinn::Endpoint, context: Arc<Context>) {
    let mut closing = context.closing.subscribe();
    loop {
        let incoming = tokio::select! {
            incoming = quinn.accept() => incoming,
            _ = closing.wait_for(Option::is_some) => break,
        };
        let Some(incoming) = incoming else { break };
        let admitted =
            context.admission.admit(incoming.remote_address(), incoming.remote_address_validated(), now_us());
        match admitted {
            Ok(place) => {
                tokio::spawn(serve(incoming, place, Arc::clone(&context)));
            }
            Err(refusal) => {
                context.gateway.note(TransportEvent::Refused { reason: refusal.name() });
                match refusal {
                    Refusal::Full => incoming.ignore(),
                    Refusal::PerAddress => incoming.refuse(),
                    // Only an address that is already proven cannot be sent a Retry, and such a one is not refused so.
                    Refusal::Retry => drop(incoming.retry()),
                }
            }
        }
    }
}

async fn serve(incoming: quinn::Incoming, mut place: Place, context: Arc<Context>) {
    let handshake = async { incoming.accept()?.await };
    let Ok(Ok(connection)) = timeout(HANDSHAKE_TIMEOUT, handshake).await else {
        context.gateway.note(TransportEvent::Refused { reason: "handshake" });
        return;
    };
    place.handshake_done();
    session::serve(&connection, &context).await;
}
