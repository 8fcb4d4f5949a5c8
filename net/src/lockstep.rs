//! Frame synchronisation, for scenes whose record asks for it: clients that follow a scene are sent its log instead of its
//! state, and simulate it in step with the server.
//!
//! The log is that of `sim::log`: the inputs of every tick, from the first. The server writes it once and sends everybody the
//! same bytes, each from where it is; it simulates the scene like any other, compares the state hashes that followers report
//! with its own, and has whoever differs begin anew. Transmit stage, after everything; Receive for what clients say.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::VecDeque;

use bevy_app::App;
use bevy_ecs::prelude::*;
use sim::digest::{combined, state_hashes};
use sim::input::{Inputs, SceneInput};
use sim::log::{LogHeader, LogWriter};
use sim::random::Random;
use sim::scene::{Scene, SceneAssets, SceneId};
use sim::tick::{SimTick, Tick, TickSystems};

use crate::codec::encode_server_message;
use crate::outbound::transmitted;
use crate::protocol::{
    DESYNCS_MAX, Goodbye, LOG_BYTES_MAX, LOG_COMPARISONS_KEPT, LOG_PIECE_BYTES_MAX, LOG_PIECES_PER_TICK_MAX,
    LOG_STALLED_TICKS_MAX, ServerMessage,
};
use crate::sessions::{Session, SessionStats, Sessions};

/// The log of a scene that clients may follow. Written by `extend_log`.
#[derive(Resource)]
pub(crate) struct Lockstep {
    writer: LogWriter,
    log: Vec<u8>,
    /// The log has grown too long to be kept.
    is_given_up: bool,
    /// Somebody has come.
    has_begun: bool,
    compare_ticks: u32,
    /// State hashes by their tick, oldest first.
    hashes: VecDeque<(u32, u64)>,
}

/// How far a client has come that follows the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Follower {
    /// Bytes of the log that it was sent.
    sent_bytes: usize,
    /// The tick in which it began: what it says of ticks up to this one it may have come to before.
    since_tick: u32,
}

impl Follower {
    /// One that begins in a tick.
    pub(crate) fn since(tick: u32) -> Self {
        Self { sent_bytes: 0, since_tick: tick }
    }
}

/// Adds the systems, in a scene that asks for it.
pub fn plugin(app: &mut App) {
    let world = app.world();
    let assets = &world.resource::<SceneAssets>().0;
    #[allow(clippy::indexing_slicing, reason = "the scene's own record, which it was made from")]
    let def = &assets.scenes[world.resource::<SceneId>().0];
    let Some(compare_ticks) = def.sync.compare_ticks() else { return };
    let seed = world.resource::<Random>().seed();
    let header = LogHeader { scene: def.id.clone(), seed, assets_hash: assets.hash, subsystems: Vec::new() };
    let begin = move |world: &mut World| begin_log(world, header.clone(), compare_ticks);
    app.add_systems(
        Tick,
        (begin.run_if(not(resource_exists::<Lockstep>)), extend_log, send_log)
            .chain()
            .in_set(TickSystems::Transmit)
            .after(transmitted),
    );
}

/// True once nobody is left of those who played in a scene that clients can follow: its log is not worth keeping, and
/// whoever runs the scene is to begin it anew.
#[must_use]
pub fn is_over(scene: &Scene) -> bool {
    scene.world().get_resource::<Lockstep>().is_some_and(|lockstep| lockstep.has_begun) && is_empty(scene)
}

/// True while a scene that clients can follow waits for the first of them: it stands still, so that its log stays short.
#[must_use]
pub fn is_waiting(scene: &Scene) -> bool {
    scene.world().get_resource::<Lockstep>().is_some_and(|lockstep| !lockstep.has_begun) && is_empty(scene)
}

fn is_empty(scene: &Scene) -> bool {
    scene.player_count() == 0 && crate::sessions::count(scene) == 0 && scene.world().resource::<Inputs>().is_empty()
}

/// What the scene is called and made from is known when it is made; what is hashed, once every plugin is there.
fn begin_log(world: &mut World, header: LogHeader, compare_ticks: u32) {
    let subsystems = state_hashes(world).into_iter().map(|(name, _)| name.to_owned()).collect();
    let (writer, log) = LogWriter::new(&LogHeader { subsystems, ..header });
    world.insert_resource(Lockstep {
        writer,
        log,
        is_given_up: false,
        has_begun: false,
        compare_ticks,
        hashes: VecDeque::new(),
    });
}

