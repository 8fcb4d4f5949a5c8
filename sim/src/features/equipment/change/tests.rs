//! Putting on and taking off without a scene, and that nothing is lost or made whatever is done.

use std::sync::{Arc, LazyLock};

use super::super::Gear;
use super::*;
use crate::features::loot::Stack;
use crate::testing::test_assets;
use proptest::prelude::*;

static DATA: LazyLock<Arc<Assets>> = LazyLock::new(|| {
    test_assets(&[
        (
            "items/wear.ron",
            r#"[
                (id: "item/sword", equip: (slot: OneHand, weapon: 10)),
                (id: "item/shield", equip: (slot: OffHand, modifiers: [(attr: "armor", op: Flat(30))])),
                (id: "item/maul", equip: (slot: TwoHand, weapon: 25)),
                (id: "item/ring", bind: OnEquip, equip: (slot: Ring, unique: true)),
                (id: "item/helm", set: "set/iron", equip: (slot: Head, modifiers: [(attr: "armor", op: Flat(5))])),
                (id: "item/plate", set: "set/iron", equip: (slot: Chest, modifiers: [(attr: "armor", op: Flat(9))])),
                (id: "item/tome", level: 10, equip: (slot: OffHand)),
                (id: "item/rock", stack_max: 5),
            ]"#,
        ),
        (
            "sets/wear.ron",
            r#"[(id: "set/iron", bonuses: [(pieces: 2, modifiers: [(attr: "armor", op: Increased(1000))])])]"#,
        ),
    ])
});

const CALM: Wearer = Wearer { class: Id::new(0), level: 1, dead: false, casting: false, fighting: false };

fn bag_of(names: &[&str]) -> Bag {
    let mut bag = Bag::default();
    for name in names {
        let item = DATA.items.by_name(name).unwrap();
        assert_eq!(bag.put(Stack::plain(item, 1), &DATA.items[item], false), 0);
    }
    bag
}

fn name_of(thing: &Thing) -> &'static str {
    DATA.items[thing.stack().unwrap().item].id.strip_prefix("item/").unwrap()
}

fn worn_names(worn: &Equipment) -> Vec<(EquipSlot, &'static str)> {
    worn.iter().map(|(slot, thing)| (slot, name_of(thing))).collect()
}

fn on(bag: &mut Bag, worn: &mut Equipment, from: usize) -> Result<EquipSlot, EquipRefusal> {
    put_on(bag, worn, CALM, from, None, &DATA)
}

#[test]
fn what_fits_two_places_takes_the_free_one_and_then_the_first() {
    let (mut bag, mut worn) = (bag_of(&["item/sword"; 3]), Equipment::default());
    assert_eq!(on(&mut bag, &mut worn, 0), Ok(EquipSlot::MainHand));
    assert_eq!(on(&mut bag, &mut worn, 1), Ok(EquipSlot::OffHand));
    assert_eq!(on(&mut bag, &mut worn, 2), Ok(EquipSlot::MainHand));
    assert_eq!(bag.things().map(|(slot, _)| slot).collect::<Vec<_>>(), [2], "exchanged in place");
}

#[test]
fn something_for_both_hands_and_the_off_hand_displace_each_other() {
    let (mut bag, mut worn) = (bag_of(&["item/sword", "item/shield", "item/maul"]), Equipment::default());
    on(&mut bag, &mut worn, 0).unwrap();
    on(&mut bag, &mut worn, 1).unwrap();
    on(&mut bag, &mut worn, 2).unwrap();
    assert_eq!(worn_names(&worn), [(EquipSlot::MainHand, "maul")]);
    assert_eq!(bag.things().map(|(_, thing)| name_of(thing)).collect::<Vec<_>>(), ["shield", "sword"]);
    on(&mut bag, &mut worn, 0).unwrap();
    assert_eq!(worn_names(&worn), [(EquipSlot::OffHand, "shield")]);
}

#[test]
fn a_full_bag_refuses_what_displaces_two_and_nothing_has_happened() {
    let (mut bag, mut worn) = (bag_of(&["item/sword", "item/shield", "item/maul"]), Equipment::default());
    on(&mut bag, &mut worn, 0).unwrap();
    on(&mut bag, &mut worn, 1).unwrap();
    let rock = DATA.items.by_name("item/rock").unwrap();
    bag.put(Stack::plain(rock, 500), &DATA.items[rock], false);
    assert_eq!(bag.free_slots(), 0);
    let before = (bag.clone(), worn.clone());
    assert_eq!(on(&mut bag, &mut worn, 2), Err(EquipRefusal::Bag(BagRefusal::Full)));
    let off = take_off(&mut bag, &mut worn, CALM, EquipSlot::MainHand, None, &DATA);
    assert_eq!((off, (bag, worn)), (Err(EquipRefusal::Bag(BagRefusal::Full)), before));
}

