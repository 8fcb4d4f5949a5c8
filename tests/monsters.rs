//! Monsters: whom they notice, whom they hate, when they give up, and that they come back.

use glam::Vec2;
use sim::actor::Position;
use sim::assets::School;
use sim::features::buffs::ActiveBuffs;
use sim::features::combat::{EffectAction, HealthChanged, HealthKind, Level, Untouchable, Vitals};
use sim::features::monsters::{Brain, Home, Mood, Spawners, Species, ThreatTable};
use sim::features::navigation::Goal;
use sim::ids::SimId;
use sim::intent::CastTarget;
use sim::random::{Random, Stream};
use sim::testing::{TestScene, test_assets};

use crate::combat::{MORE, arena, cast, hp, kill, strike, told};

fn mood(scene: &TestScene, id: SimId) -> Mood {
    scene.get::<Brain>(id).mood
}

fn fights(scene: &TestScene, id: SimId, victim: SimId) -> bool {
    mood(scene, id) == Mood::Fighting { victim }
}

/// Lets ticks pass until something is so, at most `ticks_max` of them.
fn until(scene: &mut TestScene, ticks_max: u32, so: impl Fn(&TestScene) -> bool) -> bool {
    (0..ticks_max).any(|_| {
        scene.tick();
        so(scene)
    })
}

#[test]
fn a_monster_sees_chases_and_hits() {
    let mut scene = TestScene::flat();
    let (fighter, rat) = (scene.player_at(9.0, 0.0), scene.monster_at("monster/rat", 0.0, 0.0));
    assert!(until(&mut scene, 10, |scene| fights(scene, rat, fighter)));
    assert!(until(&mut scene, 60, |scene| hp(scene, fighter) < 500), "it comes and strikes");
    let apart_m = scene.position(fighter).distance(scene.position(rat));
    assert!(apart_m < 3.0, "{apart_m}");
    let before = hp(&scene, fighter);
    scene.ticks(100);
    let lost = before + 10 - hp(&scene, fighter);
    assert!((70..=90).contains(&lost), "16 a blow, one a second, 2 a second regained: {lost}");
}

#[test]
fn nobody_is_noticed_beyond_the_circle_behind_a_wall_or_in_hiding() {
    let mut scene = TestScene::flat();
    let (fighter, rat) = (scene.player_at(10.5, 0.0), scene.monster_at("monster/rat", 0.0, 0.0));
    scene.ticks(40);
    assert!(matches!(mood(&scene, rat), Mood::Idle), "10.5 m away");
    cast(&mut scene, fighter, "skill/vanish", CastTarget::Caster);
    scene.place(fighter, 5.0, 0.0);
    scene.ticks(40);
    assert!(matches!(mood(&scene, rat), Mood::Idle), "hidden");
    let mut scene = TestScene::walled();
    let (_, rat) = (scene.player_at(2.0, 0.0), scene.monster_at("monster/rat", 8.0, 0.0));
    scene.ticks(40);
    assert!(matches!(mood(&scene, rat), Mood::Idle), "behind a wall");
}

#[test]
fn levels_move_the_circle_in_which_one_is_noticed() {
    let beasts = r#"[
        (id: "monster/elder", extends: "monster/rat", level: (8, 8)),
        (id: "monster/ancient", extends: "monster/rat", level: (60, 60), leash: (radius_m: 50)),
        (id: "monster/homely", extends: "monster/ancient", leash: (radius_m: 30)),
        (id: "monster/even", extends: "monster/ancient", senses: (aggro_m: 10, per_level_m: 0)),
    ]"#;
    let assets = test_assets(&[("monsters/elders.ron", beasts)]);
    // A metre a level, at least 5 and at most 45 m, never beyond the leash.
    for (beast, level, circle_m) in [
        ("monster/rat", 1, 10.0),
        ("monster/elder", 1, 17.0),
        ("monster/elder", 11, 7.0),
        ("monster/elder", 40, 5.0),
        ("monster/ancient", 1, 45.0),
        ("monster/homely", 1, 30.0),
        ("monster/even", 1, 10.0),
    ] {
        for (distance_m, noticed) in [(circle_m + 0.5, false), (circle_m - 0.5, true)] {
            let mut scene = TestScene::of(&assets, "scene/flat", 1, |_| {});
            let fighter = scene.player_at(distance_m, 0.0);
            let entity = scene.entity(fighter);
            scene.scene.world_mut().entity_mut(entity).insert(Level(level));
            let beast_id = scene.monster_at(beast, 0.0, 0.0);
            let sees = until(&mut scene, 10, |scene| fights(scene, beast_id, fighter));
            assert_eq!(sees, noticed, "{beast} and level {level} at {distance_m} m");
        }
    }
}

