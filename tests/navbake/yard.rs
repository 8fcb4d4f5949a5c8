//! Yards to bake: a floor and what stands on it, from a seed that every failure names.

use glam::{Quat, Vec3};
use sim::assets::{AoiDef, Bounds, CombatDef, GeometryDef, PvpRule, Ref, SceneDef, SyncDef};
use sim::ids::SimId;
use sim::random::{Draw, Random, Stream};
use sim::space::triangles::{Solid, TriangleSoup};

/// Pillars of a yard.
pub(crate) const PILLARS: usize = 12;
/// Height of a step of the stairs, in metres.
const STEP_M: f32 = 0.3;

/// A level floor at height 0 around a place.
pub(crate) fn floor(side_m: f32, at: Vec3) -> TriangleSoup {
    let mut soup = TriangleSoup::default();
    let half = Vec3::new(side_m / 2.0, 0.5, side_m / 2.0);
    soup.add_box(Solid { center: at - Vec3::Y * 0.5, half, yaw_rad: 0.0 });
    soup
}

/// A floor of 40 m with one pillar of 2 m height.
pub(crate) fn pillar(side_m: f32, x: f32, z: f32) -> TriangleSoup {
    let mut soup = floor(40.0, Vec3::ZERO);
    let half = Vec3::new(side_m / 2.0, 1.0, side_m / 2.0);
    soup.add_box(Solid { center: Vec3::new(x, 1.0, z), half, yaw_rad: 0.0 });
    soup
}

/// The 225 places of a pillar: all phases of the raster.
pub(crate) fn places() -> impl Iterator<Item = (f32, f32)> {
    let at = |i: u8, k: u8| {
        (-17.5 + 2.5 * f32::from(i) + 0.03 * f32::from(k), -17.5 + 2.5 * f32::from(k) + 0.017 * f32::from(i))
    };
    (0..15).flat_map(move |i| (0..15).map(move |k| at(i, k)))
}

/// A floor of 40 m with 12 pillars, three ramps and two stairs: geometry of a scene, so that it has colliders too.
pub(crate) fn random(seed: u64) -> SceneDef {
    let mut draw = Random::new(seed).draw(0, SimId::new(0, 0), Stream("yard"), 0);
    let mut geometry = vec![GeometryDef::Box { center: (0.0, -0.5, 0.0), size: (40.0, 1.0, 40.0), yaw_deg: 0.0 }];
    for _ in 0..PILLARS {
        let size = (within(&mut draw, 0.6, 5.0), within(&mut draw, 1.0, 4.0), within(&mut draw, 0.6, 5.0));
        let center = (within(&mut draw, -18.0, 18.0), size.1 / 2.0, within(&mut draw, -18.0, 18.0));
        geometry.push(GeometryDef::Box { center, size, yaw_deg: within(&mut draw, 0.0, 360.0) });
    }
    geometry.extend((0..3).map(|_| ramp(&mut draw)));
    for _ in 0..2 {
        stairs(&mut geometry, &mut draw);
    }
    let bounds = Bounds { min: (-20.0, -20.0), max: (20.0, 20.0) };
    let aoi = AoiDef { enter_m: 30.0, leave_m: 35.0 };
    let (id, name) = ("scene/yard".to_owned(), "Yard".to_owned());
    let (doors, spawn_points, portals) = (Vec::new(), Vec::new(), Vec::new());
    let (spawners, pools, groups) = (Vec::new(), Vec::new(), Vec::new());
    let (combat, pvp) = (Ref::by_name(CombatDef::DEFAULT), PvpRule::Forbidden);
    let (players_max, sync) = (1, SyncDef::State);
    SceneDef {
        id,
        name,
        bounds,
        aoi,
        players_max,
        combat,
        pvp,
        sync,
        geometry,
        doors,
        spawn_points,
        spawners,
        pools,
        groups,
        portals,
    }
}

