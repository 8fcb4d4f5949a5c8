//! What a navmesh file says of itself: for whom it was made, how large it is, and whether it holds together.

use std::fmt;

use serde::Serialize;
use sim::space::navmesh::archive::VERSION;
use sim::space::navmesh::{NavSettings, Navmesh};

/// Components listed one by one, the largest first; the others are counted.
const COMPONENTS_MAX: usize = 64;

/// All there is to know without a question; metres and square metres.
#[derive(Debug, Serialize)]
pub struct InfoAnswer {
    /// Version of the file and of the baker.
    pub version: u32,
    /// Of the geometry and the settings it was baked from, 16 hexadecimal digits.
    pub geometry_hash: String,
    /// The agent, and how finely the geometry was looked at.
    pub settings: SettingsAnswer,
    /// Tiles that are not empty.
    pub tiles: u32,
    /// Convex polygons.
    pub polygons: u32,
    /// Ways from one polygon to the next, counted in each direction.
    pub links: u32,
    /// Parts between which there is no way.
    pub components: u32,
    /// Areas of the components, the largest first.
    pub component_areas: Vec<f32>,
    /// Area of all.
    pub area: f32,
    /// Edges on a tile's side with something beyond it that they are not linked to.
    pub unlinked_border_edges: usize,
    /// Least and greatest corner.
    pub bounds: Option<[[f32; 3]; 2]>,
    /// Doors that polygons belong to.
    pub doors: u16,
}

/// [`NavSettings`] under the names that the command line has for them.
#[derive(Debug, Serialize)]
pub struct SettingsAnswer {
    radius: f32,
    height: f32,
    climb: f32,
    slope: f32,
    cell: f32,
    cell_height: f32,
    tile: u32,
}

impl InfoAnswer {
    /// Describes `mesh`, which was read from a file with this hash.
    #[must_use]
    pub fn of(mesh: &Navmesh, geometry_hash: u64) -> Self {
        let mut areas: Vec<f32> =
            (0..mesh.component_count()).map(|component| mesh.component_area_m2(component)).collect();
        areas.sort_by(|a, b| b.total_cmp(a));
        areas.truncate(COMPONENTS_MAX);
        let (min, max) = mesh.bounds();
        Self {
            version: VERSION,
            geometry_hash: format!("{geometry_hash:016x}"),
            settings: SettingsAnswer::from(*mesh.settings()),
            tiles: mesh.tile_count(),
            polygons: mesh.polygon_count(),
            links: mesh.link_count(),
            components: mesh.component_count(),
            component_areas: areas,
            area: mesh.area_m2(),
            unlinked_border_edges: mesh.unlinked_border_edges().len(),
            bounds: (mesh.polygon_count() > 0).then_some([min.to_array(), max.to_array()]),
            doors: mesh.door_count(),
        }
    }
}

impl From<NavSettings> for SettingsAnswer {
    fn from(settings: NavSettings) -> Self {
        let NavSettings { radius_m, height_m, climb_m, slope_deg, cell_m, cell_height_m, tile_cells } = settings;
        Self {
            radius: radius_m,
            height: height_m,
            climb: climb_m,
            slope: slope_deg,
            cell: cell_m,
            cell_height: cell_height_m,
            tile: tile_cells,
        }
    }
}

impl fmt::Display for InfoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SettingsAnswer { radius, height, climb, slope, cell, cell_height, tile } = &self.settings;
        writeln!(f, "version {}, baked from geometry {}", self.version, self.geometry_hash)?;
        writeln!(
            f,
            "agent: radius {radius} m, height {height} m, climbs {climb} m, walks slopes up to {slope} degrees"
        )?;
        writeln!(f, "voxels: {cell} m, {cell_height} m high, {tile} to the side of a tile")?;
        writeln!(f, "{} tiles, {} polygons, {} links, {:.1} m2", self.tiles, self.polygons, self.links, self.area)?;
        let areas: Vec<String> = self.component_areas.iter().take(8).map(|area| format!("{area:.1}")).collect();
        let more = if (self.components as usize) > areas.len() { ", .." } else { "" };
        writeln!(f, "{} components, of {}{more} m2", self.components, areas.join(", "))?;
        if let Some([[x, y, z], [x2, y2, z2]]) = self.bounds {
            writeln!(f, "bounds: {x:.2} {y:.2} {z:.2} to {x2:.2} {y2:.2} {z2:.2}")?;
        }
        write!(f, "{} doors, {} unlinked border edges", self.doors, self.unlinked_border_edges)
    }
}
