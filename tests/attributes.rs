//! Attributes in a running scene: modifiers of several contributors, conditions in a fight, and the exchange of game data.

use std::sync::Arc;

use sim::assets::{AssetSources, AttributeId, ModifierOp, School, TagId, TagSet};
use sim::epoch::{AssetsEdit, LoadedAhead};
use sim::features::combat::{
    Attributes, Change, ChangeSource, Condition, Contributor, EffectAction, HealthChanged, HealthKind, Modifiers,
    Vitals,
};
use sim::features::skills::Mana;
use sim::ids::SimId;
use sim::input::SceneInput;
use sim::scene::SceneAssets;
use sim::testing::TestScene;

use crate::combat::{hp, kill, strike, told};

fn change(attribute: AttributeId, op: ModifierOp, when: Option<Condition>) -> Change {
    Change { attribute, op, times: 1, source: ChangeSource::Other("test"), when: when.map(Arc::new) }
}

fn modify(scene: &mut TestScene, id: SimId, contributor: Contributor, changes: Vec<Change>) {
    let entity = scene.entity(id);
    let mut entity = scene.scene.world_mut().entity_mut(entity);
    entity.get_mut::<Modifiers>().expect("actors have modifiers").replace(contributor, changes);
}

/// Replaces text in the classes and monsters of the running data; it takes effect in the next tick.
fn reload(scene: &mut TestScene, from: &str, to: &str) {
    let old = Arc::clone(&scene.scene.world().resource::<SceneAssets>().0.sources);
    let mut new = AssetSources::clone(&old);
    for path in ["classes/test.ron", "monsters/test.ron"] {
        new.insert(path, old.text(path).expect("it is there").replace(from, to));
    }
    let edit = AssetsEdit::between(&old, &new);
    scene.scene.push(SceneInput::Assets { edit, ahead: LoadedAhead::default() });
}

#[test]
fn contributors_add_up_and_each_takes_away_only_its_own() {
    let mut scene = TestScene::flat();
    let fighter = scene.player_at(0.0, 0.0);
    let attack = |scene: &TestScene| scene.get::<Attributes>(fighter).current(AttributeId::ATTACK);
    let flat = |amount| vec![change(AttributeId::ATTACK, ModifierOp::Flat(amount), None)];
    modify(&mut scene, fighter, Contributor::Other, flat(7));
    modify(&mut scene, fighter, Contributor::Equipment, flat(20));
    scene.tick();
    assert_eq!(attack(&scene), 77);
    modify(&mut scene, fighter, Contributor::Equipment, Vec::new());
    scene.tick();
    assert_eq!(attack(&scene), 57);
}

#[test]
fn a_modifier_for_fire_strengthens_fire_and_nothing_else() {
    let mut scene = TestScene::flat();
    let (fighter, dummy) = (scene.player_at(0.0, 0.0), scene.monster_at("monster/dummy", 1.0, 0.0));
    let loss = |scene: &mut TestScene, school| {
        let before = hp(scene, dummy);
        strike(scene, fighter, dummy, EffectAction::Damage { formula: None, school, coef: 100_000 });
        scene.tick();
        before - hp(scene, dummy)
    };
    let plain = [loss(&mut scene, School::Fire), loss(&mut scene, School::Physical)];
    let fire = Condition::of(scene.config.assets.tags.closure(TagId::SCHOOL_FIRE), TagSet::EMPTY, TagSet::EMPTY);
    let double = change(AttributeId::DAMAGE_DONE_BP, ModifierOp::More(10_000), Some(fire));
    modify(&mut scene, fighter, Contributor::Other, vec![double]);
    scene.tick();
    let strong = [loss(&mut scene, School::Fire), loss(&mut scene, School::Physical)];
    // The spread of 5 % either way leaves a factor of 1.8 to 2.2, and one of 0.9 to 1.1.
    assert!((18..=22).contains(&(strong[0] * 10 / plain[0])), "{plain:?} {strong:?}");
    assert!((90..=111).contains(&(strong[1] * 100 / plain[1])), "{plain:?} {strong:?}");
}

#[test]
fn whoever_has_a_part_of_life_and_mana_keeps_it_when_the_data_changes() {
    let mut scene = TestScene::flat();
    let fighter = scene.player_at(0.0, 0.0);
    let entity = scene.entity(fighter);
    let hurt = (Vitals { hp: 200, hp_max: 500, dead: false }, Mana { mp: 10, mp_max: 100 });
    scene.scene.world_mut().entity_mut(entity).insert(hurt);
    reload(
        &mut scene,
        "\"hp_max\": Flat(500), \"mana_max\": Flat(100)",
        "\"hp_max\": Flat(1000), \"mana_max\": Flat(50)",
    );
    scene.tick();
    let logged: Vec<HealthChanged> = told(&scene);
    assert_eq!(logged.iter().map(|entry| (entry.amount, entry.kind)).collect::<Vec<_>>(), [(200, HealthKind::Limit)]);
    let (vitals, mana) = (scene.get::<Vitals>(fighter), scene.get::<Mana>(fighter));
    // Time may have healed a little in the same tick.
    assert!(vitals.hp_max == 1_000 && (400..=410).contains(&vitals.hp), "{vitals:?}");
    assert!(mana.mp_max == 50 && (5..=15).contains(&mana.mp), "{mana:?}");
}

#[test]
fn the_exchange_of_data_neither_kills_nor_brings_back() {
    let mut scene = TestScene::flat();
    let (fighter, dead) = (scene.player_at(0.0, 0.0), scene.monster_at("monster/rat", 1.0, 0.0));
    let weak = scene.monster_at("monster/dummy", 8.0, 0.0);
    kill(&mut scene, fighter, dead);
    let entity = scene.entity(weak);
    scene.scene.world_mut().get_mut::<Vitals>(entity).expect("it lives").hp = 1;
    reload(&mut scene, "\"hp_max\": Flat(100000)", "\"hp_max\": Flat(10)");
    scene.tick();
    assert_eq!((hp(&scene, weak), scene.get::<Vitals>(weak).hp_max), (1, 10));
    assert_eq!((hp(&scene, dead), scene.get::<Vitals>(dead).dead), (0, true));
}
