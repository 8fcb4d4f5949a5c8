//! The baker and its gate: nothing is paved, nothing is missing, the same geometry gives the same bytes, and a mesh
//! that is wrong is found out. Yards come from seeds; a failure names its seed.

mod walks;

mod yard;

use glam::{Vec2, Vec3};
use navbake::gate::{GateReport, examine};
use navbake::{BakeOptions, Baked, bake, rebake};

use sim::space::navmesh::{NavArchive, NavSettings, Navmesh, TileMesh};
use sim::space::triangles::{Solid, TriangleSoup};

fn options(threads: usize) -> BakeOptions {
    BakeOptions { threads, seeds: Vec::new() }
}

fn baked(soup: &TriangleSoup) -> Baked {
    bake(soup, &NavSettings::default(), &options(2)).expect("it can be baked")
}

fn gate(soup: &TriangleSoup, archive: &NavArchive) -> GateReport {
    examine(soup, &archive.settings, archive).expect("it can be examined")
}

/// Corners of all polygons, in metres.
fn polygons(archive: &NavArchive) -> impl Iterator<Item = (&TileMesh, Vec<Vec3>)> {
    archive.tiles.iter().flat_map(|tile| {
        tile.polygons.iter().map(move |polygon| {
            let first = polygon.first_index as usize;
            let indices = &tile.indices[first..first + usize::from(polygon.corner_count)];
            (tile, indices.iter().map(|&corner| Vec3::from(tile.vertices[corner as usize])).collect())
        })
    })
}

/// True when a convex polygon lies over a place.
fn is_over(polygon: &[Vec3], place: Vec2) -> bool {
    let flat = |at: Vec3| Vec2::new(at.x, at.z);
    (0..polygon.len()).all(|index| {
        let (a, b) = (flat(polygon[index]), flat(polygon[(index + 1) % polygon.len()]));
        (b - a).perp_dot(place - a) <= 0.0
    })
}

fn covers(archive: &NavArchive, place: Vec2) -> bool {
    polygons(archive).any(|(_, polygon)| is_over(&polygon, place))
}

fn area_m2(archive: &NavArchive, of: impl Fn(u16) -> bool) -> f32 {
    let fan = |p: &[Vec3]| (1..p.len() - 1).map(|k| (p[k] - p[0]).cross(p[k + 1] - p[0]).y / 2.0).sum::<f32>();
    let areas = archive.tiles.iter().flat_map(|tile| tile.polygons.iter().map(|polygon| polygon.area));
    polygons(archive).zip(areas).filter(|(_, area)| of(*area)).map(|((_, polygon), _)| fan(&polygon)).sum()
}

#[test]
fn none_of_450_pillars_is_paved_over_and_no_ground_is_missing() {
    let mut repaired = 0;
    for side_m in [1.0, 2.0] {
        for (x, z) in yard::places() {
            let soup = yard::pillar(side_m, x, z);
            let baked = baked(&soup);
            repaired += baked.report.repaired_tiles;
            let under = |polygon: &[Vec3]| polygon.iter().all(|at| at.y < 0.5) && is_over(polygon, Vec2::new(x, z));
            assert!(
                !polygons(&baked.archive).any(|(_, polygon)| under(&polygon)),
                "the pillar of {side_m} m at {x}, {z} is paved over"
            );
            let report = gate(&soup, &baked.archive);
            assert!(report.is_clean(), "pillar of {side_m} m at {x}, {z}: {report:?}");
        }
    }
    assert!(repaired > 0, "the scenes no longer contain what the gate is for");
}

#[test]
fn in_two_hundred_random_yards_nothing_is_paved_or_missing_and_no_path_of_10_000_leads_through_a_solid() {
    let mut paths = 0;
    for seed in 0..200 {
        let def = yard::random(seed);
        let soup = TriangleSoup::of_scene(&def);
        let baked =
            bake(&soup, &NavSettings::default(), &options(2)).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let report = gate(&soup, &baked.archive);
        assert!(report.is_clean(), "seed {seed}: {report:?}");
        let under = |solid: &&Solid| {
            let place = Vec2::new(solid.center.x, solid.center.z);
            let below = |polygon: &[Vec3]| polygon.iter().all(|at| at.y < 0.2) && is_over(polygon, place);
            solid.half.min_element() > 0.8 && polygons(&baked.archive).any(|(_, polygon)| below(&polygon))
        };
        assert_eq!(soup.solids[1..=yard::PILLARS].iter().find(under), None, "seed {seed}");
        let walker = walks::Walker::new(&def, &baked.archive);
        for number in 0..50 {
            walker.walk(seed, number);
            paths += 1;
        }
    }
    assert_eq!(paths, 10_000);
}

