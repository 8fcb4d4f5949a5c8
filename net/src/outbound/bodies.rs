//! Bodies made on demand: what a client needs of an entity beyond its change. Whole entities for those who see them
//! anew, and everything since a tick for those who were not sent it then. Made once per tick for all clients that ask the
//! same (on each thread).

use bevy_ecs::prelude::*;
use sim::ids::SimId;
use sim::replicated::WireLists;
use sim::roster::Roster;

use super::changes::{Span, write_values};

/// Where values are read.
#[derive(Clone, Copy)]
pub(super) struct Source<'w> {
    pub(super) world: &'w World,
    pub(super) roster: &'w Roster,
    pub(super) lists: &'w WireLists,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    tick: u32,
    mask: u32,
    span: Span,
}

/// Bodies of one kind in this tick, one per entity at a time: who asks, asks mostly the same.
#[derive(Debug)]
pub(super) struct Bodies {
    tick: u32,
    slots: Vec<Slot>,
    bytes: Vec<u8>,
    put_mask: fn(&mut Vec<u8>, u32),
}

impl Bodies {
    /// Bodies that begin with a mask written like this.
    pub(super) fn new(put_mask: fn(&mut Vec<u8>, u32)) -> Self {
        Self { tick: 0, slots: Vec::new(), bytes: Vec::new(), put_mask }
    }

    pub(super) fn begin(&mut self, tick: u32, index_end: usize) {
        self.tick = tick;
        self.bytes.clear();
        self.slots.resize(index_end, Slot::default());
    }

    /// The mask and the values of an entity, for the components it has.
    pub(super) fn body(&mut self, source: Source<'_>, id: SimId, mask: u32) -> &[u8] {
        let span = match self.slots.get(id.index()) {
            Some(slot) if slot.tick == self.tick && slot.mask == mask => slot.span,
            _ => self.make(source, id, mask),
        };
        self.bytes.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    fn make(&mut self, source: Source<'_>, id: SimId, mask: u32) -> Span {
        let start = offset(self.bytes.len());
        match source.roster.entity(id) {
            Some(entity) => {
                write_values(&mut self.bytes, source.world.entity(entity), source.lists, mask, self.put_mask);
            }
            None => (self.put_mask)(&mut self.bytes, 0),
        }
        let span = Span { start, end: offset(self.bytes.len()) };
        if let Some(slot) = self.slots.get_mut(id.index()) {
            *slot = Slot { tick: self.tick, mask, span };
        }
        span
    }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
