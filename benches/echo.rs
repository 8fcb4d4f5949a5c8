//! What does the game add to its transport? First a whole server and then a bare echo, each in a process of its own,
//! serve the same clients: an input of the same size from each every 50 ms, and as many datagrams of the same size back.
//! The processor time of the serving process per client and tick, and the ratio of the two.
//!
//! The players run about on a plain of 1 km, or with `field` in the crowd of the built-in one. The echo answers at once,
//! which its clients acknowledge before they speak again; the packets of both ways are told for both.
//!
//! `cargo bench --bench echo -- [field] [CLIENTS] [SECONDS]`; both run on this machine, as the clients do.
//! `cargo bench --bench echo -- idle [CLIENTS] [SECONDS]`: memory and processor time of clients that say nothing.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use net::client::swarm::{ClientId, Happened, Swarm};
use net::client::{ConnectOptions, Trust};
use net::endpoint::{Answers, Certificate, Echo};
use server::config::Config;
use server::lab::plain::{self, Plain};
use server::serve::Server;
use sim::locomotion::StepInput;

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a child is to serve: `game`, `game` with the folder of its data, or the bytes of an echo's answers and how many
/// there are to a thousand inputs.
const ROLE: &str = "MAINSPRING_ECHO_BENCH_ROLE";
/// The plain.
const PLAIN: Plain = Plain { side_m: 1_000.0, view_m: 60.0, players_max: 50_000 };
const TICK: Duration = Duration::from_millis(50);
/// Clients that begin to connect in a millisecond.
const JOINS_PER_MS: u64 = 1;
/// Time for the clients to spread out after the last has come.
const SETTLE: Duration = Duration::from_secs(20);
const CLIENTS: usize = 1_000;
const SECONDS: u64 = 20;
/// Clients of one socket.
const SOCKET_CLIENTS: usize = 64;
/// Bytes that QUIC adds to a datagram, with an acknowledgement.
const PACKET_BYTES: f64 = 36.0;
/// Bytes of an input as clients send it, when there is no world to act in.
const INPUT_BYTES: usize = 62;

fn main() {
    if let Ok(role) = std::env::var(ROLE) {
        return serve(&role);
    }
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let clients = numbers.first().map_or(CLIENTS, |&clients| usize::try_from(clients).expect("a count"));
    let length = Duration::from_secs(numbers.get(1).copied().unwrap_or(SECONDS));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an event loop");
    if std::env::args().any(|argument| argument == "idle") {
        for (role, name) in [("game", "server"), ("600 1000", "echo")] {
            runtime.block_on(Trial::of(role).idle(name, clients, length));
        }
        return;
    }
    println!("{clients} clients, {} s after {} s to settle", length.as_secs(), SETTLE.as_secs());
    let folder = std::env::temp_dir().join(format!("mainspring-echo-{}", std::process::id()));
    let is_in_field = std::env::args().any(|argument| argument == "field");
    if !is_in_field {
        plain::write(&PLAIN, &folder).expect("a folder for the plain");
    }
    let role = if is_in_field { "game".to_owned() } else { format!("game {}", folder.display()) };
    let game = runtime.block_on(Trial::of(&role).run(clients, length));
    game.print("server");
    let role = format!("{} {:.0}", game.answer_bytes, game.answered * 1e3);
    let echo = runtime.block_on(Trial::of(&role).run(clients, length));
    echo.print("echo");
    println!("server / echo: {:.2}", game.cpu_us / echo.cpu_us);
    if !is_in_field {
        std::fs::remove_dir_all(&folder).expect("it was made above");
    }
}

/// A child's life: serves until its parent closes the pipe.
fn serve(role: &str) {
    let any_port: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    let until_parent_is_done = |addr: SocketAddr| {
        println!("{addr}");
        std::io::stdout().flush().expect("the parent reads");
        let _end = std::io::stdin().lines().count();
    };
    let (first, rest) = role.split_once(' ').map_or((role, None), |(first, rest)| (first, Some(rest)));
    if let (Ok(bytes), Some(per_thousand)) = (first.parse(), rest.and_then(|rest| rest.parse().ok())) {
        let certificate = Certificate::self_signed().expect("a certificate");
        let echo = Echo::bind(any_port, &certificate, Answers { bytes, per_thousand }).expect("a port");
        return until_parent_is_done(echo.local_addr());
    }
    let config = Config {
        listen: any_port,
        http: any_port,
        players_max: 50_000,
        connections_max: 50_000,
        seed: Some(7),
        ..Config::default()
    };
    let assets = server::assets::load(rest.map(Path::new)).expect("the data is good");
    let server = Server::start(&config, assets).expect("it starts");
    until_parent_is_done(server.facts().listen);
    server.stop();
}

