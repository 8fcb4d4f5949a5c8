//! Doors: what a closed one stops, who may work one, who sees it worked, and that neither a replay nor a client's
//! prediction comes to anything else than the scene.

use std::sync::Arc;

use glam::{Vec2, Vec3};
use net::client::ClientSession;
use net::mailbox::{SessionId, TaskEnd, mailbox};
use net::sessions::{self, Join};
use sim::actor::Kind;
use sim::assets::{Assets, SceneDef};
use sim::counters::{COMMAND_REJECTED, Counters, DOORS, MOVE_REJECTED};
use sim::features::doors::{BELATED_TICKS, DoorState};
use sim::features::skills::CastCommand;
use sim::ids::{PlayerId, SimId};
use sim::input::{Character, InputProgress, Players, SceneInput};
use sim::intent::CastTarget;
use sim::locomotion::{Mover, StepInput, body_shape, step};
use sim::log::{LogHeader, LogReader, LogWriter};
use sim::replicated::Replicate;
use sim::scene::{SceneGeometry, SceneNavmesh};
use sim::space::Geometry;
use sim::space::navmesh::archive::TilePolygon;
use sim::space::navmesh::{NavArchive, NavPoint, NavSettings, Navmesh, Path, PathStatus, Search, TileMesh};
use sim::testing::{TestScene, test_assets};
use sim::wire::Reader;

