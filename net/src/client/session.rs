//! The client without its socket: bytes and times go in, bytes to send come out.
//!
//! Keeps the sequence numbers, repeats the last steps in every input, echoes forced positions, answers probes, and
//! measures. [`super::Client`] is this behind a QUIC connection.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use glam::Vec3;
use sim::assets::MovementDef;
use sim::ids::SimId;
use sim::locomotion::StepInput;
use sim::space::Geometry;
use smallvec::SmallVec;

use super::interpolate::Pose;
use super::interpolate::playback::Playback;
use super::lockstep::FollowedScene;
use super::predict::Predictor;
use super::statistics::{Histogram, InterarrivalJitter, Stats, Timings};
use super::tap::{Passage, Tap};
use super::timing::{AckTimes, Pacing, Samples, ServerClock, TICK_US};
use super::world::ClientWorld;
use crate::codec::{EncodeError, decode_server_message, decode_state_frame, encode_client_message, encode_input};
use crate::protocol::{
    ClientMessage, Goodbye, INPUT_STEPS_SENT, InputDatagram, NO_RESUME_TOKEN, OwnState, ResumeToken, ServerMessage,
    StateFrame, WireStep, WireTable,
};
use mending::Mending;

/// Most numbers of records a client keeps; no game data has as many.
const RENUMBERED_MAX: usize = 65_536;
/// Rejections kept until they are taken; beyond it the oldest are lost.
const REJECTIONS_MAX: usize = 256;

/// A command the server did not carry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Sequence number of the command.
    pub sequence: u32,
    /// A stable lower-case word such as `cooldown`.
    pub reason: String,
}

/// What the server said when it accepted the login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Stable number of the player behind the name.
    pub player_id: u64,
    /// Hash of the game data in use.
    pub assets_hash: u64,
}

/// The state of one login.
#[derive(Default)]
pub struct ClientSession {
    tap: Option<Tap>,
    world: ClientWorld,
    accepted: Option<Accepted>,
    resume: ResumeToken,
    /// Numbers of records that do not follow from their names.
    renumbered: BTreeMap<String, u32>,
    goodbye: Option<Goodbye>,
    predictor: Option<Predictor>,
    /// Corrections of predictors of former scenes.
    corrections_before: u64,
    input_sequence: u32,
    command_sequence: u32,
    forced_epoch: u8,
    /// The newest first; only steps of the current scene and forced epoch.
    recent_steps: SmallVec<[WireStep; INPUT_STEPS_SENT + 1]>,
    outgoing: Vec<Bytes>,
    rejections: VecDeque<Rejection>,
    followed: Option<Box<FollowedScene>>,
    mending: Mending,
    clock: ServerClock,
    playback: Playback,
    jitter: InterarrivalJitter,
    ages: Histogram,
    echoes: Histogram,
    ack_times: AckTimes,
    pacing: Pacing,
    ack_us: Samples,
    update_age_us: Samples,
    heard_us: u64,
    decode_errors: u64,
    forced: u64,
    inputs_sent: u64,
}

impl ClientSession {
    /// Lets `tap` hear everything that passes from now on.
    pub fn tap(&mut self, tap: Tap) {
        self.tap = Some(tap);
    }

    fn passes(&mut self, passage: Passage<'_>) {
        if let Some(tap) = &mut self.tap {
            tap(passage);
        }
    }

    /// Applies a datagram that came at `arrived_us`.
    pub fn on_datagram(&mut self, datagram: &[u8], arrived_us: u64) {
        self.passes(Passage::DatagramIn(datagram));
        let frame = match decode_state_frame(datagram) {
            Ok(frame) => frame,
            Err(_) => {
                self.decode_errors += 1;
                return;
            }
        };
        self.heard_us = self.heard_us.max(arrived_us);
        self.measure_arrival(&frame, arrived_us);
        if let Some(own) = self.world.on_frame(&frame) {
            let (samples, echoes) = (&mut self.ack_us, &mut self.echoes);
            self.ack_times.applied(own.applied_sequence, arrived_us, |took_us| {
                samples.push(took_us);
                echoes.record(took_us);
            });
            self.pacing.judge(&own);
            self.reconcile(&own);
            if self.mending.is_overdue(frame.tick) {
                self.outgoing.extend(self.ask_for_keyframe());
            }
        }
    }

