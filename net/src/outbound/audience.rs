//! Audience: each client's view follows its character's interest, and asks for the bytes it will need.

use bevy_ecs::prelude::*;
use sim::input::Admitted;
use sim::interest::Interest;
use sim::replicated::{Audience, Changes, WireLists};
use sim::roster::Roster;

use super::changes::{Encoded, Request};
use crate::sessions::Sessions;

/// Brings every view up to date with its interest.
pub(super) fn follow_interest(
    mut admitted: MessageReader<Admitted>,
    lists: Res<WireLists>,
    changes: Res<Changes>,
    roster: Res<Roster>,
    viewers: Query<&Interest>,
    mut sessions: ResMut<Sessions>,
    mut encoded: ResMut<Encoded>,
) {
    for admitted in admitted.read() {
        if let Some(session) = sessions.by_player.get_mut(&admitted.player) {
            session.character = Some(admitted.id);
            session.view.restart();
        }
    }
    let owners = lists.mask_of(Audience::Owner);
    for session in sessions.by_player.values_mut() {
        let Some(own) = session.character else { continue };
        let Some(interest) = roster.entity(own).and_then(|entity| viewers.get(entity).ok()) else { continue };
        session.view.follow(interest);
        encoded.requests.extend(session.view.entering().iter().map(|&id| Request::Enter(id)));
        encoded.requests.extend(session.view.owed().map(Request::Full));
        let owner_mask = if session.view.is_introduced() { changes.mask(own) & owners } else { owners };
        if owner_mask != 0 {
            encoded.requests.push(Request::Owner(own, owner_mask));
        }
    }
}