/// Walls, blocks and stairs whose sides all lie exactly between two voxels.
pub(crate) fn aligned(seed: u64) -> TriangleSoup {
    let mut draw = Random::new(seed).draw(0, SimId::new(0, 0), Stream("aligned"), 0);
    let mut soup = floor(40.0, Vec3::ZERO);
    let mut quarters = |low: i32, high: i32| draw.between(low, high) as f32 * 0.25;
    for _ in 0..10 {
        let (min, size) =
            (Vec3::new(quarters(-70, 60), 0.0, quarters(-70, 60)), Vec3::new(quarters(1, 20), 1.5, quarters(1, 20)));
        soup.add_box(Solid { center: min + size / 2.0, half: size / 2.0, yaw_rad: 0.0 });
    }
    for _ in 0..4 {
        let (at, steps) = (Vec3::new(quarters(-60, 40), 0.0, quarters(-60, 40)), quarters(12, 24) as u32);
        for step in 0..steps {
            let (low_m, size) = (step as f32, Vec3::new(3.0, STEP_M * (step + 1) as f32, 1.0));
            soup.add_box(Solid { center: at + Vec3::Z * low_m + size / 2.0, half: size / 2.0, yaw_rad: 0.0 });
        }
    }
    soup
}

/// Boxes on the floor of a square, for larger scenes.
pub(crate) fn town(seed: u64, side_m: f32, boxes: u32, at: Vec3) -> TriangleSoup {
    let mut draw = Random::new(seed).draw(0, SimId::new(0, 0), Stream("town"), 0);
    let mut soup = floor(side_m, at);
    let reach_m = side_m / 2.0 - 5.0;
    for _ in 0..boxes {
        let half = Vec3::new(within(&mut draw, 0.5, 4.0), within(&mut draw, 1.0, 3.0), within(&mut draw, 0.5, 4.0));
        let place = Vec3::new(within(&mut draw, -reach_m, reach_m), half.y, within(&mut draw, -reach_m, reach_m));
        soup.add_box(Solid { center: at + place, half, yaw_rad: within(&mut draw, 0.0, std::f32::consts::TAU) });
    }
    soup
}

/// Hills on a square grid, as high at a place as `height` says.
pub(crate) fn hills(side_m: f32, at: Vec3, cell_m: f32, height: impl Fn(f32, f32) -> f32) -> TriangleSoup {
    let mut soup = TriangleSoup::default();
    let cells = (side_m / cell_m) as u32;
    let place = |index: u32| -side_m / 2.0 + index as f32 * cell_m;
    for z in 0..=cells {
        for x in 0..=cells {
            let (px, pz) = (at.x + place(x), at.z + place(z));
            soup.vertices.push(Vec3::new(px, at.y + height(px, pz), pz));
        }
    }
    for z in 0..cells {
        for x in 0..cells {
            let near = z * (cells + 1) + x;
            let far = near + cells + 1;
            soup.triangles.extend([[near, far, near + 1], [far + 1, near + 1, far]]);
        }
    }
    soup
}

pub(crate) fn within(draw: &mut Draw, low: f32, high: f32) -> f32 {
    low + (high - low) * draw.unit()
}

fn ramp(draw: &mut Draw) -> GeometryDef {
    let half = Vec3::new(within(draw, 0.75, 2.0), within(draw, 0.5, 3.0), within(draw, 1.5, 4.0));
    let turn = Quat::from_rotation_y(within(draw, 0.0, std::f32::consts::TAU));
    let at = Vec3::new(within(draw, -14.0, 14.0), 0.0, within(draw, -14.0, 14.0));
    let corners = [(-1, 0, -1), (1, 0, -1), (1, 0, 1), (-1, 0, 1), (-1, 1, 1), (1, 1, 1)];
    let corner = |(x, y, z): (i8, i8, i8)| at + turn * (Vec3::new(f32::from(x), f32::from(y), f32::from(z)) * half);
    let triangles = vec![(0, 4, 5), (0, 5, 1), (0, 1, 2), (0, 2, 3), (3, 2, 5), (3, 5, 4), (0, 3, 4), (1, 5, 2)];
    GeometryDef::Trimesh { vertices: corners.map(|at| corner(at).into()).to_vec(), triangles }
}

fn stairs(geometry: &mut Vec<GeometryDef>, draw: &mut Draw) {
    let yaw_deg = within(draw, 0.0, 360.0);
    let turn = Quat::from_rotation_y(yaw_deg.to_radians());
    let at = Vec3::new(within(draw, -14.0, 14.0), 0.0, within(draw, -14.0, 14.0));
    for step in 0..draw.between(3, 6) {
        let height_m = STEP_M * (step + 1) as f32;
        let center = at + turn * Vec3::new(0.0, height_m / 2.0, 0.8 * step as f32);
        geometry.push(GeometryDef::Box { center: center.into(), size: (3.0, height_m, 0.8), yaw_deg });
    }
}
