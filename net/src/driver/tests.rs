//! Two drivers on loopback, one of them a server that answers everything it hears.

use std::future::poll_fn;
use std::net::UdpSocket;

use bytes::Bytes;
use tokio::time::timeout;

use super::*;
use crate::client::{Trust, client_config};
use crate::endpoint::{Certificate, EndpointLimits, client_transport, endpoint_config, server_config};

type Failure = Box<dyn std::error::Error>;

/// How long a test may hang before it fails; no outcome depends on it.
const BACKSTOP: Duration = Duration::from_secs(300);

/// One side of the conversation, and what it noticed.
#[derive(Default)]
struct Side {
    echoes: bool,
    patience: Duration,
    answer: Option<Answer<Talk>>,
    connected: usize,
    datagrams: Vec<Bytes>,
    stream: Vec<u8>,
    ended: bool,
    closed: Vec<ConnectionError>,
    knocks: Vec<Knock>,
}

/// What one end of a connection still has to write.
#[derive(Debug, Default)]
struct Talk {
    waiting: Bytes,
    last: bool,
}

impl Application for Side {
    type Peer = Talk;

    fn knock(&mut self, knock: Knock) -> Answer<Talk> {
        self.knocks.push(knock);
        self.answer.take().unwrap_or(Answer::Accept(Talk::default()))
    }

    fn connected(&mut self, _peer: &mut Talk, wire: &mut Wire<'_>) {
        assert!(self.echoes || wire.has_stream());
        wire.set_patience(self.patience);
        self.connected += 1;
    }

    fn datagram(&mut self, _peer: &mut Talk, wire: &mut Wire<'_>, bytes: Bytes) {
        if self.echoes {
            wire.send_datagram(bytes.clone()).expect("it came the same way");
        }
        self.datagrams.push(bytes);
    }

    fn visit(&mut self, peer: &mut Talk, wire: &mut Wire<'_>) {
        loop {
            if wire.write(&mut peer.waiting).is_err() || self.echoes && !peer.waiting.is_empty() {
                return;
            }
            match wire.read() {
                Read::Bytes(bytes) if self.echoes => peer.waiting = bytes,
                Read::Bytes(bytes) => self.stream.extend_from_slice(&bytes),
                Read::Nothing => break,
                Read::Ended => {
                    self.ended = true;
                    peer.last = self.echoes;
                    break;
                }
            }
        }
        if !peer.waiting.is_empty() {
            return;
        }
        if std::mem::take(&mut peer.last) {
            wire.finish();
        }
    }

    fn closed(&mut self, _peer: Talk, _wire: &mut Wire<'_>, reason: &ConnectionError) {
        self.closed.push(reason.clone());
    }
}

/// A server and a client of it.
struct Pair {
    server: (Driver<Talk>, Side),
    client: (Driver<Talk>, Side),
    server_addr: SocketAddr,
}

impl Pair {
    fn new() -> Result<Pair, Failure> {
        let certificate = Certificate::self_signed()?;
        let config = server_config(&certificate, &EndpointLimits::default())?;
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        let server_addr = socket.local_addr()?;
        let server = Driver::new(socket, endpoint_config()?, Some(config))?;
        let client = Driver::new(UdpSocket::bind("127.0.0.1:0")?, endpoint_config()?, None)?;
        let echo = Side { echoes: true, ..Side::default() };
        Ok(Pair { server: (server, echo), client: (client, Side::default()), server_addr })
    }

    fn connect(&mut self) -> Result<LinkKey, Failure> {
        let mut config = client_config(Trust::AnyCertificate)?;
        config.transport_config(Arc::new(client_transport()));
        Ok(self.client.0.connect(config, self.server_addr, "localhost", Talk::default())?)
    }

    /// Runs both until `done`.
    async fn until(&mut self, done: impl Fn(&Side, &Side) -> bool) -> Result<(), Failure> {
        let running = async {
            loop {
                let busy = self.server.0.slice(&mut self.server.1)? | self.client.0.slice(&mut self.client.1)?;
                if done(&self.server.1, &self.client.1) {
                    return Ok(());
                }
                let due = [self.server.0.next_due(), self.client.0.next_due()].into_iter().flatten().min();
                let due = due.unwrap_or_else(|| Instant::now() + Duration::from_secs(1));
                let (server, client) = (&self.server.0, &self.client.0);
                let ready = poll_fn(|context| {
                    let any = server.poll_ready(context).is_ready() | client.poll_ready(context).is_ready();
                    if any { Poll::Ready(()) } else { Poll::Pending }
                });
                pause(Instant::now() - SLICE, busy, due, ready).await;
                tokio::task::yield_now().await;
            }
        };
        timeout(BACKSTOP, running).await?
    }

    fn be_patient(&mut self, patience: Duration) {
        (self.server.1.patience, self.client.1.patience) = (patience, patience);
    }

