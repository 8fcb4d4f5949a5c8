//! Prediction of the own character: inputs are stepped at once, and stepped again on top of every answer of the server.
//!
//! The step is the server's own ([`sim::locomotion::step`]), so the two agree bit for bit until something that the
//! client cannot know happens. What then changes is shown gradually: the true position is taken over at once, and the
//! difference decays in a visual offset.

use std::collections::VecDeque;
use std::sync::Arc;

use glam::Vec3;
use sim::assets::MovementDef;
use sim::locomotion::{Mover, StepInput, step};
use sim::space::Geometry;

use crate::protocol::OwnState;

/// An error beyond this is a correction, in metres.
pub const CORRECTION_M: f32 = 0.5;
/// An error beyond this is shown at once, in metres: gliding so far would look worse.
pub const JUMP_M: f32 = 5.0;
/// What is left of the visual offset after a tick.
const OFFSET_KEPT_PER_TICK: f32 = 0.9;
/// An offset below this is over, in metres.
const OFFSET_MIN_M: f32 = 0.005;
/// Unacknowledged inputs that are kept, 6.4 s of them; beyond it the oldest count as lost.
const PENDING_MAX: usize = 128;

/// What an answer of the server did to the prediction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reconciled {
    /// The prediction was right within [`CORRECTION_M`].
    Agreed {
        /// How far off it was, in metres.
        error_m: f32,
    },
    /// The prediction was wrong; the shown position glides to the right one.
    Corrected {
        /// How far off it was, in metres.
        error_m: f32,
    },
    /// The server placed the character; inputs made before are void.
    Forced,
}

/// A step that the server has not answered.
#[derive(Debug, Clone, Copy)]
struct Pending {
    sequence: u32,
    input: StepInput,
    /// Where it ended, as predicted.
    after: Mover,
}

/// The predicted own character.
pub struct Predictor {
    profile: MovementDef,
    geometry: Arc<Geometry>,
    mover: Mover,
    speed_bp: u16,
    forced_epoch: u8,
    pending: VecDeque<Pending>,
    /// The newest step the server has answered, and where it ended.
    confirmed: Option<(u32, Mover)>,
    /// Whether what is pending was stepped at another speed or in another geometry than the present ones.
    is_stale: bool,
    offset: Vec3,
    corrections: u64,
}

impl Predictor {
    /// Starts where the server says the character stands.
    #[must_use]
    pub fn new(profile: MovementDef, geometry: Arc<Geometry>, state: &OwnState) -> Predictor {
        Predictor {
            profile,
            geometry,
            mover: mover_of(state),
            speed_bp: state.speed_bp,
            forced_epoch: state.forced_epoch,
            pending: VecDeque::new(),
            confirmed: None,
            is_stale: false,
            offset: Vec3::ZERO,
            corrections: 0,
        }
    }

    /// Steps with a new input of the given sequence number; one tick has passed. Returns where the character is now.
    pub fn step(&mut self, sequence: u32, input: StepInput) -> Mover {
        if self.pending.len() == PENDING_MAX {
            self.pending.pop_front();
        }
        self.mover = self.stepped(self.mover, input);
        self.pending.push_back(Pending { sequence, input, after: self.mover });
        self.offset *= OFFSET_KEPT_PER_TICK;
        if self.offset.length() < OFFSET_MIN_M {
            self.offset = Vec3::ZERO;
        }
        self.mover
    }

