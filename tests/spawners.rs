//! Spawners: what appears, where, how many, when again; pools that take turns. Statistics have fixed seeds and are held to
//! about four standard deviations.

use std::collections::BTreeMap;

use glam::Vec2;
use server::nav::scenes::NavStore;
use sim::actor::Position;
use sim::assets::{AssetReport, AssetSources, Assets, School};
use sim::features::combat::{EffectAction, Vitals};
use sim::features::monsters::{Home, Spawners, Species};
use sim::ids::SimId;
use sim::scene::SceneConfig;
use sim::testing::{TEST_ASSETS, TestScene, test_assets};

use crate::combat::{MORE, kill, strike};

/// A flat scene of 400 m x 400 m with these lists.
pub(crate) fn scene_text(lists: &str) -> String {
    format!(
        r#"(id: "scene/lair", name: "Lair", bounds: (min: (-200, -200), max: (200, 200)),
        aoi: (enter_m: 60, leave_m: 70), players_max: 100,
        geometry: [Box(center: (0, -0.5, 0), size: (400, 1, 400))],
        spawn_points: [(id: "spawn/a", at: (-150, -150), radius_m: 1)], {lists})"#
    )
}

/// The scene with a seed.
pub(crate) fn lair(lists: &str, seed: u64) -> TestScene {
    let text = scene_text(lists);
    let more: Vec<(&str, &str)> = MORE.into_iter().chain([("scenes/lair.ron", text.as_str())]).collect();
    TestScene::of(&test_assets(&more), "scene/lair", seed, |_| {})
}

/// Living monsters by id, with what they are and where they are at home.
pub(crate) fn living(scene: &mut TestScene) -> Vec<(SimId, String, Vec2)> {
    let assets = scene.config.assets.clone();
    let world = scene.scene.world_mut();
    let mut query = world.query::<(&SimId, &Species, &Home, &Vitals)>();
    let alive = query.iter(world).filter(|(.., vitals)| vitals.is_alive());
    let mut found: Vec<_> = alive
        .map(|(&id, species, home, _)| (id, assets.monsters[species.0].id.clone(), Vec2::new(home.feet.x, home.feet.z)))
        .collect();
    found.sort_by_key(|(id, ..)| *id);
    found
}

fn count(scene: &TestScene) -> usize {
    scene.scene.world().resource::<Spawners>().alive_count()
}

/// Everyone of these dies in the next tick.
pub(crate) fn slay(scene: &mut TestScene, killer: SimId, victims: &[SimId]) {
    for &victim in victims {
        strike(scene, killer, victim, EffectAction::Damage { formula: None, school: School::Physical, coef: u32::MAX });
    }
    scene.tick();
    assert!(victims.iter().all(|&victim| scene.get::<Vitals>(victim).is_dead()));
}

/// Whether each count is as expected, within so many.
fn assert_near<const N: usize>(counts: [usize; N], expected: [usize; N], within: usize) {
    let near = counts.iter().zip(expected).all(|(count, expected)| count.abs_diff(expected) <= within);
    assert!(near, "{counts:?} and not {expected:?}");
}

#[test]
fn rares_appear_as_often_as_their_chance_says() {
    let lists = r#"spawners: [(id: "spawner/a", monster: "monster/dummy", at: (0, 0), radius_m: 100, count: 200,
        rares: [(monster: "monster/king", chance_bp: 2_000), (monster: "monster/stroller", chance_bp: 500)])]"#;
    let mut counts = BTreeMap::new();
    for seed in 0..20 {
        let mut scene = lair(lists, seed);
        scene.tick();
        for (_, kind, _) in living(&mut scene) {
            *counts.entry(kind).or_insert(0_usize) += 1;
        }
    }
    // Of 4,000; standard deviations 27, 25 and 14.
    let counts = ["monster/dummy", "monster/king", "monster/stroller"].map(|kind| counts[kind]);
    assert_near(counts, [3_000, 800, 200], 108);
    assert_near([counts[2]], [200], 56);
}

