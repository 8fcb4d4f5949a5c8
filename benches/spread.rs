//! A crowd in which everyone has about as many others within sight as asked for: how large its square is, and a flat scene
//! with room for it, which is larger than one cell of a height field may be.

use glam::Vec2;
use sim::ids::SimId;
use sim::random::{Random, Stream};

/// How far everyone sees, in metres, halfway between the radii.
pub(crate) const SIGHT_M: f32 = 62.0;
/// The side of a cell of the ground, in metres, at most.
const CELL_M_MAX: f32 = 1_000.0;

/// Half the side, in metres, of a square in which `count` evenly spread entities have `in_view` others within sight. The
/// chance that two of them are within `r` of each other, in sides of the square, is `pi r^2 - 8 r^3 / 3 + r^4 / 2`.
pub(crate) fn half_side_m(count: f64, in_view: f64) -> f32 {
    let seen = |side_m: f64| {
        let r = f64::from(SIGHT_M) / side_m;
        count * (std::f64::consts::PI * r * r - 8.0 * r.powi(3) / 3.0 + r.powi(4) / 2.0)
    };
    let (mut low, mut high) = (f64::from(SIGHT_M), 100_000.0);
    while high - low > 0.1 {
        let middle = f64::midpoint(low, high);
        if seen(middle) > in_view { low = middle } else { high = middle }
    }
    #[allow(clippy::cast_possible_truncation, reason = "some kilometres")]
    let half_m = (low / 2.0) as f32;
    half_m
}

/// The scene `scene/bench`, in which everyone sees others from 60 m and loses them at 65 m, as game data: flat ground from
/// `-half_m` to `half_m` both ways, in cells of a kilometre or less.
pub(crate) fn scene(half_m: f32, players_max: u32) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few dozen")]
    let cells = (half_m * 2.0 / CELL_M_MAX).ceil() as usize;
    #[allow(clippy::cast_precision_loss, reason = "a few dozen")]
    let cell_m = half_m * 2.0 / cells as f32;
    let heights = vec!["0.0"; (cells + 1) * (cells + 1)].join(", ");
    format!(
        r#"[(
            id: "scene/bench", name: "Bench", bounds: (min: (-{half_m:.1}, -{half_m:.1}), max: ({half_m:.1}, {half_m:.1})),
            aoi: (enter_m: 60.0, leave_m: 65.0), players_max: {players_max},
            geometry: [Heightfield(
                min: (-{half_m:.1}, -{half_m:.1}), cell_m: {cell_m:.4}, columns: {cells}, rows: {cells},
                heights: Inline([{heights}]),
            )],
            spawn_points: [(id: "spawn/middle", at: (0.0, 0.0), yaw_deg: 0.0, radius_m: 5.0)],
        )]"#
    )
}

/// Where number `number` stands.
pub(crate) fn place(number: u32, half_m: f32) -> Vec2 {
    let mut draw = Random::new(1).draw(0, SimId::new(number, 0), Stream("place"), 0);
    Vec2::new(draw.unit() * 2.0 - 1.0, draw.unit() * 2.0 - 1.0) * half_m
}
