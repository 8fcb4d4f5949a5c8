//! Transmit: what is to be sent without datagrams. Tells who was refused, and that the game data has been exchanged, has
//! messages sent that nothing took along, and lets sessions sleep. The datagrams of the tick are on their way by then: see
//! [`super::courier`].

use bevy_ecs::prelude::*;
use sim::assets::Assets;
use sim::command::CommandRejected;
use sim::scene::SceneAssets;
use sim::tick::SimTick;

use crate::protocol::ServerMessage;
use crate::sessions::{Sessions, data_messages};

/// Hands the rest over.
pub(crate) fn transmit(
    tick: Res<SimTick>,
    assets: Res<SceneAssets>,
    mut rejected: MessageReader<CommandRejected>,
    mut sessions: ResMut<Sessions>,
) {
    if assets.is_changed() && !assets.is_added() {
        tell_of_data(&assets.0, &mut sessions);
    }
    let Sessions { by_player, visits, .. } = &mut *sessions;
    for refusal in rejected.read() {
        if let Some(session) = by_player.get_mut(&refusal.player) {
            let reason = refusal.reason.to_owned();
            session.send(&ServerMessage::Rejected { sequence: refusal.sequence, reason });
        }
    }
    by_player.visit(visits, |session| {
        session.flush();
        session.sleeper(tick.0)
    });
}

/// The game data was exchanged: everybody hears which is in use, and the numbers of its new records.
fn tell_of_data(assets: &Assets, sessions: &mut Sessions) {
    let messages = data_messages(assets, true);
    for session in sessions.by_player.values_mut() {
        messages.iter().for_each(|message| session.send(message));
    }
}
