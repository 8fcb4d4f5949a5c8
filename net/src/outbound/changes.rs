//! Changes: every changed entity is encoded once, whoever sees it. What every client that sees it asks in every tick
//! stands in 16 bytes by the entity's dense index: when it changed last, when before that, and the bytes themselves
//! if they are few.
//!
//! When each component changed last is kept too: it says what a client lacks that was sent everything up to a tick.

use bevy_ecs::prelude::*;
use sim::actor::{Heading, Kind, Position};
use sim::ids::SimId;
use sim::replicated::{Audience, Changes, WireLists};
use sim::roster::Roster;
use sim::tick::SimTick;

use self::steps::{REST_TICKS, Steps};
use super::passing::Passing;
use crate::records::{COMPACT_TICKS, CompactPlace, WIDE_TICKS, put_head};

mod steps;

/// Bit of [`Position`] in the wire's list, which begins with it.
const POSITION_BIT: u32 = 1 << 0;
/// Bit of [`Heading`].
const HEADING_BIT: u32 = 1 << 1;
/// Bits of the components that only say where the entity is: its owner knows better.
pub(super) const PLACE_BITS: u32 = POSITION_BIT | HEADING_BIT;
/// How many those are.
const PLACE_COMPONENTS: usize = PLACE_BITS.count_ones() as usize;

/// A run of bytes in this tick's buffer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    /// How many bytes it has.
    pub(super) const fn bytes(self) -> usize {
        (self.end - self.start) as usize
    }
}

/// What every client that sees an entity asks of it in every tick: kept small, so that all of them stay near.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct News {
    /// The record behind the index, or where it stands in [`Encoded::body`].
    word: u64,
    /// When it changed last.
    pub(super) changed_tick: u32,
    /// How many ticks earlier it had changed before, up to 65,535.
    before_ticks: u16,
    /// Bytes of the record in `word`; [`News::LONG`] when it stands elsewhere.
    length: u8,
    /// True when something happened to it in this tick.
    pub(super) has_events: bool,
}

impl News {
    /// Bytes that fit in the word beside an index of one byte.
    const SHORT_BYTES_MAX: usize = 7;
    const LONG: u8 = u8::MAX;

    /// True for a client that was sent everything up to `since_tick` and lacks nothing but what changed in this tick.
    #[inline]
    pub(super) fn follows(&self, tick: u32, since_tick: u32) -> bool {
        self.changed_tick == tick && tick - u32::from(self.before_ticks) <= since_tick
    }

    /// The record in the low bytes of a number, and how many bytes it has; `None` when it is too long for that.
    #[inline]
    pub(super) fn short(&self) -> Option<(u64, usize)> {
        (self.length != Self::LONG).then_some((self.word, usize::from(self.length)))
    }

    fn note(&mut self, tick: u32, (word, length): (u64, u8)) {
        self.before_ticks = u16::try_from(tick - self.changed_tick).unwrap_or(u16::MAX);
        (self.changed_tick, self.word, self.length) = (tick, word, length);
    }
}

/// What says where an entity is, and what walks about.
type Place<'a> = (&'a Position, Option<&'a Heading>, Option<&'a Kind>);

/// The encoded entities and events of this tick, and when everything changed.
#[derive(Resource, Debug, Default)]
pub(super) struct Encoded {
    tick: u32,
    news: Vec<News>,
    passing: Vec<Passing>,
    holders: Vec<u32>,
    /// By dense index: it walks about, as a player or a monster. It never becomes anything else.
    crowd: Vec<bool>,
    steps: Vec<Steps>,
    /// A row of ticks per entity, one for each component.
    changed: Vec<u32>,
    /// By dense index: when anything but the place changed last.
    otherwise: Vec<u32>,
    row: usize,
    changed_count: u64,
    bytes: Vec<u8>,
    events: Vec<u32>,
    /// By subject: a range of `events`.
    subjects: Vec<(SimId, Span)>,
}

impl Encoded {
    /// What there is to know of every entity in this tick, by dense index.
    pub(super) fn all_news(&self) -> &[News] {
        &self.news
    }

    /// What those lack of every entity who were sent everything up to the last tick, by dense index.
    pub(super) fn all_passing(&self) -> &[Passing] {
        &self.passing
    }