/// A serving child.
struct Trial {
    child: Child,
    addr: SocketAddr,
    is_game: bool,
}

/// What came of it.
struct Outcome {
    /// Processor time of the child per client and tick, in microseconds.
    cpu_us: f64,
    /// The same by thread.
    threads: BTreeMap<String, f64>,
    /// Mean size of what came back, without headers.
    answer_bytes: usize,
    /// Answers per input.
    answered: f64,
    /// Packets per input, to the child and from it.
    packets: Vec<f64>,
}

impl Trial {
    fn of(role: &str) -> Trial {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .env(ROLE, role)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child");
        let mut first = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut first).expect("the child's address");
        Trial { child, addr: first.trim().parse().expect("an address"), is_game: role.starts_with("game") }
    }

    /// The child ends when nobody can write to it any more.
    fn end(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().expect("the child ends");
    }

    /// Connects everyone and waits.
    async fn idle(mut self, name: &str, clients: usize, length: Duration) {
        let mut crowd = Crowd::new(clients, self.is_game);
        let empty_kib = resident_kib(self.child.id());
        let began = Instant::now();
        crowd.join(self.addr).await;
        let joined = began.elapsed();
        crowd.rest(SETTLE).await;
        let before: f64 = cpu_seconds(self.child.id()).values().map(|(_, seconds)| seconds).sum();
        crowd.rest(length).await;
        let after: f64 = cpu_seconds(self.child.id()).values().map(|(_, seconds)| seconds).sum();
        let full_kib = resident_kib(self.child.id());
        println!(
            "{name:8} {clients} idle: {:.1} KiB each ({} MiB in all, {} MiB empty), {:.1} % of a core, {:.0} joins a second",
            (full_kib - empty_kib) / clients as f64,
            (full_kib / 1_024.0).round(),
            (empty_kib / 1_024.0).round(),
            (after - before) / length.as_secs_f64() * 100.0,
            clients as f64 / joined.as_secs_f64(),
        );
        self.end();
    }

    async fn run(mut self, clients: usize, length: Duration) -> Outcome {
        let mut crowd = Crowd::new(clients, self.is_game);
        crowd.join(self.addr).await;
        crowd.act_for(SETTLE).await;
        let before = (crowd.counts(), cpu_seconds(self.child.id()));
        crowd.act_for(length).await;
        let after = (crowd.counts(), cpu_seconds(self.child.id()));
        self.end();
        let sent = after.0.sent - before.0.sent;
        let came = after.0.came - before.0.came;
        let mut threads: BTreeMap<String, f64> = BTreeMap::new();
        for (thread, (name, seconds)) in after.1 {
            let earlier = before.1.get(&thread).map_or(0.0, |(_, seconds)| *seconds);
            *threads.entry(name).or_default() += (seconds - earlier) * 1e6 / sent;
        }
        Outcome {
            cpu_us: threads.values().sum(),
            threads,
            answer_bytes: ((after.0.bytes - before.0.bytes) / came - PACKET_BYTES).round() as usize,
            answered: came / sent,
            packets: (0..2).map(|way| (after.0.packets[way] - before.0.packets[way]) / sent).collect(),
        }
    }
}

impl Outcome {
    fn print(&self, name: &str) {
        let threads: Vec<String> =
            self.threads.iter().filter(|(_, us)| **us >= 0.05).map(|(name, us)| format!("{name} {us:.1}")).collect();
        println!(
            "{name:8} {:6.2} us per client and tick ({}), {} B back, {:.3} answers per input, packets {:.2} in, {:.2} out",
            self.cpu_us,
            threads.join(", "),
            self.answer_bytes,
            self.answered,
            self.packets[0],
            self.packets[1],
        );
    }
}

/// The clients, acting every 50 ms: evenly spread over the time, or when the server asks for it.
struct Crowd {
    swarm: Swarm,
    ids: Vec<ClientId>,
    count: usize,
    is_game: bool,
    /// When which client acts.
    agenda: BinaryHeap<Reverse<(Instant, usize)>>,
    turn: u64,
    sent: f64,
    came: f64,
}

#[derive(Clone, Copy)]
struct Counts {
    sent: f64,
    came: f64,
    bytes: f64,
    /// To the child and from it.
    packets: [f64; 2],
}

