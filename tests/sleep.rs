//! Sleep: far monsters cost nothing, and whoever comes finds everything as if nobody had ever slept. Two scenes of one seed
//! go through the same, one of them with everyone kept awake; what their players see must be equal in every tick.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use glam::{Vec2, Vec3};
use sim::actor::{Motion, Position};
use sim::assets::{AssetSources, School};
use sim::epoch::{AssetsEdit, LoadedAhead};
use sim::features::combat::{EffectAction, Vitals};
use sim::features::monsters::{Brain, Home, Mood, RailStats, Rails, Said, Species, Vigilance};
use sim::features::movement::ForceMove;
use sim::ids::{PlayerId, SimId};
use sim::input::{Character, Players, SceneInput};
use sim::interest::Interest;
use sim::random::{Draw, Random, Stream};
use sim::replicated::{Changes, WireLists};
use sim::scene::{SceneAssets, SceneConfig};
use sim::space::Geometry;
use sim::space::navmesh::NavSettings;
use sim::testing::{TestScene, floor_mesh, test_assets};

use crate::combat::{strike, told};

/// A wide vale: strollers among rocks in one corner, biting beasts in another, two beats, and much nothing between.
const VALE: [(&str, &str); 2] = [
    (
        "scenes/vale.ron",
        r#"[(
            id: "scene/vale", name: "Vale", bounds: (min: (-400.0, -400.0), max: (400.0, 400.0)),
            aoi: (enter_m: 50.0, leave_m: 60.0), players_max: 10,
            geometry: [
                Heightfield(min: (-400.0, -400.0), cell_m: 400.0, columns: 2, rows: 2,
                    heights: Inline([0.0, 6.0, 0.0, 9.0, 0.0, 5.0, 0.0, 7.0, 0.0])),
                Boxes(size: (4.0, 8.0, 4.0), at: [(-300.0, 4.0, -300.0), (-308.0, 4.0, -304.0), (-296.0, 4.0, -310.0),
                    (290.0, 4.0, 300.0), (302.0, 4.0, 296.0)]),
            ],
            spawn_points: [(id: "spawn/a", at: (0.0, 0.0), radius_m: 1.0)],
            spawners: [
                (id: "spawner/hares", monster: "monster/hare", at: (-300.0, -300.0), radius_m: 15.0, count: 10),
                (id: "spawner/beasts", monster: "monster/beast", at: (300.0, 300.0), radius_m: 15.0, count: 8),
                (id: "spawner/watch", monster: "monster/watchman", at: (-300.0, 300.0), radius_m: 2.0, count: 1,
                    patrol: [(at: (-300.0, 300.0), wait_ms: 2_000, do: [Face(90), Say("All is well.")]), (at: (-300.0, 250.0)),
                        (at: (-250.0, 250.0), wait_ms: 3_000, do: [Cast("skill/rage")])]),
                (id: "spawner/round", monster: "monster/watchman", at: (300.0, -300.0), radius_m: 4.0, count: 3, patrol_round: true,
                    patrol: [(at: (300.0, -300.0)), (at: (300.0, -260.0), wait_ms: 1_000), (at: (260.0, -260.0), do: [Say("Hm.")])]),
            ],
        )]"#,
    ),
    (
        "monsters/vale.ron",
        r#"[
            (id: "monster/hare", level: (1, 1), faction: "vermin", move: (profile: "move/test"),
             attributes: {"hp_max": Flat(60), "mana_max": Flat(0), "attack": Flat(5), "armor": Flat(0), "hp_regen_milli": Flat(2000)},
             senses: (aggro_m: 0.0), leash: (radius_m: 25.0), wander_m: 10.0, skills: ["skill/strike"], respawn_ms: 8000, corpse_ms: 3000),
            (id: "monster/beast", level: (1, 1), faction: "vermin", move: (profile: "move/test", run_mps: 7.0),
             attributes: {"hp_max": Flat(150), "mana_max": Flat(0), "attack": Flat(15), "armor": Flat(0)},
             senses: (aggro_m: 9.0, assist_m: 8.0), leash: (radius_m: 20.0), wander_m: 7.0, skills: ["skill/strike"],
             respawn_ms: 6000, corpse_ms: 3000),
            (id: "monster/watchman", level: (1, 1), faction: "watch", move: (profile: "move/test"),
             attributes: {"hp_max": Flat(400), "mana_max": Flat(100), "attack": Flat(10), "armor": Flat(0)},
             senses: (aggro_m: 0.0), leash: (radius_m: 20.0), skills: ["skill/strike", "skill/rage"], respawn_ms: 6000, corpse_ms: 3000),
        ]"#,
    ),
];

