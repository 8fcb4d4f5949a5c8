//! The ground of the pathfinding tests: a floor of cells of 1 m with random boxes cut out, as a navmesh made of
//! rectangles and as cells, and the slow, plain answers to what is asked of the mesh.

use glam::{Vec2, Vec3};
use sim::space::navmesh::archive::TilePolygon;
use sim::space::navmesh::{NavArchive, NavPoint, NavSettings, Navmesh, TileMesh};
use sim::testing::{archive_of_rectangles, rectangles_of_cells};

/// Cells along a side.
pub(super) const SIDE: usize = 48;
const ANYWHERE: Vec3 = Vec3::new(2.0, 1.0, 2.0);

/// SplitMix64 (Steele, Lea, Flood 2014).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub(super) fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u64 << 24) as f32
    }
}

/// Cuts about half of a tile's rectangles along their diagonals, so that portals meet at all angles.
fn split(dice: &mut Dice, tile: &mut TileMesh) {
    for index in 0..tile.polygons.len() {
        if dice.below(2) == 0 {
            continue;
        }
        let first = tile.polygons[index].first_index as usize;
        tile.polygons[index].corner_count = 3;
        let (second, next) = (tile.polygons.len() as u32, tile.indices.len() as u32);
        tile.indices.extend([tile.indices[first], tile.indices[first + 2], tile.indices[first + 3]]);
        tile.polygons.push(TilePolygon { first_index: next, ..tile.polygons[index] });
        for border in tile.borders.iter_mut().filter(|border| border.polygon as usize == index && border.edge >= 2) {
            (border.polygon, border.edge) = (second, border.edge - 1);
        }
    }
}

/// A floor of cells of 1 m with random boxes cut out, and its mesh.
pub(super) struct Floor {
    free: Vec<bool>,
    origin: Vec2,
    pub(super) mesh: Navmesh,
    /// Sides of free cells towards none, in cells.
    pub(super) walls: Vec<((f64, f64), (f64, f64))>,
}

impl Floor {
    pub(super) fn random(dice: &mut Dice) -> Self {
        let count = 10 + dice.below(50);
        let (free, origin, archive) = Self::cut(dice, count);
        let mesh = Navmesh::assemble(&archive).expect("it is a mesh");
        let mut floor = Self { free, origin, mesh, walls: Vec::new() };
        floor.walls = floor.find_walls();
        floor
    }

    pub(super) fn archive(dice: &mut Dice, boxes: usize) -> NavArchive {
        Self::cut(dice, boxes).2
    }

    fn cut(dice: &mut Dice, boxes: usize) -> (Vec<bool>, Vec2, NavArchive) {
        let mut free = vec![true; SIDE * SIDE];
        for _ in 0..boxes {
            let (column, row) = (dice.below(SIDE), dice.below(SIDE));
            let (width, depth) = (1 + dice.below(8), 1 + dice.below(8));
            for r in row..(row + depth).min(SIDE) {
                free[r * SIDE + column..r * SIDE + (column + width).min(SIDE)].fill(false);
            }
        }
        let origin = Vec2::new(dice.below(2_000) as f32 - 1_000.0, dice.below(2_000) as f32 - 1_000.0);
        let cell = |column: usize, row: usize| free[row * SIDE + column].then_some((0, 0.0));
        let rectangles = rectangles_of_cells((SIDE, SIDE), origin, 1.0, cell);
        let settings = NavSettings { tile_cells: [64, 128, 4_096][dice.below(3)], ..NavSettings::default() };
        let mut archive = archive_of_rectangles(&rectangles, settings, 0);
        archive.tiles.iter_mut().for_each(|tile| split(dice, tile));
        (free, origin, archive)
    }

    fn find_walls(&self) -> Vec<((f64, f64), (f64, f64))> {
        let side = SIDE as i32;
        let cells = (0..side).flat_map(|row| (0..side).map(move |column| (column, row)));
        let mut walls = Vec::new();
        for (column, row) in cells.filter(|&(column, row)| self.is_free(column, row)) {
            let (x, z) = (f64::from(column), f64::from(row));
            let sides = [
                ((-1, 0), (x, z), (x, z + 1.0)),
                ((1, 0), (x + 1.0, z), (x + 1.0, z + 1.0)),
                ((0, -1), (x, z), (x + 1.0, z)),
                ((0, 1), (x, z + 1.0), (x + 1.0, z + 1.0)),
            ];
            let closed = sides.iter().filter(|((dx, dz), ..)| !self.is_free(column + dx, row + dz));
            walls.extend(closed.map(|&(_, a, b)| (a, b)));
        }
        walls
    }

