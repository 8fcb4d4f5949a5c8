//! Bags without a scene: every verb, and that nothing is lost or made whatever is done.

use std::sync::{Arc, LazyLock};

use super::super::{Piece, Relic};
use super::*;
use crate::testing::test_assets;
use proptest::prelude::*;

static DATA: LazyLock<Arc<Assets>> = LazyLock::new(|| {
    test_assets(&[(
        "items/bag.ron",
        r#"[
            (id: "item/coin", stack_max: 10),
            (id: "item/herb", stack_max: 3, bind: OnPickup, quality: Rare),
            (id: "item/idol", unique: true),
            (id: "item/sword", equip: (slot: MainHand)),
        ]"#,
    )])
});

fn item(name: &str) -> Id<ItemDef> {
    DATA.items.by_name(name).unwrap()
}

fn put(bag: &mut Bag, name: &str, count: u32) -> u32 {
    bag.put(Stack::plain(item(name), count), &DATA.items[item(name)], false)
}

fn counts(bag: &Bag) -> Vec<(usize, u32)> {
    bag.things().map(|(slot, thing)| (slot, thing.count())).collect()
}

#[test]
fn begun_stacks_fill_first_and_what_does_not_fit_is_handed_back() {
    let mut bag = Bag::default();
    assert_eq!(put(&mut bag, "item/coin", 7), 0);
    assert_eq!(put(&mut bag, "item/coin", 7), 0);
    assert_eq!(counts(&bag), [(0, 10), (1, 4)]);
    assert_eq!(put(&mut bag, "item/herb", 3 * 38 + 5), 5);
    assert_eq!(put(&mut bag, "item/coin", 9), 3);
    assert_eq!((put(&mut bag, "item/coin", 1), bag.free_slots()), (1, 0));
}

#[test]
fn of_what_is_unique_there_is_one_worn_or_not() {
    let mut bag = Bag::default();
    let idol = Stack::plain(item("item/idol"), 3);
    assert_eq!(bag.room_for(&idol, &DATA.items[idol.item], true), 0);
    assert_eq!(put(&mut bag, "item/idol", 3), 2);
    assert_eq!(put(&mut bag, "item/idol", 1), 1);
}