#[test]
fn the_gate_finds_a_paved_pillar_and_missing_ground() {
    let soup = yard::pillar(2.0, 3.0, 5.0);
    let whole = baked(&soup).archive;
    assert!(gate(&soup, &whole).is_clean());
    let paved = baked(&yard::floor(40.0, Vec3::ZERO)).archive;
    let found = gate(&soup, &paved).paved;
    assert!(found.iter().any(|at| at.distance(Vec3::new(3.0, 0.0, 5.0)) < 1.0), "{found:?}");
    let mut holed = whole.clone();
    let tile = &mut holed.tiles[0];
    let largest = (0..tile.polygons.len()).max_by_key(|&polygon| tile.polygons[polygon].corner_count).unwrap();
    tile.polygons.remove(largest);
    let missing = gate(&soup, &holed).missing;
    assert!(missing.len() == 1 && missing[0].area_m2 > 1.0, "{missing:?}");
    let mut raised = whole;
    raised.tiles[0].vertices.iter_mut().for_each(|at| at[1] += 1.5);
    assert!(!gate(&soup, &raised).is_clean());
}

#[test]
fn the_same_scene_gives_the_same_bytes_on_any_number_of_threads() {
    let soup = yard::town(3, 150.0, 120, Vec3::new(40.0, 0.0, -25.0));
    let bytes = |threads| bake(&soup, &NavSettings::default(), &options(threads)).unwrap().archive.to_bytes(0);
    let one = bytes(1);
    assert!(one == bytes(1) && one == bytes(2) && one == bytes(5));
}

#[test]
fn far_from_the_origin_and_on_hills_every_border_edge_is_linked_whose_ground_continues() {
    let at = Vec3::new(1_200.0, 35.0, -1_200.0);
    let soup =
        yard::hills(130.0, at, 2.0, |x, z| 4.0 * (x * 0.11).sin() + 3.0 * (z * 0.13).cos() + 0.3 * (x * 0.9).sin());
    let baked = baked(&soup);
    let report = gate(&soup, &baked.archive);
    assert!(report.is_clean(), "{report:?}");
    let mesh = Navmesh::assemble(&baked.archive).expect("it is a mesh");
    let borders: usize = baked.archive.tiles.iter().map(|tile| tile.borders.len()).sum();
    assert!(baked.archive.tiles.len() >= 16 && borders > 50, "{borders} border edges");
    assert_eq!(mesh.unlinked_border_edges(), []);
    assert_eq!(mesh.component_count(), 1);
}

#[test]
fn a_town_is_the_same_wherever_it_stands() {
    let near = baked(&yard::town(5, 60.0, 20, Vec3::ZERO)).archive;
    let far = baked(&yard::town(5, 60.0, 20, Vec3::new(4_096.0, 0.0, -2_048.0))).archive;
    assert_eq!(near.tiles.len(), far.tiles.len());
    let (near_m2, far_m2) = (area_m2(&near, |_| true), area_m2(&far, |_| true));
    assert!((near_m2 - far_m2).abs() < near_m2 * 0.01, "{near_m2} {far_m2}");
}

#[test]
fn baking_again_after_an_edit_gives_what_a_full_bake_gives_and_touches_its_tiles_only() {
    let before = yard::town(9, 200.0, 150, Vec3::ZERO);
    let mut after = before.clone();
    after.add_box(Solid { center: Vec3::new(40.0, 1.5, 40.0), half: Vec3::new(2.0, 1.5, 2.0), yaw_rad: 0.3 });
    for seeds in [Vec::new(), vec![Vec3::new(-95.0, 0.0, -95.0)]] {
        let options = BakeOptions { threads: 2, seeds };
        let old = bake(&before, &NavSettings::default(), &options).unwrap();
        let new = rebake(&old.archive, &before, &after, &options).unwrap();
        let full = bake(&after, &NavSettings::default(), &options).unwrap();
        assert!(new.archive.to_bytes(0) == full.archive.to_bytes(0));
        assert_eq!(new.changed_tiles, [(1, 1)]);
        assert!(new.report.tiles < full.report.tiles / 2, "{} of {} tiles", new.report.tiles, full.report.tiles);
        assert_eq!(rebake(&old.archive, &before, &before, &options).unwrap().changed_tiles, []);
    }
}

/// A floor of 60 m, cut in two by a wall along x = 10 with a passage of 3 m at z = 0.
fn walled_yard(passage: bool) -> TriangleSoup {
    let mut soup = yard::floor(60.0, Vec3::ZERO);
    let mut wall = |from: f32, to: f32| {
        let center = Vec3::new(10.0, 1.5, (from + to) / 2.0);
        soup.add_box(Solid { center, half: Vec3::new(0.25, 1.5, (to - from) / 2.0), yaw_rad: 0.0 });
    };
    if passage {
        wall(-30.0, -1.5);
        wall(1.5, 30.0);
    } else {
        wall(-30.0, 30.0);
    }
    soup
}