    /// Part of the way that is free by cutting with every wall; `None` when the line passes an end of a wall closely.
    pub(super) fn ray(&self, from: Vec3, to: Vec3) -> Option<f64> {
        let (from, to) = (self.local(from), self.local(to));
        let mut least = 1.0_f64;
        for &(a, b) in &self.walls {
            if distance_to(from, to, a) < 5e-3 || distance_to(from, to, b) < 5e-3 {
                return None;
            }
            let side = |p: (f64, f64)| (to.0 - from.0) * (p.1 - from.1) - (to.1 - from.1) * (p.0 - from.0);
            let other = |p: (f64, f64)| (b.0 - a.0) * (p.1 - a.1) - (b.1 - a.1) * (p.0 - a.0);
            if side(a) * side(b) < 0.0 && other(from) * other(to) < 0.0 {
                least = least.min(other(from) / (other(from) - other(to)));
            }
        }
        Some(least)
    }

    /// The cells wholly within a circle that are joined to its centre by such cells.
    pub(super) fn cells_within(&self, centre: Vec3, radius_m: f32) -> Vec<usize> {
        let (x, z) = self.local(centre);
        let is_within = |column: i32, row: i32| {
            let corners =
                [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(dx, dz)| (f64::from(column + dx), f64::from(row + dz)));
            self.is_free(column, row) && corners.iter().all(|&corner| distance(corner, (x, z)) < f64::from(radius_m))
        };
        let mut cells = vec![(floor_of(x), floor_of(z))];
        let mut done = 0;
        while let Some(&(column, row)) = cells.get(done) {
            done += 1;
            for (dx, dz) in [(-1, 0), (1, 0), (0, -1), (0, 1)] {
                let next = (column + dx, row + dz);
                if is_within(next.0, next.1) && !cells.contains(&next) {
                    cells.push(next);
                }
            }
        }
        cells.iter().map(|&(column, row)| row as usize * SIDE + column as usize).collect()
    }

    pub(super) fn labels(&self) -> Vec<usize> {
        let mut labels = vec![0; SIDE * SIDE];
        for start in 0..SIDE * SIDE {
            let mut open = if self.free[start] && labels[start] == 0 { vec![start] } else { Vec::new() };
            while let Some(cell) = open.pop() {
                labels[cell] = start + 1;
                let (column, row) = ((cell % SIDE) as i32, (cell / SIDE) as i32);
                for (dx, dz) in [(-1, 0), (1, 0), (0, -1), (0, 1)] {
                    let next = (row + dz) * SIDE as i32 + column + dx;
                    if self.is_free(column + dx, row + dz) && labels[next as usize] == 0 {
                        open.push(next as usize);
                    }
                }
            }
        }
        labels
    }

    pub(super) fn is_free(&self, column: i32, row: i32) -> bool {
        let side = SIDE as i32;
        (0..side).contains(&column) && (0..side).contains(&row) && self.free[(row * side + column) as usize]
    }

    pub(super) fn place(&self, dice: &mut Dice) -> NavPoint {
        loop {
            let local = Vec2::new(dice.unit(), dice.unit()) * SIDE as f32;
            if self.is_free(local.x as i32, local.y as i32) {
                let place = self.origin + local;
                return self.mesh.nearest(Vec3::new(place.x, 0.0, place.y), ANYWHERE).expect("it is on a free cell");
            }
        }
    }

    /// True when a straight line from one point to another (in cells) enters no box. Exact but for rounding: the line is
    /// cut at every line of the grid, and the cells on both sides of every piece are looked at.
    fn sees(&self, from: (f64, f64), to: (f64, f64)) -> bool {
        let way = (to.0 - from.0, to.1 - from.1);
        let mut cuts = vec![0.0, 1.0];
        for (start, length) in [(from.0, way.0), (from.1, way.1)] {
            if length.abs() > 1e-9 {
                let lines = (0..=SIDE).map(|line| (line as f64 - start) / length);
                cuts.extend(lines.filter(|&cut| cut > 0.0 && cut < 1.0));
            }
        }
        cuts.sort_by(f64::total_cmp);
        // Two boxes that touch at a corner let nobody through.
        let is_pinched = |cut: &f64| {
            let (x, z) = (from.0 + way.0 * cut, from.1 + way.1 * cut);
            let is_corner = (x - x.round()).abs() < 1e-6 && (z - z.round()).abs() < 1e-6;
            let (x, z) = (x.round() as i32, z.round() as i32);
            let free = |dx: i32, dz: i32| self.is_free(x - dx, z - dz);
            is_corner && free(0, 0) == free(1, 1) && free(0, 1) == free(1, 0) && free(0, 0) != free(0, 1)
        };
        if cuts.iter().any(is_pinched) {
            return false;
        }
        cuts.windows(2).filter(|pair| pair[1] - pair[0] > 1e-7).all(|pair| {
            let middle = (pair[0] + pair[1]) / 2.0;
            let (x, z) = (from.0 + way.0 * middle, from.1 + way.1 * middle);
            let sides = |value: f64| {
                let is_on_line = (value - value.round()).abs() < 1e-4;
                let cell = if is_on_line { value.round() as i32 } else { value.floor() as i32 };
                if is_on_line { vec![cell - 1, cell] } else { vec![cell] }
            };
            sides(x).iter().any(|&column| sides(z).iter().any(|&row| self.is_free(column, row)))
        })
    }

