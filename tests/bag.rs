//! Bags in a scene: what players ask for, what it is refused for, and what an exchange of the game data does.

use sim::assets::{AssetSources, Assets};
use sim::epoch::{AssetsEdit, LoadedAhead};
use sim::features::loot::{Bag, BagCommand, Stack, Thing};
use sim::ids::SimId;
use sim::input::SceneInput;
use sim::testing::{TEST_ASSETS, TestScene};

use crate::combat::refusals;

const ITEMS: &str = r#"[
    (id: "item/coin", stack_max: 10),
    (id: "item/ring", equip: (slot: Ring)),
]"#;

/// A scene whose game data has these items.
fn scene_with(items: &str) -> (TestScene, AssetSources) {
    let sources = AssetSources::new("test");
    let sources = TEST_ASSETS.iter().fold(sources, |sources, (path, text)| sources.with(*path, *text));
    let sources = sources.with("items/bag.ron", items);
    let assets = std::sync::Arc::new(Assets::load(&sources).unwrap_or_else(|report| panic!("{report:#?}")));
    (TestScene::of(&assets, "scene/flat", 1, |_| {}), sources)
}

fn give(scene: &mut TestScene, who: SimId, name: &str, count: u32) {
    let items = &scene.config.assets.items;
    let item = items.by_name(name).unwrap();
    let def = items[item].clone();
    let entity = scene.entity(who);
    let mut bag = scene.scene.world_mut().get_mut::<Bag>(entity).unwrap();
    assert_eq!(bag.put(Stack::plain(item, count), &def, false), 0);
}

fn ask(scene: &mut TestScene, who: SimId, command: BagCommand) {
    scene.command(who, &command);
    scene.tick();
}

fn counts(scene: &TestScene, who: SimId) -> Vec<(usize, u32)> {
    scene.get::<Bag>(who).things().map(|(slot, thing)| (slot, thing.count())).collect()
}

#[test]
fn players_arrange_their_bags_and_are_told_what_cannot_be() {
    let (mut scene, _) = scene_with(ITEMS);
    let who = scene.player_at(0.0, 0.0);
    give(&mut scene, who, "item/coin", 14);
    ask(&mut scene, who, BagCommand::Split { from: 0, to: 9, count: 4 });
    assert_eq!(counts(&scene, who), [(0, 6), (1, 4), (9, 4)]);
    ask(&mut scene, who, BagCommand::Move { from: 9, to: 1 });
    ask(&mut scene, who, BagCommand::Destroy { slot: 0, count: 5 });
    assert_eq!(counts(&scene, who), [(0, 1), (1, 8)]);
    ask(&mut scene, who, BagCommand::Sort);
    assert_eq!(counts(&scene, who), [(0, 9)]);
    for (command, reason) in [
        (BagCommand::Move { from: 3, to: 0 }, "no_item"),
        (BagCommand::Move { from: 0, to: 40 }, "no_slot"),
        (BagCommand::Destroy { slot: 0, count: 10 }, "no_item"),
        (BagCommand::Split { from: 0, to: 0, count: 1 }, "slot_taken"),
    ] {
        ask(&mut scene, who, command);
        assert_eq!(refusals(&scene), [reason], "{command:?}");
    }
    assert_eq!(counts(&scene, who), [(0, 9)]);
}

/// Has the scene go on with other items.
fn exchange(scene: &mut TestScene, sources: &mut AssetSources, items: &str) {
    let next = sources.clone().with("items/bag.ron", items);
    let edit = AssetsEdit::between(sources, &next);
    scene.scene.push(SceneInput::Assets { edit, ahead: LoadedAhead::default() });
    scene.tick();
    *sources = next;
}

#[test]
fn an_item_taken_out_of_the_data_is_a_relic_and_comes_back_as_it_was() {
    let (mut scene, mut sources) = scene_with(ITEMS);
    let who = scene.player_at(0.0, 0.0);
    give(&mut scene, who, "item/ring", 1);
    give(&mut scene, who, "item/coin", 3);
    let before = scene.get::<Bag>(who).clone();
    exchange(&mut scene, &mut sources, r#"[(id: "item/coin", stack_max: 10)]"#);
    let bag = scene.get::<Bag>(who);
    assert!(matches!(bag.thing(0), Some(Thing::Relic(relic)) if relic.name == "item/ring"));
    assert_eq!(bag.thing(1), before.thing(1), "others are not touched");
    ask(&mut scene, who, BagCommand::Move { from: 0, to: 7 });
    exchange(&mut scene, &mut sources, ITEMS);
    let bag = scene.get::<Bag>(who);
    assert_eq!((bag.thing(7), bag.thing(0)), (before.thing(0), None));
}
