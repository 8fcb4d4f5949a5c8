//! The field: everything that has a place, by cell, and for each cell with a viewer in it the sorted list of all that its
//! viewers could see. Nothing is sorted for it: entities are handed out in the order of their ids to the lists of the
//! cells around them. A cell is half the leave radius wide, so a list covers five by five cells.
//!
//! Pure: no components, no systems. What has not changed since the last tick is not worked on again, and of what moves
//! the field knows how far it can have come, so that nobody needs to look more often than views can change.

use glam::Vec2;

use super::Visibility;
use super::cells::CellSet;
use super::lists::{Block, Lists};
use crate::assets::AoiDef;
use crate::ids::SimId;

/// Cells per leave radius: with half a radius a list has twice what is in view.
const CELLS_PER_RADIUS: f32 = 2.0;
/// Cells around a cell, along one axis and to one side, that lie within the leave radius of it.
pub(super) const REACH: usize = 2;
/// Rows and columns of empty cells at every side: a leap is heard one cell farther than views reach.
const BORDER: usize = REACH + 1;
/// Cells along one side at most, the border that nothing stands in included; a larger scene gets larger cells.
const CELLS_PER_SIDE_MAX: usize = 1_024;
/// Metres in one tick (20 m/s) beyond which a thing has leapt: where it was says nothing of where it is.
const STRIDE_MAX_M: f32 = 1.0;
/// What is left of the longest stride of late from one tick to the next.
const PACE_KEPT: f32 = 0.98;
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
    visibility: Visibility { faction: 0, phase: 0, stealth: false, ghost: false, dead: false },
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
    /// The places alone and close together, infinitely far away for what is not there: what a glance reads.
    places: Vec<Vec2>,
    /// Where something came, went, moved or changed in this tick, and from where that can be seen.
    touched: CellSet,
    stirred: CellSet,
    /// Where something came, went, leapt or changed in the eyes of others in this tick, and from where that can be seen.
    leapt: CellSet,
    unsettled: CellSet,
    /// Metres that the fastest of those that did not leap has moved in this tick.
    stride_m: f32,
    /// The longest stride of late, in metres.
    pace_m: f32,
    /// The sum of all strides: nothing that did not leap has come farther between two ticks.
    odometer_m: f64,
    /// By cell: how many are not seen by everybody.
    hidden_counts: Vec<u32>,
    hidden_count: usize,
    lists: Lists,
}

impl Field {
    /// A field over a rectangle in metres; what lies outside counts to the cells at its border.
    #[must_use]
    pub fn new(min: Vec2, max: Vec2, radii: AoiDef) -> Self {
        let size_m = (max - min).max(Vec2::ONE);
        #[allow(clippy::cast_precision_loss, reason = "1,024 fits")]
        let inner_max = (CELLS_PER_SIDE_MAX - 2 * BORDER) as f32;
        let cell_m = (radii.leave_m / CELLS_PER_RADIUS).max(size_m.max_element() / inner_max);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 1,024")]
        let count = |length_m: f32| (length_m / cell_m).ceil().max(1.0) as usize + 2 * BORDER;
        let (columns, rows) = (count(size_m.x), count(size_m.y));
        let cell_count = columns * rows;
        Self {
            min,
            cell_m,
            columns,
            rows,
            tick: 0,
            placed: Vec::new(),
            places: Vec::new(),
            touched: CellSet::new(cell_count),
            stirred: CellSet::new(cell_count),
            leapt: CellSet::new(cell_count),
            unsettled: CellSet::new(cell_count),
            stride_m: 0.0,
            pace_m: 0.0,
            odometer_m: 0.0,
            hidden_counts: vec![0; cell_count],
            hidden_count: 0,
            lists: Lists::new(cell_count),
        }
    }

    /// Begins a tick in which nothing changes unless it is put elsewhere; after that, [`Field::settle`].
    pub fn begin(&mut self, tick: u32, index_end: usize) {
        self.rest();
        self.tick = tick;
        self.placed.resize(index_end, ABSENT);
        self.places.resize(index_end, Vec2::INFINITY);
    }

    /// Nothing stirs in this tick.
    pub fn rest(&mut self) {
        for cells in [&mut self.touched, &mut self.stirred, &mut self.leapt, &mut self.unsettled] {
            cells.clear();
        }
        self.stride_m = 0.0;
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
        if let (Some(slot), Some(at)) = (self.placed.get_mut(id.index()), self.places.get_mut(id.index())) {
            (slot.cell, *at) = (cell, place);
        }
        self.touched.insert(cell);
        self.touched.insert(before.cell);
        let is_known = before.id == id && before.cell != NOWHERE;
        let step_m = if is_known { place.distance(before.place) } else { f32::INFINITY };
        if step_m <= STRIDE_MAX_M && before.visibility.looks_like(visibility) {
            self.stride_m = self.stride_m.max(step_m);
        } else {
            self.leapt.insert(cell);
            self.leapt.insert(before.cell);
        }
        self.forget_hidden(&before);
        if !visibility.is_plain() {
            self.hidden_counts[cell as usize] += 1;
            self.hidden_count += 1;
        }
    }

    fn forget_hidden(&mut self, gone: &Placed) {
        if gone.cell != NOWHERE && !gone.visibility.is_plain() {
            self.hidden_counts[gone.cell as usize] -= 1;
            self.hidden_count -= 1;
        }
    }

