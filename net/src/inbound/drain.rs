//! Drain: takes what has arrived out of the mailboxes, notices what has not, and lets go of sessions that ended.
//!
//! Only sessions whose mailbox has put itself on the list are looked at; silence is found by its deadline. What a client
//! said before its connection went is heard: its session ends a tick later, so that a logout is one though nobody waited
//! for the answer to it.

use std::ops::ControlFlow;

use bevy_ecs::prelude::*;
use sim::input::{Inputs, SceneInput};
use sim::replicated::Changes;
use sim::tick::SimTick;

use crate::mailbox::{CloseCause, Drained, Inbound};
use crate::protocol::{Goodbye, PROBE_AFTER_TICKS, SILENT_SESSION_TICKS_MAX, ServerMessage};
use crate::sessions::{Session, SessionStats, Sessions};

/// A round trip has changed when it differs by so many ms from what the scene knows.
const RTT_STEP_MS: u32 = 15;

/// Empties a session's mailbox into `inbox`, which is empty; breaks when the session has ended.
pub(super) fn drain(
    session: &mut Session,
    tick: u32,
    inbox: &mut Vec<Inbound>,
    stats: &mut SessionStats,
    inputs: &mut Inputs,
) -> ControlFlow<()> {
    let Drained { dropped, closed } = session.end.drain(inbox);
    if dropped > 0 {
        *stats.rejected.entry("dropped").or_default() += dropped;
    }
    if !inbox.is_empty() {
        session.heard_tick = tick;
    }
    tell_latency(session, inputs);
    session.begin_owed(tick);
    if !has_last_words(session, closed, inbox) && ends(session, closed, stats, inputs) {
        return ControlFlow::Break(());
    }
    ControlFlow::Continue(())
}

/// Asks those who have been silent for long whether they are there, and ends those who did not answer. Changes are watched
/// as long as anybody is left.
pub(super) fn notice_silence(
    tick: Res<SimTick>,
    mut sessions: ResMut<Sessions>,
    mut inputs: ResMut<Inputs>,
    mut changes: ResMut<Changes>,
) {
    let (tick, inputs) = (tick.0, &mut inputs);
    let Sessions { by_player, stats, silence, .. } = &mut *sessions;
    while let Some(&(due, player)) = silence.first()
        && due <= tick
    {
        silence.pop_first();
        let Some(session) = by_player.get_mut(&player).filter(|session| session.silence_due == due) else { continue };
        let silent_ticks = tick.saturating_sub(session.heard_tick);
        let mut wait_ticks = PROBE_AFTER_TICKS;
        if silent_ticks >= SILENT_SESSION_TICKS_MAX {
            session.end_as(Goodbye::Silent);
        } else if silent_ticks >= PROBE_AFTER_TICKS {
            session.send(&ServerMessage::Probe);
            wait_ticks = SILENT_SESSION_TICKS_MAX;
        }
        session.silence_due = session.heard_tick.saturating_add(wait_ticks);
        silence.insert((session.silence_due, player));
        // Whose connection has gone since the mailboxes were emptied is on the list of the next tick.
        if ends(session, None, stats, inputs) {
            by_player.remove(&player);
        }
    }
    changes.watch(!by_player.is_empty());
}

/// True once, for a session that would go on if its connection had not gone, and of which something came before that. Who
/// was thrown out for what it sent is not heard.
fn has_last_words(session: &mut Session, closed: Option<CloseCause>, inbox: &[Inbound]) -> bool {
    let is_heard = matches!(closed, Some(CloseCause::Peer | CloseCause::Lost));
    if !is_heard || inbox.is_empty() || session.ending.is_some() || session.is_closing {
        return false;
    }
    session.is_closing = true;
    session.end.list();
    true
}

/// The scene is told how long the way to a player is when that has changed by more than it varies anyway.
fn tell_latency(session: &mut Session, inputs: &mut Inputs) {
    let Some(rtt_ms) = session.end.rtt_ms().filter(|_| session.character.is_some()) else { return };
    if session.told_rtt_ms.is_none_or(|told_ms| told_ms.abs_diff(rtt_ms) >= RTT_STEP_MS) {
        session.told_rtt_ms = Some(rtt_ms);
        inputs.push(SceneInput::Latency { player: session.player.0, rtt_ms });
    }
}

fn ends(session: &mut Session, closed: Option<CloseCause>, stats: &mut SessionStats, inputs: &mut Inputs) -> bool {
    let player = session.player.0;
    let (input, cause) = match (session.ending, closed) {
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
