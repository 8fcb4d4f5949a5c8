//! The steps of a blow against worked examples, and the laws that hold for every blow.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;

use super::*;
use crate::actor::Faction;
use crate::assets::Assets;
use crate::ids::SimId;
use crate::random::{Random, Stream};
use crate::testing::test_assets;

static ASSETS: LazyLock<Arc<Assets>> = LazyLock::new(|| test_assets(&[]));

fn profile(name: &str) -> CombatDef {
    let assets = &ASSETS;
    assets.combat[assets.combat.by_name(name).expect("it is built in")].clone()
}

/// Numbers of someone of whom only these are said.
fn numbers(said: &[(AttributeId, i32)]) -> Arc<[i32]> {
    let mut values = ASSETS.attributes.bases().to_vec();
    said.iter().for_each(|&(attribute, value)| values[attribute.index()] = value);
    values.into()
}

fn worth(said: &[(AttributeId, i32)], level: u16) -> Worth {
    Worth {
        attributes: numbers(said),
        level,
        qualified: Default::default(),
        faction: Faction::PLAYERS,
        cause: Default::default(),
    }
}

fn melee<'a>(worth: &'a Worth, target: &'a [i32], points: u64) -> Blow<'a> {
    let (kind, school, target_level) = (AttackKind::Melee, School::Physical, 1);
    let done_bp = worth.of(AttributeId::DAMAGE_DONE_BP);
    let taken_bp = target[AttributeId::DAMAGE_TAKEN_BP.index()];
    Blow { kind, school, raw_milli: points * 1_000, worth, target, done_bp, taken_bp, target_level, pvp: false }
}

#[test]
fn damage_is_what_the_seeds_formula_says() {
    let (seed, attacker) = (profile("combat/seed"), worth(&[(AttributeId::CRIT_DAMAGE_BP, 15_000)], 1));
    let hit = |points: u64, armor, crit, part_bp| {
        let target = numbers(&[(AttributeId::ARMOR, armor)]);
        let outcome = if crit { Outcome::Crit } else { Outcome::Hit };
        melee(&attacker, &target, points).damage(&seed, Roll { outcome, part_bp, glance_bp: 10_000 }).0
    };
    // Armor 100 halves 150; 150 x 100/150 = 100, critical 150; 75 x 1.5 = 112.5 rounds up.
    assert_eq!((hit(150, 100, false, 10_000), hit(150, 50, true, 10_000), hit(150, 100, true, 10_000)), (75, 150, 113));
    // 75 x 0.95 = 71.25 and 75 x 1.05 = 78.75.
    assert_eq!((hit(150, 100, false, 9_500), hit(150, 100, false, 10_500)), (71, 79));
    // No armor keeps nothing off; a great one leaves at least 1.
    assert_eq!((hit(100, 0, false, 10_000), hit(1, 100_000, false, 9_500)), (100, 1));
}

#[test]
fn healing_knows_no_armor_and_adds_what_both_say() {
    let seed = profile("combat/seed");
    let (healer, target) = (worth(&[(AttributeId::HEALING_DONE_BP, 12_000)], 1), numbers(&[(AttributeId::ARMOR, 900)]));
    let blow = Blow {
        kind: AttackKind::Heal,
        done_bp: healer.of(AttributeId::HEALING_DONE_BP),
        ..melee(&healer, &target, 100)
    };
    assert_eq!(blow.healing(&seed, Roll::PLAIN, false), 120);
    assert_eq!(blow.healing(&seed, Roll { part_bp: 9_500, ..Roll::PLAIN }, false), 114);
}

#[test]
fn resistance_counts_for_its_school_alone_and_never_takes_all() {
    let (seed, attacker) = (profile("combat/seed"), worth(&[], 1));
    let target = numbers(&[(AttributeId::RESIST_FIRE_BP, 10_000), (AttributeId::RESIST_FROST_BP, 2_500)]);
    let of = |school| Blow { school, ..melee(&attacker, &target, 100) }.damage(&seed, Roll::PLAIN).0;
    assert_eq!((of(School::Fire), of(School::Frost), of(School::Physical)), (5, 75, 100));
}

#[test]
fn what_is_done_and_what_is_taken_multiply() {
    let (seed, attacker) = (profile("combat/seed"), worth(&[(AttributeId::DAMAGE_DONE_BP, 11_000)], 1));
    let target = numbers(&[(AttributeId::DAMAGE_TAKEN_BP, 5_000)]);
    assert_eq!(melee(&attacker, &target, 100).damage(&seed, Roll::PLAIN), (55, 0));
}

