//! The field that is searched: seeded boxes on gently rolling ground, with a few walled courtyards that nobody
//! gets into. Baked once and kept below `target/`, by the hash of its geometry.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Instant;

use glam::{Vec2, Vec3};
use navbake::{BakeOptions, bake};
use sim::ids::SimId;
use sim::random::{Draw, Random, Stream};
use sim::space::navmesh::{NavArchive, NavSettings};
use sim::space::triangles::TriangleSoup;
use sim::testing::test_assets;

/// The scene's id in the game data that [`Plan::assets`] makes.
pub(crate) const SCENE: &str = "scene/pathfinding";
/// Courtyards of a square kilometre.
const COURTYARDS_PER_KM2: f32 = 10.0;
/// Half the side of a courtyard to the middle of its walls, in metres.
const COURTYARD_M: f32 = 10.0;
/// Edge of a cell of the ground, in metres.
const CELL_M: f32 = 8.0;

/// What a field is made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Side of the square, in metres; its middle is the origin.
    pub(crate) side_m: f32,
    /// Boxes per square kilometre.
    pub(crate) boxes_per_km2: f32,
    /// Seed of places and sizes.
    pub(crate) seed: u64,
}

impl Plan {
    /// The square kilometre with 2,500 obstacles.
    pub(crate) const WHOLE: Self = Self { side_m: 1_000.0, boxes_per_km2: 2_500.0, seed: 1 };
    /// The same, in small.
    pub(crate) const SMALL: Self = Self { side_m: 160.0, ..Self::WHOLE };

    fn count(&self, per_km2: f32) -> usize {
        (per_km2 * self.side_m * self.side_m / 1e6).ceil() as usize
    }

    /// Centres of the courtyards.
    pub(crate) fn courtyards(&self) -> Vec<Vec2> {
        let mut draw = self.draw("courtyards");
        let half_m = self.side_m / 2.0 - 2.0 * COURTYARD_M;
        (0..self.count(COURTYARDS_PER_KM2)).map(|_| place(&mut draw, half_m)).collect()
    }

    /// A run of random numbers for one purpose.
    pub(crate) fn draw(&self, purpose: &'static str) -> Draw {
        Random::new(self.seed).draw(0, SimId::new(0, 0), Stream(purpose), 0)
    }

    /// Game data with this field as [`SCENE`].
    pub(crate) fn assets(&self) -> std::sync::Arc<sim::assets::Assets> {
        test_assets(&[("scenes/pathfinding.ron", &self.text())])
    }

    fn text(&self) -> String {
        let (half_m, cells) = (self.side_m / 2.0, (self.side_m / CELL_M) as u32);
        let mut pieces = String::new();
        let heights = (0..=cells).flat_map(|row| (0..=cells).map(move |column| (column, row))).map(|(column, row)| {
            let height_m = height_m(Vec2::new(column as f32, row as f32) * CELL_M - half_m);
            format!("{height_m:.3}")
        });
        let heights: Vec<String> = heights.collect();
        let _never_fails = write!(
            pieces,
            "Heightfield(min: (-{half_m:.1}, -{half_m:.1}), cell_m: {CELL_M:.1}, columns: {cells}, rows: {cells}, \
             heights: Inline([{}])),",
            heights.join(", ")
        );
        for (at, size, yaw_deg) in self.boxes() {
            let _never_fails = writeln!(
                pieces,
                "Box(center: ({:.3}, {:.3}, {:.3}), size: ({:.3}, 8.0, {:.3}), yaw_deg: {yaw_deg:.1}),",
                at.x,
                height_m(at),
                at.y,
                size.x,
                size.y
            );
        }
        format!(
            r#"[(
            id: "{SCENE}", name: "Field", bounds: (min: (-{half_m:.1}, -{half_m:.1}), max: ({half_m:.1}, {half_m:.1})),
            aoi: (enter_m: 60.0, leave_m: 65.0), players_max: 100, geometry: [{pieces}],
            spawn_points: [(id: "spawn/any", at: (0.0, 0.0), yaw_deg: 0.0, radius_m: 5.0)],
            )]"#
        )
    }

    /// Place, extents in x and z, and turn in degrees of every box: obstacles and the courtyards' walls.
    fn boxes(&self) -> Vec<(Vec2, Vec2, f32)> {
        let (courtyards, mut draw) = (self.courtyards(), self.draw("boxes"));
        let mut boxes = Vec::new();
        while boxes.len() < self.count(self.boxes_per_km2) {
            let at = place(&mut draw, self.side_m / 2.0);
            let size = Vec2::new(draw.unit(), draw.unit()) * 10.0 + 2.0;
            let is_clear = courtyards.iter().all(|courtyard| courtyard.distance(at) > COURTYARD_M * 2.5);
            if is_clear {
                boxes.push((at, size, draw.unit() * 90.0));
            }
        }
        for courtyard in courtyards {
            for side in [Vec2::X, Vec2::Y, Vec2::NEG_X, Vec2::NEG_Y] {
                let size = side.perp().abs() * (2.0 * COURTYARD_M + 1.0) + side.abs();
                boxes.push((courtyard + side * COURTYARD_M, size, 0.0));
            }
        }
        boxes
    }
}

