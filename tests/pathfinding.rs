//! Queries of the navmesh against brute force, on random meshes made of rectangles: paths against a visibility graph,
//! rays against every wall, nearest polygons and walls against all of them, random points against the uniform
//! distribution. A failure names the seed, the round and the query.

mod floor;

use glam::{Vec2, Vec3};
use sim::space::navmesh::{FlowField, NavArchive, NavPoint, NavSettings, Navmesh, Path, PathStatus, PolygonId, Search};
use sim::testing::{archive_of_rectangles, mesh_of_plan, rectangles_of_cells};

use floor::{Dice, Floor, Graph, SIDE, distance_to, flat, floor_of};

const SEED: u64 = 20_261;

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
                let leg = floor.mesh.nearest(pair[0], Vec3::splat(0.01)).expect("a corner is on the mesh");
                let ray = floor.mesh.raycast(leg, flat(pair[1]));
                assert!((1.0 - ray.fraction) * pair[0].distance(pair[1]) < 0.01, "the ray {ray:?}, {what}");
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
    let both = mesh_of_plan(&["....#....", "....A....", "....#....", "....B....", "....#...."]);
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
        let _ = (mesh.raycast(from, flat(to.position)), mesh.move_along(from, flat(to.position)));
        let _ = (mesh.nearest(to.position, Vec3::splat(5.0)), mesh.nearest_in_component(to.position, 0));
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