#[test]
fn what_no_seed_can_reach_is_dropped_and_comes_back_when_a_wall_falls() {
    let (closed, open) = (walled_yard(false), walled_yard(true));
    let options = BakeOptions { threads: 2, seeds: vec![Vec3::new(-20.0, 0.0, 0.0)] };
    let old = bake(&closed, &NavSettings::default(), &options).unwrap();
    assert_eq!(old.report.dropped_islands, 1);
    assert!(covers(&old.archive, Vec2::new(-20.0, 5.0)) && !covers(&old.archive, Vec2::new(25.0, 25.0)));
    let new = rebake(&old.archive, &closed, &open, &options).unwrap();
    assert!(covers(&new.archive, Vec2::new(25.0, 25.0)));
    let full = bake(&open, &NavSettings::default(), &options).unwrap();
    assert!(new.archive.to_bytes(0) == full.archive.to_bytes(0));
    let back = rebake(&full.archive, &open, &closed, &options).unwrap();
    assert!(back.archive.to_bytes(0) == old.archive.to_bytes(0));
}

#[test]
fn a_doors_area_fills_its_passage_and_closing_it_parts_the_mesh() {
    for yaw_rad in [0.0, 0.2] {
        let mut soup = walled_yard(true);
        let door = Solid { center: Vec3::new(10.0, 1.0, 0.0), half: Vec3::new(0.3, 1.0, 1.5), yaw_rad };
        let without = baked(&soup).archive;
        soup.doors.push(door);
        let archive = baked(&soup).archive;
        let (all_m2, door_m2) = (area_m2(&archive, |_| true), area_m2(&archive, |area| area == 1));
        assert!((all_m2 - area_m2(&without, |_| true)).abs() < 0.01, "cutting loses no ground");
        assert!(door_m2 > 1.5 && door_m2 < 6.0, "{door_m2} m2");
        let mesh = Navmesh::assemble(&archive).expect("it is a mesh");
        let component = |mesh: &Navmesh, x: f32| {
            let point = mesh.nearest(Vec3::new(x, 0.0, 5.0), Vec3::ONE).expect("there is ground");
            mesh.component(point.polygon)
        };
        assert_eq!(component(&mesh, 0.0), component(&mesh, 20.0));
        let closed = mesh.with_door(0, false);
        assert_ne!(component(&closed, 0.0), component(&closed, 20.0));
    }
}

#[test]
fn a_floor_inside_a_closed_box_is_no_ground() {
    let mut soup = yard::floor(40.0, Vec3::ZERO);
    soup.add_box(Solid { center: Vec3::new(3.0, 1.9, 2.0), half: Vec3::new(4.0, 2.0, 4.0), yaw_rad: 0.4 });
    let archive = baked(&soup).archive;
    let under = |polygon: &[Vec3]| polygon[0].y < 1.0 && is_over(polygon, Vec2::new(3.0, 2.0));
    assert!(!polygons(&archive).any(|(_, polygon)| under(&polygon)));
    assert!(gate(&soup, &archive).is_clean());
}

#[test]
fn an_agent_without_a_radius_gets_a_mesh_up_to_the_walls() {
    let settings = NavSettings { radius_m: 0.0, ..NavSettings::default() };
    for seed in 0..20 {
        let soup = TriangleSoup::of_scene(&yard::random(seed));
        let baked = bake(&soup, &settings, &options(2)).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let report = gate_with(&soup, &baked.archive, &settings);
        assert!(report.is_clean(), "seed {seed}: {report:?}");
        assert!(covers(&baked.archive, Vec2::splat(19.9)));
    }
}

fn gate_with(soup: &TriangleSoup, archive: &NavArchive, settings: &NavSettings) -> GateReport {
    examine(soup, settings, archive).expect("it can be examined")
}

#[test]
fn steps_and_walls_that_lie_between_voxels_are_walked_and_kept_clear_of() {
    for seed in 0..40 {
        let soup = yard::aligned(seed);
        let baked =
            bake(&soup, &NavSettings::default(), &options(2)).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let report = gate(&soup, &baked.archive);
        assert!(report.is_clean(), "seed {seed}: {report:?}");
    }
    let mut dais = yard::floor(40.0, Vec3::ZERO);
    dais.add_box(Solid { center: Vec3::new(1.0, 0.15, 2.0), half: Vec3::new(6.0, 0.15, 2.0), yaw_rad: 0.0 });
    let archive = baked(&dais).archive;
    assert_eq!(Navmesh::assemble(&archive).expect("it is a mesh").component_count(), 1);
    assert!(covers(&archive, Vec2::new(6.9, 2.0)) && covers(&archive, Vec2::new(7.1, 2.0)));
}

#[test]
fn on_hills_polygons_stay_near_the_ground() {
    let height = |x: f32, z: f32| 4.0 * (x * 0.11).sin() + 3.0 * (z * 0.13).cos();
    let soup = yard::hills(130.0, Vec3::ZERO, 2.0, height);
    let mesh = Navmesh::assemble(&baked(&soup).archive).expect("it is a mesh");
    for x in -60_i16..60 {
        for z in -60_i16..60 {
            let at = Vec3::new(f32::from(x), height(f32::from(x), f32::from(z)), f32::from(z));
            let point = mesh.nearest(at, Vec3::new(0.1, 1.5, 0.1)).unwrap_or_else(|| panic!("there is ground at {at}"));
            let off_m = mesh.height_on(point.polygon, at.x, at.z) - at.y;
            assert!(off_m.abs() < 1.0, "{off_m} m at {at}");
        }
    }
}
