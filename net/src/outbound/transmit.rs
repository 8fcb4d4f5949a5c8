//! Transmit: hands this tick's datagrams to the mailboxes, tells who was refused, and that the game data is another.

use bevy_ecs::prelude::*;
use sim::assets::Assets;
use sim::command::CommandRejected;
use sim::scene::SceneAssets;
use sim::tick::SimTick;

use crate::protocol::ServerMessage;
use crate::sessions::{Sessions, data_messages};

/// Hands everything over.
pub(crate) fn transmit(
    tick: Res<SimTick>,
    assets: Res<SceneAssets>,
    mut rejected: MessageReader<CommandRejected>,
    mut sessions: ResMut<Sessions>,
) {
    if assets.is_changed() && !assets.is_added() {
        tell_of_data(&assets.0, &mut sessions);
    }
    let Sessions { by_player, stats, .. } = &mut *sessions;
    for refusal in rejected.read() {
        if let Some(session) = by_player.get_mut(&refusal.player) {
            let reason = refusal.reason.to_owned();
            session.send(&ServerMessage::Rejected { sequence: refusal.sequence, reason });
        }
    }
    for session in by_player.values_mut().filter(|session| !session.view.outgoing.is_empty()) {
        let outgoing = &mut session.view.outgoing;
        stats.datagrams += outgoing.len() as u64;
        stats.datagram_bytes += outgoing.iter().map(|datagram| datagram.len() as u64).sum::<u64>();
        session.end.send_datagrams(tick.0, outgoing.drain(..));
    }
}

/// The game data was exchanged: everybody hears which is in use, and the numbers of its new records.
fn tell_of_data(assets: &Assets, sessions: &mut Sessions) {
    let messages = data_messages(assets, true);
    for session in sessions.by_player.values_mut() {
        messages.iter().for_each(|message| session.send(message));
    }
}
