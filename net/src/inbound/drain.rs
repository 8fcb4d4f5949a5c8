//! Drain: takes what has arrived out of the mailboxes, notices what has not, and lets go of sessions that ended.

use bevy_ecs::prelude::*;
use sim::input::{Inputs, SceneInput};
use sim::replicated::Changes;

use crate::protocol::{Goodbye, PROBE_AFTER_TICKS, SILENT_SESSION_TICKS_MAX, ServerMessage};
use crate::sessions::{Session, SessionStats, Sessions};

/// A round trip has changed when it differs by so many ms from what the scene knows.
const RTT_STEP_MS: u32 = 15;

/// Empties every mailbox; a session whose connection has gone, or that is to end, is removed.
pub(super) fn drain_mailboxes(
    mut sessions: ResMut<Sessions>,
    mut inputs: ResMut<Inputs>,
    mut changes: ResMut<Changes>,
) {
    let Sessions { by_player, stats, .. } = &mut *sessions;
    by_player.retain(|_, session| {
        session.end.drain(&mut session.inbox);
        let dropped = session.end.dropped();
        if dropped > 0 {
            *stats.rejected.entry("dropped").or_default() += dropped;
        }
        notice_silence(session);
        tell_latency(session, &mut inputs);
        !ends(session, stats, &mut inputs)
    });
    changes.watch(!by_player.is_empty());
}

fn notice_silence(session: &mut Session) {
    if !session.inbox.is_empty() {
        session.silent_ticks = 0;
        return;
    }
    session.silent_ticks = session.silent_ticks.saturating_add(1);
    if session.silent_ticks == PROBE_AFTER_TICKS {
        session.send(&ServerMessage::Probe);
    } else if session.silent_ticks >= SILENT_SESSION_TICKS_MAX {
        session.ending = Some(Goodbye::Silent);
    }
}

/// The scene is told how long the way to a player is when that has changed by more than it varies anyway.
fn tell_latency(session: &mut Session, inputs: &mut Inputs) {
    let Some(rtt_ms) = session.end.rtt_ms().filter(|_| session.character.is_some()) else { return };
    if session.told_rtt_ms.is_none_or(|told_ms| told_ms.abs_diff(rtt_ms) >= RTT_STEP_MS) {
        session.told_rtt_ms = Some(rtt_ms);
        inputs.push(SceneInput::Latency { player: session.player.0, rtt_ms });
    }
}

fn ends(session: &mut Session, stats: &mut SessionStats, inputs: &mut Inputs) -> bool {
    let player = session.player.0;
    let (input, cause) = match (session.ending, session.end.closed()) {
        (None, None) => return false,
        (Some(Goodbye::LoggedOut), _) => (SceneInput::Leave { player }, Goodbye::LoggedOut.name()),
        (Some(reason), _) => (SceneInput::LinkLost { player }, reason.name()),
        (None, Some(cause)) => (SceneInput::LinkLost { player }, cause.name()),
    };
    if let Some(reason) = session.ending {
        session.end.goodbye(reason);
    }
    *stats.closed.entry(cause).or_default() += 1;
    tracing::debug!(player = %session.player, session = %session.end.id(), cause, "session ended");
    inputs.push(input);
    true
}