    fn measure_arrival(&mut self, frame: &StateFrame, arrived_us: u64) {
        if self.world.scene().is_none_or(|scene| scene.epoch != frame.scene_epoch) {
            // Of a scene that was left: its ticks are others.
            return;
        }
        let age_us = self.clock.arrived(frame.tick, arrived_us);
        self.update_age_us.push(age_us);
        self.ages.record(age_us);
        self.jitter.arrived(frame.tick, arrived_us, TICK_US);
        let server_tick = self.clock.tick_at(arrived_us);
        self.playback.arrived((frame.frame, frame.tick), arrived_us, age_us, server_tick);
    }

    fn reconcile(&mut self, own: &OwnState) {
        if own.forced_epoch != self.forced_epoch {
            self.forced_epoch = own.forced_epoch;
            self.forced += 1;
            self.forget_steps();
        }
        if let Some(predictor) = &mut self.predictor {
            predictor.reconcile(own);
        }
    }

    /// Steps made before a forced position or in another scene are void and must not be repeated.
    fn forget_steps(&mut self) {
        self.recent_steps.clear();
        self.ack_times.forget();
    }

    /// Applies a frame of the stream, without its prefix.
    pub fn on_frame(&mut self, frame: &[u8]) {
        self.passes(Passage::FrameIn(frame));
        match decode_server_message(frame) {
            Ok(message) => self.on_message(message),
            Err(_) => self.decode_errors += 1,
        }
    }

    fn on_message(&mut self, message: ServerMessage) {
        if let ServerMessage::Scene { tick, .. } = message {
            self.mending = Mending::done(tick);
        }
        match &message {
            ServerMessage::Welcome { player_id, assets_hash, resume, .. } => {
                self.accepted = Some(Accepted { player_id: *player_id, assets_hash: *assets_hash });
                self.resume = *resume;
            }
            // The scene it is in, told anew, interrupts nothing.
            ServerMessage::Scene { state, scene_epoch, .. } if !self.world.is_in(*scene_epoch) => {
                self.corrections_before += self.predictor.take().map_or(0, |predictor| predictor.corrections());
                self.forced_epoch = state.forced_epoch;
                self.forget_steps();
                self.followed = None;
                // Ticks differ from scene to scene.
                self.clock = ServerClock::default();
                self.playback = Playback::default();
                self.jitter = InterarrivalJitter::default();
            }
            ServerMessage::Rejected { sequence, reason } => {
                if self.rejections.len() == REJECTIONS_MAX {
                    self.rejections.pop_front();
                }
                self.rejections.push_back(Rejection { sequence: *sequence, reason: reason.clone() });
            }
            ServerMessage::Probe => self.outgoing.extend(encode_client_message(&ClientMessage::Alive)),
            ServerMessage::Goodbye { reason } => self.goodbye = Some(*reason),
            ServerMessage::Data { assets_hash, numbered } => {
                if let Some(accepted) = &mut self.accepted {
                    accepted.assets_hash = *assets_hash;
                }
                let room = RENUMBERED_MAX.saturating_sub(self.renumbered.len());
                let new = numbered.iter().take(room).map(|record| (record.id.clone(), record.number));
                self.renumbered.extend(new);
            }
            ServerMessage::Log { anew, live, compare_ticks, bytes } => {
                self.on_log((*anew, *live), *compare_ticks, bytes)
            }
            ServerMessage::FollowEnded { scene_epoch } if self.world.is_in(*scene_epoch) => self.followed = None,
            ServerMessage::FollowEnded { .. } | ServerMessage::Scene { .. } | ServerMessage::Batch { .. } => {}
        }
        let misses = |world: &ClientWorld| world.counts().batch_gaps + world.counts().damaged;
        let before = misses(&self.world);
        self.world.on_message(message);
        if misses(&self.world) > before && self.mending.is_new_damage() {
            self.outgoing.extend(self.ask_for_keyframe());
        }
    }

    /// Asks to be told the whole view anew, and returns the frame that does. Done by itself when a batch is missing or
    /// damaged; for who has lost what it was told in another way. Given once a second, and to who asks sooner then.
    ///
    /// # Errors
    /// Never, as long as the message fits a frame.
    pub fn ask_for_keyframe(&self) -> Result<Bytes, EncodeError> {
        let scene_epoch = self.world.scene().map_or(0, |scene| scene.epoch);
        encode_client_message(&ClientMessage::Keyframe { scene_epoch })
    }

