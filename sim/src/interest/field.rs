//! The field: everything that has a place, by cell, and for each cell with a viewer in it the sorted list of all that its
//! viewers could see. Nothing is sorted for it: entities are handed out in the order of their ids to the lists of the
//! cells around them. A cell is half the leave radius wide, so a list covers five by five cells.
//!
//! Pure: no components, no systems. What has not changed since the last tick is not worked on again.

use glam::Vec2;

use super::Visibility;
use super::lists::{Block, Lists};
use crate::assets::AoiDef;
use crate::ids::SimId;

/// Cells per leave radius: with half a radius a list has twice what is in view.
const CELLS_PER_RADIUS: f32 = 2.0;
/// Cells around a cell, along one axis and to one side, that lie within the leave radius of it.
pub(super) const REACH: usize = 2;
/// Cells along one side at most, the border that nothing stands in included; a larger scene gets larger cells.
const CELLS_PER_SIDE_MAX: usize = 1_024;
/// The cell of what is not there.
const NOWHERE: u32 = u32::MAX;

/// One thing in the field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    pub(super) id: SimId,
    pub(super) place: Vec2,
    pub(super) visibility: Visibility,
    cell: u32,
    /// The last tick in which it was there.
    seen_tick: u32,
}

const ABSENT: Placed = Placed {
    id: SimId::from_bits(0),
    place: Vec2::ZERO,
    visibility: Visibility { faction: 0, phase: 0, stealth: false },
    cell: NOWHERE,
    seen_tick: 0,
};

/// Everything of a scene by place.
#[derive(Debug, Clone)]
pub struct Field {
    min: Vec2,
    cell_m: f32,
    columns: usize,
    rows: usize,
    tick: u32,
    placed: Vec<Placed>,
    /// By cell: something came, went, moved or changed in this tick.
    is_touched: Vec<bool>,
    touched: Vec<u32>,
    /// By cell: so it did there or in one of the cells around.
    stirred: Vec<bool>,
    stirred_cells: Vec<u32>,
    /// By cell: how many are not seen by everybody.
    hidden_counts: Vec<u32>,
    lists: Lists,
}

impl Field {
    /// A field over a rectangle in metres; what lies outside counts to the cells at its border.
    #[must_use]
    pub fn new(min: Vec2, max: Vec2, radii: AoiDef) -> Self {
        let size_m = (max - min).max(Vec2::ONE);
        #[allow(clippy::cast_precision_loss, reason = "1,024 fits")]
        let inner_max = (CELLS_PER_SIDE_MAX - 2 * REACH) as f32;
        let cell_m = (radii.leave_m / CELLS_PER_RADIUS).max(size_m.max_element() / inner_max);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 1,024")]
        let count = |length_m: f32| (length_m / cell_m).ceil().max(1.0) as usize + 2 * REACH;
        let (columns, rows) = (count(size_m.x), count(size_m.y));
        let cell_count = columns * rows;
        Self {
            min,
            cell_m,
            columns,
            rows,
            tick: 0,
            placed: Vec::new(),
            is_touched: vec![false; cell_count],
            touched: Vec::new(),
            stirred: vec![false; cell_count],
            stirred_cells: Vec::new(),
            hidden_counts: vec![0; cell_count],
            lists: Lists::new(cell_count),
        }
    }

    /// Begins a tick in which nothing changes unless it is put elsewhere; after that, [`Field::settle`].
    pub fn begin(&mut self, tick: u32, index_end: usize) {
        self.rest();
        self.tick = tick;
        self.placed.resize(index_end, ABSENT);
    }

    /// Nothing stirs in this tick.
    pub fn rest(&mut self) {
        for cell in self.stirred_cells.drain(..) {
            self.stirred[cell as usize] = false;
        }
        for cell in self.touched.drain(..) {
            self.is_touched[cell as usize] = false;
        }
    }