#[test]
fn who_only_strikes_back_strikes_back() {
    let mut scene = TestScene::flat();
    let (fighter, dummy) = (scene.player_at(2.0, 0.0), scene.monster_at("monster/dummy", 0.0, 0.0));
    scene.ticks(40);
    assert!(matches!(mood(&scene, dummy), Mood::Idle));
    cast(&mut scene, fighter, "skill/strike", CastTarget::Unit(dummy));
    scene.tick();
    assert!(fights(&scene, dummy, fighter));
}

#[test]
fn its_kind_comes_to_help_from_near_and_not_from_far() {
    let mut scene = TestScene::flat();
    let rat = scene.monster_at("monster/rat", 0.0, 0.0);
    let (near, far) = (scene.monster_at("monster/rat", -7.0, 0.0), scene.monster_at("monster/rat", -13.0, 0.0));
    let fighter = scene.player_at(9.0, 0.0);
    assert!(until(&mut scene, 10, |scene| fights(scene, rat, fighter)));
    assert!(fights(&scene, near, fighter));
    assert!(matches!(mood(&scene, far), Mood::Idle), "those who help do not call in turn");
}

#[test]
fn beyond_its_leash_it_gives_up_runs_home_untouched_and_is_as_new() {
    let mut scene = TestScene::flat();
    let (fighter, rat) = (scene.player_at(5.0, 0.0), scene.monster_at("monster/rat", 0.0, 0.0));
    assert!(until(&mut scene, 10, |scene| fights(scene, rat, fighter)));
    cast(&mut scene, fighter, "skill/bolt", CastTarget::Unit(rat));
    scene.ticks(30);
    assert!(hp(&scene, rat) < 200 && scene.get::<ActiveBuffs>(rat).iter().len() == 1);
    let gave_up = (0..200).any(|_| {
        let x = scene.position(rat).x;
        scene.place(fighter, x + 6.0, 0.0);
        scene.tick();
        matches!(mood(&scene, rat), Mood::Evading { .. })
    });
    assert!(gave_up && scene.position(rat).x > 29.0, "{}", scene.position(rat));
    assert!(scene.get::<Untouchable>(rat).0 && scene.get::<ThreatTable>(rat).is_empty());
    let before = hp(&scene, rat);
    strike(&mut scene, fighter, rat, EffectAction::Damage { formula: None, school: School::Physical, coef: 1_000 });
    scene.tick();
    assert!(hp(&scene, rat) >= before, "it cannot be hurt on its way");
    scene.place(fighter, 300.0, 0.0);
    assert!(until(&mut scene, 200, |scene| matches!(mood(scene, rat), Mood::Idle)));
    assert!(told::<HealthChanged>(&scene).iter().any(|entry| entry.kind == HealthKind::Reset));
    assert_eq!(*scene.get::<Vitals>(rat), Vitals::full(200));
    assert!(scene.get::<ActiveBuffs>(rat).is_empty() && !scene.get::<Untouchable>(rat).0);
    assert!(scene.position(rat).distance(scene.get::<Home>(rat).feet) < 1.0);
}

#[test]
fn who_cannot_find_home_is_set_down_there_after_15_seconds() {
    let mut scene = TestScene::walled();
    let (fighter, rat) = (scene.player_at(0.0, 0.0), scene.monster_at("monster/rat", 2.0, 0.0));
    assert!(until(&mut scene, 10, |scene| fights(scene, rat, fighter)));
    // The wall is 40 m long and stands between it and its home now.
    scene.place(rat, 8.0, 0.0);
    kill(&mut scene, rat, fighter);
    scene.tick();
    assert!(matches!(mood(&scene, rat), Mood::Evading { .. }));
    scene.ticks(290);
    assert!(matches!(mood(&scene, rat), Mood::Evading { .. }));
    scene.ticks(12);
    assert!(matches!(mood(&scene, rat), Mood::Idle) && scene.position(rat).x < 4.0);
}