    /// The number of a record whose number is not its place in the order of names, because the server has exchanged its
    /// game data since it started; `None` for all others.
    #[must_use]
    pub fn number_of(&self, id: &str) -> Option<u32> {
        self.renumbered.get(id).copied()
    }

    /// Takes in no more steps of others from now on: they are shown where they were, while all else about them goes on.
    /// For one of thousands that looks at nobody, such as most bots of a large load test. Frames are read, counted and
    /// acknowledged as ever.
    pub fn ignore_places(&mut self) {
        self.world.ignore_places();
    }

    /// Predicts the own character from now on, until the next scene. Without it, inputs claim the last known place.
    pub fn predict_with(&mut self, profile: MovementDef, geometry: Arc<Geometry>) {
        self.corrections_before += self.predictor.take().map_or(0, |predictor| predictor.corrections());
        self.predictor = Some(Predictor::new(profile, geometry, self.world.own()));
    }

    /// Goes on predicting in another geometry: what the scene shows of it has changed, such as a door. Does nothing
    /// while nothing is predicted.
    pub fn predict_in(&mut self, geometry: Arc<Geometry>) {
        if let Some(predictor) = &mut self.predictor {
            predictor.step_in(geometry);
        }
    }

    /// Makes the next step and writes the datagram that carries it and the steps before it into `into`.
    ///
    /// # Errors
    /// Never, as long as [`INPUT_STEPS_SENT`] steps fit a datagram.
    pub fn input(&mut self, input: StepInput, now_us: u64, into: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.input_sequence += 1;
        self.inputs_sent += 1;
        let (x, z) = input.to_wire();
        self.recent_steps.insert(0, WireStep { x, z, flags: u8::from(input.walk) });
        self.recent_steps.truncate(INPUT_STEPS_SENT);
        if let Some(predictor) = &mut self.predictor {
            predictor.step(self.input_sequence, StepInput::from_wire(x, z, input.walk));
        }
        self.ack_times.sent(self.input_sequence, now_us);
        self.pacing.sent(self.input_sequence, now_us);
        let claim = self.own_position();
        let (frame_ack, frame_ack_bits) = self.world.frame_acks();
        let datagram = InputDatagram {
            sequence: self.input_sequence,
            view_tick: self.shown_tick(now_us),
            forced_epoch: self.forced_epoch,
            claim_x_cm: centimetres(claim.x),
            claim_z_cm: centimetres(claim.z),
            frame_ack,
            frame_ack_bits,
            batch_ack: self.world.batch_ack(),
            steps: self.recent_steps.iter().copied().collect(),
        };
        encode_input(&datagram, into)?;
        self.passes(Passage::DatagramOut(into));
        Ok(())
    }

    /// Numbers a command and returns its number and its frame, without prefix. `kind` is its place in the wire table.
    ///
    /// # Errors
    /// When the body is too long for a frame.
    pub fn command(&mut self, kind: u16, body: Vec<u8>) -> Result<(u32, Bytes), EncodeError> {
        self.command_sequence += 1;
        let sequence = self.command_sequence;
        let scene_epoch = self.world.scene().map_or(0, |scene| scene.epoch);
        let frame = encode_client_message(&ClientMessage::Command { sequence, scene_epoch, kind, body })?;
        self.passes(Passage::FrameOut(&frame));
        Ok((sequence, frame))
    }

    /// Takes the frames that have to be sent in answer to what came.
    pub fn take_outgoing(&mut self) -> Vec<Bytes> {
        std::mem::take(&mut self.outgoing)
    }

    /// The server's answer to the login.
    #[must_use]
    pub fn accepted(&self) -> Option<Accepted> {
        self.accepted
    }

    /// What to give `Client::resume` when the link is lost: good once, until 60 s after the server has noticed the loss.
    /// `None` before the welcome, and where the server resumes nobody.
    #[must_use]
    pub fn resume_token(&self) -> Option<ResumeToken> {
        Some(self.resume).filter(|token| *token != NO_RESUME_TOKEN)
    }

    /// When the newest state frame came, on the clock of [`ClientSession::on_datagram`]; 0 before the first. A client
    /// that makes inputs is answered at least once a second: after three without a word the link is lost, long before QUIC
    /// gives it up, and it is time to resume.
    #[must_use]
    pub fn heard_us(&self) -> u64 {
        self.heard_us
    }

