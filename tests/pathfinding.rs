//! Queries of the navmesh against brute force, on random meshes made of rectangles.

use glam::{Vec2, Vec3};
use sim::space::navmesh::{FlowField, NavArchive, NavPoint, NavSettings, Navmesh, Path, PathStatus, PolygonId, Search};
use sim::testing::{archive_of_rectangles, rectangles_of_cells};

const SEED: u64 = 20_261;
const SIDE: usize = 48;
const ANYWHERE: Vec3 = Vec3::new(2.0, 1.0, 2.0);

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u64 << 24) as f32
    }
}

/// A floor of cells of 1 m with random boxes cut out, and its mesh.
struct Floor {
    free: Vec<bool>,
    origin: Vec2,
    mesh: Navmesh,
    /// Sides of free cells towards none, in cells.
    walls: Vec<((f64, f64), (f64, f64))>,
}

impl Floor {
    fn random(dice: &mut Dice) -> Self {
        let count = 10 + dice.below(50);
        let (free, origin, archive) = Self::cut(dice, count);
        let mesh = Navmesh::assemble(&archive).expect("it is a mesh");
        let mut floor = Self { free, origin, mesh, walls: Vec::new() };
        floor.walls = floor.find_walls();
        floor
    }

    fn archive(dice: &mut Dice, boxes: usize) -> NavArchive {
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
        let archive = archive_of_rectangles(&rectangles, settings, 0);
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
    fn ray(&self, from: Vec3, to: Vec3) -> Option<f64> {
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
    fn cells_within(&self, centre: Vec3, radius_m: f32) -> Vec<usize> {
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

    fn labels(&self) -> Vec<usize> {
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

    fn is_free(&self, column: i32, row: i32) -> bool {
        let side = SIDE as i32;
        (0..side).contains(&column) && (0..side).contains(&row) && self.free[(row * side + column) as usize]
    }

    fn place(&self, dice: &mut Dice) -> NavPoint {
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

    fn local(&self, point: Vec3) -> (f64, f64) {
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
    fn shortest(&self, graph: &Graph, from: Vec3, to: Vec3) -> Option<f64> {
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

struct Graph {
    points: Vec<(f64, f64)>,
    edges: Vec<Vec<(usize, f64)>>,
}

impl Graph {
    fn of(floor: &Floor) -> Self {
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
    fn sees_nearly(&self, from: Vec3, to: Vec3) -> bool {
        let (from, to) = (self.local(from), self.local(to));
        (0..=200).all(|step| {
            let part = f64::from(step) / 200.0;
            let (x, z) = (from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part);
            let offs = [(-0.005, -0.005), (0.005, -0.005), (-0.005, 0.005), (0.005, 0.005)];
            offs.iter().any(|off| self.is_free((x + off.0).floor() as i32, (z + off.1).floor() as i32))
        })
    }
}

#[test]
fn a_path_is_as_short_as_the_visibility_graphs_to_half_a_percent() {
    let mut dice = Dice(SEED);
    let (mut search, mut path) = (Search::default(), Path::default());
    let (mut compared, mut found_m, mut best_m) = (0, 0.0, 0.0);
    for round in 0..40 {
        let floor = Floor::random(&mut dice);
        let graph = Graph::of(&floor);
        for query in 0..60 {
            let (from, to) = (floor.place(&mut dice), floor.place(&mut dice));
            let status = floor.mesh.find_path(&mut search, from, to, 100_000, &mut path);
            let what = format!("seed {SEED}, round {round}, query {query}: {from:?} to {to:?} {:?}", path.corners);
            let Some(shortest) = floor.shortest(&graph, from.position, to.position) else {
                assert_eq!(status, PathStatus::Unreachable, "{what}");
                continue;
            };
            assert_eq!(status, PathStatus::Complete, "{what}");
            let length = f64::from(path.length_m);
            assert!(
                length > shortest - 1e-2 && length < shortest * 1.005 + 1e-2,
                "{length}, {shortest} at best, {what}"
            );
            for pair in path.corners.windows(2) {
                assert!(floor.sees_nearly(pair[0], pair[1]), "{what}");
            }
            compared += 1;
            (found_m, best_m) = (found_m + length, best_m + shortest);
        }
    }
    assert!(compared > 1_000, "only {compared} paths were compared");
    assert!(found_m < best_m * 1.0005, "{found_m} m in all, {best_m} m at best");
}

#[test]
fn a_ray_stops_where_brute_force_does() {
    let mut dice = Dice(SEED + 1);
    let mut hits = 0;
    for round in 0..40 {
        let floor = Floor::random(&mut dice);
        for query in 0..300 {
            let from = floor.place(&mut dice);
            let to = flat(from.position) + Vec2::new(dice.unit() - 0.5, dice.unit() - 0.5) * 60.0;
            let Some(expected) = floor.ray(from.position, Vec3::new(to.x, 0.0, to.y)) else { continue };
            let hit = floor.mesh.raycast(from, to);
            let what = format!("seed {SEED}, round {round}, query {query}: {from:?} to {to:?} {hit:?}");
            assert!((f64::from(hit.fraction) - expected).abs() < 1e-3, "{expected}, {what}");
            let end = flat(from.position).lerp(to, hit.fraction);
            assert!(flat(hit.end.position).distance(end) < 1e-2, "{what}");
            assert_eq!(hit.normal != Vec2::ZERO, hit.fraction < 1.0, "{what}");
            assert!(hit.fraction >= 1.0 || hit.normal.dot(to - flat(from.position)) < 0.0, "{what}");
            hits += usize::from(hit.fraction < 1.0);
        }
    }
    assert!(hits > 3_000, "only {hits} rays hit something");
}

#[test]
fn the_nearest_polygon_is_brute_forces_on_every_storey() {
    let mut dice = Dice(SEED + 2);
    let mut found = 0;
    for round in 0..40 {
        let mut rectangles = Vec::new();
        for storey in 0..3_u8 {
            let cells: Vec<bool> = (0..400).map(|_| dice.below(3) > 0).collect();
            let height_m = f32::from(storey) * 3.0;
            let cell = |column: usize, row: usize| cells[row * 20 + column].then_some((0, height_m));
            rectangles.extend(rectangles_of_cells((20, 20), Vec2::splat(-10.0), 1.0, cell));
        }
        let settings = NavSettings { tile_cells: 64, ..NavSettings::default() };
        let mesh = Navmesh::assemble(&archive_of_rectangles(&rectangles, settings, 0)).expect("it is a mesh");
        for query in 0..200 {
            let at = Vec3::new(dice.unit() * 26.0 - 13.0, dice.unit() * 12.0 - 3.0, dice.unit() * 26.0 - 13.0);
            let extents = Vec3::new(dice.unit() * 3.0, dice.unit() * 3.0, dice.unit() * 3.0);
            let nearest = mesh.nearest(at, extents);
            let all = (0..mesh.polygon_count()).map(PolygonId).map(|polygon| nearest_on(&mesh, polygon, at));
            let within = all.filter(|(_, point)| (point.position - at).abs().cmple(extents).all());
            let expected = within.min_by(|a, b| a.0.total_cmp(&b.0));
            let what = format!("seed {SEED}, round {round}, query {query}: {at} {extents} {nearest:?}");
            assert_eq!(nearest.is_some(), expected.is_some(), "{what}");
            if let (Some(nearest), Some((distance_m, point))) = (nearest, expected) {
                let own_m = nearest_on(&mesh, nearest.polygon, at).0;
                assert!((own_m - distance_m).abs() < 1e-4, "{point:?}, {what}");
                found += 1;
            }
            let component = u32::try_from(dice.below(mesh.component_count() as usize)).expect("few");
            let members = (0..mesh.polygon_count()).map(PolygonId).filter(|&one| mesh.component(one) == component);
            let expected_m = members.map(|one| nearest_on(&mesh, one, at).0).fold(f32::INFINITY, f32::min);
            let nearest = mesh.nearest_in_component(at, component).expect("a component has polygons");
            assert_eq!(mesh.component(nearest.polygon), component);
            assert!((nearest_on(&mesh, nearest.polygon, at).0 - expected_m).abs() < 1e-4, "{what}");
        }
    }
    assert!(found > 2_000, "only {found} points were near the mesh");
}

#[test]
fn the_nearest_wall_is_brute_forces() {
    let mut dice = Dice(SEED + 3);
    let mut search = Search::default();
    for round in 0..40 {
        let floor = Floor::random(&mut dice);
        for query in 0..100 {
            let at = floor.place(&mut dice);
            let radius_m = 0.5 + dice.unit() * 12.0;
            let place = floor.local(at.position);
            let expected = floor.walls.iter().map(|&(a, b)| distance_to(a, b, place)).fold(f64::INFINITY, f64::min);
            let hit = floor.mesh.wall_distance(&mut search, at, radius_m);
            let what = format!("seed {SEED}, round {round}, query {query}: {at:?} {radius_m} {hit:?} {expected}");
            if (expected - f64::from(radius_m)).abs() > 1e-3 {
                assert_eq!(hit.is_some(), expected < f64::from(radius_m), "{what}");
            }
            if let Some(hit) = hit {
                assert!((f64::from(hit.distance_m) - expected).abs() < 1e-3, "{what}");
                assert!((hit.distance_m - flat(hit.position).distance(flat(at.position))).abs() < 1e-3, "{what}");
            }
        }
    }
}

#[test]
fn random_points_are_uniform_over_what_can_be_reached_within_the_circle() {
    let mut dice = Dice(SEED + 4);
    let mut search = Search::default();
    for round in 0..12 {
        let floor = Floor::random(&mut dice);
        let centre = floor.place(&mut dice);
        let radius_m = 4.0 + dice.unit() * 8.0;
        let cells = floor.cells_within(centre.position, radius_m);
        let mut counts = vec![0_u32; SIDE * SIDE];
        for _ in 0..cells.len() * 60 {
            let point = floor.mesh.random_point(&mut search, centre, radius_m, &mut || dice.unit());
            let (x, z) = floor.local(point.position);
            assert!(flat(point.position).distance(flat(centre.position)) <= radius_m * 1.0001);
            assert_eq!(floor.mesh.component(point.polygon), floor.mesh.component(centre.polygon));
            counts[(z as usize).min(SIDE - 1) * SIDE + (x as usize).min(SIDE - 1)] += 1;
        }
        let inside: Vec<f64> = cells.iter().map(|&cell| f64::from(counts[cell])).collect();
        let mean = inside.iter().sum::<f64>() / inside.len() as f64;
        let chi_square: f64 = inside.iter().map(|count| (count - mean).powi(2) / mean).sum();
        let freedom = inside.len() as f64 - 1.0;
        let limit = freedom + 4.5 * (2.0 * freedom.max(1.0)).sqrt() + 4.0;
        assert!(
            mean > 30.0 && chi_square < limit,
            "seed {SEED}, round {round}: {chi_square} of {freedom}, mean {mean}"
        );
    }
}

#[test]
fn a_slide_stays_on_the_mesh_and_goes_no_farther_than_asked() {
    let mut dice = Dice(SEED + 5);
    let mut slid = 0;
    for round in 0..40 {
        let floor = Floor::random(&mut dice);
        for query in 0..200 {
            let from = floor.place(&mut dice);
            let start = flat(from.position);
            let to = start + Vec2::new(dice.unit() - 0.5, dice.unit() - 0.5) * 6.0;
            let end = floor.mesh.move_along(from, to);
            let what = format!("seed {SEED}, round {round}, query {query}: {from:?} to {to:?} {end:?}");
            assert!(start.distance(flat(end.position)) <= start.distance(to) * 1.001 + 1e-4, "{what}");
            let (x, z) = floor.local(end.position);
            let near = |off: f64| (floor_of(x + off), floor_of(z + off));
            let offs = [(-1e-3, -1e-3), (-1e-3, 1e-3), (1e-3, -1e-3), (1e-3, 1e-3)];
            let is_on = offs.iter().any(|&(dx, dz)| floor.is_free(near(dx).0, near(dz).1));
            assert!(is_on, "{what}");
            let ray = floor.mesh.raycast(from, to);
            assert!(ray.fraction < 1.0 || flat(end.position).distance(to) < 1e-3, "{what}");
            // Sliding is at least as good as stopping at the wall.
            let stopped = flat(ray.end.position);
            assert!(flat(end.position).distance(to) <= stopped.distance(to) + 1e-2, "{what}");
            slid += usize::from(ray.fraction < 1.0);
        }
    }
    assert!(slid > 500, "only {slid} met a wall");
}

#[test]
fn components_are_what_a_flood_fill_finds() {
    let mut dice = Dice(SEED + 6);
    let mut apart = 0;
    for round in 0..40 {
        let floor = Floor::random(&mut dice);
        let labels = floor.labels();
        for query in 0..200 {
            let (a, b) = (floor.place(&mut dice), floor.place(&mut dice));
            let label = |point: NavPoint| {
                let (x, z) = floor.local(point.position);
                labels[floor_of(z) as usize * SIDE + floor_of(x) as usize]
            };
            let is_one = floor.mesh.component(a.polygon) == floor.mesh.component(b.polygon);
            assert_eq!(is_one, label(a) == label(b), "seed {SEED}, round {round}, query {query}: {a:?} {b:?}");
            apart += usize::from(!is_one);
        }
    }
    assert!(apart > 50, "only {apart} pairs were apart");
}

#[test]
fn a_flow_field_leads_from_everywhere_to_its_goal_in_steps_of_any_size() {
    let mut dice = Dice(SEED + 7);
    let (mut search, mut path) = (Search::default(), Path::default());
    let (mut corridor, mut corners) = (Vec::new(), Vec::new());
    let (mut flown_m, mut shortest_m) = (0.0, 0.0);
    for round in 0..20 {
        let floor = Floor::random(&mut dice);
        let goal = floor.place(&mut dice);
        let mut field = FlowField::new(goal);
        while !field.is_done() {
            let most = 1 + u32::try_from(dice.below(20)).expect("few");
            assert!(field.expand(&floor.mesh, most) <= most);
        }
        for query in 0..50 {
            let from = floor.place(&mut dice);
            let what = format!("seed {SEED}, round {round}, query {query}: {from:?} to {goal:?}");
            let reaches = floor.mesh.component(from.polygon) == floor.mesh.component(goal.polygon);
            assert_eq!(field.reaches(from.polygon), reaches, "{what}");
            assert_eq!(field.corridor(&floor.mesh, from.polygon, &mut corridor), reaches, "{what}");
            if !reaches {
                continue;
            }
            assert_eq!((corridor.first(), corridor.last()), (Some(&from.polygon), Some(&goal.polygon)), "{what}");
            let is_linked = |pair: &[PolygonId]| floor.mesh.neighbours(pair[0]).any(|(next, _)| next == pair[1]);
            assert!(corridor.windows(2).all(is_linked), "{what}");
            floor.mesh.straighten(&corridor, from.position, goal.position, &mut corners);
            let length_m: f32 = corners.windows(2).map(|pair| flat(pair[0]).distance(flat(pair[1]))).sum();
            floor.mesh.find_path(&mut search, from, goal, 100_000, &mut path);
            assert!(length_m >= path.length_m / 1.005 - 1e-2, "{length_m} {} {what}", path.length_m);
            (flown_m, shortest_m) = (flown_m + length_m, shortest_m + path.length_m);
        }
    }
    assert!(flown_m <= shortest_m * 1.05, "{flown_m} m by the field, {shortest_m} m at best");
}

#[test]
fn the_string_through_a_paths_corridor_is_the_path() {
    let mut dice = Dice(SEED + 8);
    let (mut search, mut path, mut corners) = (Search::default(), Path::default(), Vec::new());
    for round in 0..20 {
        let floor = Floor::random(&mut dice);
        for query in 0..100 {
            let (from, to) = (floor.place(&mut dice), floor.place(&mut dice));
            if floor.mesh.find_path(&mut search, from, to, 100_000, &mut path) != PathStatus::Complete {
                continue;
            }
            floor.mesh.straighten(&path.corridor, from.position, to.position, &mut corners);
            let length_m: f32 = corners.windows(2).map(|pair| flat(pair[0]).distance(flat(pair[1]))).sum();
            let what = format!("seed {SEED}, round {round}, query {query}: {:?} against {corners:?}", path.corners);
            assert!((length_m - path.length_m).abs() < 1e-2, "{length_m} {}, {what}", path.length_m);
        }
    }
}

#[test]
fn a_search_within_a_budget_ends_on_the_mesh_and_nearer() {
    let mut dice = Dice(SEED + 9);
    let (mut search, mut path) = (Search::default(), Path::default());
    let mut partial = 0;
    for _ in 0..20 {
        let floor = Floor::random(&mut dice);
        for _ in 0..50 {
            let (from, to) = (floor.place(&mut dice), floor.place(&mut dice));
            let budget = u32::try_from(dice.below(6)).expect("few");
            let status = floor.mesh.find_path(&mut search, from, to, budget, &mut path);
            assert!(path.nodes <= budget, "seed {SEED}: {} of {budget}", path.nodes);
            assert_eq!(path.corners.first(), Some(&from.position));
            for pair in path.corners.windows(2) {
                assert!(floor.sees_nearly(pair[0], pair[1]), "seed {SEED}: {from:?} {to:?} {:?}", path.corners);
            }
            partial += usize::from(status == PathStatus::OutOfNodes && path.corners.len() > 1);
        }
    }
    assert!(partial > 50, "only {partial} searches ran out of nodes");
}

#[test]
fn a_closed_door_parts_what_an_open_one_joins() {
    let plan = ["....#....", "....D....", "....#....", "....E....", "....#...."];
    let cell = |column: usize, row: usize| match plan[row].as_bytes()[column] {
        b'.' => Some((0, 0.0)),
        b'D' => Some((1, 0.0)),
        b'E' => Some((2, 0.0)),
        _ => None,
    };
    let rectangles = rectangles_of_cells((9, 5), Vec2::ZERO, 1.0, cell);
    let both = Navmesh::assemble(&archive_of_rectangles(&rectangles, NavSettings::default(), 2)).expect("it is a mesh");
    let (first, none) = (both.with_door(0, false), both.with_door(0, false).with_door(1, false));
    let at = |x: f32, z: f32| both.nearest(Vec3::new(x, 0.0, z), Vec3::splat(0.1)).expect("it is on the floor");
    let (west, east) = (at(0.5, 1.5), at(8.5, 1.5));
    let (mut search, mut path) = (Search::default(), Path::default());
    let mut go = |mesh: &Navmesh| (mesh.find_path(&mut search, west, east, 1_000, &mut path), path.length_m);
    assert_eq!(go(&both), (PathStatus::Complete, 8.0));
    let (status, length_m) = go(&first);
    assert!(status == PathStatus::Complete && length_m > 8.5, "{status:?} {length_m}");
    let (status, length_m) = go(&none);
    assert!(status == PathStatus::Unreachable && length_m == 3.5, "{status:?} {length_m}");
    assert_eq!([both.component_count(), first.component_count(), none.component_count()], [1, 1, 2]);
    assert!(none.nearest(Vec3::new(4.5, 0.0, 1.5), Vec3::splat(0.1)).is_none());
    assert_eq!(none.raycast(west, Vec2::new(8.5, 1.5)).fraction, 3.5 / 8.0);
    assert_eq!(none.with_door(0, true).component_count(), 1);
    assert!(both.is_door_open(0) && !first.is_door_open(0) && first.is_door_open(1));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]

    #[test]
    fn a_damaged_archive_is_refused_or_answers_but_never_panics(
        flips in proptest::collection::vec((0..100_000_usize, 0..8_u8), 1..6),
        seed in 0..1_000_u64,
    ) {
        let mut dice = Dice(seed);
        let mut bytes = Floor::archive(&mut dice, 12).to_bytes(7);
        const HEADER_BYTES: usize = 32;
        for (at, bit) in flips {
            let at = HEADER_BYTES + at % (bytes.len() - HEADER_BYTES);
            bytes[at] ^= 1 << bit;
        }
        let checksum = crc32(&bytes[HEADER_BYTES..]).to_le_bytes();
        bytes[HEADER_BYTES - 4..HEADER_BYTES].copy_from_slice(&checksum);
        if let Ok((archive, _)) = NavArchive::from_bytes(&bytes)
            && let Ok(mesh) = Navmesh::assemble(&archive)
        {
            ask_everything(&mesh, &mut dice);
        }
    }
}

/// Every query from a few polygons to a few others.
fn ask_everything(mesh: &Navmesh, dice: &mut Dice) {
    let (mut search, mut path, mut corners) = (Search::default(), Path::default(), Vec::new());
    let count = mesh.polygon_count() as usize;
    for _ in 0..if count == 0 { 0 } else { 8 } {
        let mut point = || {
            let polygon = PolygonId(u32::try_from(dice.below(count)).expect("few"));
            NavPoint { polygon, position: mesh.corners(polygon)[0] }
        };
        let (from, to) = (point(), point());
        mesh.find_path(&mut search, from, to, 1_000, &mut path);
        mesh.straighten(&path.corridor, from.position, to.position, &mut corners);
        mesh.raycast(from, flat(to.position));
        mesh.move_along(from, flat(to.position));
        mesh.nearest(to.position, Vec3::splat(5.0));
        mesh.nearest_in_component(to.position, 0);
        mesh.random_point(&mut search, from, 10.0, &mut || dice.unit());
        mesh.wall_distance(&mut search, from, 10.0);
        FlowField::new(to).expand(mesh, 1_000);
    }
}

/// CRC-32 as in zlib, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

fn floor_of(value: f64) -> i32 {
    value.floor() as i32
}

fn flat(point: Vec3) -> Vec2 {
    Vec2::new(point.x, point.z)
}

fn distance_to(a: (f64, f64), b: (f64, f64), point: (f64, f64)) -> f64 {
    let way = (b.0 - a.0, b.1 - a.1);
    let part = ((point.0 - a.0) * way.0 + (point.1 - a.1) * way.1) / (way.0 * way.0 + way.1 * way.1);
    let part = part.clamp(0.0, 1.0);
    distance((a.0 + way.0 * part, a.1 + way.1 * part), point)
}

/// Detour's distance to a level rectangle and the nearest point on it.
fn nearest_on(mesh: &Navmesh, polygon: PolygonId, at: Vec3) -> (f32, NavPoint) {
    let corners = mesh.corners(polygon);
    let min = corners.iter().copied().reduce(Vec3::min).expect("it has corners");
    let max = corners.iter().copied().reduce(Vec3::max).expect("it has corners");
    let position = at.clamp(min, max);
    let is_over = position.x == at.x && position.z == at.z;
    let height_m = (position.y - at.y).abs();
    let distance_m = if is_over { (height_m - mesh.settings().climb_m).max(0.0) } else { position.distance(at) };
    (distance_m, NavPoint { polygon, position })
}
