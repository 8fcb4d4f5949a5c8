//! From an archive to a mesh: everything is checked here, so that no query has to.
//! Arrays are flat and in order of tiles and their polygons; the same archive gives the same mesh.

use std::ops::Range;

use glam::{Vec2, Vec3};

use super::archive::{NavArchive, NavSettings, TileMesh, TilePolygon};
use super::link::{self, EdgePiece};
use super::plane::{self, flat, turn};
use super::tree::Tree;
use super::{BorderGap, PolygonId, corner};

/// Coordinates beyond this are refused, in metres: `f32` no longer tells two centimetres apart there.
const COORDINATE_M_MAX: f32 = 100_000.0;
/// How far a corner may stand back behind the line of its neighbours, in metres: rounding at a kilometre, doubled.
const DENT_M_MAX: f32 = 0.002;

/// Why an archive cannot be a mesh.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NavmeshError {
    /// A setting is no number or out of its range.
    #[error("the navmesh's settings make no sense: {what}")]
    Settings {
        /// Which.
        what: &'static str,
    },
    /// A tile is out of order, or appears twice.
    #[error("tile ({x}, {z}) of the navmesh is not in order")]
    Order {
        /// Tile coordinate along x.
        x: i32,
        /// Tile coordinate along z.
        z: i32,
    },
    /// A polygon is none.
    #[error("polygon {polygon} of tile ({x}, {z}) of the navmesh is broken: {what}")]
    Polygon {
        /// Tile coordinate along x.
        x: i32,
        /// Tile coordinate along z.
        z: i32,
        /// Place in the tile's list.
        polygon: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A border edge is none.
    #[error("border edge {border} of tile ({x}, {z}) of the navmesh is broken: {what}")]
    Border {
        /// Tile coordinate along x.
        x: i32,
        /// Tile coordinate along z.
        z: i32,
        /// Place in the tile's list.
        border: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// There are more polygons or corners than ids.
    #[error("the navmesh has too many polygons")]
    TooLarge,
}

/// A polygon's places in the flat arrays; the next polygon's are their ends.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Polygon {
    pub(super) first_corner: u32,
    pub(super) first_link: u32,
    pub(super) first_wall: u32,
    pub(super) area: u16,
}

/// A way out of a polygon: the portal's ends as one sees them when leaving.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub(super) right: Vec2,
    pub(super) left: Vec2,
    /// The polygon behind it.
    pub(super) target: u32,
    /// The same portal seen from behind.
    pub(super) back: u32,
    /// Turning points at its ends, or [`corner::NONE`].
    pub(super) right_corner: u32,
    pub(super) left_corner: u32,
}

/// A part of a polygon's border that nobody passes, the polygon on its left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wall {
    pub(super) from: Vec2,
    pub(super) to: Vec2,
}

/// What doors do not change.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) settings: NavSettings,
    pub(super) tile_count: u32,
    /// One more than there are.
    pub(super) polygons: Vec<Polygon>,
    pub(super) corners: Vec<Vec3>,
    /// Of a polygon: counter-clockwise.
    pub(super) links: Vec<Link>,
    /// Of every link: true when the polygon behind it has no other.
    pub(super) dead_ends: Vec<bool>,
    pub(super) walls: Vec<Wall>,
    pub(super) turning_points: u32,
    pub(super) gaps: Vec<BorderGap>,
    pub(super) tree: Tree,
    pub(super) bounds: (Vec3, Vec3),
    /// Area of every polygon in x and z.
    pub(super) areas_m2: Vec<f32>,
}

impl Core {
    pub(super) fn of(archive: &NavArchive) -> Result<Self, NavmeshError> {
        check_settings(&archive.settings)?;
        check_order(&archive.tiles)?;
        let (polygons, corners) = gather(archive)?;
        let mut core = Self {
            settings: archive.settings,
            tile_count: u32::try_from(archive.tiles.len()).map_err(|_| NavmeshError::TooLarge)?,
            polygons,
            corners,
            links: Vec::new(),
            dead_ends: Vec::new(),
            walls: Vec::new(),
            turning_points: 0,
            gaps: Vec::new(),
            tree: Tree::default(),
            bounds: (Vec3::ZERO, Vec3::ZERO),
            areas_m2: Vec::new(),
        };
        let (pieces, gaps) = link::pair_edges(&core, archive)?;
        core.gaps = gaps;
        core.lay_out(&pieces)?;
        core.dead_ends = core.links.iter().map(|link| core.links_of(link.target).len() < 2).collect();
        core.turning_points = corner::find(&core.polygons, &core.corners, &mut core.links);
        core.tree = Tree::of(core.polygon_count(), |polygon| plane::bounds(core.corners(polygon)));
        core.bounds = core.tree.bounds();
        core.areas_m2 = (0..core.polygon_count()).map(|polygon| plane::area_m2(core.corners(polygon))).collect();
        Ok(core)
    }

    pub(super) fn polygon_count(&self) -> u32 {
        id(self.polygons.len() - 1)
    }

