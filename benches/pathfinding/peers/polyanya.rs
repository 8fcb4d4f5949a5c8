//! The `polyanya` crate on our polygons, as one flat layer: the field has one storey. Corners on another
//! polygon's edge are added to that edge, as its meshes have no partial edges.

use std::collections::HashMap;

use ::polyanya::{Coords, Mesh, Polygon, Vertex};
use glam::{IVec2, Vec2, Vec3, Vec3Swizzles};
use sim::space::navmesh::NavArchive;

use crate::finder::Finder;

/// Corners nearer than this are one, in metres.
const WELD_M: f32 = 0.001;
/// Side of the squares in which corners are looked up, in metres.
const SQUARE_M: f32 = 8.0;

/// A polyanya mesh.
pub(crate) struct Layers {
    mesh: Mesh,
    ends: Vec<[Coords; 2]>,
    length_m: f32,
}

impl Layers {
    /// Welds all tiles of an archive into one layer.
    pub(crate) fn build(archive: &NavArchive) -> Self {
        let (places, outlines) = welded(archive);
        let mut around: Vec<Vec<(u32, u32, u32)>> = vec![Vec::new(); places.len()];
        for (outline, number) in outlines.iter().zip(0..) {
            for at in 0..outline.len() {
                let (before, after) =
                    (outline[(at + outline.len() - 1) % outline.len()], outline[(at + 1) % outline.len()]);
                around[outline[at] as usize].push((number, before, after));
            }
        }
        let vertices =
            places.iter().zip(around).map(|(&place, polygons)| Vertex::new(place, ring(place, polygons, &places)));
        let polygons = outlines.iter().map(|outline| Polygon::new(outline.clone(), false));
        let mesh = Mesh::new(vertices.collect(), polygons.collect()).expect("our polygons are a mesh");
        Self { mesh, ends: Vec::new(), length_m: 0.0 }
    }
}

impl Finder for Layers {
    fn name(&self) -> String {
        "polyanya".to_owned()
    }

    fn prepare(&mut self, pairs: &[[Vec3; 2]]) {
        let spot = |at: Vec3| self.mesh.get_closest_point(at.xz()).expect("it has all our polygons");
        self.ends = pairs.iter().map(|pair| pair.map(spot)).collect();
    }

    fn path(&mut self, index: usize) -> bool {
        let [from, to] = self.ends[index];
        let found = self.mesh.path(from, to);
        self.length_m = found.as_ref().map_or(0.0, |path| path.length);
        found.is_some()
    }

    fn length_m(&self) -> f32 {
        self.length_m
    }
}

/// Corners and outlines (anticlockwise in x and z) of all tiles.
fn welded(archive: &NavArchive) -> (Vec<Vec2>, Vec<Vec<u32>>) {
    let (mut places, mut outlines) = (Vec::new(), Vec::new());
    let (mut numbers, mut squares) = (HashMap::new(), Squares::new());
    for tile in &archive.tiles {
        for polygon in &tile.polygons {
            let first = polygon.first_index as usize;
            let corners = &tile.indices[first..first + usize::from(polygon.corner_count)];
            let numbered = corners.iter().map(|&corner| {
                let [x, _, z] = tile.vertices[corner as usize];
                let place = Vec2::new(x, z);
                *numbers.entry((place / WELD_M).round().as_i64vec2()).or_insert_with(|| {
                    let number = places.len() as u32;
                    places.push(place);
                    squares.entry((place / SQUARE_M).floor().as_ivec2()).or_default().push(number);
                    number
                })
            });
            outlines.push(numbered.collect::<Vec<u32>>());
        }
    }
    let whole = outlines.iter().map(|outline| {
        let mut all = Vec::new();
        for (at, &from) in outline.iter().enumerate() {
            all.push(from);
            all.extend(touching(from, outline[(at + 1) % outline.len()], &places, &squares));
        }
        all.dedup();
        all.reverse();
        all
    });
    let whole = whole.collect();
    (places, whole)
}

/// Corners by squares of [`SQUARE_M`].
type Squares = HashMap<IVec2, Vec<u32>>;

/// Corners of other polygons on an edge, in its order.
fn touching(from: u32, to: u32, places: &[Vec2], squares: &Squares) -> Vec<u32> {
    let (start, end) = (places[from as usize], places[to as usize]);
    let (length_m, way) = (start.distance(end), (end - start).normalize_or_zero());
    let square = |place: Vec2| (place / SQUARE_M).floor().as_ivec2();
    let (low, high) = (square(start.min(end) - WELD_M), square(start.max(end) + WELD_M));
    let near = (low.x..=high.x).flat_map(|x| (low.y..=high.y).map(move |z| IVec2::new(x, z)));
    let mut found: Vec<(f32, u32)> = near
        .filter_map(|square| squares.get(&square))
        .flatten()
        .filter_map(|&corner| {
            let off = places[corner as usize] - start;
            let is_on = way.perp_dot(off).abs() < WELD_M && (WELD_M..length_m - WELD_M).contains(&way.dot(off));
            is_on.then_some((way.dot(off), corner))
        })
        .collect();
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    found.into_iter().map(|(_, corner)| corner).collect()
}

/// Polygons around a corner, anticlockwise, with a mark for every gap. Each comes with the corners before and after.
fn ring(place: Vec2, mut polygons: Vec<(u32, u32, u32)>, places: &[Vec2]) -> Vec<u32> {
    let angle = |corner: u32| (places[corner as usize] - place).to_angle();
    polygons.sort_by(|a, b| angle(a.2).total_cmp(&angle(b.2)));
    let mut ring = Vec::new();
    for (at, &(polygon, before, _)) in polygons.iter().enumerate() {
        ring.push(polygon);
        if polygons[(at + 1) % polygons.len()].2 != before {
            ring.push(u32::MAX);
        }
    }
    ring
}
