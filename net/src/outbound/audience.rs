//! Audience: whose characters the scene has admitted, so that their views begin anew.

use bevy_ecs::prelude::*;
use sim::input::Admitted;

use crate::sessions::Sessions;

/// Gives every admitted character to its session.
pub(super) fn welcome_admitted(mut admitted: MessageReader<Admitted>, mut sessions: ResMut<Sessions>) {
    for admitted in admitted.read() {
        if let Some(session) = sessions.by_player.get_mut(&admitted.player) {
            session.character = Some(admitted.id);
            session.view.restart();
        }
    }
}
