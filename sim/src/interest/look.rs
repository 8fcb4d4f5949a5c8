//! Looking around: every viewer in whose surroundings something stirs gets its new view. Most need only a glance at those
//! near the border of their view (see [`super::outlook`]); the others look around. Those of one cell share a list: they do it
//! in the same tick, at the cell's turn, unless somebody cannot wait for it.

use std::hint::black_box;

use bevy_ecs::prelude::*;
use glam::Vec2;
use smallvec::SmallVec;

use super::field::Field;
use super::lists::{Candidate, within};
use super::outlook::{Freshness, turn_ticks};
use super::{AoiRadii, Interest, Pinned, SceneField, Visibility, visibility};
use crate::actor::{Concealment, Faction, Position};
use crate::assets::AoiDef;
use crate::ids::SimId;
use crate::tick::SimTick;

/// Viewers that share a list, at least: more of one cell look around in different ticks.
const GROUP: u32 = 16;
/// Viewers that glance together.
const AT_ONCE: usize = 8;

/// Buffers used again in every tick, and who has to be put at rest in the next one.
#[derive(Default)]
pub(super) struct Looking {
    /// Viewers for whom something came or went in the last tick.
    restless: Vec<Entity>,
    viewers: Vec<(u32, Entity)>,
    cells: Vec<u32>,
    /// How many viewers stood in each cell in the last tick, and how many do in this.
    before: Census,
    census: Census,
    near: Vec<Candidate>,
    now: Vec<SimId>,
}

type Eyes<'a> = (&'a Position, Option<&'a Faction>, Option<&'a Concealment>, Option<&'a Pinned>, &'a mut Interest);
type Glancing<'a> =
    (Entity, &'a Position, Option<&'a Faction>, Option<&'a Concealment>, Option<Ref<'a, Pinned>>, Mut<'a, Interest>);
type Anew<'w, 's> = Query<'w, 's, (), (With<Interest>, Or<(Changed<Interest>, Changed<Pinned>)>)>;
type AtAGlance<'w, 's> = Query<'w, 's, Glancing<'static>>;
type ByEye<'w, 's> = Query<'w, 's, Eyes<'static>>;

/// Brings the views up to date.
pub(super) fn look_around(
    (tick, radii): (Res<SimTick>, Res<AoiRadii>),
    mut field: ResMut<SceneField>,
    mut viewers: ParamSet<(AtAGlance, ByEye, Anew)>,
    mut looking: Local<Looking>,
) {
    let looking = &mut *looking;
    for viewer in looking.restless.drain(..) {
        if let Ok((.., mut interest)) = viewers.p1().get_mut(viewer) {
            interest.bypass_change_detection().rest();
        }
    }
    if !field.0.is_any_stirred() && viewers.p2().is_empty() {
        return;
    }
    looking.glance(tick.0, &field.0, radii.0, viewers.p0().iter_mut());
    field.0.list(&looking.cells);
    let mut viewers = viewers.p1();
    for &(cell, viewer) in &looking.viewers {
        let Ok((position, faction, concealment, pinned, mut interest)) = viewers.get_mut(viewer) else { continue };
        let (place, eyes) = (position.place(), visibility(faction, concealment));
        let mut count = candidates(&field.0, cell, place, eyes, radii.0, &mut looking.near);
        if let Some(pinned) = pinned.filter(|pinned| !pinned.anywhere.is_empty()) {
            looking.near.truncate(count);
            add_pinned(&field.0, pinned, eyes, &mut looking.near);
            count = looking.near.len();
        }
        // What is changed by looking is not a reason to look again.
        let interest = interest.bypass_change_detection();
        if interest.update(&looking.near[..count], &mut looking.now) {
            looking.restless.push(viewer);
        }
        interest.outlook.begin((place, eyes), &field.0, radii.0);
    }
}

/// How many viewers stand in each cell. Counting and forgetting cost what was counted, not what cells there are.
#[derive(Default)]
struct Census {
    counts: Vec<u32>,
    cells: Vec<u32>,
}

impl Census {
    fn begin(&mut self, cell_count: usize) {
        for cell in self.cells.drain(..) {
            self.counts[cell as usize] = 0;
        }
        self.counts.resize(cell_count, 0);
    }

    fn add(&mut self, cell: u32) {
        let count = &mut self.counts[cell as usize];
        if *count == 0 {
            self.cells.push(cell);
        }
        *count += 1;
    }

    fn count(&self, cell: u32) -> u32 {
        self.counts.get(cell as usize).copied().unwrap_or(0)
    }
}

/// A viewer for whom a glance is enough, and its place.
type Glance<'a> = (Entity, Vec2, Mut<'a, Interest>);

