//! The bare transport, for measuring: an endpoint with the game's socket, settings and driver that answers datagrams at
//! once with others of a given size, and does nothing else. What a game server costs beyond this is its own.

use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use quinn_proto::ConnectionError;

use super::{BindError, Certificate, EndpointLimits, hardening};
use crate::driver::{Answer, Application, Driver, Knock, Read, Wire, pause};
use crate::mailbox::{Port, PortNews};
use crate::protocol::DATAGRAM_BYTES_MAX;

/// The longest time between two slices.
const IDLE_SLICE: Duration = Duration::from_secs(1);

/// What an echo says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answers {
    /// Size of each, at most a full datagram.
    pub bytes: usize,
    /// How many to a thousand datagrams of a client: a game sends more than one a tick to who sees much.
    pub per_thousand: u32,
}

/// A running echo on a thread called `net-echo`; dropping it ends it without a word to anyone.
pub struct Echo {
    port: Arc<Port>,
    local_addr: SocketAddr,
}

impl Echo {
    /// Listens on `listen` (port 0 for any) and gives these answers.
    ///
    /// # Errors
    /// When the address cannot be bound or the certificate not used.
    pub fn bind(listen: SocketAddr, certificate: &Certificate, answers: Answers) -> Result<Echo, BindError> {
        let at_address = |source| BindError::Address { listen, source };
        let limits = EndpointLimits { connections_max: usize::MAX, ..EndpointLimits::default() };
        let server_config = hardening::server_config(certificate, &limits)?;
        let socket = UdpSocket::bind(listen).map_err(at_address)?;
        let local_addr = socket.local_addr().map_err(at_address)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(at_address)?;
        let driver = {
            let _inside = runtime.enter();
            Driver::new(socket, hardening::socket_config(0)?, Some(server_config)).map_err(at_address)?
        };
        let port = Arc::new(Port::default());
        let answer = Bytes::from(vec![0; answers.bytes.min(DATAGRAM_BYTES_MAX)]);
        let desk = EchoDesk { answer, per_thousand: answers.per_thousand };
        let thread_port = Arc::clone(&port);
        let run = move || {
            if let Err(error) = runtime.block_on(serve(driver, desk, thread_port)) {
                tracing::error!(%error, "the echo's socket is broken");
            }
        };
        std::thread::Builder::new().name("net-echo".to_owned()).spawn(run).map_err(at_address)?;
        Ok(Echo { port, local_addr })
    }

    /// The address clients connect to, with its real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.port.tell(|news| news.is_over = true);
    }
}

impl std::fmt::Debug for Echo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Echo").field("local_addr", &self.local_addr).finish_non_exhaustive()
    }
}

async fn serve(mut driver: Driver<Owed>, mut desk: EchoDesk, port: Arc<Port>) -> io::Result<()> {
    let mut news = PortNews::default();
    while !news.is_over {
        let began = Instant::now();
        let busy = driver.slice(&mut desk)?;
        let until = driver.next_due().map_or(began + IDLE_SLICE, |due| due.min(began + IDLE_SLICE));
        let ready = async {
            tokio::select! {
                () = poll_fn(|context| driver.poll_ready(context)) => {}
                () = port.woken() => {}
            }
        };
        pause(began, busy, until, ready).await;
        port.take(&mut news);
    }
    Ok(())
}

struct EchoDesk {
    answer: Bytes,
    per_thousand: u32,
}

/// Thousandths of an answer that a client is still to get.
struct Owed(u32);

impl Application for EchoDesk {
    type Peer = Owed;

    fn knock(&mut self, _knock: Knock) -> Answer<Owed> {
        Answer::Accept(Owed(0))
    }

    fn connected(&mut self, _owed: &mut Owed, _wire: &mut Wire<'_>) {}

    fn datagram(&mut self, Owed(owed): &mut Owed, wire: &mut Wire<'_>, _bytes: Bytes) {
        *owed += self.per_thousand;
        for _ in 0..*owed / 1_000 {
            // One that the path does not carry is lost, as on any path.
            let _lost = wire.send_datagram(self.answer.clone());
        }
        *owed %= 1_000;
    }

    fn visit(&mut self, _owed: &mut Owed, wire: &mut Wire<'_>) {
        while let Read::Bytes(_login) = wire.read() {}
    }

    fn closed(&mut self, _owed: Owed, _wire: &mut Wire<'_>, _reason: &ConnectionError) {}
}