const EAST: Vec2 = Vec2::X;
const GATE: u16 = 0;
/// Half a metre of wall along x = 20, right across the scene, with a gate of 4 m in its middle.
const YARD: &str = "[(
    id: \"scene/yard\", name: \"Yard\", bounds: (min: (0.0, 0.0), max: (120.0, 40.0)),
    aoi: (enter_m: 60.0, leave_m: 70.0), players_max: 10,
    geometry: [
        Heightfield(min: (0.0, 0.0), cell_m: 40.0, columns: 3, rows: 1,
            heights: Inline([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])),
        Boxes(size: (0.5, 3.0, 18.0), at: [(20.0, 1.5, 9.0), (20.0, 1.5, 31.0)]),
    ],
    doors: [(id: \"door/gate\", center: (20.0, 1.5, 20.0), size: (0.3, 3.0, 4.0))],
    spawn_points: [(id: \"spawn/west\", at: (10.0, 20.0), yaw_deg: 0.0, radius_m: 1.0)],
)]";

fn yard_assets() -> Arc<Assets> {
    test_assets(&[("scenes/yard.ron", YARD)])
}

fn yard_def(assets: &Assets) -> &SceneDef {
    &assets.scenes[assets.scenes.by_name("scene/yard").expect("the yard is there")]
}

/// The yard with its navmesh.
fn yard() -> TestScene {
    let mut config = TestScene::of(&yard_assets(), "scene/yard", 1, |_| {}).config;
    config.navmesh = Some(Arc::new(yard_mesh()));
    TestScene::from_config(config, |_| {})
}

fn yard_mesh() -> Navmesh {
    let strips = [([0.0, 19.25], [0.0, 40.0], 0), ([19.25, 20.75], [18.5, 21.5], 1), ([20.75, 60.0], [0.0, 40.0], 0)];
    mesh_of(1, &strips.map(|(x, z, area)| (x, z, 0.0, area)))
}

/// A level rectangle of a navmesh: from and to in x, from and to in z, height, area.
pub(crate) type Rectangle = ([f32; 2], [f32; 2], f32, u16);

/// A navmesh of rectangles, all in one tile of 64 m.
pub(crate) fn mesh_of(door_count: u16, rectangles: &[Rectangle]) -> Navmesh {
    let mut tile = TileMesh::default();
    for &([x, x_to], [z, z_to], y, area) in rectangles {
        let first = u32::try_from(tile.vertices.len()).expect("a few");
        tile.vertices.extend([[x, y, z], [x, y, z_to], [x_to, y, z_to], [x_to, y, z]]);
        tile.indices.extend(first..first + 4);
        tile.polygons.push(TilePolygon { first_index: first, corner_count: 4, area });
    }
    let settings = NavSettings { tile_cells: 256, ..NavSettings::default() };
    let archive = NavArchive { settings, door_count, tiles: vec![tile] };
    Navmesh::assemble(&archive).unwrap_or_else(|error| panic!("{error}"))
}

fn work_door(scene: &mut TestScene, who: SimId) {
    let skill = scene.config.assets.skills.by_name("skill/work_door").expect("the test data have it");
    scene.command(who, &CastCommand { skill, target: CastTarget::Caster });
    scene.tick();
}

fn gate(scene: &TestScene) -> DoorState {
    let mut found = scene.scene.world().try_query::<&DoorState>().expect("there are doors");
    *found.single(scene.scene.world()).expect("there is one door")
}

fn is_open_everywhere(scene: &TestScene) -> bool {
    let world = scene.scene.world();
    let mesh = world.resource::<SceneNavmesh>().0.clone().expect("the yard has a navmesh");
    let states = [gate(scene).open, world.resource::<SceneGeometry>().0.is_door_open(GATE), mesh.is_door_open(GATE)];
    assert!(states.iter().all(|&open| open == states[0]), "door, geometry and navmesh disagree: {states:?}");
    states[0]
}

fn count(scene: &TestScene, metric: &'static str, label: &'static str) -> u64 {
    scene.scene.world().resource::<Counters>().count(metric, label)
}

fn run_east(scene: &mut TestScene, who: SimId, ticks: u32) -> Vec3 {
    for _ in 0..ticks {
        scene.walk(who, EAST);
        scene.tick();
    }
    scene.position(who)
}

#[test]
fn a_closed_door_stops_a_runner_until_it_is_opened() {
    let mut scene = yard();
    let runner = scene.player_at(17.0, 20.0);
    let place = run_east(&mut scene, runner, 60);
    assert!((19.3..19.5).contains(&place.x), "the door's face is at 19.85, the body's radius 0.4: {place}");
    work_door(&mut scene, runner);
    assert!(is_open_everywhere(&scene));
    let place = run_east(&mut scene, runner, 60);
    assert!(place.x > 25.0, "{place}");
    assert_eq!(count(&scene, MOVE_REJECTED, "wall"), 0);
}

#[test]
fn a_closed_door_hides_carries_and_fills_its_place_and_an_open_one_does_not() {
    let assets = yard_assets();
    let closed = Geometry::build(yard_def(&assets)).expect("the yard can be built");
    let open = closed.with_door(GATE, true);
    let body = body_shape(&assets.movements[assets.movements.by_name("move/test").expect("it is there")]);
    let (west, east) = (Vec3::new(15.0, 1.5, 20.0), Vec3::new(25.0, 1.5, 20.0));
    let within = Vec3::new(20.0, 0.0, 20.0);
    assert!(!closed.line_is_clear(west, east) && open.line_is_clear(west, east));
    assert!(!closed.is_free(within, body) && open.is_free(within, body));
    assert!(closed.sweep(Vec3::new(18.0, 0.0, 20.0), Vec3::X * 4.0, body).is_some());
    assert!(open.sweep(Vec3::new(18.0, 0.0, 20.0), Vec3::X * 4.0, body).is_none());
    assert_eq!(closed.top(20.0, 20.0).map(|ground| ground.height_m), Some(3.0));
    assert_eq!(open.top(20.0, 20.0).map(|ground| ground.height_m), Some(0.0));
    assert!(!closed.is_door_open(GATE), "the one before is as it was");
    assert!(open.with_door(GATE, false).line_is_clear(west, Vec3::new(19.0, 1.5, 20.0)));
}

#[test]
fn a_closed_door_stops_a_path_and_an_open_one_does_not() {
    let mesh = yard_mesh();
    let at = |mesh: &Navmesh, x: f32| -> NavPoint {
        mesh.nearest(Vec3::new(x, 0.0, 20.0), Vec3::splat(1.0)).expect("the mesh is there")
    };
    let find = |mesh: &Navmesh| {
        let (mut search, mut path) = (Search::default(), Path::default());
        let status = mesh.find_path(&mut search, at(mesh, 5.0), at(mesh, 35.0), 1_000, &mut path);
        (status, path.corners.last().map_or(0.0, |end| end.x))
    };
    assert_eq!(find(&mesh), (PathStatus::Complete, 35.0));
    let (status, end) = find(&mesh.with_door(GATE, false));
    assert_eq!(status, PathStatus::Unreachable);
    assert!((end - 19.25).abs() < 0.01, "the way ends before the door: {end}");
    assert_eq!(find(&mesh.with_door(GATE, false).with_door(GATE, true)).0, PathStatus::Complete);
}

#[test]
fn a_scene_begins_with_its_doors_as_the_data_say() {
    let mut scene = yard();
    assert!(!is_open_everywhere(&scene));
    scene.tick();
    let mut kinds = scene.scene.world().try_query::<&Kind>().expect("there are kinds");
    assert!(kinds.iter(scene.scene.world()).any(|kind| *kind == Kind::Door(u32::from(GATE))));
}

#[test]
fn a_door_is_worked_within_reach_and_never_through_a_wall() {
    let mut scene = yard();
    let (far, near) = (scene.player_at(17.0, 20.0), scene.player_at(18.2, 20.0));
    let around_the_corner = scene.player_at(20.75, 17.6);
    work_door(&mut scene, far);
    assert_eq!(count(&scene, COMMAND_REJECTED, "no_door"), 1, "2.85 m away, and arms reach 2 m");
    assert!(!is_open_everywhere(&scene));
    work_door(&mut scene, near);
    assert!(is_open_everywhere(&scene));
    scene.ticks(2);
    work_door(&mut scene, around_the_corner);
    assert_eq!(count(&scene, COMMAND_REJECTED, "no_door"), 2, "the wall's end stands before it");
    assert_eq!((count(&scene, DOORS, "opened"), count(&scene, DOORS, "closed")), (1, 0));
}

#[test]
fn a_door_does_not_close_onto_a_body() {
    let mut scene = yard();
    let porter = scene.player_at(18.5, 20.0);
    work_door(&mut scene, porter);
    let loiterer = scene.monster_at("monster/dummy", 20.2, 21.0);
    scene.ticks(2);
    work_door(&mut scene, porter);
    assert!(is_open_everywhere(&scene), "somebody stands in it");
    assert_eq!(count(&scene, DOORS, "blocked"), 1);
    scene.place(loiterer, 23.0, 20.0);
    scene.ticks(2);
    work_door(&mut scene, porter);
    assert!(!is_open_everywhere(&scene));
}

#[test]
fn a_log_with_doors_worked_replays_to_the_same_hashes() {
    let mut scene = yard();
    let config = scene.config.clone();
    let bytes = recorded(&mut scene);
    assert!(count(&scene, DOORS, "opened") > 0 && count(&scene, DOORS, "closed") > 0, "it was worked both ways");
    let mut again = TestScene::from_config(config, |_| {});
    for record in LogReader::open(&bytes).expect("the log is complete").ticks() {
        record.inputs.iter().for_each(|input| again.scene.push(input.clone()));
        again.tick();
        for ((name, hash), recorded) in again.hash().into_iter().zip(&record.hashes) {
            assert_eq!(hash, *recorded, "tick {}, {name}", record.tick);
        }
    }
}

/// The log of somebody who runs to and fro through the gate and works it once a second.
fn recorded(scene: &mut TestScene) -> Vec<u8> {
    let subsystems = scene.hash().iter().map(|&(name, _)| name.to_owned()).collect();
    let (name, assets_hash) = (scene.scene.name().to_owned(), scene.config.assets.hash);
    let (mut writer, mut bytes) =
        LogWriter::new(&LogHeader { scene: name, seed: scene.config.seed, assets_hash, subsystems });
    let character = Character { name: "porter".into(), class: "class/fighter".into(), parts: Vec::new() };
    scene.scene.push(SceneInput::Join { player: 1, character, spawn_point: None });
    for round in 0..300_u32 {
        let porter = scene.scene.world().resource::<Players>().0.get(&PlayerId(1)).map(|&(id, _)| id);
        if let Some(porter) = porter {
            scene.walk(porter, if round / 75 % 2 == 0 { EAST } else { -EAST });
        }
        if let Some(porter) = porter.filter(|_| round % 20 == 0) {
            let skill = scene.config.assets.skills.by_name("skill/work_door").expect("it is there");
            scene.command(porter, &CastCommand { skill, target: CastTarget::Caster });
        }
        scene.tick();
        let hashes = scene.hash();
        bytes.extend(writer.tick(scene.scene.tick_number(), scene.scene.applied_inputs(), &hashes));
    }
    bytes.extend(writer.end());
    bytes
}

/// A character whose client reads what it is sent.
struct Onlooker {
    session: ClientSession,
    task: TaskEnd,
}

impl Onlooker {
    fn join(scene: &mut TestScene, player: u64) -> Self {
        let (task, end) = mailbox(SessionId::next());
        let character = Character { name: format!("eyes{player}"), class: "class/fighter".into(), parts: Vec::new() };
        sessions::attach(&mut scene.scene, Join { player: PlayerId(player), character, spawn_point: None }, end);
        scene.tick();
        Self { session: ClientSession::default(), task }
    }

    /// Reads what came, and answers whether the gate is seen, and open.
    fn look(&mut self) -> Option<bool> {
        let mut datagrams = Vec::new();
        self.task.take_datagrams(&mut datagrams);
        let mut frames = Vec::new();
        self.task.take_frames(&mut frames);
        for frame in &frames {
            self.task.written(frame.len());
            self.session.on_frame(frame);
        }
        datagrams.iter().for_each(|datagram| self.session.on_datagram(datagram, 0));
        let world = self.session.world();
        let bit = world.component(DoorState::NAME)?;
        let doors = world.entities().filter_map(|entity| entity.value(bit));
        doors.filter_map(|bytes| DoorState::from_wire(&mut Reader::new(bytes))).next()
    }
}

#[test]
fn a_door_worked_is_seen_by_a_client_in_view_and_not_by_one_out_of_range() {
    let config = TestScene::of(&yard_assets(), "scene/yard", 1, |_| {}).config;
    let mut scene = TestScene::from_config(config, |app| {
        app.add_plugins(net::plugin);
    });
    let (mut near, mut far) = (Onlooker::join(&mut scene, 98), Onlooker::join(&mut scene, 99));
    let far_id = scene.scene.world().resource::<Players>().0[&PlayerId(99)].0;
    scene.place(far_id, 110.0, 20.0);
    let porter = scene.player_at(18.5, 20.0);
    scene.ticks(3);
    assert_eq!(near.look(), Some(false));
    assert_eq!(far.look(), None, "it went out of view before the client had read anything");
    work_door(&mut scene, porter);
    scene.ticks(3);
    assert_eq!((near.look(), far.look()), (Some(true), None));
    scene.place(far_id, 70.0, 20.0);
    scene.ticks(3);
    assert_eq!(far.look(), Some(true), "who comes later sees it as it is");
}

#[test]
fn a_prediction_in_the_geometry_as_shown_ends_where_the_server_does() {
    let assets = yard_assets();
    let mut scene = yard();
    let runner = scene.player_at(18.0, 20.0);
    let profile = &assets.movements[assets.movements.by_name("move/test").expect("it is there")];
    let mut geometry = Geometry::build(yard_def(&assets)).expect("the yard can be built");
    let mut predicted = Mover { position: scene.position(runner), ..Mover::default() };
    for tick in 0..60 {
        if tick == 30 {
            work_door(&mut scene, runner);
            geometry = geometry.with_door(GATE, true);
        }
        scene.walk(runner, EAST);
        scene.tick();
        predicted = step(predicted, StepInput { wish: EAST, walk: false }, 10_000, profile, &geometry);
        assert_eq!(scene.position(runner), predicted.position, "tick {tick}");
    }
}

#[test]
fn a_client_that_has_not_heard_of_a_closed_door_is_not_taken_for_a_cheat() {
    for (late_ticks, refused) in [(2, 0), (BELATED_TICKS + 2, 1)] {
        let mut scene = yard();
        let (porter, runner) = (scene.player_at(18.5, 19.0), scene.player_at(19.3, 20.5));
        work_door(&mut scene, porter);
        scene.ticks(2);
        work_door(&mut scene, porter);
        assert!(!is_open_everywhere(&scene));
        scene.ticks(late_ticks);
        let next = scene.get::<InputProgress>(runner).applied_sequence + 1;
        scene.steps(runner, next, &[StepInput { wish: EAST, walk: false }], Vec2::new(21.0, 20.5));
        scene.tick();
        assert_eq!(count(&scene, MOVE_REJECTED, "wall"), refused, "{late_ticks} ticks late");
    }
}
