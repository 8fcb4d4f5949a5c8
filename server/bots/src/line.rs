//! The connections of one herd: each bot's line to the server, and the bad network that some of them go through. All lines
//! of a herd are clients of one swarm; what packets suffer is decided where they leave and enter it.
//!
//! Bots share UDP sockets: few enough on each that the system's receive buffer holds what comes while this process has to
//! wait for a core, and many enough that reading costs little.

use std::io;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use net::client::swarm::{ClientId, Happened, LinkStats, Swarm};
use net::client::{ClientSession, Closed, ConnectOptions, SendError, Trust};
use net::driver::{Fate, Path, Way};
use net::lossy_link::{Direction, Impairment};
use net::protocol::ResumeToken;
use sim::command::ClientCommand;
use sim::locomotion::StepInput;

use crate::Plan;

/// Bots of one socket: what two ticks bring them is about half of a receive buffer of 4 MiB, as the system counts it, and
/// what they say at the same time leaves in bundles.
const SOCKET_BOTS: usize = 1_024;
/// The same for bots that send nothing and hear little: every socket is looked at a thousand times a second.
const STILL_SOCKET_BOTS: usize = 4_096;
/// Least time in which packets come and go before bots have turns again.
const SLICE: Duration = Duration::from_micros(500);

/// What happened to a bot's line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// The character stands in the world.
    Entered,
    /// The line is gone.
    Closed(Closed),
}

/// Who a line is asked for.
pub(crate) enum Caller {
    /// Someone new.
    Newcomer(ConnectOptions),
    /// Someone whose line was lost.
    Returner(ResumeToken, Trust),
}

/// The lines of a herd by the seats of its bots.
pub(crate) struct Lines {
    server: SocketAddr,
    swarm: Swarm,
    /// Each seat's present client.
    clients: Vec<Option<ClientId>>,
    /// Each client's seat.
    seats: Vec<usize>,
    /// The first sockets are those of the impaired.
    bad_sockets: usize,
    sockets: usize,
    is_cut: Arc<AtomicBool>,
    news: Vec<(usize, News)>,
}

/// One bot's line. Derefs to its session.
pub(crate) struct Line<'a> {
    swarm: &'a mut Swarm,
    id: ClientId,
}

impl Lines {
    /// Sockets for so many bots of which so many are impaired, and the plan's network between them and the server. `herd`
    /// tells the herds' misfortunes apart.
    pub(crate) fn open(plan: &Plan, seats: usize, impaired: usize, herd: u32) -> io::Result<Self> {
        let socket_bots = if plan.behaviour.is_still() { STILL_SOCKET_BOTS } else { SOCKET_BOTS };
        let bad_sockets = impaired.div_ceil(socket_bots);
        let sockets = (bad_sockets + (seats - impaired).div_ceil(socket_bots)).max(1);
        let mut swarm = Swarm::bind(sockets)?;
        let is_cut = Arc::new(AtomicBool::new(false));
        for socket in 0..sockets {
            let impairment = if socket < bad_sockets { plan.network.impairment } else { Impairment::default() };
            if socket < bad_sockets || plan.network.cut.is_some() {
                let number = u64::from(herd) << 32 | socket as u64;
                let is_cut = Arc::clone(&is_cut);
                swarm.impair(socket, Box::new(BadPath { impairment, number, packets: [0; 2], is_cut }));
            }
        }
        Ok(Self {
            server: plan.server,
            swarm,
            clients: vec![None; seats],
            seats: Vec::new(),
            bad_sockets,
            sockets,
            is_cut,
            news: Vec::new(),
        })
    }

    /// Begins to connect a bot; [`Lines::wait`] tells how that went.
    pub(crate) fn connect(&mut self, seat: usize, caller: &Caller, is_impaired: bool) -> Result<(), String> {
        self.hang_up(seat);
        let good_sockets = self.sockets - self.bad_sockets;
        let socket = if is_impaired || good_sockets == 0 {
            seat % self.bad_sockets.max(1)
        } else {
            self.bad_sockets + seat % good_sockets
        };
        let id = match caller {
            Caller::Newcomer(options) => self.swarm.connect_through(socket, self.server, options)?,
            Caller::Returner(token, trust) => self.swarm.resume_through(socket, self.server, *token, *trust)?,
        };
        self.clients[seat] = Some(id);
        self.seats.resize(id.index() + 1, seat);
        self.seats[id.index()] = seat;
        Ok(())
    }

