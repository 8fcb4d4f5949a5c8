//! Components: which polygons can reach which, as the doors stand. Recomputed when a door opens or closes.

use super::NO_COMPONENT;
use super::assemble::{Core, id};

/// What doors change.
#[derive(Debug)]
pub(super) struct Labels {
    pub(super) doors_open: Vec<bool>,
    /// True when there is a polygon without a component.
    pub(super) has_closed: bool,
    pub(super) of_polygon: Vec<u32>,
    pub(super) areas_m2: Vec<f32>,
    /// Of every node of the tree: the one component below it, or [`MIXED`].
    pub(super) of_node: Vec<u32>,
    /// Polygons by component.
    members: Vec<u32>,
    /// Where each component's polygons begin, and the end.
    starts: Vec<u32>,
}

/// A node of the tree with polygons of more than one component.
pub(super) const MIXED: u32 = u32::MAX - 1;

impl Labels {
    pub(super) fn of(core: &Core, doors_open: Vec<bool>) -> Self {
        let count = core.polygon_count();
        let mut labels = Self {
            doors_open,
            has_closed: false,
            of_polygon: vec![NO_COMPONENT; count as usize],
            areas_m2: Vec::new(),
            of_node: vec![MIXED; core.tree.nodes.len()],
            members: Vec::with_capacity(count as usize),
            starts: vec![0],
        };
        for polygon in 0..count {
            if labels.of_polygon[polygon as usize] == NO_COMPONENT && labels.is_open(core, polygon) {
                labels.flood(core, polygon);
            }
        }
        labels.has_closed = labels.of_polygon.contains(&NO_COMPONENT);
        labels.label_nodes(core);
        labels
    }

    /// The polygons of a component, `None` when there is no such component.
    pub(super) fn members(&self, component: u32) -> Option<&[u32]> {
        let ends = self.starts.get(component as usize..)?.get(..2)?;
        self.members.get(ends[0] as usize..ends[1] as usize)
    }

    fn is_open(&self, core: &Core, polygon: u32) -> bool {
        let door = core.polygons[polygon as usize].area.checked_sub(1);
        door.is_none_or(|door| self.doors_open.get(usize::from(door)).copied().unwrap_or(true))
    }

    fn flood(&mut self, core: &Core, start: u32) {
        let component = id(self.areas_m2.len());
        let first = self.members.len();
        self.members.push(start);
        self.of_polygon[start as usize] = component;
        let mut done = first;
        while let Some(&polygon) = self.members.get(done) {
            done += 1;
            for link in core.links_of(polygon) {
                if self.of_polygon[link.target as usize] == NO_COMPONENT && self.is_open(core, link.target) {
                    self.of_polygon[link.target as usize] = component;
                    self.members.push(link.target);
                }
            }
        }
        self.areas_m2.push(self.members[first..].iter().map(|&polygon| core.areas_m2[polygon as usize]).sum());
        self.starts.push(id(self.members.len()));
    }

    fn label_nodes(&mut self, core: &Core) {
        let tree = &core.tree;
        for node in (0..tree.nodes.len()).rev() {
            self.of_node[node] = if tree.nodes[node].is_leaf() {
                let labels = || tree.polygons(node).iter().map(|&polygon| self.of_polygon[polygon as usize]);
                let first = labels().next().unwrap_or(MIXED);
                if labels().all(|label| label == first) { first } else { MIXED }
            } else {
                let (low, high) = (node + 1, tree.nodes[node + 1].skip as usize);
                if self.of_node[low] == self.of_node[high] { self.of_node[low] } else { MIXED }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::space::navmesh::NO_COMPONENT;
    use crate::testing::mesh_of_plan;

    #[test]
    fn components_have_their_areas_and_doors_split_them() {
        let mesh = mesh_of_plan(&["...A....", "####.###", "..#....#"]);
        let closed = mesh.with_door(0, false);
        let areas = |mesh: &super::super::Navmesh| {
            (0..mesh.component_count()).map(|component| mesh.component_area_m2(component)).collect::<Vec<f32>>()
        };
        assert_eq!(areas(&mesh), [13.0, 2.0]);
        assert_eq!(areas(&closed), [3.0, 9.0, 2.0]);
        let at_door = (0..mesh.polygon_count()).map(super::super::PolygonId).find(|&one| mesh.door_of(one) == Some(0));
        assert_eq!(closed.component(at_door.unwrap()), NO_COMPONENT);
        assert_eq!(areas(&closed.with_door(0, true)), areas(&mesh));
    }
}