    /// Why the server ended the session, if it said so.
    #[must_use]
    pub fn goodbye(&self) -> Option<Goodbye> {
        self.goodbye
    }

    /// What the client knows.
    #[must_use]
    pub fn world(&self) -> &ClientWorld {
        &self.world
    }

    /// Has its world use the table of the wire that others use, or has others use its own; see
    /// [`ClientWorld::share_wire`].
    pub(super) fn share_wire(&mut self, known: &mut Arc<WireTable>) {
        self.world.share_wire(known);
    }

    /// Takes the oldest event nobody has taken.
    pub fn take_event(&mut self) -> Option<super::world::WorldEvent> {
        self.world.take_event()
    }

    /// Takes the oldest rejection nobody has taken.
    pub fn take_rejection(&mut self) -> Option<Rejection> {
        self.rejections.pop_front()
    }

    /// The predicted own character, while one is predicted.
    #[must_use]
    pub fn predictor(&self) -> Option<&Predictor> {
        self.predictor.as_ref()
    }

    /// Where the own character is: predicted, or as the server said last.
    #[must_use]
    pub fn own_position(&self) -> Vec3 {
        let said = || Vec3::from(self.world.own().position);
        self.predictor.as_ref().map_or_else(said, |predictor| predictor.mover().position)
    }

    /// Where to draw an entity now: the own one as predicted, others as they were a little ago.
    #[must_use]
    pub fn pose(&self, id: SimId, now_us: u64) -> Option<Pose> {
        self.world.pose(id, self.playback.moment(now_us))
    }

    /// The server tick that others are shown at, as inputs tell it.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "ticks begin at 0 and are far from 2^32"
    )]
    fn shown_tick(&self, now_us: u64) -> u32 {
        self.playback.moment(now_us).max(0.0) as u32
    }

    /// What to add to the time until the next input, -1,000 to 1,000 microseconds, so that inputs arrive shortly before
    /// their tick. For who makes an input by a timer; ask once between two inputs.
    pub fn pacing_correction_us(&mut self) -> i64 {
        self.pacing.take()
    }

    /// How fast the client's own time shall run, 0.98 to 1.02, so that inputs arrive shortly before their tick: above 1
    /// when they come late. For who renders and makes its inputs in fixed steps of that time, instead of
    /// [`ClientSession::pacing_correction_us`].
    #[must_use]
    pub fn time_scale(&self) -> f32 {
        self.pacing.time_scale()
    }

    /// How the way to the server is.
    #[must_use]
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a share of 1, and a few ticks")]
    pub fn timings(&self) -> Timings {
        let counts = self.world.counts();
        let frames = (counts.frames_received + counts.frames_lost).max(1);
        Timings {
            rtt: Duration::ZERO,
            input_echo: self.echoes.quantiles(),
            update_age: self.ages.quantiles(),
            jitter_us: self.jitter.us(),
            loss: counts.frames_lost as f32 / frames as f32,
            delay_ticks: self.playback.delay_ticks() as f32,
        }
    }

    /// Times from sending an input to hearing that it was applied.
    pub fn ack_us(&mut self) -> &mut Samples {
        &mut self.ack_us
    }

    /// How much later than the fastest of the last seconds each state frame came.
    pub fn update_age_us(&mut self) -> &mut Samples {
        &mut self.update_age_us
    }

    /// What was counted so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let counts = self.world.counts();
        Stats {
            frames_received: counts.frames_received,
            frames_lost: counts.frames_lost,
            bytes_received: 0,
            bytes_sent: 0,
            decode_errors: self.decode_errors + counts.damaged,
            unknown_records: counts.unknown_records,
            batch_gaps: counts.batch_gaps,
            corrections: self.corrections_before + self.predictor.as_ref().map_or(0, Predictor::corrections),
            forced: self.forced,
            inputs_sent: self.inputs_sent,
        }
    }

    /// Counts something that came and cannot be framed at all.
    pub(super) fn count_decode_error(&mut self) {
        self.decode_errors += 1;
    }

    pub(super) fn closed_as(&mut self, reason: Goodbye) {
        self.goodbye.get_or_insert(reason);
    }
}

#[allow(clippy::cast_possible_truncation, reason = "saturates, and scenes are far smaller")]
fn centimetres(metres: f32) -> i32 {
    (metres * 100.0).round() as i32
}

mod following;
mod mending;
#[cfg(test)]
mod tests;
