//! One bot: a QUIC client with a brain. It acts every 50 ms in its own phase, nudged by what the server says of
//! how long inputs waited, and takes in what comes in between as it comes, so that what it measures is the path and
//! not its own laziness.

use std::sync::Arc;
use std::time::Duration;

use glam::Vec2;
use net::client::{Client, ClientEndpoint, Closed, ConnectError, ConnectOptions};
use net::codec::{decode_input, encode_input};
use net::mailbox::now_us;
use sim::assets::{ClassDef, SceneDef};
use sim::ids::SimId;
use sim::locomotion::StepInput;
use sim::random::{Random, Stream};
use sim::space::Geometry;
use sim::space::navmesh::Navmesh;
use tokio::time::{Instant, sleep_until};

use crate::behaviour::{Act, Brain, Turn};
use crate::doors;
use crate::herd::{Field, Phase};
use crate::invariants::Invariants;
use crate::measure::Measures;
use crate::senses::{Bits, Senses};

/// Time between two turns, the server's tick.
const TURN: Duration = Duration::from_millis(50);

/// How one bot's life went.
pub(crate) struct Life {
    /// Why it never stood in the world.
    pub(crate) refused: Option<ConnectError>,
    /// Why its session ended before it wanted to.
    pub(crate) dropped: Option<String>,
    /// The server's game data, when it is not the plan's.
    pub(crate) other_assets: Option<u64>,
    /// Things shown that cannot be true.
    pub(crate) violations: u64,
    /// The first of them in words.
    pub(crate) told: Vec<String>,
    /// What it measured.
    pub(crate) measures: Measures,
}

/// Lives one bot's life, from its connection to the end of the test.
pub(crate) async fn live(field: Arc<Field>, endpoint: Arc<ClientEndpoint>, number: u32) -> Life {
    let mut life = Life {
        refused: None,
        dropped: None,
        other_assets: None,
        violations: 0,
        told: Vec::new(),
        measures: Measures::default(),
    };
    sleep_until(field.join_time(number)).await;
    let class = field.class_of(number);
    let options = ConnectOptions {
        name: format!("bot-{}-{number}", field.plan.seed),
        class: class.id.clone(),
        trust: field.plan.trust,
    };
    let client = match Client::connect(&endpoint, field.plan.server, options).await {
        Ok(client) => client,
        Err(error) => {
            field.note_joined(false);
            life.refused = Some(error);
            return life;
        }
    };
    field.note_joined(true);
    let ours = field.plan.assets.hash;
    if let Some(theirs) = client.accepted().map(|accepted| accepted.assets_hash).filter(|&theirs| theirs != ours) {
        life.other_assets = Some(theirs);
        field.note_left();
        return life;
    }
    let brain = field.plan.behaviour.brain(number);
    let mut bot = Bot {
        field: &field,
        client,
        brain,
        class,
        number,
        turn: 0,
        facing: Vec2::Y,
        place: None,
        invariants: Invariants::default(),
    };
    bot.play(&mut life).await;
    let Bot { client, invariants, .. } = bot;
    life.violations = invariants.count();
    life.told = invariants.told();
    field.note_left();
    if life.dropped.is_none() {
        // Whether the server's goodbye came in time does not matter to anyone who is leaving.
        let _goodbye = client.leave().await;
    }
    life
}

/// The scene a bot is in, as its own data describes it.
struct Place<'f> {
    epoch: u32,
    bits: Bits,
    def: &'f SceneDef,
    /// With the doors as they were last seen.
    geometry: Arc<Geometry>,
    navmesh: Option<&'f Navmesh>,
}

struct Bot<'f> {
    field: &'f Field,
    client: Client,
    brain: Box<dyn Brain>,
    class: &'f ClassDef,
    number: u32,
    turn: u32,
    facing: Vec2,
    place: Option<Place<'f>>,
    invariants: Invariants,
}

