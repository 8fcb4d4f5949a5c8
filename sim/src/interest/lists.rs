//! The sorted lists of what the viewers of a cell could see, in blocks of eight, so that eight distances are worked out
//! at once without a branch.

use glam::Vec2;

use super::field::{REACH, cells_around};
use crate::assets::AoiDef;
use crate::ids::SimId;

/// Entities in one block.
const LANES: usize = 8;
/// The same, where lanes are counted.
const LANE_COUNT: u32 = 8;
/// A cell whose list is not wanted.
const UNWANTED: u32 = u32::MAX;

/// Eight entities side by side; empty lanes are infinitely far away.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    x: [f32; LANES],
    z: [f32; LANES],
    id: [u32; LANES],
}

const EMPTY: Block = Block { x: [f32::INFINITY; LANES], z: [f32::INFINITY; LANES], id: [0; LANES] };

/// An entity within the leave radius, packed into one number: the id, then one bit that says whether it is within the
/// enter radius too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Candidate(u64);

impl Candidate {
    pub(super) fn new(id: SimId, inside: bool) -> Self {
        Self(u64::from(id.bits()) << 1 | u64::from(inside))
    }

    #[allow(clippy::cast_possible_truncation, reason = "32 bits are left after the shift")]
    pub(super) fn id(self) -> SimId {
        SimId::from_bits((self.0 >> 1) as u32)
    }

    pub(super) const fn is_inside(self) -> bool {
        self.0 & 1 == 1
    }
}

/// The lists of all wanted cells, in one run of memory.
#[derive(Debug, Clone)]
pub(super) struct Lists {
    /// By cell: how many stand in it.
    counts: Vec<u32>,
    /// By cell: where the next entity goes, in lanes, or [`UNWANTED`].
    ends: Vec<u32>,
    /// By cell: the blocks of its list.
    ranges: Vec<(u32, u32)>,
    /// By cell: a wanted list reaches it.
    near: Vec<bool>,
    blocks: Vec<Block>,
    wanted: Vec<u32>,
}

impl Lists {
    pub(super) fn new(cell_count: usize) -> Self {
        Self {
            counts: vec![0; cell_count],
            ends: vec![UNWANTED; cell_count],
            ranges: vec![(0, 0); cell_count],
            near: vec![false; cell_count],
            blocks: Vec::new(),
            wanted: Vec::new(),
        }
    }

    pub(super) fn begin(&mut self, cells: &[u32], columns: usize) {
        self.counts.fill(0);
        self.near.fill(false);
        cells.iter().flat_map(|&cell| cells_around(columns, cell, REACH)).for_each(|row| self.near[row].fill(true));
        for cell in self.wanted.drain(..) {
            self.ends[cell as usize] = UNWANTED;
            self.ranges[cell as usize] = (0, 0);
        }
        self.wanted.extend_from_slice(cells);
    }

    pub(super) fn is_near(&self, cell: u32) -> bool {
        self.near[cell as usize]
    }

    pub(super) fn count(&mut self, cell: u32) {
        self.counts[cell as usize] += 1;
    }

    /// Makes room for the lists of the given cells, now that all are counted.
    pub(super) fn reserve(&mut self, cells: &[u32], columns: usize) {
        let mut end = 0;
        for &cell in cells {
            let around = cells_around(columns, cell, REACH);
            let count: u32 = around.map(|row| self.counts[row].iter().sum::<u32>()).sum();
            let start = end;
            end += count.div_ceil(LANE_COUNT);
            self.ends[cell as usize] = start * LANE_COUNT;
            self.ranges[cell as usize] = (start, end);
            if self.blocks.len() < end as usize {
                self.blocks.resize(end as usize, EMPTY);
            }
            // All others are filled to the last lane.
            if let Some(last) = self.blocks[start as usize..end as usize].last_mut() {
                *last = EMPTY;
            }
        }
    }

    /// Appends an entity to the wanted lists of a row of cells.
    #[inline]
    pub(super) fn push(&mut self, row: std::ops::Range<usize>, id: SimId, place: Vec2) {
        for end in &mut self.ends[row] {
            if *end != UNWANTED {
                let (block, lane) = (*end as usize / LANES, *end as usize % LANES);
                let block = &mut self.blocks[block];
                block.x[lane] = place.x;
                block.z[lane] = place.y;
                block.id[lane] = id.bits();
                *end += 1;
            }
        }
    }

    pub(super) fn of(&self, cell: u32) -> &[Block] {
        let range = self.ranges.get(cell as usize).map(|&(start, end)| start as usize..end as usize);
        range.and_then(|range| self.blocks.get(range)).unwrap_or_default()
    }
}

/// Writes everything on a list that is within the leave radius of a place into `near`, border included, and answers how
/// many there are. No branch depends on a distance.
pub(super) fn within(list: &[Block], place: Vec2, radii: AoiDef, near: &mut Vec<Candidate>) -> usize {
    let (enter, leave) = (radii.enter_m * radii.enter_m, radii.leave_m * radii.leave_m);
    let room = (list.len() + 1) * LANES;
    if near.len() < room {
        near.resize(room, Candidate::default());
    }
    let mut count = 0;
    for block in list {
        let mut squared = [0.0; LANES];
        for ((squared, x), z) in squared.iter_mut().zip(&block.x).zip(&block.z) {
            let (x, z) = (x - place.x, z - place.y);
            *squared = x * x + z * z;
        }
        let room = &mut near[count..count + LANES];
        let mut found = 0;
        for (&squared, &id) in squared.iter().zip(&block.id) {
            // Of eight lanes at most seven were found before the last.
            room[found & (LANES - 1)] = Candidate(u64::from(id) << 1 | u64::from(squared <= enter));
            found += usize::from(squared <= leave);
        }
        count += found;
    }
    count
}