    /// The record of an entity whose news are long.
    pub(super) fn body(&self, news: &News) -> &[u8] {
        let [start, end] =
            [news.word & u64::from(u32::MAX), news.word >> 32].map(|at| usize::try_from(at).unwrap_or(0));
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// Components that changed after a tick, as bits in wire order.
    pub(super) fn changed_after(&self, id: SimId, since_tick: u32) -> u32 {
        let start = id.index() * self.row;
        let row = self.changed.get(start..start + self.row).unwrap_or_default();
        // Most only move.
        let is_more = self.is_more_than_place(id, since_tick);
        let row = if is_more { row } else { row.get(..PLACE_COMPONENTS).unwrap_or(row) };
        (0..).zip(row).fold(0, |mask, (bit, &tick)| mask | u32::from(tick > since_tick) << bit)
    }

    /// True when more than the place of an entity changed after a tick.
    #[inline]
    pub(super) fn is_more_than_place(&self, id: SimId, since_tick: u32) -> bool {
        self.otherwise.get(id.index()).is_some_and(|&tick| tick > since_tick)
    }

    /// True for those who walk about: players and monsters.
    #[inline]
    pub(super) fn is_of_crowd(&self, id: SimId) -> bool {
        self.crowd.get(id.index()).copied().unwrap_or(false)
    }

    /// When each component of an entity changed last, in wire order; 0 for never.
    pub(super) fn changed_ticks(&self, id: SimId) -> impl Iterator<Item = u32> + Clone + '_ {
        let start = id.index() * self.row;
        let is_held = self.holders.get(id.index()) == Some(&id.bits());
        let row = self.changed.get(start..start + self.row).filter(|_| is_held);
        row.unwrap_or_default().iter().copied()
    }

    /// The place of an entity in a few bytes, for a client that was sent everything up to `since_tick` and lacks nothing
    /// else; `None` when it cannot be told that way.
    pub(super) fn compact(&self, id: SimId, mask: u32, since_tick: u32) -> Option<(u64, usize)> {
        let steps = self.steps.get(id.index()).filter(|_| mask & !HEADING_BIT == POSITION_BIT)?;
        let age_ticks = self.tick.checked_sub(since_tick).filter(|_| since_tick >= steps.started_tick())?;
        let place = match age_ticks {
            0..=COMPACT_TICKS => steps.compact(self.tick, mask & HEADING_BIT != 0),
            // What is known may be older than that by a short rest.
            age_ticks if age_ticks + REST_TICKS <= WIDE_TICKS => steps.wide(self.tick),
            _ => None,
        };
        place.map(CompactPlace::to_word)
    }

    /// Indices into [`Changes::events`] of an entity's events, in the order they happened.
    pub(super) fn events(&self, id: SimId) -> &[u32] {
        let Ok(at) = self.subjects.binary_search_by_key(&id, |&(subject, _)| subject) else { return &[] };
        let range = self.subjects.get(at).map(|(_, span)| span.start as usize..span.end as usize);
        range.and_then(|range| self.events.get(range)).unwrap_or_default()
    }

    /// True when anything happened to anybody in this tick.
    pub(super) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Entities with news of this tick.
    pub(super) fn changed_count(&self) -> u64 {
        self.changed_count
    }

    fn begin(&mut self, tick: u32, index_end: usize, component_count: usize) {
        (self.tick, self.row, self.changed_count) = (tick, component_count, 0);
        self.news.resize(index_end, News::default());
        self.passing.clear();
        self.passing.resize(index_end, Passing::default());
        self.holders.resize(index_end, 0);
        self.crowd.resize(index_end, false);
        self.steps.resize(index_end, Steps::default());
        self.changed.resize(index_end * component_count, 0);
        self.otherwise.resize(index_end, 0);
        self.bytes.clear();
        for (id, _) in self.subjects.drain(..) {
            if let Some(news) = self.news.get_mut(id.index()) {
                news.has_events = false;
            }
        }
        self.events.clear();
    }

