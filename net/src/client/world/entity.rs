//! One entity as a client knows it: the newest value of each component, and the places it was at.
//!
//! Per component the newest tick wins, whatever order the frames come in. A compact place is completed from the place
//! known, if that is young enough to leave no doubt.

use sim::actor::Position;
use sim::ids::SimId;
use smallvec::SmallVec;

use crate::client::interpolate::Track;
use crate::records::{CompactPlace, StateNews, Values};

/// Where in the wire table the components stand that make up a pose.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PlaceBits {
    pub(super) position: Option<u8>,
    pub(super) heading: Option<u8>,
}

impl PlaceBits {
    /// Whether news say nothing but where something is and where it faces.
    pub(super) fn is_all_of(self, news: &StateNews<'_>) -> bool {
        match news {
            StateNews::Place(_) => true,
            StateNews::Values(values) => {
                values.iter().all(|(component, _)| [self.position, self.heading].contains(&Some(*component)))
            }
        }
    }
}

/// A component's value and the tick it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Value {
    tick: u32,
    component: u8,
    bytes: SmallVec<[u8; 16]>,
}

/// Components in wire order, newest tick wins. The place is the first of them, so a search is a glance.
#[derive(Debug, Clone, Default)]
pub(super) struct ValueMap(SmallVec<[Value; 4]>);

impl ValueMap {
    /// Takes a value over unless a newer one is there; says whether it did.
    pub(super) fn set(&mut self, component: u8, tick: u32, bytes: &[u8]) -> bool {
        let at = self.0.iter().position(|value| value.component >= component).unwrap_or(self.0.len());
        match self.0.get_mut(at).filter(|value| value.component == component) {
            Some(value) if value.tick > tick => return false,
            Some(value) => {
                value.tick = tick;
                value.bytes.clear();
                value.bytes.extend_from_slice(bytes);
            }
            None => self.0.insert(at, Value { tick, component, bytes: SmallVec::from_slice(bytes) }),
        }
        true
    }

    pub(super) fn value(&self, component: u8) -> Option<&[u8]> {
        self.find(component).map(|value| value.bytes.as_slice())
    }

    fn find(&self, component: u8) -> Option<&Value> {
        self.0.iter().find(|value| value.component == component)
    }
}

/// An entity in view.
#[derive(Debug, Clone)]
pub struct RemoteEntity {
    id: SimId,
    entered_tick: u32,
    values: ValueMap,
    pub(super) track: Track,
}

impl RemoteEntity {
    /// One that came into view at `tick` and of which nothing is known.
    pub(super) fn new(id: SimId, tick: u32) -> Self {
        Self { id, entered_tick: tick, values: ValueMap::default(), track: Track::default() }
    }

    /// Which entity.
    #[must_use]
    pub fn id(&self) -> SimId {
        self.id
    }

    /// Server tick at which it came into view.
    #[must_use]
    pub fn entered_tick(&self) -> u32 {
        self.entered_tick
    }

    /// The newest bytes of a component, by its place in the wire table.
    #[must_use]
    pub fn value(&self, component: u8) -> Option<&[u8]> {
        self.values.value(component)
    }

    /// Every component known, in wire order: place in the wire table, and bytes.
    pub fn values(&self) -> impl Iterator<Item = (u8, &[u8])> {
        self.values.0.iter().map(|value| (value.component, value.bytes.as_slice()))
    }

    /// Server tick of the newest value of a component.
    #[must_use]
    pub fn value_tick(&self, component: u8) -> Option<u32> {
        self.values.find(component).map(|value| value.tick)
    }

    /// Takes values of `tick` over; `whole_tick` is the newest of which everything was told before.
    pub(super) fn apply(&mut self, (tick, whole_tick): (u32, u32), values: &Values<'_>, places: PlaceBits) {
        let (mut position, mut heading) = (None, None);
        for (component, bytes) in values {
            if self.values.set(*component, tick, bytes) {
                position = position.or((places.position == Some(*component)).then_some(*bytes));
                heading = heading.or((places.heading == Some(*component)).then_some(*bytes));
            }
        }
        if position.is_some() || heading.is_some() {
            self.track.note((tick, whole_tick), position, heading);
        }
    }