/// Where things are.
const SIGHTS: [(f32, f32); 6] =
    [(-300.0, -300.0), (300.0, 300.0), (-290.0, 275.0), (290.0, -280.0), (0.0, 0.0), (-150.0, -250.0)];

fn config(seed: u64) -> SceneConfig {
    static VALE_CONFIG: OnceLock<SceneConfig> = OnceLock::new();
    let make = || {
        let assets = test_assets(&VALE);
        let scene = assets.scenes.by_name("scene/vale").expect("it is above");
        let geometry = Geometry::build(&assets.scenes[scene]).expect("the geometry is good");
        let bounds = (Vec2::splat(-400.0), Vec2::splat(400.0));
        let mesh = floor_mesh(&geometry, bounds, NavSettings::default());
        SceneConfig { scene, seed, assets, geometry: Arc::new(geometry), navmesh: Some(Arc::new(mesh)) }
    };
    SceneConfig { seed, ..VALE_CONFIG.get_or_init(make).clone() }
}

fn vale(seed: u64, vigilance: Vigilance) -> TestScene {
    let mut scene = TestScene::from_config(config(seed), |_| {});
    scene.scene.world_mut().insert_resource(vigilance);
    scene.scene.world_mut().resource_mut::<Changes>().watch(true);
    scene
}

fn id_of(scene: &TestScene, player: u64) -> Option<SimId> {
    scene.scene.world().resource::<Players>().0.get(&PlayerId(player)).map(|(id, _)| *id)
}

/// An entity and the bytes of all it shows, or the kind of an event, whom it is about, and its bytes.
type Sight = (u32, Vec<u8>);

/// All that a player perceives in a tick.
fn perceived(scene: &TestScene, player: u64) -> Option<Vec<Sight>> {
    let (world, id) = (scene.scene.world(), id_of(scene, player)?);
    let interest = scene.get::<Interest>(id);
    let lists = world.resource::<WireLists>();
    let mut sights = Vec::new();
    for &seen in interest.visible() {
        let mut bytes = Vec::new();
        for entry in &lists.components {
            let has = entry.encode(world.entity(scene.entity(seen)), &mut bytes);
            bytes.push(u8::from(has));
        }
        sights.push((seen.bits(), bytes));
    }
    let changes = world.resource::<Changes>();
    for event in changes.events().iter().filter(|event| interest.sees(event.subject)) {
        let head = [u32::from(event.kind), event.subject.bits()].map(u32::to_le_bytes).concat();
        sights.push((u32::MAX, [&head, changes.body(event)].concat()));
    }
    Some(sights)
}

/// Both scenes, and what has been going on in them.
struct Pair {
    seed: u64,
    scenes: [TestScene; 2],
    /// When a player who has left comes back.
    away: BTreeMap<u64, u32>,
    /// What was seen so far, by word.
    happened: BTreeMap<&'static str, u32>,
}

impl Pair {
    fn new(seed: u64) -> Self {
        let scenes = [vale(seed, Vigilance::Near), vale(seed, Vigilance::Always)];
        Self { seed, scenes, away: BTreeMap::new(), happened: BTreeMap::new() }
    }

    fn note(&mut self, what: &'static str) {
        *self.happened.entry(what).or_default() += 1;
    }

    fn both(&mut self, mut change: impl FnMut(&mut TestScene)) {
        self.scenes.iter_mut().for_each(&mut change);
    }

    /// What a player does in a tick: it follows from the seed and from what it sees.
    fn play(&mut self, player: u64, tick: u32) {
        let Some(id) = id_of(&self.scenes[0], player) else {
            if self.away.get(&player).is_none_or(|&back| back <= tick) {
                let character =
                    Character { name: format!("p{player}"), class: "class/fighter".into(), parts: Vec::new() };
                let join = SceneInput::Join { player, character, spawn_point: None };
                self.both(|scene| scene.scene.push(join.clone()));
            }
            return;
        };
        let key =
            |tick: u32, purpose| Random::new(self.seed).draw(tick, SimId::new(player as u32, 0), Stream(purpose), 0);
        let mut draw = key(tick, "script");
        let turn = key(tick / 50, "turn").unit() * std::f32::consts::TAU;
        self.both(|scene| scene.walk(id, Vec2::from_angle(turn)));
        if draw.chance_bp(60) {
            let (x, z) = SIGHTS[draw.below(SIGHTS.len() as u32) as usize];
            let to = (x + draw.unit() * 120.0 - 60.0, z + draw.unit() * 120.0 - 60.0);
            self.note("teleported");
            self.both(|scene| {
                let height_m = scene.config.geometry.top(to.0, to.1).map_or(0.0, |ground| ground.height_m);
                let to = Vec3::new(to.0, height_m, to.1);
                scene.scene.world_mut().write_message(ForceMove { id, to });
            });
        }
        if draw.chance_bp(15) {
            self.note("left");
            self.away.insert(player, tick + 80);
            self.both(|scene| scene.scene.push(SceneInput::Leave { player }));
        }
        if draw.chance_bp(700) {
            self.meddle(id, &mut draw);
        }
    }

