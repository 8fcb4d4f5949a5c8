//! Movement by the server's rules: what an honest client gets, and that nobody gets more.

use glam::Vec2;
use sim::actor::{Motion, Position};
use sim::counters::{Counters, MOVE_REJECTED};
use sim::ids::SimId;
use sim::input::InputProgress;
use sim::locomotion::StepInput;
use sim::random::{Random, Stream};
use sim::testing::TestScene;

const EAST: Vec2 = Vec2::X;

fn rejected(scene: &TestScene, reason: &'static str) -> u64 {
    scene.scene.world().resource::<Counters>().count(MOVE_REJECTED, reason)
}

fn runs(count: usize) -> Vec<StepInput> {
    vec![StepInput { wish: EAST, walk: false }; count]
}

#[test]
fn an_honest_runner_reaches_the_profile_speed_and_is_never_refused() {
    let mut scene = TestScene::flat();
    let runner = scene.player_at(0.0, 0.0);
    for _ in 0..100 {
        scene.walk(runner, EAST);
        scene.tick();
    }
    let x = scene.position(runner).x;
    assert!((29.0..=30.0).contains(&x), "6 m/s for 5 s, less the start: {x}");
    assert_eq!(scene.get::<InputProgress>(runner).applied_sequence, 100);
    assert_eq!(scene.get::<InputProgress>(runner).forced_epoch, 1, "only the arrival was forced");
}

#[test]
fn a_player_who_lets_go_comes_to_rest() {
    let mut scene = TestScene::flat();
    let runner = scene.player_at(0.0, 0.0);
    for direction in [EAST; 20].into_iter().chain([Vec2::ZERO; 20]) {
        scene.walk(runner, direction);
        scene.tick();
    }
    assert_eq!(scene.get::<Motion>(runner).velocity, glam::Vec3::ZERO);
}

#[test]
fn a_wall_stops_a_runner_and_lets_it_slide_along() {
    let mut scene = TestScene::walled();
    let runner = scene.player_at(0.0, 0.0);
    for _ in 0..60 {
        scene.walk(runner, Vec2::new(1.0, 0.4));
        scene.tick();
    }
    let place = scene.position(runner);
    assert!((4.2..4.36).contains(&place.x), "the wall's face is at 4.75, the body's radius 0.4: {place}");
    assert!(place.z > 4.0, "it slid along the wall: {place}");
    assert_eq!(rejected(&scene, "wall"), 0, "an honest client that leans on a wall is not refused");
}

#[test]
fn believing_to_have_walked_through_a_wall_is_answered_with_a_forced_position() {
    let mut scene = TestScene::walled();
    let cheat = scene.player_at(4.0, 0.0);
    for sequence in 1..=20_u16 {
        scene.steps(cheat, u32::from(sequence), &runs(1), Vec2::new(4.0 + 0.3 * f32::from(sequence), 0.0));
        scene.tick();
    }
    assert!(scene.position(cheat).x < 4.36);
    assert!(rejected(&scene, "wall") > 0);
    assert!(scene.get::<InputProgress>(cheat).forced_epoch > 1);
}

#[test]
fn believing_to_have_jumped_is_answered_with_a_forced_position() {
    let mut scene = TestScene::flat();
    let cheat = scene.player_at(0.0, 0.0);
    scene.steps(cheat, 1, &runs(1), Vec2::new(200.0, 0.0));
    scene.tick();
    assert!(scene.position(cheat).x < 0.5);
    assert_eq!(rejected(&scene, "teleport"), 1);
}

#[test]
fn twice_as_many_steps_gain_nothing() {
    let mut scene = TestScene::flat();
    let cheat = scene.player_at(0.0, 0.0);
    let mut places = Vec::new();
    for tick in 0..400_u32 {
        let at = scene.get::<Position>(cheat).place();
        scene.steps(cheat, tick * 2 + 1, &runs(2), at);
        scene.tick();
        places.push(scene.position(cheat).x);
    }
    for window in places.windows(101) {
        let moved_m = window[100] - window[0];
        assert!(moved_m <= 6.0 * 5.0 * 1.02 + 0.01, "{moved_m} m in 5 s");
    }
    assert!(rejected(&scene, "speed") > 0);
}

