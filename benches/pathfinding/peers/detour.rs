//! C++ Detour on the very same polygons: every tile of ours becomes a Detour tile, polygons of more than six
//! corners split, heights and places rounded to 4 mm. Before it counts as a peer, its links must join the
//! same polygons into the same components as ours.

use std::collections::{BTreeMap, HashMap};

use glam::{Vec2, Vec3};
use recastnavigation_rs::detour::{
    DT_NULL_LINK, DT_VERTS_PER_POLYGON, DtBuf, DtNavMesh, DtNavMeshCreateParams, DtNavMeshParams, DtNavMeshQuery,
    DtPolyRef, DtQueryFilter, DtTileRef, dt_create_nav_mesh_data,
};
use sim::space::navmesh::{NavArchive, NavSettings, Navmesh, TileMesh};

use crate::finder::{EXTENTS, Finder};

/// Steps per cell in which corners are rounded: Detour stores them in 16 bits, of a tile and of its height.
const STEPS_PER_CELL: f32 = 64.0;
/// Bits of a polygon reference for tile and polygon together; the other ten are Detour's salt.
const REFERENCE_BITS: u32 = 22;
/// Smallest part of a split polygon in square steps; anything above 0 is no degenerate polygon.
const AREA_MIN: i64 = 1;
/// Sizes of the pool of nodes to choose from; the last is all that Detour can have.
const POOLS: [usize; 6] = [2_048, 4_096, 8_192, 16_384, 32_768, 65_535];
/// Polygons and corners a path may have.
const PATH_MAX: usize = 4_096;
/// Marks unused corners of a polygon, and sides of the tile among its neighbours.
const NONE: u16 = 0xffff;
const PORTAL: u16 = 0x8000;

/// Detour's mesh and query.
pub(crate) struct Detour {
    query: DtNavMeshQuery,
    mesh: DtNavMesh,
    nodes_max: usize,
    filter: DtQueryFilter,
    ends: Vec<[Spot; 2]>,
    corridor: Vec<DtPolyRef>,
    corners: Vec<[f32; 3]>,
    corner_count: usize,
}

type Spot = (DtPolyRef, [f32; 3]);

impl Detour {
    /// Builds all tiles of an archive and checks its links.
    ///
    /// # Panics
    /// When it cannot be built, or its links join other polygons than ours.
    pub(crate) fn build(archive: &NavArchive, ours: &Navmesh) -> Self {
        let detour = Self::try_build(archive).unwrap_or_else(|error| panic!("no Detour mesh: {error}"));
        detour.examine(ours);
        detour
    }

    fn try_build(archive: &NavArchive) -> Result<Self, String> {
        let tile_m = archive.settings.tile_m();
        let tile_bits = archive.tiles.len().next_power_of_two().ilog2();
        let params = DtNavMeshParams {
            orig: [0.0; 3],
            tile_width: tile_m,
            tile_height: tile_m,
            max_tiles: 1 << tile_bits,
            max_polys: 1 << REFERENCE_BITS.saturating_sub(tile_bits),
        };
        let mut mesh = DtNavMesh::with_params(&params).map_err(|error| error.to_string())?;
        for tile in &archive.tiles {
            let data = TileInput::of(tile, &archive.settings).and_then(|input| input.data(&archive.settings));
            let added =
                data.and_then(|data| mesh.add_tile(data, DtTileRef::default()).map_err(|error| error.to_string()));
            added.map_err(|error| format!("tile ({}, {}): {error}", tile.x, tile.z))?;
        }
        let query = DtNavMeshQuery::with_mesh(&mesh, POOLS[0]).map_err(|error| error.to_string())?;
        Ok(Self {
            query,
            mesh,
            nodes_max: POOLS[0],
            filter: DtQueryFilter::default(),
            ends: Vec::new(),
            corridor: vec![DtPolyRef::default(); PATH_MAX],
            corners: vec![[0.0; 3]; PATH_MAX],
            corner_count: 0,
        })
    }