    /// Strikes, kills or pushes a monster in view.
    fn meddle(&mut self, id: SimId, draw: &mut Draw) {
        let scene = &self.scenes[0];
        let is_alive = |other: &&SimId| {
            let world = scene.scene.world();
            let entity = scene.entity(**other);
            world.get::<Species>(entity).is_some() && world.get::<Vitals>(entity).is_some_and(Vitals::is_alive)
        };
        let monsters: Vec<SimId> = scene.get::<Interest>(id).visible().iter().filter(is_alive).copied().collect();
        let Some(&monster) = monsters.get(draw.below(monsters.len() as u32) as usize) else { return };
        if draw.chance_bp(3_000) {
            self.note("pushed");
            let off = Vec2::from_angle(draw.unit() * 6.0) * 3.0;
            return self.both(|scene| {
                let feet = scene.position(monster);
                let to = feet + Vec3::new(off.x, 0.0, off.y);
                let ground = scene.config.geometry.ground(to.x, to.z, to.y + 2.0);
                let to = Vec3::new(to.x, ground.map_or(to.y, |ground| ground.height_m), to.z);
                scene.scene.world_mut().write_message(ForceMove { id: monster, to });
            });
        }
        let coef = if draw.chance_bp(3_000) { u32::MAX } else { 100 };
        self.note(if coef == 100 { "struck" } else { "killed" });
        let blow = EffectAction::Damage { formula: None, school: School::Physical, coef };
        self.both(|scene| strike(scene, id, monster, blow));
    }

    fn tick(&mut self, players: u64, tick: u32) {
        (1..=players).for_each(|player| self.play(player, tick));
        self.both(TestScene::tick);
        for player in 1..=players {
            let [near, always] = self.scenes.each_ref().map(|scene| perceived(scene, player));
            if near != always {
                let (near, always) = (near.unwrap_or_default(), always.unwrap_or_default());
                let first = near.iter().zip(&always).find(|(a, b)| a != b);
                let id = first.map(|((id, _), _)| SimId::from_bits(*id));
                let states = id.and_then(|id| {
                    self.scenes[0].scene.world().resource::<sim::roster::Roster>().entity(id)?;
                    let state = |scene: &TestScene| {
                        format!("{:?} {:?} {:?}", scene.position(id), scene.get::<Brain>(id), scene.get::<Rails>(id))
                    };
                    Some(self.scenes.each_ref().map(state))
                });
                let counts = (near.len(), always.len());
                panic!("seed {}, tick {tick}, player {player}: {first:?} of {counts:?}: {states:#?}", self.seed);
            }
            if near.is_some_and(|near| near.len() > 1) {
                self.note("saw something");
            }
        }
        let scene = &self.scenes[0];
        let told = told::<Said>(scene).len();
        let world = self.scenes[0].scene.world_mut();
        let mut brains = world.query::<&Brain>();
        let moods: Vec<Mood> = brains.iter(world).map(|brain| brain.mood).collect();
        (0..told).for_each(|_| self.note("said"));
        if moods.iter().any(|mood| matches!(mood, Mood::Evading { .. })) {
            self.note("evading");
        }
    }

    fn run(&mut self, players: u64, ticks: u32) {
        for tick in 1..=ticks {
            self.tick(players, tick);
        }
        let [near, always] = self.scenes.each_ref().map(stats);
        assert!(near.evaluated * 2 < always.evaluated, "seed {}: {near:?} {always:?}", self.seed);
    }
}

/// Plays with several seeds, and asks that all sorts of things have happened meanwhile.
fn play(seeds: [u64; 2], players: u64, ticks: u32) {
    let mut happened: BTreeMap<&'static str, u32> = BTreeMap::new();
    for seed in seeds {
        let mut pair = Pair::new(seed);
        pair.run(players, ticks);
        pair.happened.into_iter().for_each(|(what, times)| *happened.entry(what).or_default() += times);
    }
    for what in ["teleported", "left", "pushed", "struck", "killed", "evading", "said", "saw something"] {
        assert!(happened.contains_key(what), "seeds {seeds:?}: never {what}: {happened:?}");
    }
}

