//! The sessions of a scene, each in a place of its own: whoever walks over those that have something to do walks over
//! memory in order, and finds each without a search. A place that became free is taken by the next who comes.

use std::collections::BTreeMap;

use sim::ids::PlayerId;

use super::Session;

/// Sessions by place and by player.
#[derive(Debug, Default)]
pub(crate) struct SessionTable {
    places: BTreeMap<PlayerId, usize>,
    slots: Vec<Option<Session>>,
    free: Vec<usize>,
}

impl SessionTable {
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The place that [`SessionTable::insert`] will give to a player.
    pub(super) fn place_for(&self, player: PlayerId) -> usize {
        let own = self.places.get(&player).or(self.free.last());
        own.copied().unwrap_or(self.slots.len())
    }

    /// Takes in a player's session and hands out the one it had.
    pub(super) fn insert(&mut self, player: PlayerId, session: Session) -> Option<Session> {
        let place = self.place_for(player);
        if self.places.insert(player, place).is_none() && self.free.pop().is_none() {
            self.slots.push(None);
        }
        self.slots.get_mut(place).and_then(|slot| slot.replace(session))
    }

    pub(crate) fn remove(&mut self, player: &PlayerId) -> Option<Session> {
        let place = self.places.remove(player)?;
        self.free.push(place);
        self.slots.get_mut(place)?.take()
    }

    pub(crate) fn get(&self, player: &PlayerId) -> Option<&Session> {
        self.slots.get(*self.places.get(player)?)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, player: &PlayerId) -> Option<&mut Session> {
        self.at_mut(*self.places.get(player)?)
    }

    /// The session in a place; another's, when the one that was there has gone.
    pub(crate) fn at_mut(&mut self, place: usize) -> Option<&mut Session> {
        self.slots.get_mut(place)?.as_mut()
    }

    /// All sessions, by place.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Session> {
        self.slots.iter_mut().flatten()
    }

    pub(super) fn into_values(self) -> impl Iterator<Item = Session> {
        self.slots.into_iter().flatten()
    }
}