    /// Takes over what the server says and replays the inputs it has not seen, unless it says what was predicted: the same
    /// steps from the same place end where they ended. `state` has to be newer than the last.
    pub fn reconcile(&mut self, state: &OwnState) -> Reconciled {
        self.is_stale |= self.speed_bp != state.speed_bp;
        self.speed_bp = state.speed_bp;
        let said = mover_of(state);
        if state.forced_epoch != self.forced_epoch {
            self.forced_epoch = state.forced_epoch;
            self.pending.clear();
            (self.confirmed, self.is_stale) = (None, false);
            self.offset = Vec3::ZERO;
            self.mover = said;
            return Reconciled::Forced;
        }
        let mut predicted = self.confirmed;
        while let Some(answered) = self.pending.pop_front_if(|step| step.sequence <= state.applied_sequence) {
            predicted = Some((answered.sequence, answered.after));
        }
        self.confirmed = Some((state.applied_sequence, said));
        if predicted == self.confirmed && !self.is_stale {
            return Reconciled::Agreed { error_m: 0.0 };
        }
        let before = self.mover.position;
        self.replay(said);
        let error = before - self.mover.position;
        let error_m = error.length();
        self.offset = if error_m > JUMP_M { Vec3::ZERO } else { (self.offset + error).clamp_length_max(JUMP_M) };
        if error_m > CORRECTION_M {
            self.corrections += 1;
            Reconciled::Corrected { error_m }
        } else {
            Reconciled::Agreed { error_m }
        }
    }

    /// Takes every pending step again from a place.
    fn replay(&mut self, from: Mover) {
        let mut pending = std::mem::take(&mut self.pending);
        self.mover = from;
        for step in &mut pending {
            self.mover = self.stepped(self.mover, step.input);
            step.after = self.mover;
        }
        (self.pending, self.is_stale) = (pending, false);
    }

    /// Steps in another geometry from now on, such as one in which a door has been opened. Steps that the server has not
    /// answered are stepped in it with its next answer.
    pub fn step_in(&mut self, geometry: Arc<Geometry>) {
        self.geometry = geometry;
        self.is_stale = true;
    }

    /// Where the character is, as far as the client knows.
    #[must_use]
    pub fn mover(&self) -> Mover {
        self.mover
    }

    /// Where to draw the character: the position and what is left of past corrections.
    #[must_use]
    pub fn shown(&self) -> Vec3 {
        self.mover.position + self.offset
    }

    /// The forced position the client has taken over last, to be echoed in inputs.
    #[must_use]
    pub fn forced_epoch(&self) -> u8 {
        self.forced_epoch
    }

    /// Inputs the server has not acknowledged.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Corrections so far.
    #[must_use]
    pub fn corrections(&self) -> u64 {
        self.corrections
    }

    fn stepped(&self, mover: Mover, input: StepInput) -> Mover {
        step(mover, input, self.speed_bp, &self.profile, &self.geometry)
    }
}

fn mover_of(state: &OwnState) -> Mover {
    Mover { position: Vec3::from(state.position), velocity: Vec3::from(state.velocity) }
}

#[cfg(test)]
mod tests {
    use sim::ids::SimId;
    use sim::random::{Random, Stream};

    use glam::Vec2;
    use sim::locomotion::SPEED_BP_NORMAL;

    use super::*;

    const EAST: StepInput = StepInput { wish: Vec2::X, walk: false };

    fn profile() -> MovementDef {
        MovementDef {
            id: "move/runner".into(),
            run_mps: 6.0,
            walk_mps: 2.0,
            acceleration: 10.0,
            friction: 6.0,
            stop_speed_mps: 2.0,
            radius_m: 0.4,
            height_m: 1.8,
            step_height_m: 0.4,
            slope_max_deg: 45.0,
        }
    }

    fn standing() -> OwnState {
        OwnState { speed_bp: SPEED_BP_NORMAL, ..OwnState::default() }
    }

    fn predictor() -> Predictor {
        Predictor::new(profile(), Arc::new(Geometry::flat(1_000.0)), &standing())
    }

    /// What a server says that applied the first `applied` steps of an honest client running east.
    fn answer(applied: u32) -> OwnState {
        let mut server = predictor();
        for sequence in 1..=applied {
            server.step(sequence, EAST);
        }
        let mover = server.mover();
        OwnState {
            applied_sequence: applied,
            position: mover.position.into(),
            velocity: mover.velocity.into(),
            ..standing()
        }
    }