#[test]
fn a_victim_that_dies_or_hides_is_let_go() {
    let mut scene = TestScene::flat();
    let (fighter, rat) = (scene.player_at(2.0, 0.0), scene.monster_at("monster/rat", 0.0, 0.0));
    assert!(until(&mut scene, 10, |scene| fights(scene, rat, fighter)));
    kill(&mut scene, rat, fighter);
    scene.ticks(3);
    assert!(!matches!(mood(&scene, rat), Mood::Fighting { .. }));
}

#[test]
fn a_rival_who_is_hated_more_becomes_the_victim() {
    let mut scene = arena();
    let (one, other) =
        (scene.player_of_class("class/stone", 2.0, 0.0), scene.player_of_class("class/stone", -2.0, 0.0));
    let dummy = scene.monster_at("monster/dummy", 0.0, 0.0);
    strike(&mut scene, one, dummy, EffectAction::Damage { formula: None, school: School::Physical, coef: 1_000 });
    scene.ticks(2);
    assert!(fights(&scene, dummy, one));
    cast(&mut scene, other, "skill/taunt", CastTarget::Unit(dummy));
    assert!(until(&mut scene, 20, |scene| fights(scene, dummy, other)));
}

#[test]
fn half_of_what_is_healed_counts_as_threat_split_among_all_who_fight() {
    let mut scene = TestScene::flat();
    let (healer, tank) = (scene.player_at(0.0, 50.0), scene.player_at(0.0, 0.0));
    let rats = [scene.monster_at("monster/dummy", 1.0, 0.0), scene.monster_at("monster/dummy", -1.0, 0.0)];
    for rat in rats {
        strike(&mut scene, tank, rat, EffectAction::Damage { formula: None, school: School::Physical, coef: 1_000 });
        strike(&mut scene, rat, tank, EffectAction::Damage { formula: None, school: School::Physical, coef: 200_000 });
    }
    scene.tick();
    strike(&mut scene, healer, tank, EffectAction::Heal { formula: None, coef: 2_000 });
    scene.tick();
    let log = told::<HealthChanged>(&scene);
    let healed = log.iter().find(|entry| entry.amount > 0 && entry.target == tank).unwrap().amount;
    for rat in rats {
        let milli = u64::from(healed.unsigned_abs()) * 1_000 / 4;
        assert_eq!(scene.get::<ThreatTable>(rat).of(healer), Some(milli));
    }
}

#[test]
fn a_corpse_lies_for_a_while_and_then_goes() {
    let mut scene = TestScene::flat();
    let (fighter, rat) = (scene.player_at(40.0, 0.0), scene.monster_at("monster/rat", 0.0, 0.0));
    kill(&mut scene, fighter, rat);
    scene.ticks(59);
    assert!(scene.exists(rat));
    scene.ticks(1);
    assert!(!scene.exists(rat), "3 s");
}

const CAMP: &str = r#"[(
    id: "scene/camp", name: "Camp", bounds: (min: (-500.0, -500.0), max: (500.0, 500.0)),
    aoi: (enter_m: 60.0, leave_m: 70.0), players_max: 10,
    geometry: [
        Heightfield(min: (-500.0, -500.0), cell_m: 500.0, columns: 2, rows: 2,
            heights: Inline([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])),
        Box(center: (100.0, 1.0, 100.0), size: (6.0, 2.0, 6.0)),
    ],
    spawn_points: [(id: "spawn/a", at: (-100.0, 0.0), radius_m: 1.0)],
    spawners: [
        (id: "spawner/rats", monster: "monster/rat", at: (100.0, 100.0), radius_m: 8.0, count: 6),
        (id: "spawner/folk", monster: "monster/stroller", at: (300.0, 0.0), radius_m: 8.0, count: 4),
    ],
)]"#;

fn camp() -> TestScene {
    let more: Vec<(&str, &str)> = MORE.into_iter().chain([("scenes/camp.ron", CAMP)]).collect();
    TestScene::of(&test_assets(&more), "scene/camp", 3, |_| {})
}

