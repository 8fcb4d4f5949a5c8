//! One bot: a brain, what it makes of the scene it is in, and how it acts on its line. It acts every 50 ms in its own phase,
//! nudged by what the server says of how long inputs waited. What comes in between is stamped with its time of arrival, so
//! that what is measured is the path and not the bot's own laziness.

use std::sync::Arc;
use std::time::Duration;

use glam::Vec2;
use net::client::ClientSession;
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
use crate::bundle::{self, About};
use crate::doors;
use crate::herd::Field;
use crate::idle::Idler;
use crate::invariants::Invariants;
use crate::line::Line;
use crate::measure::{Measures, Reading};
use crate::recording::Recording;
use crate::senses::{Bits, Senses};
use crate::truth::{Truth, Truths};

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
    /// Whether it checks what it is shown of others.
    checks: bool,
    /// Turns between two of its looks at everything in view.
    look_turns: u32,
    turn: u32,
    facing: Vec2,
    place: Option<Place<'f>>,
    invariants: Invariants,
    reading: Reading,
    /// Frames received, and the turn in which that changed last.
    heard: (u64, u32),
    rtt: Duration,
    recording: Option<Recording>,
}

impl<'f> Bot<'f> {
    /// The bot with this number.
    pub(crate) fn new(field: &'f Field, number: u32) -> Self {
        Self {
            field,
            brain: field.plan.behaviour.brain(&field.plan, number),
            class: field.class_of(number),
            number,
            checks: field.checks(number),
            look_turns: field.look_turns(),
            turn: 0,
            facing: Vec2::Y,
            place: None,
            invariants: Invariants::default(),
            reading: Reading::default(),
            heard: (0, 0),
            rtt: Duration::ZERO,
            recording: None,
        }
    }

    /// The bot that left a bundle, with the same eyes.
    pub(crate) fn of_bundle(field: &'f Field, about: &About) -> Self {
        let look_turns = about.look_turns.unwrap_or_else(|| field.look_turns());
        Self { checks: about.checks, look_turns, ..Self::new(field, about.number) }
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
        if let Some(recording) = &self.recording {
            recording.turn(self.turn);
        }
        self.look(line);
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
        measures.take_counts(&line.stats(), &link, &mut self.reading);
        measures.sample_path(link.rtt, &self.reading);
        if self.place.is_some() {
            measures.counts.visible_sum += line.world().entities().len().saturating_sub(1) as u64;
            measures.counts.visible_samples += 1;
        }
    }

    /// What it knows in this turn; nothing before it is in a scene that its data has.
    fn senses<'a>(&'a self, session: &'a ClientSession, place: &'a Place<'f>) -> Senses<'a> {
        Senses {
            session,
            rtt: self.rtt,
            bits: place.bits,
            assets: &self.field.plan.assets,
            scene: place.def,
            geometry: &place.geometry,
            navmesh: place.navmesh,
            class: self.class,
            facing: self.facing,
            turn: self.turn,
        }
    }

    /// Looks whether what it is shown can be true, and leaves a bundle behind when it cannot.
    fn look(&mut self, session: &mut ClientSession) {
        let mut invariants = std::mem::take(&mut self.invariants);
        let before = invariants.count();
        let Some(place) = self.place.take() else {
            // Events of a place that is not known mean nothing to anybody.
            while session.take_event().is_some() {}
            self.invariants = invariants;
            return;
        };
        while let Some(event) = session.take_event() {
            invariants.hear(&self.senses(session, &place), &event);
        }
        invariants.check(&self.senses(session, &place), self.checks.then_some(self.look_turns));
        let violations = invariants.count() - before;
        (self.invariants, self.place) = (invariants, Some(place));
        if violations > 0 {
            self.field.note_violations(violations);
            self.leave_bundle();
        }
    }

    /// Takes a recorded turn again: looks, and does nothing.
    pub(crate) fn look_again(&mut self, session: &mut ClientSession, turn: u32) {
        self.turn = turn;
        self.find_place(session);
        self.look_at_doors(session);
        self.look(session);
    }

    /// Whether this turn is one in which it looks at others.
    pub(crate) fn looks_now(&self) -> bool {
        self.checks && self.turn.wrapping_add(self.number).is_multiple_of(self.look_turns)
    }

    /// Compares what it sees of others with what the server has told them.
    pub(crate) fn compare(&mut self, session: &ClientSession, truths: &Truths, measures: &mut Measures) {
        let Some(position) = self.place.as_ref().and_then(|place| place.bits.position) else { return };
        if let Some(truth) = truths.compare(session, position, self.turn.wrapping_mul(7), measures) {
            self.hear_truth(session, &truth);
        }
    }

    /// What it is shown contradicts this.
    pub(crate) fn hear_truth(&mut self, session: &ClientSession, truth: &Truth) {
        if let Some(recording) = &self.recording {
            recording.truth(truth);
        }
        let before = self.invariants.count();
        self.invariants.hear_truth(session, truth);
        self.field.note_violations(self.invariants.count() - before);
        self.leave_bundle();
    }

    /// Leaves a bundle behind, once.
    fn leave_bundle(&mut self) {
        let (Some(folder), Some(recording)) = (&self.field.plan.bundles, &self.recording) else { return };
        let Some(violation) = self.invariants.first_told() else { return };
        let plan = &self.field.plan;
        let about = About {
            command_line: plan.command_line.clone(),
            seed: plan.seed,
            number: self.number,
            behaviour: plan.behaviour.name().to_owned(),
            checks: self.checks,
            look_turns: Some(self.look_turns),
            assets_hash: format!("{:016x}", plan.assets.hash),
            turn: self.turn,
            violation: violation.to_owned(),
            server_log: plan.server_data.as_deref().and_then(bundle::newest_log),
        };
        match bundle::save(folder, &about, recording) {
            Ok(Some(saved)) => tracing::warn!("bot {}: {violation}; replay bundle in {}", self.number, saved.display()),
            Ok(None) => tracing::warn!("bot {}: {violation}; its session was too long to record", self.number),
            Err(error) => tracing::warn!("bot {}: {violation}; no replay bundle: {error}", self.number),
        }
        self.recording = None;
    }

    /// Records its line from now on, if the plan wants this bot recorded.
    pub(crate) fn begin_recording(&mut self, session: &mut ClientSession) {
        let plan = &self.field.plan;
        if plan.bundles.is_some()
            && self.number.saturating_sub(plan.first) < plan.recorded
            && self.invariants.count() == 0
        {
            let recording = Recording::default();
            recording.attach(session);
            self.recording = Some(recording);
        }
    }

    fn think(&mut self, line: &ClientSession) -> Turn {
        let Some(place) = self.place.take() else { return Turn::default() };
        let random = Random::new(self.field.plan.seed);
        let mut draw = random.draw(self.turn, SimId::from_bits(self.number), Stream("bot"), 0);
        let mut brain = std::mem::replace(&mut self.brain, Box::new(Idler));
        let turn = brain.decide(&self.senses(line, &place), &mut draw);
        (self.brain, self.place) = (brain, Some(place));
        turn
    }

    /// Learns of a new scene: its numbers on the wire, and its geometry for the prediction.
    fn find_place(&mut self, line: &mut ClientSession) {
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
        if !self.checks && !self.brain.looks_at_others() {
            line.ignore_places();
        }
    }

    /// Takes over what the server shows of the scene's doors.
    fn look_at_doors(&mut self, line: &mut ClientSession) {
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