#[test]
fn the_published_table_comes_out_of_a_profile() {
    let table = profile("combat/table");
    let attacker = worth(&[(AttributeId::CRIT_BP, 4_000)], 1);
    let target = numbers(&[(AttributeId::DODGE_BP, 650), (AttributeId::PARRY_BP, 1_400), (AttributeId::BLOCK_BP, 650)]);
    let mut rules = table.melee.clone();
    for row in &mut rules.table {
        row.base_bp = match row.row {
            RowKind::Miss => 2_700,
            RowKind::Glance => 2_400,
            _ => row.base_bp,
        };
    }
    let laid_out = melee(&attacker, &target, 100).table(&rules);
    assert_eq!((laid_out.chance_bp(Outcome::Crit), laid_out.chance_bp(Outcome::Hit)), (2_200, 0));
}

#[test]
fn levels_make_one_miss_more_and_hit_weaker() {
    let (table, attacker, target) = (profile("combat/table"), worth(&[], 10), numbers(&[]));
    let at = |target_level| Blow { target_level, ..melee(&attacker, &target, 100) };
    let miss = |target_level| at(target_level).table(&table.melee).chance_bp(Outcome::Miss);
    assert_eq!((miss(10), miss(13), miss(3)), (500, 800, 0));
    let damage = |target_level| at(target_level).damage(&table, Roll::PLAIN).0;
    assert_eq!((damage(10), damage(13), damage(5), damage(60)), (100, 94, 110, 80));
}

#[test]
fn a_block_keeps_off_its_part_and_then_its_points_and_may_leave_nothing() {
    let (table, attacker) = (profile("combat/table"), worth(&[], 1));
    let target = numbers(&[(AttributeId::BLOCK_AMOUNT, 20)]);
    let roll = Roll { outcome: Outcome::Block, ..Roll::PLAIN };
    assert_eq!(melee(&attacker, &target, 100).damage(&table, roll), (50, 50));
    assert_eq!(melee(&attacker, &target, 20).damage(&table, roll), (0, 20));
}

#[test]
fn what_is_avoided_does_nothing_and_a_glance_a_part() {
    let (table, attacker, target) = (profile("combat/table"), worth(&[], 1), numbers(&[]));
    for outcome in [Outcome::Miss, Outcome::Dodge, Outcome::Parry] {
        assert_eq!(melee(&attacker, &target, 100).damage(&table, Roll { outcome, ..Roll::PLAIN }), (0, 0));
    }
    let glance = Roll { outcome: Outcome::Glance, glance_bp: 7_000, ..Roll::PLAIN };
    assert_eq!(melee(&attacker, &target, 100).damage(&table, glance), (70, 0));
}

#[test]
fn critical_hits_of_the_seed_come_as_often_as_promised() {
    let (seed, target, random) = (profile("combat/seed"), numbers(&[]), Random::new(11));
    let attacker = worth(&[(AttributeId::CRIT_BP, 2_500)], 1);
    let blow = melee(&attacker, &target, 100);
    let rolls: Vec<Roll> = (0..20_000)
        .map(|tick| blow.roll(&seed, None, &mut random.draw(tick, SimId::new(1, 0), Stream("test"), 0)))
        .collect();
    assert_eq!(rolls.iter().map(|roll| roll.part_bp).min(), Some(9_500));
    assert_eq!(rolls.iter().map(|roll| roll.part_bp).max(), Some(10_500));
    let crits = rolls.iter().filter(|roll| roll.outcome == Outcome::Crit).count();
    assert!((4_800..5_200).contains(&crits), "{crits}");
}

proptest! {
    #[test]
    fn more_armor_never_hurts_more_and_nothing_overflows(
        raw_milli in any::<u64>(), armor in any::<i32>(), more in 0..1_000_000_i32, bp in any::<i32>(),
    ) {
        let (seed, attacker) = (profile("combat/seed"), worth(&[(AttributeId::DAMAGE_DONE_BP, bp)], 1));
        let damage = |armor| {
            let target = numbers(&[(AttributeId::ARMOR, armor), (AttributeId::DAMAGE_TAKEN_BP, i32::MAX)]);
            Blow { raw_milli, ..melee(&attacker, &target, 0) }.damage(&seed, Roll::PLAIN).0
        };
        prop_assert!(damage(armor.saturating_add(more)) <= damage(armor));
    }
}