    #[test]
    fn an_honest_prediction_is_exact_whenever_the_answer_comes() {
        let mut client = predictor();
        for sequence in 1..=40 {
            client.step(sequence, EAST);
            if sequence % 7 == 0 {
                let before = client.mover();
                assert_eq!(client.reconcile(&answer(sequence - 5)), Reconciled::Agreed { error_m: 0.0 });
                assert_eq!((client.mover(), client.pending()), (before, 5));
            }
        }
    }

    #[test]
    fn a_correction_is_counted_and_never_shown_as_a_jump() {
        let mut client = predictor();
        for sequence in 1..=10 {
            client.step(sequence, EAST);
        }
        let shown = client.shown();
        let mut moved = answer(10);
        moved.position[2] += 2.0;
        assert!(matches!(client.reconcile(&moved), Reconciled::Corrected { .. }));
        assert_eq!(client.corrections(), 1);
        assert!((client.shown() - shown).length() < 1e-4, "the shown position jumped");
        for sequence in 11..=80 {
            let before = client.shown();
            client.step(sequence, StepInput::default());
            assert!((client.shown() - before).length() < 0.6, "the shown position jumped while gliding");
        }
        assert_eq!(client.shown(), client.mover().position, "the offset never ended");
    }

    #[test]
    fn a_small_error_is_taken_over_without_a_count() {
        let mut client = predictor();
        client.step(1, EAST);
        let mut moved = answer(1);
        moved.position[0] += 0.3;
        assert!(matches!(client.reconcile(&moved), Reconciled::Agreed { .. }));
        assert_eq!(client.corrections(), 0);
        assert_eq!(client.mover().position.to_array(), moved.position);
    }

    #[test]
    fn a_forced_position_is_taken_over_at_once_and_voids_inputs() {
        let mut client = predictor();
        for sequence in 1..=10 {
            client.step(sequence, EAST);
        }
        let forced = OwnState { forced_epoch: 1, position: [9.0, 0.0, 9.0], applied_sequence: 3, ..standing() };
        assert_eq!(client.reconcile(&forced), Reconciled::Forced);
        assert_eq!(client.shown().to_array(), [9.0, 0.0, 9.0]);
        assert_eq!((client.pending(), client.forced_epoch(), client.corrections()), (0, 1, 0));
    }

    #[test]
    fn a_held_character_stops_in_the_prediction_too() {
        let mut client = predictor();
        client.step(1, EAST);
        let held = OwnState { speed_bp: 0, velocity: [0.0; 3], ..answer(1) };
        client.reconcile(&held);
        let place = client.mover().position;
        client.step(2, EAST);
        assert_eq!(client.mover().position, place);
    }

    #[test]
    fn inputs_that_are_never_answered_do_not_pile_up() {
        let mut client = predictor();
        for sequence in 1..=1_000 {
            client.step(sequence, EAST);
        }
        assert_eq!(client.pending(), PENDING_MAX);
    }

    #[test]
    fn what_is_not_replayed_ends_where_it_would_have_ended() {
        let (mut lazy, mut diligent, mut server) = (predictor(), predictor(), predictor());
        let mut applied = 0;
        for sequence in 1..=400 {
            let mut draw = Random::new(5).draw(sequence, SimId::new(1, 0), Stream("test"), 0);
            let wish = Vec2::from_angle(draw.unit() * 6.0);
            let input = StepInput { wish, walk: draw.chance_bp(2_000) };
            assert_eq!(lazy.step(sequence, input), diligent.step(sequence, input));
            server.step(sequence, input);
            // The server is pushed now and then, and answers one in two steps.
            if draw.chance_bp(500) {
                server.mover.position += Vec3::X * 0.2;
            }
            if draw.chance_bp(5_000) {
                applied = sequence;
                let mover = server.mover();
                let (position, velocity) = (mover.position.into(), mover.velocity.into());
                let state = OwnState { applied_sequence: applied, position, velocity, ..standing() };
                diligent.is_stale = true;
                lazy.reconcile(&state);
                diligent.reconcile(&state);
            }
            assert_eq!(lazy.mover(), diligent.mover(), "after step {sequence}, {applied} answered");
        }
    }
}