impl Looking {
    /// Glances for all for whom that is enough, and finds those who have to look around, by cell, and their cells.
    fn glance<'a>(&mut self, tick: u32, field: &Field, radii: AoiDef, all: impl Iterator<Item = Glancing<'a>>) {
        self.viewers.clear();
        std::mem::swap(&mut self.before, &mut self.census);
        self.census.begin(field.cell_count());
        let turn_ticks = turn_ticks(field, radii);
        let before = std::mem::take(&mut self.before);
        // In a crowded cell they take turns too: a list is made for a few of them at once as well as for all.
        let is_turn = |cell: u32, viewer: Entity| {
            let group_count = (before.count(cell) / GROUP).clamp(1, turn_ticks);
            let lot = viewer.index_u32() % group_count * turn_ticks / group_count;
            tick.wrapping_add(cell).wrapping_add(lot).is_multiple_of(turn_ticks)
        };
        let mut few = SmallVec::<[Glance<'a>; AT_ONCE]>::new();
        for (viewer, position, faction, concealment, pinned, interest) in all {
            let (place, eyes) = (position.place(), visibility(faction, concealment));
            let cell = field.cell_of(place);
            self.census.add(cell);
            // Who is pinned may be anywhere.
            let sees_far = pinned.as_ref().is_some_and(|pinned| !pinned.anywhere.is_empty());
            let is_anew = interest.is_changed() || pinned.is_some_and(|pinned| pinned.is_changed());
            let is_unsettled = field.is_unsettled(cell) || (sees_far && field.is_any_unsettled());
            let is_stirred = field.is_stirred(cell);
            let has_to_look = || match interest.outlook.freshness((place, eyes), field) {
                Freshness::Fresh => false,
                // Its neighbours look too, and they share a list.
                Freshness::Aging => is_turn(cell, viewer),
                Freshness::Over => true,
            };
            if is_anew || is_unsettled || (is_stirred && has_to_look()) {
                self.viewers.push((cell, viewer));
            } else if is_stirred {
                few.push((viewer, place, interest));
            }
            if few.len() == AT_ONCE {
                self.glance_at_once(field, radii, &mut few);
            }
        }
        self.glance_at_once(field, radii, &mut few);
        self.before = before;
        self.viewers.sort_unstable_by_key(|&(cell, viewer)| (cell, viewer.index()));
        self.cells.clear();
        self.cells.extend(self.viewers.iter().map(|&(cell, _)| cell));
        self.cells.dedup();
    }

    /// Glances for a few. What they read lies in memory by itself for each of them: what is asked for together comes
    /// together.
    fn glance_at_once(&mut self, field: &Field, radii: AoiDef, few: &mut SmallVec<[Glance<'_>; AT_ONCE]>) {
        black_box(few.iter().fold(0, |sum: u32, (.., interest)| sum.wrapping_add(interest.outlook.touch())));
        // What is changed by looking is not a reason to look again.
        few.retain(|(_, place, interest)| interest.bypass_change_detection().cross_brink(*place, field, radii));
        black_box(few.iter().fold(0, |sum: u32, (.., interest)| sum.wrapping_add(interest.touch())));
        for (viewer, _, mut interest) in few.drain(..) {
            interest.bypass_change_detection().follow_brink();
            self.restless.push(viewer);
        }
    }
}

/// Everything that a viewer could see from its place, sorted; answers how many of `near` that are.
fn candidates(
    field: &Field,
    cell: u32,
    place: Vec2,
    eyes: Visibility,
    radii: AoiDef,
    near: &mut Vec<Candidate>,
) -> usize {
    let (list, is_plain) = field.list_of(cell);
    let count = within(list, place, radii, near);
    if is_plain && eyes.phase == 0 {
        return count;
    }
    let mut kept = 0;
    for at in 0..count {
        near[kept] = near[at];
        kept += usize::from(is_visible(field, near[at].id(), eyes));
    }
    kept
}

fn is_visible(field: &Field, id: SimId, eyes: Visibility) -> bool {
    field.placed(id).is_some_and(|(placed, _)| placed.visibility.is_seen_by(eyes))
}

/// Adds those who are seen at any distance.
fn add_pinned(field: &Field, pinned: &Pinned, eyes: Visibility, near: &mut Vec<Candidate>) {
    for &id in pinned.anywhere.iter().filter(|&&id| is_visible(field, id, eyes)) {
        let inside = Candidate::new(id, true);
        match near.binary_search_by_key(&id, |candidate| candidate.id()) {
            Ok(at) => near[at] = inside,
            Err(at) => near.insert(at, inside),
        }
    }
}