    pub(super) fn local(&self, point: Vec3) -> (f64, f64) {
        (f64::from(point.x) - f64::from(self.origin.x), f64::from(point.z) - f64::from(self.origin.y))
    }

    fn corners(&self) -> Vec<(f64, f64)> {
        let side = SIDE as i32;
        let points = (0..=side).flat_map(|z| (0..=side).map(move |x| (x, z)));
        let is_turn = |&(x, z): &(i32, i32)| {
            let around = [(x - 1, z - 1), (x, z - 1), (x - 1, z), (x, z)];
            let free = around.map(|(column, row)| self.is_free(column, row));
            let count = free.iter().filter(|&&free| free).count();
            count == 3
        };
        points.filter(is_turn).map(|(x, z)| (f64::from(x), f64::from(z))).collect()
    }

    /// Length of the shortest path by a visibility graph.
    pub(super) fn shortest(&self, graph: &Graph, from: Vec3, to: Vec3) -> Option<f64> {
        let (from, to) = (self.local(from), self.local(to));
        if self.sees(from, to) {
            return Some(distance(from, to));
        }
        let mut lengths: Vec<f64> =
            graph.points.iter().map(|&p| if self.sees(from, p) { distance(from, p) } else { f64::INFINITY }).collect();
        let mut done = vec![false; lengths.len()];
        let mut best = f64::INFINITY;
        loop {
            let open = (0..lengths.len()).filter(|&index| !done[index] && lengths[index] < best);
            let Some(next) = open.min_by(|&a, &b| lengths[a].total_cmp(&lengths[b])) else { break };
            done[next] = true;
            if self.sees(graph.points[next], to) {
                best = best.min(lengths[next] + distance(graph.points[next], to));
            }
            for &(other, length) in &graph.edges[next] {
                lengths[other] = lengths[other].min(lengths[next] + length);
            }
        }
        best.is_finite().then_some(best)
    }
}

pub(super) struct Graph {
    points: Vec<(f64, f64)>,
    edges: Vec<Vec<(usize, f64)>>,
}

impl Graph {
    pub(super) fn of(floor: &Floor) -> Self {
        let points = floor.corners();
        let mut edges = vec![Vec::new(); points.len()];
        for a in 0..points.len() {
            for b in 0..a {
                if floor.sees(points[a], points[b]) {
                    let length = distance(points[a], points[b]);
                    edges[a].push((b, length));
                    edges[b].push((a, length));
                }
            }
        }
        Self { points, edges }
    }
}

fn distance(a: (f64, f64), b: (f64, f64)) -> f64 {
    (a.0 - b.0).hypot(a.1 - b.1)
}

impl Floor {
    /// As [`Floor::sees`] for corners that are rounded to `f32`: looks at points along the line, 5 mm to its sides.
    pub(super) fn sees_nearly(&self, from: Vec3, to: Vec3) -> bool {
        let (from, to) = (self.local(from), self.local(to));
        (0..=200).all(|step| {
            let part = f64::from(step) / 200.0;
            let (x, z) = (from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part);
            let offs = [(-0.005, -0.005), (0.005, -0.005), (-0.005, 0.005), (0.005, 0.005)];
            offs.iter().any(|off| self.is_free((x + off.0).floor() as i32, (z + off.1).floor() as i32))
        })
    }
}

pub(super) fn floor_of(value: f64) -> i32 {
    value.floor() as i32
}

pub(super) fn flat(point: Vec3) -> Vec2 {
    Vec2::new(point.x, point.z)
}

pub(super) fn distance_to(a: (f64, f64), b: (f64, f64), point: (f64, f64)) -> f64 {
    let way = (b.0 - a.0, b.1 - a.1);
    let part = ((point.0 - a.0) * way.0 + (point.1 - a.1) * way.1) / (way.0 * way.0 + way.1 * way.1);
    let part = part.clamp(0.0, 1.0);
    distance((a.0 + way.0 * part, a.1 + way.1 * part), point)
}