fn extend_log(world: &mut World) {
    let SimTick(tick) = *world.resource::<SimTick>();
    let due = world.resource::<Lockstep>().compare_ticks;
    // Never sent: a follower has to find it out by itself.
    let hash = tick.is_multiple_of(due).then(|| combined(&state_hashes(world)));
    world.resource_scope(|world, mut lockstep: Mut<Lockstep>| {
        let inputs = world.resource::<Inputs>().applied();
        lockstep.extend(tick, inputs);
        lockstep.has_begun |= inputs.iter().any(|input| matches!(input, SceneInput::Join { .. }));
        if let Some(hash) = hash {
            if lockstep.hashes.len() == LOG_COMPARISONS_KEPT {
                lockstep.hashes.pop_front();
            }
            lockstep.hashes.push_back((tick, hash));
        }
    });
}

fn send_log(tick: Res<SimTick>, lockstep: Res<Lockstep>, mut sessions: ResMut<Sessions>) {
    let Sessions { by_player, stats, .. } = &mut *sessions;
    for session in by_player.values_mut().filter(|session| session.follower.is_some()) {
        if lockstep.is_given_up {
            session.end_following(tick.0);
        } else if let Some(reason) = send_pieces(&lockstep, session, stats) {
            session.end_as(reason);
        }
    }
}

/// Sends a follower what it has not been sent, as far as there is room on its stream.
fn send_pieces(lockstep: &Lockstep, session: &mut Session, stats: &mut SessionStats) -> Option<Goodbye> {
    let Session { follower: Some(follower), end, log_stalled_ticks, .. } = session else { return None };
    for _ in 0..LOG_PIECES_PER_TICK_MAX {
        let rest = lockstep.log.get(follower.sent_bytes..).unwrap_or_default();
        if rest.is_empty() {
            break;
        }
        let piece = rest.get(..LOG_PIECE_BYTES_MAX).unwrap_or(rest);
        let message = ServerMessage::Log {
            anew: follower.sent_bytes == 0,
            live: piece.len() == rest.len(),
            compare_ticks: lockstep.compare_ticks,
            bytes: piece.to_vec(),
        };
        let Ok(frame) = encode_server_message(&message) else { return Some(Goodbye::Internal) };
        let frame_bytes = frame.len() as u64;
        if end.send_frame(frame).is_err() {
            *log_stalled_ticks += 1;
            return (*log_stalled_ticks > LOG_STALLED_TICKS_MAX).then_some(Goodbye::SlowReader);
        }
        stats.frame_bytes += frame_bytes;
        *log_stalled_ticks = 0;
        follower.sent_bytes += piece.len();
    }
    None
}

impl Lockstep {
    /// Adds a tick, unless the log is too long with it: then it is dropped, and nobody follows it any more.
    fn extend(&mut self, tick: u32, inputs: &[SceneInput]) {
        if self.is_given_up {
            return;
        }
        let bytes = self.writer.tick(tick, inputs, &[]);
        self.log.extend_from_slice(&bytes);
        if self.log.len() > LOG_BYTES_MAX {
            tracing::info!(tick, "the log of the scene has grown too long to be followed");
            (self.is_given_up, self.log) = (true, Vec::new());
        }
    }

    /// Begins or ends to send a client the log; false for a log that has grown too long to begin with.
    pub(crate) fn follow(&self, session: &mut Session, log: bool, tick: u32) -> bool {
        if !log {
            session.unfollow(tick);
        } else if self.is_given_up {
            return false;
        } else {
            session.follow(tick);
        }
        true
    }

    /// Compares what a follower has come to after a tick. One that differs is named, and begins anew `now`; what it had said
    /// by then of later ticks is of the same difference.
    pub(crate) fn compare(
        &self,
        session: &mut Session,
        (tick, hash): (u32, u64),
        now: SimTick,
        stats: &mut SessionStats,
    ) {
        let Some(follower) = &mut session.follower else { return };
        let Some(&(_, ours)) = self.hashes.iter().find(|(known, _)| *known == tick) else { return };
        if hash == ours {
            stats.state_hashes_equal += 1;
            return;
        }
        if tick <= follower.since_tick {
            return;
        }
        tracing::warn!(player = %session.player, tick, "a follower has come to another state than the scene");
        stats.desyncs.push((session.player, tick));
        *follower = Follower::since(now.0);
        session.desyncs += 1;
        if session.desyncs >= DESYNCS_MAX {
            session.end_as(Goodbye::Abuse);
        }
    }
}