#[test]
fn a_line_that_stalls_again_and_again_gains_nothing_by_coasting() {
    let mut scene = TestScene::flat();
    let runner = scene.player_at(0.0, 0.0);
    let (mut places, mut sent) = (Vec::new(), 0);
    for tick in 0..600_u32 {
        // 20 ticks of silence, in which the body coasts to a halt, and then all steps of that time within a few ticks.
        if tick % 24 >= 20 {
            let at = scene.get::<Position>(runner).place();
            let count = (tick - sent).min(6);
            scene.steps(runner, sent + 1, &runs(count as usize), at);
            sent += count;
        }
        scene.tick();
        places.push(scene.position(runner).x);
    }
    for window in places.windows(101) {
        let moved_m = window[100] - window[0];
        assert!(moved_m <= 6.0 * 5.0 * 1.02 + 0.01, "{moved_m} m in 5 s");
    }
    assert!(places.last().is_some_and(|x| *x > 100.0), "it came along: {places:?}");
}

#[test]
fn a_client_that_believes_to_be_twice_as_fast_is_refused() {
    let mut scene = TestScene::flat();
    let cheat = scene.player_at(0.0, 0.0);
    for sequence in 1..=40_u16 {
        scene.steps(cheat, u32::from(sequence), &runs(1), Vec2::new(0.6 * f32::from(sequence), 0.0));
        scene.tick();
    }
    assert!(rejected(&scene, "speed") > 0);
}

#[test]
fn repeated_and_reordered_steps_count_once() {
    let mut scene = TestScene::flat();
    let (runner, twin) = (scene.player_at(0.0, 0.0), scene.player_at(0.0, 50.0));
    for sequence in 1..=60_u32 {
        let at = scene.get::<Position>(runner).place();
        // Every datagram repeats what went before, and an old one comes late.
        let first = sequence.saturating_sub(5).max(1);
        scene.steps(runner, first, &runs((sequence - first + 1) as usize), at);
        scene.steps(runner, 1, &runs(1), at);
        scene.walk(twin, EAST);
        scene.tick();
    }
    assert_eq!(scene.position(runner).x.to_bits(), scene.position(twin).x.to_bits());
}

#[test]
fn a_client_at_the_end_of_its_numbers_stops_nobody() {
    let mut scene = TestScene::flat();
    let (cheat, honest) = (scene.player_at(0.0, 0.0), scene.player_at(0.0, 50.0));
    for first in [u32::MAX - 1, u32::MAX, 0, u32::MAX] {
        scene.steps(cheat, first, &runs(5), Vec2::ZERO);
        scene.walk(honest, EAST);
        scene.tick();
    }
    assert_eq!(scene.get::<InputProgress>(honest).applied_sequence, 4);
    assert!(scene.position(cheat).x < 1.5);
}

#[test]
fn an_honest_client_on_a_jittery_line_loses_no_step() {
    let mut scene = TestScene::flat();
    let (runner, steady) = (scene.player_at(0.0, 0.0), scene.player_at(0.0, 50.0));
    let random = Random::new(11);
    let (mut made, mut sent) = (0_u32, 0_u32);
    for tick in 1..=400 {
        made += 1;
        let late = random.draw(tick, SimId::new(1, 0), Stream("jitter"), 0).below(10) < 3;
        if !late || made - sent > 6 {
            // It predicts what a client on a steady line is granted.
            let predicted = scene.get::<Position>(steady).place() + Vec2::new(0.3, -50.0);
            scene.steps(runner, sent + 1, &runs((made - sent) as usize), predicted);
            sent = made;
        }
        scene.walk(steady, EAST);
        scene.tick();
    }
    assert_eq!(rejected(&scene, "speed"), 0);
    let behind_m = scene.position(steady).x - scene.position(runner).x;
    assert!(behind_m.abs() < 0.3 * 8.0, "{behind_m} m behind");
}