    /// Puts a thing where it is now.
    #[inline]
    pub fn put(&mut self, id: SimId, place: Vec2, visibility: Visibility) {
        let Some(slot) = self.placed.get_mut(id.index()) else { return };
        slot.seen_tick = self.tick;
        if slot.id == id && slot.place == place && slot.visibility == visibility && slot.cell != NOWHERE {
            return;
        }
        let before = std::mem::replace(slot, Placed { id, place, visibility, cell: NOWHERE, seen_tick: self.tick });
        let cell = self.cell_of(place);
        if let Some(slot) = self.placed.get_mut(id.index()) {
            slot.cell = cell;
        }
        self.touch(cell);
        if before.cell != cell && before.cell != NOWHERE {
            self.touch(before.cell);
        }
        if before.cell != NOWHERE && !before.visibility.is_plain() {
            self.hidden_counts[before.cell as usize] -= 1;
        }
        if !visibility.is_plain() {
            self.hidden_counts[cell as usize] += 1;
        }
    }

    /// Ends the round: what was not put has gone, and every cell knows whether anything stirred around it.
    pub fn settle(&mut self) {
        for at in 0..self.placed.len() {
            let slot = self.placed[at];
            if slot.cell != NOWHERE && slot.seen_tick != self.tick {
                self.touch(slot.cell);
                if !slot.visibility.is_plain() {
                    self.hidden_counts[slot.cell as usize] -= 1;
                }
                self.placed[at] = ABSENT;
            }
        }
        for &cell in &self.touched {
            for around in cells_around(self.columns, cell) {
                for stirred in around {
                    if !std::mem::replace(&mut self.stirred[stirred], true) {
                        self.stirred_cells.push(u32::try_from(stirred).unwrap_or(0));
                    }
                }
            }
        }
    }

    fn touch(&mut self, cell: u32) {
        if !std::mem::replace(&mut self.is_touched[cell as usize], true) {
            self.touched.push(cell);
        }
    }

    /// The cell of a place. The outermost cells stay empty, so that every cell has others all around it.
    #[must_use]
    pub fn cell_of(&self, place: Vec2) -> u32 {
        let local = (place - self.min) / self.cell_m;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts saturate; NaN becomes 0")]
        let inner = |value: f32, count: usize| (value as usize).min(count - 2 * REACH - 1) + REACH;
        u32::try_from(inner(local.y, self.rows) * self.columns + inner(local.x, self.columns)).unwrap_or(0)
    }

    /// True when anything came, went, moved or changed anywhere in this tick.
    #[must_use]
    pub fn is_any_stirred(&self) -> bool {
        !self.stirred_cells.is_empty()
    }

    /// True when anything in sight of a cell came, went, moved or changed in this tick.
    #[must_use]
    pub fn is_stirred(&self, cell: u32) -> bool {
        self.stirred.get(cell as usize).copied().unwrap_or(false)
    }

    /// Cells in all; every cell is below it.
    #[must_use]
    pub fn cell_count(&self) -> usize {
        self.columns * self.rows
    }

    /// The cell of a thing, as of the last Perceive stage.
    #[must_use]
    pub fn cell(&self, id: SimId) -> Option<u32> {
        self.placed(id).map(|(_, cell)| cell)
    }

    /// The place of a thing in metres (x, z), as of the last Perceive stage.
    #[must_use]
    pub fn place_of(&self, id: SimId) -> Option<Vec2> {
        self.placed(id).map(|(placed, _)| placed.place)
    }

    /// The cells from which anything in a cell may be seen, in runs.
    pub fn cells_in_sight(&self, cell: u32) -> impl Iterator<Item = std::ops::Range<usize>> + use<> {
        cells_around(self.columns, cell)
    }

    /// Where a thing is, and its cell.
    pub(super) fn placed(&self, id: SimId) -> Option<(&Placed, u32)> {
        let placed = self.placed.get(id.index()).filter(|placed| placed.id == id && placed.cell != NOWHERE)?;
        Some((placed, placed.cell))
    }

