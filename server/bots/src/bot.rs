//! One bot: a brain, what it makes of the scene it is in, and how it acts on its line. It acts every 50 ms in its own phase,
//! nudged by what the server says of how long inputs waited. What comes in between is stamped with its time of arrival, so
//! that what is measured is the path and not the bot's own laziness.

use std::sync::Arc;
use std::time::Duration;

use glam::Vec2;
use net::client::{ClientSession, Stats};
use net::codec::{decode_input, encode_client_message, encode_input};
use net::mailbox::now_us;
use net::protocol::ClientMessage;
use sim::actor::Kind;
use sim::assets::{ClassDef, SceneDef};
use sim::ids::SimId;
use sim::locomotion::StepInput;
use sim::random::{Random, Stream};
use sim::space::Geometry;
use sim::space::navmesh::Navmesh;
use sim::wire::Reader;

use crate::behaviour::{Act, Brain, Turn};
use crate::doors;
use crate::herd::Field;
use crate::invariants::Invariants;
use crate::line::Line;
use crate::measure::{Measures, Reading};
use crate::senses::{Bits, Senses};

/// Turns between two looks at what its session has counted (1 s).
const COUNT_TURNS: u32 = 20;
/// Turns without a frame after which a line counts as lost, when the network is known to be cut (1.5 s).
const SILENT_TURNS: u32 = 30;

/// The scene a bot is in, as its own data describes it.
struct Place<'f> {
    epoch: u32,
    bits: Bits,
    def: &'f SceneDef,
    /// With the doors as they were last seen.
    geometry: Arc<Geometry>,
    navmesh: Option<&'f Navmesh>,
}

/// One bot, whatever becomes of its line.
pub(crate) struct Bot<'f> {
    field: &'f Field,
    brain: Box<dyn Brain>,
    class: &'f ClassDef,
    number: u32,
    turn: u32,
    facing: Vec2,
    place: Option<Place<'f>>,
    invariants: Invariants,
    reading: Reading,
    /// Frames received, and the turn in which that changed last.
    heard: (u64, u32),
    rtt: Duration,
}

impl<'f> Bot<'f> {
    /// The bot with this number.
    pub(crate) fn new(field: &'f Field, number: u32) -> Self {
        Self {
            field,
            brain: field.plan.behaviour.brain(&field.plan, number),
            class: field.class_of(number),
            number,
            turn: 0,
            facing: Vec2::Y,
            place: None,
            invariants: Invariants::default(),
            reading: Reading::default(),
            heard: (0, 0),
            rtt: Duration::ZERO,
        }
    }

    /// Things shown that cannot be true, and the first few in words.
    pub(crate) fn into_violations(self) -> (u64, Vec<String>) {
        (self.invariants.count(), self.invariants.told())
    }

    /// In words, that its line is gone and why.
    pub(crate) fn told_dropped(&self, why: &str) -> String {
        format!("bot {} was dropped in turn {}: {why}", self.number, self.turn)
    }

    /// True when no frame has come for so long that a player would think of the network.
    pub(crate) fn hears_nothing(&self) -> bool {
        self.turn.saturating_sub(self.heard.1) > SILENT_TURNS
    }

    /// Forgets what was true of a line that is lost; the next one begins anew.
    pub(crate) fn lose_line(&mut self) {
        (self.place, self.reading, self.invariants) = (None, Reading::default(), self.invariants.for_next_line());
        self.heard = (0, self.turn);
    }

    /// Leaves the world on purpose.
    pub(crate) fn say_goodbye(&self, line: &mut Line<'_>) {
        if let Ok(logout) = encode_client_message(&ClientMessage::Logout) {
            // A line that takes nothing any more is as good as left.
            let _gone = line.send_frame(&logout);
        }
    }

    /// The characters of players in view, the own one included.
    pub(crate) fn players_seen(&self, line: &Line<'_>) -> Vec<SimId> {
        let Some(kind) = self.place.as_ref().and_then(|place| place.bits.kind) else { return Vec::new() };
        let is_player = |bytes: &[u8]| matches!(Kind::from_wire(&mut Reader::new(bytes)), Some(Kind::Player(_)));
        let entities = line.world().entities();
        entities.filter(|entity| entity.value(kind).is_some_and(is_player)).map(|entity| entity.id()).collect()
    }