#[test]
fn ten_thousand_random_lies_never_put_anyone_through_a_wall_or_out_of_bounds() {
    let mut scene = TestScene::walled();
    let cheat = scene.player_at(4.0, 0.0);
    let random = Random::new(5);
    for tick in 1..=2_500_u32 {
        let mut draw = random.draw(tick, cheat, Stream("lies"), 0);
        let before = scene.position(cheat);
        for lie in 0..4 {
            let steps: Vec<StepInput> = (0..draw.below(6))
                .map(|_| StepInput { wish: Vec2::new(draw.unit() * 2.0 - 0.5, draw.unit() * 2.0 - 1.0), walk: false })
                .collect();
            let claim = Vec2::new(draw.unit() * 60.0 - 20.0, draw.unit() * 20.0 - 10.0);
            scene.steps(cheat, tick * 24 + lie * 6, &steps, claim);
        }
        scene.tick();
        let after = scene.position(cheat);
        // The wall spans z = -20 .. 20; who walks around its end may pass.
        if before.z.abs() < 19.0 && after.z.abs() < 19.0 {
            assert_eq!(before.x < 5.0, after.x < 5.0, "tick {tick}: {before} to {after}");
        }
        assert!(scene.config.geometry.contains(after.x, after.z) && after.is_finite());
        assert!(before.distance(after) <= 0.3 * 12.5, "tick {tick}: {before} to {after}");
    }
}

#[test]
fn height_follows_the_ground_and_a_cliff_is_not_climbed() {
    let hills = "[(
        id: \"scene/hills\", name: \"Hills\", bounds: (min: (-20.0, -20.0), max: (20.0, 20.0)),
        aoi: (enter_m: 60.0, leave_m: 70.0), players_max: 10,
        geometry: [
            Heightfield(min: (-20.0, -20.0), cell_m: 20.0, columns: 2, rows: 2,
                heights: Inline([0.0, 0.0, 8.0, 0.0, 0.0, 8.0, 0.0, 0.0, 8.0])),
            Box(center: (-10.0, 0.0, 0.0), size: (2.0, 4.0, 40.0)),
        ],
        spawn_points: [(id: \"spawn/a\", at: (0.0, 0.0), yaw_deg: 0.0, radius_m: 1.0)],
    )]";
    let assets = sim::testing::test_assets(&[("scenes/hills.ron", hills)]);
    let mut scene = TestScene::of(&assets, "scene/hills", 1, |_| {});
    let walker = scene.player_at(0.0, 0.0);
    for _ in 0..40 {
        scene.walk(walker, EAST);
        scene.tick();
        let place = scene.position(walker);
        assert!((place.y - place.x.max(0.0) * 0.4).abs() < 0.01, "{place} is not on the slope");
    }
    assert!(scene.position(walker).x > 8.0, "a slope of 22 degrees is climbed");
    scene.place(walker, -5.0, 0.0);
    for _ in 0..40 {
        scene.walk(walker, -EAST);
        scene.tick();
    }
    assert!(scene.position(walker).x > -9.0, "a box 2 m high is not climbed");
}