    /// Follows all of Detour's links and compares the islands they make with our components.
    fn examine(&self, ours: &Navmesh) {
        let mut first = Vec::new();
        let (mut polygons, mut links) = (0_u32, 0);
        let tiles: Vec<_> = (0..self.mesh.max_tiles()).map(|at| self.mesh.get_tile(at)).collect();
        for tile in &tiles {
            first.push(polygons);
            let header = tile.and_then(|tile| tile.header());
            polygons += header.map_or(0, |header| header.poly_count.unsigned_abs());
        }
        let mut islands = Islands((0..polygons).collect());
        let mut centres = vec![Vec3::ZERO; polygons as usize];
        for (tile, &base) in tiles.iter().zip(&first).filter_map(|(tile, base)| Some(((*tile)?, base))) {
            if tile.header().is_none() {
                continue;
            }
            for (polygon, number) in tile.polys().iter().zip(base..) {
                let corners = &polygon.verts[..usize::from(polygon.vert_count)];
                let sum: Vec3 = corners.iter().map(|&corner| Vec3::from(tile.verts()[usize::from(corner)])).sum();
                centres[number as usize] = sum / f32::from(polygon.vert_count);
                let mut at = polygon.first_link;
                while at != DT_NULL_LINK {
                    let link = &tile.links()[at as usize];
                    let (tile, polygon) =
                        (self.mesh.decode_poly_id_tile(link.re), self.mesh.decode_poly_id_poly(link.re));
                    islands.join(number, first[tile as usize] + polygon);
                    links += 1;
                    at = link.next;
                }
            }
        }
        let theirs: Vec<u32> = (0..polygons).map(|number| islands.root(number)).collect();
        let disagreements = disagreements(ours, &centres, &theirs);
        println!(
            "Detour: {polygons} polygons, {links} links, {disagreements} polygons elsewhere than in our component"
        );
        assert!(disagreements * 1_000 <= centres.len(), "Detour searches another mesh than ours");
    }

    fn spot(&self, at: Vec3) -> Option<Spot> {
        let found = self.query.find_nearest_poly_1(&at.to_array(), &EXTENTS.to_array(), &self.filter).ok();
        found.filter(|(polygon, _)| !polygon.is_null())
    }
}

impl Finder for Detour {
    fn name(&self) -> String {
        format!("C++ Detour ({} nodes)", self.nodes_max)
    }

    /// Takes the smallest pool of nodes with which every path is complete: a larger one only costs time.
    fn prepare(&mut self, pairs: &[[Vec3; 2]]) {
        let spots = pairs.iter().map(|pair| pair.map(|at| self.spot(at).expect("Detour has all our polygons")));
        self.ends = spots.collect();
        for nodes_max in POOLS {
            self.query.init(&self.mesh, nodes_max).expect("it has room for its nodes");
            self.nodes_max = nodes_max;
            if (0..pairs.len()).all(|index| self.path(index)) {
                break;
            }
        }
    }

    fn path(&mut self, index: usize) -> bool {
        let [(from, start), (to, end)] = self.ends[index];
        let found = self.query.find_path(from, to, &start, &end, &self.filter, &mut self.corridor).unwrap_or(0);
        let corridor = &self.corridor[..found];
        let Some(last) = corridor.last() else { return false };
        let corners = self.query.find_straight_path(&start, &end, corridor, &mut self.corners, None, None, 0);
        self.corner_count = corners.unwrap_or(0);
        *last == to
    }

    fn length_m(&self) -> f32 {
        length_m(self.corners[..self.corner_count].iter().map(|corner| Vec2::new(corner[0], corner[2])))
    }

    fn ray(&mut self, index: usize) -> Option<f32> {
        let [(polygon, start), (_, end)] = self.ends[index];
        let hit = self.query.raycast_1(polygon, &start, &end, &self.filter, None);
        hit.ok().map(|(fraction, ..)| fraction.min(1.0))
    }

    fn nearest(&mut self, at: Vec3) -> Option<Option<Vec3>> {
        Some(self.spot(at).map(|(_, position)| Vec3::from(position)))
    }
}

/// Polygons that are not where most of their island is: by Detour's islands and by our components.
fn disagreements(ours: &Navmesh, centres: &[Vec3], theirs: &[u32]) -> usize {
    let mut pairs: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    let (mut by_ours, mut by_theirs): (BTreeMap<u32, usize>, BTreeMap<u32, usize>) = Default::default();
    for (centre, &their) in centres.iter().zip(theirs) {
        let Some(point) = ours.nearest(*centre, Vec3::splat(0.5)) else { continue };
        *pairs.entry((ours.component(point.polygon), their)).or_default() += 1;
    }
    for (&(our, their), &count) in &pairs {
        let (mine, other) = (by_ours.entry(our).or_default(), by_theirs.entry(their).or_default());
        (*mine, *other) = ((*mine).max(count), (*other).max(count));
    }
    let agreed = pairs.iter().filter(|&(&(our, their), &count)| by_ours[&our] == count && by_theirs[&their] == count);
    centres.len() - agreed.map(|(_, count)| count).sum::<usize>()
}

/// Length of a line along its corners, in metres.
fn length_m(corners: impl Iterator<Item = Vec2>) -> f32 {
    let mut last = None;
    corners.map(|corner| last.replace(corner).map_or(0.0, |before: Vec2| before.distance(corner))).sum()
}