    /// Notes what changed of an entity. Of the place, only what makes a difference on the wire counts as a change.
    /// `write` writes the values of a mask.
    fn note(&mut self, id: SimId, mask: u32, place: Place<'_>, write: impl FnOnce(&mut Vec<u8>, u32)) {
        let index = id.index();
        let (position, heading, kind) = place;
        let (place, heading) = (position.to_cm(), heading.map_or(0, |heading| heading.to_byte()));
        let (Some(holder), Some(steps)) = (self.holders.get_mut(index), self.steps.get_mut(index)) else { return };
        let (mut mask, is_new) = (mask, *holder != id.bits());
        if !is_new {
            let differs = u32::from(steps.moved(self.tick, place)) | u32::from(steps.turned(heading)) << 1;
            mask &= differs | !PLACE_BITS;
        } else {
            (*holder, *steps) = (id.bits(), Steps::first(self.tick, place, heading));
            if let Some(is_of_crowd) = self.crowd.get_mut(index) {
                *is_of_crowd = kind.is_some_and(|kind| matches!(kind, Kind::Player(_) | Kind::Monster(_)));
            }
        }
        if mask == 0 {
            return;
        }
        let compact = match mask & !PLACE_BITS {
            0 if mask & POSITION_BIT != 0 => steps.compact(self.tick, mask & HEADING_BIT != 0),
            _ => None,
        };
        let row = self.changed.get_mut(index * self.row..(index + 1) * self.row).unwrap_or_default();
        if is_new {
            row.fill(0);
        }
        if let Some(otherwise) = self.otherwise.get_mut(index).filter(|_| is_new || mask & !PLACE_BITS != 0) {
            *otherwise = self.tick;
        }
        let mut bits = mask;
        while bits != 0 {
            if let Some(tick) = row.get_mut(bits.trailing_zeros() as usize) {
                *tick = self.tick;
            }
            bits &= bits - 1;
        }
        let body = match compact.map(CompactPlace::to_word) {
            Some((word, length)) => (word, u8::try_from(length).unwrap_or(0)),
            None => self.keep(|bytes| write(bytes, mask)),
        };
        if let (Some(news), Some(passing)) = (self.news.get_mut(index), self.passing.get_mut(index)) {
            news.note(self.tick, body);
            *passing = Passing::new(body);
            self.changed_count += 1;
        }
    }

    /// Keeps what is written, in a word if it is little.
    fn keep(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> (u64, u8) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        let body = self.bytes.get(start..).unwrap_or_default();
        if body.len() <= News::SHORT_BYTES_MAX {
            let mut word = [0; 8];
            word[..body.len()].copy_from_slice(body);
            let length = u8::try_from(body.len()).unwrap_or(0);
            self.bytes.truncate(start);
            return (u64::from_le_bytes(word), length);
        }
        (start as u64 | (self.bytes.len() as u64) << 32, News::LONG)
    }

    fn index_events(&mut self, changes: &Changes) {
        let events = changes.events();
        let subject = |&event: &u32| events.get(event as usize).map(|event| event.subject);
        self.events.extend(0..u32::try_from(events.len()).unwrap_or(u32::MAX));
        self.events.sort_by_key(subject);
        let mut start = 0;
        for run in self.events.chunk_by(|a, b| subject(a) == subject(b)) {
            let end = start + u32::try_from(run.len()).unwrap_or(0);
            if let Some(id) = run.first().and_then(subject) {
                self.subjects.push((id, Span { start, end }));
                if let (Some(news), Some(passing)) = (self.news.get_mut(id.index()), self.passing.get_mut(id.index())) {
                    (news.has_events, *passing) = (true, Passing::MORE);
                }
            }
            start = end;
        }
    }
}

/// Appends a mask and the values of its bits; components the entity lacks are left out of both.
pub(super) fn write_values(
    out: &mut Vec<u8>,
    entity: EntityRef<'_>,
    lists: &WireLists,
    mask: u32,
    put_mask: impl Fn(&mut Vec<u8>, u32),
) {
    let start = out.len();
    put_mask(out, mask);
    let mut missing = 0;
    for (bit, entry) in (0_u32..).zip(&lists.components).filter(|(bit, _)| mask & (1 << bit) != 0) {
        if !entry.encode(entity, out) {
            missing |= 1 << bit;
        }
    }
    if missing != 0 {
        out.truncate(start);
        write_values(out, entity, lists, mask & !missing, &put_mask as &dyn Fn(&mut Vec<u8>, u32));
    }
}

/// Encodes what changed.
pub(super) fn encode_changes(world: &mut World, places: &mut QueryState<Place<'static>>) {
    const NOWHERE: Place<'static> = (&Position(glam::Vec3::ZERO), None, None);
    places.update_archetypes(world);
    world.resource_scope(|world, mut encoded: Mut<Encoded>| {
        let (roster, changes) = (world.resource::<Roster>(), world.resource::<Changes>());
        let lists = world.resource::<WireLists>();
        encoded.begin(world.resource::<SimTick>().0, roster.index_end(), lists.components.len());
        let followed = lists.mask_of(Audience::Viewers);
        for &id in changes.touched() {
            let mask = changes.mask(id) & followed;
            if let Some(entity) = roster.entity(id).filter(|_| mask != 0) {
                let place = places.get_manual(world, entity).unwrap_or(NOWHERE);
                let write =
                    |bytes: &mut Vec<u8>, mask| write_values(bytes, world.entity(entity), lists, mask, put_head);
                encoded.note(id, mask, place, write);
            }
        }
        encoded.index_events(changes);
    });
}
