//! A scene's static geometry as plain triangles: the same surfaces that the colliders have, for whoever needs to
//! look at all of them at once, such as the baker of navmeshes.
//! Pure; no system runs here. Upward surfaces wind so that `(b - a) x (c - a)` points up. What has moved, appeared or
//! gone changes the hash.

use glam::{Quat, Vec2, Vec3};
use xxhash_rust::xxh3::Xxh3;

use super::navmesh::NavSettings;
use super::navmesh::archive::VERSION;
use crate::assets::{GeometryDef, SceneDef};

/// Corners of a unit box by bits: 1 for +x, 2 for +y, 4 for +z.
const BOX_TRIANGLES: [[u32; 3]; 12] = [
    [2, 6, 7],
    [2, 7, 3],
    [0, 1, 5],
    [0, 5, 4],
    [0, 4, 6],
    [0, 6, 2],
    [1, 3, 7],
    [1, 7, 5],
    [0, 2, 3],
    [0, 3, 1],
    [4, 5, 7],
    [4, 7, 6],
];

/// A box turned about y.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Solid {
    /// Its middle, in metres.
    pub center: Vec3,
    /// Half its extents before turning, in metres.
    pub half: Vec3,
    /// Turn about y in radians, from +z towards +x.
    pub yaw_rad: f32,
}

/// A box that is there only while a door is closed.
pub type DoorBox = Solid;

impl Solid {
    /// A point in the box's own axes, measured from its centre, in metres.
    #[must_use]
    pub fn to_local(&self, at: Vec3) -> Vec3 {
        Quat::from_rotation_y(-self.yaw_rad) * (at - self.center)
    }

    /// True strictly inside.
    #[must_use]
    pub fn contains(&self, at: Vec3) -> bool {
        self.to_local(at).abs().cmplt(self.half).all()
    }

    /// Least and greatest coordinates, in metres.
    #[must_use]
    pub fn bounds(&self) -> (Vec3, Vec3) {
        let (sin, cos) = self.yaw_rad.sin_cos();
        let reach = Vec2::new(
            self.half.x * cos.abs() + self.half.z * sin.abs(),
            self.half.x * sin.abs() + self.half.z * cos.abs(),
        );
        let half = Vec3::new(reach.x, self.half.y, reach.y);
        (self.center - half, self.center + half)
    }
}

/// Triangles without order or connection, and the boxes among them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TriangleSoup {
    /// Corners in metres.
    pub vertices: Vec<Vec3>,
    /// Three corners each, counter-clockwise seen from outside.
    pub triangles: Vec<[u32; 3]>,
    /// Closed boxes whose triangles are among the others; nobody can be inside.
    pub solids: Vec<Solid>,
    /// Doors by index; their boxes are not among the triangles.
    pub doors: Vec<DoorBox>,
}

impl TriangleSoup {
    /// The triangles of a scene's colliders, in the order of [`SceneDef::geometry`].
    #[must_use]
    pub fn of_scene(def: &SceneDef) -> Self {
        let mut soup = Self::default();
        for part in &def.geometry {
            soup.add(part);
        }
        soup.doors = def.doors.iter().map(|door| solid(door.center, door.size, door.yaw_deg)).collect();
        soup
    }

    /// The three corners of a triangle, in metres.
    #[must_use]
    pub fn corners(&self, triangle: usize) -> [Vec3; 3] {
        self.triangles[triangle].map(|corner| self.vertices[corner as usize])
    }

    /// Adds a closed box.
    pub fn add_box(&mut self, solid: Solid) {
        let first = self.next_vertex();
        let turn = Quat::from_rotation_y(solid.yaw_rad);
        for corner in 0..8 {
            let side = |bit: u32| if corner & bit == 0 { -1.0 } else { 1.0 };
            let local = Vec3::new(side(1), side(2), side(4)) * solid.half;
            self.vertices.push(solid.center + turn * local);
        }
        self.triangles.extend(BOX_TRIANGLES.map(|corners| corners.map(|corner| first + corner)));
        self.solids.push(solid);
    }

    /// A number that changes with anything a navmesh depends on: the geometry, the settings, the version of the baker.
    #[must_use]
    pub fn geometry_hash(&self, settings: &NavSettings) -> u64 {
        let mut hash = Xxh3::new();
        hash.update(&VERSION.to_le_bytes());
        hash_settings(settings, &mut hash);
        hash.update(&(self.vertices.len() as u64).to_le_bytes());
        for &vertex in &self.vertices {
            hash_point(vertex, &mut hash);
        }
        hash.update(&(self.triangles.len() as u64).to_le_bytes());
        for corner in self.triangles.iter().flatten() {
            hash.update(&corner.to_le_bytes());
        }
        for boxes in [&self.solids, &self.doors] {
            hash.update(&(boxes.len() as u64).to_le_bytes());
            for solid in boxes {
                hash_point(solid.center, &mut hash);
                hash_point(solid.half, &mut hash);
                hash.update(&solid.yaw_rad.to_bits().to_le_bytes());
            }
        }
        hash.digest()
    }