fn monsters(scene: &mut TestScene) -> Vec<(SimId, Vec2, Home)> {
    let world = scene.scene.world_mut();
    let mut query = world.query_filtered::<(&SimId, &Position, &Home), bevy_ecs::prelude::With<Species>>();
    let mut found: Vec<_> = query.iter(world).map(|(&id, position, &home)| (id, position.place(), home)).collect();
    found.sort_by_key(|(id, ..)| *id);
    found
}

#[test]
fn spawners_fill_in_the_first_tick_on_free_ground_within_their_circle() {
    let mut scene = camp();
    scene.tick();
    let found = monsters(&mut scene);
    assert_eq!((found.len(), scene.scene.world().resource::<Spawners>().alive_count()), (10, 10));
    for (id, place, _) in &found[..6] {
        let off = *place - Vec2::splat(100.0);
        assert!(off.length() <= 8.0 && off.abs().max_element() > 3.0, "{id} at {place} stands in the box or outside");
    }
}

#[test]
fn a_killed_monster_comes_back_after_its_respawn_time() {
    let mut scene = camp();
    let fighter = scene.player_at(-100.0, 0.0);
    let (rat, ..) = monsters(&mut scene)[0];
    kill(&mut scene, fighter, rat);
    scene.ticks(99);
    assert_eq!(monsters(&mut scene).len(), 9);
    scene.ticks(1);
    assert_eq!(monsters(&mut scene).len(), 10, "5 s after its death");
    assert!(!scene.exists(rat));
}

#[test]
fn monsters_with_nobody_near_are_not_moved_and_stroll_near_home_when_somebody_comes() {
    let mut scene = camp();
    let fighter = scene.player_at(-100.0, 0.0);
    scene.tick();
    let before = monsters(&mut scene);
    scene.ticks(600);
    assert!(monsters(&mut scene) == before, "asleep");
    scene.place(fighter, 330.0, 0.0);
    scene.ticks(600);
    let after = monsters(&mut scene);
    assert!(after[..6] == before[..6], "the rats are far away and do not stroll");
    assert!(after[6..].iter().zip(&before[6..]).filter(|(after, before)| after.1 != before.1).count() >= 3);
    for (id, place, home) in &after[6..] {
        assert!(place.distance(Vec2::new(home.feet.x, home.feet.z)) <= 6.0, "{id} strayed");
    }
}

#[test]
fn a_monster_that_cannot_get_to_its_victim_gives_up_and_is_as_new() {
    let rock = "[(
        id: \"scene/rock\", name: \"Rock\", bounds: (min: (-50.0, -50.0), max: (50.0, 50.0)),
        aoi: (enter_m: 60.0, leave_m: 70.0), players_max: 10,
        geometry: [
            Heightfield(min: (-50.0, -50.0), cell_m: 50.0, columns: 2, rows: 2,
                heights: Inline([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])),
            Box(center: (0.0, 4.0, 0.0), size: (8.0, 8.0, 8.0)),
        ],
        spawn_points: [(id: \"spawn/a\", at: (20.0, 20.0), yaw_deg: 0.0, radius_m: 1.0)],
    )]";
    let assets = sim::testing::test_assets(&[("scenes/rock.ron", rock)]);
    let mut scene = sim::testing::TestScene::of(&assets, "scene/rock", 1, |_| {});
    let mage = scene.player_at(0.0, 0.0);
    let rat = scene.monster_at("monster/rat", 8.0, 0.0);
    scene.ticks(2);
    let skill = assets.skills.by_name("skill/bolt").expect("the test data have it");
    scene.place(mage, 3.5, 0.0);
    let target = sim::intent::CastTarget::Unit(rat);
    for _ in 0..3 {
        scene.command(mage, &sim::features::skills::CastCommand { skill, target });
        scene.ticks(100);
    }
    let evading = |scene: &sim::testing::TestScene| {
        let mood = scene.get::<sim::features::monsters::Brain>(rat).mood;
        !matches!(mood, sim::features::monsters::Mood::Fighting { .. })
    };
    scene.ticks(300);
    assert!(evading(&scene), "{:?}", scene.get::<sim::features::monsters::Brain>(rat));
    let vitals = scene.get::<sim::features::combat::Vitals>(rat);
    assert_eq!(vitals.hp, vitals.hp_max);
}