/// Disjoint sets of polygons.
struct Islands(Vec<u32>);

impl Islands {
    fn root(&mut self, mut at: u32) -> u32 {
        while self.0[at as usize] != at {
            self.0[at as usize] = self.0[self.0[at as usize] as usize];
            at = self.0[at as usize];
        }
        at
    }

    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b) as usize] = a.min(b);
    }
}

/// One tile in Detour's form.
struct TileInput {
    tile: (i32, i32),
    bmin: [f32; 3],
    bmax: [f32; 3],
    corners: Vec<[u16; 3]>,
    polygons: Vec<Vec<u16>>,
    /// By polygon and edge: a neighbour's index, or [`PORTAL`] with the side of the tile, or `PORTAL | 0xf` for a wall.
    neighbours: Vec<Vec<u16>>,
}

impl TileInput {
    fn of(tile: &TileMesh, settings: &NavSettings) -> Result<Self, String> {
        let (tile_m, step_m) = (settings.tile_m(), settings.cell_m / STEPS_PER_CELL);
        let heights = || tile.vertices.iter().map(|vertex| vertex[1]);
        let (low, high) = (heights().fold(f32::MAX, f32::min), heights().fold(f32::MIN, f32::max));
        let bmin = [tile.x as f32 * tile_m, low, tile.z as f32 * tile_m];
        let bmax = [bmin[0] + tile_m, high + settings.height_m, bmin[2] + tile_m];
        let (mut corners, mut numbers) = (Vec::new(), HashMap::new());
        let welded_steps = (settings.climb_m / step_m) as u16;
        let mut numbered = |vertex: &[f32; 3]| {
            let steps = [0, 1, 2].map(|axis| ((vertex[axis] - bmin[axis]) / step_m).round() as u16);
            let here: &mut Vec<u16> = numbers.entry((steps[0], steps[2])).or_default();
            let known = here.iter().copied().find(|&corner: &u16| {
                let other: [u16; 3] = corners[usize::from(corner)];
                other[1].abs_diff(steps[1]) <= welded_steps
            });
            known.unwrap_or_else(|| {
                corners.push(steps);
                here.push((corners.len() - 1) as u16);
                (corners.len() - 1) as u16
            })
        };
        let vertices: Vec<u16> = tile.vertices.iter().map(&mut numbered).collect();
        let mut sides = HashMap::new();
        let mut polygons = Vec::new();
        for (number, polygon) in (0_u32..).zip(&tile.polygons) {
            let first = polygon.first_index as usize;
            let indices = &tile.indices[first..first + usize::from(polygon.corner_count)];
            let mut outline = Vec::new();
            for edge in 0..indices.len() {
                let ends = [edge, (edge + 1) % indices.len()].map(|at| vertices[indices[at] as usize]);
                let border = tile.borders.iter().find(|one| (one.polygon, usize::from(one.edge)) == (number, edge));
                let mut parts = vec![ends[0]];
                parts.extend(touching(ends, &corners, welded_steps));
                outline.extend_from_slice(&parts);
                parts.push(ends[1]);
                let along = parts.windows(2).filter_map(|part| Some(((part[0], part[1]), u16::from(border?.side))));
                sides.extend(along);
            }
            outline.dedup();
            polygons.extend(split(&outline, &corners).ok_or_else(|| format!("polygon {number} cannot be split"))?);
        }
        let neighbours = neighbours(&polygons, &sides);
        Ok(Self { tile: (tile.x, tile.z), bmin, bmax, corners, polygons, neighbours })
    }

