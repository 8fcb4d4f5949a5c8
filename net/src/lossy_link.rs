//! A bad network on demand: a UDP proxy that loses, doubles, delays and reorders packets, the same ones for the same
//! seed.
//!
//! Clients connect to [`LossyLink::addr`] instead of the server. Every client address gets a socket of its own towards
//! the server. What happens to the n-th packet of a direction depends on the seed, the direction and n alone.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rustc_hash::FxHashMap;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Packets in flight in each direction of each client; what comes beyond is lost and counted.
const IN_FLIGHT_MAX: usize = 4_096;
/// Client addresses served; packets of others are lost and counted.
const CLIENTS_MAX: usize = 1_024;
/// How much later than its turn a reordered packet is sent, at least: others overtake it.
const REORDER_DELAY: Duration = Duration::from_millis(10);
/// Largest UDP packet there is, in bytes.
const PACKET_BYTES_MAX: usize = 65_535;

/// What the path does to packets, in both directions alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Impairment {
    /// Packets lost, in per cent, 0 to 100.
    pub loss_pct: u8,
    /// Packets that come twice, in per cent, 0 to 100.
    pub duplicate_pct: u8,
    /// Packets that others overtake, in per cent, 0 to 100.
    pub reorder_pct: u8,
    /// Delay of every packet, in milliseconds.
    pub delay_ms: u32,
    /// Delay added to it, evenly from 0 to this, in milliseconds.
    pub jitter_ms: u32,
    /// Decides which packets are hit.
    pub seed: u64,
}

/// What the proxy has done so far, both directions together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkStats {
    /// Packets sent on, each copy counted.
    pub forwarded: u64,
    /// Packets lost on purpose.
    pub lost: u64,
    /// Packets that were doubled.
    pub duplicated: u64,
    /// Packets held back so that others overtook them.
    pub reordered: u64,
    /// Packets lost while the link was cut.
    pub cut: u64,
    /// Packets lost because too many were in flight, or came from too many addresses.
    pub overflowed: u64,
}

/// A running proxy; dropping it stops it.
pub struct LossyLink {
    shared: Arc<Shared>,
    addr: SocketAddr,
    tasks: JoinSet<()>,
}

