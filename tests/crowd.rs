//! Crowds on the navmesh: whoever is sent somewhere arrives or says why, nobody ends inside a wall or another, the
//! path service keeps to its budget, and the same play has the same hashes. The scenes are baked as real ones are.

use std::sync::{Arc, OnceLock};

use glam::{Vec2, Vec3};
use sim::actor::{Actor, Position, Profile};
use sim::features::monsters::Brain;
use sim::features::navigation::{Goal, NODES_PER_TICK_MAX, PathService, StuckReason, Walk, WalkStatus, WalkTo};
use sim::ids::SimId;
use sim::locomotion::body_shape;
use sim::random::{Random, Stream};
use sim::scene::{SceneConfig, SceneNavmesh};
use sim::space::Geometry;
use sim::space::navmesh::Navmesh;
use sim::space::triangles::TriangleSoup;
use sim::testing::{TestScene, test_assets};

/// Radius of the body of every walker here, in metres.
const RADIUS_M: f32 = 0.4;

/// A scene of the tests' game data with a navmesh baked from its geometry, as the server bakes it.
pub(crate) fn baked(more: &[(&str, &str)], scene: &str, seed: u64) -> TestScene {
    TestScene::from_config(baked_config(test_assets(more), scene, seed), |_| {})
}

fn baked_config(assets: Arc<sim::assets::Assets>, name: &str, seed: u64) -> SceneConfig {
    let scene = assets.scenes.by_name(name).expect("the scene is in the game data");
    let geometry = Geometry::build(&assets.scenes[scene]).expect("the geometry is good");
    let soup = TriangleSoup::of_scene(&assets.scenes[scene]);
    let settings = navbake::scene_settings(&assets, scene);
    let options = navbake::BakeOptions { threads: 1, seeds: Vec::new() };
    let baked = navbake::bake(&soup, &settings, &options).expect("the scene can be baked");
    let mesh = Navmesh::assemble(&baked.archive).expect("what was baked is a mesh");
    SceneConfig { scene, seed, assets, geometry: Arc::new(geometry), navmesh: Some(Arc::new(mesh)) }
}

/// The real field with its navmesh, baked once for all tests.
pub(crate) fn field_config(seed: u64) -> SceneConfig {
    static FIELD: OnceLock<SceneConfig> = OnceLock::new();
    let bake = || {
        let assets = server::assets::load(None).expect("the embedded assets are good");
        baked_config(assets, "scene/field", 0)
    };
    SceneConfig { seed, ..FIELD.get_or_init(bake).clone() }
}

/// A body that walks where it is sent and has no mind of its own.
pub(crate) fn walker(scene: &mut TestScene, x: f32, z: f32) -> SimId {
    let id = scene.monster_at("monster/dummy", x, z);
    let entity = scene.entity(id);
    scene.scene.world_mut().entity_mut(entity).remove::<Brain>();
    id
}

pub(crate) fn send(scene: &mut TestScene, id: SimId, goal: Goal) {
    let entity = scene.entity(id);
    scene.scene.world_mut().entity_mut(entity).insert(WalkTo(Some(goal)));
}

pub(crate) fn status(scene: &TestScene, id: SimId) -> WalkStatus {
    scene.get::<Walk>(id).status()
}

/// A floor of 80 m x 60 m with a wall along x = 0 and a gap of 3 m in its middle.
const GAP: [(&str, &str); 1] = [(
    "scenes/gap.ron",
    r#"[(
        id: "scene/gap", name: "Gap", bounds: (min: (-40.0, -30.0), max: (40.0, 30.0)),
        aoi: (enter_m: 60.0, leave_m: 70.0), players_max: 10,
        geometry: [
            Box(center: (0.0, -0.5, 0.0), size: (80.0, 1.0, 60.0)),
            Box(center: (0.0, 1.5, -15.75), size: (1.0, 3.0, 28.5)),
            Box(center: (0.0, 1.5, 15.75), size: (1.0, 3.0, 28.5)),
        ],
        spawn_points: [(id: "spawn/a", at: (-20.0, 0.0), radius_m: 1.0)],
    )]"#,
)];

/// Sends walkers from one side of the gap to one point on the other.
fn through_the_gap(count: u32) -> (TestScene, Vec<SimId>) {
    let mut scene = baked(&GAP, "scene/gap", 5);
    let place = |index: u32| Vec2::new(-34.0 + (index % 25) as f32, -19.0 + (index / 25) as f32 * 1.9);
    let ids: Vec<SimId> = (0..count).map(|index| walker(&mut scene, place(index).x, place(index).y)).collect();
    for &id in &ids {
        send(&mut scene, id, Goal::run(Vec3::new(20.0, 0.0, 0.0), 0.5));
    }
    (scene, ids)
}

