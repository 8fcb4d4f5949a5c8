//! Game data exchanged under a running scene: what is live goes on, what is gone is let go, and nothing is confused.

use std::sync::Arc;

use sim::actor::{Actor, Kind};
use sim::assets::{AssetSources, Assets, School};
use sim::counters::Counters;
use sim::epoch::{ASSET_EDITS, AssetsEdit, LoadedAhead};
use sim::features::combat::EffectAction;
use sim::features::monsters::{Brain, Group, Mood, Spawners};
use sim::ids::SimId;
use sim::input::SceneInput;
use sim::scene::SceneAssets;
use sim::testing::{TestScene, test_assets};

use crate::combat::{kill, strike};
use crate::spawners::{living, slay};

mod live;

/// The data a scene runs on.
fn running(scene: &TestScene) -> Arc<Assets> {
    Arc::clone(&scene.scene.world().resource::<SceneAssets>().0)
}

/// Has the texts take effect in the next tick, as an edit that nobody loaded ahead.
fn reload(scene: &mut TestScene, change: impl FnOnce(&mut AssetSources)) {
    let old = Arc::clone(&running(scene).sources);
    let mut new = AssetSources::clone(&old);
    change(&mut new);
    let edit = AssetsEdit::between(&old, &new);
    scene.scene.push(SceneInput::Assets { edit, ahead: LoadedAhead::default() });
}

/// How often edits came to this.
fn count(scene: &TestScene, outcome: &'static str) -> u64 {
    scene.scene.world().resource::<Counters>().count(ASSET_EDITS, outcome)
}

#[test]
fn identical_data_leaves_the_state_as_it_is() {
    let (mut reloaded, mut left_alone) = (TestScene::flat(), TestScene::flat());
    for scene in [&mut reloaded, &mut left_alone] {
        scene.player_at(0.0, 0.0);
        scene.monster_at("monster/rat", 3.0, 0.0);
        scene.ticks(20);
    }
    reload(&mut reloaded, |_| {});
    reloaded.tick();
    left_alone.tick();
    assert_eq!(count(&reloaded, "unchanged"), 1);
    assert_eq!(reloaded.hash(), left_alone.hash());
}

#[test]
fn a_bad_file_keeps_the_old_epoch() {
    let mut scene = TestScene::flat();
    let before = running(&scene);
    reload(&mut scene, |texts| texts.insert("effects/bad.ron", "(id: \"effect/bad\")"));
    scene.tick();
    assert_eq!((count(&scene, "faults"), count(&scene, "applied")), (1, 0));
    assert!(Arc::ptr_eq(&before, &running(&scene)));
}

#[test]
fn an_edit_that_was_made_against_other_data_is_refused() {
    let mut scene = TestScene::flat();
    reload(&mut scene, |texts| texts.insert("tables/a.csv", "1,2\n"));
    reload(&mut scene, |texts| texts.insert("tables/b.csv", "3,4\n"));
    scene.tick();
    assert_eq!((count(&scene, "applied"), count(&scene, "out_of_turn")), (1, 1));
}

#[test]
fn a_scene_keeps_its_frame() {
    let mut scene = TestScene::flat();
    let scenes = running(&scene).sources.text("scenes/test.ron").expect("it is there").to_owned();
    reload(&mut scene, |texts| texts.insert("scenes/test.ron", scenes.replace("enter_m: 60", "enter_m: 50")));
    scene.tick();
    assert_eq!(count(&scene, "frame"), 1);
}

#[test]
fn records_keep_their_ids_when_others_come_and_go() {
    let first = test_assets(&[]);
    let id = first.effects.iter().last().expect("there are effects").0;
    let text = "(id: \"effect/a\", name: \"A\", polarity: Helpful, duration: Ms(1_000),
        period: (ms: 500), periodic: [Heal(coef: 10)])";
    let with = first.load_next(&first.sources.as_ref().clone().with("effects/a.ron", text)).expect("good data");
    let a = with.effects.by_name("effect/a").expect("it is there");
    assert_eq!(a.index(), first.effects.len(), "new names count on");
    assert_eq!(with.effects[id].id, first.effects[id].id);
    let without = with.load_next(&first.sources).expect("good data");
    assert_eq!((without.effects.get(a), without.effects[a].id.as_str()), (None, "effect/a"), "retired, not reused");
}

const CAMP: &str = r#"(id: "scene/camp", name: "Camp", bounds: (min: (-50, -50), max: (50, 50)), aoi: (enter_m: 60, leave_m: 70),
    players_max: 100, spawn_points: [(id: "spawn/a", at: (0, 0))], spawners: [
        (id: "spawner/one", monster: "monster/rat", at: (20, 20), radius_m: 2, count: 2),
        (id: "spawner/two", monster: "monster/dummy", at: (-20, 20), radius_m: 2, count: 1),
    ])"#;

