//! Geometry that is edited while its scene runs: only the tiles around the edit are baked again, the scene takes the
//! change over at a tick boundary and from a log alike, caught bodies are set free, and a fault changes nothing.

use std::sync::Arc;

use glam::{Vec2, Vec3};
use proptest::prelude::*;
use server::nav::edits::{Change, Editor};
use server::nav::scenes::{Ground, NavStore};
use sim::assets::{AssetSources, Assets};
use sim::command::{read_archive, write_archive};
use sim::input::SceneInput;
use sim::input::geometry_edit::{GeometryEdit, GeometryRevision, NavmeshSource, PreparedAhead};
use sim::log::{LogHeader, LogReader, LogWriter};
use sim::scene::{SceneAssets, SceneConfig, SceneGeometry, SceneNavmesh};
use sim::space::navmesh::{NavArchive, Path, Search};
use sim::testing::{TEST_ASSETS, TestScene};

const SCENE: &str = "scene/yard";
/// Four tiles or more on a side.
const FLOOR: &str = "Box(center: (0, -0.5, 0), size: (160, 1, 160))";
/// Across the middle of the yard, with a way round on either side.
const WALL: &str = "Box(center: (0, 1.5, 0), size: (1, 3, 60))";

fn texts(parts: &[&str], spawn_point: &str) -> AssetSources {
    let scene = format!(
        "(id: \"{SCENE}\", name: \"Yard\", bounds: (min: (-80, -80), max: (80, 80)), aoi: (enter_m: 60, leave_m: 70),
        players_max: 100, geometry: [{}], spawn_points: [(id: \"spawn/west\", at: {spawn_point})],
        doors: [(id: \"door/one\", center: (0, 1.5, 50), size: (1, 3, 10), open: true)])",
        parts.join(", ")
    );
    let others = TEST_ASSETS.iter().filter(|(path, _)| !path.starts_with("scenes"));
    let sources = others.fold(AssetSources::new("data"), |sources, (path, text)| sources.with(*path, *text));
    sources.with("scenes/yard.ron", scene)
}

fn yard(parts: &[&str]) -> AssetSources {
    texts(parts, "(-20, 0)")
}

/// A running scene and the editor of its data.
struct Yard {
    inner: TestScene,
    editor: Editor,
    ground: Ground,
}

impl Yard {
    fn new(parts: &[&str]) -> Self {
        let assets = Arc::new(Assets::load(&yard(parts)).unwrap_or_else(|report| panic!("{report}")));
        let id = assets.scenes.by_name(SCENE).expect("it is there");
        let ground = NavStore::new(None, None).ground(&assets, id).expect("the yard can be baked");
        let editor = Editor::new(&assets, std::slice::from_ref(&ground));
        let (geometry, navmesh) = (Arc::clone(&ground.geometry), Some(Arc::clone(&ground.navmesh)));
        let config = SceneConfig { scene: id, seed: 1, assets, geometry, navmesh };
        Self { inner: running(&config, &ground), editor, ground }
    }

    fn edit(&mut self, parts: &[&str]) -> Change {
        let looked = self.editor.look(&yard(parts)).unwrap_or_else(|error| panic!("{error}"));
        looked.changes.into_iter().next().expect("the geometry differs")
    }

    /// Edits, and lets two ticks pass: one to take the change over, one for what follows from it.
    fn take_over(&mut self, parts: &[&str]) {
        let change = self.edit(parts);
        self.inner.scene.push(change.input);
        self.inner.ticks(2);
    }

    /// Length of the path from one place to another in metres.
    fn path_m(&self, from: Vec2, to: Vec2) -> f32 {
        let mesh = self.inner.scene.world().resource::<SceneNavmesh>().0.clone().expect("the yard has a mesh");
        let on_mesh = |place: Vec2| mesh.nearest(Vec3::new(place.x, 0.0, place.y), Vec3::ONE).expect("it is walkable");
        let mut path = Path::default();
        mesh.find_path(&mut Search::default(), on_mesh(from), on_mesh(to), 10_000, &mut path);
        path.length_m
    }
}

fn running(config: &SceneConfig, ground: &Ground) -> TestScene {
    let archive = Arc::clone(&ground.archive);
    TestScene::from_config(config.clone(), |app| {
        app.insert_resource(NavmeshSource(archive));
    })
}

#[test]
fn a_wall_that_is_built_turns_paths_and_stops_bodies() {
    let mut yard = Yard::new(&[FLOOR]);
    let (west, east) = (Vec2::new(-20.0, 0.0), Vec2::new(20.0, 0.0));
    assert!((yard.path_m(west, east) - 40.0).abs() < 0.01);
    let player = yard.inner.player_at(-5.0, 0.0);
    yard.take_over(&[FLOOR, WALL]);
    assert!(yard.path_m(west, east) > 65.0, "the way leads round the end of the wall");
    for _ in 0..60 {
        yard.inner.walk(player, Vec2::X);
        yard.inner.tick();
    }
    let x = yard.inner.position(player).x;
    assert!((-1.1..-0.5).contains(&x), "the body stands at the wall: {x}");
    yard.take_over(&[FLOOR]);
    assert!((yard.path_m(west, east) - 40.0).abs() < 0.01, "and without it everything is as before");
}

#[test]
fn only_the_tiles_around_an_edit_are_baked_and_the_result_is_a_whole_bakes() {
    let mut yard = Yard::new(&[FLOOR]);
    let pillar = "Box(center: (8, 1, 8), size: (1, 2, 1))";
    let change = yard.edit(&[FLOOR, pillar]);
    assert!(change.tiles >= 16 && change.baked_tiles <= 5, "{} of {} tiles", change.baked_tiles, change.tiles);
    assert_eq!(change.changed_tiles, [(0, 0)]);
    let SceneInput::Geometry { edit, .. } = change.input else { panic!("it is a change of geometry") };
    let edited = edit.navmesh.expect("the yard has a mesh").apply(&yard.ground.archive);
    let whole = Yard::new(&[FLOOR, pillar]).ground.archive;
    assert_eq!(edited.to_bytes(0), whole.to_bytes(0));
}

#[test]
fn a_log_with_edits_replays_to_the_same_hashes_from_its_bytes_alone() {
    let mut yard = Yard::new(&[FLOOR]);
    let subsystems = yard.inner.hash().iter().map(|&(name, _)| name.to_owned()).collect();
    let assets_hash = yard.inner.config.assets.hash;
    let (mut writer, mut bytes) = LogWriter::new(&LogHeader { scene: SCENE.into(), seed: 1, assets_hash, subsystems });
    let mut revisions = Vec::new();
    for tick in 1..=80 {
        match tick {
            2 => yard.inner.scene.push(join(7)),
            10 => {
                let input = yard.edit(&[FLOOR, WALL, "Box(center: (-20, 1, 0), size: (3, 2, 3))"]).input;
                yard.inner.scene.push(input);
            }
            60 => {
                let input = yard.edit(&[FLOOR]).input;
                yard.inner.scene.push(input);
            }
            _ => {}
        }
        yard.inner.tick();
        revisions.push(*yard.inner.scene.world().resource::<GeometryRevision>());
        let hashes = yard.inner.hash();
        bytes.extend(writer.tick(yard.inner.scene.tick_number(), yard.inner.scene.applied_inputs(), &hashes));
    }
    bytes.extend(writer.end());
    assert_eq!((revisions[8].count, revisions[9].count, revisions[79].count), (0, 1, 2));
    let log = LogReader::open(&bytes).expect("the log is complete");
    let mut again = running(&yard.inner.config, &yard.ground);
    for record in log.ticks() {
        record.inputs.iter().for_each(|input| again.scene.push(input.clone()));
        again.tick();
        let hashes: Vec<u64> = again.hash().into_iter().map(|(_, hash)| hash).collect();
        assert_eq!(hashes, record.hashes, "tick {}", record.tick);
    }
}

fn join(player: u64) -> SceneInput {
    let character = sim::input::Character { name: "ada".into(), class: "class/fighter".into(), parts: Vec::new() };
    SceneInput::Join { player, character, spawn_point: None }
}

#[test]
fn a_body_inside_a_new_pillar_is_set_free_beside_it() {
    let mut yard = Yard::new(&[FLOOR]);
    let (caught, spared) = (yard.inner.player_at(10.0, 10.0), yard.inner.player_at(14.0, 10.0));
    yard.take_over(&[FLOOR, "Box(center: (10, 1, 10.3), size: (2, 2, 2))"]);
    let place = yard.inner.position(caught);
    let geometry = yard.inner.scene.world().resource::<SceneGeometry>().0.clone();
    let profile = &yard.inner.config.assets.movements.iter().next().expect("there is one").1;
    assert!(geometry.is_free(place, sim::locomotion::body_shape(profile)), "{place}");
    assert!(place.distance(Vec3::new(10.0, 0.0, 10.0)) < 2.5 && place.y.abs() < 0.01, "{place}");
    assert_eq!(yard.inner.position(spared), Vec3::new(14.0, 0.0, 10.0));
}

#[test]
fn a_body_on_a_platform_that_goes_away_comes_down() {
    let mut yard = Yard::new(&[FLOOR, "Box(center: (10, 1, 10), size: (4, 2, 4))"]);
    let player = yard.inner.player_at(10.0, 10.0);
    assert_eq!(yard.inner.position(player).y, 2.0);
    yard.take_over(&[FLOOR]);
    assert_eq!(yard.inner.position(player), Vec3::new(10.0, 0.0, 10.0));
}

#[test]
fn doors_stay_as_they_are() {
    let mut yard = Yard::new(&[FLOOR, WALL]);
    let world = yard.inner.scene.world_mut();
    let closed = world.resource::<SceneGeometry>().0.with_door(0, false);
    world.insert_resource(SceneGeometry(Arc::new(closed)));
    yard.take_over(&[FLOOR]);
    let world = yard.inner.scene.world();
    assert!(!world.resource::<SceneGeometry>().0.is_door_open(0));
    assert!(!world.resource::<SceneNavmesh>().0.as_ref().expect("it has one").is_door_open(0));
}

#[test]
fn a_faulty_edit_says_where_and_changes_nothing() {
    let mut yard = Yard::new(&[FLOOR]);
    let refused =
        |yard: &mut Yard, sources: &AssetSources| yard.editor.look(sources).err().expect("it is faulty").to_string();
    let typing_error = refused(&mut yard, &self::yard(&[FLOOR, "Bocks(center: (0, 1, 0), size: (1, 1, 1))"]));
    assert!(typing_error.contains("data/scenes/yard.ron:2:"), "{typing_error}");
    let walled_up = refused(&mut yard, &self::yard(&[FLOOR, "Box(center: (-20, 1, 0), size: (6, 20, 6))"]));
    assert!(walled_up.contains("would not be walkable"), "{walled_up}");
    let looked = yard.editor.look(&self::yard(&[FLOOR])).expect("it is what runs");
    assert!(looked.changes.is_empty() && looked.epoch.is_none());
}

#[test]
fn what_is_not_geometry_comes_with_the_next_epoch() {
    let mut yard = Yard::new(&[FLOOR]);
    let moved = texts(&[FLOOR, WALL], "(-30, 0)");
    let looked = yard.editor.look(&moved).expect("it is good");
    assert_eq!(looked.changes.len(), 1);
    yard.inner.scene.push(looked.epoch.expect("something has changed").input());
    yard.inner.tick();
    let assets = &yard.inner.scene.world().resource::<SceneAssets>().0;
    assert_eq!(
        (assets.hash, assets.scenes.iter().next().map(|(_, def)| def.spawn_points[0].at.0)),
        (moved.hash(), Some(-30.0))
    );
    let again = yard.editor.look(&moved).expect("it is good");
    assert!(again.changes.is_empty() && again.epoch.is_none());
}

#[test]
fn a_frame_that_cannot_change_is_refused_for_all_scenes() {
    let mut yard = Yard::new(&[FLOOR]);
    let before = self::yard(&[FLOOR]);
    let text = before.text("scenes/yard.ron").expect("it is there").replace("leave_m: 70", "leave_m: 80");
    let refused = yard.editor.look(&before.with("scenes/yard.ron", text)).err().expect("it cannot change");
    assert!(refused.to_string().contains("`aoi` of `scene/yard` cannot change while it is running"), "{refused}");
}

#[test]
fn a_place_off_the_mesh_is_a_finding_with_its_line() {
    let store = NavStore::new(None, None);
    let island = "Box(center: (120, 0, 0), size: (20, 1, 20))";
    let sources = texts(&["Box(center: (0, -0.5, 0), size: (60, 1, 60))", island], "(70, 0)");
    let check = |sources: &AssetSources| Assets::examine_on(sources, |assets, id| store.ground_to_check(assets, id)).1;
    let report = check(&sources);
    let found: Vec<_> = report.findings.iter().map(|finding| (finding.code.as_str(), finding.line)).collect();
    assert_eq!(found, [("A0126", 2)], "{report}");
    assert_eq!(check(&yard(&[FLOOR])).findings, []);
}

#[test]
fn a_change_is_the_same_prepared_and_not() {
    let mut ahead = Yard::new(&[FLOOR]);
    let mut behind = Yard::new(&[FLOOR]);
    ahead.take_over(&[FLOOR, WALL]);
    let SceneInput::Geometry { edit, .. } = behind.edit(&[FLOOR, WALL]).input else { panic!("it is one") };
    behind.inner.scene.push(SceneInput::Geometry { edit, ahead: PreparedAhead::default() });
    behind.inner.ticks(2);
    assert_eq!(ahead.inner.hash(), behind.inner.hash());
    let ways = [(-20.0, 0.0, 20.0, 0.0), (-70.0, -70.0, 70.0, 70.0), (-3.0, 25.0, 3.0, 25.0)];
    for (x, z, x2, z2) in ways {
        let (from, to) = (Vec2::new(x, z), Vec2::new(x2, z2));
        assert_eq!(ahead.path_m(from, to).to_bits(), behind.path_m(from, to).to_bits());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_edit_is_refused_or_harmless(flips in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..6)) {
        let assets = Assets::load(&yard(&[FLOOR, WALL])).expect("it is good");
        let def = &assets.scenes[assets.scenes.by_name(SCENE).expect("it is there")];
        let mut bytes = write_archive(&GeometryEdit { geometry: def.geometry.clone(), navmesh: None });
        for (at, flip) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
        }
        if let Ok(edit) = read_archive::<GeometryEdit>(&bytes) {
            let _outcome_is_free_but_there_is_one = edit.prepare(def, &NavArchive::default());
        }
    }
}
