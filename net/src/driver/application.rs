//! What stands behind a driver, and what it is told.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use quinn_proto::{ConnectionError, EcnCodepoint};

use super::Wire;

/// A stranger who wants to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Knock {
    /// Where it says it is.
    pub remote: SocketAddr,
    /// Whether it has proven that it receives there.
    pub validated: bool,
}

/// The answer to a [`Knock`].
#[derive(Debug)]
pub enum Answer<P> {
    /// Come in; the application keeps `P` for it.
    Accept(P),
    /// Prove your address first.
    Retry,
    /// No, said aloud.
    Refuse,
    /// No, in silence.
    Ignore,
}

/// What stands behind a driver. Every call is made from [`Driver::slice`](super::Driver::slice) and has to be quick.
pub trait Application {
    /// What the application keeps for each connection.
    type Peer;

    /// Someone knocks; without a server nobody comes in.
    fn knock(&mut self, _knock: Knock) -> Answer<Self::Peer> {
        Answer::Ignore
    }

    /// A packet came; true when it was taken elsewhere and is none of this driver's.
    fn divert(&mut self, _packet: &[u8], _from: Origin) -> bool {
        false
    }

    /// The handshake is done; a client's stream is open.
    fn connected(&mut self, peer: &mut Self::Peer, wire: &mut Wire<'_>);

    /// A datagram came.
    fn datagram(&mut self, peer: &mut Self::Peer, wire: &mut Wire<'_>, bytes: Bytes);

    /// Once a visit, after everything that came and before packets are made: reads the stream, looks at its deadline,
    /// and writes what waits.
    fn visit(&mut self, peer: &mut Self::Peer, wire: &mut Wire<'_>);

    /// The connection is over, by either side or by silence. The last call for it.
    fn closed(&mut self, peer: Self::Peer, wire: &mut Wire<'_>, reason: &ConnectionError);
}

/// Where a packet came from and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Who sent it.
    pub remote: SocketAddr,
    /// The local address it was sent to, where the system tells.
    pub local_ip: Option<IpAddr>,
    /// Its marks of congestion.
    pub ecn: Option<EcnCodepoint>,
}