#[test]
fn who_comes_back_is_drawn_anew() {
    let lists = r#"spawners: [(id: "spawner/a", monster: "monster/dummy", at: (0, 0), radius_m: 1, count: 1,
        respawn_ms: (50, 50), rares: [(monster: "monster/king", chance_bp: 5_000)])]"#;
    let mut scene = lair(lists, 3);
    let fighter = scene.player_at(50.0, 0.0);
    let mut kings = 0;
    for _ in 0..100 {
        let (id, kind, _) = living(&mut scene).remove(0);
        kings += usize::from(kind == "monster/king");
        kill(&mut scene, fighter, id);
        scene.tick();
    }
    assert_near([kings], [50], 20);
}

/// A pen that no way leads into and a block of rock stand in the way of an area like an L.
const YARD: &str = r#"(id: "scene/yard", name: "Yard", bounds: (min: (-60, -60), max: (60, 60)),
    aoi: (enter_m: 60, leave_m: 70), players_max: 10,
    geometry: [
        Box(center: (0, -0.5, 0), size: (120, 1, 120)),
        Box(center: (20, 1.5, -26), size: (13, 3, 1)), Box(center: (20, 1.5, -14), size: (13, 3, 1)),
        Box(center: (14, 1.5, -20), size: (1, 3, 13)), Box(center: (26, 1.5, -20), size: (1, 3, 13)),
        Box(center: (-20, 3, 20), size: (10, 6, 10)),
    ],
    spawn_points: [(id: "spawn/a", at: (50, 50), radius_m: 1)],
    spawners: [(id: "spawner/l", monster: "monster/dummy", at: (-20, -20), count: 200,
        area: Polygon([(-40, -40), (40, -40), (40, 0), (0, 0), (0, 40), (-40, 40)]))])"#;

#[test]
fn an_area_is_filled_evenly_and_only_where_a_way_leads() {
    let baked = crate::crowd::baked(&[("scenes/yard.ron", YARD)], "scene/yard", 0);
    let mut thirds = [0_usize; 3];
    for seed in 0..5 {
        let mut scene = TestScene::from_config(SceneConfig { seed, ..baked.config.clone() }, |_| {});
        scene.tick();
        let places: Vec<Vec2> = living(&mut scene).into_iter().map(|(.., home)| home).collect();
        assert_eq!(places.len(), 200);
        for place in places {
            let from = |x: f32, z: f32| (place - Vec2::new(x, z)).abs().max_element();
            assert!(from(-20.0, -20.0) < 20.01 || from(20.0, -20.0) < 20.01 || from(-20.0, 20.0) < 20.01, "{place}");
            assert!(from(20.0, -20.0) > 6.5, "{place} is in the pen");
            assert!(from(-20.0, 20.0) > 5.0, "{place} is in the rock");
            thirds[usize::from(place.x > 0.0) + 2 * usize::from(place.y > 0.0)] += 1;
        }
    }
    // Of the L's squares one is whole, one has a pen of 13 m and one a rock of 10 m, each with the margin of a body about
    // it: 1,600, 1,410 and 1,480 square metres. The standard deviation is 15.
    assert_near(thirds, [356, 314, 330], 60);
}

#[test]
fn an_area_that_hardly_anybody_can_walk_in_is_a_finding_with_its_line() {
    let store = NavStore::new(None, None);
    let check = |scene: &str| {
        let base = TEST_ASSETS.iter().fold(AssetSources::new("test"), |texts, (path, text)| texts.with(*path, *text));
        let only_yard = |assets: &Assets, id| match assets.scenes[id].id == "scene/yard" {
            true => store.ground_to_check(assets, id),
            false => Ok(None),
        };
        Assets::examine_on(&base.with("scenes/yard.ron", scene), only_yard).1
    };
    let off_mesh = |report: &AssetReport| {
        let found = report.findings.iter().filter(|finding| finding.code.as_str() == "A0126");
        found.map(|finding| (finding.line, finding.message.clone())).collect::<Vec<_>>()
    };
    assert!(off_mesh(&check(YARD)).is_empty(), "a pen and a rock leave room enough");
    // All of it is the pen, but for a margin, and the middle is outside.
    let penned = YARD.replace("at: (-20, -20)", "at: (13, -20)").replace(
        "[(-40, -40), (40, -40), (40, 0), (0, 0), (0, 40), (-40, 40)]",
        "[(12, -26), (26, -26), (26, -14), (12, -14)]",
    );
    let report = check(&penned);
    let found = off_mesh(&report);
    assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [11], "{report}");
    assert!(found[0].1.contains("% of its area from its middle, but needs 25 %"), "{report}");
}

