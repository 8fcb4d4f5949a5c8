//! Equipment in a scene: what is worn counts, is seen, travels, and can be used.

use sim::assets::AttributeId;
use sim::features::combat::{Attributes, Vitals};
use sim::features::equipment::{
    EquipCommand, EquipSlot, Equipment, Gear, Outfit, UnequipCommand, UseFrom, UseItemCommand,
};
use sim::features::loot::{Bag, Piece, Stack, Thing};
use sim::features::skills::Mana;
use sim::ids::{PlayerId, SimId};
use sim::input::{Players, SceneInput, SceneOutput};
use sim::intent::CastTarget;
use sim::testing::{TestScene, test_assets};

use crate::combat::{MORE, cast, hp, kill, refusals, skill};

const ITEMS: [(&str, &str); 3] = [
    (
        "effects/wear.ron",
        r#"[(id: "effect/glow", polarity: Helpful, duration: Infinite, modifiers: [(attr: "attack", op: Flat(3))])]"#,
    ),
    (
        "items/wear.ron",
        r#"[
        (id: "item/axe", equip: (slot: MainHand, weapon: 12, modifiers: [(attr: "attack", op: Flat(10))],
                                 skills: ["skill/hush"])),
        (id: "item/helm", set: "set/iron", equip: (slot: Head, modifiers: [
            (attr: "armor", op: Flat(5)), (attr: "hp_max", op: Flat(100)),
        ])),
        (id: "item/plate", set: "set/iron", equip: (slot: Chest, modifiers: [(attr: "armor", op: Flat(9))])),
        (id: "item/ring", equip: (slot: Ring, effects: ["effect/glow"])),
        (id: "item/draught", stack_max: 5, on_use: (skill: "skill/mend", cooldown: (group: "potion", ms: 2_000))),
        (id: "item/wand", on_use: (skill: "skill/mend", uses: Charges(2))),
    ]"#,
    ),
    ("sets/wear.ron", r#"[(id: "set/iron", bonuses: [(pieces: 2, modifiers: [(attr: "armor", op: Flat(100))])])]"#),
];

/// A player with these things in the first slots of the bag.
fn with(names: &[(&str, u32)]) -> (TestScene, SimId) {
    let texts: Vec<_> = MORE.iter().chain(&ITEMS).copied().collect();
    let mut scene = TestScene::of(&test_assets(&texts), "scene/flat", 1, |_| {});
    let who = scene.player_at(0.0, 0.0);
    scene.tick();
    let assets = scene.config.assets.clone();
    let entity = scene.entity(who);
    let mut bag = scene.scene.world_mut().get_mut::<Bag>(entity).unwrap();
    for (serial, &(name, count)) in (1..).zip(names) {
        let item = assets.items.by_name(name).unwrap();
        let def = &assets.items[item];
        let piece = Piece { serial, charges: def.charges(), ..Piece::default() };
        let piece = def.is_piece().then(|| Box::new(piece));
        assert_eq!(bag.put(Stack { piece, ..Stack::plain(item, count) }, def, false), 0);
    }
    (scene, who)
}

fn equip(scene: &mut TestScene, who: SimId, from: u8) {
    scene.command(who, &EquipCommand { from, to: None });
    scene.tick();
}

fn attribute(scene: &TestScene, who: SimId, attribute: AttributeId) -> i32 {
    scene.get::<Attributes>(who).current(attribute)
}

#[test]
fn what_is_worn_counts_and_no_longer_once_it_is_taken_off() {
    let (mut scene, who) = with(&[("item/axe", 1), ("item/helm", 1), ("item/plate", 1)]);
    let before = (attribute(&scene, who, AttributeId::ATTACK), attribute(&scene, who, AttributeId::ARMOR));
    (0..3).for_each(|slot| equip(&mut scene, who, slot));
    assert!(refusals(&scene).is_empty());
    let worn = (attribute(&scene, who, AttributeId::ATTACK), attribute(&scene, who, AttributeId::ARMOR));
    assert_eq!(worn, (before.0 + 10, before.1 + 5 + 9 + 100), "the set counts from two");
    assert_eq!(attribute(&scene, who, AttributeId::WEAPON), 12);
    for from in [EquipSlot::Head, EquipSlot::MainHand] {
        scene.command(who, &UnequipCommand { from, to: None });
    }
    scene.tick();
    let worn = (attribute(&scene, who, AttributeId::ATTACK), attribute(&scene, who, AttributeId::ARMOR));
    assert_eq!(worn, (before.0, before.1 + 9));
}

#[test]
fn others_see_what_is_visible() {
    let (mut scene, who) = with(&[("item/axe", 1), ("item/ring", 1)]);
    equip(&mut scene, who, 0);
    equip(&mut scene, who, 1);
    let axe = scene.config.assets.items.by_name("item/axe").unwrap();
    assert_eq!(*scene.get::<Outfit>(who), Outfit(vec![(EquipSlot::MainHand, axe)]));
    assert_eq!(scene.get::<Equipment>(who).iter().count(), 2);
}

#[test]
fn a_skill_of_an_item_is_known_as_long_as_it_is_worn() {
    let (mut scene, who) = with(&[("item/axe", 1)]);
    let dummy = scene.monster_at("monster/dummy", 2.0, 0.0);
    scene.tick();
    cast(&mut scene, who, "skill/hush", CastTarget::Unit(dummy));
    assert_eq!(refusals(&scene), ["unknown_skill"]);
    equip(&mut scene, who, 0);
    cast(&mut scene, who, "skill/hush", CastTarget::Unit(dummy));
    assert!(refusals(&scene).is_empty());
    assert_eq!(scene.get::<Gear>(who).skills, [skill(&scene, "skill/hush")]);
}

