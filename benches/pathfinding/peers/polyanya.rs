//! The `polyanya` crate on our polygons, as one flat layer: the field has one storey. Corners that two tiles do
//! not share are added to the edges opposite them, as its meshes have no partial edges.

use std::collections::{BTreeMap, HashMap};

use ::polyanya::{Coords, Mesh, Polygon, Vertex};
use glam::{Vec2, Vec3, Vec3Swizzles};
use sim::space::navmesh::NavArchive;

use crate::finder::Finder;

/// Corners nearer than this are one, in metres.
const WELD_M: f32 = 0.001;

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
                let (before, after) = (outline[(at + outline.len() - 1) % outline.len()], outline[(at + 1) % outline.len()]);
                around[outline[at] as usize].push((number, before, after));
            }
        }
        let vertices = places.iter().zip(around).map(|(&place, polygons)| Vertex::new(place, ring(place, polygons, &places)));
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
    let mut places = Vec::new();
    let mut numbers = HashMap::new();
    let mut lines: BTreeMap<Line, BTreeMap<i64, u32>> = BTreeMap::new();
    let mut outlines: Vec<(Vec<u32>, Vec<Option<Line>>)> = Vec::new();
    for tile in &archive.tiles {
        let base = outlines.len();
        for polygon in &tile.polygons {
            let first = polygon.first_index as usize;
            let corners = &tile.indices[first..first + usize::from(polygon.corner_count)];
            let numbered = corners.iter().map(|&corner| {
                let [x, _, z] = tile.vertices[corner as usize];
                *numbers.entry(key(Vec2::new(x, z))).or_insert_with(|| {
                    places.push(Vec2::new(x, z));
                    places.len() as u32 - 1
                })
            });
            outlines.push((numbered.collect(), vec![None; corners.len()]));
        }
        for border in &tile.borders {
            let (outline, sides) = &mut outlines[base + border.polygon as usize];
            let edge = usize::from(border.edge);
            let along_z = border.side % 2 == 0;
            let ends = [outline[edge], outline[(edge + 1) % outline.len()]];
            let line = Line { along_z, at: place_on(along_z, places[ends[0] as usize]).0 };
            sides[edge] = Some(line);
            lines.entry(line).or_default().extend(ends.map(|end| (place_on(along_z, places[end as usize]).1, end)));
        }
    }
    let outlines = outlines.iter().map(|(outline, sides)| {
        let mut all = Vec::new();
        for (at, side) in sides.iter().enumerate() {
            let (from, to) = (outline[at], outline[(at + 1) % outline.len()]);
            all.push(from);
            let Some(line) = side else { continue };
            let along = |corner: u32| place_on(line.along_z, places[corner as usize]).1;
            let (low, high) = (along(from).min(along(to)), along(from).max(along(to)));
            let between = lines[line].range(low + 1..high).map(|(_, &corner)| corner);
            let start = all.len();
            all.extend(between);
            if along(from) > along(to) {
                all[start..].reverse();
            }
        }
        all.reverse();
        all
    });
    let outlines = outlines.collect();
    (places, outlines)
}

/// A line between two rows of tiles, by its direction and place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    along_z: bool,
    at: i64,
}

fn key(place: Vec2) -> (i64, i64) {
    let steps = (place / WELD_M).round();
    (steps.x as i64, steps.y as i64)
}

/// The place of a line through a corner, and the corner's place on it.
fn place_on(along_z: bool, corner: Vec2) -> (i64, i64) {
    let (x, z) = key(corner);
    if along_z { (x, z) } else { (z, x) }
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
