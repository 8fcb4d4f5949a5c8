//! A bounding volume tree over the polygons: where to look for the nearest one. Built when a mesh is assembled.
//! Nodes stand in preorder, so that a search without order is one loop over the array.

use glam::Vec3;

use super::assemble::id;

/// Polygons in a leaf at most.
const LEAF_POLYGONS_MAX: usize = 2;

/// A box around some polygons.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) min: Vec3,
    /// The next node that is not below this one.
    pub(super) skip: u32,
    pub(super) max: Vec3,
    /// First of a leaf's polygons in the order of the tree.
    first: u32,
    /// Polygons of a leaf; 0 for any other node.
    count: u8,
}

impl Node {
    /// True when it has polygons of its own.
    pub(super) fn is_leaf(&self) -> bool {
        self.count > 0
    }

    /// Distance to a point along each axis, in metres; zero within.
    pub(super) fn offset(&self, point: Vec3) -> Vec3 {
        (self.min - point).max(point - self.max).max(Vec3::ZERO)
    }
}

/// The tree; empty for a mesh without polygons.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    order: Vec<u32>,
}

impl Tree {
    /// A tree over `count` polygons with these bounds.
    pub(super) fn of(count: u32, bounds: impl Fn(u32) -> (Vec3, Vec3)) -> Self {
        let mut boxes: Vec<(u32, Vec3, Vec3)> = (0..count)
            .map(|polygon| {
                let (min, max) = bounds(polygon);
                (polygon, min, max)
            })
            .collect();
        let mut tree = Self::default();
        if count > 0 {
            tree.grow(&mut boxes);
        }
        tree
    }

    /// Bounds of everything; zeros when there is nothing.
    pub(super) fn bounds(&self) -> (Vec3, Vec3) {
        self.nodes.first().map_or((Vec3::ZERO, Vec3::ZERO), |root| (root.min, root.max))
    }

    /// The polygons of a leaf.
    pub(super) fn polygons(&self, leaf: usize) -> &[u32] {
        let Node { first, count, .. } = self.nodes[leaf];
        &self.order[first as usize..first as usize + usize::from(count)]
    }

    fn grow(&mut self, boxes: &mut [(u32, Vec3, Vec3)]) {
        let (min, max) =
            boxes.iter().fold((Vec3::INFINITY, Vec3::NEG_INFINITY), |(min, max), one| (min.min(one.1), max.max(one.2)));
        let place = self.nodes.len();
        let is_leaf = boxes.len() <= LEAF_POLYGONS_MAX;
        let count = if is_leaf { boxes.len() as u8 } else { 0 };
        self.nodes.push(Node { min, max, skip: 0, first: id(self.order.len()), count });
        if !is_leaf {
            let size = max - min;
            let axis = if size.x >= size.z.max(size.y) {
                0
            } else if size.z >= size.y {
                2
            } else {
                1
            };
            let middle = boxes.len() / 2;
            let key = |one: &(u32, Vec3, Vec3)| one.1[axis] + one.2[axis];
            boxes.select_nth_unstable_by(middle, |a, b| key(a).total_cmp(&key(b)).then(a.0.cmp(&b.0)));
            let (low, high) = boxes.split_at_mut(middle);
            self.grow(low);
            self.grow(high);
        } else {
            boxes.sort_unstable_by_key(|one| one.0);
            self.order.extend(boxes.iter().map(|one| one.0));
        }
        self.nodes[place].skip = id(self.nodes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_polygon_is_in_one_leaf_and_within_every_box_above_it() {
        let bounds = |polygon: u32| {
            let min = Vec3::new((polygon * 37 % 101) as f32, (polygon % 3) as f32, (polygon * 53 % 97) as f32);
            (min, min + Vec3::new(1.0, 0.0, (polygon % 7) as f32))
        };
        for count in [0, 1, 2, 3, 500] {
            let tree = Tree::of(count, bounds);
            let mut seen = vec![0; count as usize];
            for (index, node) in tree.nodes.iter().enumerate() {
                for below in index..node.skip as usize {
                    let polygons = if tree.nodes[below].is_leaf() { tree.polygons(below) } else { &[] };
                    for &polygon in polygons {
                        let (min, max) = bounds(polygon);
                        assert!(node.min.cmple(min).all() && node.max.cmpge(max).all());
                        seen[polygon as usize] += usize::from(below == index);
                    }
                }
            }
            assert!(seen.iter().all(|&times| times == 1), "{count}: {seen:?}");
        }
    }
}