    fn data(&self, settings: &NavSettings) -> Result<DtBuf, String> {
        let step_m = settings.cell_m / STEPS_PER_CELL;
        let (mut polys, mut details, mut detail_corners, mut detail_triangles) = (vec![], vec![], vec![], vec![]);
        let padded = |values: &[u16]| {
            let mut padded = [NONE; DT_VERTS_PER_POLYGON];
            padded[..values.len()].copy_from_slice(values);
            padded
        };
        for (outline, neighbours) in self.polygons.iter().zip(&self.neighbours) {
            polys.extend(padded(outline));
            polys.extend(padded(neighbours));
            let triangles = outline.len() - 2;
            details.push([detail_corners.len(), outline.len(), detail_triangles.len(), triangles].map(|n| n as u32));
            let place = |&corner: &u16| {
                let steps = self.corners[usize::from(corner)];
                [0, 1, 2].map(|axis| self.bmin[axis] + f32::from(steps[axis]) * step_m)
            };
            detail_corners.extend(outline.iter().map(place));
            detail_triangles.extend((1..=triangles).map(|at| {
                // Two bits for each edge that is one of the polygon's own.
                let own = 0b00_01_00 | u8::from(at == 1) | u8::from(at == triangles) << 4;
                [0, at as u8, at as u8 + 1, own]
            }));
        }
        let mut params = DtNavMeshCreateParams {
            verts: Some(&self.corners),
            polys: Some(&polys),
            poly_flags: Some(&vec![1; self.polygons.len()]),
            poly_areas: Some(&vec![0; self.polygons.len()]),
            nvp: DT_VERTS_PER_POLYGON,
            detail_meshes: Some(&details),
            detail_verts: Some(&detail_corners),
            detail_tris: Some(&detail_triangles),
            tile_x: self.tile.0,
            tile_y: self.tile.1,
            bmin: self.bmin,
            bmax: self.bmax,
            walkable_height: settings.height_m,
            walkable_radius: settings.radius_m,
            walkable_climb: settings.climb_m,
            cs: step_m,
            ch: step_m,
            build_bv_tree: true,
            ..DtNavMeshCreateParams::default()
        };
        dt_create_nav_mesh_data(&mut params).map_err(|error| error.to_string())
    }
}

/// Corners of other polygons on an edge, in its order: Detour knows whole edges only, ours may share parts of them.
fn touching(ends: [u16; 2], corners: &[[u16; 3]], height_steps: u16) -> Vec<u16> {
    let at = |corner: u16| corners[usize::from(corner)].map(i64::from);
    let ([x, y, z], [to_x, to_y, to_z]) = (at(ends[0]), at(ends[1]));
    let (way_x, way_z) = (to_x - x, to_z - z);
    let length2 = way_x * way_x + way_z * way_z;
    let heights = y.min(to_y) - i64::from(height_steps)..=y.max(to_y) + i64::from(height_steps);
    let mut found: Vec<(i64, u16)> = (0..corners.len() as u16)
        .filter_map(|corner| {
            let [corner_x, corner_y, corner_z] = at(corner);
            let (off_x, off_z) = (corner_x - x, corner_z - z);
            let along = off_x * way_x + off_z * way_z;
            let across = off_x * way_z - off_z * way_x;
            let is_on = (1..length2).contains(&along) && across * across <= length2 && heights.contains(&corner_y);
            (is_on && !ends.contains(&corner)).then_some((along, corner))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, corner)| corner).collect()
}

/// A convex polygon in parts of at most six corners, all cut from one corner such that none is degenerate.
fn split(outline: &[u16], corners: &[[u16; 3]]) -> Option<Vec<Vec<u16>>> {
    let from = |first: usize| {
        let mut turned = outline.to_vec();
        turned.rotate_left(first);
        let mut parts = Vec::new();
        while turned.len() > DT_VERTS_PER_POLYGON {
            parts.push(turned[..DT_VERTS_PER_POLYGON].to_vec());
            turned.drain(1..DT_VERTS_PER_POLYGON - 1);
        }
        parts.push(turned);
        parts
    };
    let is_good = |parts: &Vec<Vec<u16>>| parts.iter().all(|part| double_area(part, corners) >= AREA_MIN);
    (0..outline.len()).map(from).find(is_good)
}

/// Twice the area in x and z, in square steps, above 0 for polygons that face up.
fn double_area(outline: &[u16], corners: &[[u16; 3]]) -> i64 {
    let place = |at: usize| {
        let [x, _, z] = corners[usize::from(outline[at % outline.len()])];
        (i64::from(x), i64::from(z))
    };
    let cross = |at| {
        let ((x, z), (next_x, next_z)) = (place(at), place(at + 1));
        z * next_x - x * next_z
    };
    (0..outline.len()).map(cross).sum()
}

fn neighbours(polygons: &[Vec<u16>], sides: &HashMap<(u16, u16), u16>) -> Vec<Vec<u16>> {
    let edges = |outline: &Vec<u16>| {
        let ends = outline.iter().copied().zip(outline.iter().copied().cycle().skip(1));
        ends.collect::<Vec<(u16, u16)>>()
    };
    let mut owners = HashMap::new();
    for (outline, number) in polygons.iter().zip(0_u16..) {
        owners.extend(edges(outline).into_iter().map(|edge| (edge, number)));
    }
    let beyond = |(a, b): (u16, u16)| match (owners.get(&(b, a)), sides.get(&(a, b))) {
        (Some(&neighbour), _) => neighbour,
        (None, Some(side)) => PORTAL | side,
        (None, None) => PORTAL | 0xf,
    };
    polygons.iter().map(|outline| edges(outline).into_iter().map(beyond).collect()).collect()
}