#[test]
fn spawners_are_told_apart_by_their_ids() {
    let assets = test_assets(&[("scenes/camp.ron", CAMP)]);
    let mut scene = TestScene::of(&assets, "scene/camp", 1, |_| {});
    scene.ticks(2);
    let alive = |scene: &TestScene| scene.scene.world().resource::<Spawners>().alive_count();
    let species = |scene: &mut TestScene| {
        let world = scene.scene.world_mut();
        let mut kinds: Vec<Kind> = world.query::<(&Kind, &Actor)>().iter(world).map(|(kind, _)| *kind).collect();
        kinds.sort_by_key(|kind| format!("{kind:?}"));
        kinds
    };
    assert_eq!(alive(&scene), 3);
    let before = species(&mut scene);
    let first_is_one = CAMP.replace("count: 2", "count: 3");
    reload(&mut scene, |texts| texts.insert("scenes/camp.ron", first_is_one));
    scene.ticks(2);
    assert_eq!(alive(&scene), 4, "one place more is filled at once");
    assert_eq!(species(&mut scene).len(), before.len() + 1);
    reload(&mut scene, |texts| texts.insert("scenes/camp.ron", CAMP.replace("spawner/one", "spawner/other")));
    scene.ticks(2);
    assert_eq!(count(&scene, "applied"), 2);
    assert_eq!(
        species(&mut scene).len(),
        before.len(),
        "two new ones; the three of the spawner that is gone went with it"
    );
}

const DEN: &str = r#"(id: "scene/den", name: "Den", bounds: (min: (-100, -100), max: (100, 100)), aoi: (enter_m: 60, leave_m: 70),
    players_max: 100, spawn_points: [(id: "spawn/a", at: (0, 0))], spawners: [
        (id: "spawner/one", monster: "monster/beast", at: (40, 40), radius_m: 2, count: 3),
        (id: "spawner/two", monster: "monster/dummy", at: (-40, 40), radius_m: 2, count: 2),
    ])"#;

const BEAST: &str = r#"(id: "monster/beast", name: "Beast", level: (1, 1), faction: "vermin", move: (profile: "move/test"),
    attributes: {"hp_max": Flat(1000), "attack": Flat(1)}, senses: (aggro_m: 0), leash: (radius_m: 30),
    skills: ["skill/strike"], respawn_ms: 5000, corpse_ms: 3000)"#;

/// A den with three beasts and two dummies, and a player who fights the first beast.
fn den() -> (TestScene, Vec<SimId>, SimId) {
    let assets = test_assets(&[("scenes/den.ron", DEN), ("monsters/beast.ron", BEAST)]);
    let mut scene = TestScene::of(&assets, "scene/den", 1, |_| {});
    let player = scene.player_at(42.0, 42.0);
    let monsters: Vec<SimId> = living(&mut scene).into_iter().map(|(id, ..)| id).collect();
    strike(&mut scene, player, monsters[0], EffectAction::Damage { formula: None, school: School::Physical, coef: 10 });
    scene.ticks(2);
    assert!(matches!(scene.get::<Brain>(monsters[0]).mood, Mood::Fighting { .. }));
    (scene, monsters, player)
}

/// The living are those who hold the places.
fn assert_places_hold(scene: &mut TestScene) {
    let alive = scene.scene.world().resource::<Spawners>().alive_count();
    assert_eq!(alive, living(scene).len());
}

#[test]
fn monsters_of_a_spawner_that_is_gone_go_and_who_is_fought_goes_after_the_fight() {
    let (mut scene, monsters, player) = den();
    reload(&mut scene, |texts| {
        texts.insert("scenes/den.ron", DEN.replace("spawner/one", "spawner/three").replace("count: 3", "count: 1"));
    });
    scene.tick();
    let exist = |scene: &TestScene| monsters.iter().map(|&id| scene.exists(id)).collect::<Vec<_>>();
    assert_eq!(exist(&scene), [true, false, false, true, true], "nobody fights the second and the third");
    assert_eq!(living(&mut scene).len(), 4, "and one of the new spawner");
    scene.ticks(60);
    assert!(matches!(scene.get::<Brain>(monsters[0]).mood, Mood::Fighting { .. }), "the fight goes on");
    assert_places_hold(&mut scene);
    kill(&mut scene, monsters[0], player);
    scene.ticks(3);
    assert_eq!(exist(&scene), [false, false, false, true, true], "it has given up");
    assert_places_hold(&mut scene);
    scene.ticks(200);
    assert_eq!(living(&mut scene).len(), 3, "and is not followed by another");
}

