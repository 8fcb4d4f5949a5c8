//! Rolls agree with the rules and, over many, with the expectation that is computed from the table.

use std::sync::{Arc, LazyLock};

use super::super::LootHistory;
use super::*;
use crate::assets::LootCase;
use crate::ids::SimId;
use crate::random::{Random, Stream};
use crate::testing::test_assets;

static DATA: LazyLock<Arc<Assets>> = LazyLock::new(|| {
    test_assets(&[
        (
            "items/rolls.ron",
            r#"[
                (id: "item/coin", stack_max: 100, value: 1),
                (id: "item/gem", stack_max: 10, value: 50),
                (id: "item/crown", value: 1000),
                (id: "item/blade", value: 200, equip: (slot: MainHand),
                 random: (pick: (1, 2), of: [
                     (attr: "attack", range: (5, 9)),
                     (attr: "armor", op: Increased, range: (100, 300)),
                     (attr: "haste", range: (-4, -4), weight: 8),
                 ])),
            ]"#,
        ),
        (
            "loots/rolls.ron",
            r#"[
                (id: "loot/hoard", gold: (10, 30),
                 rows: [
                     (drop: Item("item/coin"), chance_bp: 6_000, count: (2, 6)),
                     (drop: Table("loot/gems"), chance_bp: 5_000, count: (1, 3)),
                     (drop: Item("item/crown"), chance_bp: 100, pity: Guarantee(misses: 20)),
                     (drop: Item("item/blade"), when: [MonsterLevel(50, 60)]),
                     (drop: Gold, chance_bp: 1_000, count: (100, 200)),
                 ],
                 groups: [(chance_bp: 8_000, times: (1, 2), rows: [
                     (drop: Item("item/blade"), share: Chance(1_500)),
                     (drop: Item("item/coin"), share: Weight(3), count: (1, 4)),
                     (drop: Nothing),
                 ])]),
                (id: "loot/gems", rows: [(drop: Item("item/gem"), chance_bp: 4_000, pity: Rising(step_bp: 500))]),
                (id: "loot/quest", rows: [
                    (drop: Item("item/gem")), (drop: Item("item/crown"), personal: true),
                    (drop: Item("item/blade"), when: [Not(PartySize(2, 40)), FirstKill]),
                ]),
                (id: "loot/nested", groups: [(rows: [
                    (drop: Table("loot/layer"), count: (1, 3)), (drop: Nothing),
                ])]),
                (id: "loot/layer", rows: [(drop: Table("loot/core"))]),
                (id: "loot/core", rows: [
                    (drop: Item("item/coin")), (drop: Item("item/gem"), personal: true),
                    (drop: Item("item/crown"), personal: true, chance_bp: 5_000),
                ]),
                (id: "loot/errand", rows: [(drop: Item("item/coin"), when: [Not(Carries("item/coin", 3))])]),
            ]"#,
        ),
    ])
});

fn item(name: &str) -> Id<ItemDef> {
    DATA.items.by_name(name).unwrap()
}

fn table(name: &str) -> &'static LootDef {
    &DATA.loots[DATA.loots.by_name(name).unwrap()]
}

fn roll(name: &str, part: Part, case: Case<'_>, history: &mut LootHistory, tick: u32) -> Found {
    let (found, fortune) = {
        let draw = Random::new(5).draw(tick, SimId::new(1, 0), Stream("test"), 0);
        let fortune = Fortune::of([&*history]);
        let mut roller = Roller { assets: &DATA, case, fortune, draw, found: Found::default(), personal: Vec::new() };
        roller.table(table(name), part);
        (roller.found, roller.fortune.settled())
    };
    history.take_in(&fortune);
    found
}

/// What two who loot together find together, and what each of them finds besides.
fn roll_for_two(name: &str, case: &Case<'_>, tick: u32) -> (Found, [Found; 2]) {
    let draw = |salt| Random::new(5).draw(tick, SimId::new(1, 0), Stream("test"), salt);
    let roller = |salt| Roller {
        assets: &DATA,
        case: case.clone(),
        fortune: Fortune::default(),
        draw: draw(salt),
        found: Found::default(),
        personal: Vec::new(),
    };
    let mut shared = roller(0);
    shared.table(table(name), Part::Shared);
    let each = [1, 2].map(|salt| {
        let mut own = roller(salt);
        own.personal_rows(&shared.personal);
        own.found
    });
    (shared.found, each)
}

