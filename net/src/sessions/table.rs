//! The sessions of a scene, each in a place of its own: whoever walks over those that have something to do walks over
//! memory in order, and finds each without a search. A place that became free is taken by the next who comes.
//!
//! A session that is owed nothing sleeps: nobody looks at it until something happens around its character, or until
//! anybody asks for it by name or place. Only its place says so, so that 100,000 who stand by cost a walk over bytes.

use std::collections::BTreeMap;

use sim::ids::{PlayerId, SimId};

use super::Session;

/// What there is to know of a place without a look at the session in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Free,
    Awake,
    /// The session of this character sleeps.
    Asleep(SimId),
}

/// A session to look at in this tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Visit {
    place: usize,
    /// Its rank among all sessions, from 0.
    rank: usize,
}

/// Sessions by place and by player.
#[derive(Debug, Default)]
pub(crate) struct SessionTable {
    places: BTreeMap<PlayerId, usize>,
    slots: Vec<Option<Session>>,
    /// As many as slots.
    states: Vec<Place>,
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
            self.states.push(Place::Free);
        }
        self.set(place, Place::Awake);
        self.slots.get_mut(place).and_then(|slot| slot.replace(session))
    }

    pub(crate) fn remove(&mut self, player: &PlayerId) -> Option<Session> {
        let place = self.places.remove(player)?;
        self.free.push(place);
        self.set(place, Place::Free);
        self.slots.get_mut(place)?.take()
    }

    pub(crate) fn get(&self, player: &PlayerId) -> Option<&Session> {
        self.slots.get(*self.places.get(player)?)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, player: &PlayerId) -> Option<&mut Session> {
        self.at_mut(*self.places.get(player)?)
    }

    /// The session in a place, which wakes; another's, when the one that was there has gone.
    pub(crate) fn at_mut(&mut self, place: usize) -> Option<&mut Session> {
        let session = self.slots.get_mut(place)?.as_mut()?;
        *self.states.get_mut(place)? = Place::Awake;
        Some(session)
    }

    /// All sessions, by place; they wake.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Session> {
        let asleep = self.states.iter_mut().filter(|state| matches!(state, Place::Asleep(_)));
        asleep.for_each(|state| *state = Place::Awake);
        self.slots.iter_mut().flatten()
    }

    /// Lists who is awake, and those of the others whose character `wakes` names, by place.
    pub(crate) fn list(&self, wakes: impl Fn(SimId) -> bool, into: &mut Vec<Visit>) {
        into.clear();
        let present = self.states.iter().enumerate().filter(|(_, state)| **state != Place::Free);
        let listed = present.enumerate().filter(|(_, (_, state))| match state {
            Place::Asleep(own) => wakes(*own),
            _ => true,
        });
        into.extend(listed.map(|(rank, (place, _))| Visit { place, rank }));
    }

    /// The sessions of a list, with their ranks; the others are stepped over without a look.
    pub(crate) fn listed_mut(&mut self, list: &[Visit]) -> impl Iterator<Item = (usize, &mut Session)> {
        let (mut rest, mut passed) = (self.slots.as_mut_slice(), 0);
        list.iter().filter_map(move |&Visit { place, rank }| {
            let (_, ahead) = std::mem::take(&mut rest).split_at_mut_checked(place.checked_sub(passed)?)?;
            let (slot, behind) = ahead.split_first_mut()?;
            (rest, passed) = (behind, place + 1);
            slot.as_mut().map(|session| (rank, session))
        })
    }

    /// Looks at the sessions of a list; those of which `look` answers the character sleep from now on.
    pub(crate) fn visit(&mut self, list: &[Visit], mut look: impl FnMut(&mut Session) -> Option<SimId>) {
        for &Visit { place, .. } in list {
            let Some(Some(session)) = self.slots.get_mut(place) else { continue };
            let state = look(session).map_or(Place::Awake, Place::Asleep);
            self.set(place, state);
        }
    }

    fn set(&mut self, place: usize, state: Place) {
        if let Some(known) = self.states.get_mut(place) {
            *known = state;
        }
    }

    pub(super) fn into_values(self) -> impl Iterator<Item = Session> {
        self.slots.into_iter().flatten()
    }
}