const CROWD: &str = r#"spawners: [(id: "spawner/a", monster: "monster/dummy", at: (0, 0), radius_m: 10, count: 2,
    crowd: (per_player_pct: 50, max: 4, margin_m: 20))]"#;

/// Lets a second pass, in which every spawner has counted.
fn second(scene: &mut TestScene) {
    scene.ticks(20);
}

#[test]
fn there_are_more_monsters_for_more_players_at_once_and_never_too_many() {
    let mut scene = lair(CROWD, 1);
    let players: Vec<SimId> = (0..8).map(|_| scene.player_at(150.0, 0.0)).collect();
    second(&mut scene);
    assert_eq!(count(&scene), 2, "nobody is near");
    for (near, expected) in [(1, 2), (2, 3), (3, 3), (4, 4), (8, 4)] {
        players[..near].iter().for_each(|&player| scene.place(player, 0.0, 22.0));
        second(&mut scene);
        assert_eq!(count(&scene), expected, "2 + {near} / 2, at most 4");
    }
}

#[test]
fn the_dead_and_those_beyond_the_margin_do_not_count() {
    let mut scene = lair(CROWD, 1);
    let dummy = scene.monster_at("monster/dummy", 100.0, 100.0);
    let players: Vec<SimId> = (0..2).map(|_| scene.player_at(0.0, 33.0)).collect();
    second(&mut scene);
    assert_eq!(count(&scene), 2, "10 m and a margin of 20 m");
    players.iter().for_each(|&player| scene.place(player, 0.0, 25.0));
    kill(&mut scene, dummy, players[0]);
    second(&mut scene);
    assert_eq!(count(&scene), 2, "one of the two lies dead");
}

#[test]
fn fewer_monsters_only_by_not_coming_back() {
    let mut scene = lair(CROWD, 1);
    let players: Vec<SimId> = (0..4).map(|_| scene.player_at(0.0, 20.0)).collect();
    second(&mut scene);
    players.iter().for_each(|&player| scene.place(player, 150.0, 0.0));
    second(&mut scene);
    assert_eq!(count(&scene), 4, "nobody goes");
    for left in [3, 2] {
        let (id, ..) = living(&mut scene).remove(0);
        slay(&mut scene, players[0], &[id]);
        scene.ticks(120);
        assert_eq!(count(&scene), left, "and nobody comes back");
    }
    let (id, ..) = living(&mut scene).remove(0);
    slay(&mut scene, players[0], &[id]);
    scene.ticks(98);
    assert_eq!(count(&scene), 1);
    scene.ticks(2);
    assert_eq!(count(&scene), 2, "below what there are without a crowd they do, in 5 s");
}

#[test]
fn going_away_and_coming_again_brings_nobody_back_sooner() {
    let mut scene = lair(CROWD, 1);
    let players: Vec<SimId> = (0..4).map(|_| scene.player_at(0.0, 20.0)).collect();
    second(&mut scene);
    let (id, ..) = living(&mut scene).remove(0);
    slay(&mut scene, players[0], &[id]);
    players.iter().for_each(|&player| scene.place(player, 150.0, 0.0));
    second(&mut scene);
    players.iter().for_each(|&player| scene.place(player, 0.0, 20.0));
    second(&mut scene);
    assert_eq!(count(&scene), 3, "its time is not over");
    scene.ticks(60);
    assert_eq!(count(&scene), 4);
}

/// Ticks from the death of all monsters to each that comes back.
fn times_back(scene: &mut TestScene, killer: SimId) -> Vec<u32> {
    let all: Vec<SimId> = living(scene).into_iter().map(|(id, ..)| id).collect();
    slay(scene, killer, &all);
    assert_eq!(count(scene), 0);
    let mut times = Vec::new();
    for tick in 1..=400 {
        let before = count(scene);
        scene.tick();
        times.extend(std::iter::repeat_n(tick, count(scene) - before));
    }
    assert_eq!(times.len(), all.len());
    times
}