struct Shared {
    target: SocketAddr,
    impairment: Mutex<Impairment>,
    is_cut: AtomicBool,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    forwarded: AtomicU64,
    lost: AtomicU64,
    duplicated: AtomicU64,
    reordered: AtomicU64,
    cut: AtomicU64,
    overflowed: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl LossyLink {
    /// Listens on a loopback port and passes packets to `target` and back, on tasks of the current runtime.
    ///
    /// # Errors
    /// When no socket can be opened.
    pub async fn start(target: SocketAddr, impairment: Impairment) -> io::Result<LossyLink> {
        let listen = if target.is_ipv6() { (Ipv6Addr::LOCALHOST, 0).into() } else { (Ipv4Addr::LOCALHOST, 0).into() };
        let socket: SocketAddr = listen;
        let socket = Arc::new(UdpSocket::bind(socket).await?);
        let addr = socket.local_addr()?;
        let shared = Arc::new(Shared {
            target,
            impairment: Mutex::new(impairment),
            is_cut: AtomicBool::new(false),
            counts: Counts::default(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(serve_clients(socket, Arc::clone(&shared)));
        Ok(LossyLink { shared, addr, tasks })
    }

    /// Where clients connect.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Changes what the path does to packets from now on.
    pub fn set(&self, impairment: Impairment) {
        *self.shared.impairment() = impairment;
    }

    /// Loses everything until [`LossyLink::mend`].
    pub fn cut(&self) {
        self.shared.is_cut.store(true, Ordering::Relaxed);
    }

    /// Ends a [`LossyLink::cut`].
    pub fn mend(&self) {
        self.shared.is_cut.store(false, Ordering::Relaxed);
    }

    /// What was done so far.
    #[must_use]
    pub fn stats(&self) -> LinkStats {
        let counts = &self.shared.counts;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LinkStats {
            forwarded: read(&counts.forwarded),
            lost: read(&counts.lost),
            duplicated: read(&counts.duplicated),
            reordered: read(&counts.reordered),
            cut: read(&counts.cut),
            overflowed: read(&counts.overflowed),
        }
    }
}

impl std::fmt::Debug for LossyLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let running = self.tasks.len();
        f.debug_struct("LossyLink")
            .field("addr", &self.addr)
            .field("stats", &self.stats())
            .field("running", &running)
            .finish()
    }
}

impl Shared {
    fn impairment(&self) -> MutexGuard<'_, Impairment> {
        self.impairment.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One way of one client through a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client.
    ToServer,
    /// To the client.
    ToClient,
}

impl Impairment {
    /// What becomes of packet number `index` of a direction of path number `path`: the delays of its copies, none of a lost
    /// one. For whoever carries packets without this proxy.
    #[must_use]
    pub fn fate(&self, direction: Direction, path: u64, index: u64) -> [Option<Duration>; 2] {
        fate(self, direction, path, index).copies
    }
}

/// What becomes of one packet: one entry per copy, with the delay of each.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fate {
    copies: [Option<Duration>; 2],
    reordered: bool,
}

/// The fate of packet number `index` of a direction: a pure function of the impairment.
fn fate(impairment: &Impairment, direction: Direction, client: u64, index: u64) -> Fate {
    let way = match direction {
        Direction::ToServer => 1,
        Direction::ToClient => 2,
    };
    let key = mix(impairment.seed ^ mix(client << 2 | way)) ^ index;
    let draw = |salt: u64| mix(key ^ mix(salt));
    let happens = |salt, per_cent: u8| draw(salt) % 100 < u64::from(per_cent);
    if happens(1, impairment.loss_pct) {
        return Fate { copies: [None; 2], reordered: false };
    }
    let jitter = |salt| Duration::from_micros(draw(salt) % (u64::from(impairment.jitter_ms) * 1_000 + 1));
    let base = Duration::from_millis(u64::from(impairment.delay_ms));
    let reordered = happens(2, impairment.reorder_pct);
    let held = if reordered { REORDER_DELAY + jitter(3) } else { Duration::ZERO };
    let first = base + jitter(4) + held;
    let second = happens(5, impairment.duplicate_pct).then(|| base + jitter(6));
    Fate { copies: [Some(first), second], reordered }
}

/// The finaliser of splitmix64 (Steele, Lea and Flood 2014): every bit of the input reaches every bit of the output.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

/// Takes packets of all clients, and starts a pair of ways for every new address.
async fn serve_clients(socket: Arc<UdpSocket>, shared: Arc<Shared>) {
    let mut clients: FxHashMap<SocketAddr, Way> = FxHashMap::default();
    let mut tasks = JoinSet::new();
    let mut buffer = vec![0; PACKET_BYTES_MAX];
    loop {
        // An earlier packet that could not be delivered shows as an error here; the socket itself is fine.
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
        if !clients.contains_key(&from) {
            let number = clients.len() as u64;
            let way = if clients.len() < CLIENTS_MAX {
                connect(&socket, from, number, &shared, &mut tasks).await.ok()
            } else {
                None
            };
            let Some(way) = way else {
                count(&shared.counts.overflowed);
                continue;
            };
            clients.insert(from, way);
        }
        if let (Some(way), Some(packet)) = (clients.get_mut(&from), buffer.get(..length)) {
            way.pass(packet, &shared);
        }
    }
}

/// Opens a client's socket towards the server and starts both ways.
async fn connect(
    socket: &Arc<UdpSocket>,
    client: SocketAddr,
    number: u64,
    shared: &Arc<Shared>,
    tasks: &mut JoinSet<()>,
) -> io::Result<Way> {
    let any: SocketAddr =
        if shared.target.is_ipv6() { (Ipv6Addr::UNSPECIFIED, 0).into() } else { (Ipv4Addr::UNSPECIFIED, 0).into() };
    let upstream = Arc::new(UdpSocket::bind(any).await?);
    upstream.connect(shared.target).await?;
    let (to_server, from_client) = Way::new(Direction::ToServer, number);
    let (mut to_client, from_server) = Way::new(Direction::ToClient, number);
    tasks.spawn(deliver(from_client, Arc::clone(&upstream), None, Arc::clone(shared)));
    tasks.spawn(deliver(from_server, Arc::clone(socket), Some(client), Arc::clone(shared)));
    let shared = Arc::clone(shared);
    tasks.spawn(async move {
        let mut buffer = vec![0; PACKET_BYTES_MAX];
        loop {
            let Ok(length) = upstream.recv(&mut buffer).await else { continue };
            if let Some(packet) = buffer.get(..length) {
                to_client.pass(packet, &shared);
            }
        }
    });
    Ok(to_server)
}

/// The entrance of one direction of one client.
struct Way {
    direction: Direction,
    client: u64,
    next_index: u64,
    queue: mpsc::Sender<InFlight>,
}

/// A packet and when it is due; `order` keeps packets that are due together in their order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct InFlight {
    due: Instant,
    order: u64,
    packet: Bytes,
}