/// Bodies that stand inside something.
fn inside_geometry(scene: &mut TestScene) -> Vec<Vec3> {
    let (assets, geometry) = (scene.config.assets.clone(), scene.config.geometry.clone());
    let world = scene.scene.world_mut();
    let mut bodies = world.query_filtered::<(&Position, &Profile), bevy_ecs::prelude::With<Actor>>();
    let inside = bodies.iter(world).filter(|(position, profile)| {
        // Touching is allowed: a body is set off by a centimetre from what it slides along.
        let shape = body_shape(&assets.movements[profile.0]);
        let slim = sim::space::geometry::BodyShape { radius_m: shape.radius_m - 0.02, ..shape };
        !geometry.is_free(position.0, slim)
    });
    inside.map(|(position, _)| position.0).collect()
}

fn nearest_pair_m(scene: &TestScene, ids: &[SimId]) -> f32 {
    let places: Vec<Vec3> = ids.iter().map(|&id| scene.position(id)).collect();
    let pairs = (0..places.len()).flat_map(|one| (0..one).map(move |other| (one, other)));
    pairs.map(|(one, other)| places[one].distance(places[other])).fold(f32::INFINITY, f32::min)
}

#[test]
fn five_hundred_sent_to_one_point_through_a_gap_of_3_m_arrive_or_say_why() {
    let (mut scene, ids) = through_the_gap(500);
    let under_way = |scene: &TestScene| {
        let of = |id: &&SimId| matches!(status(scene, **id), WalkStatus::Walking | WalkStatus::Waiting);
        ids.iter().filter(of).count()
    };
    let mut ticks = 0;
    while ticks < 20 * 300 && (ticks == 0 || under_way(&scene) > 0) {
        scene.ticks(20);
        ticks += 20;
        assert_eq!(inside_geometry(&mut scene), Vec::<Vec3>::new(), "tick {ticks}");
    }
    scene.ticks(100);
    let count = |want: WalkStatus| ids.iter().filter(|&&id| status(&scene, id) == want).count();
    let crowded = count(WalkStatus::Stuck { reason: StuckReason::Crowded });
    let arrived = count(WalkStatus::Arrived);
    println!("{arrived} arrived and {crowded} were crowded out after {} s", ticks / 20);
    assert_eq!(arrived + crowded, 500, "everyone has an answer");
    assert!(arrived >= 490, "{arrived} arrived");
    assert!(nearest_pair_m(&scene, &ids) >= 2.0 * RADIUS_M - 0.05, "{}", nearest_pair_m(&scene, &ids));
    assert_eq!(inside_geometry(&mut scene), Vec::<Vec3>::new());
    let far = ids.iter().filter(|&&id| status(&scene, id) == WalkStatus::Arrived);
    let farthest_m = far.map(|&id| scene.position(id).distance(Vec3::new(20.0, 0.0, 0.0))).fold(0.0, f32::max);
    assert!(farthest_m < 20.0, "they stand about the point: {farthest_m}");
}

#[test]
fn the_same_crowd_twice_has_the_same_hashes() {
    let hashes = || {
        let (mut scene, _) = through_the_gap(120);
        (0..300)
            .map(|_| {
                scene.tick();
                scene.hash()
            })
            .collect::<Vec<_>>()
    };
    let (first, second) = (hashes(), hashes());
    let differs = first.iter().zip(&second).position(|(a, b)| a != b);
    assert_eq!(differs, None, "the first tick that differs, less one");
}

/// The gap with a door in it, which stands open.
fn gate() -> TestScene {
    let (_, text) = GAP[0];
    let door =
        r#"doors: [(id: "door/gate", center: (0.0, 1.5, 0.0), size: (1.0, 3.0, 3.0), open: true)], spawn_points:"#;
    let text = text.replace("scene/gap", "scene/gate").replace("spawn_points:", door);
    baked(&[("scenes/gate.ron", &text)], "scene/gate", 5)
}

/// Swaps the navmesh for one with the door open or closed, as the doors do.
fn work_door(scene: &mut TestScene, open: bool) {
    let mesh = scene.scene.world().resource::<SceneNavmesh>().0.clone().expect("there is a mesh");
    scene.scene.world_mut().insert_resource(SceneNavmesh(Some(Arc::new(mesh.with_door(0, open)))));
}

#[test]
fn a_door_that_closes_in_front_of_a_walker_ends_its_walk_and_one_that_opens_begins_it_again() {
    let mut scene = gate();
    let id = walker(&mut scene, -20.0, 10.0);
    send(&mut scene, id, Goal::run(Vec3::new(20.0, 0.0, 10.0), 0.5));
    scene.ticks(20);
    assert_eq!(status(&scene, id), WalkStatus::Walking);
    work_door(&mut scene, false);
    scene.tick();
    assert_eq!(status(&scene, id), WalkStatus::Unreachable);
    let place = scene.position(id);
    scene.ticks(40);
    assert!(scene.position(id).distance(place) < 1.5, "it comes to rest");
    work_door(&mut scene, true);
    scene.ticks(20 * 8);
    assert_eq!(status(&scene, id), WalkStatus::Arrived);
}