#[test]
fn a_spawner_has_a_respawn_time_of_its_own_drawn_from_its_range() {
    let lists = r#"spawners: [(id: "spawner/a", monster: "monster/dummy", at: (0, 0), radius_m: 50, count: 200,
        respawn_ms: (1_000, 4_950))]"#;
    let mut scene = lair(lists, 8);
    let fighter = scene.player_at(150.0, 0.0);
    let times = times_back(&mut scene, fighter);
    assert!(times.iter().all(|ticks| (20..=99).contains(ticks)), "{times:?}");
    let quarters =
        [20, 40, 60, 80].map(|from| times.iter().filter(|&&ticks| (from..from + 20).contains(&ticks)).count());
    assert_near(quarters, [50; 4], 25);
}

#[test]
fn monsters_hurry_back_for_a_crowd_but_not_sooner_than_they_may() {
    let lists = r#"spawners: [(id: "spawner/a", monster: "monster/dummy", at: (0, 0), radius_m: 10, count: 3,
        respawn_ms: (10_000, 10_000), crowd: (max: 3, hurry_pct: 50, respawn_least_ms: 2_000))]"#;
    // 10 s, divided by 1 + players / 2.
    for (players, ticks) in [(0, 200), (2, 100), (18, 40)] {
        let mut scene = lair(lists, 8);
        let fighter = scene.player_at(150.0, 0.0);
        for _ in 0..players {
            scene.player_at(0.0, 20.0);
        }
        second(&mut scene);
        assert_eq!(times_back(&mut scene, fighter), [ticks; 3], "{players} players");
    }
}

/// Four lairs of two, of which two are active at a time.
const POOL: &str = r#"spawners: [
        (id: "spawner/a", monster: "monster/dummy", at: (-90, 0), radius_m: 5, count: 2),
        (id: "spawner/b", monster: "monster/dummy", at: (-30, 0), radius_m: 5, count: 2),
        (id: "spawner/c", monster: "monster/dummy", at: (30, 0), radius_m: 5, count: 2),
        (id: "spawner/d", monster: "monster/dummy", at: (90, 0), radius_m: 5, count: 2),
    ],
    pools: [(id: "pool/p", active: 2, members: [(spawner: "spawner/a"), (spawner: "spawner/b"),
        (spawner: "spawner/c"), (spawner: "spawner/d")])]"#;

/// The living of each of the four lairs.
fn lairs(scene: &mut TestScene) -> [Vec<SimId>; 4] {
    let all = living(scene);
    [-90.0, -30.0, 30.0, 90.0].map(|x| {
        let near = all.iter().filter(|(.., home)| home.distance(Vec2::new(x, 0.0)) < 10.0);
        near.map(|(id, ..)| *id).collect()
    })
}

#[test]
fn of_a_pool_so_many_are_active_and_a_cleared_one_gives_its_turn_to_another() {
    let mut scene = lair(POOL, 1);
    let fighter = scene.player_at(0.0, 150.0);
    let mut moved = 0;
    for _ in 0..20 {
        let before = lairs(&mut scene);
        assert_eq!(before.each_ref().map(Vec::len).iter().sum::<usize>(), 4);
        assert_eq!(before.iter().filter(|lair| lair.len() == 2).count(), 2, "two are full and two are empty");
        let active = before.iter().position(|lair| !lair.is_empty()).unwrap();
        slay(&mut scene, fighter, &before[active][..1]);
        scene.ticks(150);
        assert_eq!(lairs(&mut scene)[active].len(), 1, "who is left is not joined by another");
        slay(&mut scene, fighter, &before[active][1..]);
        scene.ticks(98);
        assert_eq!(count(&scene), 2, "only the other one is there");
        scene.ticks(2);
        let after = lairs(&mut scene);
        assert_eq!(after.iter().filter(|lair| lair.len() == 2).count(), 2, "5 s later another is full");
        moved += usize::from(after[active].is_empty());
    }
    // Three are free each time, and one of them is the same.
    assert_near([moved], [13], 6);
}