#[test]
fn an_effect_of_an_item_lasts_as_long_as_it_is_worn_and_outlasts_death() {
    let (mut scene, who) = with(&[("item/ring", 1)]);
    let bare = attribute(&scene, who, AttributeId::ATTACK);
    equip(&mut scene, who, 0);
    assert_eq!(attribute(&scene, who, AttributeId::ATTACK), bare + 3);
    let dummy = scene.monster_at("monster/dummy", 30.0, 0.0);
    kill(&mut scene, dummy, who);
    // The dead return after 10 s.
    scene.ticks(10 * 20 + 5);
    assert!(!scene.get::<Vitals>(who).is_dead());
    assert_eq!(attribute(&scene, who, AttributeId::ATTACK), bare + 3, "again after death");
    scene.ticks(200);
    scene.command(who, &UnequipCommand { from: EquipSlot::FirstRing, to: None });
    scene.ticks(2);
    assert!(refusals(&scene).is_empty());
    assert_eq!(attribute(&scene, who, AttributeId::ATTACK), bare);
}

#[test]
fn in_a_fight_hands_may_change_and_armour_may_not() {
    let (mut scene, who) = with(&[("item/axe", 1), ("item/helm", 1)]);
    let dummy = scene.monster_at("monster/dummy", 2.0, 0.0);
    scene.tick();
    cast(&mut scene, who, "skill/strike", CastTarget::Unit(dummy));
    equip(&mut scene, who, 1);
    assert_eq!(refusals(&scene), ["fighting"]);
    equip(&mut scene, who, 0);
    assert!(refusals(&scene).is_empty());
    kill(&mut scene, dummy, who);
    equip(&mut scene, who, 1);
    assert_eq!(refusals(&scene), ["dead"]);
}

#[test]
fn what_is_worn_travels_and_counts_at_once() {
    let (mut scene, who) = with(&[("item/helm", 1)]);
    equip(&mut scene, who, 0);
    cast(&mut scene, who, "skill/mend", CastTarget::Unit(who));
    let vitals = *scene.get::<Vitals>(who);
    assert!(vitals.hp > 500 && vitals.hp_max == 600, "{vitals:?}");
    let (armor, worn) = (attribute(&scene, who, AttributeId::ARMOR), scene.get::<Equipment>(who).clone());
    let player = scene.player_of(who).0;
    scene.scene.push(SceneInput::Leave { player });
    scene.tick();
    let Some(SceneOutput::Departed { character, .. }) = scene.scene.take_outputs().pop() else { panic!("it left") };
    scene.scene.push(SceneInput::Join { player, character, spawn_point: None });
    scene.tick();
    let (again, _) = scene.scene.world().resource::<Players>().0[&PlayerId(player)];
    assert_eq!(*scene.get::<Equipment>(again), worn);
    assert_eq!(attribute(&scene, again, AttributeId::ARMOR), armor);
    assert_eq!(*scene.get::<Vitals>(again), vitals, "hit points above the bare maximum are kept");
}

fn use_it(scene: &mut TestScene, who: SimId, slot: u8) {
    scene.command(who, &UseItemCommand { from: UseFrom::Bag(slot), target: CastTarget::Unit(who) });
    scene.tick();
}

#[test]
fn a_thing_is_spent_when_its_skill_takes_effect_and_its_group_waits() {
    let (mut scene, who) = with(&[("item/draught", 3)]);
    let dummy = scene.monster_at("monster/dummy", 2.0, 0.0);
    crate::combat::strike(
        &mut scene,
        dummy,
        who,
        sim::features::combat::EffectAction::Damage {
            formula: None,
            school: sim::assets::School::Physical,
            coef: 100_000,
        },
    );
    scene.tick();
    let hurt = hp(&scene, who);
    use_it(&mut scene, who, 0);
    assert!(refusals(&scene).is_empty() && hp(&scene, who) > hurt);
    let left = |scene: &TestScene| scene.get::<Bag>(who).thing(0).map(Thing::count);
    assert_eq!(left(&scene), Some(2));
    scene.ticks(25);
    use_it(&mut scene, who, 0);
    assert_eq!((refusals(&scene), left(&scene)), (vec!["cooldown"], Some(2)), "the potions wait, the skill would not");
    scene.ticks(20);
    use_it(&mut scene, who, 0);
    assert_eq!((refusals(&scene), left(&scene)), (vec![], Some(1)));
}

#[test]
fn what_comes_to_nothing_costs_nothing() {
    let (mut scene, who) = with(&[("item/draught", 3), ("item/axe", 1)]);
    let entity = scene.entity(who);
    let mut mana = scene.scene.world_mut().get_mut::<Mana>(entity).unwrap();
    mana.mp = 0;
    use_it(&mut scene, who, 0);
    assert_eq!(scene.get::<Bag>(who).thing(0).map(Thing::count), Some(3), "no mana for the skill");
    use_it(&mut scene, who, 1);
    assert_eq!(refusals(&scene), ["not_usable"]);
    use_it(&mut scene, who, 9);
    assert_eq!(refusals(&scene), ["no_item"]);
}

#[test]
fn without_charges_a_piece_is_gone() {
    let (mut scene, who) = with(&[("item/wand", 1)]);
    use_it(&mut scene, who, 0);
    let charges = scene.get::<Bag>(who).stack(0).unwrap().piece.as_ref().unwrap().charges;
    assert_eq!(charges, 1);
    scene.ticks(25);
    use_it(&mut scene, who, 0);
    assert_eq!(scene.get::<Bag>(who).thing(0), None);
}