/// A wall along x = 0 from z = -20 to z = 20, an island of rock no way leads onto, and a beat.
const ROADS: [(&str, &str); 2] = [
    (
        "scenes/roads.ron",
        r#"[(
            id: "scene/roads", name: "Roads", bounds: (min: (-60.0, -60.0), max: (60.0, 60.0)),
            aoi: (enter_m: 60.0, leave_m: 70.0), players_max: 10,
            geometry: [
                Box(center: (0.0, -0.5, 0.0), size: (120.0, 1.0, 120.0)),
                Box(center: (0.0, 1.5, 0.0), size: (0.5, 3.0, 40.0)),
                Box(center: (40.0, 2.0, 40.0), size: (10.0, 4.0, 10.0)),
            ],
            spawn_points: [(id: "spawn/a", at: (-50.0, -50.0), radius_m: 1.0)],
            spawners: [(id: "spawner/watch", monster: "monster/sentry", at: (-40.0, 40.0), radius_m: 1.0, count: 1,
                patrol: [(at: (-40.0, 40.0)), (at: (-40.0, 20.0)), (at: (-20.0, 20.0))])],
        )]"#,
    ),
    (
        "monsters/roads.ron",
        r#"[
            (id: "monster/sentry", name: "Sentry", level: (1, 1), faction: "watch", move: (profile: "move/test"),
             attributes: {"hp_max": Flat(1000), "mana_max": Flat(0), "attack": Flat(1), "armor": Flat(0)},
             senses: (aggro_m: 0.0), leash: (radius_m: 15.0), skills: ["skill/strike"], respawn_ms: 5000, corpse_ms: 3000),
            (id: "monster/archer", name: "Archer", level: (1, 1), faction: "watch", move: (profile: "move/test"),
             attributes: {"hp_max": Flat(1000), "mana_max": Flat(1000), "attack": Flat(1), "armor": Flat(0), "mana_regen_milli": Flat(50000)},
             senses: (aggro_m: 0.0), leash: (radius_m: 60.0), skills: ["skill/bolt"], respawn_ms: 5000, corpse_ms: 3000),
        ]"#,
    ),
];

fn roads() -> TestScene {
    crate::crowd::baked(&ROADS, "scene/roads", 4)
}

fn set_down(scene: &mut TestScene, id: SimId, x: f32, y: f32, z: f32) {
    let entity = scene.entity(id);
    scene.scene.world_mut().entity_mut(entity).insert(Position(glam::Vec3::new(x, y, z)));
}

const HIT: EffectAction = EffectAction::Damage { formula: None, school: School::Physical, coef: 10 };

#[test]
fn a_monster_finds_the_way_round_a_wall_to_its_victim_and_home_again() {
    let mut scene = roads();
    let (fighter, rat) = (scene.player_at(-3.0, 10.0), scene.monster_at("monster/rat", 3.0, 10.0));
    strike(&mut scene, fighter, rat, HIT);
    assert!(until(&mut scene, 140, |scene| scene.position(rat).distance(scene.position(fighter)) < 3.0), "6 s");
    assert!(fights(&scene, rat, fighter) && scene.position(rat).x < 0.0, "{}", scene.position(rat));
    kill(&mut scene, rat, fighter);
    scene.tick();
    assert!(matches!(mood(&scene, rat), Mood::Evading { .. }));
    assert!(until(&mut scene, 140, |scene| matches!(mood(scene, rat), Mood::Idle)));
    assert!(scene.position(rat).distance(scene.get::<Home>(rat).feet) < 1.0, "{}", scene.position(rat));
}

#[test]
fn a_victim_that_no_way_leads_to_is_given_up_after_2_seconds() {
    let mut scene = roads();
    let (fighter, rat) = (scene.player_at(40.0, 33.0), scene.monster_at("monster/rat", 40.0, 25.0));
    scene.ticks(3);
    set_down(&mut scene, fighter, 36.0, 4.0, 36.0);
    strike(&mut scene, fighter, rat, HIT);
    let gave_up = until(&mut scene, 50, |scene| matches!(mood(scene, rat), Mood::Evading { .. }));
    assert!(gave_up, "{:?}", mood(&scene, rat));
    assert!(until(&mut scene, 60, |scene| matches!(mood(scene, rat), Mood::Idle)));
    scene.ticks(100);
    assert!(matches!(mood(&scene, rat), Mood::Idle), "it sees the player and lets be: {:?}", mood(&scene, rat));
}