#[test]
fn who_steps_off_an_edge_falls_and_lands() {
    let ledge = "[(
        id: \"scene/ledge\", name: \"Ledge\", bounds: (min: (-20.0, -20.0), max: (20.0, 20.0)),
        aoi: (enter_m: 60.0, leave_m: 70.0), players_max: 10,
        geometry: [
            Heightfield(min: (-20.0, -20.0), cell_m: 20.0, columns: 2, rows: 2,
                heights: Inline([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])),
            Box(center: (-2.0, 2.5, 0.0), size: (4.0, 5.0, 4.0)),
        ],
        spawn_points: [(id: \"spawn/a\", at: (-10.0, 0.0), yaw_deg: 0.0, radius_m: 1.0)],
    )]";
    let assets = sim::testing::test_assets(&[("scenes/ledge.ron", ledge)]);
    let mut scene = TestScene::of(&assets, "scene/ledge", 1, |_| {});
    let walker = scene.player_at(-2.0, 0.0);
    assert!((scene.position(walker).y - 5.0).abs() < 0.01, "it stands on the box");
    let mut heights = Vec::new();
    for _ in 0..60 {
        scene.walk(walker, EAST);
        scene.tick();
        heights.push(scene.position(walker).y);
    }
    assert!(heights.iter().any(|&y| (1.0..4.0).contains(&y)), "it takes time to fall");
    assert!(heights.windows(2).all(|pair| pair[1] <= pair[0] + 1e-3), "a fall only goes down");
    assert!(heights.last().is_some_and(|&y| y.abs() < 0.01), "it lands");
}

#[test]
fn leaving_and_coming_back_is_no_way_to_run() {
    use sim::input::{Character, SceneInput, SceneOutput};
    let mut scene = TestScene::flat();
    let mut cheat = scene.player_at(0.0, 0.0);
    let player = scene.player_of(cheat).0;
    let mut places = Vec::new();
    for _ in 0..60 {
        let at = scene.get::<Position>(cheat).place();
        scene.steps(cheat, 1, &runs(12), at);
        scene.tick();
        places.push(scene.position(cheat).x);
        scene.scene.push(SceneInput::Leave { player });
        scene.tick();
        let Some(SceneOutput::Departed { character, .. }) = scene.scene.take_outputs().pop() else { panic!("it left") };
        assert_ne!(character, Character::default());
        scene.scene.push(SceneInput::Join { player, character, spawn_point: None });
        scene.tick();
        cheat = scene.scene.world().resource::<sim::input::Players>().0[&sim::ids::PlayerId(player)].0;
        places.push(scene.position(cheat).x);
        places.push(scene.position(cheat).x);
    }
    for window in places.windows(101) {
        let moved_m = window[100] - window[0];
        assert!(moved_m <= 6.0 * 5.0 * 1.02 + 0.01, "{moved_m} m in 5 s");
    }
}

/// A slope of 60 degrees that rises towards +x from a level place, 34 m high.
const SLOPE: &str = "[(
    id: \"scene/slope\", name: \"Slope\", bounds: (min: (-20.0, -20.0), max: (40.0, 20.0)),
    aoi: (enter_m: 60.0, leave_m: 70.0), players_max: 10,
    geometry: [Heightfield(min: (-20.0, -20.0), cell_m: 20.0, columns: 3, rows: 2, heights: Inline([
        0.0, 0.0, 34.641, 34.641,
        0.0, 0.0, 34.641, 34.641,
        0.0, 0.0, 34.641, 34.641,
    ]))],
    spawn_points: [(id: \"spawn/a\", at: (-10.0, 0.0), yaw_deg: 0.0, radius_m: 1.0)],
)]";

#[test]
fn going_to_and_fro_on_a_slope_that_is_too_steep_gains_no_height() {
    let assets = sim::testing::test_assets(&[("scenes/slope.ron", SLOPE)]);
    for uphill in [0.01, 0.015, 0.03, 0.06, 0.2, 1.0] {
        let mut scene = TestScene::of(&assets, "scene/slope", 1, |_| {});
        let climber = scene.player_at(5.0, 0.0);
        let start_m = scene.position(climber).y;
        for tick in 0..400 {
            let side = if tick / 40 % 2 == 0 { 1.0 } else { -1.0 };
            scene.walk(climber, Vec2::new(uphill, side).normalize());
            scene.tick();
        }
        let gained_m = scene.position(climber).y - start_m;
        assert!(gained_m < 0.05, "{gained_m} m in 20 s, {uphill} uphill to 1 sideways");
    }
}