fn names(found: &Found) -> Vec<&'static str> {
    found.items.iter().map(|&(item, _)| DATA.items[item].id.as_str()).collect()
}

#[test]
fn many_rolls_agree_with_the_expectation_of_the_table() {
    const ROLLS: u32 = 100_000;
    let case = Case { monster_level: 5, party_size: 1, ..Case::default() };
    let expected = DATA.expect_loot(
        DATA.loots.by_name("loot/hoard").unwrap(),
        &LootCase { monster_level: 5, party_size: 1, ..LootCase::default() },
    );
    let mut history = LootHistory::default();
    let (mut gold, mut gold_squares) = (0.0, 0.0);
    // Per item: how many in all, the sum of squares, rolls with at least one.
    let mut seen = std::collections::BTreeMap::<Id<ItemDef>, (f64, f64, f64)>::new();
    for tick in 0..ROLLS {
        let found = roll("loot/hoard", Part::All, case.clone(), &mut history, tick);
        gold += f64::from(found.gold);
        gold_squares += f64::from(found.gold).powi(2);
        for (item, count) in found.items {
            let sums = seen.entry(item).or_default();
            sums.0 += f64::from(count);
            sums.1 += f64::from(count).powi(2);
            sums.2 += 1.0;
        }
    }
    let rolls = f64::from(ROLLS);
    // Four standard errors: one in 16,000 would fail by chance, and the seed is fixed.
    let agrees = |what: &str, sum: f64, squares: f64, expected: f64| {
        let mean = sum / rolls;
        let error = ((squares / rolls - mean * mean) / rolls).sqrt();
        assert!((mean - expected).abs() <= 4.0 * error, "{what}: {mean} beside {expected}, error {error}");
    };
    agrees("gold", gold, gold_squares, expected.gold);
    assert_eq!(seen.len(), expected.items.len());
    for of in &expected.items {
        let (count, squares, with) = seen[&of.item];
        let name = &DATA.items[of.item].id;
        agrees(name, count, squares, of.count_with_pity);
        if name != "item/gem" {
            // Gems are rolled up to three times a roll, and misses within one are not independent.
            agrees(name, with, with, of.probability_with_pity);
        }
    }
}

#[test]
fn the_figures_of_a_small_table_are_those_of_a_pocket_calculator() {
    let gems = DATA.loots.by_name("loot/gems").unwrap();
    let gem = DATA.expect_loot(gems, &LootCase::default()).items[0];
    assert!((gem.probability - 0.4).abs() < 1e-12 && (gem.value - 20.0).abs() < 1e-12);
    // 0.4, then 0.6 x 0.45, ...: on average 1 + 0.6 + 0.6 x 0.55 + 0.6 x 0.55 x 0.5 + ... rolls.
    let (mut rolls, mut left, mut chance) = (0.0, 1.0, 0.4);
    while left > 1e-15 {
        rolls += left;
        left *= 1.0 - f64::min(chance, 1.0);
        chance += 0.05;
    }
    assert!((gem.count_with_pity - 1.0 / rolls).abs() < 1e-12);
    let crown = DATA.expect_loot(DATA.loots.by_name("loot/hoard").unwrap(), &LootCase::default());
    let crown = crown.items.iter().find(|of| of.item == item("item/crown")).unwrap();
    // Sure after 20 misses: (1 - 0.99^21) / 0.01 rolls on average.
    let rolls = (1.0 - 0.99_f64.powi(21)) / 0.01;
    assert!((crown.count_with_pity - 1.0 / rolls).abs() < 1e-12 && (crown.count - 0.01).abs() < 1e-12);
}

#[test]
fn a_guarantee_comes_true_and_begins_anew() {
    let mut history = LootHistory::default();
    let crown = item("item/crown");
    let mut misses = 0;
    for tick in 0..5_000 {
        let found = roll("loot/hoard", Part::All, Case::default(), &mut history, tick);
        misses = if found.items.iter().any(|&(item, _)| item == crown) { 0 } else { misses + 1 };
        assert!(misses <= 20, "tick {tick}");
        assert_eq!(history.misses(pity_key("loot/hoard", "item/crown")), misses);
    }
}

