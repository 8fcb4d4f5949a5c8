//! Sets of cells that are made anew in every tick: marking, asking and forgetting cost what is marked, not what there is.

use super::field::cells_around;

/// Some of the cells of a field.
#[derive(Debug, Clone, Default)]
pub struct CellSet {
    is_in: Vec<bool>,
    cells: Vec<u32>,
}

impl CellSet {
    /// An empty set of cells below `cell_count`.
    #[must_use]
    pub fn new(cell_count: usize) -> Self {
        Self { is_in: vec![false; cell_count], cells: Vec::new() }
    }

    /// Takes all cells out, and takes cells below `cell_count` from now on.
    pub fn renew(&mut self, cell_count: usize) {
        self.clear();
        self.is_in.resize(cell_count, false);
    }

    /// Takes all cells out.
    pub fn clear(&mut self) {
        for cell in self.cells.drain(..) {
            self.is_in[cell as usize] = false;
        }
    }

    /// Puts a cell in; one beyond the field is left out.
    #[inline]
    pub fn insert(&mut self, cell: u32) {
        if let Some(is_in) = self.is_in.get_mut(cell as usize)
            && !std::mem::replace(is_in, true)
        {
            self.cells.push(cell);
        }
    }

    /// True for a cell of the set.
    #[inline]
    #[must_use]
    pub fn contains(&self, cell: u32) -> bool {
        self.is_in.get(cell as usize).copied().unwrap_or(false)
    }

    /// True without any cell.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Puts in all cells at most `reach` columns and rows away from a cell of `seen`, in a field of so many columns.
    pub(super) fn insert_around(&mut self, seen: &Self, columns: usize, reach: usize) {
        for &cell in &seen.cells {
            for row in cells_around(columns, cell, reach) {
                for around in row {
                    self.insert(u32::try_from(around).unwrap_or(u32::MAX));
                }
            }
        }
    }
}