    /// Takes in what has come, thinks and acts.
    pub(crate) fn take_turn(&mut self, line: &mut Line<'_>, measures: &mut Measures, measuring: bool) {
        self.turn += 1;
        measures.counts.turns += 1;
        measures.take_times(line, &mut self.reading, measuring);
        if self.turn.wrapping_add(self.number).is_multiple_of(COUNT_TURNS) || self.field.plan.behaviour.is_still() {
            self.count(line, measures);
        }
        let frames = line.world().counts().frames_received;
        if frames != self.heard.0 {
            self.heard = (frames, self.turn);
        }
        self.find_place(line);
        self.look_at_doors(line);
        while let Some(rejection) = line.take_rejection() {
            measures.counts.rejections += 1;
            self.brain.on_rejection(&rejection.reason);
        }
        // Nobody here reads what happened to others; the queue is kept short.
        while line.take_event().is_some() {}
        let turn = self.think(line);
        if self.field.plan.behaviour.is_still() {
            return;
        }
        measures.counts.walking_turns += u64::from(turn.step.wish != Vec2::ZERO);
        self.carry_out(line, turn);
    }

    /// Takes over what the session has counted.
    pub(crate) fn count(&mut self, line: &mut Line<'_>, measures: &mut Measures) {
        let link = line.link();
        self.rtt = link.rtt;
        let stats = Stats { bytes_received: link.received_bytes, ..line.stats() };
        measures.take_counts(&stats, link.sent_bytes, &mut self.reading);
        measures.sample_path(link.rtt, &self.reading);
        if self.place.is_some() {
            measures.counts.visible_sum += line.world().entities().len().saturating_sub(1) as u64;
            measures.counts.visible_samples += 1;
        }
    }

    fn think(&mut self, line: &ClientSession) -> Turn {
        let Some(place) = &self.place else { return Turn::default() };
        let senses = Senses {
            session: line,
            rtt: self.rtt,
            bits: place.bits,
            assets: &self.field.plan.assets,
            scene: place.def,
            geometry: &place.geometry,
            navmesh: place.navmesh,
            class: self.class,
            facing: self.facing,
            turn: self.turn,
        };
        let violations = self.invariants.count();
        self.invariants.check(&senses);
        self.field.note_violations(self.invariants.count() - violations);
        let random = Random::new(self.field.plan.seed);
        let mut draw = random.draw(self.turn, SimId::from_bits(self.number), Stream("bot"), 0);
        self.brain.decide(&senses, &mut draw)
    }

    /// Learns of a new scene: its numbers on the wire, and its geometry for the prediction.
    fn find_place(&mut self, line: &mut Line<'_>) {
        let Some(scene) = line.world().scene() else { return };
        if self.place.as_ref().is_some_and(|place| place.epoch == scene.epoch) {
            return;
        }
        let epoch = scene.epoch;
        let navmesh = self.field.plan.navmeshes.get(&scene.id).map(Arc::as_ref);
        self.place = self.field.scene(&scene.id).map(|(def, geometry)| {
            let profile = self.field.plan.assets.movements[self.class.movement.id()].clone();
            line.predict_with(profile, Arc::clone(geometry));
            Place { epoch, bits: Bits::of(line), def, geometry: Arc::clone(geometry), navmesh }
        });
    }

    /// Takes over what the server shows of the scene's doors.
    fn look_at_doors(&mut self, line: &mut Line<'_>) {
        let Some(place) = &mut self.place else { return };
        if let Some(geometry) = doors::as_shown(line, place.bits, &place.geometry) {
            place.geometry = Arc::new(geometry);
            line.predict_in(Arc::clone(&place.geometry));
        }
    }

    fn carry_out(&mut self, line: &mut Line<'_>, turn: Turn) {
        self.facing = turn.step.wish.try_normalize().unwrap_or(self.facing);
        let (mut steps, mut manner) = (1, Manner::default());
        for act in turn.acts {
            // A connection that takes nothing any more shows in the next read, with its reason.
            let _sent = match act {
                Act::Cast(command) => line.send_command(&command).map(drop),
                Act::Take(command) => line.send_command(&command).map(drop),
                Act::Release(command) => line.send_command(&command).map(drop),
                Act::EnterPortal(command) => line.send_command(&command).map(drop),
                Act::Datagram(bytes) => line.send_datagram(bytes.into()),
                Act::Frame(bytes) => line.send_frame(&bytes),
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
            Self::step(line, turn.step, &manner);
        }
    }

    fn step(line: &mut Line<'_>, step: StepInput, manner: &Manner) {
        if *manner == Manner::default() {
            let _sent = line.send_input(step);
            return;
        }
        let mut bytes = Vec::new();
        let _always_fits = line.input(step, now_us(), &mut bytes);
        // A lie is the honest datagram with another claim.
        if let Ok(mut honest) = decode_input(&bytes) {
            honest.claim_x_cm += manner.lie_cm.0;
            honest.claim_z_cm += manner.lie_cm.1;
            let _always_fits = encode_input(&honest, &mut bytes);
        }
        for _ in 0..=manner.repeats {
            let _sent = line.send_datagram(bytes.clone().into());
        }
    }
}

/// How a bot sends its step; honest bots have the default.
#[derive(Debug, Default, PartialEq, Eq)]
struct Manner {
    lie_cm: (i32, i32),
    repeats: usize,
}