#[test]
fn whoever_cannot_move_says_so_after_10_seconds() {
    let mut scene = baked(&GAP, "scene/gap", 5);
    let id = walker(&mut scene, -20.0, 0.0);
    send(&mut scene, id, Goal::run(Vec3::new(20.0, 0.0, 0.0), 0.5));
    for _ in 0..230 {
        scene.tick();
        // Whatever it does, it is back where it was.
        scene.place(id, -20.0, 0.0);
    }
    assert_eq!(status(&scene, id), WalkStatus::Stuck { reason: StuckReason::Blocked });
}

#[test]
fn a_walker_goes_round_a_player_who_stands_in_its_way_and_does_not_push_them() {
    let mut scene = baked(&GAP, "scene/gap", 5);
    let (player, id) = (scene.player_at(-20.0, 0.0), walker(&mut scene, -30.0, 0.0));
    send(&mut scene, id, Goal::run(Vec3::new(-8.0, 0.0, 0.0), 0.5));
    let mut nearest_m = f32::INFINITY;
    for _ in 0..120 {
        scene.tick();
        nearest_m = nearest_m.min(scene.position(id).distance(scene.position(player)));
    }
    assert_eq!(status(&scene, id), WalkStatus::Arrived);
    assert_eq!(scene.position(player), Vec3::new(-20.0, 0.0, 0.0));
    assert!(nearest_m > 2.0 * RADIUS_M - 0.1, "{nearest_m}");
}

#[test]
fn a_walker_sleeps_again_when_it_has_arrived() {
    let mut scene = baked(&GAP, "scene/gap", 5);
    let id = walker(&mut scene, -20.0, 0.0);
    send(&mut scene, id, Goal::walk(Vec3::new(-10.0, 0.0, 0.0), 0.5));
    scene.ticks(150);
    assert_eq!(status(&scene, id), WalkStatus::Arrived);
    let place = scene.position(id);
    scene.ticks(100);
    assert_eq!(scene.position(id), place);
}

/// A field of 200 m x 200 m with 400 boxes of 2 to 6 m, seeded.
fn boxes(seed: u64) -> String {
    let mut draw = Random::new(seed).draw(0, SimId::new(1, 0), Stream("boxes"), 0);
    let mut text = String::new();
    for row in 0..20 {
        for column in 0..20 {
            let (x, z) = (-95.0 + f64::from(column) * 10.0, -95.0 + f64::from(row) * 10.0);
            let (width, depth, yaw) = (2.0 + draw.unit() * 4.0, 2.0 + draw.unit() * 4.0, draw.unit() * 90.0);
            text += &format!("Box(center: ({x}, 1.5, {z}), size: ({width}, 3.0, {depth}), yaw_deg: {yaw}),\n");
        }
    }
    format!(
        "[(id: \"scene/boxes\", name: \"Boxes\", bounds: (min: (-100.0, -100.0), max: (100.0, 100.0)),
        aoi: (enter_m: 60.0, leave_m: 70.0), players_max: 10,
        geometry: [Box(center: (0.0, -0.5, 0.0), size: (200.0, 1.0, 200.0)), {text}],
        spawn_points: [(id: \"spawn/a\", at: (0.0, 0.0), radius_m: 1.0)])]"
    )
}

#[test]
fn two_thousand_walkers_to_fifty_goals_are_served_within_the_budget_and_within_a_second() {
    let text = boxes(3);
    let mut scene = baked(&[("scenes/boxes.ron", &text)], "scene/boxes", 1);
    let mut draw = Random::new(9).draw(0, SimId::new(1, 0), Stream("places"), 0);
    // The middles of the lanes between the boxes are free.
    let mut lane = || Vec2::new(draw.below(18) as f32 * 10.0 - 90.0, draw.below(18) as f32 * 10.0 - 90.0);
    let goals: Vec<Vec2> = (0..50).map(|_| lane()).collect();
    let ids: Vec<SimId> = (0..2_000)
        .map(|_| {
            let place = lane();
            walker(&mut scene, place.x, place.y)
        })
        .collect();
    for (index, &id) in ids.iter().enumerate() {
        let goal = goals[index % goals.len()];
        send(&mut scene, id, Goal::run(Vec3::new(goal.x, 0.0, goal.y), 1.0));
    }
    let mut waited = 0;
    for tick in 0..20 {
        scene.tick();
        let stats = scene.scene.world().resource::<PathService>().stats();
        assert!(stats.nodes <= NODES_PER_TICK_MAX, "tick {tick}: {stats:?}");
        waited += u32::from(stats.waiting > 0);
    }
    assert!(waited > 0, "the budget is felt");
    let without = ids.iter().filter(|&&id| status(&scene, id) == WalkStatus::Waiting).count();
    assert_eq!(without, 0, "all have their paths after a second");
    assert!(ids.iter().all(|&id| status(&scene, id) != WalkStatus::Unreachable));
}