#[test]
fn one_who_comes_and_goes_cannot_tell_who_has_slept() {
    play([1, 2], 1, 3_600);
}

#[test]
fn three_who_come_and_go_cannot_tell_who_has_slept() {
    play([11, 12], 3, 2_400);
}

fn monsters(scene: &mut TestScene, of: &str) -> Vec<SimId> {
    let kind = scene.config.assets.monsters.by_name(of).expect("it is in the data");
    let world = scene.scene.world_mut();
    let mut query = world.query::<(&SimId, &Species)>();
    let mut found: Vec<SimId> = query.iter(world).filter(|(_, species)| species.0 == kind).map(|(&id, _)| id).collect();
    found.sort_unstable();
    found
}

fn stats(scene: &TestScene) -> RailStats {
    *scene.scene.world().resource::<RailStats>()
}

#[test]
fn sleepers_are_not_worked_out_at_all() {
    let mut scene = vale(5, Vigilance::Near);
    scene.ticks(3);
    for index in 0..200_u8 {
        scene.monster_at("monster/hare", f32::from(index) - 100.0, -380.0);
    }
    scene.ticks(2);
    let before = stats(&scene);
    scene.ticks(400);
    assert_eq!(stats(&scene), before, "nobody is there");
    scene.scene.world_mut().insert_resource(Vigilance::Always);
    scene.ticks(100);
    assert_eq!(stats(&scene).evaluated - before.evaluated, 100 * (200 + 22), "kept awake, each costs one place a tick");
    scene.scene.world_mut().insert_resource(Vigilance::Near);
    let player = scene.player_at(-300.0, 300.0);
    scene.ticks(2);
    let before = stats(&scene);
    scene.ticks(100);
    assert_eq!(stats(&scene).evaluated - before.evaluated, 100, "the watchman alone is near {player}");
}

#[test]
fn idle_monsters_neither_jump_nor_float_nor_leave_their_surroundings() {
    let mut scene = vale(6, Vigilance::Always);
    scene.ticks(2);
    let all: Vec<SimId> = ["monster/hare", "monster/beast", "monster/watchman"]
        .into_iter()
        .flat_map(|of| monsters(&mut scene, of))
        .collect();
    let geometry = scene.config.geometry.clone();
    let mut walked_m = BTreeMap::new();
    for tick in 0..2_000 {
        let before: Vec<Vec3> = all.iter().map(|&id| scene.position(id)).collect();
        scene.tick();
        for (&id, before) in all.iter().zip(before) {
            let feet = scene.position(id);
            let step_m = Vec2::new(feet.x - before.x, feet.z - before.z).length();
            assert!(step_m < 0.151, "tick {tick}: {id} jumped {step_m} m");
            let ground = geometry.ground(feet.x, feet.z, feet.y + 0.5).expect("there is ground");
            assert!((feet.y - ground.height_m).abs() < 0.01, "tick {tick}: {id} at {feet} above {ground:?}");
            assert!(geometry.is_free(feet, body()), "tick {tick}: {id} stands in a rock at {feet}");
            *walked_m.entry(id).or_insert(0.0) += step_m;
            let wander_m = scene.config.assets.monsters[scene.get::<Species>(id).0].wander_m;
            let home = scene.get::<Home>(id).feet;
            let off_m = Vec2::new(home.x - feet.x, home.z - feet.z).length();
            assert!(wander_m == 0.0 || off_m <= wander_m + 0.6, "tick {tick}: {id} strayed {off_m} m");
        }
    }
    assert!(walked_m.values().all(|&walked_m| walked_m > 5.0), "everyone walks: {walked_m:?}");
}

fn body() -> sim::space::geometry::BodyShape {
    sim::space::geometry::BodyShape { radius_m: 0.3, height_m: 1.7, step_m: 0.4 }
}

#[test]
fn whoever_is_pushed_walks_back_and_goes_on_from_where_it_was() {
    let mut scene = vale(7, Vigilance::Near);
    scene.player_at(-300.0, 300.0);
    let watchman = monsters(&mut scene, "monster/watchman")[0];
    scene.ticks(90);
    let left = scene.position(watchman);
    assert!(scene.get::<Rails>(watchman).is_on());
    scene.place(watchman, left.x + 3.0, left.z);
    scene.tick();
    assert!(!scene.get::<Rails>(watchman).is_on());
    let back = (0..60).any(|_| {
        let before = scene.position(watchman);
        scene.tick();
        assert!(scene.position(watchman).distance(before) < 0.55, "it walks");
        scene.get::<Rails>(watchman).is_on()
    });
    assert!(back && scene.position(watchman).distance(left) < 0.3, "{left} {}", scene.position(watchman));
    assert_eq!(scene.get::<Motion>(watchman).velocity, Vec3::ZERO);
    scene.ticks(40);
    assert!(scene.get::<Rails>(watchman).is_on() && scene.position(watchman).distance(left) > 2.0, "and on");
}