impl Bot<'_> {
    async fn play(&mut self, life: &mut Life) {
        let began = Instant::now();
        let mut next_turn = began;
        let is_alive = loop {
            tokio::select! {
                alive = self.client.next() => {
                    if !alive {
                        break false;
                    }
                }
                () = sleep_until(next_turn) => {
                    let phase = self.field.phase();
                    if phase == Phase::Leaving {
                        break true;
                    }
                    life.measures.take_times(&mut self.client, phase == Phase::Measuring);
                    self.take_turn(&mut life.measures);
                    next_turn = self.following(next_turn);
                }
            }
        };
        life.measures.connected = began.elapsed();
        life.measures.take_counts(&self.client);
        if !is_alive {
            life.dropped = Some(self.why_dropped());
        }
    }

    /// When the turn after the one due at `turn` is due. A bot that was held up does not hurry afterwards.
    fn following(&mut self, turn: Instant) -> Instant {
        let correction_us = self.client.pacing_correction_us();
        let correction = Duration::from_micros(correction_us.unsigned_abs());
        let next = if correction_us < 0 { turn + TURN - correction } else { turn + TURN + correction };
        next.max(Instant::now())
    }

    fn why_dropped(&self) -> String {
        let reason = match (self.client.goodbye(), self.client.closed()) {
            (Some(goodbye), _) => format!("the server said {}", goodbye.name()),
            (None, Some(Closed::Lost)) => "the connection was lost".to_owned(),
            (None, closed) => format!("the connection ended ({closed:?})"),
        };
        format!("bot {} was dropped in turn {}: {reason}", self.number, self.turn)
    }

    fn take_turn(&mut self, measures: &mut Measures) {
        self.turn += 1;
        self.find_place();
        self.look_at_doors();
        while let Some(rejection) = self.client.take_rejection() {
            measures.rejections += 1;
            self.brain.on_rejection(&rejection.reason);
        }
        // Nobody here reads what happened to others; the queue is kept short.
        while self.client.take_event().is_some() {}
        let Some(place) = &self.place else { return self.step(StepInput::default(), &Manner::default()) };
        let senses = Senses {
            client: &self.client,
            bits: place.bits,
            assets: &self.field.plan.assets,
            scene: place.def,
            geometry: &place.geometry,
            navmesh: place.navmesh,
            class: self.class,
            facing: self.facing,
            turn: self.turn,
        };
        self.invariants.check(&senses);
        measures.visible_sum += senses.client.world().entities().len().saturating_sub(1) as u64;
        measures.visible_samples += 1;
        let random = Random::new(self.field.plan.seed);
        let mut draw = random.draw(self.turn, SimId::from_bits(self.number), Stream("bot"), 0);
        let turn = self.brain.decide(&senses, &mut draw);
        self.carry_out(turn);
    }

    /// Learns of a new scene: its numbers on the wire, and its geometry for the prediction.
    fn find_place(&mut self) {
        let Some(scene) = self.client.world().scene() else { return };
        if self.place.as_ref().is_some_and(|place| place.epoch == scene.epoch) {
            return;
        }
        let epoch = scene.epoch;
        let navmesh = self.field.plan.navmeshes.get(&scene.id).map(Arc::as_ref);
        self.place = self.field.scene(&scene.id).map(|(def, geometry)| {
            let profile = self.field.plan.assets.movements[self.class.movement.id()].clone();
            self.client.predict_with(profile, Arc::clone(geometry));
            Place { epoch, bits: Bits::of(&self.client), def, geometry: Arc::clone(geometry), navmesh }
        });
    }

    /// Takes over what the server shows of the scene's doors.
    fn look_at_doors(&mut self) {
        let Some(place) = &mut self.place else { return };
        if let Some(geometry) = doors::as_shown(&self.client, place.bits, &place.geometry) {
            place.geometry = Arc::new(geometry);
            self.client.predict_in(Arc::clone(&place.geometry));
        }
    }

    fn carry_out(&mut self, turn: Turn) {
        self.facing = turn.step.wish.try_normalize().unwrap_or(self.facing);
        let (mut steps, mut manner) = (1, Manner::default());
        for act in turn.acts {
            // A connection that takes nothing any more shows in the next read, with its reason.
            let _sent = match act {
                Act::Cast(command) => self.client.send_command(&command).map(drop),
                Act::Take(command) => self.client.send_command(&command).map(drop),
                Act::Release(command) => self.client.send_command(&command).map(drop),
                Act::Datagram(bytes) => self.client.send_raw_datagram(bytes.into()),
                Act::Frame(bytes) => self.client.send_raw_frame(&bytes),
                Act::Hurry => {
                    steps += 1;
                    Ok(())
                }
                Act::Repeat(times) => {
                    manner.repeats = times;
                    Ok(())
                }
                Act::Claim(x_cm, z_cm) => {
                    manner.lie_cm = (x_cm, z_cm);
                    Ok(())
                }
            };
        }
        for _ in 0..steps {
            self.step(turn.step, &manner);
        }
    }

    fn step(&mut self, step: StepInput, manner: &Manner) {
        if *manner == Manner::default() {
            let _sent = self.client.send_input(step);
            return;
        }
        let mut bytes = Vec::new();
        let _always_fits = self.client.input(step, now_us(), &mut bytes);
        // A lie is the honest datagram with another claim.
        if let Ok(mut honest) = decode_input(&bytes) {
            honest.claim_x_cm += manner.lie_cm.0;
            honest.claim_z_cm += manner.lie_cm.1;
            let _always_fits = encode_input(&honest, &mut bytes);
        }
        for _ in 0..=manner.repeats {
            let _sent = self.client.send_raw_datagram(bytes.clone().into());
        }
    }
}

/// How a bot sends its step; honest bots have the default.
#[derive(Debug, Default, PartialEq, Eq)]
struct Manner {
    lie_cm: (i32, i32),
    repeats: usize,
}