    /// The line of a bot that has one.
    pub(crate) fn line(&mut self, seat: usize) -> Option<Line<'_>> {
        let id = (*self.clients.get(seat)?)?;
        Some(Line { swarm: &mut self.swarm, id })
    }

    /// Lets packets come and go until then, and for a slice at least; answers what happened to whose lines.
    pub(crate) async fn wait(&mut self, until: Instant) -> io::Result<Vec<(usize, News)>> {
        let (seats, clients, news) = (&self.seats, &self.clients, &mut self.news);
        let hear = |id: ClientId, happened, _: &mut ClientSession| {
            let what = match happened {
                Happened::Entered => News::Entered,
                Happened::Closed(closed) => News::Closed(closed),
                Happened::Frame | Happened::Message => return,
            };
            // What becomes of lines that were given up matters to nobody.
            if let Some(&seat) = seats.get(id.index())
                && clients.get(seat) == Some(&Some(id))
            {
                news.push((seat, what));
            }
        };
        self.swarm.turn(until.max(Instant::now() + SLICE), hear).await?;
        Ok(std::mem::take(&mut self.news))
    }

    /// Takes a line away without a word.
    pub(crate) fn hang_up(&mut self, seat: usize) {
        if let Some(id) = self.clients.get_mut(seat).and_then(Option::take) {
            self.swarm.cut(id);
        }
    }

    /// Loses everything from now on, or nothing more than the impairment says.
    pub(crate) fn cut(&self, is_cut: bool) {
        self.is_cut.store(is_cut, Ordering::Relaxed);
    }

    /// Waits for the server's goodbyes on all lines.
    pub(crate) async fn leave(&mut self, within: Duration) -> io::Result<()> {
        let until = Instant::now() + within;
        while self.swarm.connected() > 0 && Instant::now() < until {
            self.wait(Instant::now() + SLICE * 20).await?;
        }
        Ok(())
    }
}

impl Line<'_> {
    /// True once the server may have heard who calls.
    pub(crate) fn has_spoken(&self) -> bool {
        self.swarm.has_spoken(self.id)
    }

    pub(crate) fn send_input(&mut self, step: StepInput) -> Result<(), SendError> {
        self.swarm.send_input(self.id, step)
    }

    pub(crate) fn send_command<C: ClientCommand>(&mut self, command: &C) -> Result<u32, SendError> {
        self.swarm.send_command(self.id, command)
    }

    pub(crate) fn send_datagram(&mut self, bytes: Bytes) -> Result<(), SendError> {
        self.swarm.send_datagram(self.id, bytes)
    }

    pub(crate) fn send_frame(&mut self, frame: &[u8]) -> Result<(), SendError> {
        self.swarm.send_frame(self.id, frame)
    }

    /// What the connection has counted.
    pub(crate) fn link(&mut self) -> LinkStats {
        self.swarm.stats(self.id)
    }
}

impl Deref for Line<'_> {
    type Target = ClientSession;

    fn deref(&self) -> &ClientSession {
        self.swarm.session(self.id)
    }
}

impl DerefMut for Line<'_> {
    fn deref_mut(&mut self) -> &mut ClientSession {
        self.swarm.session_mut(self.id)
    }
}

/// The path of one socket's packets: the n-th packet of a way always has the same fate.
struct BadPath {
    impairment: Impairment,
    number: u64,
    packets: [u64; 2],
    is_cut: Arc<AtomicBool>,
}

impl Path for BadPath {
    fn fate(&mut self, way: Way, _: usize) -> Fate {
        if self.is_cut.load(Ordering::Relaxed) {
            return [None; 2];
        }
        let (direction, count) = match way {
            Way::Out => (Direction::ToServer, &mut self.packets[0]),
            Way::In => (Direction::ToClient, &mut self.packets[1]),
        };
        *count += 1;
        self.impairment.fate(direction, self.number, *count - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fates(loss_pct: u8, is_cut: bool) -> Vec<Fate> {
        let impairment = Impairment { loss_pct, seed: 3, ..Impairment::default() };
        let is_cut = Arc::new(AtomicBool::new(is_cut));
        let mut path = BadPath { impairment, number: 1, packets: [0; 2], is_cut };
        (0..2_000).map(|_| path.fate(Way::In, 100)).collect()
    }

    #[test]
    fn a_bad_path_loses_its_share_and_the_same_packets_every_time() {
        let lost = fates(20, false).iter().filter(|fate| **fate == [None; 2]).count();
        assert!((340..460).contains(&lost), "{lost} of 2,000 lost");
        assert_eq!(fates(20, false), fates(20, false));
    }

    #[test]
    fn nothing_comes_through_a_cut() {
        assert!(fates(0, true).iter().all(|fate| *fate == [None; 2]));
        assert!(fates(0, false).iter().all(|fate| *fate == [Some(Duration::ZERO), None]));
    }
}