#[test]
fn conditions_and_parts_choose_the_rows() {
    let found = |part, party_size, first_kill| {
        let case = Case { party_size, first_kill, ..Case::default() };
        names(&roll("loot/quest", part, case, &mut LootHistory::default(), 1))
    };
    assert_eq!(found(Part::All, 1, true), ["item/gem", "item/crown", "item/blade"]);
    assert_eq!(found(Part::All, 1, false), ["item/gem", "item/crown"]);
    assert_eq!(found(Part::Shared, 2, true), ["item/gem"]);
    let (_, each) = roll_for_two("loot/quest", &Case { party_size: 2, ..Case::default() }, 1);
    assert_eq!(each.map(|found| names(&found)), [["item/crown"], ["item/crown"]]);
}

#[test]
fn personal_rows_of_nested_tables_are_rolled_for_each_as_often_as_their_table_comes_up() {
    let mut times = std::collections::BTreeSet::new();
    for tick in 0..500 {
        let (shared, each) = roll_for_two("loot/nested", &Case::default(), tick);
        let count =
            |found: &Found, name| found.items.iter().find(|&&(id, _)| id == item(name)).map_or(0, |&(_, count)| count);
        // Each table comes with a coin for all and a gem and half a crown for everyone.
        let coins = count(&shared, "item/coin");
        assert_eq!((count(&shared, "item/gem"), count(&shared, "item/crown")), (0, 0));
        for own in &each {
            assert_eq!((count(own, "item/coin"), count(own, "item/gem")), (0, coins), "tick {tick}");
            assert!(count(own, "item/crown") <= coins);
        }
        times.insert((coins, each[0] == each[1]));
    }
    // Not at all, once, twice and three times; and what everyone has is luck of its own.
    assert!((0..=3).all(|coins| times.iter().any(|time| time.0 == coins)), "{times:?}");
    assert!(times.iter().any(|&(_, equal)| !equal), "{times:?}");
}

#[test]
fn what_a_quest_asks_for_falls_until_there_is_enough() {
    let enough = &DATA.items[item("item/coin")];
    let mut bag = Bag::default();
    for carried in 0..5 {
        let case = Case { bags: smallvec::smallvec![&bag], ..Case::default() };
        let found = roll("loot/errand", Part::All, case, &mut LootHistory::default(), 1);
        assert_eq!(found.items.len(), usize::from(carried < 3), "with {carried} of three");
        let expected = DATA.expect_loot(
            DATA.loots.by_name("loot/errand").unwrap(),
            &LootCase { carries: vec![("item/coin".into(), carried)], ..LootCase::default() },
        );
        assert_eq!(expected.items.iter().any(|of| of.count > 0.0), carried < 3);
        assert_eq!(bag.put(Stack::plain(item("item/coin"), 1), enough, false), 0);
    }
}

#[test]
fn pieces_are_made_one_by_one_with_rolls_within_their_ranges() {
    let found = Found { gold: 0, items: vec![(item("item/blade"), 300), (item("item/coin"), 7)] };
    let mut draw = Random::new(5).draw(1, SimId::new(1, 0), Stream("pieces"), 0);
    let stacks = found.stacks(&DATA, &mut draw, &mut Mint::of(5));
    assert_eq!((stacks.len(), stacks[300].count), (301, 7));
    let mut serials = std::collections::BTreeSet::new();
    let mut hasty = 0;
    for stack in &stacks[..300] {
        let piece = stack.piece.as_ref().unwrap();
        assert!(stack.count == 1 && serials.insert(piece.serial) && (1..=2).contains(&piece.rolls.len()));
        for roll in &piece.rolls {
            let range = match roll.op {
                crate::assets::RollOp::Increased => 100..=300,
                _ if roll.amount < 0 => -4..=-4,
                _ => 5..=9,
            };
            assert!(range.contains(&roll.amount), "{roll:?}");
            hasty += usize::from(roll.amount == -4);
        }
    }
    assert!(hasty > 200, "the heavy line is picked most: {hasty}");
}
