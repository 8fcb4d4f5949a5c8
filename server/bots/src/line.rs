//! The connections of one herd: each bot's line to the server, and the bad network that some of them go through.
//!
//! A few bots share a UDP socket: more of them would overflow the system's receive buffer whenever this process has to
//! wait for a core, and count the server's packets as lost.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use net::client::{Client, ClientEndpoint, ConnectError, ConnectOptions};
use net::lossy_link::{Impairment, LossyLink};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until, timeout};

use crate::Plan;

/// Bots of one socket: with two full datagrams each, a quarter of Linux' default buffer of 208 KiB.
const SOCKET_BOTS: usize = 16;

/// What came of a [`Lines::connect`].
pub(crate) type Connected = (usize, Result<(), ConnectError>);

/// The lines of a herd by the seats of its bots.
pub(crate) struct Lines {
    server: SocketAddr,
    endpoints: Vec<Arc<ClientEndpoint>>,
    clients: Vec<Option<Client>>,
    /// The paths through which packets go: that of the impaired, and that of the others when it can be cut.
    bad: Option<LossyLink>,
    clear: Option<LossyLink>,
    answers: UnboundedSender<(usize, Result<Client, ConnectError>)>,
    answered: UnboundedReceiver<(usize, Result<Client, ConnectError>)>,
}

impl Lines {
    /// Sockets for so many bots, and the plan's network between them and the server. `herd` tells the herds' misfortunes
    /// apart.
    pub(crate) async fn open(plan: &Plan, seats: usize, herd: u32) -> io::Result<Self> {
        let network = &plan.network;
        let seeded = |impairment| Impairment { seed: plan.seed ^ u64::from(herd) << 32, ..impairment };
        let is_bad = network.impaired_count(plan.count) > 0;
        let bad = if is_bad { Some(LossyLink::start(plan.server, seeded(network.impairment)).await?) } else { None };
        let can_be_cut = network.cut.is_some();
        let clear = if can_be_cut { Some(LossyLink::start(plan.server, Impairment::default()).await?) } else { None };
        let endpoints = (0..seats.div_ceil(SOCKET_BOTS)).map(|_| ClientEndpoint::bind().map(Arc::new));
        let (answers, answered) = unbounded_channel();
        Ok(Self {
            server: plan.server,
            endpoints: endpoints.collect::<io::Result<_>>()?,
            clients: (0..seats).map(|_| None).collect(),
            bad,
            clear,
            answers,
            answered,
        })
    }

    /// Begins to connect a bot; the answer comes from [`Lines::wait`].
    pub(crate) fn connect(&mut self, seat: usize, options: ConnectOptions, impaired: bool) {
        let Some(endpoint) = self.endpoints.get(seat / SOCKET_BOTS).map(Arc::clone) else { return };
        let path = if impaired { self.bad.as_ref().or(self.clear.as_ref()) } else { self.clear.as_ref() };
        let (server, answers) = (path.map_or(self.server, LossyLink::addr), self.answers.clone());
        tokio::spawn(async move {
            let client = Client::connect(&endpoint, server, options).await;
            // A herd that has left hears no answer.
            let _gone = answers.send((seat, client));
        });
    }

    /// The line of a bot that is connected.
    pub(crate) fn line(&mut self, seat: usize) -> Option<&mut Client> {
        self.clients.get_mut(seat)?.as_mut()
    }

    /// Lets what comes be taken in until then, or until a bot is connected.
    pub(crate) async fn wait(&mut self, until: Instant) -> Option<Connected> {
        tokio::select! {
            biased;
            Some((seat, answer)) = self.answered.recv() => {
                let line = self.clients.get_mut(seat)?;
                Some((seat, answer.map(|client| *line = Some(client))))
            }
            () = sleep_until(until) => None,
        }
    }

    /// Takes a line away without a word.
    pub(crate) fn drop_line(&mut self, seat: usize) {
        if let Some(line) = self.clients.get_mut(seat) {
            *line = None;
        }
    }

    /// Loses everything from now on, or nothing more than the impairment says.
    pub(crate) fn cut(&self, is_cut: bool) {
        for link in [&self.bad, &self.clear].into_iter().flatten() {
            if is_cut { link.cut() } else { link.mend() }
        }
    }

    /// Says goodbye on all lines.
    pub(crate) async fn leave(&mut self, within: Duration) {
        let clients = self.clients.iter_mut().filter_map(Option::take);
        let leaving: Vec<_> = clients.map(|client| tokio::spawn(client.leave())).collect();
        // Whether the server's goodbye came in time does not matter to anyone who is leaving.
        let _late = timeout(within, async {
            for one in leaving {
                let _goodbye = one.await;
            }
        })
        .await;
    }
}