    async fn meet(&mut self) -> Result<LinkKey, Failure> {
        let key = self.connect()?;
        self.until(|server, client| server.connected == 1 && client.connected == 1).await?;
        Ok(key)
    }

    fn say(&mut self, key: LinkKey, bytes: Bytes) -> Result<(), Failure> {
        let (mut wire, _) = self.client.0.link(key).ok_or("the link is gone")?;
        Ok(wire.send_datagram(bytes)?)
    }
}

#[tokio::test]
async fn datagrams_go_both_ways() -> Result<(), Failure> {
    let mut pair = Pair::new()?;
    let key = pair.meet().await?;
    for number in 0..3u8 {
        pair.say(key, Bytes::from(vec![number; 600]))?;
    }
    pair.until(|_, client| client.datagrams.len() == 3).await?;
    assert_eq!(pair.client.1.datagrams, pair.server.1.datagrams);
    Ok(())
}

#[tokio::test]
async fn a_stream_longer_than_every_window_comes_back_whole_and_ends() -> Result<(), Failure> {
    for patience in [Duration::ZERO, TICK_PATIENCE] {
        speak_at_length(patience).await?;
    }
    Ok(())
}

async fn speak_at_length(patience: Duration) -> Result<(), Failure> {
    let mut pair = Pair::new()?;
    pair.be_patient(patience);
    let key = pair.meet().await?;
    let long: Vec<u8> = (0..1_000_000u32).map(|index| (index % 251) as u8).collect();
    let (_, talk) = pair.client.0.link(key).ok_or("the link is gone")?;
    (talk.waiting, talk.last) = (Bytes::from(long.clone()), true);
    pair.until(|server, client| server.ended && client.ended).await?;
    assert!(pair.client.1.stream == long, "{} bytes came back", pair.client.1.stream.len());
    Ok(())
}

#[tokio::test]
async fn a_close_is_heard_with_its_code_and_the_connection_is_forgotten_by_both() -> Result<(), Failure> {
    let mut pair = Pair::new()?;
    let key = pair.meet().await?;
    let (mut wire, _) = pair.client.0.link(key).ok_or("the link is gone")?;
    wire.close(7, "enough");
    pair.until(|server, client| !server.closed.is_empty() && !client.closed.is_empty()).await?;
    let [ConnectionError::ApplicationClosed(close)] = &pair.server.1.closed[..] else {
        return Err(format!("{:?}", pair.server.1.closed).into());
    };
    assert_eq!((close.error_code.into_inner(), &close.reason[..]), (7, &b"enough"[..]));
    assert_eq!(pair.client.1.closed, [ConnectionError::LocallyClosed]);
    while pair.server.0.connections() + pair.client.0.connections() > 0 {
        let _late = timeout(Duration::from_millis(20), pair.until(|_, _| false)).await;
    }
    assert!(pair.client.0.link(key).is_none());
    Ok(())
}

#[tokio::test]
async fn a_server_that_says_no_is_heard_and_one_that_asks_for_proof_gets_it() -> Result<(), Failure> {
    let mut pair = Pair::new()?;
    pair.server.1.answer = Some(Answer::Refuse);
    pair.connect()?;
    pair.until(|_, client| !client.closed.is_empty()).await?;
    pair.server.1.answer = Some(Answer::Retry);
    pair.meet().await?;
    assert_eq!(pair.server.1.knocks.iter().map(|knock| knock.validated).collect::<Vec<_>>(), [false, false, true]);
    Ok(())
}

#[tokio::test]
async fn one_that_vanishes_is_missed_after_the_idle_timeout_and_hears_nothing() -> Result<(), Failure> {
    let mut pair = Pair::new()?;
    let key = pair.meet().await?;
    assert!(pair.client.0.vanish(key).is_some());
    assert!(pair.client.0.link(key).is_none());
    pair.until(|server, _| !server.closed.is_empty()).await?;
    assert_eq!(pair.server.1.closed, [ConnectionError::TimedOut]);
    assert!(pair.client.1.closed.is_empty(), "who vanished hears nothing");
    let again = pair.connect()?;
    assert!(pair.client.0.link(key).is_none() && pair.client.0.link(again).is_some());
    Ok(())
}

#[tokio::test]
async fn a_pause_longer_than_the_wheel_forgets_no_timer() -> Result<(), Failure> {
    let mut pair = Pair::new()?;
    let key = pair.meet().await?;
    let driver = &mut pair.client.0;
    assert!(driver.touched.is_empty() && driver.wheel.next_due().is_some(), "it waits for its timers");
    driver.expire(Instant::now() + Duration::from_secs(100));
    assert_eq!(driver.touched, [key.index]);
    Ok(())
}

/// Loses every third packet, delays all, and doubles some.
struct Bad(u64);