/// A field with its triangles and its navmesh.
pub(crate) struct Field {
    /// What it was made from.
    pub(crate) plan: Plan,
    /// Its triangles.
    #[cfg_attr(not(feature = "oxidized"), allow(dead_code, reason = "only a peer bakes again"))]
    pub(crate) soup: TriangleSoup,
    /// Its navmesh.
    pub(crate) archive: NavArchive,
}

impl Field {
    /// Makes a field, or takes its navmesh from an earlier run.
    pub(crate) fn of(plan: Plan) -> Self {
        let settings = NavSettings::default();
        let soup = soup(&plan);
        let hash = soup.geometry_hash(&settings);
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("pathfinding-{hash:016x}.nav"));
        let kept = std::fs::read(&path).ok().and_then(|bytes| NavArchive::from_bytes_for(&bytes, hash).ok());
        let archive = kept.unwrap_or_else(|| {
            let archive = baked(&plan, &soup, &settings, 2);
            std::fs::write(&path, archive.to_bytes(hash)).expect("the target folder can be written");
            archive
        });
        Self { plan, soup, archive }
    }
}

/// Seconds that a field takes to bake on so many threads.
pub(crate) fn bake_seconds(plan: &Plan, threads: usize) -> f64 {
    let soup = soup(plan);
    let start = Instant::now();
    let archive = baked(plan, &soup, &NavSettings::default(), threads);
    assert!(!archive.tiles.is_empty(), "nothing was baked");
    start.elapsed().as_secs_f64()
}

fn soup(plan: &Plan) -> TriangleSoup {
    let assets = plan.assets();
    let scene = assets.scenes.by_name(SCENE).expect("it was just made");
    TriangleSoup::of_scene(&assets.scenes[scene])
}

/// Bakes with seeds in the open and in every courtyard, so that roofs are left out as in any scene.
fn baked(plan: &Plan, soup: &TriangleSoup, settings: &NavSettings, threads: usize) -> NavArchive {
    let mut draw = plan.draw("seeds");
    let open = (0..16).map(|_| place(&mut draw, plan.side_m / 2.0));
    let seeds = open.chain(plan.courtyards()).map(on_ground).collect();
    match bake(soup, settings, &BakeOptions { threads, seeds }) {
        Ok(baked) => baked.archive,
        Err(error) => panic!("the field cannot be baked: {error}"),
    }
}

/// A place on the ground.
pub(crate) fn on_ground(at: Vec2) -> Vec3 {
    Vec3::new(at.x, height_m(at), at.y)
}

/// A random place in a square around the origin.
pub(crate) fn place(draw: &mut Draw, half_m: f32) -> Vec2 {
    (Vec2::new(draw.unit(), draw.unit()) * 2.0 - 1.0) * half_m
}

/// Gently rolling ground: up to 4 m high and low, in waves of 150 to 200 m.
fn height_m(at: Vec2) -> f32 {
    3.0 * (at.x * 0.031).sin() * (at.y * 0.041).cos() + (at.x * 0.026 + at.y * 0.026).sin()
}
