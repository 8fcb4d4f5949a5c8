//! Game data exchanged under a running scene: what is live goes on, what is gone is let go, and nothing is confused.

use std::sync::Arc;

use sim::actor::{Actor, Kind};
use sim::assets::{AssetSources, Assets};
use sim::counters::Counters;
use sim::epoch::{ASSET_EDITS, AssetsEdit, LoadedAhead};
use sim::features::monsters::Spawners;
use sim::input::SceneInput;
use sim::scene::SceneAssets;
use sim::testing::{TestScene, test_assets};

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
        before.len() + 3,
        "two new ones; the three of the spawner that is gone live on"
    );
}
