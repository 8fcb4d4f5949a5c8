//! Transmit: hands this tick's datagrams to the mailboxes with the time to send them, and tells who was refused, and that
//! the game data has been exchanged.

use bevy_ecs::prelude::*;
use sim::assets::Assets;
use sim::command::CommandRejected;
use sim::scene::SceneAssets;
use sim::tick::SimTick;

use crate::mailbox::{Departures, now_us};
use crate::protocol::ServerMessage;
use crate::sessions::{Sessions, data_messages};
use crate::slots::Slot;

/// Hands everything over. Each session has its place in the order, so that what leaves in one burst neither fills the
/// buffers on its way nor comes at another time every tick.
pub(crate) fn transmit(
    tick: Res<SimTick>,
    assets: Res<SceneAssets>,
    mut rejected: MessageReader<CommandRejected>,
    mut sessions: ResMut<Sessions>,
    mut departures: Local<Departures>,
) {
    if assets.is_changed() && !assets.is_added() {
        tell_of_data(&assets.0, &mut sessions);
    }
    let Sessions { by_player, stats, visits, .. } = &mut *sessions;
    for refusal in rejected.read() {
        if let Some(session) = by_player.get_mut(&refusal.player) {
            let reason = refusal.reason.to_owned();
            session.send(&ServerMessage::Rejected { sequence: refusal.sequence, reason });
        }
    }
    let (began_us, count) = (now_us(), by_player.len());
    by_player.visit(visits, |rank, session| {
        let outgoing = &mut session.view.outgoing;
        if outgoing.is_empty() {
            session.flush();
            return session.sleeper(tick.0);
        }
        session.has_frames = false;
        stats.datagrams += outgoing.len() as u64;
        stats.updates_sent += std::mem::take(&mut session.view.told_count);
        stats.datagram_bytes += outgoing.iter().map(|datagram| datagram.len() as u64).sum::<u64>();
        let at_us = began_us + Slot::new(rank, count).send_offset_us();
        stats.datagrams_displaced +=
            session.end.send_datagrams_at(tick.0, outgoing.drain(..), at_us, &mut departures) as u64;
        None
    });
    departures.hand_over();
}

/// The game data was exchanged: everybody hears which is in use, and the numbers of its new records.
fn tell_of_data(assets: &Assets, sessions: &mut Sessions) {
    let messages = data_messages(assets, true);
    for session in sessions.by_player.values_mut() {
        messages.iter().for_each(|message| session.send(message));
    }
}