#[test]
fn whoever_can_shoot_a_victim_that_no_way_leads_to_keeps_shooting() {
    let mut scene = roads();
    let (fighter, archer) = (scene.player_at(36.5, 36.5), scene.monster_at("monster/archer", 10.0, 36.5));
    scene.ticks(2);
    set_down(&mut scene, fighter, 36.5, 4.0, 36.5);
    strike(&mut scene, fighter, archer, HIT);
    assert!(until(&mut scene, 200, |scene| hp(scene, fighter) < 500), "it comes into range and shoots");
    assert!(fights(&scene, archer, fighter));
    let before = hp(&scene, fighter);
    assert!(until(&mut scene, 200, |scene| hp(scene, fighter) < before), "and again");
}

#[test]
fn a_patrol_walks_its_places_back_and_forth_and_comes_back_after_a_fight() {
    let mut scene = roads();
    scene.tick();
    let (sentry, ..) = monsters(&mut scene)[0];
    let fighter = scene.player_at(-30.0, 50.0);
    let near =
        |x: f32, z: f32| move |scene: &TestScene| scene.position(sentry).distance(glam::Vec3::new(x, 0.0, z)) < 1.5;
    for (x, z) in [(-40.0, 20.0), (-20.0, 20.0), (-40.0, 20.0), (-40.0, 40.0), (-40.0, 20.0)] {
        assert!(until(&mut scene, 300, near(x, z)), "({x}, {z}): {}", scene.position(sentry));
    }
    // Far from its home and near its beat: the leash is measured from the beat.
    scene.place(fighter, -30.0, 28.0);
    strike(&mut scene, fighter, sentry, HIT);
    assert!(until(&mut scene, 60, |scene| scene.position(sentry).distance(scene.position(fighter)) < 3.0));
    kill(&mut scene, sentry, fighter);
    assert!(until(&mut scene, 100, |scene| matches!(mood(scene, sentry), Mood::Idle)));
    assert!(scene.position(sentry).distance(scene.get::<Home>(sentry).feet) > 15.0, "back on its beat, not at home");
    assert!(until(&mut scene, 300, near(-20.0, 20.0)), "and on: {}", scene.position(sentry));
}

#[test]
fn monsters_on_the_hills_of_the_field_stay_on_the_ground() {
    let mut scene = TestScene::from_config(crate::crowd::field_config(6), |_| {});
    let mut draw = Random::new(6).draw(0, SimId::new(1, 0), Stream("hills"), 0);
    let ids: Vec<SimId> = (0..200)
        .map(|_| {
            let mut place = || Vec2::new(draw.unit() - 0.5, draw.unit() - 0.5) * 800.0;
            let (from, off) = (place(), place() * 0.1);
            let id = scene.monster_at("monster/wolf", from.x, from.y);
            let to = glam::Vec3::new(from.x + off.x, scene.position(id).y, from.y + off.y);
            let entity = scene.entity(id);
            scene.scene.world_mut().entity_mut(entity).remove::<Brain>();
            crate::crowd::send(&mut scene, id, Goal::run(to, 1.0));
            id
        })
        .collect();
    let geometry = scene.config.geometry.clone();
    let mut walked_m = 0.0;
    for tick in 0..1_200 {
        let before: Vec<glam::Vec3> = ids.iter().map(|&id| scene.position(id)).collect();
        scene.tick();
        for (&id, before) in ids.iter().zip(before) {
            let feet = scene.position(id);
            let ground = geometry.ground(feet.x, feet.z, feet.y + 0.5).expect("there is ground");
            let falls = scene.get::<sim::actor::Motion>(id).velocity.y != 0.0;
            assert!(falls || (feet.y - ground.height_m).abs() < 0.05, "tick {tick}: {id} at {feet} above {ground:?}");
            walked_m += feet.distance(before);
        }
    }
    assert!(walked_m > 20.0 * ids.len() as f32, "they did walk: {walked_m} m");
}
