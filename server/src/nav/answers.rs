//! Answers of a navmesh for people and programs: paths, rays and what the mesh is made of. Every answer is one JSON
//! object on a line, or a few lines of text. Times are of the queries alone, on scratch memory that is warm.

use std::fmt;
use std::time::Instant;

use glam::{Vec2, Vec3};
use serde::Serialize;
use serde_json::Value;
use sim::space::navmesh::{NavPoint, Navmesh, Path, PathStatus, Search};

use super::queries::Query;

/// A navmesh with what answers need beside it.
pub struct Oracle {
    mesh: Navmesh,
    search: Search,
    path: Path,
    extents: Vec3,
    nodes_max: u32,
    is_warm: bool,
}

/// The answer to a path query; lengths in metres, times in microseconds.
#[derive(Debug, Serialize, PartialEq)]
pub struct PathAnswer {
    /// `complete`, `partial`, `no_start` or `no_goal`.
    pub status: &'static str,
    /// Whether the path ends short of the goal.
    pub partial: bool,
    /// Why it is partial: `unreachable` (another component) or `out_of_nodes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// Start, turning points and end.
    pub corners: Vec<[f32; 3]>,
    /// Sum of the distances from corner to corner, in three dimensions.
    pub length: f64,
    /// The same in x and z only.
    pub length_xz: f64,
    /// Search nodes that were expanded.
    pub nodes: u32,
    /// Polygons from the first to the last.
    pub polygons: usize,
    /// The start on the mesh.
    pub start: Option<[f32; 3]>,
    /// The goal on the mesh.
    pub goal: Option<[f32; 3]>,
    /// Where the path ends.
    pub end: Option<[f32; 3]>,
    /// How long both look-ups and the search took.
    pub time_us: f64,
}

/// The answer to a ray along the surface.
#[derive(Debug, Serialize, PartialEq)]
pub struct RayAnswer {
    /// `hit`, `clear` or `no_start`.
    pub status: &'static str,
    /// Whether a wall was hit.
    pub hit: bool,
    /// Part of the way that is free, 0 to 1.
    pub fraction: f32,
    /// Where the ray ended.
    pub point: Option<[f32; 3]>,
    /// The wall's unit normal (x, y, z) towards the ray.
    pub normal: Option<[f32; 3]>,
    /// The start on the mesh.
    pub start: Option<[f32; 3]>,
    /// How long the look-up and the ray took.
    pub time_us: f64,
}

/// What a file of questions gets for a line.
#[derive(Debug, Serialize)]
pub struct Numbered<A> {
    /// The line, from 1.
    pub line: usize,
    /// The asker's name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Value>,
    /// The answer's own fields.
    #[serde(flatten)]
    pub answer: A,
}

impl Oracle {
    /// Asks `mesh`; places are looked for within `extents` metres on either side, and a search expands at most
    /// `nodes_max` nodes.
    #[must_use]
    pub fn new(mesh: Navmesh, extents: Vec3, nodes_max: u32) -> Self {
        let (search, path) = (Search::default(), Path::default());
        Self { mesh, search, path, extents, nodes_max, is_warm: false }
    }

    /// Finds a path.
    pub fn path(&mut self, query: &Query) -> PathAnswer {
        let began = Instant::now();
        let start = self.mesh.nearest(query.from, self.extents);
        let goal = self.mesh.nearest(query.to, self.extents);
        let (Some(from), Some(to)) = (start, goal) else {
            let status = if start.is_none() { "no_start" } else { "no_goal" };
            return PathAnswer::none(status, start, goal, micros(began));
        };
        let looked_up_us = micros(began);
        if !self.is_warm {
            // The first search grows the scratch memory to the size of the mesh.
            self.mesh.find_path(&mut self.search, from, to, self.nodes_max, &mut self.path);
            self.is_warm = true;
        }
        let began = Instant::now();
        let found = self.mesh.find_path(&mut self.search, from, to, self.nodes_max, &mut self.path);
        let time_us = looked_up_us + micros(began);
        let (status, reason) = match found {
            PathStatus::Complete => ("complete", None),
            PathStatus::Unreachable => ("partial", Some("unreachable")),
            PathStatus::OutOfNodes => ("partial", Some("out_of_nodes")),
        };
        let corners = &self.path.corners;
        PathAnswer {
            partial: reason.is_some(),
            reason,
            length: length(corners, |step| step.as_dvec3().length()),
            length_xz: length(corners, |step| Vec2::new(step.x, step.z).as_dvec2().length()),
            corners: corners.iter().map(Vec3::to_array).collect(),
            nodes: self.path.nodes,
            polygons: self.path.corridor.len(),
            end: corners.last().map(Vec3::to_array),
            ..PathAnswer::none(status, start, goal, time_us)
        }
    }

    /// Follows a ray along the surface, from `from` towards the `x` and `z` of `to`.
    pub fn raycast(&mut self, query: &Query) -> RayAnswer {
        let began = Instant::now();
        let Some(start) = self.mesh.nearest(query.from, self.extents) else {
            let (point, normal, start) = (None, None, None);
            return RayAnswer {
                status: "no_start",
                hit: false,
                fraction: 0.0,
                point,
                normal,
                start,
                time_us: micros(began),
            };
        };
        let hit = self.mesh.raycast(start, Vec2::new(query.to.x, query.to.z));
        let time_us = micros(began);
        let is_hit = hit.fraction < 1.0;
        RayAnswer {
            status: if is_hit { "hit" } else { "clear" },
            hit: is_hit,
            fraction: hit.fraction,
            point: Some(hit.end.position.to_array()),
            normal: is_hit.then_some([hit.normal.x, 0.0, hit.normal.y]),
            start: Some(start.position.to_array()),
            time_us,
        }
    }
}

impl PathAnswer {
    fn none(status: &'static str, start: Option<NavPoint>, goal: Option<NavPoint>, time_us: f64) -> Self {
        let place = |point: NavPoint| point.position.to_array();
        Self {
            status,
            partial: false,
            reason: None,
            corners: Vec::new(),
            length: 0.0,
            length_xz: 0.0,
            nodes: 0,
            polygons: 0,
            start: start.map(place),
            goal: goal.map(place),
            end: None,
            time_us,
        }
    }
}

impl fmt::Display for PathAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            "no_start" => return write!(f, "no_start: the start is not on the mesh, nor near it"),
            "no_goal" => return write!(f, "no_goal: the goal is not on the mesh, nor near it"),
            status => write!(f, "{status}")?,
        }
        if let Some(reason) = self.reason {
            write!(f, " ({reason})")?;
        }
        let (corners, nodes) = (self.corners.len(), self.nodes);
        write!(f, ": {:.3} m, {corners} corners, {nodes} nodes, {:.1} us", self.length, self.time_us)?;
        self.corners.iter().try_for_each(|[x, y, z]| write!(f, "\n  {x:.3} {y:.3} {z:.3}"))
    }
}

impl fmt::Display for RayAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some([x, y, z]) = self.point else {
            return write!(f, "no_start: the start is not on the mesh, nor near it");
        };
        write!(f, "{}: {:.4} of the way is free, to {x:.3} {y:.3} {z:.3}", self.status, self.fraction)?;
        if let Some([x, _, z]) = self.normal {
            write!(f, ", wall normal {x:.3} {z:.3}")?;
        }
        write!(f, ", {:.1} us", self.time_us)
    }
}

fn length(corners: &[Vec3], of: impl Fn(Vec3) -> f64) -> f64 {
    corners.windows(2).map(|pair| of(pair[1] - pair[0])).sum()
}

fn micros(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e6
}