    /// Everything there is, in the order of the ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Placed> {
        self.placed.iter().filter(|placed| placed.cell != NOWHERE)
    }

    /// Makes the lists of the given cells, each named once.
    pub fn list(&mut self, cells: &[u32]) {
        let Self { lists, placed, columns, .. } = self;
        let there = || placed.iter().filter(|placed| placed.cell != NOWHERE);
        lists.begin(cells, *columns);
        there().for_each(|placed| lists.count(placed.cell));
        lists.reserve(cells, *columns);
        for placed in there() {
            if lists.is_near(placed.cell) {
                cells_around(*columns, placed.cell).for_each(|row| lists.push(row, placed.id, placed.place));
            }
        }
    }

    /// The list of a cell, and whether everything on it is seen by everybody in phase 0.
    pub(super) fn list_of(&self, cell: u32) -> (&[Block], bool) {
        let is_plain = cells_around(self.columns, cell).flatten().all(|around| self.hidden_counts[around] == 0);
        (self.lists.of(cell), is_plain)
    }
}

/// The five rows of five cells around a cell.
pub(super) fn cells_around(columns: usize, cell: u32) -> impl Iterator<Item = std::ops::Range<usize>> {
    let first = (cell as usize).saturating_sub(REACH * columns + REACH);
    (0..=2 * REACH).map(move |row| {
        let start = first + row * columns;
        start..start + 2 * REACH + 1
    })
}

#[cfg(test)]
mod tests {
    use super::super::lists::within;
    use super::*;
    use crate::random::{Random, Stream};

    const RADII: AoiDef = AoiDef { enter_m: 20.0, leave_m: 25.0 };

    fn field() -> Field {
        Field::new(Vec2::splat(-100.0), Vec2::splat(100.0), RADII)
    }

    #[test]
    fn a_list_has_all_that_brute_force_finds_in_order() {
        let (mut field, random) = (field(), Random::new(5));
        let mut near = Vec::new();
        for tick in 1..40_u32 {
            let place = |index: u32| {
                // Some lie outside the bounds, and some are gone in some ticks.
                let mut draw = random.draw(tick, SimId::new(index, 0), Stream("field test"), 0);
                (draw.below(5) > 0).then(|| Vec2::new(draw.unit() * 260.0 - 130.0, draw.unit() * 260.0 - 130.0))
            };
            field.begin(tick, 400);
            let there = || (1..400).filter_map(|index| Some((SimId::new(index, 0), place(index)?)));
            there().for_each(|(id, place)| field.put(id, place, Visibility::default()));
            field.settle();
            let (_, viewer) = there().nth(tick as usize).unwrap();
            let cell = field.cell_of(viewer);
            field.list(&[cell]);
            let (list, is_plain) = field.list_of(cell);
            let count = within(list, viewer, RADII, &mut near);
            let found: Vec<SimId> = near[..count].iter().map(|candidate| candidate.id()).collect();
            let expected = there().filter(|(_, at)| at.distance_squared(viewer) <= RADII.leave_m * RADII.leave_m);
            assert_eq!(found, expected.map(|(id, _)| id).collect::<Vec<_>>(), "tick {tick}");
            assert!(is_plain);
        }
    }

    #[test]
    fn what_moves_stirs_the_cells_in_sight_and_no_others() {
        let mut field = field();
        let (mover, sitter) = (SimId::new(1, 0), SimId::new(2, 0));
        let at = |field: &mut Field, tick, x: f32| {
            field.begin(tick, 3);
            field.put(mover, Vec2::new(x, 0.0), Visibility::default());
            field.put(sitter, Vec2::new(60.0, 0.0), Visibility::default());
            field.settle();
        };
        at(&mut field, 1, 0.0);
        at(&mut field, 2, 1.0);
        assert!(field.is_stirred(field.cell_of(Vec2::new(20.0, 0.0))));
        assert!(!field.is_stirred(field.cell_of(Vec2::new(60.0, 0.0))));
        at(&mut field, 3, 1.0);
        assert!(!field.is_any_stirred(), "it stands");
    }

    #[test]
    fn what_hides_is_counted_until_it_is_gone() {
        let mut field = field();
        let hidden = Visibility { stealth: true, ..Visibility::default() };
        let cell = field.cell_of(Vec2::ZERO);
        for (tick, there) in [(1, true), (2, false)] {
            field.begin(tick, 2);
            if there {
                field.put(SimId::new(1, 0), Vec2::ZERO, hidden);
            }
            field.settle();
            field.list(&[cell]);
            assert_eq!(field.list_of(cell).1, !there);
        }
    }
}