    pub(super) fn corners(&self, polygon: u32) -> &[Vec3] {
        self.span(polygon, |polygon| polygon.first_corner).and_then(|span| self.corners.get(span)).unwrap_or(&[])
    }

    pub(super) fn links_of(&self, polygon: u32) -> &[Link] {
        self.span(polygon, |polygon| polygon.first_link).and_then(|span| self.links.get(span)).unwrap_or(&[])
    }

    pub(super) fn walls_of(&self, polygon: u32) -> &[Wall] {
        self.span(polygon, |polygon| polygon.first_wall).and_then(|span| self.walls.get(span)).unwrap_or(&[])
    }

    fn span(&self, polygon: u32, first: impl Fn(&Polygon) -> u32) -> Option<Range<usize>> {
        let pair = self.polygons.get(polygon as usize..)?.get(..2)?;
        Some(first(&pair[0]) as usize..first(&pair[1]) as usize)
    }

    /// Turns pieces of edges, sorted by polygon and around it, into links and the walls between them.
    fn lay_out(&mut self, pieces: &[EdgePiece]) -> Result<(), NavmeshError> {
        let mut places = vec![0_u32; pieces.len()];
        let mut order: Vec<u32> = (0..id(pieces.len())).collect();
        order.sort_by(|&a, &b| pieces[a as usize].order(&pieces[b as usize]).then(a.cmp(&b)));
        for (place, &piece) in order.iter().enumerate() {
            places[piece as usize] = id(place);
        }
        let mut next = 0;
        for polygon in 0..self.polygon_count() {
            let first = next;
            while order.get(next).is_some_and(|&piece| pieces[piece as usize].polygon == polygon) {
                let piece = &pieces[order[next] as usize];
                let twin = &pieces[piece.twin as usize];
                let (right, left) = (piece.from, piece.to);
                let (target, back) = (twin.polygon, places[piece.twin as usize]);
                self.links.push(Link {
                    right,
                    left,
                    target,
                    back,
                    right_corner: corner::NONE,
                    left_corner: corner::NONE,
                });
                next += 1;
            }
            let of_polygon = order[first..next].iter().map(|&piece| &pieces[piece as usize]);
            let walls = walls_between(self.corners(polygon), of_polygon);
            self.walls.extend(walls);
            let end = &mut self.polygons[polygon as usize + 1];
            (end.first_link, end.first_wall) = (id(self.links.len()), id(self.walls.len()));
        }
        if self.links.len().max(self.walls.len()) < u32::MAX as usize { Ok(()) } else { Err(NavmeshError::TooLarge) }
    }
}

/// An index as an id; everything is checked to be fewer than ids when it is gathered.
pub(super) fn id(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn walls_between<'a>(corners: &[Vec3], pieces: impl Iterator<Item = &'a EdgePiece>) -> Vec<Wall> {
    let mut pieces = pieces.peekable();
    let mut walls = Vec::new();
    for (edge, (a, b)) in plane::edges(corners).enumerate() {
        let (a, b) = (flat(a), flat(b));
        let (mut at, mut reach_m) = (a, 0.0);
        while let Some(piece) = pieces.next_if(|piece| piece.edge as usize == edge) {
            if piece.along_m > reach_m + link::TOUCH_M {
                walls.push(Wall { from: at, to: piece.from });
            }
            let end_m = a.distance(piece.to);
            if end_m > reach_m {
                (at, reach_m) = (piece.to, end_m);
            }
        }
        if a.distance(b) > reach_m + link::TOUCH_M {
            walls.push(Wall { from: at, to: b });
        }
    }
    walls
}

fn check_settings(settings: &NavSettings) -> Result<(), NavmeshError> {
    let broken = |what| Err(NavmeshError::Settings { what });
    let least_zero = [settings.radius_m, settings.climb_m, settings.slope_deg];
    let positive = [settings.height_m, settings.cell_m, settings.cell_height_m];
    if !least_zero.iter().all(|&value| (0.0..COORDINATE_M_MAX).contains(&value)) {
        return broken("radius, climb and slope are numbers from 0");
    }
    if !positive.iter().all(|&value| value > 0.0 && value < COORDINATE_M_MAX) {
        return broken("height and cells are numbers above 0");
    }
    if !(settings.tile_cells > 0 && settings.tile_m() < COORDINATE_M_MAX) {
        return broken("a tile has from 1 cell to 100 km a side");
    }
    Ok(())
}

fn check_order(tiles: &[TileMesh]) -> Result<(), NavmeshError> {
    match tiles.windows(2).find(|pair| (pair[0].z, pair[0].x) >= (pair[1].z, pair[1].x)) {
        Some(pair) => Err(NavmeshError::Order { x: pair[1].x, z: pair[1].z }),
        None => Ok(()),
    }
}

