//! Transmit: hands this tick's datagrams to the mailboxes, and tells who was refused.

use bevy_ecs::prelude::*;
use sim::command::CommandRejected;
use sim::tick::SimTick;

use crate::protocol::ServerMessage;
use crate::sessions::Sessions;

/// Hands everything over.
pub(super) fn transmit(
    tick: Res<SimTick>,
    mut rejected: MessageReader<CommandRejected>,
    mut sessions: ResMut<Sessions>,
) {
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