    fn add(&mut self, part: &GeometryDef) {
        match part {
            GeometryDef::Box { center, size, yaw_deg } => self.add_box(solid(*center, *size, *yaw_deg)),
            GeometryDef::Boxes { size, yaw_deg, at } => {
                for &center in at {
                    self.add_box(solid(center, *size, *yaw_deg));
                }
            }
            GeometryDef::Trimesh { vertices, triangles } => {
                let first = self.next_vertex();
                self.vertices.extend(vertices.iter().map(|&vertex| Vec3::from(vertex)));
                self.triangles.extend(triangles.iter().map(|&(a, b, c)| [first + a, first + b, first + c]));
            }
            GeometryDef::Heightfield { min, cell_m, columns, rows, heights } => {
                self.add_heightfield(Vec2::from(*min), *cell_m, (*columns, *rows), heights.samples_m());
            }
        }
    }

    /// Cells are split from (x0, z1) to (x1, z0), as in `terrain`.
    #[allow(clippy::cast_precision_loss, reason = "a heightfield has far fewer than 2^24 cells a side")]
    fn add_heightfield(&mut self, min: Vec2, cell_m: f32, (columns, rows): (u32, u32), samples_m: &[f32]) {
        let first = self.next_vertex();
        let places = (0..=rows).flat_map(|row| (0..=columns).map(move |column| (column, row)));
        for ((column, row), &height_m) in places.zip(samples_m) {
            let place = min + Vec2::new(column as f32, row as f32) * cell_m;
            self.vertices.push(Vec3::new(place.x, height_m, place.y));
        }
        for row in 0..rows {
            for column in 0..columns {
                let near = first + row * (columns + 1) + column;
                let far = near + columns + 1;
                self.triangles.extend([[near, far, near + 1], [far + 1, near + 1, far]]);
            }
        }
    }

    #[allow(clippy::cast_possible_truncation, reason = "the loader limits a scene to far fewer corners")]
    fn next_vertex(&self) -> u32 {
        self.vertices.len() as u32
    }
}

fn solid(center: (f32, f32, f32), size: (f32, f32, f32), yaw_deg: f32) -> Solid {
    Solid { center: Vec3::from(center), half: Vec3::from(size) / 2.0, yaw_rad: yaw_deg.to_radians() }
}

fn hash_settings(settings: &NavSettings, hash: &mut Xxh3) {
    let NavSettings { radius_m, height_m, climb_m, slope_deg, cell_m, cell_height_m, tile_cells } = *settings;
    for value in [radius_m, height_m, climb_m, slope_deg, cell_m, cell_height_m] {
        hash.update(&value.to_bits().to_le_bytes());
    }
    hash.update(&tile_cells.to_le_bytes());
}

fn hash_point(point: Vec3, hash: &mut Xxh3) {
    for value in point.to_array() {
        hash.update(&value.to_bits().to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::terrain::Terrain;

    fn normal(soup: &TriangleSoup, triangle: usize) -> Vec3 {
        let [a, b, c] = soup.corners(triangle);
        (b - a).cross(c - a)
    }

    #[test]
    fn every_side_of_a_box_faces_outwards() {
        let mut soup = TriangleSoup::default();
        let solid = Solid { center: Vec3::new(3.0, 1.0, -2.0), half: Vec3::new(1.0, 2.0, 0.5), yaw_rad: 0.7 };
        soup.add_box(solid);
        for triangle in 0..12 {
            let middle = soup.corners(triangle).iter().sum::<Vec3>() / 3.0;
            assert!(normal(&soup, triangle).dot(middle - solid.center) > 0.1, "triangle {triangle}");
        }
        let (min, max) = solid.bounds();
        assert!(soup.vertices.iter().all(|&at| at.cmpge(min - 1e-5).all() && at.cmple(max + 1e-5).all()));
        assert!(solid.contains(solid.center) && !solid.contains(soup.vertices[0] * 1.01));
    }

    #[test]
    fn a_heightfields_triangles_lie_on_the_terrain() {
        let samples_m: Vec<f32> = [0.0, 1.0, 0.3, 2.0, -1.0, 0.5, 0.2, 0.9, 4.0].to_vec();
        let mut soup = TriangleSoup::default();
        soup.add_heightfield(Vec2::new(-3.0, 1.0), 2.0, (2, 2), &samples_m);
        let terrain = Terrain::new(Vec2::new(-3.0, 1.0), 2.0, 2, 2, samples_m).unwrap();
        assert_eq!(soup.triangles.len(), 8);
        for triangle in 0..8 {
            let middle = soup.corners(triangle).iter().sum::<Vec3>() / 3.0;
            let (height_m, up) = terrain.sample(middle.x, middle.z).unwrap();
            assert!((height_m - middle.y).abs() < 1e-5);
            assert!((normal(&soup, triangle).normalize() - up).length() < 1e-5);
        }
    }

    #[test]
    fn the_hash_changes_with_geometry_doors_and_settings() {
        let settings = NavSettings::default();
        let solid = Solid { center: Vec3::ZERO, half: Vec3::ONE, yaw_rad: 0.0 };
        let mut soup = TriangleSoup::default();
        soup.add_box(solid);
        let hash = soup.geometry_hash(&settings);
        assert_eq!(hash, soup.clone().geometry_hash(&settings));
        assert_ne!(hash, soup.geometry_hash(&NavSettings { radius_m: 0.6, ..settings }));
        let mut door = soup.clone();
        door.doors.push(solid);
        let mut moved = soup.clone();
        moved.vertices[3].y += 1e-3;
        assert!([door, moved].iter().all(|other| other.geometry_hash(&settings) != hash));
    }
}