#[test]
fn who_dies_on_a_place_that_was_given_up_leaves_a_corpse_and_no_heir() {
    let (mut scene, monsters, player) = den();
    reload(&mut scene, |texts| texts.insert("scenes/den.ron", DEN.replace("spawner/one", "spawner/three")));
    scene.tick();
    kill(&mut scene, player, monsters[0]);
    scene.ticks(58);
    assert!(scene.exists(monsters[0]), "its corpse lies 3 s");
    scene.ticks(200);
    assert!(!scene.exists(monsters[0]));
    assert_eq!(living(&mut scene).len(), 5);
    assert_places_hold(&mut scene);
}

#[test]
fn a_spawner_for_fewer_gives_up_free_places_before_taken_ones() {
    let (mut scene, monsters, player) = den();
    kill(&mut scene, player, monsters[1]);
    reload(&mut scene, |texts| texts.insert("scenes/den.ron", DEN.replace("count: 3", "count: 2")));
    scene.ticks(200);
    assert!(scene.exists(monsters[0]) && scene.exists(monsters[2]), "there are two, as there shall be");
    assert_eq!(living(&mut scene).len(), 4);
    reload(&mut scene, |texts| texts.insert("scenes/den.ron", DEN.replace("count: 3", "count: 1")));
    scene.tick();
    assert!(scene.exists(monsters[0]) && !scene.exists(monsters[2]));
    reload(&mut scene, |texts| texts.insert("scenes/den.ron", DEN));
    scene.tick();
    assert_eq!(living(&mut scene).len(), 5, "new places are filled at once");
    assert_places_hold(&mut scene);
}

#[test]
fn a_kind_that_is_gone_goes_and_its_places_are_taken_by_what_is_written_now() {
    let (mut scene, monsters, player) = den();
    let loner = scene.monster_at("monster/beast", -80.0, -80.0);
    scene.tick();
    reload(&mut scene, |texts| {
        texts.remove("monsters/beast.ron");
        texts.insert("scenes/den.ron", DEN.replace("monster/beast", "monster/rat"));
    });
    scene.tick();
    assert_eq!(count(&scene, "applied"), 1);
    assert!(!scene.exists(loner) && !scene.exists(monsters[1]) && scene.exists(monsters[0]));
    let kinds = |scene: &mut TestScene| {
        let mut kinds: Vec<String> = living(scene).into_iter().map(|(_, kind, _)| kind).collect();
        kinds.sort();
        kinds
    };
    let [beast, dummy, rat] = ["monster/beast", "monster/dummy", "monster/rat"];
    assert_eq!(kinds(&mut scene), [beast, dummy, dummy, rat, rat]);
    kill(&mut scene, monsters[0], player);
    scene.ticks(3);
    assert_eq!(kinds(&mut scene), [dummy, dummy, rat, rat, rat]);
    assert_places_hold(&mut scene);
}

#[test]
fn pools_and_groups_that_come_and_go_keep_who_is_there() {
    let (mut scene, monsters, player) = den();
    let members = r#"[(spawner: "spawner/one"), (spawner: "spawner/two")]"#;
    let pooled = DEN.replace(
        "    ])",
        &format!(
            r#"    ], pools: [(id: "pool/p", active: 1, members: {members})],
            groups: [(id: "group/g", spawners: ["spawner/one"])])"#
        ),
    );
    assert_ne!(pooled, DEN);
    reload(&mut scene, |texts| texts.insert("scenes/den.ron", pooled));
    scene.ticks(2);
    assert_eq!(count(&scene, "applied"), 1);
    assert_eq!(living(&mut scene).len(), 5, "more than the pool would let be, but they are there");
    let group = |id| scene.scene.world().get::<Group>(scene.entity(id)).map(|group| group.index);
    assert_eq!([group(monsters[0]), group(monsters[3])], [Some(0), None]);
    assert!(matches!(scene.get::<Brain>(monsters[2]).mood, Mood::Fighting { .. }), "the group comes to help");
    slay(&mut scene, player, &monsters[3..]);
    scene.ticks(300);
    assert_eq!(living(&mut scene).len(), 3, "the pool has one too many, so nobody follows");
    slay(&mut scene, player, &monsters[..3]);
    scene.ticks(102);
    let now = living(&mut scene).len();
    assert!(now == 2 || now == 3, "one of the two spawners is drawn: {now}");
    reload(&mut scene, |texts| texts.insert("scenes/den.ron", DEN));
    scene.ticks(102);
    assert_eq!(living(&mut scene).len(), 5, "without the pool both are full, the dead after their time");
    let grouped =
        living(&mut scene).into_iter().filter(|(id, ..)| scene.scene.world().get::<Group>(scene.entity(*id)).is_some());
    assert_eq!(grouped.count(), 0);
    assert_places_hold(&mut scene);
}
