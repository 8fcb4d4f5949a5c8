//! Yards to bake: a floor and what stands on it, from a seed that every failure names.

use glam::{Quat, Vec3};
use sim::ids::SimId;
use sim::random::{Draw, Random, Stream};
use sim::space::triangles::{Solid, TriangleSoup};

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

/// A floor of 40 m with 12 pillars, three ramps and two stairs.
pub(crate) fn random(seed: u64) -> TriangleSoup {
    let mut draw = Random::new(seed).draw(0, SimId::new(0, 0), Stream("yard"), 0);
    let mut soup = floor(40.0, Vec3::ZERO);
    for _ in 0..12 {
        let half = Vec3::new(within(&mut draw, 0.3, 2.5), within(&mut draw, 0.5, 2.0), within(&mut draw, 0.3, 2.5));
        let at = Vec3::new(within(&mut draw, -18.0, 18.0), half.y, within(&mut draw, -18.0, 18.0));
        soup.add_box(Solid { center: at, half, yaw_rad: within(&mut draw, 0.0, 6.28) });
    }
    for _ in 0..3 {
        ramp(&mut soup, &mut draw);
    }
    for _ in 0..2 {
        stairs(&mut soup, &mut draw);
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
        soup.add_box(Solid { center: at + place, half, yaw_rad: within(&mut draw, 0.0, 6.28) });
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

fn ramp(soup: &mut TriangleSoup, draw: &mut Draw) {
    let half = Vec3::new(within(draw, 0.75, 2.0), within(draw, 0.5, 3.0), within(draw, 1.5, 4.0));
    let turn = Quat::from_rotation_y(within(draw, 0.0, 6.28));
    let at = Vec3::new(within(draw, -14.0, 14.0), 0.0, within(draw, -14.0, 14.0));
    let first = soup.vertices.len() as u32;
    let corners = [(-1, 0, -1), (1, 0, -1), (1, 0, 1), (-1, 0, 1), (-1, 1, 1), (1, 1, 1)];
    let corner = |(x, y, z): (i8, i8, i8)| at + turn * (Vec3::new(f32::from(x), f32::from(y), f32::from(z)) * half);
    soup.vertices.extend(corners.map(corner));
    let sides = [[0, 4, 5], [0, 5, 1], [0, 1, 2], [0, 2, 3], [3, 2, 5], [3, 5, 4], [0, 3, 4], [1, 5, 2]];
    soup.triangles.extend(sides.map(|side| side.map(|corner: u32| first + corner)));
}

fn stairs(soup: &mut TriangleSoup, draw: &mut Draw) {
    let yaw_rad = within(draw, 0.0, 6.28);
    let turn = Quat::from_rotation_y(yaw_rad);
    let at = Vec3::new(within(draw, -14.0, 14.0), 0.0, within(draw, -14.0, 14.0));
    for step in 0..draw.between(3, 6) {
        let height_m = STEP_M * (step + 1) as f32;
        let center = at + turn * Vec3::new(0.0, height_m / 2.0, 0.8 * step as f32);
        soup.add_box(Solid { center, half: Vec3::new(1.5, height_m / 2.0, 0.4), yaw_rad });
    }
}
