//! Paths for many with one goal: a search that spreads from the goal outwards, goes on where it stopped, and answers
//! everyone it has reached. Think stage, within the path service.
//!
//! Fields are few, each knows its whole neighbourhood; the one that was wanted least recently makes room.

use crate::digest::{Digest, Digester};
use crate::space::navmesh::{FlowField, NavPoint, Navmesh, PolygonId};

/// Fields kept at once; a goal that finds no room waits.
const FIELDS_MAX: usize = 64;
/// A field that nobody wanted for so long is forgotten, in ticks (5 s).
const IDLE_TICKS: u32 = 100;
/// Nodes by which a field spreads before it looks whether that was enough.
const SPREAD_NODES: u32 = 64;

/// What a field answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// The corridor is there.
    Ready,
    /// The nodes of this tick are used up before the field has come so far.
    NotYet,
    /// The field is complete and does not reach the place.
    Never,
}

/// The fields of a scene, in the order in which they were begun.
#[derive(Debug, Default)]
pub(super) struct Fields {
    list: Vec<Shared>,
}

#[derive(Debug)]
struct Shared {
    field: FlowField,
    wanted_tick: u32,
}

impl Fields {
    /// Forgets everything: the mesh is another.
    pub(super) fn clear(&mut self) {
        self.list.clear();
    }

    /// Forgets what nobody wants.
    pub(super) fn forget_idle(&mut self, tick: u32) {
        self.list.retain(|shared| tick.wrapping_sub(shared.wanted_tick) <= IDLE_TICKS);
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// True when there is a field for a goal on this polygon.
    pub(super) fn has(&self, goal: PolygonId) -> bool {
        self.list.iter().any(|shared| shared.field.goal().polygon == goal)
    }

    /// The corridor from a polygon to a goal, spreading the goal's field as far as `nodes_left` lets it.
    pub(super) fn corridor(
        &mut self,
        mesh: &Navmesh,
        (from, goal): (PolygonId, NavPoint),
        tick: u32,
        nodes_left: &mut u32,
        corridor: &mut Vec<PolygonId>,
    ) -> Answer {
        let Some(shared) = self.field_for(goal, tick) else { return Answer::NotYet };
        shared.wanted_tick = tick;
        let field = &mut shared.field;
        while !field.reaches(from) {
            if field.is_done() {
                return Answer::Never;
            }
            let used = field.expand(mesh, SPREAD_NODES.min(*nodes_left));
            *nodes_left = nodes_left.saturating_sub(used);
            if *nodes_left == 0 && !field.reaches(from) {
                return Answer::NotYet;
            }
        }
        if field.corridor(mesh, from, corridor) { Answer::Ready } else { Answer::Never }
    }

    fn field_for(&mut self, goal: NavPoint, tick: u32) -> Option<&mut Shared> {
        let found = self.list.iter().position(|shared| shared.field.goal().polygon == goal.polygon);
        let index = match found {
            Some(index) => index,
            None if self.make_room(tick) => {
                self.list.push(Shared { field: FlowField::new(goal), wanted_tick: tick });
                self.list.len() - 1
            }
            None => return None,
        };
        self.list.get_mut(index)
    }

    /// Drops the field that was wanted least recently, but none that is wanted in this tick.
    fn make_room(&mut self, tick: u32) -> bool {
        if self.list.len() < FIELDS_MAX {
            return true;
        }
        let key = |shared: &Shared| (shared.wanted_tick, shared.field.goal().polygon);
        let oldest = self.list.iter().enumerate().min_by_key(|(_, shared)| key(shared));
        let Some((index, _)) = oldest.filter(|(_, shared)| shared.wanted_tick != tick) else { return false };
        self.list.remove(index);
        true
    }
}

impl Digest for Fields {
    fn digest(&self, digester: &mut Digester) {
        for shared in &self.list {
            digester.u32(shared.field.goal().polygon.0);
            digester.u32(shared.wanted_tick);
        }
    }
}