impl Way {
    fn new(direction: Direction, client: u64) -> (Way, mpsc::Receiver<InFlight>) {
        let (queue, exit) = mpsc::channel(IN_FLIGHT_MAX);
        (Way { direction, client, next_index: 0, queue }, exit)
    }

    fn pass(&mut self, packet: &[u8], shared: &Shared) {
        let counts = &shared.counts;
        if shared.is_cut.load(Ordering::Relaxed) {
            return count(&counts.cut);
        }
        let index = self.next_index;
        self.next_index += 1;
        let fate = fate(&shared.impairment(), self.direction, self.client, index);
        if fate.copies == [None; 2] {
            return count(&counts.lost);
        }
        if fate.reordered {
            count(&counts.reordered);
        }
        if fate.copies.iter().all(Option::is_some) {
            count(&counts.duplicated);
        }
        let now = Instant::now();
        let packet = Bytes::copy_from_slice(packet);
        for delay in fate.copies.into_iter().flatten() {
            let in_flight = InFlight { due: now + delay, order: index, packet: packet.clone() };
            if self.queue.try_send(in_flight).is_err() {
                count(&counts.overflowed);
            }
        }
    }
}

/// The exit of one direction: sends each packet when it is due. `to` is `None` for a connected socket.
async fn deliver(
    mut exit: mpsc::Receiver<InFlight>,
    socket: Arc<UdpSocket>,
    to: Option<SocketAddr>,
    shared: Arc<Shared>,
) {
    let mut waiting: BinaryHeap<Reverse<InFlight>> = BinaryHeap::new();
    loop {
        let due = waiting.peek().map(|Reverse(first)| first.due);
        tokio::select! {
            packet = exit.recv(), if waiting.len() < IN_FLIGHT_MAX => match packet {
                Some(packet) => waiting.push(Reverse(packet)),
                None => return,
            },
            () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                let Some(Reverse(first)) = waiting.pop() else { continue };
                let sent = match to {
                    Some(client) => socket.send_to(&first.packet, client).await,
                    None => socket.send(&first.packet).await,
                };
                // The other side may be gone; a network would not tell either.
                if sent.is_ok() {
                    count(&shared.counts.forwarded);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    const SECONDS: Duration = Duration::from_secs(10);
    const BAD: Impairment =
        Impairment { loss_pct: 20, duplicate_pct: 10, reorder_pct: 30, delay_ms: 1, jitter_ms: 2, seed: 7 };

    /// Numbers from 0 that a client sent through a link with this impairment, in the order they arrived.
    async fn arrived(impairment: Impairment, sent: u16) -> io::Result<(Vec<u16>, LinkStats)> {
        let server = UdpSocket::bind("127.0.0.1:0").await?;
        let link = LossyLink::start(server.local_addr()?, impairment).await?;
        let client = UdpSocket::bind("127.0.0.1:0").await?;
        let (mut numbers, mut packet) = (Vec::new(), [0; 2]);
        let mut sending = 0..sent;
        loop {
            // Few at a time, so that no socket buffer decides what is lost.
            for number in sending.by_ref().take(50) {
                client.send_to(&number.to_le_bytes(), link.addr()).await?;
            }
            let done = sending.is_empty();
            loop {
                let stats = link.stats();
                let through = u64::from(sent) - sending.len() as u64 - stats.lost + stats.duplicated;
                if numbers.len() as u64 >= through && stats.forwarded >= through {
                    break;
                }
                match timeout(Duration::from_millis(20), server.recv(&mut packet)).await {
                    Ok(length) => {
                        length?;
                        numbers.push(u16::from_le_bytes(packet));
                    }
                    Err(_) => continue,
                }
            }
            if done {
                return Ok((numbers, link.stats()));
            }
        }
    }

    #[test]
    fn the_same_seed_hits_the_same_packets_and_about_as_many_as_asked() {
        let fates = |seed| -> Vec<Fate> {
            (0..10_000).map(|index| fate(&Impairment { seed, ..BAD }, Direction::ToServer, 0, index)).collect()
        };
        assert_eq!(fates(1), fates(1));
        assert_ne!(fates(1), fates(2));
        let lost = fates(1).iter().filter(|fate| fate.copies == [None; 2]).count();
        let doubled = fates(1).iter().filter(|fate| fate.copies.iter().all(Option::is_some)).count();
        assert!((1_850..2_150).contains(&lost), "{lost} of 10,000 lost at 20 %");
        assert!((680..920).contains(&doubled), "{doubled} of 8,000 doubled at 10 %");
    }

    #[tokio::test]
    async fn a_good_link_passes_everything_in_order() -> io::Result<()> {
        let run = timeout(SECONDS, arrived(Impairment::default(), 500)).await?;
        assert_eq!(run?.0, (0..500).collect::<Vec<_>>());
        Ok(())
    }

    #[tokio::test]
    async fn a_bad_link_loses_the_packets_its_seed_says() -> io::Result<()> {
        let (mut numbers, stats) = timeout(SECONDS, arrived(BAD, 500)).await??;
        assert!(!numbers.is_sorted(), "nothing was overtaken");
        numbers.sort_unstable();
        let expected = |number: &u16| {
            let fate = fate(&BAD, Direction::ToServer, 0, u64::from(*number));
            vec![*number; fate.copies.into_iter().flatten().count()]
        };
        assert_eq!(numbers, (0..500u16).collect::<Vec<_>>().iter().flat_map(expected).collect::<Vec<_>>());
        assert!(stats.lost > 0 && stats.duplicated > 0 && stats.reordered > 0, "{stats:?}");
        Ok(())
    }

    #[tokio::test]
    async fn a_cut_link_passes_nothing_until_it_is_mended() -> io::Result<()> {
        let server = UdpSocket::bind("127.0.0.1:0").await?;
        let link = LossyLink::start(server.local_addr()?, Impairment::default()).await?;
        let client = UdpSocket::bind("127.0.0.1:0").await?;
        link.cut();
        client.send_to(b"lost", link.addr()).await?;
        let counted = async {
            while link.stats().cut == 0 {
                tokio::task::yield_now().await;
            }
        };
        timeout(SECONDS, counted).await?;
        link.mend();
        client.send_to(b"kept", link.addr()).await?;
        let mut packet = [0; 4];
        timeout(SECONDS, server.recv(&mut packet)).await??;
        assert_eq!(&packet, b"kept");
        Ok(())
    }

    #[tokio::test]
    async fn answers_find_their_client() -> io::Result<()> {
        let server = UdpSocket::bind("127.0.0.1:0").await?;
        let link = LossyLink::start(server.local_addr()?, Impairment::default()).await?;
        let clients = [UdpSocket::bind("127.0.0.1:0").await?, UdpSocket::bind("127.0.0.1:0").await?];
        let mut packet = [0; 1];
        for (client, name) in clients.iter().zip([b"a", b"b"]) {
            client.send_to(name, link.addr()).await?;
            let (_, from) = timeout(SECONDS, server.recv_from(&mut packet)).await??;
            server.send_to(&packet, from).await?;
            timeout(SECONDS, client.recv(&mut packet)).await??;
            assert_eq!(&packet, name);
        }
        Ok(())
    }
}