#[test]
fn a_walker_against_a_slope_that_is_too_steep_goes_along_it() {
    let assets = sim::testing::test_assets(&[("scenes/slope.ron", SLOPE)]);
    let mut scene = TestScene::of(&assets, "scene/slope", 1, |_| {});
    let walker = scene.player_at(-2.0, -10.0);
    for _ in 0..80 {
        scene.walk(walker, Vec2::new(1.0, 1.0).normalize());
        scene.tick();
    }
    let place = scene.position(walker);
    assert!(place.x < 0.5 && place.z > 0.0, "it went along the foot of the slope: {place}");
}

/// Level ground up to x = 19; then a chasm of 3 m (`scene/chasm`) or a cliff of 8 m (`scene/cliff`), and level ground.
const BREAKS: &str = "[
    (
        id: \"scene/chasm\", name: \"Chasm\", bounds: (min: (0.0, 0.0), max: (40.0, 40.0)),
        aoi: (enter_m: 60.0, leave_m: 70.0), players_max: 10,
        geometry: [
            Box(center: (9.5, -0.5, 20.0), size: (19.0, 1.0, 40.0)), Box(center: (31.0, -0.5, 20.0), size: (18.0, 1.0, 40.0)),
            Box(center: (20.0, -20.5, 20.0), size: (40.0, 1.0, 40.0)),
        ],
        spawn_points: [(id: \"spawn/a\", at: (10.0, 20.0), yaw_deg: 0.0, radius_m: 1.0)],
    ),
    (
        id: \"scene/cliff\", name: \"Cliff\", bounds: (min: (0.0, 0.0), max: (40.0, 3.0)),
        aoi: (enter_m: 60.0, leave_m: 70.0), players_max: 10,
        geometry: [Heightfield(min: (0.0, 0.0), cell_m: 3.0, columns: 13, rows: 1, heights: Inline([
            0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0,
            0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0,
        ]))],
        spawn_points: [(id: \"spawn/a\", at: (10.0, 1.5), yaw_deg: 0.0, radius_m: 1.0)],
    ),
]";

/// A scene of [`BREAKS`] with its navmesh, half a metre from each edge.
fn broken(scene: &str, beyond_m: f32, height_m: f32) -> TestScene {
    let assets = sim::testing::test_assets(&[("scenes/breaks.ron", BREAKS)]);
    let mut config = TestScene::of(&assets, scene, 1, |_| {}).config;
    let [near, far] = [([0.0, 18.5], 0.0), ([beyond_m, 40.0], height_m)].map(|(x, y)| (x, [0.0, 40.0], y, 0));
    config.navmesh = Some(std::sync::Arc::new(crate::doors::mesh_of(0, &[near, far])));
    TestScene::from_config(config, |_| {})
}

#[test]
fn believing_to_be_beyond_a_chasm_or_on_a_cliff_is_answered_with_a_forced_position() {
    for (name, z, beyond_m, height_m) in [("scene/chasm", 20.0, 22.5, 0.0), ("scene/cliff", 1.5, 21.5, 8.0)] {
        let mut scene = broken(name, beyond_m, height_m);
        let cheat = scene.player_at(18.2, z);
        scene.steps(cheat, 1, &[StepInput::default()], Vec2::new(22.6, z));
        scene.tick();
        assert_eq!(rejected(&scene, "surface"), 1, "{name}");
        assert_eq!(rejected(&scene, "wall"), 0, "{name}: nothing stands in the way");
        assert!((scene.position(cheat).x - 18.2).abs() < 0.1 && scene.get::<InputProgress>(cheat).forced_epoch > 1);
    }
}

#[test]
fn believing_to_be_elsewhere_on_the_same_ground_is_not_refused() {
    for (x, claim) in [(18.2, (15.0, 20.0)), (18.9, (18.9, 24.0)), (14.0, (18.6, 20.5))] {
        let mut scene = broken("scene/chasm", 22.5, 0.0);
        let late = scene.player_at(x, 20.0);
        scene.steps(late, 1, &[StepInput::default()], Vec2::from(claim));
        scene.tick();
        assert_eq!(rejected(&scene, "surface"), 0, "from {x} to {claim:?}");
    }
}