    /// Ends the round: what was not put has gone, and every cell knows whether anything stirred around it.
    pub fn settle(&mut self) {
        for at in 0..self.placed.len() {
            let slot = self.placed[at];
            if slot.cell != NOWHERE && slot.seen_tick != self.tick {
                self.touched.insert(slot.cell);
                self.leapt.insert(slot.cell);
                self.forget_hidden(&slot);
                (self.placed[at], self.places[at]) = (ABSENT, Vec2::INFINITY);
            }
        }
        self.odometer_m += f64::from(self.stride_m);
        self.pace_m = self.stride_m.max(self.pace_m * PACE_KEPT);
        self.stirred.insert_around(&self.touched, self.columns, REACH);
        // One farther: what is on the brink of a view may be a little beyond all radii.
        self.unsettled.insert_around(&self.leapt, self.columns, BORDER);
    }

    /// The cell of a place. The outermost cells stay empty, so that every cell has others all around it.
    #[must_use]
    #[inline]
    pub fn cell_of(&self, place: Vec2) -> u32 {
        let local = (place - self.min) / self.cell_m;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts saturate; NaN becomes 0")]
        let inner = |value: f32, count: usize| (value as usize).min(count - 2 * BORDER - 1) + BORDER;
        u32::try_from(inner(local.y, self.rows) * self.columns + inner(local.x, self.columns)).unwrap_or(0)
    }

    /// True when anything came, went, moved or changed anywhere in this tick.
    #[must_use]
    #[inline]
    pub fn is_any_stirred(&self) -> bool {
        !self.stirred.is_empty()
    }

    /// True when anything in sight of a cell came, went, moved or changed in this tick.
    #[must_use]
    #[inline]
    pub fn is_stirred(&self, cell: u32) -> bool {
        self.stirred.contains(cell)
    }

    /// True when in sight of a cell, or a little beyond, anything did other than move by a stride in this tick.
    pub(super) fn is_unsettled(&self, cell: u32) -> bool {
        self.unsettled.contains(cell)
    }

    /// True when anything anywhere did other than move by a stride in this tick.
    pub(super) fn is_any_unsettled(&self) -> bool {
        !self.unsettled.is_empty()
    }

    /// Metres that the fastest may have come since the field was made, leaps left out.
    pub(super) fn odometer_m(&self) -> f64 {
        self.odometer_m
    }

    /// The longest stride of late, in metres: about what the fastest will come in the next tick.
    pub(super) fn pace_m(&self) -> f32 {
        self.pace_m
    }

    /// Cells in all; every cell is below it.
    #[must_use]
    pub fn cell_count(&self) -> usize {
        self.columns * self.rows
    }

    /// The cell of a thing, as of the last Perceive stage.
    #[must_use]
    #[inline]
    pub fn cell(&self, id: SimId) -> Option<u32> {
        self.placed(id).map(|(_, cell)| cell)
    }

    /// The place of a thing in metres (x, z), as of the last Perceive stage.
    #[must_use]
    #[inline]
    pub fn place_of(&self, id: SimId) -> Option<Vec2> {
        self.placed(id).map(|(placed, _)| placed.place)
    }

    /// Puts every cell from which a cell of `seen` is in sight into `seeing`.
    pub fn insert_sight_of(&self, seen: &CellSet, seeing: &mut CellSet) {
        seeing.insert_around(seen, self.columns, REACH);
    }

    /// Where a thing is, and its cell.
    pub(super) fn placed(&self, id: SimId) -> Option<(&Placed, u32)> {
        let placed = self.placed.get(id.index()).filter(|placed| placed.id == id && placed.cell != NOWHERE)?;
        Some((placed, placed.cell))
    }

    /// Where a thing is that has been there since it was seen last; infinitely far away if it has gone.
    #[inline]
    #[must_use]
    pub fn last_place(&self, id: SimId) -> Vec2 {
        self.places.get(id.index()).copied().unwrap_or(Vec2::INFINITY)
    }

    /// How far what is seen from a cell, or leaves the sight of it, may stray before a leap of it goes unnoticed there.
    pub(super) fn margin_m(&self) -> f32 {
        self.cell_m
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
                cells_around(*columns, placed.cell, REACH).for_each(|row| lists.push(row, placed.id, placed.place));
            }
        }
    }

    /// The list of a cell, and whether everything on it is seen by everybody in phase 0.
    pub(super) fn list_of(&self, cell: u32) -> (&[Block], bool) {
        let is_plain = |row: std::ops::Range<usize>| self.hidden_counts[row].iter().all(|&count| count == 0);
        let is_all_plain = self.hidden_count == 0 || cells_around(self.columns, cell, REACH).all(is_plain);
        (self.lists.of(cell), is_all_plain)
    }
}

/// The cells at most `reach` columns and rows, no more than there are at the border, away from a cell, row by row.
pub(super) fn cells_around(
    columns: usize,
    cell: u32,
    reach: usize,
) -> impl Iterator<Item = std::ops::Range<usize>> + Clone {
    let first = (cell as usize).saturating_sub(reach * columns + reach);
    (0..=2 * reach).map(move |row| {
        let start = first + row * columns;
        start..start + 2 * reach + 1
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
    fn a_leap_is_heard_all_around_also_in_the_corners() {
        for at in 0..9_u8 {
            let corner = Vec2::new(f32::from(at % 3) - 1.0, f32::from(at / 3) - 1.0) * 110.0;
            let mut field = field();
            field.begin(1, 2);
            field.put(SimId::new(1, 0), corner, Visibility::default());
            field.settle();
            let heard = |place: Vec2| field.is_unsettled(field.cell_of(place));
            let steps = || (0..7_u8).map(|step| (f32::from(step) - 3.0) * field.cell_m);
            let clamped = corner.clamp(Vec2::splat(-100.0), Vec2::splat(99.9));
            assert!(steps().all(|x| steps().all(|y| heard(clamped + Vec2::new(x, y)))), "beside {corner}");
            assert!(!heard(-clamped) || clamped.length() < 50.0);
        }
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