fn gather(archive: &NavArchive) -> Result<(Vec<Polygon>, Vec<Vec3>), NavmeshError> {
    let (mut polygons, mut corners) = (vec![Polygon::default()], Vec::new());
    for tile in &archive.tiles {
        for (index, polygon) in tile.polygons.iter().enumerate() {
            let broken = |what| NavmeshError::Polygon { x: tile.x, z: tile.z, polygon: index, what };
            if polygon.area > archive.door_count {
                return Err(broken("there is no such door"));
            }
            let first = corners.len();
            corners.extend(corners_of(tile, polygon).ok_or_else(|| broken("a corner does not exist"))?);
            check_shape(&corners[first..]).map_err(broken)?;
            if let Some(own) = polygons.last_mut() {
                own.area = polygon.area;
            }
            let first_corner = u32::try_from(corners.len()).map_err(|_| NavmeshError::TooLarge)?;
            polygons.push(Polygon { first_corner, ..Polygon::default() });
        }
    }
    Ok((polygons, corners))
}

fn corners_of(tile: &TileMesh, polygon: &TilePolygon) -> Option<Vec<Vec3>> {
    let indices = tile.indices.get(polygon.first_index as usize..)?.get(..usize::from(polygon.corner_count))?;
    indices.iter().map(|&index| tile.vertices.get(index as usize).map(|&vertex| Vec3::from(vertex))).collect()
}

fn check_shape(corners: &[Vec3]) -> Result<(), &'static str> {
    if corners.len() < 3 {
        return Err("it has fewer than three corners");
    }
    // A comparison with NaN is false, so this refuses what is no number too.
    if !corners.iter().all(|corner| corner.abs().max_element() <= COORDINATE_M_MAX && corner.is_finite()) {
        return Err("a corner is too far out or no number");
    }
    for (a, b) in plane::edges(corners) {
        let edge = flat(b) - flat(a);
        let length_m = edge.length();
        if length_m <= 0.0 {
            return Err("two neighbouring corners are in one place");
        }
        if corners.iter().any(|&corner| turn(edge, flat(corner) - flat(a)) < -DENT_M_MAX * length_m) {
            return Err("it is not convex, or turns the wrong way");
        }
    }
    if plane::area_m2(corners) > 0.0 { Ok(()) } else { Err("it has no area") }
}

/// The id of a tile's first polygon and so on, tile by tile, with one more at the end.
pub(super) fn first_polygons(tiles: &[TileMesh]) -> Vec<u32> {
    let mut firsts = vec![0];
    let mut next = 0;
    for tile in tiles {
        next += tile.polygons.len();
        firsts.push(id(next));
    }
    firsts
}

/// Where an edge without a link is, for diagnostics.
pub(super) fn gap(polygon: u32, from: Vec3, to: Vec3) -> BorderGap {
    BorderGap { polygon: PolygonId(polygon), from, to }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::navmesh::Navmesh;
    use crate::testing::{GroundRectangle, archive_of_rectangles};

    fn square() -> NavArchive {
        let square = GroundRectangle::level(Vec2::ZERO, Vec2::splat(8.0), 0.0);
        archive_of_rectangles(&[square], NavSettings::default(), 1)
    }

    #[test]
    fn what_can_be_no_mesh_is_refused_and_says_where() {
        type Harm = (&'static str, fn(&mut NavArchive));
        let harms: [Harm; 9] = [
            ("settings", |archive| archive.settings.cell_m = f32::NAN),
            ("not in order", |archive| archive.tiles.push(archive.tiles[0].clone())),
            ("a corner does not exist", |archive| archive.tiles[0].indices[2] = 9),
            ("fewer than three", |archive| archive.tiles[0].polygons[0].corner_count = 2),
            ("no number", |archive| archive.tiles[0].vertices[1][1] = f32::NAN),
            ("not convex", |archive| archive.tiles[0].indices.reverse()),
            ("in one place", |archive| archive.tiles[0].vertices[1] = archive.tiles[0].vertices[0]),
            ("no such door", |archive| archive.tiles[0].polygons[0].area = 2),
            ("does not lie on that side", |archive| archive.tiles[0].borders[0].side = 2),
        ];
        assert!(Navmesh::assemble(&square()).is_ok());
        for (words, harm) in harms {
            let mut archive = square();
            harm(&mut archive);
            let error = Navmesh::assemble(&archive).expect_err(words).to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn an_archive_without_tiles_is_a_mesh_without_polygons() {
        let mesh = Navmesh::assemble(&NavArchive::default()).unwrap();
        assert_eq!((mesh.polygon_count(), mesh.component_count(), mesh.link_count()), (0, 0, 0));
        assert!(mesh.nearest(Vec3::ZERO, Vec3::ONE).is_none() && mesh.nearest_in_component(Vec3::ZERO, 0).is_none());
    }

    #[test]
    fn walls_are_what_links_leave_of_the_edges() {
        let mesh = crate::testing::mesh_of_plan(&["....", ".##.", "...."]);
        let walls = |polygon| mesh.core.walls_of(polygon).iter().map(|wall| wall.from.distance(wall.to)).sum::<f32>();
        let total_m: f32 = (0..mesh.polygon_count()).map(walls).sum();
        assert!((total_m - 20.0).abs() < 1e-4, "14 m around and 6 m within, not {total_m}");
    }
}
