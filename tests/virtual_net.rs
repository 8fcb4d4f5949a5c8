//! `VirtualNet`: a scene and its clients in virtual time, with bad ways between them. No socket, no clock and no sleep: an
//! hour passes as fast as it can be simulated, and the same seed loses the same datagrams.
//!
//! Datagrams are lost, delayed and reordered. What rides on the stream comes whole and in order, each loss costing it a
//! further round trip, as QUIC would have it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use glam::Vec2;
use net::client::ClientSession;
use net::mailbox::{Inbound, Outgoing, SessionId, TaskEnd, mailbox};
use net::sessions::{self, Join};
use sim::assets::Assets;
use sim::ids::{PlayerId, SimId};
use sim::input::{Character, Players};
use sim::locomotion::StepInput;
use sim::random::{Draw, Random, Stream};
use sim::testing::TestScene;

/// A tick, in microseconds.
pub(crate) const TICK_US: u64 = 50_000;
/// How finely time passes, in microseconds.
const STEP_US: u64 = 1_000;

/// What a way does to what travels it, in either direction.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Way {
    pub(crate) loss: f32,
    pub(crate) delay_ms: u32,
    pub(crate) jitter_ms: u32,
}

/// Something on its way, by when it comes.
type OnTheWay<T> = BTreeMap<(u64, u64), T>;

enum Parcel {
    Datagram(Bytes),
    Frame(Bytes),
}

/// One client.
pub(crate) struct Seat {
    pub(crate) session: ClientSession,
    pub(crate) id: SimId,
    pub(crate) way: Way,
    /// What it wishes from now on; `None` says nothing at all.
    pub(crate) wish: Option<Vec2>,
    task: TaskEnd,
    next_input_us: u64,
    to_client: OnTheWay<Parcel>,
    to_server: OnTheWay<Parcel>,
    /// When the last frame of the stream comes, to the client and to the server.
    stream_us: (u64, u64),
}

/// A scene, its clients, and the ways between them.
pub(crate) struct VirtualNet {
    pub(crate) inner: TestScene,
    pub(crate) seats: Vec<Seat>,
    pub(crate) now_us: u64,
    random: Random,
    sent: u64,
}

impl VirtualNet {
    pub(crate) fn of(assets: &Arc<Assets>, scene: &str, seed: u64) -> Self {
        let inner = TestScene::of(assets, scene, 1, |app| {
            app.add_plugins(net::plugin);
        });
        Self { inner, seats: Vec::new(), now_us: 1_000_000, random: Random::new(seed), sent: 0 }
    }

    /// Seats a client whose inputs begin at some phase of the tick; answers its number.
    pub(crate) fn join(&mut self, way: Way) -> usize {
        let number = self.seats.len();
        let player = PlayerId(number as u64 + 1);
        let (task, end) = mailbox(SessionId::next());
        let character = Character { name: format!("p{number}"), class: "class/fighter".into(), parts: Vec::new() };
        sessions::attach(&mut self.inner.scene, Join { player, character, spawn_point: None }, end);
        self.seats.push(Seat {
            session: ClientSession::default(),
            id: SimId::new(0, 0),
            way,
            wish: None,
            task,
            next_input_us: self.now_us + number as u64 * 7_000 % TICK_US,
            to_client: BTreeMap::new(),
            to_server: BTreeMap::new(),
            stream_us: (0, 0),
        });
        self.run(3 * TICK_US, |_| {});
        self.seats[number].id = self.inner.scene.world().resource::<Players>().0[&player].0;
        while self.seats[number].session.world().scene().is_none() {
            self.run(TICK_US, |_| {});
        }
        number
    }

    /// Has a client predict its character with the rules of the scene.
    pub(crate) fn predict(&mut self, number: usize) {
        let profile = self.inner.config.assets.movements.iter().next().expect("there is one").1.clone();
        let geometry = Arc::clone(&self.inner.config.geometry);
        self.seats[number].session.predict_with(profile, geometry);
    }

    /// Puts a frame of a client on its stream.
    pub(crate) fn send_frame(&mut self, number: usize, frame: Bytes) {
        let mut draw = self.draw();
        let (sent, now_us) = (self.sent, self.now_us);
        let seat = &mut self.seats[number];
        let at_us = seat.way.on_stream(now_us, &mut draw).max(seat.stream_us.1);
        seat.stream_us.1 = at_us;
        seat.to_server.insert((at_us, sent), Parcel::Frame(frame));
    }