    /// Completes a compact place of `tick` and takes it over. False when the place known is too old for that.
    pub(super) fn apply_place(
        &mut self,
        (tick, whole_tick): (u32, u32),
        place: CompactPlace,
        places: PlaceBits,
    ) -> bool {
        let turned = place.heading().zip(places.heading);
        let heading =
            turned.filter(|&(byte, component)| self.values.set(component, tick, &[byte])).map(|(byte, _)| [byte]);
        let heading = heading.as_ref().map(<[u8; 1]>::as_slice);
        let position = places.position.and_then(|component| Some((component, self.values.find(component)?)));
        let Some((component, known)) = position else { return false };
        let ticks = tick.checked_sub(known.tick);
        if ticks.is_none_or(|ticks| ticks == 0) {
            // Something as new is known already.
            self.track.note_heading((tick, whole_tick), heading);
            return true;
        }
        let Some(known) =
            Position::cm_from_wire(&known.bytes).filter(|_| ticks.is_some_and(|ticks| ticks <= place.ticks_max()))
        else {
            self.track.note_heading((tick, whole_tick), heading);
            return false;
        };
        let position = Position::cm_to_wire(place.completed(known));
        self.values.set(component, tick, &position);
        self.track.note((tick, whole_tick), Some(&position), heading);
        true
    }
}

/// The entities in view, sorted by id. What is searched for stands close together; the entities themselves stay where
/// they are.
#[derive(Debug, Default)]
pub(super) struct Entities {
    order: Vec<(SimId, u32)>,
    slots: Vec<RemoteEntity>,
    free: Vec<u32>,
    /// The own character, which is asked for more often than all others.
    own: Option<SimId>,
    own_slot: Option<u32>,
}

impl Entities {
    /// Forgets all, in a scene in which `own` is the own character.
    pub(super) fn begin_anew(&mut self, own: SimId) {
        *self = Self { own: Some(own), ..Self::default() };
    }

    /// The own character, while it is known.
    pub(super) fn own(&self) -> Option<&RemoteEntity> {
        self.slots.get(self.own_slot? as usize)
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &RemoteEntity> {
        // Every place in the order has its slot.
        self.order.iter().map(|&(_, slot)| &self.slots[slot as usize])
    }

    pub(super) fn get(&self, id: SimId) -> Option<&RemoteEntity> {
        let at = self.order.binary_search_by_key(&id, |&(other, _)| other).ok()?;
        self.slots.get(self.order.get(at)?.1 as usize)
    }

    /// Adds an entity, in place of one of the same id.
    pub(super) fn insert(&mut self, entity: RemoteEntity) {
        let is_own = self.own == Some(entity.id);
        match self.order.binary_search_by_key(&entity.id, |&(other, _)| other) {
            Ok(at) => self.slots[self.order[at].1 as usize] = entity,
            Err(at) => {
                let slot = self.free.pop().unwrap_or(u32::try_from(self.slots.len()).unwrap_or(u32::MAX));
                self.order.insert(at, (entity.id, slot));
                self.own_slot = if is_own { Some(slot) } else { self.own_slot };
                match self.slots.get_mut(slot as usize) {
                    Some(place) => *place = entity,
                    None => self.slots.push(entity),
                }
            }
        }
    }

    /// Takes an entity out; says whether it was there.
    pub(super) fn remove(&mut self, id: SimId) -> bool {
        let Ok(at) = self.order.binary_search_by_key(&id, |&(other, _)| other) else { return false };
        let (_, slot) = self.order.remove(at);
        self.own_slot = self.own_slot.filter(|&own| own != slot);
        self.free.push(slot);
        true
    }

    /// The entity that holds a dense index, and where the search for a larger one goes on from. `from` is where the last
    /// search ended: the records of a frame are sorted, so a whole frame is one walk.
    pub(super) fn at_index(&mut self, index: u32, from: &mut usize) -> Option<&mut RemoteEntity> {
        let rest = self.order.get(*from..).unwrap_or_default();
        *from += rest.iter().position(|(id, _)| id.index() >= index as usize).unwrap_or(rest.len());
        // Of two owners of an index the later one is meant.
        let owners = self.order.get(*from..)?.iter().take_while(|(id, _)| id.index() == index as usize);
        let &(_, slot) = owners.last()?;
        self.slots.get_mut(slot as usize)
    }
}
