//! The polygon nearest to a point. Pure.
//!
//! Distances are Detour's: above or below a polygon, what exceeds the agent's climb; beside it, the distance to
//! the nearest point of its border in all three axes. Of equally near polygons the one nearer in height wins.

use glam::Vec3;

use super::assemble::id;
use super::label::MIXED;
use super::plane::{flat, nearest_on_polygon};
use super::{NO_COMPONENT, NavPoint, Navmesh, PolygonId};

/// Polygons of a component that are looked through one by one, where the tree would lead through all others between.
const LISTED_POLYGONS_MAX: usize = 64;
/// Depth of the tree at most: it halves.
const DEPTH_MAX: usize = 40;

struct Wanted {
    at: Vec3,
    extents: Vec3,
    component: Option<u32>,
}

#[derive(Clone, Copy)]
struct Candidate {
    distance_squared: f32,
    height_m: f32,
    point: NavPoint,
}

impl Navmesh {
    /// The nearest place on the mesh whose distance along each axis is at most `extents`, in metres; closed doors are
    /// left out. A point above or below a polygon counts as on it within the agent's climb, as in Detour.
    #[must_use]
    pub fn nearest(&self, at: Vec3, extents: Vec3) -> Option<NavPoint> {
        self.descend(&Wanted { at, extents, component: None })
    }

    /// The nearest place of a component however far, `None` when there is no such component.
    #[must_use]
    pub fn nearest_in_component(&self, at: Vec3, component: u32) -> Option<NavPoint> {
        let members = self.labels.members(component)?;
        let wanted = Wanted { at, extents: Vec3::INFINITY, component: Some(component) };
        if members.len() > LISTED_POLYGONS_MAX {
            return self.descend(&wanted);
        }
        let mut best = None;
        members.iter().for_each(|&polygon| self.consider(polygon, &wanted, &mut best));
        best.map(|best| best.point)
    }

    /// Looks through the tree nearest node first, leaving out what is not wanted or lies farther than the best.
    fn descend(&self, wanted: &Wanted) -> Option<NavPoint> {
        let (nodes, tree) = (&self.core.tree.nodes, &self.core.tree);
        let climb_m = self.core.settings.climb_m;
        let distance_squared = |node: usize| {
            let label = self.labels.of_node[node];
            let is_wanted = wanted.component.is_none_or(|component| label == component || label == MIXED);
            let offset = nodes[node].offset(wanted.at);
            let is_within = is_wanted && offset.cmple(wanted.extents).all();
            let offset = Vec3::new(offset.x, (offset.y - climb_m).max(0.0), offset.z);
            if is_within { offset.length_squared() } else { f32::INFINITY }
        };
        let mut best: Option<Candidate> = None;
        let mut stack = [(0_u32, f32::INFINITY); DEPTH_MAX];
        let mut depth = usize::from(!nodes.is_empty());
        if depth > 0 {
            stack[0] = (0, distance_squared(0));
        }
        while depth > 0 {
            depth -= 1;
            let (node, distance) = (stack[depth].0 as usize, stack[depth].1);
            if distance == f32::INFINITY || best.is_some_and(|best| distance > best.distance_squared) {
                continue;
            }
            if nodes[node].is_leaf() {
                tree.polygons(node).iter().for_each(|&polygon| self.consider(polygon, wanted, &mut best));
                continue;
            }
            let children = [node + 1, nodes[node + 1].skip as usize].map(|child| (id(child), distance_squared(child)));
            let is_nearer_first = children[0].1 <= children[1].1;
            let order = if is_nearer_first { [children[1], children[0]] } else { children };
            for child in order {
                if child.1 < f32::INFINITY && depth < DEPTH_MAX {
                    stack[depth] = child;
                    depth += 1;
                }
            }
        }
        best.map(|best| best.point)
    }

    fn consider(&self, polygon: u32, wanted: &Wanted, best: &mut Option<Candidate>) {
        let label = self.labels.of_polygon[polygon as usize];
        if label == NO_COMPONENT || wanted.component.is_some_and(|component| component != label) {
            return;
        }
        let (at, place) = (wanted.at, flat(wanted.at));
        let nearest = nearest_on_polygon(self.core.corners(polygon), place);
        if best.is_some_and(|best| nearest.distance_squared(place) > best.distance_squared) {
            return;
        }
        let point = self.point_on(PolygonId(polygon), nearest.x, nearest.y);
        let height_m = (point.position.y - at.y).abs();
        let distance_squared = if nearest == place {
            (height_m - self.core.settings.climb_m).max(0.0).powi(2)
        } else {
            point.position.distance_squared(at)
        };
        let found = Candidate { distance_squared, height_m, point };
        let is_within = (point.position - at).abs().cmple(wanted.extents).all();
        if is_within && best.is_none_or(|best| found.is_nearer(&best)) {
            *best = Some(found);
        }
    }
}

impl Candidate {
    fn is_nearer(&self, other: &Self) -> bool {
        let key = |one: &Self| (one.distance_squared, one.height_m, one.point.polygon);
        let (own, other) = (key(self), key(other));
        own.partial_cmp(&other).is_some_and(std::cmp::Ordering::is_lt)
    }
}

#[cfg(test)]
mod tests {
    use crate::space::navmesh::archive::NavSettings;
    use crate::testing::{GroundRectangle, archive_of_rectangles, mesh_of_plan};
    use glam::{Vec2, Vec3};

    #[test]
    fn the_search_box_is_a_limit_along_every_axis() {
        let mesh = mesh_of_plan(&["....", "...."]);
        let found = |x: f32, y: f32, extents: (f32, f32, f32)| {
            mesh.nearest(Vec3::new(x, y, 1.0), extents.into()).map(|point| point.position.x)
        };
        assert_eq!(found(2.0, 300.0, (2.0, 4.0, 2.0)), None);
        assert_eq!(found(2.0, 3.9, (2.0, 4.0, 2.0)), Some(2.0));
        assert_eq!(found(5.5, 0.0, (2.0, 4.0, 2.0)), Some(4.0));
        assert_eq!(found(6.1, 0.0, (2.0, 4.0, 2.0)), None);
        assert_eq!(found(f32::NAN, 0.0, (2.0, 4.0, 2.0)), None);
    }

    #[test]
    fn a_floor_underfoot_is_nearer_than_a_ledge_beside() {
        let floor = GroundRectangle::level(Vec2::ZERO, Vec2::splat(4.0), 0.0);
        let ledge = GroundRectangle::level(Vec2::new(4.2, 0.0), Vec2::new(8.0, 4.0), 0.45);
        let archive = archive_of_rectangles(&[floor, ledge], NavSettings::default(), 0);
        let mesh = crate::space::navmesh::Navmesh::assemble(&archive).unwrap();
        let found = mesh.nearest(Vec3::new(4.0, 0.45, 2.0), Vec3::ONE).unwrap();
        assert_eq!(found.position, Vec3::new(4.0, 0.0, 2.0));
    }
}
