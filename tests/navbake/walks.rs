//! Walks along random paths of a mesh with the scene's own colliders: a body of the agent's radius less one cell is
//! swept from step to step and must meet nothing.

use glam::{Vec2, Vec3};
use sim::assets::SceneDef;
use sim::ids::SimId;
use sim::random::{Random, Stream};
use sim::space::Geometry;
use sim::space::geometry::BodyShape;
use sim::space::navmesh::{NavArchive, NavPoint, NavSettings, Navmesh, Path, Search};

use super::yard::within;

/// Length of a step along a path, in metres.
const STEP_M: f32 = 0.4;
/// Half the foot that carries a walker over slits, in metres.
const FOOT_M: f32 = 0.2;
const NODES_MAX: u32 = 10_000;

pub(crate) struct Walker {
    geometry: Geometry,
    mesh: Navmesh,
    body: BodyShape,
    settings: NavSettings,
}

impl Walker {
    pub(crate) fn new(def: &SceneDef, archive: &NavArchive) -> Self {
        let settings = archive.settings;
        let geometry = Geometry::build(def).expect("the colliders can be built");
        let mesh = Navmesh::assemble(archive).expect("it is a mesh");
        // A raster of voxels cannot tell a step from one that is a voxel higher.
        let step_m = settings.climb_m + settings.cell_height_m;
        let body = BodyShape { radius_m: settings.radius_m - settings.cell_m, height_m: settings.height_m, step_m };
        Self { geometry, mesh, body, settings }
    }

    /// Finds one random path and walks it.
    pub(crate) fn walk(&self, seed: u64, number: u32) {
        let mut draw = Random::new(seed).draw(number, SimId::new(0, 0), Stream("walk"), 0);
        let mut place = || {
            let at =
                Vec3::new(within(&mut draw, -19.0, 19.0), within(&mut draw, 0.0, 4.0), within(&mut draw, -19.0, 19.0));
            self.mesh.nearest(at, Vec3::new(8.0, 5.0, 8.0)).expect("there is ground")
        };
        let (from, to): (NavPoint, NavPoint) = (place(), place());
        let mut path = Path::default();
        self.mesh.find_path(&mut Search::default(), from, to, NODES_MAX, &mut path);
        let mut feet = self.on_ground(from.position, from.position.y);
        for leg in path.corners.windows(2) {
            let (a, b) = (Vec2::new(leg[0].x, leg[0].z), Vec2::new(leg[1].x, leg[1].z));
            let steps = (a.distance(b) / STEP_M).ceil();
            for step in 1..=steps as u32 {
                let at = a.lerp(b, step as f32 / steps);
                let next = self.on_ground(Vec3::new(at.x, 0.0, at.y), feet.y);
                let hit = self.geometry.sweep(feet, next - feet, self.body);
                let free = hit.is_none() && self.geometry.is_free(next, self.body);
                assert!(free, "seed {seed}, path {number}: {hit:?} from {feet} to {next} on {:?}", path.corners);
                feet = next;
            }
        }
    }

    /// The highest ground under a foot that is a step away from the last.
    fn on_ground(&self, at: Vec3, last_m: f32) -> Vec3 {
        let ceiling_m = last_m + self.settings.climb_m + self.settings.cell_height_m + STEP_M;
        let under = [(0.0, 0.0), (FOOT_M, 0.0), (-FOOT_M, 0.0), (0.0, FOOT_M), (0.0, -FOOT_M)];
        let heights = under.iter().filter_map(|(x, z)| self.geometry.ground(at.x + x, at.z + z, ceiling_m));
        let y = heights.map(|ground| ground.height_m).fold(f32::NEG_INFINITY, f32::max);
        Vec3::new(at.x, y, at.z)
    }
}