#[test]
fn every_refusal_has_its_reason() {
    let names = ["item/ring", "item/ring", "item/helm", "item/tome", "item/rock", "item/sword"];
    let (mut bag, mut worn) = (bag_of(&names), Equipment::default());
    on(&mut bag, &mut worn, 0).unwrap();
    assert!(worn.thing(EquipSlot::FirstRing).unwrap().stack().unwrap().bound, "bound by wearing it");
    assert_eq!(on(&mut bag, &mut worn, 1), Err(EquipRefusal::Unique));
    assert_eq!(on(&mut bag, &mut worn, 3), Err(EquipRefusal::Level));
    assert_eq!(on(&mut bag, &mut worn, 4), Err(EquipRefusal::WrongSlot));
    assert_eq!(on(&mut bag, &mut worn, 9), Err(EquipRefusal::Bag(BagRefusal::NoItem)));
    let to = Some(EquipSlot::Feet);
    assert_eq!(put_on(&mut bag, &mut worn, CALM, 2, to, &DATA), Err(EquipRefusal::WrongSlot));
    let fighting = Wearer { fighting: true, ..CALM };
    assert_eq!(put_on(&mut bag, &mut worn, fighting, 2, None, &DATA), Err(EquipRefusal::Fighting));
    assert_eq!(put_on(&mut bag, &mut worn, fighting, 5, None, &DATA), Ok(EquipSlot::MainHand), "hands are free");
    let dead = Wearer { dead: true, ..CALM };
    assert_eq!(put_on(&mut bag, &mut worn, dead, 2, None, &DATA), Err(EquipRefusal::Dead));
}

#[test]
fn gear_is_the_sum_of_what_is_worn_and_sets_count_different_items() {
    let (mut bag, mut worn) = (bag_of(&["item/helm", "item/plate", "item/sword"]), Equipment::default());
    let ops = |worn: &Equipment| Gear::of(worn, &DATA).changes.iter().map(|change| change.op).collect::<Vec<_>>();
    use crate::assets::ModifierOp::{Flat, Increased};
    on(&mut bag, &mut worn, 0).unwrap();
    assert_eq!(ops(&worn), [Flat(5)]);
    on(&mut bag, &mut worn, 1).unwrap();
    on(&mut bag, &mut worn, 2).unwrap();
    assert_eq!(ops(&worn), [Flat(5), Flat(9), Flat(10), Increased(1_000)]);
    take_off(&mut bag, &mut worn, CALM, EquipSlot::Head, None, &DATA).unwrap();
    assert_eq!(ops(&worn), [Flat(9), Flat(10)]);
}

proptest! {
    #[test]
    fn nothing_is_lost_or_made_whatever_is_put_on_and_taken_off(
        asked in prop::collection::vec((any::<bool>(), 0_usize..12, 0_u8..20, 0_u32..3), 0..150),
        filler in 0_u32..170,
    ) {
        let names = ["item/sword", "item/sword", "item/shield", "item/maul", "item/ring", "item/helm", "item/plate"];
        let (mut bag, mut worn) = (bag_of(&names), Equipment::default());
        let rock = DATA.items.by_name("item/rock").unwrap();
        bag.put(Stack::plain(rock, filler), &DATA.items[rock], false);
        let all = |bag: &Bag, worn: &Equipment| {
            let things = bag.things().map(|(_, thing)| thing).chain(worn.iter().map(|(_, thing)| thing));
            let mut all: Vec<_> = things.map(|thing| (name_of(thing), thing.count())).collect();
            all.sort_unstable();
            all
        };
        let before = all(&bag, &worn);
        for (puts_on, slot, place, state) in asked {
            let wearer = Wearer { fighting: state == 2, ..CALM };
            let place = EquipSlot::from_byte(place);
            let _refused_or_not = match (puts_on, place) {
                (false, Some(place)) => take_off(&mut bag, &mut worn, wearer, place, Some(slot), &DATA),
                _ => put_on(&mut bag, &mut worn, wearer, slot, place, &DATA).map(drop),
            };
            prop_assert_eq!(all(&bag, &worn), before.clone());
            let main = worn.thing(EquipSlot::MainHand).map(name_of);
            prop_assert!(main != Some("maul") || worn.thing(EquipSlot::OffHand).is_none());
            for (slot, thing) in worn.iter() {
                let kind = DATA.items[thing.stack().unwrap().item].equip.as_ref().unwrap().slot;
                prop_assert!(EquipSlot::of_kind(kind).contains(&slot));
            }
        }
    }
}
