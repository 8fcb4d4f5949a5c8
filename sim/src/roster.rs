//! Who is in the scene: gives out [`SimId`]s and finds the entity behind one in constant time.
//! Works by component hooks, so that no system can forget it. Iterating the roster visits entities in the
//! order of their index, the one order that a replay and a snapshot share.

use std::collections::VecDeque;

use bevy_ecs::{lifecycle::HookContext, prelude::*, world::DeferredWorld};

use crate::ids::SimId;
use crate::tick::SimTick;

/// Ticks an index rests before it names another entity (60 s), longer than any message about its last owner lives.
pub const INDEX_REST_TICKS: u32 = 1_200;

#[derive(Debug, Clone, Copy, Default)]
struct Place {
    generation: u32,
    entity: Option<Entity>,
}

/// The entities of a scene by [`SimId`].
#[derive(Resource, Debug)]
pub struct Roster {
    places: Vec<Place>,
    resting: VecDeque<(u32, u32)>,
    present_count: usize,
}

impl Default for Roster {
    fn default() -> Self {
        // Index 0 stays empty: an id of all zeros is nobody.
        Self { places: vec![Place::default()], resting: VecDeque::new(), present_count: 0 }
    }
}

impl Roster {
    /// Takes an id for an entity about to be spawned at `tick`. The id counts as present once the component is inserted.
    ///
    /// # Panics
    /// With more than a million entities at once; spawners and joins are capped far below.
    pub fn allocate(&mut self, tick: u32) -> SimId {
        if let Some(&(index, freed_tick)) = self.resting.front()
            && tick.wrapping_sub(freed_tick) >= INDEX_REST_TICKS
        {
            self.resting.pop_front();
            return SimId::new(index, self.places[index as usize].generation);
        }
        let index = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        assert!(index <= SimId::INDEX_MAX, "a scene holds at most {} entities at once", SimId::INDEX_MAX);
        self.places.push(Place::default());
        SimId::new(index, 0)
    }

    /// The entity behind an id, or `None` when it has gone or never was.
    #[must_use]
    #[inline]
    pub fn entity(&self, id: SimId) -> Option<Entity> {
        let place = self.places.get(id.index())?;
        place.entity.filter(|_| place.generation == id.generation())
    }

    /// Everyone present, in the order of their index.
    pub fn iter(&self) -> impl Iterator<Item = (SimId, Entity)> + '_ {
        (0u32..)
            .zip(&self.places)
            .filter_map(|(index, place)| Some((SimId::new(index, place.generation), place.entity?)))
    }

    /// Entities present.
    #[must_use]
    pub fn present_count(&self) -> usize {
        self.present_count
    }

    /// One more than the largest index ever given out: the length of arrays with a place per entity.
    #[must_use]
    pub fn index_end(&self) -> usize {
        self.places.len()
    }
}

pub(crate) fn enlist(mut world: DeferredWorld<'_>, context: HookContext) {
    let Some(&id) = world.get::<SimId>(context.entity) else { return };
    let mut roster = world.resource_mut::<Roster>();
    if let Some(place) = roster.places.get_mut(id.index()) {
        debug_assert!(place.entity.is_none(), "two entities share one id");
        place.entity = Some(context.entity);
        roster.present_count += 1;
    }
}

pub(crate) fn strike_off(mut world: DeferredWorld<'_>, context: HookContext) {
    let Some(&id) = world.get::<SimId>(context.entity) else { return };
    let tick = world.resource::<SimTick>().0;
    let mut roster = world.resource_mut::<Roster>();
    if let Some(place) = roster.places.get_mut(id.index()) {
        place.entity = None;
        place.generation = (place.generation + 1) % SimId::GENERATIONS;
        roster.present_count -= 1;
        roster.resting.push_back((u32::try_from(id.index()).unwrap_or(0), tick));
    }
}
