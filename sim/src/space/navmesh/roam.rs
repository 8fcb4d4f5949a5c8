//! What lies around a place: a random point, the nearest wall. Pure.

use super::{NavPoint, Navmesh, Search, WallHit};

impl Navmesh {
    /// A random place within `radius_m` of `centre` that can be reached without leaving the circle, uniform by area.
    /// `units` gives numbers from 0 to below 1.
    pub fn random_point(
        &self,
        search: &mut Search,
        centre: NavPoint,
        radius_m: f32,
        units: &mut dyn FnMut() -> f32,
    ) -> NavPoint {
        let _ = (search, radius_m, units);
        centre
    }

    /// The nearest wall within `radius_max_m` of a place.
    pub fn wall_distance(&self, search: &mut Search, at: NavPoint, radius_max_m: f32) -> Option<WallHit> {
        let _ = (search, at, radius_max_m);
        None
    }
}
