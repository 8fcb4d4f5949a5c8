//! Changes: every changed entity is encoded once, whoever sees it; whole entities are encoded once when the
//! first client needs them. Bodies live in one buffer per tick, found by the entity's dense index.

use bevy_ecs::prelude::*;
use sim::ids::SimId;
use sim::replicated::{Audience, Changes, WireLists};
use sim::roster::Roster;
use sim::tick::SimTick;
use sim::wire::put_varint;

/// Bits of the components that only say where the entity is: its owner knows better.
const PLACE_BITS: u32 = 0b11;

/// A run of bytes in this tick's buffer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(super) const fn is_empty(self) -> bool {
        self.start == self.end
    }

    pub(super) const fn len(self) -> usize {
        (self.end - self.start) as usize
    }
}

/// What every client that sees an entity asks of it in every tick: kept small, so that all of them stay near.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct News {
    tick: u32,
    /// Mask and values of what changed; empty when nothing did.
    pub(super) delta: Span,
    /// True when the change is more than a new place.
    pub(super) more_than_place: bool,
    /// True when something happened to it.
    pub(super) has_events: bool,
}

/// What is encoded of one entity in this tick beyond its change.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slot {
    tick: u32,
    /// Mask and values of all that viewers follow; empty until asked for.
    pub(super) full: Span,
    /// Mask and values of all there is to show on entering; empty until asked for.
    pub(super) enter: Span,
    /// Mask and values for the owner alone; empty until asked for.
    pub(super) owner: Span,
    /// The entity's events: a range of [`Encoded::events`].
    pub(super) events: (u32, u32),
}

/// What a client needs of an entity beyond its change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Request {
    /// All that viewers follow.
    Full(SimId),
    /// All there is to show on entering.
    Enter(SimId),
    /// Components of this mask for the entity's owner.
    Owner(SimId, u32),
}

/// This tick's encoded entities and events.
#[derive(Resource, Debug, Default)]
pub(super) struct Encoded {
    tick: u32,
    news: Vec<News>,
    slots: Vec<Slot>,
    bytes: Vec<u8>,
    events: Vec<u32>,
    pub(super) requests: Vec<Request>,
}

impl Encoded {
    /// What is new about an entity; nothing when it did not change and nothing happened to it.
    pub(super) fn news(&self, id: SimId) -> News {
        self.news.get(id.index()).copied().filter(|news| news.tick == self.tick).unwrap_or_default()
    }

    /// What is encoded of an entity beyond its change; nothing when nobody asked and nothing happened to it.
    pub(super) fn slot(&self, id: SimId) -> Option<&Slot> {
        self.slots.get(id.index()).filter(|slot| slot.tick == self.tick)
    }

    /// The bytes of a span.
    pub(super) fn bytes(&self, span: Span) -> &[u8] {
        self.bytes.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// Indices into [`Changes::events`] of an entity's events, in the order they happened.
    pub(super) fn events(&self, slot: &Slot) -> &[u32] {
        self.events.get(slot.events.0 as usize..slot.events.1 as usize).unwrap_or_default()
    }

    fn begin(&mut self, tick: u32, index_end: usize) {
        self.tick = tick;
        self.news.resize(index_end, News::default());
        self.slots.resize(index_end, Slot::default());
        self.bytes.clear();
        self.events.clear();
        self.requests.clear();
    }

    fn slot_mut(&mut self, id: SimId) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(id.index())?;
        if slot.tick != self.tick {
            *slot = Slot { tick: self.tick, ..Slot::default() };
        }
        Some(slot)
    }

    fn news_mut(&mut self, id: SimId) -> Option<&mut News> {
        let news = self.news.get_mut(id.index())?;
        if news.tick != self.tick {
            *news = News { tick: self.tick, ..News::default() };
        }
        Some(news)
    }

    /// Writes a mask and the values of its bits; bits whose component the entity lacks are left out of both.
    fn write(&mut self, entity: EntityRef<'_>, lists: &WireLists, mask: u32) -> Span {
        let start = self.bytes.len();
        put_varint(&mut self.bytes, mask);
        let mut missing = 0;
        for (bit, entry) in (0_u32..).zip(&lists.components).filter(|(bit, _)| mask & (1 << bit) != 0) {
            if !entry.encode(entity, &mut self.bytes) {
                missing |= 1 << bit;
            }
        }
        if missing != 0 {
            self.bytes.truncate(start);
            return if mask == missing { Span::default() } else { self.write(entity, lists, mask & !missing) };
        }
        Span { start: offset(start), end: offset(self.bytes.len()) }
    }

    fn index_events(&mut self, changes: &Changes) {
        let events = changes.events();
        self.events.extend(0..offset(events.len()));
        let subject = |&event: &u32| events.get(event as usize).map(|event| event.subject);
        self.events.sort_by_key(subject);
        let order = std::mem::take(&mut self.events);
        let mut start = 0;
        for run in order.chunk_by(|a, b| subject(a) == subject(b)) {
            let end = start + offset(run.len());
            if let Some(id) = run.first().and_then(subject) {
                if let Some(slot) = self.slot_mut(id) {
                    slot.events = (start, end);
                }
                if let Some(news) = self.news_mut(id) {
                    news.has_events = true;
                }
            }
            start = end;
        }
        self.events = order;
    }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Encodes what changed.
pub(super) fn encode_changes(world: &mut World) {
    world.resource_scope(|world, mut encoded: Mut<Encoded>| {
        let (roster, changes) = (world.resource::<Roster>(), world.resource::<Changes>());
        let lists = world.resource::<WireLists>();
        encoded.begin(world.resource::<SimTick>().0, roster.index_end());
        let followed = lists.mask_of(Audience::Viewers);
        for &id in changes.touched() {
            let mask = changes.mask(id) & followed;
            let Some(entity) = roster.entity(id).filter(|_| mask != 0) else { continue };
            let delta = encoded.write(world.entity(entity), lists, mask);
            if let Some(news) = encoded.news_mut(id) {
                news.delta = delta;
                news.more_than_place = mask & !PLACE_BITS != 0;
            }
        }
        encoded.index_events(changes);
    });
}

/// Encodes the whole entities that the audience asked for, each once.
pub(super) fn encode_requests(world: &mut World) {
    world.resource_scope(|world, mut encoded: Mut<Encoded>| {
        let (roster, lists) = (world.resource::<Roster>(), world.resource::<WireLists>());
        let followed = lists.mask_of(Audience::Viewers);
        let shown = followed | lists.mask_of(Audience::OnEnter);
        let mut requests = std::mem::take(&mut encoded.requests);
        requests.sort_unstable();
        requests.dedup();
        for request in requests.drain(..) {
            let (id, mask) = match request {
                Request::Full(id) => (id, followed),
                Request::Enter(id) => (id, shown),
                Request::Owner(id, mask) => (id, mask),
            };
            let Some(entity) = roster.entity(id) else { continue };
            let span = encoded.write(world.entity(entity), lists, mask);
            match (request, encoded.slot_mut(id)) {
                (Request::Full(_), Some(slot)) => slot.full = span,
                (Request::Enter(_), Some(slot)) => slot.enter = span,
                (Request::Owner(..), Some(slot)) => slot.owner = span,
                (_, None) => {}
            }
        }
        encoded.requests = requests;
    });
}
