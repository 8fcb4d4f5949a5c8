//! What is compared: one who finds paths, casts rays and looks up polygons on the field's mesh. Ends of queries are
//! looked up beforehand, so that a search is timed without the lookup, which has a line of its own.

use glam::{Vec2, Vec3};
use sim::space::navmesh::{NavPoint, Navmesh, Path, PathStatus, Search};

/// How far from a place its polygon may be, in metres.
pub(crate) const EXTENTS: Vec3 = Vec3::new(2.0, 4.0, 2.0);
/// More than any search on these fields needs.
const NODES_MAX: u32 = 1 << 20;

/// One of those that are compared.
pub(crate) trait Finder {
    /// What it is called in the report.
    fn name(&self) -> String;

    /// How many questions of a round it is asked.
    fn queries_max(&self) -> usize {
        usize::MAX
    }

    /// How many rounds it takes part in.
    fn rounds_max(&self) -> usize {
        usize::MAX
    }

    /// Looks up the ends of the queries to come.
    fn prepare(&mut self, pairs: &[[Vec3; 2]]);

    /// Finds the path of a prepared pair with all its corners; answers whether it reaches the goal.
    fn path(&mut self, index: usize) -> bool;

    /// Length of the last path in x and z, in metres.
    fn length_m(&self) -> f32;

    /// Casts a ray along the surface from a prepared pair's start to its end; answers the free part, up to 1, or
    /// nothing when it knows no rays.
    fn ray(&mut self, _index: usize) -> Option<f32> {
        None
    }

    /// The nearest place on the mesh within [`EXTENTS`], or nothing when it knows no such question.
    fn nearest(&mut self, _at: Vec3) -> Option<Option<Vec3>> {
        None
    }
}

/// Our own queries.
pub(crate) struct Ours<'m> {
    mesh: &'m Navmesh,
    search: Search,
    ends: Vec<[NavPoint; 2]>,
    path: Path,
}

impl<'m> Ours<'m> {
    /// Queries on a mesh.
    pub(crate) fn on(mesh: &'m Navmesh) -> Self {
        Self { mesh, search: Search::default(), ends: Vec::new(), path: Path::default() }
    }
}

impl Finder for Ours<'_> {
    fn name(&self) -> String {
        "mainspring".to_owned()
    }

    fn prepare(&mut self, pairs: &[[Vec3; 2]]) {
        let spot = |at| self.mesh.nearest(at, EXTENTS).expect("the pairs are on the mesh");
        self.ends = pairs.iter().map(|pair| pair.map(spot)).collect();
    }

    fn path(&mut self, index: usize) -> bool {
        let [from, to] = self.ends[index];
        let status = self.mesh.find_path(&mut self.search, from, to, NODES_MAX, &mut self.path);
        status == PathStatus::Complete
    }

    fn length_m(&self) -> f32 {
        self.path.length_m
    }

    fn ray(&mut self, index: usize) -> Option<f32> {
        let [from, to] = self.ends[index];
        Some(self.mesh.raycast(from, Vec2::new(to.position.x, to.position.z)).fraction)
    }

    fn nearest(&mut self, at: Vec3) -> Option<Option<Vec3>> {
        Some(self.mesh.nearest(at, EXTENTS).map(|point| point.position))
    }
}
