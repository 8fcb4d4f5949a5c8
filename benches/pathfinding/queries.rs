//! The questions: pairs of places at a distance from each other, goals behind walls, and places anywhere. All
//! follow from the field's seed, so that everyone is asked the same.

use glam::{Vec2, Vec3};
use sim::space::Navmesh;
use sim::space::navmesh::NavPoint;

use crate::field::{Field, on_ground, place};
use crate::finder::EXTENTS;

/// Least distance of any query's end from the field's edge, in metres.
const EDGE_M: f32 = 5.0;

/// Asks on one field.
pub(crate) struct Queries<'f> {
    field: &'f Field,
    mesh: &'f Navmesh,
    main: u32,
}

impl<'f> Queries<'f> {
    /// Questions about a field, most of them in its component with the most polygons.
    pub(crate) fn on(field: &'f Field, mesh: &'f Navmesh) -> Self {
        let mut draw = field.plan.draw("component");
        let half_m = field.plan.side_m / 2.0;
        let mut components: Vec<u32> = (0..999)
            .filter_map(|_| mesh.nearest(on_ground(place(&mut draw, half_m)), EXTENTS))
            .map(|point| mesh.component(point.polygon))
            .collect();
        components.sort_unstable();
        let main = *components.get(components.len() / 2).expect("the field has a mesh");
        Self { field, mesh, main }
    }

    /// Pairs in the main component, the straight line between them as long as asked, give or take half a metre.
    pub(crate) fn pairs(&self, distance_m: f32, count: usize) -> Vec<[Vec3; 2]> {
        let mut draw = self.field.plan.draw("pairs");
        let half_m = self.field.plan.side_m / 2.0 - EDGE_M;
        let mut pairs = Vec::new();
        while pairs.len() < count {
            let from = place(&mut draw, half_m);
            let to = from + Vec2::from_angle(draw.unit() * std::f32::consts::TAU) * distance_m;
            if to.abs().max_element() > half_m {
                continue;
            }
            let (Some(from), Some(to)) = (self.open_spot(from), self.open_spot(to)) else { continue };
            if (from.distance(to) - distance_m).abs() < 0.5 {
                pairs.push([from, to]);
            }
        }
        pairs
    }

    /// From the main component into a courtyard.
    pub(crate) fn unreachable(&self, count: usize) -> Vec<[Vec3; 2]> {
        let mut draw = self.field.plan.draw("unreachable");
        let courtyards = self.field.plan.courtyards();
        let mut pairs = Vec::new();
        while pairs.len() < count {
            let goal = courtyards[pairs.len() % courtyards.len()] + place(&mut draw, 5.0);
            let from = place(&mut draw, self.field.plan.side_m / 2.0 - EDGE_M);
            let Some(goal) = self.spot(goal) else { continue };
            assert_ne!(self.mesh.component(goal.polygon), self.main, "a courtyard is closed");
            pairs.extend(self.open_spot(from).map(|from| [from, goal.position]));
        }
        pairs
    }

    /// Places anywhere, a metre above the ground, most of them on the mesh.
    pub(crate) fn places(&self, count: usize) -> Vec<Vec3> {
        let mut draw = self.field.plan.draw("places");
        let half_m = self.field.plan.side_m / 2.0 - EDGE_M;
        (0..count).map(|_| on_ground(place(&mut draw, half_m)) + Vec3::Y).collect()
    }

    fn open_spot(&self, at: Vec2) -> Option<Vec3> {
        let spot = self.spot(at).filter(|spot| self.mesh.component(spot.polygon) == self.main);
        spot.map(|spot| spot.position)
    }

    fn spot(&self, at: Vec2) -> Option<NavPoint> {
        self.mesh.nearest(on_ground(at), EXTENTS)
    }
}