#[test]
fn what_binds_when_picked_up_is_bound() {
    let mut bag = Bag::default();
    put(&mut bag, "item/herb", 1);
    put(&mut bag, "item/coin", 1);
    assert_eq!(bag.stacks().map(|stack| stack.bound).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn things_are_moved_split_joined_and_exchanged() {
    let mut bag = Bag::default();
    put(&mut bag, "item/coin", 8);
    put(&mut bag, "item/herb", 2);
    assert_eq!(bag.split(0, 5, 3), Ok(()));
    assert_eq!(counts(&bag), [(0, 5), (1, 2), (5, 3)]);
    assert_eq!(bag.shift(5, 0, &DATA), Ok(()), "onto its like");
    assert_eq!(bag.shift(0, 1, &DATA), Ok(()), "in exchange");
    assert_eq!(counts(&bag), [(0, 2), (1, 8)]);
    assert_eq!(bag.split(1, 0, 1), Err(BagRefusal::SlotTaken));
    assert_eq!(bag.split(1, 2, 8), Err(BagRefusal::NoItem), "all of it is no part");
    assert_eq!(bag.shift(9, 0, &DATA), Err(BagRefusal::NoItem));
    assert_eq!(bag.shift(0, 40, &DATA), Err(BagRefusal::NoSlot));
    assert_eq!(bag.destroy(1, 9), Err(BagRefusal::NoItem));
    assert_eq!((bag.destroy(1, 3), bag.destroy(0, 2)), (Ok(()), Ok(())));
    assert_eq!(counts(&bag), [(1, 5)]);
}

#[test]
fn sorted_the_most_precious_comes_first_and_stacks_are_joined() {
    let mut bag = Bag::default();
    put(&mut bag, "item/coin", 10);
    put(&mut bag, "item/herb", 1);
    bag.split(0, 7, 4).unwrap();
    bag.sort(&DATA);
    let sorted: Vec<_> = bag.stacks().map(|stack| (stack.item, stack.count)).collect();
    assert_eq!(sorted, [(item("item/herb"), 1), (item("item/coin"), 10)]);
}

#[test]
fn an_item_that_is_gone_stays_as_a_relic_and_comes_back() {
    let mut bag = Bag::default();
    bag.add_gold(77);
    put(&mut bag, "item/coin", 4);
    let piece = Box::new(Piece { serial: 9, charges: 2, rolls: smallvec::smallvec![] });
    let sword = Stack { piece: Some(piece.clone()), ..Stack::plain(item("item/sword"), 1) };
    bag.lay(Thing::Stack(sword), Some(12)).unwrap();
    let saved = bag.save(0, &DATA);
    let poor = test_assets(&[]);
    let mut without = Bag::load(&saved, 0, &poor).unwrap();
    let relic = Relic { name: "item/sword".into(), count: 1, bound: false, piece: Some(piece) };
    assert_eq!(without.thing(12), Some(&Thing::Relic(relic)));
    assert_eq!(without.stack(12), Err(BagRefusal::Relic));
    without.shift(12, 3, &poor).unwrap();
    let again = Bag::load(&without.save(0, &poor), 0, &DATA).unwrap();
    assert_eq!(again.stack(3).unwrap().piece.as_ref().unwrap().serial, 9);
    assert_eq!((again.gold(), again.count(item("item/coin"))), (77, 4));
}

#[test]
fn a_bag_that_never_held_anything_has_all_its_slots_and_asks_for_no_memory() {
    let mut bag = Bag::default();
    assert_eq!((bag.free_slots(), bag.take(0), bag.slots.capacity()), (SLOTS_MAX, None, 0));
    assert_eq!((bag.stack(0), bag.stack(SLOTS_MAX)), (Err(BagRefusal::NoItem), Err(BagRefusal::NoSlot)));
    assert_eq!(
        (bag.shift(0, 1, &DATA), bag.shift(0, SLOTS_MAX, &DATA)),
        (Err(BagRefusal::NoItem), Err(BagRefusal::NoSlot))
    );
    assert_eq!((bag.destroy(0, 1), bag.destroy(SLOTS_MAX, 1)), (Err(BagRefusal::NoItem), Err(BagRefusal::NoSlot)));
    assert_eq!(Bag::load(&bag.save(0, &DATA), 0, &DATA).as_ref(), Some(&bag));
    put(&mut bag, "item/coin", 3);
    let full = Bag::load(&bag.save(0, &DATA), 0, &DATA).unwrap();
    assert_eq!((&full, counts(&full)), (&bag, vec![(0, 3)]));
    bag.destroy(0, 3).unwrap();
    assert_eq!(bag, Bag::default(), "what was in it is gone");
}

#[test]
fn a_bag_comes_back_from_the_wire_and_an_endless_one_is_refused() {
    let mut bag = Bag::default();
    bag.add_gold(u32::MAX);
    put(&mut bag, "item/coin", 33);
    let mut bytes = Vec::new();
    bag.encode(&mut bytes);
    let seen = Bag::from_wire(&mut Reader::new(&bytes)).unwrap();
    let things: Vec<_> =
        bag.things().map(|(slot, thing)| (u8::try_from(slot).unwrap(), ThingSeen::of(thing))).collect();
    assert_eq!((seen.gold, seen.things), (bag.gold(), things));
    assert_eq!(Bag::from_wire(&mut Reader::new(&bytes[..bytes.len() - 1])), None);
    assert_eq!(Bag::from_wire(&mut Reader::new(&[0, 0, 0, 0, 0, 0, 0, 0, 41])), None);
}

proptest! {
    #[test]
    fn nothing_is_lost_or_made_and_no_stack_is_too_high(
        asked in prop::collection::vec((0_u8..6, 0_usize..42, 0_usize..42, 0_u32..14), 0..200),
    ) {
        let names = ["item/coin", "item/herb", "item/sword"];
        let (mut bag, mut inside) = (Bag::default(), [0_u64; 3]);
        for (verb, from, to, count) in asked {
            match verb {
                0 | 1 => {
                    let kind = to % 3;
                    inside[kind] += u64::from(count - put(&mut bag, names[kind], count));
                }
                2 => { let _refused_or_not = bag.shift(from, to, &DATA); }
                3 => { let _refused_or_not = bag.split(from, to, count); }
                4 => {
                    let kind = bag.stack(from).ok().map(|stack| stack.item);
                    let kind = names.iter().position(|name| Some(item(name)) == kind);
                    if bag.destroy(from, count).is_ok() {
                        inside[kind.unwrap()] -= u64::from(count);
                    }
                }
                _ => bag.sort(&DATA),
            }
            for (name, &count) in names.iter().zip(&inside) {
                prop_assert_eq!(bag.count(item(name)), count);
            }
            prop_assert!(bag.stacks().all(|stack| (1..=DATA.items[stack.item].stack_max).contains(&stack.count)));
        }
    }
}