#[test]
fn turns_of_a_pool_go_by_weight() {
    let lists = r#"spawners: [
            (id: "spawner/a", monster: "monster/dummy", at: (-90, 0), radius_m: 1, count: 1, respawn_ms: (50, 50)),
            (id: "spawner/b", monster: "monster/dummy", at: (-30, 0), radius_m: 1, count: 1, respawn_ms: (50, 50)),
            (id: "spawner/c", monster: "monster/dummy", at: (30, 0), radius_m: 1, count: 1, respawn_ms: (50, 50)),
        ],
        pools: [(id: "pool/p", active: 1, members: [(spawner: "spawner/a", weight: 6), (spawner: "spawner/b", weight: 3),
            (spawner: "spawner/c", weight: 1)])]"#;
    let mut scene = lair(lists, 5);
    let fighter = scene.player_at(0.0, 150.0);
    let mut turns = [0_usize; 4];
    for _ in 0..600 {
        let lairs = lairs(&mut scene);
        let active: Vec<usize> = (0..4).filter(|&at| !lairs[at].is_empty()).collect();
        assert_eq!(active.len(), 1);
        turns[active[0]] += 1;
        slay(&mut scene, fighter, &lairs[active[0]]);
        while count(&scene) == 0 {
            scene.tick();
        }
    }
    // Standard deviations 12, 11 and 7.
    assert_near(turns, [360, 180, 60, 0], 48);
    assert_near([turns[2]], [60], 29);
}

/// Everything at once.
const ALL: &str = r#"spawners: [
        (id: "spawner/a", monster: "monster/rat", at: (-60, 0), radius_m: 5, count: 3, respawn_ms: (1_000, 3_000),
         rares: [(monster: "monster/king", chance_bp: 3_000)], crowd: (per_player_pct: 100, max: 6, hurry_pct: 20)),
        (id: "spawner/b", monster: "monster/rat", at: (0, 0), count: 3, respawn_ms: (1_000, 3_000),
         area: Polygon([(-10, -10), (10, -10), (0, 10)])),
        (id: "spawner/c", monster: "monster/dummy", at: (40, 0), radius_m: 5, count: 2, respawn_ms: (500, 500)),
        (id: "spawner/d", monster: "monster/dummy", at: (60, 0), radius_m: 5, count: 2, respawn_ms: (500, 500)),
    ],
    pools: [(id: "pool/p", active: 1, members: [(spawner: "spawner/c"), (spawner: "spawner/d", weight: 2)])],
    groups: [(id: "group/g", spawners: ["spawner/b"], respawn: Together), (id: "group/h", spawners: ["spawner/a"])]"#;

#[test]
fn the_same_seed_has_the_same_hashes_and_another_has_others() {
    let play = |seed| {
        let mut scene = lair(ALL, seed);
        let fighters = [scene.player_at(-50.0, 0.0), scene.player_at(5.0, 5.0)];
        (0..400)
            .map(|tick| {
                if tick % 7 == 0 {
                    let alive = living(&mut scene);
                    let (victim, ..) = alive[tick as usize / 7 % alive.len()];
                    let what = EffectAction::Damage { formula: None, school: School::Physical, coef: u32::MAX };
                    strike(&mut scene, fighters[tick as usize % 2], victim, what);
                }
                scene.tick();
                scene.hash()
            })
            .collect::<Vec<_>>()
    };
    assert!(play(1) == play(1));
    assert!(play(1) != play(2));
}

#[test]
fn nobody_stands_outside_its_area_after_an_age() {
    let mut scene = lair(ALL, 4);
    let fighter = scene.player_at(0.0, 150.0);
    for _ in 0..40 {
        let all: Vec<SimId> = living(&mut scene).into_iter().map(|(id, ..)| id).collect();
        slay(&mut scene, fighter, &all);
        scene.ticks(70);
        for (id, _, home) in living(&mut scene) {
            let place = scene.get::<Position>(id).place();
            assert!(home.x.abs() < 66.0 && home.y.abs() < 11.0 && place.distance(home) < 12.0, "{id} at {home}");
        }
        assert_eq!(count(&scene), 3 + 3 + 2, "as many as in the beginning");
    }
}
