//! A uniform grid over the ground plane, rebuilt every tick by counting sort: no bookkeeping when things
//! move, and queries that walk contiguous memory. Within a cell, entries keep the order they were given in.

use glam::Vec2;

use crate::ids::SimId;
use crate::interest::Visibility;

/// One thing in the grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GridEntry {
    /// Whose place it is.
    pub id: SimId,
    /// Place in metres (x, z).
    pub place: Vec2,
    /// What hides it.
    pub visibility: Visibility,
}

/// Cells along one side at most; a larger scene gets larger cells.
const CELLS_PER_SIDE_MAX: usize = 1_024;

/// Everything of a scene by place. Cheap to keep: its memory is used again.
#[derive(Debug, Clone, Default)]
pub struct Grid {
    min: Vec2,
    cell_m: f32,
    columns: usize,
    rows: usize,
    starts: Vec<u32>,
    entries: Vec<GridEntry>,
    cells: Vec<u32>,
}

impl Grid {
    /// A grid over a rectangle in metres with cells of about `cell_m`. What lies outside counts to the border cells.
    #[must_use]
    pub fn new(min: Vec2, max: Vec2, cell_m: f32) -> Self {
        let size_m = (max - min).max(Vec2::ONE);
        #[allow(clippy::cast_precision_loss, reason = "1,024 fits")]
        let cell_m = cell_m.max(size_m.max_element() / CELLS_PER_SIDE_MAX as f32);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 1,024")]
        let count = |length_m: f32| ((length_m / cell_m).ceil() as usize).clamp(1, CELLS_PER_SIDE_MAX);
        Self { min, cell_m, columns: count(size_m.x), rows: count(size_m.y), ..Self::default() }
    }

    /// Takes the things of this tick; entries of one cell stay in the given order.
    pub fn rebuild(&mut self, things: &[GridEntry]) {
        let cell_count = self.columns * self.rows;
        self.starts.clear();
        self.starts.resize(cell_count + 1, 0);
        self.cells.clear();
        for thing in things {
            let (column, row) = self.cell_of(thing.place);
            let cell = row * self.columns + column;
            self.starts[cell + 1] += 1;
            self.cells.push(u32::try_from(cell).unwrap_or(0));
        }
        for cell in 0..cell_count {
            self.starts[cell + 1] += self.starts[cell];
        }
        if let Some(&first) = things.first() {
            self.entries.clear();
            self.entries.resize(things.len(), first);
        } else {
            self.entries.clear();
        }
        for (thing, &cell) in things.iter().zip(&self.cells) {
            let slot = &mut self.starts[cell as usize];
            self.entries[*slot as usize] = *thing;
            *slot += 1;
        }
        // Filling moved every start to the next one's place; shift them back.
        self.starts.rotate_right(1);
        self.starts[0] = 0;
    }

    /// Visits every entry within `radius_m` of a place, border included, cell by cell.
    pub fn for_each_within(&self, place: Vec2, radius_m: f32, mut visit: impl FnMut(&GridEntry, f32)) {
        let radius_squared = radius_m * radius_m;
        let (first_column, first_row) = self.cell_of(place - Vec2::splat(radius_m));
        let (last_column, last_row) = self.cell_of(place + Vec2::splat(radius_m));
        for row in first_row..=last_row {
            let cells = row * self.columns;
            // Cells of a row lie next to one another: one run of memory for all of them.
            let run = self.run(cells + first_column, cells + last_column);
            for entry in run {
                let distance_squared = entry.place.distance_squared(place);
                if distance_squared <= radius_squared {
                    visit(entry, distance_squared);
                }
            }
        }
    }

    /// Everything in the grid, cell by cell.
    #[must_use]
    pub fn entries(&self) -> &[GridEntry] {
        &self.entries
    }

    fn run(&self, first: usize, last: usize) -> &[GridEntry] {
        match (self.starts.get(first), self.starts.get(last + 1)) {
            (Some(&start), Some(&end)) => &self.entries[start as usize..end as usize],
            _ => &[],
        }
    }

    fn cell_of(&self, place: Vec2) -> (usize, usize) {
        let local = (place - self.min) / self.cell_m;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts saturate; NaN becomes 0")]
        let clamp = |value: f32, count: usize| (value as usize).min(count - 1);
        (clamp(local.x, self.columns), clamp(local.y, self.rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Random, Stream};

    #[test]
    fn a_query_finds_what_brute_force_finds() {
        let mut grid = Grid::new(Vec2::splat(-100.0), Vec2::splat(100.0), 15.0);
        let random = Random::new(3);
        for round in 0..50_u32 {
            let mut draw = random.draw(round, SimId::new(1, 0), Stream("grid test"), 0);
            // Some lie outside the bounds: they must be found as well.
            let mut place = || Vec2::new(draw.unit() * 260.0 - 130.0, draw.unit() * 260.0 - 130.0);
            let things: Vec<GridEntry> = (1..400)
                .map(|index| GridEntry { id: SimId::new(index, 0), place: place(), visibility: Visibility::default() })
                .collect();
            grid.rebuild(&things);
            let (centre, radius_m) = (place(), draw.unit() * 60.0);
            let mut found = Vec::new();
            grid.for_each_within(centre, radius_m, |entry, _| found.push(entry.id));
            found.sort_unstable();
            let expected: Vec<SimId> = things
                .iter()
                .filter(|t| t.place.distance_squared(centre) <= radius_m * radius_m)
                .map(|t| t.id)
                .collect();
            assert_eq!(found, expected, "round {round}");
        }
    }

    #[test]
    fn an_empty_grid_answers_nothing() {
        let mut grid = Grid::new(Vec2::ZERO, Vec2::ONE, 1.0);
        grid.for_each_within(Vec2::ZERO, 10.0, |_, _| unreachable!("nothing is there"));
        grid.rebuild(&[]);
        grid.for_each_within(Vec2::ZERO, 10.0, |_, _| unreachable!("nothing is there"));
    }
}