impl Path for Bad {
    fn fate(&mut self, _way: Way, _bytes: usize) -> Fate {
        self.0 += 1;
        let delay = Duration::from_micros(self.0 * 7_919 % 9_000);
        [(!self.0.is_multiple_of(3)).then_some(delay), self.0.is_multiple_of(7).then_some(delay * 2)]
    }
}

#[tokio::test]
async fn on_a_bad_path_the_stream_is_whole_and_datagrams_come_at_most_once() -> Result<(), Failure> {
    let mut pair = Pair::new()?;
    pair.be_patient(TICK_PATIENCE);
    pair.client.0.impair(Box::new(Bad(0)));
    let key = pair.meet().await?;
    let long: Vec<u8> = (0..50_000u32).map(|index| (index % 251) as u8).collect();
    let (_, talk) = pair.client.0.link(key).ok_or("the link is gone")?;
    (talk.waiting, talk.last) = (Bytes::from(long.clone()), true);
    for number in 0..5u8 {
        pair.say(key, Bytes::from(vec![number; 100]))?;
    }
    pair.until(|server, client| server.ended && client.ended).await?;
    assert!(pair.client.1.stream == long, "{} bytes came back", pair.client.1.stream.len());
    let mut came: Vec<u8> = pair.server.1.datagrams.iter().filter_map(|bytes| bytes.first().copied()).collect();
    came.sort_unstable();
    assert!(came.windows(2).all(|two| two[0] < two[1]), "{came:?}");
    Ok(())
}

#[tokio::test]
async fn many_connections_share_two_sockets() -> Result<(), Failure> {
    let mut pair = Pair::new()?;
    let keys: Vec<LinkKey> = (0..100).map(|_| pair.connect()).collect::<Result<_, _>>()?;
    pair.until(|server, client| server.connected == 100 && client.connected == 100).await?;
    for (number, key) in (0..).zip(&keys) {
        pair.say(*key, Bytes::from(vec![number; 30]))?;
    }
    pair.until(|_, client| client.datagrams.len() == 100).await?;
    let mut came: Vec<u8> = pair.client.1.datagrams.iter().filter_map(|bytes| bytes.first().copied()).collect();
    came.sort_unstable();
    assert_eq!(came, (0..100).collect::<Vec<u8>>());
    Ok(())
}

#[tokio::test]
async fn who_is_patient_acknowledges_with_what_it_says_next() -> Result<(), Failure> {
    let mut packets = Vec::new();
    for patience in [Duration::ZERO, Duration::from_secs(20)] {
        let mut pair = Pair::new()?;
        pair.be_patient(patience);
        let key = pair.meet().await?;
        let before = pair.client.0.link(key).ok_or("the link is gone")?.0.stats().udp_tx.datagrams;
        for number in 0..15u8 {
            pair.say(key, Bytes::from(vec![number; 100]))?;
            pair.until(|_, client| client.datagrams.len() > usize::from(number)).await?;
            // The next one is said long after QUIC would have acknowledged this one on its own.
            let _quiet = timeout(Duration::from_millis(80), pair.until(|_, _| false)).await;
        }
        let after = pair.client.0.link(key).ok_or("the link is gone")?.0.stats().udp_tx.datagrams;
        packets.push(after - before);
    }
    assert!(packets[1] < packets[0] && packets[1] <= 18, "packets for 15 datagrams: {packets:?}");
    Ok(())
}

#[tokio::test]
async fn what_leaves_in_bundles_comes_whole_and_for_each_connection_in_order() -> Result<(), Failure> {
    let mut pair = Pair::new()?;
    let keys: Vec<LinkKey> = (0..70).map(|_| pair.connect()).collect::<Result<_, _>>()?;
    pair.until(|server, client| server.connected == 70 && client.connected == 70).await?;
    for round in 0..20u8 {
        // Bundles of two sizes that are never full at the same time, and a connection that has something for both.
        for (number, key) in (0u8..).zip(&keys) {
            let bytes = [number, round].repeat(if number.is_multiple_of(3) { 300 } else { 30 });
            pair.say(*key, Bytes::from(bytes))?;
            if number == 7 {
                pair.say(*key, Bytes::from([number, round].repeat(500)))?;
            }
        }
        let count = usize::from(round + 1) * 71;
        pair.until(|server, _| server.datagrams.len() == count).await?;
    }
    for number in 0..70u8 {
        let came = pair.server.1.datagrams.iter().filter(|bytes| bytes.first() == Some(&number));
        let came: Vec<&Bytes> = came.collect();
        assert!(came.iter().all(|bytes| bytes.chunks(2).all(|two| two == &bytes[..2])), "damage in what {number} said");
        assert!(came.is_sorted_by_key(|bytes| bytes[1]), "{number} is out of order");
    }
    Ok(())
}