#[test]
fn whoever_is_rooted_stands_and_goes_on_when_it_is_free() {
    let mut scene = vale(8, Vigilance::Near);
    scene.player_at(-300.0, 300.0);
    let watchman = monsters(&mut scene, "monster/watchman")[0];
    scene.ticks(90);
    let daze = scene.config.assets.effects.by_name("effect/daze").expect("it is in the data");
    strike(&mut scene, watchman, watchman, EffectAction::Apply { effect: daze, chance_pct: 100 });
    scene.ticks(2);
    let held = scene.position(watchman);
    scene.ticks(30);
    assert_eq!(scene.position(watchman), held);
    scene.ticks(60);
    assert!(scene.get::<Rails>(watchman).is_on() && scene.position(watchman).distance(held) > 1.0);
}

/// Has the texts take effect in the next tick.
fn reload(scene: &mut TestScene, change: impl Fn(&mut AssetSources)) {
    let old = Arc::clone(&scene.scene.world().resource::<SceneAssets>().0.sources);
    let mut new = AssetSources::clone(&old);
    change(&mut new);
    let edit = AssetsEdit::between(&old, &new);
    scene.scene.push(SceneInput::Assets { edit, ahead: LoadedAhead::default() });
}

#[test]
fn another_course_is_walked_to_where_somebody_looks_and_taken_at_once_where_nobody_does() {
    let other = |texts: &mut AssetSources| {
        let vale = VALE[0].1.replace("(at: (-300.0, 250.0))", "(at: (-330.0, 270.0), wait_ms: 500)");
        texts.insert("scenes/vale.ron", vale.replace("(at: (260.0, -260.0), do", "(at: (250.0, -230.0), do"));
        texts.insert("monsters/vale.ron", VALE[1].1.replace("wander_m: 10.0", "wander_m: 4.0"));
    };
    let mut pair = Pair::new(9);
    pair.both(|scene| {
        scene.player_at(-300.0, 290.0);
    });
    pair.both(|scene| scene.ticks(150));
    let [watchman, patroller] = [0, 1].map(|index| monsters(&mut pair.scenes[0], "monster/watchman")[index]);
    pair.both(|scene| reload(scene, other));
    for _ in 0..400 {
        let before = pair.scenes[0].position(watchman);
        pair.both(TestScene::tick);
        let [near, always] = pair.scenes.each_ref().map(|scene| perceived(scene, 1));
        assert_eq!(near, always);
        assert!(pair.scenes[0].position(watchman).distance(before) < 0.55, "it walks, and does not jump");
    }
    assert!(pair.scenes[0].get::<Rails>(watchman).is_on());
    assert!(pair.scenes[0].get::<Rails>(patroller).is_on(), "nobody saw it: it needs no walk");
    for (x, z) in [(300.0, -280.0), (-300.0, -300.0)] {
        pair.both(|scene| {
            let id = id_of(scene, 1).expect("it is there");
            scene.place(id, x, z);
        });
        for _ in 0..200 {
            pair.both(TestScene::tick);
            let [near, always] = pair.scenes.each_ref().map(|scene| perceived(scene, 1));
            assert_eq!(near, always);
        }
    }
    for id in monsters(&mut pair.scenes[0], "monster/hare") {
        let (feet, home) = (pair.scenes[0].position(id), pair.scenes[0].get::<Home>(id).feet);
        assert!(feet.distance(home) < 5.0, "{id} strolls within 4 m now");
    }
}

#[test]
fn three_who_share_a_beat_are_spread_over_it() {
    let mut scene = vale(10, Vigilance::Near);
    scene.player_at(300.0, -280.0);
    let three: Vec<SimId> = monsters(&mut scene, "monster/watchman")[1..].to_vec();
    scene.ticks(1_200);
    for tick in 0..400 {
        scene.tick();
        let places: Vec<Vec3> = three.iter().map(|&id| scene.get::<Position>(id).0).collect();
        let apart = |a: usize, b: usize| places[a].distance(places[b]);
        let least = apart(0, 1).min(apart(1, 2)).min(apart(0, 2));
        assert!(least > 4.0, "tick {tick}: {least} m apart: {places:?}");
    }
}