impl Crowd {
    fn new(count: usize, is_game: bool) -> Crowd {
        let swarm = Swarm::bind(count.div_ceil(SOCKET_CLIENTS)).expect("sockets");
        Crowd { swarm, ids: Vec::new(), count, is_game, agenda: BinaryHeap::new(), turn: 0, sent: 0.0, came: 0.0 }
    }

    fn counts(&mut self) -> Counts {
        let mut counts = Counts { sent: self.sent, came: self.came, bytes: 0.0, packets: [0.0; 2] };
        for stats in self.ids.iter().map(|&id| self.swarm.stats(id)) {
            counts.bytes += stats.received_bytes as f64;
            counts.packets[0] += stats.sent_datagrams as f64;
            counts.packets[1] += stats.received_datagrams as f64;
        }
        counts
    }

    async fn join(&mut self, addr: SocketAddr) {
        while self.ids.len() < self.count {
            for _ in 0..JOINS_PER_MS {
                let name = format!("echo-{}", self.ids.len());
                let options = ConnectOptions { name, class: String::new(), trust: Trust::AnyCertificate };
                let id = self.swarm.connect(addr, &options).expect("it can be tried");
                self.swarm.session_mut(id).ignore_places();
                self.ids.push(id);
            }
            self.turn_until(Instant::now() + Duration::from_millis(1)).await;
        }
    }

    async fn rest(&mut self, length: Duration) {
        self.turn_until(Instant::now() + length).await;
        self.tell_lost();
    }

    /// Says who is not there any more, and why: a figure without them would flatter.
    fn tell_lost(&self) {
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        for closed in self.ids.iter().filter_map(|&id| self.swarm.closed(id)) {
            *reasons.entry(format!("{closed:?}")).or_default() += 1;
        }
        if !reasons.is_empty() {
            println!("lost of {} clients: {reasons:?}", self.count);
        }
    }

    async fn act_for(&mut self, length: Duration) {
        let until = Instant::now() + length;
        if self.agenda.is_empty() {
            let count = u32::try_from(self.ids.len()).expect("a count");
            let first = |(client, _)| {
                Reverse((Instant::now() + TICK * u32::try_from(client).expect("a count") / count, client))
            };
            self.agenda = self.ids.iter().enumerate().map(first).collect();
        }
        while Instant::now() < until {
            while let Some(&Reverse((due, client))) = self.agenda.peek()
                && due <= Instant::now()
            {
                self.agenda.pop();
                self.act(client);
                let correction_us = self.swarm.session_mut(self.ids[client]).pacing_correction_us();
                let correction = Duration::from_micros(correction_us.unsigned_abs());
                let next = if correction_us < 0 { due + TICK - correction } else { due + TICK + correction };
                self.agenda.push(Reverse((next.max(Instant::now()), client)));
            }
            self.turn_until(Instant::now() + Duration::from_millis(1)).await;
        }
        self.tell_lost();
    }

    fn act(&mut self, client: usize) {
        let Some(&id) = self.ids.get(client) else { return };
        self.turn += 1;
        let sent = if self.is_game {
            // Each in a direction of its own, back and forth: everybody moves, and stays.
            let angle = client as f32 * 2.4 + (self.turn / (self.ids.len() as u64 * 400)) as f32 * std::f32::consts::PI;
            self.swarm
                .send_input(id, StepInput::from_wire((angle.cos() * 127.0) as i8, (angle.sin() * 127.0) as i8, false))
        } else {
            self.swarm.send_datagram(id, Bytes::from_static(&[0; INPUT_BYTES]))
        };
        self.sent += f64::from(u8::from(sent.is_ok()));
    }

    async fn turn_until(&mut self, until: Instant) {
        let mut came = 0u32;
        let count = |_, happened, _: &mut _| came += u32::from(happened == Happened::Frame);
        self.swarm.turn(until, count).await.expect("the sockets are good");
        self.came += f64::from(came);
    }
}

/// Memory of a process, in KiB.
fn resident_kib(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a running process");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Processor time of a process by thread: its name, and seconds.
fn cpu_seconds(pid: u32) -> BTreeMap<String, (String, f64)> {
    let mut threads = BTreeMap::new();
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).expect("Linux").flatten() {
        let read = |file| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
        let Some(nanoseconds) = read("schedstat").split(' ').next().and_then(|first| first.parse::<f64>().ok()) else {
            continue;
        };
        let name = read("comm").trim().to_owned();
        threads.insert(task.file_name().to_string_lossy().into_owned(), (name, nanoseconds / 1e9));
    }
    threads
}