    /// Lets time pass; `each_tick` is called after every tick of the scene.
    pub(crate) fn run(&mut self, us: u64, mut each_tick: impl FnMut(&mut Self)) {
        let end_us = self.now_us + us;
        while self.now_us < end_us {
            self.now_us += STEP_US;
            self.deliver();
            if self.now_us.is_multiple_of(TICK_US) {
                sessions::begin_tick(&mut self.inner.scene, self.now_us);
                self.inner.scene.tick();
                self.collect();
                each_tick(self);
            }
            self.make_inputs();
        }
    }

    fn deliver(&mut self) {
        for number in 0..self.seats.len() {
            let now_us = self.now_us;
            let seat = &mut self.seats[number];
            while let Some(entry) = seat.to_client.first_entry().filter(|entry| entry.key().0 <= now_us) {
                match entry.remove() {
                    Parcel::Datagram(bytes) => seat.session.on_datagram(&bytes, now_us),
                    Parcel::Frame(bytes) => seat.session.on_frame(&bytes),
                }
            }
            while let Some(entry) = seat.to_server.first_entry().filter(|entry| entry.key().0 <= now_us) {
                let item = match entry.remove() {
                    Parcel::Datagram(bytes) => Inbound::Datagram { bytes, received_us: now_us },
                    Parcel::Frame(bytes) => Inbound::Frame { bytes, received_us: now_us },
                };
                seat.task.push(item).expect("the inbox is emptied every tick");
            }
            for frame in seat.session.take_outgoing() {
                self.send_frame(number, frame);
            }
        }
    }

    fn collect(&mut self) {
        for number in 0..self.seats.len() {
            let task = &self.seats[number].task;
            let Outgoing { datagrams, frames, .. } = task.take();
            frames.iter().for_each(|frame| task.written(frame.len()));
            for bytes in datagrams {
                let mut draw = self.draw();
                let (sent, now_us) = (self.sent, self.now_us);
                let seat = &mut self.seats[number];
                if let Some(at_us) = seat.way.of_datagram(now_us, &mut draw) {
                    seat.to_client.insert((at_us, sent), Parcel::Datagram(bytes));
                }
            }
            for bytes in frames {
                let mut draw = self.draw();
                let (sent, now_us) = (self.sent, self.now_us);
                let seat = &mut self.seats[number];
                let at_us = seat.way.on_stream(now_us, &mut draw).max(seat.stream_us.0);
                seat.stream_us.0 = at_us;
                seat.to_client.insert((at_us, sent), Parcel::Frame(bytes));
            }
        }
    }

    fn make_inputs(&mut self) {
        for number in 0..self.seats.len() {
            let now_us = self.now_us;
            let seat = &mut self.seats[number];
            let Some(wish) = seat.wish.filter(|_| now_us >= seat.next_input_us) else { continue };
            let mut datagram = Vec::new();
            seat.session.input(StepInput { wish, walk: false }, now_us, &mut datagram).expect("it fits");
            let period_us = TICK_US.saturating_add_signed(seat.session.pacing_correction_us());
            // Whoever begins to speak late does not make up for it.
            seat.next_input_us = (seat.next_input_us + period_us).max(now_us);
            let mut draw = self.draw();
            let sent = self.sent;
            let seat = &mut self.seats[number];
            if let Some(at_us) = seat.way.of_datagram(now_us, &mut draw) {
                seat.to_server.insert((at_us, sent), Parcel::Datagram(datagram.into()));
            }
        }
    }

    fn draw(&mut self) -> Draw {
        self.sent += 1;
        self.random.draw(0, SimId::new(1, 0), Stream("way"), self.sent)
    }
}

impl Way {
    /// When a datagram comes, if it does.
    fn of_datagram(self, now_us: u64, draw: &mut Draw) -> Option<u64> {
        (draw.unit() >= self.loss).then(|| now_us + self.takes_us(draw))
    }

    /// When a frame of the stream comes: at once, or after as many losses as it takes.
    fn on_stream(self, now_us: u64, draw: &mut Draw) -> u64 {
        let mut at_us = now_us + self.takes_us(draw);
        while draw.unit() < self.loss {
            at_us += 2 * u64::from(self.delay_ms + self.jitter_ms) * 1_000 + 25_000;
        }
        at_us
    }

    fn takes_us(self, draw: &mut Draw) -> u64 {
        u64::from(self.delay_ms) * 1_000 + u64::from(draw.below(self.jitter_ms * 1_000 + 1))
    }
}
