//! Route: envelopes become inputs of the scene. Repeated steps are taken out, replayed commands are refused,
//! acknowledgements go to the client's view. Whatever was asked for and is refused is answered, by one message that is no
//! longer than the question.

use sim::assets::Assets;
use sim::command::{CommandError, CommandLists};
use sim::input::{Inputs, SceneInput, Steps};
use sim::tick::{SimTick, TICK_MS};

use super::decode::Decoded;
use crate::lockstep::Lockstep;
use crate::protocol::{ClientMessage, Goodbye, InputDatagram, ServerMessage};
use crate::sessions::{Session, SessionStats};

/// Numbers a client may be ahead of the last one seen: a minute of steps, far more than a living link loses.
const SEQUENCE_JUMP_MAX: u32 = 1_200;
/// How far behind the world a client's picture is taken to be at most, in ticks (1 s); more is a lie or a ruin.
const VIEW_BEHIND_TICKS_MAX: u32 = 20;
/// Why something meant for a scene that the character has left is refused: expected, and no offence.
const STALE_SCENE: &str = "stale_scene";

/// Where envelopes go: what is known of this tick, and what takes in what clients ask for.
pub(super) struct Route<'a> {
    pub(super) tick: SimTick,
    /// On [`crate::mailbox::now_us`]'s clock.
    pub(super) tick_started_us: u64,
    pub(super) lists: &'a CommandLists,
    pub(super) assets: &'a Assets,
    pub(super) lockstep: Option<&'a Lockstep>,
    pub(super) stats: &'a mut SessionStats,
    pub(super) inputs: &'a mut Inputs,
}

impl Route<'_> {
    /// Hands an envelope to where it belongs.
    ///
    /// # Errors
    /// An offence, in a word.
    pub(super) fn route(&mut self, session: &mut Session, decoded: Decoded) -> Result<(), &'static str> {
        let tick = self.tick.0;
        match decoded {
            Decoded::Input(datagram, received_us) => {
                let wait_us = self.tick_started_us.saturating_sub(received_us);
                self.stats.input_latency.record(wait_us);
                self.stats.view_latency.record(view_age_us(&datagram, tick));
                route_input(session, &datagram, wait_us, tick, self.inputs)
            }
            Decoded::Message(message, received_us) => {
                let wait_us = self.tick_started_us.saturating_sub(received_us);
                self.route_message(session, message, wait_us)
            }
        }
    }

    fn route_message(
        &mut self,
        session: &mut Session,
        message: ClientMessage,
        wait_us: u64,
    ) -> Result<(), &'static str> {
        let tick = self.tick.0;
        match message {
            ClientMessage::Command { sequence, scene_epoch, kind, body } => {
                self.stats.command_latency.record(wait_us);
                let check = || self.lists.check(kind, &body, self.assets).map_err(CommandError::reason);
                let Err(reason) = admit_command(session, sequence, scene_epoch, check) else {
                    self.inputs.push(SceneInput::Command { player: session.player.0, sequence, kind, body });
                    return Ok(());
                };
                session.send(&ServerMessage::Rejected { sequence, reason: reason.to_owned() });
                if reason != STALE_SCENE {
                    return Err(reason);
                }
                self.stats.reject(reason);
                Ok(())
            }
            ClientMessage::Alive => Ok(()),
            ClientMessage::Follow { scene_epoch, log } => {
                let lockstep = self.lockstep.filter(|_| scene_epoch == session.scene_epoch);
                if !lockstep.is_some_and(|lockstep| lockstep.follow(session, log, tick)) {
                    self.stats.reject("not_followed");
                    session.send(&ServerMessage::FollowEnded { scene_epoch });
                }
                Ok(())
            }
            ClientMessage::Keyframe { scene_epoch } => {
                // It is told the scene that it is in now as soon as it is in it.
                if scene_epoch != session.scene_epoch {
                    self.stats.reject(STALE_SCENE);
                } else if !session.give_keyframe(tick) {
                    self.stats.reject("keyframe_rate");
                }
                Ok(())
            }
            ClientMessage::StateHash { scene_epoch, tick: after, hash } => {
                if let Some(lockstep) = self.lockstep.filter(|_| scene_epoch == session.scene_epoch) {
                    lockstep.compare(session, (after, hash), self.tick, self.stats);
                }
                Ok(())
            }
            ClientMessage::Logout => {
                session.end_as(Goodbye::LoggedOut);
                Ok(())
            }
            ClientMessage::Login { .. } | ClientMessage::Resume { .. } => Err("second_login"),
        }
    }
}

/// How old the picture was that the player acted on, by the client's word.
fn view_age_us(datagram: &InputDatagram, tick: u32) -> u64 {
    let behind_ticks = tick.saturating_sub(datagram.view_tick).min(VIEW_BEHIND_TICKS_MAX);
    u64::from(behind_ticks) * u64::from(TICK_MS) * 1_000
}

fn route_input(
    session: &mut Session,
    datagram: &InputDatagram,
    wait_us: u64,
    tick: u32,
    inputs: &mut Inputs,
) -> Result<(), &'static str> {
    session.view.acknowledge(datagram, tick)?;
    let new_count = datagram.sequence.saturating_sub(session.newest_sequence);
    if new_count > SEQUENCE_JUMP_MAX {
        return Err("sequence_jump");
    }
    // Datagrams overtake one another and repeat one another: an old one is no offence.
    if new_count == 0 || session.character.is_none() {
        return Ok(());
    }
    let steps = datagram.steps.iter().take(new_count as usize).rev();
    let steps: Steps = steps.map(|step| (step.x, step.z, step.flags)).collect();
    let count = u32::try_from(steps.len()).unwrap_or(0);
    session.newest_sequence = datagram.sequence;
    session.input_wait_us = wait_us;
    inputs.push(SceneInput::Steps {
        player: session.player.0,
        forced_epoch: datagram.forced_epoch,
        first_sequence: datagram.sequence.saturating_sub(count).saturating_add(1),
        steps,
        claim_cm: (datagram.claim_x_cm, datagram.claim_z_cm),
    });
    Ok(())
}

/// Whether a command is handed to the scene.
fn admit_command(
    session: &mut Session,
    sequence: u32,
    scene_epoch: u32,
    check: impl FnOnce() -> Result<(), &'static str>,
) -> Result<(), &'static str> {
    if sequence <= session.newest_command {
        return Err("replayed");
    }
    if sequence - session.newest_command > SEQUENCE_JUMP_MAX {
        return Err("sequence_jump");
    }
    session.newest_command = sequence;
    if scene_epoch != session.scene_epoch {
        return Err(STALE_SCENE);
    }
    check()
}
